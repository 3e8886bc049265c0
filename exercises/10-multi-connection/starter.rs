//! Exercise 10: a server that survives its clients. The task is in README.md.

use std::env;
use std::io;

fn main() -> io::Result<()> {
    serve(&listen_address())
}

/// Serves one client after another, whatever becomes of each, and says what became of it.
fn serve(address: &str) -> io::Result<()> {
    todo!("listen on {address}, and echo to one client after another")
}

/// The address behind `--listen`, or the one of the task.
fn listen_address() -> String {
    let mut arguments = env::args().skip_while(|argument| argument != "--listen");
    arguments.nth(1).unwrap_or_else(|| "127.0.0.1:9090".to_owned())
}
