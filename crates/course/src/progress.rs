//! What a student has done so far: a small text file, `.progress` at the top of the workspace.
//!
//! One line for each exercise: its name, `passed` or `open`, and how many hints were shown. Names
//! never change, so lessons may be renumbered; lines that are not understood stay as they are. The
//! file may be committed, or not.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::lessons;
use crate::problem::Problem;

/// Names another file, for tests.
const ELSEWHERE: &str = "COURSE_PROGRESS";

const HEADING: &str = "# Written by `course`: exercise, passed or open, hints shown.";
const PASSED: &str = "passed";
const OPEN: &str = "open";

/// The file, as it was read.
pub struct Progress {
    file: PathBuf,
    lines: Vec<String>,
}

/// What one line says.
#[derive(Clone, Copy, Default)]
struct Entry {
    passed: bool,
    hints: usize,
}

impl Progress {
    /// Reads the file. Where there is none, nothing has been done.
    ///
    /// # Errors
    /// There is one that cannot be read.
    pub fn read() -> Result<Progress, Problem> {
        let usual = || lessons::workspace().join(".progress");
        let file = env::var_os(ELSEWHERE).map_or_else(usual, PathBuf::from);
        let text = match fs::read(&file) {
            // Even of a damaged file the good lines count.
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => HEADING.to_owned(),
            Err(error) => {
                let shown = file.display();
                return Err(Problem::failure(format!("read {shown}: {error}"))
                    .then(format!("ls -ld {shown}")));
            }
        };
        Ok(Progress { file, lines: text.lines().map(str::to_owned).collect() })
    }

    /// Whether the exercise of this name has been passed.
    pub fn is_passed(&self, name: &str) -> bool {
        self.entry(name).passed
    }

    /// How many hints for it have been shown.
    pub fn hints(&self, name: &str) -> usize {
        self.entry(name).hints
    }

    /// Takes note that it has been passed.
    pub fn pass(&mut self, name: &str) {
        let entry = Entry { passed: true, ..self.entry(name) };
        self.set(name, entry);
    }

    /// Takes note of how many hints have been shown.
    pub fn show_hints(&mut self, name: &str, hints: usize) {
        let entry = Entry { hints, ..self.entry(name) };
        self.set(name, entry);
    }

    /// As if nothing had been done.
    pub fn forget(&mut self, name: &str) {
        self.lines.retain(|line| !is_about(line, name));
    }

    /// Two lines about the same exercise, from a merge perhaps: the better of both counts.
    fn entry(&self, name: &str) -> Entry {
        let mine = self.lines.iter().filter(|line| is_about(line, name));
        mine.fold(Entry::default(), |sum, line| {
            let mut words = line.split_whitespace().skip(1);
            let passed = words.next() == Some(PASSED);
            let hints = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            Entry { passed: sum.passed || passed, hints: sum.hints.max(hints) }
        })
    }

    fn set(&mut self, name: &str, entry: Entry) {
        let state = if entry.passed { PASSED } else { OPEN };
        let line = format!("{name} {state} {}", entry.hints);
        let place = self.lines.iter().position(|line| is_about(line, name));
        self.forget(name);
        self.lines.insert(place.unwrap_or(self.lines.len()), line);
    }

    /// Writes the file, all or nothing.
    ///
    /// # Errors
    /// The folder or the disk does not take it.
    pub fn write(&self) -> Result<(), Problem> {
        let folder = self.file.parent().filter(|folder| *folder != Path::new(""));
        let text = self.lines.join("\n") + "\n";
        let written = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
            .and_then(|mut new| new.write_all(text.as_bytes()).map(|()| new))
            .and_then(|new| new.persist(&self.file).map_err(|failed| failed.error));
        written.map(drop).map_err(|error| {
            let shown = self.file.display();
            Problem::failure(format!("keep your progress in {shown}: {error}"))
                .then(format!("ls -ld {shown}"))
        })
    }
}

/// Whether a line has this name as its first word.
fn is_about(line: &str, name: &str) -> bool {
    line.split_whitespace().next() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(text: &str) -> Progress {
        let lines = text.lines().map(str::to_owned).collect();
        Progress { file: PathBuf::new(), lines }
    }

    #[test]
    fn unknown_lines_stay_where_they_are() {
        let mut progress = progress("# mine\nold-name passed 3\necho open 1\n???\n");
        progress.pass("echo");
        progress.show_hints("names", 2);
        let lines = "# mine\nold-name passed 3\necho passed 1\n???\nnames open 2";
        assert_eq!(progress.lines.join("\n"), lines);
    }

    #[test]
    fn of_two_lines_the_better_counts_and_one_stays() {
        let mut progress = progress("echo open 3\nhello open 0\necho passed 1\n");
        assert!(progress.is_passed("echo") && progress.hints("echo") == 3);
        progress.pass("echo");
        assert_eq!(progress.lines.join("\n"), "echo passed 3\nhello open 0");
    }

    #[test]
    fn nonsense_is_not_progress() {
        let progress = progress("echo\nhello passed many\nnames PASSED -1 x\n");
        assert!(!progress.is_passed("echo") && !progress.is_passed("names"));
        assert!(progress.is_passed("hello") && progress.hints("hello") == 0);
    }
}
