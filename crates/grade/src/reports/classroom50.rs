//! A submission's `result.json` for Classroom 50: `classroom50/result/v1`. The part that is used
//! here is in `tests/schemas/classroom50-result-v1.schema.json`.

use std::env;

use serde_json::{Value, json};

use crate::reports::explain::{self, Reader};
use crate::reports::text::{file_name, visible};
use crate::results::{Results, Row, Submission, Verdict};

/// What the runner of Classroom 50 tells about a submission. It stamps the owner, the kind of
/// assignment and the time once more by itself.
#[derive(Clone, Debug, Default)]
pub struct Classroom50 {
    /// The short name of the classroom.
    pub classroom: Option<String>,
    /// The short name of the assignment.
    pub assignment: Option<String>,
    /// `individual`, `group` or `team`.
    pub assignment_type: Option<String>,
    /// The login of the repository's owner.
    pub owner: Option<String>,
    /// The tag of the submission: `submit/…`.
    pub submission: Option<String>,
    /// The address of the commit.
    pub commit: Option<String>,
    /// The address of the release.
    pub release: Option<String>,
    /// The address of the difference between the starter and the commit.
    pub review: Option<String>,
}

impl Classroom50 {
    /// What the environment of this process says: `CLASSROOM`, `ASSIGNMENT`,
    /// `ASSIGNMENT_TYPE`, `OWNER`, `SUBMISSION_TAG`, `COMMIT_URL`, `RELEASE_URL`, `REVIEW_URL`.
    pub fn from_environment() -> Classroom50 {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Classroom50 {
            classroom: variable("CLASSROOM"),
            assignment: variable("ASSIGNMENT"),
            assignment_type: variable("ASSIGNMENT_TYPE"),
            owner: variable("OWNER"),
            submission: variable("SUBMISSION_TAG"),
            commit: variable("COMMIT_URL"),
            release: variable("RELEASE_URL"),
            review: variable("REVIEW_URL"),
        }
    }

    /// The environment, as far as it is true for all of these submissions: it describes a single
    /// one. Of a whole class only the classroom and the assignment are the same.
    pub fn of_class(results: &Results) -> Classroom50 {
        let all = Classroom50::from_environment();
        if results.submissions.len() == 1 {
            return all;
        }
        Classroom50 {
            classroom: all.classroom,
            assignment: all.assignment,
            assignment_type: all.assignment_type,
            ..Classroom50::default()
        }
    }
}

/// The whole file. What is not known gets a placeholder, which keeps to the format: addresses at
/// `example.invalid`, and the tag `submit/not-by-classroom50`.
pub fn result(
    results: &Results,
    submission: &Submission,
    classroom: &Classroom50,
) -> Value {
    let or = |given: &Option<String>, other: &str| {
        given.clone().unwrap_or_else(|| other.to_owned())
    };
    let place = format!("https://example.invalid/{}", file_name(&submission.student));
    let tests: Vec<Value> =
        submission.rows.iter().map(|row| test(results, row)).collect();
    let tag = classroom.submission.as_deref().filter(|tag| tag.starts_with("submit/"));
    // Both sums are those of the tests: the reader compares them.
    let score: u32 = submission.rows.iter().map(score).sum();
    json!({
        "schema": "classroom50/result/v1",
        "classroom": or(&classroom.classroom, "classroom"),
        "assignment": or(&classroom.assignment, &results.exercise.name),
        "assignment_type": or(&classroom.assignment_type, "individual"),
        "owner": or(&classroom.owner, &visible(&submission.student)),
        "submission": tag.unwrap_or("submit/not-by-classroom50"),
        "commit": or(&classroom.commit, &format!("{place}/commit")),
        "release": or(&classroom.release, &format!("{place}/release")),
        "review": or(&classroom.review, &format!("{place}/review")),
        "datetime": whole_seconds(&results.grader.finished),
        "graded_at": whole_seconds(&results.grader.finished),
        "score": score,
        "max-score": submission.max_score(),
        "tests": tests,
    })
}

/// The points of a row. They cannot be more than the most, which an override may have given.
fn score(row: &Row) -> u32 {
    row.points.min(row.max_points)
}

/// An instant as the format wants it: `2026-10-01T11:59:58Z`.
fn whole_seconds(instant: &str) -> String {
    let instant = instant.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn test(results: &Results, row: &Row) -> Value {
    let check = results.check(&row.check);
    let says = check.map(|check| check.says.as_str()).unwrap_or_default();
    let mut lines = explain::lines(results, row, Reader::Student);
    if row.verdict == Verdict::NotRun {
        lines.push(format!("not run: {}", visible(&row.message)));
    }
    lines.extend(explain::notes(row));
    json!({
        "test-name": format!("{}: {says}", row.check),
        "passed": row.verdict == Verdict::Pass,
        "score": score(row),
        "max-score": row.max_points,
        "verdict": explain::verdict(results, row).name(),
        "message": lines.join("\n"),
        "seed": results.grader.seed.to_string(),
    })
}
