//! What happens to the hello programs when the command line, the peer or the system lets them down.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use socket2::SockRef;
use transcript::program::{PATIENCE, Session, unused_address};

/// All that is tried here.
pub const TESTS: &[transcript::Test] = transcript::tests![
    usage_errors_end_with_2,
    help_names_every_program,
    a_taken_port_is_said,
    a_client_without_a_server_is_refused,
    both_ends_name_the_same_two_addresses,
    a_client_that_reads_once_is_greeted,
    a_server_that_reads_once_is_understood,
    a_greeting_in_pieces_is_put_together,
    a_server_without_a_word_is_reported,
    a_server_that_resets_is_reported,
    a_server_that_never_ends_does_not_fill_the_memory,
    a_client_that_says_nothing_but_its_end_is_greeted,
    a_client_that_half_closes_and_waits_is_greeted,
    one_byte_at_a_time_does_not_lose_the_greeting,
    sixty_four_mebibytes_do_not_lose_the_greeting,
    what_is_printed_is_escaped,
    a_client_that_leaves_at_once_harms_nobody,
    a_reset_is_one_line_on_stderr,
    the_second_client_waits_for_the_first,
    a_full_descriptor_table_is_said_once_and_waited_for,
    a_closed_stdout_is_no_reason_to_stop_serving,
    a_client_whose_stdout_is_full_does_not_panic,
    the_server_dies_of_ctrl_c_and_of_sigterm,
    one_step_at_a_time,
    the_broken_server_closes_at_once,
    ready_in_milliseconds,
    many_clients_at_the_same_time_are_all_greeted,
];

const PORT_0: [&str; 3] = ["server", "--listen", "127.0.0.1:0"];
const CLIENT_GREETING: &str = "Hello from the client!";
const SERVER_GREETING: &str = "Hello from the server!";

/// A server on a port of its own.
fn server() -> (Session, SocketAddr) {
    let mut server = Session::start(cargo_bin!("hello"), &PORT_0);
    let address = server.listening();
    (server, address)
}

/// A connection that does not wait for ever.
fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything until the server's end.
fn receive_all(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The server is still there for the next client.
fn still_serves(address: SocketAddr) {
    hello(&["client", &address.to_string()])
        .success()
        .stdout(predicate::str::ends_with(format!(
            "received 22 bytes: {SERVER_GREETING}\n"
        )))
        .stderr("");
}

/// A listening socket, and our client on its way to it.
fn client() -> (TcpListener, Session) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut client = Session::start(cargo_bin!("hello"), &["client", &address]);
    assert!(client.line().starts_with("connected: local 127.0.0.1:"));
    (listener, client)
}

/// One run of the program that ends by itself.
fn hello(arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(cargo_bin!("hello"))
        .args(arguments)
        .timeout(PATIENCE)
        .assert()
}

fn usage_errors_end_with_2() {
    hello(&[]).code(2).stdout("").stderr(predicate::str::contains("Usage"));
    hello(&["server", "--listen"]).code(2).stdout("");
    hello(&["server", "--listen", "nonsense"]).code(2).stdout("").stderr(
        "error: listen on nonsense: invalid socket address\n\
         hint: an address is HOST:PORT, for example 127.0.0.1:8080\n",
    );
    hello(&["client", "127.0.0.1"]).code(2).stdout("");
    hello(&["client", "127.0.0.1:http"]).code(2).stdout("");
    hello(&["steps", "--listen", "nonsense"]).code(2).stdout("");
}

fn help_names_every_program() {
    let programs = ["server", "client", "steps", "broken-server"];
    let mut help = hello(&["--help"]).success();
    for program in programs {
        help = help.stdout(predicate::str::contains(program));
        hello(&[program, "--help"]).success();
    }
}

fn a_taken_port_is_said() {
    let (_server, address) = server();
    for (program, tried) in
        [("server", "listen on"), ("broken-server", "listen on"), ("steps", "bind to")]
    {
        hello(&[program, "--listen", &address.to_string()]).code(1).stderr(
            predicate::str::contains(format!("error: {tried} {address}: "))
                .and(predicate::str::contains("hint: another program has this port")),
        );
    }
}

fn a_client_without_a_server_is_refused() {
    let (_bound, address) = unused_address();
    hello(&["client", &address.to_string()]).code(1).stdout("").stderr(
        predicate::str::starts_with(format!("error: connect to {address}: "))
            .and(predicate::str::contains("hint: nobody listens there")),
    );
}

fn both_ends_name_the_same_two_addresses() {
    let (mut server, address) = server();
    let mut client =
        Session::start(cargo_bin!("hello"), &["client", &address.to_string()]);
    let line = client.line();
    let local = line
        .strip_prefix("connected: local ")
        .and_then(|line| line.strip_suffix(&format!(", peer {address}")))
        .unwrap_or_else(|| panic!("{line}"));
    server.expect(&format!("connected: local {address}, peer {local}"));
    server.expect(&format!("received 22 bytes: {CLIENT_GREETING}"));
    server.expect(&format!("closed: {local}"));
}

/// Sends without a newline, reads once, closes: so do the clients of many Python tutorials.
fn a_client_that_reads_once_is_greeted() {
    let (mut server, address) = server();
    let mut stream = connect(address);
    stream.write_all(CLIENT_GREETING.as_bytes()).unwrap();
    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer).unwrap();
    assert_eq!(&buffer[..n], SERVER_GREETING.as_bytes());
    drop(stream);
    assert!(server.line().starts_with("connected: "));
    server.expect(&format!("received 22 bytes: {CLIENT_GREETING}"));
    assert!(server.line().starts_with("closed: "));
    still_serves(address);
}

/// Reads once, answers, closes: so do the servers of many Python tutorials.
fn a_server_that_reads_once_is_understood() {
    let (listener, mut client) = client();
    let (mut stream, _) = listener.accept().unwrap();
    let mut buffer = [0; 1024];
    let n = stream.read(&mut buffer).unwrap();
    assert_eq!(&buffer[..n], CLIENT_GREETING.as_bytes());
    stream.write_all(SERVER_GREETING.as_bytes()).unwrap();
    drop(stream);
    client.expect("received 22 bytes: Hello from the server!");
    assert!(client.end().1.success());
}

fn a_greeting_in_pieces_is_put_together() {
    let (listener, mut client) = client();
    let (mut stream, _) = listener.accept().unwrap();
    for byte in SERVER_GREETING.bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    stream.read_exact(&mut [0; 22]).unwrap();
    drop(stream);
    client.expect("received 22 bytes: Hello from the server!");
    assert!(client.end().1.success());
}

fn a_server_without_a_word_is_reported() {
    let (listener, mut client) = client();
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 22]).unwrap();
    drop(stream);
    client.expect("error: receive: the server closed the connection without a word");
    assert_eq!(client.end().1.code(), Some(1));
}

fn a_server_that_resets_is_reported() {
    let (listener, mut client) = client();
    let (stream, _) = listener.accept().unwrap();
    // The client's greeting is unread: closing now resets the connection.
    stream.peek(&mut [0]).unwrap();
    drop(stream);
    assert!(client.line().starts_with("error: receive: "));
    assert_eq!(client.end().1.code(), Some(1));
}

fn a_server_that_never_ends_does_not_fill_the_memory() {
    let (listener, mut client) = client();
    let (mut stream, _) = listener.accept().unwrap();
    let block = [b'x'; 16 * 1024];
    while stream.write_all(&block).is_ok() {} // Until the client has had enough and closes.
    assert!(client.line().starts_with("received 65536 bytes: xxxx"));
    assert!(client.end().1.success());
}

fn a_client_that_says_nothing_but_its_end_is_greeted() {
    let (mut server, address) = server();
    let mut stream = connect(address);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive_all(&mut stream), SERVER_GREETING);
    drop(stream);
    assert!(server.line().starts_with("connected: "));
    server.expect("received 0 bytes: ");
    still_serves(address);
}

fn a_client_that_half_closes_and_waits_is_greeted() {
    let (_server, address) = server();
    let mut stream = connect(address);
    stream.write_all(b"hi").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(receive_all(&mut stream), SERVER_GREETING);
    still_serves(address);
}

fn one_byte_at_a_time_does_not_lose_the_greeting() {
    let (_server, address) = server();
    let mut stream = connect(address);
    stream.set_nodelay(true).unwrap();
    for byte in CLIENT_GREETING.bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(receive_all(&mut stream), SERVER_GREETING);
    drop(stream);
    still_serves(address);
}

fn sixty_four_mebibytes_do_not_lose_the_greeting() {
    let (mut server, address) = server();
    let mut stream = connect(address);
    let block = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        stream.write_all(&block).unwrap();
    }
    assert_eq!(receive_all(&mut stream), SERVER_GREETING);
    drop(stream);
    assert!(server.line().starts_with("connected: "));
    assert!(server.line().starts_with("received "));
    assert!(server.line().starts_with("closed: "));
    still_serves(address);
}

fn what_is_printed_is_escaped() {
    let (mut server, address) = server();
    let mut stream = connect(address);
    stream.write_all(b"\x1b[31m\xc3\r\n").unwrap();
    assert_eq!(receive_all(&mut stream), SERVER_GREETING);
    assert!(server.line().starts_with("connected: "));
    server.expect(r"received 8 bytes: \u{1b}[31m\xc3\r\n");
}

fn a_client_that_leaves_at_once_harms_nobody() {
    let (mut server, address) = server();
    drop(connect(address));
    assert!(server.line().starts_with("connected: "));
    server.expect("received 0 bytes: ");
    // The greeting was for nobody; whether the server notices is up to chance.
    still_serves(address);
}

fn a_reset_is_one_line_on_stderr() {
    let (mut server, address) = server();
    let stream = connect(address);
    let peer = stream.local_addr().unwrap();
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    server.expect(&format!("connected: local {address}, peer {peer}"));
    assert!(server.line().starts_with(&format!("error: greet {peer}: ")));
    still_serves(address);
    assert!(server.line().starts_with("connected: "), "only one line");
}

fn the_second_client_waits_for_the_first() {
    let (mut server, address) = server();
    let silent = connect(address);
    assert!(server.line().starts_with("connected: "));
    let mut second = connect(address);
    second.write_all(b"hello?").unwrap();
    second.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(second.read(&mut [0; 100]).is_err(), "nothing comes yet");
    drop(silent);
    second.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(receive_all(&mut second), SERVER_GREETING);
}

fn a_full_descriptor_table_is_said_once_and_waited_for() {
    let program = cargo_bin!("hello").display();
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &format!(
            // 3 and 4: what an editor hands down to its terminal would take the places.
            "exec 3>&- 4>&-; ulimit -Sn 4; exec {program} server --listen 127.0.0.1:0"
        ),
    ]);
    let mut server = Session::start_command(command);
    let address = server.listening();
    let mut stream = connect(address);
    assert!(server.line().starts_with("error: accept: Too many open files"));
    // The waiting client is served as soon as there is room.
    raise_descriptor_limit(server.id());
    stream.write_all(b"still here").unwrap();
    assert_eq!(receive_all(&mut stream), SERVER_GREETING);
    let line = server.line();
    assert!(line.starts_with("connected: "), "said again: {line}");
}

/// Lets a running process open more files (prlimit is part of util-linux).
fn raise_descriptor_limit(process: u32) {
    let status = Command::new("prlimit")
        .args(["--pid", &process.to_string(), "--nofile=64:"])
        .status()
        .expect("prlimit can be started");
    assert!(status.success());
}

fn a_closed_stdout_is_no_reason_to_stop_serving() {
    let mut command = Command::new(cargo_bin!("hello"));
    command.args(PORT_0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut first_line = String::new();
    {
        use std::io::BufRead;
        let mut stdout = std::io::BufReader::new(server.stdout.take().unwrap());
        stdout.read_line(&mut first_line).unwrap();
    } // Here the reading end of the pipe is closed, as `head -1` does.
    let address = first_line.trim_end().strip_prefix("listening on ").unwrap();
    still_serves(address.parse().unwrap());
    still_serves(address.parse().unwrap());
    server.kill().unwrap();
    let output = server.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

fn a_client_whose_stdout_is_full_does_not_panic() {
    let (_server, address) = server();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(cargo_bin!("hello"))
        .args(["client", &address.to_string()])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

fn the_server_dies_of_ctrl_c_and_of_sigterm() {
    use std::os::unix::process::ExitStatusExt;
    use transcript::program::Signal;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (server, _) = server();
        server.signal(signal);
        let (_, status) = server.end();
        assert_eq!(status.signal(), Some(signal as i32));
    }
}

/// Bound is not listening; and listening is enough for a connection.
fn one_step_at_a_time() {
    let mut server =
        Session::start(cargo_bin!("hello"), &["steps", "--listen", "127.0.0.1:0"]);
    server.expect("socket: made, it has no address yet (Enter: bind)");
    server.type_line("");
    let line = server.line();
    let address: SocketAddr = line
        .strip_prefix("bind: its address is ")
        .and_then(|line| line.strip_suffix(" (Enter: listen)")?.parse().ok())
        .unwrap_or_else(|| panic!("{line}"));
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    server.type_line("");
    server.expect("listen: connections can come (Enter: accept)");
    let mut stream = connect(address);
    let peer = stream.local_addr().unwrap();
    stream.write_all(b"early").unwrap();
    server.type_line("");
    server.expect(&format!("accept: a new socket, for {peer} alone (Enter: greet)"));
    server.close_input(); // Nothing is waited for any more.
    server.expect(&format!("connected: local {address}, peer {peer}"));
    server.expect("received 5 bytes: early");
    assert_eq!(receive_all(&mut stream), SERVER_GREETING);
    drop(stream);
    let (lines, status) = server.end();
    assert_eq!(lines, [format!("closed: {peer}")]);
    assert!(status.success());
}

fn the_broken_server_closes_at_once() {
    let mut server = Session::start(
        cargo_bin!("hello"),
        &["broken-server", "--listen", "127.0.0.1:0"],
    );
    let address = server.listening();
    for _ in 0..2 {
        let mut stream = connect(address);
        assert_eq!(stream.read(&mut [0; 100]).unwrap(), 0);
        server.expect("accepted a client");
    }
    hello(&["client", &address.to_string()])
        .code(1)
        .stderr(predicate::str::starts_with("error: receive: "));
}

fn ready_in_milliseconds() {
    let started = Instant::now();
    let (_server, _) = server();
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
}

fn many_clients_at_the_same_time_are_all_greeted() {
    let (_server, address) = server();
    let clients: Vec<_> =
        (0..20).map(|_| thread::spawn(move || still_serves(address))).collect();
    for client in clients {
        client.join().unwrap();
    }
}
