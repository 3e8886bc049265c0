//! Waits for a newline before it answers.
//!
//! fails: one-message
//! says: waits-for-newline

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;

pub fn main() -> io::Result<()> {
    serve(&listen_address())
}

/// Serves one client, from its first byte to its last.
fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;

    // One buffer is all the memory that a client can make us use.
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let n = reader.read_until(b'\n', &mut buffer)?;
        if n == 0 {
            return Ok(()); // The client has ended. Closing the stream tells it that we have, too.
        }
        let received = &mut buffer[..n];
        received.make_ascii_uppercase();
        stream.write_all(received)?;
    }
}

/// The address behind `--listen`, or the one of the task.
fn listen_address() -> String {
    let mut arguments = env::args().skip_while(|argument| argument != "--listen");
    arguments.nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned())
}
