//! A classic mistake. This server is wrong on purpose.

use std::io;
use std::net::TcpListener;

use crate::output::{say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Wait for clients at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
}

/// Accepts clients, and keeps none of them.
///
/// # Errors
/// The address cannot be had, or `accept` fails.
pub fn server(options: &Options) -> io::Result<()> {
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", listener.local_addr()?));
    // ANCHOR: keep-nothing
    loop {
        let _ = listener.accept().map_err(tried("accept"))?; // wrong: nothing keeps the stream
        say("accepted a client");
    }
    // ANCHOR_END: keep-nothing
}
