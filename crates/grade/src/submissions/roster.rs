//! The roster: who is in the class.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{normalised, shown};

/// The students of a class.
#[derive(Clone, Debug)]
pub struct Roster {
    /// In the order of the file. No two have the same id, and no two the same folder.
    pub students: Vec<Student>,
}

/// One student.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Student {
    /// The id by which all results are kept.
    pub id: String,
    /// The name.
    pub name: Option<String>,
    /// Which entry of the folder of submissions is this student's, if the roster says so.
    pub folder: Option<String>,
}

impl Roster {
    /// Reads a CSV file with a header. The column `id` is needed; `name`, and `folder` or `source`,
    /// may be there; others are for others.
    ///
    /// # Errors
    /// The file cannot be read, is no CSV, has no column `id`, or a line is of no use: each with the
    /// file and the line.
    pub fn read(file: &Path) -> Result<Roster, String> {
        let shown = file.display();
        let text = fs::read_to_string(file).map_err(|e| format!("{shown}: {e}"))?;
        Roster::parse(&text).map_err(|error| format!("{shown}{error}"))
    }

    fn parse(text: &str) -> Result<Roster, String> {
        // Spreadsheets begin a UTF-8 file with a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| format!(": {error}"))?.clone();
        let column = |names: &[&str]| {
            header.iter().position(|title| names.contains(&normalised(title).as_str()))
        };
        let Some(id_column) = column(&["id"]) else {
            let found: Vec<String> = header.iter().map(|t| shown(t, 40)).collect();
            let found = found.join(", ");
            return Err(format!(":1: a column `id` is needed; the header is: {found}"));
        };
        let (name_column, folder_column) =
            (column(&["name"]), column(&["folder", "source"]));
        let mut students = Vec::new();
        let mut lines_of_ids = BTreeMap::new();
        let mut lines_of_folders = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(|error| format!(": {error}"))?;
            let line = record.position().map_or(0, |position| position.line());
            let cell = |column: Option<usize>| {
                let text = column.and_then(|column| record.get(column))?;
                (!text.is_empty()).then(|| text.to_owned())
            };
            let Some(id) = cell(Some(id_column)) else {
                return Err(format!(":{line}: the id is missing"));
            };
            if !is_usable(&id) {
                let id = shown(&id, 40);
                return Err(format!(
                    ":{line}: `{id}` is no id: reports are named by it, so it has at most \
                     100 characters, no `/` and no dot at its beginning"
                ));
            }
            if let Some(first) = lines_of_ids.insert(normalised(&id), line) {
                return Err(format!(":{line}: `{id}` is in line {first}, too"));
            }
            let folder = cell(folder_column);
            if let Some(folder) = &folder
                && let Some(first) = lines_of_folders.insert(normalised(folder), line)
            {
                let folder = shown(folder, 80);
                return Err(format!(
                    ":{line}: the folder `{folder}` is in line {first}, too: a submission \
                     belongs to one student"
                ));
            }
            students.push(Student { id, name: cell(name_column), folder });
        }
        Ok(Roster { students })
    }
}

/// Whether an id can be part of a file's name.
fn is_usable(id: &str) -> bool {
    id.chars().count() <= 100
        && !id.starts_with('.')
        && !id.contains('/')
        && !id.chars().any(super::is_hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Roster::parse(text).expect_err("a mistake")
    }

    #[test]
    fn columns_are_found_by_name_and_others_are_left_alone() {
        let text = "\u{feff}E-mail,Name,ID,Source\na@x,\"Lovelace, Ada\", ada ,\nb@x,,bob,b.zip\n";
        let roster = Roster::parse(text).expect("a roster");
        let ada = Student {
            id: "ada".to_owned(),
            name: Some("Lovelace, Ada".to_owned()),
            folder: None,
        };
        let bob = Student {
            id: "bob".to_owned(),
            name: None,
            folder: Some("b.zip".to_owned()),
        };
        assert_eq!(roster.students, [ada, bob]);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        assert_eq!(
            error("login;name\n"),
            ":1: a column `id` is needed; the header is: login;name"
        );
        assert_eq!(error("id,name\nada,\n,Bob\n"), ":3: the id is missing");
        assert_eq!(error("id\nada\n ADA\n"), ":3: `ADA` is in line 2, too");
        assert!(error("id\n../ada\n").starts_with(":2: `../ada` is no id"));
        let twice = error("id,folder\nada,x\nbob,x\n");
        assert!(twice.starts_with(":3: the folder `x` is in line 2, too"), "{twice}");
        assert!(error("id,name\nada\n").contains("line: 2"));
    }
}
