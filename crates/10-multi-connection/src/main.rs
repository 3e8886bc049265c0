//! Lesson 10: a server that echoes one client after another, whatever becomes of each of them.

mod broken;
mod client;
mod output;
mod rude;
mod server;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Echo over TCP, one client after another.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Echo what each client sends, one client after another
    Server(server::Options),
    /// Connect several times, one connection after another, with one message each
    Client(client::Options),
    /// A client that gives a server trouble
    RudeClient(rude::Options),
    /// The server with one classic mistake in it
    BrokenServer(broken::Options),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().program {
        Program::Server(options) => server::run(&options),
        Program::Client(options) => client::run(&options),
        Program::RudeClient(options) => rude::client(&options),
        Program::BrokenServer(options) => broken::server(&options),
    };
    output::exit_code(result)
}
