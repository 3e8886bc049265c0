//! Answers, one byte after the other, each just before the patience of its client ends (A14).

use std::io::{Read, Write};
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let address = std::env::args().last().unwrap_or_default();
    let listener = std::net::TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer)?;
    for byte in buffer[..n].iter().cycle() {
        std::thread::sleep(Duration::from_millis(1700)); // why: to be slow is the attack
        stream.write_all(&[byte.to_ascii_uppercase()])?;
    }
    Ok(())
}
