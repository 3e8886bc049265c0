//! Watches a port from outside: prints each UDP packet that reaches it or comes from it.
//!
//! Lesson 03 does the same with TCP. A raw socket is given a copy of every UDP packet that reaches
//! this machine (raw(7)). Only root may open one, and only Linux lets it see UDP.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};

use crate::output::tried;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The port to watch
    #[arg(default_value_t = 7777)]
    port: u16,
}

/// Prints packets until it is interrupted.
///
/// # Errors
/// This process may not open a raw socket, or nobody reads what is printed.
pub fn run(options: &Options) -> io::Result<()> {
    let mut socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP))
        .map_err(tried("open a raw socket"))?;
    print(format_args!("watching port {}", options.port))?;

    let mut buffer = vec![0; 65_536]; // no packet of IPv4 is longer
    loop {
        let n = match socket.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result.map_err(tried("receive"))?,
        };
        // A packet can be damaged, or cut off: nobody has looked at it yet.
        let Some(packet) = parse(&buffer[..n]) else { continue };
        if [packet.from.port(), packet.to.port()].contains(&options.port) {
            print(format_args!(
                "{} -> {}  {} bytes",
                packet.from, packet.to, packet.bytes
            ))?;
        }
    }
}

/// Prints one line. Who watches for nobody should end.
fn print(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}").map_err(tried("print"))
}

/// One packet: its way, and how many bytes of a message it carries.
struct Packet {
    from: SocketAddrV4,
    to: SocketAddrV4,
    bytes: usize,
}

/// Takes the two headers apart: that of IP (RFC 791), and behind it that of UDP (RFC 768), which is
/// two ports, a length, and a checksum.
fn parse(packet: &[u8]) -> Option<Packet> {
    let ip_length = usize::from(packet.first()? & 0x0f) * 4; // it counts in words of four bytes
    let (ip, datagram) = packet.split_at_checked(ip_length)?;
    let (udp, message) = datagram.split_at_checked(8)?;

    let host = |at| Some(Ipv4Addr::from(ip.get(at..)?.first_chunk::<4>().copied()?));
    let port = |at| Some(u16::from_be_bytes(*udp.get(at..)?.first_chunk()?));
    Some(Packet {
        from: SocketAddrV4::new(host(12)?, port(0)?),
        to: SocketAddrV4::new(host(16)?, port(2)?),
        bytes: message.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// `hi` from 127.0.0.1, port 50000 to port 7777.
    const HI: [u8; 30] = [
        0x45, 0x00, 0x00, 0x1e, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 127, 0,
        0, 1, 127, 0, 0, 1, // IP
        0xc3, 0x50, 0x1e, 0x61, 0, 10, 0, 0, // UDP
        b'h', b'i',
    ];

    #[test]
    fn a_packet_is_taken_apart() {
        let packet = parse(&HI).unwrap();
        assert_eq!(packet.from.to_string(), "127.0.0.1:50000");
        assert_eq!(packet.to.to_string(), "127.0.0.1:7777");
        assert_eq!(packet.bytes, 2);
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_none() {
        for length in 0..28 {
            assert!(parse(&HI[..length]).is_none(), "{length} bytes");
        }
        let no_addresses = [&[0x41; 4][..], &[0; 40]].concat(); // an IP header of one word
        assert!(parse(&no_addresses).is_none());
    }
}
