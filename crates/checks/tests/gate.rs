//! The gate: proves that the checks tell right from wrong, and that no exercise lacks a part.
//!
//! Every starter fails as its README announces; every solution gets full marks; every wrong
//! program fails just the checks that its first lines name, with the diagnosis that they name;
//! every check and every diagnosis is needed for some wrong program.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use checks::exercise::{Exercise, workspace};
use checks::exercises;
use checks::finding::{Manner, Verdict};
use checks::message;
use checks::runner::{self, Checked, Options};
use libtest_mimic::{Arguments, Failed, Trial};
use transcript::command;

/// What a wrong program says about itself in its first lines.
#[derive(Clone)]
struct Wrong {
    name: String,
    fails: BTreeSet<String>,
    says: BTreeSet<String>,
}

/// A wrong program never does what is waited for, so little time will do.
const WRONG_PATIENCE: Duration = Duration::from_millis(1000);

/// But a client that sends again has waits of its own, and wrong ones are longer.
const WRONG_WAITS: (&str, Duration) = ("udp-echo", Duration::from_millis(1500));

/// A busy machine can stand still for longer than a program waits. Then what should come is late, and a
/// wrong program may do, or leave undone, something else than at other times. So these are judged again,
/// with so much time: the same check with the same seed.
const MORE_PATIENCE: Duration = Duration::from_secs(8);

/// So many wrong programs there are for each exercise, at least.
const FEWEST_WRONG: usize = 5;

/// The exercises by how long their wrong programs keep the checks waiting, measured.
const LONGEST_FIRST: [&str; 9] = [
    "13-udp-echo",
    "21-ping",
    "16-unix",
    "11-multi-threaded",
    "04-echo",
    "03-hello",
    "01-sockets",
    "10-multi-connection",
    "02-names",
];

fn main() -> ExitCode {
    transcript::room::play_part_if_asked(checks::perform);
    let mut keys: Vec<&str> = exercises::ALL.iter().map(|(key, _)| *key).collect();
    keys.sort_by_key(|key| LONGEST_FIRST.iter().position(|k| k == key));
    let (waiting, working) = keys.split_at(keys.len() / 2);
    let mut waiting = waiting.iter().flat_map(|key| trials(key));
    let mut working = working.iter().flat_map(|key| trials(key));
    let mut trials = vec![Trial::test("no exercise is left over", no_strays)];
    // Two of these and one of those: so there is work all the time, and nobody to wait for at the end.
    loop {
        let before = trials.len();
        trials.extend(waiting.by_ref().take(2));
        trials.extend(working.next());
        if trials.len() == before {
            break;
        }
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(48); // Most trials wait most of the time.
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// All trials of an exercise.
fn trials(key: &'static str) -> Vec<Trial> {
    let mut trials =
        vec![Trial::test(format!("{key}: all parts are there"), || complete(key))];
    let Ok(exercise) = exercises::by_key(key) else { return trials };
    let exercise = Arc::new(exercise);
    let wrong = wrong_programs(key).unwrap_or_default();
    let (e, w) = (Arc::clone(&exercise), wrong.clone());
    trials.push(Trial::test(format!("{key}: every check is needed"), move || {
        needed(&e, &w)
    }));
    let e = Arc::clone(&exercise);
    trials.push(Trial::test(format!("{key}: the starter"), move || starter(&e)));
    let e = Arc::clone(&exercise);
    trials.push(Trial::test(format!("{key}: the solution"), move || solution(&e)));
    for wrong in wrong {
        let e = Arc::clone(&exercise);
        let name = format!("{key}: wrong {}", wrong.name);
        trials.push(Trial::test(name, move || is_caught(&e, &wrong)));
    }
    trials
}

/// Builds all programs once. Returns the warnings of the compiler.
fn build() -> Result<String, Failed> {
    static BUILT: OnceLock<Result<String, String>> = OnceLock::new();
    let build = || {
        let names =
            exercises::ALL.iter().filter_map(|(key, _)| Some(key.split_once('-')?.1));
        let packages: Vec<String> = names
            .flat_map(|n| [format!("{n}-exercise"), format!("{n}-solution")])
            .collect();
        command::build(&workspace(), &packages)
    };
    BUILT.get_or_init(build).clone().map_err(Failed::from)
}

fn program(name: &str) -> Result<String, Failed> {
    build()?;
    let path = command::program_of(name).ok_or_else(|| format!("{name} is not built"))?;
    Ok(path.to_string_lossy().into_owned())
}

/// A wrong program: all of an exercise are one, which is what it is called.
fn called(exercise: &Exercise, wrong: &Wrong) -> Result<String, Failed> {
    let all = format!("{}-wrong", exercise.name);
    let folder = Path::new(&program(&all)?).with_file_name("wrong").join(&exercise.name);
    fs::create_dir_all(&folder)?;
    let name = folder.join(&wrong.name);
    match symlink(Path::new("../..").join(all), &name) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(name.to_string_lossy().into_owned()),
    }
}

/// Every folder of exercises and solutions belongs to an exercise.
fn no_strays() -> Result<(), Failed> {
    let known: BTreeSet<&str> = exercises::ALL.iter().map(|(key, _)| *key).collect();
    for top in ["exercises", "solutions"] {
        for name in names(&workspace().join(top)) {
            if !known.contains(name.as_str()) {
                return Err(Failed::from(format!(
                    "{top}/{name} belongs to no exercise in crates/checks/src/exercises/mod.rs"
                )));
            }
        }
    }
    Ok(())
}

/// No part of an exercise is missing, and nothing else is there.
fn complete(key: &str) -> Result<(), Failed> {
    exercises::by_key(key)?;
    let name = key.split_once('-').map_or(key, |(_, name)| name);
    let exercise = workspace().join("exercises").join(key);
    let solution = workspace().join("solutions").join(key);
    let parts = [
        (&exercise, "README.md", "the task"),
        (&exercise, "Cargo.toml", "the package NAME-exercise"),
        (&exercise, "starter.rs", "the program as it is handed out"),
        (&exercise, "src/main.rs", "the student's program"),
        (&exercise, "tests/checks.rs", "the checks as tests"),
        (&solution, "Cargo.toml", "the package NAME-solution"),
        (&solution, "src/main.rs", "the solution"),
        (&solution, "wrong/main.rs", "the list of wrong programs"),
    ];
    for (folder, file, what) in parts {
        if !folder.join(file).is_file() {
            let folder = transcript::short_path(folder);
            return Err(Failed::from(format!(
                "{}/{file} is missing: {what}",
                folder.display()
            )));
        }
    }
    let allowed = [
        "Cargo.toml",
        "README.md",
        "WHY.md",
        "exercise.toml",
        "src",
        "starter.rs",
        "tests",
        "wrong",
    ];
    for folder in [&exercise, &solution] {
        if let Some(stray) =
            names(folder).into_iter().find(|n| !allowed.contains(&n.as_str()))
        {
            return Err(Failed::from(format!(
                "{}: {stray} is no part",
                folder.display()
            )));
        }
    }
    let readme = fs::read_to_string(exercise.join("README.md"))?;
    for needed in [format!("course -- check {name}"), format!("notes/{key}.md")] {
        if !readme.contains(&needed) {
            return Err(Failed::from(format!(
                "exercises/{key}/README.md does not say `{needed}`"
            )));
        }
    }
    if !fs::read_to_string(exercise.join("starter.rs"))?.contains("todo!(") {
        return Err(Failed::from("the starter has no `todo!()`: is it solved?"));
    }
    let wrong = wrong_programs(key)?;
    if wrong.len() < FEWEST_WRONG {
        return Err(Failed::from(format!("{} wrong programs are too few", wrong.len())));
    }
    let listed = fs::read_to_string(solution.join("wrong/main.rs"))?;
    let listed = listed.split_once("programs! {").map_or("", |(_, list)| list);
    let listed: BTreeSet<&str> =
        listed.split_whitespace().filter(|word| *word != "}").collect();
    let files: BTreeSet<&str> = wrong.iter().map(|wrong| wrong.name.as_str()).collect();
    if listed != files {
        return Err(Failed::from(format!(
            "wrong/ has {files:?}, wrong/main.rs {listed:?}"
        )));
    }
    Ok(())
}

/// The wrong programs of an exercise, with what they say about themselves.
fn wrong_programs(key: &str) -> Result<Vec<Wrong>, Failed> {
    let folder = workspace().join("solutions").join(key).join("wrong");
    let mut wrong = Vec::new();
    for name in names(&folder).into_iter().filter(|name| name != "main.rs") {
        wrong.push(parse_wrong(&folder.join(&name))?);
    }
    Ok(wrong)
}

fn parse_wrong(file: &Path) -> Result<Wrong, Failed> {
    let text = fs::read_to_string(file)?;
    let list = |what: &str| -> BTreeSet<String> {
        let line =
            text.lines().find_map(|line| line.strip_prefix(&format!("//! {what}: ")));
        line.unwrap_or("")
            .split(", ")
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (fails, says) = (list("fails"), list("says"));
    if fails.is_empty() || !text.starts_with("//! ") {
        return Err(Failed::from(format!(
            "{}: the first lines say in words what is wrong, `//! fails: CHECK, CHECK`, and \
             `//! says: DIAGNOSIS` if one is due",
            transcript::short_path(file).display()
        )));
    }
    Ok(Wrong { name, fails, says })
}

/// Every check and every diagnosis has a wrong program that needs it.
fn needed(exercise: &Exercise, wrong: &[Wrong]) -> Result<(), Failed> {
    let checks: BTreeSet<&str> = exercise.checks.iter().map(|check| check.id).collect();
    let diagnoses: BTreeSet<&str> =
        exercise.texts.diagnoses.keys().map(String::as_str).collect();
    let fails: BTreeSet<&str> =
        wrong.iter().flat_map(|w| &w.fails).map(String::as_str).collect();
    let says: BTreeSet<&str> =
        wrong.iter().flat_map(|w| &w.says).map(String::as_str).collect();
    for (what, there, used) in
        [("check", &checks, &fails), ("diagnosis", &diagnoses, &says)]
    {
        let unused: Vec<_> = there.difference(used).collect();
        let unknown: Vec<_> = used.difference(there).collect();
        if !unused.is_empty() || !unknown.is_empty() {
            return Err(Failed::from(format!(
                "{what}: without a wrong program: {unused:?}, named but unknown: {unknown:?}"
            )));
        }
    }
    Ok(())
}

/// The starter compiles without a warning, and passes nothing.
fn starter(exercise: &Exercise) -> Result<(), Failed> {
    let warnings = build()?;
    if warnings.contains("warning") {
        return Err(Failed::from(warnings));
    }
    let command = [program(&format!("{}-starter", exercise.name))?];
    let options = with_little_time(exercise);
    let done = runner::run(exercise, &command, &options, |_| {});
    let as_announced = |checked: &Checked| match &checked.verdict {
        Verdict::Fail(finding) => {
            finding.printed.iter().any(|line| line.contains("not yet implemented"))
        }
        Verdict::NotRun(_) => true,
        Verdict::Pass | Verdict::Error(_) => false,
    };
    match done.iter().find(|checked| !as_announced(checked)) {
        None => Ok(()),
        Some(_) => Err(told(exercise, &done, &options, "fails by `todo!()`")),
    }
}

fn solution(exercise: &Exercise) -> Result<(), Failed> {
    let command = [program(&format!("{}-solution", exercise.name))?];
    twice(Options::default(), |options| {
        let done = runner::run(exercise, &command, options, |_| {});
        if done.iter().all(|checked| matches!(checked.verdict, Verdict::Pass)) {
            return Ok(());
        }
        // What it does has to be right at any speed.
        let is_late = |checked: &Checked| match &checked.verdict {
            Verdict::Fail(finding) => finding.manner == Manner::Late,
            _ => false,
        };
        Err(Failure {
            told: told(exercise, &done, options, "passes everything"),
            may_be_for_the_machine: done.iter().any(is_late),
        })
    })
}

fn is_caught(exercise: &Exercise, wrong: &Wrong) -> Result<(), Failed> {
    let command = [called(exercise, wrong)?];
    twice(with_little_time(exercise), |options| {
        let done = runner::run(exercise, &command, options, |_| {});
        let (mut fails, mut says) = (BTreeSet::new(), BTreeSet::new());
        for checked in &done {
            match &checked.verdict {
                Verdict::Fail(finding) => {
                    fails.insert(checked.id.to_owned());
                    says.extend(finding.diagnosis.clone());
                }
                Verdict::Error(_) => {
                    return Err(Failure {
                        told: told(exercise, &done, options, "is judged"),
                        may_be_for_the_machine: false,
                    });
                }
                Verdict::Pass | Verdict::NotRun(_) => {}
            }
        }
        if fails == wrong.fails && says == wrong.says {
            return Ok(());
        }
        let wanted = format!("fails {:?} and hears {:?}", wrong.fails, wrong.says);
        // A check that measures waits lets pass what a busy machine may have made longer.
        Err(Failure {
            told: told(exercise, &done, options, &wanted),
            may_be_for_the_machine: true,
        })
    })
}

fn with_little_time(exercise: &Exercise) -> Options {
    let patience = match WRONG_WAITS {
        (name, patience) if name == exercise.name => patience,
        _ => WRONG_PATIENCE,
    };
    Options { patience, ..Options::default() }
}

/// What was not as it should be.
struct Failure {
    told: Failed,
    may_be_for_the_machine: bool,
}

/// Judges, and if need be once more with more time.
fn twice(
    options: Options,
    judge: impl Fn(&Options) -> Result<(), Failure>,
) -> Result<(), Failed> {
    let Err(failure) = judge(&options) else { return Ok(()) };
    if !failure.may_be_for_the_machine {
        return Err(failure.told);
    }
    let message = failure.told.message().unwrap_or_default();
    let _ = writeln!(io::stderr(), "judged again, with more time, because {message}");
    let patient = Options { patience: MORE_PATIENCE, ..options };
    judge(&patient).map_err(|failure| failure.told)
}

/// The whole message about a program that should have done something else.
fn told(
    exercise: &Exercise,
    done: &[Checked],
    options: &Options,
    wanted: &str,
) -> Failed {
    let mut lines = vec![format!("this program {wanted}, but:")];
    for checked in done {
        lines.push(message::line(exercise, checked));
        lines.extend(message::details(exercise, checked, options, None));
    }
    Failed::from(lines.join("\n"))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
