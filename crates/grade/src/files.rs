//! How the grader writes what it keeps and reports.
//!
//! No reader ever sees half a file, whoever kills the grader in between: each gets its name only
//! when it is complete, and on the disk. Only their owner can read the files: grades are nobody
//! else's business.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file, in the place of the one that was there. Its folder is made if it is not there.
///
/// # Errors
/// What could not be written, and why.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(|error| format!("write {}: {error}", path.display()))
}
