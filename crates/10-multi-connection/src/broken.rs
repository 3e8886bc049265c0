//! Classic mistakes, one at a time. Every server here is wrong on purpose.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::output::{complain, say, tried};

/// Which mistake the server makes.
#[derive(clap::Args)]
pub struct Options {
    /// The mistake
    mistake: Mistake,
    /// Wait for clients at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    listen: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mistake {
    /// Unwrap what reading from a client returns
    Unwrap,
    /// Hand a client's error to the caller with `?`
    QuestionMark,
    /// Ask the socket who the client was, although `accept` has said it
    PeerAddr,
}

/// Serves clients one after another, wrongly.
///
/// # Errors
/// The address cannot be had; and, which is the mistake, whatever happens to one client.
pub fn server(options: &Options) -> io::Result<()> {
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", listener.local_addr()?));
    match options.mistake {
        Mistake::Unwrap => unwrap(&listener),
        Mistake::QuestionMark => question_mark(&listener),
        Mistake::PeerAddr => peer_addr(&listener),
    }
}

// ANCHOR: unwrap
fn unwrap(listener: &TcpListener) -> ! {
    loop {
        let (mut stream, peer) = listener.accept().unwrap();
        say(format_args!("connected: {peer}"));
        let mut buffer = [0; 1024];
        let n = stream.read(&mut buffer).unwrap(); // wrong: what if the client is lost?
        stream.write_all(&buffer[..n]).unwrap(); // wrong: the same
    }
}
// ANCHOR_END: unwrap

// ANCHOR: question-mark
fn question_mark(listener: &TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept()?;
        say(format_args!("connected: {peer}"));
        echo(stream)?; // wrong: one client's error ends the loop, and with it the server
    }
}
// ANCHOR_END: question-mark

// ANCHOR: peer-addr
fn peer_addr(listener: &TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        say(format_args!("connected: {}", stream.peer_addr()?)); // wrong: it may be gone
        if let Err(error) = echo(stream) {
            complain(format_args!("echo: {error}"));
        }
    }
}
// ANCHOR_END: peer-addr

/// Echoes until the client ends.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n])?;
    }
}
