//! What happens to the programs when the command line, the peer or the system lets them down.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use transcript::program::{PATIENCE, Session, Signal};

/// All that is tried here.
pub const TESTS: &[transcript::Test] = transcript::tests![
    usage_errors_end_with_2,
    help_names_every_program,
    without_a_path_both_meet_in_the_temporary_folder,
    a_path_that_is_too_long_is_explained,
    a_path_that_is_not_text_works_and_is_printed_escaped,
    the_path_of_a_live_server_is_not_stolen,
    looking_does_not_disturb_the_live_server,
    a_server_that_is_bound_but_does_not_listen_yet_is_alive,
    a_live_server_that_does_not_accept_is_found_alive,
    the_file_of_a_dead_server_is_replaced_and_that_is_said,
    the_file_of_a_killed_server_stays_and_is_replaced,
    what_is_not_a_socket_is_never_removed,
    of_many_that_start_together_over_a_stale_file_one_wins_and_keeps_the_path,
    every_polite_signal_removes_the_path_and_ends_with_0,
    a_signal_ends_it_while_it_serves_somebody,
    a_signal_ends_it_when_nobody_reads_what_it_prints,
    the_file_of_a_successor_is_not_removed,
    a_file_that_somebody_removed_is_no_problem_at_the_end,
    the_printed_mode_is_that_of_the_file,
    without_the_right_to_write_nobody_connects_listens_or_removes,
    a_missing_folder_is_said,
    a_datagram_socket_is_neither_stolen_nor_talked_to,
    any_bytes_come_back_as_they_were,
    upper_changes_letters_and_nothing_else,
    one_byte_at_a_time_and_half_a_character_are_answered,
    what_is_printed_is_escaped,
    sixty_four_mebibytes_to_a_client_that_reads_later,
    a_reset_is_one_line_on_stderr_and_nothing_to_the_next_client,
    a_client_that_leaves_at_once_has_sent_0_bytes,
    a_full_descriptor_table_is_said_once_and_waited_for,
    a_closed_stdout_is_no_reason_to_stop_serving,
    a_client_whose_stdout_is_full_says_so,
    a_server_that_stops_in_the_middle_is_reported,
    a_long_typed_line_comes_back_in_pieces,
    the_broken_servers_break_what_they_promise_to,
    ready_in_milliseconds,
    the_paths_of_these_tests_are_short_enough,
];

/// A folder of its own for one test, short enough for the paths of sockets. It goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("unix-{}-{number}", process::id()));
        fs::create_dir(&folder).unwrap();
        Folder(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The program, to be started in this folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin!("unix"));
        command.current_dir(&self.0).args(arguments);
        command
    }

    /// A server on `echo.sock`, listening.
    fn server(&self, options: &[&str]) -> Session {
        let arguments = [&["server", "--listen", "echo.sock"], options].concat();
        let mut server = Session::start_command(self.command(&arguments));
        server.expect("listening on echo.sock");
        assert!(server.line().starts_with("mode "));
        server
    }

    /// A connection to `echo.sock` that does not wait for ever.
    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path("echo.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Whether somebody answers on `echo.sock`.
    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.path("echo.sock")) else {
            return false;
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"?").unwrap();
        stream.read(&mut [0]).unwrap() == 1
    }

    /// For a server whose lines nobody reads.
    fn wait_until_served(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.answers() {
            assert!(Instant::now() < deadline, "nobody serves");
            thread::yield_now();
        }
    }

    /// One run of the program that ends by itself.
    fn unix(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        assert_cmd::Command::from_std(self.command(arguments)).timeout(PATIENCE).assert()
    }

    /// Leaves the file of a server that is gone, as a killed one does.
    fn leave_stale_file(&self) {
        drop(UnixListener::bind(self.path("echo.sock")).unwrap());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Sends everything, says that no more will come, and reads the answer to its end.
fn ask(mut stream: UnixStream, message: &[u8]) -> Vec<u8> {
    stream.write_all(message).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

// The command line.

fn usage_errors_end_with_2() {
    let folder = Folder::new();
    folder.unix(&[]).code(2).stdout("").stderr(predicate::str::contains("Usage"));
    folder.unix(&["server", "--listen"]).code(2).stdout("");
    folder.unix(&["server", "--listen", ""]).code(2).stdout("");
    folder.unix(&["server", "echo.sock"]).code(2).stdout("");
    folder.unix(&["client", ""]).code(2).stdout("");
    folder.unix(&["broken-server", "nonsense"]).code(2).stdout("");
}

fn help_names_every_program() {
    let folder = Folder::new();
    let mut help = folder.unix(&["--help"]).success();
    for program in ["server", "client", "broken-server"] {
        help = help.stdout(predicate::str::contains(program));
        folder.unix(&[program, "--help"]).success();
    }
}

fn without_a_path_both_meet_in_the_temporary_folder() {
    let folder = Folder::new();
    let mut command = folder.command(&["server", "--quiet"]);
    command.env("TMPDIR", &folder.0);
    let mut server = Session::start_command(command);
    let path = folder.path("unix-echo.sock");
    server.expect(&format!("listening on {}", path.display()));
    let mut command = folder.command(&["client"]);
    command.env("TMPDIR", &folder.0);
    assert_cmd::Command::from_std(command)
        .write_stdin("hello\n")
        .timeout(PATIENCE)
        .assert()
        .success()
        .stdout("hello\n");
}

fn a_path_that_is_too_long_is_explained() {
    let folder = Folder::new();
    // 107 bytes are possible, 108 are not.
    let longest = "x".repeat(107);
    let too_long = "x".repeat(108);
    let mut server =
        Session::start_command(folder.command(&["server", "--listen", &longest]));
    server.expect(&format!("listening on {longest}"));
    folder.unix(&["client", &longest, "hello"]).success().stdout("hello\n");
    for arguments in [&["server", "--listen", &too_long], &["client", &too_long, "hello"]]
    {
        folder
            .unix(arguments)
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains(&too_long))
            .stderr(predicate::str::contains("hint: a socket's path has at most 107"));
    }
}

fn a_path_that_is_not_text_works_and_is_printed_escaped() {
    let folder = Folder::new();
    let path = OsStr::from_bytes(b"\xff\x1b[31m\n.sock");
    let shown = r"\xff\u{1b}[31m\n.sock";
    let mut command = folder.command(&["server", "--listen"]);
    command.arg(path);
    let mut server = Session::start_command(command);
    server.expect(&format!("listening on {shown}"));
    let mut client = folder.command(&["client"]);
    client.arg(path).arg("hello");
    assert_cmd::Command::from_std(client)
        .timeout(PATIENCE)
        .assert()
        .success()
        .stdout("hello\n");
    server.signal(Signal::SIGTERM);
    assert!(server.end().1.success());
    assert!(!folder.0.join(path).exists());
    let mut client = folder.command(&["client"]);
    client.arg(path).arg("hello");
    assert_cmd::Command::from_std(client)
        .timeout(PATIENCE)
        .assert()
        .code(1)
        .stderr(predicate::str::starts_with(format!("error: connect to {shown}: ")));
}

// Whose path is it?

fn the_path_of_a_live_server_is_not_stolen() {
    let folder = Folder::new();
    let _server = folder.server(&[]);
    let before = fs::symlink_metadata(folder.path("echo.sock")).unwrap().ino();
    folder.unix(&["server", "--listen", "echo.sock"]).code(1).stdout("").stderr(
        predicate::str::starts_with("error: listen on echo.sock: ")
            .and(predicate::str::contains("hint: a running program has this path")),
    );
    let after = fs::symlink_metadata(folder.path("echo.sock")).unwrap().ino();
    assert_eq!(before, after);
    assert!(folder.answers());
}

fn looking_does_not_disturb_the_live_server() {
    let folder = Folder::new();
    let server = folder.server(&[]);
    folder.unix(&["server", "--listen", "echo.sock"]).code(1);
    server.signal(Signal::SIGTERM);
    let (lines, status) = server.end();
    assert!(lines.is_empty(), "it saw a connection: {lines:?}");
    assert!(status.success());
}

fn a_server_that_is_bound_but_does_not_listen_yet_is_alive() {
    // That is the state of every server between its bind and its listen. A datagram socket never
    // listens, and shows it.
    let folder = Folder::new();
    let _bound = UnixDatagram::bind(folder.path("echo.sock")).unwrap();
    folder.unix(&["server", "--listen", "echo.sock"]).code(1);
    assert!(folder.path("echo.sock").exists());
}

fn a_live_server_that_does_not_accept_is_found_alive() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.path("echo.sock")).unwrap();
    let _waiting: Vec<_> = (0..20).map(|_| folder.connect()).collect();
    folder.unix(&["server", "--listen", "echo.sock"]).code(1);
    assert!(folder.path("echo.sock").exists());
    drop(listener);
}

fn the_file_of_a_dead_server_is_replaced_and_that_is_said() {
    let folder = Folder::new();
    folder.leave_stale_file();
    let mut server = folder.server(&[]);
    server.expect("replaced the file of a server that is gone");
    assert!(folder.answers());
}

fn the_file_of_a_killed_server_stays_and_is_replaced() {
    let folder = Folder::new();
    let server = folder.server(&[]);
    server.signal(Signal::SIGKILL);
    assert!(!server.end().1.success());
    let refused = UnixStream::connect(folder.path("echo.sock")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    folder
        .unix(&["client", "echo.sock", "hello"])
        .code(1)
        .stdout("")
        .stderr(predicate::str::starts_with("error: connect to echo.sock: "))
        .stderr(predicate::str::contains("hint: "));
    let mut server = folder.server(&[]);
    server.expect("replaced the file of a server that is gone");
}

fn what_is_not_a_socket_is_never_removed() {
    let folder = Folder::new();
    folder.leave_stale_file();
    fs::write(folder.path("notes"), "precious").unwrap();
    fs::create_dir(folder.path("folder")).unwrap();
    symlink("echo.sock", folder.path("link-to-stale")).unwrap();
    symlink("nowhere", folder.path("link-to-nothing")).unwrap();
    symlink("notes", folder.path("link-to-notes")).unwrap();
    let fifo = Command::new("mkfifo").arg(folder.path("fifo")).status().unwrap();
    assert!(fifo.success());
    for name in
        ["notes", "folder", "link-to-stale", "link-to-nothing", "link-to-notes", "fifo"]
    {
        let before = fs::symlink_metadata(folder.path(name)).unwrap();
        folder.unix(&["server", "--listen", name]).code(1).stdout("").stderr(
            predicate::str::starts_with(format!("error: listen on {name}: "))
                .and(predicate::str::contains("is no socket")),
        );
        let after = fs::symlink_metadata(folder.path(name)).unwrap();
        assert_eq!((before.dev(), before.ino()), (after.dev(), after.ino()), "{name}");
    }
    assert_eq!(fs::read_to_string(folder.path("notes")).unwrap(), "precious");
    assert!(folder.path("echo.sock").exists(), "the target of a link was removed");
}

fn of_many_that_start_together_over_a_stale_file_one_wins_and_keeps_the_path() {
    let folder = Folder::new();
    for round in 0..10 {
        let _ = fs::remove_file(folder.path("echo.sock"));
        folder.leave_stale_file();
        let arguments = ["server", "--listen", "echo.sock"];
        let servers: Vec<Session> =
            (0..8).map(|_| Session::start_command(folder.command(&arguments))).collect();
        let mut winners = Vec::new();
        for mut server in servers {
            if server.line() == "listening on echo.sock" {
                winners.push(server);
            } else {
                assert_eq!(server.end().1.code(), Some(1));
            }
        }
        assert_eq!(winners.len(), 1, "in round {round}");
        assert!(folder.answers());
        let winner = winners.remove(0);
        winner.signal(Signal::SIGTERM);
        assert!(winner.end().1.success());
        assert!(!folder.path("echo.sock").exists());
    }
}

// The way out.

fn every_polite_signal_removes_the_path_and_ends_with_0() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let folder = Folder::new();
        let server = folder.server(&[]);
        assert!(folder.path("echo.sock").exists());
        server.signal(signal);
        let (lines, status) = server.end();
        assert_eq!(lines, [""; 0]);
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(!folder.path("echo.sock").exists(), "{signal}");
    }
}

fn a_signal_ends_it_while_it_serves_somebody() {
    let folder = Folder::new();
    let mut server = folder.server(&["--quiet"]);
    let mut stream = folder.connect();
    server.expect("connected: client 1");
    server.signal(Signal::SIGINT);
    assert_eq!(server.end().1.code(), Some(0));
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert!(!folder.path("echo.sock").exists());
}

fn a_signal_ends_it_when_nobody_reads_what_it_prints() {
    let folder = Folder::new();
    let mut command = folder.command(&["server", "--listen", "echo.sock"]);
    let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
    folder.wait_until_served();
    // Fill the pipe that nobody reads: 250 bytes a message. At the end the server waits for room
    // in it, and the last message stays without an answer.
    let mut stream = folder.connect();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let stuck = (0..2000).any(|_| {
        stream.write_all(&[b'x'; 250]).unwrap();
        stream.read(&mut [0; 250]).is_err()
    });
    assert!(stuck);
    let status = Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert!(status.success());
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = server.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            server.kill().unwrap();
            server.wait().unwrap();
            panic!("still running");
        }
        thread::yield_now();
    };
    assert_eq!(status.code(), Some(0));
    assert!(!folder.path("echo.sock").exists());
}

fn the_file_of_a_successor_is_not_removed() {
    let folder = Folder::new();
    let first = folder.server(&[]);
    fs::remove_file(folder.path("echo.sock")).unwrap();
    let second = folder.server(&[]);
    first.signal(Signal::SIGTERM);
    let (lines, status) = first.end();
    assert_eq!(lines, ["error: echo.sock is not ours any more"]);
    assert_eq!(status.code(), Some(0));
    assert!(folder.answers());
    second.signal(Signal::SIGTERM);
    assert!(second.end().1.success());
    assert!(!folder.path("echo.sock").exists());
}

fn a_file_that_somebody_removed_is_no_problem_at_the_end() {
    let folder = Folder::new();
    let server = folder.server(&[]);
    fs::remove_file(folder.path("echo.sock")).unwrap();
    fs::write(folder.path("other"), "").unwrap();
    server.signal(Signal::SIGTERM);
    let (lines, status) = server.end();
    assert_eq!(lines, [""; 0]);
    assert_eq!(status.code(), Some(0));
}

// Rights.

fn the_printed_mode_is_that_of_the_file() {
    for umask in ["022", "077", "000"] {
        let folder = Folder::new();
        let program = cargo_bin!("unix").display();
        let mut command = Command::new("sh");
        command.current_dir(&folder.0).args([
            "-c",
            &format!("umask {umask}; exec {program} server --listen echo.sock"),
        ]);
        let mut server = Session::start_command(command);
        server.expect("listening on echo.sock");
        let file = fs::symlink_metadata(folder.path("echo.sock")).unwrap();
        assert!(file.file_type().is_socket());
        let mode = file.mode() & 0o777;
        assert_eq!(mode, 0o777 & !u32::from_str_radix(umask, 8).unwrap());
        server.expect(&format!("mode {mode:03o}: who may write may connect"));
    }
}

/// The program without the privilege to pass over modes, in case the tests run as root.
fn without_privileges(command: &Command) -> Command {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut plain = Command::new(if root { "setpriv" } else { "env" });
    if root {
        plain.args(["--inh-caps=-all", "--bounding-set=-all"]);
    }
    plain.arg(command.get_program()).args(command.get_args());
    plain.current_dir(command.get_current_dir().unwrap());
    plain
}

fn without_the_right_to_write_nobody_connects_listens_or_removes() {
    let folder = Folder::new();
    folder.leave_stale_file();
    let path = folder.path("echo.sock");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
    let refused = |arguments: &[&str], tried: &str| {
        assert_cmd::Command::from_std(without_privileges(&folder.command(arguments)))
            .timeout(PATIENCE)
            .assert()
            .code(1)
            .stdout("")
            .stderr(predicate::str::starts_with(format!("error: {tried}: ")))
            .stderr(predicate::str::contains("hint: connecting needs w"));
    };
    refused(&["client", "echo.sock", "hello"], "connect to echo.sock");
    // Whether its server lives cannot be found out: it stays.
    refused(&["server", "--listen", "echo.sock"], "listen on echo.sock");
    assert!(path.exists());
    fs::create_dir(folder.path("closed")).unwrap();
    let closed = fs::Permissions::from_mode(0o555);
    fs::set_permissions(folder.path("closed"), closed).unwrap();
    refused(&["server", "--listen", "closed/echo.sock"], "listen on closed/echo.sock");
}

fn a_missing_folder_is_said() {
    let folder = Folder::new();
    folder
        .unix(&["server", "--listen", "no/echo.sock"])
        .code(1)
        .stdout("")
        .stderr(predicate::str::starts_with("error: listen on no/echo.sock: "))
        .stderr(predicate::str::contains("hint: a server makes the file"));
    folder.unix(&["client", "no.sock", "hello"]).code(1).stdout("");
}

fn a_datagram_socket_is_neither_stolen_nor_talked_to() {
    let folder = Folder::new();
    let _other = UnixDatagram::bind(folder.path("echo.sock")).unwrap();
    folder.unix(&["server", "--listen", "echo.sock"]).code(1).stdout("");
    folder
        .unix(&["client", "echo.sock", "hello"])
        .code(1)
        .stdout("")
        .stderr(predicate::str::starts_with("error: connect to echo.sock: "));
    assert!(folder.path("echo.sock").exists());
}

// Clients.

fn any_bytes_come_back_as_they_were() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let folder = Folder::new();
    let mut server = folder.server(&["--quiet"]);
    let stream = folder.connect();
    let mut writer = stream.try_clone().unwrap();
    let sent = bytes.clone();
    let writer = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut answer = Vec::new();
    (&stream).read_to_end(&mut answer).unwrap();
    writer.join().unwrap();
    assert!(answer == bytes);
    server.expect("connected: client 1");
    server.expect("closed: client 1 after 100000 bytes");
}

fn upper_changes_letters_and_nothing_else() {
    let folder = Folder::new();
    let _server = folder.server(&["--upper"]);
    let answer = ask(folder.connect(), b"na\xc3\xafve \x00\xff z");
    assert_eq!(answer, b"NA\xc3\xafVE \x00\xff Z");
}

fn one_byte_at_a_time_and_half_a_character_are_answered() {
    let folder = Folder::new();
    let mut server = folder.server(&["--quiet"]);
    let mut stream = folder.connect();
    for byte in *b"caf\xc3" {
        stream.write_all(&[byte]).unwrap();
        let mut answer = [0];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [byte]);
    }
    drop(stream);
    server.expect("connected: client 1");
    server.expect("closed: client 1 after 4 bytes");
}

fn what_is_printed_is_escaped() {
    let folder = Folder::new();
    let mut server = folder.server(&[]);
    folder.connect().write_all(b"\x1b[31m\xff\r\n").unwrap();
    server.expect("connected: client 1");
    server.expect(r"read 8 bytes from client 1: \u{1b}[31m\xff\r\n");
}

fn sixty_four_mebibytes_to_a_client_that_reads_later() {
    const SIZE: usize = 64 << 20;
    let folder = Folder::new();
    let mut server = folder.server(&["--quiet"]);
    let mut stream = folder.connect();
    let mut writer = stream.try_clone().unwrap();
    let (some_sent, wait_for_some) = std::sync::mpsc::channel();
    let writer = thread::spawn(move || {
        let block = vec![7; 64 << 10];
        for _ in 0..SIZE / block.len() {
            writer.write_all(&block).unwrap();
            let _ = some_sent.send(());
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    // Nothing is read until the first block has left: by then the answers pile up.
    wait_for_some.recv().unwrap();
    let mut answer = Vec::with_capacity(SIZE);
    stream.read_to_end(&mut answer).unwrap();
    writer.join().unwrap();
    assert!(answer.len() == SIZE && answer.iter().all(|&byte| byte == 7));
    server.expect("connected: client 1");
    server.expect("closed: client 1 after 67108864 bytes");
}

fn a_reset_is_one_line_on_stderr_and_nothing_to_the_next_client() {
    let folder = Folder::new();
    let mut server = folder.server(&["--quiet"]);
    let mut stream = folder.connect();
    stream.write_all(b"never read").unwrap();
    // Wait until the echo is there. It stays unread: closing now resets the connection.
    stream.read_exact(&mut [0]).unwrap();
    drop(stream);
    server.expect("connected: client 1");
    let line = server.line();
    assert!(line.starts_with("error: echo to client 1: "), "{line}");
    assert_eq!(ask(folder.connect(), b"next"), b"next");
    server.expect("connected: client 2");
    server.expect("closed: client 2 after 4 bytes");
}

fn a_client_that_leaves_at_once_has_sent_0_bytes() {
    let folder = Folder::new();
    let mut server = folder.server(&[]);
    drop(folder.connect());
    server.expect("connected: client 1");
    server.expect("closed: client 1 after 0 bytes");
    assert!(folder.answers());
}

fn a_full_descriptor_table_is_said_once_and_waited_for() {
    let folder = Folder::new();
    let program = cargo_bin!("unix").display();
    let mut command = Command::new("sh");
    command.current_dir(&folder.0).args([
        "-c",
        // 3 and 4: what an editor hands down to its terminal would take the places.
        &format!("exec 3>&- 4>&-; ulimit -Sn 4; exec {program} server --quiet --listen echo.sock"),
    ]);
    let mut server = Session::start_command(command);
    server.expect("listening on echo.sock");
    assert!(server.line().starts_with("mode "));
    let stream = folder.connect();
    assert!(server.line().starts_with("error: accept: Too many open files"));
    // The waiting client is served as soon as there is room (prlimit is part of util-linux).
    let status = Command::new("prlimit")
        .args(["--pid", &server.id().to_string(), "--nofile=64:"])
        .status()
        .expect("prlimit can be started");
    assert!(status.success());
    assert_eq!(ask(stream, b"still here"), b"still here");
    server.expect("connected: client 1");
    server.expect("closed: client 1 after 10 bytes");
}

fn a_closed_stdout_is_no_reason_to_stop_serving() {
    let folder = Folder::new();
    let server = folder.command(&["server", "--listen", "echo.sock"]);
    // `:` ends at once, without reading what the server prints.
    let mut command = Command::new("sh");
    command.current_dir(&folder.0).args(["-c", "\"$@\" | :", "sh"]);
    command.arg(server.get_program()).args(server.get_args());
    let _server = Session::start_command(command);
    folder.wait_until_served();
    assert!(folder.answers());
}

fn a_client_whose_stdout_is_full_says_so() {
    let folder = Folder::new();
    let _server = folder.server(&["--quiet"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output =
        folder.command(&["client", "echo.sock", "hello"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: print: "));
}

fn a_server_that_stops_in_the_middle_is_reported() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.path("echo.sock")).unwrap();
    let mut client =
        Session::start_command(folder.command(&["client", "echo.sock", "hello"]));
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 6]).unwrap();
    stream.write_all(b"hel").unwrap();
    drop(stream);
    client.expect("hel");
    client.expect("error: receive: the server closed the connection after 3 of 6 bytes");
    assert_eq!(client.end().1.code(), Some(1));
}

fn a_long_typed_line_comes_back_in_pieces() {
    let folder = Folder::new();
    let _server = folder.server(&["--quiet"]);
    assert_cmd::Command::from_std(folder.command(&["client", "echo.sock"]))
        .write_stdin("x".repeat(40_000))
        .timeout(PATIENCE)
        .assert()
        .success()
        .stdout(predicate::str::contains("...\n").count(3));
}

fn the_broken_servers_break_what_they_promise_to() {
    let folder = Folder::new();
    let never = ["broken-server", "never-remove", "--listen", "echo.sock"];
    let mut first = Session::start_command(folder.command(&never));
    first.expect("listening on echo.sock");
    first.signal(Signal::SIGINT);
    assert!(!first.end().1.success());
    assert!(folder.path("echo.sock").exists());
    folder.unix(&never).code(1);

    fs::write(folder.path("notes"), "precious").unwrap();
    let always = ["broken-server", "always-remove", "--listen", "notes"];
    let mut thief = Session::start_command(folder.command(&always));
    thief.expect("listening on notes");
    assert!(UnixStream::connect(folder.path("notes")).is_ok());
}

fn ready_in_milliseconds() {
    let started = Instant::now();
    let folder = Folder::new();
    let _server = folder.server(&[]);
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
}

/// The path that the tests connect to must fit, wherever the temporary folder is.
fn the_paths_of_these_tests_are_short_enough() {
    let folder = Folder::new();
    let longest: &Path = &folder.path("link-to-nothing");
    assert!(longest.as_os_str().len() <= 107, "set TMPDIR to a shorter path");
}
