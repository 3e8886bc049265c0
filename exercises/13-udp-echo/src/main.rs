//! Exercise 13: a reliable client over a lossy path. The task is in README.md.

use std::env;
use std::io;
use std::process;

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some("client"), Some(address)) = (arguments.next().as_deref(), arguments.next())
    else {
        eprintln!("usage: udp-echo-exercise client ADDRESS MESSAGE...");
        process::exit(2);
    };
    let messages: Vec<String> = arguments.collect();
    exchange_all(&address, &messages)
}

/// Sends the messages one after another, and prints the answer to each.
fn exchange_all(address: &str, messages: &[String]) -> io::Result<()> {
    todo!("part 1: send {} messages to {address}, and print the answers", messages.len())
}
