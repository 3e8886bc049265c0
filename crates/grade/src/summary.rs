//! The last words of a grading: numbers, what needs a look, and where the results are.

use std::io::{self, Write};
use std::path::Path;

use crate::results::{Submission, Times, Verdict};
use crate::run::Graded;

/// So many problems are told here; all are in the reports.
const TOLD: usize = 10;

/// Prints the summary.
///
/// # Errors
/// stdout cannot be written.
pub fn print(graded: &Graded, out: &Path) -> Result<(), String> {
    lines(graded, out)
        .iter()
        .try_for_each(|line| writeln!(anstream::stdout(), "{line}"))
        .map_err(|error: io::Error| format!("print: {error}"))
}

fn lines(graded: &Graded, out: &Path) -> Vec<String> {
    let results = &graded.results;
    let submissions = &results.submissions;
    let number = submissions.len();
    let (fresh, old) = (graded.fresh, number - graded.fresh);
    let seconds = results.grader.took_ms as f64 / 1000.0;
    let mut lines = vec![format!(
        "{}: {number} submissions, {fresh} graded now, {old} not changed, in {seconds:.1} s",
        results.exercise.name
    )];
    let with = |verdict: Verdict| {
        submissions
            .iter()
            .filter(|s| s.rows.iter().any(|row| row.verdict == verdict))
            .count()
    };
    let full = submissions.iter().filter(|s| s.score == s.max_score()).count();
    let mut scores: Vec<u32> = submissions.iter().map(|s| s.score).collect();
    scores.sort_unstable();
    let median = scores.get(scores.len() / 2).copied().unwrap_or(0);
    let points = results.exercise.points;
    lines.push(format!(
        "{full} with all {points} points, median {median}, {} do not compile",
        with(Verdict::BuildError)
    ));
    if fresh > 0 {
        let mean = |part: fn(&Times) -> u64| {
            submissions.iter().map(|s| part(&s.times)).sum::<u64>() / number.max(1) as u64
        };
        lines.push(format!(
            "for each: {} ms taken in, {} ms compiled, {} ms boxes, {} ms checks (seed {}, {})",
            mean(|times| times.stage_ms),
            mean(|times| times.build_ms),
            mean(|times| times.box_ms),
            mean(|times| times.checks_ms),
            results.grader.seed,
            results.grader.sandbox,
        ));
    }
    let errors = submissions.iter().filter(|s| s.has_grader_error()).map(|s| {
        let row = s.rows.iter().find(|row| row.verdict == Verdict::GraderError);
        let (check, message) = row.map_or(("", ""), |row| (&row.check, &row.message));
        format!("MISTAKE OF THE GRADER: {}, {check}: {message}", s.student)
    });
    let flaky: Vec<&str> =
        submissions.iter().filter(|s| s.is_flaky()).map(|s| s.student.as_str()).collect();
    let mut looks: Vec<String> = errors.collect();
    if !flaky.is_empty() {
        looks.push(format!("passed only when run again: {}", flaky.join(", ")));
    }
    looks.extend(results.problems.iter().cloned());
    let more = looks.len().saturating_sub(TOLD);
    lines.extend(looks.into_iter().take(TOLD));
    if more > 0 {
        lines.push(format!("... and {more} more, in the page"));
    }
    lines.push(format!("look at: {}", out.join("class.html").display()));
    if let Some(one) = submissions.iter().find_map(a_failure) {
        lines.push(format!(
            "or:      grade explain {} {} {} --out {}",
            shell_words::quote(&one.0),
            results.exercise.name,
            one.1,
            out.display()
        ));
    }
    lines
}

/// A student and a check that was not passed, as an example.
fn a_failure(submission: &Submission) -> Option<(String, String)> {
    let row = submission.rows.iter().find(|row| row.evidence.is_some())?;
    Some((submission.student.clone(), row.check.clone()))
}
