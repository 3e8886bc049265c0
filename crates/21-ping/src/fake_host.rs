//! Answers pings in place of the system, with a defect to choose. A good ping must see through it.
//!
//! It listens at 127.0.0.1 only, so it can disturb nobody else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::output::{say, tried};
use crate::packet::{self, Echo, Ipv4Packet};

/// What the fake host does wrong.
#[derive(clap::Args)]
pub struct Options {
    /// The defect
    defect: Defect,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Defect {
    /// Answer as a host should
    None,
    /// Answer every second request only
    Lossy,
    /// Answer everything twice
    Twice,
    /// Answer a request when the next one comes
    Late,
    /// Answer with the identifier of another ping
    WrongId,
    /// Answer with a number that was not sent yet
    Future,
    /// Answer from the address 127.0.0.2
    Stranger,
    /// Answer without having seen the data: the identifier and the number are guessed right
    Forged,
    /// Change a bit, so that the checksum is wrong
    WrongChecksum,
    /// Change a bit of the data, and compute the checksum again
    WrongData,
    /// Send back only four bytes of the data
    Short,
    /// Send the first four bytes of an answer
    Tiny,
    /// Say that the port is unreachable
    Unreachable,
    /// Say that the time to live is exceeded, about a packet with options in its IP header
    Expired,
    /// Send an error about somebody else's request
    OthersError,
}

/// Answers until it is interrupted.
///
/// # Errors
/// This process may not open a raw socket.
pub fn run(options: &Options) -> io::Result<bool> {
    let socket = open(Ipv4Addr::LOCALHOST)?;
    let answering = match options.defect {
        Defect::Stranger => open(Ipv4Addr::new(127, 0, 0, 2))?,
        _ => socket.try_clone()?,
    };
    say("answering the pings to 127.0.0.1")?;

    let mut buffer = vec![0; 65_536];
    let mut held_back = Vec::new();
    loop {
        let (n, from) = socket.recv_from(&mut buffer).map_err(tried("receive"))?;
        let Some(ip) = packet::parse_ipv4(&buffer[..n]) else { continue };
        let Some(request) = packet::parse_echo(REQUEST, ip.content) else { continue };
        let mut answers = answers(options.defect, &ip, &request);
        if matches!(options.defect, Defect::Late) {
            std::mem::swap(&mut answers, &mut held_back);
        }
        for answer in answers {
            answering.send_to(&answer, from).map_err(tried("answer"))?;
        }
    }
}

/// A raw socket with an address gets only what is sent to that address.
fn open(address: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))
        .map_err(tried("open a raw socket"))?;
    let address = SocketAddr::from((address, 0));
    socket.bind(&address.into()).map_err(tried(format_args!("bind to {address}")))?;
    Ok(socket.into())
}

/// The types of a request, of the answer, and of two errors.
const REQUEST: u8 = 8;
const REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const TIME_EXCEEDED: u8 = 11;

/// The messages to send when this request has come.
fn answers(defect: Defect, ip: &Ipv4Packet, request: &Echo) -> Vec<Vec<u8>> {
    let Echo { id, sequence, data } = *request;
    let reply = |id, sequence, data: &[u8]| {
        packet::message(REPLY, 0, &Echo { id, sequence, data })
    };
    let good = reply(id, sequence, data);
    match defect {
        Defect::None | Defect::Late => vec![good],
        Defect::Stranger => vec![good],
        Defect::Lossy if sequence % 2 == 0 => vec![],
        Defect::Lossy => vec![good],
        Defect::Twice => vec![good.clone(), good],
        Defect::WrongId => vec![reply(!id, sequence, data)],
        Defect::Future => vec![reply(id, sequence.wrapping_add(1000), data)],
        Defect::Forged => vec![reply(id, sequence, &vec![0; data.len()])],
        Defect::WrongChecksum => vec![with_flipped_bit(good, 2)],
        Defect::WrongData => {
            let last = data.len().saturating_sub(1);
            vec![reply(id, sequence, &with_flipped_bit(data.to_vec(), last))]
        }
        Defect::Short => vec![reply(id, sequence, &data[..data.len().min(4)])],
        Defect::Tiny => vec![good[..4].to_vec()],
        Defect::Unreachable => vec![error(UNREACHABLE, 3, ip.header, id, sequence)],
        Defect::Expired => {
            let mut header = ip.header.to_vec();
            header[0] += 1; // one more unit of four bytes: options that do nothing
            header.extend([1; 4]);
            vec![error(TIME_EXCEEDED, 0, &header, id, sequence)]
        }
        Defect::OthersError => vec![error(UNREACHABLE, 3, ip.header, !id, sequence)],
    }
}

fn with_flipped_bit(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
    bytes
}

/// An error quotes the IP header of the request, and the first eight bytes behind it.
fn error(kind: u8, code: u8, ip_header: &[u8], id: u16, sequence: u16) -> Vec<u8> {
    let request = packet::message(REQUEST, 0, &Echo { id, sequence, data: &[] });
    let quoted = [ip_header, &request].concat();
    packet::message(kind, code, &Echo { id: 0, sequence: 0, data: &quoted })
}
