//! What a fence really keeps out of reach on this machine: a program inside tries all of it.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{self as unix, UnixListener, UnixStream};
use std::path::Path;

use nix::sys::signal::kill;
use nix::unistd::{Pid, getpgid, getppid, truncate};
use socket2::{Domain, Protocol, Socket, Type};

use super::fence;

/// The word that makes this program try, in the place of a student's program.
pub const TRY: &str = "try-the-fence";

/// What was found out.
pub struct Tried {
    /// Landlock's version.
    pub abi: i32,
    /// What was refused to the program.
    pub refused: Vec<String>,
    /// What was not, and is not kept apart.
    pub open: Vec<String>,
}

/// The attempts that decide: without these the fence is none.
const FILES: [&str; 2] = ["reading files", "writing files"];

/// What its lines begin with.
const REFUSED: &str = "refused: ";
const OPEN: &str = "open: ";

/// Has the attempts made. `run` runs this program with these arguments inside of a fence around
/// the folder `place/inside`, and returns what it has printed.
///
/// # Errors
/// In words: there is no fence here, or it does not keep files apart.
pub fn try_out(
    place: &Path,
    run: impl FnOnce(&[&str]) -> Result<String, String>,
) -> Result<Tried, String> {
    let tried = |error: io::Error| format!("prepare the trial: {error}");
    let abi = fence::version()?;
    fs::write(place.join("secret"), "secret").map_err(tried)?;
    // Somebody has to listen, or nothing could be refused.
    let _at_path = UnixListener::bind(place.join("socket")).map_err(tried)?;
    // A name that nobody else has: that of the folder.
    let name = place.to_string_lossy();
    let address = unix::SocketAddr::from_abstract_name(&*name).map_err(tried)?;
    let _at_name = UnixListener::bind_addr(&address).map_err(tried)?;
    let said = run(&[TRY, &name])?;
    let told = |word: &str| -> Vec<String> {
        said.lines()
            .filter_map(|line| line.strip_prefix(word))
            .map(str::to_owned)
            .collect()
    };
    let tried = Tried { abi, refused: told(REFUSED), open: told(OPEN) };
    match FILES.iter().all(|file| tried.refused.iter().any(|refused| refused == file)) {
        true => Ok(tried),
        false => Err(format!("files outside are not kept apart: {}", said.trim())),
    }
}

/// For the program inside: tries everything, and prints what was refused and what was not.
pub fn attempt(arguments: &[String]) {
    let [name] = arguments else { return };
    let place = Path::new(name);
    let secret = place.join("secret");
    let [reading, writing] = FILES;
    say(reading, File::open(&secret));
    say(writing, File::create(place.join("written")));
    say("truncating files", truncate(&secret, 0).map_err(io::Error::from));
    say(
        "changing modes of files",
        fs::set_permissions(&secret, Permissions::from_mode(0o600)),
    );
    // Neither is a port that stands in the arguments. Nobody listens on the second.
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    say("listening with TCP", TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    say("calling with TCP", TcpStream::connect(nobody));
    let call_with_mptcp = |socket: Socket| socket.connect(&nobody.into());
    let mptcp = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::MPTCP));
    say("calling with MPTCP", mptcp.and_then(call_with_mptcp));
    say("UDP", UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)));
    let at_name = unix::SocketAddr::from_abstract_name(name);
    say(
        "abstract Unix sockets",
        at_name.and_then(|name| UnixStream::connect_addr(&name)),
    );
    say("Unix sockets in folders", UnixStream::connect(place.join("socket")));
    // The signal 0 does nothing, but has to be allowed, too.
    say("signals", kill(getppid(), None).map_err(io::Error::from));
    say("seeing processes", getpgid(Some(Pid::from_raw(1))).map_err(io::Error::from));
}

fn say<T>(what: &str, came: io::Result<T>) {
    let refused =
        came.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    println!("{}{what}", if refused { REFUSED } else { OPEN });
}
