//! What is told about a row: the same words in every format.

use checks::exercise::Detail;

use crate::reports::text::{visible, visible_lines};
use crate::results::{BUILDS, Results, Row, Submission, Verdict};

/// Of what the compiler said, a student is told so many lines: the first mistake is among them.
const COMPILER_LINES: usize = 60;

/// The only sandbox that keeps everything apart. See the tiers in `grade doctor`.
const BEST_SANDBOX: &str = "namespaces";

/// Who reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Is told as much as the check's [`Detail`] says.
    Student,
    /// Is told everything.
    Instructor,
}

/// The lines that explain a row, each with its name: `saw`, `wanted` … All are visible text.
/// There are none for a pass, nor for what was not run.
pub fn lines(results: &Results, row: &Row, reader: Reader) -> Vec<String> {
    if matches!(row.verdict, Verdict::Pass | Verdict::NotRun) {
        return Vec::new();
    }
    if row.verdict == Verdict::GraderError {
        return grader_error(row, reader);
    }
    let check = results.check(&row.check);
    let detail = match reader {
        Reader::Instructor => Detail::Full,
        Reader::Student => detail(results, row),
    };
    if detail == Detail::None {
        return Vec::new();
    }
    let full = detail == Detail::Full;
    let mut lines = Vec::new();
    add(&mut lines, "what", [row.message.as_str()]);
    // The meaning of a mistake says what is wanted.
    if let Some(why) = diagnosis(results, row).filter(|_| full) {
        add(&mut lines, "why", [why]);
    }
    if let Some(found) = &row.evidence {
        if found.summary != row.message {
            add(&mut lines, "and", [&found.summary]);
        }
        add(&mut lines, "did", &found.story);
        add(&mut lines, "saw", found.saw.iter().filter(|line| full || !is_wanted(line)));
        if full {
            add(&mut lines, "wanted", &found.wanted);
        }
        add(&mut lines, "sockets", &found.sockets);
        let printed: Vec<String> =
            found.printed.iter().map(|line| format!("| {}", visible(line))).collect();
        add(&mut lines, "yours", &printed);
    }
    if let Some(compiler) = &row.compiler {
        lines.extend(compiler_lines(compiler, reader));
    }
    if let Some(check) = check.filter(|_| full) {
        add(&mut lines, "by hand", check.by_hand.lines());
        if !check.private && check.id != BUILDS {
            add(&mut lines, "again", [again(results, &check.id)]);
        }
    }
    lines
}

/// How much a student is told. What nobody has described is not told.
fn detail(results: &Results, row: &Row) -> Detail {
    results.check(&row.check).map_or(Detail::None, |check| check.detail)
}

/// The verdict as a student is told it: in which manner a program failed is a detail, too.
pub fn verdict(results: &Results, row: &Row) -> Verdict {
    match detail(results, row) {
        Detail::None if is_failure(row.verdict) => Verdict::Fail,
        _ => row.verdict,
    }
}

fn grader_error(row: &Row, reader: Reader) -> Vec<String> {
    let mut lines = Vec::new();
    add(
        &mut lines,
        "what",
        ["the grader made a mistake here: these points are not final"],
    );
    if reader == Reader::Instructor {
        add(&mut lines, "why", [&row.message]);
    }
    lines
}

/// The difference of two byte strings has a line with the wanted bytes among what came.
fn is_wanted(line: &str) -> bool {
    line.starts_with("  wanted  ")
}

fn compiler_lines(compiler: &str, reader: Reader) -> Vec<String> {
    let mut lines = visible_lines(compiler);
    if reader == Reader::Student && lines.len() > COMPILER_LINES {
        let more = lines.len() - COMPILER_LINES;
        lines.truncate(COMPILER_LINES);
        lines.push(format!("… and {more} more lines"));
    }
    lines
}

/// Adds lines of one kind; the first has the name before it. Lines without text are left out.
fn add<L: AsRef<str>>(
    lines: &mut Vec<String>,
    name: &str,
    of: impl IntoIterator<Item = L>,
) {
    let shown = of.into_iter().filter(|line| !line.as_ref().is_empty());
    for (number, line) in shown.enumerate() {
        let name = if number == 0 { name } else { "" };
        lines.push(format!("{name:9}{}", visible(line.as_ref())));
    }
}

/// The command that runs one check again with the same input.
fn again(results: &Results, check: &str) -> String {
    let (name, seed) = (&results.exercise.name, results.grader.seed);
    format!("cargo run -p course -- check {name} --only {check} --seed {seed}")
}

/// What the name of the mistake means.
pub fn diagnosis<'r>(results: &'r Results, row: &Row) -> Option<&'r str> {
    results.exercise.diagnoses.get(row.diagnosis.as_ref()?).map(String::as_str)
}

/// What everybody is told about a row, whatever its verdict: that it passed only at another
/// try, and that its points were changed by hand. Visible text.
pub fn notes(row: &Row) -> Vec<String> {
    let mut notes = Vec::new();
    if row.flaky {
        notes.push(format!(
            "it failed, and passed when it was run again with the same input ({} attempts)",
            row.attempts
        ));
    }
    if let Some(change) = &row.overridden {
        notes.push(format!(
            "changed by hand, from {} to {}: {}",
            points(change.points_before),
            row.points,
            visible(&change.reason)
        ));
    }
    notes
}

/// Whether a row did not do what is asked, by the program's own doing.
pub fn is_failure(verdict: Verdict) -> bool {
    !matches!(verdict, Verdict::Pass | Verdict::NotRun | Verdict::GraderError)
}

/// A number of points, in words.
pub fn points(points: u32) -> String {
    format!("{points} {}", if points == 1 { "point" } else { "points" })
}

/// The names of what is special about a submission, as in `wide.csv`.
pub fn flags(results: &Results, submission: &Submission) -> Vec<&'static str> {
    let any = |is: fn(&Row) -> bool| submission.rows.iter().any(is);
    let flags = [
        ("grader_error", submission.has_grader_error()),
        ("flaky", submission.is_flaky()),
        ("overridden", any(|row| row.overridden.is_some())),
        ("build_error", any(|row| row.verdict == Verdict::BuildError)),
        ("degraded_sandbox", is_degraded(results)),
    ];
    flags.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect()
}

/// Whether the programs were less apart than they can be.
pub fn is_degraded(results: &Results) -> bool {
    results.grader.sandbox != BEST_SANDBOX
}
