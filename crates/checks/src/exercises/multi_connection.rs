//! The echo server that numbers its clients, survives them, and sums up each in one line.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::thread;
use std::time::Duration;

use crate::bench::{Bench, Student, WITHOUT_ERRORS};
use crate::bytes::quoted;
use crate::exercise::Check;
use crate::finding::Finding;
use crate::sockets;
use crate::tcp::{Client, StreamEnd, wait_until};

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    Check { id: "starts", needs: &[], run: starts },
    Check { id: "echo", needs: &["starts"], run: echo },
    Check { id: "sums-up", needs: &["echo"], run: sums_up },
    Check { id: "in-turn", needs: &["sums-up"], run: in_turn },
    Check { id: "leaves-at-once", needs: &["in-turn"], run: leaves_at_once },
    Check { id: "waits", needs: &["in-turn"], run: waits },
    Check { id: "reset", needs: &["in-turn"], run: reset },
    Check { id: "gone", needs: &["waits", "reset"], run: gone },
];

/// Longer than a server should wait that has lost its patience with a silent client.
const SILENCE: Duration = Duration::from_millis(800);

fn starts(bench: &mut Bench) -> Result<(), Finding> {
    bench.start_server(&[]).map(drop)
}

fn echo(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    let first = letters(bench, 5..20);
    ann.send(&first)?;
    ann.expect(&first).map_err(|finding| ann.explain_silence(finding, &first))?;
    exchange(bench, &mut ann, 5..20).map_err(|finding| {
        let got = &finding.received;
        // It comes in front of the second answer.
        if !got.is_empty() && got.iter().take(5).all(|&byte| byte == 0) {
            return finding.diagnosis("whole-buffer");
        }
        let closed = got.is_empty() && has_ended(&mut ann) && bench.is_running(student);
        if closed { finding.diagnosis("first-read-only") } else { finding }
    })?;
    let all = all_bytes(bench);
    ann.send(&all)?;
    ann.expect(&all)?;
    let message = letters(bench, 20..40);
    ann.send_one_by_one(&message)?;
    ann.expect(&message)
}

fn sums_up(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    let mut total = 0;
    for size in [20..40, 2000..5000, 20..40] {
        total += exchange(bench, &mut ann, size)?;
    }
    ann.half_close();
    ann.expect_to_the_end(b"").map_err(|finding| {
        let printed = bench.printed(student);
        let knows = printed.iter().any(|line| *line == sum(1, total, "ended"));
        let is_open = finding.saw.iter().any(|line| line.starts_with("waited"));
        if knows && is_open { finding.diagnosis("keeps-stream") } else { finding }
    })?;
    expect_sum(bench, student, &[], &sum(1, total, "ended")).map_err(|finding| {
        // Every message was read at once before the next was sent.
        let is_number_of_reads = finding.received == sum(1, 3, "ended").as_bytes();
        if is_number_of_reads { finding.diagnosis("counts-reads") } else { finding }
    })?;
    sums_up_on_stdout(bench)
}

fn sums_up_on_stdout(bench: &mut Bench) -> Result<(), Finding> {
    bench.story.tell("once more, and the server's standard error is thrown away:");
    let server = bench.free_port();
    let student =
        bench.start_through(&WITHOUT_ERRORS, &["--listen", &server.to_string()])?;
    bench.await_listening(student, server).map_err(|finding| {
        let listens = sockets::listens(server);
        if listens { finding.diagnosis("wrong-stream") } else { finding }
    })?;
    let (_, served) = serve_one(bench, student, server, ("bob", 20..40), &[], 1);
    served.map_err(|finding| {
        let says_nothing = bench.printed(student).len() == 1;
        if says_nothing { finding.diagnosis("wrong-stream") } else { finding }
    })
}

fn in_turn(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut sums: Vec<String> = Vec::new();
    let mut total = 0;
    for (number, name) in [(1, "ann"), (2, "bob"), (3, "carol")] {
        let (count, served) =
            serve_one(bench, student, server, (name, 20..200), &sums, number);
        total += count;
        served.map_err(|finding| {
            match finding.received == sum(number, total, "ended").as_bytes() {
                true => finding.diagnosis("running-total"),
                false if number == 2 => bench.or_ended(student, finding, "only-one"),
                false => finding,
            }
        })?;
        sums.push(sum(number, count, "ended"));
    }
    // A second line about somebody is there before the next one is served.
    let told = bench.printed(student);
    let told = told.iter().filter(|line| line.starts_with("client "));
    let last = sums.last().cloned().unwrap_or_default();
    let told: Vec<&String> = told.take_while(|line| **line != last).collect();
    if told.len() < sums.len() {
        return Ok(());
    }
    Err(Finding::new("your server says more about its clients than one line for each")
        .saw(format!("{} lines about the first {}", told.len(), sums.len() - 1))
        .wanted("one line, when it is over with a client"))
}

fn leaves_at_once(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    bench.connect("ann", server)?.leave();
    let first = sum(1, 0, "ended");
    expect_sum(bench, student, &[], &first)?;
    // One byte is as little as one can say: `bytes` is the word also for it.
    serve_one(bench, student, server, ("bob", 1..2), &[first], 2).1
}

fn waits(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    let mut bob = bench.connect("bob", server)?;
    let message = letters(bench, 20..40);
    bob.send(&message)?;
    bench.story.tell("ann is silent");
    thread::sleep(SILENCE); // why: to be silent is what she does here

    let count = exchange(bench, &mut ann, 5..20).map_err(|finding| {
        let sent_away = has_ended(&mut ann) && bench.is_running(student);
        if sent_away { finding.diagnosis("time-limit") } else { finding }
    })?;
    ann.half_close();
    ann.expect_to_the_end(b"")?;
    // First her line, then his end: a server that serves both at the same time prints in this order,
    // too.
    let first = sum(1, count, "ended");
    expect_sum(bench, student, &[], &first)?;
    bob.expect(&message)?;
    bob.leave();
    expect_sum(bench, student, &[first], &sum(2, message.len(), "ended"))
}

fn reset(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    // All that she sends comes back before she resets: so it is certain how many bytes were read.
    let count =
        exchange(bench, &mut ann, 100..500)? + exchange(bench, &mut ann, 100..500)?;
    ann.reset();
    let first = sum(1, count, "reset");
    expect_sum(bench, student, &[], &first).map_err(|finding| {
        let got = &finding.received;
        if *got == sum(1, count, "ended").as_bytes() {
            finding.diagnosis("takes-reset-for-end")
        } else if *got == sum(1, 0, "reset").as_bytes() {
            finding.diagnosis("loses-count")
        } else {
            bench.or_ended(student, finding, "dies-with-client")
        }
    })?;
    let before = [first];
    let (count, served) = serve_one(bench, student, server, ("bob", 20..200), &before, 2);
    served.map_err(|finding| {
        match finding.received == sum(1, count, "ended").as_bytes() {
            true => finding.diagnosis("skips-number"),
            false => bench.or_ended(student, finding, "dies-with-client"),
        }
    })?;
    // Who has said nothing is a client, too.
    let before = [before[0].clone(), sum(2, count, "ended")];
    let carol = bench.connect("carol", server)?;
    await_accept(bench, server);
    carol.reset();
    expect_sum(bench, student, &before, &sum(3, 0, "reset"))
        .map_err(|finding| bench.or_ended(student, finding, "dies-with-client"))
}

/// Waits until nobody waits in the queue of the server.
fn await_accept(bench: &Bench, server: SocketAddr) {
    let door = || sockets::find(server, (Ipv4Addr::UNSPECIFIED, 0).into());
    wait_until(bench.patience, || door().is_none_or(|door| door.unread == 0));
}

fn gone(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let ann = bench.connect("ann", server)?;
    bench.story.tell("ann is silent, so a server for one client at a time is busy");
    let mut bob = bench.connect("bob", server)?;
    let message = letters(bench, 50..60); // More than carol: so their lines are not the same.
    bob.send(&message)?;
    bob.await_arrival();
    bob.reset(); // Who serves him now can read what he has sent, and not write any more.
    ann.leave();
    serve_behind_gone(bench, student, server).map_err(|finding| {
        let finding = bench.or_ended(student, finding, "dies-with-client");
        let printed = bench.printed(student).concat();
        match finding.diagnosis.is_some() && printed.contains("not connected") {
            true => finding.diagnosis("asks-who-it-was"),
            false => finding,
        }
    })
}

/// Carol comes behind a client that has gone. That one has a number only if `accept` has returned
/// it: Linux does that, and other systems may not.
fn serve_behind_gone(
    bench: &mut Bench,
    student: Student,
    server: SocketAddr,
) -> Result<(), Finding> {
    let mut carol = bench.connect("carol", server)?;
    let count = exchange(bench, &mut carol, 20..40)?;
    carol.half_close();
    carol.expect_to_the_end(b"")?;
    let (second, third) = (sum(2, count, "ended"), sum(3, count, "ended"));
    let wanted = format!("the line `{third}`");
    bench.await_line(student, &wanted, |line| line == second || line == third)?;
    let ended = |line: &String| line.starts_with("client 2: ") && line.ends_with("ended");
    match bench.printed(student).into_iter().find(ended) {
        Some(line) if line != second => {
            Err(Finding::new("your server says that bob has ended, but he was lost")
                .saw(quoted(line.as_bytes()))
                .wanted("`reset` at its end: no answer can be written to him")
                .diagnosis("takes-lost-for-end"))
        }
        _ => Ok(()),
    }
}

/// The line that sums up a client.
fn sum(number: u32, bytes: usize, end: &str) -> String {
    format!("client {number}: {bytes} bytes, {end}")
}

/// Serves a client from its first byte to the line about it. Returns how many bytes it has sent.
fn serve_one(
    bench: &mut Bench,
    student: Student,
    server: SocketAddr,
    (name, size): (&str, Range<usize>),
    before: &[String],
    number: u32,
) -> (usize, Result<(), Finding>) {
    let message = letters(bench, size);
    let talk = |bench: &mut Bench| -> Result<(), Finding> {
        let mut client = bench.connect(name, server)?;
        client.send(&message)?;
        client.expect(&message)?;
        client.half_close();
        client.expect_to_the_end(b"")?;
        expect_sum(bench, student, before, &sum(number, message.len(), "ended"))
    };
    (message.len(), talk(bench))
}

/// Waits for the next line about a client: one that is not among those `before`.
fn expect_sum(
    bench: &mut Bench,
    student: Student,
    before: &[String],
    wanted: &str,
) -> Result<(), Finding> {
    let is_next =
        |line: &str| line.starts_with("client ") && !before.iter().any(|b| b == line);
    let line = bench.await_line(student, &format!("the line `{wanted}`"), is_next)?;
    if line == wanted {
        return Ok(());
    }
    let finding = Finding::new("your server says something else about a client")
        .saw(quoted(line.as_bytes()))
        .wanted(quoted(wanted.as_bytes()));
    Err(Finding { received: line.into_bytes(), ..finding })
}

/// Sends letters by chance, and waits until they have come back. Returns how many there were.
fn exchange(
    bench: &mut Bench,
    client: &mut Client,
    size: Range<usize>,
) -> Result<usize, Finding> {
    let message = letters(bench, size);
    client.send(&message)?;
    client.expect(&message)?;
    Ok(message.len())
}

/// Whether the server has ended or reset the client's connection.
fn has_ended(client: &mut Client) -> bool {
    matches!(client.read(1).1, Some(StreamEnd::Closed | StreamEnd::Reset))
}

/// Letters by chance, and no newline: nobody may wait for one.
fn letters(bench: &mut Bench, size: Range<usize>) -> Vec<u8> {
    let size = bench.random.usize(size);
    (0..size).map(|_| bench.random.alphanumeric() as u8).collect()
}

/// All that a byte can be, in an order by chance.
fn all_bytes(bench: &mut Bench) -> Vec<u8> {
    let mut all: Vec<u8> = (0..=255).collect();
    bench.random.shuffle(&mut all);
    all
}
