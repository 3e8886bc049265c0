//! The names of services. The standard library does not know them; the system keeps a list.

use std::fs;
use std::io::{self, ErrorKind};

use crate::output::{bad_usage, say, tried};

/// The port that is meant: a number, or the name of a service.
///
/// # Errors
/// It is neither, or nothing can be printed.
// ANCHOR: port
pub fn port(text: &str) -> io::Result<u16> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    if let Some(number) = in_list(&list_of_the_system()?, text) {
        say(format_args!("{text} is port {number}, says {LIST}"))?;
        return Ok(number);
    }
    if let Some((_, number)) = WELL_KNOWN.iter().find(|(name, _)| *name == text) {
        say(format_args!("{text} is port {number}, as everybody knows"))?;
        return Ok(*number);
    }
    Err(bad_usage(format_args!("{text} is neither a port (0 to 65535) nor a service")))
}
// ANCHOR_END: port

const LIST: &str = "/etc/services";

/// What this course needs on a machine without the list.
const WELL_KNOWN: [(&str, u16); 2] = [("http", 80), ("telnet", 23)];

/// The system's list, which is empty when there is none: many small systems leave it out.
fn list_of_the_system() -> io::Result<String> {
    match fs::read(LIST) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(tried(format_args!("read {LIST}"))(error)),
    }
}

/// Looks for a TCP service. A line is `NAME PORT/PROTOCOL OTHER-NAMES... # REMARK`.
// ANCHOR: list
fn in_list(list: &str, wanted: &str) -> Option<u16> {
    for line in list.lines() {
        let without_remark = line.split('#').next()?;
        let mut words = without_remark.split_whitespace();
        let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
        let Some(number) = port.strip_suffix("/tcp") else { continue };
        if name == wanted || words.any(|other| other == wanted) {
            return number.parse().ok();
        }
    }
    None
}
// ANCHOR_END: list

#[cfg(test)]
mod tests {
    use super::in_list;

    const LIST: &str = "\
# a remark
telnet\t\t23/tcp
domain  53/tcp
domain\t53/udp
tftp    69/udp
http    80/tcp   www  # WorldWideWeb
odd
large   70000/tcp

last 1/tcp";

    #[test]
    fn names_and_other_names_are_found() {
        assert_eq!(in_list(LIST, "telnet"), Some(23));
        assert_eq!(in_list(LIST, "http"), Some(80));
        assert_eq!(in_list(LIST, "www"), Some(80));
        assert_eq!(in_list(LIST, "last"), Some(1));
    }

    #[test]
    fn what_is_no_tcp_service_is_not_found() {
        for name in ["tftp", "odd", "large", "WorldWideWeb", "#", "", "80/tcp", "a"] {
            assert_eq!(in_list(LIST, name), None, "{name}");
        }
        assert_eq!(in_list("", "http"), None);
    }
}
