//! Ends the process where the signal arrives, whatever its threads are doing.
//!
//! fails: last-answers
//! says: cut-off

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

pub fn main() -> io::Result<()> {
    serve(Options::from_command_line())
}

/// Serves clients until SIGINT or SIGTERM, each in a thread of its own.
fn serve(options: Options) -> io::Result<()> {
    let server = Arc::new(Server { options, state: Mutex::default() });
    catch_signals(&server)?;
    let listener = TcpListener::bind(&server.options.listen)?;
    println!("listening on {}", listener.local_addr()?);
    accept_clients(&server, &listener);
    Ok(())
}

/// From now on Ctrl-C and SIGTERM are messages, and no longer deadly.
fn catch_signals(server: &Arc<Server>) -> io::Result<()> {
    let server = Arc::clone(server);
    let handler = move || {
        println!("served {} clients", server.state().served);
        process::exit(0);
    };
    ctrlc::set_handler(handler).map_err(io::Error::other)
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
        }
    }
}

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);

/// What all threads share.
struct Server {
    options: Options,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    present: Vec<Arc<TcpStream>>,
    served: u64,
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }
}

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
}

impl Place {
    /// Looks for a free place and takes it, with one locking: nobody can come in between.
    fn take(server: &Arc<Server>, stream: TcpStream) -> Answer {
        let mut state = server.state();
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
