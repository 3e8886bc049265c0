//! Exercise 03: what time is it? The task is in README.md.

use std::env;
use std::io;
use std::process;

const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["server"] => serve(DEFAULT_ADDRESS),
        ["server", "--listen", address] => serve(address),
        ["client"] => print_time(DEFAULT_ADDRESS),
        ["client", address] => print_time(address),
        _ => {
            eprintln!("usage: server [--listen ADDRESS] | client [ADDRESS]");
            process::exit(2);
        }
    }
}

/// The server: listens, and tells the time to whoever comes, for ever.
fn serve(address: &str) -> io::Result<()> {
    todo!("listen on {address}, and send every client one line and the end")
}

/// The client: prints the line that a server sends.
fn print_time(address: &str) -> io::Result<()> {
    todo!("connect to {address}, read to the end, and print what has come")
}
