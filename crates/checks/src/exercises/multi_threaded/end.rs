//! How the server ends: at once when nobody is there, and otherwise with all answers given.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use transcript::program::Signal;

use super::{ATTEMPTS, BUSY, exchange, message};
use crate::bench::{Bench, Story, Student, ended};
use crate::bytes::quoted;
use crate::finding::Finding;
use crate::processes;
use crate::sockets::{self, counted};
use crate::tcp::{Client, StreamEnd};

pub fn stops(bench: &mut Bench) -> Result<(), Finding> {
    /// The task says a second.
    const AT_ONCE: Duration = Duration::from_millis(1500);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (student, server) = bench.start_server(&[])?;
        bench.signal(student, signal);
        let status = bench.await_end(student, AT_ONCE).map_err(|finding| {
            let finding =
                finding.wanted("the end within a second: no client is connected");
            if bench.await_end(student, bench.patience).is_ok() {
                return finding.saw("later it ended by itself");
            }
            // If a connection ends it, it was asleep in `accept`.
            let knock = bench.connect("ann", server);
            let woken = knock.is_ok() && bench.await_end(student, bench.patience).is_ok();
            match woken {
                true => {
                    finding.saw("when a client came, it ended").diagnosis("flag-only")
                }
                false => finding,
            }
        })?;
        ended_well(status).map_err(|finding| match signal {
            Signal::SIGINT => finding,
            // Somebody does catch signals, but not this one.
            _ => Finding { diagnosis: None, ..finding }.saw("SIGINT had ended it well"),
        })?;
        says_at_last(bench, student, 0)?;
    }
    Ok(())
}

pub fn idle_end(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    exchange(bench, &mut ann)?;
    let mut bob = bench.connect("bob", server)?;
    exchange(bench, &mut bob)?;
    bench.signal(student, Signal::SIGINT);
    match await_end(bench, student) {
        Ok(status) => ended_well(status)?,
        Err(finding) => {
            ann.leave();
            bob.leave();
            return Err(match bench.await_end(student, bench.patience) {
                Ok(_) => finding
                    .saw("when the idle clients had left, it ended")
                    .diagnosis("waits-for-idle"),
                Err(_) => finding,
            });
        }
    }
    ann.expect_to_the_end(b"")?;
    bob.expect_to_the_end(b"")
}

pub fn counts(bench: &mut Bench) -> Result<(), Finding> {
    const SURPLUS: usize = 3;
    const ROUNDS: usize = 5;
    let crowd = bench.random.usize(20..=30);
    let (student, server) = bench.start_server(&["--limit", &crowd.to_string()])?;
    bench.story.tell(format!(
        "{crowd} clients connect; each sends {ROUNDS} messages, all at the same time"
    ));
    let quiet = Story::default();
    let mut guests = Vec::new();
    for number in 1..=crowd {
        let name = format!("client {number}");
        guests.push(Client::connect(&name, server, bench.patience, &quiet)?);
    }
    for _ in 0..ROUNDS {
        let messages: Vec<Vec<u8>> = guests.iter().map(|_| message(bench)).collect();
        for (guest, message) in guests.iter_mut().zip(&messages) {
            guest.send(message)?;
        }
        for (guest, message) in guests.iter_mut().zip(&messages).rev() {
            guest.expect(message)?;
        }
    }
    bench.story.tell(format!("{SURPLUS} more clients come, and are told `busy`"));
    for number in 1..=SURPLUS {
        let name = format!("client {}", crowd + number);
        Client::connect(&name, server, bench.patience, &quiet)?
            .expect_to_the_end(BUSY)?;
    }
    bench.story.tell("all but one of the clients leave at the same time");
    guests.truncate(1);
    bench.signal(student, Signal::SIGTERM);
    ended_well(await_end(bench, student)?)?;
    says_at_last(bench, student, crowd).map_err(|finding| {
        let with_refused = served(crowd + SURPLUS);
        match finding.saw.iter().any(|line| line.contains(&with_refused)) {
            true => finding.diagnosis("counts-refused"),
            false => finding,
        }
    })
}

pub fn last_answers(bench: &mut Bench) -> Result<(), Finding> {
    for _ in 0..ATTEMPTS {
        if fetches_last_answers(bench)? {
            return Ok(());
        }
        bench.story.tell("this machine was too slow for ann, so all begins once more");
    }
    Err(Finding::ours("this machine is too busy: no client could fetch its answers"))
}

/// Whether ann got all her answers; it says nothing about the program if she was too slow.
fn fetches_last_answers(bench: &mut Bench) -> Result<bool, Finding> {
    /// So much time a client has, says the task.
    const GRACE: Duration = Duration::from_secs(1);
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    let sent = ann.send_until_stuck(&mut bench.random)?;
    bench.signal(student, Signal::SIGTERM);
    let signalled = Instant::now();
    await_closed_door(bench, server);
    if let Err(finding) = ann.expect_to_the_end(&sent) {
        let after = signalled.elapsed();
        if after >= GRACE && ann.read(1).1 != Some(StreamEnd::Silent) {
            return Ok(false);
        }
        let finding = finding
            .saw(format!("{} ms after the signal", after.as_millis()))
            .wanted("all that had arrived before the signal is answered");
        let is_part = (1..sent.len()).contains(&finding.received.len());
        return Err(match is_part && sent.starts_with(&finding.received) {
            true => finding.diagnosis("cut-off"),
            false => finding,
        });
    }
    ended_well(await_end(bench, student)?)?;
    Ok(true)
}

pub fn no_one_new(bench: &mut Bench) -> Result<(), Finding> {
    for _ in 0..ATTEMPTS {
        if serves_no_one_new(bench)? {
            return Ok(());
        }
        bench
            .story
            .tell("your program had ended before bob came, so all begins once more");
    }
    Ok(()) // Whoever ends at once serves nobody.
}

/// Whether bob came before the end, and was not served.
fn serves_no_one_new(bench: &mut Bench) -> Result<bool, Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    ann.send_until_stuck(&mut bench.random)?; // So the end will take some time.
    bench.signal(student, Signal::SIGINT);
    let signalled = Instant::now();
    await_closed_door(bench, server);
    bench.story.tell("bob comes, and again and again as long as he is served");
    let mut times = 0;
    let still_served = loop {
        if !is_served(bench, server) {
            break false;
        }
        times += 1;
        if signalled.elapsed() > ALLOWED {
            break true;
        }
        thread::sleep(Duration::from_millis(20)); // why: he comes again a little later
    };
    if times == 0 {
        return Ok(bench.is_running(student));
    }
    // On a busy machine even a good program may hear the signal late. Then it goes on for a while
    // after it has closed the door: ann still has her time.
    const A_WHILE: Duration = Duration::from_millis(200);
    if !still_served && bench.await_end(student, A_WHILE).is_err() {
        return Ok(true);
    }
    let after = signalled.elapsed();
    Err(Finding::new("clients that come after the signal are served")
        .saw(format!(
            "bob was served {}, the last time up to {} ms after the signal",
            counted(times, "time", "times"),
            after.as_millis()
        ))
        .wanted("nobody who comes later than half a second after the signal is served"))
}

/// Whether a client gets a place and an answer.
fn is_served(bench: &mut Bench, server: SocketAddr) -> bool {
    let quiet = Story::default();
    let Ok(mut bob) = Client::connect("bob", server, bench.patience, &quiet) else {
        return false;
    };
    let question = message(bench);
    bob.send(&question).is_ok() && bob.expect(&question).is_ok()
}

pub fn ends_anyway(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    ann.send_until_stuck(&mut bench.random)?;
    bench.signal(student, Signal::SIGTERM);
    let status = await_end(bench, student)
        .map_err(|finding| finding.wanted("although ann does not take her answers"))?;
    ended_well(status)?;
    says_at_last(bench, student, 1)
}

/// Waits until the signal has been heard: nobody listens any more, or half a second has passed, and
/// the program has had its turn since.
fn await_closed_door(bench: &Bench, server: SocketAddr) {
    const LEAST: Duration = Duration::from_millis(500);
    const MOST: Duration = Duration::from_millis(800);
    let start = Instant::now();
    while sockets::listens(server) && start.elapsed() < MOST {
        if start.elapsed() > LEAST && processes::all_sleep() {
            break;
        }
        thread::sleep(Duration::from_millis(1)); // why: the signal takes a moment to be heard
    }
    bench.story.tell(match sockets::listens(server) {
        true => "half a second passes",
        false => "your server does not listen any more",
    });
}

/// The end may take so long, says the task.
const ALLOWED: Duration = Duration::from_secs(2);

/// Waits for the end after a signal, for as long as the task allows it to take.
fn await_end(bench: &mut Bench, student: Student) -> Result<ExitStatus, Finding> {
    bench
        .await_end(student, ALLOWED + bench.patience / 2)
        .map_err(|finding| finding.wanted("the end within 2 s after the signal"))
}

fn ended_well(status: ExitStatus) -> Result<(), Finding> {
    if status.success() {
        return Ok(());
    }
    let finding = Finding::new("your server ends as if something had gone wrong")
        .saw(format!("it ended with {}", ended(status)))
        .wanted("status 0: to be told to end is nothing bad");
    let by_ours = [Signal::SIGINT, Signal::SIGTERM].map(|signal| Some(signal as i32));
    Err(match by_ours.contains(&status.signal()) {
        true => finding.diagnosis("killed"),
        false => finding,
    })
}

/// The last line tells how many clients there were.
fn says_at_last(
    bench: &mut Bench,
    student: Student,
    clients: usize,
) -> Result<(), Finding> {
    let wanted = served(clients);
    let last = bench.printed(student).pop().unwrap_or_default();
    if last == wanted {
        return Ok(());
    }
    Err(Finding::new("the last line is not what is asked")
        .saw(quoted(last.as_bytes()))
        .wanted(format!("`{wanted}`")))
}

fn served(clients: usize) -> String {
    format!("served {clients} clients")
}
