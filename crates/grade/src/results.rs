//! The results of a class: one model, which every report is made from.
//!
//! As JSON it is `results.json`. Its format has a name, [`SCHEMA`]; what is added to it later may be
//! ignored by readers, what is changed gets a new name. All points are whole numbers.

use std::collections::BTreeMap;

use checks::exercise::Detail;
use checks::finding::Finding;
use serde::{Deserialize, Serialize};

/// The name of the format.
pub const SCHEMA: &str = "socket-course/results/v1";

/// The id of the row that says whether a program compiles. It is worth no points.
pub const BUILDS: &str = "builds";

/// Everything about a class and one exercise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// [`SCHEMA`].
    pub schema: String,
    /// What was graded.
    pub exercise: ExerciseInfo,
    /// What has graded it.
    pub grader: GraderInfo,
    /// One for each submission, in the order of the students' ids.
    pub submissions: Vec<Submission>,
    /// What could not be graded at all: folders of strangers, two folders of one student …
    pub problems: Vec<String>,
}

/// The exercise, as it was when it was graded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExerciseInfo {
    /// Its name: `echo`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// All points that can be had.
    pub points: u32,
    /// Its checks, in order; first [`BUILDS`].
    pub checks: Vec<CheckInfo>,
    /// What the names of the mistakes mean.
    pub diagnoses: BTreeMap<String, String>,
}

/// A check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckInfo {
    /// Its id.
    pub id: String,
    /// What the program must do.
    pub says: String,
    /// What it is worth.
    pub points: u32,
    /// A command that shows the same by hand; may be empty.
    pub by_hand: String,
    /// Whether the students do not have this check.
    pub private: bool,
    /// How much of a failure a student is told.
    pub detail: Detail,
}

/// The conditions of the grading.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GraderInfo {
    /// The version of this program.
    pub version: String,
    /// The compiler, as `rustc --version` says.
    pub compiler: String,
    /// The SHA-256 of this program, in hex: which checks these were.
    pub checks: String,
    /// Makes all input: the same seed, the same input.
    pub seed: u64,
    /// How the programs were kept apart: `namespaces`, `users`, `landlock`, `off`.
    pub sandbox: String,
    /// When it ended: RFC 3339, UTC.
    pub finished: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// One submission, graded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Submission {
    /// Whose it is: an id that is unique in the class.
    pub student: String,
    /// The student's name, if a roster gives one.
    pub name: Option<String>,
    /// Where it came from: the name of its folder or archive.
    pub source: String,
    /// The SHA-256 of the files that were graded, in hex.
    pub digest: String,
    /// What the grader ignored or found strange in it.
    pub remarks: Vec<String>,
    /// One for each check, in the order of the checks.
    pub rows: Vec<Row>,
    /// The sum of the rows' points.
    pub score: u32,
    /// Where the time went.
    pub times: Times,
}

/// What came of one check.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    /// Which check.
    pub check: String,
    /// What came of it.
    pub verdict: Verdict,
    /// The points it got.
    pub points: u32,
    /// The points it could get.
    pub max_points: u32,
    /// How often it was run: more than once, if it failed.
    pub attempts: u32,
    /// It failed, and passed when it was run again with the same input.
    pub flaky: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// One line: why it is not a pass. Empty for a pass.
    pub message: String,
    /// The name of the mistake, if it is clear.
    pub diagnosis: Option<String>,
    /// The evidence of a failure.
    pub evidence: Option<Finding>,
    /// What the compiler said, for [`BUILDS`].
    pub compiler: Option<String>,
    /// If an instructor has changed the points.
    pub overridden: Option<Overridden>,
}

/// A change by hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overridden {
    /// The points that the grader gave.
    pub points_before: u32,
    /// Why it was changed.
    pub reason: String,
}

/// What came of a check.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The program did what is asked.
    Pass,
    /// It did something else.
    Fail,
    /// It panicked, or a signal ended it.
    Crash,
    /// It did not do it in time.
    Timeout,
    /// It does not compile.
    BuildError,
    /// It wanted more than it may have: memory, output, files, processor time.
    Limit,
    /// It could not be judged: something that it needs failed, or this machine lacks something.
    #[default]
    NotRun,
    /// The grader made a mistake. Nobody's points are final while there is one.
    GraderError,
}

impl Verdict {
    /// As in `results.json` and the tables: `build_error`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Crash => "crash",
            Verdict::Timeout => "timeout",
            Verdict::BuildError => "build_error",
            Verdict::Limit => "limit",
            Verdict::NotRun => "not_run",
            Verdict::GraderError => "grader_error",
        }
    }
}

/// Where the time of a submission went, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Times {
    /// Unpacking and copying.
    pub stage_ms: u64,
    /// Compiling, its box included.
    pub build_ms: u64,
    /// Making and clearing the boxes of the checks.
    pub box_ms: u64,
    /// The checks themselves.
    pub checks_ms: u64,
}

impl Submission {
    /// What it could get.
    pub fn max_score(&self) -> u32 {
        self.rows.iter().map(|row| row.max_points).sum()
    }

    /// Whether a mistake of the grader is among the rows.
    pub fn has_grader_error(&self) -> bool {
        self.rows.iter().any(|row| row.verdict == Verdict::GraderError)
    }

    /// Whether a row passed only when it was run again.
    pub fn is_flaky(&self) -> bool {
        self.rows.iter().any(|row| row.flaky)
    }
}

impl Results {
    /// Whether a mistake of the grader is among the results.
    pub fn has_grader_error(&self) -> bool {
        self.submissions.iter().any(Submission::has_grader_error)
    }

    /// The check with this id.
    pub fn check(&self, id: &str) -> Option<&CheckInfo> {
        self.exercise.checks.iter().find(|check| check.id == id)
    }
}
