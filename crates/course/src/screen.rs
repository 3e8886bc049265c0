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

/// The text broken between words; lines after the first are indented. Code, between backticks, stays
/// together, unless it is longer than a line.
pub fn wrapped(text: &str, indent: usize) -> Vec<String> {
    filled(text, indent, |line| words(line).into_iter().flat_map(short).collect())
}

/// As [`wrapped`], but what stands between backticks is never broken, however long it is: it is data,
/// and a line break of ours would look like a part of it.
pub fn wrapped_around_data(text: &str, indent: usize) -> Vec<String> {
    filled(text, indent, words)
}

/// Fills lines with words.
fn filled(text: &str, indent: usize, words: fn(&str) -> Vec<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in words(paragraph) {
            let length = line.chars().count();
            let is_empty = line.trim().is_empty();
            // Behind a label in the margin there is as much room as on a new line.
            let gains_room = !is_empty && length + 1 > indent;
            if gains_room && length + 1 + word.chars().count() > COLUMNS {
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

/// The words of a long piece of code; any other stays as it is.
fn short(word: &str) -> Vec<&str> {
    match word.chars().count() > COLUMNS - 12 {
        true => word.split(' ').collect(),
        false => vec![word],
    }
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
    words
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

    #[test]
    fn data_is_never_broken() {
        let data = format!("`{}`", "word ".repeat(12));
        let text = format!("  saw     {data} and {data}");
        let lines = [format!("  saw     {data} and"), format!("{:10}{data}", "")];
        assert_eq!(wrapped_around_data(&text, 10), lines);
        let long = format!("`{}`", "word ".repeat(30));
        let text = format!("  saw     {long} and {long}");
        let lines = [
            format!("  saw     {long}"),
            format!("{:10}and", ""),
            format!("{:10}{long}", ""),
        ];
        assert_eq!(wrapped_around_data(&text, 10), lines);
        assert!(wrapped(&long, 4).len() > 1, "code is, if it is too long");
    }
}
