//! The checks of all exercises.

mod echo;
mod hello;
mod multi_connection;
mod multi_threaded;
mod names;
mod ping;
mod sockets;
mod udp_echo;
mod unix;

use std::sync::{Mutex, PoisonError};

use crate::exercise::{Check, Exercise};

/// All exercises, in order: the key of each, and its checks.
pub const ALL: &[(&str, &[Check])] = &[
    ("01-sockets", sockets::CHECKS),
    ("02-names", names::CHECKS),
    ("03-hello", hello::CHECKS),
    ("04-echo", echo::CHECKS),
    ("10-multi-connection", multi_connection::CHECKS),
    ("11-multi-threaded", multi_threaded::CHECKS),
    ("13-udp-echo", udp_echo::CHECKS),
    ("16-unix", unix::CHECKS),
    ("21-ping", ping::CHECKS),
];

/// Checks that are not in this repository: the name of the exercise, and the check.
static ADDED: Mutex<Vec<(&str, Check)>> = Mutex::new(Vec::new());

/// Makes a check from elsewhere known. A program that adds checks has to do so before it goes into a
/// room.
pub fn add(exercise: &'static str, check: Check) {
    ADDED.lock().unwrap_or_else(PoisonError::into_inner).push((exercise, check));
}

/// A check of an exercise.
pub fn check(exercise: &str, id: &str) -> Option<Check> {
    let named = |key: &str| key.split_once('-').is_some_and(|(_, name)| name == exercise);
    let handed_out = ALL.iter().filter(|(key, _)| named(key)).flat_map(|(_, c)| *c);
    let added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
    let added = added.iter().filter(|(name, _)| *name == exercise).map(|(_, c)| c);
    handed_out.chain(added).find(|check| check.id == id).copied()
}

/// The exercise in the folder of this name.
///
/// # Errors
/// There is no such exercise, or its words are not complete.
pub fn by_key(key: &str) -> Result<Exercise, String> {
    match ALL.iter().find(|(known, _)| *known == key) {
        Some((key, checks)) => Exercise::read(key, checks),
        None => {
            Err(format!("exercises/{key} has no checks in crates/checks/src/exercises"))
        }
    }
}
