//! A grading that is killed, stopped, or done twice: nothing is lost, counted twice, or different.

mod class;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use class::{Class, has_namespaces, program, verdicts};
use fastrand::Rng;
use grade::results::{Results, Submission, Times};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// So many classes are graded side by side, each by a grader that is killed so many times.
const CLASSES: u64 = 5;
const KILLS: usize = 10;

/// The solution, and wrong programs that are found out quickly.
const PROGRAMS: [(&str, &str); 5] = [
    ("ada", "wrong/as_it_came.rs"),
    ("ben", "wrong/text.rs"),
    ("cem", "wrong/whole_buffer.rs"),
    ("dan", "src/main.rs"),
    ("eva", "wrong/gives_up_at_the_end.rs"),
];

fn small_class() -> Class {
    let class = Class::new();
    for (student, file) in PROGRAMS {
        class.hand_in(student, &program(file));
    }
    class
}

/// The same seed, so that all gradings ask the same.
const SEED: [&str; 2] = ["--seed", "7"];

/// What has to be the same in two gradings: everything but times, and the evidence, in which the
/// system's choice of ports stands.
fn comparable(results: &Results) -> Vec<Submission> {
    let mut submissions = results.submissions.clone();
    for submission in &mut submissions {
        submission.times = Times::default();
        for row in &mut submission.rows {
            row.took_ms = 0;
            row.evidence = None;
        }
    }
    submissions
}

#[track_caller]
fn assert_same(one: &Results, other: &Results) {
    for (one, other) in comparable(one).iter().zip(comparable(other)) {
        assert_eq!(verdicts(one), verdicts(&other), "{}", one.student);
        assert_eq!(format!("{one:#?}"), format!("{other:#?}"));
    }
    assert_eq!(one.submissions.len(), other.submissions.len());
}

#[test]
fn a_grader_that_is_killed_again_and_again_loses_nothing_and_counts_nothing_twice() {
    if !has_namespaces() {
        return;
    }
    let seed = fastrand::u64(..);
    println!("the moments of the kills come from the seed {seed}");
    thread::scope(|scope| {
        for number in 0..CLASSES {
            scope.spawn(move || kill_again_and_again(Rng::with_seed(seed + number)));
        }
    });
}

fn kill_again_and_again(mut random: Rng) {
    let class = small_class();
    let undisturbed = class.grade("undisturbed", &SEED).results();
    let (mut kills, mut gradings) = (0, 0);
    while kills < KILLS {
        let out = format!("results-{gradings}");
        while kills < KILLS && kill_sometime(&class, &out, &mut random) {
            kills += 1;
            class.await_no_process();
        }
        let graded = class.grade(&out, &SEED);
        assert_eq!(graded.status, Some(0), "{}", graded.printed);
        assert_same(&graded.results(), &undisturbed);
        assert_eq!(graded_in(&class, &out), PROGRAMS.len(), "{out}: a line for each");
        gradings += 1;
    }
    println!("{kills} kills in {gradings} gradings");
    assert!(class.workshops().is_empty(), "{:?}", class.workshops());
}

/// Grades, and kills the grader at a moment by chance: soon after its start, or soon after one more
/// result is there. Says whether it was still at work then.
fn kill_sometime(class: &Class, out: &str, random: &mut Rng) -> bool {
    const SOON: Duration = Duration::from_millis(400);
    let before = graded_in(class, out);
    let mut grading = class.start(out, &SEED);
    if random.bool() {
        while graded_in(class, out) == before && !grading.has_ended() {
            thread::sleep(Duration::from_millis(1)); // why: a file that grows is no event for std
        }
    }
    let deadline = Instant::now() + SOON.mul_f64(random.f64());
    while Instant::now() < deadline && !grading.has_ended() {
        thread::sleep(Duration::from_millis(1)); // why: the moment is what is tested
    }
    if !grading.has_ended() {
        kill(Pid::from_raw(grading.child.id().cast_signed()), Signal::SIGKILL).unwrap();
    }
    // In the last moment the signal may come too late.
    grading.end().status.is_none()
}

/// How many results are kept; a torn line is none.
fn graded_in(class: &Class, out: &str) -> usize {
    let log = class.path(out).join(".grade/log.jsonl");
    fs::read_to_string(log).unwrap_or_default().matches('\n').count()
}

/// Waits until somebody is graded.
fn await_first_result(class: &Class) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while graded_in(class, "results") == 0 {
        assert!(Instant::now() < deadline, "nobody is graded");
        thread::sleep(Duration::from_millis(1)); // why: a file that grows is no event for std
    }
}

#[test]
fn ctrl_c_stops_the_grader_which_then_goes_on() {
    if !has_namespaces() {
        return;
    }
    let class = small_class();
    let undisturbed = class.grade("undisturbed", &SEED).results();
    let grading = class.start("results", &SEED);
    await_first_result(&class);
    // A terminal sends it to the whole group.
    killpg(Pid::from_raw(grading.child.id().cast_signed()), Signal::SIGINT).unwrap();
    let stopped = grading.end();
    assert_eq!(stopped.status, Some(130), "{}", stopped.printed);
    let says = "stopped; what was graded is kept: the same command goes on from here";
    assert!(stopped.printed.contains(says), "{}", stopped.printed);
    class.await_no_process();
    assert!(class.workshops().is_empty(), "{:?}", class.workshops());

    let graded = class.grade("results", &SEED);
    assert_eq!(graded.status, Some(0), "{}", graded.printed);
    assert!(!graded.printed.contains(", 0 not changed,"), "{}", graded.printed);
    assert_same(&graded.results(), &undisturbed);
}

#[test]
fn a_grader_that_is_told_to_end_ends() {
    if !has_namespaces() {
        return;
    }
    let class = small_class();
    let grading = class.start("results", &SEED);
    await_first_result(&class);
    // As a CI runner or timeout(1) do: to the one process that they have started.
    kill(Pid::from_raw(grading.child.id().cast_signed()), Signal::SIGTERM).unwrap();
    let started = Instant::now();
    let stopped = grading.end();
    assert_ne!(stopped.status, Some(0), "it has not noticed:\n{}", stopped.printed);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    class.await_no_process();
    assert!(class.workshops().is_empty(), "{:?}", class.workshops());
}

#[test]
fn a_compiler_ends_with_the_grader() {
    if !has_namespaces() {
        return;
    }
    let class = Class::new();
    class.hand_in("computes_forever", include_str!("attacks/computes_forever.rs"));
    let grading = class.start("results", &SEED);
    // Not the one that is asked for its version.
    let is_it = |process: &String| process.contains("\"rustc\\0src/main.rs");
    let compiles = || class.processes().iter().any(is_it);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !compiles() {
        assert!(Instant::now() < deadline, "it does not compile");
        thread::sleep(Duration::from_millis(5)); // why: a process that appears is no event for std
    }
    kill(Pid::from_raw(grading.child.id().cast_signed()), Signal::SIGKILL).unwrap();
    let killed = Instant::now();
    grading.end();
    class.await_no_process();
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
}

#[test]
fn the_results_are_the_same_twice_and_with_one_or_many_at_a_time() {
    if !has_namespaces() {
        return;
    }
    let class = small_class();
    let [once, twice, many] = [("once", "1"), ("twice", "1"), ("many", "8")]
        .map(|(out, jobs)| class.grade(out, &[&SEED[..], &["--jobs", jobs]].concat()))
        .map(|graded| graded.results());
    assert_same(&once, &twice);
    assert_same(&once, &many);
    let (once, many) = (&once.grader, &many.grader);
    assert_eq!(
        (once.seed, &once.checks, &once.sandbox),
        (many.seed, &many.checks, &many.sandbox)
    );
}
