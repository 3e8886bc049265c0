//! What the programs print, and how they end.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Prints one event. Unlike `println!` it does not panic when nobody reads any more
/// (`ping 127.0.0.1 | head -1`); a ping that nobody reads should end.
///
/// # Errors
/// Nobody reads any more.
pub fn say(event: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{event}").map_err(tried("print"))
}

/// Prints one line about what went wrong. It goes to stderr, apart from the events.
pub fn complain(problem: impl Display) {
    let _ = writeln!(io::stderr(), "error: {problem}");
}

/// Prints one line about how things stand, apart from the events as well. It begins where the line of
/// the terminal begins, over the `^\` that the key has left there.
pub fn remark(state: impl Display) {
    let _ = writeln!(io::stderr(), "\r{state}");
}

/// Bytes as people write them down: `45 00 00 54`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Microseconds as milliseconds, for people: three digits where that makes sense.
pub fn milliseconds(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => thousandths(microseconds),
        1_000..9_995 => {
            let hundredths = (microseconds + 5) / 10;
            format!("{}.{:02}", hundredths / 100, hundredths % 100)
        }
        9_995..99_950 => {
            let tenths = (microseconds + 50) / 100;
            format!("{}.{}", tenths / 10, tenths % 10)
        }
        _ => format!("{}", (microseconds + 500) / 1000),
    }
}

/// Microseconds as milliseconds, with all their digits.
pub fn thousandths(microseconds: u64) -> String {
    format!("{}.{:03}", microseconds / 1000, microseconds % 1000)
}

/// Puts what was tried in front of what the system said.
pub fn tried(what: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// The exit status, the same as that of the ping everybody has: 0 at least one answer, 1 none, 2
/// anything else.
pub fn exit_code(result: io::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            complain(&error);
            if error.kind() == ErrorKind::PermissionDenied {
                explain_rights();
            }
            ExitCode::from(2)
        }
    }
}

/// Two ways to be allowed to ping.
fn explain_rights() {
    let program = std::env::current_exe().unwrap_or_else(|_| "target/debug/ping".into());
    let _ = writeln!(
        io::stderr(),
        "hint: give this program the right to raw sockets (again after each build):\n\
         hint:   sudo setcap cap_net_raw+ep {}\n\
         hint: or allow datagram sockets for ICMP, to all groups of users:\n\
         hint:   sudo sysctl net.ipv4.ping_group_range=\"0 2147483647\"",
        program.display()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lose_digits_as_they_grow() {
        for (microseconds, shown) in [
            (0, "0.000"),
            (33, "0.033"),
            (999, "0.999"),
            (1_000, "1.00"),
            (1_234, "1.23"),
            (9_994, "9.99"),
            (9_995, "10.0"),
            (12_345, "12.3"),
            (99_949, "99.9"),
            (99_950, "100"),
            (406_400, "406"),
        ] {
            assert_eq!(milliseconds(microseconds), shown);
        }
    }

    #[test]
    fn halves_are_rounded_up() {
        assert_eq!(milliseconds(1_005), "1.01");
        assert_eq!(milliseconds(1_115), "1.12");
        assert_eq!(milliseconds(10_250), "10.3");
    }
}
