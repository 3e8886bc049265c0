//! The tests of a lesson crate: every section of its note is one test, the excerpts are one, and so is
//! each function that tries what can go wrong. All are in one program, so that they wait together:
//! cargo runs one test program after another.

use std::env;
use std::io::{self, Write};
use std::panic;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::thread;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::excerpt;
use crate::note::Note;
use crate::play::PATIENCE;
use crate::room::{self, Outcome};
use crate::{Job, Task};

/// Set to make a skipped test a failed one.
const NO_SKIPS: &str = "NO_SKIPS";

/// A function that panics if something is not as it should be, with its name.
pub type Test = (&'static str, fn());

/// The list of functions that are tests: `tests![one, another]`. The compiler warns of a function
/// that stands in no list.
#[macro_export]
macro_rules! tests {
    ($($test:ident),* $(,)?) => { &[$((stringify!($test), $test)),*] };
}

/// Tests the note that belongs to a lesson crate, and what can go wrong with its programs. This is the
/// whole `main` of `tests/lesson/main.rs`.
pub fn lesson_tests(crate_dir: &str, misfortunes: &[Test]) -> ExitCode {
    room::play_part_if_asked(crate::perform);
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(24); // Most of them wait most of the time.
    let crate_dir = Path::new(crate_dir).to_owned();
    let key = crate_dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let note = crate_dir.join("../../notes").join(format!("{key}.md"));
    let mut trials = match Note::read(&note) {
        Ok(note) => trials(note, &crate_dir),
        Err(problem) => {
            vec![trial("the note can be read", || Err(Failed::from(problem)))]
        }
    };
    trials.extend(misfortunes.iter().map(|&(name, test)| {
        trial(&format!("misfortunes::{name}"), move || {
            test();
            Ok(())
        })
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(note: Note, crate_dir: &Path) -> Vec<Trial> {
    let note = Arc::new(note);
    let own_package = env::var("CARGO_PKG_NAME").ok();
    let all_built = Arc::new({
        let (note, own_package) = (Arc::clone(&note), own_package.clone());
        let workspace = crate_dir.join("../..");
        LazyLock::new(move || {
            crate::build_programs(&workspace, &note, own_package.as_deref())
        })
    });
    let mut trials = Vec::new();
    for (number, section) in note.sections.iter().enumerate() {
        let privileged = section.privileged;
        let path = note.path.clone();
        // The programs of its own crate are built with the tests, those of other lessons are not.
        let mut packages = crate::packages([section]).into_iter();
        let all_built = packages
            .any(|package| Some(package) != own_package)
            .then(|| Arc::clone(&all_built));
        trials.push(trial(&section.heading, move || {
            if let Some(all_built) = all_built {
                LazyLock::force(&all_built).clone().map_err(Failed::from)?;
            }
            let task = Task::Check;
            let job =
                Job { task, note: path, section: number, privileged, patience: PATIENCE };
            match job.run() {
                Outcome::Passed(_) => Ok(()),
                Outcome::Failed(message) => Err(Failed::from(message)),
                Outcome::Skipped(reason) => {
                    skip(&reason);
                    Ok(())
                }
            }
        }));
    }
    if note.sections.is_empty() {
        trials.push(trial("the lesson has transcripts", || {
            Err(Failed::from("there is no `console` block to play in this lesson"))
        }));
    }
    let crate_dir = crate_dir.to_owned();
    trials.push(trial("excerpts are as in their sources", move || {
        let excerpts = excerpt::check(&note);
        let regions = excerpt::check_all_shown(&note, &crate_dir);
        excerpts.and(regions).map_err(Failed::from)
    }));
    trials
}

/// A test in a thread of its name, as the message of a panic and [`skip`] say it.
fn trial(
    name: &str,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let thread = thread::Builder::new().name(name.to_owned());
    Trial::test(name, move || match thread.spawn(test)?.join() {
        Ok(result) => result,
        Err(panic) => panic::resume_unwind(panic),
    })
}

/// Says loudly that the present test is not done, and why. Unlike `eprintln!`, a write to stderr is
/// never captured.
///
/// # Panics
/// A skip shall count as a failure: `NO_SKIPS` is set in the environment.
pub fn skip(why: &str) {
    assert!(env::var_os(NO_SKIPS).is_none(), "{NO_SKIPS} is set, but {why}");
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(io::stderr(), "SKIPPED \"{test}\": {why}");
}
