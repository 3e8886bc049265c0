//! The bytes of a port or an address, in both orders.

use std::io;
use std::net::IpAddr;

use crate::output::{bad_usage, say};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// A port (0 to 65535) or an address
    #[arg(value_name = "PORT|ADDR")]
    subject: String,
}

/// Prints the bytes as they travel, and as a processor may keep them.
///
/// # Errors
/// The text is neither a port nor an address, or nothing can be printed.
pub fn run(options: &Options) -> io::Result<()> {
    let subject = &options.subject;
    if let Ok(port) = subject.parse() {
        show_port(port)
    } else if let Ok(IpAddr::V4(address)) = subject.parse() {
        show_ipv4(address.to_bits())
    } else if let Ok(IpAddr::V6(address)) = subject.parse() {
        say(format_args!("on the network  {}", hexadecimal(&address.octets())))
    } else {
        Err(bad_usage(format_args!(
            "{subject} is neither a port (0 to 65535) nor an address"
        )))
    }
}

// ANCHOR: port
fn show_port(port: u16) -> io::Result<()> {
    say(format_args!("the number      {port}"))?;
    say(format_args!("on the network  {}", hexadecimal(&port.to_be_bytes())))?;
    say(format_args!("this processor  {}", hexadecimal(&port.to_ne_bytes())))?;
    say(format_args!("wrong way round {}", port.swap_bytes()))
}
// ANCHOR_END: port

fn show_ipv4(number: u32) -> io::Result<()> {
    say(format_args!("the number      {number}"))?;
    say(format_args!("on the network  {}", hexadecimal(&number.to_be_bytes())))?;
    say(format_args!("this processor  {}", hexadecimal(&number.to_ne_bytes())))?;
    say(format_args!("wrong way round {}", number.swap_bytes()))
}

/// Each byte as two digits of base 16.
fn hexadecimal(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}
