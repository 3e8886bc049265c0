//! Runs the checks of an exercise on a program: in one room, each on a bench in a corner of its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use transcript::room::{self, Outcome, Room, TIME_IS_OVER};

use crate::bench::Bench;
use crate::exercise::{Check, Exercise};
use crate::finding::{Finding, Verdict};

/// How to run checks.
#[derive(Clone)]
pub struct Options {
    /// Makes the input: the same seed, the same input.
    pub seed: u64,
    /// How long to wait for what must come: usually [`PATIENCE`].
    pub patience: Duration,
    /// Only this check and what it needs.
    pub only: Option<String>,
}

/// How long a student's program has for each answer.
pub const PATIENCE: Duration = Duration::from_secs(2);

impl Default for Options {
    /// A seed by chance, and everything.
    fn default() -> Options {
        Options { seed: u64::from(fastrand::u16(..)), patience: PATIENCE, only: None }
    }
}

/// What came of one check.
pub struct Checked {
    /// The check.
    pub id: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// The part of it without the making and clearing of the room.
    pub judging: Duration,
}

impl Checked {
    /// What is left of a check that cannot be run.
    pub fn not_run(id: &'static str, reason: String) -> Checked {
        let (took, judging) = (Duration::ZERO, Duration::ZERO);
        Checked { id, verdict: Verdict::NotRun(reason), took, judging }
    }
}

/// What goes into the room.
#[derive(Serialize, Deserialize)]
struct Order {
    exercise: String,
    checks: Vec<String>,
    command: Vec<String>,
    seed: u64,
    patience_ms: u64,
}

/// What comes out of the room for each check, as soon as it is done.
#[derive(Serialize, Deserialize)]
struct Answer {
    check: String,
    verdict: Verdict,
    judging_ms: u64,
}

/// Runs the checks one after another. `report` is called with each as soon as it is done.
pub fn run(
    exercise: &Exercise,
    command: &[String],
    options: &Options,
    mut report: impl FnMut(&Checked),
) -> Vec<Checked> {
    let room = Room { privileged: exercise.texts.privileged, ..Room::default() };
    let wanted = wanted(&exercise.checks, options.only.as_deref());
    let ids: Vec<&'static str> = exercise
        .checks
        .iter()
        .map(|check| check.id)
        .filter(|id| wanted.contains(id))
        .collect();
    send_into(room, &exercise.name, &ids, command, options, &mut report)
}

/// The checks to run: all, or one and what it needs.
pub fn wanted(checks: &[Check], only: Option<&str>) -> BTreeSet<&'static str> {
    let Some(only) = only else { return checks.iter().map(|check| check.id).collect() };
    let mut wanted = BTreeSet::new();
    for check in checks.iter().rev() {
        if check.id == only || wanted.contains(check.id) {
            wanted.insert(check.id);
            wanted.extend(check.needs);
        }
    }
    wanted
}

/// Runs one check, on a bench in this room, whatever it needs. `exercise` is the name of its exercise.
pub fn run_check(
    exercise: &str,
    check: &'static str,
    command: &[String],
    options: &Options,
    room: Room,
) -> Checked {
    let done = send_into(room, exercise, &[check], command, options, &mut |_| {});
    done.into_iter().next().unwrap_or_else(|| Checked {
        verdict: Verdict::Error("it was not run".to_owned()),
        ..Checked::not_run(check, String::new())
    })
}

/// Has the checks done in the room, and returns what came of each.
fn send_into(
    room: Room,
    exercise: &str,
    checks: &[&'static str],
    command: &[String],
    options: &Options,
    report: &mut dyn FnMut(&Checked),
) -> Vec<Checked> {
    let order = Order {
        exercise: exercise.to_owned(),
        checks: checks.iter().map(|&check| check.to_owned()).collect(),
        command: command.to_vec(),
        seed: options.seed,
        patience_ms: milliseconds(options.patience),
    };
    let mut done: Vec<Checked> = Vec::new();
    let mut since = Instant::now();
    let mut hear = |line: &str| {
        // A verdict counts only if the check whose turn it is has written it itself.
        let answer = serde_json::from_str::<Answer>(line).ok();
        let next = checks.get(done.len()).copied();
        let Some((answer, id)) =
            answer.zip(next).filter(|(answer, id)| answer.check == *id)
        else {
            return false;
        };
        let judging = Duration::from_millis(answer.judging_ms);
        let took = since.elapsed();
        since = Instant::now();
        let checked = Checked { id, verdict: answer.verdict, took, judging };
        report(&checked);
        done.push(checked);
        true
    };
    let outcome = match serde_json::to_string(&order) {
        Ok(order) => room.run_and_hear(&format!("{TASK}{order}"), &mut hear),
        Err(error) => Outcome::Failed(format!("write the order: {error}")),
    };
    for &id in &checks[done.len()..] {
        let verdict = without_answer(&outcome, room.deadline);
        let took = since.elapsed();
        since = Instant::now();
        let checked = Checked { id, verdict, took, judging: Duration::ZERO };
        report(&checked);
        done.push(checked);
    }
    // After the last one the room had to be cleared.
    if let Some(last) = done.last_mut() {
        last.took += since.elapsed();
    }
    done
}

/// The verdict if none came out of the room.
fn without_answer(outcome: &Outcome, deadline: Option<Duration>) -> Verdict {
    match outcome {
        Outcome::Passed(said) => {
            Verdict::Error(format!("no verdict came, but: {}", said.trim_end()))
        }
        Outcome::Failed(message) if message == TIME_IS_OVER => {
            let finding = Finding::new("the whole check took too long, and was stopped");
            Verdict::Fail(finding.waited(deadline.unwrap_or_default(), " for its end"))
        }
        Outcome::Failed(message) => Verdict::Error(message.clone()),
        Outcome::Skipped(reason) => Verdict::NotRun(reason.clone()),
    }
}

/// What the task of checks begins with.
const TASK: &str = "judge ";

/// Runs checks that [`run`] has sent into a room. Everything else is somebody else's task: none.
pub fn perform(task: &str) -> Option<Outcome> {
    let order: Order = match serde_json::from_str(task.strip_prefix(TASK)?) {
        Ok(order) => order,
        Err(error) => {
            return Some(Outcome::Failed(format!(
                "the order is not understood: {error}"
            )));
        }
    };
    let mut passed = BTreeSet::new();
    for id in &order.checks {
        let started = Instant::now();
        let verdict = match crate::exercises::check(&order.exercise, id) {
            Some(check) => judge_in_turn(&check, &order, &passed),
            None => Verdict::Error(format!("there is no check `{id}`")),
        };
        if matches!(verdict, Verdict::Pass) {
            passed.insert(id.as_str());
        }
        let judging_ms = milliseconds(started.elapsed());
        let answer = Answer { check: id.clone(), verdict, judging_ms };
        match serde_json::to_string(&answer) {
            Ok(answer) => room::tell(&answer),
            Err(error) => {
                return Some(Outcome::Failed(format!("write the verdict: {error}")));
            }
        }
    }
    Some(Outcome::Passed(String::new()))
}

/// Judges if all that the check needs has passed, as far as it was to be run.
fn judge_in_turn(check: &Check, order: &Order, passed: &BTreeSet<&str>) -> Verdict {
    let failed =
        |id: &&&str| order.checks.iter().any(|o| o == *id) && !passed.contains(**id);
    if let Some(needed) = check.needs.iter().find(failed) {
        return Verdict::NotRun(format!("it needs `{needed}`"));
    }
    if order.checks.len() == 1 {
        return judge(check, order); // The room is still as new.
    }
    room::afresh(|| judge(check, order)).unwrap_or_else(Verdict::Error)
}

fn judge(check: &Check, order: &Order) -> Verdict {
    // The order of the checks must not change what one of them sends.
    let mix = |sum: u64, byte: u8| sum.wrapping_mul(31).wrapping_add(u64::from(byte));
    let seed = check.id.bytes().fold(order.seed, mix);
    let patience = Duration::from_millis(order.patience_ms);
    let mut bench = Bench::new(order.command.clone(), seed, patience);
    match (check.run)(&mut bench) {
        Ok(()) => Verdict::Pass,
        Err(Finding { unjudged: Some(reason), .. }) => Verdict::NotRun(reason),
        Err(finding) if finding.ours => Verdict::Error(finding.summary),
        Err(finding) => {
            let finding = bench.complete(finding);
            match bench.not_started() {
                Some(reason) => Verdict::Error(reason),
                None => Verdict::Fail(finding),
            }
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}
