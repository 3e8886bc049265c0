//! What a check found out, and how it is told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What came of a check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Verdict {
    /// The program did what is asked.
    Pass,
    /// It did not.
    Fail(Finding),
    /// It could not be judged, and why: a check that it needs has failed, or a right is missing.
    NotRun(String),
    /// The check itself went wrong. This is our fault, and never a pass.
    Error(String),
}

/// Evidence that a program does something else than is asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Finding {
    /// One line: what went wrong, in neutral words.
    pub summary: String,
    /// The name of the mistake, where the evidence is clear: a key of `[diagnoses]` in
    /// `exercise.toml`.
    pub diagnosis: Option<String>,
    /// What the check did, in order.
    pub story: Vec<String>,
    /// What came.
    pub saw: Vec<String>,
    /// What was wanted.
    pub wanted: Vec<String>,
    /// What the sockets of the program say.
    pub sockets: Vec<String>,
    /// What the program printed.
    pub printed: Vec<String>,
    /// In which manner it failed.
    #[serde(default)]
    pub manner: Manner,
    /// Why there can be no verdict here, if that is so.
    #[serde(skip)]
    pub unjudged: Option<String>,
    /// The bytes that came, for a check that wants to know more about the mistake.
    #[serde(skip)]
    pub received: Vec<u8>,
    /// Nothing was found out: the check could not do its part. The verdict is an error of ours.
    #[serde(skip)]
    pub ours: bool,
}

/// The manner of a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// The program did something else than is asked.
    #[default]
    Wrong,
    /// What was waited for did not come in time.
    Late,
    /// The program panicked, or made a mistake for which the system ended it.
    Crashed,
    /// The program was stopped because it wanted too much of something.
    Limit,
}

impl Finding {
    /// A finding with its one line.
    pub fn new(summary: impl Into<String>) -> Finding {
        Finding { summary: summary.into(), ..Finding::default() }
    }

    /// No finding at all: on this machine the check cannot be made, and why. It is then not run.
    pub fn cannot_judge(reason: impl Into<String>) -> Finding {
        Finding { unjudged: Some(reason.into()), ..Finding::default() }
    }

    /// No finding about the program: the check could not do its part, and why.
    pub fn ours(reason: impl Into<String>) -> Finding {
        Finding { ours: true, ..Finding::new(reason) }
    }

    /// Adds what came.
    pub fn saw(mut self, line: impl Into<String>) -> Finding {
        self.saw.push(line.into());
        self
    }

    /// Adds that something was waited for in vain.
    pub fn waited(self, time: Duration, for_what: &str) -> Finding {
        let line = format!("waited {} s{for_what}", time.as_secs_f32());
        Finding { manner: Manner::Late, ..self }.saw(line)
    }

    /// Adds what was wanted.
    pub fn wanted(mut self, line: impl Into<String>) -> Finding {
        self.wanted.push(line.into());
        self
    }

    /// Names the mistake: only if the evidence leaves no other one.
    pub fn diagnosis(mut self, key: &str) -> Finding {
        self.diagnosis = Some(key.to_owned());
        self
    }

    /// The lines of the message, but for its head, the commands to repeat it, and the diagnosis.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, part) in [
            ("did", &self.story),
            ("saw", &self.saw),
            ("wanted", &self.wanted),
            ("sockets", &self.sockets),
        ] {
            for (number, line) in part.iter().enumerate() {
                lines.push(format!("  {:8}{line}", if number == 0 { name } else { "" }));
            }
        }
        for (number, line) in self.printed.iter().enumerate() {
            lines.push(format!("  {:8}| {line}", if number == 0 { "yours" } else { "" }));
        }
        lines
    }
}
