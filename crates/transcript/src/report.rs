//! What to say when a play differs from its lesson: where, why, what to do about it, and what all
//! the terminals were doing.

use std::time::Duration;

use crate::align::best_pairs;
use crate::note::{End, Kind, Note, Section, Step};
use crate::pattern::{Pattern, Values};
use crate::terminals::{Terminals, in_words};

/// A play that failed at one of its steps.
pub struct Failure {
    step: usize,
    reason: Reason,
}

/// Why a play failed.
pub enum Reason {
    /// Another line came than the one shown.
    Differs(String),
    /// The shown line did not come.
    NotPrinted(Duration),
    /// The program ended before it printed the shown line.
    EndedBefore(End),
    /// No program has been started in the terminal.
    NothingRuns,
    /// A line that the lesson does not show.
    Extra {
        /// The terminal.
        label: String,
        /// What it printed.
        line: String,
    },
    /// A line that the lesson shows only later.
    TooEarly {
        /// The terminal.
        label: String,
        /// What it printed.
        line: String,
        /// Where the lesson shows it.
        shown: usize,
    },
    /// The program ended otherwise than shown.
    WrongEnd {
        /// How it ended.
        end: End,
        /// How the lesson says it ends.
        wanted: End,
    },
    /// The program ended where it should wait.
    EndedInsteadOfWaiting(End),
    /// The program does not end.
    StillRunning(String),
    /// The program prints without end.
    Flood(String),
    /// A placeholder without a value.
    Unbound(String),
    /// What should be done could not be done.
    Action(String),
}

impl Failure {
    /// A failure at this step.
    pub fn at(step: usize, reason: Reason) -> Failure {
        Failure { step, reason }
    }

    /// Whether the lines of the stretch are in question, and not the action itself.
    fn is_about_output(&self) -> bool {
        !matches!(
            self.reason,
            Reason::Unbound(_)
                | Reason::Action(_)
                | Reason::NothingRuns
                | Reason::Flood(_)
        )
    }
}

/// All that is known when a play has failed.
pub struct Report<'p> {
    /// The lesson.
    pub note: &'p Note,
    /// Its section.
    pub section: &'p Section,
    /// The step that began the present stretch.
    pub stretch: usize,
    /// The steps of it that have come.
    pub seen: Vec<usize>,
    /// The steps that have been told in the message.
    pub told: Vec<usize>,
    /// The terminals, with what nobody has looked at.
    pub terminals: Terminals,
    /// The values of the placeholders.
    pub values: Values,
}

impl Report<'_> {
    /// The whole message.
    pub fn text(mut self, failure: &Failure) -> String {
        let step = &self.section.steps[failure.step];
        let mut lines = vec![format!(
            "{}:{}: {} (section \"{}\")",
            crate::short_path(&self.note.path).display(),
            step.line,
            self.sentence(failure, step),
            self.section.heading
        )];
        lines.extend(self.stretch(failure));
        for (label, terminal) in self.terminals.iter() {
            lines.push(format!("  ({label}: {terminal})"));
        }
        let values =
            self.values.iter().map(|(name, value)| format!("[{name}] = {value}"));
        let values: Vec<String> = values.collect();
        let values =
            if values.is_empty() { "none yet".to_owned() } else { values.join(", ") };
        lines.push(format!("  (values: {values})"));
        lines.extend(self.advice(failure, step));
        lines.push(String::new());
        lines.join("\n")
    }

    fn sentence(&self, failure: &Failure, step: &Step) -> String {
        let shown = match &step.kind {
            Kind::Shown { text, .. } => Pattern::new(text).filled(&self.values),
            _ => step.to_string(),
        };
        let label = &step.label;
        match &failure.reason {
            Reason::Differs(line) => {
                let blanks = match line.trim_end() == shown.trim_end() {
                    true => "; they differ in the blanks at the end",
                    false => "",
                };
                let other_value = self.other_value(step, line);
                format!("shown `{shown}`, printed `{line}`{blanks}{other_value}")
            }
            Reason::NotPrinted(patience) => format!(
                "waited {} s for `{shown}`, it did not come \
                 (is it printed only after a later step?)",
                patience.as_secs()
            ),
            Reason::EndedBefore(end) => {
                format!("ended with {} and did not print `{shown}`", in_words(*end))
            }
            Reason::NothingRuns => format!(
                "nothing runs in `{label}`: start a program with `{label}$ COMMAND` first"
            ),
            Reason::Extra { label, line } => {
                format!("`{label}` also printed `{line}`, which is not shown")
            }
            Reason::TooEarly { label, line, shown } => format!(
                "`{label}` had printed `{line}` before this step: show it earlier \
                 than in line {shown}"
            ),
            Reason::WrongEnd { end, wanted } => {
                format!("ended with {}, shown: {}", in_words(*end), in_words(*wanted))
            }
            Reason::EndedInsteadOfWaiting(end) => {
                format!("ended with {}, shown: it waits", in_words(*end))
            }
            Reason::StillRunning(label) => format!(
                "still running in `{label}`; show how it ends (`{label}> ^C`, or `{label}> ^D`?)"
            ),
            Reason::Flood(label) => {
                format!("`{label}` printed more than 4 MiB and was stopped")
            }
            Reason::Unbound(name) => {
                format!("{name} is used before any printed line has shown it")
            }
            Reason::Action(problem) => problem.clone(),
        }
    }

    /// If only the value of a placeholder is another one: what it was.
    fn other_value(&self, step: &Step, line: &str) -> String {
        let Kind::Shown { text, .. } = &step.kind else { return String::new() };
        let found = Pattern::new(text).matches(line, &Values::new()).unwrap_or_default();
        let changed = found.iter().filter_map(|(name, value)| {
            let before = self.values.get(name).filter(|before| *before != value)?;
            Some(format!("; [{name}] was {before} before"))
        });
        changed.collect()
    }

    /// The stretch in the notation of the lesson: what came as shown, what did not (`-`), and what
    /// was printed instead (`+`).
    fn stretch(&mut self, failure: &Failure) -> Vec<String> {
        let steps = &self.section.steps;
        let after = steps[self.stretch + 1..].iter();
        let outputs = after.take_while(|step| step.kind.is_output()).count();
        let end = (self.stretch + 1 + outputs).max(failure.step + 1);
        let mut lines = Vec::new();
        for (number, step) in steps.iter().enumerate().take(end).skip(self.stretch) {
            let is_output = step.kind.is_output();
            if self.told.contains(&number) {
                continue;
            }
            if self.seen.contains(&number) || (!is_output && number != failure.step) {
                lines.push(format!("    {step}"));
            } else if !is_output {
                let wrong = matches!(failure.reason, Reason::WrongEnd { .. });
                lines.push(format!("  {} {step}", if wrong { '-' } else { ' ' }));
                if let Reason::WrongEnd { end, .. } = failure.reason {
                    let really = Step { kind: Kind::Ended(end), ..step.clone() };
                    lines.push(format!("  + {really}"));
                }
            } else if failure.is_about_output() {
                lines.extend(self.difference(&step.label, number..end));
            }
        }
        if failure.is_about_output() {
            let labels: Vec<String> =
                self.terminals.iter().map(|(l, _)| l.to_owned()).collect();
            for label in labels {
                lines.extend(self.difference(&label, end..end));
            }
        }
        lines
    }

    /// The open lines of one terminal, shown and printed ones side by side. They are crossed off,
    /// so that each is reported once.
    fn difference(
        &mut self,
        label: &str,
        stretch: std::ops::Range<usize>,
    ) -> Vec<String> {
        let steps = &self.section.steps;
        let is_open = |n: &usize| {
            steps[*n].label == label && !self.seen.contains(n) && !self.told.contains(n)
        };
        let shown: Vec<usize> = stretch.filter(is_open).collect();
        let mut printed = self.take_printed(label);
        if shown.is_empty() {
            printed.retain(|line| !self.is_shown_later(label, line));
        }
        let pairs =
            best_pairs(shown.len(), printed.len(), |i, j| match &steps[shown[i]].kind {
                Kind::Shown { text, .. } => {
                    Pattern::new(text).matches(&printed[j], &self.values).is_some()
                }
                _ => false,
            });
        let mut lines = Vec::new();
        let (mut next_shown, mut next_printed) = (0, 0);
        for (i, j) in pairs.into_iter().chain([(shown.len(), printed.len())]) {
            let missing = &shown[next_shown..i];
            lines.extend(missing.iter().map(|&number| format!("  - {}", steps[number])));
            let extra = printed[next_printed..j].iter();
            lines.extend(extra.map(|line| format!("  + {label}| {line}")));
            lines.extend(shown.get(i).map(|&number| format!("    {}", steps[number])));
            (next_shown, next_printed) = (i + 1, j + 1);
        }
        self.told.extend(shown);
        lines
    }

    fn is_shown_later(&self, label: &str, line: &str) -> bool {
        self.section.steps[self.stretch..].iter().any(|step| match &step.kind {
            Kind::Shown { text, .. } if step.label == label => {
                Pattern::new(text).matches(line, &self.values).is_some()
            }
            _ => false,
        })
    }

    /// What a terminal printed and nobody has looked at.
    fn take_printed(&mut self, label: &str) -> Vec<String> {
        let terminal = self.terminals.get(label);
        let mut printed = Vec::new();
        if terminal.elided {
            return printed;
        }
        while let Some(line) = terminal.lines.pop() {
            printed.push(line);
        }
        if printed.len() > LONGEST_REPORT {
            let more = printed.len() - LONGEST_REPORT;
            printed.truncate(LONGEST_REPORT);
            printed.push(format!("({more} more lines)"));
        }
        if let Some(prompt) = terminal.lines.prompt() {
            terminal.lines.pop_prompt();
            printed.push(format!("{prompt} (without a newline)"));
        }
        printed
    }

    /// What is likely, and what to type next.
    fn advice(&mut self, failure: &Failure, step: &Step) -> Vec<String> {
        let mut advice = Vec::new();
        let terminal = self.terminals.get(&step.label);
        let silent = terminal.is_running() && terminal.is_silent();
        if silent && matches!(failure.reason, Reason::NotPrinted(_)) {
            advice.push(format!(
                "  `{}` has printed nothing at all: many programs hold their output back when \
                 it goes into a pipe (Python: use `python3 -u`)",
                step.label
            ));
        }
        if let Reason::Differs(line) | Reason::Extra { line, .. } = &failure.reason
            && line.contains("Address already in use")
            && !crate::room::is_private()
        {
            advice.push(
                "  a program outside of this play holds the port: end it (this machine does not \
                 allow a network namespace for each play)"
                    .to_owned(),
            );
        }
        let name = crate::lesson_name(&self.note.path);
        // Of a program that never ends there is no whole output to be accepted.
        let ends = !matches!(failure.reason, Reason::StillRunning(_));
        advice.push(if failure.is_about_output() && ends {
            format!(
                "  to accept what was printed: cargo run -p course -- play {name} --overwrite"
            )
        } else {
            format!("  to play it again: cargo run -p course -- play {name}")
        });
        advice
    }
}

/// Of many lines that are not shown, this many are listed.
const LONGEST_REPORT: usize = 20;
