//! Says `1 client` where `1 clients` is asked.
//!
//! fails: ends-anyway

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process;
use std::str::FromStr;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

pub fn main() -> io::Result<()> {
    serve(Options::from_command_line())
}

/// Serves clients until SIGINT or SIGTERM, each in a thread of its own.
fn serve(options: Options) -> io::Result<()> {
    let stop = catch_signals()?; // Who has read `listening on` may press Ctrl-C.
    let listener = TcpListener::bind(&options.listen)?;
    let address = listener.local_addr()?;
    println!("listening on {address}");

    let server =
        Arc::new(Server { options, state: Mutex::default(), left: Condvar::new() });
    let acceptor = Arc::clone(&server);
    start_thread(move || accept_clients(&acceptor, &listener))?;

    let _ = stop.recv(); // Nobody sleeps in `accept` who is needed for the end.
    server.stop(address);
    let served = server.state().served;
    println!("served {served} client{}", if served == 1 { "" } else { "s" });
    Ok(())
}

/// From now on Ctrl-C and SIGTERM are messages, and no longer deadly.
fn catch_signals() -> io::Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    let handler = move || {
        let _ = sender.send(());
    };
    ctrlc::set_handler(handler).map_err(io::Error::other)?;
    Ok(receiver)
}

/// Gives each client a place and a thread, or tells it that there is none.
fn accept_clients(server: &Arc<Server>, listener: &TcpListener) {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                eprintln!("error: accept: {error}");
                thread::sleep(RETRY_ACCEPT); // why: at once it would fail again
                continue;
            }
        };
        match Place::take(server, stream) {
            Answer::Welcome(place) => {
                // If no thread can be had, the place goes with it, and the connection as well.
                if let Err(error) = start_thread(move || place.serve()) {
                    eprintln!("error: start a thread: {error}");
                }
            }
            Answer::Busy(mut stream) => {
                // So few bytes always fit into the socket: this does not wait for the client.
                let _ = stream.write_all(b"busy\n");
            }
            Answer::Stopping => return, // This closes the listener, too.
        }
    }
}

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);

/// What all threads share.
struct Server {
    options: Options,
    state: Mutex<State>,
    /// Wakes who waits for clients to leave.
    left: Condvar,
}

#[derive(Default)]
struct State {
    present: Vec<Arc<TcpStream>>,
    served: u64,
    stopping: bool,
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }

    /// Lets no new client in, and waits until the others have their answers, but not for ever.
    fn stop(&self, address: SocketAddr) {
        let mut state = self.state();
        state.stopping = true;
        for stream in &state.present {
            // Whoever waits in `read` gets what has already arrived, and then 0. Writing goes on.
            let _ = stream.shutdown(Shutdown::Read);
        }
        drop(state);
        // A connection wakes the acceptor, which then closes the door.
        let _ = TcpStream::connect_timeout(&address, Duration::from_millis(100));
        let _ = self
            .left
            .wait_timeout_while(self.state(), LAST_ANSWERS, |s| !s.present.is_empty());
    }
}

/// How long clients may take to fetch their last answers.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A client's place. It is taken for as long as this value lives: however the client's thread comes
/// to its end, the place is free again, and nobody has to think of it.
struct Place {
    server: Arc<Server>,
    stream: Arc<TcpStream>,
}

/// What a client that comes is told.
enum Answer {
    Welcome(Place),
    Busy(TcpStream),
    Stopping,
}

impl Place {
    /// Looks for a free place and takes it, with one locking: nobody can come in between.
    fn take(server: &Arc<Server>, stream: TcpStream) -> Answer {
        let mut state = server.state();
        if state.stopping {
            return Answer::Stopping;
        }
        if state.present.len() >= server.options.limit {
            return Answer::Busy(stream);
        }
        let stream = Arc::new(stream);
        state.present.push(Arc::clone(&stream));
        state.served += 1;
        Answer::Welcome(Place { server: Arc::clone(server), stream })
    }

    /// The whole life of a client's thread.
    fn serve(self) {
        if let Err(error) = echo(&self.stream, self.server.options.idle) {
            eprintln!("error: a client: {error}");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.state().present.retain(|stream| !Arc::ptr_eq(stream, &self.stream));
        self.server.left.notify_all();
    }
}

/// Sends back every byte until the client ends, or nothing has come for the time `idle`.
fn echo(mut stream: &TcpStream, idle: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(idle))?; // It counts from the beginning of each `read`.
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => stream.write_all(&buffer[..n])?,
            // Unix says WouldBlock when the time is over, Windows says TimedOut.
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(());
            }
            // The system does not start a read with a time limit again after a signal (signal(7)).
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Unlike `thread::spawn`, this does not panic if no thread can be had.
fn start_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().spawn(work).map(drop)
}

/// What the command line says.
struct Options {
    /// Where to wait for clients.
    listen: String,
    /// So many clients are served at the same time, at most.
    limit: usize,
    /// A client from which nothing has come for so long is dropped.
    idle: Duration,
}

impl Options {
    fn from_command_line() -> Options {
        Options {
            listen: argument("--listen").unwrap_or_else(|| "127.0.0.1:5000".to_owned()),
            limit: number("--limit", 100),
            idle: Duration::from_millis(number("--idle", 30_000)),
        }
    }
}

/// The word behind this one on the command line.
fn argument(name: &str) -> Option<String> {
    env::args().skip_while(|word| word != name).nth(1)
}

/// The number behind this word, or else the one of the task.
fn number<T: FromStr>(name: &str, default: T) -> T {
    let Some(text) = argument(name) else { return default };
    text.parse().unwrap_or_else(|_| {
        eprintln!("error: {name} {text}: this is no number");
        process::exit(2)
    })
}
