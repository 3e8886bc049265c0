//! Waits for a newline before it answers.
//!
//! fails: echoes
//! says: waits-for-newline

use std::env;
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

pub fn main() -> ExitCode {
    let path = listen_path();
    match run(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: listen on {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

/// Takes the path, prepares for the end, says `listening on PATH`, and serves for ever.
fn run(path: &Path) -> io::Result<()> {
    let listener = listen(path)?;
    remove_at_the_end(path)?;
    // Only now: whoever reads this line may send a signal at once.
    println!("listening on {}", path.display());
    serve(&listener)
}

/// Listens at the path if it is free, or if only a dead server's file is in the way.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(taken) if taken.kind() == ErrorKind::AddrInUse => {
            remove_if_stale(path, taken)?;
            UnixListener::bind(path)?
        }
        result => result?,
    };
    // Until here the mode is what the umask has left. WHY.md says what that means.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Removes a socket that nobody holds. Anything else is why the path cannot be had.
fn remove_if_stale(path: &Path, taken: io::Error) -> io::Result<()> {
    let _turn = wait_for_turn(path)?;
    let Ok(file) = fs::symlink_metadata(path) else {
        return Ok(()); // It has gone meanwhile.
    };
    if !file.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "that is no socket"));
    }
    // A datagram socket asks without a trace: it does not wait, and the server does not notice.
    match UnixDatagram::unbound()?.connect(path) {
        Err(dead) if dead.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Err(taken), // Any other answer, even an error, does not mean that nobody is there.
    }
}

/// Locks the folder, so that no other server removes between our look and our removal. The lock ends
/// with the value.
fn wait_for_turn(path: &Path) -> io::Result<File> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// Has SIGINT and SIGTERM remove the file, if it is still the one that we made, and end the program.
fn remove_at_the_end(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    let own = identity(&path)?;
    let end = move || {
        if identity(&path).is_ok_and(|now| now == own)
            && let Err(error) = fs::remove_file(&path)
        {
            eprintln!("error: remove {}: {error}", path.display());
        }
        process::exit(0); // It runs no `drop`: nothing may be left to do.
    };
    ctrlc::set_handler(end).map_err(io::Error::other)
}

/// What identifies a file, whatever its name: its device, and its number there.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Serves one client after another. What happens to one is nothing to the next.
fn serve(listener: &UnixListener) -> ! {
    loop {
        match listener.accept() {
            Ok((stream, _unnamed)) => {
                if let Err(error) = echo(stream) {
                    eprintln!("error: echo: {error}");
                }
            }
            Err(error) => {
                eprintln!("error: accept: {error}");
                thread::sleep(RETRY_ACCEPT); // why: at once it would fail again, a million times
            }
        }
    }
}

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);

/// Sends back every byte until the client has ended.
fn echo(mut stream: UnixStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        stream.write_all(&line)?;
    }
}

/// The path behind `--listen`, or the one of the task.
fn listen_path() -> PathBuf {
    let mut arguments = env::args_os().skip_while(|argument| argument != "--listen");
    arguments.nth(1).map_or_else(|| env::temp_dir().join("unix-echo.sock"), PathBuf::from)
}
