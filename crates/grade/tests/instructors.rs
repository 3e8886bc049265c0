//! What instructors are told to do, done: the students' copy, the bundle for Gradescope.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names in a folder.
fn names(folder: &str) -> BTreeSet<String> {
    let entries =
        fs::read_dir(workspace().join(folder)).expect("the folder exists").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_students_copy_compiles_and_holds_no_solution() {
    let folder = workspace().canonicalize().unwrap().join("target/students-copy");
    let copy = folder.join("course");
    let _ = fs::remove_dir_all(&copy);
    succeeds(Command::new(workspace().join("scripts/students-copy.sh")).arg(&copy));

    let solutions: Vec<String> = files(&workspace().join("solutions"))
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    for file in files(&copy) {
        let shown = file.strip_prefix(&copy).unwrap().to_string_lossy().into_owned();
        for word in ["solutions", "wrong", "grade/", "instructors"] {
            assert!(!shown.contains(word), "{shown} is in the students' copy");
        }
        let text = fs::read(&file).unwrap();
        let solves = solutions.iter().any(|solution| solution.as_bytes() == text);
        assert!(!solves, "{shown} is a solution");
    }
    for key in names("exercises") {
        let exercise = copy.join("exercises").join(key);
        let read = |file: &str| fs::read_to_string(exercise.join(file)).unwrap();
        assert_eq!(read("src/main.rs"), read("starter.rs"));
    }
    for file in ["README.md", "Cargo.toml", "Cargo.lock"] {
        let text = fs::read_to_string(copy.join(file)).unwrap();
        for word in
            ["solution", "crates/grade", "name = \"grade\"", ".ci/run", "instructors.md"]
        {
            assert!(!text.contains(word), "{file} of the students' copy says {word}");
        }
    }
    // With the versions of Cargo.lock, and without the network.
    let check = ["check", "--workspace", "--all-targets", "--locked", "--offline"];
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(check).arg("--target-dir").arg(folder.join("target")).current_dir(&copy);
    let checked = succeeds(&mut cargo);
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(!said.contains("warning"), "{said}");

    // It is not written over.
    let again =
        Command::new(workspace().join("scripts/students-copy.sh")).arg(&copy).output();
    let again = again.unwrap();
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(!again.status.success() && said.contains("not empty"), "{said}");
}

#[test]
fn on_gradescope_a_mistake_of_the_grader_is_never_a_score() {
    let score = json!({ "score": 14, "tests": [] });
    let write_score =
        format!("for last in \"$@\"; do :; done; echo '{score}' >\"$last\"");
    for (grader, wanted) in [
        (write_score.clone() + "; exit 0", None),
        (write_score + "; exit 3", Some("a check went wrong")),
        ("exit 4".to_owned(), Some("cannot be kept apart")),
        ("exit 1".to_owned(), Some("it ended with status 1")),
        ("kill -SEGV $$".to_owned(), Some("it ended with status 139")),
    ] {
        let (succeeded, result) = result_for_gradescope(&grader);
        match wanted {
            None => assert!(succeeded && result == score, "{grader}: {result}"),
            Some(reason) => {
                let output = result["output"].as_str().unwrap_or_default();
                assert!(!succeeded && output.contains(reason), "{grader}: {result}");
                assert!(
                    result["score"].is_null() && result["tests"].is_null(),
                    "{result}"
                );
            }
        }
    }
}

/// Lets the autograder run on a submission, with a grader that does this.
fn result_for_gradescope(grader: &str) -> (bool, Value) {
    let root = tempfile::tempdir().unwrap();
    let program = root.path().join("source/course/target/release/grade");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::create_dir(root.path().join("submission")).unwrap();
    fs::write(root.path().join("source/exercise.txt"), "echo\n").unwrap();
    fs::write(&program, format!("#!/bin/sh\n{grader}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let done = Command::new(workspace().join("scripts/gradescope/run_autograder"))
        .env("AUTOGRADER_ROOT", root.path())
        .output()
        .unwrap();
    let mode = |folder: &str| {
        fs::metadata(root.path().join(folder)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("submission"), mode("results")), (0o700, 0o700));
    let result = fs::read(root.path().join("results/results.json")).unwrap();
    (done.status.success(), serde_json::from_slice(&result).unwrap())
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output
}

/// All files in a folder, but for those of git.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries
        .filter(|path| !path.ends_with(".git"))
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}
