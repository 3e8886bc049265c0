//! Copies what counts of a submission into a fresh folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use checks::exercise::{self, Exercise};
use sha2::{Digest, Sha256};

use super::folder::Folder;
use super::layout::{self, Layout};
use super::source::{self, Budget, Contents, Listing, Source};
use super::{Form, Submitted, archive, named, settings};

/// A submission that lies ready to be compiled.
#[derive(Clone, Debug)]
pub struct Staged {
    /// The files, with `/`, in order: `src/main.rs` and the others below `src`.
    pub files: Vec<String>,
    /// How long they are together, in bytes.
    pub bytes: u64,
    /// The SHA-256 of the paths, lengths and contents, in hex: the same program, the same digest.
    pub digest: String,
    /// What was ignored or is strange; a line for each.
    pub remarks: Vec<String>,
}

/// More remarks about one submission help nobody.
const MAX_REMARKS: usize = 20;

/// The files of a program, in order.
type Files = BTreeMap<String, Vec<u8>>;

/// Copies the program of a submission into `into`, which must be empty or not there yet. Nothing is
/// written before all of it has been read.
///
/// # Errors
/// There is no program in it, it cannot be read, it is beyond a limit, or `into` cannot be written:
/// one line.
pub fn stage(
    submitted: &Submitted,
    exercise: &Exercise,
    into: &Path,
) -> Result<Staged, String> {
    let mut remarks = Vec::new();
    let files = read(submitted, exercise, &mut remarks)?;
    let more = remarks.len().saturating_sub(MAX_REMARKS);
    remarks.truncate(MAX_REMARKS);
    if more > 0 {
        remarks.push(format!("and {more} more remarks like these"));
    }
    if is_starter(&files, exercise) {
        remarks.insert(0, "this is the starter, unchanged".to_owned());
    }
    make_empty_folder(into)?;
    for (path, bytes) in &files {
        write(into, path, bytes)?;
    }
    Ok(Staged {
        bytes: files.values().map(|bytes| bytes.len() as u64).sum(),
        digest: digest(&files),
        files: files.into_keys().collect(),
        remarks,
    })
}

fn read(
    submitted: &Submitted,
    exercise: &Exercise,
    remarks: &mut Vec<String>,
) -> Result<Files, String> {
    let cannot_open = |reason| format!("open the submission: {reason}");
    match submitted.form {
        Form::RustFile => {
            let file = source::open_file(&submitted.path).map_err(cannot_open)?;
            let bytes = Budget::new().read(file)?.map_err(|reason| {
                format!("{} is not taken: {reason}", named(&submitted.source))
            })?;
            Ok(BTreeMap::from([("src/main.rs".to_owned(), bytes)]))
        }
        Form::Zip | Form::TarGz => {
            let file = source::open_file(&submitted.path).map_err(cannot_open)?;
            let mut archive = archive::open(file, submitted.form)?;
            read_program(archive.as_mut(), exercise, remarks)
        }
        Form::Folder => {
            let mut folder = Folder::open(&submitted.path).map_err(cannot_open)?;
            // Learning platforms put what a student uploads into a folder: also an archive.
            let Some((path, form)) = lone_archive(&folder.list()?) else {
                return read_program(&mut folder, exercise, remarks);
            };
            let about = |reason| format!("{}: {reason}", named(&path));
            let file = folder.open_file(&path).map_err(about)?;
            let mut archive = archive::open(file, form).map_err(about)?;
            read_program(archive.as_mut(), exercise, remarks).map_err(about)
        }
    }
}

/// The archive in a folder, if the folder holds no Rust but one archive.
fn lone_archive(listing: &Listing) -> Option<(String, Form)> {
    let mut archives = Vec::new();
    for path in &listing.files {
        match Form::of_file(path) {
            Some((Form::RustFile, _)) => return None,
            Some((form, _)) if !path.contains('/') => archives.push((path, form)),
            _ => {}
        }
    }
    match archives[..] {
        [(path, form)] => Some((path.clone(), form)),
        _ => None,
    }
}

/// Reads the program out of a folder or an archive.
fn read_program(
    source: &mut dyn Source,
    exercise: &Exercise,
    remarks: &mut Vec<String>,
) -> Result<Files, String> {
    let listing = source.list()?;
    let layout = layout::find(&listing, &exercise.key)?;
    let ignored = layout.ignored.iter().map(|(path, reason)| (path, reason));
    for (path, reason) in listing.refused.iter().chain(ignored) {
        remarks.push(format!("{}: ignored: {reason}", named(path)));
    }
    let wanted: BTreeSet<String> = layout.files.values().cloned().collect();
    let files = under_staged_names(&layout, source.read(&wanted)?, remarks)?;
    let settings = settings::around(&layout, exercise);
    let paths = settings.iter().map(|setting| setting.path.clone());
    let there: BTreeSet<String> =
        paths.filter(|path| listing.files.contains(path)).collect();
    if !there.is_empty() {
        remarks.extend(settings::remarks(&settings, &source.read(&there)?));
    }
    Ok(files)
}

/// The files under the names of the staged ones. Only `main.rs` must be there: the compiler will
/// tell if it misses another one, and the remark tells why.
fn under_staged_names(
    layout: &Layout,
    mut contents: Contents,
    remarks: &mut Vec<String>,
) -> Result<Files, String> {
    let mut files = Files::new();
    for (staged, path) in &layout.files {
        match contents.remove(path) {
            Some(Ok(bytes)) => {
                files.insert(staged.clone(), bytes);
            }
            missing => {
                let gone = "it is not there any more".to_owned();
                let reason = missing.and_then(Result::err).unwrap_or(gone);
                if staged == "src/main.rs" {
                    return Err(format!("{} is not taken: {reason}", named(path)));
                }
                remarks.push(format!("{}: ignored: {reason}", named(path)));
            }
        }
    }
    Ok(files)
}

/// Whether nothing was done. Windows may have changed the ends of the lines.
fn is_starter(files: &Files, exercise: &Exercise) -> bool {
    let folder = exercise::workspace().join("exercises").join(&exercise.key);
    let without_returns =
        |bytes: &[u8]| bytes.iter().copied().filter(|b| *b != b'\r').collect::<Vec<u8>>();
    match (fs::read(folder.join("starter.rs")), files.get("src/main.rs")) {
        (Ok(starter), Some(main)) => {
            files.len() == 1 && without_returns(&starter) == without_returns(main)
        }
        _ => false,
    }
}

fn make_empty_folder(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(format!("stage into {shown}: the folder is not empty")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(|error| format!("make {shown}: {error}"))
        }
        Err(error) => Err(format!("stage into {shown}: {error}")),
    }
}

/// Writes a file anew: with the time of now, so that Cargo does not take it for compiled, and with
/// ordinary rights.
fn write(into: &Path, path: &str, bytes: &[u8]) -> Result<(), String> {
    let written = || -> io::Result<()> {
        for (end, _) in path.match_indices('/') {
            let folder = into.join(&path[..end]);
            if !folder.is_dir() {
                fs::create_dir(&folder)?;
                fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
            }
        }
        let path = into.join(path);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(0o644))
    };
    written().map_err(|error| format!("write {}: {error}", into.join(path).display()))
}

/// A path ends with a byte 0, which no path holds; with the length behind it, no two programs give
/// the same bytes.
fn digest(files: &Files) -> String {
    let mut hash = Sha256::new();
    for (path, bytes) in files {
        hash.update(path);
        hash.update([0]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
