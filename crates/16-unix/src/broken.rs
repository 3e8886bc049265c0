//! Classic mistakes, one at a time. Every server here is wrong on purpose.

use std::fs;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::output::{name, say};
use crate::server;

/// Which mistake the server makes.
#[derive(clap::Args)]
pub struct ServerOptions {
    /// The mistake
    mistake: Mistake,
    #[command(flatten)]
    server: server::Options,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mistake {
    /// Leave the file behind at the end, and stumble over it at the next start
    NeverRemove,
    /// Remove whatever has the name, without looking at it
    AlwaysRemove,
}

/// Serves clients as the real server does, but takes the path wrongly.
///
/// # Errors
/// The path cannot be had.
pub fn run(options: &ServerOptions) -> io::Result<()> {
    let path = &options.server.listen;
    let listener = match options.mistake {
        Mistake::NeverRemove => never_remove(path),
        Mistake::AlwaysRemove => always_remove(path),
    }
    .map_err(|error| io::Error::other(format!("listen on {}: {error}", name(path))))?;
    say(format_args!("listening on {}", name(path)));
    server::serve(&listener, &options.server)
}

// ANCHOR: never-remove
fn never_remove(path: &Path) -> io::Result<UnixListener> {
    UnixListener::bind(path) // wrong: and who removes the file in the end?
}
// ANCHOR_END: never-remove

// ANCHOR: always-remove
fn always_remove(path: &Path) -> io::Result<UnixListener> {
    let _ = fs::remove_file(path); // wrong: what was it, and whose?
    UnixListener::bind(path)
}
// ANCHOR_END: always-remove
