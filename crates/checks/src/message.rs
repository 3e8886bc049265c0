//! What a student gets to read about a check.

use crate::exercise::Exercise;
use crate::finding::{Finding, Verdict};
use crate::runner::{Checked, Options};

/// The program that was checked, as it was given on the command line; none for the student's own.
pub type Program<'a> = Option<&'a str>;

/// The one line of a check: `ok`, `FAIL` …
pub fn line(exercise: &Exercise, checked: &Checked) -> String {
    let text = exercise.text(checked.id);
    let (points, says) = text.map_or((0, ""), |text| (text.points, text.says.as_str()));
    let id = checked.id;
    match &checked.verdict {
        Verdict::Pass => format!("ok    {points}/{points}  {id}: {says}"),
        Verdict::Fail(_) => format!("FAIL  0/{points}  {id}: {says}"),
        Verdict::NotRun(reason) => format!("-     0/{points}  {id}: not run, {reason}"),
        Verdict::Error(_) => format!("ERROR 0/{points}  {id}: {says}"),
    }
}

/// All that is to be said about a check that was not passed.
pub fn details(
    exercise: &Exercise,
    checked: &Checked,
    options: &Options,
    program: Program,
) -> Vec<String> {
    match &checked.verdict {
        Verdict::Pass | Verdict::NotRun(_) => Vec::new(),
        Verdict::Fail(finding) => fail(exercise, checked.id, finding, options, program),
        Verdict::Error(message) => vec![
            "  this is a mistake of the check, not of your program:".to_owned(),
            format!("  {message}"),
        ],
    }
}

fn fail(
    exercise: &Exercise,
    id: &str,
    finding: &Finding,
    options: &Options,
    program: Program,
) -> Vec<String> {
    let mut lines = Vec::new();
    let diagnosis =
        finding.diagnosis.as_ref().and_then(|key| exercise.texts.diagnoses.get(key));
    if let Some(diagnosis) = diagnosis {
        lines.push(format!("  {:8}{diagnosis}", "why"));
    }
    lines.push(format!("  {:8}{}", "what", finding.summary));
    lines.extend(finding.lines());
    if let Some(text) = exercise.text(id) {
        for (number, line) in text.by_hand.lines().enumerate() {
            lines.push(format!("  {:8}{line}", if number == 0 { "by hand" } else { "" }));
        }
    }
    let name = &exercise.name;
    let program = program
        .map_or(String::new(), |p| format!(" --program {}", shell_words::quote(p)));
    let seed = options.seed;
    lines.push(format!(
        "  {:8}cargo run -p course -- check {name}{program} --only {id} --seed {seed}",
        "again"
    ));
    lines
}
