//! Runs the checks of an exercise on a program: each on a bench of its own, in a room of its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use transcript::room::{Outcome, Room, TIME_IS_OVER};

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

/// What comes out of the room of a check.
#[derive(Serialize, Deserialize)]
struct Answer {
    verdict: Verdict,
    judging_ms: u64,
}

/// What goes into the room of a check.
#[derive(Serialize, Deserialize)]
struct Order {
    exercise: String,
    check: String,
    command: Vec<String>,
    seed: u64,
    patience_ms: u64,
}

/// Runs the checks one after another. `report` is called with each as soon as it is done.
pub fn run(
    exercise: &Exercise,
    command: &[String],
    options: &Options,
    mut report: impl FnMut(&Checked),
) -> Vec<Checked> {
    let mut done: Vec<Checked> = Vec::new();
    let room = Room { privileged: exercise.texts.privileged, ..Room::default() };
    let wanted = wanted(&exercise.checks, options.only.as_deref());
    for check in exercise.checks.iter().filter(|check| wanted.contains(check.id)) {
        let passed = |id: &&str| {
            done.iter().any(|d| d.id == *id && matches!(d.verdict, Verdict::Pass))
        };
        let checked = match check.needs.iter().find(|id| !passed(id)) {
            Some(needed) => Checked::not_run(check.id, format!("it needs `{needed}`")),
            None => run_check(&exercise.name, check, command, options, room),
        };
        report(&checked);
        done.push(checked);
    }
    done
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

/// Runs one check, on a bench in this room. `exercise` is the name of its exercise.
pub fn run_check(
    exercise: &str,
    check: &Check,
    command: &[String],
    options: &Options,
    room: Room,
) -> Checked {
    let started = Instant::now();
    let answer = send_into(room, exercise, check, command, options);
    let Answer { verdict, judging_ms } =
        answer.unwrap_or_else(|verdict| Answer { verdict, judging_ms: 0 });
    let judging = Duration::from_millis(judging_ms);
    Checked { id: check.id, verdict, took: started.elapsed(), judging }
}

/// Has the check done in the room. The error is the verdict if no answer comes out.
fn send_into(
    room: Room,
    exercise: &str,
    check: &Check,
    command: &[String],
    options: &Options,
) -> Result<Answer, Verdict> {
    let order = Order {
        exercise: exercise.to_owned(),
        check: check.id.to_owned(),
        command: command.to_vec(),
        seed: options.seed,
        patience_ms: options.patience.as_millis().try_into().unwrap_or(u64::MAX),
    };
    let order = serde_json::to_string(&order)
        .map_err(|error| Verdict::Error(format!("write the order: {error}")))?;
    match room.run(&format!("{TASK}{order}")) {
        // A verdict counts only if the check has written it itself.
        Outcome::Passed(answer) => serde_json::from_str(&answer)
            .map_err(|_| Verdict::Error(format!("no verdict came, but: {answer}"))),
        Outcome::Failed(message) if message == TIME_IS_OVER => {
            let limit = room.deadline.unwrap_or_default();
            let finding = Finding::new("the whole check took too long, and was stopped");
            Err(Verdict::Fail(finding.waited(limit, " for its end")))
        }
        Outcome::Failed(message) => Err(Verdict::Error(message)),
        Outcome::Skipped(reason) => Err(Verdict::NotRun(reason)),
    }
}

/// What the task of a check begins with.
const TASK: &str = "judge ";

/// Runs a check that [`run`] has sent into a room. Everything else is somebody else's task: none.
pub fn perform(task: &str) -> Option<Outcome> {
    let order = task.strip_prefix(TASK)?;
    let started = Instant::now();
    let verdict = match serde_json::from_str::<Order>(order) {
        Ok(order) => judge(order),
        Err(error) => Verdict::Error(format!("the order is not understood: {error}")),
    };
    let judging_ms = started.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
    Some(match serde_json::to_string(&Answer { verdict, judging_ms }) {
        Ok(answer) => Outcome::Passed(answer),
        Err(error) => Outcome::Failed(format!("write the verdict: {error}")),
    })
}

fn judge(order: Order) -> Verdict {
    let Some(check) = crate::exercises::check(&order.exercise, &order.check) else {
        return Verdict::Error(format!("there is no check `{}`", order.check));
    };
    // The order of the checks must not change what one of them sends.
    let mix = |sum: u64, byte: u8| sum.wrapping_mul(31).wrapping_add(u64::from(byte));
    let seed = order.check.bytes().fold(order.seed, mix);
    let patience = Duration::from_millis(order.patience_ms);
    let mut bench = Bench::new(order.command, seed, patience);
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
