//! The echo server on a path: it serves one client after another, until Ctrl-C.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use crate::output::{complain, name, printable, say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Wait for clients at this path; the mode of the new file follows the umask
    #[arg(long, value_name = "PATH", default_value_os_t = crate::default_path())]
    pub listen: PathBuf,
    /// Answer in capitals (the letters a to z; other bytes stay as they are)
    #[arg(long)]
    upper: bool,
    /// Print nothing per message
    #[arg(long)]
    quiet: bool,
}

/// Listens, and serves clients until a signal ends the program.
///
/// # Errors
/// The path cannot be had.
pub fn run(options: &Options) -> io::Result<()> {
    let path = &options.listen;
    // ANCHOR: run
    let (listener, replaced) =
        listen(path).map_err(tried(format_args!("listen on {}", name(path))))?;
    let file = fs::symlink_metadata(path).map_err(tried("look at the new socket"))?;
    remove_at_the_end(path, id(&file)).map_err(tried("prepare for Ctrl-C"))?;

    say(format_args!("listening on {}", name(path)));
    say(format_args!("mode {:03o}: who may write may connect", file.mode() & 0o777));
    if replaced {
        say("replaced the file of a server that is gone");
    }
    serve(&listener, options)
    // ANCHOR_END: run
}

/// Takes the path. The flag says whether a dead server's file was in the way.
// ANCHOR: listen
fn listen(path: &Path) -> io::Result<(UnixListener, bool)> {
    match UnixListener::bind(path) {
        Err(taken) if taken.kind() == ErrorKind::AddrInUse => {
            remove_if_stale(path, taken)?;
            Ok((UnixListener::bind(path)?, true))
        }
        result => Ok((result?, false)),
    }
}
// ANCHOR_END: listen

/// Removes the file of a dead server, and nothing else: what is no socket, or somebody's live
/// socket, is an error.
// ANCHOR: remove-if-stale
fn remove_if_stale(path: &Path, taken: io::Error) -> io::Result<()> {
    let _turn = wait_for_turn(path).map_err(tried("lock its folder"))?;

    let Ok(file) = fs::symlink_metadata(path) else {
        return Ok(()); // It has gone meanwhile.
    };
    if !file.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, taken));
    }
    match UnixDatagram::unbound()?.connect(path) {
        Err(dead) if dead.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(unknown) if unknown.kind() == ErrorKind::PermissionDenied => Err(unknown),
        _ => Err(taken),
    }
}
// ANCHOR_END: remove-if-stale

/// Lets one server at a time look and remove. Two that start together could otherwise both find
/// the dead file, and the slower one would remove what the faster one has just made. The lock is
/// on the folder, so it leaves no file behind; it ends with the value returned.
// ANCHOR: turn
fn wait_for_turn(path: &Path) -> io::Result<File> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}
// ANCHOR_END: turn

/// Removes the path when Ctrl-C or SIGTERM ends the program, if it is still ours.
///
/// Another server may have taken the name by force: then the file is that server's.
// ANCHOR: end
fn remove_at_the_end(path: &Path, own: (u64, u64)) -> io::Result<()> {
    let path = path.to_owned();
    let end = move || {
        match fs::symlink_metadata(&path) {
            Ok(file) if id(&file) == own => {
                if let Err(error) = fs::remove_file(&path) {
                    complain(format_args!("remove {}: {error}", name(&path)));
                }
            }
            Ok(_) => complain(format_args!("{} is not ours any more", name(&path))),
            Err(_) => {} // Somebody has removed it already.
        }
        process::exit(0);
    };
    ctrlc::set_handler(end).map_err(io::Error::other)
}

/// What identifies a file, whatever its name: its device, and its number there.
fn id(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
// ANCHOR_END: end

/// Serves one client after another. What happens to one is nothing to the next.
// ANCHOR: serve
pub fn serve(listener: &UnixListener, options: &Options) -> ! {
    let mut client = 0_u64;
    loop {
        let stream = accept(listener);
        client += 1;
        say(format_args!("connected: client {client}"));
        match echo(stream, client, options) {
            Ok(bytes) => say(format_args!("closed: client {client} after {bytes} bytes")),
            Err(error) => complain(format_args!("echo to client {client}: {error}")),
        }
    }
}
// ANCHOR_END: serve

/// Sends back every byte until the client says that no more will come. Returns how many there were.
fn echo(mut stream: UnixStream, client: u64, options: &Options) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut total = 0;
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(total);
        }
        let received = &mut buffer[..n];
        if !options.quiet {
            let shown = printable(received);
            say(format_args!("read {n} bytes from client {client}: {shown}"));
        }
        if options.upper {
            received.make_ascii_uppercase();
        }
        stream.write_all(received)?;
        total += n as u64;
    }
}

/// All the memory that a client can make the server use, however much it sends.
const BUFFER_SIZE: usize = 64 * 1024;

/// Waits for a client.
///
/// What `accept` reports passes by itself: no free descriptor (EMFILE), for example, until some
/// file is closed. A waiting connection stays in the queue, so nothing is lost by trying again a
/// little later.
fn accept(listener: &UnixListener) -> UnixStream {
    let mut told = false;
    loop {
        match listener.accept() {
            Ok((stream, _unnamed)) => return stream,
            Err(error) => {
                if !told {
                    complain(format_args!(
                        "accept: {error} (trying again until it works)"
                    ));
                    told = true;
                }
                thread::sleep(RETRY_ACCEPT); // why: at once it would fail again, and burn a processor
            }
        }
    }
}

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);
