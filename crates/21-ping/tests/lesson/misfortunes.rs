//! What happens to the ping when the command line, the host, the network or the rights let it down.
//!
//! Real pings need a right that tests seldom have. So they run in a network of their own, where they
//! may do anything (`unshare -Urn`). Where that is forbidden but raw sockets are not, the plain ones
//! run in the network that there is. Where neither is allowed they are skipped, and say so; with
//! NO_SKIPS=1 in the environment they fail instead.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::assert::Assert;
use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use socket2::{Domain, Protocol, Socket, Type};
use transcript::program::{PATIENCE, Session, Signal};
use transcript::skip;

/// All that is tried here.
pub const TESTS: &[transcript::Test] = transcript::tests![
    usage_errors_end_with_2,
    help_names_every_option_and_program,
    an_unknown_host_ends_with_2,
    a_host_out_of_reach_ends_with_2,
    without_rights_both_ways_to_get_them_are_explained,
    a_datagram_socket_needs_no_rights_where_its_group_is_allowed,
    the_lines_of_a_plain_run,
    the_lines_over_ipv6,
    an_ipv4_address_in_the_form_of_ipv6_is_one,
    a_name_is_shown_with_its_address,
    an_address_that_means_this_machine_is_answered,
    little_data_is_not_timed,
    any_size_comes_back,
    the_largest_size_over_ipv6,
    sequence_numbers_wrap_and_nothing_is_lost,
    over_ipv6_sequence_numbers_wrap_and_nothing_is_lost,
    the_first_hop_is_enough_on_loopback,
    our_own_request_is_not_an_answer,
    two_pings_at_once_do_not_mix_up_their_answers,
    a_host_without_a_defect,
    lost_answers_are_counted,
    duplicates_are_marked_and_not_counted_as_received,
    a_late_answer_belongs_to_its_own_request,
    what_is_not_an_answer_to_us_is_ignored,
    a_wrong_checksum_is_shown_and_is_no_answer,
    changed_data_is_shown_byte_by_byte,
    a_short_answer_is_truncated_and_not_timed,
    errors_are_shown_and_counted,
    quiet_counts_duplicates,
    quiet_counts_wrong_checksums,
    quiet_counts_errors,
    without_answers_it_waits_as_long_as_told,
    an_interface_that_goes_down_is_said_and_survived,
    ctrl_c_prints_the_summary_at_once,
    sigquit_tells_how_things_stand_and_sigterm_ends_without_a_word,
    ctrl_c_without_an_answer_ends_with_1,
    a_closed_stdout_ends_it_without_a_panic,
    a_full_disk_and_a_closed_stderr_are_no_panic,
    a_broken_checksum_gets_no_answer,
    who_looks_for_an_identifier_of_its_own_gets_no_answer,
    the_broken_pings_break_as_the_lesson_says,
];

/// Where pings can be sent.
enum Lab {
    /// A network of our own. It exists as long as this process, which is in it.
    Own(Session),
    /// The network that there is.
    Shared,
}

impl Lab {
    /// A network of our own.
    fn own() -> Option<Lab> {
        if !namespaces_work() {
            skip("networks of our own are forbidden here");
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(["-Urn", "sh", "-c", "ip link set lo up && echo ready && exec cat"]);
        let mut keeper = Session::start_command(command);
        keeper.expect("ready");
        Some(Lab::Own(keeper))
    }

    /// Any network where raw sockets are allowed.
    fn any() -> Option<Lab> {
        let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
        if raw.is_ok() && !namespaces_work() { Some(Lab::Shared) } else { Lab::own() }
    }

    /// A command that runs in this network.
    fn command(&self, program: &[&str]) -> Command {
        match self {
            Lab::Own(keeper) => {
                let mut command = Command::new("nsenter");
                let process = keeper.id().to_string();
                command.args(["-U", "-n", "--preserve-credentials", "-t", &process]);
                command.args(program);
                command
            }
            Lab::Shared => {
                let mut command = Command::new(program[0]);
                command.args(&program[1..]);
                command
            }
        }
    }

    /// A ping that has not been started yet.
    fn ping(&self, arguments: &[&str]) -> Command {
        let program = cargo_bin!("ping").to_str().unwrap();
        self.command(&[&[program], arguments].concat())
    }

    /// A ping that ends by itself.
    fn run(&self, arguments: &[&str]) -> Assert {
        assert_cmd::Command::from_std(self.ping(arguments)).timeout(PATIENCE).assert()
    }

    /// Sets something under /proc/sys/net for this network.
    fn set(&self, name: &str, value: &str) {
        let script = format!("echo '{value}' > /proc/sys/net/{name}");
        let status = self.command(&["sh", "-c", &script]).status().unwrap();
        assert!(status.success(), "{script}");
    }

    /// A host that answers with this defect. The system itself does not answer any more.
    fn fake_host(&self, defect: &str) -> Session {
        self.set("ipv4/icmp_echo_ignore_all", "1");
        let mut host = Session::start_command(self.ping(&["fake-host", defect]));
        host.expect("answering the pings to 127.0.0.1");
        host
    }

    /// The same program, but with no rights at all.
    fn powerless(&self, arguments: &[&str]) -> Command {
        let mut program =
            vec!["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"];
        program.push(cargo_bin!("ping").to_str().unwrap());
        program.extend(arguments);
        self.command(&program)
    }
}

/// Not every system that lets us into a network of our own gives us the rights there: so try them.
fn namespaces_work() -> bool {
    let mut command = Command::new("unshare");
    command.args(["-Urn", "ip", "link", "set", "lo", "up"]);
    command.output().is_ok_and(|output| output.status.success())
}

/// One run that ends by itself, without any rights needed.
fn ping(arguments: &[&str]) -> Assert {
    assert_cmd::Command::new(cargo_bin!("ping"))
        .args(arguments)
        .timeout(PATIENCE)
        .assert()
}

/// Lines of the output, where `#` stands for any number, and `[...]` for what may be there or not.
fn lines(pattern: &[&str]) -> impl Predicate<str> {
    let mut expression = String::new();
    for letter in pattern.join("\n").chars() {
        match letter {
            '#' => expression += r"[0-9]+(\.[0-9]+)?",
            '[' => expression += "(",
            ']' => expression += ")?",
            '.' | '+' | '(' | ')' => expression.extend(['\\', letter]),
            _ => expression.push(letter),
        }
    }
    predicate::str::is_match(format!(r"\A{expression}\n\z")).unwrap()
}

/// Fast, and with patience for a busy machine.
const FAST: [&str; 4] = ["-i", "0.05", "-W", "3"];

/// Fast, and with little patience for what will not come.
const HASTY: [&str; 4] = ["-i", "0.05", "-W", "0.3"];

/// The line with the times. On a busy machine the next request may leave before the answer is read.
const TIMES: &str = "rtt min/avg/max/mdev = #/#/#/# ms[, pipe #]";

fn usage_errors_end_with_2() {
    for arguments in [
        &[][..],
        &["-c"],
        &["-c", "3"],
        &["-c", "0", "127.0.0.1"],
        &["-c", "x", "127.0.0.1"],
        &["-c", "-1", "127.0.0.1"],
        &["-i", "-1", "127.0.0.1"],
        &["-i", "x", "127.0.0.1"],
        &["-i", "nan", "127.0.0.1"],
        &["-i", "inf", "127.0.0.1"],
        &["-i", "1e300", "127.0.0.1"],
        &["-W", "-1", "127.0.0.1"],
        &["-s", "65508", "127.0.0.1"],
        &["-s", "-1", "127.0.0.1"],
        &["-t", "0", "127.0.0.1"],
        &["-t", "256", "127.0.0.1"],
        &["-z", "127.0.0.1"],
        &["127.0.0.1", "127.0.0.2"],
        &["fake-host"],
        &["fake-host", "nonsense"],
        &["broken-ping"],
        &["-c", "1", "listen", "127.0.0.1"],
    ] {
        ping(arguments).code(2).stdout("").stderr(predicate::str::starts_with("error: "));
    }
}

fn help_names_every_option_and_program() {
    let mut help = ping(&["--help"]).success();
    for word in ["-c", "-i", "-s", "-t", "-W", "-q", "listen", "fake-host", "broken-ping"]
    {
        help = help.stdout(predicate::str::contains(word));
    }
    for program in ["listen", "fake-host", "broken-ping"] {
        ping(&[program, "--help"]).success();
    }
}

fn an_unknown_host_ends_with_2() {
    for host in ["nosuch.invalid", "", "a b", "1.2.3.4.5", "%", "[::1]"] {
        ping(&["-c", "1", host])
            .code(2)
            .stdout("")
            .stderr(predicate::str::starts_with(format!("error: look up {host}: ")));
    }
}

fn a_host_out_of_reach_ends_with_2() {
    let Some(lab) = Lab::own() else { return };
    for host in ["192.0.2.1", "2001:db8::1", "255.255.255.255", "224.0.0.1"] {
        lab.run(&["-c", "1", host])
            .code(2)
            .stdout("")
            .stderr(predicate::str::starts_with(format!("error: reach {host}: ")));
    }
}

fn without_rights_both_ways_to_get_them_are_explained() {
    let Some(lab) = Lab::own() else { return };
    for host in ["127.0.0.1", "::1"] {
        assert_cmd::Command::from_std(lab.powerless(&["-c", "1", host]))
            .assert()
            .code(2)
            .stdout("")
            .stderr(
                predicate::str::starts_with("error: open a raw socket: ")
                    .and(predicate::str::contains("\nerror: open a datagram socket"))
                    .and(predicate::str::contains("setcap cap_net_raw+ep "))
                    .and(predicate::str::contains("net.ipv4.ping_group_range")),
            );
    }
    for program in [["listen"].as_slice(), &["fake-host", "none"]] {
        assert_cmd::Command::from_std(lab.powerless(program))
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::starts_with("error: open a raw socket: "));
    }
}

fn a_datagram_socket_needs_no_rights_where_its_group_is_allowed() {
    let Some(lab) = Lab::own() else { return };
    lab.set("ipv4/ping_group_range", "0 0");
    for host in ["127.0.0.1", "::1"] {
        let arguments = [&FAST[..], &["-c", "2", host]].concat();
        assert_cmd::Command::from_std(lab.powerless(&arguments))
            .assert()
            .success()
            .stderr("")
            .stdout(
                predicate::str::contains(format!(
                    "64 bytes from {host}: icmp_seq=2 time="
                ))
                .and(predicate::str::contains(
                    "\n2 packets transmitted, 2 received, 0% packet loss, time ",
                )),
            );
    }
}

fn the_lines_of_a_plain_run() {
    let Some(lab) = Lab::any() else { return };
    let ping = [&FAST[..], &["-c", "3", "127.0.0.1"]].concat();
    lab.run(&ping).success().stderr("").stdout(lines(&[
        "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.",
        "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms",
        "64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=# ms",
        "64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=# ms",
        "",
        "--- 127.0.0.1 ping statistics ---",
        "3 packets transmitted, 3 received, 0% packet loss, time #ms",
        TIMES,
    ]));
}

fn the_lines_over_ipv6() {
    let Some(lab) = Lab::own() else { return };
    let ping = [&FAST[..], &["-c", "2", "::1"]].concat();
    lab.run(&ping).success().stderr("").stdout(lines(&[
        "PING ::1 (::1) 56 data bytes",
        "64 bytes from ::1: icmp_seq=1 time=# ms",
        "64 bytes from ::1: icmp_seq=2 time=# ms",
        "",
        "--- ::1 ping statistics ---",
        "2 packets transmitted, 2 received, 0% packet loss, time #ms",
        TIMES,
    ]));
}

fn an_ipv4_address_in_the_form_of_ipv6_is_one() {
    let Some(lab) = Lab::any() else { return };
    lab.run(&["-c", "1", "::ffff:127.0.0.1"])
        .success()
        .stdout(predicate::str::starts_with("PING ::ffff:127.0.0.1 (127.0.0.1) 56"));
}

fn a_name_is_shown_with_its_address() {
    let Some(lab) = Lab::any() else { return };
    lab.run(&["-c", "1", "localhost"])
        .success()
        .stdout(
            predicate::str::is_match(r"\APING localhost \((127.0.0.1|::1)\) 56").unwrap(),
        )
        .stdout(predicate::str::contains("\n64 bytes from localhost ("))
        .stdout(predicate::str::contains("\n--- localhost ping statistics ---\n"));
}

fn an_address_that_means_this_machine_is_answered() {
    let Some(lab) = Lab::any() else { return };
    lab.run(&["-c", "1", "0.0.0.0"])
        .success()
        .stdout(predicate::str::starts_with("PING 0.0.0.0 (127.0.0.1) "));
}

fn little_data_is_not_timed() {
    let Some(lab) = Lab::any() else { return };
    for size in [0, 1, 15] {
        let bytes = size + 8;
        lab.run(&["-c", "1", "-s", &size.to_string(), "127.0.0.1"]).success().stdout(
            lines(&[
                &format!(
                    "PING 127.0.0.1 (127.0.0.1) {size}({}) bytes of data.",
                    size + 28
                ),
                &format!("{bytes} bytes from 127.0.0.1: icmp_seq=1 ttl=64"),
                "",
                "--- 127.0.0.1 ping statistics ---",
                "1 packets transmitted, 1 received, 0% packet loss, time 0ms",
                "",
            ]),
        );
    }
}

fn any_size_comes_back() {
    let Some(lab) = Lab::any() else { return };
    for size in [16, 17, 57, 1471, 1473, 65_506, 65_507] {
        lab.run(&["-c", "1", "-s", &size.to_string(), "127.0.0.1"])
            .success()
            .stdout(predicate::str::contains(format!("\n{} bytes from ", size + 8)))
            .stdout(predicate::str::contains("wrong data").not());
    }
}

fn the_largest_size_over_ipv6() {
    let Some(lab) = Lab::own() else { return };
    lab.run(&["-c", "1", "-s", "65507", "::1"])
        .success()
        .stdout(predicate::str::contains("\n65515 bytes from ::1: icmp_seq=1 time="));
}

fn sequence_numbers_wrap_and_nothing_is_lost() {
    wrap_sequence_numbers("127.0.0.1");
}

fn over_ipv6_sequence_numbers_wrap_and_nothing_is_lost() {
    wrap_sequence_numbers("::1");
}

fn wrap_sequence_numbers(host: &str) {
    let Some(lab) = Lab::own() else { return };
    let ping = lab.ping(&["-q", "-c", "65600", "-i", "0", host]);
    assert_cmd::Command::from_std(ping)
        .timeout(6 * PATIENCE) // a second or so on an idle machine
        .assert()
        .success()
        .stdout(
            predicate::str::contains(
                "\n65600 packets transmitted, 65600 received, 0% packet loss, time ",
            )
            .and(predicate::str::contains("ipg/ewma ")),
        );
}

fn the_first_hop_is_enough_on_loopback() {
    let Some(lab) = Lab::any() else { return };
    lab.run(&["-c", "1", "-t", "1", "127.0.0.1"])
        .success()
        .stdout(predicate::str::contains(" ttl=64 ")); // the ttl of the answer, not ours
}

fn our_own_request_is_not_an_answer() {
    let Some(lab) = Lab::own() else { return };
    lab.set("ipv4/icmp_echo_ignore_all", "1");
    let ping = [&HASTY[..], &["-c", "2", "127.0.0.1"]].concat();
    lab.run(&ping).code(1).stderr("").stdout(lines(&[
        "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.",
        "",
        "--- 127.0.0.1 ping statistics ---",
        "2 packets transmitted, 0 received, 100% packet loss, time #ms",
        "",
    ]));
    lab.set("ipv6/icmp/echo_ignore_all", "1");
    let ping = [&HASTY[..], &["-c", "2", "::1"]].concat();
    lab.run(&ping)
        .code(1)
        .stdout(predicate::str::contains("\n2 packets transmitted, 0 received, 100% "));
}

fn two_pings_at_once_do_not_mix_up_their_answers() {
    let Some(lab) = Lab::any() else { return };
    let arguments = ["-i", "0.01", "-c", "20", "127.0.0.1"];
    let pings = [(); 4].map(|()| Session::start_command(lab.ping(&arguments)));
    for ping in pings {
        let (lines, status) = ping.end();
        assert!(status.success());
        let count = "20 packets transmitted, 20 received, 0% packet loss, time ";
        assert!(lines.iter().any(|line| line.starts_with(count)), "{lines:?}");
    }
}

/// Three pings to a host with a defect: the exit status, and the lines after the first.
#[track_caller]
fn ping_fake_host(defect: &str, code: i32, expected: &[&str]) {
    let Some(lab) = Lab::own() else { return };
    let _host = lab.fake_host(defect);
    let title = ["PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data."];
    let pace = if expected == NOTHING { HASTY } else { FAST };
    let ping = [&pace[..], &["-c", "3", "127.0.0.1"]].concat();
    lab.run(&ping).code(code).stderr("").stdout(lines(&[&title, expected].concat()));
}

/// What is left when no answer was good.
const NOTHING: [&str; 4] = [
    "",
    "--- 127.0.0.1 ping statistics ---",
    "3 packets transmitted, 0 received, 100% packet loss, time #ms",
    "",
];

fn a_host_without_a_defect() {
    ping_fake_host(
        "none",
        0,
        &[
            "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms",
            "64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=# ms",
            "64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=# ms",
            "",
            "--- 127.0.0.1 ping statistics ---",
            "3 packets transmitted, 3 received, 0% packet loss, time #ms",
            TIMES,
        ],
    );
}

fn lost_answers_are_counted() {
    ping_fake_host(
        "lossy",
        0,
        &[
            "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms",
            "64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=# ms",
            "",
            "--- 127.0.0.1 ping statistics ---",
            "3 packets transmitted, 2 received, 33.3333% packet loss, time #ms",
            TIMES,
        ],
    );
}

fn duplicates_are_marked_and_not_counted_as_received() {
    ping_fake_host(
        "twice",
        0,
        &[
            "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms",
            "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms (DUP!)",
            "64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=# ms",
            "64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=# ms (DUP!)",
            "64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=# ms",
            "",
            "--- 127.0.0.1 ping statistics ---",
            "3 packets transmitted, 3 received, +2 duplicates, 0% packet loss, time #ms",
            TIMES,
        ],
    );
}

fn a_late_answer_belongs_to_its_own_request() {
    ping_fake_host(
        "late",
        0,
        &[
            "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms",
            "64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=# ms",
            "",
            "--- 127.0.0.1 ping statistics ---",
            "3 packets transmitted, 2 received, 33.3333% packet loss, time #ms",
            TIMES,
        ],
    );
}

fn what_is_not_an_answer_to_us_is_ignored() {
    let Some(_) = Lab::own() else { return }; // said here, where the thread has the test's name
    let defects = ["wrong-id", "future", "stranger", "forged", "tiny", "others-error"];
    thread::scope(|scope| {
        for defect in defects {
            scope.spawn(move || ping_fake_host(defect, 1, &NOTHING));
        }
    });
}

fn a_wrong_checksum_is_shown_and_is_no_answer() {
    let Some(lab) = Lab::own() else { return };
    let _host = lab.fake_host("wrong-checksum");
    // It would go on waiting for a good answer. Once it has shown the bad ones, that is enough.
    let arguments = ["-i", "0.05", "-W", "1000", "-c", "3", "127.0.0.1"];
    let mut ping = Session::start_command(lab.ping(&arguments));
    let mut printed: Vec<String> = (0..4).map(|_| ping.line()).collect();
    ping.signal(Signal::SIGINT);
    let (rest, status) = ping.end();
    assert_eq!(status.code(), Some(1));
    printed.extend(rest);
    let expected = lines(&[
        "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.",
        "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms (BAD CHECKSUM!)",
        "64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=# ms (BAD CHECKSUM!)",
        "64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=# ms (BAD CHECKSUM!)",
        "",
        "--- 127.0.0.1 ping statistics ---",
        "3 packets transmitted, 0 received, +3 corrupted, 100% packet loss, time #ms",
        "",
    ]);
    assert!(expected.eval(&(printed.join("\n") + "\n")), "{printed:?}");
}

fn changed_data_is_shown_byte_by_byte() {
    let Some(lab) = Lab::own() else { return };
    let _host = lab.fake_host("wrong-data");
    lab.run(&["-c", "1", "-s", "18", "127.0.0.1"]).success().stdout(
        predicate::str::contains(
            " ms\nwrong data byte #17 should be 0x11 but was 0x10\n",
        )
        .and(predicate::str::contains("\n#16\t10 10 \n")),
    );
}

fn a_short_answer_is_truncated_and_not_timed() {
    ping_fake_host(
        "short",
        0,
        &[
            "12 bytes from 127.0.0.1: icmp_seq=1 ttl=64 (truncated)",
            "12 bytes from 127.0.0.1: icmp_seq=2 ttl=64 (truncated)",
            "12 bytes from 127.0.0.1: icmp_seq=3 ttl=64 (truncated)",
            "",
            "--- 127.0.0.1 ping statistics ---",
            "3 packets transmitted, 3 received, 0% packet loss, time #ms",
            "[pipe #]",
        ],
    );
}

fn errors_are_shown_and_counted() {
    for (defect, reason) in [
        ("unreachable", "Destination Port Unreachable"),
        ("expired", "Time to live exceeded"),
    ] {
        let line = |sequence| format!("From 127.0.0.1 icmp_seq={sequence} {reason}");
        ping_fake_host(
            defect,
            1,
            &[
                &line(1),
                &line(2),
                &line(3),
                "",
                "--- 127.0.0.1 ping statistics ---",
                "3 packets transmitted, 0 received, +3 errors, 100% packet loss, time #ms",
                "[pipe #]",
            ],
        );
    }
}

fn quiet_counts_duplicates() {
    quiet_ping_of_fake_host("twice", "3 received, +2 duplicates, 0%");
}

fn quiet_counts_wrong_checksums() {
    quiet_ping_of_fake_host("wrong-checksum", "0 received, +3 corrupted, 100%");
}

fn quiet_counts_errors() {
    quiet_ping_of_fake_host("unreachable", "0 received, +3 errors, 100%");
}

/// Only the first line and the summary are printed.
fn quiet_ping_of_fake_host(defect: &str, count: &str) {
    let Some(lab) = Lab::own() else { return };
    let _host = lab.fake_host(defect);
    let ping = ["-i", "0.05", "-W", "1.5", "-q", "-c", "3", "127.0.0.1"];
    let output = lab.run(&ping).get_output().stdout.clone();
    let output = String::from_utf8(output).unwrap();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[1..3], ["", "--- 127.0.0.1 ping statistics ---"], "{output}");
    assert!(lines[3].contains(count), "{output}");
    assert_eq!(lines.len(), 5);
}

fn without_answers_it_waits_as_long_as_told() {
    let Some(lab) = Lab::own() else { return };
    lab.set("ipv4/icmp_echo_ignore_all", "1");
    let started = Instant::now();
    lab.run(&["-c", "1", "-W", "0.5", "127.0.0.1"]).code(1);
    assert!(started.elapsed() >= Duration::from_millis(500));
    // An answer ends the wait.
    lab.set("ipv4/icmp_echo_ignore_all", "0");
    let started = Instant::now();
    lab.run(&["-c", "1", "-W", "1000", "127.0.0.1"]).success();
    assert!(started.elapsed() < Duration::from_secs(5));
}

fn an_interface_that_goes_down_is_said_and_survived() {
    let Some(lab) = Lab::own() else { return };
    let mut ping = Session::start_command(lab.ping(&["-i", "0.05", "127.0.0.1"]));
    ping.expect("PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.");
    ping.line();
    let down = lab.command(&["ip", "link", "set", "lo", "down"]).status().unwrap();
    assert!(down.success());
    // Depending on the system sending fails, or the answers are missing.
    lab.command(&["ip", "link", "set", "lo", "up"]).status().unwrap();
    ping.line();
    ping.signal(Signal::SIGINT);
    assert_eq!(ping.end().1.code(), Some(0));
}

/// A ping that waits for the time of its second request.
fn waiting_ping(lab: &Lab) -> Session {
    let mut ping = Session::start_command(lab.ping(&["-i", "1000", "127.0.0.1"]));
    ping.line();
    assert!(ping.line().starts_with("64 bytes from "));
    ping
}

fn ctrl_c_prints_the_summary_at_once() {
    let Some(lab) = Lab::any() else { return };
    let mut ping = waiting_ping(&lab);
    let pressed = Instant::now();
    ping.signal(Signal::SIGINT);
    ping.expect("");
    ping.expect("--- 127.0.0.1 ping statistics ---");
    ping.expect("1 packets transmitted, 1 received, 0% packet loss, time 0ms");
    assert!(ping.line().starts_with("rtt min/avg/max/mdev = "));
    let (rest, status) = ping.end();
    assert!(rest.is_empty(), "{rest:?}");
    assert!(status.success());
    assert!(pressed.elapsed() < Duration::from_secs(2), "{:?}", pressed.elapsed());
}

fn sigquit_tells_how_things_stand_and_sigterm_ends_without_a_word() {
    let Some(lab) = Lab::any() else { return };
    let mut ping = waiting_ping(&lab);
    ping.signal(Signal::SIGQUIT);
    let line = ping.line();
    let start = "\r1/1 packets, 0% loss, min/avg/ewma/max = ";
    assert!(line.starts_with(start) && line.ends_with(" ms"), "{line:?}");
    ping.signal(Signal::SIGTERM);
    let (rest, status) = ping.end();
    assert!(rest.is_empty(), "{rest:?}");
    assert_eq!(status.signal(), Some(Signal::SIGTERM as i32));
}

fn ctrl_c_without_an_answer_ends_with_1() {
    let Some(lab) = Lab::own() else { return };
    lab.set("ipv4/icmp_echo_ignore_all", "1");
    let mut ping = Session::start_command(lab.ping(&["-c", "1", "127.0.0.1"]));
    ping.line();
    // It waits for the last answer now.
    ping.signal(Signal::SIGINT);
    let (lines, status) = ping.end();
    assert_eq!(lines[1], "--- 127.0.0.1 ping statistics ---");
    assert!(lines[2].contains(" 0 received"), "{lines:?}");
    assert_eq!(status.code(), Some(1));
}

fn a_closed_stdout_ends_it_without_a_panic() {
    let Some(lab) = Lab::any() else { return };
    let mut command = lab.ping(&["-i", "0.01", "127.0.0.1"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut ping = command.spawn().unwrap();
    let mut first_line = String::new();
    {
        let mut stdout = BufReader::new(ping.stdout.take().unwrap());
        stdout.read_line(&mut first_line).unwrap();
    } // Here the reading end of the pipe is closed, as `head -1` does.
    assert!(first_line.starts_with("PING "));
    let output = ping.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("error: print: ") && stderr.lines().count() == 1,
        "{stderr}"
    );
}

fn a_full_disk_and_a_closed_stderr_are_no_panic() {
    let Some(lab) = Lab::any() else { return };
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = lab.ping(&["-c", "1", "127.0.0.1"]);
    let status = command.stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

fn a_broken_checksum_gets_no_answer() {
    let Some(lab) = Lab::own() else { return };
    lab.run(&["broken-ping", "wrong-checksum"])
        .code(1)
        .stdout("a message of type 8\nno answer within a second\n");
}

fn who_looks_for_an_identifier_of_its_own_gets_no_answer() {
    let Some(lab) = Lab::own() else { return };
    lab.set("ipv4/ping_group_range", "0 0");
    lab.run(&["broken-ping", "own-id"])
        .code(1)
        .stdout(predicate::str::ends_with("no answer within a second\n"));
}

fn the_broken_pings_break_as_the_lesson_says() {
    let Some(lab) = Lab::own() else { return };
    lab.set("ipv4/ping_group_range", "0 0");
    lab.run(&["broken-ping", "no-ip-header"])
        .code(1)
        .stdout("33 bytes, type 69: this is no answer\n".repeat(2));
    lab.set("ipv4/icmp_echo_ignore_all", "1");
    lab.run(&["broken-ping", "first-packet"])
        .success()
        .stdout("13 bytes from 127.0.0.1: it works\n");
}
