//! What the programs print, and how they end.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

/// Prints one event. Unlike `println!` it does not panic when nobody reads any more
/// (`server | head -1`): that is no reason to stop serving.
pub fn say(event: impl Display) {
    let _ = writeln!(io::stdout(), "{event}");
}

/// Prints one line about what went wrong. It goes to stderr, apart from the events.
pub fn complain(problem: impl Display) {
    let _ = writeln!(io::stderr(), "error: {problem}");
}

/// A message and its sender, for one line on the screen.
pub fn described(message: &[u8], sender: SocketAddr) -> String {
    match message.len() {
        0 => format!("0 bytes from {sender}"),
        n => format!("{n} bytes from {sender}: {}", printable(message)),
    }
}

/// The bytes as text for a terminal. What is not printable text appears as an escape such as
/// `\n` or `\x1b`: a peer must not be able to move our cursor or change our colours.
pub fn printable(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(LONGEST_SHOWN)];
    let mut text = String::new();
    for chunk in shown.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '"' | '\'' => text.push(letter),
                _ => text.extend(letter.escape_debug()),
            }
        }
        text.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    if shown.len() < bytes.len() {
        text.push_str("...");
    }
    text
}

/// Of a long message only this many bytes are printed.
const LONGEST_SHOWN: usize = 256;

/// Puts what was tried in front of what the system said.
pub fn tried(what: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// The exit status: 0 done, 1 the network said no, 2 the command line was wrong.
pub fn exit_code(result: io::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    complain(&error);
    if let Some(hint) = hint(&error) {
        let _ = writeln!(io::stderr(), "hint: {hint}");
    }
    match error.kind() {
        ErrorKind::InvalidInput => ExitCode::from(2),
        _ => ExitCode::from(1),
    }
}

/// What to do about the classic failures.
fn hint(error: &io::Error) -> Option<&'static str> {
    let problem = error.to_string();
    match error.kind() {
        ErrorKind::AddrInUse => Some(
            "another program has this port; end it, or take another one with --listen",
        ),
        ErrorKind::AddrNotAvailable => Some("listen on an address that this machine has"),
        ErrorKind::ConnectionRefused => {
            Some("nobody listens there; start the server first")
        }
        ErrorKind::InvalidInput => {
            Some("an address is HOST:PORT, for example 127.0.0.1:7777")
        }
        ErrorKind::PermissionDenied if problem.starts_with("listen") => {
            Some("take a port above 1023")
        }
        ErrorKind::PermissionDenied if problem.starts_with("open a raw socket") => {
            Some("only root may see packets: sudo target/debug/udp-echo packets")
        }
        _ if problem.contains("failed to lookup") => {
            Some("is the name right? an address of IPv6 needs brackets: [::1]:7777")
        }
        ErrorKind::TimedOut => {
            Some("nobody answers there, or the network loses the datagrams")
        }
        _ => None,
    }
}
