//! `course reset`: the starter again, and the student's own version kept beside it.
//!
//! `exercises/NN-name/starter.rs` is the program as it was handed out. The student changes a copy of
//! it, and perhaps commits that, and not every copy of the course has git.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use checks::exercise::Exercise;

use crate::exercises;
use crate::lessons;
use crate::problem::{Problem, course};
use crate::progress::Progress;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The exercise, by name (echo) or number (04)
    #[arg(value_name = "NAME|NN")]
    exercise: String,
}

/// Puts the starter of an exercise back.
///
/// # Errors
/// There is no such exercise, or its files cannot be written.
pub fn run(options: &Options) -> Result<(), Problem> {
    let exercise = exercises::chosen(Some(&options.exercise))?;
    let starter =
        lessons::workspace().join("exercises").join(&exercise.key).join("starter.rs");
    let file = exercises::folder(&exercise).join("src/main.rs");
    let version = put_back(&starter, &file)
        .map_err(|error| not_written(&exercise, &file, &error))?;
    let mut screen = anstream::stdout();
    let shown = shown(&exercise, &file);
    let changed = version != Version::Same;
    match version {
        Version::Same => writeln!(screen, "{shown} is the starter")?,
        Version::Missing => writeln!(screen, "{shown} is back")?,
        Version::Kept(old) => {
            writeln!(screen, "{shown} is the starter again; your version is")?;
            writeln!(screen, "{}", self::shown(&exercise, &old))?;
        }
    }
    if changed {
        let mut progress = Progress::read()?;
        progress.forget(&exercise.name);
        progress.write()?;
        writeln!(screen, "It counts as not passed, and its hints begin anew.")?;
    }
    writeln!(screen, "next: {}", course(&format!("check {}", exercise.name)))?;
    Ok(())
}

/// What became of the student's version of a file.
#[derive(PartialEq)]
enum Version {
    /// It is the starter.
    Same,
    /// There was none.
    Missing,
    /// It is kept here.
    Kept(PathBuf),
}

/// Puts one file back. First the new file is written, then the old one gets its new name: if
/// something goes wrong in between, nothing is lost.
fn put_back(starter: &Path, file: &Path) -> io::Result<Version> {
    let wanted = fs::read(starter)?;
    let present = match fs::read(file) {
        Ok(present) => Some(present),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if present.as_ref() == Some(&wanted) {
        return Ok(Version::Same);
    }
    let new = file.with_extension("rs.new");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&new, wanted)?;
    let version = match present {
        Some(_) => {
            let old = dated(file);
            fs::rename(file, &old)?;
            Version::Kept(old)
        }
        None => Version::Missing,
    };
    fs::rename(&new, file)?;
    Ok(version)
}

/// A name with the date and the time that nothing has yet: `main.2026-11-21-143000.rs`. Cargo does
/// not take it for a part of the program.
fn dated(file: &Path) -> PathBuf {
    let now = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    let name = |extra: &str| file.with_extension(format!("{now}{extra}.rs"));
    let more = (2..).map(|number| name(&format!("-{number}")));
    let mut names = std::iter::once(name("")).chain(more);
    names.find(|name| !name.exists()).unwrap_or_else(|| name(""))
}

fn shown(exercise: &Exercise, file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!("exercises/{}/src/{name}", exercise.key)
}

fn not_written(exercise: &Exercise, file: &Path, error: &io::Error) -> Problem {
    Problem::failure(format!("{}: {error}", file.display()))
        .then(format!("ls -la exercises/{}/src", exercise.key))
}
