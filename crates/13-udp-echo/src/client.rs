//! The echo client: sends one datagram, waits for its echo but not for ever, sends the next.

use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use crate::output::{complain, printable, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Wait this many milliseconds for each answer
    #[arg(long, value_name = "MS", default_value_t = PATIENCE,
          value_parser = clap::value_parser!(u32).range(1..))]
    wait: u32,
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:7777")]
    server: String,
    /// What to send, one datagram each; without any, what is typed is sent line by line
    #[arg(value_name = "MESSAGE")]
    messages: Vec<String>,
}

/// Makes a socket for this server, and exchanges all messages.
///
/// # Errors
/// Nobody receives at the address, or a message is not answered.
pub fn run(options: &Options) -> io::Result<()> {
    // ANCHOR: run
    let socket = connect(&options.server)
        .map_err(tried(format_args!("connect to {}", options.server)))?;
    let patience = Duration::from_millis(options.wait.into());

    if options.messages.is_empty() {
        while let Some(line) = typed_line()? {
            exchange(&socket, &line, patience)?;
        }
    } else {
        for message in &options.messages {
            exchange(&socket, message.as_bytes(), patience)?;
        }
    }
    Ok(())
    // ANCHOR_END: run
}

/// A socket with a port of its own that talks to nobody but the server.
// ANCHOR: connect
fn connect(server: &str) -> io::Result<UdpSocket> {
    let server = server.to_socket_addrs()?.next();
    let server = server.ok_or_else(|| io::Error::other("the name has no address"))?;
    let any_address = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };

    let socket = UdpSocket::bind(any_address)?;
    // Nothing is sent here. The system only notes the partner: from now on it drops what others
    // send to us, and tells us when it learns that nobody receives at that address.
    socket.connect(server)?;
    Ok(socket)
}
// ANCHOR_END: connect

/// Sends one message until its echo comes, and prints that.
// ANCHOR: exchange
fn exchange(socket: &UdpSocket, message: &[u8], patience: Duration) -> io::Result<()> {
    for attempt in 1..=ATTEMPTS {
        let bytes = message.len();
        socket
            .send(message)
            .map_err(tried(format_args!("send {bytes} bytes in one datagram")))?;
        let echo = wait_for_echo(socket, message, patience).map_err(tried("receive"))?;
        if let Some(echo) = echo {
            writeln!(io::stdout(), "{}", printable(&echo)).map_err(tried("print"))?;
            return Ok(());
        }
        if attempt < ATTEMPTS {
            complain(format_args!(
                "receive: no answer within {patience:?}, sending again ({} of {ATTEMPTS})",
                attempt + 1
            ));
        }
    }
    Err(io::Error::new(
        ErrorKind::TimedOut,
        format!("receive: no answer within {patience:?}, giving up"),
    ))
}
// ANCHOR_END: exchange

/// How often a message is sent before we give up.
const ATTEMPTS: u32 = 3;

/// How many milliseconds to wait for an answer each time. On one machine it comes in far less than
/// one, from the other side of the earth in a third of a second.
const PATIENCE: u32 = 1000;

/// Waits for the echo of this message. `None` if it does not come in time.
// ANCHOR: wait-for-echo
fn wait_for_echo(
    socket: &UdpSocket,
    message: &[u8],
    patience: Duration,
) -> io::Result<Option<Vec<u8>>> {
    let deadline = Instant::now() + patience;
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv(&mut buffer) {
            Ok(n) if is_echo(&buffer[..n], message) => {
                buffer.truncate(n);
                return Ok(Some(buffer));
            }
            Ok(n) => complain(format_args!(
                "receive: no echo of this message, dropped: {}",
                printable(&buffer[..n])
            )),
            // The time is over, or somebody stopped us with Ctrl-Z: the deadline decides.
            Err(error)
                if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: wait-for-echo

/// Whether this datagram answers that message, and not an earlier one: when we were too impatient,
/// we have sent twice and are answered twice. Echoes carry no number that would tell, so their
/// bytes must do; some servers answer in capitals.
// ANCHOR: is-echo
fn is_echo(answer: &[u8], message: &[u8]) -> bool {
    answer.eq_ignore_ascii_case(message)
}
// ANCHOR_END: is-echo

/// Which of the two kinds means "too late" depends on the system.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The next line that is typed, or `None` at the end of the input (Ctrl-D). It has no newline: a
/// datagram ends where it ends, and needs no mark for that.
pub fn typed_line() -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    // A line of this size is longer than any datagram; sending it will fail, so we need no more.
    let mut keyboard = io::stdin().lock().take(BUFFER_SIZE as u64);
    keyboard.read_until(b'\n', &mut line).map_err(tried("read what is typed"))?;
    if line.is_empty() {
        return Ok(None);
    }
    line.pop_if(|last| *last == b'\n');
    Ok(Some(line))
}

/// No datagram is longer.
const BUFFER_SIZE: usize = 64 * 1024;
