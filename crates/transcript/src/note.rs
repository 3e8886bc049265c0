//! A lesson as the player sees it: sections with the steps of their transcripts, and excerpts of
//! code. The notation is described in the crate's documentation.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use regex::Regex;

/// A lesson.
pub struct Note {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Its first heading.
    pub title: String,
    /// The sections that have something to play, in order.
    pub sections: Vec<Section>,
    /// The excerpts of code.
    pub excerpts: Vec<Excerpt>,
    /// How many transcripts are shown but not played (`console ignore`).
    pub ignored: usize,
}

/// All that stands between two headings: one play.
pub struct Section {
    /// The heading, without its marks.
    pub heading: String,
    /// Whether its programs need the rights of root.
    pub privileged: bool,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// The fences that the steps stand in.
    pub fences: Vec<Fence>,
}

/// The lines between the marks of a fenced block.
#[derive(Clone)]
pub struct Fence {
    /// The line of the opening mark, counted from 1.
    pub line: usize,
    /// Where its content stands in the text of the note, in bytes.
    pub content: Range<usize>,
    /// What stands in front of each line: the indentation of a list, perhaps.
    pub prefix: String,
}

/// One line of a transcript.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line in the note, counted from 1.
    pub line: usize,
    /// Which fence of the section it stands in.
    pub fence: usize,
    /// The terminal.
    pub label: String,
    /// What happens there.
    pub kind: Kind,
}

/// What a line of a transcript says.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `label$ command`: start this program.
    Command(String),
    /// `label> text`: type this line.
    Typed(String),
    /// `label> ^D`: close the input.
    EndOfInput,
    /// `label> ^C`: interrupt the program.
    Interrupt,
    /// `label| text`, or `label* text` when neighbours may come in any order.
    Shown {
        /// The line, with its placeholders.
        text: String,
        /// Whether the mark is `*`.
        any_order: bool,
    },
    /// `label| ...`: lines that are left out.
    Elided,
    /// `label$`, `label! 1`, `label! signal 2`: the program has ended.
    Ended(End),
    /// `label~ why`: nothing happens.
    Waits(String),
}

impl Kind {
    /// Whether the step does something, so that everything shown before must have come.
    pub fn is_action(&self) -> bool {
        matches!(
            self,
            Kind::Command(_) | Kind::Typed(_) | Kind::EndOfInput | Kind::Interrupt
        )
    }

    /// Whether the step is a line that a program prints.
    pub fn is_output(&self) -> bool {
        matches!(self, Kind::Shown { .. } | Kind::Elided)
    }
}

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// With this status.
    Status(i32),
    /// Killed by this signal.
    Signal(i32),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let label = &self.label;
        match &self.kind {
            Kind::Command(text) => write!(f, "{label}$ {text}"),
            Kind::Typed(text) if text.is_empty() => write!(f, "{label}>"),
            Kind::Typed(text) => write!(f, "{label}> {text}"),
            Kind::EndOfInput => write!(f, "{label}> ^D"),
            Kind::Interrupt => write!(f, "{label}> ^C"),
            Kind::Shown { text, any_order } => {
                let mark = if *any_order { '*' } else { '|' };
                let space = if text.is_empty() { "" } else { " " };
                write!(f, "{label}{mark}{space}{text}")
            }
            Kind::Elided => write!(f, "{label}| ..."),
            Kind::Ended(End::Status(0)) => write!(f, "{label}$"),
            Kind::Ended(End::Status(status)) => write!(f, "{label}! {status}"),
            Kind::Ended(End::Signal(signal)) => write!(f, "{label}! signal {signal}"),
            Kind::Waits(why) => write!(f, "{label}~ {why}"),
        }
    }
}

/// An excerpt of a source file, announced by `<!-- code: FILE#REGION -->`.
pub struct Excerpt {
    /// The line of the announcement, counted from 1.
    pub line: usize,
    /// The file, as seen from the folder of the note.
    pub file: PathBuf,
    /// The name of the region.
    pub region: String,
    /// The block that follows.
    pub fence: Fence,
    /// The code in it.
    pub code: String,
}

/// Something in the note that the player cannot understand.
#[derive(Debug, PartialEq)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Note {
    /// Reads and understands a note.
    ///
    /// # Errors
    /// One line for each mistake, with file and line.
    pub fn read(path: &Path) -> Result<Note, String> {
        let shown_path = crate::short_path(path);
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", shown_path.display()))?;
        Note::parse(path, text).map_err(|mistakes| {
            let lines = mistakes.iter().map(|mistake| {
                format!("{}:{}: {}", shown_path.display(), mistake.line, mistake.message)
            });
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    /// Understands the text of a note.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn parse(path: &Path, text: String) -> Result<Note, Vec<Mistake>> {
        let mut reader = Reader::new(&text);
        for (event, range) in Parser::new(&text).into_offset_iter() {
            reader.take(event, range);
        }
        reader.finish();
        let Reader { title, sections, excerpts, ignored, mistakes, .. } = reader;
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Note { path: path.to_owned(), title, sections, excerpts, ignored, text })
    }
}

/// Collects what the Markdown parser finds.
struct Reader<'t> {
    text: &'t str,
    title: String,
    heading: Option<String>,
    /// The heading above, until a transcript opens its section.
    next_section: Option<String>,
    block: Option<Block>,
    announced: Option<(usize, PathBuf, String)>,
    sections: Vec<Section>,
    excerpts: Vec<Excerpt>,
    ignored: usize,
    mistakes: Vec<Mistake>,
}

/// A fenced block that is being read.
struct Block {
    info: String,
    line: usize,
    pieces: Vec<Range<usize>>,
    range: Range<usize>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Reader<'t> {
        Reader {
            text,
            title: String::new(),
            heading: None,
            next_section: Some(String::new()),
            block: None,
            announced: None,
            sections: Vec::new(),
            excerpts: Vec::new(),
            ignored: 0,
            mistakes: Vec::new(),
        }
    }

    fn take(&mut self, event: Event, range: Range<usize>) {
        match event {
            Event::Start(Tag::Heading { .. }) => self.heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let heading = self.heading.take().unwrap_or_default();
                if self.title.is_empty() {
                    self.title.clone_from(&heading);
                }
                self.next_section = Some(heading);
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                let line = self.line_of(range.start);
                self.block = Some(Block { info, line, pieces: Vec::new(), range });
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some(block) = self.block.take() {
                    self.finish_block(&block);
                }
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(block) = &mut self.block {
                    block.pieces.push(range);
                } else if let Some(heading) = &mut self.heading {
                    heading.push_str(&text);
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                self.take_html(&html, range.start)
            }
            _ => {}
        }
    }

    /// Looks for the announcement of an excerpt.
    fn take_html(&mut self, html: &str, start: usize) {
        let Some(announcement) = html.trim().strip_prefix("<!-- code:") else { return };
        let line = self.line_of(start);
        let place = announcement.strip_suffix("-->").map(str::trim);
        match place.and_then(|place| place.split_once('#')) {
            Some((file, region)) => {
                self.expect_no_announcement();
                self.announced = Some((line, PathBuf::from(file), region.to_owned()));
            }
            None => self.mistake(line, "write `<!-- code: FILE#REGION -->`".to_owned()),
        }
    }

    fn finish_block(&mut self, block: &Block) {
        let mut words = block.info.split_whitespace();
        let is_transcript = words.next() == Some("console");
        if (is_transcript || self.announced.is_some()) && !self.is_closed(block) {
            // Without its end it goes on to the end of the note, and hides what stands there.
            let message = "this block has no end: close it with ``` on a line of its own";
            self.mistake(block.line, message.to_owned());
            self.announced = None;
            return;
        }
        if is_transcript {
            let words: Vec<&str> = words.collect();
            self.finish_transcript(block, &words);
        } else if let Some((line, file, region)) = self.announced.take() {
            let code =
                block.pieces.iter().map(|piece| &self.text[piece.clone()]).collect();
            let fence = self.fence(block);
            self.excerpts.push(Excerpt { line, file, region, fence, code });
            return;
        }
        self.expect_no_announcement();
    }

    /// Whether a closing mark stands below the opening one.
    fn is_closed(&self, block: &Block) -> bool {
        let lines = self.text[block.range.clone()].trim_end().lines();
        let last = lines.skip(1).last().map(|line| line.trim_start_matches([' ', '>']));
        last.is_some_and(|line| line.starts_with("```") || line.starts_with("~~~"))
    }

    fn finish_transcript(&mut self, block: &Block, words: &[&str]) {
        let privileged = match words {
            [] => false,
            ["privileged"] => true,
            ["ignore"] => {
                self.ignored += 1;
                return;
            }
            _ => {
                let message = format!(
                    "`{}`: only `ignore` or `privileged` may follow `console`",
                    block.info
                );
                return self.mistake(block.line, message);
            }
        };
        let fence = self.fence(block);
        if let Some(heading) = self.next_section.take() {
            let (steps, fences) = (Vec::new(), Vec::new());
            self.sections.push(Section { heading, privileged, steps, fences });
        }
        let Some(section) = self.sections.last_mut() else { return };
        let other_rights = section.privileged != privileged;
        let fence_number = section.fences.len();
        section.fences.push(fence.clone());
        for (number, source) in self.text[fence.content.clone()].lines().enumerate() {
            let line = block.line + 1 + number;
            let source = source.strip_prefix(fence.prefix.as_str()).unwrap_or(source);
            if source.trim().is_empty() {
                continue;
            }
            match parse_step(source) {
                Ok((label, kind)) => {
                    section.steps.push(Step { line, fence: fence_number, label, kind });
                }
                Err(message) => self.mistakes.push(Mistake { line, message }),
            }
        }
        if other_rights {
            let message = "all transcripts between two headings are one play: \
                           mark all of them `privileged`, or none";
            self.mistake(block.line, message.to_owned());
        }
    }

    /// Where the content of a block stands in the text.
    fn fence(&self, block: &Block) -> Fence {
        let after_mark = self.text[block.range.clone()].find('\n');
        let first = after_mark.map_or(block.range.end, |n| block.range.start + n + 1);
        let (start, prefix) = match block.pieces.first() {
            Some(piece) => {
                let start = self.text[..piece.start].rfind('\n').map_or(0, |n| n + 1);
                (start, self.text[start..piece.start].to_owned())
            }
            None => (first, String::new()),
        };
        let end = block.pieces.last().map_or(start, |piece| piece.end);
        Fence { line: block.line, content: start..end, prefix }
    }

    fn expect_no_announcement(&mut self) {
        if let Some((line, file, region)) = self.announced.take() {
            let message = format!(
                "no block of code follows the announcement of {}#{region}",
                file.display()
            );
            self.mistake(line, message);
        }
    }

    fn finish(&mut self) {
        self.expect_no_announcement();
        if !self.mistakes.is_empty() {
            return;
        }
        for section in self.sections.iter().filter(|section| section.steps.is_empty()) {
            let message =
                format!("nothing to play in the section \"{}\"", section.heading);
            self.mistakes.push(Mistake { line: section.fences[0].line, message });
        }
    }

    fn line_of(&self, offset: usize) -> usize {
        1 + self.text[..offset].matches('\n').count()
    }

    fn mistake(&mut self, line: usize, message: String) {
        self.mistakes.push(Mistake { line, message });
    }
}

/// The longest line that can be typed into a terminal (termios(3), canonical mode).
const LONGEST_TYPED_LINE: usize = 4095;

/// `LABEL MARK [SPACE TEXT]`.
fn parse_step(source: &str) -> Result<(String, Kind), String> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^([a-z][a-z0-9-]*)([^a-z0-9 -])(.*)$").expect("a valid expression")
    });
    let Some(parts) = LINE.captures(source) else {
        return Err(format!(
            "`{source}`: a line is a LABEL (a-z, 0-9, -), one of the marks $ | > * ! ~, \
             a space, and text"
        ));
    };
    let (label, mark, rest) = (&parts[1], &parts[2], &parts[3]);
    if !"$|>*!~".contains(mark) {
        return Err(format!(
            "unknown mark `{mark}` in `{source}`: use one of $ | > * ! ~"
        ));
    }
    let text = match rest.strip_prefix(' ') {
        Some(text) => text,
        None if rest.is_empty() => "",
        None => {
            return Err(format!("`{source}`: a space belongs behind `{label}{mark}`"));
        }
    };
    let word = text.trim();
    let kind = match mark {
        "$" if word.is_empty() => Kind::Ended(End::Status(0)),
        "$" => Kind::Command(word.to_owned()),
        ">" if word == "^D" => Kind::EndOfInput,
        ">" if word == "^C" => Kind::Interrupt,
        ">" if is_key(word) => {
            return Err(format!("`{source}`: of the keys only ^C and ^D can be pressed"));
        }
        ">" if text.len() > LONGEST_TYPED_LINE => {
            return Err(format!(
                "a terminal takes lines of at most {LONGEST_TYPED_LINE} bytes"
            ));
        }
        ">" => Kind::Typed(text.to_owned()),
        "!" => Kind::Ended(parse_end(word).ok_or_else(|| {
            format!("`{source}`: write `{label}! STATUS` or `{label}! signal NUMBER`")
        })?),
        "~" => Kind::Waits(word.to_owned()),
        "|" if word == "..." => Kind::Elided,
        _ => Kind::Shown { text: text.to_owned(), any_order: mark == "*" },
    };
    Ok((label.to_owned(), kind))
}

/// Whether it is written like a key that is pressed together with Ctrl.
fn is_key(word: &str) -> bool {
    matches!(word.as_bytes(), [b'^', key] if key.is_ascii_uppercase() || *key == b'\\')
}

fn parse_end(text: &str) -> Option<End> {
    match text.strip_prefix("signal ") {
        Some(signal) => signal.trim().parse().ok().map(End::Signal),
        None => text.parse().ok().map(End::Status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Result<Note, Vec<Mistake>> {
        Note::parse(Path::new("notes/00-test.md"), text.to_owned())
    }

    fn mistakes(text: &str) -> Vec<Mistake> {
        note(text).err().expect("a mistake")
    }

    #[test]
    fn every_kind_of_line_is_written_as_it_was_read() {
        let lines = "a$ command x\na> typed\na>\na> ^D\na> ^C\na| shown\na|\na* any\n\
                     a| ...\na$\na! 3\na! signal 9\na~ waits";
        let note = note(&format!("# T\n```console\n{lines}\n```\n")).unwrap();
        let written: Vec<String> =
            note.sections[0].steps.iter().map(ToString::to_string).collect();
        assert_eq!(written.join("\n"), lines);
        assert_eq!(note.sections[0].steps[1].line, 4);
    }

    #[test]
    fn a_heading_opens_a_section_and_prose_does_not() {
        let text = "# T\n```console\na$ x\n```\ntext\n```console\na$ y\n```\n## U\n\
                    ```text\nb$ z\n```\n### V `w`\n```console\nc$ z\n```\n";
        let note = note(text).unwrap();
        let headings: Vec<(&str, usize)> =
            note.sections.iter().map(|s| (s.heading.as_str(), s.steps.len())).collect();
        assert_eq!(headings, [("T", 2), ("V w", 1)]);
        assert_eq!(note.title, "T");
    }

    #[test]
    fn a_transcript_may_stand_in_a_list() {
        let text = "# T\n1. item\n\n   ```console\n   a$ x\n   a| y\n   ```\n";
        let note = note(text).unwrap();
        let section = &note.sections[0];
        assert_eq!(section.steps.len(), 2);
        assert_eq!(section.steps[0].line, 5);
        assert_eq!(section.fences[0].prefix, "   ");
        assert_eq!(&text[section.fences[0].content.clone()], "   a$ x\n   a| y\n");
    }

    #[test]
    fn unknown_marks_and_words_are_mistakes() {
        let found = mistakes("```console\nserver# x\n$ cargo run\na|b\na! x\n```\n");
        let lines: Vec<usize> = found.iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
        assert!(found[0].message.starts_with("unknown mark `#` in `server# x`"));
        let found = mistakes("```console quickly\na$ x\n```\n");
        assert!(found[0].message.contains("only `ignore` or `privileged`"));
        let found = mistakes("```console\na$ x\n```\n```console privileged\na$ y\n```\n");
        assert_eq!(found[0].line, 4);
    }

    #[test]
    fn a_block_needs_its_end() {
        for text in ["```console\na$ x\na$\n", "```console\n", "> ```console\n> a$ x\n"] {
            let found = mistakes(text);
            assert_eq!(found[0].line, 1, "{text}");
            assert!(found[0].message.contains("has no end"), "{found:?}");
        }
        assert_eq!(mistakes("<!-- code: a.rs#r -->\n```rust\nfn\n")[0].line, 2);
        assert!(note("~~~~console\na$ x\n~~~~").is_ok());
        assert!(note("1. item\n\n   ```console\n   a$ x\n   ```\n").is_ok());
        assert!(note("> ```console\n> a$ x\n> ```\n").is_ok());
    }

    #[test]
    fn other_keys_than_two_are_mistakes() {
        for key in ["^Z", "^\\", "^M"] {
            let found = mistakes(&format!("```console\na> {key}\n```\n"));
            assert!(found[0].message.contains("only ^C and ^D"), "{found:?}");
        }
        assert!(note("```console\na> ^\na> ^x\na> 2^C\n```\n").is_ok());
    }

    #[test]
    fn an_announced_excerpt_needs_its_block() {
        let good = note("<!-- code: ../a.rs#r -->\n```rust\nfn\n```\n").unwrap();
        assert_eq!((good.excerpts[0].line, good.excerpts[0].code.as_str()), (1, "fn\n"));
        assert_eq!(mistakes("<!-- code: ../a.rs#r -->\ntext\n")[0].line, 1);
        assert_eq!(mistakes("<!-- code: ../a.rs -->\n```rust\n```\n")[0].line, 1);
        let twice = "<!-- code: a#r -->\n\n<!-- code: a#s -->\n```rust\n```\n";
        assert_eq!(mistakes(twice)[0].line, 1);
    }

    #[test]
    fn ignored_transcripts_are_counted() {
        assert_eq!(note("```console ignore\nanything\n```\n").unwrap().ignored, 1);
    }
}
