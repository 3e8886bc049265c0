//! Prints and answers with bytes that are no text (A28).

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let bytes: Vec<u8> = (0..=255).rev().cycle().take(1 << 16).collect();
    let address = std::env::args().last().unwrap_or_default();
    let listener = std::net::TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    std::io::stdout().write_all(&bytes)?;
    let (mut stream, _) = listener.accept()?;
    stream.write_all(&bytes)?;
    std::io::stderr().write_all(&bytes)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}
