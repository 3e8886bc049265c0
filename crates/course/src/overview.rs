//! `course` and `course list`: the table of lessons, what is done, and what is next.

use std::io::{self, Write};

use checks::exercise::Exercise;

use crate::exercises::{self, State, Task};
use crate::lessons::{self, Lesson};
use crate::problem::{Problem, course};
use crate::progress::Progress;
use crate::screen::{BOLD, GOOD, OPEN};

/// So much of a title fits behind the rest of its line.
const TITLE: usize = 46;

/// Where am I, and what is next?
pub fn welcome() -> Result<(), Problem> {
    let mut screen = anstream::stdout();
    writeln!(
        screen,
        "Socket programming in Rust, from the first socket to a ping of your own.\n"
    )?;
    let progress = Progress::read()?;
    let lessons = lessons::all()?;
    let tasks = exercises::all();
    write_table(&lessons, &tasks, &progress)?;
    let usable = |task: &&Task| matches!(task.state, State::Ready(_));
    let all = tasks.iter().filter(usable).count();
    let is_passed = |task: &&Task| progress.is_passed(task.name);
    let passed = tasks.iter().filter(usable).filter(is_passed).count();
    writeln!(screen, "\n{passed} of {all} exercises passed. What is next:")?;
    say_next(&lessons, &tasks, &progress)
}

/// The lesson to read, and the exercise to do.
fn say_next(
    lessons: &[Lesson],
    tasks: &[Task],
    progress: &Progress,
) -> Result<(), Problem> {
    let exercise = exercises::current(progress);
    let key = exercise.as_ref().map_or("~", |exercise| exercise.key.as_str());
    // Not every lesson has an exercise: read on behind the last one that is passed.
    let is_passed = |task: &&Task| task.key < key && progress.is_passed(task.name);
    let last_passed = tasks.iter().rfind(is_passed).map_or("", |task| task.key);
    let mut screen = anstream::stdout();
    let mut say = |what, text: &str| writeln!(screen, "  {BOLD}{what:8}{BOLD:#}  {text}");
    match lessons.iter().find(|lesson| lesson.key().as_str() > last_passed) {
        Some(lesson) => {
            say("read", &lesson.page())?;
            say("watch it", &course(&format!("play {}", lesson.name)))?;
        }
        None => say("again", &course("reset NAME"))?,
    }
    if let Some(Exercise { key, name, texts, .. }) = exercise {
        say("do", &format!("exercises/{key}/README.md, {} minutes", texts.minutes))?;
        say("check it", &course(&format!("check {name}")))?;
    }
    Ok(())
}

/// The table.
pub fn list() -> Result<(), Problem> {
    write_table(&lessons::all()?, &exercises::all(), &Progress::read()?)
}

fn write_table(
    lessons: &[Lesson],
    tasks: &[Task],
    progress: &Progress,
) -> Result<(), Problem> {
    let width = lessons.iter().map(|lesson| lesson.name.len()).max().unwrap_or(0);
    let current = exercises::current(progress).map(|exercise| exercise.name);
    let mut screen = anstream::stdout();
    for Lesson { number, name, title, .. } in lessons {
        let task = tasks.iter().find(|task| task.name == name);
        let (style, state) = match task.map(|task| &task.state) {
            _ if progress.is_passed(name) => (GOOD, "passed"),
            None | Some(State::Missing) => (OPEN, "-"),
            Some(State::Broken(_)) => (OPEN, "error"),
            Some(State::Ready(_)) if current.as_ref() == Some(name) => (BOLD, "next"),
            Some(State::Ready(_)) => (OPEN, "open"),
        };
        let title: String = title.chars().take(TITLE).collect();
        writeln!(
            screen,
            "  {number}  {name:width$}  {style}{state:6}{style:#}  {title}"
        )?;
    }
    for task in tasks {
        if let State::Broken(problem) = &task.state {
            writeln!(io::stderr(), "warning: {problem}")?;
        }
    }
    Ok(())
}
