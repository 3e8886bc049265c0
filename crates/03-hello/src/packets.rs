//! Watches a port from outside: prints each TCP packet that reaches it or comes from it.
//!
//! tcpdump(1) does the same, and much more. Here a raw socket is enough: besides the receiver, the
//! system gives it a copy of every TCP packet that reaches this machine (raw(7)). Only root may
//! open one, and only Linux lets it see TCP.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};

use crate::output::tried;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The port to watch
    #[arg(default_value_t = 8080)]
    port: u16,
}

/// Prints packets until it is interrupted.
///
/// # Errors
/// This process may not open a raw socket, or nobody reads what is printed.
pub fn run(options: &Options) -> io::Result<()> {
    let mut socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::TCP))
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
            print(format_args!("{} -> {}  {}", packet.from, packet.to, packet.content))?;
        }
    }
}

/// Prints one line. Who watches for nobody should end.
fn print(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}").map_err(tried("print"))
}

/// One packet: its way, and what it says.
struct Packet {
    from: SocketAddrV4,
    to: SocketAddrV4,
    content: String,
}

/// Takes the two headers apart: that of IP (RFC 791), and behind it that of TCP (RFC 9293).
fn parse(packet: &[u8]) -> Option<Packet> {
    let ip_length = usize::from(packet.first()? & 0x0f) * 4; // it counts in words of four bytes
    let (ip, segment) = packet.split_at_checked(ip_length)?;
    let tcp_length = usize::from(segment.get(12)? >> 4) * 4;
    let (tcp, data) = segment.split_at_checked(tcp_length)?;

    let host = |at| Some(Ipv4Addr::from(ip.get(at..)?.first_chunk::<4>().copied()?));
    let port = |at| Some(u16::from_be_bytes(*tcp.get(at..)?.first_chunk()?));
    let mut content = flags(*tcp.get(13)?);
    if !data.is_empty() {
        content += &format!(", {} bytes", data.len());
    }
    Some(Packet {
        from: SocketAddrV4::new(host(12)?, port(0)?),
        to: SocketAddrV4::new(host(16)?, port(2)?),
        content,
    })
}

/// The flags that are set. The two that say how urgent the data are, PSH and URG, are left out.
fn flags(bits: u8) -> String {
    let names = [(0x02, "SYN"), (0x04, "RST"), (0x01, "FIN"), (0x10, "ACK")];
    let set: Vec<&str> =
        names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    set.join(", ")
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// A SYN from 127.0.0.1, port 50000 to port 8080, with an option (the largest segment), and `hi`.
    const SYN: [u8; 46] = [
        0x45, 0x00, 0x00, 0x2e, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x00, 0x00, 127, 0,
        0, 1, 127, 0, 0, 1, // IP
        0xc3, 0x50, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 0x02, 0xff, 0xff, 0, 0, 0,
        0, 2, 4, 0xff, 0xd7, // TCP
        b'h', b'i',
    ];

    #[test]
    fn a_packet_is_taken_apart() {
        let packet = parse(&SYN).unwrap();
        assert_eq!(packet.from.to_string(), "127.0.0.1:50000");
        assert_eq!(packet.to.to_string(), "127.0.0.1:8080");
        assert_eq!(packet.content, "SYN, 2 bytes");
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_none() {
        for length in 0..44 {
            assert!(parse(&SYN[..length]).is_none(), "{length} bytes");
        }
        let no_ports = [&[0x41; 4][..], &[0; 40]].concat(); // an IP header of one word
        assert!(parse(&no_ports).is_none());
    }
}
