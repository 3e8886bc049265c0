//! What happens to the echo programs when the command line, the peer or the system lets them down.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use transcript::program::{PATIENCE, Session, unused_address};

/// All that is tried here.
pub const TESTS: &[transcript::Test] = transcript::tests![
    usage_errors_end_with_2,
    help_names_every_program,
    a_taken_port_is_said,
    a_client_without_a_server_is_refused,
    any_bytes_come_back_as_they_were,
    upper_changes_letters_and_nothing_else,
    one_byte_at_a_time_and_half_a_character_are_answered,
    what_is_printed_is_escaped,
    sixty_four_mebibytes_to_a_client_that_reads_later,
    a_reset_is_one_line_on_stderr,
    a_client_that_leaves_at_once_has_sent_0_bytes,
    a_full_descriptor_table_is_said_once_and_waited_for,
    a_closed_stdout_is_no_reason_to_stop_serving,
    a_client_whose_stdout_is_closed_or_full_says_so,
    a_server_that_stops_in_the_middle_is_reported,
    a_long_typed_line_comes_back_in_pieces,
    ready_in_milliseconds,
];

const PORT_0: [&str; 3] = ["server", "--listen", "127.0.0.1:0"];

/// A quiet server on a port of its own.
fn server(options: &[&str]) -> (Session, SocketAddr) {
    let mut server = Session::start(cargo_bin!("echo"), &[&PORT_0, options].concat());
    let address = server.listening();
    (server, address)
}

/// A connection that does not wait for ever.
fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// One run of the program that ends by itself.
fn echo(arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(cargo_bin!("echo"))
        .args(arguments)
        .timeout(PATIENCE)
        .assert()
}

fn usage_errors_end_with_2() {
    echo(&[]).code(2).stdout("").stderr(predicate::str::contains("Usage"));
    echo(&["server", "--listen"]).code(2).stdout("");
    echo(&["server", "--listen", "nonsense"]).code(2).stdout("").stderr(
        "error: listen on nonsense: invalid socket address\n\
         hint: an address is HOST:PORT, for example 127.0.0.1:8000\n",
    );
    echo(&["client", "127.0.0.1"]).code(2).stdout("");
    echo(&["client", "127.0.0.1:http"]).code(2).stdout("");
}

fn help_names_every_program() {
    let programs = ["server", "client", "broken-server", "broken-client"];
    let mut help = echo(&["--help"]).success();
    for program in programs {
        help = help.stdout(predicate::str::contains(program));
        echo(&[program, "--help"]).success();
    }
}

fn a_taken_port_is_said() {
    let (_server, address) = server(&[]);
    echo(&["server", "--listen", &address.to_string()]).code(1).stdout("").stderr(
        predicate::str::starts_with(format!("error: listen on {address}: "))
            .and(predicate::str::contains("hint: another program has this port")),
    );
}

fn a_client_without_a_server_is_refused() {
    let (_bound, unused) = unused_address();
    echo(&["client", &unused.to_string()])
        .code(1)
        .stdout("")
        .stderr(predicate::str::starts_with(format!("error: connect to {unused}: ")));
}

fn any_bytes_come_back_as_they_were() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let (server, address) = server(&["--quiet"]);
    let mut stream = connect(address);
    let mut writer = stream.try_clone().unwrap();
    let sent = bytes.clone();
    let writer = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    writer.join().unwrap();
    assert!(answer == bytes);
    let (lines, status) = server.end();
    assert!(lines.last().unwrap().ends_with("after 100000 bytes"), "{lines:?}");
    assert!(status.success());
}

fn upper_changes_letters_and_nothing_else() {
    let (_server, address) = server(&["--upper"]);
    let mut stream = connect(address);
    stream.write_all(b"na\xc3\xafve \x00\xff z").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"NA\xc3\xafVE \x00\xff Z");
}

fn one_byte_at_a_time_and_half_a_character_are_answered() {
    let (server, address) = server(&["--quiet"]);
    let mut stream = connect(address);
    for byte in *b"caf\xc3" {
        stream.write_all(&[byte]).unwrap();
        let mut answer = [0];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [byte]);
    }
    drop(stream);
    let (lines, status) = server.end();
    assert!(lines.last().unwrap().ends_with("after 4 bytes"), "{lines:?}");
    assert!(status.success());
}

fn what_is_printed_is_escaped() {
    let (server, address) = server(&[]);
    let mut stream = connect(address);
    stream.write_all(b"\x1b[31m\xff\r\n").unwrap();
    drop(stream);
    let (lines, _) = server.end();
    assert!(lines[1].ends_with(r": \u{1b}[31m\xff\r\n"), "{lines:?}");
}

fn sixty_four_mebibytes_to_a_client_that_reads_later() {
    const SIZE: usize = 64 << 20;
    let (server, address) = server(&["--quiet"]);
    let mut stream = connect(address);
    let mut writer = stream.try_clone().unwrap();
    let (some_sent, wait_for_some) = std::sync::mpsc::channel();
    let writer = thread::spawn(move || {
        let block = vec![7; 1 << 20];
        for _ in 0..SIZE / block.len() {
            writer.write_all(&block).unwrap();
            let _ = some_sent.send(());
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    // Nothing is read until the first mebibyte has left: by then the answers pile up.
    wait_for_some.recv().unwrap();
    let mut answer = Vec::with_capacity(SIZE);
    stream.read_to_end(&mut answer).unwrap();
    writer.join().unwrap();
    assert!(answer.len() == SIZE && answer.iter().all(|&byte| byte == 7));
    let (_, status) = server.end();
    assert!(status.success());
}

fn a_reset_is_one_line_on_stderr() {
    let (server, address) = server(&["--quiet"]);
    let mut stream = connect(address);
    // Most of the echo of these bytes stays unread: closing now resets the connection.
    stream.write_all(b"never read").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    drop(stream);
    let (lines, status) = server.end();
    assert_eq!(status.code(), Some(1));
    assert!(lines.last().unwrap().starts_with("error: echo to 127.0.0.1:"), "{lines:?}");
}

fn a_client_that_leaves_at_once_has_sent_0_bytes() {
    let (server, address) = server(&[]);
    drop(connect(address));
    let (lines, status) = server.end();
    assert!(lines.last().unwrap().ends_with("after 0 bytes"), "{lines:?}");
    assert!(status.success());
}

fn a_full_descriptor_table_is_said_once_and_waited_for() {
    let program = cargo_bin!("echo").display();
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
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "still here");
    let (lines, status) = server.end();
    assert!(!lines.iter().any(|line| line.contains("accept")), "said again: {lines:?}");
    assert!(status.success());
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
    let mut command = Command::new(cargo_bin!("echo"));
    command.args(PORT_0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut first_line = String::new();
    {
        use std::io::BufRead;
        let mut stdout = std::io::BufReader::new(server.stdout.take().unwrap());
        stdout.read_line(&mut first_line).unwrap();
    } // Here the reading end of the pipe is closed, as `head -1` does.
    let address = first_line.trim_end().strip_prefix("listening on ").unwrap();
    let mut stream = connect(address.parse().unwrap());
    stream.write_all(b"anybody?").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "anybody?");
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

fn a_client_whose_stdout_is_closed_or_full_says_so() {
    let (_server, address) = server(&["--quiet"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(cargo_bin!("echo"))
        .args(["client", &address.to_string(), "hello"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: print: "));
}

fn a_server_that_stops_in_the_middle_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client =
        Session::start(cargo_bin!("echo"), &["client", &address.to_string(), "hello"]);
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 6]).unwrap();
    stream.write_all(b"hel").unwrap();
    drop(stream);
    client.expect("hel");
    client.expect("error: receive: the server closed the connection after 3 of 6 bytes");
    assert_eq!(client.end().1.code(), Some(1));
}

fn a_long_typed_line_comes_back_in_pieces() {
    let (_server, address) = server(&["--quiet"]);
    let line = "x".repeat(40_000);
    assert_cmd::Command::new(cargo_bin!("echo"))
        .args(["client", &address.to_string()])
        .write_stdin(line)
        .timeout(PATIENCE)
        .assert()
        .success()
        .stdout(predicate::str::contains("...\n").count(3));
}

fn ready_in_milliseconds() {
    let started = Instant::now();
    let (_server, _) = server(&[]);
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
}
