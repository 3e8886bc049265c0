//! Prints what a raw socket is given: everybody's ICMP messages, with their IP headers.

use std::io;
use std::net::UdpSocket;

use socket2::{Domain, Protocol, Socket, Type};

use crate::output::{hex, say, tried};
use crate::packet::{ICMP_HEADER, parse_ipv4};

/// Prints until it is interrupted.
///
/// # Errors
/// This process may not open a raw socket, or nobody reads what is printed.
// ANCHOR: run
pub fn run() -> io::Result<bool> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))
        .map_err(tried("open a raw socket"))?;
    let socket = UdpSocket::from(socket);
    say("listening for ICMP")?;

    let mut buffer = vec![0; 65_536];
    loop {
        let (n, from) = socket.recv_from(&mut buffer).map_err(tried("receive"))?;
        say(format_args!("{n} bytes from {}", from.ip()))?;
        print_parts(&buffer[..n])?;
    }
}
// ANCHOR_END: run

fn print_parts(packet: &[u8]) -> io::Result<()> {
    let Some(ip) = parse_ipv4(packet) else {
        return say(format_args!("  not IPv4 {}", hex(packet)));
    };
    say(format_args!("  IP   {}", hex(ip.header)))?;
    let (header, data) = ip.content.split_at(ip.content.len().min(ICMP_HEADER));
    say(format_args!("  ICMP {}", hex(header)))?;
    if data.is_empty() {
        return Ok(());
    }
    let shown = &data[..data.len().min(16)];
    let rest = if shown.len() < data.len() { " ..." } else { "" };
    say(format_args!("  data {}{rest}", hex(shown)))
}
