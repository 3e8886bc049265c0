//! The folder that the grader works in, outside of everything else: /tmp/grade-NUMBER.
//!
//! Another process does the work in it, and this one waits to clean up, however that ends: by Ctrl-C,
//! by a signal, by a mistake.
//!
//! Root grades as nobody (see [`transcript::room`]), and nobody may not look into the home of root,
//! where this program may well be. So root puts a copy of the program into the workshop, and goes on
//! with that.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, geteuid, getppid};

/// Names the workshop to the process that works in it.
const WORKSHOP: &str = "GRADE_WORKSHOP";

/// The name of every workshop, up to the number of its process.
const NAME: &str = "grade-";

/// A folder to work in. It is removed at the end.
pub struct Workshop(PathBuf);

impl Workshop {
    /// Goes on with `work` in a workshop: in another process, which begins here, too.
    ///
    /// # Errors
    /// The folder cannot be made, or the process not be started.
    pub fn open(work: impl FnOnce(&Workshop) -> ExitCode) -> Result<ExitCode, String> {
        if let Some(folder) = env::var_os(WORKSHOP) {
            end_with_the_first(&folder)?;
            return Ok(work(&Workshop(PathBuf::from(folder))));
        }
        remove_abandoned();
        let folder = env::temp_dir().join(format!("{NAME}{}", process::id()));
        let tried = |error: io::Error| format!("work in {}: {error}", folder.display());
        make_folder(&folder).map_err(tried)?;
        let workshop = Workshop(folder.clone());
        let code = workshop.equip().and_then(|program| workshop.go_on(&program));
        await_orphans();
        let _ = fs::remove_dir_all(&workshop.0);
        code.map_err(tried)
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// An empty folder, on which each cell builds its own file tree.
    pub fn place(&self) -> PathBuf {
        self.0.join("place")
    }

    /// A new folder for one submission, which goes with this value.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn bench(&self, number: usize) -> Result<Bench, String> {
        let folder = self.0.join(number.to_string());
        let tried = |error: io::Error| format!("make {}: {error}", folder.display());
        make_folder(&folder).map_err(tried)?;
        for part in ["source", "out"] {
            make_folder(&folder.join(part)).map_err(tried)?;
        }
        Ok(Bench(folder))
    }

    /// Makes what all submissions have in common. Returns the program to go on with.
    fn equip(&self) -> io::Result<PathBuf> {
        make_folder(&self.place())?;
        let program = env::current_exe()?;
        if !geteuid().is_root() {
            return Ok(program);
        }
        let copy = self.0.join("grade");
        fs::copy(program, &copy)?;
        fs::set_permissions(&copy, Permissions::from_mode(0o755))?;
        make_folder(&self.0.join("play"))?; // On it each room mounts its own folder.
        Ok(copy)
    }

    fn go_on(&self, program: &Path) -> io::Result<ExitCode> {
        // Children that the second process leaves behind become ours.
        let _ = prctl::set_child_subreaper(true);
        let mut second = Command::new(program);
        second.args(env::args_os().skip(1)).env(WORKSHOP, &self.0);
        let mut second = second.spawn()?;
        // The second process decides what to do. Ctrl-C reaches it anyway, what is sent to this one
        // alone does not.
        let number = Pid::from_raw(second.id().cast_signed());
        let _ = ctrlc::set_handler(move || {
            let _ = kill(number, Signal::SIGTERM);
        });
        let code = second.wait()?.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Waits until everything has ended that the second process had started. It ends with that one, but
/// that takes a moment, and a compiler makes its folder anew as long as it lives.
fn await_orphans() {
    const LONG_ENOUGH: Duration = Duration::from_secs(5);
    let deadline = Instant::now() + LONG_ENOUGH;
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if Instant::now() > deadline {
            return;
        }
        if status == WaitStatus::StillAlive {
            thread::sleep(Duration::from_millis(5)); // why: there is no wait with a time limit
        }
    }
}

/// Lets the kernel end this process with the first one, which is the one that cleans up, and whose
/// number is in the name of the workshop.
fn end_with_the_first(workshop: &OsStr) -> Result<(), String> {
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    let name = Path::new(workshop).file_name().unwrap_or_default().to_string_lossy();
    match name.strip_prefix(NAME) == Some(getppid().to_string().as_str()) {
        true => Ok(()),
        false => Err("the grader that has started this one is gone".to_owned()),
    }
}

/// The folder of one submission.
pub struct Bench(PathBuf);

impl Bench {
    /// Where the files of the submission are put.
    pub fn source(&self) -> PathBuf {
        self.0.join("source")
    }

    /// Where the compiler puts the program.
    pub fn out(&self) -> PathBuf {
        self.0.join("out")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes a folder that nobody else may enter: the files of students are in it. Only root needs one
/// that everybody may enter, to grade as somebody else.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mode = if geteuid().is_root() { 0o755 } else { 0o700 };
    fs::DirBuilder::new().mode(mode).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(mode)) // Whatever the umask is.
}

/// Removes the workshops of graders that were killed.
fn remove_abandoned() {
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(NAME));
        let number = number.and_then(|number| number.parse::<u32>().ok());
        if number.is_some_and(|n| !Path::new(&format!("/proc/{n}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
