//! Grades a class: a folder of submissions in, results out.
//!
//! The way of a submission: [`submissions`] takes it in, [`compile`] makes a program of it, [`judge`]
//! runs the checks on it, [`store`] keeps what came of it, and [`reports`] tells it in the words of
//! every platform. [`run`] leads it along this way, with many others. Student's code only ever runs
//! in a [`sandbox`]. [`results`] is the one model that everything meets in.

use std::env;
use std::process::ExitCode;

use checks::exercise::Check;
use transcript::room::Outcome;

pub mod cli;
pub mod compile;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod files;
pub mod fill;
pub mod judge;
pub mod overrides;
pub mod progress;
pub mod reports;
pub mod results;
pub mod run;
pub mod sandbox;
pub mod single;
pub mod store;
pub mod submissions;
pub mod summary;
pub mod workshop;

/// Checks of an exercise that are not handed out, and their words.
pub struct Private {
    /// The name of the exercise: `echo`.
    pub exercise: &'static str,
    /// The checks. They may need those of the exercise.
    pub checks: &'static [Check],
    /// Their words, as in an `exercise.toml`: `[[check]]` and `[diagnoses]`.
    pub words: &'static str,
}

/// The whole program, with checks that are not handed out.
pub fn main(private: &'static [Private]) -> ExitCode {
    for more in private {
        for check in more.checks {
            checks::exercises::add(more.exercise, *check);
        }
    }
    sandbox::cell::play_part_if_asked();
    transcript::room::play_part_if_asked(perform);
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(sandbox::tier::SPEAK) => sandbox::tier::speak(),
        Some(sandbox::trial::TRY) => sandbox::trial::attempt(&arguments[2..]),
        _ => return cli::main(private),
    }
    ExitCode::SUCCESS
}

/// Does what this program was sent into a room for.
fn perform(task: &str) -> Outcome {
    sandbox::tier::perform(task).unwrap_or_else(|| checks::perform(task))
}
