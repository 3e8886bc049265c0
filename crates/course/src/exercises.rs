//! The exercises of this workspace, as far as they can be read.

use std::env;
use std::path::PathBuf;

use checks::exercise::{Check, Exercise};

use crate::lessons;
use crate::problem::{Problem, course};
use crate::progress::Progress;

/// Names another folder with the programs of the student, for tests.
const ELSEWHERE: &str = "COURSE_EXERCISES";

/// An exercise, or what is left of it.
pub struct Task {
    /// Its folder's name: `04-echo`.
    pub key: &'static str,
    /// Its name, which never changes: `echo`.
    pub name: &'static str,
    /// What stands in its folder.
    pub state: State,
}

/// What stands in the folder of an exercise.
pub enum State {
    /// All that is needed.
    Ready(Exercise),
    /// It is still to be written.
    Missing,
    /// Something is wrong with it; one line says what.
    Broken(String),
}

/// All exercises, in order.
pub fn all() -> Vec<Task> {
    checks::exercises::ALL.iter().map(|(key, checks)| read(key, checks)).collect()
}

fn read(key: &'static str, checks: &'static [Check]) -> Task {
    let name = key.split_once('-').map_or(key, |(_, name)| name);
    let words = lessons::workspace().join("exercises").join(key).join("exercise.toml");
    let state = if checks.is_empty() || !words.exists() {
        State::Missing
    } else {
        match Exercise::read(key, checks) {
            Ok(exercise) => State::Ready(exercise),
            Err(problem) => State::Broken(first_line(&problem)),
        }
    };
    Task { key, name, state }
}

fn first_line(problem: &str) -> String {
    problem.lines().next().unwrap_or_default().to_owned()
}

impl Task {
    /// Its words and checks.
    ///
    /// # Errors
    /// It cannot be used; the message says why, and what can.
    fn ready(self) -> Result<Exercise, Problem> {
        let problem = match self.state {
            State::Ready(exercise) => return Ok(exercise),
            State::Missing => format!("exercise `{}` is still to be written", self.name),
            State::Broken(problem) => format!("exercise `{}`: {problem}", self.name),
        };
        Err(Problem::failure(problem).then(course("list")))
    }
}

/// The exercise of this name; without a name the first that has not been passed.
///
/// # Errors
/// There is none.
pub fn chosen(wanted: Option<&str>) -> Result<Exercise, Problem> {
    let Some(wanted) = wanted else {
        let progress = Progress::read()?;
        return current(&progress).ok_or_else(|| {
            Problem::usage("all exercises are passed: which one do you mean?")
                .then(course("list"))
        });
    };
    let mut all = all();
    if let Some(place) = all.iter().position(|task| lessons::is_called(wanted, task.key))
    {
        return all.swap_remove(place).ready();
    }
    let nearest = lessons::did_you_mean(wanted, all.iter().map(|task| task.name));
    Err(Problem::usage(format!("there is no exercise `{wanted}`{nearest}"))
        .then(course("list")))
}

/// The first exercise that has not been passed.
pub fn current(progress: &Progress) -> Option<Exercise> {
    open(progress).into_iter().next()
}

/// The exercises that have not been passed, as far as they can be used.
pub fn open(progress: &Progress) -> Vec<Exercise> {
    let open = all().into_iter().filter(|task| !progress.is_passed(task.name));
    open.filter_map(|task| task.ready().ok()).collect()
}

/// The folder of an exercise, with the student's program in it.
pub fn folder(exercise: &Exercise) -> PathBuf {
    let usual = || lessons::workspace().join("exercises");
    env::var_os(ELSEWHERE).map_or_else(usual, PathBuf::from).join(&exercise.key)
}

/// The name of the student's program. In a play of a lesson it is that of the starter: a lesson shows
/// the first red run, whatever the student has made of the exercise since.
pub fn binary(exercise: &Exercise) -> String {
    let in_a_lesson = env::var_os("COURSE_IN_A_LESSON").is_some();
    format!("{}-{}", exercise.name, if in_a_lesson { "starter" } else { "exercise" })
}

/// The student's program, as one types it at the top of the workspace.
pub fn program(exercise: &Exercise) -> String {
    format!("exercises/{}/src/main.rs", exercise.key)
}
