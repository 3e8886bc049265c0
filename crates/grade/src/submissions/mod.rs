//! What the students have handed in: who it is from, and which files of it count.
//!
//! [`discover`] finds a submission for each student in a folder; [`stage`] copies the files of one
//! that count into a fresh folder. Both take every name and every byte for a stranger's: nothing is
//! followed out of a submission, everything has a limit, and what is left out is said.

mod archive;
mod discover;
mod folder;
mod layout;
mod roster;
mod settings;
mod source;
mod stage;

pub use discover::{Discovered, Form, Submitted, discover, single};
pub use roster::{Roster, Student};
pub use stage::{Staged, stage};

/// More files of a program are not taken. The largest solution of the course has a handful.
pub const MAX_FILES: usize = 200;

/// A larger file is not taken, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// A larger program is not taken, in bytes.
pub const MAX_BYTES: u64 = 5 << 20;

/// So many folders below `src` are looked into.
pub const MAX_DEPTH: usize = 8;

/// So many files and folders of a submission are looked at, if it is a folder.
pub const MAX_ENTRIES: usize = 10_000;

/// The same for an archive, where looking costs less.
pub const MAX_ARCHIVE_ENTRIES: usize = 100_000;

/// A larger archive is not opened, in bytes.
pub const MAX_ARCHIVE_BYTES: u64 = 64 << 20;

/// So much of a `.tar.gz` is unpacked to look through it, in bytes: there is no other way to what
/// stands behind.
pub const MAX_UNPACKED_BYTES: u64 = 256 << 20;

/// Text of a stranger for a message: one line, harmless for a terminal, and no longer than so many
/// characters.
///
/// Control characters and those that are invisible or change the direction of the text are escaped.
/// Letters of any script stay as they are, and so do the two joiners, which emoji and Persian need.
pub fn shown(text: &str, longest: usize) -> String {
    let mut line = String::new();
    for (number, character) in text.chars().enumerate() {
        if number == longest {
            line.push('…');
            break;
        }
        match character {
            '\n' | '\r' | '\t' => line.extend(character.escape_default()),
            _ if is_hidden(character) => line.extend(character.escape_unicode()),
            _ => line.push(character),
        }
    }
    line
}

/// Whether a character is not seen, but changes how others are.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A path or a name from a submission for a message.
fn named(path: &str) -> String {
    format!("`{}`", shown(path, 80))
}

/// Ids and names are compared so: without regard to case and to spaces at the ends.
pub fn normalised(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_stranger_is_one_harmless_line() {
        assert_eq!(shown("a\nb\x1b[31m\u{202e}c", 80), "a\\nb\\u{1b}[31m\\u{202e}c");
        assert_eq!(shown("Zoë 👩‍💻 \"'עדה", 80), "Zoë 👩‍💻 \"'עדה");
        assert_eq!(shown("abcdef", 3), "abc…");
    }

    #[test]
    fn ids_are_compared_without_case_and_outer_spaces() {
        assert_eq!(normalised(" ÄDA "), "äda");
    }
}
