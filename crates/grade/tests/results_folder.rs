//! The folder of results: who may read what is in it, and what is left in it when it is used again.

#[allow(dead_code)] // Other tests use more of it.
mod class;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use class::{Class, Graded, has_namespaces};

/// What is graded at once.
const NO_PROGRAM: &str = "no Rust";

/// What everybody but the owner may do with a file or a folder.
fn open_to_others(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o077
}

fn everything_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path())
}

#[track_caller]
fn assert_graded(graded: &Graded) {
    assert_eq!(graded.status, Some(0), "{}", graded.printed);
}

#[test]
fn nobody_else_can_read_what_the_grader_has_made() {
    if !has_namespaces() {
        return;
    }
    let class = Class::new();
    class.hand_in("ada", NO_PROGRAM);
    assert_graded(&class.grade("term/echo", &[]));
    for path in everything_in(&class.path("term")) {
        let is_empty = path.ends_with(".grade/lock");
        assert!(is_empty || open_to_others(&path) == 0, "{}", path.display());
    }

    // A folder that was there may be shared, on purpose. The files are not.
    let shared = class.path("results");
    fs::set_permissions(&shared, Permissions::from_mode(0o750)).unwrap();
    assert_graded(&class.grade("results", &[]));
    assert_eq!(open_to_others(&shared), 0o050);
    for file in ["results.json", "class.html", "messages/ada.md", ".grade/log.jsonl"] {
        assert_eq!(open_to_others(&shared.join(file)), 0, "{file}");
    }
}

#[test]
fn a_gradebook_that_is_filled_keeps_its_mode() {
    if !has_namespaces() {
        return;
    }
    let class = Class::new();
    class.hand_in("ada", NO_PROGRAM);
    let export = class.path("outside/moodle.csv");
    fs::write(&export, "Username,Grade\nada,\n").unwrap();
    let copy = class.path("results/moodle.csv");
    for mode in [0o640, 0o600, 0o400, 0o644] {
        fs::set_permissions(&export, Permissions::from_mode(mode)).unwrap();
        let file = export.to_str().unwrap();
        assert_graded(&class.grade("results", &["--fill", file, "--column", "Grade"]));
        assert_eq!(fs::read_to_string(&copy).unwrap(), "Username,Grade\nada,0\n");
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn files_for_students_who_are_gone_are_removed_and_nothing_else() {
    if !has_namespaces() {
        return;
    }
    let class = Class::new();
    for student in ["ada", "ben", "eva@x", "mia"] {
        class.hand_in(student, NO_PROGRAM);
    }
    assert_graded(&class.grade("results", &["--seed", "1"]));
    let results = class.path("results");
    let own = ["notes.txt", "messages/to-all.md", "overrides.toml"];
    for file in own {
        fs::write(results.join(file), "").unwrap();
    }
    let edited = results.join("messages/eva@x.md");
    fs::write(&edited, "You were ill; come to the lab.").unwrap();
    let link = results.join("gradescope/mia.json");
    fs::rename(&link, class.path("outside/mia.json")).unwrap();
    symlink(class.path("outside/mia.json"), &link).unwrap();
    for student in ["ben", "eva@x", "mia"] {
        fs::remove_dir_all(class.path("submissions").join(student)).unwrap();
    }

    let smaller = class.grade("results", &[]);
    assert_graded(&smaller);
    let students = smaller.results().submissions;
    assert_eq!(students.len(), 1, "{students:#?}");
    let left = [
        "classroom50/ada.json",
        "gradescope/ada.json",
        "gradescope/mia.json",
        "messages/ada.md",
        "messages/eva@x.md",
        "messages/to-all.md",
    ];
    let mut found: Vec<String> = everything_in(&results)
        .filter(|path| path.is_file())
        .map(|path| path.strip_prefix(&results).unwrap().display().to_string())
        .filter(|name| name.contains('/') && !name.starts_with(".grade/"))
        .collect();
    found.sort();
    assert_eq!(found, left);
    assert_eq!(fs::read_to_string(&edited).unwrap(), "You were ill; come to the lab.");
    assert!(own.iter().all(|file| results.join(file).exists()));
    assert!(class.path("outside/mia.json").exists());
    let problems = smaller.results().problems;
    for (word, what) in [
        ("`ben`", "not graded any more"),
        ("`eva@x`", "not graded any more"),
        ("`mia`", "not graded any more"),
        ("`messages/eva@x.md`", "it stays"),
        ("`messages/to-all.md`", "it stays"),
        ("`gradescope/mia.json`", "it stays"),
    ] {
        let is_it = |line: &&String| line.starts_with(word) && line.contains(what);
        assert_eq!(problems.iter().filter(is_it).count(), 1, "{word}: {problems:#?}");
        assert!(smaller.printed.contains(word), "{}", smaller.printed);
    }

    // Nobody's result is lost: whoever comes back is not graded again.
    class.hand_in("ben", NO_PROGRAM);
    let again = class.grade("results", &[]);
    assert!(again.printed.contains("0 graded now, 2 not changed"), "{}", again.printed);
    assert!(results.join("messages/ben.md").exists());
}
