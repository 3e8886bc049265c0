//! A submission that is an archive: `.zip` or `.tar.gz`.
//!
//! Nothing is unpacked to disk. The names in an archive are only compared, and the files that count
//! are read into memory. What an archive says about sizes is not relied on: the bytes are counted.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};

use flate2::read::MultiGzDecoder;
use nix::sys::stat::SFlag;
use tar::EntryType;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::source::{self, Budget, Contents, LINK, Listing, Source};
use super::{Form, MAX_ARCHIVE_BYTES, MAX_ARCHIVE_ENTRIES, MAX_UNPACKED_BYTES};

/// Opens an archive of this form.
///
/// # Errors
/// It is too large, or not an archive of this form.
pub(super) fn open(file: File, form: Form) -> Result<Box<dyn Source>, String> {
    let length =
        file.metadata().map_err(|error| format!("open the archive: {error}"))?.len();
    if length > MAX_ARCHIVE_BYTES {
        return Err(format!(
            "the archive is larger than {} MiB: leave `target` out",
            MAX_ARCHIVE_BYTES >> 20
        ));
    }
    match form {
        Form::Zip => Ok(Box::new(Zip::open(file)?)),
        _ => Ok(Box::new(TarGz { file })),
    }
}

/// Where a name in an archive leads.
enum Place {
    /// To this path inside the archive.
    Inside(String),
    /// To something that nobody has written.
    Clutter,
    /// Out of the archive.
    Outside,
}

/// Takes a name in an archive to pieces.
fn place(name: &str) -> Place {
    let first = name.split('/').next().unwrap_or_default();
    // `C:` is the beginning of an absolute path in Windows.
    if first.is_empty()
        || first.ends_with(':')
        || name.split('/').any(|part| part == "..")
    {
        return Place::Outside;
    }
    let parts: Vec<&str> =
        name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_clutter =
        |at: usize| source::is_clutter(parts[..at].iter().copied(), parts[at]);
    if parts.is_empty() || (0..parts.len()).any(is_clutter) {
        return Place::Clutter;
    }
    Place::Inside(parts.join("/"))
}

/// Why a path that leads out of an archive is not looked at.
const OUTSIDE: &str = "its path leads out of the archive";

/// Why the second file of a name is not looked at.
const TWICE: &str = "it stands in the archive more than once: the first one counts";

/// What lies behind a link would be read from where the link points to: it is not looked at.
fn refuse_behind_links(listing: &mut Listing) {
    let behind = |path: &String| {
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        above.any(|folder| listing.refused.get(folder).is_some_and(|r| r == LINK))
    };
    let refused: Vec<String> =
        listing.files.iter().filter(|p| behind(p)).cloned().collect();
    for path in refused {
        listing.files.remove(&path);
        listing.refuse(&path, "the way to it is a link, which is not followed");
    }
}

/// The ways of compressing that are in use for a zip archive.
const UNDERSTOOD: [CompressionMethod; 2] =
    [CompressionMethod::Stored, CompressionMethod::Deflated];

/// A `.zip` archive.
struct Zip {
    archive: ZipArchive<BufReader<File>>,
}

impl Zip {
    fn open(file: File) -> Result<Zip, String> {
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| {
            format!("this is no zip archive that can be read: {error}")
        })?;
        if archive.len() > MAX_ARCHIVE_ENTRIES {
            return Err(too_many_entries());
        }
        // The library keeps one file of each name, and not the first.
        if archive.has_duplicate_names() {
            return Err(
                "two files in the zip archive have the same name, so it is not clear \
                        which one counts: pack it again"
                    .to_owned(),
            );
        }
        Ok(Zip { archive })
    }

    /// The path of an entry. Old programs of Windows write `\` into it, which no format allows.
    fn name(&self, index: usize) -> Result<String, ZipError> {
        Ok(self.archive.by_index_data(index)?.name()?.replace('\\', "/"))
    }
}

fn too_many_entries() -> String {
    format!(
        "there are more than {MAX_ARCHIVE_ENTRIES} files and folders in the archive: hand \
         in the folder `src` only"
    )
}

impl Source for Zip {
    fn list(&mut self) -> Result<Listing, String> {
        let mut listing = Listing::default();
        for index in 0..self.archive.len() {
            let broken = |error| format!("read the zip archive: {error}");
            let entry = self.archive.by_index_data(index).map_err(broken)?;
            let Ok(name) = self.name(index) else {
                let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
                listing.refuse(&name, "its name is not UTF-8");
                continue;
            };
            let path = match place(&name) {
                Place::Inside(path) => path,
                Place::Clutter => continue,
                Place::Outside => {
                    listing.refuse(&name, OUTSIDE);
                    continue;
                }
            };
            // Without the bits for it (an archive from Windows), an entry is a file or a folder.
            let mode = SFlag::from_bits_truncate(entry.unix_mode().unwrap_or(0));
            let is_known = !(mode & SFlag::S_IFMT).is_empty();
            if let Some(reason) = source::kind(mode).filter(|_| is_known) {
                listing.refuse(&path, reason);
            } else if name.ends_with('/') {
                continue;
            } else if entry.encrypted() {
                return Err(
                    "the zip archive is encrypted: pack it without a password".to_owned()
                );
            } else if listing.files.contains(&path) {
                listing.refuse(&path, TWICE);
            } else {
                listing.files.insert(path);
            }
        }
        refuse_behind_links(&mut listing);
        Ok(listing)
    }

    fn read(&mut self, wanted: &BTreeSet<String>) -> Result<Contents, String> {
        let mut budget = Budget::new();
        let mut contents = Contents::new();
        for index in 0..self.archive.len() {
            let Ok(name) = self.name(index) else { continue };
            let Place::Inside(path) = place(&name) else { continue };
            if !wanted.contains(&path)
                || contents.contains_key(&path)
                || name.ends_with('/')
            {
                continue;
            }
            let content = match self.archive.by_index(index) {
                Ok(entry) if !UNDERSTOOD.contains(&entry.compression()) => {
                    Err("it is compressed in a way that is not understood: pack it with \
                     \"deflate\", as programs do unless told otherwise"
                        .to_owned())
                }
                Ok(entry) => budget.read(entry)?,
                Err(error) => Err(format!("it cannot be read: {error}")),
            };
            contents.insert(path, content);
        }
        Ok(contents)
    }
}

/// A `.tar.gz` archive. It can only be read from its beginning, so it is unpacked twice: to list it,
/// and to read what counts.
struct TarGz {
    file: File,
}

impl TarGz {
    /// Calls `visit` with each entry, its path as it stands there, and the bytes.
    fn each(
        &mut self,
        mut visit: impl FnMut(EntryType, &[u8], &mut dyn Read) -> Result<(), String>,
    ) -> Result<(), String> {
        let broken = |error: io::Error| match error.kind() {
            ErrorKind::FileTooLarge => format!(
                "unpacked, the archive is larger than {} MiB: leave `target` out",
                MAX_UNPACKED_BYTES >> 20
            ),
            _ => format!("this is no tar.gz archive that can be read: {error}"),
        };
        self.file.rewind().map_err(broken)?;
        let unpacked = MultiGzDecoder::new(BufReader::new(&self.file));
        let mut archive =
            tar::Archive::new(Limited { inner: unpacked, left: MAX_UNPACKED_BYTES });
        for (number, entry) in archive.entries().map_err(broken)?.enumerate() {
            let mut entry = entry.map_err(broken)?;
            if number == MAX_ARCHIVE_ENTRIES {
                return Err(too_many_entries());
            }
            let (kind, path) =
                (entry.header().entry_type(), entry.path_bytes().into_owned());
            visit(kind, &path, &mut entry)?;
        }
        Ok(())
    }
}

impl Source for TarGz {
    fn list(&mut self) -> Result<Listing, String> {
        let mut listing = Listing::default();
        self.each(|kind, path, _| {
            let Ok(name) = str::from_utf8(path) else {
                listing.refuse(&String::from_utf8_lossy(path), "its name is not UTF-8");
                return Ok(());
            };
            let path = match place(name) {
                Place::Inside(path) => path,
                Place::Clutter => return Ok(()),
                Place::Outside => {
                    listing.refuse(name, OUTSIDE);
                    return Ok(());
                }
            };
            match kind {
                EntryType::Directory | EntryType::XGlobalHeader => {}
                EntryType::Regular | EntryType::Continuous => {
                    if !listing.files.insert(path.clone()) {
                        listing.refuse(&path, TWICE);
                    }
                }
                EntryType::Symlink | EntryType::Link => listing.refuse(&path, LINK),
                EntryType::Fifo => listing.refuse(&path, "it is a named pipe"),
                EntryType::Char | EntryType::Block => {
                    listing.refuse(&path, "it is a device")
                }
                _ => listing.refuse(&path, "it is no plain file"),
            }
            Ok(())
        })?;
        refuse_behind_links(&mut listing);
        Ok(listing)
    }

    fn read(&mut self, wanted: &BTreeSet<String>) -> Result<Contents, String> {
        let mut budget = Budget::new();
        let mut contents = Contents::new();
        self.each(|kind, path, bytes| {
            let is_file = matches!(kind, EntryType::Regular | EntryType::Continuous);
            let Some(Place::Inside(path)) = str::from_utf8(path).ok().map(place) else {
                return Ok(());
            };
            if is_file && wanted.contains(&path) && !contents.contains_key(&path) {
                contents.insert(path, budget.read(bytes)?);
            }
            Ok(())
        })?;
        Ok(contents)
    }
}

/// Reads so much and no more: the rest is an error, not an end.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::from(ErrorKind::FileTooLarge))?;
        Ok(count)
    }
}
