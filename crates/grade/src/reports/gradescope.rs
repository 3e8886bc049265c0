//! A submission's `results.json` for Gradescope. The format is described at
//! <https://gradescope-autograders.readthedocs.io/en/latest/specs/>; the part that is used here
//! is in `tests/schemas/gradescope.schema.json`.

use serde_json::{Value, json};

use crate::reports::explain::{self, Reader};
use crate::reports::text::visible;
use crate::results::{Results, Row, Submission, Verdict};

/// The whole file.
///
/// Private checks are shown when the grades are published. Gradescope then also hides the sum
/// until that day.
pub fn result(results: &Results, submission: &Submission) -> Value {
    let took_ms: u64 = submission.rows.iter().map(|row| row.took_ms).sum();
    let tests: Vec<Value> = submission
        .rows
        .iter()
        .enumerate()
        .map(|(place, row)| test(results, place + 1, row))
        .collect();
    json!({
        "score": submission.score,
        "execution_time": took_ms as f64 / 1000.0,
        "output": output(results, submission),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {
            "results": results.schema,
            "exercise": results.exercise.name,
            "seed": results.grader.seed,
            "sandbox": results.grader.sandbox,
            "grader": results.grader.version,
            "checks": results.grader.checks,
            "submission": submission.digest,
        },
    })
}

/// What stands above the tests. It must not say anything about private checks, the score
/// included.
fn output(results: &Results, submission: &Submission) -> String {
    let mut lines =
        vec![format!("{}, seed {}", results.exercise.title, results.grader.seed)];
    if submission.has_grader_error() {
        lines.push("The grader made a mistake: these points are not final.".to_owned());
    }
    let remarks = submission.remarks.iter();
    lines.extend(remarks.map(|remark| format!("remark: {}", visible(remark))));
    lines.join("\n")
}

fn test(results: &Results, number: usize, row: &Row) -> Value {
    let check = results.check(&row.check);
    let private = check.is_some_and(|check| check.private);
    let says = check.map(|check| check.says.as_str()).unwrap_or_default();
    let mut lines = explain::lines(results, row, Reader::Student);
    if row.verdict == Verdict::NotRun {
        lines.push(format!("not run: {}", visible(&row.message)));
    }
    lines.extend(explain::notes(row));
    let mut test = json!({
        // Sorted as text.
        "number": format!("{number:02}"),
        "name": format!("{}: {says}", row.check),
        "status": if row.verdict == Verdict::Pass { "passed" } else { "failed" },
        "output": lines.join("\n"),
        "visibility": if private { "after_published" } else { "visible" },
        "extra_data": { "verdict": explain::verdict(results, row).name(), "attempts": row.attempts },
    });
    // A check without points is only information.
    if row.max_points > 0 {
        test["score"] = row.points.into();
        test["max_score"] = row.max_points.into();
    }
    test
}
