//! Text of strangers, made harmless for the place where it is shown.
//!
//! What a student wrote or a program printed is data. A terminal, a spreadsheet, a Markdown
//! viewer or a browser must show it, and never obey it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// A longer file name than this many bytes is cut. Most file systems take 255, and an ending
/// still has to fit.
const LONGEST_FILE_NAME: usize = 150;

/// One line of text in which everything is visible: control characters as `\x1b`, those that
/// turn the direction of text or take no room as `\u{202e}`. Words that a CI runner would take
/// for a command are broken.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => {
                let _ = write!(shown, "\\x{:02x}", u32::from(character));
            }
            _ if is_invisible(character) => {
                let _ = write!(shown, "{}", character.escape_unicode());
            }
            _ => shown.push(character),
        }
    }
    without_commands(shown)
}

/// Several lines, each [`visible`]; tabs become blanks, because they indent.
pub fn visible_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| visible(&line.replace('\t', "    "))).collect()
}

/// Characters that change how others are shown, or are not shown themselves. The two joiners
/// (U+200C, U+200D) are not among them: names in Persian or Hindi, and emoji, need them.
fn is_invisible(character: char) -> bool {
    // The last two of each plane are no characters; XML does not even allow U+FFFE and U+FFFF.
    let is_none = u32::from(character) & 0xfffe == 0xfffe;
    is_none
        || character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// GitHub's runner obeys a line that begins with `::`, and `##[` anywhere in a line; Azure's
/// obeys `##vso[`. A log may be printed there.
fn without_commands(text: String) -> String {
    let text = text.replace("##[", "\\x23#[").replace("##vso[", "\\x23#vso[");
    match text.trim_start().strip_prefix("::") {
        Some(rest) => {
            let indent = &text[..text.len() - rest.len() - 2];
            format!("{indent}\\x3a:{rest}")
        }
        None => text,
    }
}

/// Text for a cell of a CSV file: visible, and no program takes it for a formula.
///
/// A `'` stands before what begins a formula; also behind a `;`, which separates cells where
/// the decimal sign is a comma, and behind blanks, which some programs remove.
pub fn cell(text: &str) -> String {
    let visible = visible(text);
    let cells: Vec<String> = visible
        .split(';')
        .map(|part| {
            let formula = part.trim_start().starts_with(begins_formula);
            format!("{}{part}", if formula { "'" } else { "" })
        })
        .collect();
    cells.join(";")
}

/// The signs that begin a formula, and their wide and small forms.
fn begins_formula(character: char) -> bool {
    matches!(
        character,
        '=' | '+'
            | '-'
            | '@'
            | '＝'
            | '＋'
            | '－'
            | '＠'
            | '﹦'
            | '﹢'
            | '﹣'
            | '﹫'
            | '−'
    )
}

/// A file name for a student's id, without its ending. Different ids have different names.
///
/// What is no ASCII letter or digit, nor one of `_`, `-`, `.` and `@` inside, is written as the
/// `%XX` of its bytes. A long name is cut; the SHA-256 of the id is then its end.
pub fn file_name(id: &str) -> String {
    let mut name = String::new();
    for (place, byte) in id.bytes().enumerate() {
        // A name must not hide itself, nor look like an option of a command.
        let inside = place > 0 && matches!(byte, b'-' | b'.');
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@') || inside {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    if name.is_empty() {
        return "%".to_owned();
    }
    if name.len() > LONGEST_FILE_NAME {
        name.truncate(LONGEST_FILE_NAME);
        name.push_str("%-");
        name.push_str(&sha256(id));
    }
    name
}

/// The SHA-256 of a text, in hex.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text inside a line of Markdown, as code: there nothing else is markup.
pub fn markdown_code(text: &str) -> String {
    let text = visible(text);
    let ticks = "`".repeat(longest_run_of_ticks(&text) + 1);
    // One blank on either side is not shown; without it a tick of the text would join ours.
    let blank = if text.is_empty() || text.contains(['`', ' ']) { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

/// Lines as a block of code in Markdown. They must be visible ones.
pub fn markdown_block(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run_of_ticks(line)).max();
    let fence = "`".repeat((longest.unwrap_or(0) + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_run_of_ticks(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// Text for HTML, between tags or in an attribute with quotes.
pub fn html(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => shown.push(character),
        }
    }
    shown
}

/// A sentence for HTML: what stands between two backticks is code. If they are not in pairs, they
/// are shown as they are.
pub fn html_sentence(text: &str) -> String {
    let text = html(text);
    if text.contains("``") || text.matches('`').count() % 2 == 1 {
        return text;
    }
    let mut shown = String::new();
    for (number, part) in text.split('`').enumerate() {
        let (open, close) =
            if number % 2 == 1 { ("<code>", "</code>") } else { ("", "") };
        let _ = write!(shown, "{open}{part}{close}");
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_commands_a_display_is_shown_as_an_escape() {
        assert_eq!(visible("a\u{1b}[2J\u{7f}\r\n\tb\0"), "a\\x1b[2J\\x7f\\r\\n\\tb\\x00");
        assert_eq!(
            visible("\u{202e}evil\u{9b}1m\u{feff}"),
            "\\u{202e}evil\\u{9b}1m\\u{feff}"
        );
        assert_eq!(visible("\u{fffe}\u{1ffff}\u{fffd}"), "\\u{fffe}\\u{1ffff}\u{fffd}");
        assert_eq!(visible("שלום 👩‍💻 ناهید é"), "שלום 👩‍💻 ناهید é");
    }

    #[test]
    fn a_runner_finds_no_command() {
        assert_eq!(visible("  ::set-output name=x::1"), "  \\x3a:set-output name=x::1");
        assert_eq!(visible("so ##[error]x ##vso[y]"), "so \\x23#[error]x \\x23#vso[y]");
        assert_eq!(visible("std::io"), "std::io");
    }

    #[test]
    fn a_cell_is_no_formula_even_behind_blanks_or_a_semicolon() {
        let cells = ["=1", "+1", "-1", "@x", " \u{3000}=1", "＝1", "－1"];
        for text in cells {
            assert_eq!(cell(text), format!("'{text}"));
        }
        assert_eq!(cell("a;=1+1"), "a;'=1+1");
        assert_eq!(cell("\t=1"), "\\t=1");
        assert_eq!(cell("O'Neil, \"Q\" 1-2"), "O'Neil, \"Q\" 1-2");
    }

    #[test]
    fn different_ids_have_different_safe_file_names() {
        let long = "x".repeat(400);
        let longer = format!("{long}y");
        let ids = [
            "",
            ".",
            "..",
            "a/b",
            "a%2Fb",
            "a b",
            "a_b",
            "-rf",
            "a\0",
            "é",
            "e\u{301}",
            "%",
            "A",
            "a",
            ".bashrc",
            &long,
            &longer,
            "C:\\x",
            "a\n",
            "ada@example.org",
        ];
        let names: BTreeSet<String> = ids.iter().map(|id| file_name(id)).collect();
        assert_eq!(names.len(), ids.len(), "{names:?}");
        for name in &names {
            let safe =
                |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@%".contains(&byte);
            assert!(name.bytes().all(safe) && name.len() < 240, "{name}");
            assert!(!name.starts_with(['.', '-']), "{name}");
        }
        assert_eq!(file_name("ada@example.org"), "ada@example.org");
        assert_eq!(file_name("../x"), "%2E./x".replace('/', "%2F"));
    }

    #[test]
    fn a_fence_is_longer_than_every_run_of_ticks() {
        let block = markdown_block(&["a ````` b".to_owned()]);
        assert!(
            block.starts_with("``````text\n") && block.ends_with("\n``````\n"),
            "{block}"
        );
        assert_eq!(markdown_code("`` a"), "``` `` a ```");
        assert_eq!(markdown_code("a"), "`a`");
    }

    #[test]
    fn html_shows_markup_as_text() {
        assert_eq!(
            html("<b a='x'>&\"\u{202e}"),
            "&lt;b a=&#39;x&#39;&gt;&amp;&quot;\\u{202e}"
        );
        assert_eq!(html_sentence("run `a<b`, now"), "run <code>a&lt;b</code>, now");
        assert_eq!(html_sentence("it`s ``` <"), "it`s ``` &lt;");
    }
}
