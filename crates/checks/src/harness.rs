//! The checks of an exercise as ordinary tests: `cargo test -p NAME-exercise`.

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use transcript::room;

use crate::exercise::Exercise;
use crate::finding::Verdict;
use crate::runner::{self, Options};
use crate::{exercises, message};

/// Checks the program of an exercise. This is the whole `main` of its `tests/checks.rs`; `program`
/// is the built program.
pub fn exercise_tests(crate_dir: &str, program: &str) -> ExitCode {
    room::play_part_if_asked(crate::perform);
    let key = Path::new(crate_dir)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let trials = match exercises::by_key(&key) {
        Ok(exercise) => {
            let ids: Vec<&'static str> =
                exercise.checks.iter().map(|check| check.id).collect();
            let test = |id: &'static str| {
                let (key, program) = (key.clone(), program.to_owned());
                Trial::test(id, move || check(&key, id, program))
            };
            ids.into_iter().map(test).collect()
        }
        Err(problem) => {
            vec![Trial::test("the exercise is complete", || Err(problem.into()))]
        }
    };
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// One check and those that it needs. Only the first that fails is told.
fn check(key: &str, id: &'static str, program: String) -> Result<(), Failed> {
    let exercise: Exercise = exercises::by_key(key)?;
    let options = Options { only: Some(id.to_owned()), ..Options::default() };
    let done = runner::run(&exercise, &[program], &options, |_| {});
    let Some(bad) = done.iter().find(|checked| !matches!(checked.verdict, Verdict::Pass))
    else {
        return Ok(());
    };
    let head = message::line(&exercise, bad);
    let details = message::details(&exercise, bad, &options, None);
    Err(Failed::from(format!("{head}\n{}", details.join("\n"))))
}
