//! The sockets of this network, as the system lists them (proc(5), /proc/net/tcp and udp), in words.
//!
//! A look at the table finds out whether a server listens without connecting to it: a connection
//! would be a client that the server has to serve.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// A TCP socket.
#[derive(Clone, Debug, PartialEq)]
pub struct TcpSocket {
    /// Its own end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// Its state: LISTEN, ESTABLISHED …
    pub state: &'static str,
    /// Bytes sent and not confirmed.
    pub unsent: u32,
    /// Bytes that have come and were not read. Of a listening socket: connections not accepted.
    pub unread: u32,
}

/// The states in the order of their numbers (include/net/tcp_states.h).
const STATES: [&str; 13] = [
    "?",
    "ESTABLISHED",
    "SYN-SENT",
    "SYN-RECV",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "TIME-WAIT",
    "CLOSED",
    "CLOSE-WAIT",
    "LAST-ACK",
    "LISTEN",
    "CLOSING",
    "NEW",
];

/// All TCP sockets of this network namespace. Where the table cannot be read, none.
pub fn tcp() -> Vec<TcpSocket> {
    let table = |name| {
        fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default()
    };
    let lines = format!("{}{}", table("tcp"), table("tcp6"));
    lines.lines().filter_map(parse).collect()
}

/// One end of a connection; with port 0 at the other end, the socket that listens at `local`.
///
/// The table of all sockets takes milliseconds to read. This asks the system for a single one
/// (sock_diag(7)), so a check may look often. Only where that is not possible it reads the table.
pub fn find(local: SocketAddr, remote: SocketAddr) -> Option<TcpSocket> {
    ask(local, remote).unwrap_or_else(|_| {
        tcp().into_iter().find(|s| s.local == local && s.remote.port() == remote.port())
    })
}

/// Whether a program listens at this very address: not only at every address of the machine.
pub fn listens(address: SocketAddr) -> bool {
    let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    find(address, nobody)
        .is_some_and(|socket| socket.state == "LISTEN" && socket.local == address)
}

/// Asks with one message over a netlink socket, as ss(8) does. Only IPv4.
fn ask(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<TcpSocket>> {
    const AF_NETLINK: i32 = 16;
    const NETLINK_SOCK_DIAG: i32 = 4;
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const NLMSG_ERROR: u16 = 2;
    const ENOENT: i32 = 2;
    const AF_INET: u8 = 2;
    const IPPROTO_TCP: u8 = 6;

    let (SocketAddr::V4(its), SocketAddr::V4(other)) = (local, remote) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let mut message = Vec::new();
    message.extend(72_u32.to_ne_bytes()); // nlmsghdr: length of it all,
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes()); // type,
    message.extend(NLM_F_REQUEST.to_ne_bytes()); // flags,
    message.extend([0; 8]); // sequence number and port.
    message.extend([AF_INET, IPPROTO_TCP, 0, 0]); // inet_diag_req_v2: which kind of socket,
    message.extend(u32::MAX.to_ne_bytes()); // in any state.
    message.extend(its.port().to_be_bytes()); // inet_diag_sockid: its own end,
    message.extend(other.port().to_be_bytes()); // the other end,
    for address in [its.ip(), other.ip()] {
        message.extend(address.octets()); // and the addresses, with room for IPv6,
        message.extend([0; 12]);
    }
    message.extend([0; 4]); // at any interface,
    message.extend([0xff; 8]); // and any socket that is there.

    let family = Domain::from(AF_NETLINK);
    let protocol = Protocol::from(NETLINK_SOCK_DIAG);
    let mut kernel = Socket::new(family, Type::RAW, Some(protocol))?;
    kernel.set_read_timeout(Some(Duration::from_secs(1)))?;
    kernel.write_all(&message)?;
    let mut answer = [0; 1024];
    let length = kernel.read(&mut answer)?;
    let number = |at: usize| {
        u32::from_ne_bytes([answer[at], answer[at + 1], answer[at + 2], answer[at + 3]])
    };
    // Behind the header of 16 bytes: the number of an error, or inet_diag_msg, which has 4 small
    // fields, inet_diag_sockid (48 bytes), a time, and the two queues.
    match u16::from_ne_bytes([answer[4], answer[5]]) {
        SOCK_DIAG_BY_FAMILY if length >= 80 => {
            let port_there = u16::from_be_bytes([answer[22], answer[23]]);
            let own = match answer[16] {
                AF_INET => IpAddr::from(address_of::<4>(&answer)),
                _ => IpAddr::from(address_of::<16>(&answer)).to_canonical(),
            };
            Ok((port_there == remote.port()).then_some(TcpSocket {
                local: (own, local.port()).into(),
                remote,
                state: STATES.get(usize::from(answer[17])).unwrap_or(&"?"),
                unread: number(72),
                unsent: number(76),
            }))
        }
        NLMSG_ERROR if number(16).cast_signed() == -ENOENT => Ok(None),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// The own address in an inet_diag_msg: 4 or 16 bytes.
fn address_of<const LENGTH: usize>(answer: &[u8; 1024]) -> [u8; LENGTH] {
    std::array::from_fn(|at| answer[24 + at])
}

/// One line of the table; none for its heading.
fn parse(line: &str) -> Option<TcpSocket> {
    let mut words = line.split_whitespace().skip(1);
    let local = endpoint(words.next()?)?;
    let remote = endpoint(words.next()?)?;
    let state = usize::from_str_radix(words.next()?, 16).ok()?;
    let (unsent, unread) = words.next()?.split_once(':')?;
    Some(TcpSocket {
        local,
        remote,
        state: STATES.get(state).unwrap_or(&"?"),
        unsent: u32::from_str_radix(unsent, 16).ok()?,
        unread: u32::from_str_radix(unread, 16).ok()?,
    })
}

/// `0100007F:1F40`: the address in words of the machine's own byte order, and the port.
fn endpoint(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for start in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(start..start + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let address = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(bytes) => IpAddr::from(Ipv4Addr::from(bytes)),
        Err(_) => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(SocketAddr::new(address.to_canonical(), port))
}

/// What the sockets of a program that should listen on `wanted` say, in sentences.
pub fn in_words(wanted: SocketAddr) -> Vec<String> {
    let sockets = tcp();
    let mut words = Vec::new();
    let listening: Vec<&TcpSocket> =
        sockets.iter().filter(|socket| socket.state == "LISTEN").collect();
    match listening.iter().find(|socket| socket.local == wanted) {
        Some(door) if door.unread > 0 => words.push(format!(
            "your server listens on {wanted}; {} not accepted yet",
            counted(door.unread, "connection is", "connections are")
        )),
        Some(_) => words.push(format!("your server listens on {wanted}")),
        None if listening.is_empty() => words.push("nobody listens".to_owned()),
        None => words.extend(
            listening
                .iter()
                .map(|s| format!("somebody listens on {}, not {wanted}", s.local)),
        ),
    }
    let ends =
        sockets.iter().filter(|s| s.local.port() == wanted.port() && s.state != "LISTEN");
    for end in ends.take(8) {
        // At the end of the stream the queue counts the end itself as one byte.
        let unread = end.unread.saturating_sub(u32::from(end.state == "CLOSE-WAIT"));
        let mut sentence = match end.state {
            "CLOSE-WAIT" => {
                format!("the client at {} has closed, your server has not", end.remote)
            }
            "FIN-WAIT-1" | "FIN-WAIT-2" => format!(
                "your server has ended its direction to the client at {}, the client has not \
                 ended its own",
                end.remote
            ),
            "TIME-WAIT" | "LAST-ACK" | "CLOSING" => continue,
            state => format!("connection from {}: {state}", end.remote),
        };
        if unread > 0 {
            let bytes = counted(unread, "byte", "bytes");
            sentence.push_str(&format!("; {bytes} unread in your socket"));
        }
        if end.unsent > 0 && end.state == "ESTABLISHED" {
            let bytes = counted(end.unsent, "byte", "bytes");
            sentence.push_str(&format!("; {bytes} of yours not taken by the client"));
        }
        words.push(sentence);
    }
    words
}

/// What the datagram sockets of the program say, in sentences; `ours` are those of its peers.
pub fn udp_in_words(ours: &[SocketAddr]) -> Vec<String> {
    let table = |name| {
        fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default()
    };
    let lines = format!("{}{}", table("udp"), table("udp6"));
    let all = lines.lines().filter_map(parse);
    let yours = all.filter(|socket| !ours.contains(&socket.local)).take(8);
    let sentence = |socket: TcpSocket| {
        let port = socket.local.port();
        let partner = match socket.remote.port() {
            0 => "takes datagrams from anybody".to_owned(),
            _ => format!("takes datagrams from {} only", socket.remote),
        };
        // The system counts the room that datagrams take up, not their bytes.
        let unread = if socket.unread > 0 { "; some are unread" } else { "" };
        format!("your socket has port {port} and {partner}{unread}")
    };
    yours.map(sentence).collect()
}

/// `1 byte`, `2 bytes`.
pub fn counted(number: u32, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_socket_is_found() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = std::net::TcpStream::connect(address).unwrap();
        let (_server, peer) = listener.accept().unwrap();
        client.write_all(b"seven..").unwrap();
        let its_end = ask(address, peer).unwrap().unwrap();
        assert_eq!((its_end.state, its_end.unread), ("ESTABLISHED", 7));
        assert_eq!(find(peer, address).unwrap().unread, 0);
        assert!(listens(address));
        drop(listener);
        assert_eq!(ask(address, (Ipv4Addr::UNSPECIFIED, 0).into()).unwrap(), None);
    }

    #[test]
    fn a_line_of_the_table_is_understood() {
        let line = "   0: 0100007F:1F40 0100007F:C350 08 00000000:00000026 00:00000000 00000000 \
                    0 0 12345 1 0000000000000000 20 4 30 10 -1";
        let socket = parse(line).unwrap();
        if cfg!(target_endian = "little") {
            assert_eq!(socket.local, "127.0.0.1:8000".parse().unwrap());
        }
        assert_eq!(
            (socket.state, socket.unread, socket.remote.port()),
            ("CLOSE-WAIT", 38, 50000)
        );
        assert_eq!(parse("  sl  local_address rem_address   st tx_queue rx_queue"), None);
    }
}
