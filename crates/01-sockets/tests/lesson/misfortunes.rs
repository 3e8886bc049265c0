//! What happens to the programs when the command line or the system lets them down.

use std::fs::File;
use std::io::Read;
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use predicates::str::{contains, is_match, starts_with};
use transcript::program::{PATIENCE, Session, Signal};

/// All that is tried here.
pub const TESTS: &[transcript::Test] = transcript::tests![
    usage_errors_end_with_2,
    help_names_every_program,
    the_table_has_a_row_for_every_kind_and_an_answer_in_every_row,
    the_default_of_a_family_is_there_for_everybody,
    both_ends_of_the_pair_agree,
    while_the_pair_waits_its_door_is_open_and_afterwards_it_is_not,
    the_pair_can_be_interrupted_and_needs_no_input,
    without_a_free_descriptor_the_pair_says_which_step_failed,
    a_leak_ends_at_the_limit_and_the_repaired_program_does_not,
    what_cannot_be_printed_is_an_error,
    when_nobody_reads_the_programs_end_quietly,
    a_closed_stdout_does_not_panic,
];

/// One run of the program that ends by itself.
fn sockets(arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(cargo_bin!("sockets"))
        .args(arguments)
        .timeout(PATIENCE)
        .assert()
}

/// The same with this many descriptors in all, the first three included.
fn sockets_with_descriptors(limit: u32, program: &str) -> assert_cmd::assert::Assert {
    let path = cargo_bin!("sockets").display();
    assert_cmd::Command::new("sh")
        .args(["-c", &format!("ulimit -n {limit}; exec '{path}' {program}")])
        .timeout(PATIENCE)
        .assert()
}

fn usage_errors_end_with_2() {
    sockets(&[]).code(2).stdout("").stderr(contains("Usage"));
    sockets(&["table", "ipv5"]).code(2).stdout("").stderr(contains("ipv4, ipv6, unix"));
    sockets(&["table", "ipv4", "ipv6"]).code(2).stdout("");
    sockets(&["pair", "8000"]).code(2).stdout("");
    sockets(&["sever"]).code(2).stdout("");
}

fn help_names_every_program() {
    let mut help = sockets(&["--help"]).success();
    for program in ["table", "pair", "broken-leak", "repaired-leak"] {
        help = help.stdout(contains(program));
        sockets(&[program, "--help"]).success();
    }
}

fn the_table_has_a_row_for_every_kind_and_an_answer_in_every_row() {
    let row = r"^(IPv4|IPv6|Unix) +(stream|datagram|raw|seqpacket) +\w+ +(descriptor \d+|.+ \(os error \d+\))$";
    let whole = sockets(&["table"]).success().stderr("");
    let text = String::from_utf8_lossy(&whole.get_output().stdout).into_owned();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(rows.len(), 4 * (4 + 4 + 2));
    for line in &rows {
        assert!(is_match(row).unwrap().eval(line), "{line}");
    }
    for (family, count) in [("ipv4", 16), ("ipv6", 16), ("unix", 8)] {
        let part = sockets(&["table", family]).success();
        assert_eq!(part.get_output().stdout.split(|&b| b == b'\n').count(), count + 2);
    }
}

fn the_default_of_a_family_is_there_for_everybody() {
    let made = r"(?m)^Unix +stream +default +descriptor \d+$";
    sockets(&["table", "unix"]).stdout(is_match(made).unwrap());
    let made =
        r"(?m)^IPv4 +stream +default +descriptor \d+\nIPv4 +stream +TCP +descriptor \d+$";
    sockets(&["table", "ipv4"]).stdout(is_match(made).unwrap());
}

fn both_ends_of_the_pair_agree() {
    let mut pair = Session::start(cargo_bin!("sockets"), &["pair"]);
    let lines: Vec<String> = (0..16).map(|_| pair.line()).collect();
    let ends = |first: usize| {
        let side = |line: &str, label: &str| {
            line.strip_prefix(label).unwrap_or_else(|| panic!("{lines:?}")).to_owned()
        };
        (side(&lines[first + 2], "  local    "), side(&lines[first + 3], "  remote   "))
    };
    let (listening, client, accepted) = (ends(1), ends(5), ends(9));
    assert!(listening.1.starts_with("none: "), "{lines:?}");
    assert_eq!(client.1, listening.0);
    assert_eq!(accepted, (client.1, client.0));
    assert_eq!(lines[14..16], ["accepted receives hello", "client receives welcome"]);
    pair.expect("press Enter to close all three");
    pair.type_line("");
    assert!(pair.end().1.success());
}

fn while_the_pair_waits_its_door_is_open_and_afterwards_it_is_not() {
    let mut pair = Session::start(cargo_bin!("sockets"), &["pair"]);
    let lines: Vec<String> = (0..17).map(|_| pair.line()).collect();
    let address = lines[3].trim_start_matches("  local    ").replace(", port ", ":");
    assert!(TcpStream::connect(&address).is_ok(), "{address}");
    pair.close_input();
    assert!(pair.end().1.success());
    assert!(TcpStream::connect(&address).is_err(), "{address}");
}

fn the_pair_can_be_interrupted_and_needs_no_input() {
    let mut pair = Session::start(cargo_bin!("sockets"), &["pair"]);
    while pair.line() != "press Enter to close all three" {}
    pair.signal(Signal::SIGINT);
    assert!(!pair.end().1.success());

    let mut command = Command::new(cargo_bin!("sockets"));
    let output = command.arg("pair").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success());
}

fn without_a_free_descriptor_the_pair_says_which_step_failed() {
    for (limit, step) in [(4, "connect to 127.0.0.1:"), (5, "accept: ")] {
        sockets_with_descriptors(limit, "pair").code(1).stdout("").stderr(
            starts_with(format!("error: {step}"))
                .and(contains("Too many open files"))
                .and(contains("\nhint: close what is not needed")),
        );
    }
}

fn a_leak_ends_at_the_limit_and_the_repaired_program_does_not() {
    sockets_with_descriptors(50, "broken-leak")
        .code(1)
        .stdout(contains("socket number 3: "))
        .stderr(starts_with("error: make socket number 4").and(contains("Too many")));
    sockets_with_descriptors(50, "repaired-leak")
        .success()
        .stdout(contains("made 5000 sockets\n"))
        .stderr("");
}

/// Each program, in a form that has something to print.
const EACH: [&[&str]; 4] = [&["table"], &["pair"], &["broken-leak"], &["repaired-leak"]];

/// One run whose lines go elsewhere.
fn printing_to(stdout: impl Into<Stdio>, arguments: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("sockets"));
    command.args(arguments).stdin(Stdio::null()).stdout(stdout).output().unwrap()
}

fn what_cannot_be_printed_is_an_error() {
    for arguments in EACH {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = printing_to(full, arguments);
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "error: print: No space left on device (os error 28)\n"
        );
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
}

fn when_nobody_reads_the_programs_end_quietly() {
    for arguments in EACH {
        let (_, nobody_reads) = std::io::pipe().unwrap();
        let output = printing_to(nobody_reads, arguments);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

fn a_closed_stdout_does_not_panic() {
    for program in ["table", "pair", "repaired-leak"] {
        let mut command = Command::new(cargo_bin!("sockets"));
        command
            .arg(program)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0]).unwrap();
        drop(stdout); // What `head` does when it has seen enough.
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success());
    }
}
