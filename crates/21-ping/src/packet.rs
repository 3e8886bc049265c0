//! The bytes of the messages: how they are built, and how they are taken apart.
//!
//! Whatever arrives here comes from the network and may be cut short or made up. Nothing in this
//! file trusts a length, and nothing panics.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 and IPv6 have an ICMP each: the same messages, under other numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    /// ICMP, protocol 1
    V4,
    /// ICMPv6, protocol 58
    V6,
}

impl Family {
    /// The one that `address` belongs to.
    pub fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// The type numbers of an echo request and an echo reply.
    pub fn echo_types(self) -> (u8, u8) {
        match self {
            Family::V4 => (8, 0),
            Family::V6 => (128, 129),
        }
    }
}

/// A message that has the form of an echo request or an echo reply.
#[derive(Debug, PartialEq)]
pub struct Echo<'a> {
    /// Tells the pings of one machine apart.
    pub id: u16,
    /// Tells the requests of one ping apart.
    pub sequence: u16,
    /// Travels along, and comes back unchanged.
    pub data: &'a [u8],
}

/// The length of the header of an ICMP message.
pub const ICMP_HEADER: usize = 8;

/// Builds an echo request.
// ANCHOR: request
pub fn echo_request(family: Family, echo: &Echo) -> Vec<u8> {
    let (request, _) = family.echo_types();
    message(request, 0, echo)
}

/// Builds a message: eight bytes of header, then the data.
pub fn message(kind: u8, code: u8, echo: &Echo) -> Vec<u8> {
    let mut bytes = vec![kind, code];
    bytes.extend([0, 0]); // the place of the checksum
    bytes.extend(echo.id.to_be_bytes());
    bytes.extend(echo.sequence.to_be_bytes());
    bytes.extend(echo.data);
    // For IPv6 the system computes it again: there the addresses belong to it.
    let sum = checksum(&bytes);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}
// ANCHOR_END: request

/// The Internet checksum (RFC 1071): the sum of all 16-bit numbers, where what does not fit into 16
/// bits is added again at the bottom; then every bit is turned round. Over a message that contains
/// its own checksum the result is 0.
// ANCHOR: checksum
pub fn checksum(bytes: &[u8]) -> u16 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut sum = 0;
    for &pair in pairs {
        sum += u64::from(u16::from_be_bytes(pair));
    }
    if let &[last] = rest {
        // an odd length: as if a 0 stood behind
        sum += u64::from(u16::from_be_bytes([last, 0]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
// ANCHOR_END: checksum

/// An IPv4 packet, or as much of it as an error message quotes.
#[derive(Debug, PartialEq)]
pub struct Ipv4Packet<'a> {
    /// The header with all its options.
    pub header: &'a [u8],
    /// How many more routers it might have passed.
    pub ttl: u8,
    /// What it carries: 1 is ICMP.
    pub protocol: u8,
    /// Where it was going.
    pub destination: Ipv4Addr,
    /// What it carries, without the header.
    pub content: &'a [u8],
}

/// Takes the IP header off. It says itself how long it is, in units of four bytes: usually 5, and
/// more with options.
// ANCHOR: ipv4
pub fn parse_ipv4(packet: &[u8]) -> Option<Ipv4Packet<'_>> {
    let version = packet.first()? >> 4;
    let length = usize::from(packet[0] & 0x0f) * 4;
    if version != 4 || length < 20 || packet.len() < length {
        return None;
    }
    let (header, content) = packet.split_at(length);
    Some(Ipv4Packet {
        header,
        ttl: header[8],
        protocol: header[9],
        destination: Ipv4Addr::from(<[u8; 4]>::try_from(&header[16..20]).ok()?),
        content,
    })
}
// ANCHOR_END: ipv4

/// What a ping wants to hear of.
#[derive(Debug, PartialEq)]
pub enum Message<'a> {
    /// The answer to some echo request.
    Reply(Echo<'a>),
    /// Somebody on the way could not deliver some echo request.
    Error {
        /// Why.
        reason: String,
        /// As much of the request as came back.
        request: Echo<'a>,
        /// Where the request was going.
        destination: IpAddr,
    },
}

/// Takes an ICMP message apart. Everything but the two above is `None`, our own request too.
// ANCHOR: parse
pub fn parse(family: Family, icmp: &[u8]) -> Option<Message<'_>> {
    let (request, reply) = family.echo_types();
    let header = icmp.get(..ICMP_HEADER)?;
    if header[0] == reply && header[1] == 0 {
        return Some(Message::Reply(parse_echo(reply, icmp)?));
    }
    let reason = reason(family, header)?;
    let (destination, quoted) = parse_quoted(family, &icmp[ICMP_HEADER..])?;
    Some(Message::Error { reason, request: parse_echo(request, quoted)?, destination })
}

/// Takes a message apart, if it is of this type.
pub fn parse_echo(kind: u8, icmp: &[u8]) -> Option<Echo<'_>> {
    let (header, data) = icmp.split_at_checked(ICMP_HEADER)?;
    let is_echo = header[0] == kind && header[1] == 0;
    is_echo.then(|| Echo {
        id: u16::from_be_bytes([header[4], header[5]]),
        sequence: u16::from_be_bytes([header[6], header[7]]),
        data,
    })
}
// ANCHOR_END: parse

/// An error message quotes the packet that it is about: the IP header, and at least eight bytes of
/// what follows. Returns where that packet was going, and what it carried if that was ICMP.
fn parse_quoted(family: Family, quoted: &[u8]) -> Option<(IpAddr, &[u8])> {
    match family {
        Family::V4 => {
            let packet = parse_ipv4(quoted)?;
            let is_icmp = packet.protocol == 1;
            is_icmp.then_some((packet.destination.into(), packet.content))
        }
        Family::V6 => {
            // Our requests have no further headers between these 40 bytes and the ICMP message.
            let (header, content) = quoted.split_at_checked(40)?;
            let destination = Ipv6Addr::from(<[u8; 16]>::try_from(&header[24..40]).ok()?);
            let is_icmp = header[0] >> 4 == 6 && header[6] == 58;
            is_icmp.then_some((destination.into(), content))
        }
    }
}

/// An error message's reason in the words that ping has always used for it. `None`: the message is
/// not an error.
fn reason(family: Family, header: &[u8]) -> Option<String> {
    let mtu = u16::from_be_bytes([header[6], header[7]]);
    let text = match (family, header[0], header[1]) {
        (Family::V4, 3, 0) => "Destination Net Unreachable",
        (Family::V4, 3, 1) => "Destination Host Unreachable",
        (Family::V4, 3, 2) => "Destination Protocol Unreachable",
        (Family::V4, 3, 3) => "Destination Port Unreachable",
        (Family::V4, 3, 4) => {
            return Some(format!("Frag needed and DF set (mtu = {mtu})"));
        }
        (Family::V4, 3, 5) => "Source Route Failed",
        (Family::V4, 3, 6) => "Destination Net Unknown",
        (Family::V4, 3, 7) => "Destination Host Unknown",
        (Family::V4, 3, 8) => "Source Host Isolated",
        (Family::V4, 3, 9) => "Destination Net Prohibited",
        (Family::V4, 3, 10) => "Destination Host Prohibited",
        (Family::V4, 3, 11) => "Destination Net Unreachable for Type of Service",
        (Family::V4, 3, 12) => "Destination Host Unreachable for Type of Service",
        (Family::V4, 3, 13) => "Packet filtered",
        (Family::V4, 3, 14) => "Precedence Violation",
        (Family::V4, 3, 15) => "Precedence Cutoff",
        (Family::V4, 3, code) => {
            return Some(format!("Dest Unreachable, Bad Code: {code}"));
        }
        (Family::V4, 11, 0) => "Time to live exceeded",
        (Family::V4, 11, 1) => "Frag reassembly time exceeded",
        (Family::V4, 11, code) => {
            return Some(format!("Time exceeded, Bad Code: {code}"));
        }
        (Family::V6, 1, 0) => "Destination unreachable: No route",
        (Family::V6, 1, 1) => "Destination unreachable: Administratively prohibited",
        (Family::V6, 1, 2) => "Destination unreachable: Beyond scope of source address",
        (Family::V6, 1, 3) => "Destination unreachable: Address unreachable",
        (Family::V6, 1, 4) => "Destination unreachable: Port unreachable",
        (Family::V6, 1, code) => {
            return Some(format!("Destination unreachable: Unknown code {code}"));
        }
        (Family::V6, 2, _) => {
            let mtu = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
            return Some(format!("Packet too big: mtu={mtu}"));
        }
        (Family::V6, 3, 0) => "Time exceeded: Hop limit",
        (Family::V6, 3, 1) => "Time exceeded: Defragmentation failure",
        (Family::V6, 3, code) => return Some(format!("Time exceeded: code {code}")),
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&bytes), !0xddf2);
        assert_eq!(checksum(&bytes), 0x220d);
    }

    #[test]
    fn an_odd_last_byte_is_the_high_half() {
        for last in 0..=255 {
            let odd = [0x12, 0x34, last];
            assert_eq!(checksum(&odd), checksum(&[0x12, 0x34, last, 0]), "{last:#x}");
            assert_eq!(checksum(&odd), !(0x1234 + u32::from(last) * 0x100).fold());
        }
    }

    /// The sum with its overflow added again, as the text of the RFC puts it.
    trait Fold {
        fn fold(self) -> u16;
    }

    impl Fold for u32 {
        fn fold(self) -> u16 {
            ((self & 0xffff) + (self >> 16)) as u16
        }
    }

    #[test]
    fn the_checksum_of_nothing_and_of_everything() {
        assert_eq!(checksum(&[]), 0xffff);
        assert_eq!(checksum(&[0; 9]), 0xffff);
        assert_eq!(checksum(&[0xff; 65_535]), 0xff);
        assert_eq!(checksum(&[0xff; 65_534]), 0);
    }

    #[test]
    fn a_message_with_its_checksum_sums_to_0() {
        for length in 0..300 {
            let data: Vec<u8> = (0..length).map(|i| (i * 7 + 0x80) as u8).collect();
            let echo = Echo { id: 0xbeef, sequence: 0xfffe, data: &data };
            assert_eq!(checksum(&echo_request(Family::V4, &echo)), 0, "length {length}");
        }
    }

    #[test]
    fn a_request_byte_by_byte() {
        let echo = Echo { id: 0x1234, sequence: 1, data: b"hi" };
        // 0800 + 1234 + 0001 + 6869 = 829e, and turned round 7d61.
        let bytes = echo_request(Family::V4, &echo);
        assert_eq!(bytes, [8, 0, 0x7d, 0x61, 0x12, 0x34, 0, 1, b'h', b'i']);
        assert_eq!(echo_request(Family::V6, &echo)[..2], [128, 0]);
    }

    #[test]
    fn a_reply_as_a_raw_socket_delivers_it() {
        // Captured with `ping listen`: 20 bytes of IP, 8 of ICMP, 4 of data.
        let packet = [
            0x45, 0x00, 0x00, 0x20, 0xf2, 0xc1, 0x00, 0x00, 0x40, 0x01, 0x8a, 0x19, 0x7f,
            0x00, 0x00, 0x01, 0x7f, 0x00, 0x00, 0x01, // IP
            0x00, 0x00, 0xb0, 0xb0, 0x0c, 0x18, 0x00, 0x01, 0x20, 0xb2, 0x22, 0x84,
        ];
        let ip = parse_ipv4(&packet).unwrap();
        assert_eq!((ip.ttl, ip.protocol), (64, 1));
        assert_eq!(ip.destination, Ipv4Addr::LOCALHOST);
        assert_eq!(ip.header, &packet[..20]);
        assert_eq!(
            parse(Family::V4, ip.content),
            Some(Message::Reply(Echo {
                id: 0x0c18,
                sequence: 1,
                data: &[0x20, 0xb2, 0x22, 0x84]
            }))
        );
        assert_eq!(checksum(ip.content), 0);
        assert_eq!(checksum(ip.header), 0, "the IP header has the same kind of checksum");
    }

    #[test]
    fn an_ip_header_with_options_is_longer() {
        for words in 5..=15 {
            let mut packet = vec![0; words * 4];
            packet[0] = 0x40 | words as u8;
            packet[8] = 7;
            packet.extend(b"content");
            let ip = parse_ipv4(&packet).unwrap();
            assert_eq!((ip.ttl, ip.content), (7, &b"content"[..]));
        }
    }

    #[test]
    fn nonsense_instead_of_an_ip_header() {
        assert_eq!(parse_ipv4(&[]), None);
        assert_eq!(parse_ipv4(&[0x45; 19]), None, "shorter than it says");
        assert_eq!(parse_ipv4(&[0x44; 60]), None, "a header of 16 bytes");
        assert_eq!(parse_ipv4(&[0x65; 60]), None, "version 6");
        assert_eq!(parse_ipv4(&[0x4f; 59]), None, "60 bytes announced");
    }

    #[test]
    fn our_own_request_is_not_a_reply() {
        for family in [Family::V4, Family::V6] {
            let echo = Echo { id: 1, sequence: 1, data: &[] };
            assert_eq!(parse(family, &echo_request(family, &echo)), None);
        }
    }

    /// An error message as routers send it: a header, and the packet that was not delivered.
    fn error(
        family: Family,
        kind: u8,
        code: u8,
        ip_header: &[u8],
        sequence: u16,
    ) -> Vec<u8> {
        let request = echo_request(family, &Echo { id: 5, sequence, data: &[] });
        let mut bytes = vec![kind, code, 0, 0, 0, 0, 0x05, 0xdc];
        bytes.extend(ip_header);
        bytes.extend(request);
        bytes
    }

    fn ipv4_header(words: u8, protocol: u8) -> Vec<u8> {
        let mut header = vec![0; usize::from(words) * 4];
        header[0] = 0x40 | words;
        header[9] = protocol;
        header[16..20].copy_from_slice(&[10, 9, 3, 2]);
        header
    }

    fn ipv6_header(next: u8) -> Vec<u8> {
        let mut header = vec![0; 40];
        header[0] = 0x60;
        header[6] = next;
        header[39] = 1;
        header
    }

    #[test]
    fn errors_quote_the_request() {
        for words in 5..=15 {
            let bytes = error(Family::V4, 11, 0, &ipv4_header(words, 1), 300);
            let expected = Message::Error {
                reason: "Time to live exceeded".to_owned(),
                request: Echo { id: 5, sequence: 300, data: &[] },
                destination: IpAddr::from([10, 9, 3, 2]),
            };
            assert_eq!(parse(Family::V4, &bytes), Some(expected), "{words} words");
        }
        let bytes = error(Family::V6, 3, 0, &ipv6_header(58), 300);
        let expected = Message::Error {
            reason: "Time exceeded: Hop limit".to_owned(),
            request: Echo { id: 5, sequence: 300, data: &[] },
            destination: IpAddr::from(Ipv6Addr::LOCALHOST),
        };
        assert_eq!(parse(Family::V6, &bytes), Some(expected));
    }

    #[test]
    fn errors_about_something_else_are_not_ours() {
        let udp = error(Family::V4, 3, 3, &ipv4_header(5, 17), 1);
        assert_eq!(parse(Family::V4, &udp), None);
        let udp = error(Family::V6, 1, 4, &ipv6_header(17), 1);
        assert_eq!(parse(Family::V6, &udp), None);
        let mut reply = error(Family::V4, 3, 3, &ipv4_header(5, 1), 1);
        reply[ICMP_HEADER + 20] = 0; // the quoted packet is a reply, not a request
        assert_eq!(parse(Family::V4, &reply), None);
    }

    #[test]
    fn reasons_in_the_words_of_ping() {
        let said = |family, kind, code| {
            reason(family, &[kind, code, 0, 0, 0, 0, 0x05, 0xdc]).unwrap()
        };
        assert_eq!(said(Family::V4, 3, 1), "Destination Host Unreachable");
        assert_eq!(said(Family::V4, 3, 4), "Frag needed and DF set (mtu = 1500)");
        assert_eq!(said(Family::V4, 3, 13), "Packet filtered");
        assert_eq!(said(Family::V4, 3, 99), "Dest Unreachable, Bad Code: 99");
        assert_eq!(said(Family::V6, 1, 0), "Destination unreachable: No route");
        assert_eq!(said(Family::V6, 2, 0), "Packet too big: mtu=1500");
        assert_eq!(reason(Family::V4, &[8, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(reason(Family::V4, &[5, 1, 0, 0, 0, 0, 0, 0]), None, "a redirect");
    }

    #[test]
    fn every_message_may_end_too_early() {
        let reply = message(0, 0, &Echo { id: 1, sequence: 2, data: b"data" });
        let complete = [
            (Family::V4, reply),
            (Family::V4, error(Family::V4, 3, 1, &ipv4_header(6, 1), 3)),
            (Family::V6, error(Family::V6, 1, 0, &ipv6_header(58), 3)),
        ];
        for (family, bytes) in &complete {
            assert!(parse(*family, bytes).is_some());
            for length in 0..bytes.len() {
                let shorter = parse(*family, &bytes[..length]);
                let still_a_reply = bytes[0] == 0 && length >= ICMP_HEADER;
                assert_eq!(shorter.is_some(), still_a_reply, "{length} bytes");
                parse_ipv4(&bytes[..length]);
            }
        }
    }
}
