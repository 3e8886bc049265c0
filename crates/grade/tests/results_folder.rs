//! The folder of results: who may read what is in it.

#[allow(dead_code)] // Other tests use more of it.
mod class;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
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
