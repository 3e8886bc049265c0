//! A reliable client over a lossy path. The check plays the server, and everybody else.
//!
//! A client may send a message again at any time that the task allows, and on a busy machine its
//! time can be over before our answer is there. So what comes again is never a mistake by itself.

mod play;
mod waits;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::bench::{Bench, WITHOUT_OUTPUT};
use crate::bytes::quoted;
use crate::exercise::Check;
use crate::finding::Finding;
use crate::sockets;

use play::{Play, expect_failure};
use waits::{backs_off, waits_once_more};

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    // Part 1: the format, and one exchange.
    Check { id: "one-exchange", needs: &[], run: one_exchange },
    Check { id: "more-messages", needs: &["one-exchange"], run: more_messages },
    Check { id: "empty", needs: &["more-messages"], run: empty },
    Check { id: "large", needs: &["one-exchange"], run: large },
    // Part 2: losses.
    Check { id: "loss", needs: &["one-exchange"], run: loss },
    Check { id: "backs-off", needs: &["loss", "more-messages"], run: backs_off },
    // Part 3: what is no answer.
    Check { id: "stranger", needs: &["one-exchange"], run: stranger },
    Check { id: "short", needs: &["one-exchange"], run: short },
    Check { id: "old-answers", needs: &["more-messages"], run: old_answers },
    Check { id: "keeps-time", needs: &["backs-off", "old-answers"], run: keeps_time },
    // Part 4: the end of patience.
    Check { id: "gives-up", needs: &["more-messages"], run: gives_up },
    Check { id: "nobody-there", needs: &["one-exchange"], run: nobody_there },
];

/// The most that fits into a datagram over IPv4, behind an identifier.
const LONGEST_TEXT: usize = 65_507 - 4;

/// So many messages need more than one byte of their identifiers.
const MANY: usize = 260;

/// A message is sent so often at the most.
const SENDINGS: usize = 4;

/// The shortest first wait that the task allows is 100 ms. Half of it leaves room for a machine
/// that is busy elsewhere.
const FAR_TOO_SOON: Duration = Duration::from_millis(50);

/// The longest last wait that the task allows: 200 ms, doubled three times.
const LAST_WAIT: Duration = Duration::from_millis(1600);

/// All waits that the task allows, one after another.
const ALL_WAITS: Duration = Duration::from_millis(3000);

fn one_exchange(bench: &mut Bench) -> Result<(), Finding> {
    let (message, answer) = (word(bench), word(bench));
    let mut play = Play::start(bench, &[&message])?;
    play.expect_message(1, &message)?;
    play.answer(1, &answer)?;
    play.expect_end(&[&answer]).map_err(|finding| {
        let printed = String::from_utf8_lossy(&finding.received).into_owned();
        let behind = printed.strip_prefix(&answer).unwrap_or("");
        let with_identifier =
            [format!("\0\0\0\u{1}{answer}"), format!(r"\x00\x00\x00\x01{answer}")];
        if with_identifier.contains(&printed) {
            finding.diagnosis("identifier-printed")
        } else if printed == message {
            finding.diagnosis("own-text")
        } else if !behind.is_empty() && behind.chars().all(|c| c == '\0') {
            finding.diagnosis("whole-buffer")
        } else {
            finding
        }
    })
}

fn more_messages(bench: &mut Bench) -> Result<(), Finding> {
    let messages = words(bench, MANY);
    let answers = words(bench, MANY);
    let mut play = Play::start(bench, &texts(&messages))?;
    for (id, (message, answer)) in (1..).zip(messages.iter().zip(&answers)) {
        play.expect_message(id, message)?;
        match id {
            // Three times: on a busy machine the next one may come late.
            ..=3 => play.expect_no_other()?,
            5 => {
                play.tell(&format!("so it goes on, up to message {MANY}"));
                play.server.tell_no_more();
            }
            _ => {}
        }
        play.answer(id, answer)?;
    }
    play.expect_end(&texts(&answers))
}

fn empty(bench: &mut Bench) -> Result<(), Finding> {
    let (message, answer) = (word(bench), word(bench));
    let mut play = Play::start(bench, &["", &message])?;
    play.expect_message(1, "")?;
    play.answer(1, "")?;
    play.expect_message(2, &message)?;
    play.answer(2, &answer)?;
    play.expect_end(&["", &answer])
}

fn large(bench: &mut Bench) -> Result<(), Finding> {
    let (message, answer) = (long_word(bench), long_word(bench));
    let mut play = Play::start(bench, &[&message])?;
    play.expect_message(1, &message)?;
    play.answer(1, &answer)?;
    play.expect_end(&[&answer]).map_err(|finding| {
        let got = finding.received.len();
        let is_beginning = answer.as_bytes().starts_with(&finding.received);
        if is_beginning && 0 < got && got < answer.len() {
            finding.diagnosis("truncated")
        } else {
            finding
        }
    })
}

fn loss(bench: &mut Bench) -> Result<(), Finding> {
    let (message, answer) = (word(bench), word(bench));
    let mut play = Play::start(bench, &[&message])?;
    play.expect_message(1, &message)?;
    play.tell("that is lost");
    play.expect_again(1, &message)?;
    play.answer(1, &answer)?;
    play.expect_end(&[&answer])
}

fn stranger(bench: &mut Bench) -> Result<(), Finding> {
    let [message, answer, forged, forged_elsewhere] = [(); 4].map(|()| word(bench));
    let stranger = bench.datagram_peer("a stranger")?;
    let mut play = Play::start(bench, &[&message])?;
    let client = play.expect_message(1, &message)?.from;
    stranger.send(client, &datagram(1, &forged))?;
    // Not every system has this address: without it, there is no such stranger.
    let port = play.server.address().port();
    let elsewhere = (Ipv4Addr::new(127, 0, 0, 2), port).into();
    let name = "a stranger with the server's port, but at 127.0.0.2,";
    if let Ok(stranger) = play.bench.datagram_peer_at(name, elsewhere) {
        stranger.send(client, &datagram(1, &forged_elsewhere))?;
    }
    play.answer(1, &answer)?;
    play.expect_end(&[&answer]).map_err(|finding| {
        if finding.received == forged.as_bytes() {
            finding.diagnosis("believes-anybody")
        } else if finding.received == forged_elsewhere.as_bytes() {
            finding.diagnosis("only-the-port")
        } else {
            finding
        }
    })
}

fn short(bench: &mut Bench) -> Result<(), Finding> {
    let (message, answer) = (word(bench), word(bench));
    let mut play = Play::start(bench, &[&message])?;
    let client = play.expect_message(1, &message)?.from;
    for bytes in [&b""[..], b"\0\0\0"] {
        play.server.send(client, bytes)?;
    }
    play.answer(1, &answer)?;
    play.expect_end(&[&answer]).map_err(|finding| {
        // The same exchange without these two datagrams went well: it was them.
        match play.bench.await_end(play.student, Duration::ZERO) {
            Ok(status) if !status.success() => finding.diagnosis("too-short"),
            _ => finding,
        }
    })
}

/// In an identifier: no message has had it, although the other three bytes are as they should be.
const STRANGE: u32 = 1 << 24;

fn old_answers(bench: &mut Bench) -> Result<(), Finding> {
    let messages = words(bench, 3);
    let answers = words(bench, 3);
    let other = word(bench);
    let mut play = Play::start(bench, &texts(&messages))?;
    play.expect_message(1, &messages[0])?;
    for _ in 0..2 {
        play.answer(1, &answers[0])?; // Once too often: a copy was made on the way.
    }
    for (id, old) in [(2, [1, 1]), (3, [2, 1])] {
        let place = id as usize - 1;
        play.expect_message(id, &messages[place])?;
        for old in old {
            play.answer(old, &answers[old as usize - 1])?; // Late.
        }
        if id == 3 {
            play.answer(STRANGE | id, &other)?;
        }
        play.answer(id, &answers[place])?;
    }
    play.expect_end(&texts(&answers)).map_err(|finding| {
        let printed = String::from_utf8_lossy(&finding.received).into_owned();
        let lines: Vec<&str> = printed.lines().collect();
        let is_old =
            |(place, line): (usize, &&str)| answers[..place].iter().any(|a| a == line);
        if lines.len() != 3 {
            finding
        } else if lines.iter().enumerate().any(is_old) {
            finding.diagnosis("old-answer")
        } else if lines[2] == other {
            finding.diagnosis("part-of-identifier")
        } else {
            finding
        }
    })
}

fn keeps_time(bench: &mut Bench) -> Result<(), Finding> {
    let messages = words(bench, 2);
    let answers = words(bench, 2);
    let mut play = Play::start(bench, &texts(&messages))?;
    play.expect_message(1, &messages[0])?;
    play.answer(1, &answers[0])?;
    let first = play.expect_message(2, &messages[1])?.at;
    play.tell("that is lost, and so is the next one");
    play.tell("copies of the answer to message 1 come all the time, one each 10 ms");
    let copy = datagram(1, &answers[0]);
    // Twice: a machine that is busy elsewhere may once hold the copies back for so long.
    play.expect_again_among_copies(2, &messages[1], &copy)?;
    let third = play.expect_again_among_copies(2, &messages[1], &copy)?.at;
    let took = third.duration_since(first);
    // The first wait and the second: 300 ms at the least. Copies come far more often.
    if took < FAR_TOO_SOON * 2 {
        let wanted = "the same waits as without the copies: at least 300 ms in all";
        return Err(Finding::new("your program does not wait while old answers come in")
            .saw(format!("message 2 three times within {} ms", took.as_millis()))
            .wanted(wanted)
            .diagnosis("cuts-short"));
    }
    play.answer(2, &answers[1])?;
    play.expect_end(&texts(&answers))
}

fn gives_up(bench: &mut Bench) -> Result<(), Finding> {
    let messages = words(bench, 3);
    let answer = word(bench);
    let another = bench.datagram_peer("another server")?;
    let mut play = Play::start(bench, &texts(&messages))?;
    // At the same time, so that it takes no longer.
    play.tell("and for another server, which loses everything, without standard output:");
    let address = another.address().to_string();
    let mute =
        play.bench.start_through(&WITHOUT_OUTPUT, &["client", &address, &messages[0]])?;
    play.expect_message(1, &messages[0])?;
    play.answer(1, &answer)?;
    play.expect_message(2, &messages[1])?;
    play.tell("from now on everything is lost");
    let patience = play.bench.patience;
    let deadline = Instant::now() + ALL_WAITS + patience;
    let mut sendings = 1;
    while Instant::now() < deadline {
        let within = if sendings < SENDINGS { patience } else { patience + LAST_WAIT };
        let Some(datagram) = play.server.receive_from(play.bench, play.student, within)
        else {
            break;
        };
        if datagram.bytes.ends_with(messages[2].as_bytes()) {
            return Err(Finding::new("your program goes on with the next message")
                .wanted("it ends when it has given up"));
        }
        sendings += usize::from(datagram.bytes.ends_with(messages[1].as_bytes()));
        if sendings > SENDINGS {
            return Err(Finding::new(format!(
                "your program sends message 2 {sendings} times"
            ))
            .wanted(format!("{SENDINGS} times, and then it gives up")));
        }
    }
    if play.bench.is_running(play.student) {
        return Err(play.stuck("your program does not give up").diagnosis("waits-on"));
    }
    play.expect_failure(&[&answer])?;
    expect_failure(bench, mute, another.address(), &[]).map_err(|finding| {
        // For the first server it has printed its line: so that was on standard output.
        if finding.saw != ["nothing"] {
            return finding;
        }
        Finding::new("your program does not print its last line to standard error")
            .saw("nothing, when its standard output is thrown away")
            .wanted(format!("one line that names {address}"))
            .diagnosis("wrong-stream")
    })?;
    waits_once_more(bench)
}

fn nobody_there(bench: &mut Bench) -> Result<(), Finding> {
    let message = word(bench);
    let nobody = bench.free_port();
    let student = bench.start(&["client", &nobody.to_string(), &message])?;
    bench.story.tell(format!("nobody receives at {nobody}"));
    bench
        .await_end(student, ALL_WAITS + bench.patience)
        .map_err(|finding| Finding { sockets: sockets::udp_in_words(&[]), ..finding })?;
    expect_failure(bench, student, nobody, &[])
}

/// A datagram as the task describes it.
fn datagram(id: u32, text: &str) -> Vec<u8> {
    [&id.to_be_bytes(), text.as_bytes()].concat()
}

fn described(id: u32, text: &str) -> String {
    format!("{}: identifier {id}, then the text", quoted(&datagram(id, text)))
}

/// Small letters by chance, more than can be the same by chance.
fn word(bench: &mut Bench) -> String {
    let length = bench.random.usize(10..20);
    (0..length).map(|_| bench.random.lowercase()).collect()
}

fn words(bench: &mut Bench, number: usize) -> Vec<String> {
    (0..number).map(|_| word(bench)).collect()
}

fn texts(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// As many small letters as a datagram has room for.
fn long_word(bench: &mut Bench) -> String {
    (0..LONGEST_TEXT).map(|_| bench.random.lowercase()).collect()
}
