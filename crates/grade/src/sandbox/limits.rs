//! What a program may have at most.
//!
//! None of these hurts an honest program: a server with 200 threads takes 1.4 GB of *addresses* and
//! 8 MB of memory. That is why addresses have a generous limit, and memory is measured.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;

/// The limits of all programs in a cell together, or of each, as the system counts them.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Limits {
    /// Addresses of one process, in bytes (RLIMIT_AS).
    pub addresses: u64,
    /// Memory of all processes together, in bytes: measured, a few times a second.
    pub memory: u64,
    /// Processes and threads of all (RLIMIT_NPROC).
    pub processes: u64,
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
    processes: 512,
    descriptors: 1024,
    file: 16 * MIB,
    processor: 30,
};

/// For the compiler.
pub const COMPILER: Limits = Limits {
    addresses: 8192 * MIB,
    memory: 3072 * MIB,
    processes: 512,
    descriptors: 1024,
    file: 512 * MIB,
    processor: 20,
};

impl Limits {
    /// Sets them for this process and all that it starts.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn set(&self) -> io::Result<()> {
        let limits = [
            (Resource::RLIMIT_AS, self.addresses),
            (Resource::RLIMIT_NPROC, self.processes),
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
}

/// The memory that they use together, in bytes, and how many processes there are (proc(5), statm).
pub fn in_use(whose: Whose) -> (u64, u64) {
    const PAGE: u64 = 4096;
    let (mut memory, mut number) = (0, 0);
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let counts = match whose {
            Whose::Namespace => process != 1,
            Whose::User(user) => entry.metadata().is_ok_and(|data| data.uid() == user),
        };
        if counts {
            let statm =
                fs::read_to_string(entry.path().join("statm")).unwrap_or_default();
            let resident =
                statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
            memory += resident.unwrap_or(0) * PAGE;
            number += 1;
        }
    }
    (memory, number)
}
