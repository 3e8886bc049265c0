//! What the instructor sees meanwhile: a bar, who is in work, and how long it will take.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar on stderr; nothing at all if that is no terminal.
pub struct Progress {
    bar: ProgressBar,
    at_work: Mutex<BTreeSet<String>>,
}

/// So many names are shown.
const NAMES: usize = 4;

impl Progress {
    /// For so many submissions.
    pub fn new(number: usize) -> Progress {
        let bar = ProgressBar::new(number.try_into().unwrap_or(u64::MAX));
        let form = "{bar:30} {pos} of {len}, {eta} left  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, at_work: Mutex::new(BTreeSet::new()) }
    }

    /// The submission of this student is in work.
    pub fn begin(&self, student: &str) {
        let mut at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.insert(student.to_owned());
        self.show(&at_work);
    }

    /// It is done.
    pub fn end(&self, student: &str) {
        let mut at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.remove(student);
        self.bar.inc(1);
        self.show(&at_work);
    }

    fn show(&self, at_work: &BTreeSet<String>) {
        let names: Vec<&str> = at_work.iter().take(NAMES).map(String::as_str).collect();
        self.bar.set_message(names.join(", "));
    }

    /// All are done: the bar goes away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
