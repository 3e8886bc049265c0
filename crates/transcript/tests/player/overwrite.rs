//! What `--overwrite` makes of a transcript: what is printed, and what of the old one still holds.

use std::fs;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use transcript::room::Outcome;
use transcript::{Job, Task};

/// A name, what the transcript shows, and what it has to show afterwards.
const CASES: [(&str, &str, &str); 7] = [
    ("nothing has changed", "a$ seq 2\na| 1\na| 2\na$", "a$ seq 2\na| 1\na| 2\na$"),
    ("another line", "a$ seq 2\na| 1\na| x\na$", "a$ seq 2\na| 1\na| 2\na$"),
    ("new lines", "a$ seq 3\na| 1\na$", "a$ seq 3\na| 1\na| 2\na| 3\na$"),
    ("a line that is gone", "a$ seq 1\na| 1\na| 2\na$", "a$ seq 1\na| 1\na$"),
    (
        "lines left out",
        "a$ seq 5\na| 1\na| ...\na| 5\na$",
        "a$ seq 5\na| 1\na| ...\na| 5\na$",
    ),
    (
        "other lines beside those left out",
        "a$ seq 6\na| 1\na| x\na| ...\na| y\na| 6\na$",
        "a$ seq 6\na| 1\na| 2\na| ...\na| 5\na| 6\na$",
    ),
    ("another status", "a$ false\na$", "a$ false\na! 1"),
];

pub fn trials() -> Vec<Trial> {
    let trial = |(name, shown, wanted)| Trial::test(name, move || becomes(shown, wanted));
    CASES.into_iter().map(trial).collect()
}

fn becomes(shown: &str, wanted: &str) -> Result<(), Failed> {
    let page = |play: &str| format!("# T\n## S\n```console\n{play}\n```\n");
    let folder = tempfile::tempdir()?;
    let note = folder.path().join("test.md");
    fs::write(&note, page(shown))?;
    let job = Job {
        task: Task::Overwrite,
        note: note.clone(),
        section: 0,
        privileged: false,
        patience: Duration::from_secs(10),
    };
    let (Outcome::Passed(message) | Outcome::Failed(message) | Outcome::Skipped(message)) =
        job.run();
    let written = fs::read_to_string(&note)?;
    if written == page(wanted) {
        return Ok(());
    }
    Err(Failed::from(format!("it wrote:\n{written}and said: {message}")))
}
