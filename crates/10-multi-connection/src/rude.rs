//! Clients that give a server trouble. Every one of them occurs in real life: a program that is
//! killed, a laptop that is shut, somebody who has gone for lunch.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use crate::output::{say, tried};

/// What the client does.
#[derive(clap::Args)]
pub struct Options {
    /// The trouble
    trouble: Trouble,
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:9090")]
    server: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Trouble {
    /// Close the connection without having sent anything
    Leave,
    /// Tear the connection down instead of closing it
    Reset,
    /// Send nothing, and stay until the input ends (Ctrl-D)
    Idle,
}

/// Connects, and makes trouble.
///
/// # Errors
/// Nobody listens at the address.
pub fn client(options: &Options) -> io::Result<()> {
    let stream = TcpStream::connect(&options.server)
        .map_err(tried(format_args!("connect to {}", options.server)))?;
    say(format_args!("connected from {}", stream.local_addr()?));
    match options.trouble {
        Trouble::Leave => drop(stream),
        Trouble::Reset => reset(stream)?,
        Trouble::Idle => stay(stream)?,
    }
    Ok(())
}

/// Closes with a reset: "forget this connection" instead of "I have sent everything".
///
/// A reset also happens when a program ends with bytes unread. This way of asking for one needs
/// socket2; std has no stable name for it.
// ANCHOR: reset
fn reset(stream: TcpStream) -> io::Result<()> {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))
    // Here `stream` goes out of scope, and with no time left to linger, that is a reset.
}
// ANCHOR_END: reset

/// Keeps the connection open and silent.
fn stay(stream: TcpStream) -> io::Result<()> {
    io::copy(&mut io::stdin().lock(), &mut io::sink())
        .map_err(tried("wait for Ctrl-D"))?;
    drop(stream);
    Ok(())
}
