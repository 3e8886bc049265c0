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

/// The checks of an exercise; none if there is no such exercise.
pub fn checks_of(name: &str) -> &'static [Check] {
    let exercise =
        ALL.iter().find(|(key, _)| key.split_once('-').is_some_and(|k| k.1 == name));
    exercise.map_or(&[], |(_, checks)| checks)
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
