//! `course hint`: from a question to a near-solution, one step further each time.

use std::io::Write;

use crate::exercises;
use crate::problem::{Problem, course};
use crate::progress::Progress;
use crate::screen;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The exercise, by name (echo) or number (04); without it the first that is not passed
    #[arg(value_name = "NAME|NN")]
    exercise: Option<String>,
}

/// Shows the hints so far, and one more.
///
/// # Errors
/// There is no such exercise, or the progress cannot be kept.
pub fn run(options: &Options) -> Result<(), Problem> {
    show(options.exercise.as_deref())
}

/// Shows the hints so far, and one more.
///
/// # Errors
/// There is no such exercise, or the progress cannot be kept.
pub fn show(wanted: Option<&str>) -> Result<(), Problem> {
    let exercise = exercises::chosen(wanted)?;
    let mut progress = Progress::read()?;
    let hints = &exercise.texts.hints;
    let before = progress.hints(&exercise.name).min(hints.len());
    let now = (before + 1).min(hints.len());
    let mut screen = anstream::stdout();
    for (number, hint) in hints.iter().take(now).enumerate() {
        let hint = format!("hint {} of {}: {hint}", number + 1, hints.len());
        writeln!(screen, "{}\n", screen::wrapped(&hint, 4).join("\n"))?;
    }
    let name = &exercise.name;
    match hints.len() - now {
        0 if before == now => writeln!(screen, "These are all hints there are.")?,
        0 => writeln!(screen, "This was the last hint.")?,
        1 => writeln!(screen, "1 hint is left.")?,
        left => writeln!(screen, "{left} hints are left.")?,
    }
    let next = match now == hints.len() {
        true => course(&format!("solution {name} --anyway")),
        false => course(&format!("check {name}")),
    };
    writeln!(screen, "next: {next}")?;
    if before == now {
        return Ok(());
    }
    progress.show_hints(name, now);
    progress.write()
}
