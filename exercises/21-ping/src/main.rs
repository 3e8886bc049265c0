//! Exercise 21: a ping, from its checksum on. The task is in README.md.

use std::env;
use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;

fn main() -> ExitCode {
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

/// Part 1: the checksum of these bytes.
fn checksum(bytes: &[u8]) -> u16 {
    todo!("add up {} bytes in pairs", bytes.len())
}

/// Part 2: the message that asks for an echo, with its checksum in its place.
fn request(id: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    todo!("type, code, checksum, {id}, {sequence}, and {} bytes of data", data.len())
}

/// The answer to a request.
struct Reply {
    id: u16,
    sequence: u16,
    data: Vec<u8>,
}

/// Part 3: takes apart what a raw socket for IPv4 has delivered. Everything that is no intact
/// answer is `None`.
fn parse(packet: &[u8]) -> Option<Reply> {
    todo!("find the message behind the IP header in {} bytes", packet.len())
}

/// Part 4: sends this many requests, prints the answers and a line at the end, and says whether
/// there was an answer at all.
fn ping(count: u16, host: Ipv4Addr) -> io::Result<bool> {
    todo!("ask {host} for {count} echoes")
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
