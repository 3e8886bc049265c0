//! Lesson 01: what a socket is, which kinds there are, and what belongs to a connected one.

mod broken;
mod output;
mod pair;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Sockets: make every kind, and look at a connected pair.
#[derive(Parser)]
struct CommandLine {
    #[command(subcommand)]
    program: Program,
}

#[derive(Subcommand)]
enum Program {
    /// Ask the system for every kind of socket, and show what it says
    Table(table::Options),
    /// Connect two sockets inside one process, and show the five parts of each
    Pair,
    /// Make sockets and never close them
    BrokenLeak,
    /// The same work with every socket closed after its use
    RepairedLeak,
}

fn main() -> ExitCode {
    let result = match CommandLine::parse().program {
        Program::Table(options) => table::run(&options),
        Program::Pair => pair::run(),
        Program::BrokenLeak => broken::leak(),
        Program::RepairedLeak => broken::repaired(),
    };
    output::exit_code(result)
}
