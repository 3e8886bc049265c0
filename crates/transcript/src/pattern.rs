//! Lines with holes: what a lesson shows where the real output differs each time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use predicates::Predicate;
use predicates::reflection::PredicateReflection;
use regex::Regex;

/// The values of the placeholders that have been seen, by name.
pub type Values = BTreeMap<String, String>;

/// Placeholders of these kinds stand for one number in the whole section. The kind of a
/// placeholder is the beginning of its name: `[PORT2]` and `[CLIENT_ANN]` are numbers of their own.
const BOUND_KINDS: [&str; 5] = ["CLIENT", "PORT", "PID", "FD", "TID"];

/// Placeholders of these kinds stand for a number that is another one each time.
const SHAPES: [(&str, &str); 4] = [
    ("MS", r"\d+(?:\.\d+)?"),
    ("SECS", r"\d+(?:\.\d+)?"),
    ("TIME", r"\d+(?:[:.]\d+)*"),
    ("BYTES", r"\d+"),
];

/// A part of a line.
enum Piece {
    Literal(String),
    /// `[..]`
    AnyText,
    /// `[MS]`
    Shape {
        name: String,
        expression: &'static str,
    },
    /// `[PORT]`
    Bound(String),
}

/// A line as the lesson shows it.
pub struct Pattern {
    shown: String,
    pieces: Vec<Piece>,
}

impl Pattern {
    /// Understands a shown line.
    pub fn new(shown: &str) -> Pattern {
        static HOLE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"\[(\.\.|[A-Z][A-Z0-9_]*)\]").expect("a valid expression")
        });
        let mut pieces = Vec::new();
        let mut end = 0;
        for hole in HOLE.captures_iter(shown) {
            let Some(piece) = hole_of(&hole[1]) else { continue };
            let place = hole.get_match();
            pieces.push(Piece::Literal(shown[end..place.start()].to_owned()));
            pieces.push(piece);
            end = place.end();
        }
        pieces.push(Piece::Literal(shown[end..].to_owned()));
        Pattern { shown: shown.to_owned(), pieces }
    }

    /// Compares a printed line with the shown one. If they agree, the answer holds the values that
    /// the line gives to placeholders without one.
    pub fn matches(&self, printed: &str, known: &Values) -> Option<Values> {
        let matcher = self.matcher(known);
        if !matcher.predicate.eval(printed) {
            return None;
        }
        let mut found = Values::new();
        let captures = matcher.regex.captures(printed)?;
        for (group, name) in matcher.groups.iter().enumerate() {
            let value = captures[group + 1].to_owned();
            let first = found.entry(name.clone()).or_insert_with(|| value.clone());
            if *first != value {
                return None; // The same name twice in a line, and two values.
            }
        }
        Some(found)
    }

    /// A placeholder of this line that `known` has no value for.
    pub fn free_name(&self, known: &Values) -> Option<&str> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Bound(name) if !known.contains_key(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The line with the known values in it.
    pub fn filled(&self, known: &Values) -> String {
        let fill = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::AnyText => "[..]".to_owned(),
            Piece::Shape { name, .. } => format!("[{name}]"),
            Piece::Bound(name) => {
                known.get(name).cloned().unwrap_or_else(|| format!("[{name}]"))
            }
        };
        self.pieces.iter().map(fill).collect()
    }

    fn matcher(&self, known: &Values) -> Matcher {
        let mut source = String::from("(?s)^");
        let mut groups = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => source.push_str(&regex::escape(text)),
                Piece::AnyText => source.push_str(".*?"),
                Piece::Shape { expression, .. } => source.push_str(expression),
                Piece::Bound(name) => match known.get(name) {
                    Some(value) => source.push_str(&regex::escape(value)),
                    None => {
                        source.push_str(r"(\d+)");
                        groups.push(name.clone());
                    }
                },
            }
        }
        source.push('$');
        let predicate =
            predicates::str::is_match(&source).expect("built from valid parts");
        let regex = Regex::new(&source).expect("built from valid parts");
        Matcher { predicate, regex, groups }
    }
}

/// What a pattern looks for once some values are known.
struct Matcher {
    predicate: predicates::str::RegexPredicate,
    regex: Regex,
    groups: Vec<String>,
}

/// A pattern is a predicate on lines, for use with `assert_cmd`.
impl Predicate<str> for Pattern {
    fn eval(&self, printed: &str) -> bool {
        self.matches(printed, &Values::new()).is_some()
    }
}

impl PredicateReflection for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The meaning of `[name]`; none if it is not a placeholder.
fn hole_of(name: &str) -> Option<Piece> {
    if name == ".." {
        return Some(Piece::AnyText);
    }
    // No known kind is the beginning of another one, so the first that fits is the longest.
    if BOUND_KINDS.iter().any(|kind| name.starts_with(kind)) {
        return Some(Piece::Bound(name.to_owned()));
    }
    let (_, expression) = SHAPES.iter().find(|(kind, _)| name.starts_with(kind))?;
    Some(Piece::Shape { name: name.to_owned(), expression })
}

/// Puts the known values into a command or a typed line.
///
/// # Errors
/// A placeholder that has no value yet: its name, with brackets.
pub fn substitute(text: &str, known: &Values) -> Result<String, String> {
    let pattern = Pattern::new(text);
    match pattern.free_name(known) {
        Some(name) => Err(format!("[{name}]")),
        None => Ok(pattern.filled(known)),
    }
}

/// Writes known values back as their names: the way from a printed line to a shown one. Short
/// numbers stay, because they are likely to mean something else (`3 bytes`).
pub fn abstracted(printed: &str, known: &Values) -> String {
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d{4,}").expect("a valid expression"));
    let by_value: BTreeMap<&str, &str> =
        known.iter().map(|(name, value)| (value.as_str(), name.as_str())).collect();
    NUMBER
        .replace_all(printed, |number: &regex::Captures| match by_value.get(&number[0]) {
            Some(name) => format!("[{name}]"),
            None => number[0].to_owned(),
        })
        .into_owned()
}

/// Gives names to the ports in a printed line that the system has chosen and nobody has named.
pub fn name_ports(printed: &str, known: &mut Values) {
    static ENDPOINT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[0-9\]]:(\d{5})\b").expect("a valid expression"));
    for endpoint in ENDPOINT.captures_iter(printed) {
        let port = &endpoint[1];
        let is_chosen_by_system = port.parse().is_ok_and(|port: u32| port >= 32768);
        if is_chosen_by_system && !known.values().any(|value| value == port) {
            let name =
                (1..).map(|n| if n == 1 { "PORT".into() } else { format!("PORT{n}") });
            let free = name.into_iter().find(|name| !known.contains_key(name));
            known.extend(free.map(|name| (name, port.to_owned())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn literal_lines_match_only_themselves() {
        let pattern = Pattern::new("a.c [x] [SYN] $ \\d");
        assert!(pattern.matches("a.c [x] [SYN] $ \\d", &Values::new()).is_some());
        assert!(pattern.matches("abc [x] [SYN] $ \\d", &Values::new()).is_none());
        assert!(pattern.matches("a.c [x] [SYN] $ \\d ", &Values::new()).is_none());
    }

    #[test]
    fn a_placeholder_is_bound_once_and_checked_afterwards() {
        let pattern = Pattern::new("from 127.0.0.1:[CLIENT_ANN]");
        let found = pattern.matches("from 127.0.0.1:40312", &Values::new()).unwrap();
        assert_eq!(found, values(&[("CLIENT_ANN", "40312")]));
        assert!(pattern.matches("from 127.0.0.1:40312", &found).is_some());
        assert!(pattern.matches("from 127.0.0.1:40313", &found).is_none());
        assert!(pattern.matches("from 127.0.0.1:x", &Values::new()).is_none());
    }

    #[test]
    fn the_same_name_twice_in_a_line_is_one_value() {
        let pattern = Pattern::new("[PORT] is [PORT]");
        assert!(pattern.matches("7 is 7", &Values::new()).is_some());
        assert!(pattern.matches("7 is 8", &Values::new()).is_none());
    }

    #[test]
    fn shapes_and_any_text() {
        let pattern = Pattern::new("[..] took [MS] ms at [TIME]");
        assert!(
            pattern.matches("it took 0.031 ms at 12:01:59.5", &Values::new()).is_some()
        );
        assert!(pattern.matches(" took 4 ms at 7", &Values::new()).is_some());
        assert!(pattern.matches("it took long ms at 7", &Values::new()).is_none());
    }

    #[test]
    fn substitution_needs_a_value() {
        let known = values(&[("PORT", "4000")]);
        assert_eq!(
            substitute("x 1:[PORT] [SYN] [..]", &known).unwrap(),
            "x 1:4000 [SYN] [..]"
        );
        assert_eq!(substitute("x [CLIENT]", &known), Err("[CLIENT]".to_owned()));
    }

    #[test]
    fn known_numbers_become_names_again() {
        let known = values(&[("CLIENT", "40312"), ("FD", "3")]);
        assert_eq!(
            abstracted("3 bytes, 40312 140312", &known),
            "3 bytes, [CLIENT] 140312"
        );
    }
}
