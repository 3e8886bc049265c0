//! `course doctor`: what works on this machine, found out by doing it, and what to do about the
//! rest.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{
    Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket,
};
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use socket2::{Domain, Protocol, Socket, Type};
use transcript::program::{Event, Program};
use transcript::room::{self, Outcome, Room};

use crate::problem::Problem;
use crate::screen::{self, BAD, GOOD};

/// What does not work: what was seen, and what to do about it, a line each.
struct Lack {
    saw: String,
    to_do: Vec<String>,
}

impl Lack {
    fn new(saw: impl Into<String>, to_do: &[&str]) -> Lack {
        let to_do = to_do.iter().map(|&line| line.to_owned()).collect();
        Lack { saw: saw.into(), to_do }
    }
}

type Found = Result<String, Lack>;

/// A name, and how to find out about it.
type Probe = (&'static str, fn() -> Found);

/// So long a tool may take for something trivial.
const PATIENCE: Duration = Duration::from_secs(3);

/// The ports that the programs of the lessons take if they are not told otherwise.
const TCP_PORTS: [(u16, &str); 4] = [
    (8080, "hello"),
    (8000, "echo"),
    (9090, "multi-connection"),
    (5000, "multi-threaded"),
];
const UDP_PORTS: [(u16, &str); 1] = [(7777, "udp-echo")];

/// Tries everything that the course uses. The exit status says whether all of it works.
pub fn run() -> Result<ExitCode, Problem> {
    let probes: [Probe; 12] = [
        ("Rust", rust),
        ("IPv4", ipv4),
        ("IPv6", ipv6),
        ("localhost", localhost),
        ("namespaces", namespaces),
        ("raw sockets", raw_sockets),
        ("ports", ports),
        ("watching", watching),
        ("nc", nc),
        ("ss", ss),
        ("strace", strace),
        ("python3", python),
    ];
    let mut screen = anstream::stdout();
    let mut lacking = 0;
    for (name, probe) in probes {
        let passing = screen::Passing::show(&format!("trying {name} ..."));
        let found = probe();
        drop(passing);
        let (style, verdict, text, to_do) = match found {
            Ok(text) => (GOOD, "ok", text, Vec::new()),
            Err(Lack { saw, to_do }) => (BAD, "no", saw, to_do),
        };
        let lines = screen::wrapped(&format!("    {name:11}  {text}"), 17).join("\n");
        writeln!(
            screen,
            "{style}{verdict}{style:#}{}",
            lines.get(2..).unwrap_or_default()
        )?;
        for line in &to_do {
            writeln!(screen, "{:17}{line}", "")?;
        }
        lacking += usize::from(verdict == "no");
    }
    match lacking {
        0 => writeln!(screen, "\nEverything that the course uses works here.")?,
        _ => writeln!(
            screen,
            "\n{lacking} of {} do not work here; the rest goes on without.",
            probes.len()
        )?,
    }
    Ok(if lacking == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn rust() -> Found {
    let rustup = ["install or update it: https://rustup.rs"];
    let version =
        printed("rustc", &["--version"]).map_err(|saw| Lack::new(saw, &rustup))?;
    let cargo =
        printed("cargo", &["--version"]).map_err(|saw| Lack::new(saw, &rustup))?;
    let short = |text: &str| text.split(" (").next().unwrap_or_default().to_owned();
    let needed = env!("CARGO_PKG_RUST_VERSION");
    Ok(format!(
        "{}, {} ({needed} or later is needed)",
        short(&version),
        short(cargo.trim())
    ))
}

fn ipv4() -> Found {
    talk((Ipv4Addr::LOCALHOST, 0).into())
        .map(|()| "127.0.0.1 answers".to_owned())
        .map_err(|error| {
            Lack::new(
                format!("a connection over 127.0.0.1: {error}"),
                &["is the loopback interface up? try: ip link set lo up"],
            )
        })
}

fn ipv6() -> Found {
    talk((Ipv6Addr::LOCALHOST, 0).into()).map(|()| "[::1] answers".to_owned()).map_err(
        |error| {
            Lack::new(
                format!("a connection over [::1]: {error}"),
                &[
                    "lessons with IPv6 addresses cannot be followed here; to allow it:",
                    "sudo sysctl net.ipv6.conf.lo.disable_ipv6=0",
                    "in Docker: docker run --sysctl net.ipv6.conf.all.disable_ipv6=0 ...",
                ],
            )
        },
    )
}

/// A server, a client, and a byte between them.
fn talk(address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    let mut client = TcpStream::connect_timeout(&listener.local_addr()?, PATIENCE)?;
    let (mut server, _) = listener.accept()?;
    server.set_read_timeout(Some(PATIENCE))?;
    client.write_all(b"!")?;
    server.read_exact(&mut [0])
}

fn localhost() -> Found {
    let to_do = ["/etc/hosts should have the line: 127.0.0.1 localhost"];
    let addresses = ("localhost", 0)
        .to_socket_addrs()
        .map_err(|error| Lack::new(format!("the name is not known: {error}"), &to_do))?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    let shown: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
    match addresses.iter().all(|address| address.ip().is_loopback()) {
        true => Ok(format!("is {}", shown.join(" and "))),
        false => {
            Err(Lack::new(format!("is {}, not this machine", shown.join(", ")), &to_do))
        }
    }
}

/// What [`look_around`] is asked for.
const TASK: &str = "doctor";
const PRIVATE: &str = "private";
const RAW: &str = "raw";

/// What is found inside a room. Everything else is somebody else's task: none.
pub fn look_around(task: &str) -> Option<Outcome> {
    (task == TASK).then(|| {
        let private = if room::is_private() { PRIVATE } else { "" };
        let raw = if raw_socket().is_ok() { RAW } else { "" };
        Outcome::Passed(format!("{private} {raw}"))
    })
}

/// The words that [`look_around`] says in a room with or without the rights of root.
fn look_into_room(privileged: bool) -> Result<String, String> {
    match (Room { privileged, ..Room::default() }).run(TASK) {
        Outcome::Passed(words) => Ok(words),
        Outcome::Failed(reason) | Outcome::Skipped(reason) => Err(reason),
    }
}

fn namespaces() -> Found {
    let found = look_into_room(false);
    if found.as_ref().is_ok_and(|words| words.contains(PRIVATE)) {
        return Ok("each check and each play has a network of its own".to_owned());
    }
    let saw = match found {
        Ok(_) => "no network of its own can be made: checks take turns".to_owned(),
        Err(reason) => reason,
    };
    Err(Lack::new(saw, &how_to_allow_namespaces()))
}

/// What forbids namespaces, as far as the system tells.
fn how_to_allow_namespaces() -> Vec<&'static str> {
    let is = |file: &str, value: &str| {
        fs::read_to_string(format!("/proc/sys/{file}"))
            .is_ok_and(|text| text.trim() == value)
    };
    if is("user/max_user_namespaces", "0") {
        vec!["sudo sysctl user.max_user_namespaces=10000"]
    } else if is("kernel/unprivileged_userns_clone", "0") {
        vec!["sudo sysctl kernel.unprivileged_userns_clone=1"]
    } else if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        vec!["sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"]
    } else {
        vec![
            "in a container, allow them when you start it:",
            "docker run --security-opt seccomp=unconfined \\",
            "    --security-opt apparmor=unconfined ...",
        ]
    }
}

fn raw_socket() -> io::Result<Socket> {
    Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))
}

fn raw_sockets() -> Found {
    let in_room = look_into_room(true).is_ok_and(|words| words.contains(RAW));
    let ping = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4));
    let by_hand = match (raw_socket().is_ok(), ping.is_ok()) {
        (true, _) => "by hand: yes",
        (false, true) => "by hand: ICMP datagrams only, or with sudo",
        (false, false) => "by hand: only with sudo",
    };
    if in_room {
        return Ok(format!("in plays and checks: yes; {by_hand}"));
    }
    Err(Lack::new(
        format!("in plays and checks: no, so those of ping are not run; {by_hand}"),
        &["allow namespaces (above), or run as root"],
    ))
}

fn ports() -> Found {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let tcp = TCP_PORTS.iter().filter(|(port, _)| TcpListener::bind(at(*port)).is_err());
    let udp = UDP_PORTS.iter().filter(|(port, _)| UdpSocket::bind(at(*port)).is_err());
    let taken: Vec<String> =
        tcp.chain(udp).map(|(port, lesson)| format!("{port} ({lesson})")).collect();
    if taken.is_empty() {
        return Ok("all ports of the lessons are free".to_owned());
    }
    Err(Lack::new(
        format!("taken: {}", taken.join(", ")),
        &[
            "by whom? ss -ltunp",
            "an old server of yours? Ctrl-C in its terminal. Otherwise choose",
            "another port: cargo run -p echo -- server --listen 127.0.0.1:8001",
        ],
    ))
}

fn watching() -> Found {
    let lack = |error: String| {
        Lack::new(
            format!("changes of files are not reported: {error}"),
            &[
                "`course watch` looks every second instead. Too many watches?",
                "sudo sysctl fs.inotify.max_user_instances=512",
            ],
        )
    };
    let (sender, events) = mpsc::channel();
    let folder = tempfile::tempdir().map_err(|error| lack(error.to_string()))?;
    let mut watcher =
        notify::recommended_watcher(sender).map_err(|error| lack(error.to_string()))?;
    watcher
        .watch(folder.path(), RecursiveMode::Recursive)
        .map_err(|error| lack(error.to_string()))?;
    fs::write(folder.path().join("saved"), "")
        .map_err(|error| lack(error.to_string()))?;
    match events.recv_timeout(PATIENCE) {
        Ok(_) => Ok("a saved file is noticed at once".to_owned()),
        Err(_) => Err(lack("nothing came".to_owned())),
    }
}

fn nc() -> Found {
    let lack = |saw: String| {
        Lack::new(saw, &["Debian, Ubuntu: sudo apt install netcat-openbsd"])
    };
    let hear = || -> io::Result<_> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port().to_string();
        let (sender, heard) = mpsc::channel();
        let nothing = sender.clone();
        // If nobody comes, this waits until the program ends.
        thread::spawn(move || {
            let mut text = String::new();
            let client =
                listener.accept().and_then(|(mut c, _)| c.read_to_string(&mut text));
            client.map(|_| sender.send(text))
        });
        Ok((port, heard, nothing))
    };
    let (port, heard, nothing) = hear().map_err(|error| lack(error.to_string()))?;
    let mut command = Command::new("nc");
    command.args(["-N", "127.0.0.1", &port]);
    // An nc that does not know -N says so and ends at once.
    let at_its_end = move |event| {
        if matches!(event, Event::Ended(status) if !status.success()) {
            let _ = nothing.send(String::new());
        }
    };
    let mut program =
        Program::start(command, at_its_end).map_err(|e| lack(not_started(&e)))?;
    let _ = program.type_text(b"hello");
    program.close_input();
    match heard.recv_timeout(PATIENCE) {
        Ok(text) if text == "hello" => {
            Ok("nc -N sends, and says when it ends".to_owned())
        }
        _ => Err(lack("this nc has no -N: it is not that of OpenBSD".to_owned())),
    }
}

fn ss() -> Found {
    let lack =
        |saw: String| Lack::new(saw, &["Debian, Ubuntu: sudo apt install iproute2"]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.as_ref().map(TcpListener::local_addr);
    let Ok(Ok(address)) = address else {
        return Err(lack("no socket to look for".into()));
    };
    let table = printed("ss", &["-ltn"]).map_err(lack)?;
    match table.contains(&address.to_string()) {
        true => Ok("shows the sockets of this machine".to_owned()),
        false => Err(lack(format!("does not show a socket that listens on {address}"))),
    }
}

fn strace() -> Found {
    printed("strace", &["-o", "/dev/null", "true"])
        .map(|_| "may look at other programs".to_owned())
        .map_err(|saw| {
            Lack::new(
                saw,
                &[
                    "Debian, Ubuntu: sudo apt install strace",
                    "in Docker: docker run --cap-add SYS_PTRACE ...",
                ],
            )
        })
}

fn python() -> Found {
    printed("python3", &["--version"]).map(|version| version.trim().to_owned()).map_err(
        |saw| {
            Lack::new(
                saw,
                &["only for the boxes \"From Python\": sudo apt install python3"],
            )
        },
    )
}

/// What a tool prints, if it does its work.
fn printed(tool: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(tool);
    command.args(arguments);
    let (sender, events) = mpsc::channel();
    let mut program = Program::start(command, move |event| drop(sender.send(event)))
        .map_err(|e| not_started(&e))?;
    program.close_input();
    let mut bytes = Vec::new();
    loop {
        match events.recv_timeout(PATIENCE) {
            Ok(Event::Printed(more)) => bytes.extend(more),
            Ok(Event::Flooded) => {}
            Ok(Event::Ended(status)) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let first = text.lines().next().unwrap_or_default().to_owned();
                return if status.success() { Ok(text) } else { Err(first) };
            }
            Err(_) => return Err("does not end".to_owned()),
        }
    }
}

fn not_started(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "is not installed".to_owned(),
        _ => error.to_string(),
    }
}
