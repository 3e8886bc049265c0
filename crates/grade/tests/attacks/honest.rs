//! No attack: the test puts this behind every program in this folder, so that it can serve honestly.

/// The shouting echo, as it is asked for: one client, from its first byte to its last.
#[allow(dead_code)]
fn serve() -> std::io::Result<()> {
    use std::io::{Read, Write};
    let mut arguments = std::env::args().skip_while(|argument| argument != "--listen");
    let address = arguments.nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let listener = std::net::TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    let mut buffer = [0; 16 * 1024];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        buffer[..n].make_ascii_uppercase();
        stream.write_all(&buffer[..n])?;
    }
}

/// An attack that has succeeded says so, and serves nobody: then it gets no points, and the test
/// shows this line.
#[allow(dead_code)]
fn breach(what: impl std::fmt::Display) -> ! {
    println!("BREACH: {what}");
    std::process::exit(3)
}
