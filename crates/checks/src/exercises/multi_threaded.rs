//! The server for many clients at a time: limit, idle clients, counter, clean end.

mod end;

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::{Bench, Story};
use crate::bytes::quoted;
use crate::exercise::Check;
use crate::finding::Finding;
use crate::sockets;
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
    Check { id: "stops", needs: &["starts"], run: end::stops },
    Check { id: "idle-end", needs: &["side-by-side", "stops"], run: end::idle_end },
    Check { id: "counts", needs: &["limit", "idle-end"], run: end::counts },
    Check { id: "last-answers", needs: &["idle-end"], run: end::last_answers },
    Check { id: "no-one-new", needs: &["side-by-side", "stops"], run: end::no_one_new },
    Check { id: "ends-anyway", needs: &["idle-end"], run: end::ends_anyway },
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
    let first = message(bench);
    ann.send(&first)?;
    ann.expect(&first).map_err(|finding| ann.explain_silence(finding, &first))?;
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
