//! The server for many clients at a time: limit, idle clients, counter, clean end.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use transcript::program::Signal;

use crate::bench::{Bench, Story, Student, ended};
use crate::bytes::quoted;
use crate::exercise::Check;
use crate::finding::Finding;
use crate::processes;
use crate::sockets::{self, counted};
use crate::tcp::{Client, StreamEnd};

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    Check { id: "starts", needs: &[], run: starts },
    Check { id: "echo", needs: &["starts"], run: echo },
    Check { id: "side-by-side", needs: &["echo"], run: side_by_side },
    Check { id: "limit", needs: &["side-by-side"], run: limit },
    Check { id: "free-place", needs: &["limit"], run: free_place },
    Check { id: "breaks", needs: &["free-place"], run: breaks },
    Check { id: "idle", needs: &["echo"], run: idle },
    Check { id: "talks-on", needs: &["idle"], run: talks_on },
    Check { id: "idle-place", needs: &["free-place", "idle"], run: idle_place },
    Check { id: "stops", needs: &["starts"], run: stops },
    Check { id: "idle-end", needs: &["side-by-side", "stops"], run: idle_end },
    Check { id: "counts", needs: &["limit", "idle-end"], run: counts },
    Check { id: "last-answers", needs: &["idle-end"], run: last_answers },
    Check { id: "no-one-new", needs: &["side-by-side", "stops"], run: no_one_new },
    Check { id: "ends-anyway", needs: &["idle-end"], run: ends_anyway },
];

/// So often a check begins again because this machine was too slow for its client.
const ATTEMPTS: usize = 5;

/// What the client that is one too many gets.
const BUSY: &[u8] = b"busy\n";

fn starts(bench: &mut Bench) -> Result<(), Finding> {
    bench.start_server(&[]).map(drop)
}

fn echo(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    exchange(bench, &mut ann)?;
    let mut all: Vec<u8> = (0..=255).collect();
    bench.random.shuffle(&mut all);
    ann.send(&all)?;
    ann.expect(&all)?;
    let last = message(bench);
    ann.send(&last)?;
    ann.half_close();
    ann.expect_to_the_end(&last)
}

fn side_by_side(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    exchange(bench, &mut ann)?; // So she is being served. From now on she is silent.
    let mut bob = bench.connect("bob", server)?;
    let question = message(bench);
    bob.send(&question)?;
    if let Err(finding) = bob.expect(&question) {
        // What frees bob tells what he was waiting for.
        ann.leave();
        let only_then = finding.received.is_empty() && bob.expect(&question).is_ok();
        let finding = finding.wanted("at once, although ann is connected and silent");
        return Err(match only_then {
            true => finding
                .saw("when ann had left, the answer came")
                .diagnosis("one-at-a-time"),
            false => finding,
        });
    }

    // Now she is in the middle of a message.
    let message = message(bench);
    let (first, rest) = message.split_at(message.len() / 2);
    ann.send_one_by_one(first)?;
    let mut carol = bench.connect("carol", server)?;
    exchange(bench, &mut carol)?;
    exchange(bench, &mut bob)?;
    ann.send_one_by_one(rest)?;
    ann.expect(&message)?;

    // And now she does not take her answers.
    ann.send_until_stuck(&mut bench.random)?;
    exchange(bench, &mut bob)?;
    exchange(bench, &mut carol)
}

fn limit(bench: &mut Bench) -> Result<(), Finding> {
    let limit = bench.random.usize(2..=4);
    let (_, server) = bench.start_server(&["--limit", &limit.to_string()])?;
    let mut guests = Vec::new();
    for number in 1..=limit {
        let mut guest = bench.connect(&format!("client {number}"), server)?;
        exchange(bench, &mut guest).map_err(|finding| {
            let finding = finding.wanted(format!(
                "places for {limit} clients, and this is number {number}"
            ));
            let is_last = number == limit && BUSY.starts_with(&finding.received);
            match is_last && !finding.received.is_empty() {
                true => finding.diagnosis("off-by-one"),
                false => finding,
            }
        })?;
        guests.push(guest);
    }
    let surplus = bench.connect(&format!("client {}", limit + 1), server)?;
    is_told(bench, surplus, limit, server)?;
    for guest in &mut guests {
        exchange(bench, guest)?;
    }
    Ok(())
}

/// The client that comes one too many gets its line, and the end.
fn is_told(
    bench: &mut Bench,
    mut surplus: Client,
    limit: usize,
    server: SocketAddr,
) -> Result<(), Finding> {
    let Err(finding) = surplus.expect_to_the_end(BUSY) else { return Ok(()) };
    if !finding.received.is_empty() {
        return Err(finding);
    }
    if somebody_waits_at_the_door(server) {
        return Err(finding.diagnosis("left-waiting"));
    }
    if surplus.read(1).1 == Some(StreamEnd::Closed) {
        return Err(finding.diagnosis("silent-refusal"));
    }
    // Nothing came, but the connection is open: is it served?
    if exchange(bench, &mut surplus).is_err() {
        return Err(finding);
    }
    let mut next = bench.connect(&format!("client {}", limit + 2), server)?;
    let next_is_refused = next.expect_to_the_end(BUSY).is_ok();
    let finding = finding.saw(format!(
        "client {} is served, although there are places for {limit}",
        limit + 1
    ));
    Err(match next_is_refused {
        true => finding
            .saw(format!("client {} gets {}", limit + 2, quoted(BUSY)))
            .diagnosis("off-by-one"),
        false => finding,
    })
}

/// Whether the system has connected a client that the program has not accepted.
fn somebody_waits_at_the_door(server: SocketAddr) -> bool {
    let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
    sockets::find(server, nobody).is_some_and(|door| door.unread > 0)
}

fn free_place(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&["--limit", "2"])?;
    let mut ann = bench.connect("ann", server)?;
    exchange(bench, &mut ann)?;
    let mut bob = bench.connect("bob", server)?;
    exchange(bench, &mut bob)?;

    bob.leave();
    let kept = |finding: Finding| match finding.received == BUSY {
        true => finding.diagnosis("place-kept"),
        false => finding,
    };
    let mut carol = take_place(bench, "carol", "bob", server).map_err(kept)?;
    carol.half_close();
    carol.expect_to_the_end(b"")?;
    let dave = take_place(bench, "dave", "carol", server).map_err(kept)?;

    // Freed once, not twice.
    let mut eve = bench.connect("eve", server)?;
    eve.expect_to_the_end(BUSY)?;
    exchange(bench, &mut ann)?;
    dave.leave();
    Ok(())
}

fn breaks(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&["--limit", "2"])?;
    let mut ann = bench.connect("ann", server)?;
    exchange(bench, &mut ann)?;
    let broken = |finding: Finding| match finding.received == BUSY {
        true => finding.diagnosis("broken-keeps-place"),
        false => finding,
    };
    let mut bob = bench.connect("bob", server)?;
    exchange(bench, &mut bob)?;
    bob.reset(); // While your server waits in `read`.
    let mut carol = take_place(bench, "carol", "bob", server).map_err(broken)?;
    carol.send(&message(bench))?;
    carol.reset(); // While the answer is on its way.
    let dave = bench.connect("dave", server)?;
    dave.reset(); // Perhaps before he was accepted.
    let mut eve = take_place(bench, "eve", "carol", server).map_err(broken)?;
    exchange(bench, &mut ann)?;
    exchange(bench, &mut eve)
}

fn idle(bench: &mut Bench) -> Result<(), Finding> {
    const LIMIT: Duration = Duration::from_millis(200);
    let (_, server) = bench.start_server(&["--idle", &milliseconds(LIMIT)])?;

    let connects = Instant::now();
    let mut ann = bench.connect("ann", server)?; // She never says anything.
    dropped_in_time(&mut ann, b"", connects, LIMIT)?;

    let mut bob = bench.connect("bob", server)?; // He stops in the middle.
    let question = message(bench);
    let sends = Instant::now();
    bob.send(&question)?;
    dropped_in_time(&mut bob, &question, sends, LIMIT)
}

/// The client gets its answer, and the end of the stream when the time is over, and not before.
fn dropped_in_time(
    client: &mut Client,
    answer: &[u8],
    since: Instant,
    limit: Duration,
) -> Result<(), Finding> {
    client
        .expect_to_the_end(answer)
        .map_err(|finding| finding.wanted(idle_for(limit)))?;
    let after = since.elapsed();
    if after + CLOCKS_DIFFER >= limit {
        return Ok(());
    }
    Err(Finding::new("your server closes the connection too early")
        .saw(format!("the end of the stream after {} ms", after.as_millis()))
        .wanted(idle_for(limit)))
}

/// Two ways to measure the same time need not agree in the last digit.
const CLOCKS_DIFFER: Duration = Duration::from_millis(10);

fn idle_for(limit: Duration) -> String {
    format!("the end when nothing has come for {} ms, and not before", limit.as_millis())
}

fn talks_on(bench: &mut Bench) -> Result<(), Finding> {
    let mut limit = Duration::from_millis(300);
    for _ in 0..ATTEMPTS {
        let (_, server) = bench.start_server(&["--idle", &milliseconds(limit)])?;
        let mut ann = bench.connect("ann", server)?;
        bench.story.tell(format!(
            "ann sends a byte every {} ms, and waits for its echo",
            PAUSE.as_millis()
        ));
        ann.tell_in(&Story::default());
        match talk(&mut ann, limit) {
            Talk::Passed => return Ok(()),
            Talk::Failed(finding) => return Err(*finding),
            Talk::WasTooSlow => bench
                .story
                .tell("this machine was too slow for ann, so she begins once more"),
        }
        limit *= 2;
    }
    Err(Finding::ours("this machine is too busy: no client could keep talking"))
}

/// How long a talkative client is silent between two bytes.
const PAUSE: Duration = Duration::from_millis(25);

/// What came of a talk.
enum Talk {
    Passed,
    Failed(Box<Finding>),
    /// The connection ended, but we ourselves were silent for too long.
    WasTooSlow,
}

/// Sends a byte and gets it back, again and again, for longer than an idle client may stay.
fn talk(ann: &mut Client, limit: Duration) -> Talk {
    /// A server that has been kept waiting may find a byte even after the time is over, but not
    /// again and again.
    const ENOUGH: u32 = 4;
    let start = Instant::now();
    let (mut latest, mut after_the_limit) = (start, 0);
    while after_the_limit < ENOUGH {
        let sends = Instant::now();
        let answer = ann.send(b"x").and_then(|()| ann.expect(b"x"));
        if let Err(finding) = answer {
            let silent_for = latest.elapsed();
            if silent_for >= limit {
                return Talk::WasTooSlow;
            }
            let after = start.elapsed();
            let finding = finding
                .saw(format!("this was {} ms after ann had connected", after.as_millis()))
                .saw(format!(
                    "her latest byte had come {} ms before",
                    silent_for.as_millis()
                ))
                .wanted(format!(
                    "no end as long as something comes within {} ms",
                    limit.as_millis()
                ));
            return Talk::Failed(Box::new(match after >= limit {
                true => finding.diagnosis("whole-connection"),
                false => finding,
            }));
        }
        latest = sends;
        after_the_limit += u32::from(sends - start > limit);
        thread::sleep(PAUSE); // why: talking slowly is what this client does
    }
    Talk::Passed
}

fn idle_place(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&["--limit", "1", "--idle", "200"])?;
    let mut ann = bench.connect("ann", server)?;
    ann.expect_to_the_end(b"")?;
    take_place(bench, "bob", "ann", server).map(drop)
}

fn stops(bench: &mut Bench) -> Result<(), Finding> {
    /// The task says a second.
    const AT_ONCE: Duration = Duration::from_millis(1500);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (student, server) = bench.start_server(&[])?;
        bench.signal(student, signal);
        let status = bench.await_end(student, AT_ONCE).map_err(|finding| {
            let finding =
                finding.wanted("the end within a second: no client is connected");
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
        ended_well(status)?;
        says_at_last(bench, student, 0)?;
    }
    Ok(())
}

fn idle_end(bench: &mut Bench) -> Result<(), Finding> {
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

fn counts(bench: &mut Bench) -> Result<(), Finding> {
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

fn last_answers(bench: &mut Bench) -> Result<(), Finding> {
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

fn no_one_new(bench: &mut Bench) -> Result<(), Finding> {
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
    // On a busy machine even a good program may hear the signal late. Then it goes on for a while
    // after it has closed the door: ann still has her time.
    const A_WHILE: Duration = Duration::from_millis(200);
    if times == 0 || (!still_served && bench.await_end(student, A_WHILE).is_err()) {
        return Ok(());
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

fn ends_anyway(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    ann.send_until_stuck(&mut bench.random)?;
    bench.signal(student, Signal::SIGTERM);
    let status = await_end(bench, student)
        .map_err(|finding| finding.wanted("although ann does not take her answers"))?;
    ended_well(status)
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

/// Connects again and again until the client has a place: the server needs a moment to notice that
/// somebody has left.
fn take_place(
    bench: &mut Bench,
    name: &str,
    left: &str,
    server: SocketAddr,
) -> Result<Client, Finding> {
    bench.story.tell(format!(
        "{name} wants the place of {left}: connects, sends a message, and again if it is refused"
    ));
    let deadline = Instant::now() + bench.patience;
    loop {
        let mut client =
            Client::connect(name, server, bench.patience, &Story::default())?;
        let question = message(bench);
        let (got, _) = match client.send(&question) {
            Ok(()) => client.read(question.len()),
            Err(_) => client.read(BUSY.len()), // Refused already; why is still there to be read.
        };
        if got == question {
            client.tell_in(&bench.story);
            return Ok(client);
        }
        if Instant::now() > deadline {
            let seconds = bench.patience.as_secs_f32();
            let mut finding =
                Finding::new(format!("{name} does not get the place of {left}"))
                    .saw(format!("{} even {seconds} s later", quoted(&got)))
                    .wanted(format!("{}, the echo", quoted(&question)));
            finding.received = got;
            return Err(finding);
        }
        thread::sleep(Duration::from_millis(5)); // why: refused, one comes again a little later
    }
}

/// Sends a message by chance, which must come back.
fn exchange(bench: &mut Bench, client: &mut Client) -> Result<(), Finding> {
    let message = message(bench);
    client.send(&message)?;
    client.expect(&message)
}

/// Small letters by chance.
fn message(bench: &mut Bench) -> Vec<u8> {
    let length = bench.random.usize(8..20);
    (0..length).map(|_| bench.random.lowercase() as u8).collect()
}

fn milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}
