//! The files that come out: one model in ([`Results`]), every format from it.
//!
//! | file | for |
//! |---|---|
//! | `results.json` | programs; everything ([`json`]) |
//! | `long.csv`, `wide.csv` | spreadsheets: a row per check, a row per student ([`tables`]) |
//! | `junit.xml` | whatever shows tests ([`junit`]) |
//! | `gradescope/STUDENT.json` | Gradescope ([`gradescope`]) |
//! | `classroom50/STUDENT.json` | Classroom 50 ([`classroom50`]) |
//! | `messages/STUDENT.md` | the student ([`message`]) |
//! | `class.html` | the teacher ([`page`]) |
//!
//! [`explain`] says how much of a failure each of them tells, and [`text`] keeps what students
//! wrote from being obeyed by whatever shows it. What an earlier grading has written for others is
//! cleared away by [`outdated`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::files::write_whole;
use crate::reports::classroom50::Classroom50;
use crate::results::Results;

pub mod classroom50;
pub mod explain;
pub mod gradescope;
pub mod json;
pub mod junit;
pub mod message;
pub mod outdated;
pub mod page;
pub mod tables;
pub mod text;

/// The folders of the files for students.
const FOLDERS: [&str; 3] = ["classroom50", "gradescope", "messages"];

/// Writes all files into a folder, which is made if it is not there. The files' paths come back.
///
/// # Errors
/// What could not be written, and why. Two submissions with the same student's id are an error:
/// the file of one would take the place of the other's.
pub fn write_all(results: &Results, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut ids = BTreeSet::new();
    if let Some(twice) = results.submissions.iter().find(|s| !ids.insert(&s.student)) {
        let id = text::visible(&twice.student);
        return Err(format!("two submissions are `{id}`'s: nothing was written"));
    }
    let mut files = vec![
        ("results.json".to_owned(), json::results(results)?),
        ("long.csv".to_owned(), tables::long(results)?),
        ("wide.csv".to_owned(), tables::wide(results)?),
        ("junit.xml".to_owned(), junit::report(results)?),
        ("class.html".to_owned(), page::page(results)),
    ];
    files.extend(for_students(results)?);
    let mut paths = Vec::new();
    for (name, content) in files {
        let path = folder.join(name);
        write_whole(&path, content.as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

/// The files for each student alone, by their names.
fn for_students(results: &Results) -> Result<BTreeMap<String, String>, String> {
    let classroom = Classroom50::of_class(results);
    let mut files = BTreeMap::new();
    for submission in &results.submissions {
        let name = text::file_name(&submission.student);
        let gradescope = json::pretty(&gradescope::result(results, submission))?;
        let classroom50 =
            json::pretty(&classroom50::result(results, submission, &classroom))?;
        let message = message::message(results, submission);
        files.insert(format!("gradescope/{name}.json"), gradescope);
        files.insert(format!("classroom50/{name}.json"), classroom50);
        files.insert(format!("messages/{name}.md"), message);
    }
    Ok(files)
}
