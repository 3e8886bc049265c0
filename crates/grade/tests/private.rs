//! A check that is not handed out: a crate outside of the repository, as `notes/instructors.md` tells
//! how to make one, and what the grader with this check says.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The exit status of a grader that cannot keep programs apart on this machine.
const REFUSED: i32 = 4;

/// Ends with an error if its client has ended without a word.
const WANTS_WORDS: (&str, &str) = (
    "        if n == 0 {\n",
    "        if n == 0 && buffer[0] == 0 {\n            std::process::exit(3);\n        }\n        \
     if n == 0 {\n",
);

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// Copies the example out of the repository and builds it, without the network: with the versions
/// that the course has. It is always at the same place, so that it is compiled once.
fn grader_with_a_private_check() -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/private-checks");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("private-checks");
    let crates = workspace().canonicalize().unwrap().join("crates");
    let manifest = fs::read_to_string(example.join("Cargo.toml")).unwrap();
    let manifest = manifest
        .replace("\"../../../checks\"", &format!("{:?}", crates.join("checks")))
        .replace("\"../..\"", &format!("{:?}", crates.join("grade")));
    write(&folder.join("Cargo.toml"), &manifest);
    for file in ["src/main.rs", "src/words.toml"] {
        write(&folder.join(file), &fs::read_to_string(example.join(file)).unwrap());
    }
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = workspace().join("target/private-test");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet", "--target-dir"])
        .arg(&target)
        .current_dir(&folder)
        .env("CARGO_PROFILE_DEV_DEBUG", "0") // Nobody looks for a mistake in there.
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success() && said.is_empty(), "{said}");
    target.join("debug/private-checks")
}

fn row<'r>(results: &'r Value, student: &str, check: &str) -> &'r Value {
    let find = |list: &'r Value, key: &str, wanted: &str| {
        let list = list.as_array().unwrap();
        list.iter().find(|item| item[key] == wanted).unwrap()
    };
    find(&find(&results["submissions"], "student", student)["rows"], "check", check)
}

#[test]
fn a_private_check_counts_and_tells_only_as_much_as_it_may() {
    let grader = grader_with_a_private_check();
    let folder = tempfile::tempdir().unwrap();
    let solution = workspace().join("solutions/04-echo/src/main.rs");
    let solution = fs::read_to_string(solution).unwrap();
    let wrong = solution.replace(WANTS_WORDS.0, WANTS_WORDS.1);
    assert_ne!(wrong, solution);
    write(&folder.path().join("submissions/ann.rs"), &solution);
    write(&folder.path().join("submissions/bob.rs"), &wrong);

    let graded = Command::new(grader)
        .args(["run", "submissions", "--exercise", "echo", "--seed", "1"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&graded.stderr);
    if graded.status.code() == Some(REFUSED) {
        println!("skipped: {said}");
        assert!(env::var_os("NO_SKIPS").is_none_or(|value| value != "1"), "{said}");
        return;
    }
    assert!(graded.status.success(), "{said}");

    let results = folder.path().join("results");
    let message = |student: &str| {
        fs::read_to_string(results.join(format!("messages/{student}.md"))).unwrap()
    };
    let results = fs::read_to_string(results.join("results.json")).unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    let public = results["exercise"]["checks"].as_array().unwrap();
    let (private, public): (Vec<&Value>, Vec<&Value>) =
        public.iter().partition(|check| check["private"] == true);
    assert_eq!(private.len(), 1, "{private:?}");
    for check in public {
        let check = check["id"].as_str().unwrap();
        for student in ["ann", "bob"] {
            assert_eq!(row(&results, student, check)["verdict"], "pass", "{check}");
        }
    }

    let ann = row(&results, "ann", "silent");
    assert_eq!((&ann["verdict"], &ann["points"]), (&"pass".into(), &2.into()));
    let bob = row(&results, "bob", "silent");
    assert_eq!((&bob["verdict"], &bob["points"]), (&"fail".into(), &0.into()));
    assert_eq!(bob["diagnosis"], "silence");
    // The instructor knows everything, the student only that there was a check and that it failed.
    assert_eq!(bob["evidence"]["wanted"][0], "status 0");
    let told = message("bob");
    let heading = told.lines().find(|line| line.starts_with("## ")).unwrap();
    assert!(heading.contains("silent"), "{told}");
    assert!(heading.contains(": failed, 0 of 2 points"), "{told}");
    for secret in ["takes silence", "it ended with", "at least one byte", "/dev/null"] {
        assert!(!told.contains(secret), "`{secret}` is told:\n{told}");
    }
}
