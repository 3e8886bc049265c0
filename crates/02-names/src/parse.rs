//! Reads addresses in their written form. Nobody is asked: this is not about names.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::output::{bad_usage, printable, say};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// An address, with a port or without
    #[arg(value_name = "ADDR", required = true)]
    addresses: Vec<String>,
}

/// Says of each text what it is.
///
/// # Errors
/// Some of them are no addresses, or nothing can be printed.
pub fn run(options: &Options) -> io::Result<()> {
    let mut wrong = 0;
    // ANCHOR: run
    for text in &options.addresses {
        let shown = printable(text.as_bytes());
        if let Ok(address) = text.parse::<IpAddr>() {
            say(format_args!("{shown} is {}", describe(address)))?;
        } else if let Ok(both) = text.parse::<SocketAddr>() {
            let (address, port) = (both.ip(), both.port());
            say(format_args!("{shown} is {} and port {port}", describe(address)))?;
        } else {
            say(format_args!("{shown} is not an address: {}", reason(text)))?;
            wrong += 1;
        }
    }
    // ANCHOR_END: run
    match wrong {
        0 => Ok(()),
        _ => {
            let all = options.addresses.len();
            Err(bad_usage(format_args!("{wrong} of {all} are not addresses")))
        }
    }
}

/// What kind of address this is, and whom it reaches.
// ANCHOR: describe
fn describe(address: IpAddr) -> String {
    let version = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    let whom = match address {
        _ if address.is_loopback() => "this machine itself",
        _ if address.is_unspecified() => "every address of this machine",
        _ if address.is_multicast() => "a group of machines",
        IpAddr::V4(v4) if v4.is_broadcast() => "every machine on the same cable",
        IpAddr::V4(v4) if v4.is_private() => "a machine in a private network",
        IpAddr::V4(v4) if v4.is_link_local() => "a machine on the same cable",
        IpAddr::V6(v6) if v6.is_unicast_link_local() => "a machine on the same cable",
        IpAddr::V6(v6) if v6.is_unique_local() => "a machine in a private network",
        _ => "some machine",
    };
    format!("{version} {address} ({whom})")
}
// ANCHOR_END: describe

/// Why a text is not an address, if it is one of the classic mistakes.
fn reason(text: &str) -> &'static str {
    let (host, has_port) = match text.rsplit_once(':') {
        Some((host, _)) => (host, true),
        None => (text, false),
    };
    let parts: Vec<&str> = host.split('.').collect();
    let numbers: Result<Vec<u32>, _> = parts.iter().map(|part| part.parse()).collect();
    match numbers {
        Ok(numbers) if numbers.len() != 4 => "IPv4 has four numbers",
        Ok(numbers) if numbers.iter().any(|&number| number > 255) => {
            "a number is at most 255"
        }
        Ok(_) if parts.iter().any(|part| part.len() > 1 && part.starts_with('0')) => {
            "a leading zero may mean octal"
        }
        Ok(_) if has_port => "a port is a number up to 65535",
        _ if host.starts_with('[') && host.ends_with(']') => {
            "a port is a number up to 65535"
        }
        _ if text.starts_with('[') && text.ends_with(']') => {
            "brackets want a port behind them"
        }
        _ => "perhaps a name? those are for `resolve`",
    }
}
