//! The client: it connects several times, one connection after another.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::output::{printable, say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:9090")]
    server: String,
    /// How many connections to make
    #[arg(short = 'n', value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    connections: u64,
}

/// Makes the connections. The first one that fails is the last.
///
/// # Errors
/// Nobody listens at the address, or a server ends before it has answered everything.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    for number in 1..=options.connections {
        let mut stream = TcpStream::connect(&options.server)
            .map_err(tried(format_args!("#{number} connect to {}", options.server)))?;
        let local = stream.local_addr()?;
        say(format_args!("#{number} connected from {local}"));

        let answer = exchange(&mut stream, format!("hello {number}\n").as_bytes())
            .map_err(tried(format_args!("#{number} exchange with {}", options.server)))?;
        say(format_args!("#{number} answer: {}", printable(&answer)));
        // Here `stream` goes out of scope: that closes the connection, before the next is made.
    }
    Ok(())
    // ANCHOR_END: run
}

/// Sends one message, and waits until as many bytes have come back.
fn exchange(stream: &mut TcpStream, message: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(message)?;

    let mut answer = Vec::new();
    stream.take(message.len() as u64).read_to_end(&mut answer)?;
    if answer.len() < message.len() {
        let (got, sent) = (answer.len(), message.len());
        return Err(io::Error::other(format!(
            "the server closed the connection after {got} of {sent} bytes"
        )));
    }
    Ok(answer)
}
