//! Reads as fast as it can, and keeps what its client does not take.
//!
//! fails: reads-later
//! says: keeps-everything

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

pub fn main() -> io::Result<()> {
    serve(&listen_address())
}

/// Serves one client, from its first byte to its last.
fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    let copy = stream.try_clone()?;
    let (sender, receiver) = mpsc::channel();
    let writer = thread::spawn(move || write(copy, receiver));

    let mut buffer = [0; 16 * 1024];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            drop(sender); // The writer writes what is left, and ends.
            return writer.join().expect("the writer does not panic");
        }
        let received = &mut buffer[..n];
        received.make_ascii_uppercase();
        if sender.send(received.to_vec()).is_err() {
            return Ok(()); // The writer has ended, and its client has gone.
        }
    }
}

/// Writes whatever comes through the channel.
fn write(mut stream: TcpStream, receiver: Receiver<Vec<u8>>) -> io::Result<()> {
    for bytes in receiver {
        stream.write_all(&bytes)?;
    }
    Ok(())
}

/// The address behind `--listen`, or the one of the task.
fn listen_address() -> String {
    let mut arguments = env::args().skip_while(|argument| argument != "--listen");
    arguments.nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned())
}
