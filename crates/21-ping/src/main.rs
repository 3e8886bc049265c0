//! Lesson 21: ping, from the bytes of a message to the line on the screen.

mod broken;
mod fake_host;
mod listen;
mod output;
mod packet;
mod ping;
mod socket;
mod statistics;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Asks a host for an echo, again and again, and prints how long each answer took.
#[derive(Parser)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    override_usage = "ping [OPTIONS] HOST\n       ping COMMAND"
)]
struct CommandLine {
    #[command(flatten)]
    ping: Option<ping::Options>,
    #[command(subcommand)]
    helper: Option<Helper>,
}

/// What else the lesson needs.
#[derive(Subcommand)]
enum Helper {
    /// Print the bytes of every ICMP message that a raw socket is given
    Listen,
    /// Answer the pings to 127.0.0.1 in place of the system, and not always well
    FakeHost(fake_host::Options),
    /// A ping with one classic mistake in it
    BrokenPing(broken::Options),
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let result = match (command_line.ping, command_line.helper) {
        (_, Some(Helper::Listen)) => listen::run(),
        (_, Some(Helper::FakeHost(options))) => fake_host::run(&options),
        (_, Some(Helper::BrokenPing(options))) => broken::run(&options),
        (Some(options), None) => ping::run(&options),
        (None, None) => unreachable!("clap insists on a host"),
    };
    output::exit_code(result)
}
