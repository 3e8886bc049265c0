//! Points that an instructor gives by hand. They stand in a file, so they survive a regrade.
//!
//! ```toml
//! [[override]]
//! student = "ada"
//! check = "half-close"
//! points = 2
//! reason = "shown in the lab"
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::results::{ExerciseInfo, Overridden, Results};
use crate::submissions::{normalised, shown};

/// All changes by hand.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The file, for messages.
    file: String,
    /// In the order of the file; no two for the same student and check.
    changes: Vec<Change>,
}

/// A change that makes sense.
#[derive(Clone, Debug)]
struct Change {
    line: usize,
    student: String,
    check: String,
    points: u32,
    reason: String,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "override")]
    overrides: Vec<Entry>,
}

/// A change as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    student: Spanned<String>,
    check: Spanned<String>,
    points: Spanned<u32>,
    reason: Spanned<String>,
}

/// A mistake in the file: where it begins, in bytes, and what it is.
struct Mistake(usize, String);

impl Overrides {
    /// Reads a file of overrides for an exercise.
    ///
    /// # Errors
    /// The file cannot be read; or a field is unknown or missing, there is no such check, the
    /// points are more than it is worth, the reason is empty, a row is there twice: with the file
    /// and the line.
    pub fn read(file: &Path, exercise: &ExerciseInfo) -> Result<Overrides, String> {
        let shown = file.display();
        let text = fs::read_to_string(file).map_err(|e| format!("{shown}: {e}"))?;
        match parse(&text, exercise) {
            Ok(changes) => Ok(Overrides { file: shown.to_string(), changes }),
            Err(Mistake(place, reason)) => {
                Err(format!("{shown}:{}: {reason}", line_at(&text, place)))
            }
        }
    }
}

fn parse(text: &str, exercise: &ExerciseInfo) -> Result<Vec<Change>, Mistake> {
    let written: Written = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(0, |span| span.start);
        Mistake(place, error.message().replace('\n', " "))
    })?;
    let mut changes = Vec::new();
    let mut lines = BTreeMap::new();
    for Entry { student, check, points, reason } in written.overrides {
        let id = check.get_ref();
        let Some(info) = exercise.checks.iter().find(|known| known.id == *id) else {
            let mistake = format!("the exercise {} has no check `{id}`", exercise.name);
            return Err(Mistake(check.span().start, mistake));
        };
        if *points.get_ref() > info.points {
            let mistake = format!("`{id}` is worth {} points at most", info.points);
            return Err(Mistake(points.span().start, mistake));
        }
        if reason.get_ref().trim().is_empty() {
            return Err(Mistake(reason.span().start, "the reason is empty".to_owned()));
        }
        let place = student.span().start;
        let line = line_at(text, place);
        let row = (normalised(student.get_ref()), id.clone());
        if let Some(first) = lines.insert(row, line) {
            let mistake = format!("the same student and check are in line {first}, too");
            return Err(Mistake(place, mistake));
        }
        changes.push(Change {
            line,
            student: student.into_inner(),
            check: check.into_inner(),
            points: points.into_inner(),
            reason: reason.into_inner(),
        });
    }
    Ok(changes)
}

/// The line of a byte, counted from 1.
fn line_at(text: &str, place: usize) -> usize {
    1 + text.bytes().take(place).filter(|byte| *byte == b'\n').count()
}

/// Changes the points of the rows that the overrides name, and the scores. Returns a warning for
/// each override of which there is no row.
///
/// The overrides alone decide: rows that were changed before get back the points of the grader
/// first. So overrides can be applied any number of times, and taken back.
pub fn apply(overrides: &Overrides, results: &mut Results) -> Vec<String> {
    for row in results.submissions.iter_mut().flat_map(|s| &mut s.rows) {
        if let Some(earlier) = row.overridden.take() {
            row.points = earlier.points_before;
        }
    }
    let mut warnings = Vec::new();
    for change in &overrides.changes {
        let student = normalised(&change.student);
        let row = (results.submissions.iter_mut())
            .find(|submission| normalised(&submission.student) == student)
            .and_then(|s| s.rows.iter_mut().find(|row| row.check == change.check));
        let Some(row) = row else {
            let student = shown(&change.student, 60);
            warnings.push(format!(
                "{}:{}: not applied: `{student}` has no result for `{}`",
                overrides.file, change.line, change.check
            ));
            continue;
        };
        let reason = change.reason.clone();
        row.overridden = Some(Overridden { points_before: row.points, reason });
        row.points = change.points;
    }
    for submission in &mut results.submissions {
        submission.score = submission.rows.iter().map(|row| row.points).sum();
    }
    warnings
}
