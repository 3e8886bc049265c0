//! `course check`: compiles a program, and judges it by what it does.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anstyle::Style;
use checks::exercise::Exercise;
use checks::finding::Verdict;
use checks::message;
use checks::runner::{self, Checked, Options as RunOptions};
use nix::sys::prctl;
use nix::sys::signal::Signal;

use crate::compile::{self, Compiled};
use crate::problem::{Problem, course};
use crate::progress::Progress;
use crate::screen::{self, BAD, GOOD, OPEN, Passing};
use crate::{exercises, lessons, solution};

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// The exercise, by name (echo) or number (04); without it the first that is not passed
    #[arg(value_name = "NAME|NN")]
    exercise: Option<String>,
    /// Judge this program instead of yours, in any language: "python3 -u server.py"
    #[arg(long, value_name = "CMD")]
    program: Option<String>,
    /// Only this check, and those that it needs
    #[arg(long, value_name = "ID")]
    only: Option<String>,
    /// Make the same random input again
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// End with the program that started this one: `watch` does
    #[arg(long, hide = true)]
    watched: bool,
}

/// The first failures are told in full; the later ones often have the same cause.
const TOLD_IN_FULL: usize = 3;

/// Before the words of a message: `ok    2/2  `, and `  wanted  `.
const BEFORE_LINE: usize = 11;
const BEFORE_DETAIL: usize = 10;

/// Checks an exercise. The exit status says whether all checks were passed.
///
/// # Errors
/// There is no such exercise or check, or no cargo.
pub fn run(options: &Options) -> Result<ExitCode, Problem> {
    if options.watched {
        let _ = prctl::set_pdeathsig(Signal::SIGTERM);
    }
    let exercise = exercises::chosen(options.exercise.as_deref())?;
    let run_options = run_options(&exercise, options)?;
    let program = options.program.as_deref().map(words).transpose()?;
    let mut screen = anstream::stdout();
    writeln!(screen, "exercise {}: {}", exercise.key, exercise.texts.title)?;

    let started = Instant::now();
    let command = match program {
        Some(words) => words,
        None => match compiled(&exercise)? {
            Some(program) => vec![program],
            None => {
                writeln!(screen, "0 of {} points: it must compile.", exercise.points())?;
                say_next(&exercise, options, "error")?;
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    let compile_time = started.elapsed();
    let done = judge(&exercise, &command, &run_options);
    let check_time = started.elapsed() - compile_time;

    let passed = !done.is_empty() && done.iter().all(is_passed);
    let whole = options.only.is_none() && done.len() == exercise.checks.len();
    if passed && whole && options.program.is_none() {
        remember(&exercise);
    }

    tell_failures(&exercise, &done, &run_options, options.program.as_deref())?;
    summary(&exercise, &done)?;
    let compiled = match options.program {
        Some(_) => String::new(),
        None => format!("compiled in {}, ", seconds(compile_time)),
    };
    let (checked, seed) = (seconds(check_time), run_options.seed);
    writeln!(screen, "({compiled}checked in {checked}, seed {seed})")?;
    if done.iter().any(is_failure) {
        say_next(&exercise, options, "failure")?;
    }
    if passed && whole {
        after_success(&exercise)?;
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_options(exercise: &Exercise, options: &Options) -> Result<RunOptions, Problem> {
    let usual = RunOptions::default();
    let seed = options.seed.unwrap_or(usual.seed);
    let ids = || exercise.checks.iter().map(|check| check.id);
    if let Some(wanted) = options.only.as_deref().filter(|id| !ids().any(|i| i == *id)) {
        let (name, nearest) = (&exercise.name, lessons::did_you_mean(wanted, ids()));
        return Err(Problem::usage(format!(
            "exercise `{name}` has no check `{wanted}`{nearest}"
        ))
        .then(course(&format!("check {name}"))));
    }
    Ok(RunOptions { seed, only: options.only.clone(), ..usual })
}

/// The words of a command. Those that name a file name it from anywhere afterwards: the checks run
/// in a folder of their own.
fn words(program: &str) -> Result<Vec<String>, Problem> {
    let usage = |problem: String| {
        let example = "check echo --program \"python3 -u server.py\"";
        Problem::usage(format!("--program: {problem}")).then(course(example))
    };
    let words = shell_words::split(program).map_err(|error| usage(error.to_string()))?;
    if words.is_empty() {
        return Err(usage("which program?".to_owned()));
    }
    Ok(words.into_iter().map(from_anywhere).collect())
}

fn from_anywhere(word: String) -> String {
    let path = Path::new(&word);
    let full = path.is_file().then(|| std::path::absolute(path).ok()).flatten();
    full.map_or(word, |path| path.to_string_lossy().into_owned())
}

/// The student's program, compiled; none if it does not compile, which has then been told.
fn compiled(exercise: &Exercise) -> Result<Option<String>, Problem> {
    let passing = Passing::show(&format!("compiling exercises/{} ...", exercise.key));
    let Compiled { program, said } = compile::compile(exercise)?;
    drop(passing);
    let mut screen = anstream::stdout();
    match program {
        Some(_) => writeln!(screen, "{GOOD}ok{GOOD:#}         builds")?,
        None => writeln!(screen, "{BAD}FAIL{BAD:#}       builds: it does not compile")?,
    }
    if !said.is_empty() {
        writeln!(screen, "\n{}\n", said.trim_end())?;
    }
    Ok(program.map(|program| program.to_string_lossy().into_owned()))
}

/// Runs the checks; the line of each is printed as soon as it is known.
fn judge(exercise: &Exercise, command: &[String], options: &RunOptions) -> Vec<Checked> {
    let mut ids = exercise.checks.iter().map(|check| check.id);
    let mut running = |after: Option<&str>| {
        if options.only.is_some() {
            return after.is_none().then(|| Passing::show("checking ..."));
        }
        ids.next().map(|id| Passing::show(&format!("checking {id} ...")))
    };
    let mut passing = running(None);
    runner::run(exercise, command, options, |checked| {
        drop(passing.take());
        // If nobody reads any more, the exit status still says how it went.
        let _ = print_line(exercise, checked);
        passing = running(Some(checked.id));
    })
}

fn print_line(exercise: &Exercise, checked: &Checked) -> io::Result<()> {
    let line = message::line(exercise, checked);
    let lines = screen::wrapped(&line, BEFORE_LINE).join("\n");
    let style = style(&checked.verdict);
    let (verdict, rest) = lines.split_once(' ').unwrap_or((&lines, ""));
    writeln!(anstream::stdout(), "{style}{verdict}{style:#} {rest}")
}

fn style(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Pass => GOOD,
        Verdict::NotRun(_) => OPEN,
        Verdict::Fail(_) | Verdict::Error(_) => BAD,
    }
}

/// All that is known about the failures, the first cause first.
fn tell_failures(
    exercise: &Exercise,
    done: &[Checked],
    options: &RunOptions,
    program: Option<&str>,
) -> Result<(), Problem> {
    let mut screen = anstream::stdout();
    let failures: Vec<&Checked> = done.iter().filter(|done| is_failure(done)).collect();
    for checked in failures.iter().take(TOLD_IN_FULL) {
        writeln!(screen, "\n{BAD}{}{BAD:#}", checked.id)?;
        for line in message::details(exercise, checked, options, program) {
            writeln!(screen, "{}", fitted(&line))?;
        }
    }
    let others = failures.iter().skip(TOLD_IN_FULL).map(|checked| checked.id);
    let others = others.collect::<Vec<_>>().join(", ");
    if !others.is_empty() {
        let name = &exercise.name;
        writeln!(screen, "\nnot told here: {others}. Each of them alone:")?;
        writeln!(screen, "    {}", course(&format!("check {name} --only ID")))?;
    }
    Ok(())
}

/// A line of a message, broken where it is prose. A command stays whole, to be copied; so does what
/// has its columns for a reason.
fn fitted(line: &str) -> String {
    let label = line.get(2..BEFORE_DETAIL).unwrap_or_default().trim_end();
    let text = line.get(BEFORE_DETAIL..).unwrap_or_default();
    if ["again", "by hand", "yours"].contains(&label) || text.starts_with([' ', '|']) {
        return line.to_owned();
    }
    screen::wrapped_around_data(line, BEFORE_DETAIL).join("\n")
}

fn is_passed(checked: &Checked) -> bool {
    matches!(checked.verdict, Verdict::Pass)
}

fn is_failure(checked: &Checked) -> bool {
    matches!(checked.verdict, Verdict::Fail(_) | Verdict::Error(_))
}

/// The last lines but for what to do next: points and numbers.
fn summary(exercise: &Exercise, done: &[Checked]) -> Result<(), Problem> {
    let mut screen = anstream::stdout();
    let text =
        |checked: &Checked| exercise.text(checked.id).map_or(0, |text| text.points);
    let got: u32 = done.iter().filter(|done| is_passed(done)).map(text).sum();
    let all: u32 = done.iter().map(text).sum();
    let count =
        |what: fn(&Checked) -> bool| done.iter().filter(|done| what(done)).count();
    let (passed, failed) = (count(is_passed), count(is_failure));
    let errors = count(|checked| matches!(checked.verdict, Verdict::Error(_)));
    if passed == done.len() && passed == exercise.checks.len() {
        let all_passed = format!("all {passed} public checks passed");
        writeln!(screen, "\n{GOOD}{all_passed}{GOOD:#}: {got} of {all} points")?;
        return Ok(());
    }
    let not_run = done.len() - passed - failed;
    let mut parts = vec![format!("{passed} passed")];
    for (number, word) in [(failed - errors, "failed"), (errors, "in error")] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    if not_run > 0 {
        parts.push(format!("{not_run} not run"));
    }
    writeln!(screen, "\n{got} of {all} points: {}", parts.join(", "))?;
    if failed == 0 && not_run > 0 {
        writeln!(screen, "next: find out what this machine lacks, and what to do:")?;
        writeln!(screen, "    {}", course("doctor"))?;
    }
    Ok(())
}

/// What to do about a failure, or an error of the compiler.
fn say_next(exercise: &Exercise, options: &Options, what: &str) -> Result<(), Problem> {
    let mut screen = anstream::stdout();
    let name = &exercise.name;
    let left = Progress::read().map_or(0, |progress| {
        exercise.texts.hints.len().saturating_sub(progress.hints(name))
    });
    let program = options.program.as_ref().map_or_else(String::new, |program| {
        format!(" --program {}", shell_words::quote(program))
    });
    writeln!(screen, "next: repair the first {what}, then")?;
    writeln!(screen, "    {}", course(&format!("check {name}{program}")))?;
    match left {
        0 => writeln!(screen, "or read the hints again:")?,
        1 => writeln!(screen, "or take the last hint:")?,
        left => writeln!(screen, "or take a hint; {left} are left:")?,
    }
    writeln!(screen, "    {}", course(&format!("hint {name}")))?;
    Ok(())
}

/// Keeps the success. If that fails, it was a success all the same.
fn remember(exercise: &Exercise) {
    let kept = Progress::read().and_then(|mut progress| {
        if progress.is_passed(&exercise.name) {
            return Ok(());
        }
        progress.pass(&exercise.name);
        progress.write()
    });
    if let Err(problem) = kept {
        let _ = writeln!(io::stderr(), "warning: {problem}");
    }
}

/// What to look at, and what to read next.
fn after_success(exercise: &Exercise) -> Result<(), Problem> {
    let mut screen = anstream::stdout();
    let name = &exercise.name;
    if fs::exists(solution::folder(exercise)).unwrap_or(false) {
        writeln!(screen, "compare: {}", solution::shown(exercise))?;
        writeln!(screen, "    {}", course(&format!("solution {name}")))?;
    }
    let lessons = lessons::all()?;
    let next = lessons.iter().find(|lesson| lesson.key() > exercise.key);
    match next {
        Some(lesson) => {
            writeln!(screen, "read next: {}", lesson.page())?;
            writeln!(screen, "    {}", course(&format!("play {}", lesson.name)))?;
        }
        None => {
            writeln!(screen, "This was the last lesson. What is still open:")?;
            writeln!(screen, "    {}", course("list"))?;
        }
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
