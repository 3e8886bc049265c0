//! `course check`: a student's program is compiled and judged.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use crate::student::{
    NO_RUST, PATIENCE, Student, await_that, is_running, solution, split, workspace,
};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use predicates::prelude::*;
use transcript::command;

/// A program that keeps the contract: the solution.
fn good_program() -> String {
    command::build(&workspace(), &["echo-solution".to_owned()]).unwrap();
    command::program_of("echo-solution").unwrap().to_string_lossy().into_owned()
}

#[test]
fn the_starter_fails_as_announced() {
    let student = Student::new();
    student.course(&["check", "echo"]).code(1).stderr("").stdout(
        predicate::str::contains("ok         builds\nFAIL  0/1  starts: ")
            .and(predicate::str::contains("one-message: not run, it needs `starts`"))
            .and(predicate::str::contains("| not yet implemented"))
            .and(predicate::str::contains(
                "0 of 14 points: 0 passed, 1 failed, 7 not run",
            ))
            .and(predicate::str::contains(
                "or take a hint; 3 are left:
",
            )),
    );
    assert_eq!(student.progress(), "", "a failure leaves no trace");
}

#[test]
fn the_solution_passes_and_that_is_remembered() {
    let student = Student::new();
    student.write(&solution());
    student.course(&["check", "4"]).success().stderr("").stdout(
        predicate::str::contains(
            "all 8 public checks passed: 14 of 14 points\n(compiled in ",
        )
        .and(predicate::str::contains("compare: solutions/04-echo/src/main.rs"))
        .and(predicate::str::contains("read next: notes/10-multi-connection.md")),
    );
    assert!(student.progress().ends_with("\necho passed 0\n"), "{}", student.progress());
    student.write(NO_RUST);
    student.course(&["check", "echo"]).code(1);
    assert!(student.progress().contains("echo passed"), "once passed is passed");
}

#[test]
fn the_words_of_the_compiler_are_shown() {
    let student = Student::new();
    student.write(NO_RUST);
    student.course(&["check", "echo"]).code(1).stdout(
        predicate::str::contains("FAIL       builds: it does not compile")
            .and(predicate::str::contains("error[E0308]: mismatched types"))
            .and(predicate::str::contains("0 of 14 points"))
            .and(predicate::str::contains("\x1b").not()),
    );
    student.write(&(solution() + "fn unused() {}\n"));
    student
        .course(&["check", "echo", "--only", "starts"])
        .success()
        .stdout(predicate::str::contains("function `unused` is never used"));
    fs::write(student.src().join("../Cargo.toml"), "no manifest").unwrap();
    let broken_manifest = predicate::str::contains("Cargo.toml:1");
    student.course(&["check", "echo"]).code(1).stdout(broken_manifest);
}

#[test]
fn lines_fit_the_screen_but_for_those_to_copy() {
    let student = Student::new();
    let good = student.prints(&["check", "echo", "--program", &good_program()]);
    assert!(good.contains("all 8 public checks passed"), "{good}");
    lines_fit(&good);
    student.write(&solution().replace("received.make_ascii_uppercase();", ""));
    let failures = student.prints(&["check", "echo"]);
    assert!(failures.contains("FAIL  0/2  one-message"), "{failures}");
    lines_fit(&failures);
}

fn lines_fit(text: &str) {
    for line in text.lines().filter(|line| line.chars().count() > 80) {
        let may_be_long = ["  yours", "  by hand", "  again", "          |"];
        assert!(may_be_long.iter().any(|start| line.starts_with(start)), "{line}");
    }
}

#[test]
fn any_program_can_be_judged_and_is_not_remembered() {
    let student = Student::new();
    student.course(&["check", "echo", "--program", &good_program()]).success().stdout(
        predicate::str::contains("builds").not().and(predicate::str::contains(
            "all 8 public checks passed: 14 of 14 points\n(checked in ",
        )),
    );
    assert_eq!(student.progress(), "");
}

#[test]
fn words_of_a_program_that_name_files_are_found_from_anywhere() {
    let student = Student::new();
    let script = student.src().join("serve.sh");
    fs::write(&script, format!("exec '{}' \"$@\"", good_program())).unwrap();
    let mut command = student.command(&[
        "check",
        "echo",
        "--only",
        "starts",
        "--program",
        "sh serve.sh",
    ]);
    command.current_dir(student.src());
    assert_cmd::Command::from_std(command)
        .timeout(PATIENCE)
        .assert()
        .success()
        .stdout(predicate::str::contains("1 of 1 points: 1 passed"));
}

#[test]
fn a_failure_is_repeated_by_the_line_that_it_shows() {
    let student = Student::new();
    let text = student.prints(&["check", "echo", "--program", "sh -c 'exit 3'"]);
    let again = text.lines().find_map(|line| line.strip_prefix("  again   ")).unwrap();
    let arguments = again.strip_prefix("cargo run -p course -- ").unwrap();
    let words: Vec<String> = split(arguments);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let seed = words.last().unwrap();
    student.course(&words).code(1).stdout(
        predicate::str::contains("it ended with status 3")
            .and(predicate::str::contains(format!("seed {seed})"))),
    );
}

#[test]
fn one_check_alone_runs_with_those_that_it_needs() {
    let student = Student::new();
    student
        .course(&["check", "echo", "--program", &good_program(), "--only", "ends"])
        .success()
        .stdout(
            predicate::str::contains("4 of 4 points: 3 passed")
                .and(predicate::str::contains("any-bytes").not())
                .and(predicate::str::contains("public checks").not()),
        );
}

#[test]
fn success_counts_even_if_it_cannot_be_kept() {
    let student = Student::new();
    student.write(&solution());
    let mut command = student.command(&["check", "echo"]);
    command.env("COURSE_PROGRESS", "/proc/no/such/folder/progress");
    assert_cmd::Command::from_std(command)
        .timeout(PATIENCE)
        .assert()
        .success()
        .stderr(predicate::str::starts_with("warning: keep your progress in /proc/no"));
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let student = Student::new();
    // A program that would sleep for a day, and that nobody else runs.
    let sleep = ["sleep".to_owned(), format!("86400.{}", std::process::id())];
    let program = sleep.join(" ");
    let mut course = student
        .command(&["check", "echo", "--program", &format!("sh -c '{program}; :'")])
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    await_that("the program runs", || is_running(&sleep));
    signal::killpg(Pid::from_raw(course.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(course.wait().unwrap().code(), Some(130));
    await_that("the program has ended", || !is_running(&sleep));
}

#[test]
fn each_line_comes_as_soon_as_it_is_known() {
    let student = Student::new();
    // It ends when this file is there, and that is written when `builds` has come.
    let go_on = student.src().join("go-on");
    student.write(&format!(
        "fn main() {{
             while !std::path::Path::new({go_on:?}).exists() {{
                 std::thread::sleep(std::time::Duration::from_millis(5));
             }}
         }}"
    ));
    let mut course = student
        .command(&["check", "echo"])
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let (sender, pieces) = mpsc::channel();
    let mut screen = course.stdout.take().unwrap();
    thread::spawn(move || {
        use std::io::Read;
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = screen.read(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
            let _ = sender.send(text);
        }
    });
    let mut printed = String::new();
    while let Ok(text) = pieces.recv_timeout(PATIENCE) {
        printed += &text;
        if printed.contains("builds") && !go_on.exists() {
            assert!(
                !printed.contains("starts"),
                "`builds` did not come by itself: {printed}"
            );
            fs::write(&go_on, "").unwrap();
        }
    }
    // Had `builds` come late, the program would have been stopped instead.
    assert!(printed.contains("it ended with status 0"), "{printed}");
    let _ = course.wait();
}
