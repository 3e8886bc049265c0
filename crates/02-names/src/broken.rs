//! A classic mistake. This program is wrong on purpose.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::output::{say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The port to listen on
    #[arg(default_value_t = 8080)]
    port: u16,
}

/// Listens on the wrong port, and looks for itself on the right one.
///
/// # Errors
/// The connection to the right port is refused; that is the symptom.
pub fn order(options: &Options) -> io::Result<()> {
    let port = options.port;
    // ANCHOR: order
    let wrong = port.swap_bytes(); // wrong: the bytes are put in order a second time
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wrong))
        .map_err(tried(format_args!("listen on port {wrong}")))?;
    say(format_args!("asked for port {port}, listening on {}", listener.local_addr()?))?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .map_err(tried(format_args!("connect to port {port}")))?;
    // ANCHOR_END: order
    say("connected: somebody else listens there")
}
