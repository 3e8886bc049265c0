//! A reliable client over a lossy path. The check plays the server, and everybody else.
//!
//! A client may send a message again at any time that the task allows, and on a busy machine its
//! time can be over before our answer is there. So what comes again is never a mistake by itself.

mod play;

use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::bytes::quoted;
use crate::exercise::Check;
use crate::finding::Finding;
use crate::sockets;

use play::{Play, expect_failure};

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
    let messages = words(bench, 5);
    let answers = words(bench, 5);
    let mut play = Play::start(bench, &texts(&messages))?;
    for (id, (message, answer)) in (1..).zip(messages.iter().zip(&answers)) {
        play.expect_message(id, message)?;
        // Three times: on a busy machine the next one may come late.
        if id <= 3 {
            play.expect_no_other()?;
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

fn backs_off(bench: &mut Bench) -> Result<(), Finding> {
    // A machine that is busy elsewhere can spoil a measurement, but hardly each of three.
    let messages = words(bench, 3);
    let answers = words(bench, 3);
    let mut play = Play::start(bench, &texts(&messages))?;
    let mut measured: Vec<Waits> = Vec::new();
    for (id, (message, answer)) in (1..).zip(messages.iter().zip(&answers)) {
        let mut times = vec![play.expect_message(id, message)?.at];
        if !measured.iter().any(|waits| judge(waits).is_ok()) {
            play.tell(&format!("that is lost, and so are the next {}", SENDINGS - 2));
            while times.len() < SENDINGS {
                times.push(play.expect_again(id, message)?.at);
            }
            let wait = |place: usize| times[place + 1].duration_since(times[place]);
            measured.push([wait(0), wait(1), wait(2)]);
        }
        play.answer(id, answer)?;
    }
    if !measured.iter().any(|waits| judge(waits).is_ok()) {
        // A clock that is read late makes a wait longer: the shortest are nearest to the truth.
        let shortest = |place: usize| {
            measured.iter().map(|waits| waits[place]).min().unwrap_or_default()
        };
        judge(&[shortest(0), shortest(1), shortest(2)])?;
    }
    play.expect_end(&texts(&answers))
}

/// The waits between the sendings of a message.
type Waits = [Duration; SENDINGS - 1];

/// Whether the waits grow as they should.
fn judge(waits: &Waits) -> Result<(), Finding> {
    let [first, _, last] = *waits;
    let milliseconds = waits.map(|wait| wait.as_millis().to_string()).join(", ");
    let saw = format!("waits of {milliseconds} ms, the shortest of three measurements");
    if first < FAR_TOO_SOON {
        return Err(Finding::new("your program sends again too soon")
            .saw(saw)
            .wanted("a first wait of 100 to 200 ms")
            .diagnosis("impatient"));
    }
    // Doubled twice, it is four times as long.
    if last < first * 2 {
        return Err(Finding::new("the waits of your program do not grow as asked")
            .saw(saw)
            .wanted("each wait twice as long as the one before it")
            .diagnosis("no-back-off"));
    }
    Ok(())
}

fn stranger(bench: &mut Bench) -> Result<(), Finding> {
    let (message, answer, forged) = (word(bench), word(bench), word(bench));
    let stranger = bench.datagram_peer("a stranger")?;
    let mut play = Play::start(bench, &[&message])?;
    let client = play.expect_message(1, &message)?.from;
    stranger.send(client, &datagram(1, &forged))?;
    play.answer(1, &answer)?;
    play.expect_end(&[&answer]).map_err(|finding| {
        match finding.received == forged.as_bytes() {
            true => finding.diagnosis("believes-anybody"),
            false => finding,
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

fn old_answers(bench: &mut Bench) -> Result<(), Finding> {
    let messages = words(bench, 3);
    let answers = words(bench, 3);
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
        play.answer(id, &answers[place])?;
    }
    play.expect_end(&texts(&answers)).map_err(|finding| {
        let printed = String::from_utf8_lossy(&finding.received).into_owned();
        let lines: Vec<&str> = printed.lines().collect();
        let is_old =
            |(place, line): (usize, &&str)| answers[..place].iter().any(|a| a == line);
        match lines.len() == 3 && lines.iter().enumerate().any(is_old) {
            true => finding.diagnosis("old-answer"),
            false => finding,
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
    let mut play = Play::start(bench, &texts(&messages))?;
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
    play.expect_failure(&[&answer])
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
