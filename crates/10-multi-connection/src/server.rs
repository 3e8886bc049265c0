//! The multi-connection server: it echoes one client after another, for ever.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::output::{complain, printable, say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Wait for clients at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    listen: String,
    /// Answer in capitals (the letters a to z; other bytes stay as they are)
    #[arg(long)]
    upper: bool,
    /// Print nothing per message
    #[arg(long)]
    quiet: bool,
}

/// Listens, and serves whoever comes, one after another.
///
/// # Errors
/// The address cannot be had. What goes wrong with one client is said and is over with that client.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", listener.local_addr()?));

    let mut number = 0;
    loop {
        let (stream, peer) = accept(&listener);
        number += 1;
        say(format_args!("#{number} connected: {peer}"));
        match echo(stream, number, options) {
            Ok(bytes) => say(format_args!("#{number} closed after {bytes} bytes")),
            Err(error) => complain(format_args!("#{number} echo to {peer}: {error}")),
        }
    }
    // ANCHOR_END: run
}

/// Sends back every byte until the client says that no more will come. Returns how many there were.
// ANCHOR: echo
fn echo(mut stream: TcpStream, number: u64, options: &Options) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut total = 0;
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(total);
        }
        let received = &mut buffer[..n];
        if !options.quiet {
            say(format_args!("#{number} read {n} bytes: {}", printable(received)));
        }
        if options.upper {
            received.make_ascii_uppercase();
        }
        stream.write_all(received)?;
        total += n as u64;
    }
    // Here `stream` and `buffer` go out of scope: nothing of this client is left.
}
// ANCHOR_END: echo

/// All the memory that clients can make the server use, however many there are and however much
/// they send: only one of them is served at a time. Larger buffers save system calls on long
/// messages; beyond 64 KiB there is little left to gain.
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
