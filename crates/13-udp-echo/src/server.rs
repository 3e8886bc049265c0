//! The echo server: one socket, one buffer, any number of clients.

use std::io;
use std::net::UdpSocket;

use crate::output::{complain, described, say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Receive at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7777")]
    listen: String,
    /// Answer in capitals (the letters a to z; other bytes stay as they are)
    #[arg(long)]
    upper: bool,
    /// Print nothing per message
    #[arg(long)]
    quiet: bool,
}

/// Binds, and answers every datagram. It never ends by itself.
///
/// # Errors
/// The address cannot be had.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    let socket = UdpSocket::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", socket.local_addr()?));

    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        // What goes wrong here concerns one datagram and its sender. The next one may be fine.
        if let Err(error) = answer_one(&socket, &mut buffer, options) {
            complain(error);
        }
    }
    // ANCHOR_END: run
}

/// Waits for one datagram, and sends it back to where it came from.
// ANCHOR: answer-one
fn answer_one(
    socket: &UdpSocket,
    buffer: &mut [u8],
    options: &Options,
) -> io::Result<()> {
    let (n, peer) = socket.recv_from(buffer).map_err(tried("receive"))?;
    let message = &mut buffer[..n];
    if !options.quiet {
        say(format_args!("received {}", described(message, peer)));
    }
    if options.upper {
        message.make_ascii_uppercase();
    }
    socket.send_to(message, peer).map_err(tried(format_args!("answer {peer}")))?;
    Ok(())
}
// ANCHOR_END: answer-one

/// No datagram is longer: its header counts its bytes in 16 bits. So nothing is ever cut off.
/// This is all the memory that the server uses, however many clients it has.
const BUFFER_SIZE: usize = 64 * 1024;
