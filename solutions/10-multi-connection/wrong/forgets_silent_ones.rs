//! Says nothing about a client that is lost before it has sent anything.
//!
//! fails: reset

use std::env;
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

pub fn main() -> io::Result<()> {
    serve(&listen_address())
}

/// Serves one client after another, whatever becomes of each, and says what became of it.
fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    say(format_args!("listening on {}", listener.local_addr()?));

    let mut number: u64 = 0;
    loop {
        let (stream, peer) = accept(&listener);
        number += 1;
        let mut bytes = 0;
        // No `?` here: it would end the server for all.
        let end = match echo(stream, &mut bytes) {
            Ok(()) => "ended",
            Err(error) => {
                complain(format_args!("{peer}: {error}"));
                "reset"
            }
        };
        if end == "ended" || bytes > 0 {
            say(format_args!("client {number}: {bytes} bytes, {end}"));
        }
    }
}

/// Sends back every byte until the client says that no more will come. It adds up in `bytes` how
/// many there were: a return value would be lost with an error.
fn echo(mut stream: TcpStream, bytes: &mut u64) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        *bytes += n as u64;
        stream.write_all(&buffer[..n])?;
    }
    // Here `stream` goes out of scope: the connection is closed, in whichever way the loop has ended.
}

/// Waits for a client. A failure of `accept` passes: the client has given up, or there is no free
/// descriptor for a while. Whoever waits stays in the queue.
fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept() {
            Ok(connection) => return connection,
            Err(error) => {
                complain(format_args!("accept: {error}"));
                thread::sleep(RETRY_ACCEPT); // why: at once it could fail again, a million times
            }
        }
    }
}

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);

/// Prints one event. Nobody may be reading any more: that is no reason to stop serving.
fn say(event: impl Display) {
    let _ = writeln!(io::stdout(), "{event}");
}

/// Prints one line about what went wrong.
fn complain(problem: impl Display) {
    let _ = writeln!(io::stderr(), "error: {problem}");
}

/// The address behind `--listen`, or the one of the task.
fn listen_address() -> String {
    let mut arguments = env::args().skip_while(|argument| argument != "--listen");
    arguments.nth(1).unwrap_or_else(|| "127.0.0.1:9090".to_owned())
}
