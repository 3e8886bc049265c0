//! The hello server: it greets every client that comes, one after another.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::output::{complain, printable, say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Wait for clients at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
}

/// Listens, and greets whoever comes, for ever.
///
/// # Errors
/// The address cannot be had. What goes wrong with one client is said and is over with that client.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", listener.local_addr()?));

    loop {
        let (stream, peer) = accept(&listener);
        if let Err(error) = greet(stream, peer) {
            complain(format_args!("greet {peer}: {error}"));
        }
    }
    // ANCHOR_END: run
}

/// Takes one client's greeting, and answers it.
///
/// # Errors
/// The client is lost before it has said that it is done.
// ANCHOR: greet
pub fn greet(mut stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    say(format_args!("connected: local {}, peer {peer}", stream.local_addr()?));

    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer)?;
    say(format_args!("received {n} bytes: {}", printable(&buffer[..n])));

    stream.write_all(b"Hello from the server!")?;
    close(stream)?;
    say(format_args!("closed: {peer}"));
    Ok(())
}
// ANCHOR_END: greet

/// Says that our greeting is complete, and waits until the client has ended, too.
///
/// Just dropping the stream would do for a well-behaved client. But if bytes of the client are still
/// unread then, the system resets the connection, and a reset can destroy a greeting on its way.
// ANCHOR: close
fn close(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(())
    // Here `stream` goes out of scope: that closes the connection.
}
// ANCHOR_END: close

/// Waits for a client.
///
/// What `accept` reports passes by itself: a client that gave up while it was waiting, or no free
/// descriptor (EMFILE) until some file is closed. A waiting connection stays in the queue, so
/// nothing is lost by trying again a little later.
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

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);
