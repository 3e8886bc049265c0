//! The room that a play happens in: a network, process numbers and a working directory of its own.
//!
//! On Linux a process may give itself new namespaces (unshare(2), namespaces(7)), even without
//! rights: in a new *user* namespace it is root, as far as the other new namespaces go. So every
//! play gets
//!
//! * a **network** namespace: every port is free, and plays run side by side;
//! * a **process** namespace: when its first process ends, however it ends, the kernel kills all
//!   others, so nothing stays behind;
//! * a **mount** namespace with an empty, private file system as the working directory.
//!
//! A process can enter a new user namespace only while it has a single thread, so the player
//! starts the program that it is in once more: first as the *doorkeeper*, which makes the
//! namespaces, and from there as the *player*, the first process inside. An ordinary play then
//! goes through one more user namespace, in which it is an ordinary user.
//!
//! Where namespaces are forbidden (in many containers), plays take turns under a lock, in the
//! network that there is.
//!
//! Of a room that does several tasks one after another, each can have a corner of its own
//! ([`afresh`]): that takes a thread, where a room takes two programs.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    Gid, Pid, Uid, getegid, geteuid, getppid, setgid, setgroups, setsid, setuid,
};
use socket2::{Domain, Protocol, Socket, Type};
use tempfile::TempDir;

use crate::program;

/// Tells a program that was started once more which part it plays.
const PART: &str = "COURSE_PART";
const DOORKEEPER: &str = "doorkeeper";
const PLAYER: &str = "player";
const PLAYER_IN_TURN: &str = "player in turn";

/// Tells it what to do there, and with which rights.
const TASK: &str = "COURSE_TASK";
const RIGHTS: &str = "COURSE_RIGHTS";
const ROOT: &str = "root";
const STRICT: &str = "COURSE_STRICT";
const KEEPS_RIGHTS: &str = "COURSE_KEEPS_RIGHTS";

/// Exit statuses of the doorkeeper and of the player.
const FAILED: i32 = 1;
const KILLED: i32 = 70;
const NO_NAMESPACES: i32 = 75;
const SKIPPED: i32 = 77;
const INTERRUPTED: i32 = 130;

/// A room for one task.
#[derive(Clone, Copy, Default)]
pub struct Room {
    /// Whether the programs inside need the rights of root.
    pub privileged: bool,
    /// Whether what happens inside is shown: keyboard and screen are passed on.
    pub watched: bool,
    /// For programs of strangers: it has to be a room with namespaces, it is apart from the
    /// terminal, and root itself goes in as an ordinary user.
    pub strict: bool,
    /// Whether root keeps its rights where there are no namespaces, because what is inside gives
    /// them away itself.
    pub keeps_rights: bool,
    /// When all that is inside is ended, whatever it does.
    pub deadline: Option<Duration>,
}

/// What came of a task.
pub enum Outcome {
    /// All went well; the message may be empty.
    Passed(String),
    /// It did not; the message says what was wrong.
    Failed(String),
    /// It could not be tried; the message says why.
    Skipped(String),
}

/// The message of a task that was not done when the time of its room was over.
pub const TIME_IS_OVER: &str = "the time of the room is over";

impl Room {
    /// Has a task done inside: it is handed to the function that this program gives to
    /// [`play_part_if_asked`].
    pub fn run(self, task: &str) -> Outcome {
        self.run_and_hear(task, &mut |_| false)
    }

    /// Has a task done inside. `hear` gets every line that [`tell`] sends out meanwhile, and says
    /// whether it is for it; what is not is part of the message at the end.
    pub fn run_and_hear(self, task: &str, hear: &mut dyn FnMut(&str) -> bool) -> Outcome {
        let outcome = self.run_as(DOORKEEPER, task, hear);
        match outcome {
            Ok(Ended { status: Some(NO_NAMESPACES), .. }) if !self.strict => {}
            _ => return judge(outcome),
        }
        let _turn = match turn() {
            Ok(lock) => lock,
            Err(error) => {
                return Outcome::Failed(format!("wait for other plays: {error}"));
            }
        };
        judge(self.run_as(PLAYER_IN_TURN, task, hear))
    }

    fn run_as(
        self,
        part: &str,
        task: &str,
        hear: &mut dyn FnMut(&str) -> bool,
    ) -> io::Result<Ended> {
        let ends_at = self.deadline.map(|deadline| Instant::now() + deadline);
        let mut child = Command::new(env::current_exe()?)
            .env(PART, part)
            .env(TASK, task)
            .env(RIGHTS, if self.privileged { ROOT } else { "user" })
            .env(KEEPS_RIGHTS, if self.keeps_rights { "yes" } else { "no" })
            .env(STRICT, if self.strict { "yes" } else { "no" })
            .stdin(if self.watched { Stdio::inherit() } else { Stdio::null() })
            .stdout(if self.watched { Stdio::inherit() } else { Stdio::null() })
            .stderr(Stdio::piped())
            .spawn()?;
        let Some(stderr) = child.stderr.take() else {
            return end_of(child, String::new());
        };
        let (sender, lines) = mpsc::channel();
        let reader = thread::spawn(move || read_lines(stderr, &sender));
        let mut message = String::new();
        loop {
            let line = match ends_at {
                None => lines.recv().map_err(RecvTimeoutError::from),
                Some(end) => {
                    lines.recv_timeout(end.saturating_duration_since(Instant::now()))
                }
            };
            match line {
                Ok(line) if hear(line.trim_end()) => {}
                Ok(line) => message.push_str(&line),
                Err(RecvTimeoutError::Disconnected) => return end_of(child, message),
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        // With the doorkeeper the kernel ends the player, and with it all that is inside.
        child.kill()?;
        let _ = reader.join();
        child.wait()?;
        Ok(Ended { status: Some(FAILED), message: TIME_IS_OVER.to_owned() })
    }
}

fn read_lines(stderr: ChildStderr, sender: &mpsc::Sender<String>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = stderr.read_until(b'\n', &mut line) {
        let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
        line.clear();
    }
}

fn end_of(mut child: Child, message: String) -> io::Result<Ended> {
    Ok(Ended { status: child.wait()?.code(), message })
}

fn judge(outcome: io::Result<Ended>) -> Outcome {
    if let Ok(Ended { status: Some(INTERRUPTED) | None, .. }) = outcome {
        // Ctrl-C reaches us, too, and ends this process; it may only take a moment longer.
        thread::sleep(Duration::from_secs(1)); // why: our own signal handler runs meanwhile
    }
    match outcome {
        Ok(Ended { status: Some(0), message }) => Outcome::Passed(message),
        Ok(Ended { status: Some(FAILED), message }) => Outcome::Failed(message),
        Ok(Ended { status: Some(SKIPPED), message }) => Outcome::Skipped(message),
        Ok(Ended { status: Some(NO_NAMESPACES), message }) => {
            Outcome::Failed(format!("no namespaces can be made: {message}"))
        }
        Ok(Ended { message, .. }) => {
            Outcome::Failed(format!("the player failed: {message}"))
        }
        Err(error) => Outcome::Failed(format!("the player cannot be started: {error}")),
    }
}

/// How a doorkeeper or a player ended.
struct Ended {
    status: Option<i32>,
    message: String,
}

/// Plays its part and ends, if this program was started by [`Room::run`]. Has to be called first in
/// `main`: a process with several threads cannot enter a user namespace.
pub fn play_part_if_asked(perform: impl FnOnce(&str) -> Outcome) {
    let Ok(part) = env::var(PART) else { return };
    let task = env::var(TASK).unwrap_or_default();
    umask(Mode::from_bits_truncate(0o022)); // The files of a play have the same modes everywhere.
    let privileged = env::var(RIGHTS).is_ok_and(|rights| rights == ROOT);
    let status = match part.as_str() {
        DOORKEEPER => keep_door(is_yes(STRICT)),
        PLAYER => enter(privileged).map_or(NO_NAMESPACES, |()| report(perform(&task))),
        _ => play_in_turn(privileged, || perform(&task)),
    };
    process::exit(status);
}

fn is_yes(name: &str) -> bool {
    env::var(name).is_ok_and(|value| value == "yes")
}

/// Whether the present play has a network of its own.
pub fn is_private() -> bool {
    env::var(PART).is_ok_and(|part| part == PLAYER)
}

/// Sends a line out of the room, while its task goes on.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Does a piece of work in a corner of this room: in a new network and an empty folder. All programs
/// that it leaves behind are ended. Where plays take turns, only the folder is new.
///
/// A namespace belongs to a thread, not to a process (unshare(2)): so the work gets a thread of its
/// own, and what it starts inherits from that. Only users and process numbers stay those of the room.
///
/// # Errors
/// The corner cannot be made, or the work panicked, with its last words.
pub fn afresh<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    let here = env::current_dir().unwrap_or_default();
    let in_a_corner = || {
        let corner = match is_private() {
            true => make_corner().map(|()| None),
            false => make_folder(&here).map(Some),
        };
        let _folder = corner.map_err(|error| format!("prepare the work: {error}"))?;
        Ok(work())
    };
    let done = thread::scope(|scope| scope.spawn(in_a_corner).join());
    let _ = env::set_current_dir(here);
    if is_private() && process::id() == 1 {
        // The first process of a room reaches just those in it, and not itself; kill(2).
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    }
    done.unwrap_or_else(|panic| {
        let words = panic.downcast::<String>().map(|words| *words);
        let words = words.or_else(|panic| panic.downcast::<&str>().map(|w| (*w).into()));
        Err(words.unwrap_or_default())
    })
}

fn make_corner() -> io::Result<()> {
    unshare(
        CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC,
    )?;
    bring_loopback_up()?;
    set_stage()
}

/// An empty folder in that of the room, as the working directory.
fn make_folder(room: &Path) -> io::Result<TempDir> {
    let folder = tempfile::tempdir_in(room)?;
    env::set_current_dir(folder.path())?;
    Ok(folder)
}

fn report(outcome: Outcome) -> i32 {
    let (status, message) = match outcome {
        Outcome::Passed(message) => (0, message),
        Outcome::Failed(message) => (FAILED, message),
        Outcome::Skipped(message) => (SKIPPED, message),
    };
    let _ = write!(io::stderr(), "{message}");
    status
}

/// Makes the namespaces, starts the player in them, and ends as it ends.
fn keep_door(strict: bool) -> i32 {
    let parent = getppid();
    close_what_was_inherited();
    let made =
        if strict { become_nobody() } else { Ok(()) }.and_then(|()| make_namespaces());
    if let Err(error) = made {
        let _ = write!(io::stderr(), "{error}");
        return NO_NAMESPACES;
    }
    // A change of rights clears this setting: so it comes here.
    end_with_parent(Signal::SIGKILL);
    if getppid() != parent {
        return FAILED; // The parent was gone before that: nobody waits for this room.
    }
    let Ok(program) = env::current_exe() else { return NO_NAMESPACES };
    let Ok(player) = Command::new(program).env(PART, PLAYER).status() else {
        return NO_NAMESPACES;
    };
    player.code().unwrap_or_else(|| {
        tell(&format!("signal {} has ended it", player.signal().unwrap_or_default()));
        KILLED
    })
}

/// Closes what a careless parent has left open. Programs would inherit it, and get other numbers
/// for their own descriptors than a lesson shows.
fn close_what_was_inherited() {
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> = descriptors
        .flatten()
        .filter_map(|descriptor| descriptor.file_name().to_str()?.parse().ok())
        .collect();
    for number in numbers.into_iter().filter(|&number| number > 2) {
        let _ = nix::unistd::close(number);
    }
}

/// Leaves the terminal; and if this is root, becomes a user to whom nothing belongs. Root keeps
/// much of its power in a user namespace: the files that set the kernel up belong to it.
fn become_nobody() -> io::Result<()> {
    const NOBODY: u32 = 65534;
    setsid()?;
    if geteuid().is_root() {
        setgroups(&[])?;
        setgid(Gid::from_raw(NOBODY))?;
        setuid(Uid::from_raw(NOBODY))?;
        // A change of user takes /proc/self away from a process; prctl(2), PR_SET_DUMPABLE.
        prctl::set_dumpable(true)?;
    }
    Ok(())
}

fn make_namespaces() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWIPC,
    )?;
    map_user(0, user.as_raw(), group.as_raw())?;
    bring_loopback_up()?;
    keep_tables_of_corners_small();
    let nothing = None::<&str>;
    // What is mounted from here on stays in here.
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
    fs::create_dir_all(stage_folder()?)?;
    set_stage()
}

/// Gives the networks made in this one ([`afresh`]) a table of connections of their own, as small as
/// they are. To read that of the whole machine, with its hundred thousands of places, takes
/// milliseconds. Before Linux 6.1 it cannot be had (ip-sysctl, tcp_child_ehash_entries).
fn keep_tables_of_corners_small() {
    let _ = fs::write("/proc/sys/net/ipv4/tcp_child_ehash_entries", "1024");
}

/// Makes an empty folder in memory the working directory.
fn set_stage() -> io::Result<()> {
    let stage = stage_folder()?;
    let limits = Some("size=256m,nr_inodes=16k,mode=0755");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), &stage, Some("tmpfs"), flags, limits)?;
    env::set_current_dir(stage)
}

/// Says which user we are in the new user namespace (user_namespaces(7)).
///
/// # Errors
/// The system does not allow it.
pub fn map_user(inside: u32, user: u32, group: u32) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{inside} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{inside} {group} 1"))
}

/// The folder that the private file system is mounted on: a place in the build folder, which is
/// ours and takes nothing away from the programs of the play.
fn stage_folder() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program.parent().unwrap_or(Path::new("/")).join("play"))
}

/// In a new network namespace even the loopback interface is down. This asks the kernel to bring
/// it up, with one message over a netlink socket (rtnetlink(7), RTM_NEWLINK).
fn bring_loopback_up() -> io::Result<()> {
    const AF_NETLINK: i32 = 16;
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_AND_ACK: u16 = 1 | 4;
    const NLMSG_ERROR: u16 = 2;
    const IFF_UP: u32 = 1;
    const LOOPBACK: u32 = 1; // The first interface of every network namespace.

    let mut message = Vec::new();
    message.extend(32_u32.to_ne_bytes()); // nlmsghdr: length of it all,
    message.extend(RTM_NEWLINK.to_ne_bytes()); // type,
    message.extend(NLM_F_REQUEST_AND_ACK.to_ne_bytes()); // flags,
    message.extend([0; 8]); // sequence number and port.
    message.extend([0; 4]); // ifinfomsg: family and type of the device: any,
    message.extend(LOOPBACK.to_ne_bytes()); // its number,
    message.extend(IFF_UP.to_ne_bytes()); // the new flags,
    message.extend(IFF_UP.to_ne_bytes()); // and which of them to change.

    let mut kernel =
        Socket::new(Domain::from(AF_NETLINK), Type::RAW, Some(Protocol::from(0)))?;
    kernel.write_all(&message)?;
    let mut answer = [0; 64];
    let length = kernel.read(&mut answer)?;
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    let error = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
    match (length, kind, error) {
        (20.., NLMSG_ERROR, 0) => Ok(()),
        _ => Err(io::Error::from_raw_os_error(-error)),
    }
}

/// The player's first steps inside: its own view of the processes, and the right user.
fn enter(privileged: bool) -> io::Result<()> {
    let nothing = None::<&str>;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, nothing)?;
    if !privileged {
        unshare(CloneFlags::CLONE_NEWUSER)?;
        const ORDINARY_USER: u32 = 1000;
        map_user(ORDINARY_USER, 0, 0)?;
    }
    end_with_parent(Signal::SIGKILL);
    end_on_signals(None)
}

/// Asks the kernel to send this signal when the process that started this one is gone
/// (PR_SET_PDEATHSIG).
fn end_with_parent(signal: Signal) {
    let _ = prctl::set_pdeathsig(signal);
}

/// Ends this process on Ctrl-C, SIGTERM and SIGHUP, with all its programs, and removes `folder`.
///
/// A handler has a second effect that is wanted here: a background job of a shell ignores SIGINT,
/// and what it starts inherits that. A signal with a handler is back at its default in every
/// program that is started.
fn end_on_signals(folder: Option<PathBuf>) -> io::Result<()> {
    ctrlc::set_handler(move || {
        program::kill_all();
        if let Some(folder) = &folder {
            let _ = fs::remove_dir_all(folder);
        }
        process::exit(INTERRUPTED);
    })
    .map_err(io::Error::other)
}

/// Waits until no other play runs on this machine. The turn ends when the file is dropped.
fn turn() -> io::Result<File> {
    let path = env::temp_dir().join("socket-course.lock");
    let file = File::open(&path).or_else(|_| File::create(&path))?;
    file.lock()?;
    Ok(file)
}

/// Plays in the network that there is.
fn play_in_turn(privileged: bool, perform: impl FnOnce() -> Outcome) -> i32 {
    close_what_was_inherited();
    end_with_parent(Signal::SIGTERM);
    if privileged && Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).is_err()
    {
        return report(Outcome::Skipped(
            "it needs the rights of root, and no namespace can be made to have them in"
                .into(),
        ));
    }
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            return report(Outcome::Failed(format!("a temporary folder: {error}")));
        }
    };
    let prepared = env::set_current_dir(folder.path())
        .and_then(|()| end_on_signals(Some(folder.path().to_owned())));
    if let Err(error) = prepared {
        return report(Outcome::Failed(format!("prepare the play: {error}")));
    }
    if !privileged && !is_yes(KEEPS_RIGHTS) {
        // Even if root plays, the programs shall have no special rights. This fails for everybody
        // who has none to give up.
        let _ = caps::clear(None, caps::CapSet::Bounding);
    }
    let outcome = perform();
    drop(folder);
    report(outcome)
}
