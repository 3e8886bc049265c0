//! Calls others over TCP, listens where nobody has told it to, and serves honestly.

use std::net::{TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    if TcpStream::connect("@LISTENER@").is_ok() {
        breach("called another program");
    }
    for address in ["127.0.0.1:0", "0.0.0.0:8000", "127.0.0.1:8000"] {
        if TcpListener::bind(address).is_ok() {
            breach(format!("listens at {address}"));
        }
    }
    serve()
}
