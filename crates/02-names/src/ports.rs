//! Which ports the system gives away, and which it keeps.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use crate::output::{say, tried};

/// Takes some ports, and says what happened.
///
/// # Errors
/// Not one port is free on the loopback interface, or nothing can be printed.
pub fn run() -> io::Result<()> {
    // ANCHOR: chosen
    say(format_args!("the system chooses from {}", setting("ip_local_port_range")))?;
    let first = TcpListener::bind("127.0.0.1:0").map_err(tried("listen"))?;
    let second = TcpListener::bind("127.0.0.1:0").map_err(tried("listen"))?;
    let third = TcpListener::bind("127.0.0.1:0").map_err(tried("listen"))?;
    for listener in [&first, &second, &third] {
        say(format_args!("asked for port 0, got {}", listener.local_addr()?))?;
    }
    // ANCHOR_END: chosen

    // ANCHOR: again
    let port = first.local_addr()?.port();
    report("the first port again", &TcpListener::bind((ONE, port)))?;
    report("the same number at 127.0.0.2", &TcpListener::bind((ANOTHER, port)))?;
    report("the same number for UDP", &UdpSocket::bind((ONE, port)))?;
    // ANCHOR_END: again

    // ANCHOR: zero
    let udp = UdpSocket::bind((ONE, 0)).map_err(tried("take a UDP port"))?;
    report("connect to port 0", &TcpStream::connect((ONE, 0)))?;
    report("send to port 0", &udp.send_to(b"hello", (ONE, 0)))?;
    // ANCHOR_END: zero

    // ANCHOR: rights
    let limit = setting("ip_unprivileged_port_start");
    say(format_args!("an ordinary user may have ports from {limit}"))?;
    report("port 80", &TcpListener::bind((ONE, 80)))?;
    report("IPv6", &TcpListener::bind("[::1]:0"))?;
    // ANCHOR_END: rights
    Ok(())
}

const ONE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const ANOTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Says whether something worked.
fn report<T>(what: &str, outcome: &io::Result<T>) -> io::Result<()> {
    match outcome {
        Ok(_) => say(format_args!("{what}: works")),
        Err(error) => say(format_args!("{what}: {error}")),
    }
}

/// One of Linux's network settings, which can be read like a file.
fn setting(name: &str) -> String {
    match fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")) {
        Ok(text) => text.split_whitespace().collect::<Vec<_>>().join(" to "),
        Err(error) => format!("a range that cannot be read ({error})"),
    }
}
