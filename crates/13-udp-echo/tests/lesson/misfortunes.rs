//! What happens to the UDP programs when the command line, the peer or the system lets them down.

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use transcript::program::{PATIENCE, Session, Signal};
use transcript::skip;

/// All that is tried here.
pub const TESTS: &[transcript::Test] = transcript::tests![
    usage_errors_end_with_2,
    help_names_every_program,
    the_stranger_leaves_other_machines_alone,
    a_taken_port_is_said,
    any_bytes_come_back_as_they_were,
    upper_changes_letters_and_nothing_else,
    empty_and_maximal_datagrams_are_answered_like_any_other,
    what_is_printed_is_escaped,
    three_messages_sent_at_once_stay_three,
    clients_that_have_gone_are_no_reason_to_stop,
    clients_in_turn_and_at_once_get_their_own_answers,
    a_client_that_cannot_be_answered_is_one_line_on_stderr,
    a_closed_stdout_is_no_reason_to_stop_serving,
    ready_in_milliseconds,
    a_client_without_a_server_is_refused,
    a_server_that_goes_away_is_noticed,
    a_lost_datagram_is_sent_again,
    a_silent_server_is_given_up,
    strangers_are_ignored,
    late_answers_are_dropped,
    a_stopped_client_goes_on_where_it_was,
    typed_lines_travel_without_their_newline,
    a_message_that_is_too_long_is_refused,
    a_client_whose_stdout_is_full_says_so,
    version_6_of_ip_works_too,
    the_seeds_server_talks_to_our_client,
    the_seeds_client_talks_to_our_server,
];

const PORT_0: [&str; 3] = ["server", "--listen", "127.0.0.1:0"];

/// The most bytes that fit into one datagram over IPv4.
const LARGEST: usize = 65_507;

/// A server on a port of its own.
fn server(options: &[&str]) -> (Session, SocketAddr) {
    let mut server = Session::start(cargo_bin!("udp-echo"), &[&PORT_0, options].concat());
    let address = server.listening();
    (server, address)
}

/// A client that sends these messages, or what is typed.
fn client(server: SocketAddr, messages: &[&str]) -> Session {
    let server = server.to_string();
    Session::start(cargo_bin!("udp-echo"), &[&["client", &server], messages].concat())
}

/// A socket that does not wait for ever.
fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// What comes next, and from whom.
fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 70_000];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((n, peer)) => return (buffer[..n].to_vec(), peer),
            // A child of another test has ended. That wakes a receive with a deadline, too.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("nothing came: {error}"),
        }
    }
}

/// Sends one message to a server, and returns its answer.
fn ask(server: SocketAddr, message: &[u8]) -> Vec<u8> {
    let socket = socket();
    socket.send_to(message, server).unwrap();
    let (answer, peer) = receive(&socket);
    assert_eq!(peer, server);
    answer
}

/// An address at which nobody receives. The port is taken, so nobody else can get it; but its
/// owner is connected to itself and hears nobody else.
fn nobody() -> (UdpSocket, SocketAddr) {
    let socket = socket();
    let address = socket.local_addr().unwrap();
    socket.connect(address).unwrap();
    (socket, address)
}

/// One run of the program that ends by itself.
fn udp_echo(arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(cargo_bin!("udp-echo"))
        .args(arguments)
        .timeout(PATIENCE)
        .assert()
}

// The command line.

fn usage_errors_end_with_2() {
    udp_echo(&[]).code(2).stdout("").stderr(predicate::str::contains("Usage"));
    udp_echo(&["server", "--listen"]).code(2).stdout("");
    udp_echo(&["server", "--listen", "nonsense"]).code(2).stdout("").stderr(
        "error: listen on nonsense: invalid socket address\n\
         hint: an address is HOST:PORT, for example 127.0.0.1:7777\n",
    );
    udp_echo(&["client", "127.0.0.1"]).code(2).stdout("");
    udp_echo(&["client", "--wait", "0"]).code(2).stdout("");
    udp_echo(&["client", "127.0.0.1:http"]).code(2).stdout("");
    udp_echo(&["lossy-server", "many"]).code(2).stdout("");
    udp_echo(&["broken-server", "unknown"]).code(2).stdout("");
}

fn help_names_every_program() {
    let programs = [
        "server",
        "client",
        "boundaries",
        "lossy-server",
        "stranger",
        "broken-server",
        "broken-client",
    ];
    let mut help = udp_echo(&["--help"]).success();
    for program in programs {
        help = help.stdout(predicate::str::contains(program));
        udp_echo(&[program, "--help"]).success();
    }
}

fn the_stranger_leaves_other_machines_alone() {
    for address in ["192.0.2.1:7777", "0.0.0.0:7777", "[2001:db8::1]:7777", "nonsense"] {
        udp_echo(&["stranger", address])
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains(address));
    }
    let victim = socket();
    let address = victim.local_addr().unwrap().to_string();
    udp_echo(&["stranger", &address, "boo"]).success();
    assert_eq!(receive(&victim).0, b"boo");
}

// The server.

fn a_taken_port_is_said() {
    let (_server, address) = server(&[]);
    udp_echo(&["server", "--listen", &address.to_string()]).code(1).stdout("").stderr(
        predicate::str::starts_with(format!("error: listen on {address}: "))
            .and(predicate::str::contains("hint: another program has this port")),
    );
}

fn any_bytes_come_back_as_they_were() {
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let (_server, address) = server(&["--quiet"]);
    assert!(ask(address, &bytes) == bytes);
}

fn upper_changes_letters_and_nothing_else() {
    let (_server, address) = server(&["--upper"]);
    assert_eq!(ask(address, b"na\xc3\xafve \x00\xff z"), b"NA\xc3\xafVE \x00\xff Z");
}

fn empty_and_maximal_datagrams_are_answered_like_any_other() {
    let (mut server, address) = server(&[]);
    let socket = socket();
    let largest = vec![b'x'; LARGEST];
    for message in [b"".as_slice(), &largest, b"after"] {
        socket.send_to(message, address).unwrap();
        assert!(receive(&socket).0 == message);
    }
    let client = socket.local_addr().unwrap();
    server.expect(&format!("received 0 bytes from {client}"));
    assert!(
        server.line().starts_with(&format!("received {LARGEST} bytes from {client}:"))
    );
    server.expect(&format!("received 5 bytes from {client}: after"));
}

fn what_is_printed_is_escaped() {
    let (mut server, address) = server(&[]);
    ask(address, b"\x1b[31m\xff\r\n");
    assert!(server.line().ends_with(r": \u{1b}[31m\xff\r\n"));
}

fn three_messages_sent_at_once_stay_three() {
    let (_server, address) = server(&["--quiet"]);
    let socket = socket();
    let messages = [b"one".as_slice(), b"two", b"three"];
    for message in messages {
        socket.send_to(message, address).unwrap();
    }
    for message in messages {
        assert_eq!(receive(&socket), (message.to_vec(), address));
    }
}

fn clients_that_have_gone_are_no_reason_to_stop() {
    let (server, address) = server(&["--quiet"]);
    for _ in 0..20 {
        // The answer finds nobody, and the system is told so.
        socket().send_to(b"I do not wait", address).unwrap();
    }
    assert_eq!(ask(address, b"I do"), b"I do");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().0, Vec::<String>::new());
}

fn clients_in_turn_and_at_once_get_their_own_answers() {
    let (_server, address) = server(&["--quiet"]);
    let clients: Vec<_> = (0..10)
        .map(|client| {
            thread::spawn(move || {
                let socket = socket();
                for round in 0..20 {
                    let message = format!("client {client}, round {round}");
                    socket.send_to(message.as_bytes(), address).unwrap();
                    assert_eq!(receive(&socket).0, message.as_bytes());
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

fn a_client_that_cannot_be_answered_is_one_line_on_stderr() {
    // A datagram whose sender claims port 0 has no way back. To make one we need a raw socket, and
    // so a namespace of our own: this very test is started once more, in one.
    const INSIDE: &str = "INSIDE_A_NAMESPACE";
    if std::env::var_os(INSIDE).is_some() {
        return port_0_cannot_be_answered();
    }
    let test = thread::current().name().unwrap_or_default().to_owned();
    let output = Command::new("unshare")
        .args(["-Urn", "sh", "-c", "ip link set lo up && exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(INSIDE, "yes")
        .output();
    match output {
        Ok(output)
            if String::from_utf8_lossy(&output.stdout).contains("running 1 test") =>
        {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stdout)
            );
        }
        other => skip(&format!("no network namespace can be made here: {other:?}")),
    }
}

fn port_0_cannot_be_answered() {
    use socket2::{Domain, Protocol, SockAddr, Socket, Type};

    let (mut server, address) = server(&[]);
    // Source port 0, the server's port, length 8 + 2, no checksum.
    let mut datagram = vec![0, 0, 0, 0, 0, 10, 0, 0, b'h', b'i'];
    datagram[2..4].copy_from_slice(&address.port().to_be_bytes());
    let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP)).unwrap();
    raw.send_to(&datagram, &SockAddr::from(address)).unwrap();

    server.expect("received 2 bytes from 127.0.0.1:0: hi");
    assert!(server.line().starts_with("error: answer 127.0.0.1:0: "));
    assert_eq!(ask(address, b"and the others?"), b"and the others?");
}

fn a_closed_stdout_is_no_reason_to_stop_serving() {
    let mut command = Command::new(cargo_bin!("udp-echo"));
    command.args(PORT_0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut first_line = String::new();
    {
        use std::io::BufRead;
        let mut stdout = std::io::BufReader::new(server.stdout.take().unwrap());
        stdout.read_line(&mut first_line).unwrap();
    } // Here the reading end of the pipe is closed, as `head -1` does.
    let address = first_line.trim_end().strip_prefix("listening on ").unwrap();
    assert_eq!(ask(address.parse().unwrap(), b"anybody?"), b"anybody?");
    assert_eq!(ask(address.parse().unwrap(), b"still?"), b"still?");
    server.kill().unwrap();
    let mut complaints = String::new();
    server.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    server.wait().unwrap();
    assert_eq!(complaints, "");
}

fn ready_in_milliseconds() {
    let started = Instant::now();
    let (_server, _) = server(&[]);
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
}

// The client.

fn a_client_without_a_server_is_refused() {
    let (_held, address) = nobody();
    udp_echo(&["client", &address.to_string(), "hello"]).code(1).stdout("").stderr(
        predicate::str::starts_with("error: receive: ")
            .and(predicate::str::contains("hint: nobody listens there")),
    );
}

fn a_server_that_goes_away_is_noticed() {
    let server = socket();
    let mut client = client(server.local_addr().unwrap(), &[]);
    client.type_line("hello");
    let (message, peer) = receive(&server);
    server.send_to(&message, peer).unwrap();
    client.expect("hello");
    let address = server.local_addr().unwrap();
    server.connect(address).unwrap(); // From now on it hears nobody else.
    client.type_line("still there?");
    let (lines, status) = client.end();
    assert!(lines[0].starts_with("error: "), "{lines:?}");
    assert_eq!(lines[1], "hint: nobody listens there; start the server first");
    assert_eq!(status.code(), Some(1));
}

fn a_lost_datagram_is_sent_again() {
    let server = socket();
    let mut client = client(server.local_addr().unwrap(), &["hello"]);
    let (lost, first_sender) = receive(&server);
    let (message, second_sender) = receive(&server);
    assert_eq!((&lost[..], first_sender), (&message[..], second_sender));
    server.send_to(&message, second_sender).unwrap();
    client.expect("error: receive: no answer within 1s, sending again (2 of 3)");
    client.expect("hello");
    assert!(client.end().1.success());
}

fn a_silent_server_is_given_up() {
    let server = socket();
    let arguments = ["--wait", "200", "hello", "never sent"];
    let client = client(server.local_addr().unwrap(), &arguments);
    for _ in 0..3 {
        assert_eq!(receive(&server).0, b"hello");
    }
    let (lines, status) = client.end();
    assert_eq!(lines[2], "error: receive: no answer within 200ms, giving up");
    assert!(lines[3].starts_with("hint: nobody answers there"), "{lines:?}");
    assert_eq!(status.code(), Some(1));
    server.set_nonblocking(true).unwrap();
    assert!(server.recv(&mut [0; 100]).is_err(), "sent more than three");
}

fn strangers_are_ignored() {
    let server = socket();
    let mut client = client(server.local_addr().unwrap(), &["who is there?"]);
    let (message, peer) = receive(&server);
    socket().send_to(b"WHO IS THERE?", peer).unwrap();
    server.send_to(&message, peer).unwrap();
    client.expect("who is there?");
    let (lines, status) = client.end();
    assert_eq!(lines, Vec::<String>::new());
    assert!(status.success());
}

fn late_answers_are_dropped() {
    let server = socket();
    let mut client = client(server.local_addr().unwrap(), &["one", "two"]);
    let (one, peer) = receive(&server);
    server.send_to(&one, peer).unwrap();
    server.send_to(&one, peer).unwrap();
    client.expect("one");
    let (two, _) = receive(&server);
    server.send_to(&two, peer).unwrap();
    client.expect("error: receive: no echo of this message, dropped: one");
    client.expect("two");
    assert!(client.end().1.success());
}

fn a_stopped_client_goes_on_where_it_was() {
    let server = socket();
    let mut client = client(server.local_addr().unwrap(), &["hello"]);
    let (message, peer) = receive(&server);
    // Ctrl-Z and `fg`: on Linux this interrupts a receive that has a deadline.
    client.signal(Signal::SIGSTOP);
    wait_for_state(client.id(), 'T');
    client.signal(Signal::SIGCONT);
    wait_for_state(client.id(), 'S');
    server.send_to(&message, peer).unwrap();
    while client.line() != "hello" {} // If that took long, it has sent again and said so.
    assert!(client.end().1.success());
}

/// Waits until a process is stopped (T) or waits for something (S).
fn wait_for_state(process: u32, state: char) {
    let deadline = Instant::now() + PATIENCE;
    let wanted = format!(") {state} ");
    while !fs::read_to_string(format!("/proc/{process}/stat")).unwrap().contains(&wanted)
    {
        assert!(Instant::now() < deadline, "the client is not in state {state}");
        thread::yield_now();
    }
}

fn typed_lines_travel_without_their_newline() {
    let server = socket();
    let mut client = client(server.local_addr().unwrap(), &[]);
    for line in ["hello", "", " the end "] {
        client.type_line(line);
        let (message, peer) = receive(&server);
        assert_eq!(message, line.as_bytes());
        server.send_to(&message, peer).unwrap();
        client.expect(line);
    }
    client.close_input();
    assert!(client.end().1.success());
}

fn a_message_that_is_too_long_is_refused() {
    let (_server, address) = server(&["--quiet"]);
    let typed = |length| {
        assert_cmd::Command::new(cargo_bin!("udp-echo"))
            .args(["client", &address.to_string()])
            .write_stdin("x".repeat(length))
            .timeout(PATIENCE)
            .assert()
    };
    typed(LARGEST).success().stdout(predicate::str::ends_with("x...\n"));
    typed(LARGEST + 1)
        .code(1)
        .stdout("")
        .stderr(predicate::str::starts_with("error: send 65508 bytes in one datagram: "));
    typed(10_000_000)
        .code(1)
        .stderr(predicate::str::starts_with("error: send 65536 bytes in one datagram: "));
}

fn a_client_whose_stdout_is_full_says_so() {
    let (_server, address) = server(&["--quiet"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(cargo_bin!("udp-echo"))
        .args(["client", &address.to_string(), "hello"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: print: "));
}

fn version_6_of_ip_works_too() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return skip("this machine has no IPv6");
    }
    let options = ["server", "--quiet", "--listen", "[::1]:0"];
    let mut server = Session::start(cargo_bin!("udp-echo"), &options);
    let address = server.listening().to_string();
    udp_echo(&["client", &address, "six"]).success().stdout("six\n").stderr("");
}

// The seeds' programs in Python, as they behave.

fn the_seeds_server_talks_to_our_client() {
    // recvfrom(1024), sendto(data.upper(), …)
    let seed = socket();
    let address = seed.local_addr().unwrap();
    let serve = thread::spawn(move || {
        for _ in 0..2 {
            let (message, peer) = receive(&seed);
            seed.send_to(&message.to_ascii_uppercase(), peer).unwrap();
        }
    });
    udp_echo(&["client", &address.to_string(), "hello", "grüße"])
        .success()
        .stdout("HELLO\nGRüßE\n")
        .stderr("");
    serve.join().unwrap();
}

fn the_seeds_client_talks_to_our_server() {
    // sendto(msg.encode(), …) without a newline, from a socket that was never bound; recvfrom(1024)
    let (_server, address) = server(&["--upper"]);
    let seed = UdpSocket::bind("0.0.0.0:0").unwrap();
    seed.set_read_timeout(Some(PATIENCE)).unwrap();
    for (message, answer) in [("hello", "HELLO"), ("", ""), ("bye", "BYE")] {
        seed.send_to(message.as_bytes(), address).unwrap();
        assert_eq!(receive(&seed), (answer.as_bytes().to_vec(), address));
    }
}
