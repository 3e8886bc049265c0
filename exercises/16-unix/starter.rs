//! Exercise 16: a server at a path. The task is in README.md.

use std::env;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    run(&listen_path())
}

/// Takes the path, prepares for the end, says that it listens, and serves for ever.
fn run(path: &Path) -> io::Result<()> {
    let _listener = listen(path)?;
    todo!("prepare for the signals, say `listening on PATH`, and serve one after another")
}

/// Listens at the path if it is free, or if only a dead server's file is in the way. The mode of the
/// file is 600.
fn listen(path: &Path) -> io::Result<UnixListener> {
    todo!("listen at {}, but remove nothing that somebody needs", path.display())
}

/// The path behind `--listen`, or the one of the task.
fn listen_path() -> PathBuf {
    let mut arguments = env::args_os().skip_while(|argument| argument != "--listen");
    arguments.nth(1).map_or_else(|| env::temp_dir().join("unix-echo.sock"), PathBuf::from)
}
