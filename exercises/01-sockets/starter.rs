//! Exercise 01: both ends of a connection. The task is in README.md.

use std::env;
use std::io;
use std::process;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["client", address] => client(address),
        ["server"] => server("127.0.0.1:8000"),
        ["server", "--listen", address] => server(address),
        ["same", one, other] => {
            println!("{}", if same(one, other) { "yes" } else { "no" });
            Ok(())
        }
        _ => {
            eprintln!(
                "usage: client ADDRESS | server [--listen ADDRESS] | same LINE LINE"
            );
            process::exit(2)
        }
    }
}

/// Connects to a server, and prints the five parts of its own end.
fn client(address: &str) -> io::Result<()> {
    todo!("connect to {address}, and print the five parts of this end")
}

/// Accepts one client, and prints the five parts of the accepted end.
fn server(address: &str) -> io::Result<()> {
    todo!("listen on {address}, accept a client, and print the five parts of that end")
}

/// Whether two lines of five parts are the two ends of one connection.
fn same(one: &str, other: &str) -> bool {
    todo!("compare {one} with {other}, part by part")
}
