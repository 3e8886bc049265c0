//! Peers over Unix sockets, told in the story, and what is found at their paths.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::bench::{Bench, Student};
use crate::finding::Finding;
use crate::tcp::{self, Stream};

/// A connected client.
pub type Client = tcp::Client<UnixStream>;

impl Stream for UnixStream {
    type Server = PathBuf;

    fn in_words(server: &PathBuf) -> Vec<String> {
        in_words(server)
    }
}

/// A failure of ours.
fn ours(what: &str) -> impl Fn(io::Error) -> Finding {
    move |error| Finding::ours(format!("{what}: {error}"))
}

impl Bench {
    /// Starts the program as a server at a path, and waits until there is a socket and it has said
    /// that it listens.
    ///
    /// # Errors
    /// It does not.
    pub fn start_server_at(&mut self, path: &str) -> Result<Student, Finding> {
        self.server_path = Some(PathBuf::from(path));
        let student = self.start(&["--listen", path])?;
        self.await_server(student, path, || is_socket(path))?;
        Ok(student)
    }

    /// Connects a client with a name for the story.
    ///
    /// # Errors
    /// The connection is refused, or not made in time.
    pub fn connect_to(&mut self, name: &str, path: &str) -> Result<Client, Finding> {
        self.story.tell(format!("{name} connects to {path}"));
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)
            .map_err(ours("make a socket"))?;
        let address = SockAddr::unix(path).map_err(ours("use the path"))?;
        // The limit holds for `connect`, too: it waits while the server's queue is full.
        socket
            .set_write_timeout(Some(self.patience))
            .map_err(ours("limit the time to connect"))?;
        socket.connect(&address).map_err(|error| {
            Finding::new(format!("{name} cannot connect to {path}: {error}"))
        })?;
        Client::over(socket.into(), name, path.into(), self.patience, &self.story)
    }

    /// Leaves the file of a server that is gone.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn make_stale(&mut self, path: &str) -> Result<(), Finding> {
        self.story.tell(format!("left {path}, the socket file of a server that is gone"));
        // Closing a listener does not remove its file.
        UnixListener::bind(path).map(drop).map_err(ours("leave a socket file"))
    }

    /// Listens at a path.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen_at(&mut self, path: &str) -> Result<UnixListener, Finding> {
        self.story.tell(format!("another server listens at {path}"));
        UnixListener::bind(path).map_err(ours("listen at a path"))
    }

    /// Receives datagrams at a path.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn receive_at(&mut self, path: &str) -> Result<UnixDatagram, Finding> {
        self.story.tell(format!("another server waits for datagrams at {path}"));
        UnixDatagram::bind(path).map_err(ours("receive at a path"))
    }

    /// Listens at a path, with a queue that is full.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn busy_server(&mut self, path: &str) -> Result<Busy, Finding> {
        self.story.tell(format!(
            "another server listens at {path}; it is busy, and its queue is full"
        ));
        Busy::at(path).map_err(ours("listen with a full queue"))
    }
}

/// A server that accepts nobody, and whose queue is full.
pub struct Busy {
    listener: Socket,
    waiting: Vec<Socket>,
}

/// The system makes the shortest queue a little longer than asked, but not as long as this.
const LONGEST_QUEUE: usize = 64;

impl Busy {
    fn at(path: &str) -> io::Result<Busy> {
        let address = SockAddr::unix(path)?;
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        listener.bind(&address)?;
        listener.listen(0)?;
        listener.set_nonblocking(true)?;
        let mut waiting = Vec::new();
        while waiting.len() < LONGEST_QUEUE {
            let client = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            client.set_nonblocking(true)?;
            match client.connect(&address) {
                Ok(()) => waiting.push(client),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Busy { listener, waiting });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("the queue does not get full"))
    }

    /// Takes the clients of this server itself out of the queue, so that there is room for others.
    pub fn make_room(&mut self) {
        for client in self.waiting.drain(..) {
            let _ = self.listener.accept();
            drop(client);
        }
    }

    /// Whether somebody is in the queue.
    pub fn has_caller(&self) -> bool {
        self.listener.accept().is_ok()
    }
}

/// Whether there is a socket at the path itself.
pub fn is_socket(path: &str) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// What identifies a file, whatever its name: its device, its number there, and its kind (inode(7)).
///
/// A file system may use a number again, but not while a program holds the socket.
pub type Identity = (u64, u64, fs::FileType);

/// The identity of the file at the path. None if there is no file.
pub fn identity(path: &str) -> Option<Identity> {
    let file = fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino(), file.file_type()))
}

/// What is at the path, and who listens there, in sentences.
pub fn in_words(path: &Path) -> Vec<String> {
    let shown = path.display();
    let mut words = vec![match fs::symlink_metadata(path) {
        Err(error) => format!("{shown}: {error}"),
        Ok(file) => {
            let mode = file.mode() & 0o7777;
            format!("{shown}: {}, mode {mode:03o}", kind_in_words(file.file_type()))
        }
    }];
    words.push(match servers(path) {
        0 => "no live server has this name".to_owned(),
        1 => "one live server has this name".to_owned(),
        number => {
            format!(
                "{number} live servers have this name; only the newest can be reached"
            )
        }
    });
    words
}

fn kind_in_words(kind: fs::FileType) -> &'static str {
    match kind {
        kind if kind.is_socket() => "a socket",
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_dir() => "a folder",
        kind if kind.is_file() => "an ordinary file",
        _ => "a special file",
    }
}

/// How many sockets that wait for clients were bound to this path (proc(5), /proc/net/unix).
fn servers(path: &Path) -> usize {
    let table = fs::read_to_string("/proc/thread-self/net/unix").unwrap_or_default();
    table
        .lines()
        .filter(|line| server_path(line).is_some_and(|other| Path::new(other) == path))
        .count()
}

/// The path of a server in a line of the table: of a socket that listens, or takes datagrams.
fn server_path(line: &str) -> Option<&str> {
    const LISTENS: &str = "00010000"; // The kernel's name of this flag is __SO_ACCEPTCON.
    const DATAGRAMS: &str = "0002";
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_number, _references, _protocol, flags, kind, _state, _inode, path] = words[..]
    else {
        return None;
    };
    (flags == LISTENS || kind == DATAGRAMS).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_understood() {
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 12345 a.sock";
        assert_eq!(server_path(line), Some("a.sock"));
        let connected =
            "0000000000000000: 00000003 00000000 00000000 0001 03 12346 a.sock";
        assert_eq!(server_path(connected), None);
        let datagrams =
            "0000000000000000: 00000002 00000000 00000000 0002 01 12347 b.sock";
        assert_eq!(server_path(datagrams), Some("b.sock"));
        assert_eq!(
            server_path("Num       RefCount Protocol Flags    Type St Inode Path"),
            None
        );
    }
}
