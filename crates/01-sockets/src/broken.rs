//! A classic mistake, and its repair.

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};

use socket2::{Domain, Socket, Type};

use crate::output::{say, tried};

/// How many sockets are wanted: more than a process may have open, on most systems.
const WANTED: u32 = 5000;

/// Makes many sockets and closes none of them.
///
/// # Errors
/// The process has as many open files as the system lets it have.
pub fn leak() -> io::Result<()> {
    // ANCHOR: leak
    for number in 1..=WANTED {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)
            .map_err(tried(format_args!("make socket number {number}")))?;
        let descriptor = socket.into_raw_fd(); // wrong: now nobody will close it
        if number <= 3 {
            say(format_args!("socket number {number}: descriptor {descriptor}"))?;
        }
    }
    // ANCHOR_END: leak
    say(format_args!("made {WANTED} sockets"))
}

/// Makes as many sockets, and closes each before it makes the next.
///
/// # Errors
/// The process may not even have one socket.
pub fn repaired() -> io::Result<()> {
    // ANCHOR: repaired
    for number in 1..=WANTED {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)
            .map_err(tried(format_args!("make socket number {number}")))?;
        if number <= 3 {
            let descriptor = socket.as_raw_fd();
            say(format_args!("socket number {number}: descriptor {descriptor}"))?;
        }
    } // Here `socket` goes out of scope, once for each round.
    // ANCHOR_END: repaired
    say(format_args!("made {WANTED} sockets"))
}
