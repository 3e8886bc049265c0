//! The message for a student, in Markdown.
//!
//! The first failed check comes first: checks are in the order in which they need each other,
//! so it is most likely the cause of the others. What a student wrote or a program printed
//! stands in code, where nothing is markup.

use std::fmt::Write;

use crate::reports::explain::{self, Reader, points};
use crate::reports::text::{markdown_block, markdown_code, visible};
use crate::results::{BUILDS, Results, Row, Submission, Verdict};

/// The whole message.
pub fn message(results: &Results, submission: &Submission) -> String {
    let mut text = head(results, submission);
    let of = |is: fn(&Row) -> bool| submission.rows.iter().filter(move |row| is(row));

    let failed: Vec<&Row> = of(|row| explain::is_failure(row.verdict)).collect();
    for (number, row) in failed.iter().enumerate() {
        text.push_str(&failure(results, row, number == 0 && failed.len() > 1));
    }
    let errors = of(|row| row.verdict == Verdict::GraderError);
    list(
        &mut text,
        "Not judged, by a mistake of the grader",
        errors.map(|row| line(results, row)),
    );
    let not_run = of(|row| row.verdict == Verdict::NotRun);
    list(&mut text, "Not run", not_run.map(|row| line(results, row)));
    let passed = of(|row| row.verdict == Verdict::Pass);
    list(&mut text, "Passed", passed.map(|row| line(results, row)));
    let remarks = submission.remarks.iter();
    list(
        &mut text,
        "Remarks about your files",
        remarks.map(|remark| markdown_code(remark)),
    );

    let grader = &results.grader;
    let _ = write!(
        text,
        "\n---\n\nSeed {}. Graded on {} by {}, sandbox {}. SHA-256 of your files: {}.\n",
        grader.seed,
        visible(&grader.finished),
        visible(&grader.compiler),
        visible(&grader.sandbox),
        markdown_code(&submission.digest),
    );
    text
}

/// The score, whose it is, and the sum of it all in a sentence.
fn head(results: &Results, submission: &Submission) -> String {
    let title = visible(&results.exercise.title);
    let score = format!("{} of {}", submission.score, points(submission.max_score()));
    let id = markdown_code(&submission.student);
    let source = markdown_code(&submission.source);
    let whose = match &submission.name {
        Some(name) => format!("{} ({id})", markdown_code(name)),
        None => id,
    };
    let mut text = format!("# {title}: {score}\n\nFor {whose}, from {source}.\n");
    if submission.has_grader_error() {
        text.push_str("\n**The grader made a mistake. These points are not final.**\n");
    }
    let _ = write!(text, "\n{}\n", summary(results, submission));
    text
}

fn summary(results: &Results, submission: &Submission) -> String {
    let is_private =
        |row: &&Row| results.check(&row.check).is_some_and(|check| check.private);
    let (private, public): (Vec<&Row>, Vec<&Row>) =
        submission.rows.iter().partition(is_private);
    let passed =
        |rows: &[&Row]| rows.iter().filter(|row| row.verdict == Verdict::Pass).count();
    if public.iter().any(|row| row.verdict == Verdict::BuildError) {
        return "It does not compile, so nothing else could be checked.".to_owned();
    }
    let mut text = match passed(&public) {
        all if all == public.len() => "All public checks passed.".to_owned(),
        some => format!("{some} of {} public checks passed.", public.len()),
    };
    if !private.is_empty() {
        let _ = write!(
            text,
            " Of the checks that are not handed out, {} of {} passed.",
            passed(&private),
            private.len()
        );
    }
    text
}

/// A failed check, with everything that the student may know of it.
fn failure(results: &Results, row: &Row, is_first: bool) -> String {
    let mut text = format!("\n## {}\n", title(results, row));
    if let Some(check) = results.check(&row.check) {
        let _ = write!(text, "\n{}\n", visible(&check.says));
    }
    if is_first {
        text.push_str("\nBegin with this one: others may follow from it.\n");
    }
    let lines = explain::lines(results, row, Reader::Student);
    if !lines.is_empty() {
        let _ = write!(text, "\n{}", markdown_block(&lines));
    }
    for note in explain::notes(row) {
        let _ = write!(text, "\n{}\n", markdown_code(&note));
    }
    text
}

/// The id of a check, how it ended, and its points.
fn title(results: &Results, row: &Row) -> String {
    let check = results.check(&row.check);
    let kind = match check {
        Some(check) if check.private => ", a check that is not handed out",
        _ => "",
    };
    let ended = match explain::verdict(results, row) {
        Verdict::Crash => "crashed",
        Verdict::Timeout => "took too long",
        Verdict::Limit => "wanted too much",
        Verdict::BuildError => "does not compile",
        _ => "failed",
    };
    format!("{}: {ended}{}{kind}", markdown_code(&row.check), of_points(row))
}

/// Nothing for a check that is worth nothing.
fn of_points(row: &Row) -> String {
    match row.max_points {
        0 => String::new(),
        max => format!(", {} of {}", row.points, points(max)),
    }
}

/// A check that did not fail, in a line.
fn line(results: &Results, row: &Row) -> String {
    let mut text = format!("{}{}", markdown_code(&row.check), of_points(row));
    match row.verdict {
        Verdict::NotRun => {
            let _ = write!(text, ": {}", markdown_code(&row.message));
        }
        Verdict::Pass if row.check != BUILDS => {
            if let Some(check) = results.check(&row.check) {
                let _ = write!(text, ": {}", visible(&check.says));
            }
        }
        _ => {}
    }
    for note in explain::notes(row) {
        let _ = write!(text, "; {}", markdown_code(&note));
    }
    text
}

/// A heading with a list under it, if there is anything to list.
fn list(text: &mut String, heading: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("- {item}\n")).collect();
    if !items.is_empty() {
        let _ = write!(text, "\n## {heading}\n\n{}", items.concat());
    }
}
