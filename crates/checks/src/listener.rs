//! A server that tests a client: it waits for the program under test to call, and each step is told
//! in the story.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use crate::bench::{Bench, Story, Student};
use crate::bytes::quoted;
use crate::finding::Finding;
use crate::sockets::{self, counted};
use crate::tcp::is_timeout;

/// Waits for calls of the program under test.
pub struct Listener {
    socket: TcpListener,
    /// Where it listens.
    pub address: SocketAddr,
}

/// A connection that the program under test has made.
pub struct Caller {
    stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
    story: Story,
}

/// An address that is taken as long as this value lives, and at which nobody listens: whoever
/// connects is refused.
pub struct ClosedDoor {
    /// The address.
    pub address: SocketAddr,
    _socket: Socket,
}

/// So often it is looked whether a program has ended instead of calling.
const A_LOOK: Duration = Duration::from_millis(5);

/// A failure of ours, as a finding.
fn ours(what: &str) -> impl Fn(std::io::Error) -> Finding {
    move |error| Finding::new(format!("the server of the check cannot {what}: {error}"))
}

impl Bench {
    /// Listens at a free port of 127.0.0.1, as a server for the program under test.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen(&mut self) -> Result<Listener, Finding> {
        let socket =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(ours("listen"))?;
        let address = socket.local_addr().map_err(ours("listen"))?;
        SockRef::from(&socket).set_read_timeout(Some(A_LOOK)).map_err(ours("listen"))?;
        self.story.tell(format!("waited for your program at {address}"));
        Ok(Listener { socket, address })
    }

    /// Takes an address without listening there.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn closed_door(&mut self) -> Result<ClosedDoor, Finding> {
        let socket =
            Socket::new(Domain::IPV4, Type::STREAM, None).map_err(ours("take a port"))?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).map_err(ours("take a port"))?;
        let address = socket.local_addr().map_err(ours("take a port"))?;
        let address = address.as_socket().unwrap_or(any);
        self.story.tell(format!("made sure that nobody listens at {address}"));
        Ok(ClosedDoor { address, _socket: socket })
    }

    /// Waits until the program has connected.
    ///
    /// # Errors
    /// It has ended without, or does not in time.
    pub fn await_call(
        &mut self,
        student: Student,
        listener: &Listener,
    ) -> Result<Caller, Finding> {
        let deadline = Instant::now() + self.patience;
        loop {
            // In this order: a program that has ended may have called before.
            let status = self.status(student);
            match listener.socket.accept() {
                Ok((stream, remote)) => {
                    self.story.tell("your program connected");
                    let _ = stream.set_nodelay(true);
                    let _ = stream.set_write_timeout(Some(self.patience));
                    let (local, story) = (listener.address, self.story.clone());
                    return Ok(Caller { stream, local, remote, story });
                }
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(ours("accept")(error)),
            }
            let finding = Finding::new("your program did not connect")
                .wanted(format!("a connection to {}", listener.address));
            if let Some(status) = status {
                let ended = crate::bench::ended(status);
                return Err(finding.saw(format!("it ended with {ended}")));
            }
            if Instant::now() > deadline {
                return Err(finding.waited(self.patience, " for it"));
            }
        }
    }

    /// Waits until the program has read all that was sent to it, or has closed. Gives up after the
    /// usual time: a program may read late.
    pub fn await_taken(&mut self, student: Student, caller: &Caller) {
        let deadline = Instant::now() + self.patience;
        // First it must have arrived: only then an empty queue means that it was read.
        let own = || sockets::find(caller.local, caller.remote);
        let arrived = || own().is_none_or(|socket| socket.unsent == 0);
        let other = || sockets::find(caller.remote, caller.local);
        let taken = || other().is_none_or(|socket| socket.unread == 0);
        for is_so in [&arrived as &dyn Fn() -> bool, &taken] {
            while !is_so() && Instant::now() < deadline {
                self.watch(student, Duration::from_millis(2));
            }
        }
    }
}

impl Caller {
    /// Sends bytes.
    ///
    /// # Errors
    /// The program has closed, or does not take them.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Finding> {
        self.story.tell(format!("sent {} to it", quoted(bytes)));
        self.stream.write_all(bytes).map_err(|error| {
            self.finding("your program does not take what it is sent")
                .saw(error.to_string())
        })
    }

    /// Closes the connection in the ordinary way.
    pub fn leave(self) {
        self.story.tell("closed the connection");
    }

    /// Resets the connection: the program gets an error instead of an end.
    pub fn reset(self) {
        self.story.tell("reset the connection");
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// A finding, with the state of the program's socket as it is now.
    pub fn finding(&self, summary: impl Into<String>) -> Finding {
        let words = match sockets::find(self.remote, self.local) {
            None => "your program has no connection any more".to_owned(),
            Some(socket) => format!(
                "your connection: {}; {} unread",
                socket.state,
                counted(socket.unread, "byte", "bytes")
            ),
        };
        Finding { sockets: vec![words], ..Finding::new(summary) }
    }
}
