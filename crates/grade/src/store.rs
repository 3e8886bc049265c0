//! What is known already: a log in the folder of the results.
//!
//! Every graded submission is one line, written at once when it is done. So the grader can be ended
//! at any moment, by Ctrl-C or by the power supply, and goes on where it was: at worst the last line
//! is torn, and that submission is graded again.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, write_whole};
use crate::results::Submission;

/// The folder of what the grader keeps for itself, within that of the results.
const FOLDER: &str = ".grade";

/// What a folder of results was made from. `regrade` and `explain` need nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The key of the exercise: `04-echo`.
    pub exercise: String,
    /// The folder of the submissions.
    pub submissions: PathBuf,
    /// The roster, if there is one.
    pub roster: Option<PathBuf>,
    /// Makes all input.
    pub seed: u64,
}

/// A line of the log.
#[derive(Serialize, Deserialize)]
struct Line {
    /// What the result depends on: if that is the same, so is the result.
    key: String,
    submission: Submission,
}

/// What is known from before.
pub struct Known(HashMap<String, Submission>);

/// The log, opened by one grader, to be added to.
pub struct Log {
    file: File,
    /// Nobody else opens the log while this file is locked.
    _lock: File,
}

impl Log {
    /// Opens the log of a folder of results, or begins one.
    ///
    /// # Errors
    /// The folder cannot be written, or another grader is at work in it.
    pub fn open(results: &Path) -> Result<(Known, Log), String> {
        let folder = results.join(FOLDER);
        let tried = |error: io::Error| format!("open {}: {error}", folder.display());
        files::make_folder(&folder).map_err(tried)?;
        let lock = File::create(folder.join("lock")).map_err(tried)?;
        if lock.try_lock().is_err() {
            let folder = results.display();
            return Err(format!(
                "another grader is at work in {folder}; wait for its end"
            ));
        }
        let path = folder.join("log.jsonl");
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            text => text.map_err(tried)?,
        };
        // A torn line is as good as none.
        let lines: Vec<Line> = text
            .split(|&byte| byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let number = lines.len();
        let known: HashMap<String, Submission> =
            lines.into_iter().map(|line| (line.name(), line.submission)).collect();
        if number > 2 * known.len() || text.last().is_some_and(|&last| last != b'\n') {
            rewrite(&path, &known)?;
        }
        let log = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        Ok((Known(known), Log { file: log.map_err(tried)?, _lock: lock }))
    }

    /// Keeps a result. When this returns, it is on the disk.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put(&mut self, key: &str, submission: &Submission) -> Result<(), String> {
        let line = Line { key: key.to_owned(), submission: submission.clone() };
        let mut text = serde_json::to_vec(&line).map_err(|error| error.to_string())?;
        text.push(b'\n');
        self.file
            .write_all(&text)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| format!("write the log of results: {error}"))
    }
}

impl Known {
    /// The result of a student for this key, if it is known.
    pub fn get(&self, student: &str, key: &str) -> Option<&Submission> {
        self.0.get(&name(student, key))
    }
}

impl Line {
    fn name(&self) -> String {
        name(&self.submission.student, &self.key)
    }
}

/// What a result is known by: of two results with the same name, the later one counts.
fn name(student: &str, key: &str) -> String {
    format!("{key} {student}")
}

/// Writes the log anew, without what is out of date or torn.
fn rewrite(path: &Path, known: &HashMap<String, Submission>) -> Result<(), String> {
    let mut text = Vec::new();
    for (name, submission) in known {
        let key = name.split(' ').next().unwrap_or_default().to_owned();
        let line = Line { key, submission: submission.clone() };
        serde_json::to_writer(&mut text, &line).map_err(|error| error.to_string())?;
        text.push(b'\n');
    }
    write_whole(path, &text)
}

/// Keeps the settings of a folder of results.
///
/// # Errors
/// They cannot be written.
pub fn write_settings(results: &Path, settings: &Settings) -> Result<(), String> {
    let text = toml::to_string(settings).map_err(|error| error.to_string())?;
    write_whole(&results.join(FOLDER).join("settings.toml"), text.as_bytes())
}

/// The settings of a folder of results, if it is one.
///
/// # Errors
/// They cannot be read.
pub fn read_settings(results: &Path) -> Result<Option<Settings>, String> {
    let file = results.join(FOLDER).join("settings.toml");
    match fs::read_to_string(&file) {
        Ok(text) => toml::from_str(&text)
            .map(Some)
            .map_err(|error| format!("read {}: {error}", file.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("read {}: {error}", file.display())),
    }
}
