//! Lesson 04: a server that echoes one client, and the client that talks to it.

mod broken;
mod client;
mod output;
mod server;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Echo over TCP: whatever the client sends comes back.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Echo what one client sends, until that client ends
    Server(server::Options),
    /// Send messages and print what comes back
    Client(client::Options),
    /// The server with one classic mistake in it
    BrokenServer(broken::ServerOptions),
    /// A client that waits for the answer to nothing
    BrokenClient(broken::ClientOptions),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().program {
        Program::Server(options) => server::run(&options),
        Program::Client(options) => client::run(&options),
        Program::BrokenServer(options) => broken::server(&options),
        Program::BrokenClient(options) => broken::client(&options),
    };
    output::exit_code(result)
}
