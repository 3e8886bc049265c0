//! What the programs print, and how they end.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Prints one line. Unlike `println!` it does not panic when nobody reads any more
/// (`ports | head -1`).
///
/// # Errors
/// The line cannot be printed: then there is no point in going on.
pub fn say(event: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{event}").map_err(tried("print"))
}

/// The bytes as text for a terminal. What is not printable text appears as an escape such as
/// `\n` or `\x1b`: foreign text must not be able to move our cursor.
pub fn printable(bytes: &[u8]) -> String {
    // Quotes are printable, whatever `escape_ascii` thinks of them.
    bytes.escape_ascii().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

/// Puts what was tried in front of what the system said.
pub fn tried(what: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// The command line has a text in it that means nothing.
pub fn bad_usage(problem: impl Display) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, problem.to_string())
}

/// The exit status: 0 done, 1 the network said no, 2 the command line was wrong.
pub fn exit_code(result: io::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if error.kind() == ErrorKind::BrokenPipe {
        return ExitCode::SUCCESS; // whoever read our output has seen enough
    }
    let problem = printable(error.to_string().as_bytes());
    let _ = writeln!(io::stderr(), "error: {problem}");
    if let Some(hint) = hint(&error) {
        let _ = writeln!(io::stderr(), "hint: {hint}");
    }
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::InvalidData => ExitCode::from(2),
        _ => ExitCode::from(1),
    }
}

/// What to do about the classic failures.
fn hint(error: &io::Error) -> Option<&'static str> {
    let problem = error.to_string();
    match error.kind() {
        ErrorKind::AddrInUse => {
            Some("another program has this port; end it, or take another port")
        }
        ErrorKind::AddrNotAvailable => {
            Some("you can only listen at an address that this machine has")
        }
        ErrorKind::ConnectionRefused => Some("nobody listens there"),
        ErrorKind::InvalidInput => {
            Some("an address with a port is 127.0.0.1:8080 or [::1]:8080")
        }
        ErrorKind::PermissionDenied if problem.starts_with("listen") => {
            Some("take a port above 1023")
        }
        _ if problem.starts_with("listen") && problem.contains("lookup") => {
            Some("is the name right? an address of IPv6 needs brackets: [::1]:8080")
        }
        _ => None,
    }
}
