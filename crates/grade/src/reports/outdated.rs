//! Files for students who were graded before and are not any more: they have left the class, or
//! their submission was taken away.
//!
//! Whoever hands out all messages would hand out these, too. So what the grader has written is
//! removed; nothing is lost, as the result is still in the log. A file that is not just as the grader
//! has written it is somebody's work: it stays, and is told.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::reports::{FOLDERS, for_students, text};
use crate::results::Results;

/// Removes what is out of date in a folder of results, before the new ones are written there. Returns
/// a line for each student who is gone, and for each file that stays.
///
/// # Errors
/// A folder cannot be read, or a file cannot be removed.
pub fn remove(results: &Results, folder: &Path) -> Result<Vec<String>, String> {
    let needed = for_students(results)?;
    let before = read_results(folder);
    let written = before.as_ref().map(for_students).transpose()?.unwrap_or_default();

    let mut lines = before.map_or(Vec::new(), |before| gone(&before, results));
    for name in names(folder)?.into_iter().filter(|name| !needed.contains_key(name)) {
        let file = folder.join(&name);
        if written.get(&name).is_some_and(|content| holds(&file, content)) {
            fs::remove_file(&file)
                .map_err(|error| format!("remove {}: {error}", file.display()))?;
        } else {
            let name = text::visible(&name);
            lines.push(format!(
                "`{name}`: nobody's who is graded; it is not just as the grader has written it, \
                 so it stays"
            ));
        }
    }
    Ok(lines)
}

/// The results that are there from before, if they can be understood.
fn read_results(folder: &Path) -> Option<Results> {
    serde_json::from_slice(&fs::read(folder.join("results.json")).ok()?).ok()
}

/// A line for each student who is not among the results any more.
fn gone(before: &Results, now: &Results) -> Vec<String> {
    let ids = |results: &Results| -> BTreeSet<String> {
        results.submissions.iter().map(|s| s.student.clone()).collect()
    };
    let (before, now) = (ids(before), ids(now));
    let gone = before.difference(&now).map(|id| text::visible(id));
    gone.map(|id| format!("`{id}`: not graded any more; the old files are removed"))
        .collect()
}

/// The files in the folders of files for students: `messages/ada.md`.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for part in FOLDERS {
        let inner = folder.join(part);
        let entries = match fs::read_dir(&inner) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
        };
        let entries = entries.map_err(|e| format!("read {}: {e}", inner.display()))?;
        let all = entries.iter().map(|entry| entry.file_name().display().to_string());
        // A hidden file is of a system, or was never complete.
        names.extend(
            all.filter(|name| !name.starts_with('.'))
                .map(|name| format!("{part}/{name}")),
        );
    }
    names.sort();
    Ok(names)
}

/// Whether there is a file, and not a link, of this content.
fn holds(file: &Path, content: &str) -> bool {
    fs::symlink_metadata(file).is_ok_and(|status| status.is_file())
        && fs::read(file).is_ok_and(|there| there == content.as_bytes())
}
