//! Lesson 02: names, addresses, ports, and the bytes that they become.

mod broken;
mod bytes;
mod output;
mod parse;
mod ports;
mod reach;
mod resolve;
mod services;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Names, addresses and ports.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Turn a name into addresses
    Resolve(resolve::Options),
    /// Read addresses, strictly
    Parse(parse::Options),
    /// Show the bytes of a port or an address, in both orders
    Bytes(bytes::Options),
    /// Let the system choose ports, and see which ones it gives away
    Ports,
    /// Listen at an address, and try by which addresses it can be reached
    Reach(reach::Options),
    /// Listen on a port with its two bytes the wrong way round
    BrokenOrder(broken::Options),
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().program {
        Program::Resolve(options) => resolve::run(&options),
        Program::Parse(options) => parse::run(&options),
        Program::Bytes(options) => bytes::run(&options),
        Program::Ports => ports::run(),
        Program::Reach(options) => reach::run(&options),
        Program::BrokenOrder(options) => broken::order(&options),
    };
    output::exit_code(result)
}
