//! What happens to the programs when the command line, the peers or the system let them down.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use transcript::program::{PATIENCE, Session, Signal, unused_address};
use transcript::skip;

/// All that is tried here.
pub const TESTS: &[transcript::Test] = transcript::tests![
    usage_errors_end_with_2,
    clients_that_could_disturb_stay_on_this_machine,
    help_names_every_program,
    a_taken_port_is_said,
    clients_without_a_server_are_refused,
    ready_in_milliseconds,
    any_bytes_come_back_as_they_were,
    upper_changes_letters_and_nothing_else,
    one_byte_at_a_time_and_half_a_character_are_answered,
    what_is_printed_is_escaped,
    a_waiting_client_does_not_hold_up_the_next,
    sixty_four_mebibytes_to_a_client_that_reads_later,
    a_reset_is_one_line_on_stderr_and_nothing_to_the_others,
    a_client_that_leaves_at_once_has_sent_0_bytes,
    no_connection_is_forgotten_in_the_count,
    ten_clients_answer_each_for_itself,
    at_the_limit_the_next_client_waits_until_one_ends,
    more_clients_than_places_are_all_answered,
    a_full_descriptor_table_is_said_once_and_waited_for,
    a_full_descriptor_table_does_not_prevent_the_end,
    a_full_descriptor_table_burns_no_processor,
    a_thread_that_cannot_be_started_costs_its_client_only,
    a_closed_stdout_is_no_reason_to_stop_serving,
    a_client_whose_stdout_is_full_says_so,
    idle_clients_are_held_until_the_end_of_the_input,
    both_signals_end_an_idle_server_at_once,
    a_shell_that_ignores_ctrl_c_does_not_matter,
    idle_clients_do_not_delay_the_end,
    a_full_server_ends_at_once,
    answers_in_flight_are_finished,
    a_client_that_never_reads_delays_the_end_until_the_deadline,
    who_comes_while_the_server_is_stopping_is_not_served,
    a_second_signal_ends_at_once,
    all_addresses_of_the_machine_can_be_listened_on_and_left,
    signals_under_way_with_clients_lose_no_answer,
    our_clients_are_served_by_a_server_that_answers_once,
    a_client_that_asks_once_and_closes_is_served,
    a_server_that_stops_in_the_middle_is_reported,
    a_flag_alone_waits_for_one_more_connection,
    a_thread_that_is_joined_at_once_serves_one_client,
    spawn_panics_where_builder_reports,
];

const PORT_0: [&str; 3] = ["server", "--listen", "127.0.0.1:0"];

/// A server on a port of its own.
fn server(options: &[&str]) -> (Session, SocketAddr) {
    let mut server =
        Session::start(cargo_bin!("multi-threaded"), &[&PORT_0, options].concat());
    let address = server.listening();
    (server, address)
}

/// A server for which a shell has set limits first.
fn limited_server(limits: &str) -> (Session, SocketAddr) {
    let program = cargo_bin!("multi-threaded").display();
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &format!("{limits}; exec {program} server --quiet --listen 127.0.0.1:0"),
    ]);
    let mut server = Session::start_command(command);
    let address = server.listening();
    (server, address)
}

/// A connection that does not wait for ever.
fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a message and wants it back.
fn exchange(stream: &mut TcpStream, message: &[u8]) {
    stream.write_all(message).unwrap();
    let mut answer = vec![0; message.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, message);
}

/// Everything until the server ends the connection.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Leaves without reading what was sent: the connection is reset.
fn reset(mut stream: TcpStream) {
    stream.write_all(b"never read").unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

/// Ends the server with a signal. Returns its last lines, the `served` line not among them, and the
/// number in that line.
fn stop(server: Session, signal: Signal) -> (Vec<String>, u64) {
    server.signal(signal);
    let (mut lines, status) = server.end();
    assert_eq!(status.code(), Some(0), "{status:?}: {lines:?}");
    let last = lines.pop().unwrap_or_default();
    let number =
        last.strip_prefix("served ").and_then(|text| text.strip_suffix(" connections"));
    let served = number.and_then(|number| number.parse().ok());
    (
        lines,
        served.unwrap_or_else(|| panic!("wanted `served N connections`, got `{last}`")),
    )
}

/// The lines that report errors.
fn errors(lines: &[String]) -> Vec<&String> {
    lines.iter().filter(|line| line.starts_with("error")).collect()
}

/// One run of the program that ends by itself.
fn run(arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(cargo_bin!("multi-threaded"))
        .args(arguments)
        .timeout(PATIENCE)
        .assert()
}

// The command line.

fn usage_errors_end_with_2() {
    run(&[]).code(2).stdout("").stderr(predicate::str::contains("Usage"));
    run(&["server", "--listen", "nonsense"]).code(2).stdout("").stderr(
        "error: listen on nonsense: invalid socket address\n\
         hint: an address is HOST:PORT, for example 127.0.0.1:5000\n",
    );
    run(&["server", "--limit", "0"]).code(2).stdout("");
    run(&["server", "--limit", "many"]).code(2).stdout("");
    run(&["server", "--grace", "0"]).code(2).stdout("");
    run(&["client", "127.0.0.1"]).code(2).stdout("");
    run(&["client", "-n", "0"]).code(2).stdout("");
    run(&["client", "-n", "1001"]).code(2).stdout("");
    run(&["client", "nonsense", "-n", "3"]).code(2).stdout("");
    run(&["idle-clients", "-n", "1001"]).code(2).stdout("");
    run(&["broken-server", "no-such-mistake"]).code(2).stdout("");
}

fn clients_that_could_disturb_stay_on_this_machine() {
    for program in ["idle-clients", "broken-client"] {
        run(&[program, "192.0.2.1:5000"])
            .code(2)
            .stderr(predicate::str::contains("loopback addresses only"));
        run(&[program, "localhost:5000"]).code(2);
    }
}

fn help_names_every_program() {
    let programs = ["server", "client", "idle-clients", "broken-server", "broken-client"];
    let mut help = run(&["--help"]).success();
    for program in programs {
        help = help.stdout(predicate::str::contains(program));
        run(&[program, "--help"]).success();
    }
}

fn a_taken_port_is_said() {
    let (_server, address) = server(&[]);
    run(&["server", "--listen", &address.to_string()]).code(1).stdout("").stderr(
        predicate::str::starts_with(format!("error: listen on {address}: "))
            .and(predicate::str::contains("hint: another program has this port")),
    );
}

fn clients_without_a_server_are_refused() {
    let (_bound, unused) = unused_address();
    let unused = unused.to_string();
    let refused = |arguments: &[&str], start: String| {
        run(arguments).code(1).stdout("").stderr(
            predicate::str::starts_with(start)
                .and(predicate::str::contains("hint: nobody listens there"))
                .and(predicate::str::contains("\n").count(2)),
        );
    };
    refused(&["client", &unused], format!("error: connect to {unused}: "));
    refused(
        &["client", &unused, "-n", "3"],
        format!("error: 3 of 3 failed: connect to {unused}: "),
    );
    refused(&["idle-clients", &unused], format!("error: connection 1 to {unused}: "));
    refused(&["broken-client", &unused], format!("error: connect to {unused}: "));
}

fn ready_in_milliseconds() {
    let started = Instant::now();
    let (_server, _) = server(&[]);
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
}

// Peers.

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
    assert!(rest(&mut stream) == bytes);
    writer.join().unwrap();
    let (lines, served) = stop(server, Signal::SIGINT);
    assert!(lines[1].ends_with("after 100000 bytes"), "{lines:?}");
    assert_eq!(served, 1);
}

fn upper_changes_letters_and_nothing_else() {
    let (_server, address) = server(&["--upper"]);
    let mut stream = connect(address);
    stream.write_all(b"na\xc3\xafve \x00\xff z").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), b"NA\xc3\xafVE \x00\xff Z");
}

fn one_byte_at_a_time_and_half_a_character_are_answered() {
    let (_server, address) = server(&["--quiet"]);
    let mut stream = connect(address);
    for byte in *b"caf\xc3" {
        exchange(&mut stream, &[byte]);
    }
}

fn what_is_printed_is_escaped() {
    let (mut server, address) = server(&[]);
    connect(address).write_all(b"\x1b[31m\xff\r\n").unwrap();
    server.line();
    assert!(server.line().ends_with(r": \u{1b}[31m\xff\r\n"));
}

fn a_waiting_client_does_not_hold_up_the_next() {
    let (_server, address) = server(&[]);
    let (mut ann, mut bob) = (connect(address), connect(address));
    exchange(&mut bob, b"bob came second");
    exchange(&mut ann, b"ann came first");
    exchange(&mut bob, b"and bob again");
}

fn sixty_four_mebibytes_to_a_client_that_reads_later() {
    const SIZE: usize = 64 << 20;
    let (_server, address) = server(&["--quiet"]);
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
    exchange(&mut connect(address), b"not held up by it");
    let answer = rest(&mut stream);
    writer.join().unwrap();
    assert!(answer.len() == SIZE && answer.iter().all(|&byte| byte == 7));
}

fn a_reset_is_one_line_on_stderr_and_nothing_to_the_others() {
    let (mut server, address) = server(&["--quiet"]);
    let mut ann = connect(address);
    server.line();
    reset(connect(address));
    server.line();
    assert!(server.line().starts_with("error: echo to 127.0.0.1:"));
    exchange(&mut ann, b"still here");
    let (lines, served) = stop(server, Signal::SIGINT);
    assert_eq!((errors(&lines).len(), served), (0, 2), "{lines:?}");
}

fn a_client_that_leaves_at_once_has_sent_0_bytes() {
    let (mut server, address) = server(&[]);
    drop(connect(address));
    server.line();
    assert!(server.line().ends_with("after 0 bytes"));
}

fn no_connection_is_forgotten_in_the_count() {
    let (server, address) = server(&["--quiet"]);
    run(&["client", &address.to_string(), "-n", "200"])
        .success()
        .stdout(predicate::str::contains("\n").count(200));
    assert_eq!(stop(server, Signal::SIGTERM).1, 200);
}

fn ten_clients_answer_each_for_itself() {
    let (_server, address) = server(&["--upper"]);
    let mut ten = run(&["client", &address.to_string(), "-n", "10"]).success();
    for number in 1..=10 {
        let line = format!("client {number}: HELLO FROM {number}\n");
        ten = ten.stdout(predicate::str::contains(line).count(1));
    }
}

// The limit.

fn at_the_limit_the_next_client_waits_until_one_ends() {
    let (mut server, address) = server(&["--quiet", "--limit", "2"]);
    let (mut ann, bob) = (connect(address), connect(address));
    let mut carol = connect(address);
    carol.write_all(b"anybody?").unwrap();
    for start in ["connected: ", "connected: ", "full: "] {
        let line = server.line();
        assert!(line.starts_with(start), "{line}");
    }
    carol.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let error = carol.read(&mut [0; 8]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    exchange(&mut ann, b"as before");

    reset(bob); // However one ends, its place is free.
    carol.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = [0; 8];
    carol.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"anybody?");
    assert_eq!(stop(server, Signal::SIGINT).1, 3);
}

fn more_clients_than_places_are_all_answered() {
    let (server, address) = server(&["--quiet", "--limit", "1"]);
    run(&["client", &address.to_string(), "-n", "50"])
        .success()
        .stdout(predicate::str::contains("\n").count(50));
    assert_eq!(stop(server, Signal::SIGINT).1, 50);
}

// What the system does not give.

fn a_full_descriptor_table_is_said_once_and_waited_for() {
    // 3 and 4: what an editor hands down to its terminal would take the places.
    let (mut server, address) = limited_server("exec 3>&- 4>&-; ulimit -Sn 5");
    let mut ann = connect(address);
    exchange(&mut ann, b"ann has the last descriptor");
    let mut bob = connect(address);
    server.line();
    assert!(server.line().starts_with("error: accept: Too many open files"));
    exchange(&mut ann, b"no matter to her");
    drop(ann);
    exchange(&mut bob, b"and now bob has it");
    set_limit(&server, "--nofile=64:");
    exchange(&mut connect(address), b"room for all");
    let (lines, served) = stop(server, Signal::SIGINT);
    assert!(errors(&lines).len() <= 1, "said too often: {lines:?}");
    assert_eq!(served, 3);
}

fn a_full_descriptor_table_does_not_prevent_the_end() {
    let (mut server, address) = limited_server("exec 3>&- 4>&-; ulimit -Sn 5");
    let mut stream = connect(address);
    exchange(&mut stream, b"the last descriptor");
    server.line();
    assert!(server.line().starts_with("error: accept: "));
    let (lines, served) = stop(server, Signal::SIGTERM);
    assert_eq!((errors(&lines).len(), served), (0, 1), "{lines:?}");
    assert_eq!(rest(&mut stream), b"");
}

fn a_full_descriptor_table_burns_no_processor() {
    let (mut server, _) = limited_server("exec 3>&- 4>&-; ulimit -Sn 4");
    assert!(server.line().starts_with("error: accept: "));
    thread::sleep(Duration::from_millis(500)); // why: the processor time of just this while is the question
    // Fields 14 and 15 of /proc/PID/stat: hundredths of a second in the program and in the kernel.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let used: u32 =
        fields[11..13].iter().map(|field| field.parse::<u32>().unwrap()).sum();
    assert!(used < 10, "{used} hundredths of a second");
}

fn a_thread_that_cannot_be_started_costs_its_client_only() {
    let (mut server, address) = server(&["--quiet"]);
    let mut ann = connect(address);
    exchange(&mut ann, b"ann has a thread");
    // Half of the 2 MiB that a thread's stack takes.
    set_limit(&server, &format!("--as={}:", (address_space(&server) + 1024) * 1024));
    for _ in 0..3 {
        assert_eq!(rest(&mut connect(address)), b"");
    }
    exchange(&mut ann, b"nothing happened to her");
    set_limit(&server, "--as=unlimited:");
    exchange(&mut connect(address), b"and now there is one for bob");
    server.line();
    for _ in 0..3 {
        assert!(server.line().starts_with("connected: "));
        assert!(server.line().starts_with("error: start a thread for 127.0.0.1:"));
    }
    let (lines, served) = stop(server, Signal::SIGINT);
    assert_eq!((errors(&lines).len(), served), (0, 2), "{lines:?}");
}

/// Changes a limit of a running process (prlimit is part of util-linux).
fn set_limit(server: &Session, limit: &str) {
    let status = Command::new("prlimit")
        .args(["--pid", &server.id().to_string(), limit])
        .status()
        .expect("prlimit can be started");
    assert!(status.success());
}

/// How much of its address space a process has in use, in KiB.
fn address_space(server: &Session) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn a_closed_stdout_is_no_reason_to_stop_serving() {
    let mut command = Command::new(cargo_bin!("multi-threaded"));
    command.args(PORT_0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut first_line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut first_line).unwrap();
    // Now the reading end of the pipe is closed, as `head -1` does.
    let address = first_line.trim_end().strip_prefix("listening on ").unwrap();
    exchange(&mut connect(address.parse().unwrap()), b"anybody?");
    let kill = Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert!(kill.success());
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

fn a_client_whose_stdout_is_full_says_so() {
    let (_server, address) = server(&["--quiet"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(cargo_bin!("multi-threaded"))
        .args(["client", &address.to_string(), "-n", "2"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("error: 2 of 2 failed: print: "), "{said}");
}

fn idle_clients_are_held_until_the_end_of_the_input() {
    let (mut server, address) = server(&[]);
    let mut idle = Session::start(
        cargo_bin!("multi-threaded"),
        &["idle-clients", &address.to_string(), "-n", "5"],
    );
    idle.expect("holding 5 connections until Ctrl-D");
    for _ in 0..5 {
        assert!(server.line().starts_with("connected: "));
    }
    idle.close_input();
    assert!(idle.end().1.success());
    for _ in 0..5 {
        assert!(server.line().ends_with("after 0 bytes"));
    }
}

// The end.

fn both_signals_end_an_idle_server_at_once() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (server, _) = server(&[]);
        let (lines, served) = stop(server, signal);
        assert_eq!((lines, served), (vec!["stopping".to_owned()], 0));
    }
}

fn a_shell_that_ignores_ctrl_c_does_not_matter() {
    let (server, _) = limited_server("trap '' INT");
    stop(server, Signal::SIGINT);
}

fn idle_clients_do_not_delay_the_end() {
    let (server, address) = server(&["--quiet"]);
    let mut clients: Vec<_> = (0..20).map(|_| connect(address)).collect();
    for client in &mut clients {
        exchange(client, b"served, and now idle");
    }
    let (lines, served) = stop(server, Signal::SIGTERM);
    assert_eq!((errors(&lines).len(), served), (0, 20), "{lines:?}");
    for client in &mut clients {
        assert_eq!(rest(client), b"", "the end must be one, not a reset");
    }
}

fn a_full_server_ends_at_once() {
    let (mut server, address) = server(&["--limit", "1"]);
    let mut ann = connect(address);
    exchange(&mut ann, b"hello");
    let _waiting = connect(address);
    while !server.line().starts_with("full: ") {}
    let (lines, served) = stop(server, Signal::SIGINT);
    assert_eq!((errors(&lines).len(), served), (0, 1), "{lines:?}");
}

fn answers_in_flight_are_finished() {
    const SIZE: usize = 32 * 1024; // so little that it has arrived when `write_all` returns
    let (server, address) = server(&["--quiet"]);
    let mut streams: Vec<_> = (0..4).map(|_| connect(address)).collect();
    for stream in &mut streams {
        stream.write_all(&vec![7; SIZE]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    }
    for stream in &mut streams {
        stream.read_exact(&mut [0]).unwrap(); // The server is at work for every one of them.
    }
    server.signal(Signal::SIGINT);
    for stream in &mut streams {
        assert_eq!(rest(stream).len(), SIZE - 1);
    }
    let (lines, status) = server.end();
    assert!(status.success());
    assert_eq!(errors(&lines).len(), 0, "{lines:?}");
    assert_eq!(lines.last().unwrap(), "served 4 connections");
}

/// A client of which the server waits, in `write`: it sends and does not read.
fn stuck(address: SocketAddr) -> Session {
    let arguments = ["broken-client", &address.to_string()];
    let mut client = Session::start(cargo_bin!("multi-threaded"), &arguments);
    assert!(client.line().starts_with("stuck after "));
    client
}

fn a_client_that_never_reads_delays_the_end_until_the_deadline() {
    let (server, address) = server(&["--quiet", "--grace", "700"]);
    let mut ann = connect(address);
    exchange(&mut ann, b"ann reads");
    let _stuck = stuck(address);
    let (lines, served) = stop(server, Signal::SIGINT);
    let errors = errors(&lines);
    assert_eq!(errors.len(), 1, "{lines:?}");
    assert!(
        errors[0].starts_with("error: stop: 1 still open after 700ms, "),
        "{lines:?}"
    );
    assert_eq!(served, 1);
    assert_eq!(rest(&mut ann), b"");
}

fn who_comes_while_the_server_is_stopping_is_not_served() {
    let (mut server, address) = server(&["--quiet"]);
    let stuck = stuck(address);
    server.signal(Signal::SIGINT);
    while server.line() != "stopping" {}
    // The door closes a moment after this line, and long before the deadline. Who is just being let
    // in at that moment is thrown out.
    let mut answer = Ok(());
    while matches!(answer, Ok(()) | Err(ErrorKind::ConnectionReset)) {
        answer = TcpStream::connect(address).map(drop).map_err(|error| error.kind());
    }
    assert_eq!(answer, Err(ErrorKind::ConnectionRefused));
    drop(stuck);
    assert!(server.end().1.success());
}

fn a_second_signal_ends_at_once() {
    let send_twice = |second| {
        let (mut server, address) = server(&["--quiet"]);
        let _stuck = stuck(address);
        server.signal(Signal::SIGINT);
        while server.line() != "stopping" {}
        server.signal(second);
        let (lines, status) = server.end();
        assert_eq!(status.code(), Some(130), "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("served")), "{lines:?}");
    };
    thread::scope(|scope| {
        scope.spawn(|| send_twice(Signal::SIGINT));
        scope.spawn(|| send_twice(Signal::SIGTERM));
    });
}

fn all_addresses_of_the_machine_can_be_listened_on_and_left() {
    for listen in ["0.0.0.0:0", "[::]:0", "[::1]:0"] {
        let address = listen.parse::<SocketAddr>().unwrap();
        if TcpListener::bind(address).is_err() {
            skip(&format!("this machine has no {listen}"));
            continue;
        }
        let arguments = ["server", "--listen", listen];
        let mut server = Session::start(cargo_bin!("multi-threaded"), &arguments);
        let address = server.listening();
        let mut client = connect(address);
        exchange(&mut client, b"hello");
        assert_eq!(stop(server, Signal::SIGINT).1, 1);
    }
}

fn signals_under_way_with_clients_lose_no_answer() {
    let (server, address) = server(&["--quiet"]);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            thread::spawn(move || {
                let mut answered = 0;
                let Ok(mut stream) = TcpStream::connect(address) else { return 0 };
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                // Each message waits for its answer. The end may come between two messages; an
                // answer cut short would be a loss.
                loop {
                    let mut answer = [0; 64];
                    if stream.write_all(&[7; 64]).is_err() {
                        return answered;
                    }
                    match stream.read(&mut answer) {
                        Ok(64) => answered += 1,
                        Ok(0) | Err(_) => return answered,
                        Ok(n) => panic!("{n} of 64 bytes"),
                    }
                }
            })
        })
        .collect();
    let mut probe = connect(address);
    for _ in 0..100 {
        exchange(&mut probe, b"the others are busy");
    }
    let (lines, _) = stop(server, Signal::SIGTERM);
    for client in clients {
        client.join().unwrap();
    }
    assert!(!lines.iter().any(|line| line.contains("cut off")), "{lines:?}");
}

// Programs like those of a Python tutorial: one `recv(1024)`, capitals back, `close`.

fn our_clients_are_served_by_a_server_that_answers_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut buffer = [0; 1024];
                let n = stream.read(&mut buffer).unwrap();
                stream.write_all(&buffer[..n].to_ascii_uppercase()).unwrap();
            });
        }
    });
    run(&["client", &address, "-n", "10"])
        .success()
        .stdout(predicate::str::contains("HELLO FROM").count(10));
}

fn a_client_that_asks_once_and_closes_is_served() {
    let (server, address) = server(&["--upper"]);
    for _ in 0..10 {
        let mut stream = connect(address);
        stream.write_all(b"Hello, world").unwrap();
        let mut buffer = [0; 1024];
        let n = stream.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..n], b"HELLO, WORLD");
    }
    let (lines, served) = stop(server, Signal::SIGINT);
    assert_eq!((errors(&lines).len(), served), (0, 10), "{lines:?}");
}

fn a_server_that_stops_in_the_middle_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut client = Session::start(cargo_bin!("multi-threaded"), &["client", &address]);
    client.type_line("hello");
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 6]).unwrap();
    stream.write_all(b"hel").unwrap();
    drop(stream);
    client.expect("hel");
    client.expect("error: receive: the server closed the connection after 3 of 6 bytes");
    assert_eq!(client.end().1.code(), Some(1));
}

// The broken programs break as announced.

fn broken_server(mistake: &str) -> (Session, SocketAddr) {
    let arguments = ["broken-server", mistake, "--listen", "127.0.0.1:0"];
    let mut server = Session::start(cargo_bin!("multi-threaded"), &arguments);
    let address = server.listening();
    (server, address)
}

fn a_flag_alone_waits_for_one_more_connection() {
    let (mut server, address) = broken_server("flag-only");
    server.signal(Signal::SIGTERM);
    server.expect("the flag is set");
    drop(connect(address));
    server.expect("stopped");
    assert!(server.end().1.success());
}

fn a_thread_that_is_joined_at_once_serves_one_client() {
    let (mut server, address) = broken_server("join-at-once");
    let mut ann = connect(address);
    exchange(&mut ann, b"ann");
    let mut bob = connect(address);
    bob.write_all(b"bob").unwrap();
    server.line();
    drop(ann);
    assert!(server.line().starts_with("connected: "));
    let mut answer = [0; 3];
    bob.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"bob");
}

fn spawn_panics_where_builder_reports() {
    let (server, address) = broken_server("spawn-panics");
    let mut ann = connect(address);
    exchange(&mut ann, b"ann has a thread");
    let _bob = connect(address);
    let (lines, status) = server.end();
    assert_eq!(status.code(), Some(101), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("failed to spawn thread")));
    assert_eq!(rest(&mut ann), b"");
}
