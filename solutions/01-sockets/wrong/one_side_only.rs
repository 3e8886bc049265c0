//! Compares the local side of the one with the remote side of the other. That is all.
//!
//! fails: another-part
//! says: one-side-only

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process;

pub fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["client", address] => client(address),
        ["server"] => server("127.0.0.1:8000"),
        ["server", "--listen", address] => server(address),
        ["same", one, other] => {
            println!("{}", if same(one, other) { "yes" } else { "no" });
            Ok(())
        }
        _ => {
            eprintln!(
                "usage: client ADDRESS | server [--listen ADDRESS] | same LINE LINE"
            );
            process::exit(2)
        }
    }
}

/// Connects to a server, and prints the five parts of its own end.
fn client(address: &str) -> io::Result<()> {
    let stream = TcpStream::connect(address)?;
    println!("{}", five_parts(stream.local_addr()?, stream.peer_addr()?));
    Ok(())
}

/// Accepts one client, and prints the five parts of the accepted end.
fn server(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);

    // `accept` tells who has called. To ask `peer_addr` later would fail if the client has gone by
    // then. The local side must come from the accepted socket: the listening one may say 0.0.0.0.
    let (stream, remote) = listener.accept()?;
    println!("{}", five_parts(stream.local_addr()?, remote));
    Ok(())
}

/// The five parts as a line: the protocol, one's own side, the other side.
fn five_parts(local: SocketAddr, remote: SocketAddr) -> String {
    // `ip` and `port` are values of their own. Cutting the text at a colon would fail for IPv6.
    format!("TCP {} {} {} {}", local.ip(), local.port(), remote.ip(), remote.port())
}

/// Whether two lines of five parts are the two ends of one connection.
fn same(one: &str, other: &str) -> bool {
    let one: Vec<&str> = one.split_whitespace().collect();
    let other: Vec<&str> = other.split_whitespace().collect();
    one[0] == other[0] && one[1..3] == other[3..5]
}
