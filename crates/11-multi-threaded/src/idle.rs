//! Clients that connect and then do nothing: what does a server pay for them?

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::output::{say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The server, on this machine: elsewhere such clients would be an attack
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:5000", value_parser = on_this_machine)]
    server: SocketAddr,
    /// How many connections
    #[arg(short = 'n', value_name = "N", default_value = "100", value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
}

/// Opens all connections, and holds them until the end of the input (Ctrl-D).
///
/// # Errors
/// A connection could not be made.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: idle
    let mut connections = Vec::new();
    for number in 1..=options.connections {
        let stream = TcpStream::connect_timeout(&options.server, CONNECT_WITHIN)
            .map_err(tried(format_args!("connection {number} to {}", options.server)))?;
        connections.push(stream);
    }
    say(format_args!("holding {} connections until Ctrl-D", connections.len()));
    io::copy(&mut io::stdin(), &mut io::sink()).map_err(tried("read what is typed"))?;
    // ANCHOR_END: idle
    Ok(())
}

/// Even a queue that is full must not hold us for ever.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Reads an address, and takes none but this machine's own.
pub fn on_this_machine(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| {
        "an address is IP:PORT here, for example 127.0.0.1:5000".to_owned()
    })?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("this program talks to loopback addresses only".to_owned())
    }
}
