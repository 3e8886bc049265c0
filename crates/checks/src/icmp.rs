//! A host that answers pings, with faults to order.
//!
//! It answers in place of the system, which is told to keep silent. That is a setting of the
//! network, so it needs the private one of a check.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::bench::Story;
use crate::finding::Finding;

/// Where the host can be pinged.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Where answers come from that were not asked for there.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What the host does wrong. All but the first five answer odd numbers well, after they have done
/// wrong, so that each run has answers that count and requests that are lost.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    /// Nothing: it answers every request.
    None,
    /// It does not answer.
    Silent,
    /// It answers odd numbers only.
    EveryOther,
    /// It answers everything twice, and even numbers three times.
    Twice,
    /// It answers a request when the next one has come.
    Late,
    /// Its answers have another identifier.
    WrongId,
    /// Its answers come from 127.0.0.2.
    OtherAddress,
    /// Its answers have numbers that were never sent: 0, 65535, and larger ones by 1000.
    NeverSent,
    /// Its answers have a wrong checksum.
    BadChecksum,
}

impl Fault {
    /// What the host does, in words.
    fn in_words(self) -> &'static str {
        match self {
            Fault::None => "answers every ping",
            Fault::Silent => "answers no ping",
            Fault::EveryOther => "answers pings with odd numbers only",
            Fault::Twice => {
                "answers every ping twice, and those with even numbers three times"
            }
            Fault::Late => "answers each ping when the next one has come",
            Fault::WrongId => {
                "sends answers with another identifier; to odd numbers good ones, too"
            }
            Fault::OtherAddress => {
                "has its answers sent from 127.0.0.2; to odd numbers good ones from 127.0.0.1, too"
            }
            Fault::NeverSent => {
                "sends answers with numbers that were never sent; to odd numbers good ones, too"
            }
            Fault::BadChecksum => {
                "sends answers with a wrong checksum; to odd numbers good ones, too"
            }
        }
    }
}

/// A host that is answering.
pub struct Host {
    end: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Record>>,
}

/// What a host has noticed.
#[derive(Default)]
pub struct Record {
    /// The messages of type 8 that came, whole, from the first byte behind the IP header.
    pub requests: Vec<Vec<u8>>,
    /// Whether the machine stood still for so long that an answer may have come too late.
    pub stood_still: bool,
}

/// The host looks so often whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// Waking up so much too late can make answers too late for a program that waits for 300 ms.
const STANDSTILL: Duration = Duration::from_millis(150);

/// No check sends so many requests: more are not answered.
const MOST_REQUESTS: usize = 1000;

impl Host {
    /// Lets a host answer until [`Host::end`]. From here on the system does not.
    ///
    /// # Errors
    /// The check has no network of its own, or no right to raw sockets.
    pub fn start(fault: Fault, story: &Story) -> Result<Host, Finding> {
        if !transcript::room::is_private() {
            return Err(Finding::cannot_judge(
                "it needs a network of its own, and no namespace can be made",
            ));
        }
        let prepared = silence_system()
            .and_then(|()| Ok((open(ADDRESS)?, open(STRANGER)?)))
            .map_err(|error| Finding::ours(format!("a host to ping: {error}")));
        let (socket, stranger) = prepared?;
        story.tell(format!("a host at {ADDRESS} {}", fault.in_words()));
        let end = Arc::new(AtomicBool::new(false));
        let asked_to_end = Arc::clone(&end);
        let thread =
            thread::spawn(move || answer_all(fault, &socket, &stranger, &asked_to_end));
        Ok(Host { end, thread })
    }

    /// Ends the host, after it has read everything that has come.
    ///
    /// # Errors
    /// It could not do its part.
    pub fn end(self) -> Result<Record, Finding> {
        self.end.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(Ok(record)) => Ok(record),
            Ok(Err(error)) => Err(Finding::ours(format!("the host to ping: {error}"))),
            Err(_) => Err(Finding::ours("the host to ping has panicked")),
        }
    }
}

/// Tells the system not to answer pings in this network.
fn silence_system() -> io::Result<()> {
    fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1")
}

/// A raw socket that gets what is sent to `address`, and sends from there.
fn open(address: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    socket.bind(&SocketAddr::from((address, 0)).into())?;
    socket.set_read_timeout(Some(LOOK))?;
    Ok(UdpSocket::from(socket))
}

fn answer_all(
    fault: Fault,
    socket: &UdpSocket,
    stranger: &UdpSocket,
    end: &AtomicBool,
) -> io::Result<Record> {
    let mut record = Record::default();
    let mut held_back = None;
    let mut buffer = vec![0; 65_536];
    let mut awake = Instant::now();
    loop {
        let is_end = end.load(Ordering::Relaxed);
        let received = socket.recv_from(&mut buffer);
        record.stood_still |= awake.elapsed() > LOOK + STANDSTILL;
        awake = Instant::now();
        let (n, from) = match received {
            Ok(received) => received,
            Err(error) if nothing_came(&error) => {
                if is_end {
                    return Ok(record);
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let icmp = behind_ip_header(&buffer[..n]);
        if icmp.first() != Some(&REQUEST) || record.requests.len() >= MOST_REQUESTS {
            continue;
        }
        record.requests.push(icmp.to_vec());
        // As every system, it ignores what was damaged on the way.
        let Some(request) = Echo::parse(icmp) else { continue };
        if fault == Fault::OtherAddress {
            stranger.send_to(&request.reply(), from)?;
        }
        let answers = if fault == Fault::Late {
            held_back.replace(request.reply()).into_iter().collect()
        } else {
            answers(fault, &request)
        };
        for answer in answers {
            socket.send_to(&answer, from)?;
        }
    }
}

/// What a host with this fault sends when this request has come.
fn answers(fault: Fault, request: &Echo) -> Vec<Vec<u8>> {
    let Echo { id, sequence, .. } = *request;
    let good = request.reply();
    let wrong = match fault {
        Fault::None | Fault::Late => return vec![good],
        Fault::Silent => return vec![],
        Fault::Twice => {
            let times = if sequence.is_multiple_of(2) { 3 } else { 2 };
            return vec![good; times];
        }
        Fault::EveryOther | Fault::OtherAddress => vec![],
        Fault::WrongId => vec![Echo { id: !id, ..request.clone() }.reply()],
        Fault::NeverSent => [0, u16::MAX, sequence.wrapping_add(1000)]
            .map(|sequence| Echo { sequence, ..request.clone() }.reply())
            .to_vec(),
        Fault::BadChecksum => {
            let mut damaged = good.clone();
            damaged[3] ^= 1;
            vec![damaged]
        }
    };
    let well = if sequence % 2 == 1 { vec![good] } else { vec![] };
    [wrong, well].concat()
}

fn nothing_came(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// The message in a packet; nothing if there is none.
fn behind_ip_header(packet: &[u8]) -> &[u8] {
    let length = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    packet.get(length..).unwrap_or_default()
}

/// The types of the two messages of an echo.
pub const REQUEST: u8 = 8;
/// The answer.
pub const REPLY: u8 = 0;

/// What stands in both messages of an echo.
#[derive(Clone, Debug, PartialEq)]
pub struct Echo {
    /// Whose it is.
    pub id: u16,
    /// The number of the request.
    pub sequence: u16,
    /// All that follows.
    pub data: Vec<u8>,
}

impl Echo {
    /// Takes an intact message apart, of whatever type.
    pub fn parse(icmp: &[u8]) -> Option<Echo> {
        let (header, data) = icmp.split_at_checked(8)?;
        (checksum(icmp) == 0).then(|| Echo {
            id: u16::from_be_bytes([header[4], header[5]]),
            sequence: u16::from_be_bytes([header[6], header[7]]),
            data: data.to_vec(),
        })
    }

    /// The message of this type and code.
    pub fn message(&self, kind: u8, code: u8) -> Vec<u8> {
        let [id_high, id_low] = self.id.to_be_bytes();
        let [number_high, number_low] = self.sequence.to_be_bytes();
        let mut bytes = vec![kind, code, 0, 0, id_high, id_low, number_high, number_low];
        bytes.extend(&self.data);
        let sum = checksum(&bytes).to_be_bytes();
        bytes[2..4].copy_from_slice(&sum);
        bytes
    }

    /// The answer.
    pub fn reply(&self) -> Vec<u8> {
        self.message(REPLY, 0)
    }
}

/// The checksum of RFC 1071.
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in bytes.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_that_are_known() {
        let rfc_1071 = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&rfc_1071), 0x220d);
        assert_eq!(checksum(&[]), 0xffff);
        assert_eq!(checksum(&[0x80]), 0x7fff);
        assert_eq!(checksum(&[0xff, 0xff, 0xff, 0xff, 0x00, 0x01]), 0xfffe);
    }

    #[test]
    fn a_message_is_intact_until_it_is_damaged() {
        let echo = Echo { id: 0x1234, sequence: 1, data: b"hi".to_vec() };
        let mut request = echo.message(REQUEST, 0);
        assert_eq!(request, [8, 0, 0x7d, 0x61, 0x12, 0x34, 0, 1, b'h', b'i']);
        assert_eq!(Echo::parse(&request), Some(echo));
        request[9] ^= 1;
        assert_eq!(Echo::parse(&request), None);
        assert_eq!(Echo::parse(&request[..4]), None);
    }
}
