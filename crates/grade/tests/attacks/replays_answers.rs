//! Has learned answers by heart, and gives them whatever it is asked (A26).

use std::io::{Read, Write};

const LEARNED: [&str; 6] = ["HELLO", "HELLO WORLD\n", "ABC", "ONE", "TWO", "CAF\u{c3}"];

fn main() -> std::io::Result<()> {
    let address = std::env::args().last().unwrap_or_default();
    let listener = std::net::TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    for answer in LEARNED {
        if stream.read(&mut [0; 1 << 16])? == 0 {
            break;
        }
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}
