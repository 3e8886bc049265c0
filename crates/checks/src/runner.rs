//! Runs the checks of an exercise on a program: each on a bench of its own, in a room of its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use transcript::room::{Outcome, Room};

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
    let wanted = wanted(exercise.checks, options.only.as_deref());
    for check in exercise.checks.iter().filter(|check| wanted.contains(check.id)) {
        let started = Instant::now();
        let passed = |id: &&str| {
            done.iter().any(|d| d.id == *id && matches!(d.verdict, Verdict::Pass))
        };
        let verdict = match check.needs.iter().find(|id| !passed(id)) {
            Some(needed) => Verdict::NotRun(format!("it needs `{needed}`")),
            None => run_in_room(exercise, check, command, options),
        };
        let checked = Checked { id: check.id, verdict, took: started.elapsed() };
        report(&checked);
        done.push(checked);
    }
    done
}

/// The checks to run: all, or one and what it needs.
fn wanted(checks: &[Check], only: Option<&str>) -> BTreeSet<&'static str> {
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

fn run_in_room(
    exercise: &Exercise,
    check: &Check,
    command: &[String],
    options: &Options,
) -> Verdict {
    let order = Order {
        exercise: exercise.name.clone(),
        check: check.id.to_owned(),
        command: command.to_vec(),
        seed: options.seed,
        patience_ms: options.patience.as_millis().try_into().unwrap_or(u64::MAX),
    };
    let order = match serde_json::to_string(&order) {
        Ok(order) => order,
        Err(error) => return Verdict::Error(format!("write the order: {error}")),
    };
    let room = Room { privileged: exercise.texts.privileged, watched: false };
    match room.run(&format!("{TASK}{order}")) {
        // A verdict counts only if the check has written it itself.
        Outcome::Passed(answer) => serde_json::from_str(&answer).unwrap_or_else(|_| {
            Verdict::Error(format!("no verdict came, but: {answer}"))
        }),
        Outcome::Failed(message) => Verdict::Error(message),
        Outcome::Skipped(reason) => Verdict::NotRun(reason),
    }
}

/// What the task of a check begins with.
const TASK: &str = "judge ";

/// Runs a check that [`run`] has sent into a room. Everything else is somebody else's task: none.
pub fn perform(task: &str) -> Option<Outcome> {
    let order = task.strip_prefix(TASK)?;
    let verdict = match serde_json::from_str::<Order>(order) {
        Ok(order) => judge(order),
        Err(error) => Verdict::Error(format!("the order is not understood: {error}")),
    };
    Some(match serde_json::to_string(&verdict) {
        Ok(answer) => Outcome::Passed(answer),
        Err(error) => Outcome::Failed(format!("write the verdict: {error}")),
    })
}

fn judge(order: Order) -> Verdict {
    let checks = crate::exercises::checks_of(&order.exercise);
    let Some(check) = checks.iter().find(|check| check.id == order.check) else {
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
        Err(finding) => Verdict::Fail(bench.complete(finding)),
    }
}
