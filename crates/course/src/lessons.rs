//! The lessons of this workspace: what stands in `notes/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::problem::{Problem, course};

/// A lesson.
pub struct Lesson {
    /// Its place in the course: `04`.
    pub number: String,
    /// Its name, which never changes: `echo`. The package of its programs has the same.
    pub name: String,
    /// The heading of its page.
    pub title: String,
    /// Its page.
    pub note: PathBuf,
}

impl Lesson {
    /// The name that its folders have: `04-echo`.
    pub fn key(&self) -> String {
        format!("{}-{}", self.number, self.name)
    }

    /// The page, as seen from the top of the workspace.
    pub fn page(&self) -> String {
        format!("notes/{}.md", self.key())
    }
}

/// The top of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// All lessons, in order.
///
/// # Errors
/// The folder of the notes cannot be read.
pub fn all() -> Result<Vec<Lesson>, Problem> {
    let folder = workspace().join("notes");
    let unreadable = |error| {
        Problem::failure(format!(
            "{}: {error}; `course` belongs to its repository: run it there",
            folder.display()
        ))
        .then(course(""))
    };
    let mut lessons = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        lessons.extend(lesson_at(entry.map_err(unreadable)?.path()));
    }
    lessons.sort_by(|a, b| a.number.cmp(&b.number));
    Ok(lessons)
}

/// The lesson whose page this file is; none if it is something else.
fn lesson_at(note: PathBuf) -> Option<Lesson> {
    let key = note.file_name()?.to_str()?.strip_suffix(".md")?;
    let (number, name) = key.split_once('-')?;
    if number.len() != 2 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let text = fs::read_to_string(&note).ok()?;
    let title = text.lines().find_map(|line| line.strip_prefix("# "))?;
    let (number, name, title) = (number.to_owned(), name.to_owned(), title.to_owned());
    Some(Lesson { number, name, title, note })
}

/// The lesson of this name or number.
///
/// # Errors
/// There is none; the message names the nearest ones.
pub fn find(wanted: &str) -> Result<Lesson, Problem> {
    let mut lessons = all()?;
    let is_it = |lesson: &Lesson| is_called(wanted, &lesson.key());
    if let Some(place) = lessons.iter().position(is_it) {
        return Ok(lessons.swap_remove(place));
    }
    let names = lessons.iter().map(|lesson| lesson.name.as_str());
    let nearest = did_you_mean(wanted, names);
    Err(Problem::usage(format!("there is no lesson `{wanted}`{nearest}"))
        .then(course("list")))
}

/// Whether somebody who says `wanted` means this key: by its name, its number, or both.
pub fn is_called(wanted: &str, key: &str) -> bool {
    let Some((number, name)) = key.split_once('-') else { return wanted == key };
    let same_number = matches!((wanted.parse::<u32>(), number.parse::<u32>()), (Ok(a), Ok(b)) if a == b);
    wanted == key || wanted == name || same_number
}

/// `; did you mean ...?` with the one or two names that are like the wanted one; nothing if none is.
pub fn did_you_mean<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> String {
    /// From this likeness on (strsim's Jaro-Winkler, at most 1) somebody may have meant a name.
    const LIKE: f64 = 0.65;
    /// A second name is only named if it is nearly as like.
    const NEARLY: f64 = 0.15;

    let wanted = wanted.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let contained = !wanted.is_empty() && name.contains(&wanted);
        if contained { 1.0 } else { strsim::jaro_winkler(&wanted, &name) }
    };
    let mut names: Vec<(f64, &str)> = names.map(|name| (likeness(name), name)).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = names.first().map_or(0.0, |(likeness, _)| *likeness);
    let near: Vec<String> = names
        .into_iter()
        .take_while(|(likeness, _)| *likeness >= LIKE.max(best - NEARLY))
        .take(2)
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    match near.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", near.join(" or ")),
    }
}
