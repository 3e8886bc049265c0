//! Bytes for a message: escaped, short, and with the first difference marked.

use std::ascii;

/// Of long data only so many bytes are shown at either end.
const SHOWN_AT_EITHER_END: usize = 24;

/// Before and behind a difference so many columns are shown: both fit on a screen of 80.
const SHOWN_AROUND: usize = 28;

/// The bytes between backticks; long data as its head and its tail with the length.
pub fn quoted(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    if bytes.len() <= 3 * SHOWN_AT_EITHER_END {
        return format!("`{}`", escaped(bytes));
    }
    let head = escaped(&bytes[..SHOWN_AT_EITHER_END]);
    let tail = escaped(&bytes[bytes.len() - SHOWN_AT_EITHER_END..]);
    format!("`{head}` … `{tail}` ({} bytes)", bytes.len())
}

/// The bytes as in Rust's `b"..."`. A backtick is escaped, too: it would end the quotation.
fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace('`', "\\x60")
}

/// Both sides around the first byte in which they differ, with a caret under it. Nothing if one of
/// them is only the beginning of the other.
pub fn difference(wanted: &[u8], got: &[u8]) -> Vec<String> {
    if wanted.starts_with(got) || got.starts_with(wanted) {
        return Vec::new(); // Long data is compared faster like this than byte by byte.
    }
    let Some(offset) = wanted.iter().zip(got).position(|(a, b)| a != b) else {
        return Vec::new();
    };
    let start = offset - fitting(wanted[..offset].iter().rev());
    let part = |bytes: &[u8]| {
        let end = offset + fitting(bytes[offset..].iter());
        bytes[start..end].escape_ascii().to_string()
    };
    let before = wanted[start..offset].escape_ascii().to_string().len();
    vec![
        format!("first difference at byte {offset} (counted from 0):"),
        format!("  wanted  {}", part(wanted)),
        format!("  got     {}", part(got)),
        format!("          {}^", " ".repeat(before)),
    ]
}

/// How many of these bytes fit, escaped.
fn fitting<'b>(bytes: impl Iterator<Item = &'b u8>) -> usize {
    let mut columns = 0;
    let fits = |byte: &&u8| {
        columns += ascii::escape_default(**byte).count();
        columns <= SHOWN_AROUND
    };
    bytes.take_while(fits).count()
}

/// A line that a program printed, safe for a terminal: what is no printable ASCII is escaped.
pub fn printable(line: &str) -> String {
    let shown = |byte: u8| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => ascii::escape_default(byte).to_string(),
    };
    line.bytes().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_data_is_whole_and_long_data_has_both_ends() {
        assert_eq!(quoted(b"a\n\xff"), "`a\\n\\xff`");
        assert_eq!(quoted(b"a`b"), "`a\\x60b`");
        assert_eq!(quoted(b""), "nothing");
        let long = quoted(&[b'x'; 1000]);
        assert!(long.ends_with("(1000 bytes)") && long.len() < 100, "{long}");
    }

    #[test]
    fn the_caret_stands_under_the_difference() {
        let lines = difference(b"one\ntwo", b"one\ntoo");
        assert_eq!(lines[0], "first difference at byte 5 (counted from 0):");
        let column = lines[3].find('^').unwrap();
        assert_eq!((&lines[1][column..=column], &lines[2][column..=column]), ("w", "o"));
        assert!(difference(b"one", b"one two").is_empty());
        let lines = difference(&[1; 100], &[[1; 50], [2; 50]].concat());
        assert!(lines.iter().all(|line| line.len() <= 70), "{lines:?}");
        assert_eq!(lines[2].find("\\x02"), lines[3].find('^'));
    }

    #[test]
    fn printed_lines_keep_their_quotes_but_cannot_command_a_terminal() {
        assert_eq!(
            printable("thread 'main' \u{1b}[2J é"),
            "thread 'main' \\x1b[2J \\xc3\\xa9"
        );
    }
}
