//! Exercise 04: the shouting echo. The task is in README.md.

use std::env;
use std::io;

fn main() -> io::Result<()> {
    serve(&listen_address())
}

/// Serves one client, from its first byte to its last.
fn serve(address: &str) -> io::Result<()> {
    todo!("listen on {address}, accept a client, and shout back until it ends")
}

/// The address behind `--listen`, or the one of the task.
fn listen_address() -> String {
    let mut arguments = env::args().skip_while(|argument| argument != "--listen");
    arguments.nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned())
}
