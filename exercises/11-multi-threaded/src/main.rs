//! Exercise 11: at most so many clients at a time. The task is in README.md.

use std::env;
use std::io;
use std::process;
use std::str::FromStr;
use std::time::Duration;

fn main() -> io::Result<()> {
    serve(&Options::from_command_line())
}

/// Serves clients until SIGINT or SIGTERM, each in a thread of its own.
fn serve(options: &Options) -> io::Result<()> {
    todo!(
        "listen on {}; echo for {} clients at a time; drop who is silent for {:?}; end well",
        options.listen,
        options.limit,
        options.idle
    )
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
