//! The processes that have come from this one, where no namespace holds them together.
//!
//! This process has to be a subreaper (PR_SET_CHILD_SUBREAPER): then whoever loses its parent becomes
//! a child of ours, and nobody is lost.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::process;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A process as the system lists it (proc(5), /proc/PID/stat).
#[derive(Debug, PartialEq)]
struct Process {
    number: u32,
    has_ended: bool,
    parent: u32,
}

/// The numbers of those that have not ended.
///
/// # Errors
/// The processes of the machine cannot be listed.
pub fn living() -> io::Result<BTreeSet<u32>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        // A process that is gone by now has no file any more.
        let stat = fs::read_to_string(entry?.path().join("stat")).ok();
        all.extend(stat.and_then(|stat| parse(&stat)));
    }
    let mut living = BTreeSet::new();
    let mut parents = vec![process::id()];
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            parents.push(child.number);
            if !child.has_ended {
                living.insert(child.number);
            }
        }
    }
    Ok(living)
}

/// Ends them all, and collects what is left of them. If they cannot even be listed, they stay.
pub fn end() {
    // Whoever starts somebody and ends may do so between two looks, so that neither of the two is seen.
    // But as long as there are descendants, this process has children; and that the kernel knows.
    while stop_and_kill().is_ok() && has_children() {
        thread::sleep(Duration::from_millis(1)); // why: the end of others' children is no event
    }
}

fn stop_and_kill() -> io::Result<()> {
    let mut stopped = BTreeSet::new();
    // Who is stopped starts nobody, and still counts for RLIMIT_NPROC: so a fork bomb gets stuck. Who
    // is killed would make room for one more.
    loop {
        let found = living()?;
        if found.is_subset(&stopped) {
            break;
        }
        send(Signal::SIGSTOP, &found);
        stopped.extend(found);
    }
    send(Signal::SIGKILL, &stopped);
    Ok(())
}

/// Collects all children that have ended, and says whether there are others.
fn has_children() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return true,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

fn send(signal: Signal, processes: &BTreeSet<u32>) {
    for number in processes {
        let _ = kill(Pid::from_raw(number.cast_signed()), signal);
    }
}

/// `12 (name) S 1 12 …`: number, name, state, parent. The name may hold anything.
fn parse(stat: &str) -> Option<Process> {
    let (number, _) = stat.split_once(" (")?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    let has_ended = matches!(words.next()?, "Z" | "X");
    Some(Process {
        number: number.parse().ok()?,
        has_ended,
        parent: words.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_understood() {
        let wanted = Process { number: 12, has_ended: true, parent: 3 };
        assert_eq!(parse("12 (a (b) S 9) Z 3 4 4 0 -1"), Some(wanted));
    }
}
