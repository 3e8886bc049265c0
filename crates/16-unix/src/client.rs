//! The echo client: sends one message, waits for all of it to come back, sends the next.

use std::io::{self, BufRead, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::output::{name, printable, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The server's path
    #[arg(value_name = "PATH", default_value_os_t = crate::default_path())]
    server: PathBuf,
    /// What to send, each with a newline behind it; without any, what is typed is sent line by line
    #[arg(value_name = "MESSAGE")]
    messages: Vec<String>,
}

/// Connects, and exchanges all messages.
///
/// # Errors
/// Nobody listens at the path, or the server ends before it has answered everything.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    let mut stream = UnixStream::connect(&options.server)
        .map_err(tried(format_args!("connect to {}", name(&options.server))))?;

    if options.messages.is_empty() {
        exchange_typed_lines(&mut stream)
    } else {
        for message in &options.messages {
            exchange(&mut stream, format!("{message}\n").as_bytes())?;
        }
        Ok(())
    }
    // Here `stream` goes out of scope: that closes the connection.
    // ANCHOR_END: run
}

/// Sends one message, waits until as many bytes have come back, and prints them.
fn exchange(stream: &mut UnixStream, message: &[u8]) -> io::Result<()> {
    stream.write_all(message).map_err(tried("send"))?;

    let mut answer = Vec::new();
    let end = stream.take(message.len() as u64).read_to_end(&mut answer);
    if !answer.is_empty() {
        let line = answer.strip_suffix(b"\n").unwrap_or(&answer);
        writeln!(io::stdout(), "{}", printable(line)).map_err(tried("print"))?;
    }
    end.map_err(tried("receive"))?;
    if answer.len() < message.len() {
        let (got, sent) = (answer.len(), message.len());
        return Err(io::Error::other(format!(
            "receive: the server closed the connection after {got} of {sent} bytes"
        )));
    }
    Ok(())
}

/// Sends what is typed, a line at a time, until the end of the input (Ctrl-D).
fn exchange_typed_lines(stream: &mut UnixStream) -> io::Result<()> {
    let mut keyboard = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        // A longer line travels in pieces: a client that sends much before it reads can lock up
        // with a server that answers while it sends.
        let mut limited = keyboard.by_ref().take(LONGEST_PIECE);
        limited.read_until(b'\n', &mut line).map_err(tried("read what is typed"))?;
        if line.is_empty() {
            return Ok(());
        }
        exchange(stream, &line)?;
    }
}

/// The most bytes sent before their echo is read.
const LONGEST_PIECE: u64 = 16 * 1024;
