//! What happens to the programs when the command line or the system lets them down.
//!
//! Nothing here asks a name server: the names are in no form that could be asked for.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use predicates::str::{contains, is_match, starts_with};
use transcript::program::{PATIENCE, unused_address};

/// All that is tried here.
pub const TESTS: &[transcript::Test] = transcript::tests![
    usage_errors_end_with_2,
    help_names_every_program,
    an_address_is_resolved_to_itself,
    localhost_is_this_machine,
    what_cannot_be_a_name_is_not_found,
    a_service_is_a_number_or_a_known_name,
    addresses_are_read_strictly,
    what_is_not_an_address_is_explained,
    one_wrong_address_does_not_hide_the_others,
    what_is_printed_is_escaped,
    bytes_are_shown_in_network_order,
    ports_are_chosen_and_kept,
    reach_is_open_where_it_listens,
    reach_says_why_it_cannot_listen,
    a_port_the_wrong_way_round_is_another_port,
    what_cannot_be_printed_is_an_error,
    when_nobody_reads_the_programs_end_quietly,
    a_closed_stdout_does_not_panic,
];

/// One run of the program that ends by itself.
fn names<A: AsRef<OsStr>>(arguments: &[A]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(cargo_bin!("names"))
        .args(arguments)
        .timeout(PATIENCE)
        .assert()
}

fn usage_errors_end_with_2() {
    names::<&str>(&[]).code(2).stdout("").stderr(contains("Usage"));
    for arguments in [
        &["resolve"][..],
        &["resolve", "localhost", "80", "81"],
        &["parse"],
        &["bytes"],
        &["ports", "80"],
        &["reach"],
        &["broken-order", "65536"],
        &["resolv", "localhost"],
    ] {
        names(arguments).code(2).stdout("");
    }
    names(&[OsStr::new("parse"), OsStr::from_bytes(b"\xff")]).code(2).stdout("");
}

fn help_names_every_program() {
    let mut help = names(&["--help"]).success();
    for program in ["resolve", "parse", "bytes", "ports", "reach", "broken-order"] {
        help = help.stdout(contains(program));
        names(&[program, "--help"]).success();
    }
}

fn an_address_is_resolved_to_itself() {
    names(&["resolve", "192.0.2.1"]).success().stdout("192.0.2.1\n");
    names(&["resolve", "192.0.2.1", "65535"]).success().stdout("192.0.2.1:65535\n");
    names(&["resolve", "2001:db8::1", "0"]).success().stdout("[2001:db8::1]:0\n");
}

fn localhost_is_this_machine() {
    names(&["resolve", "localhost", "80"])
        .success()
        .stdout(is_match(r"(?m)^127\.0\.0\.1:80$").unwrap());
}

fn what_cannot_be_a_name_is_not_found() {
    let too_long = "x".repeat(64);
    for name in ["", "..", "a..b", "[::1]", too_long.as_str()] {
        names(&["resolve", name, "80"]).code(1).stdout("").stderr(starts_with(format!(
            "error: resolve {name}: failed to lookup address information: "
        )));
    }
}

fn a_service_is_a_number_or_a_known_name() {
    for service in ["65536", "-1", "", "no-such-service", "#", "http/tcp", "\u{1b}[31m"] {
        let shown = service.replace('\u{1b}', r"\x1b");
        names(&["resolve", "--", "::1", service]).code(2).stdout("").stderr(starts_with(
            format!("error: {shown} is neither a port (0 to 65535) nor a service\n"),
        ));
    }
    for (service, port) in [("http", 80), ("telnet", 23)] {
        names(&["resolve", "::1", service])
            .success()
            .stdout(contains(format!("{service} is port {port}, ")))
            .stdout(contains(format!("\n[::1]:{port}\n")));
    }
}

fn addresses_are_read_strictly() {
    for (text, meaning) in [
        ("127.0.0.1", "IPv4 127.0.0.1 (this machine itself)"),
        ("127.255.255.254", "IPv4 127.255.255.254 (this machine itself)"),
        ("0:0:0::1", "IPv6 ::1 (this machine itself)"),
        ("::ffff:127.0.0.1", "IPv6 ::ffff:127.0.0.1 (some machine)"),
        ("169.254.1.2", "IPv4 169.254.1.2 (a machine on the same cable)"),
        ("fe80::1", "IPv6 fe80::1 (a machine on the same cable)"),
        ("172.31.0.1", "IPv4 172.31.0.1 (a machine in a private network)"),
        ("172.32.0.1", "IPv4 172.32.0.1 (some machine)"),
        ("fd00::1", "IPv6 fd00::1 (a machine in a private network)"),
        ("224.0.0.1", "IPv4 224.0.0.1 (a group of machines)"),
        ("255.255.255.255", "IPv4 255.255.255.255 (every machine on the same cable)"),
        ("[::]:0", "IPv6 :: (every address of this machine) and port 0"),
    ] {
        names(&["parse", text]).success().stdout(format!("{text} is {meaning}\n"));
    }
}

fn what_is_not_an_address_is_explained() {
    for (text, reason) in [
        ("127.1", "IPv4 has four numbers"),
        ("2130706433", "IPv4 has four numbers"),
        ("1.2.3.4.5", "IPv4 has four numbers"),
        ("010.0.0.1", "a leading zero may mean octal"),
        ("256.0.0.1", "a number is at most 255"),
        ("127.0.0.1:http", "a port is a number up to 65535"),
        ("127.0.0.1:65536", "a port is a number up to 65535"),
        ("127.0.0.1:", "a port is a number up to 65535"),
        ("[::1]", "brackets want a port behind them"),
        ("[::1]:http", "a port is a number up to 65535"),
        ("", "perhaps a name?"),
        (":80", "perhaps a name?"),
        ("localhost:80", "perhaps a name?"),
        ("0x7f.0.0.1", "perhaps a name?"),
    ] {
        names(&["parse", text])
            .code(2)
            .stdout(starts_with(format!("{text} is not an address: {reason}")))
            .stderr(starts_with("error: 1 of 1 are not addresses\n"));
    }
}

fn one_wrong_address_does_not_hide_the_others() {
    names(&["parse", "::1", "127.1", "127.0.0.1"])
        .code(2)
        .stdout(predicate::str::contains("\n").count(3))
        .stderr(starts_with("error: 1 of 3 are not addresses\n"));
}

fn what_is_printed_is_escaped() {
    names(&["parse", "\u{1b}[31m"]).code(2).stdout(starts_with(r"\x1b[31m is not"));
    for program in ["bytes", "reach", "resolve"] {
        names(&[program, "\u{1b}.."])
            .failure()
            .stdout("")
            .stderr(contains(r"\x1b..").and(contains("\u{1b}").not()));
    }
}

fn bytes_are_shown_in_network_order() {
    for (subject, number, bytes, turned) in [
        ("0", "0", "00 00", "0"),
        ("7878", "7878", "1e c6", "50718"),
        ("65535", "65535", "ff ff", "65535"),
        ("127.0.0.1", "2130706433", "7f 00 00 01", "16777343"),
        ("255.255.255.255", "4294967295", "ff ff ff ff", "4294967295"),
    ] {
        names(&["bytes", subject])
            .success()
            .stdout(contains(format!("the number      {number}\n")))
            .stdout(contains(format!("on the network  {bytes}\n")))
            .stdout(contains(format!("wrong way round {turned}\n")));
    }
    names(&["bytes", "fe80::1"])
        .success()
        .stdout("on the network  fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 01\n");
    for subject in ["65536", "-1", "http", "127.1", "127.0.0.1:80", ""] {
        names(&["bytes", "--", subject])
            .code(2)
            .stdout("")
            .stderr(contains("is neither a port (0 to 65535) nor an address\n"));
    }
}

fn ports_are_chosen_and_kept() {
    let got = r"(?m)^asked for port 0, got 127\.0\.0\.1:[1-9]\d*$";
    names(&["ports"])
        .success()
        .stderr("")
        .stdout(is_match(got).unwrap().count(3))
        .stdout(contains("the first port again: Address already in use"))
        .stdout(contains("the same number at 127.0.0.2: works"))
        .stdout(is_match(r"(?m)^port 80: ").unwrap());
}

fn reach_is_open_where_it_listens() {
    names(&["reach", "127.0.0.1:0"])
        .success()
        .stdout(is_match(r"through 127\.0\.0\.1:\d+: connected\n").unwrap())
        .stdout(is_match(r"through 127\.0\.0\.2:\d+: Connection refused").unwrap());
    names(&["reach", "0.0.0.0:0"])
        .success()
        .stdout(is_match(r"through 127\.0\.0\.[12]:\d+: connected\n").unwrap().count(2));
}

fn reach_says_why_it_cannot_listen() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    names(&["reach", &address]).code(1).stdout("").stderr(
        starts_with(format!("error: listen on {address}: "))
            .and(contains("\nhint: another program has this port")),
    );
    names(&["reach", "192.0.2.1:0"])
        .code(1)
        .stderr(contains("\nhint: you can only listen at an address that this machine"));
    for wrong in ["", "127.0.0.1", "127.0.0.1:http", ":::"] {
        names(&["reach", wrong])
            .code(2)
            .stdout("")
            .stderr(contains("\nhint: an address"));
    }
}

fn a_port_the_wrong_way_round_is_another_port() {
    // The port is kept taken. Its mirror image needs no right, and is not one that the system gives
    // away: those are in the upper half. Somebody may have it all the same, so there are more tries.
    for (_bound, address) in std::iter::repeat_with(unused_address).take(1000) {
        let (port, mirror) = (address.port(), address.port().swap_bytes());
        if !(1024..32_768).contains(&mirror) {
            continue;
        }
        let program = names(&["broken-order", &port.to_string()]);
        if program.get_output().stderr.starts_with(b"error: listen on port ") {
            continue;
        }
        program
            .code(1)
            .stdout(format!("asked for port {port}, listening on 127.0.0.1:{mirror}\n"))
            .stderr(starts_with(format!("error: connect to port {port}: ")));
        return;
    }
    panic!("no port whose mirror image is free");
}

/// Each program, in forms that have something to print. The last one asks for port 0, which has
/// the system choose one: so it needs no free port.
const EACH: [&[&str]; 9] = [
    &["resolve", "::1"],
    &["resolve", "::1", "http"],
    &["parse", "::1"],
    &["parse", "127.1"],
    &["bytes", "7878"],
    &["bytes", "127.0.0.1"],
    &["ports"],
    &["reach", "127.0.0.1:0"],
    &["broken-order", "0"],
];

/// One run whose lines go elsewhere.
fn printing_to(stdout: impl Into<Stdio>, arguments: &[&str]) -> Output {
    Command::new(cargo_bin!("names")).args(arguments).stdout(stdout).output().unwrap()
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
    for arguments in [&["ports"][..], &["parse", "::1", "::2"], &["reach", "127.0.0.1:0"]]
    {
        let mut command = Command::new(cargo_bin!("names"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0]).unwrap();
        drop(stdout); // What `head` does when it has seen enough.
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success());
    }
}
