//! `course play`: performs a lesson with the real programs.

use std::fs;
use std::io::Write;

use anstyle::{Effects, Style};
use transcript::excerpt;
use transcript::note::{Note, Section};
use transcript::play::PATIENCE;
use transcript::room::Outcome;
use transcript::{Job, Task};

use crate::lessons::{self, Lesson};
use crate::problem::{Problem, course};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The lesson, by name (echo) or number (04)
    #[arg(value_name = "NAME|NN")]
    lesson: String,
    /// Only this section, by number (see --sections) or by words of its heading
    section: Option<String>,
    /// Before each answer wait for Enter, so that you can predict it
    #[arg(long)]
    step: bool,
    /// Only show the sections, with their numbers
    #[arg(long, conflicts_with_all = ["step", "overwrite"])]
    sections: bool,
    /// For authors: write into the lesson what the programs really print
    #[arg(long, conflicts_with = "step")]
    overwrite: bool,
}

/// Plays a lesson.
///
/// # Errors
/// There is no such lesson or section, or a program did something else than the lesson shows.
pub fn run(options: &Options) -> Result<(), Problem> {
    let lesson = lessons::find(&options.lesson)?;
    let note = read(&lesson)?;
    let sections = chosen(&lesson, &note, options.section.as_deref())?;
    if options.sections {
        return list(&note);
    }
    transcript::build_programs(&lessons::workspace(), &note, None)
        .map_err(|message| Problem::failure(message).then("cargo build"))?;
    if options.overwrite {
        overwrite(&lesson, &sections)
    } else {
        show(&lesson, &note, &sections, options.step)
    }
}

/// The numbers of the sections to play.
fn chosen(
    lesson: &Lesson,
    note: &Note,
    wanted: Option<&str>,
) -> Result<Vec<usize>, Problem> {
    let all = || 0..note.sections.len();
    let Some(wanted) = wanted else { return Ok(all().collect()) };
    let by_number =
        wanted.parse().ok().filter(|number| (1..=note.sections.len()).contains(number));
    if let Some(number) = by_number {
        return Ok(vec![number - 1]);
    }
    let words = wanted.to_lowercase();
    let has_words =
        |&number: &usize| note.sections[number].heading.to_lowercase().contains(&words);
    let found: Vec<usize> = all().filter(has_words).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let headings = note.sections.iter().map(|section| section.heading.as_str());
    Err(Problem::usage(format!(
        "lesson `{}` has no section `{wanted}`{}",
        lesson.name,
        lessons::did_you_mean(wanted, headings)
    ))
    .then(course(&format!("play {} --sections", lesson.name))))
}

fn list(note: &Note) -> Result<(), Problem> {
    let mut screen = anstream::stdout();
    for (number, section) in note.sections.iter().enumerate() {
        writeln!(screen, "  {:2}  {}", number + 1, section.heading)?;
    }
    Ok(())
}

fn show(
    lesson: &Lesson,
    note: &Note,
    sections: &[usize],
    step: bool,
) -> Result<(), Problem> {
    let heading = Style::new().effects(Effects::BOLD | Effects::UNDERLINE);
    let mut screen = anstream::stdout();
    let mut skipped = 0;
    for &number in sections {
        let section = &note.sections[number];
        writeln!(screen, "{heading}{}{heading:#}\n", section.heading)?;
        match job(lesson, number, section, Task::Show { step }).run() {
            Outcome::Passed(_) => {}
            Outcome::Failed(message) => {
                return Err(Problem::failure(format!(
                    "this went otherwise than the lesson shows\n{message}"
                ))
                .then(course("doctor")));
            }
            Outcome::Skipped(reason) => {
                skipped += 1;
                writeln!(screen, "(skipped: {reason})")?;
            }
        }
        writeln!(screen)?;
    }
    let played = sections.len() - skipped;
    writeln!(
        screen,
        "Played {played} of {} sections of {}.",
        note.sections.len(),
        lesson.page()
    )?;
    if !step {
        writeln!(screen, "To predict each answer before it comes:")?;
        writeln!(screen, "    cargo run -p course -- play {} --step", lesson.name)?;
    }
    Ok(())
}

fn overwrite(lesson: &Lesson, sections: &[usize]) -> Result<(), Problem> {
    let before = fs::read_to_string(&lesson.note).map_err(unreadable(lesson))?;
    for &number in sections {
        // Read again: the section before may have grown.
        let note = read(lesson)?;
        let section = &note.sections[number];
        match job(lesson, number, section, Task::Overwrite).run() {
            Outcome::Passed(_) => {}
            Outcome::Failed(message) => {
                return Err(Problem::failure(message).then(again(lesson)));
            }
            Outcome::Skipped(reason) => {
                let heading = &section.heading;
                writeln!(anstream::stdout(), "\"{heading}\" is skipped: {reason}")?;
            }
        }
    }
    let note = read(lesson)?;
    let text = excerpt::refreshed(&note)
        .map_err(|message| Problem::failure(message).then(again(lesson)))?;
    if text != note.text {
        fs::write(&lesson.note, &text).map_err(unreadable(lesson))?;
    }
    let mut screen = anstream::stdout();
    if text == before {
        writeln!(screen, "{} is as it was: it shows what is printed.", lesson.page())?;
    } else {
        writeln!(screen, "{} has changed; look at it: git diff {0}", lesson.page())?;
    }
    check(lesson, sections)
}

/// Plays what was written.
fn check(lesson: &Lesson, sections: &[usize]) -> Result<(), Problem> {
    let note = read(lesson)?;
    for &number in sections {
        if let Outcome::Failed(message) =
            job(lesson, number, &note.sections[number], Task::Check).run()
        {
            return Err(Problem::failure(format!(
                "the new text does not play yet\n{message}"
            ))
            .then(again(lesson)));
        }
    }
    Ok(())
}

fn job(lesson: &Lesson, section_number: usize, section: &Section, task: Task) -> Job {
    let privileged = section.privileged;
    let note = lesson.note.clone();
    Job { task, note, section: section_number, privileged, patience: PATIENCE }
}

fn unreadable(lesson: &Lesson) -> impl FnOnce(std::io::Error) -> Problem {
    let page = lesson.page();
    move |error| {
        Problem::failure(format!("{page}: {error}")).then(format!("ls -l {page}"))
    }
}

fn read(lesson: &Lesson) -> Result<Note, Problem> {
    Note::read(&lesson.note)
        .map_err(|message| Problem::failure(message).then(course("list")))
}

/// For authors: the command to type once the lesson has been repaired.
fn again(lesson: &Lesson) -> String {
    course(&format!("play {}", lesson.name))
}
