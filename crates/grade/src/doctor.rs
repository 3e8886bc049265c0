//! How well programs can be kept apart on this machine, found out by doing it.

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use nix::unistd::geteuid;

use crate::compile;
use crate::run::cores;
use crate::sandbox::tier::{self, Tier};
use crate::sandbox::trial::Tried;
use crate::workshop::Workshop;

/// Prints what works. The exit status says whether strangers' programs can be graded.
pub fn run(workshop: &Workshop) -> ExitCode {
    let mut screen = anstream::stdout();
    let mut say = |line: String| {
        let _ = writeln!(screen, "{line}");
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let user =
        if geteuid().is_root() { "root, grading as nobody" } else { "an ordinary user" };
    say(format!("system     Linux {}, {} processors, {user}", kernel.trim(), cores()));
    match compile::version() {
        Ok(version) => say(format!("compiler   {version}")),
        Err(error) => say(format!("compiler   FAIL {error}; see https://rustup.rs")),
    }
    let started = Instant::now();
    let place = workshop.place();
    let namespaces = tier::try_out(Tier::Namespaces, &place);
    match &namespaces {
        Ok(()) => {
            let took = started.elapsed().as_millis();
            say("namespaces ok   user, network, process, mount, IPC, host name"
                .to_owned());
            say("cell       ok   own file tree, limits, no rights, no new ones"
                .to_owned());
            say(format!("           a program was run in such a box, in {took} ms"));
        }
        Err(missing) => {
            say(format!("namespaces FAIL {}", missing.reason));
            for advice in &missing.advice {
                say(format!("           {advice}"));
            }
        }
    }
    let users = tier::try_out(Tier::Users, &place);
    match &users {
        Ok(()) => {
            say("users      ok   this is root: a user of its own for every program"
                .to_owned())
        }
        Err(missing) => {
            say(format!("users      -    {}", missing.reason));
            for advice in &missing.advice {
                say(format!("           {advice}"));
            }
        }
    }
    let fence = tier::try_fence();
    match &fence {
        Ok(Tried { abi, refused, open }) => {
            say(format!(
                "landlock   ok   ABI {abi}; a program in such a cell tried what is outside:"
            ));
            say(format!("           refused: {}", refused.join(", ")));
            say(format!("           not refused: {}", open.join(", ")));
        }
        Err(missing) => {
            say(format!("landlock   -    {}", missing.reason));
            for advice in &missing.advice {
                say(format!("           {advice}"));
            }
        }
    }
    let tier = match (namespaces.is_ok(), users.is_ok(), fence.is_ok()) {
        (true, _, _) => "namespaces, the strongest",
        (false, true, _) => {
            "users: files and network of the machine are seen by the programs"
        }
        (false, false, true) => {
            "landlock: only programs that you trust, with --sandbox=landlock"
        }
        (false, false, false) => "off: only programs that you trust, with --sandbox=off",
    };
    say(format!("so         {tier}"));
    match namespaces.is_ok() || users.is_ok() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
