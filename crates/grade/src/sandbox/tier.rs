//! How strong the box can be on this machine: found out by making one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use transcript::program::{Event, Program};
use transcript::room::{Outcome, Room};

use super::cell::{Cell, Walls};
use super::fence::Fence;
use super::limits;
use super::tree::Tree;
use super::trial::{self, Tried};
use crate::compile;

/// How programs can be kept apart, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Namespaces: a machine of its own for every program, as far as it can see.
    Namespaces,
    /// For root, where namespaces are forbidden (in most containers): a user of its own for every
    /// program. It sees the same network and the same files as everybody.
    Users,
    /// A fence around every program, which stays on this machine and this user's. Only for programs
    /// that are trusted, too: it keeps their mistakes from doing harm.
    Landlock,
    /// Nothing but limits. Only for programs that are trusted.
    Off,
}

/// The user that programs run as in [`Tier::Users`].
const STRANGER: u32 = 61_184;

/// How long a box may take to be made.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the task of a trial begins with.
const TASK: &str = "try a cell ";

/// What the program in the cell says, if it is well.
const WELL: &str = "the cell is well";

/// The word that makes this program say so.
pub const SPEAK: &str = "speak";

impl Tier {
    /// As in the results.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Namespaces => "namespaces",
            Tier::Users => "users",
            Tier::Landlock => "landlock",
            Tier::Off => "off",
        }
    }

    /// What keeps a program in.
    pub fn walls(self) -> Walls {
        match self {
            Tier::Namespaces => Walls::Namespaces(Tree::default()),
            Tier::Users => Walls::User(STRANGER),
            Tier::Landlock => Walls::Fence(Fence::default()),
            Tier::Off => Walls::None,
        }
    }
}

/// Why there is no box of a kind, and which step failed.
#[derive(Debug)]
pub struct Missing {
    /// The step and the words of the system.
    pub reason: String,
    /// What can be done about it.
    pub advice: Vec<&'static str>,
}

/// Makes a box of this kind, with a program in it. `place` is an empty folder.
///
/// # Errors
/// It cannot be made, and what to do.
pub fn try_out(tier: Tier, place: &Path) -> Result<(), Missing> {
    match tier {
        Tier::Namespaces => {
            let room = Room { strict: true, deadline: Some(PATIENCE), ..Room::default() };
            match room.run(&format!("{TASK}{}", place.display())) {
                Outcome::Passed(_) => Ok(()),
                Outcome::Failed(reason) | Outcome::Skipped(reason) => {
                    Err(Missing { advice: advice(&reason), reason })
                }
            }
        }
        Tier::Users if geteuid().is_root() => tempfile::tempdir()
            .map_err(|error| format!("a temporary folder: {error}"))
            .and_then(|folder| try_cell(&a_cell(tier.walls(), None), folder.path(), None))
            .map_err(|reason| Missing { reason, advice: Vec::new() })
            .and_then(|()| can_compile(&a_cell(tier.walls(), Some("/".into())))),
        Tier::Users => Err(Missing {
            reason: "only root can give every program a user of its own".to_owned(),
            advice: Vec::new(),
        }),
        Tier::Landlock => try_fence().map(drop),
        Tier::Off => Ok(()),
    }
}

/// Makes a fence, with programs in it: one that tries to get out, and the compiler.
///
/// # Errors
/// It cannot be made, or something gets out.
pub fn try_fence() -> Result<Tried, Missing> {
    let missing = |reason| Missing { reason, advice: Vec::new() };
    let folder = tempfile::tempdir()
        .map_err(|error| missing(format!("a temporary folder: {error}")))?;
    let inside = folder.path().join("inside");
    fs::create_dir(&inside)
        .map_err(|error| missing(format!("make a folder: {error}")))?;
    let a_fence = |shown: PathBuf, with_programs| {
        let fence = Fence { shown: vec![shown], writable: inside.clone(), with_programs };
        a_cell(Walls::Fence(fence), Some(inside.clone()))
    };
    let this =
        env::current_exe().map_err(|error| missing(format!("find myself: {error}")))?;
    let cell = a_fence(this, false);
    let tried = trial::try_out(folder.path(), |words| hear(&cell, &inside, None, words))
        .map_err(missing)?;
    can_compile(&a_fence(compile::sysroot().map_err(missing)?, true)).map_err(
        |Missing { reason, .. }| missing(format!("rustc --version: {reason}")),
    )?;
    Ok(tried)
}

/// Tries a cell, if this is what the task says: for a process that is in a room already.
pub fn perform(task: &str) -> Option<Outcome> {
    let place = Path::new(task.strip_prefix(TASK)?);
    let inside = Path::new("/program");
    let tree = env::current_exe().map(|this| Tree {
        place: place.to_owned(),
        shown: vec![(this, inside.to_owned())],
        writable: vec![(".".into(), "/work".into())],
        with_programs: false,
    });
    let tried = tree.map_err(|error| format!("find myself: {error}")).and_then(|tree| {
        let cell = a_cell(Walls::Namespaces(tree), Some("/work".into()));
        try_cell(&cell, Path::new("."), Some(inside))
    });
    Some(match tried {
        Ok(()) => Outcome::Passed(String::new()),
        Err(reason) => Outcome::Failed(reason),
    })
}

/// Whether the compiler can be started in a cell that does not bring it along.
fn can_compile(cell: &Cell) -> Result<(), Missing> {
    let compiler = compile::sysroot().map(|sysroot| sysroot.join("bin/rustc"));
    let said = compiler.and_then(|compiler| {
        let words = cell.command()?;
        let said = Command::new(&words[0])
            .args(&words[1..])
            .arg(compiler)
            .arg("--version")
            .output();
        said.map_err(|error| format!("start a cell: {error}"))
    });
    match said {
        Ok(said) if said.status.success() => Ok(()),
        Ok(said) => Err(String::from_utf8_lossy(&said.stderr).trim().to_owned()),
        Err(error) => Err(error),
    }
    .map_err(|reason| Missing {
        reason,
        advice: vec![
            "install Rust where every user may read it: RUSTUP_HOME=/usr/local/rustup \
             CARGO_HOME=/usr/local/cargo, and the course outside of /root",
        ],
    })
}

fn a_cell(walls: Walls, folder: Option<PathBuf>) -> Cell {
    let limits = limits::PROGRAM;
    Cell { walls, limits, raw_sockets: false, no_network: false, folder }
}

/// Runs this program in a cell, where it has to speak. `inside` is where it is found there.
fn try_cell(cell: &Cell, folder: &Path, inside: Option<&Path>) -> Result<(), String> {
    let said = hear(cell, folder, inside, &[SPEAK])?;
    if said.trim() == WELL { Ok(()) } else { Err(said.trim().to_owned()) }
}

/// Runs this program in a cell, with these arguments, and returns what is said there.
fn hear(
    cell: &Cell,
    folder: &Path,
    inside: Option<&Path>,
    arguments: &[&str],
) -> Result<String, String> {
    let words = cell.command()?;
    let program = inside.unwrap_or(Path::new(&words[0]));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(program).args(arguments).current_dir(folder);
    let (sender, events) = mpsc::channel();
    let _program = Program::start(command, move |event| drop(sender.send(event)))
        .map_err(|error| format!("start a cell: {error}"))?;
    let deadline = Instant::now() + PATIENCE;
    let mut said = String::new();
    loop {
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Printed(bytes)) => said.push_str(&String::from_utf8_lossy(&bytes)),
            Ok(Event::Flooded) => {}
            Ok(Event::Ended(_)) => return Ok(said),
            Err(_) => return Err("the cell does not answer".to_owned()),
        }
    }
}

/// For the program in the cell of a trial.
pub fn speak() {
    println!("{WELL}");
}

/// What helps against the classic reasons: the words of the system tell them apart.
fn advice(reason: &str) -> Vec<&'static str> {
    let has = |word: &str| reason.contains(word);
    let sysctl = |name: &str| Path::new("/proc/sys").join(name).exists();
    let mut advice = Vec::new();
    if has("No space left") {
        advice
            .push("allow user namespaces: sudo sysctl -w user.max_user_namespaces=10000");
    }
    if sysctl("kernel/apparmor_restrict_unprivileged_userns") {
        advice.push(
            "Ubuntu, until the next start: \
             sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        );
    }
    if sysctl("kernel/unprivileged_userns_clone") {
        advice.push("Debian: sudo sysctl -w kernel.unprivileged_userns_clone=1");
    }
    advice.push(
        "in a container: docker run --security-opt seccomp=unconfined \
         --security-opt apparmor=unconfined ...",
    );
    advice
}
