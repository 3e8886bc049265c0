//! What a network does to datagrams, made to happen when we want it: a loss, and a forgery.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use crate::output::{complain, described, say, tried};

/// How much is lost, and where.
#[derive(clap::Args)]
pub struct LossyOptions {
    /// How many datagrams to lose before all goes well
    #[arg(value_name = "N", default_value_t = 1)]
    lose: u64,
    /// Receive at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7777")]
    listen: String,
}

/// Echoes, but not the first datagrams. To a client they are lost, on the way there or back.
///
/// # Errors
/// The address cannot be had.
pub fn lossy_server(options: &LossyOptions) -> io::Result<()> {
    let socket = UdpSocket::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", socket.local_addr()?));
    let mut buffer = vec![0; 64 * 1024];
    let mut to_lose = options.lose;
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((n, peer)) if to_lose > 0 => {
                to_lose -= 1;
                say(format_args!("lost {}", described(&buffer[..n], peer)));
            }
            Ok((n, peer)) => {
                say(format_args!("received {}", described(&buffer[..n], peer)));
                if let Err(error) = socket.send_to(&buffer[..n], peer) {
                    complain(format_args!("answer {peer}: {error}"));
                }
            }
            Err(error) => complain(format_args!("receive: {error}")),
        }
    }
}

/// Whom to deceive, and how.
#[derive(clap::Args)]
pub struct StrangerOptions {
    /// The client that waits for an answer from somebody else
    #[arg(value_name = "ADDR", value_parser = on_this_machine)]
    client: SocketAddr,
    /// What to tell it
    #[arg(value_name = "MESSAGE", default_value = "forged")]
    message: String,
}

/// The stranger may disturb programs on this machine, and nobody else.
fn on_this_machine(address: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = address.parse().map_err(|_| "not HOST:PORT")?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("not on this machine".into())
    }
}

/// Sends one datagram to a client that expects one from its server.
///
/// # Errors
/// The system does not send it.
pub fn stranger(options: &StrangerOptions) -> io::Result<()> {
    // ANCHOR: stranger
    let own_address = if options.client.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(own_address).map_err(tried("bind"))?;
    socket
        .send_to(options.message.as_bytes(), options.client)
        .map_err(tried(format_args!("send to {}", options.client)))?;
    say(format_args!("sent from {}: {}", socket.local_addr()?, options.message));
    // ANCHOR_END: stranger
    Ok(())
}
