//! Listens at an address, and tries by which addresses of this machine it can be reached.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::output::{say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The address to listen at; port 0 lets the system choose
    #[arg(value_name = "ADDR")]
    listen: String,
}

/// Listens, knocks at three addresses, and ends.
///
/// # Errors
/// The address cannot be had, or nothing can be printed.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    let port = listener.local_addr()?.port();
    say(format_args!("listening on {}", listener.local_addr()?))?;

    for address in DOORS {
        let door = SocketAddr::new(address, port);
        match TcpStream::connect_timeout(&door, PATIENCE) {
            Ok(_) => say(format_args!("through {door}: connected"))?,
            Err(error) => say(format_args!("through {door}: {error}"))?,
        }
    }
    // ANCHOR_END: run
    Ok(())
}

/// Every 127.x.y.z is this machine. The second address stands for any other that a machine may
/// have, such as the one in your local network.
const DOORS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// On loopback the answer comes at once, unless a firewall swallows the question.
const PATIENCE: Duration = Duration::from_secs(2);
