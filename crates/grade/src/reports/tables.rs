//! `long.csv` and `wide.csv`: RFC 4180 with line feeds, UTF-8.
//!
//! No text of a student begins a formula ([`cell`]). Numbers are never changed.

use csv::{Terminator, WriterBuilder};

use crate::reports::explain;
use crate::reports::text::cell;
use crate::results::Results;

const LONG: [&str; 11] = [
    "submission",
    "student_id",
    "exercise",
    "check",
    "verdict",
    "points",
    "max_points",
    "attempts",
    "seed",
    "duration_ms",
    "message",
];

/// A row for each check of each submission.
///
/// # Errors
/// What could not be written.
pub fn long(results: &Results) -> Result<String, String> {
    let mut rows = vec![LONG.map(str::to_owned).to_vec()];
    for submission in &results.submissions {
        for row in &submission.rows {
            rows.push(vec![
                cell(&submission.source),
                cell(&submission.student),
                results.exercise.name.clone(),
                row.check.clone(),
                row.verdict.name().to_owned(),
                row.points.to_string(),
                row.max_points.to_string(),
                row.attempts.to_string(),
                results.grader.seed.to_string(),
                row.took_ms.to_string(),
                cell(&row.message),
            ]);
        }
    }
    table(&rows)
}

/// A row for each student. While a mistake of the grader is among the rows of a submission,
/// there are no points in it: they are not known, and an empty cell is not taken for zero.
///
/// # Errors
/// What could not be written.
pub fn wide(results: &Results) -> Result<String, String> {
    let exercise = &results.exercise.name;
    let header = ["student_id", "name", exercise, "total", "max", "flags"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for submission in &results.submissions {
        let known = !submission.has_grader_error();
        let score = if known { submission.score.to_string() } else { String::new() };
        rows.push(vec![
            cell(&submission.student),
            cell(submission.name.as_deref().unwrap_or_default()),
            score.clone(),
            score,
            submission.max_score().to_string(),
            explain::flags(results, submission).join(" "),
        ]);
    }
    table(&rows)
}

fn table(rows: &[Vec<String>]) -> Result<String, String> {
    let tried = |error: String| format!("as CSV: {error}");
    let mut writer =
        WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|error| tried(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| tried(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| tried(error.to_string()))
}
