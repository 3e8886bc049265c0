//! A cell: a program alone with its limits.
//!
//! `grade cell` is started in the place of the program, and behaves like it: it takes its signals,
//! and ends as the program ends. In between stands the *warder*, the first process of the cell's own
//! process namespace. When it ends, the kernel ends everything in there: whatever the program has
//! started, nothing stays behind. The program cannot be that first process itself: the first process
//! ignores every signal that it has no handler for.
//!
//! ```text
//! check (room) ── grade cell ── warder (1) ── program (2)
//!                     └ a pipe: how the program ended
//! ```
//!
//! Where there is no namespace, the warder looks for what the program has started, and ends that. Behind
//! a [`Fence`] it is out of the program's reach, and outlives a cell that is killed. Without, it is not.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use caps::{CapSet, Capability};
use checks::bench::NO_BOX;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::{Pid, Uid, getegid, geteuid, getpgrp, getppid, sethostname, setpgid};
use serde::{Deserialize, Serialize};
use transcript::room::map_user;

use super::descendants;
use super::fence::{Fence, ports_in};
use super::limits::{self, Limits, Whose};
use super::rights::{become_user, forbid_system_v_ipc, give_away, keep_only};
use super::tree::Tree;

/// How a cell keeps its program in.
#[derive(Clone, Serialize, Deserialize)]
pub enum Walls {
    /// Namespaces of its own.
    Namespaces(Tree),
    /// The rights of a user to whom nothing else belongs: for root where there are no namespaces.
    User(u32),
    /// No walls, but a fence.
    Fence(Fence),
    /// None. Only for programs that are trusted.
    None,
}

/// A cell.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cell {
    /// How it keeps its program in.
    pub walls: Walls,
    /// What the program may have.
    pub limits: Limits,
    /// Whether it may make raw sockets (CAP_NET_RAW), in a network that is not the machine's.
    pub raw_sockets: bool,
    /// Whether it has a network of its own, in which nothing is up: for a compiler.
    pub no_network: bool,
    /// The folder that the program starts in, inside; none: the one that there is.
    pub folder: Option<PathBuf>,
}

/// The words that make this program a cell, a warder, and a sweeper.
const CELL: &str = "cell";
const WARDER: &str = "warder";
const SWEEPER: &str = "sweeper";

/// How often the memory is measured.
const MEASURE: Duration = Duration::from_millis(50);

/// What stands in the pipe.
#[derive(Serialize, Deserialize)]
enum End {
    Status(i32),
    Signal(i32),
    TooMuch,
    NoCell(String),
}

impl Walls {
    /// Ends what a program has left behind, where no namespace does it: its warder may have been
    /// killed before it could.
    pub fn sweep(&self) {
        if let (Walls::User(user), Ok(this)) = (self, env::current_exe()) {
            let _ = Command::new(this).args([SWEEPER, &user.to_string()]).status();
        }
    }
}

impl Cell {
    /// The words that start a program in this cell, to be followed by the program and its arguments.
    ///
    /// # Errors
    /// The path of this program is not known.
    pub fn command(&self) -> Result<Vec<String>, String> {
        let this = env::current_exe().map_err(|error| format!("find myself: {error}"))?;
        let words = serde_json::to_string(self).map_err(|error| error.to_string())?;
        Ok(vec![this.to_string_lossy().into_owned(), CELL.to_owned(), words])
    }
}

/// Plays its part and ends, if this program was started as a cell or as a warder. Has to be called
/// before there are threads.
pub fn play_part_if_asked() {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(CELL) => {
            let error = keep(&arguments[2..]).err().unwrap_or_default();
            let _ = writeln!(io::stderr(), "no cell: {error}");
            die_of(NO_BOX)
        }
        Some(WARDER) => watch(&arguments[2..]),
        Some(SWEEPER) => {
            let user = arguments.get(2).and_then(|user| user.parse().ok()).unwrap_or(0);
            if become_user(user).is_ok() {
                sweep(&Walls::User(user));
            }
            process::exit(0);
        }
        _ => {}
    }
}

/// Makes the cell, waits for the end of the program, and ends like it. Returns only with a problem.
fn keep(arguments: &[String]) -> Result<(), String> {
    let _ = prctl::set_pdeathsig(Signal::SIGKILL); // The cell of a compiler is in no room.
    let cell = arguments.first().ok_or("which?")?;
    let cell: Cell = serde_json::from_str(cell).map_err(|error| error.to_string())?;
    // Signals are for the program, which gets them, too: they are sent to the whole group.
    SigSet::all().thread_block().map_err(|error| format!("block signals: {error}"))?;
    if let Walls::Namespaces(_) = cell.walls {
        make_namespaces(&cell).map_err(|error| format!("make namespaces: {error}"))?;
    }
    let (mut report, writer) = io::pipe().map_err(|error| format!("a pipe: {error}"))?;
    let open = FcntlArg::F_SETFD(FdFlag::empty());
    fcntl(&writer, open).map_err(|error| format!("hand the pipe on: {error}"))?;
    let mut warder = Command::new("/proc/self/exe")
        .arg(WARDER)
        .arg(writer.as_raw_fd().to_string())
        .args(arguments)
        .spawn()
        .map_err(|error| format!("start the warder: {error}"))?;
    drop(writer);
    let mut end = Vec::new();
    let _ = report.read_to_end(&mut end);
    let watched = warder.wait().is_ok_and(|status| status.code() != Some(1));
    if end.is_empty() && !watched {
        return Err("the warder says nothing".to_owned());
    }
    match serde_json::from_slice(&end) {
        Ok(End::Status(status)) => process::exit(status),
        Ok(End::Signal(signal)) => match Signal::try_from(signal) {
            // That one means that there was no program.
            Ok(NO_BOX) | Err(_) => process::exit(128 + signal),
            Ok(signal) => die_of(signal),
        },
        Ok(End::TooMuch) => {
            let _ =
                writeln!(io::stdout(), "grade: stopped: too much memory, or processes");
            die_of(Signal::SIGKILL)
        }
        Ok(End::NoCell(reason)) => Err(reason),
        Err(_) => die_of(Signal::SIGKILL), // The warder was killed itself.
    }
}

fn make_namespaces(cell: &Cell) -> io::Result<()> {
    let mut new = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    if cell.no_network {
        new |= CloneFlags::CLONE_NEWNET;
    }
    // A right over the room's network is a right in the room's user namespace only.
    if cell.raw_sockets {
        return Ok(unshare(new)?);
    }
    let (user, group) = (geteuid(), getegid());
    unshare(new | CloneFlags::CLONE_NEWUSER)?;
    map_user(0, user.as_raw(), group.as_raw())
}

fn die_of(signal: Signal) -> ! {
    let mut only = SigSet::empty();
    only.add(signal);
    let _ = only.thread_unblock();
    // Whether it is ignored here, or has a handler of Rust's: now it does what it usually does.
    let _ = signal_hook::low_level::emulate_default_handler(signal as i32);
    let _ = raise(signal); // For SIGKILL, which cannot be touched.
    process::exit(128 + signal as i32)
}

/// The warder: prepares the cell from within, starts the program, and tells how it ended.
fn watch(arguments: &[String]) -> ! {
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    let report = arguments.first().and_then(|pipe| take_over(pipe));
    let cell = arguments.get(1).and_then(|cell| serde_json::from_str::<Cell>(cell).ok());
    let (Some(report), Some(cell)) = (report, cell) else { process::exit(1) };
    let report = Arc::new(Mutex::new(report));
    let (parent, group) = (getppid(), getpgrp());
    // Whoever looks after the memory is there before the program, which may leave no room for it.
    let program = take_signals()
        .and_then(|()| prepare(&cell))
        .and_then(|()| measure(&cell, parent, &report))
        .and_then(|()| start(&cell.walls, group, &arguments[2..]));
    let end = match program {
        Ok(program) => end_of(program),
        Err(error) => End::NoCell(error),
    };
    finish(&cell.walls, &report, &end)
}

/// Tells how it ended, and ends what is left. Only the first word counts: whoever comes later waits here
/// for the end of this process.
fn finish(walls: &Walls, report: &Mutex<File>, end: &End) -> ! {
    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = report.write_all(&serde_json::to_vec(end).unwrap_or_default());
    sweep(walls);
    process::exit(0)
}

/// Looks after the memory from now on, and ends everything if it is too much. So it does if the cell is
/// gone, and this process is not: then nobody hears what it says.
fn measure(cell: &Cell, parent: Pid, report: &Arc<Mutex<File>>) -> Result<(), String> {
    let whose = match cell.walls {
        Walls::Namespaces(_) => Whose::Namespace,
        Walls::User(user) => Whose::User(user),
        Walls::Fence(_) => Whose::Descendants,
        Walls::None => return Ok(()),
    };
    let (cell, report) = (cell.clone(), Arc::clone(report));
    let look = move || {
        loop {
            if limits::are_exceeded(&cell.limits, whose) || getppid() != parent {
                finish(&cell.walls, &report, &End::TooMuch);
            }
            thread::sleep(MEASURE); // why: there is no event for "too much memory"
        }
    };
    thread::Builder::new()
        .spawn(look)
        .map(drop)
        .map_err(|error| format!("look after the memory: {error}"))
}

/// Whoever started the grader may ignore signals, as Python does with SIGXFSZ, and a shell with SIGINT
/// in the background; and what is ignored stays so in every program that is started. A signal with a
/// handler does not: the program gets it as if nobody had touched it.
fn take_signals() -> Result<(), String> {
    for signal in [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGPIPE,
        Signal::SIGTERM,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGXCPU,
        Signal::SIGXFSZ,
    ] {
        signal_hook::flag::register(signal as i32, Arc::default())
            .map_err(|error| format!("take {signal}: {error}"))?;
    }
    Ok(())
}

/// Opens the pipe with this number for ourselves, and closes the one that the program would inherit.
fn take_over(number: &str) -> Option<File> {
    let own = File::options().write(true).open(format!("/proc/self/fd/{number}")).ok()?;
    nix::unistd::close(number.parse::<i32>().ok()?).ok()?;
    Some(own)
}

/// Everything that has to be so when the program starts. From the outside in: each step gives a
/// right away that the steps before it need.
fn prepare(cell: &Cell) -> Result<(), String> {
    let folder = cell.folder.as_deref();
    match &cell.walls {
        Walls::Namespaces(tree) => {
            sethostname("student").map_err(|error| format!("name the host: {error}"))?;
            let own = u32::from(!cell.raw_sockets);
            let namespaces = "/proc/sys/user/max_user_namespaces";
            fs::write(namespaces, own.to_string())
                .map_err(|error| format!("forbid more user namespaces: {error}"))?;
            forbid_system_v_ipc();
            tree.enter()?;
            if cell.raw_sockets {
                keep_only(Capability::CAP_NET_RAW);
            } else {
                const ORDINARY_USER: u32 = 1000;
                unshare(CloneFlags::CLONE_NEWUSER)
                    .and_then(|()| {
                        map_user(ORDINARY_USER, 0, 0).map_err(|_| Errno::EPERM)
                    })
                    .map_err(|error| format!("become an ordinary user: {error}"))?;
                caps::clear(None, CapSet::Bounding)
                    .map_err(|error| format!("give up rights: {error}"))?;
            }
        }
        Walls::User(user) => {
            if folder.is_none() {
                // The folder of the room was made by root. From here on it is the program's.
                give_away(Path::new("."), *user)?;
            }
            become_user(*user)?;
        }
        Walls::Fence(_) => {
            adopt_orphans()?;
            outlive_the_cell()?;
            if geteuid().is_root() {
                caps::clear(None, CapSet::Bounding)
                    .map_err(|error| format!("give up rights: {error}"))?;
            }
        }
        Walls::None => adopt_orphans()?,
    }
    env::set_current_dir(folder.unwrap_or(Path::new(".")))
        .map_err(|error| format!("enter the folder: {error}"))?;
    let limits = match cell.walls {
        Walls::Fence(_) => cell.limits.beside_others_of_this_user(),
        Walls::Namespaces(_) | Walls::User(_) | Walls::None => cell.limits,
    };
    limits.set().map_err(|error| format!("set limits: {error}"))?;
    prctl::set_no_new_privs().map_err(|error| format!("renounce new rights: {error}"))
}

fn adopt_orphans() -> Result<(), String> {
    prctl::set_child_subreaper(true).map_err(|error| format!("adopt orphans: {error}"))
}

/// A cell is killed with its whole group, and then somebody has to be left who ends what the program
/// has started. So the warder leaves the group, and is not killed with its parent either: it looks
/// itself whether the cell is gone ([`measure`]).
fn outlive_the_cell() -> Result<(), String> {
    let this = Pid::from_raw(0);
    setpgid(this, this)
        .and_then(|()| prctl::set_pdeathsig(None))
        .map_err(|error| format!("outlive the cell: {error}"))
}

/// Starts the program. `group` is the one that gets the signals for it, if it is not the warder's.
fn start(walls: &Walls, group: Pid, words: &[String]) -> Result<Pid, String> {
    let (program, arguments) = words.split_first().ok_or("no program is named")?;
    SigSet::all().thread_unblock().map_err(|error| format!("take signals: {error}"))?;
    let kept = |name: &str| env::var_os(name).map(|value| (name.to_owned(), value));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(["LC_ALL", "TERM", "NO_COLOR"].into_iter().filter_map(kept))
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/tmp")
        .arg0(Path::new(program).file_name().unwrap_or_default());
    let spawn = |mut command: Command| {
        let child =
            command.spawn().map_err(|error| format!("start {program}: {error}"))?;
        Ok(Pid::from_raw(child.id().cast_signed()))
    };
    let Walls::Fence(fence) = walls else { return spawn(command) };
    let own = fs::canonicalize(&fence.writable)
        .map_err(|error| format!("find {}: {error}", fence.writable.display()))?;
    command.env("HOME", &own).env("TMPDIR", &own).process_group(group.as_raw());
    // A fence is that of a thread. The warder itself stays outside, where no signal of the program
    // reaches it.
    let inside = || fence.close(&ports_in(arguments)).and_then(|()| spawn(command));
    thread::scope(|scope| scope.spawn(inside).join())
        .unwrap_or_else(|_| Err("close the fence: a panic".to_owned()))
}

/// Waits for the program, and collects what it leaves behind on the way.
fn end_of(program: Pid) -> End {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(process, status)) if process == program => {
                return End::Status(status);
            }
            Ok(WaitStatus::Signaled(process, signal, _)) if process == program => {
                return End::Signal(signal as i32);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return End::NoCell(format!("wait for the program: {error}")),
        }
    }
}

/// Ends what is left where no namespace does it.
fn sweep(walls: &Walls) {
    match walls {
        Walls::Namespaces(_) => {}
        // All that belongs to this user, but for ourselves. From root this would end the machine.
        Walls::User(user) if geteuid() == Uid::from_raw(*user) && *user != 0 => {
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        }
        Walls::User(_) => {}
        Walls::Fence(_) | Walls::None => descendants::end(),
    }
}
