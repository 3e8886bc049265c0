//! Turns a name into the addresses that the system knows for it.

use std::io;
use std::net::ToSocketAddrs;

use crate::output::{say, tried};
use crate::services;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// A name such as localhost, or an address
    host: String,
    /// A number, or the name of a service such as http
    #[arg(value_name = "PORT|SERVICE")]
    port: Option<String>,
}

/// Prints all addresses of the host, in the system's order.
///
/// # Errors
/// The service or the host is unknown, nobody could be asked, or nothing can be printed.
pub fn run(options: &Options) -> io::Result<()> {
    let Options { host, port } = options;
    // ANCHOR: run
    let number = match port {
        Some(port) => services::port(port)?,
        None => 0,
    };
    let addresses = (host.as_str(), number)
        .to_socket_addrs()
        .map_err(tried(format_args!("resolve {host}")))?;

    for address in addresses {
        match port {
            Some(_) => say(address)?,
            None => say(address.ip())?,
        }
    }
    // ANCHOR_END: run
    Ok(())
}
