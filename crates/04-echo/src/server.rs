//! The echo server: it serves one client, until that client ends.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::output::{complain, printable, say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Wait for the client at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    listen: String,
    /// Answer in capitals (the letters a to z; other bytes stay as they are)
    #[arg(long)]
    upper: bool,
    /// Print nothing per message
    #[arg(long)]
    quiet: bool,
}

/// Listens, serves the first client, and ends with it.
///
/// # Errors
/// The address cannot be had, or the client is lost before it said that it is done.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", listener.local_addr()?));

    let (stream, peer) = accept(&listener);
    say(format_args!("connected: {peer}"));

    let bytes =
        echo(stream, peer, options).map_err(tried(format_args!("echo to {peer}")))?;
    say(format_args!("closed: {peer} after {bytes} bytes"));
    // ANCHOR_END: run
    Ok(())
}

/// Sends back every byte until the client says that no more will come. Returns how many there were.
// ANCHOR: echo
fn echo(mut stream: TcpStream, peer: SocketAddr, options: &Options) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut total = 0;
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(total);
        }
        let received = &mut buffer[..n];
        if !options.quiet {
            say(format_args!("read {n} bytes from {peer}: {}", printable(received)));
        }
        if options.upper {
            received.make_ascii_uppercase();
        }
        stream.write_all(received)?;
        total += n as u64;
    }
}
// ANCHOR_END: echo

/// All the memory that a client can make the server use, however much it sends. Larger buffers
/// save system calls on long messages; beyond 64 KiB there is little left to gain.
const BUFFER_SIZE: usize = 64 * 1024;

/// Waits for a client.
///
/// What `accept` reports passes by itself: a client that gave up while it was waiting, or no free
/// descriptor (EMFILE) until some file is closed. A waiting connection stays in the queue, so
/// nothing is lost by trying again a little later.
// ANCHOR: accept
fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept() {
            Ok(connection) => return connection,
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
// ANCHOR_END: accept

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);
