//! Plays the transcripts of the lessons against the real programs.
//!
//! A lesson shows a dialogue between terminals in `console` blocks. Each line is
//! `LABEL MARK TEXT`; the label names the terminal, the mark says what the text is:
//!
//! | line | meaning |
//! |---|---|
//! | `server$ command` | start this program |
//! | `client> text`, `client> ^D`, `client> ^C` | type this into it |
//! | <code>server&#124; text</code> | it prints this line |
//! | `you* text` | the same; neighbours marked so may come in any order |
//! | <code>server&#124; ...</code> | lines that are left out |
//! | `client$`, `client! 1`, `client! signal 2` | it has ended, with 0 or as shown |
//! | `bob~ waits` | nothing happens |
//!
//! `[CLIENT]`, `[PORT]`, `[PID]`, `[FD]` and `[TID]`, also with a longer name (`[PORT2]`), are
//! numbers that stay the same in a section; `[MS]`, `[SECS]`, `[TIME]` and `[BYTES]` are numbers
//! that always differ; `[..]` is any text. All blocks between two headings are one play.
//!
//! The modules, from the page to the processes: [`note`] reads a lesson, [`play`] holds it against
//! what is printed and [`report`] says what differs; [`overwrite`] writes what is printed into the
//! lesson; [`terminals`], [`command`] and [`program`] run the programs, in the [`room`] of the
//! play. [`pattern`] compares lines, [`align`] lists of them, [`excerpt`] code. [`harness`] makes tests of it all.

pub mod align;
pub mod command;
pub mod excerpt;
pub mod harness;
pub mod note;
pub mod overwrite;
pub mod pattern;
pub mod play;
pub mod program;
pub mod report;
pub mod room;
pub mod show;
pub mod terminals;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use harness::{Test, lesson_tests, skip};

use note::{Kind, Note, Section};
use room::{Outcome, Room};

/// What is to be done with a section of a lesson.
#[derive(Clone, Copy, PartialEq)]
pub enum Task {
    /// Compare what is printed with the lesson.
    Check,
    /// The same, for somebody who watches.
    Show {
        /// Whether to wait for Enter before each answer.
        step: bool,
    },
    /// Write what is printed into the lesson.
    Overwrite,
}

/// A task for one section of one note.
pub struct Job {
    /// What to do.
    pub task: Task,
    /// The note.
    pub note: PathBuf,
    /// The number of the section, counted from 0.
    pub section: usize,
    /// Whether the programs need the rights of root.
    pub privileged: bool,
    /// How long a line or an end may take to come: usually [`play::PATIENCE`].
    pub patience: Duration,
}

impl Job {
    /// Does it, in a room of its own.
    pub fn run(&self) -> Outcome {
        let watched = matches!(self.task, Task::Show { .. });
        Room { privileged: self.privileged, watched, ..Room::default() }
            .run(&self.to_text())
    }

    fn to_text(&self) -> String {
        let task = match self.task {
            Task::Check => "check",
            Task::Show { step: false } => "show",
            Task::Show { step: true } => "step",
            Task::Overwrite => "overwrite",
        };
        let (section, patience) = (self.section, self.patience.as_millis());
        format!("{task} {section} {patience} {}", self.note.display())
    }

    fn from_text(text: &str) -> Option<Job> {
        let mut words = text.splitn(4, ' ');
        let task = match words.next()? {
            "check" => Task::Check,
            "show" => Task::Show { step: false },
            "step" => Task::Show { step: true },
            "overwrite" => Task::Overwrite,
            _ => return None,
        };
        let section = words.next()?.parse().ok()?;
        let patience = Duration::from_millis(words.next()?.parse().ok()?);
        let note = PathBuf::from(words.next()?);
        Some(Job { task, note, section, privileged: false, patience })
    }
}

/// Does a job that [`Job::run`] has sent here; this is what happens inside the room.
pub fn perform(task: &str) -> Outcome {
    let Some(job) = Job::from_text(task) else {
        return Outcome::Failed(format!("the player does not understand `{task}`"));
    };
    let note = match Note::read(&job.note) {
        Ok(note) => note,
        Err(problem) => return Outcome::Failed(problem),
    };
    let Some(section) = note.sections.get(job.section) else {
        return Outcome::Failed(format!("there is no section {}", job.section));
    };
    if let Some(reason) = missing_tool(section) {
        return Outcome::Skipped(reason);
    }
    let result = match job.task {
        Task::Check => play::play(&note, section, job.patience, &mut |_, _| {}),
        Task::Show { step } => show::show(&note, section, step),
        Task::Overwrite => overwrite::overwrite(&note, section),
    };
    match result {
        Ok(()) => Outcome::Passed(String::new()),
        Err(message) => Outcome::Failed(message),
    }
}

/// A program from elsewhere that the section needs and this machine does not have.
fn missing_tool(section: &Section) -> Option<String> {
    section.steps.iter().find_map(|step| match &step.kind {
        Kind::Command(line) => command::missing_tool(line).map(|(tool, package)| {
            format!(
                "it needs `{tool}`, which is not installed (Debian: package {package})"
            )
        }),
        _ => None,
    })
}

/// Builds the programs that a note runs, but for those of the package that is built already.
///
/// # Errors
/// In words, with what the compiler said. A package that does not exist is told with its line.
pub fn build_programs(
    workspace: &Path,
    note: &Note,
    built: Option<&str>,
) -> Result<(), String> {
    let mut packages = packages(&note.sections);
    packages.retain(|package| Some(package.as_str()) != built);
    command::build(workspace, &packages).map(drop).map_err(|said| {
        let is_unknown =
            |package: &&String| said.contains(&format!("`{package}` did not match"));
        let Some(package) = packages.iter().find(is_unknown) else { return said };
        let mut steps = note.sections.iter().flat_map(|section| &section.steps);
        let line = steps.find(|step| match &step.kind {
            Kind::Command(command) => command::packages(command).contains(package),
            _ => false,
        });
        let line = line.map_or(0, |step| step.line);
        format!(
            "{}:{line}: there is no package `{package}` in this workspace",
            short_path(&note.path).display()
        )
    })
}

/// The packages whose programs these sections run.
fn packages<'note>(sections: impl IntoIterator<Item = &'note Section>) -> Vec<String> {
    let mut packages: Vec<String> = sections
        .into_iter()
        .flat_map(|section| &section.steps)
        .filter_map(|step| match &step.kind {
            Kind::Command(line) => Some(command::packages(line)),
            _ => None,
        })
        .flatten()
        .collect();
    packages.sort();
    packages.dedup();
    packages
}

/// The stable name of a lesson: its file's name without the number and the ending.
pub fn lesson_name(note: &Path) -> String {
    let key = note.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match key.split_once('-') {
        Some((number, name)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            name.to_owned()
        }
        _ => key,
    }
}

/// A path inside the workspace as one would type it there.
pub fn short_path(path: &Path) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (Ok(workspace), Ok(full)) = (workspace.canonicalize(), path.canonicalize())
    else {
        return path.to_owned();
    };
    full.strip_prefix(&workspace).map_or(full.clone(), Path::to_owned)
}
