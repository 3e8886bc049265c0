//! The client says what went wrong on standard output, where the time should come.
//!
//! fails: client-refused, client-cut-off
//! says: wrong-stream

use std::env;
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

pub fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["server"] => serve(DEFAULT_ADDRESS),
        ["server", "--listen", address] => serve(address),
        ["client"] => print_time(DEFAULT_ADDRESS),
        ["client", address] => print_time(address),
        _ => {
            complain("usage: server [--listen ADDRESS] | client [ADDRESS]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

/// The server: listens, and tells the time to whoever comes, for ever.
fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                if let Err(error) = tell_time(stream) {
                    complain(format_args!("{peer}: {error}"));
                }
            }
            Err(error) => {
                complain(format_args!("accept: {error}"));
                thread::sleep(RETRY_ACCEPT); // why: at once it could fail again, a million times
            }
        }
    }
}

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);

/// Sends one client its line and the end.
fn tell_time(mut stream: TcpStream) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let line = format!("{} seconds since 1970-01-01 00:00 UTC\r\n", now.as_secs());
    stream.write_all(line.as_bytes())?;

    // If bytes of the client were unread when we close, the system would reset the connection, and a
    // reset can destroy the line on its way. So we end our direction, and throw away what comes
    // until the client has ended, too.
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(())
}

/// The client: prints the line that a server sends.
fn print_time(address: &str) -> io::Result<()> {
    let stream = TcpStream::connect(address)?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;

    // A server must not be able to move our cursor: control characters are not printed.
    let text = String::from_utf8_lossy(&answer);
    let line = text.trim().replace(char::is_control, "?");
    if line.is_empty() {
        return Err(io::Error::other("the server closed the connection without a word"));
    }
    writeln!(io::stdout(), "{line}")
}

/// More than this is not read: a server that never ends must not fill our memory.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Prints one line about what went wrong.
fn complain(problem: impl Display) {
    let _ = writeln!(io::stdout(), "error: {problem}");
}
