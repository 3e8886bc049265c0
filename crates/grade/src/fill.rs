//! Fills a column of a gradebook that a platform has exported, and leaves every other byte alone.
//!
//! The file is a CSV (RFC 4180) of Canvas or Moodle. It is scanned here, and not by a library,
//! because the place of each cell's bytes must be known: separators, quotes, line ends and
//! blanks stay as they are.
//!
//! A student is found by ids first, and only without one by name. If two ids point to different
//! submissions, or two rows to the same one, nothing is filled in and it is reported: a wrong
//! grade is worse than none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::ops::Range;

use crate::reports::text::visible;
use crate::results::{Results, Submission};

/// So many names are proposed for a column that is not there.
const PROPOSED: usize = 3;

/// Canvas: this grade says that a student need not hand in.
const EXCUSED: &str = "EX";

/// Canvas: the row with the most that can be had.
const POINTS_POSSIBLE: &str = "Points Possible";

/// Moodle: the column with the most that can be had.
const MAXIMUM_GRADE: &str = "Maximum Grade";

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Canvas: the export of its gradebook.
    Canvas,
    /// Moodle: the offline grading worksheet, or the export of its gradebook.
    Moodle,
}

impl Platform {
    /// The columns with something that is unique to a student.
    fn ids(self) -> &'static [&'static str] {
        match self {
            Platform::Canvas => &["SIS Login ID", "SIS User ID", "ID", "Integration ID"],
            Platform::Moodle => &["Identifier", "ID number", "Username", "Email address"],
        }
    }

    /// The ways to write a student's name: the columns that make it, in order.
    fn names(self) -> &'static [&'static [&'static str]] {
        match self {
            Platform::Canvas => &[&["Student"], &["FirstName", "LastName"]],
            Platform::Moodle => &[
                &["Full name"],
                &["First name", "Last name"],
                &["First name", "Surname"],
            ],
        }
    }

    /// Whether a file with this header is its own.
    fn has_header(self, header: &[Cell]) -> bool {
        let at = |place: usize| header.get(place).map(|cell| cell.text.trim());
        match self {
            Platform::Canvas => {
                (at(0), at(1)) == (Some("Student"), Some("ID"))
                    || (at(0), at(1), at(2))
                        == (Some("LastName"), Some("FirstName"), Some("ID"))
            }
            Platform::Moodle => {
                self.ids().iter().any(|id| place_of(header, id).is_some())
            }
        }
    }
}

impl Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Platform::Canvas => "Canvas",
            Platform::Moodle => "Moodle",
        })
    }
}

/// A gradebook with one column filled.
#[derive(Debug)]
pub struct Filled {
    /// The file.
    pub bytes: Vec<u8>,
    /// Whose file it is.
    pub platform: Platform,
    /// The cells that have got points.
    pub cells: Vec<FilledCell>,
    /// Rows of the file without a submission: line and student.
    pub rows_left: Vec<String>,
    /// Submissions without a row in the file: the students' ids.
    pub submissions_left: Vec<String>,
    /// What was not filled because it is not clear whose it is.
    pub ambiguous: Vec<String>,
    /// What was not filled for another reason: a mistake of the grader, an excused student.
    pub not_filled: Vec<String>,
    /// What may be wrong with the column as a whole.
    pub warnings: Vec<String>,
}

/// A cell that has got points.
#[derive(Debug, PartialEq, Eq)]
pub struct FilledCell {
    /// The line in which its row begins, counted from 1.
    pub line: usize,
    /// The student's id.
    pub student: String,
    /// What stood there before.
    pub before: String,
    /// The points.
    pub points: u32,
}

impl Display for Filled {
    /// What was done and what was not, for a terminal.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let (count, platform) = (self.cells.len(), self.platform);
        let cells = if count == 1 { "cell" } else { "cells" };
        writeln!(formatter, "filled {count} {cells} of a file of {platform}")?;
        let changed: Vec<String> = self
            .cells
            .iter()
            .filter(|cell| {
                !["", "-", &cell.points.to_string()].contains(&cell.before.trim())
            })
            .map(|cell| {
                let FilledCell { line, student, before, points } = cell;
                let (student, before) = (visible(student), visible(before));
                format!("line {line}, {student}: {points}, where {before} was")
            })
            .collect();
        for (what, items) in [
            ("changed", &changed),
            ("not filled", &self.not_filled),
            ("not clear, not filled", &self.ambiguous),
            ("in the file, without a submission", &self.rows_left),
            ("submitted, without a row in the file", &self.submissions_left),
            ("look at", &self.warnings),
        ] {
            if !items.is_empty() {
                writeln!(formatter, "{what}:")?;
            }
            for item in items {
                writeln!(formatter, "  {}", visible(item))?;
            }
        }
        Ok(())
    }
}

/// Fills the column of this name with the points of the submissions.
///
/// # Errors
/// The file is no CSV of Canvas or Moodle in UTF-8 or one like it, or it has no such column, or
/// the column says who the students are. Nothing is filled then.
pub fn fill(gradebook: &[u8], column: &str, results: &Results) -> Result<Filled, String> {
    let (platform, records) = read(gradebook)?;
    let (header, rows) = records.split_first().ok_or("the gradebook is empty")?;
    let target = target(platform, &header.cells, column)?;
    let mut filled = Filled {
        bytes: Vec::new(),
        platform,
        cells: Vec::new(),
        rows_left: Vec::new(),
        submissions_left: Vec::new(),
        ambiguous: Vec::new(),
        not_filled: Vec::new(),
        warnings: Vec::new(),
    };
    let mut edits = Vec::new();
    let students = match_rows(platform, header, rows, results, &mut filled);
    for (row, submission) in &students {
        let (line, id) = (row.line, &submission.student);
        let Some(cell) = row.cells.get(target) else {
            let cells = row.cells.len();
            filled
                .not_filled
                .push(format!("line {line}, {id}: it has only {cells} cells"));
            continue;
        };
        if submission.has_grader_error() {
            filled.not_filled.push(format!(
                "line {line}, {id}: the grader made a mistake; see it first"
            ));
            continue;
        }
        if platform == Platform::Canvas && cell.text.trim() == EXCUSED {
            filled.not_filled.push(format!("line {line}, {id}: excused ({EXCUSED})"));
            continue;
        }
        edits.push((cell.content.clone(), submission.score));
        filled.cells.push(FilledCell {
            line,
            student: id.clone(),
            before: cell.text.clone(),
            points: submission.score,
        });
    }
    filled.warnings = warnings(platform, header, rows, target, results);
    filled.bytes = replaced(gradebook, &edits);
    Ok(filled)
}

/// The file with other text in some places, which are in order.
fn replaced(bytes: &[u8], edits: &[(Range<usize>, u32)]) -> Vec<u8> {
    let mut new = Vec::with_capacity(bytes.len() + edits.len());
    let mut done = 0;
    for (place, points) in edits {
        new.extend_from_slice(&bytes[done..place.start]);
        new.extend_from_slice(points.to_string().as_bytes());
        done = place.end;
    }
    new.extend_from_slice(&bytes[done..]);
    new
}

/// Reads the file with the separator with which its header makes sense.
fn read(gradebook: &[u8]) -> Result<(Platform, Vec<Record>), String> {
    if gradebook.starts_with(b"\xff\xfe") || gradebook.starts_with(b"\xfe\xff") {
        return Err("the gradebook is UTF-16: export it as UTF-8".to_owned());
    }
    for separator in [b',', b';'] {
        // Another separator may have been meant: what is wrong with this one is no error yet.
        let Ok(header) = scan(gradebook, separator, Some(1)) else { continue };
        let Some(header) = header.first() else { continue };
        let platforms = [Platform::Canvas, Platform::Moodle];
        if let Some(platform) =
            platforms.into_iter().find(|p| p.has_header(&header.cells))
        {
            return Ok((platform, scan(gradebook, separator, None)?));
        }
    }
    Err("the gradebook's first line is neither Canvas's (`Student,ID,…`) nor Moodle's \
         (`Identifier`, `ID number`, `Username` or `Email address` among the columns): export \
         it as CSV, with English column names"
        .to_owned())
}

/// The place of the column to fill.
fn target(platform: Platform, header: &[Cell], column: &str) -> Result<usize, String> {
    let wanted = column.trim();
    let is_it = |cell: &&Cell| cell.text.trim() == wanted;
    let shown = visible(wanted);
    let names = platform.names().iter().copied().flatten();
    if platform.ids().iter().chain(names).any(|name| *name == wanted) {
        return Err(format!(
            "the column `{shown}` says who the students are: name another"
        ));
    }
    match header.iter().filter(is_it).count() {
        1 => Ok(header.iter().position(|cell| is_it(&cell)).unwrap_or_default()),
        0 => Err(format!(
            "the gradebook has no column `{shown}`; the nearest are {}",
            nearest(header, wanted)
        )),
        count => Err(format!(
            "the gradebook has {count} columns `{shown}`: rename all but one"
        )),
    }
}

fn nearest(header: &[Cell], wanted: &str) -> String {
    let likeness =
        |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &wanted.to_lowercase());
    let mut names: Vec<&str> = header.iter().map(|cell| cell.text.trim()).collect();
    names.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    let shown: Vec<String> =
        names.iter().take(PROPOSED).map(|name| format!("`{}`", visible(name))).collect();
    shown.join(", ")
}

/// The rows that are surely those of one submission each, in the order of the file. What is not
/// sure, and what is left over on either side, goes into the report.
fn match_rows<'r>(
    platform: Platform,
    header: &Record,
    rows: &'r [Record],
    results: &'r Results,
    report: &mut Filled,
) -> Vec<(&'r Record, &'r Submission)> {
    let classmates = Classmates::of(results);
    let students: Vec<(&Record, Who)> = rows
        .iter()
        .filter(|row| !is_points_possible(platform, row))
        .map(|row| (row, Who::read(platform, &header.cells, row)))
        .filter(|(_, who)| !who.is_nobody())
        .collect();
    // Whom an id has found, a name finds no more: that is somebody else of the same name.
    let mut touched: BTreeSet<usize> =
        students.iter().flat_map(|(_, who)| classmates.by_id(who)).collect();
    let known = touched.clone();
    let mut found: Vec<(&Record, usize)> = Vec::new();
    for (row, who) in students {
        let mut candidates = classmates.by_id(&who);
        if candidates.is_empty() {
            candidates = classmates.by_name(&who);
            if candidates.is_subset(&known) {
                candidates.clear();
            }
        }
        touched.extend(&candidates);
        match candidates.len() {
            0 => report.rows_left.push(format!("line {}, {who}", row.line)),
            1 => found.extend(candidates.iter().map(|number| (row, *number))),
            _ => {
                let ids: Vec<&str> = candidates
                    .iter()
                    .map(|number| results.submissions[*number].student.as_str())
                    .collect();
                let (line, ids) = (row.line, ids.join(", "));
                report.ambiguous.push(format!("line {line}, {who}: it may be {ids}"));
            }
        }
    }
    let mut lines: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (row, number) in &found {
        lines.entry(*number).or_default().push(row.line.to_string());
    }
    for (number, lines) in lines.iter().filter(|(_, lines)| lines.len() > 1) {
        let (id, lines) = (&results.submissions[*number].student, lines.join(", "));
        report.ambiguous.push(format!("{id}: the lines {lines} are all of this student"));
    }
    let unmatched =
        (0..results.submissions.len()).filter(|number| !touched.contains(number));
    report.submissions_left =
        unmatched.map(|number| results.submissions[number].student.clone()).collect();
    found.retain(|(_, number)| lines[number].len() == 1);
    found.into_iter().map(|(row, number)| (row, &results.submissions[number])).collect()
}

/// Who a row is about.
struct Who {
    ids: Vec<String>,
    names: Vec<String>,
}

impl Who {
    fn read(platform: Platform, header: &[Cell], row: &Record) -> Who {
        let text = |name: &&str| {
            let cell = row.cells.get(place_of(header, name)?)?;
            Some(cell.text.trim()).filter(|text| !text.is_empty())
        };
        let mut ids: Vec<String> =
            platform.ids().iter().filter_map(text).map(str::to_lowercase).collect();
        if platform == Platform::Moodle {
            // `Participant 123`, and the local part of an address, are ids as well.
            let parts = ids.iter().filter_map(|id| {
                id.strip_prefix("participant ")
                    .or(id.split_once('@').map(|(local, _)| local))
            });
            let parts: Vec<String> = parts.map(str::to_owned).collect();
            ids.extend(parts);
        }
        let names = platform.names().iter().filter_map(|columns| {
            let parts: Option<Vec<&str>> = columns.iter().map(text).collect();
            Some(parts?.join(" "))
        });
        Who { ids, names: names.collect() }
    }

    fn is_nobody(&self) -> bool {
        self.ids.is_empty() && self.names.is_empty()
    }
}

impl Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let best = self.names.first().or(self.ids.first());
        formatter.write_str(best.map(String::as_str).unwrap_or_default())
    }
}

/// The submissions by what a gradebook may call their students.
struct Classmates {
    ids: BTreeMap<String, BTreeSet<usize>>,
    names: BTreeMap<String, BTreeSet<usize>>,
}

impl Classmates {
    fn of(results: &Results) -> Classmates {
        let mut classmates = Classmates { ids: BTreeMap::new(), names: BTreeMap::new() };
        for (number, submission) in results.submissions.iter().enumerate() {
            let id = submission.student.trim();
            classmates.ids.entry(id.to_lowercase()).or_default().insert(number);
            // Without a roster, a folder may be named as its student is.
            for name in submission.name.as_deref().into_iter().chain([id]) {
                classmates.names.entry(in_order(name)).or_default().insert(number);
            }
        }
        classmates
    }

    /// The submissions that the ids of a row point to.
    fn by_id(&self, who: &Who) -> BTreeSet<usize> {
        let ids = who.ids.iter().filter_map(|id| self.ids.get(id));
        ids.flatten().copied().collect()
    }

    /// The submissions that the names of a row point to.
    fn by_name(&self, who: &Who) -> BTreeSet<usize> {
        let names = who.names.iter().filter_map(|name| self.names.get(&in_order(name)));
        names.flatten().copied().collect()
    }
}

/// A name as `First Last`, with single blanks.
fn in_order(name: &str) -> String {
    let name = match name.split_once(',') {
        Some((last, first)) if !first.contains(',') => format!("{first} {last}"),
        _ => name.to_owned(),
    };
    name.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// Whether this is Canvas's row with the most points, which is about no student.
fn is_points_possible(platform: Platform, row: &Record) -> bool {
    platform == Platform::Canvas
        && row.cells.first().is_some_and(|cell| cell.text.contains(POINTS_POSSIBLE))
}

/// Whether the platform expects another number of points than the exercise has.
fn warnings(
    platform: Platform,
    header: &Record,
    rows: &[Record],
    target: usize,
    results: &Results,
) -> Vec<String> {
    let (name, place) = match platform {
        Platform::Canvas => (POINTS_POSSIBLE, Some(target)),
        Platform::Moodle => (MAXIMUM_GRADE, place_of(&header.cells, MAXIMUM_GRADE)),
    };
    let said = rows
        .iter()
        .filter(|row| platform == Platform::Moodle || is_points_possible(platform, row))
        .filter_map(|row| Some(row.cells.get(place?)?.text.trim()))
        // A comma is the decimal sign of half of the world.
        .filter(|text| {
            let most = text.replace(',', ".").parse::<f64>();
            most.is_ok_and(|most| most != f64::from(results.exercise.points))
        });
    let said: BTreeSet<&str> = said.collect();
    said.iter()
        .map(|most| {
            let points = results.exercise.points;
            format!("`{name}` is {most}, but the exercise has {points} points")
        })
        .collect()
}

/// The first column of this name.
fn place_of(header: &[Cell], name: &str) -> Option<usize> {
    header.iter().position(|cell| cell.text.trim() == name)
}

/// A row of a CSV file.
struct Record {
    /// The line in which it begins, counted from 1.
    line: usize,
    cells: Vec<Cell>,
}

/// A cell of a CSV file.
struct Cell {
    /// Where its content is, without the quotes around it.
    content: Range<usize>,
    /// What it says.
    text: String,
}

/// Finds the cells of a CSV file; if wanted, only those of the first records.
///
/// # Errors
/// A quote that is not closed, or text behind a closed one.
fn scan(bytes: &[u8], separator: u8, only: Option<usize>) -> Result<Vec<Record>, String> {
    let mut scanner = Scanner { bytes, separator, at: 0, line: 1 };
    if bytes.starts_with(b"\xef\xbb\xbf") {
        scanner.at = 3;
    }
    let mut records = Vec::new();
    while scanner.at < bytes.len() && only.is_none_or(|only| records.len() < only) {
        records.push(scanner.record()?);
    }
    Ok(records)
}

/// A place in a CSV file.
struct Scanner<'b> {
    bytes: &'b [u8],
    separator: u8,
    at: usize,
    line: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Reads up to behind the end of the line.
    fn record(&mut self) -> Result<Record, String> {
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            cells.push(if self.peek() == Some(b'"') {
                self.quoted()?
            } else {
                self.plain()
            });
            match self.peek() {
                Some(byte) if byte == self.separator => self.at += 1,
                Some(b'\r' | b'\n') => {
                    self.end_of_line();
                    return Ok(Record { line, cells });
                }
                None => return Ok(Record { line, cells }),
                Some(_) => {
                    let line = self.line;
                    return Err(format!(
                        "line {line} of the gradebook: text behind a closing quote"
                    ));
                }
            }
        }
    }

    /// A cell without quotes around it: up to the separator or the end of the line.
    fn plain(&mut self) -> Cell {
        let start = self.at;
        while self.peek().is_some_and(|b| b != self.separator && b != b'\r' && b != b'\n')
        {
            self.at += 1;
        }
        let text = String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned();
        Cell { content: start..self.at, text }
    }

    /// A cell with quotes around it. Two quotes inside are one of its text.
    fn quoted(&mut self) -> Result<Cell, String> {
        let opened = self.line;
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') if self.bytes.get(self.at + 1) == Some(&b'"') => self.at += 2,
                Some(b'"') => break,
                Some(b'\r' | b'\n') => self.end_of_line(),
                Some(_) => self.at += 1,
                None => {
                    return Err(format!(
                        "line {opened} of the gradebook: a quote is not closed"
                    ));
                }
            }
        }
        let content = start..self.at;
        self.at += 1;
        let text = String::from_utf8_lossy(&self.bytes[content.clone()]);
        Ok(Cell { content, text: text.replace("\"\"", "\"") })
    }

    /// Steps over `\n`, `\r\n`, or the lone `\r` of old programs.
    fn end_of_line(&mut self) {
        let is_pair = self.bytes[self.at..].starts_with(b"\r\n");
        self.at += if is_pair { 2 } else { 1 };
        self.line += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{ExerciseInfo, GraderInfo, Row, SCHEMA, Times, Verdict};

    /// A class of these ids, names and points.
    fn class(students: &[(&str, Option<&str>, u32)]) -> Results {
        let submissions = students
            .iter()
            .map(|(id, name, points)| Submission {
                student: (*id).to_owned(),
                name: name.map(str::to_owned),
                source: String::new(),
                digest: String::new(),
                remarks: Vec::new(),
                rows: Vec::new(),
                score: *points,
                times: Times::default(),
            })
            .collect();
        Results {
            schema: SCHEMA.to_owned(),
            exercise: ExerciseInfo {
                name: "echo".to_owned(),
                title: "Echo".to_owned(),
                points: 10,
                checks: Vec::new(),
                diagnoses: BTreeMap::new(),
            },
            grader: GraderInfo {
                version: String::new(),
                compiler: String::new(),
                checks: String::new(),
                seed: 1,
                sandbox: "namespaces".to_owned(),
                finished: String::new(),
                took_ms: 0,
            },
            submissions,
            problems: Vec::new(),
        }
    }

    fn two() -> Results {
        class(&[("ada", Some("Ada Lovelace"), 7), ("bob", Some("Bob O'Neil"), 10)])
    }

    fn ada_with_grader_error() -> Results {
        let mut results = two();
        results.submissions[0].rows.push(Row {
            check: "long".to_owned(),
            verdict: Verdict::GraderError,
            points: 0,
            max_points: 2,
            attempts: 1,
            flaky: false,
            took_ms: 0,
            message: String::new(),
            diagnosis: None,
            evidence: None,
            compiler: None,
            overridden: None,
        });
        results
    }

    const CANVAS: &str =
        "Student,ID,SIS User ID,SIS Login ID,Section,Echo (90210),Final Score\n";

    const COLUMN: &str = "Echo (90210)";

    #[track_caller]
    fn filled(gradebook: &str, column: &str, results: &Results) -> (String, Filled) {
        let filled = fill(gradebook.as_bytes(), column, results).unwrap();
        (String::from_utf8(filled.bytes.clone()).unwrap(), filled)
    }

    #[track_caller]
    fn refused(gradebook: &[u8], column: &str) -> String {
        fill(gradebook, column, &two()).unwrap_err()
    }

    #[test]
    fn canvas_gets_its_column_and_keeps_every_other_byte() {
        let rows = |ada: &str, bob: &str| {
            format!(
                "\u{feff}{}    Points Possible,,,,,10.00,(read only)\r\n\
                 \"Lovelace, Ada\",4711,s1,ada,\"NET-01, \"\"A\"\"\",{ada},70.0  \r\n\
                 \"O'Neil, Bob\",4712,s2, bob ,\"two\r\nlines\",{bob},  \r\n\
                 \r\n,,,,,,",
                CANVAS.replace('\n', "\r\n")
            )
        };
        let (text, report) = filled(&rows("7.00", "\"\""), COLUMN, &two());
        assert_eq!(text, rows("7", "\"10\""));
        assert_eq!(report.platform, Platform::Canvas);
        let cells: Vec<(usize, u32)> =
            report.cells.iter().map(|cell| (cell.line, cell.points)).collect();
        assert_eq!(cells, [(3, 7), (4, 10)]);
        let empty = [&report.rows_left, &report.ambiguous, &report.warnings];
        assert!(empty.iter().all(|lines| lines.is_empty()), "{report:?}");
    }

    #[test]
    fn a_class_without_changes_gives_the_same_bytes() {
        let gradebook =
            format!("{CANVAS}\"L\"\"ast, A\",1,2,ada,x\u{a0},7,\n\n\"x\n\",,,,,\"\",\t");
        let (text, _) = filled(&gradebook, COLUMN, &class(&[("ada", None, 7)]));
        assert_eq!(text, gradebook);
    }

    #[test]
    fn bytes_that_are_no_utf_8_stay_as_they_are() {
        let filled = fill(b"Student,ID,E,F\nM\xfcller,ada,,\xff\n", "E", &two()).unwrap();
        assert_eq!(filled.bytes, b"Student,ID,E,F\nM\xfcller,ada,7,\xff\n");
    }

    #[test]
    fn semicolons_separate_as_well() {
        let sheet = |points: &str| {
            format!("Student;ID;Section;Echo, 1 (9)\nLovelace, Ada;1;NET;{points}\n")
        };
        let (text, _) = filled(&sheet("-"), "Echo, 1 (9)", &two());
        assert_eq!(text, sheet("7"));
    }

    #[test]
    fn a_moodle_worksheet_is_matched_by_number_address_and_name() {
        let sheet = |points: [&str; 3]| {
            let [first, second, third] = points;
            format!(
                "Identifier,Full name,Email address,Grade,Maximum Grade\n\
                 Participant 123,Somebody Else,x@example.org,{first},10.00\n\
                 Participant 124,Ada L,ada@example.org,{second},10.00\n\
                 Participant 125,Bob  O'Neil,b@example.org,{third},10.00\n"
            )
        };
        let class =
            class(&[("123", None, 1), ("ada", None, 7), ("b17", Some("Bob O'Neil"), 10)]);
        let (text, report) = filled(&sheet(["", "-", "\"5\""]), "Grade", &class);
        assert_eq!(text, sheet(["1", "7", "\"10\""]));
        assert_eq!(report.platform, Platform::Moodle);
        assert_eq!(report.cells[2].before, "5");
        assert!(report.to_string().contains("line 4, b17: 10, where 5 was"), "{report}");
    }

    #[test]
    fn first_and_last_names_in_two_columns_are_one_name() {
        let sheet = "First name,Last name,ID number,Assignment: Echo (Real)\n\
                     Ada,Lovelace,,-\n";
        let (text, _) = filled(sheet, "Assignment: Echo (Real)", &two());
        assert!(text.ends_with("Ada,Lovelace,,7\n"), "{text}");
        let canvas = "LastName,FirstName,ID,Section,E\nO'Neil,Bob,5,x,\n";
        let (text, _) = filled(canvas, "E", &two());
        assert!(text.ends_with("O'Neil,Bob,5,x,10\n"), "{text}");
    }

    #[test]
    fn ids_that_point_to_two_students_fill_nothing() {
        let gradebook = format!("{CANVAS}\"X, Y\",1,bob,ada,NET,,\n");
        let (text, report) = filled(&gradebook, COLUMN, &two());
        assert_eq!(text, gradebook);
        assert_eq!(report.ambiguous, ["line 2, X, Y: it may be ada, bob"]);
        assert!(report.submissions_left.is_empty(), "they are in the file: {report:?}");
    }

    #[test]
    fn two_rows_of_one_student_fill_nothing() {
        let gradebook = format!("{CANVAS}A,1,,ada,NET,,\nB,2,,ADA,NET,,\n");
        let (text, report) = filled(&gradebook, COLUMN, &two());
        assert_eq!(text, gradebook);
        assert_eq!(report.ambiguous, ["ada: the lines 2, 3 are all of this student"]);
    }

    #[test]
    fn two_students_of_one_name_fill_nothing_without_an_id() {
        let class = class(&[("a1", Some("Ada King"), 1), ("a2", Some("Ada King"), 2)]);
        let gradebook =
            format!("{CANVAS}\"King, Ada\",1,,,NET,,\n\"King, Ada\",2,,a2,NET,,\n");
        let (text, report) = filled(&gradebook, COLUMN, &class);
        assert!(text.ends_with("\"King, Ada\",2,,a2,NET,2,\n"), "{text}");
        assert_eq!(report.ambiguous, ["line 2, King, Ada: it may be a1, a2"]);
    }

    #[test]
    fn a_namesake_who_did_not_submit_gets_nothing() {
        let gradebook =
            format!("{CANVAS}Ada Lovelace,9,,,NET,,\n\"Lovelace, Ada\",1,,ada,NET,,\n");
        let (text, report) = filled(&gradebook, COLUMN, &two());
        assert!(text.ends_with("9,,,NET,,\n\"Lovelace, Ada\",1,,ada,NET,7,\n"), "{text}");
        assert_eq!(report.rows_left, ["line 2, Ada Lovelace"]);
    }

    #[test]
    fn what_is_left_over_on_both_sides_is_reported() {
        let gradebook = format!("{CANVAS}\"Student, Test\",9,,,NET,,\nA,1,,ada,NET,,\n");
        let (_, report) = filled(&gradebook, COLUMN, &two());
        assert_eq!(report.rows_left, ["line 2, Student, Test"]);
        assert_eq!(report.submissions_left, ["bob"]);
        let shown = report.to_string();
        assert!(shown.starts_with("filled 1 cell of a file of Canvas\n"), "{shown}");
        assert!(
            shown.contains("in the file, without a submission:\n  line 2,"),
            "{shown}"
        );
        assert!(shown.contains("without a row in the file:\n  bob\n"), "{shown}");
    }

    #[test]
    fn a_grader_error_and_an_excused_student_are_not_filled() {
        let gradebook = format!("{CANVAS}A,1,,ada,NET,,\nB,2,,bob,NET,EX,\n");
        let (text, report) = filled(&gradebook, COLUMN, &ada_with_grader_error());
        assert_eq!(text, gradebook);
        let why = [
            "line 2, ada: the grader made a mistake; see it first",
            "line 3, bob: excused (EX)",
        ];
        assert_eq!(report.not_filled, why);
    }

    #[test]
    fn other_points_than_the_exercise_has_are_a_warning() {
        let gradebook = format!("{CANVAS}Points Possible,,,,,20.00,\n");
        let (text, report) = filled(&gradebook, COLUMN, &two());
        assert_eq!(text, gradebook);
        let warning = "`Points Possible` is 20.00, but the exercise has 10 points";
        assert_eq!(report.warnings, [warning]);
        let sheet = "Identifier;Grade;Maximum Grade\nParticipant 1;;100,00\n";
        let (_, report) = filled(sheet, "Grade", &two());
        let warning = "`Maximum Grade` is 100,00, but the exercise has 10 points";
        assert_eq!(report.warnings, [warning]);
    }

    #[test]
    fn a_row_that_is_too_short_is_reported() {
        let (_, report) = filled(&format!("{CANVAS}A,1,,ada\n"), COLUMN, &two());
        assert_eq!(report.not_filled, ["line 2, ada: it has only 4 cells"]);
    }

    #[test]
    fn a_column_that_is_not_there_is_answered_with_the_nearest() {
        let error = refused(CANVAS.as_bytes(), "echo");
        assert!(
            error.contains("no column `echo`; the nearest are `Echo (90210)`"),
            "{error}"
        );
        let twice = refused(b"Student,ID,E,E\n", "E");
        assert!(twice.contains("has 2 columns `E`"), "{twice}");
        let id = refused(CANVAS.as_bytes(), "SIS Login ID");
        assert!(id.contains("says who the students are"), "{id}");
    }

    #[test]
    fn a_file_that_is_no_gradebook_is_refused() {
        assert!(refused(b"", "E").contains("neither Canvas's"));
        assert!(refused(b"name,points\nada,3\n", "points").contains("neither Canvas's"));
        assert!(refused(b"\xff\xfeS\0t\0", "E").contains("UTF-16"));
        let open = refused(b"Student,ID,E\n\"Ada,1,\n", "E");
        assert_eq!(open, "line 2 of the gradebook: a quote is not closed");
        let behind = refused(b"Student,ID,E\n\"Ada\" x,1,\n", "E");
        assert_eq!(behind, "line 2 of the gradebook: text behind a closing quote");
    }

    #[test]
    fn old_line_ends_are_line_ends() {
        let (text, report) = filled("Student,ID,E\rA,ada,\r\"B\",bob,1\r", "E", &two());
        assert_eq!(text, "Student,ID,E\rA,ada,7\r\"B\",bob,10\r");
        assert_eq!(report.cells[1].line, 3);
    }
}
