//! Three messages, sent before any is read: what arrives over TCP, and what over UDP.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::output::{printable, say, tried};

const MESSAGES: [&[u8]; 3] = [b"hello", b"world", b"!"];

/// Both ends of a TCP connection and two UDP sockets, all in this program.
///
/// # Errors
/// The system has no port left, or a datagram is lost.
pub fn run() -> io::Result<()> {
    tcp().map_err(tried("talk to ourselves over TCP"))?;
    udp().map_err(tried("talk to ourselves over UDP"))
}

// ANCHOR: tcp
fn tcp() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut sender = TcpStream::connect(listener.local_addr()?)?;
    let (mut receiver, _) = listener.accept()?;
    for message in MESSAGES {
        sender.write_all(message)?;
    }
    wait_until_all_have_come(&receiver)?;
    let mut buffer = [0; 100];
    let n = receiver.read(&mut buffer)?;
    say(format_args!("TCP: 3 writes, then read {n} bytes: {}", printable(&buffer[..n])));
    Ok(())
}
// ANCHOR_END: tcp

/// Makes the result the same each time: without this, `read` might come too early for the rest.
fn wait_until_all_have_come(receiver: &TcpStream) -> io::Result<()> {
    while receiver.peek(&mut [0; 100])? < MESSAGES.concat().len() {
        thread::yield_now();
    }
    Ok(())
}

// ANCHOR: udp
fn udp() -> io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    receiver.set_read_timeout(Some(PATIENCE))?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    for message in MESSAGES {
        sender.send_to(message, receiver.local_addr()?)?;
    }
    let mut buffer = [0; 100];
    for _ in MESSAGES {
        let (n, _) = receiver.recv_from(&mut buffer)?;
        say(format_args!("UDP: received {n} bytes: {}", printable(&buffer[..n])));
    }
    Ok(())
}
// ANCHOR_END: udp

/// A datagram that has not come by now was lost.
const PATIENCE: Duration = Duration::from_secs(5);
