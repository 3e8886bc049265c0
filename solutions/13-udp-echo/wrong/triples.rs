//! Makes each wait three times as long as the one before, up to 0.9 s.
//!
//! fails: backs-off
//! says: too-steep

use std::env;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long to wait for the first answer to a message. Each further wait is twice as long: who is
/// slow because there is too much to do is not helped by more of the same.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// However often nothing comes, no wait is longer.
const LONGEST_WAIT: Duration = Duration::from_millis(900);

/// So often a message is sent before we give up.
const SENDINGS: u32 = 4;

/// No datagram is longer.
const LONGEST_DATAGRAM: usize = 64 * 1024;

pub fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some("client"), Some(address)) = (arguments.next().as_deref(), arguments.next())
    else {
        eprintln!("usage: udp-echo client ADDRESS MESSAGE...");
        return ExitCode::from(2);
    };
    let messages: Vec<String> = arguments.collect();
    match exchange_all(&address, &messages) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends the messages one after another, and prints the answer to each.
fn exchange_all(address: &str, messages: &[String]) -> io::Result<()> {
    // One socket for all messages. From `connect` on, the system drops what others send to us.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(address)?;
    for (id, message) in (1..).zip(messages) {
        let answer = exchange(&socket, id, message.as_bytes())?;
        // Letters stay letters; what would move the cursor of a terminal is shown as `\x1b`.
        println!("{}", answer.escape_ascii());
    }
    Ok(())
}

/// Sends one message until its answer comes, but not for ever.
fn exchange(socket: &UdpSocket, id: u32, message: &[u8]) -> io::Result<Vec<u8>> {
    // Made once: whoever gets it twice shall see that it is the same message.
    let datagram = [&id.to_be_bytes(), message].concat();
    let mut wait = FIRST_WAIT;
    for _ in 0..SENDINGS {
        socket.send(&datagram)?;
        if let Some(answer) = wait_for_answer(socket, id, wait)? {
            return Ok(answer);
        }
        wait = LONGEST_WAIT.min(wait * 3);
    }
    Err(io::Error::new(
        ErrorKind::TimedOut,
        format!("no answer to message {id}, which was sent {SENDINGS} times"),
    ))
}

/// Waits for the answer with this identifier. `None` if it does not come in time.
fn wait_for_answer(
    socket: &UdpSocket,
    id: u32,
    wait: Duration,
) -> io::Result<Option<Vec<u8>>> {
    // The time is over at the deadline, whatever else comes until then.
    let deadline = Instant::now() + wait;
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv(&mut buffer) {
            Ok(n) => {
                if let Some(text) = answer_to(id, &buffer[..n]) {
                    return Ok(Some(text.to_vec()));
                }
            }
            // The time is over, or somebody stopped us with Ctrl-Z: the deadline decides.
            Err(error) if is_no_answer_yet(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The text of a datagram, if it is the answer to this message. What is too short, late, or a
/// copy of an earlier answer begins with something else.
fn answer_to(id: u32, datagram: &[u8]) -> Option<&[u8]> {
    datagram.strip_prefix(&id.to_be_bytes())
}

/// Which of the first two means "too late" depends on the system.
fn is_no_answer_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
