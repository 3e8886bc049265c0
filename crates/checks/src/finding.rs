//! What a check found out, and how it is told.

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
