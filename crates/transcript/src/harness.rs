//! The tests of a lesson crate: every section of its note is one test, and the excerpts are two.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::excerpt;
use crate::note::Note;
use crate::play::PATIENCE;
use crate::room::{self, Outcome};
use crate::{Job, Task};

/// Set to make a skipped test a failed one.
const NO_SKIPS: &str = "NO_SKIPS";

/// Tests the note that belongs to a lesson crate. This is the whole `main` of `tests/lesson.rs`.
pub fn lesson_tests(crate_dir: &str) -> ExitCode {
    room::play_part_if_asked(crate::perform);
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(24); // Plays wait most of the time.
    let crate_dir = Path::new(crate_dir).to_owned();
    let key = crate_dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let workspace = crate_dir.join("../..");
    let note = workspace.join("notes").join(format!("{key}.md"));
    let trials = match Note::read(&note) {
        Ok(note) => trials(note, &crate_dir),
        Err(problem) => {
            vec![Trial::test("the note can be read", || Err(Failed::from(problem)))]
        }
    };
    // The programs of its own crate are built with the tests, those of other lessons are not.
    let own_package = env::var("CARGO_PKG_NAME").ok();
    if !arguments.list
        && let Ok(note) = Note::read(&note)
        && let Err(problem) =
            crate::build_programs(&workspace, &note, own_package.as_deref())
    {
        let _ = writeln!(io::stderr(), "{problem}");
        return ExitCode::FAILURE;
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(note: Note, crate_dir: &Path) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (number, section) in note.sections.iter().enumerate() {
        let privileged = section.privileged;
        let path = note.path.clone();
        let heading = section.heading.clone();
        trials.push(Trial::test(section.heading.clone(), move || {
            let task = Task::Check;
            let job =
                Job { task, note: path, section: number, privileged, patience: PATIENCE };
            match job.run() {
                Outcome::Passed(_) => Ok(()),
                Outcome::Failed(message) => Err(Failed::from(message)),
                Outcome::Skipped(reason) => skipped(&heading, &reason),
            }
        }));
    }
    if note.sections.is_empty() {
        trials.push(Trial::test("the lesson has transcripts", || {
            Err(Failed::from("there is no `console` block to play in this lesson"))
        }));
    }
    let crate_dir = crate_dir.to_owned();
    trials.push(Trial::test("excerpts are as in their sources", move || {
        let excerpts = excerpt::check(&note);
        let regions = excerpt::check_all_shown(&note, &crate_dir);
        excerpts.and(regions).map_err(Failed::from)
    }));
    trials
}

/// Says loudly that a test was not done. Unlike `eprintln!`, a write to stderr is never captured.
fn skipped(heading: &str, reason: &str) -> Result<(), Failed> {
    if env::var_os(NO_SKIPS).is_some() {
        return Err(Failed::from(format!("skipped: {reason}")));
    }
    let _ = writeln!(io::stderr(), "SKIPPED \"{heading}\": {reason}");
    Ok(())
}
