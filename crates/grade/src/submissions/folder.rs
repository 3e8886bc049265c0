//! A submission that is a folder.
//!
//! Every folder is opened inside the one above it, and no link is followed on the way. So nothing
//! outside is read, even if somebody changes the tree at the same moment.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::SFlag;

use super::source::{self, Budget, Contents, Listing, Source};
use super::{MAX_DEPTH, MAX_ENTRIES};

/// The longest way from a submission to its `src`: a folder with a copy of the repository.
const FOLDERS_ABOVE_SRC: usize = 4;

/// An open folder.
pub(super) struct Folder {
    top: OwnedFd,
}

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// It cannot be opened, or is a link.
    pub fn open(path: &Path) -> Result<Folder, String> {
        Ok(Folder { top: source::open_folder(path)? })
    }

    /// Opens the file at this path, one folder after another.
    pub fn open_file(&self, path: &str) -> Result<fs::File, String> {
        let Some((folders, name)) = path.rsplit_once('/') else {
            return source::open_file_at(&self.top, path);
        };
        let mut folder: Option<OwnedFd> = None;
        for part in folders.split('/') {
            let above = folder.as_ref().unwrap_or(&self.top);
            folder = Some(source::open_folder_at(above, part)?);
        }
        source::open_file_at(folder.as_ref().unwrap_or(&self.top), name)
    }
}

impl Source for Folder {
    fn list(&mut self) -> Result<Listing, String> {
        let mut walk = Walk { listing: Listing::default(), looked_at: 0 };
        walk.enter(self.top.as_fd(), &mut Vec::new())?;
        Ok(walk.listing)
    }

    fn read(&mut self, wanted: &BTreeSet<String>) -> Result<Contents, String> {
        let mut budget = Budget::new();
        let mut contents = Contents::new();
        for path in wanted {
            let content = match self.open_file(path) {
                Ok(file) => budget.read(file)?,
                Err(reason) => Err(reason),
            };
            contents.insert(path.clone(), content);
        }
        Ok(contents)
    }
}

/// A walk through all folders of a submission.
struct Walk {
    listing: Listing,
    looked_at: usize,
}

impl Walk {
    /// Lists an open folder. `above` are the names on the way to it.
    fn enter(
        &mut self,
        folder: BorrowedFd<'_>,
        above: &mut Vec<String>,
    ) -> Result<(), String> {
        // The standard library lists paths only. This path is the open folder itself.
        let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
        let list_error = |error| format!("list the files of the submission: {error}");
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(list_error)? {
            let entry = entry.map_err(list_error)?;
            self.looked_at += 1;
            if self.looked_at > MAX_ENTRIES {
                return Err(format!(
                    "there are more than {MAX_ENTRIES} files and folders: hand in the \
                     folder `src` only"
                ));
            }
            // It may be gone again since it was listed: then it is not there.
            if let Ok(metadata) = entry.metadata() {
                names.push((entry.file_name(), metadata));
            }
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, metadata) in names {
            let Some(name) = name.to_str() else {
                let path = joined(above, &name.to_string_lossy());
                self.listing.refuse(&path, "its name is not UTF-8");
                continue;
            };
            if source::is_clutter(above.iter().map(String::as_str), name) {
                continue;
            }
            let path = joined(above, name);
            if let Some(reason) = source::kind(SFlag::from_bits_truncate(metadata.mode()))
            {
                self.listing.refuse(&path, reason);
            } else if metadata.is_file() {
                self.listing.files.insert(path);
            } else if above.len() == FOLDERS_ABOVE_SRC + MAX_DEPTH {
                self.listing.refuse(&path, "it lies too deep");
            } else {
                match source::open_folder_at(folder, name) {
                    Ok(inner) => {
                        above.push(name.to_owned());
                        self.enter(inner.as_fd(), above)?;
                        above.pop();
                    }
                    Err(reason) => self.listing.refuse(&path, reason),
                }
            }
        }
        Ok(())
    }
}

fn joined(above: &[String], name: &str) -> String {
    above.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("/")
}
