//! The address to ping, and a socket to do it with.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::output::{complain, tried};

/// Which kind of socket carries the messages.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Gets a copy of every ICMP message that reaches this machine. For IPv4 the IP header is on it.
    Raw,
    /// Gets the answers to its own requests, and nothing else. Its identifier is chosen by the system.
    Datagram,
}

/// Finds an address of `host` that can be reached from here.
///
/// A name may have several addresses, and the first is no use if it is an IPv6 address and this
/// machine has no IPv6. `connect` on a UDP socket sends nothing, but it looks up the way. The other end
/// is then the address as the system understood it: 0.0.0.0 means this machine.
///
/// # Errors
/// The name is unknown, or no way leads to any of its addresses.
// ANCHOR: reachable
pub fn reachable(host: &str) -> io::Result<SocketAddr> {
    // UDP has no port 0; this one is as good as any, because nothing is sent.
    let addresses =
        (host, 1025).to_socket_addrs().map_err(tried(format_args!("look up {host}")))?;
    let mut problem = io::Error::other(format!("look up {host}: no address"));
    for mut address in addresses {
        address.set_ip(address.ip().to_canonical()); // ::ffff:127.0.0.1 is an IPv4 address.
        let any: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let probe = UdpSocket::bind((any, 0)).and_then(|probe| {
            probe.connect(address)?;
            probe.peer_addr()
        });
        match probe {
            Ok(mut peer) => {
                peer.set_port(0); // ICMP has none.
                return Ok(peer);
            }
            Err(error) => {
                problem = io::Error::other(format!("reach {}: {error}", address.ip()));
            }
        }
    }
    Err(problem)
}
// ANCHOR_END: reachable

/// Opens a socket for ICMP: a raw one, which sees more, or else a datagram socket, which needs less.
///
/// # Errors
/// This process may open neither. The first refusal is printed, the second returned.
// ANCHOR: open
pub fn open(target: IpAddr, only_datagram: bool) -> io::Result<(Socket, Kind)> {
    let (domain, protocol) = match target {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let mut refusal = None;
    if !only_datagram {
        match Socket::new(domain, Type::RAW, Some(protocol)) {
            Ok(socket) => return Ok((socket, Kind::Raw)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                refusal = Some(error);
            }
            Err(error) => return Err(tried("open a raw socket")(error)),
        }
    }
    match Socket::new(domain, Type::DGRAM, Some(protocol)) {
        Ok(socket) => Ok((socket, Kind::Datagram)),
        Err(error) => {
            if let Some(refusal) = refusal {
                complain(format_args!("open a raw socket: {refusal}"));
            }
            Err(tried("open a datagram socket for ICMP")(error))
        }
    }
}
// ANCHOR_END: open
