//! Classic mistakes, one at a time. Every program here is wrong on purpose.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::output::{say, tried};

/// Which mistake the server makes.
#[derive(clap::Args)]
pub struct ServerOptions {
    /// The mistake
    mistake: Mistake,
    /// Wait for the client at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    listen: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mistake {
    /// Answer with the whole buffer instead of the bytes that were read
    WholeBuffer,
    /// Do not look for the end of the input
    NoEnd,
    /// Read into a buffer that has capacity but no length
    NoRoom,
}

/// Serves one client, wrongly.
///
/// # Errors
/// As the server that works.
pub fn server(options: &ServerOptions) -> io::Result<()> {
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", listener.local_addr()?));
    let (stream, peer) = listener.accept().map_err(tried("accept"))?;
    match options.mistake {
        Mistake::WholeBuffer => whole_buffer(stream),
        Mistake::NoEnd => no_end(stream),
        Mistake::NoRoom => no_room(stream),
    }
    .map_err(tried(format_args!("echo to {peer}")))
}

// ANCHOR: whole-buffer
fn whole_buffer(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16];
    while stream.read(&mut buffer)? > 0 {
        stream.write_all(&buffer)?; // wrong: all 16 bytes, however many were read
    }
    Ok(())
}
// ANCHOR_END: whole-buffer

// ANCHOR: no-end
fn no_end(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16];
    for _ in 0..5 {
        // The real mistake says `loop` here, and never ends.
        let n = stream.read(&mut buffer)?; // wrong: nobody asks whether n is 0
        say(format_args!("read {n} bytes"));
        stream.write_all(&buffer[..n])?;
    }
    Ok(())
}
// ANCHOR_END: no-end

// ANCHOR: no-room
fn no_room(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(1024); // wrong: room for 1024 bytes, but a length of 0
    let n = stream.read(&mut buffer)?;
    say(format_args!("read {n} bytes, so the client has ended"));
    Ok(())
}
// ANCHOR_END: no-room

/// Where the broken client connects to.
#[derive(clap::Args)]
pub struct ClientOptions {
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8000")]
    server: String,
}

/// Sends an empty message and waits for the answer, which cannot come.
///
/// # Errors
/// Nobody listens at the address, or the connection is lost.
pub fn client(options: &ClientOptions) -> io::Result<()> {
    let mut stream = TcpStream::connect(&options.server)
        .map_err(tried(format_args!("connect to {}", options.server)))?;
    // ANCHOR: empty-message
    stream.write_all(b"")?; // wrong: a stream carries bytes, and these are none
    say("sent the empty message");
    let n = stream.read(&mut [0; 16])?;
    say(format_args!("the answer has {n} bytes"));
    // ANCHOR_END: empty-message
    Ok(())
}
