//! How the grader writes what it keeps and reports.
//!
//! No reader ever sees half a file, whoever kills the grader in between: each gets its name only
//! when it is complete, and on the disk. Grades are nobody else's business: only their owner can
//! read the files, and enter a folder that the grader has made. A folder that was there already stays
//! as open as it was.

use std::fs::{self, DirBuilder, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file, in the place of the one that was there. Its folder is made if it is not there. A
/// file that is already as it should be stays: a class of a thousand has thousands of them.
///
/// # Errors
/// What could not be written, and why.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), String> {
    if is_as_it_should_be(path, content) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = || -> io::Result<()> {
        make_folder(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|error| format!("write {}: {error}", path.display()))
}

/// Whether it is a file with just this content, and for its owner's eyes only.
fn is_as_it_should_be(path: &Path, content: &[u8]) -> bool {
    let is_private_file = |found: Metadata| {
        found.is_file()
            && found.mode() & 0o777 == 0o600
            && found.len() == content.len() as u64
    };
    fs::symlink_metadata(path).is_ok_and(is_private_file)
        && fs::read(path).is_ok_and(|there| there == content)
}

/// Makes a folder, and those around it, as far as they are not there.
///
/// # Errors
/// Those of the system.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
