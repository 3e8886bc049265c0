//! Judges the programs of students by what they do over real sockets.
//!
//! Each exercise has its checks in a module of [`exercises`]; its words are in
//! `exercises/NN-name/exercise.toml` ([`exercise`]). A check puts the program on a [`mod@bench`],
//! plays its peers ([`tcp`], [`listener`], [`udp`], [`unix`], [`icmp`]), and gives a verdict with
//! evidence ([`finding`]): bytes ([`bytes`]), and the state of the program's [`sockets`] and
//! [`processes`]. The
//! [`runner`] gives every check a network of its own. [`message`] is what a student reads;
//! [`harness`] makes ordinary tests of the same checks.
//!
//! A program is judged in whatever language it is written. All it has to do is to keep the port
//! contract: take `--listen ADDRESS`, and print `listening on ADDRESS`.

pub mod bench;
pub mod bytes;
pub mod exercise;
pub mod exercises;
pub mod finding;
pub mod harness;
pub mod icmp;
pub mod listener;
pub mod message;
pub mod processes;
pub mod runner;
pub mod sockets;
pub mod tcp;
pub mod udp;
pub mod unix;

pub use harness::exercise_tests;

use transcript::room::Outcome;

/// Does what this program was sent into a room for: a check, or a play of a lesson.
pub fn perform(task: &str) -> Outcome {
    runner::perform(task).unwrap_or_else(|| transcript::perform(task))
}
