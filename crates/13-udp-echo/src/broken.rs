//! Classic mistakes, one at a time. Every program here is wrong on purpose.

use std::io;
use std::net::UdpSocket;

use crate::client::typed_line;
use crate::output::{described, printable, say, tried};

/// Which mistake the server makes.
#[derive(clap::Args)]
pub struct ServerOptions {
    /// The mistake
    mistake: ServerMistake,
    /// Receive at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7777")]
    listen: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ServerMistake {
    /// Receive into a buffer that is too small
    SmallBuffer,
    /// Answer with the whole buffer instead of the bytes that were received
    WholeBuffer,
    /// Take an empty datagram for the end
    StopAtEmpty,
}

/// Answers datagrams, wrongly.
///
/// # Errors
/// The address cannot be had, or a client cannot be answered.
pub fn server(options: &ServerOptions) -> io::Result<()> {
    let socket = UdpSocket::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", socket.local_addr()?));
    match options.mistake {
        ServerMistake::SmallBuffer => small_buffer(&socket),
        ServerMistake::WholeBuffer => whole_buffer(&socket),
        ServerMistake::StopAtEmpty => stop_at_empty(&socket),
    }
    .map_err(tried("echo"))
}

// ANCHOR: small-buffer
fn small_buffer(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 4]; // wrong: what does not fit is thrown away
    loop {
        let (n, peer) = socket.recv_from(&mut buffer)?;
        say(format_args!("received {}", described(&buffer[..n], peer)));
        socket.send_to(&buffer[..n], peer)?;
    }
}
// ANCHOR_END: small-buffer

// ANCHOR: whole-buffer
fn whole_buffer(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 16];
    loop {
        let (_, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer, peer)?; // wrong: all 16 bytes, however many were received
    }
}
// ANCHOR_END: whole-buffer

// ANCHOR: stop-at-empty
fn stop_at_empty(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let (n, peer) = socket.recv_from(&mut buffer)?;
        if n == 0 {
            say(format_args!("{peer} has ended")); // wrong: it has sent an empty message
            return Ok(());
        }
        socket.send_to(&buffer[..n], peer)?;
    }
}
// ANCHOR_END: stop-at-empty

/// Which mistake the client makes.
#[derive(clap::Args)]
pub struct ClientOptions {
    /// The mistake
    mistake: ClientMistake,
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:7777")]
    server: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ClientMistake {
    /// Wait for ever, and believe whoever answers
    Trusting,
    /// Send without saying where to
    NoAddress,
}

/// Sends what is typed, wrongly.
///
/// # Errors
/// The system refuses to send or to receive.
pub fn client(options: &ClientOptions) -> io::Result<()> {
    match options.mistake {
        ClientMistake::Trusting => trusting(&options.server),
        ClientMistake::NoAddress => no_address(),
    }
}

// ANCHOR: trusting
fn trusting(server: &str) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(tried("bind"))?;
    let mut buffer = [0; 1024];
    while let Some(line) = typed_line()? {
        socket.send_to(&line, server).map_err(tried(format_args!("send to {server}")))?;
        // wrong twice: this may wait for ever, and nobody looks at who has sent the answer
        let (n, _) = socket.recv_from(&mut buffer).map_err(tried("receive"))?;
        say(format_args!("got: {}", printable(&buffer[..n])));
    }
    Ok(())
}
// ANCHOR_END: trusting

// ANCHOR: no-address
fn no_address() -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(tried("bind"))?;
    socket.send(b"hello").map_err(tried("send"))?; // wrong: to whom?
    Ok(())
}
// ANCHOR_END: no-address
