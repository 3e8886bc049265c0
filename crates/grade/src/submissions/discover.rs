//! Finds a submission for each student in the folder of submissions.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use checks::exercise::Exercise;

use super::{Roster, Student, named, normalised, shown};

/// What is in a folder of submissions.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// At most one for each student, in the order of the ids.
    pub submissions: Vec<Submitted>,
    /// A line for everything else: strangers, two submissions of one student, links …
    pub problems: Vec<String>,
}

/// A submission, not looked into yet.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Whose it is: an id that is unique in the class and can be part of a file's name.
    pub student: String,
    /// The student's name, from the roster or from the name that Moodle gives to a folder.
    pub name: Option<String>,
    /// What it is called in the folder of submissions, fit for a message.
    pub source: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub form: Form,
}

/// The form of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A folder.
    Folder,
    /// A `.zip` archive.
    Zip,
    /// A `.tar.gz` or `.tgz` archive.
    TarGz,
    /// A single `.rs` file.
    RustFile,
}

/// The forms of files, by the end of their names.
const ENDINGS: [(&str, Form); 4] = [
    (".zip", Form::Zip),
    (".tar.gz", Form::TarGz),
    (".tgz", Form::TarGz),
    (".rs", Form::RustFile),
];

impl Form {
    /// The form of a file of this name, and the name without its ending.
    pub(super) fn of_file(name: &str) -> Option<(Form, &str)> {
        ENDINGS.iter().find_map(|(ending, form)| {
            let stem_length = name.len().checked_sub(ending.len())?;
            let end = name.get(stem_length..)?;
            end.eq_ignore_ascii_case(ending).then(|| (*form, &name[..stem_length]))
        })
    }
}

/// The submission at this path: a folder, an archive or a file. Its student has no name.
///
/// The path may be a link: whoever starts the grader has chosen it, not a student. The name of the
/// link counts first, as that of what it leads to may say nothing. No link inside is followed.
///
/// # Errors
/// It is none of these, or it is not there.
pub fn single(path: &Path) -> Result<Submitted, String> {
    let given = path.display();
    let real =
        fs::canonicalize(path).map_err(|error| format!("open {given}: {error}"))?;
    let names: Vec<String> = [path, &real]
        .iter()
        .filter_map(|path| path.file_name()) // `..` has none.
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let form = match real.is_dir() {
        true => Some(Form::Folder),
        false => names.iter().find_map(|name| Some(Form::of_file(name)?.0)),
    };
    let form =
        form.ok_or_else(|| format!("{given} is no folder, .zip, .tar.gz or .rs file"))?;
    let source = names.first().map_or(String::new(), |name| shown(name, 80));
    Ok(Submitted { student: "student".to_owned(), name: None, source, path: real, form })
}

/// Finds the submissions in a folder. Without a roster, everybody is accepted.
///
/// # Errors
/// The folder cannot be read, holds nothing, or is itself a submission.
pub fn discover(
    folder: &Path,
    exercise: &Exercise,
    roster: Option<&Roster>,
) -> Result<Discovered, String> {
    let shown = folder.display();
    let there = |path: &str| folder.join(path).symlink_metadata().is_ok();
    if there(&format!("exercises/{}/src", exercise.key))
        || (there("src") && there("Cargo.toml"))
    {
        return Err(format!(
            "{shown} is itself a submission: put it into a folder that is named after the \
             student, and give the folder around that"
        ));
    }
    let mut problems = Vec::new();
    let candidates = candidates(folder, &mut problems)
        .map_err(|error| format!("read the folder of submissions {shown}: {error}"))?;
    if candidates.is_empty() && problems.is_empty() {
        return Err(format!(
            "{shown} is empty: expected is a folder, a .zip, a .tar.gz or a .rs file for \
             each student"
        ));
    }
    let submissions = match roster {
        Some(roster) => by_roster(candidates, roster, &mut problems),
        None => by_name(candidates, &mut problems),
    };
    Ok(Discovered { submissions, problems })
}

/// An entry of the folder that may be a submission.
struct Candidate {
    /// Its name.
    file_name: String,
    /// Its name without what shows the form.
    stem: String,
    path: PathBuf,
    form: Form,
}

/// What can be a submission, in the order of the names.
fn candidates(
    folder: &Path,
    problems: &mut Vec<String>,
) -> Result<Vec<Candidate>, std::io::Error> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut candidates = Vec::new();
    for entry in entries {
        let file_name = match entry.file_name().into_string() {
            Ok(name) => name,
            Err(name) => {
                let name = named(&name.to_string_lossy());
                problems.push(format!("{name}: ignored: the name is not UTF-8"));
                continue;
            }
        };
        if file_name.starts_with('.') || file_name == "__MACOSX" {
            continue;
        }
        // The type of the entry itself: a link is a link, whatever it points to.
        let file_type = entry.file_type()?;
        let no_submission = if file_type.is_symlink() {
            "a link, which is not followed"
        } else if file_type.is_fifo() || file_type.is_socket() {
            "a pipe or a socket"
        } else if file_type.is_block_device() || file_type.is_char_device() {
            "a device"
        } else if file_type.is_dir() {
            if file_name.contains("_assignsubmission_onlinetext") {
                "Moodle's page of online text, no files"
            } else {
                let (stem, path) = (file_name.clone(), entry.path());
                candidates.push(Candidate { file_name, stem, path, form: Form::Folder });
                continue;
            }
        } else if let Some((form, stem)) = Form::of_file(&file_name) {
            let (stem, path) = (stem.to_owned(), entry.path());
            candidates.push(Candidate { file_name, stem, path, form });
            continue;
        } else {
            "no folder, no .zip, no .tar.gz and no .rs file"
        };
        let name = named(&file_name);
        problems.push(format!("{name}: no submission: it is {no_submission}"));
    }
    Ok(candidates)
}

/// What the name of a folder or an archive says about its student.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    /// The id.
    id: String,
    /// The name.
    name: Option<String>,
}

/// Understands the names that learning platforms give.
///
/// * Moodle: `Ada Lovelace_12345_assignsubmission_file_`: the name and the number of the
///   participant, which is unique. Newer versions leave the last `_` out.
/// * Canvas: `lovelaceada_4711_90210_echo.zip`, or `lovelaceada_LATE_4711_90210_echo.zip`: name,
///   number of the user, number of the upload, name of the file. Only for files, as Canvas has no
///   folders; a folder of this form is somebody's own name.
///
/// Everything else is an id.
fn identity(stem: &str, form: Form) -> Identity {
    let is_number =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let moodle = stem.trim_end_matches('_').strip_suffix("_assignsubmission_file");
    if let Some((name, number)) = moodle.and_then(|rest| rest.rsplit_once('_'))
        && is_number(number)
    {
        let name = Some(shown(name.trim(), 100));
        return Identity { id: number.to_owned(), name };
    }
    let parts: Vec<&str> = stem.splitn(5, '_').collect();
    let numbers = if parts.get(1) == Some(&"LATE") { 2 } else { 1 };
    if form != Form::Folder
        && let [user, upload, _file, ..] = &parts[numbers.min(parts.len())..]
        && is_number(user)
        && is_number(upload)
    {
        return Identity { id: (*user).to_owned(), name: None };
    }
    Identity { id: shown(stem.trim(), 100), name: None }
}

/// Without a roster, a submission says itself whose it is.
fn by_name(candidates: Vec<Candidate>, problems: &mut Vec<String>) -> Vec<Submitted> {
    let mut students: BTreeMap<String, Vec<(Identity, Candidate)>> = BTreeMap::new();
    for candidate in candidates {
        let identity = identity(&candidate.stem, candidate.form);
        if identity.id.is_empty() {
            let name = named(&candidate.file_name);
            problems.push(format!("{name}: no submission: the name says nobody"));
            continue;
        }
        let key = normalised(&identity.id);
        students.entry(key).or_default().push((identity, candidate));
    }
    let mut submissions = Vec::new();
    for (_, mut of_student) in students {
        if let [_, _, ..] = &of_student[..] {
            let id = of_student[0].0.id.clone();
            let all: Vec<Candidate> = of_student.into_iter().map(|(_, c)| c).collect();
            problems.push(too_many(&id, &all));
        } else if let Some((identity, candidate)) = of_student.pop() {
            submissions.push(candidate.submitted_by(identity.id, identity.name));
        }
    }
    submissions.sort_by(|a, b| a.student.cmp(&b.student));
    submissions
}

/// With a roster, a submission is of the student whom the roster names for it; else of the student
/// whose id, or at last whose name, it bears.
fn by_roster(
    candidates: Vec<Candidate>,
    roster: &Roster,
    problems: &mut Vec<String>,
) -> Vec<Submitted> {
    let mut claimed: Vec<Vec<Candidate>> =
        roster.students.iter().map(|_| vec![]).collect();
    for candidate in candidates {
        let file_name = named(&candidate.file_name);
        match owner(&candidate, roster) {
            Ok(place) => claimed[place].push(candidate),
            Err(reason) => problems.push(format!("{file_name}: not graded: {reason}")),
        }
    }
    let mut students: Vec<(&Student, Vec<Candidate>)> =
        roster.students.iter().zip(claimed).collect();
    students.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    let mut submissions = Vec::new();
    for (student, mut of_student) in students {
        let id = &student.id;
        if let Some(folder) = &student.folder {
            // With `ada` and `ada.zip` there, `ada` in the roster is the folder.
            let exact = of_student.iter().any(|candidate| candidate.file_name == *folder);
            let (meant, others): (Vec<_>, Vec<_>) =
                of_student.into_iter().partition(|candidate| match exact {
                    true => candidate.file_name == *folder,
                    false => candidate.is_called(folder),
                });
            let folder = named(folder);
            for other in others {
                let name = named(&other.file_name);
                problems.push(format!(
                    "{name}: not graded: the roster names {folder} for `{id}`"
                ));
            }
            if meant.is_empty() {
                problems.push(format!(
                    "{}: no submission: there is no {folder}, which the roster names",
                    who(student)
                ));
            }
            of_student = meant;
        } else if of_student.is_empty() {
            problems.push(format!("{}: no submission", who(student)));
        }
        if of_student.len() > 1 {
            problems.push(too_many(id, &of_student));
        } else if let Some(candidate) = of_student.pop() {
            submissions.push(candidate.submitted_by(id.clone(), student.name.clone()));
        }
    }
    submissions
}

/// The place in the roster of the student whose submission this is; or why there is none.
fn owner(candidate: &Candidate, roster: &Roster) -> Result<usize, String> {
    let students = &roster.students;
    let named_by_roster = students.iter().position(|student| {
        student.folder.as_ref().is_some_and(|folder| candidate.is_called(folder))
    });
    let identity = identity(&candidate.stem, candidate.form);
    let ids = [normalised(&candidate.stem), normalised(&identity.id)];
    let by_id = || students.iter().position(|s| ids.contains(&normalised(&s.id)));
    if let Some(place) = named_by_roster.or_else(by_id) {
        return Ok(place);
    }
    let name = normalised(identity.name.as_ref().unwrap_or(&candidate.stem));
    let has_name = |s: &Student| s.name.as_ref().is_some_and(|n| normalised(n) == name);
    let mut places = (0..students.len()).filter(|place| has_name(&students[*place]));
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (None, _) => Err("nobody in the roster has this id, name or folder".to_owned()),
        (Some(_), Some(_)) => Err("more than one in the roster has this name: say in \
                                   the roster's column `folder` whose it is"
            .to_owned()),
    }
}

/// The line about a student with more than one submission.
fn too_many(id: &str, candidates: &[Candidate]) -> String {
    let names: Vec<String> = candidates.iter().map(|c| named(&c.file_name)).collect();
    format!(
        "`{id}`: not graded: there is more than one submission: {}; name the one that counts \
         in the roster's column `folder`, or take the others away",
        names.join(", ")
    )
}

/// A student of the roster for a message.
fn who(student: &Student) -> String {
    match &student.name {
        Some(name) => format!("`{}` ({})", student.id, shown(name, 60)),
        None => format!("`{}`", student.id),
    }
}

impl Candidate {
    /// Whether a roster means this entry: by its name, or by its name without its ending.
    fn is_called(&self, name: &str) -> bool {
        let name = normalised(name);
        [&self.file_name, &self.stem].iter().any(|own| normalised(own) == name)
    }

    fn submitted_by(self, student: String, name: Option<String>) -> Submitted {
        let source = shown(&self.file_name, 120);
        Submitted { student, name, source, path: self.path, form: self.form }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(stem: &str, form: Form) -> (String, Option<String>) {
        let identity = identity(stem, form);
        (identity.id, identity.name)
    }

    #[test]
    fn the_names_of_moodle_and_canvas_are_understood() {
        let ada = ("12345".to_owned(), Some("Ada Love_lace".to_owned()));
        let moodle = "Ada Love_lace_12345_assignsubmission_file";
        assert_eq!(known(moodle, Form::Folder), ada);
        assert_eq!(known(&format!("{moodle}_"), Form::Folder), ada);
        let canvas = ("4711".to_owned(), None);
        assert_eq!(known("lovelaceada_4711_90210_my_echo", Form::Zip), canvas);
        assert_eq!(known("lovelaceada_LATE_4711_90210_echo-1", Form::TarGz), canvas);
    }

    #[test]
    fn every_other_name_is_an_id() {
        for stem in ["ada", "team_1_2_x", "a_b", "_12_assignsubmission", "x_LATE", "_"] {
            assert_eq!(known(stem, Form::Folder), (stem.to_owned(), None));
        }
        assert_eq!(known("ada_1", Form::Zip), ("ada_1".to_owned(), None));
        assert_eq!(known(" a\u{202e}b\n", Form::Folder).0, "a\\u{202e}b");
    }

    #[test]
    fn the_form_of_a_file_is_told_by_the_end_of_its_name() {
        assert_eq!(Form::of_file("a.b.ZIP"), Some((Form::Zip, "a.b")));
        assert_eq!(Form::of_file("a.tar.gz"), Some((Form::TarGz, "a")));
        assert_eq!(Form::of_file("é.tgz"), Some((Form::TarGz, "é")));
        assert_eq!(Form::of_file("echo.rs"), Some((Form::RustFile, "echo")));
        assert_eq!(Form::of_file("a.tar"), None);
        assert_eq!(Form::of_file("€"), None);
    }
}
