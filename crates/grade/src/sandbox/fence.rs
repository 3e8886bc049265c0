//! A fence: a program may only touch what was named before it started (Landlock, landlock(7)).
//!
//! It needs no rights, and no namespaces. A thread puts it around itself, the kernel hands it on to
//! all that this thread starts, and nobody gets out again. But it is a fence and no wall: the program
//! stands on the machine, as the user who grades. Not kept apart are UDP and all other protocols but
//! TCP, Unix sockets that are in a folder, the existence of processes, and what the owner of a file
//! may change about it without opening it: its mode, its times.
//!
//! What a kernel can forbid has grown: files since Linux 5.13 (ABI 1), TCP since 6.7 (ABI 4), signals
//! and abstract Unix sockets since 6.12 (ABI 6). Each kernel does what it can; files are the least.

use std::path::PathBuf;
use std::thread;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, NetPort, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use serde::{Deserialize, Serialize};

use super::tree::{DEVICES, LIBRARIES, PROGRAMS, SETTINGS};

/// What is asked of the kernel. Newer ones can do more, but that was never tried with these programs.
const TRIED: ABI = ABI::V7;

/// What is not fenced off.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Fence {
    /// Files and folders that can be read, and whose programs can be started. The system's libraries
    /// always can.
    pub shown: Vec<PathBuf>,
    /// The only folder that can be written. What is written there cannot be started, but for the
    /// loader's help (ld.so(8)), which is a library.
    pub writable: PathBuf,
    /// Whether the system's programs are inside, too: compilers need a linker.
    pub with_programs: bool,
}

impl Fence {
    /// Puts the fence around this thread and all that it starts, for good. Of TCP only `ports` are
    /// left: to listen there, and to call there, at whatever address.
    ///
    /// # Errors
    /// The kernel has no Landlock, in words.
    pub fn close(&self, ports: &[u16]) -> Result<(), String> {
        let closed = self.restrict(ports).map_err(|error| error.to_string());
        version_of(closed?.landlock).map(drop)
    }

    fn restrict(&self, ports: &[u16]) -> Result<RestrictionStatus, RulesetError> {
        let read = AccessFs::ReadFile;
        let read_and_start = AccessFs::from_read(TRIED);
        let write = AccessFs::from_all(TRIED) & !AccessFs::Execute;
        let use_device = AccessFs::ReadFile | AccessFs::WriteFile;
        let programs: &[&str] = if self.with_programs { &PROGRAMS } else { &[] };
        let ports = ports.iter().map(|port| {
            Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::from_all(TRIED)))
        });
        Ruleset::default()
            .handle_access(AccessFs::from_all(TRIED))?
            .handle_access(AccessNet::from_all(TRIED))?
            .scope(Scope::from_all(TRIED))?
            .create()?
            // What does not exist on this machine is left out.
            .add_rules(path_beneath_rules(LIBRARIES, read_and_start))?
            .add_rules(path_beneath_rules(programs, read_and_start))?
            .add_rules(path_beneath_rules(&self.shown, read_and_start))?
            .add_rules(path_beneath_rules(SETTINGS, read))?
            .add_rules(path_beneath_rules(DEVICES, use_device))?
            .add_rules(path_beneath_rules([&self.writable], write))?
            .add_rules(ports)?
            .restrict_self()
    }
}

/// The ports that a command line names: `8000`, `127.0.0.1:8000`, `[::1]:0`.
pub fn ports_in(arguments: &[String]) -> Vec<u16> {
    let last_part = |argument: &String| argument.rsplit(':').next()?.parse().ok();
    arguments.iter().filter_map(last_part).collect()
}

/// Which version of Landlock this kernel has: its ABI.
///
/// # Errors
/// It has none, in words.
pub fn version() -> Result<i32, String> {
    // The kernel is only asked by who puts up a fence: here a thread that has nothing else to do.
    let asked = thread::spawn(|| Fence::default().restrict(&[])).join();
    let status = asked.map_err(|_| "ask for Landlock: a panic".to_owned())?;
    version_of(status.map_err(|error| error.to_string())?.landlock)
}

fn version_of(landlock: LandlockStatus) -> Result<i32, String> {
    match landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            Ok(kernel_abi.unwrap_or(effective_abi as i32))
        }
        LandlockStatus::NotEnabled => {
            Err("this kernel has Landlock, but it is switched off: \
             `landlock` is not in the list lsm= of its command line"
                .to_owned())
        }
        LandlockStatus::NotImplemented => {
            Err("this kernel has no Landlock, which came with \
             Linux 5.13, or a container forbids it"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_a_command_line_are_found() {
        let words =
            ["client", "--listen", "127.0.0.1:8000", "[::1]:0", "5000", "a:b", "70000"];
        assert_eq!(ports_in(&words.map(str::to_owned)), [8000, 0, 5000]);
    }
}
