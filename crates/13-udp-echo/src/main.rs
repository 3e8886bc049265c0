//! Lesson 13: echo with datagrams. No connection, no stream, no promise.

mod boundaries;
mod broken;
mod client;
mod network;
mod output;
mod packets;
mod server;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Echo over UDP: whatever datagram comes goes back to its sender.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Echo every datagram to its sender, for ever
    Server(server::Options),
    /// Send messages and print what comes back
    Client(client::Options),
    /// Send three messages at once, over TCP and over UDP
    Boundaries,
    /// The server behind a network that loses the first datagrams
    LossyServer(network::LossyOptions),
    /// Somebody who is not the server, and answers all the same (on this machine only)
    Stranger(network::StrangerOptions),
    /// Watch a port: print each UDP packet that comes or goes (needs root)
    Packets(packets::Options),
    /// The server with one classic mistake in it
    BrokenServer(broken::ServerOptions),
    /// The client with one classic mistake in it
    BrokenClient(broken::ClientOptions),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().program {
        Program::Server(options) => server::run(&options),
        Program::Client(options) => client::run(&options),
        Program::Boundaries => boundaries::run(),
        Program::LossyServer(options) => network::lossy_server(&options),
        Program::Stranger(options) => network::stranger(&options),
        Program::Packets(options) => packets::run(&options),
        Program::BrokenServer(options) => broken::server(&options),
        Program::BrokenClient(options) => broken::client(&options),
    };
    output::exit_code(result)
}
