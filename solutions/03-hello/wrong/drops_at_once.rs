//! `let _ =` keeps nothing: the server drops every client as soon as it has accepted it.
//!
//! fails: line

use std::env;
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

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
        let _ = listener.accept()?;
        println!("told the time to a client");
    }
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
    let _ = writeln!(io::stderr(), "error: {problem}");
}
