//! What `course` says to its user.

use crate::student::Student;
use assert_cmd::assert::Assert;
use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use transcript::program::{Session, Signal};

fn course(arguments: &[&str]) -> Assert {
    Student::new().course(arguments)
}

#[test]
fn without_a_command_it_shows_the_lessons_and_what_to_type() {
    course(&[]).success().stderr("").stdout(
        predicate::str::contains("  04  echo ")
            .and(predicate::str::contains("read      notes/01-sockets.md"))
            .and(predicate::str::contains("cargo run -p course -- play sockets")),
    );
}

#[test]
fn list_has_one_line_for_each_lesson() {
    let lines = course(&["list"]).success().get_output().stdout.clone();
    let lines = String::from_utf8(lines).unwrap();
    let numbers: Vec<&str> = lines.lines().map(|line| &line[2..4]).collect();
    assert!(numbers.is_sorted() && numbers.contains(&"04"), "{lines}");
    assert!(lines.lines().all(|line| line.chars().count() <= 80), "{lines}");
}

#[test]
fn help_is_everywhere() {
    course(&["--help"]).success().stdout(predicate::str::contains("Usage"));
    for command in
        ["list", "play", "check", "watch", "hint", "solution", "reset", "doctor"]
    {
        course(&[command, "--help"]).success().stdout(predicate::str::contains("Usage"));
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_ones() {
    course(&["play", "ehco"])
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains("no lesson `ehco`; did you mean `echo`?"));
    course(&["play", "echo", "two clints"])
        .code(2)
        .stderr(predicate::str::contains("did you mean `Two clients, one server`"));
    course(&["plya"]).code(2).stderr(predicate::str::contains("'play'"));
    course(&["play"]).code(2);
}

#[test]
fn a_lesson_is_found_by_name_number_and_key() {
    for name in ["echo", "04", "4", "04-echo"] {
        course(&["play", name, "--sections"])
            .success()
            .stdout(predicate::str::contains("Two clients, one server"));
    }
}

#[test]
fn a_section_is_played_without_colours_into_a_pipe() {
    course(&["play", "echo", "nobody"]).success().stdout(
        predicate::str::contains(
            "client$ cargo run -qp echo -- client 127.0.0.1:8000 hello\n\
             client| error: connect to 127.0.0.1:8000: Connection refused",
        )
        .and(predicate::str::contains("client! 1\n"))
        .and(predicate::str::contains("\x1b").not()),
    );
}

#[test]
fn step_waits_for_enter_before_each_answer() {
    let mut course =
        Session::start(cargo_bin!("course"), &["play", "echo", "Nobody there", "--step"]);
    course.expect("Nobody there");
    course.expect("");
    course.expect("client$ cargo run -qp echo -- client 127.0.0.1:8000 hello");
    course.type_line("");
    assert!(course.line().contains("What comes next? (Enter) client| error: connect"));
    course.close_input();
    assert!(course.end().1.success());
}

#[test]
fn overwriting_an_unchanged_lesson_changes_nothing() {
    course(&["play", "echo", "Two clients", "--overwrite"])
        .success()
        .stdout(predicate::str::contains("is as it was"));
}

#[test]
fn ctrl_c_ends_it() {
    let mut course =
        Session::start(cargo_bin!("course"), &["play", "echo", "Two clients", "--step"]);
    course.expect("Two clients, one server");
    course.expect("");
    course.line();
    course.signal(Signal::SIGINT);
    assert!(!course.end().1.success());
}
