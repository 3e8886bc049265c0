//! Datagram peers: they send, answer, lose, repeat, and disturb, and tell it in the story.
//!
//! A peer does nothing by itself: what a check does not answer is lost, what it sends twice is a
//! duplicate, what it sends late is late. A peer in another role than the partner is a stranger.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::bench::{Bench, Story, Student};
use crate::bytes::quoted;
use crate::finding::Finding;

/// Room for the largest datagram.
const LARGEST: usize = 64 * 1024;

/// So many datagrams are told in the story: a program may send without end.
const TOLD: usize = 40;

/// So many datagrams are remembered.
const REMEMBERED: usize = 1000;

/// So often a peer that waits looks whether the program is still running.
const A_MOMENT: Duration = Duration::from_millis(5);

/// Somebody with a port.
pub struct Peer {
    name: String,
    address: SocketAddr,
    socket: UdpSocket,
    story: Story,
    received: Vec<Datagram>,
}

/// A datagram that a peer has received.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// What it carries.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub from: SocketAddr,
    /// When it came.
    pub at: Instant,
    /// Whether the same bytes have come before, as far as the peer remembers.
    pub again: bool,
}

impl Peer {
    /// A peer at a free port of 127.0.0.1.
    ///
    /// # Errors
    /// The system has none.
    pub fn bind(name: &str, story: &Story) -> Result<Peer, Finding> {
        Peer::bind_at(name, (Ipv4Addr::LOCALHOST, 0).into(), story)
    }

    /// A peer at this very address.
    ///
    /// # Errors
    /// The system does not have it, or somebody else does.
    pub fn bind_at(
        name: &str,
        address: SocketAddr,
        story: &Story,
    ) -> Result<Peer, Finding> {
        let socket = UdpSocket::bind(address);
        let bound = socket.and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, socket) = bound
            .map_err(|error| Finding::new(format!("{name} gets no port: {error}")))?;
        let (name, story) = (name.to_owned(), story.clone());
        Ok(Peer { name, address, socket, story, received: Vec::new() })
    }

    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does from now on is not told.
    pub fn tell_no_more(&mut self) {
        self.story = Story::default();
    }

    /// The next datagram, if one comes in time.
    pub fn receive(&mut self, within: Duration) -> Option<Datagram> {
        // A limit of zero would mean none at all.
        let limit = within.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(limit)).ok()?;
        let mut buffer = vec![0; LARGEST];
        let (n, from) = self.socket.recv_from(&mut buffer).ok()?;
        let at = Instant::now();
        buffer.truncate(n);
        let before = self.received.iter().rev().find(|known| known.bytes == buffer);
        let how = match before {
            Some(before) => {
                let since = at.duration_since(before.at).as_millis();
                format!(" again, {since} ms later")
            }
            None => String::new(),
        };
        match self.received.len() {
            ..TOLD => {
                self.story.tell(format!("{} gets {}{how}", self.name, shown(&buffer)));
            }
            TOLD => self.story.tell(format!("{} gets more and more", self.name)),
            _ => {}
        }
        let datagram = Datagram { bytes: buffer, from, at, again: before.is_some() };
        if self.received.len() < REMEMBERED {
            self.received.push(datagram.clone());
        }
        Some(datagram)
    }

    /// The next datagram, if one comes in time. Waits no longer than the program runs.
    pub fn receive_from(
        &mut self,
        bench: &mut Bench,
        student: Student,
        within: Duration,
    ) -> Option<Datagram> {
        let deadline = Instant::now() + within;
        loop {
            let was_running = bench.is_running(student);
            let datagram = self.receive(A_MOMENT);
            if datagram.is_some() || !was_running || Instant::now() > deadline {
                return datagram;
            }
        }
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// The system does not take it.
    pub fn send(&self, to: SocketAddr, bytes: &[u8]) -> Result<(), Finding> {
        self.story.tell(format!("{} sends {}", self.name, shown(bytes)));
        self.send_untold(to, bytes)
    }

    /// Sends a datagram, for a check that tells of many at once.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub fn send_untold(&self, to: SocketAddr, bytes: &[u8]) -> Result<(), Finding> {
        self.socket
            .send_to(bytes, to)
            .map(drop)
            .map_err(|error| Finding::new(format!("{} cannot send: {error}", self.name)))
    }
}

/// A datagram without bytes is something, too.
fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() { "an empty datagram".to_owned() } else { quoted(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_knows_what_comes_again() {
        let story = Story::default();
        let mut server = Peer::bind("the server", &story).unwrap();
        let client = Peer::bind("the client", &story).unwrap();
        for bytes in [&b"one"[..], b"", b"one"] {
            client.send(server.address(), bytes).unwrap();
        }
        let long = Duration::from_secs(10);
        let got: Vec<Datagram> = (0..3).map(|_| server.receive(long).unwrap()).collect();
        assert_eq!(got[0].bytes, b"one");
        assert_eq!(got[0].from, client.address());
        let again: Vec<bool> = got.iter().map(|datagram| datagram.again).collect();
        assert_eq!(again, [false, false, true]);
        assert!(server.receive(Duration::ZERO).is_none());
    }
}
