//! Never waits, and drops what cannot be written at once.
//!
//! fails: reads-later

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

pub fn main() -> io::Result<()> {
    serve(&listen_address())
}

/// Serves one client, from its first byte to its last.
fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    stream.set_nonblocking(true)?;

    // One buffer is all the memory that a client can make us use.
    let mut buffer = [0; 16 * 1024];
    loop {
        let n = match stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1)); // why: something may have come then
                continue;
            }
            result => result?,
        };
        if n == 0 {
            return Ok(()); // The client has ended. Closing the stream tells it that we have, too.
        }
        buffer[..n].make_ascii_uppercase();
        match stream.write(&buffer[..n]) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
}

/// The address behind `--listen`, or the one of the task.
fn listen_address() -> String {
    let mut arguments = env::args().skip_while(|argument| argument != "--listen");
    arguments.nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned())
}
