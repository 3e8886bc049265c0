//! Classic mistakes, one at a time. Every ping here is wrong on purpose.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::output::{say, tried};
use crate::packet::{self, Echo, Family};

/// Which mistake the ping makes.
#[derive(clap::Args)]
pub struct Options {
    /// The mistake
    mistake: Mistake,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mistake {
    /// Take the first packet that comes for the answer
    FirstPacket,
    /// Look for the ICMP message at the start of the packet
    NoIpHeader,
    /// Forget to turn the bits of the checksum round
    WrongChecksum,
    /// Wait for one's own identifier on a datagram socket
    OwnId,
}

/// Sends one request to 127.0.0.1, and waits for the answer, wrongly.
///
/// # Errors
/// This process has no right to ping, or no packet comes.
pub fn run(options: &Options) -> io::Result<bool> {
    let mistake = options.mistake;
    let kind = match mistake {
        Mistake::OwnId => Type::DGRAM,
        _ => Type::RAW,
    };
    let socket = Socket::new(Domain::IPV4, kind, Some(Protocol::ICMPV4))
        .map_err(tried("open a socket for ICMP"))?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;

    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let echo = Echo { id: OUR_ID, sequence: 1, data: b"hello" };
    let mut request = packet::echo_request(Family::V4, &echo);
    if matches!(mistake, Mistake::WrongChecksum) {
        forget_to_turn_bits(&mut request);
    }
    socket.send_to(&request, target).map_err(tried("send"))?;
    match mistake {
        Mistake::FirstPacket => first_packet(&socket),
        Mistake::NoIpHeader => no_ip_header(&socket),
        Mistake::WrongChecksum => wait_for_reply(&socket),
        Mistake::OwnId => own_id(&socket),
    }
}

/// 0xbeef: a number that is easy to find in a row of bytes.
const OUR_ID: u16 = 48_879;

// ANCHOR: first-packet
fn first_packet(socket: &UdpSocket) -> io::Result<bool> {
    let mut buffer = vec![0; 65_536];
    let (n, from) = socket.recv_from(&mut buffer).map_err(tried("receive"))?;
    say(format_args!("{} bytes from {}: it works", n - 20, from.ip()))?; // wrong: who says so?
    Ok(true)
}
// ANCHOR_END: first-packet

// ANCHOR: no-ip-header
fn no_ip_header(socket: &UdpSocket) -> io::Result<bool> {
    let mut buffer = vec![0; 65_536];
    for _ in 0..2 {
        let (n, _) = socket.recv_from(&mut buffer).map_err(tried("receive"))?;
        let icmp = &buffer[..n]; // wrong: this is where the IP header begins
        say(format_args!("{n} bytes, type {}: this is no answer", icmp[0]))?;
    }
    Ok(false)
}
// ANCHOR_END: no-ip-header

// ANCHOR: wrong-checksum
fn forget_to_turn_bits(request: &mut [u8]) {
    request[2] = !request[2]; // wrong: this turns the bits back
    request[3] = !request[3];
}
// ANCHOR_END: wrong-checksum

fn wait_for_reply(socket: &UdpSocket) -> io::Result<bool> {
    let mut buffer = vec![0; 65_536];
    while let Ok((n, _)) = socket.recv_from(&mut buffer) {
        let Some(ip) = packet::parse_ipv4(&buffer[..n]) else { continue };
        say(format_args!("a message of type {}", ip.content[0]))?;
    }
    say("no answer within a second")?;
    Ok(false)
}

// ANCHOR: own-id
fn own_id(socket: &UdpSocket) -> io::Result<bool> {
    let mut buffer = vec![0; 65_536];
    while let Ok((n, _)) = socket.recv_from(&mut buffer) {
        let Some(echo) = packet::parse_echo(0, &buffer[..n]) else { continue };
        if echo.id == OUR_ID {
            return Ok(true); // wrong: on this socket it never is
        }
        say(format_args!("an answer with identifier {}, and mine is {OUR_ID}", echo.id))?;
    }
    say("no answer within a second")?;
    Ok(false)
}
// ANCHOR_END: own-id
