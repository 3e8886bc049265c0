//! What the programs print, and how they end.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
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

/// The path as text for a terminal. A path is bytes like a message: it need not be UTF-8.
pub fn name(path: &Path) -> String {
    printable(path.as_os_str().as_bytes())
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

/// The exit status: 0 done, 1 the system said no, 2 the command line was wrong.
pub fn exit_code(result: io::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    complain(&error);
    if let Some(hint) = hint(error.kind()) {
        let _ = writeln!(io::stderr(), "hint: {hint}");
    }
    match error.kind() {
        ErrorKind::InvalidInput => ExitCode::from(2),
        _ => ExitCode::from(1),
    }
}

/// What to do about the classic failures.
fn hint(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::AddrInUse => {
            Some("a running program has this path; end it or take another")
        }
        ErrorKind::AlreadyExists => {
            Some("that is no socket, so it stays; take another path")
        }
        ErrorKind::ConnectionRefused => {
            Some("there is a file, but nobody listens; start the server")
        }
        ErrorKind::InvalidInput => {
            Some("a socket's path has at most 107 bytes; cd nearer to it")
        }
        ErrorKind::NotFound => {
            Some("a server makes the file at its start, never the folder")
        }
        ErrorKind::PermissionDenied => {
            Some("connecting needs w on the file, listening w on the folder")
        }
        _ => None,
    }
}
