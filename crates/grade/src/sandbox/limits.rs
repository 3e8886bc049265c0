//! What a program may have at most.
//!
//! None of these hurts an honest program: a server with 200 threads takes 1.4 GB of *addresses* and
//! 8 MB of memory. That is why addresses have a generous limit, and memory is measured. Processes are
//! counted apart from threads: a few are enough for everybody, and each can make a session of its own
//! and get as much of the processors as everything else together (sched(7), autogroup).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::descendants;

const MIB: u64 = 1 << 20;

/// The limits of all programs in a cell together, or of each, as the system counts them.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Limits {
    /// Addresses of one process, in bytes (RLIMIT_AS).
    pub addresses: u64,
    /// Memory of all processes together, in bytes: measured, a few times a second.
    pub memory: u64,
    /// Processes: counted at the same time.
    pub processes: u64,
    /// Processes and threads together (RLIMIT_NPROC).
    pub threads: u64,
    /// Open descriptors of one process (RLIMIT_NOFILE).
    pub descriptors: u64,
    /// The length of a file, in bytes (RLIMIT_FSIZE).
    pub file: u64,
    /// Processor time of one process, in seconds (RLIMIT_CPU).
    pub processor: u64,
}

/// For a student's program.
pub const PROGRAM: Limits = Limits {
    addresses: 4096 * MIB,
    memory: 1024 * MIB,
    processes: 64,
    threads: 256,
    descriptors: 1024,
    file: 16 * MIB,
    processor: 30,
};

/// For the compiler. An exercise takes it a fraction of a second.
pub const COMPILER: Limits = Limits {
    addresses: 8192 * MIB,
    memory: 3072 * MIB,
    processes: 64,
    threads: 512,
    descriptors: 1024,
    file: 512 * MIB,
    processor: 10,
};

impl Limits {
    /// The same limits for a program that shares its user with others. The system counts the threads
    /// of a user, not of a program: so those that there are have to be added.
    pub fn beside_others_of_this_user(self) -> Limits {
        let others = processes(Whose::User(geteuid().as_raw())).unwrap_or_default();
        let threads =
            |process: PathBuf| fs::read_dir(process.join("task")).map(Iterator::count);
        let others: usize =
            others.into_iter().filter_map(|process| threads(process).ok()).sum();
        let (_, most) = getrlimit(Resource::RLIMIT_NPROC).unwrap_or((0, u64::MAX));
        Limits { threads: (self.threads + others as u64).min(most), ..self }
    }

    /// Sets them for this process and all that it starts.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn set(&self) -> io::Result<()> {
        let limits = [
            (Resource::RLIMIT_AS, self.addresses),
            (Resource::RLIMIT_NPROC, self.threads),
            (Resource::RLIMIT_NOFILE, self.descriptors),
            (Resource::RLIMIT_FSIZE, self.file),
            (Resource::RLIMIT_CORE, 0),
        ];
        for (resource, limit) in limits {
            setrlimit(resource, limit, limit)?;
        }
        // At the first limit comes SIGXCPU, which tells; at the second SIGKILL.
        setrlimit(Resource::RLIMIT_CPU, self.processor, self.processor + 1)?;
        Ok(())
    }
}

/// The processes that are measured.
#[derive(Clone, Copy)]
pub enum Whose {
    /// All in this process namespace, but for the first.
    Namespace,
    /// Those of a user.
    User(u32),
    /// All that have come from this one.
    Descendants,
}

/// Whether they use more memory together than they may, or are too many.
///
/// What cannot be seen counts as too much: a program may take from whoever looks at it the means to
/// do so (prlimit(2)), or hide its open files (PR_SET_DUMPABLE).
pub fn are_exceeded(limits: &Limits, whose: Whose) -> bool {
    let Ok(processes) = processes(whose) else { return true };
    if processes.len() as u64 > limits.processes {
        return true;
    }
    let mut memory = 0;
    let mut hidden = BTreeMap::new();
    for process in processes {
        let Ok(resident) = resident(&process) else { return true };
        memory += resident.unwrap_or(0);
        if let Whose::Namespace | Whose::Descendants = whose
            && find_hidden_files(&process, &mut hidden).is_err()
            && !has_ended(&process)
        {
            return true;
        }
    }
    memory + hidden.values().sum::<u64>() > limits.memory
}

/// The folders of the processes in /proc.
fn processes(whose: Whose) -> io::Result<Vec<PathBuf>> {
    let descendants = match whose {
        Whose::Descendants => descendants::living()?,
        Whose::Namespace | Whose::User(_) => BTreeSet::new(),
    };
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let counts = match (number, whose) {
            (None, _) => false,
            (Some(number), Whose::Namespace) => number != 1,
            (Some(_), Whose::User(user)) => {
                entry.metadata().is_ok_and(|data| data.uid() == user)
            }
            (Some(number), Whose::Descendants) => descendants.contains(&number),
        };
        if counts {
            processes.push(entry.path());
        }
    }
    Ok(processes)
}

/// The memory of a process, in bytes (proc(5), statm); none if it has ended.
fn resident(process: &Path) -> io::Result<Option<u64>> {
    const PAGE: u64 = 4096;
    let gone = [Errno::ENOENT as i32, Errno::ESRCH as i32];
    let statm = match fs::read_to_string(process.join("statm")) {
        Err(error) if error.raw_os_error().is_some_and(|e| gone.contains(&e)) => {
            return Ok(None);
        }
        statm => statm?,
    };
    let mut pages = statm.split(' ').map_while(|pages| pages.parse::<u64>().ok());
    // Who has ended, but was not waited for yet, has no addresses any more.
    let has_addresses = pages.next().is_some_and(|size| size > 0);
    Ok(pages.next().filter(|_| has_addresses).map(|pages| pages * PAGE))
}

fn has_ended(process: &Path) -> bool {
    matches!(resident(process), Ok(None))
}

/// Finds open files that are in no folder, and their bytes: such a file may be nothing but memory,
/// which is no process's (memfd_create(2)).
fn find_hidden_files(
    process: &Path,
    found: &mut BTreeMap<(u64, u64), u64>,
) -> io::Result<()> {
    const BLOCK: u64 = 512;
    for descriptor in fs::read_dir(process.join("fd"))? {
        let Ok(file) = fs::metadata(descriptor?.path()) else { continue };
        if file.is_file() && file.nlink() == 0 {
            found.insert((file.dev(), file.ino()), file.blocks() * BLOCK);
        }
    }
    Ok(())
}
