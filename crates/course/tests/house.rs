//! Rules for the whole repository that no single crate can check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use transcript::note::Note;

/// The page for those who teach: no lesson.
const INSTRUCTORS: &str = "instructors.md";

/// How many transcripts are shown but not played. To show another one so is a decision: change the
/// number with it.
const IGNORED_TRANSCRIPTS: usize = 0;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names in a folder.
fn names(folder: &str) -> BTreeSet<String> {
    let entries =
        fs::read_dir(workspace().join(folder)).expect("the folder exists").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The keys (`04-echo`) among the names in a folder.
fn keys(folder: &str) -> BTreeSet<String> {
    let is_key = |name: &String| {
        name.as_bytes().get(..3).is_some_and(|start| {
            start[0].is_ascii_digit() && start[1].is_ascii_digit() && start[2] == b'-'
        })
    };
    let names =
        names(folder).into_iter().map(|name| name.trim_end_matches(".md").to_owned());
    names.filter(is_key).collect()
}

fn notes() -> Vec<Note> {
    let keys = keys("notes").into_iter();
    let path = |key| workspace().join("notes").join(format!("{key}.md"));
    keys.map(|key| Note::read(&path(key)).unwrap_or_else(|problem| panic!("{problem}")))
        .collect()
}

#[test]
fn every_lesson_has_a_page_programs_and_tests_that_play_it() {
    assert_eq!(
        keys("crates"),
        keys("notes"),
        "a key stands in only one of crates/ and notes/"
    );
    for key in keys("crates") {
        let crate_dir = workspace().join("crates").join(&key);
        let manifest = fs::read_to_string(crate_dir.join("Cargo.toml")).unwrap();
        let name = &key[3..];
        assert!(
            manifest.contains(&format!("name = \"{name}\"\n")),
            "{key} has another name"
        );
        let plays = fs::read_to_string(crate_dir.join("tests/lesson/main.rs"));
        let plays = plays.unwrap_or_default();
        assert!(
            plays.contains("transcript::lesson_tests(env!(\"CARGO_MANIFEST_DIR\"), ")
                && manifest.contains("name = \"lesson\"\nharness = false"),
            "crates/{key}/tests/lesson/main.rs does not play notes/{key}.md"
        );
    }
}

#[test]
fn no_transcript_is_left_unplayed() {
    let notes = notes();
    for note in &notes {
        assert!(!note.sections.is_empty(), "{} has no transcript", note.path.display());
    }
    let ignored: usize = notes.iter().map(|note| note.ignored).sum();
    assert_eq!(
        ignored, IGNORED_TRANSCRIPTS,
        "the number of `console ignore` blocks changed"
    );
    for file in markdown_files(&workspace()) {
        let is_lesson =
            notes.iter().any(|note| note.path.canonicalize().unwrap() == file);
        let text = fs::read_to_string(&file).unwrap();
        let transcript =
            text.lines().any(|line| line.trim_start().starts_with("```console"));
        assert!(
            is_lesson || !transcript,
            "{} has a transcript that no test plays",
            file.display()
        );
    }
}

#[test]
fn no_stray_files() {
    let stray: Vec<String> = names("notes")
        .into_iter()
        .filter(|name| name != INSTRUCTORS)
        .filter(|name| {
            !name.ends_with(".md") || !keys("notes").contains(&name[..name.len() - 3])
        })
        .collect();
    assert!(stray.is_empty(), "in notes/: {stray:?}");
    for name in names("crates") {
        let is_crate =
            workspace().join("crates").join(&name).join("Cargo.toml").is_file();
        assert!(is_crate, "crates/{name} is not a crate");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for file in markdown_files(&workspace()) {
        let text = fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with('#') || link.contains(' ') {
                continue;
            }
            let path = link.split('#').next().unwrap();
            let target = file.parent().unwrap().join(path);
            assert!(target.exists(), "{}: nothing at {link}", file.display());
        }
    }
}

#[test]
fn the_readme_lists_the_lessons_that_exist() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    for note in notes() {
        let file = note.path.file_name().unwrap().to_string_lossy().into_owned();
        let row = format!("[{}](notes/{file})", note.title);
        assert!(readme.contains(&row), "README.md has no `{row}`");
    }
    for linked in
        readme.split("(notes/").skip(1).filter_map(|rest| rest.split(')').next())
    {
        assert!(names("notes").contains(linked), "README.md links notes/{linked}");
    }
}

/// The page for those who teach.
fn instructors() -> String {
    fs::read_to_string(workspace().join("notes").join(INSTRUCTORS)).unwrap()
}

#[test]
fn instructors_are_told_the_minutes_that_lessons_and_exercises_say() {
    let page = instructors();
    let (mut reading, mut doing) = (0, 0);
    for key in keys("notes") {
        let lesson =
            fs::read_to_string(workspace().join(format!("notes/{key}.md"))).unwrap();
        let words = workspace().join(format!("exercises/{key}/exercise.toml"));
        let words = fs::read_to_string(words).unwrap();
        let read = number_before(&lesson, " minutes)");
        let done = words.lines().find_map(|line| line.strip_prefix("minutes = "));
        let done: u32 = done.and_then(|minutes| minutes.parse().ok()).expect("minutes");
        let row = format!("| [{key}]({key}.md) | {read} | {done} | {} |", read + done);
        assert!(page.contains(&row), "notes/{INSTRUCTORS} has no `{row}`");
        (reading, doing) = (reading + read, doing + done);
    }
    let sum = format!("| together | {reading} | {doing} | {} |", reading + doing);
    assert!(page.contains(&sum), "notes/{INSTRUCTORS} has no `{sum}`");
}

/// The number in front of the first such words: `(40 minutes)`.
fn number_before(text: &str, words: &str) -> u32 {
    let before = text.split(words).next().unwrap_or_default();
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or_else(|_| panic!("no number in front of `{words}`"))
}

#[test]
fn instructors_are_shown_files_as_they_are() {
    let page = instructors();
    let example = "crates/grade/tests/private-checks";
    for file in ["src/main.rs", "src/words.toml"] {
        let text = fs::read_to_string(workspace().join(example).join(file)).unwrap();
        assert!(page.contains(&text), "notes/{INSTRUCTORS} shows another {file}");
    }
}

/// All pages, but for those of other people's code.
fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(markdown_files(&path));
        } else if name.ends_with(".md") {
            files.push(path.canonicalize().unwrap());
        }
    }
    files
}
