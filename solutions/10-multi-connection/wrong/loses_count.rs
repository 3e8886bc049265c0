//! Returns the count in an `io::Result`: an error takes it away.
//!
//! fails: reset
//! says: loses-count

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
        match echo(stream) {
            Ok(bytes) => say(format_args!("client {number}: {bytes} bytes, ended")),
            Err(error) => {
                complain(format_args!("{peer}: {error}"));
                say(format_args!("client {number}: 0 bytes, reset"));
            }
        }
    }
}

/// Sends back every byte until the client says that no more will come. Returns how many there were.
fn echo(mut stream: TcpStream) -> io::Result<u64> {
    let mut buffer = [0; 16 * 1024];
    let mut bytes = 0;
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(bytes);
        }
        bytes += n as u64;
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
