//! Both ends of one TCP connection, and the socket that it came through, in a single process.

use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

use socket2::{Protocol, SockAddr, SockRef};

use crate::output::{printable, say, tried};

/// Connects two sockets, shows what the system knows about them, and closes them after Enter.
///
/// # Errors
/// The system has no loopback interface, no free port or no free descriptor, or nothing can be
/// printed.
pub fn run() -> io::Result<()> {
    // ANCHOR: run
    let listening = TcpListener::bind("127.0.0.1:0").map_err(tried("listen"))?;
    let address = listening.local_addr()?;
    let mut client = TcpStream::connect(address)
        .map_err(tried(format_args!("connect to {address}")))?;
    let mut accepted = accept(&listening, client.local_addr()?)?;

    say(format_args!("process {}", std::process::id()))?;
    describe("listening", &listening)?;
    describe("client", &client)?;
    describe("accepted", &accepted)?;

    client.write_all(b"hello")?;
    accepted.write_all(b"welcome")?;
    say("both ends have sent, neither has read")?;
    receive("accepted", &mut accepted, &mut [0; 5])?;
    receive("client", &mut client, &mut [0; 7])?;
    // ANCHOR_END: run

    wait_for_enter()
}

/// Says what the system knows about a socket: its number, and the five parts.
// ANCHOR: describe
fn describe(name: &str, socket: &impl AsFd) -> io::Result<()> {
    let descriptor = socket.as_fd().as_raw_fd();
    let socket = SockRef::from(socket);
    say(format_args!("{name}: descriptor {descriptor}"))?;
    say(format_args!("  protocol {}", protocol(socket.protocol())))?;
    say(format_args!("  local    {}", address_and_port(socket.local_addr())))?;
    say(format_args!("  remote   {}", address_and_port(socket.peer_addr())))
}
// ANCHOR_END: describe

/// The protocol in words.
fn protocol(answer: io::Result<Option<Protocol>>) -> String {
    match answer {
        Ok(Some(Protocol::TCP)) => "TCP".to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    }
}

/// An address and a port, or the reason why the socket has none.
fn address_and_port(answer: io::Result<SockAddr>) -> String {
    match answer.map(|address| address.as_socket()) {
        Ok(Some(address)) => format!("{}, port {}", address.ip(), address.port()),
        Ok(None) => "not an address of the internet".to_owned(),
        Err(error) => format!("none: {error}"),
    }
}

/// Takes our own connection out of the queue. Every program on this machine could have connected
/// too while the port was open, so a stranger is sent away.
fn accept(listening: &TcpListener, client: SocketAddr) -> io::Result<TcpStream> {
    loop {
        let (stream, peer) = listening.accept().map_err(tried("accept"))?;
        if peer == client {
            return Ok(stream);
        }
    }
}

/// Fills the buffer with what has come, and shows it.
fn receive(name: &str, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    socket.read_exact(buffer).map_err(tried("receive"))?;
    say(format_args!("{name} receives {}", printable(buffer)))
}

/// Leaves the reader time to look at the sockets from another terminal.
fn wait_for_enter() -> io::Result<()> {
    say("press Enter to close all three")?;
    // At the end of the input, or without any, there is nobody to wait for.
    let _ = io::stdin().lock().skip_until(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_who_comes_first_is_sent_away() {
        let listening = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listening.local_addr().unwrap();
        let mut stranger = TcpStream::connect(address).unwrap();
        let client = TcpStream::connect(address).unwrap();
        let accepted = accept(&listening, client.local_addr().unwrap()).unwrap();
        assert_eq!(accepted.peer_addr().unwrap(), client.local_addr().unwrap());
        assert_eq!(stranger.read(&mut [0]).unwrap(), 0);
    }
}
