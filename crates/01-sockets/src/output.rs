//! What the programs print, and how they end.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Prints one event. Unlike `println!` it does not panic when nobody reads any more
/// (`table | head -1`).
///
/// # Errors
/// The line cannot be printed: then there is no point in going on.
pub fn say(event: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{event}").map_err(tried("print"))
}

/// The bytes as text for a terminal. What is not printable text appears as an escape such as
/// `\n` or `\x1b`: what comes over a network must not be able to move our cursor.
pub fn printable(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Puts what was tried in front of what the system said. The number of the error stays with it.
pub fn tried(what: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| {
        let hint = hint(&error);
        io::Error::new(error.kind(), format!("{what}: {error}{hint}"))
    }
}

/// The exit status: 0 done, 1 the system said no. (The command line's own errors end with 2.)
pub fn exit_code(result: io::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if error.kind() == ErrorKind::BrokenPipe {
        return ExitCode::SUCCESS; // whoever read our output has seen enough
    }
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(1)
}

/// What to do about the classic failures, as a line of its own.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        // This one has no kind of its own, so its number has to do (EMFILE).
        _ if error.raw_os_error() == Some(24) => {
            "\nhint: close what is not needed any more; `ulimit -n` shows the limit"
        }
        ErrorKind::AddrNotAvailable | ErrorKind::NetworkUnreachable => {
            "\nhint: is the loopback interface up? `ip link show lo` says so"
        }
        _ => "",
    }
}
