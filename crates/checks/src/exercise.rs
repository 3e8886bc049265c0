//! An exercise: its checks, which are code, and its words, which a teacher can change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::finding::Finding;

/// One thing that a program must do.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name, which never changes: results are kept by it.
    pub id: &'static str,
    /// The checks without which it makes no sense.
    pub needs: &'static [&'static str],
    /// Finds out.
    pub run: fn(&mut Bench) -> Result<(), Finding>,
}

/// An exercise, with everything that belongs to it.
pub struct Exercise {
    /// Its name, which is that of its lesson: `echo`.
    pub name: String,
    /// Its folder's name: `04-echo`.
    pub key: String,
    /// Its checks, in order.
    pub checks: Vec<Check>,
    /// Its words.
    pub texts: Texts,
}

/// What stands in `exercise.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// The title.
    pub title: String,
    /// How long it takes, about.
    pub minutes: u32,
    /// Whether its programs need the rights of root.
    #[serde(default)]
    pub privileged: bool,
    /// From a question to a near-solution.
    pub hints: Vec<String>,
    /// For each check, in the order of the checks.
    #[serde(rename = "check")]
    pub checks: Vec<CheckText>,
    /// The mistakes that can be told from the evidence, by name.
    #[serde(default)]
    pub diagnoses: BTreeMap<String, String>,
}

/// The words of checks that are added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    #[serde(rename = "check")]
    checks: Vec<CheckText>,
    #[serde(default)]
    diagnoses: BTreeMap<String, String>,
}

/// The words of a check.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckText {
    /// Which check.
    pub id: String,
    /// What it is worth.
    pub points: u32,
    /// What the program must do, as a sentence that a student understands.
    pub says: String,
    /// A command that shows the same by hand.
    pub by_hand: String,
    /// How much of a failure a student is told by the grader.
    #[serde(default)]
    pub detail: Detail,
}

/// How much of a failure a student is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Everything.
    #[default]
    Full,
    /// What the program did, but not what was wanted, nor how to see it by hand.
    Actual,
    /// Only that it failed.
    None,
}

/// How many steps the ladder of hints has.
const HINTS: usize = 3;

impl Exercise {
    /// Reads the words of an exercise, and compares them with its checks.
    ///
    /// # Errors
    /// Everything that is missing, twice there, or left over; a line for each.
    pub fn read(key: &str, checks: &'static [Check]) -> Result<Exercise, String> {
        let file = workspace().join("exercises").join(key).join("exercise.toml");
        let shown = format!("exercises/{key}/exercise.toml");
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{shown}: {error}"))?;
        let texts: Texts =
            toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
        let name = key.split_once('-').map_or(key, |(_, name)| name).to_owned();
        let (key, checks) = (key.to_owned(), checks.to_vec());
        let exercise = Exercise { name, key, checks, texts };
        let problems = exercise.problems();
        if problems.is_empty() {
            return Ok(exercise);
        }
        let lines: Vec<String> =
            problems.iter().map(|line| format!("{shown}: {line}")).collect();
        Err(lines.join("\n"))
    }

    /// Adds checks that are not handed out, and their words.
    ///
    /// # Errors
    /// As [`Exercise::read`].
    pub fn add(&mut self, checks: &[Check], words: &str) -> Result<(), String> {
        let added: Added = toml::from_str(words).map_err(|error| error.to_string())?;
        self.checks.extend(checks);
        self.texts.checks.extend(added.checks);
        self.texts.diagnoses.extend(added.diagnoses);
        let problems = self.problems();
        if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let Texts { title, minutes, hints, checks, diagnoses, .. } = &self.texts;
        if title.is_empty() || *minutes == 0 {
            problems.push("a title and the minutes are needed".to_owned());
        }
        if hints.len() != HINTS || hints.iter().any(String::is_empty) {
            problems.push(format!("the ladder of hints has {HINTS} steps"));
        }
        let in_code: Vec<&str> = self.checks.iter().map(|check| check.id).collect();
        let in_words: Vec<&str> = checks.iter().map(|check| check.id.as_str()).collect();
        if in_code != in_words {
            problems.push(format!(
                "the checks are {in_words:?}, but those in crates/checks are {in_code:?}"
            ));
        }
        if in_code.iter().collect::<BTreeSet<_>>().len() != in_code.len() {
            problems.push("two checks have the same id".to_owned());
        }
        for check in checks {
            if check.points == 0 || check.says.is_empty() || check.by_hand.is_empty() {
                let id = &check.id;
                problems.push(format!("check `{id}` needs points, `says` and `by_hand`"));
            }
        }
        for (place, check) in self.checks.iter().enumerate() {
            for needed in check.needs {
                if !in_code[..place].contains(needed) {
                    let id = check.id;
                    problems.push(format!(
                        "check `{id}` needs `{needed}`, which is not before it"
                    ));
                }
            }
        }
        if let Some((name, _)) = diagnoses.iter().find(|(_, text)| text.is_empty()) {
            problems.push(format!("the diagnosis `{name}` has no words"));
        }
        problems
    }

    /// The words of a check.
    pub fn text(&self, id: &str) -> Option<&CheckText> {
        self.texts.checks.iter().find(|check| check.id == id)
    }

    /// All points that can be had.
    pub fn points(&self) -> u32 {
        self.texts.checks.iter().map(|check| check.points).sum()
    }
}

/// The top of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
