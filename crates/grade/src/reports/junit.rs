//! `junit.xml`, as Jenkins and its heirs read it: a suite for each submission.
//!
//! A failure is a check that said no. An error is everything that ended otherwise: a crash, a
//! time-out, a limit, a program that does not compile, a mistake of the grader. The format has
//! no place for points: they are properties. It is often shown to students, so it tells what
//! they may be told.

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite,
};

use crate::reports::explain::{self, Reader};
use crate::reports::text::visible;
use crate::results::{Results, Row, Submission, Verdict};

/// The whole file.
///
/// # Errors
/// What could not be written as XML.
pub fn report(results: &Results) -> Result<String, String> {
    let mut report = Report::new("grade");
    report.timestamp = results.grader.finished.parse().ok();
    report.set_time(Duration::from_millis(results.grader.took_ms));
    for submission in &results.submissions {
        report.add_test_suite(suite(results, submission));
    }
    report.to_string().map_err(|error| format!("as JUnit XML: {error}"))
}

fn suite(results: &Results, submission: &Submission) -> TestSuite {
    let name = format!("{}/{}", visible(&submission.student), results.exercise.name);
    let mut suite = TestSuite::new(name);
    suite.timestamp = results.grader.finished.parse().ok();
    let took = submission.rows.iter().map(|row| row.took_ms).sum();
    suite.set_time(Duration::from_millis(took));
    let score = format!("{}/{}", submission.score, submission.max_score());
    suite.add_property(Property::new("score", score));
    suite.add_property(Property::new("seed", results.grader.seed.to_string()));
    suite.add_property(Property::new("sandbox", &results.grader.sandbox));
    for row in &submission.rows {
        suite.add_test_case(case(results, row));
    }
    suite
}

fn case(results: &Results, row: &Row) -> TestCase {
    let mut case = TestCase::new(row.check.clone(), status(results, row));
    case.set_classname(results.exercise.name.clone());
    case.set_time(Duration::from_millis(row.took_ms));
    case.add_property(Property::new(
        "points",
        format!("{}/{}", row.points, row.max_points),
    ));
    if row.flaky {
        case.add_property(Property::new("flaky", format!("{} attempts", row.attempts)));
    }
    if let Some(change) = &row.overridden {
        case.add_property(Property::new("overridden", visible(&change.reason)));
    }
    case
}

fn status(results: &Results, row: &Row) -> TestCaseStatus {
    let verdict = explain::verdict(results, row);
    let kind = match verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::NotRun => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(visible(&row.message));
            return status;
        }
        Verdict::Fail => NonSuccessKind::Failure,
        Verdict::Crash
        | Verdict::Timeout
        | Verdict::BuildError
        | Verdict::Limit
        | Verdict::GraderError => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(verdict.name());
    let lines = explain::lines(results, row, Reader::Student);
    if let Some(first) = lines.first() {
        // Without the name before it.
        status.set_message(first.get(9..).unwrap_or(first));
        status.set_description(lines.join("\n"));
    }
    status
}
