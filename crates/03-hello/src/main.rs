//! Lesson 03: the first connection. A server that greets, a client that greets back, and the
//! system calls between them one at a time.

mod broken;
mod client;
mod output;
mod packets;
mod server;
mod steps;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One greeting each way over TCP.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Greet every client, one after another
    Server(server::Options),
    /// Greet a server, and print its greeting
    Client(client::Options),
    /// The server in slow motion: Enter makes the next system call
    Steps(steps::Options),
    /// Watch a port: print each TCP packet that comes or goes (needs root)
    Packets(packets::Options),
    /// The server with one classic mistake in it
    BrokenServer(broken::Options),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().program {
        Program::Server(options) => server::run(&options),
        Program::Client(options) => client::run(&options),
        Program::Steps(options) => steps::run(&options),
        Program::Packets(options) => packets::run(&options),
        Program::BrokenServer(options) => broken::server(&options),
    };
    output::exit_code(result)
}
