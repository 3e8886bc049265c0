//! The hello server in slow motion, for one client: each system call waits for the Enter key.
//!
//! `TcpListener::bind` makes three of them in one go: socket, bind and listen. std has no way to
//! stop between them, so this program uses socket2, which has a function for each.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::output::{say, tried};
use crate::server;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Wait for the client at this address; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// Makes a listening socket and greets one client, one call at a time.
///
/// # Errors
/// A call fails, or the client is lost.
pub fn run(options: &Options) -> io::Result<()> {
    let address = options.listen;
    // ANCHOR: steps
    let socket =
        Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?; // as std does: the port can be had again soon after use
    say("socket: made, it has no address yet (Enter: bind)");
    wait_for_enter()?;

    socket.bind(&address.into()).map_err(tried(format_args!("bind to {address}")))?;
    say(format_args!("bind: its address is {} (Enter: listen)", address_of(&socket)?));
    wait_for_enter()?;

    socket.listen(128).map_err(tried(format_args!("listen on {address}")))?;
    say("listen: connections can come (Enter: accept)");
    wait_for_enter()?;

    let listener = TcpListener::from(socket); // no system call, only another type
    let (stream, peer) = listener.accept().map_err(tried("accept"))?;
    say(format_args!("accept: a new socket, for {peer} alone (Enter: greet)"));
    wait_for_enter()?;

    server::greet(stream, peer).map_err(tried(format_args!("greet {peer}")))
    // ANCHOR_END: steps
}

/// The address that a socket has; in place of port 0 stands the one that the system chose.
fn address_of(socket: &Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?.as_socket();
    address.ok_or_else(|| io::Error::other("the socket has an address of another family"))
}

/// Waits for the Enter key. Where the input has ended, nothing is waited for.
fn wait_for_enter() -> io::Result<()> {
    for byte in io::stdin().lock().bytes() {
        if byte.map_err(tried("read what is typed"))? == b'\n' {
            break;
        }
    }
    Ok(())
}
