//! Classic mistakes, one at a time. Every program here is wrong on purpose.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::output::{say, tried};

/// Which mistake the server makes.
#[derive(clap::Args)]
pub struct ServerOptions {
    /// The mistake
    mistake: Mistake,
    /// Wait for clients at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    listen: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mistake {
    /// Start a thread and wait for its end before the next client
    JoinAtOnce,
    /// Let Ctrl-C set a flag that is looked at between two clients
    FlagOnly,
    /// Take it for granted that a thread can be started
    SpawnPanics,
    /// Call accept again at once after it has failed
    BusyAccept,
}

/// Serves clients, wrongly.
///
/// # Errors
/// As the server that works.
pub fn server(options: &ServerOptions) -> io::Result<()> {
    static STOPPING: AtomicBool = AtomicBool::new(false);
    if matches!(options.mistake, Mistake::FlagOnly) {
        catch_signals(&STOPPING)?;
    }
    let listener = TcpListener::bind(&options.listen)
        .map_err(tried(format_args!("listen on {}", options.listen)))?;
    say(format_args!("listening on {}", listener.local_addr()?));
    match options.mistake {
        Mistake::JoinAtOnce => join_at_once(&listener),
        Mistake::FlagOnly => flag_only(&listener, &STOPPING),
        Mistake::SpawnPanics => spawn_panics(&listener),
        Mistake::BusyAccept => busy_accept(&listener),
    }
    .map_err(tried("accept"))
}

// ANCHOR: join-at-once
fn join_at_once(listener: &TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept()?;
        say(format_args!("connected: {peer}"));
        let client = thread::spawn(move || echo(&stream));
        let _ = client.join(); // wrong: nobody accepts while we wait here
    }
}
// ANCHOR_END: join-at-once

// ANCHOR: flag-only
fn flag_only(listener: &TcpListener, stopping: &AtomicBool) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept()?; // wrong: nobody looks at the flag in here
        if stopping.load(Ordering::Relaxed) {
            say("stopped");
            return Ok(());
        }
        say(format_args!("connected: {peer}"));
        thread::spawn(move || echo(&stream));
    }
}

fn catch_signals(stopping: &'static AtomicBool) -> io::Result<()> {
    let handler = || {
        stopping.store(true, Ordering::Relaxed);
        say("the flag is set");
    };
    ctrlc::set_handler(handler).map_err(|error| io::Error::other(error.to_string()))
}
// ANCHOR_END: flag-only

// ANCHOR: spawn-panics
fn spawn_panics(listener: &TcpListener) -> io::Result<()> {
    let mut stack = 2 << 20; // the usual 2 MiB
    loop {
        let (stream, peer) = listener.accept()?;
        say(format_args!("connected: {peer}"));
        let thread = thread::Builder::new().stack_size(stack);
        // wrong: it is not sure that there is a thread (`thread::spawn` does just this)
        thread.spawn(move || echo(&stream)).expect("failed to spawn thread");
        stack = usize::MAX / 2; // From now on there is none: no machine has such a stack.
    }
}
// ANCHOR_END: spawn-panics

// ANCHOR: busy-accept
fn busy_accept(listener: &TcpListener) -> io::Result<()> {
    let mut failures = 0;
    let mut latest_success = Instant::now();
    while failures < 100_000 {
        // The real mistake says `loop` here, and never ends.
        match listener.accept() {
            Ok((stream, _)) => {
                thread::spawn(move || echo(&stream));
                latest_success = Instant::now();
            }
            Err(_) => failures += 1, // wrong: and now the same again, at once
        }
    }
    let time = latest_success.elapsed().as_millis();
    say(format_args!("accept has failed {failures} times in {time} ms"));
    Ok(())
}
// ANCHOR_END: busy-accept

/// The loop of lesson 04, without a word.
fn echo(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n])?,
        }
    }
}

/// Where the broken client connects to.
#[derive(clap::Args)]
pub struct ClientOptions {
    /// The server, on this machine: elsewhere such a client would be an attack
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:5000", value_parser = crate::idle::on_this_machine)]
    server: SocketAddr,
}

/// Sends until nothing more goes, and never reads an answer.
///
/// # Errors
/// Nobody listens at the address, or the server ends the connection: that is what it waits for.
pub fn client(options: &ClientOptions) -> io::Result<()> {
    let mut stream = TcpStream::connect(options.server)
        .map_err(tried(format_args!("connect to {}", options.server)))?;
    // ANCHOR: never-read
    stream.set_write_timeout(Some(Duration::from_millis(250)))?;
    let mut sent = 0;
    while let Ok(n) = stream.write(&[b'x'; 64 * 1024]) {
        sent += n; // wrong: and who fetches the answers?
    }
    say(format_args!("stuck after {sent} bytes"));
    // ANCHOR_END: never-read
    stream.set_write_timeout(None)?;
    loop {
        stream.write_all(&[b'x'; 64 * 1024]).map_err(tried("send"))?;
    }
}
