//! Takes the largest port for one too many.
//!
//! fails: no-service

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::process::ExitCode;

pub fn main() -> ExitCode {
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
    let mut parts = text.split('.');
    let mut bytes = [0; 4];
    for byte in &mut bytes {
        *byte = parse_number(parts.next()?)?;
    }
    let nothing_more = parts.next().is_none();
    nothing_more.then_some(Ipv4Addr::from(bytes))
}

/// One of the four numbers. There is only one way to write it.
fn parse_number(part: &str) -> Option<u8> {
    // Some programs take a zero in front for octal, others do not: so nobody may write it.
    if part.len() > 1 && part.starts_with('0') {
        return None;
    }
    // `parse` would take a sign, too. The empty part and all above 255 it refuses by itself.
    if !is_digits(part) {
        return None;
    }
    part.parse().ok()
}

/// Whether there is nothing but the digits 0 to 9.
fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The port of a service: a number, or the name of a TCP service in the list.
fn port(file: &str, service: &str) -> Result<u16, String> {
    if is_digits(service) {
        let port = service.parse().ok().filter(|&port| port < u16::MAX);
        return port.ok_or_else(|| format!("{service} is not a port"));
    }
    let list = fs::read(file).map_err(|error| format!("read {file}: {error}"))?;
    let list = String::from_utf8_lossy(&list); // Remarks may be in any encoding.
    find_service(&list, service)
        .ok_or_else(|| format!("{service} is not a TCP service in {file}"))
}

/// Looks for a TCP service. A line is `NAME PORT/PROTOCOL OTHER-NAMES... # REMARK`.
fn find_service(list: &str, wanted: &str) -> Option<u16> {
    for line in list.lines() {
        let without_remark = line.split('#').next()?;
        let mut words = without_remark.split_whitespace();
        let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
        let Some(number) = port.strip_suffix("/tcp") else { continue };
        if name == wanted || words.any(|other| other == wanted) {
            return number.parse().ok();
        }
    }
    None
}

/// All addresses of all hosts, sorted, and none of them twice.
fn addresses(hosts: &[&str], port: u16) -> Result<Vec<SocketAddr>, String> {
    // This kind of set keeps its members sorted. It compares addresses, which are numbers, and not
    // their texts: 9 comes before 10.
    let mut set = BTreeSet::new();
    for host in hosts {
        set.extend(addresses_of(host, port)?);
    }
    Ok(set.into_iter().collect())
}

/// The addresses of one host: the one that is written there, or those that the system knows.
fn addresses_of(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    if let Some(address) = parse_quad(host) {
        return Ok(vec![SocketAddr::from((address, port))]);
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Ok(vec![SocketAddr::from((address, port))]);
    }
    // The system would make an address of 010.0.0.1, and another one than it looks like.
    let last_part = host.rsplit('.').next().unwrap_or_default();
    if last_part.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!("{host} is neither an address nor a name"));
    }
    let found = (host, port).to_socket_addrs();
    found.map(Iterator::collect).map_err(|error| format!("resolve {host}: {error}"))
}
