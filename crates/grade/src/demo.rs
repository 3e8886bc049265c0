//! A class that never was: its submissions are the solution, the starter, and the wrong programs.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use checks::exercise::workspace;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The demonstration is the same every time.
pub const SEED: u64 = 2026;

/// Names as a class has them, and as a table fears them.
const NAMES: [&str; 12] = [
    "Ada Lovelace",
    "Grace Hopper",
    "Jürgen Groß",
    "Lovelace, Ada",
    "O'Neil, \"Q\"",
    "=1+1",
    "李雷",
    "نورة السعد",
    "Zoë 🦀 Ångström",
    "@SUM(A1:A9)",
    "Anne-Marie van der Berg",
    "  spaces  ",
];

/// Makes the folder of submissions and the roster. What is there already stays as it is.
///
/// # Errors
/// A file cannot be read or written.
pub fn make_class(
    key: &str,
    students: usize,
    submissions: &Path,
    roster: &Path,
) -> Result<(), String> {
    let programs = programs(key)?;
    make(submissions)?;
    let mut table = csv::Writer::from_path(roster).map_err(|error| error.to_string())?;
    table.write_record(["id", "name", "folder"]).map_err(|error| error.to_string())?;
    for number in 0..students {
        let id = format!("s{:04}", number + 1);
        let program = &programs[number % programs.len()];
        let text = fs::read(program).map_err(tried("read", program))?;
        let folder = hand_in(submissions, &id, number, &text)?;
        let name = NAMES[number % NAMES.len()];
        table
            .write_record([&id, &format!("{name} {}", number + 1), &folder])
            .map_err(|error| error.to_string())?;
    }
    table.flush().map_err(tried("write", roster))
}

/// The programs, the solution first. Every seventh student or so is a good one.
fn programs(key: &str) -> Result<Vec<PathBuf>, String> {
    let solution = workspace().join("solutions").join(key);
    let wrong = solution.join("wrong");
    let mut programs: Vec<PathBuf> = fs::read_dir(&wrong)
        .map_err(tried("read", &wrong))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name != "main.rs"))
        .collect();
    programs.sort();
    let good = solution.join("src/main.rs");
    for place in (0..=programs.len()).rev().step_by(6) {
        programs.insert(place, good.clone());
    }
    programs.push(workspace().join("exercises").join(key).join("starter.rs"));
    Ok(programs)
}

/// Hands a program in, in one of the forms that students use. Returns its name.
fn hand_in(
    submissions: &Path,
    id: &str,
    number: usize,
    program: &[u8],
) -> Result<String, String> {
    match number % 4 {
        form @ (0 | 1) => {
            let folder = submissions.join(id);
            let source = if form == 0 { folder.join("src") } else { folder };
            make(&source)?;
            let file = source.join("main.rs");
            fs::write(&file, program).map_err(tried("write", &file))?;
            Ok(id.to_owned())
        }
        2 => {
            let name = format!("{id}.zip");
            let file = submissions.join(&name);
            zip_file(&file, program).map_err(tried("write", &file))?;
            Ok(name)
        }
        _ => {
            let name = format!("{id}.tar.gz");
            let file = submissions.join(&name);
            tar_file(&file, program).map_err(tried("write", &file))?;
            Ok(name)
        }
    }
}

fn zip_file(file: &Path, program: &[u8]) -> Result<(), zip::result::ZipError> {
    let mut archive = zip::ZipWriter::new(File::create(file)?);
    archive.start_file("src/main.rs", zip::write::SimpleFileOptions::default())?;
    archive.write_all(program)?;
    archive.finish()?.sync_data()?;
    Ok(())
}

fn tar_file(file: &Path, program: &[u8]) -> std::io::Result<()> {
    let packed = GzEncoder::new(File::create(file)?, Compression::fast());
    let mut archive = tar::Builder::new(packed);
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "src/main.rs", program)?;
    archive.into_inner()?.finish()?;
    Ok(())
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(tried("make", folder))
}

fn tried<E: std::fmt::Display>(what: &str, path: &Path) -> impl Fn(E) -> String {
    move |error| format!("{what} {}: {error}", path.display())
}
