//! Does not look at `--listen`.
//!
//! fails: starts

use std::io::{self, Read, Write};
use std::net::TcpListener;

pub fn main() -> io::Result<()> {
    serve("127.0.0.1:8000")
}

/// Serves one client, from its first byte to its last.
fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;

    // One buffer is all the memory that a client can make us use.
    let mut buffer = [0; 16 * 1024];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(()); // The client has ended. Closing the stream tells it that we have, too.
        }
        let received = &mut buffer[..n];
        received.make_ascii_uppercase();
        stream.write_all(received)?;
    }
}
