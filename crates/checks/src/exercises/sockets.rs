//! Both ends of a connection: the five parts of each, and whether two belong together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Instant;

use transcript::program::Signal;

use crate::bench::{Bench, Student, ended};
use crate::exercise::Check;
use crate::finding::Finding;
use crate::sockets;

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    Check { id: "client", needs: &[], run: client },
    Check { id: "ipv6", needs: &["client"], run: ipv6 },
    Check { id: "refused", needs: &["client"], run: refused },
    Check { id: "starts", needs: &[], run: starts },
    Check { id: "server", needs: &["starts"], run: server },
    Check { id: "any-port", needs: &["starts"], run: any_port },
    Check { id: "called-address", needs: &["server"], run: called_address },
    Check { id: "gone-client", needs: &["server"], run: gone_client },
    Check { id: "both-ends", needs: &[], run: both_ends },
    Check { id: "another-part", needs: &["both-ends"], run: another_part },
    Check { id: "one-end-twice", needs: &["both-ends"], run: one_end_twice },
];

// The client.

fn client(bench: &mut Bench) -> Result<(), Finding> {
    // Any address of 127.… will do. Then the two sides differ in the address, too.
    let last = bench.random.u8(2..255);
    let address = IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
    call_us_at(bench, address).map(drop)
}

fn ipv6(bench: &mut Bench) -> Result<(), Finding> {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return Err(Finding::cannot_judge("this machine has no IPv6"));
    }
    call_us_at(bench, IpAddr::from(Ipv6Addr::LOCALHOST)).map_err(|finding| {
        // What is left of `[::1]:40000` when it is cut at its first colon.
        let cut = finding.saw.iter().any(|line| line.contains("TCP [ "));
        if cut { finding.diagnosis("cut-at-colon") } else { finding }
    })
}

/// Listens, has the program's client connect, and compares what it prints with what we see.
fn call_us_at(bench: &mut Bench, address: IpAddr) -> Result<(), Finding> {
    let ours = |error| Finding::cannot_judge(format!("the check cannot listen: {error}"));
    let door = TcpListener::bind((address, 0)).map_err(ours)?;
    door.set_nonblocking(true).map_err(ours)?;
    let server = door.local_addr().map_err(ours)?;
    bench.story.tell(format!("listened on {server}"));
    let printed = bench.answer(&["client", &server.to_string()])?;

    // The program has ended, so all its connections wait at our door.
    let mut callers = Vec::new();
    while let Ok((_, caller)) = door.accept() {
        callers.push(caller);
    }
    match callers[..] {
        [] => Err(Finding::new("your client did not connect")
            .saw(format!("no connection at {server}"))
            .wanted("one connection")),
        [caller] => compare(&printed, caller, server),
        _ => Err(Finding::new("your client connected more than once")
            .saw(format!("{} connections at {server}", callers.len()))
            .wanted("one connection, whose two sides are printed")),
    }
}

fn refused(bench: &mut Bench) -> Result<(), Finding> {
    let nobody = bench.free_port().to_string();
    let (printed, status) = bench.run(&["client", &nobody])?;
    if status.code() == Some(1) {
        return Ok(());
    }
    let finding = Finding::new(format!("nobody listens on {nobody}"))
        .saw(format!("it ended with {}", ended(status)))
        .wanted("it ends with status 1");
    let panicked = printed.iter().any(|line| line.contains("panicked at"));
    Err(if panicked { finding.diagnosis("panics") } else { finding })
}

// The server.

fn starts(bench: &mut Bench) -> Result<(), Finding> {
    bench.start_server(&["server"]).map(drop)
}

fn server(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&["server"])?;
    let ann = bench.connect("ann", server)?;
    compare_accepted(bench, student, server, ann.address())
}

fn any_port(bench: &mut Bench) -> Result<(), Finding> {
    let student = bench.start(&["server", "--listen", "127.0.0.1:0"])?;
    let wanted = "the line `listening on 127.0.0.1:PORT`, with the real port";
    let start = "listening on 127.0.0.1:";
    let line = bench.await_line(student, wanted, |line| line.starts_with(start))?;
    let said = line.strip_prefix(start).and_then(|port| port.parse::<u16>().ok());
    let listens =
        |port: u16| sockets::listens(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if said.is_some_and(listens) {
        return Ok(());
    }
    let finding = Finding::new("this is not where your server listens")
        .saw(format!("`{line}`"))
        .wanted(wanted);
    Err(if said == Some(0) { finding.diagnosis("asked-port") } else { finding })
}

fn called_address(bench: &mut Bench) -> Result<(), Finding> {
    let port = bench.free_port().port();
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let student = bench.start(&["server", "--listen", &everywhere.to_string()])?;
    bench.await_listening(student, everywhere)?;
    let last = bench.random.u8(2..255);
    let called = SocketAddr::from(([127, 0, 0, last], port));
    bench.story.tell(format!("ann will call {called}"));
    let ann = bench.connect("ann", called)?;
    compare_accepted(bench, student, called, ann.address()).map_err(|finding| {
        let everywhere = finding.saw.iter().any(|line| line.contains(" 0.0.0.0 "));
        if everywhere { finding.diagnosis("wrong-socket") } else { finding }
    })
}

fn gone_client(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&["server"])?;
    // While it is stopped, it cannot look at its client.
    bench.signal(student, Signal::SIGSTOP);
    let ann = bench.connect("ann", server)?;
    let client = ann.address();
    ann.reset();
    await_reset(bench, server, client);
    bench.signal(student, Signal::SIGCONT);
    compare_accepted(bench, student, server, client).map_err(|finding| {
        let late = bench.printed(student).iter().any(|line| {
            line.contains("NotConnected") || line.to_lowercase().contains("not connected")
        });
        if late { finding.diagnosis("asks-too-late") } else { finding }
    })
}

/// Waits until the server's end of a connection knows that it was reset.
fn await_reset(bench: &Bench, server: SocketAddr, client: Option<SocketAddr>) {
    let deadline = Instant::now() + bench.patience;
    let is_open = || client.is_some_and(|client| sockets::find(server, client).is_some());
    while is_open() && Instant::now() < deadline {
        thread::yield_now();
    }
}

/// The server has to end, and to have printed the parts of the accepted end behind its first line.
fn compare_accepted(
    bench: &mut Bench,
    student: Student,
    server: SocketAddr,
    client: Option<SocketAddr>,
) -> Result<(), Finding> {
    let Some(client) = client else {
        return Err(Finding::cannot_judge("the client does not know its own address"));
    };
    let status = bench.await_end(student, bench.patience)?;
    let printed = bench.printed(student);
    if !status.success() {
        return Err(Finding::new("your server ended as if something had gone wrong")
            .saw(format!("it ended with {}", ended(status)))
            .wanted(format!("`{}`, and status 0", line(server, client))));
    }
    compare(printed.get(1..).unwrap_or_default(), server, client)
}

// Both.

/// The five parts, as they are to be printed.
fn line(local: SocketAddr, remote: SocketAddr) -> String {
    format!("TCP {} {} {} {}", local.ip(), local.port(), remote.ip(), remote.port())
}

/// The only line has to be that of the end whose own side is `local`.
fn compare(
    printed: &[String],
    local: SocketAddr,
    remote: SocketAddr,
) -> Result<(), Finding> {
    let wanted = line(local, remote);
    if printed == [wanted.as_str()] {
        return Ok(());
    }
    let summary = match printed {
        [] => "the five parts are not printed",
        [_] => "these are not the five parts of this end",
        _ => "more than one line is printed",
    };
    let mut finding = Finding::new(summary).wanted(format!("`{wanted}`"));
    finding.saw = printed.iter().take(8).map(|line| format!("`{line}`")).collect();
    let swapped = printed == [line(remote, local)];
    Err(if swapped { finding.diagnosis("sides-swapped") } else { finding })
}

// The comparison.

/// The five parts of an end, as words.
type Parts = [String; 5];

/// What the parts are called, in their order.
const NAMES: [&str; 5] = [
    "the protocol",
    "the local address",
    "the local port",
    "the remote address",
    "the remote port",
];

fn both_ends(bench: &mut Bench) -> Result<(), Finding> {
    let client = some_end(bench);
    let server = mirrored(&client);
    if same(bench, &client, &server)? && same(bench, &server, &client)? {
        return Ok(());
    }
    // The same end twice tells more about the mistake.
    let twice = same(bench, &client, &client).unwrap_or(false);
    let finding = Finding::new("these are the two ends of one connection")
        .saw("`no`")
        .wanted("`yes`");
    Err(if twice { finding.diagnosis("not-mirrored") } else { finding })
}

fn another_part(bench: &mut Bench) -> Result<(), Finding> {
    let client = some_end(bench);
    let mut ignored = Vec::new();
    for number in 0..NAMES.len() {
        let mut server = mirrored(&client);
        server[number] = another(bench, &client, number);
        if same(bench, &client, &server)? {
            ignored.push(number);
        }
    }
    if ignored.is_empty() {
        return Ok(());
    }
    let mut finding = Finding::new("these are not the two ends of one connection")
        .wanted("`no` each time");
    for &number in &ignored {
        let name = NAMES[number];
        finding = finding.saw(format!("`yes`, although {name} of the second is another"));
    }
    Err(match ignored[..] {
        [0] => finding.diagnosis("protocol-ignored"),
        [1, 3] => finding.diagnosis("ports-only"),
        [1, 2] | [3, 4] => finding.diagnosis("one-side-only"),
        _ => finding,
    })
}

fn one_end_twice(bench: &mut Bench) -> Result<(), Finding> {
    let end = some_end(bench);
    if !same(bench, &end, &end)? {
        return Ok(());
    }
    Err(Finding::new("this is one end, and not two")
        .saw("`yes`")
        .wanted("`no`")
        .diagnosis("order-ignored"))
}

/// Asks the program whether two ends belong together.
fn same(bench: &mut Bench, one: &Parts, other: &Parts) -> Result<bool, Finding> {
    let printed = bench.answer(&["same", &one.join(" "), &other.join(" ")])?;
    let words: Vec<&str> = printed.iter().map(String::as_str).collect();
    match words[..] {
        ["yes"] => Ok(true),
        ["no"] => Ok(false),
        _ => Err(Finding::new("the answer is neither yes nor no")
            .saw(format!("{} lines", words.len()))
            .wanted("one line, `yes` or `no`")),
    }
}

/// An end of a connection in which all four numbers differ. Half of them are of IPv6.
fn some_end(bench: &mut Bench) -> Parts {
    let low = bench.random.u8(1..120);
    let high = bench.random.u8(120..255);
    let prefix = *bench.random.choice(&["192.0.2.", "2001:db8::"][..]).unwrap_or(&"::");
    let ephemeral = bench.random.u16(32768..60999);
    let well_known = bench.random.u16(1..1024);
    [
        "TCP".to_owned(),
        format!("{prefix}{low}"),
        ephemeral.to_string(),
        format!("{prefix}{high}"),
        well_known.to_string(),
    ]
}

/// The other end of the same connection.
fn mirrored([protocol, local, local_port, remote, remote_port]: &Parts) -> Parts {
    [protocol, remote, remote_port, local, local_port].map(String::clone)
}

/// Something that no part of this end is.
fn another(bench: &mut Bench, end: &Parts, number: usize) -> String {
    let prefix = if end[1].contains(':') { "2001:db8:1::" } else { "198.51.100." };
    match number {
        0 => "UDP".to_owned(),
        1 | 3 => format!("{prefix}{}", bench.random.u8(1..255)),
        _ => bench.random.u16(2000..30000).to_string(),
    }
}
