//! The echo server: a thread for every connection, up to a limit, until Ctrl-C or SIGTERM.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::output::{complain, printable, say, tried};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Wait for clients at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    listen: String,
    /// At most this many connections at once; the next client waits until one of them ends
    #[arg(long, value_name = "N", default_value = "500", value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
    /// When stopping, wait this many milliseconds for clients to fetch their last answers
    #[arg(long, value_name = "MS", default_value_t = 3000,
          value_parser = clap::value_parser!(u32).range(1..))]
    grace: u32,
    /// Answer in capitals (the letters a to z; other bytes stay as they are)
    #[arg(long)]
    upper: bool,
    /// Print nothing per message
    #[arg(long)]
    quiet: bool,
}

/// Listens, and serves all clients until Ctrl-C or SIGTERM.
///
/// # Errors
/// The address cannot be had, or the system has no thread for the server itself.
pub fn run(options: Options) -> io::Result<()> {
    // ANCHOR: run
    let stop = catch_signals()?;
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    let address = listener.local_addr()?;
    say(format_args!("listening on {address}"));

    let server = Arc::new(Server::new(options));
    let acceptor = Arc::clone(&server);
    start_thread(move || accept_clients(&acceptor, &listener))
        .map_err(tried("start a thread"))?;

    let _ = stop.recv(); // Here the main thread sleeps until Ctrl-C.
    say("stopping");
    server.stop(address);
    say(format_args!("served {} connections", server.state().served));
    // ANCHOR_END: run
    Ok(())
}

/// A thread for every client, for ever. This function is the acceptor's whole life; its listener
/// is closed when it returns.
// ANCHOR: accept-clients
fn accept_clients(server: &Arc<Server>, listener: &TcpListener) {
    while server.wait_for_a_place() {
        let (stream, peer) = accept(listener);
        let Some(connection) = Connection::open(server, stream, peer) else {
            return; // The server is stopping.
        };
        say(format_args!("connected: {peer}"));
        if let Err(error) = start_thread(move || connection.serve()) {
            // The connection went with the thread that could not start: it is closed already.
            complain(format_args!("start a thread for {peer}: {error}"));
        }
    }
}
// ANCHOR_END: accept-clients

/// Starts a thread, unless memory is about to run out.
///
/// A thread that has been started still needs some memory before it comes to our code. Where that
/// fails, Rust ends the whole program. So there has to be much more than it needs.
// ANCHOR: start-thread
fn start_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut reserve = Vec::<u8>::new();
    reserve.try_reserve_exact(RESERVE)?;
    drop(black_box(reserve)); // The compiler would leave out a reserve that nobody uses.
    thread::Builder::new().spawn(work)?;
    Ok(())
}
// ANCHOR_END: start-thread

/// Only asked for and given back: addresses, no memory. Smaller requests than 64 MiB could be met
/// from what the process already has, and would say nothing.
const RESERVE: usize = 128 << 20;

/// What all threads share. The lock lets one of them at a time look at the state or change it.
// ANCHOR: server
struct Server {
    options: Options,
    state: Mutex<State>,
    /// Wakes those who wait until the state has changed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: Vec<Arc<Client>>,
    served: u64,
    stopping: bool,
}

/// What a client's thread shares with the main thread, which may have to wake it.
struct Client {
    stream: TcpStream,
    /// Its thread is waiting in `read`.
    idle: AtomicBool,
}
// ANCHOR_END: server

/// One client's connection. It counts as open until this value is gone.
// ANCHOR: connection
struct Connection {
    server: Arc<Server>,
    client: Arc<Client>,
    peer: SocketAddr,
}

impl Connection {
    /// Enters the connection among the open ones, unless the server is stopping.
    fn open(
        server: &Arc<Server>,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<Connection> {
        let client = Arc::new(Client { stream, idle: AtomicBool::new(false) });
        let mut state = server.state();
        if state.stopping {
            return None;
        }
        state.open.push(Arc::clone(&client));
        Some(Connection { server: Arc::clone(server), client, peer })
    }

    /// The whole life of a client's thread.
    fn serve(self) {
        let peer = self.peer;
        match echo(&self.client, peer, &self.server.options) {
            Ok(bytes) => say(format_args!("closed: {peer} after {bytes} bytes")),
            Err(error) => complain(format_args!("echo to {peer}: {error}")),
        }
        self.server.state().served += 1;
        // Here `self` goes out of scope: see `drop`.
    }
}

impl Drop for Connection {
    /// Gives the place to the next client, whatever the reason for the end.
    fn drop(&mut self) {
        self.server.state().open.retain(|client| !Arc::ptr_eq(client, &self.client));
        self.server.changed.notify_all();
    }
}
// ANCHOR_END: connection

/// Sends back every byte until the client says that no more will come. Returns how many there were.
// ANCHOR: echo
fn echo(client: &Client, peer: SocketAddr, options: &Options) -> io::Result<u64> {
    let mut stream = &client.stream;
    let mut buffer = [0; BUFFER_SIZE];
    let mut total = 0;
    loop {
        client.idle.store(true, Ordering::Relaxed);
        let n = stream.read(&mut buffer)?;
        client.idle.store(false, Ordering::Relaxed);
        if n == 0 {
            return Ok(total);
        }
        let received = &mut buffer[..n];
        if !options.quiet {
            say(format_args!("read {n} bytes from {peer}: {}", printable(received)));
        }
        if options.upper {
            received.make_ascii_uppercase();
        }
        stream.write_all(received)?;
        total += n as u64;
    }
}

/// All the memory that a client can make the server use, however much it sends. It lies on the
/// stack of the client's thread: who has a thread has a buffer, and nothing can fail in between.
const BUFFER_SIZE: usize = 16 * 1024;
// ANCHOR_END: echo

impl Server {
    fn new(options: Options) -> Server {
        Server { options, state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }

    /// Waits until there is room for one more connection. Returns false if the server is stopping.
    // ANCHOR: limit
    fn wait_for_a_place(&self) -> bool {
        let limit = usize::from(self.options.limit);
        if self.state().open.len() >= limit {
            say(format_args!("full: the next client waits until one of {limit} ends"));
        }
        let state = self
            .changed
            .wait_while(self.state(), |state| {
                state.open.len() >= limit && !state.stopping
            })
            .expect("no thread panics while it holds this lock");
        !state.stopping
    }
    // ANCHOR_END: limit

    /// Lets no new client in, and waits until the others have their answers, but not for ever.
    // ANCHOR: stop
    fn stop(&self, address: SocketAddr) {
        let grace = Duration::from_millis(self.options.grace.into());
        let deadline = Instant::now() + grace;
        self.state().stopping = true;
        self.changed.notify_all();
        knock(address);

        let mut state = self.state();
        while !state.open.is_empty() && Instant::now() < deadline {
            for client in &state.open {
                if client.idle.load(Ordering::Relaxed) {
                    // Its thread gets what has arrived so far, and then 0: the end.
                    let _ = client.stream.shutdown(Shutdown::Read);
                }
            }
            (state, _) = self
                .changed
                .wait_timeout_while(state, LOOK_AGAIN, |state| !state.open.is_empty())
                .expect("no thread panics while it holds this lock");
        }
        if !state.open.is_empty() {
            let open = state.open.len();
            complain(format_args!("stop: {open} still open after {grace:?}, cut off"));
        }
    }
    // ANCHOR_END: stop
}

/// How soon to look again for threads that have become idle. All that are idle already are woken
/// at once.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Wakes the acceptor, which may sleep in `accept`: nothing but a connection wakes it. Then it sees
/// that the server is stopping, and closes the listener. If the knock is not heard, no harm is
/// done: the end of the program closes the listener as well.
// ANCHOR: knock
fn knock(address: SocketAddr) {
    let _ = TcpStream::connect_timeout(&address, Duration::from_millis(100));
}
// ANCHOR_END: knock

/// From now on the first Ctrl-C (or SIGTERM) is a message to the main thread, and the second ends
/// the program on the spot. Comes before `listening on`: who has seen that line may press Ctrl-C.
// ANCHOR: signals
fn catch_signals() -> io::Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    let mut first = true;
    let handler = move || {
        if !first {
            process::exit(130); // what a shell reports for a program that Ctrl-C has killed
        }
        first = false;
        let _ = sender.send(());
    };
    ctrlc::set_handler(handler).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(receiver)
}
// ANCHOR_END: signals

/// Waits for a client.
///
/// What `accept` reports passes by itself: a client that gave up while it was waiting, or no free
/// descriptor (EMFILE) until some connection is closed. A waiting connection stays in the queue,
/// so nothing is lost by trying again a little later.
// ANCHOR: accept
fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept() {
            Ok(connection) => return connection,
            Err(error) => {
                if !told {
                    complain(format_args!(
                        "accept: {error} (trying again until it works)"
                    ));
                    told = true;
                }
                thread::sleep(RETRY_ACCEPT); // why: at once it would fail again, and burn a processor
            }
        }
    }
}
// ANCHOR_END: accept

/// How long to leave `accept` alone after a failure.
const RETRY_ACCEPT: Duration = Duration::from_millis(100);
