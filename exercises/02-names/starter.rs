//! Exercise 02: from names to addresses. The task is in README.md.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["quad", ref texts @ ..] => quad(texts),
        ["resolve", "--services", file, service, ref hosts @ ..] => {
            resolve(file, service, hosts)
        }
        ["resolve", service, ref hosts @ ..] => resolve("/etc/services", service, hosts),
        _ => {
            Err("usage: quad TEXT... | resolve [--services FILE] SERVICE HOST..."
                .to_owned())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(1)
        }
    }
}

/// Prints for each text the address that it is, or that it is none.
fn quad(texts: &[&str]) -> Result<(), String> {
    for text in texts {
        match parse_quad(text) {
            Some(address) => println!("{address}"),
            None => println!("not an address"),
        }
    }
    Ok(())
}

/// Prints the addresses of all hosts, with the port of the service.
fn resolve(file: &str, service: &str, hosts: &[&str]) -> Result<(), String> {
    let port = port(file, service)?;
    for address in addresses(hosts, port)? {
        println!("{address}");
    }
    Ok(())
}

/// The IPv4 address that a text is: four numbers from 0 to 255 with dots between them.
fn parse_quad(text: &str) -> Option<Ipv4Addr> {
    todo!("read four numbers from {text:?}, or find out that it is something else")
}

/// The port of a service: a number, or the name of a TCP service in the list.
fn port(file: &str, service: &str) -> Result<u16, String> {
    todo!("is {service} a number? If not, look it up in {file}")
}

/// All addresses of all hosts, sorted, and none of them twice.
fn addresses(hosts: &[&str], port: u16) -> Result<Vec<SocketAddr>, String> {
    todo!("find the addresses of {hosts:?}, with port {port}")
}
