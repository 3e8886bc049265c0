//! Reads to the end before it answers.
//!
//! fails: one-message
//! says: waits-for-end

use std::env;
use std::io::{self, Read, Write};
use std::net::TcpListener;

pub fn main() -> io::Result<()> {
    serve(&listen_address())
}

/// Serves one client, from its first byte to its last.
fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;

    let mut received = Vec::new();
    stream.read_to_end(&mut received)?;
    received.make_ascii_uppercase();
    stream.write_all(&received)
}

/// The address behind `--listen`, or the one of the task.
fn listen_address() -> String {
    let mut arguments = env::args().skip_while(|argument| argument != "--listen");
    arguments.nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned())
}
