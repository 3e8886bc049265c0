//! How long a client waits. A busy machine can spoil a measurement, but hardly each of three.

use std::time::Duration;

use super::play::Play;
use super::{FAR_TOO_SOON, SENDINGS, texts, word, words};
use crate::bench::{Bench, Story, ended};
use crate::finding::Finding;

/// The longest first wait that the task allows is 200 ms. Twice that leaves room as well.
const FAR_TOO_LONG: Duration = Duration::from_millis(400);

/// Does it again if it goes wrong, up to three times in all.
fn repeated(
    bench: &mut Bench,
    mut measure: impl FnMut(&mut Bench) -> Result<(), Finding>,
) -> Result<(), Finding> {
    let mut result = measure(bench);
    for time in ["second", "third"] {
        if result.is_ok() {
            break;
        }
        bench.story = Story::default(); // It was the same before.
        bench.story.tell(format!("for the {time} time, as a busy machine can spoil it:"));
        result = measure(bench);
    }
    result
}

pub fn backs_off(bench: &mut Bench) -> Result<(), Finding> {
    let mut shortest = [Duration::MAX; SENDINGS];
    repeated(bench, |bench| {
        let waits = measure(bench)?;
        for (shortest, wait) in shortest.iter_mut().zip(waits) {
            *shortest = wait.min(*shortest);
        }
        // A clock that is read late makes a wait longer: the shortest are nearest to the truth.
        judge(&waits).or_else(|_| judge(&shortest))
    })
}

/// The three waits between the sendings of a message, and the first one for the next message.
type Waits = [Duration; SENDINGS];

fn measure(bench: &mut Bench) -> Result<Waits, Finding> {
    let messages = words(bench, 2);
    let answers = words(bench, 2);
    let mut play = Play::start(bench, &texts(&messages))?;
    let mut waits = Waits::default();
    let (of_first, of_second) = waits.split_at_mut(SENDINGS - 1);
    for (id, waits) in [(1, of_first), (2, of_second)] {
        let place = id as usize - 1;
        let mut before = play.expect_message(id, &messages[place])?.at;
        for wait in waits {
            play.tell("that is lost");
            let at = play.expect_again(id, &messages[place])?.at;
            *wait = at.duration_since(before);
            before = at;
        }
        play.answer(id, &answers[place])?;
    }
    play.expect_end(&texts(&answers))?;
    Ok(waits)
}

/// Whether the waits are as they should be.
fn judge(waits: &Waits) -> Result<(), Finding> {
    let [first, second, third, next] = *waits;
    let finding = if first < FAR_TOO_SOON {
        Finding::new("your program sends again too soon")
            .wanted("a first wait of 100 to 200 ms")
            .diagnosis("impatient")
    } else if third < first * 2 {
        // Doubled twice, it is four times as long.
        Finding::new("the waits of your program do not grow as asked")
            .wanted("each wait twice as long as the one before it")
            .diagnosis("no-back-off")
    } else if third * 4 > (first + second) * 7 {
        // Doubled, it is 4/3 of the first two together; tripled, 9/4. (Waits of 100, 200, 300 ms are
        // too near to be told: a timer of the kernel may be late by an eighth.)
        Finding::new("the waits of your program grow faster than asked")
            .wanted("each wait twice as long as the one before it")
            .diagnosis("too-steep")
    } else if next >= FAR_TOO_LONG {
        let finding = Finding::new("your program waits too long for the first time")
            .wanted("a first wait of 100 to 200 ms, for each message");
        match next >= first * 2 {
            true => finding.diagnosis("stays-slow"),
            false => finding,
        }
    } else {
        return Ok(());
    };
    let [first, second, third, next] = waits.map(|wait| wait.as_millis());
    Err(finding
        .saw(format!("waits of {first}, {second}, {third} ms for message 1"))
        .saw(format!("a first wait of {next} ms for message 2"))
        .saw("(of each wait the shortest that was measured)"))
}

pub fn waits_once_more(bench: &mut Bench) -> Result<(), Finding> {
    repeated(bench, answer_at_last)
}

/// Only the fourth sending is answered, and that not at once.
fn answer_at_last(bench: &mut Bench) -> Result<(), Finding> {
    let (message, answer) = (word(bench), word(bench));
    let mut play = Play::start(bench, &[&message])?;
    let mut came = Vec::new();
    while came.len() < SENDINGS {
        let within = play.bench.patience;
        let Some(next) = play.server.receive_from(play.bench, play.student, within)
        else {
            return Ok(()); // How often it sends is the matter of `backs-off`.
        };
        came.push(next);
    }
    let last = &came[SENDINGS - 1];
    let wait = last.at.duration_since(came[SENDINGS - 2].at);
    // A quarter of the time that is left for it.
    let late = wait / 2;
    play.tell(&format!("for {} ms, the server does nothing", late.as_millis()));
    if let Ok(status) = play.bench.await_end(play.student, late) {
        return Err(Finding::new("your program gives up too soon")
            .saw(format!("within that time it ended with {}", ended(status)))
            .wanted(format!(
                "one more wait, twice as long as the {} ms before",
                wait.as_millis()
            ))
            .diagnosis("no-last-wait"));
    }
    // Which identifiers it uses is the matter of others.
    let identifier = last.bytes.get(..4).unwrap_or_default();
    play.server.send(last.from, &[identifier, answer.as_bytes()].concat())?;
    play.expect_end(&[&answer])
}
