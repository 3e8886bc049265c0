//! Excerpts of code: the lesson holds them, and they are compared with their source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::note::{Excerpt, Note};

/// Compares all excerpts of a note with their sources.
///
/// # Errors
/// One message for each that differs.
pub fn check(note: &Note) -> Result<(), String> {
    let name = crate::lesson_name(&note.path);
    let mut problems = String::new();
    for excerpt in &note.excerpts {
        let place =
            format!("{}:{}", crate::short_path(&note.path).display(), excerpt.line);
        match source(note, excerpt) {
            Err(problem) => problems.push_str(&format!("{place}: {problem}\n")),
            Ok(code) if code == excerpt.code => {}
            Ok(code) => {
                let (line, shown, written) = first_difference(&excerpt.code, &code);
                problems.push_str(&format!(
                    "{place}: the excerpt differs from {}#{} in its line {line}\n  \
                     - {shown}\n  + {written}\n  to refresh it: \
                     cargo run -p course -- play {name} --overwrite\n",
                    excerpt.file.display(),
                    excerpt.region,
                ));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The text of the note with all excerpts as they are in their sources.
///
/// # Errors
/// A source or a region does not exist.
pub fn refreshed(note: &Note) -> Result<String, String> {
    let mut text = note.text.clone();
    for excerpt in note.excerpts.iter().rev() {
        let code = source(note, excerpt).map_err(|problem| {
            format!("{}:{}: {problem}", note.path.display(), excerpt.line)
        })?;
        let prefix = &excerpt.fence.prefix;
        let code: String = code.lines().map(|line| prefixed(prefix, line)).collect();
        text.replace_range(excerpt.fence.content.clone(), &code);
    }
    Ok(text)
}

/// A line of a fenced block, with what belongs in front of it. An empty line stays empty.
pub fn prefixed(prefix: &str, line: &str) -> String {
    let prefix = if line.is_empty() { prefix.trim_end() } else { prefix };
    format!("{prefix}{line}\n")
}

/// Regions in the sources of a crate that its note does not show.
///
/// # Errors
/// One line for each of them.
pub fn check_all_shown(note: &Note, crate_dir: &Path) -> Result<(), String> {
    let note_dir = note.path.parent().unwrap_or(Path::new(""));
    let shown: BTreeSet<(PathBuf, &str)> = note
        .excerpts
        .iter()
        .filter_map(|excerpt| {
            Some((
                note_dir.join(&excerpt.file).canonicalize().ok()?,
                excerpt.region.as_str(),
            ))
        })
        .collect();
    let mut problems = String::new();
    for file in rust_files(&crate_dir.join("src")) {
        let Ok(source) = fs::read_to_string(&file) else { continue };
        let Ok(file) = file.canonicalize() else { continue };
        for (number, line) in source.lines().enumerate() {
            let Some(region) = line.trim().strip_prefix("// ANCHOR: ") else { continue };
            if !shown.contains(&(file.clone(), region)) {
                problems.push_str(&format!(
                    "{}:{}: the region `{region}` is shown nowhere in {}\n",
                    crate::short_path(&file).display(),
                    number + 1,
                    crate::short_path(&note.path).display()
                ));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn source(note: &Note, excerpt: &Excerpt) -> Result<String, String> {
    let note_dir = note.path.parent().unwrap_or(Path::new(""));
    let text = fs::read_to_string(note_dir.join(&excerpt.file))
        .map_err(|error| format!("{}: {error}", excerpt.file.display()))?;
    region(&text, &excerpt.region)
        .map_err(|problem| format!("{}: {problem}", excerpt.file.display()))
}

/// The lines between `// ANCHOR: name` and `// ANCHOR_END: name`, without their common
/// indentation and without the anchors of other regions.
fn region(text: &str, name: &str) -> Result<String, String> {
    let start = format!("// ANCHOR: {name}");
    let end = format!("// ANCHOR_END: {name}");
    let mut lines =
        text.lines().skip_while(|line| line.trim() != start).skip(1).peekable();
    if lines.peek().is_none() {
        return Err(format!("there is no region `{name}` (a line `{start}`)"));
    }
    let lines: Vec<&str> = lines.collect();
    let Some(length) = lines.iter().position(|line| line.trim() == end) else {
        return Err(format!("the region `{name}` does not end (a line `{end}`)"));
    };
    let lines =
        lines[..length].iter().filter(|line| !line.trim().starts_with("// ANCHOR"));
    let lines: Vec<&str> = lines.copied().collect();
    let indentation = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    Ok(lines
        .iter()
        .map(|line| format!("{}\n", line.get(indentation..).unwrap_or("")))
        .collect())
}

fn first_difference(shown: &str, written: &str) -> (usize, String, String) {
    let (mut shown, mut written) = (shown.lines(), written.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (shown.next(), written.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return (number, String::new(), String::new()),
            (a, b) => {
                let line = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
                return (number, line(a), line(b));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
fn main() {
    // ANCHOR: outer
    let a = 1;

    // ANCHOR: inner
        let b = 2;
    // ANCHOR_END: inner
    // ANCHOR_END: outer
}
";

    #[test]
    fn a_region_loses_its_indentation_and_inner_anchors() {
        assert_eq!(region(SOURCE, "outer").unwrap(), "let a = 1;\n\n    let b = 2;\n");
        assert_eq!(region(SOURCE, "inner").unwrap(), "let b = 2;\n");
    }

    #[test]
    fn a_missing_region_or_end_is_an_error() {
        assert!(region(SOURCE, "other").unwrap_err().contains("no region `other`"));
        let endless = SOURCE.replace("// ANCHOR_END: outer", "");
        assert!(region(&endless, "outer").unwrap_err().contains("does not end"));
    }
}
