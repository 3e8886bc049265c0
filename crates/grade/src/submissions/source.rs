//! What the three kinds of submissions have in common: they list what they hold, and read a part of
//! it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::{MAX_BYTES, MAX_FILE_BYTES};

/// The names of files that were asked for, with their bytes, or why they cannot be had.
pub(super) type Contents = BTreeMap<String, Result<Vec<u8>, String>>;

/// A submission that can be looked into.
pub(super) trait Source {
    /// Everything in it.
    ///
    /// # Errors
    /// It cannot be read, or it is too large to be looked through.
    fn list(&mut self) -> Result<Listing, String>;

    /// The bytes of some of its files.
    ///
    /// # Errors
    /// It cannot be read, or these files are together larger than [`MAX_BYTES`].
    fn read(&mut self, wanted: &BTreeSet<String>) -> Result<Contents, String>;
}

/// What a submission holds. Paths are relative, with `/`, and go nowhere else: no `..` is in them.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The files.
    pub files: BTreeSet<String>,
    /// What is there, but is not looked at; the path as it may be shown, and the reason.
    pub refused: BTreeMap<String, String>,
}

impl Listing {
    /// Notes what is not looked at.
    pub fn refuse(&mut self, path: &str, reason: impl Into<String>) {
        self.refused.insert(path.to_owned(), reason.into());
    }
}

/// Whether a name in a submission is nothing that a student has written: hidden files, what systems
/// and Cargo put there. `parents` are the folders above it.
///
/// `.cargo` is looked at, since what stands in it changes how a program is compiled. Below `src`,
/// `target` is a module like any other.
pub(super) fn is_clutter<'n>(
    mut parents: impl Iterator<Item = &'n str>,
    name: &str,
) -> bool {
    match name {
        ".cargo" => false,
        "__MACOSX" | "node_modules" => true,
        "target" => !parents.any(|parent| parent == "src"),
        _ => name.starts_with('.'),
    }
}

/// Counts the bytes that are read, so that no more is read than may be.
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    /// [`MAX_BYTES`].
    pub fn new() -> Budget {
        Budget { left: MAX_BYTES }
    }

    /// Reads a file. The inner error is about this file, the outer one ends everything.
    pub fn read(&mut self, file: impl Read) -> Result<Result<Vec<u8>, String>, String> {
        // One byte more tells a file that fits from one that does not. What a file or an archive
        // says about its size is not relied on.
        let mut bytes = Vec::new();
        if let Err(error) = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
            return Ok(Err(format!("it cannot be read: {error}")));
        }
        let length = bytes.len() as u64;
        if length > MAX_FILE_BYTES {
            return Ok(Err(format!("it is larger than {} MiB", MAX_FILE_BYTES >> 20)));
        }
        let left = self.left.checked_sub(length).ok_or_else(|| {
            format!("the program is larger than {} MiB", MAX_BYTES >> 20)
        })?;
        self.left = left;
        Ok(Ok(bytes))
    }
}

/// Why something that is no plain file and no folder is not looked at.
pub(super) fn kind(mode: SFlag) -> Option<&'static str> {
    match mode & SFlag::S_IFMT {
        SFlag::S_IFREG | SFlag::S_IFDIR => None,
        SFlag::S_IFLNK => Some(LINK),
        SFlag::S_IFIFO => Some("it is a named pipe"),
        SFlag::S_IFSOCK => Some("it is a socket"),
        SFlag::S_IFCHR | SFlag::S_IFBLK => Some("it is a device"),
        _ => Some("it is no file and no folder"),
    }
}

/// Why a link is not looked at.
pub(super) const LINK: &str = "it is a link, which is not followed";

/// Why a file with a second name is not read.
pub(super) const HARD_LINK: &str =
    "it is a hard link: the same file has another name, which may be somebody else's";

/// Opens a folder, which must not be a link.
pub(super) fn open_folder(path: &Path) -> Result<OwnedFd, String> {
    open(path, FOLDER, Mode::empty()).map_err(open_error)
}

/// Opens the folder of this name in a folder, which must not be a link.
pub(super) fn open_folder_at(folder: impl AsFd, name: &str) -> Result<OwnedFd, String> {
    openat(folder, name, FOLDER, Mode::empty()).map_err(open_error)
}

/// Opens a file, which must be a plain one with only this name.
pub(super) fn open_file(path: &Path) -> Result<File, String> {
    plain(open(path, FILE, Mode::empty()).map_err(open_error)?)
}

/// Opens the file of this name in a folder, which must be a plain one with only this name.
pub(super) fn open_file_at(folder: impl AsFd, name: &str) -> Result<File, String> {
    plain(openat(folder, name, FILE, Mode::empty()).map_err(open_error)?)
}

const FOLDER: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_CLOEXEC)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_DIRECTORY);

// With O_NONBLOCK a named pipe opens at once, and is then refused.
const FILE: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_CLOEXEC)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK);

/// Looks at what has really been opened: it may be another thing than was listed.
fn plain(opened: OwnedFd) -> Result<File, String> {
    let status = fstat(&opened).map_err(open_error)?;
    let mode = SFlag::from_bits_truncate(status.st_mode);
    if let Some(reason) = kind(mode) {
        return Err(reason.to_owned());
    }
    if mode & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err("it is a folder".to_owned());
    }
    if status.st_nlink > 1 {
        return Err(HARD_LINK.to_owned());
    }
    Ok(File::from(opened))
}

/// What an error of opening means here.
fn open_error(errno: Errno) -> String {
    match errno {
        // What O_NOFOLLOW says to a link.
        Errno::ELOOP => LINK.to_owned(),
        // And O_DIRECTORY, to a link and to a file.
        Errno::ENOTDIR => "it is a link or a file, where a folder was".to_owned(),
        Errno::ENXIO => "it is a socket".to_owned(),
        errno => format!("it cannot be opened: {}", errno.desc()),
    }
}
