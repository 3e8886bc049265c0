//! Calls the world and the machine that it is on (A22, A23), and serves honestly.

use std::io::Write;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram, UnixStream};
use std::time::Duration;

unsafe extern "C" {
    fn socket(domain: i32, kind: i32, protocol: i32) -> i32;
}

/// The world, and where the test listens.
const CALLED: &str =
    "1.1.1.1:53 8.8.8.8:443 [2606:4700:4700::1111]:53 169.254.169.254:80 @LISTENERS@";

fn main() -> std::io::Result<()> {
    for called in CALLED.split_whitespace() {
        let Ok(address) = called.parse::<SocketAddr>() else { breach("no address") };
        if let Ok(mut stream) =
            TcpStream::connect_timeout(&address, Duration::from_millis(300))
        {
            let _ = stream.write_all(b"@MARK@");
            breach(format!("connected to {address}"));
        }
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        if let Ok(socket) = UdpSocket::bind(any)
            && socket.send_to(b"@MARK@", address).is_ok()
            && !address.ip().is_loopback()
        {
            breach(format!("sent a datagram to {address}"));
        }
    }
    if ("example.com", 80).to_socket_addrs().is_ok() {
        breach("a name of the world was resolved");
    }
    // Names of Unix sockets: one without a file, one with.
    let abstract_name = UnixAddr::from_abstract_name("@MARK@")?;
    if UnixStream::connect_addr(&abstract_name).is_ok()
        || UnixStream::connect("@UNIX@").is_ok()
    {
        breach("connected to a Unix socket of the machine");
    }
    if UnixDatagram::unbound()?.connect("/dev/log").is_ok() {
        breach("can write the log of the machine");
    }
    const RAW: i32 = 3;
    for (domain, name) in [(2, "AF_INET"), (10, "AF_INET6"), (17, "AF_PACKET")] {
        const ICMP: i32 = 1;
        if unsafe { socket(domain, RAW, ICMP) } != -1 {
            breach(format!("has a raw socket: {name}"));
        }
    }
    serve()
}
