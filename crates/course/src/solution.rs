//! `course solution`: where the model solution is, for whoever has found one of their own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use checks::exercise::Exercise;

use crate::exercises;
use crate::lessons;
use crate::problem::{Problem, course};
use crate::progress::Progress;
use crate::screen::BOLD;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The exercise, by name (echo) or number (04)
    #[arg(value_name = "NAME|NN")]
    exercise: String,
    /// Even if your program has not passed yet
    #[arg(long)]
    anyway: bool,
}

/// Shows the solution of an exercise that has been passed.
///
/// # Errors
/// It has not, or this copy of the course comes without solutions.
pub fn run(options: &Options) -> Result<(), Problem> {
    let exercise = exercises::chosen(Some(&options.exercise))?;
    let name = &exercise.name;
    let folder = folder(&exercise);
    if !folder.exists() {
        return Err(Problem::failure(format!(
            "this copy of the course has no solution of `{name}`: ask who gave it to you"
        ))
        .then(course(&format!("hint {name}"))));
    }
    if !options.anyway && !Progress::read()?.is_passed(name) {
        return Err(Problem::failure(format!(
            "the solution of `{name}` is shown when your program has passed, or with --anyway"
        ))
        .then(course(&format!("check {name}"))));
    }
    let mut screen = anstream::stdout();
    for file in files(&folder) {
        let shown = file.strip_prefix(lessons::workspace()).unwrap_or(&file).display();
        let text = fs::read_to_string(&file).map_err(|error| {
            Problem::failure(format!("{shown}: {error}")).then(format!("ls -l {shown}"))
        })?;
        writeln!(screen, "{BOLD}== {shown}{BOLD:#}\n\n{text}")?;
    }
    let (yours, ours) = (exercises::program(&exercise), shown(&exercise));
    writeln!(screen, "next: compare it with yours, line by line")?;
    writeln!(screen, "    diff -u {yours} \\\n        {ours}")?;
    Ok(())
}

/// The reasons, if some were written down, and the sources.
fn files(folder: &Path) -> Vec<PathBuf> {
    let sources = fs::read_dir(folder.join("src")).into_iter().flatten().flatten();
    let mut sources: Vec<PathBuf> = sources.map(|entry| entry.path()).collect();
    // The main program first: it reads as the table of contents.
    sources.sort_by_key(|file| (!file.ends_with("main.rs"), file.clone()));
    let why = folder.join("WHY.md");
    [why].into_iter().filter(|file| file.exists()).chain(sources).collect()
}

/// The folder of the solution.
pub fn folder(exercise: &Exercise) -> PathBuf {
    lessons::workspace().join("solutions").join(&exercise.key)
}

/// Its main program, as one types it at the top of the workspace.
pub fn shown(exercise: &Exercise) -> String {
    format!("solutions/{}/src/main.rs", exercise.key)
}
