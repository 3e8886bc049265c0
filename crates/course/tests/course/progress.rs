//! Where am I, what is next, hints, solutions, and the way back to the starter.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::student::{PATIENCE, Student, keys, solution, starter};
use predicates::prelude::*;

#[test]
fn it_says_where_i_am_and_what_is_next() {
    let student = Student::new();
    student.has_done("sockets passed 0\nnames passed 1\nhello passed 0\n");
    let text = student.prints(&[]);
    let next = "  read      notes/04-echo.md
  watch it  cargo run -p course -- play echo
  do        exercises/04-echo/README.md, 30 minutes
  check it  cargo run -p course -- check echo\n";
    assert!(text.ends_with(next), "{text}");
    assert!(text.contains("  04  echo              next    Echo: one conn"), "{text}");
    assert!(text.contains("  03  hello             passed  Hello"), "{text}");
}

#[test]
fn when_all_is_done_it_says_so() {
    let student = Student::new();
    let all =
        keys().iter().map(|key| format!("{} passed 0\n", &key[3..])).collect::<String>();
    student.has_done(&all);
    student
        .course(&[])
        .success()
        .stdout(predicate::str::contains("course -- reset NAME"));
    for command in ["check", "hint", "watch"] {
        student
            .course(&[command])
            .code(2)
            .stderr(predicate::str::contains("all exercises are passed"));
    }
}

#[test]
fn names_that_nobody_knows_stay_in_the_file() {
    let student = Student::new();
    student
        .has_done("# mine\nno-such-exercise passed 7 and more\necho open 1\n\n<<<<<<<\n");
    student.course(&["hint", "echo"]).success();
    let kept = "# mine\nno-such-exercise passed 7 and more\necho open 2\n\n<<<<<<<\n";
    assert_eq!(student.progress(), kept);
}

#[test]
fn a_damaged_file_is_no_reason_to_fail() {
    let student = Student::new();
    fs::write(student.progress_file(), b"\xff\xfe\necho passed 0\n\0\0").unwrap();
    student.course(&["list"]).success().stdout(predicate::str::contains("passed  Echo"));
    fs::remove_file(student.progress_file()).unwrap();
    fs::create_dir(student.progress_file()).unwrap();
    student.course(&["list"]).code(1).stderr(predicate::str::contains("\nnext: ls -ld "));
}

#[test]
fn each_hint_goes_one_step_further() {
    let student = Student::new();
    for (shown, left) in
        [(1, "2 hints are left."), (2, "1 hint is left."), (3, "the last hint")]
    {
        let text = student.prints(&["hint", "echo"]);
        assert!(text.contains(left), "{text}");
        assert_eq!(text.matches(" of 3: ").count(), shown, "{text}");
        assert!(student.progress().contains(&format!("echo open {shown}\n")));
    }
    student
        .course(&["hint", "echo"])
        .success()
        .stdout(predicate::str::contains("These are all hints there are."));
}

#[test]
fn the_solution_is_for_those_who_have_one() {
    let student = Student::new();
    student
        .course(&["solution", "echo"])
        .code(1)
        .stdout("")
        .stderr(predicate::str::ends_with("next: cargo run -p course -- check echo\n"));
    let shown =
        predicate::str::contains("== solutions/04-echo/src/main.rs\n\n//! Exercise 04");
    student.course(&["solution", "echo", "--anyway"]).success().stdout(shown.clone());
    student.has_done("echo passed 0\n");
    student.course(&["solution", "echo"]).success().stdout(shown);
}

#[test]
fn reset_brings_the_starter_back_and_keeps_what_was_there() {
    let student = Student::new();
    student.has_done("echo passed 2\nnames open 1\n");
    for _ in 0..2 {
        student.write(&solution());
        student
            .course(&["reset", "echo"])
            .success()
            .stdout(predicate::str::contains("src/main.rs is the starter again"));
    }
    assert_eq!(fs::read_to_string(student.src().join("main.rs")).unwrap(), starter());
    let files: Vec<_> = fs::read_dir(student.src()).unwrap().flatten().collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in files.iter().filter(|file| file.file_name() != "main.rs") {
        assert!(file.file_name().to_string_lossy().starts_with("main.2"), "{file:?}");
        assert_eq!(fs::read_to_string(file.path()).unwrap(), solution());
    }
    assert_eq!(student.progress(), "names open 1\n");
    student
        .course(&["reset", "echo"])
        .success()
        .stdout(predicate::str::contains("src/main.rs is the starter\n"));
    fs::remove_file(student.src().join("main.rs")).unwrap();
    student
        .course(&["reset", "echo"])
        .success()
        .stdout(predicate::str::contains("is back"));
    // The old versions do not become parts of the program.
    student
        .course(&["check", "echo"])
        .code(1)
        .stdout(predicate::str::contains("builds\n"));
}

#[test]
fn every_error_ends_with_the_next_command() {
    let student = Student::new();
    for (arguments, status) in [
        (&["check", "ehco"][..], 2),
        (&["check", "echo", "--only", "ended"], 2),
        (&["check", "echo", "--program", " "], 2),
        (&["check", "echo", "--program", "it's"], 2),
        (&["hint", "99"], 2),
        (&["watch", "ecko"], 2),
        (&["solution", "echoes"], 2),
        (&["reset", "unx"], 2),
        (&["play", "pong"], 2),
        (&["play", "echo", "no such section"], 2),
        (&["solution", "echo"], 1),
    ] {
        let output =
            student.course(arguments).code(status).stdout("").get_output().clone();
        let text = String::from_utf8(output.stderr).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("next: cargo run -p course -- "), "{text}");
        assert!(text.starts_with("error: "), "{text}");
    }
    student
        .course(&["check", "ehco"])
        .stderr(predicate::str::contains("no exercise `ehco`; did you mean `echo`?"));
    student
        .course(&["check", "echo", "--only", "ended"])
        .stderr(predicate::str::contains("did you mean `ends`?"));
}

#[test]
fn the_doctor_finds_out_by_trying() {
    let student = Student::new();
    let assert = student.course(&["doctor"]).stderr("");
    let output = assert.get_output();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for name in
        ["Rust", "IPv4", "IPv6", "namespaces", "raw sockets", "ports", "nc", "strace"]
    {
        let is_about =
            |line: &&str| line.get(4..).is_some_and(|rest| rest.starts_with(name));
        assert!(text.lines().any(|line| is_about(&line)), "{name}: {text}");
    }
    let lacking = text.lines().filter(|line| line.starts_with("no  ")).count();
    assert_eq!(output.status.code(), Some(i32::from(lacking > 0)), "{text}");
    // A tool that is not there, and what to do about it.
    let empty = tempfile::tempdir().unwrap();
    let mut command = student.command(&["doctor"]);
    command.env("PATH", empty.path());
    let fake = empty.path().join("nc");
    fs::write(&fake, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    assert_cmd::Command::from_std(command).timeout(PATIENCE).assert().code(1).stdout(
        predicate::str::contains("no  Rust         is not installed")
            .and(predicate::str::contains("no  strace       is not installed"))
            .and(predicate::str::contains("sudo apt install netcat-openbsd")),
    );
}

#[test]
fn nobody_reads_to_the_end() {
    let student = Student::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = student.command(&["list"]);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
