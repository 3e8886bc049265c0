//! Lesson 16: the echo server and its client once more, on a socket whose address is a path.

mod broken;
mod client;
mod output;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Echo over a Unix socket: whatever the client sends comes back, without any network.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Echo what clients send, one client after another, until Ctrl-C
    Server(server::Options),
    /// Send messages and print what comes back
    Client(client::Options),
    /// The server with one classic mistake in it
    BrokenServer(broken::ServerOptions),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().program {
        Program::Server(options) => server::run(&options),
        Program::Client(options) => client::run(&options),
        Program::BrokenServer(options) => broken::run(&options),
    };
    output::exit_code(result)
}

/// Where server and client meet when the command line does not say.
fn default_path() -> PathBuf {
    std::env::temp_dir().join("unix-echo.sock")
}
