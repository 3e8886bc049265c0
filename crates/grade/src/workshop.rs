//! The folder that the grader works in, outside of everything else: /tmp/grade-NUMBER.
//!
//! Root grades as nobody (see [`transcript::room`]), and nobody may not look into the home of root,
//! where this program may well be. So root puts a copy of the program into the workshop, and goes on
//! from there.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid, getppid};

/// Names the workshop to the copy of this program in it.
const WORKSHOP: &str = "GRADE_WORKSHOP";

/// The name of every workshop, up to the number of its process.
const NAME: &str = "grade-";

/// A folder to work in. It is removed at the end.
pub struct Workshop(PathBuf);

impl Workshop {
    /// Goes on with `work` in a workshop. For root that is done by a copy of this program.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(work: impl FnOnce(&Workshop) -> ExitCode) -> Result<ExitCode, String> {
        if let Some(folder) = env::var_os(WORKSHOP) {
            end_with_the_original(&folder)?;
            return Ok(work(&Workshop(PathBuf::from(folder))));
        }
        remove_abandoned();
        let folder = env::temp_dir().join(format!("{NAME}{}", process::id()));
        let tried = |error: io::Error| format!("make {}: {error}", folder.display());
        make_folder(&folder).map_err(tried)?;
        let workshop = Workshop(folder.clone());
        make_folder(&workshop.place()).map_err(tried)?;
        let code = if geteuid().is_root() {
            workshop.copy_goes_on().map_err(tried)?
        } else {
            work(&workshop)
        };
        let _ = fs::remove_dir_all(&workshop.0);
        Ok(code)
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

    fn copy_goes_on(&self) -> io::Result<ExitCode> {
        let copy = self.0.join("grade");
        fs::copy(env::current_exe()?, &copy)?;
        fs::set_permissions(&copy, Permissions::from_mode(0o755))?;
        make_folder(&self.0.join("play"))?; // On it each room mounts its own folder.
        let mut goes_on = Command::new(&copy);
        goes_on.args(env::args_os().skip(1)).env(WORKSHOP, &self.0);
        let mut goes_on = goes_on.spawn()?;
        // The copy decides what to do. Ctrl-C reaches it anyway, what is sent to this process alone
        // does not.
        let copy = Pid::from_raw(goes_on.id().cast_signed());
        let _ = ctrlc::set_handler(move || {
            let _ = kill(copy, Signal::SIGTERM);
        });
        let code = goes_on.wait()?.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Lets the kernel end this copy with the original, which is the one that cleans up, and whose number
/// is in the name of the workshop.
fn end_with_the_original(workshop: &OsStr) -> Result<(), String> {
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

/// Makes a folder that everybody may enter: a program is not run by the user who made it.
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o755).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755)) // Whatever the umask is.
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
