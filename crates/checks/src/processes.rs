//! What the processes of a program do, as the system lists them (proc(5), /proc/PID/stat).

use std::collections::BTreeSet;
use std::fs;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

/// A process.
#[derive(Debug, PartialEq)]
struct Process {
    number: u32,
    parent: u32,
    group: u32,
}

/// Nothing keeps a program that only waits awake for longer than this.
const LONGEST: Duration = Duration::from_millis(500);

/// Waits until every thread of every program that this process has started is asleep: in `accept`,
/// in `read` or the like. A program that is never asleep is not waited for any longer than `LONGEST`.
///
/// A server has printed its line, and is on its way to `accept`: a person at a keyboard would never
/// notice, but a check is fast enough to send its signal in between.
pub fn await_sleep() {
    let deadline = Instant::now() + LONGEST;
    while !all_sleep() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1)); // why: leaves the processor to the program
    }
}

/// Whether no thread of the programs that this process has started could go on: all of them wait for
/// something. A program that only waits for its turn on a busy machine is not asleep.
pub fn all_sleep() -> bool {
    let all: Vec<Process> =
        numbers("/proc").into_iter().filter_map(|n| parse(&stat(n, n)?)).collect();
    // A program has a process group of its own, whose first process is a child of ours.
    let own = process::id();
    let leaders: BTreeSet<u32> =
        all.iter().filter(|p| p.parent == own).map(|p| p.number).collect();
    let programs = all.iter().filter(|process| leaders.contains(&process.group));
    programs.map(|process| process.number).all(|number| {
        let threads = numbers(&format!("/proc/{number}/task"));
        threads.into_iter().filter_map(|thread| stat(number, thread)).all(|s| sleeps(&s))
    })
}

/// The entries of a folder whose names are numbers.
fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn stat(process: u32, thread: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/task/{thread}/stat")).ok()
}

/// `12 (name) S 1 12 …`: number, name, state, parent, group. The name may hold anything.
fn parse(stat: &str) -> Option<Process> {
    let (number, _) = stat.split_once(" (")?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut words = rest.split(' ').skip(1);
    Some(Process {
        number: number.parse().ok()?,
        parent: words.next()?.parse().ok()?,
        group: words.next()?.parse().ok()?,
    })
}

/// Whether a thread waits for something (S), or has ended (Z, X).
fn sleeps(stat: &str) -> bool {
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('S' | 'Z' | 'X') | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_understood() {
        let stat = "12 (a (b) c) S 3 4 4 0 -1";
        assert_eq!(parse(stat), Some(Process { number: 12, parent: 3, group: 4 }));
        assert!(sleeps(stat));
        assert!(!sleeps("12 (S) R 3 4 4 0 -1"));
    }
}
