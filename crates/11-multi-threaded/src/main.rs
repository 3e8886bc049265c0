//! Lesson 11: a server with a thread for every connection, and how to end it well.

mod broken;
mod client;
mod idle;
mod output;
mod server;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Echo over TCP for many clients at the same time.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Echo what every client sends, each client in a thread of its own, until Ctrl-C
    Server(server::Options),
    /// Send what is typed and print what comes back, or be many clients at once
    Client(client::Options),
    /// Open connections and hold them, without sending anything
    IdleClients(idle::Options),
    /// The server with one classic mistake in it
    BrokenServer(broken::ServerOptions),
    /// A client that sends and never reads
    BrokenClient(broken::ClientOptions),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().program {
        Program::Server(options) => server::run(options),
        Program::Client(options) => client::run(&options),
        Program::IdleClients(options) => idle::run(&options),
        Program::BrokenServer(options) => broken::server(&options),
        Program::BrokenClient(options) => broken::client(&options),
    };
    output::exit_code(result)
}
