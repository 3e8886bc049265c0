//! Every format, made from a class that does its worst, and read back by others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use checks::exercise::Detail;
use checks::finding::Finding;
use grade::reports::classroom50::{self, Classroom50};
use grade::reports::explain::flags;
use grade::reports::text::file_name;
use grade::reports::{message, page, write_all};
use grade::results::{
    BUILDS, CheckInfo, ExerciseInfo, GraderInfo, Overridden, Results, Row, SCHEMA,
    Submission, Times, Verdict,
};
use serde_json::Value;

/// All that a display, a viewer, a spreadsheet or a runner might obey.
const NASTY: &str = "=1+1\u{1b}[31m\u{202e}`````` </pre><script>alert(1)</script> <img src=x \
    onerror=alert(1)> [a](javascript:b) ]]> &amp; \u{0}\u{fffe}\u{9b}2J\r\n::set-output name=a::b\n\
    ##[error]no\n```\n# heading\n, ; \" ' | @everyone https://evil.invalid";

/// What only the instructor may read, when the detail is not full.
const WANTED: &str = "the-secret-answer";

/// Ids and names that were chosen to be trouble.
const STUDENTS: [(&str, &str); 10] = [
    ("a b", "O'Neil, \"Q\""),
    ("a/b", "=1+1"),
    ("../up", "👩‍💻 Ünïcode"),
    ("שרה", "שרה כהן"),
    ("-rf", "two\nlines"),
    ("=cmd|'/c'!A0", "<b>bold</b>"),
    ("new\nline", "\u{202e}turned"),
    ("semi;colon", "a;=2+2"),
    ("nasty", NASTY),
    ("Ada", ""),
];

fn check(id: &str, points: u32, private: bool, detail: Detail) -> CheckInfo {
    CheckInfo {
        id: id.to_owned(),
        says: format!("what `{id}` is to do"),
        points,
        by_hand: format!("nc 127.0.0.1 8000 # {id} {WANTED}"),
        private,
        detail,
    }
}

/// A row in which whatever comes from a student is [`NASTY`].
fn row(check: &CheckInfo, verdict: Verdict) -> Row {
    let failed =
        !matches!(verdict, Verdict::Pass | Verdict::NotRun | Verdict::GraderError);
    let mut finding = Finding::new(format!("the client gets {NASTY}")).saw(NASTY);
    finding = finding.saw(format!("  wanted  {WANTED}")).wanted(WANTED);
    finding.story = vec!["the client connects".to_owned()];
    finding.sockets = vec!["127.0.0.1:8000 listens".to_owned()];
    finding.printed = NASTY.lines().map(str::to_owned).collect();
    Row {
        check: check.id.clone(),
        verdict,
        points: if verdict == Verdict::Pass { check.points } else { 0 },
        max_points: check.points,
        attempts: 1,
        flaky: false,
        took_ms: 12,
        message: match verdict {
            Verdict::Pass => String::new(),
            Verdict::NotRun => "it needs `first`".to_owned(),
            _ => finding.summary.clone(),
        },
        diagnosis: failed.then(|| "mistake".to_owned()),
        evidence: failed.then_some(finding),
        compiler: (verdict == Verdict::BuildError).then(|| NASTY.to_owned()),
        overridden: None,
    }
}

fn exercise() -> ExerciseInfo {
    let checks = vec![
        check(BUILDS, 0, false, Detail::Full),
        check("first", 2, false, Detail::Full),
        check("second", 3, false, Detail::Actual),
        check("third", 1, false, Detail::None),
        check("secret", 4, true, Detail::Actual),
    ];
    ExerciseInfo {
        name: "echo".to_owned(),
        title: "The shouting echo".to_owned(),
        points: checks.iter().map(|check| check.points).sum(),
        checks,
        diagnoses: BTreeMap::from([(
            "mistake".to_owned(),
            format!("it is to answer `{WANTED}`"),
        )]),
    }
}

fn submission(exercise: &ExerciseInfo, id: &str, verdicts: [Verdict; 5]) -> Submission {
    let rows: Vec<Row> = exercise
        .checks
        .iter()
        .zip(verdicts)
        .map(|(check, verdict)| row(check, verdict))
        .collect();
    Submission {
        student: id.to_owned(),
        name: None,
        source: format!("{id}.zip"),
        digest: "0a".repeat(32),
        remarks: Vec::new(),
        score: rows.iter().map(|row| row.points).sum(),
        rows,
        times: Times { stage_ms: 1, build_ms: 400, box_ms: 30, checks_ms: 60 },
    }
}

fn results(exercise: ExerciseInfo, submissions: Vec<Submission>) -> Results {
    Results {
        schema: SCHEMA.to_owned(),
        exercise,
        grader: GraderInfo {
            version: "0.1.0".to_owned(),
            compiler: "rustc 1.95.0".to_owned(),
            checks: "9a".repeat(32),
            seed: u64::MAX,
            sandbox: "namespaces".to_owned(),
            finished: "2026-10-01T12:00:00.25Z".to_owned(),
            took_ms: 1234,
        },
        submissions,
        problems: vec![NASTY.to_owned()],
    }
}

/// All students with all verdicts.
fn class() -> Results {
    use Verdict::*;
    let verdicts = [
        [Pass, Pass, Pass, Pass, Pass],
        [Pass, Fail, Fail, Fail, Fail],
        [Pass, Crash, Timeout, Limit, NotRun],
        [BuildError, NotRun, NotRun, NotRun, NotRun],
        [Pass, Pass, GraderError, Pass, Pass],
    ];
    let exercise = exercise();
    let mut submissions: Vec<Submission> = STUDENTS
        .iter()
        .zip(verdicts.iter().cycle())
        .map(|((id, name), verdicts)| {
            let mut submission = submission(&exercise, id, *verdicts);
            submission.name = Some((*name).to_owned()).filter(|name| !name.is_empty());
            submission.remarks = vec![NASTY.to_owned()];
            submission
        })
        .collect();
    let flaky = &mut submissions[0].rows[1];
    (flaky.flaky, flaky.attempts) = (true, 2);
    let changed = &mut submissions[1].rows[2];
    changed.points = 1;
    let reason = "shown in the lab".to_owned();
    changed.overridden = Some(Overridden { points_before: 0, reason });
    submissions[1].score = 1;
    results(exercise, submissions)
}

/// A class with one student.
fn one(verdicts: [Verdict; 5]) -> Results {
    let exercise = exercise();
    let submission = submission(&exercise, "ada", verdicts);
    results(exercise, vec![submission])
}

fn written(results: &Results) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let files = write_all(results, folder.path()).unwrap();
    (folder, files)
}

fn json(path: PathBuf) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

// --- files ---

#[test]
fn each_file_has_a_safe_name_and_nothing_else_is_left() {
    let class = class();
    let (folder, mut files) = written(&class);
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(folder.path())
        .into_iter()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.into_path())
        .collect();
    found.sort();
    files.sort();
    assert_eq!(found, files);
    assert_eq!(files.len(), 5 + 3 * STUDENTS.len());
    // Again, over what is there.
    write_all(&class, folder.path()).unwrap();
    for path in files {
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.ends_with(b"\n") && !bytes.contains(&b'\r'), "{}", path.display());
    }
}

#[test]
fn two_submissions_of_one_student_are_refused() {
    let mut class = class();
    class.submissions.push(class.submissions[0].clone());
    let folder = tempfile::tempdir().unwrap();
    let error = write_all(&class, folder.path()).unwrap_err();
    assert!(error.contains("two submissions are `a b`'s"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = write_all(&class(), &file.path().join("results")).unwrap_err();
    assert!(error.starts_with("write ") && error.contains("results.json"), "{error}");
}

#[test]
fn a_class_without_submissions_has_all_files() {
    let (_folder, files) = written(&results(exercise(), Vec::new()));
    assert_eq!(files.len(), 5);
}

// --- JSON ---

#[test]
fn results_json_reads_back_and_keeps_to_its_schema() {
    let class = class();
    let (folder, _) = written(&class);
    let value = json(folder.path().join("results.json"));
    assert_schema("results-v1.schema.json", &value);
    let back: Results = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&back).unwrap(), value);
    assert_eq!(back.submissions[8].remarks[0], NASTY);
}

#[test]
fn gradescope_keeps_to_the_schema_and_hides_what_is_private() {
    let class = class();
    let (folder, _) = written(&class);
    for submission in &class.submissions {
        let name = format!("gradescope/{}.json", file_name(&submission.student));
        let value = json(folder.path().join(name));
        assert_schema("gradescope.schema.json", &value);
        let tests = value["tests"].as_array().unwrap();
        assert_eq!(tests.len(), class.exercise.checks.len());
        let sum: u64 = tests.iter().filter_map(|test| test["score"].as_u64()).sum();
        assert_eq!(
            (sum, &value["score"]),
            (submission.score.into(), &submission.score.into())
        );
        for (test, check) in tests.iter().zip(&class.exercise.checks) {
            let visibility = if check.private { "after_published" } else { "visible" };
            assert_eq!(test["visibility"], visibility);
        }
        assert!(tests[0].get("max_score").is_none(), "builds is only information");
    }
}

#[test]
fn classroom50_keeps_to_the_schema_with_and_without_an_environment() {
    let class = class();
    let (folder, _) = written(&class);
    for submission in &class.submissions {
        let name = format!("classroom50/{}.json", file_name(&submission.student));
        let value = json(folder.path().join(name));
        assert_schema("classroom50-result-v1.schema.json", &value);
        assert!(value["score"].as_u64() <= value["max-score"].as_u64());
        let tests = value["tests"].as_array().unwrap();
        let sum = |key: &str| tests.iter().map(|test| test[key].as_u64().unwrap()).sum();
        let sums: (u64, u64) = (sum("score"), sum("max-score"));
        assert_eq!((value["score"].as_u64(), value["max-score"].as_u64()), {
            (Some(sums.0), Some(sums.1))
        });
    }
    let classroom = Classroom50 {
        classroom: Some("net-f26".to_owned()),
        owner: Some("ada".to_owned()),
        submission: Some("submit/2026-10-01T12-00-00Z-0a1b2c3".to_owned()),
        ..Classroom50::default()
    };
    let value = classroom50::result(&class, &class.submissions[0], &classroom);
    assert_schema("classroom50-result-v1.schema.json", &value);
    assert_eq!(value["classroom"], "net-f26");
    assert_eq!(value["owner"], "ada");
    assert_eq!(value["submission"], "submit/2026-10-01T12-00-00Z-0a1b2c3");
    assert_eq!(value["datetime"], "2026-10-01T12:00:00Z");
}

#[test]
fn points_beyond_the_most_do_not_make_classroom50_refuse_the_file() {
    let mut class = one([Verdict::Pass; 5]);
    class.submissions[0].rows[1].points = 99;
    let value =
        classroom50::result(&class, &class.submissions[0], &Classroom50::default());
    assert_eq!((&value["score"], &value["max-score"]), (&10.into(), &10.into()));
}

// --- tables ---

fn table(path: PathBuf) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

#[test]
fn no_cell_of_a_table_begins_a_formula() {
    let (folder, _) = written(&class());
    for name in ["long.csv", "wide.csv"] {
        let rows = table(folder.path().join(name));
        for cell in
            rows.iter().flat_map(BTreeMap::values).flat_map(|text| text.split(';'))
        {
            let first = cell.trim_start().chars().next().unwrap_or(' ');
            assert!(!"=+-@\t\r\n".contains(first), "{name}: {cell}");
            assert!(!cell.contains(char::is_control), "{name}: {cell}");
        }
    }
}

#[test]
fn long_csv_has_a_row_for_each_check() {
    let class = class();
    let (folder, _) = written(&class);
    let rows = table(folder.path().join("long.csv"));
    assert_eq!(rows.len(), STUDENTS.len() * class.exercise.checks.len());
    let points = |row: &BTreeMap<String, String>| row["points"].parse::<u32>().unwrap();
    let sum: u32 = rows.iter().map(points).sum();
    assert_eq!(sum, class.submissions.iter().map(|s| s.score).sum::<u32>());
    let flaky = &rows[1];
    assert_eq!((flaky["check"].as_str(), flaky["attempts"].as_str()), ("first", "2"));
    assert_eq!(flaky["seed"], u64::MAX.to_string());
}

#[test]
fn wide_csv_has_a_row_for_each_student_and_no_zero_for_a_grader_error() {
    let class = class();
    let (folder, _) = written(&class);
    let rows = table(folder.path().join("wide.csv"));
    assert_eq!(rows.len(), STUDENTS.len());
    for (row, submission) in rows.iter().zip(&class.submissions) {
        assert_eq!(row["flags"], flags(&class, submission).join(" "));
        let score = submission.score.to_string();
        let shown = if submission.has_grader_error() { "" } else { &score };
        assert_eq!((row["echo"].as_str(), row["total"].as_str()), (shown, shown));
    }
    assert_eq!(rows[0]["name"], "O'Neil, \"Q\"");
    assert_eq!(rows[1]["name"], "'=1+1");
    assert_eq!(rows[0]["flags"], "flaky");
    assert_eq!(rows[1]["flags"], "overridden");
    assert_eq!(rows[3]["flags"], "build_error");
    assert_eq!(rows[4]["flags"], "grader_error");
}

#[test]
fn a_sandbox_that_is_not_the_best_is_a_flag_of_every_student() {
    let mut class = class();
    class.grader.sandbox = "off".to_owned();
    let (folder, _) = written(&class);
    for row in table(folder.path().join("wide.csv")) {
        assert!(row["flags"].ends_with("degraded_sandbox"), "{row:?}");
    }
}

// --- JUnit ---

#[test]
fn junit_reads_back_with_failures_errors_and_skips() {
    let class = class();
    let (folder, _) = written(&class);
    let text = fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!(report.test_suites.len(), STUDENTS.len());
    assert_eq!(report.tests, STUDENTS.len() * class.exercise.checks.len());
    let counts = |place: usize| {
        let suite = &report.test_suites[place];
        (suite.failures, suite.errors, suite.skipped)
    };
    assert_eq!(counts(0), (0, 0, 0));
    assert_eq!(counts(1), (4, 0, 0));
    // That the last one ran into a limit is not told.
    assert_eq!(counts(2), (1, 2, 1));
    assert_eq!(counts(3), (0, 1, 4));
    assert_eq!(counts(4), (0, 1, 0));
    let points = &report.test_suites[1].test_cases[2].properties;
    assert!(points.iter().any(|p| &*p.name == "points" && &*p.value == "1/3"));
    assert!(points.iter().any(|p| &*p.name == "overridden"));
}

// --- messages ---

/// What of a Markdown text is markup: all but blocks and spans of code. This is written anew
/// from CommonMark 0.31, sections 4.5 and 6.1.
fn markup(text: &str) -> String {
    let ticks = |text: &str| text.bytes().take_while(|byte| *byte == b'`').count();
    let mut lines = text.lines();
    let mut outside = String::new();
    while let Some(line) = lines.next() {
        let fence = ticks(line);
        if fence >= 3 && !line[fence..].contains('`') {
            lines.by_ref().find(|l| ticks(l) >= fence && l.trim_matches('`').is_empty());
            continue;
        }
        let mut rest = line;
        while let Some(start) = rest.find('`') {
            outside.push_str(&rest[..start]);
            let open = ticks(&rest[start..]);
            rest = &rest[start + open..];
            let mut at = 0;
            while let Some(next) = rest[at..].find('`') {
                let close = ticks(&rest[at + next..]);
                at += next + close;
                if close == open {
                    break;
                }
            }
            assert!(at > 0, "a span of code is not closed: {line}");
            rest = &rest[at..];
        }
        outside.push_str(rest);
        outside.push('\n');
    }
    outside
}

#[test]
fn nothing_of_a_student_is_markup_in_a_message() {
    let class = class();
    for submission in &class.submissions {
        let text = message::message(&class, submission);
        let outside = markup(&text);
        for trace in
            ["<", "alert", "evil", "javascript", "@", "::", "[", "&", "\\x1b", "=1"]
        {
            assert!(!outside.contains(trace), "{trace} in {outside}");
        }
        let may_stand = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
        assert!(text.chars().all(may_stand), "{text:?}");
        for line in text.lines() {
            assert!(
                !line.trim_start().starts_with("::") && !line.contains("##["),
                "{line}"
            );
        }
    }
}

#[test]
fn a_message_begins_with_the_score_and_the_first_cause() {
    use Verdict::*;
    let class = one([Pass, Pass, Fail, Fail, Fail]);
    let text = message::message(&class, &class.submissions[0]);
    assert!(text.starts_with("# The shouting echo: 2 of 10 points\n"), "{text}");
    assert!(text.contains("2 of 4 public checks passed. "), "{text}");
    assert!(text.contains("not handed out, 0 of 1 passed."), "{text}");
    let second = text.find("## `second`").unwrap();
    let begin = text.find("Begin with this one").unwrap();
    let third = text.find("## `third`").unwrap();
    assert!(second < begin && begin < third, "{text}");
    let not_run = one([Pass, Fail, NotRun, NotRun, NotRun]);
    let text = message::message(&not_run, &not_run.submissions[0]);
    assert!(text.contains("## Not run\n\n- `second`, 0 of 3 points: "), "{text}");
}

#[test]
fn full_marks_are_not_called_all_tests() {
    let class = one([Verdict::Pass; 5]);
    let text = message::message(&class, &class.submissions[0]);
    assert!(text.contains("All public checks passed."), "{text}");
    assert!(!text.to_lowercase().contains("all tests"), "{text}");
}

#[test]
fn a_message_says_what_is_special() {
    let mut class = class();
    let flaky = message::message(&class, &class.submissions[0]);
    assert!(
        flaky.contains("passed when it was run again with the same input"),
        "{flaky}"
    );
    let changed = message::message(&class, &class.submissions[1]);
    assert!(changed.contains("from 0 points to 1: shown in the lab"), "{changed}");
    let unsure = message::message(&class, &class.submissions[4]);
    assert!(unsure.contains("These points are not final."), "{unsure}");
    class.submissions[1].rows[1].compiler = Some("line\n".repeat(100));
    let long = message::message(&class, &class.submissions[1]);
    assert!(long.contains("… and 40 more lines"), "{long}");
}

#[test]
fn a_student_is_told_as_much_as_the_detail_says() {
    // `first` tells everything, `second` and `secret` what came, `third` only that it failed.
    let told = |place: usize| {
        let mut verdicts = [Verdict::Pass; 5];
        verdicts[place] = Verdict::Timeout;
        let mut class = one(verdicts);
        // The page's hidden half is not in question here.
        class.problems.clear();
        let (folder, _) = written(&class);
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let for_students = [
            "messages/ada.md",
            "gradescope/ada.json",
            "classroom50/ada.json",
            "junit.xml",
        ];
        let for_instructors = ["results.json", "class.html"];
        for name in for_instructors {
            assert!(read(name).contains(WANTED), "{name}");
        }
        let all = |what: &str| for_students.map(|name| read(name).contains(what));
        let manner = for_students.map(|name| {
            ["timeout", "too long"].iter().any(|words| read(name).contains(words))
        });
        (all(WANTED), all("listens"), manner)
    };
    assert_eq!(told(1), ([true; 4], [true; 4], [true; 4]));
    assert_eq!(told(2), ([false; 4], [true; 4], [true; 4]));
    assert_eq!(told(4), ([false; 4], [true; 4], [true; 4]));
    assert_eq!(told(3), ([false; 4], [false; 4], [false; 4]));
}

#[test]
fn only_a_full_and_public_failure_says_how_to_run_it_again() {
    use Verdict::*;
    let class = one([Pass, Fail, Fail, Fail, Fail]);
    let text = message::message(&class, &class.submissions[0]);
    let again: Vec<&str> =
        text.lines().filter(|line| line.starts_with("again")).collect();
    let seed = u64::MAX;
    assert_eq!(
        again,
        [format!(
            "again    cargo run -p course -- check echo --only first --seed {seed}"
        )]
    );
}

// --- the page ---

#[test]
fn the_page_shows_everything_and_needs_nothing() {
    let class = class();
    let text = page::page(&class);
    for needed in ["grader error", "not in time", "does not compile", "~", "*"] {
        assert!(text.contains(needed), "{needed}");
    }
    for foreign in ["src=", "url(", "@import", "<link", "<img", "<script>alert"] {
        let ours = text.replace("&lt;img src=", "").replace("&lt;script&gt;", "");
        assert!(!ours.contains(foreign), "{foreign}");
    }
    assert_eq!(text.matches("<script").count(), 1);
    let may_stand = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
    assert!(text.chars().all(may_stand));
}

#[test]
fn a_class_without_grader_errors_has_no_alarm() {
    let class = one([Verdict::Pass; 5]);
    assert!(!page::page(&class).contains("class=\"alarm\""));
    let class = class_with_points_beyond_counting();
    assert!(page::page(&class).contains("4294967295"));
}

/// An instructor's slip of the keyboard must not stop the reports.
fn class_with_points_beyond_counting() -> Results {
    let mut class = one([Verdict::Pass; 5]);
    class.submissions[0].score = u32::MAX;
    class
}

// --- Python ---

#[test]
fn python_reads_everything_back() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no python3 here");
        assert!(std::env::var_os("NO_SKIPS").is_none_or(|value| value != "1"), "skipped");
        return;
    }
    let class = class();
    let (folder, _) = written(&class);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_back.py");
    let ran = Command::new("python3").arg(script).arg(folder.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(found["results"], serde_json::to_value(&class).unwrap());
    assert_eq!(found["gradescope"], STUDENTS.len());
    assert_eq!(found["classroom50"], STUDENTS.len());

    let list = |name: &str| found[name].as_array().unwrap();
    assert_eq!(list("long").len(), STUDENTS.len() * class.exercise.checks.len());
    assert_eq!(list("wide").len(), STUDENTS.len());
    assert_eq!(list("wide")[0]["name"], "O'Neil, \"Q\"");
    assert_eq!(list("wide")[2]["name"], "👩‍💻 Ünïcode");
    assert_eq!(list("wide")[3]["name"], "שרה כהן");
    assert_eq!(list("wide")[4]["name"], "two\\nlines");
    assert_eq!(list("suites").len(), STUDENTS.len());
    assert_eq!(list("suites")[1]["properties"]["score"], "1/10");

    let page = &found["page"];
    assert_eq!(page["strange"], Value::Array(Vec::new()));
    assert_eq!(page["broken"], Value::Array(Vec::new()));
    assert_eq!(page["scripts"], 1);
    let text = page["text"].as_str().unwrap();
    assert!(
        text.contains("<script>alert(1)</script>") && text.contains("\\u{202e}turned")
    );
}

// --- schemas ---

fn assert_schema(name: &str, value: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name);
    let schema = json(file);
    let mut problems = Vec::new();
    validate(&schema, &schema, value, "", &mut problems);
    assert!(problems.is_empty(), "{name}: {problems:#?}");
}

/// JSON Schema, as much of it as our schemas use. A word that is not known here is a mistake.
fn validate(
    root: &Value,
    schema: &Value,
    value: &Value,
    at: &str,
    problems: &mut Vec<String>,
) {
    for (word, rule) in schema.as_object().unwrap() {
        let text = || rule.as_str().unwrap();
        let size = || usize::try_from(rule.as_u64().unwrap()).unwrap();
        let length = || value.as_str().map(|text| text.chars().count());
        let holds = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let target = root.pointer(text().trim_start_matches('#')).unwrap();
                validate(root, target, value, at, problems);
                true
            }
            "type" => match rule {
                Value::Array(types) => {
                    types.iter().any(|t| is_a(value, t.as_str().unwrap()))
                }
                _ => is_a(value, text()),
            },
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()),
            "minLength" => length().is_none_or(|length| length >= size()),
            "maxLength" => length().is_none_or(|length| length <= size()),
            // Only beginnings.
            "pattern" => {
                let start = text().strip_prefix('^').unwrap();
                value.as_str().is_none_or(|value| value.starts_with(start))
            }
            "format" => {
                assert_eq!(rule, "date-time");
                value.as_str().is_none_or(|v| v.parse::<jiff::Timestamp>().is_ok())
            }
            "required" => rule.as_array().unwrap().iter().all(|key| {
                value.as_object().is_none_or(|o| o.contains_key(key.as_str().unwrap()))
            }),
            "properties" => {
                for (key, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        validate(root, schema, value, &format!("{at}/{key}"), problems);
                    }
                }
                true
            }
            "additionalProperties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    let known = schema.get("properties").and_then(|known| known.get(key));
                    match (known, rule) {
                        (Some(_), _) => {}
                        (None, Value::Bool(true)) => {}
                        (None, Value::Bool(false)) => {
                            problems.push(format!("{at}/{key}: not known"));
                        }
                        (None, schema) => {
                            validate(
                                root,
                                schema,
                                value,
                                &format!("{at}/{key}"),
                                problems,
                            );
                        }
                    }
                }
                true
            }
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, rule, item, &format!("{at}/{place}"), problems);
                }
                true
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|schema| {
                let mut inner = Vec::new();
                validate(root, schema, value, at, &mut inner);
                inner.is_empty()
            }),
            word => panic!("`{word}` is not known to this validator"),
        };
        if !holds {
            problems.push(format!("{at}: {value} is against {word}: {rule}"));
        }
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        name => panic!("`{name}` is no type"),
    }
}

#[test]
fn the_validator_finds_what_is_wrong() {
    let schema = "classroom50-result-v1.schema.json";
    let class = one([Verdict::Pass; 5]);
    let good =
        classroom50::result(&class, &class.submissions[0], &Classroom50::default());
    assert_schema(schema, &good);
    let changes: [(&str, Value); 6] = [
        ("score", 1.5.into()),
        ("score", (-1).into()),
        ("submission", "v1".into()),
        ("extra", 1.into()),
        ("datetime", "yesterday, at around noon".into()),
        ("owner", "".into()),
    ];
    for (key, value) in changes {
        let mut bad = good.clone();
        bad[key] = value;
        let refused = std::panic::catch_unwind(|| assert_schema(schema, &bad)).is_err();
        assert!(refused, "{key}");
    }
}
