//! The echo client: one that sends what is typed, or many at once, each in a thread.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::output::{printable, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:5000")]
    server: String,
    /// Be this many clients at once, each with one message; without it, what is typed is sent
    #[arg(short = 'n', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: Option<u16>,
}

/// Is one client, or many.
///
/// # Errors
/// Nobody listens at the address, or the server ends before it has answered everything.
pub fn run(options: &Options) -> io::Result<()> {
    match options.clients {
        None => exchange_typed_lines(&options.server),
        Some(clients) => all_at_once(&options.server, clients),
    }
}

/// Starts a thread for every client, then waits for all of them.
// ANCHOR: all-at-once
fn all_at_once(server: &str, clients: u16) -> io::Result<()> {
    let mut failures = Vec::new();
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for number in 1..=clients {
            let client = move || one_message(server, number);
            match thread::Builder::new().spawn_scoped(scope, client) {
                Ok(thread) => threads.push(thread),
                Err(error) => failures.push(tried("start a thread")(error)),
            }
        }
        for thread in threads {
            failures.extend(thread.join().expect("no client panics").err());
        }
    });
    let failed = failures.len();
    match failures.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(tried(format_args!("{failed} of {clients} failed"))(first)),
    }
}

/// The life of one of them: connect, send a message, print the answer.
fn one_message(server: &str, number: u16) -> io::Result<()> {
    let mut stream = connect(server)?;
    let message = format!("hello from {number}\n");
    exchange(&mut stream, message.as_bytes(), &format!("client {number}: "))
}
// ANCHOR_END: all-at-once

/// Sends what is typed, a line at a time, until the end of the input (Ctrl-D).
fn exchange_typed_lines(server: &str) -> io::Result<()> {
    let mut stream = connect(server)?;
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
        exchange(&mut stream, &line, "")?;
    }
}

/// The most bytes sent before their echo is read.
const LONGEST_PIECE: u64 = 16 * 1024;

fn connect(server: &str) -> io::Result<TcpStream> {
    TcpStream::connect(server).map_err(tried(format_args!("connect to {server}")))
}

/// Sends one message, waits until as many bytes have come back, and prints them (as in lesson 04).
fn exchange(stream: &mut TcpStream, message: &[u8], name: &str) -> io::Result<()> {
    stream.write_all(message).map_err(tried("send"))?;

    let mut answer = Vec::new();
    let end = stream.take(message.len() as u64).read_to_end(&mut answer);
    if !answer.is_empty() {
        let line = answer.strip_suffix(b"\n").unwrap_or(&answer);
        writeln!(io::stdout(), "{name}{}", printable(line)).map_err(tried("print"))?;
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
