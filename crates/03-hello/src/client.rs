//! The hello client: one connection, one greeting each way.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::output::{printable, say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8080")]
    server: String,
}

/// Connects, greets, and prints the server's greeting.
///
/// # Errors
/// Nobody listens at the address, or the server ends without a greeting.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    let mut stream = TcpStream::connect(&options.server)
        .map_err(tried(format_args!("connect to {}", options.server)))?;
    say(format_args!(
        "connected: local {}, peer {}",
        stream.local_addr()?,
        stream.peer_addr()?
    ));

    stream.write_all(b"Hello from the client!").map_err(tried("send"))?;

    let greeting = receive_until_the_end(&mut stream).map_err(tried("receive"))?;
    say(format_args!("received {} bytes: {}", greeting.len(), printable(&greeting)));
    Ok(())
    // Here `stream` goes out of scope: that closes the connection.
    // ANCHOR_END: run
}

/// Collects what the server sends until it ends: nothing else says that a greeting is complete.
// ANCHOR: receive
fn receive_until_the_end(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut greeting = Vec::new();
    stream.take(LONGEST_GREETING).read_to_end(&mut greeting)?;
    if greeting.is_empty() {
        return Err(io::Error::other("the server closed the connection without a word"));
    }
    Ok(greeting)
}
// ANCHOR_END: receive

/// More than this is not read: a server that never ends must not fill our memory.
const LONGEST_GREETING: u64 = 64 * 1024;
