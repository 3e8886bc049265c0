//! Text for a screen of 80 columns.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Effects, Style};

/// So many characters a line has at most, if its words allow it.
const COLUMNS: usize = 80;

/// For what went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// For what did not.
pub const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
/// For what could not be tried.
pub const OPEN: Style = AnsiColor::Yellow.on_default();
/// For headings.
pub const BOLD: Style = Style::new().effects(Effects::BOLD);

/// The text broken between words; lines after the first are indented. What stands between
/// backticks stays together where it can: it is code, or bytes.
pub fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in words(paragraph) {
            let length = line.chars().count();
            let is_empty = line.trim().is_empty();
            if !is_empty && length + 1 + word.chars().count() > COLUMNS {
                lines.push(line);
                line = " ".repeat(indent);
            } else if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// The words of a text. Spaces between backticks, and at the beginning, belong to their word.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quoted) = (0, false);
    let mut seen_letter = false;
    for (place, letter) in text.char_indices() {
        match letter {
            '`' => quoted = !quoted,
            ' ' if !quoted && seen_letter => {
                words.push(&text[start..place]);
                start = place + 1;
                continue;
            }
            _ => {}
        }
        seen_letter |= letter != ' ';
    }
    words.push(&text[start..]);
    // A quoted text longer than a line is broken after all.
    words
        .into_iter()
        .flat_map(|word| {
            match word.chars().count() > COLUMNS - 12 && word.contains(' ') {
                true => word.split(' ').collect(),
                false => vec![word],
            }
        })
        .collect()
}

/// A line that says what is being done, and goes away when it has been done. Only a terminal shows
/// it: a file would keep it.
pub struct Passing {
    shown: bool,
}

impl Passing {
    /// Shows it.
    pub fn show(text: &str) -> Passing {
        let shown = io::stdout().is_terminal();
        if shown {
            let text: String = text.chars().take(COLUMNS - 1).collect();
            let _ = write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
        }
        Passing { shown }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stdout(), "\r\x1b[K").and_then(|()| io::stdout().flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_indented() {
        let text = "ok    2/2  ".to_owned() + &"word ".repeat(30);
        let lines = wrapped(&text, 11);
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{lines:?}");
        assert!(lines[1].starts_with("           word"));
        assert!(lines[0].starts_with("ok    2/2  word"));
    }

    #[test]
    fn code_and_leading_spaces_are_kept() {
        let text =
            format!("  {} `let n = stream.read(&mut buffer)?;`", "word ".repeat(11));
        let lines = wrapped(&text, 2);
        assert!(lines[0].starts_with("  word word"));
        assert_eq!(lines[1], "  `let n = stream.read(&mut buffer)?;`");
    }
}
