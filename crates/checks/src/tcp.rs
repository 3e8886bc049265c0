//! A client that tests a server: each step is told in the story, and each failure has its evidence.

mod silence;
mod stuck;

use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::bench::Story;
use crate::bytes::{difference, quoted};
use crate::finding::{Finding, Manner};
use crate::sockets::{self, counted};

/// A connected client: over TCP, unless another kind of stream is named.
pub struct Client<S: Stream = TcpStream> {
    name: String,
    server: S::Server,
    stream: S,
    story: Story,
    patience: Duration,
}

/// A kind of stream, and what is known about the servers at its other end.
pub trait Stream: Read + Write + AsFd {
    /// What names a server.
    type Server;

    /// What the sockets of the server say, in sentences.
    fn in_words(server: &Self::Server) -> Vec<String>;
}

impl Stream for TcpStream {
    type Server = SocketAddr;

    fn in_words(server: &SocketAddr) -> Vec<String> {
        sockets::in_words(*server)
    }
}

/// Long enough for bytes that are on their way.
const A_MOMENT: Duration = Duration::from_millis(50);

/// How a stream came to its end.
#[derive(Debug, PartialEq)]
pub enum StreamEnd {
    /// The peer has closed it.
    Closed,
    /// The peer has reset it.
    Reset,
    /// Nothing has come for so long that nothing more will.
    Silent,
    /// Something came all the time, but not all of it in time.
    TooSlow,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// The connection is refused, or not made in time.
    pub fn connect(
        name: &str,
        server: SocketAddr,
        patience: Duration,
        story: &Story,
    ) -> Result<Client, Finding> {
        story.tell(format!("{name} connects"));
        let stream = TcpStream::connect_timeout(&server, patience).map_err(|error| {
            Finding::new(format!("{name} cannot connect to {server}: {error}"))
        })?;
        stream
            .set_nodelay(true)
            .map_err(|error| Finding::new(format!("{name}: {error}")))?;
        Client::over(stream, name, server, patience, story)
    }

    /// The client's own address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.stream.local_addr().ok()
    }

    /// Resets the connection: the server gets an error instead of an end. Returns when the reset has
    /// arrived in the server's system.
    pub fn reset(self) {
        self.story.tell(format!("{} resets the connection", self.name));
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        let (server, patience) = (self.server, self.patience);
        let Some(own) = self.address() else { return };
        drop(self);
        wait_until(patience, || sockets::find(server, own).is_none());
    }

    /// Waits until all that was sent has arrived in the server's system, read or not.
    pub fn await_arrival(&mut self) {
        let Some(own) = self.address() else { return };
        wait_until(self.patience, || {
            sockets::find(own, self.server).is_none_or(|socket| socket.unsent == 0)
        });
    }
}

impl<S: Stream> Client<S> {
    /// A client over a stream that is connected to `server`.
    ///
    /// # Errors
    /// The system does not let it wait with a limit.
    pub fn over(
        stream: S,
        name: &str,
        server: S::Server,
        patience: Duration,
        story: &Story,
    ) -> Result<Client<S>, Finding> {
        let socket = SockRef::from(&stream);
        socket
            .set_read_timeout(Some(patience))
            .and_then(|()| socket.set_write_timeout(Some(patience)))
            .map_err(|error| Finding::new(format!("{name}: {error}")))?;
        Ok(Client {
            name: name.to_owned(),
            server,
            stream,
            story: story.clone(),
            patience,
        })
    }

    /// From now on what the client does is told in this story: in one that nobody reads, if it does
    /// the same again and again.
    pub fn tell_in(&mut self, story: &Story) {
        self.story = story.clone();
    }

    /// A finding, with the state of the sockets as it is now.
    pub fn finding(&self, summary: impl Into<String>) -> Finding {
        Finding { sockets: S::in_words(&self.server), ..Finding::new(summary) }
    }

    /// The client's name in the story.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// The server has closed, or does not take them.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Finding> {
        self.story.tell(format!("{} sends {}", self.name, quoted(bytes)));
        self.stream
            .write_all(bytes)
            .map_err(|error| self.finding(format!("{} cannot send: {error}", self.name)))
    }

    /// Sends bytes one at a time, so that each is a packet of its own.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send_one_by_one(&mut self, bytes: &[u8]) -> Result<(), Finding> {
        let number = bytes.len();
        self.story.tell(format!(
            "{} sends {}, in {number} packets of one byte",
            self.name,
            quoted(bytes)
        ));
        for &byte in bytes {
            self.stream.write_all(&[byte]).map_err(|error| {
                self.finding(format!("{} cannot send: {error}", self.name))
            })?;
            thread::sleep(Duration::from_millis(1)); // why: the server shall see separate packets
        }
        Ok(())
    }

    /// Says that nothing more will be sent (shutdown(2), SHUT_WR), and goes on reading.
    pub fn half_close(&mut self) {
        self.story
            .tell(format!("{} says that it will send no more (half-close)", self.name));
        let _ = SockRef::from(&self.stream).shutdown(Shutdown::Write);
    }

    /// Says that it will read nothing more (shutdown(2), SHUT_RD). Over a Unix socket the server's
    /// next write is then an error; over TCP the server does not learn of it.
    pub fn stop_reading(&mut self) {
        self.story.tell(format!("{} says that it will read no more", self.name));
        let _ = SockRef::from(&self.stream).shutdown(Shutdown::Read);
    }

    /// Waits until something has come, and closes without having read it: the server gets a reset.
    ///
    /// # Errors
    /// Nothing comes.
    pub fn leave_unread(self) -> Result<(), Finding> {
        self.story.tell(format!("{} leaves without reading its answer", self.name));
        match SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]) {
            Ok(1) => Ok(()),
            Ok(_) => {
                let name = &self.name;
                Err(self.finding(format!("your server closes {name}'s connection")))
            }
            Err(error) => {
                Err(self.finding(format!("{} gets no answer: {error}", self.name)))
            }
        }
    }

    /// Closes the connection in the ordinary way.
    pub fn leave(self) {
        self.story.tell(format!("{} leaves", self.name));
    }

    /// Reads just these bytes.
    ///
    /// # Errors
    /// Others come, or too few in time.
    pub fn expect(&mut self, wanted: &[u8]) -> Result<(), Finding> {
        self.story.tell(format!("{} waits for {} bytes", self.name, wanted.len()));
        let (mut got, end) = self.read(wanted.len());
        if got != wanted && end.is_none() {
            // What comes behind it may explain the difference.
            self.limit_reads(A_MOMENT);
            got.extend(self.read(4096).0);
            self.limit_reads(self.patience);
        }
        self.compare(wanted, &got, end)
    }

    /// Reads until the server closes; just these bytes must come.
    ///
    /// # Errors
    /// Others come, or the server does not close.
    pub fn expect_to_the_end(&mut self, wanted: &[u8]) -> Result<(), Finding> {
        self.story.tell(format!("{} reads until your server closes", self.name));
        let (got, end) = self.read(wanted.len() + 1);
        let so_far = match wanted.is_empty() {
            true => String::new(),
            false => format!("the answer to {} is right, but ", self.name),
        };
        let name = &self.name;
        let finding = match end {
            _ if got != wanted => return self.compare(wanted, &got, end),
            Some(StreamEnd::Closed) => return Ok(()),
            Some(StreamEnd::Reset) => {
                self.finding(format!("{so_far}{name}'s connection is reset"))
            }
            _ => self
                .finding(format!(
                    "{so_far}your server does not close {name}'s connection"
                ))
                .waited(self.patience, " for the end of the stream"),
        };
        Err(finding.wanted("the end of the stream behind the last byte"))
    }

    /// From now on a read waits so long.
    fn limit_reads(&self, time: Duration) {
        let _ = SockRef::from(&self.stream).set_read_timeout(Some(time));
    }

    /// Reads up to `limit` bytes, until the end, or until nothing has come for a while.
    pub fn read(&mut self, limit: usize) -> (Vec<u8>, Option<StreamEnd>) {
        let mut got = Vec::new();
        let deadline = Instant::now() + self.patience * 5;
        let mut buffer = vec![0; 64 * 1024];
        while got.len() < limit {
            let room = buffer.len().min(limit - got.len());
            match self.stream.read(&mut buffer[..room]) {
                Ok(0) => return (got, Some(StreamEnd::Closed)),
                Ok(n) => got.extend_from_slice(&buffer[..n]),
                Err(error) if is_timeout(&error) => {
                    return (got, Some(StreamEnd::Silent));
                }
                Err(_) => return (got, Some(StreamEnd::Reset)),
            }
            if Instant::now() > deadline {
                return (got, Some(StreamEnd::TooSlow));
            }
        }
        (got, None)
    }

    fn compare(
        &self,
        wanted: &[u8],
        got: &[u8],
        end: Option<StreamEnd>,
    ) -> Result<(), Finding> {
        if got == wanted {
            return Ok(());
        }
        let name = &self.name;
        let after = format!("after {} of {} bytes", got.len(), wanted.len());
        let is_beginning = wanted.starts_with(got);
        let summary = match end {
            _ if !is_beginning => format!("{name} gets something else"),
            Some(StreamEnd::Closed) => {
                format!("your server closes {name}'s connection {after}")
            }
            Some(StreamEnd::Reset) => format!("{name}'s connection is reset {after}"),
            Some(StreamEnd::TooSlow) => {
                format!("{name}'s answer is not complete in time")
            }
            _ if got.is_empty() => format!("{name} gets no answer"),
            _ => format!("{name}'s answer stops {after}"),
        };
        let mut finding = self.finding(summary).wanted(quoted(wanted));
        if !got.is_empty() {
            finding = finding.saw(quoted(got));
        }
        finding.saw.extend(difference(wanted, got));
        if end == Some(StreamEnd::Silent) {
            let then = if got.is_empty() { "" } else { "then " };
            let seconds = self.patience.as_secs_f32();
            finding = finding
                .saw(format!("{then}nothing for {seconds} s; the connection is open"));
        }
        if end == Some(StreamEnd::TooSlow) {
            let seconds = (self.patience * 5).as_secs_f32();
            let bytes =
                counted(got.len().try_into().unwrap_or(u32::MAX), "byte", "bytes");
            finding = finding.saw(format!("{bytes} in {seconds} s, and more to come"));
        }
        let is_late = matches!(end, Some(StreamEnd::Silent | StreamEnd::TooSlow));
        if is_late && wanted.starts_with(got) {
            finding.manner = Manner::Late;
        }
        finding.received = got.to_vec();
        Err(finding)
    }
}

/// Looks again and again. What is waited for happens within the system, and soon.
pub fn wait_until(patience: Duration, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + patience;
    while !is_so() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1)); // why: the system tells nobody about its sockets
    }
}

/// Whether a read only took too long.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
