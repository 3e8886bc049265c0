//! The evidence of one row, and how to see it again.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::reports::explain::{self as told, Reader};
use crate::results::{BUILDS, Results, Row, Submission};
use crate::store;

/// What the command line says.
#[derive(Args)]
pub struct Options {
    /// The student's id
    student: String,
    /// The exercise
    exercise: String,
    /// The check; `builds` shows what the compiler said
    check: String,
    /// The folder of the results
    #[arg(long, value_name = "FOLDER", default_value = "results")]
    out: PathBuf,
}

/// Prints the evidence.
///
/// # Errors
/// There are no results, or not of this student or check.
pub fn explain(options: &Options) -> Result<ExitCode, String> {
    let results = read(options)?;
    let found = results.submissions.iter().find(|s| s.student == options.student);
    let Some(submission) = found else {
        return Err(format!(
            "there is no submission of `{}` in {}{}",
            options.student,
            options.out.display(),
            nearest(
                &options.student,
                results.submissions.iter().map(|s| s.student.as_str())
            )
        ));
    };
    let Some(row) = submission.rows.iter().find(|row| row.check == options.check) else {
        return Err(format!(
            "`{}` has no check `{}`{}",
            results.exercise.name,
            options.check,
            nearest(&options.check, submission.rows.iter().map(|row| row.check.as_str()))
        ));
    };
    let mut screen = anstream::stdout();
    for line in lines(&results, submission, row, options)? {
        writeln!(screen, "{line}").map_err(|error| format!("print: {error}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(options: &Options) -> Result<Results, String> {
    let file = options.out.join("results.json");
    let text = fs::read_to_string(&file).map_err(|error| {
        format!("read {}: {error}; --out names the folder of the results", file.display())
    })?;
    let results: Results = serde_json::from_str(&text)
        .map_err(|error| format!("read {}: {error}", file.display()))?;
    if results.exercise.name != options.exercise {
        return Err(format!(
            "{} holds results of `{}`, not of `{}`",
            options.out.display(),
            results.exercise.name,
            options.exercise
        ));
    }
    Ok(results)
}

fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> String {
    let likeness = |known: &&str| (strsim::jaro_winkler(known, wanted) * 1000.0) as u32;
    known
        .max_by_key(likeness)
        .map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

fn lines(
    results: &Results,
    submission: &Submission,
    row: &Row,
    options: &Options,
) -> Result<Vec<String>, String> {
    let says = results.check(&row.check).map_or("", |check| check.says.as_str());
    let mut lines = vec![
        format!("{}: {says}", row.check),
        format!(
            "{}, {} of {} points, {} ms, attempts: {}",
            row.verdict.name(),
            row.points,
            row.max_points,
            row.took_ms,
            row.attempts
        ),
    ];
    lines.extend(told::notes(row));
    let evidence = told::lines(results, row, Reader::Instructor);
    lines.extend(evidence.iter().map(|line| format!("  {line}")));
    if let Some(settings) = store::read_settings(&options.out)? {
        let source = settings.submissions.join(&submission.source);
        let (seed, name) = (results.grader.seed, &results.exercise.name);
        let only = match row.check.as_str() {
            BUILDS => String::new(),
            id => format!(" --only {id} --seed {seed}"),
        };
        let source = source.to_string_lossy();
        let submission = shell_words::quote(&source);
        lines.push("to run this check again, in a box:".to_owned());
        lines.push(format!("  grade single {submission} --exercise {name}{only}"));
    }
    Ok(lines)
}
