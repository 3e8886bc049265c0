//! Counts the requests that have duplicates, and not the duplicates.
//!
//! fails: duplicates

use std::env;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::process::{self, ExitCode};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

pub fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => ExitCode::FAILURE,
        Some(Err(error)) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
        None => {
            eprintln!("usage: checksum HEX | request ID SEQUENCE HEX | parse HEX");
            eprintln!("     | ping -c COUNT ADDRESS");
            ExitCode::from(2)
        }
    }
}

/// Does what the command line says, if it can be understood.
fn run(words: &[&str]) -> Option<io::Result<bool>> {
    match words {
        ["checksum", hex] => println!("{:04x}", checksum(&from_hex(hex)?)),
        ["request", id, sequence, hex] => {
            let (id, sequence) = (id.parse().ok()?, sequence.parse().ok()?);
            println!("{}", to_hex(&request(id, sequence, &from_hex(hex)?)));
        }
        ["parse", hex] => match parse(&from_hex(hex)?) {
            Some(Reply { id, sequence, data }) => {
                println!("reply id={id} sequence={sequence} data={}", to_hex(&data));
            }
            None => println!("no reply"),
        },
        ["ping", "-c", count, host] => {
            return Some(ping(count.parse().ok()?, host.parse().ok()?));
        }
        _ => return None,
    }
    Some(Ok(true))
}

/// The sum of all pairs of bytes, with what is left over added at the bottom, and every bit turned
/// round (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        // The last byte of an odd length is the high half of a pair.
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([pair[0], low]));
        // Once is enough here: two numbers of 16 bits leave over 1 at most, and then the rest has
        // room for it.
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The types of the two messages, and the length of what stands before their data.
const REQUEST: u8 = 8;
const REPLY: u8 = 0;
const ICMP_HEADER: usize = 8;

/// The message that asks for an echo, with its checksum in its place.
fn request(id: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![REQUEST, 0, 0, 0]; // The checksum counts as 0 while it is computed.
    bytes.extend(id.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(data);
    let sum = checksum(&bytes);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The answer to a request.
struct Reply {
    id: u16,
    sequence: u16,
    data: Vec<u8>,
}

/// Takes apart what a raw socket for IPv4 has delivered. Everything that is no intact answer is
/// `None`.
fn parse(packet: &[u8]) -> Option<Reply> {
    let ip_header = usize::from(packet.first()? & 0x0f) * 4;
    if ip_header < 20 {
        return None;
    }
    let icmp = packet.get(ip_header..)?; // Options make the header longer than 20 bytes.
    let (header, data) = icmp.split_at_checked(ICMP_HEADER)?;
    let is_reply = header[0] == REPLY && header[1] == 0;
    if !is_reply || checksum(icmp) != 0 {
        return None;
    }
    Some(Reply {
        id: u16::from_be_bytes([header[4], header[5]]),
        sequence: u16::from_be_bytes([header[6], header[7]]),
        data: data.to_vec(),
    })
}

/// From one request to the next.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long to wait for answers after the last request.
const LAST_WAIT: Duration = Duration::from_millis(300);

/// As many bytes as other pings send. What they are does not matter.
const DATA: [u8; 56] = [0; 56];

/// Sends this many requests, prints the answers and a line at the end, and says whether there was
/// an answer at all.
fn ping(count: u16, host: Ipv4Addr) -> io::Result<bool> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    let mut ping = Ping {
        socket: UdpSocket::from(socket), // For `recv_from` into ordinary bytes.
        host,
        id: process::id() as u16, // Its low 16 bits.
        answers: vec![],
    };
    for sequence in 1..=count {
        ping.answers.push(0);
        ping.socket.send_to(&request(ping.id, sequence, &DATA), (host, 0))?;
        let wait = if sequence == count { LAST_WAIT } else { INTERVAL };
        ping.receive_until(Instant::now() + wait)?;
    }

    let received = ping.answers.iter().filter(|&&answers| answers > 0).count();
    let lost = usize::from(count) - received;
    let duplicates = ping.answers.iter().filter(|&&answers| answers > 1).count();
    println!("sent {count}, received {received}, lost {lost}, duplicates {duplicates}");
    Ok(received > 0)
}

/// A ping under way.
struct Ping {
    socket: UdpSocket,
    host: Ipv4Addr,
    id: u16,
    /// How many answers have come to each request that was sent, from number 1 on.
    answers: Vec<usize>,
}

impl Ping {
    /// Reads whatever comes until then.
    fn receive_until(&mut self, end: Instant) -> io::Result<()> {
        let mut buffer = [0; 65_536]; // No packet is longer.
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(()); // A timeout of 0 would be an error.
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.recv_from(&mut buffer) {
                Ok((n, from)) => self.handle(&buffer[..n], from.ip()),
                Err(error) if nothing_came(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks whether a packet is an answer to one of our requests. A raw socket gets all ICMP
    /// messages of the machine, so most of the work is to doubt.
    fn handle(&mut self, packet: &[u8], from: IpAddr) {
        if from != self.host {
            return;
        }
        let Some(reply) = parse(packet) else { return };
        if reply.id != self.id {
            return; // That of another ping.
        }
        let sequence = reply.sequence;
        let index = usize::from(sequence).checked_sub(1); // No request has the number 0.
        let Some(answers) = index.and_then(|index| self.answers.get_mut(index)) else {
            return; // Nobody has sent this request.
        };
        *answers += 1;
        let remark = if *answers > 1 { " (duplicate)" } else { "" };
        println!("answer from {}: sequence={sequence}{remark}", self.host);
    }
}

/// The time was up, or a signal came in between.
fn nothing_came(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// The bytes that are written in base 16: `0a ff` without the blank.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    let bytes = digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8);
    (digits.len() % 2 == 0).then(|| bytes.collect())
}

/// Bytes in base 16, two digits for each.
fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
