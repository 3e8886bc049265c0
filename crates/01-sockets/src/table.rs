//! Asks the system for every combination of family, type and protocol.

use std::io;
use std::os::fd::AsRawFd;

use socket2::{Domain, Protocol, Socket, Type};

use crate::output::say;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Only the sockets of this family; without it, those of all three
    family: Option<Family>,
}

/// Where the other end can be: the form that its addresses have.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Family {
    /// Any machine that has an IPv4 address
    Ipv4,
    /// Any machine that has an IPv6 address
    Ipv6,
    /// Another process on this machine
    Unix,
}

/// Makes a socket of every kind and closes it again.
///
/// # Errors
/// Nothing can be printed. That the system refuses a kind is no error: the table is to show it.
pub fn run(options: &Options) -> io::Result<()> {
    say(format_args!(
        "{:<8}{:<11}{:<10}{}",
        "family", "type", "protocol", "the system says"
    ))?;
    // ANCHOR: run
    for (family, family_name, protocols) in FAMILIES {
        if options.family.is_some_and(|wanted| wanted != family) {
            continue;
        }
        for (kind, kind_name) in TYPES {
            for &(protocol, protocol_name) in protocols {
                let answer = ask(family, kind, protocol);
                say(format_args!(
                    "{family_name:<8}{kind_name:<11}{protocol_name:<10}{answer}"
                ))?;
            }
        }
    }
    // ANCHOR_END: run
    Ok(())
}

/// Makes one socket. The answer is the number of its descriptor, or the reason why there is none.
// ANCHOR: ask
fn ask(family: Family, kind: Type, protocol: Option<Protocol>) -> String {
    match Socket::new(domain(family), kind, protocol) {
        Ok(socket) => format!("descriptor {}", socket.as_raw_fd()),
        Err(error) => error.to_string(),
    } // Here `socket` goes out of scope: that closes it.
}
// ANCHOR_END: ask

/// The system's name for the family: AF_INET, AF_INET6, AF_UNIX.
fn domain(family: Family) -> Domain {
    match family {
        Family::Ipv4 => Domain::IPV4,
        Family::Ipv6 => Domain::IPV6,
        Family::Unix => Domain::UNIX,
    }
}

/// A protocol and its name. `None` leaves the choice to the system (the number 0 in C and Python).
type NamedProtocol = (Option<Protocol>, &'static str);

/// Each family with the protocols to ask for. ICMP has one version for each kind of address.
// ANCHOR: kinds
const FAMILIES: [(Family, &str, &[NamedProtocol]); 3] = [
    (Family::Ipv4, "IPv4", &[DEFAULT, TCP, UDP, (Some(Protocol::ICMPV4), "ICMP")]),
    (Family::Ipv6, "IPv6", &[DEFAULT, TCP, UDP, (Some(Protocol::ICMPV6), "ICMPv6")]),
    (Family::Unix, "Unix", &[DEFAULT, TCP]),
];
const DEFAULT: NamedProtocol = (None, "default");
const TCP: NamedProtocol = (Some(Protocol::TCP), "TCP");
const UDP: NamedProtocol = (Some(Protocol::UDP), "UDP");

const TYPES: [(Type, &str); 4] = [
    (Type::STREAM, "stream"),
    (Type::DGRAM, "datagram"),
    (Type::RAW, "raw"),
    (Type::SEQPACKET, "seqpacket"),
];
// ANCHOR_END: kinds
