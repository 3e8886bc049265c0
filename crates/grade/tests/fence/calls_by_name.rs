//! Calls an abstract Unix socket of somebody else, and serves honestly.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};

fn main() -> std::io::Result<()> {
    if UnixStream::connect_addr(&SocketAddr::from_abstract_name("@MARK@")?).is_ok() {
        breach("called an abstract Unix socket");
    }
    serve()
}
