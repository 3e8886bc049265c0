//! `course watch`: checks an exercise each time it is saved.
//!
//! Each check is a process of its own, `course check`, so that one which is out of date can be
//! ended.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use checks::exercise::Exercise;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::exercises;
use crate::hint;
use crate::keyboard::{self, SingleKeys};
use crate::problem::{Problem, course};
use crate::progress::Progress;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The exercise, by name (echo) or number (04); without it the first that is not passed
    #[arg(value_name = "NAME|NN")]
    exercise: Option<String>,
}

/// What wakes the program up.
enum Event {
    /// Something has changed among the exercises.
    Changed,
    /// A key was pressed.
    Key(char),
    /// Ctrl-D: no key will follow.
    NoMoreKeys,
}

/// So often the files are looked at, even if no change is reported: not every file system reports
/// what others change in it (network, shared folders of a virtual machine).
const PACE: Duration = Duration::from_secs(1);

/// So often a running check is asked whether it has ended.
const PACE_OF_CHECK: Duration = Duration::from_millis(20);

/// An editor may write a file in several steps; after this time it is done.
const SETTLING: Duration = Duration::from_millis(30);

/// Checks whenever a file is saved, until `q` or Ctrl-C.
///
/// # Errors
/// There is no such exercise, or a check cannot be started.
pub fn run(options: &Options) -> Result<(), Problem> {
    let exercise = exercises::chosen(options.exercise.as_deref())?;
    let (sender, events) = mpsc::channel();
    let folder = exercises::folder(&exercise);
    let watcher = watch(folder.parent().unwrap_or(&folder), sender.clone());
    if let Err(error) = &watcher {
        writeln!(
            io::stderr(),
            "note: changes are not reported here ({error}).\n      \
             Looking at your files every second instead."
        )?;
    }
    let keys = SingleKeys::begin();
    if keys.is_ok() {
        let sender = sender.clone();
        thread::spawn(move || {
            keyboard::read_keys(|key| drop(sender.send(Event::Key(key))));
            let _ = sender.send(Event::NoMoreKeys);
        });
    } else {
        writeln!(
            io::stderr(),
            "note: no keys, for the input is no terminal. Ctrl-C ends."
        )?;
    }
    let mut watching = Watching::new(exercise, keys.is_ok());
    watching.start_check()?;
    loop {
        match events.recv_timeout(watching.pace()) {
            Ok(Event::Changed) => watching.look_soon(),
            Ok(Event::Key('q') | Event::NoMoreKeys) => return Ok(()),
            Ok(Event::Key(key)) => watching.press(key)?,
            // Time has passed. (`sender` is ours, too, so the other end is never gone.)
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        watching.see_to_check()?;
        watching.see_to_files()?;
    }
}

/// Has changes in the folder reported.
fn watch(folder: &Path, sender: Sender<Event>) -> notify::Result<RecommendedWatcher> {
    let mut watcher =
        notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // That somebody reads a file is no change: we do so ourselves.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = sender.send(Event::Changed);
            }
        })?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// The exercise that is watched.
struct Watching {
    exercise: Exercise,
    has_keys: bool,
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// When to look at the files next.
    next_look: Instant,
    check: Option<Child>,
    /// A hint was asked for while a check was printing.
    wants_hint: bool,
}

impl Watching {
    fn new(exercise: Exercise, has_keys: bool) -> Watching {
        let files = BTreeMap::new();
        let next_look = Instant::now() + PACE;
        Watching { exercise, has_keys, files, next_look, check: None, wants_hint: false }
    }

    /// Starts a check, in place of one that may be running.
    fn start_check(&mut self) -> Result<(), Problem> {
        self.stop_check();
        self.files = files(&exercises::folder(&self.exercise));
        let time = jiff::Zoned::now().strftime("%H:%M:%S");
        writeln!(io::stdout(), "\n---- {time} {}", "-".repeat(66))?;
        let start = || {
            Command::new(env::current_exe()?)
                .args(["check", "--watched", &self.exercise.name])
                .stdin(Stdio::null())
                .spawn()
        };
        let check = start().map_err(|error| {
            Problem::failure(format!("start a check: {error}"))
                .then(course(&format!("check {}", self.exercise.name)))
        })?;
        self.check = Some(check);
        Ok(())
    }

    /// Ends a check that is out of date. It takes everything with it that it has started.
    fn stop_check(&mut self) {
        let Some(mut check) = self.check.take() else { return };
        if let Ok(None) = check.try_wait() {
            let id = Pid::from_raw(check.id().cast_signed());
            let _ = signal::kill(id, Signal::SIGTERM);
            if io::stdout().is_terminal() {
                let _ = write!(io::stdout(), "\r\x1b[K"); // What it was doing.
            }
        }
        let _ = check.wait();
    }

    /// How long nothing needs to be done.
    fn pace(&self) -> Duration {
        let look = self.next_look.saturating_duration_since(Instant::now());
        if self.check.is_some() { look.min(PACE_OF_CHECK) } else { look }
    }

    /// A file has changed, and is looked at when it has settled.
    fn look_soon(&mut self) {
        self.next_look = self.next_look.min(Instant::now() + SETTLING);
    }

    /// Checks again if a file is not what it was.
    fn see_to_files(&mut self) -> Result<(), Problem> {
        if Instant::now() < self.next_look {
            return Ok(());
        }
        self.next_look = Instant::now() + PACE;
        let changed = files(&exercises::folder(&self.exercise)) != self.files;
        if changed { self.start_check() } else { Ok(()) }
    }

    /// Says what can be done next when the check has ended.
    fn see_to_check(&mut self) -> Result<(), Problem> {
        let Some(check) = &mut self.check else { return Ok(()) };
        if check.try_wait()?.is_none() {
            return Ok(());
        }
        self.check = None;
        if std::mem::take(&mut self.wants_hint) {
            return self.press('h');
        }
        self.say_keys()
    }

    fn press(&mut self, key: char) -> Result<(), Problem> {
        match key {
            'h' if self.check.is_some() => self.wants_hint = true,
            'h' => {
                writeln!(io::stdout())?;
                if let Err(problem) = hint::show(Some(&self.exercise.name)) {
                    writeln!(io::stderr(), "error: {problem}")?;
                }
                self.say_keys()?;
            }
            'n' => match following(&self.exercise)? {
                Some(next) => {
                    self.exercise = next;
                    self.start_check()?;
                }
                None => {
                    writeln!(io::stdout(), "No other exercise is open.")?;
                    self.say_keys()?;
                }
            },
            '\n' => self.start_check()?,
            _ => self.say_keys()?,
        }
        Ok(())
    }

    fn say_keys(&self) -> Result<(), Problem> {
        let mut screen = io::stdout();
        writeln!(screen, "\nwatching exercises/{}: save, and see", self.exercise.key)?;
        if self.has_keys {
            writeln!(screen, "keys: h hint, n next exercise, Enter check again, q quit")?;
        }
        Ok(())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop_check();
    }
}

/// The open exercise after this one; behind the last comes the first.
fn following(exercise: &Exercise) -> Result<Option<Exercise>, Problem> {
    let progress = Progress::read()?;
    let open = exercises::open(&progress).into_iter();
    let (before, after): (Vec<_>, Vec<_>) = open
        .filter(|other| other.key != exercise.key)
        .partition(|o| o.key < exercise.key);
    Ok(after.into_iter().chain(before).next())
}

/// All files in a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files(&path));
        } else if let Ok(content) = fs::read(&path) {
            found.insert(path, content);
        }
    }
    found
}
