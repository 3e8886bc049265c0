//! Shows a play to somebody who watches, in the notation of the lessons, with a colour for each
//! terminal.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use anstyle::{AnsiColor, Effects, Style};

use crate::note::{End, Note, Section};
use crate::play::{self, Scene};
use crate::terminals::in_words;

/// The colours of the terminals, in the order of their first words.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// Plays a section for somebody who watches. With `step` the answers wait for Enter.
///
/// # Errors
/// What differs from the lesson, ready to be printed.
pub fn show(note: &Note, section: &Section, step: bool) -> Result<(), String> {
    let mut styles = BTreeMap::new();
    let width = section.steps.iter().map(|step| step.label.len()).max().unwrap_or(0);
    play::play(note, section, play::PATIENCE, &mut |label, scene| {
        if matches!(scene, Scene::Answers) {
            if step {
                wait_for_enter();
            }
            return;
        }
        let colour = COLOURS[styles.len() % COLOURS.len()];
        let style = *styles.entry(label.to_owned()).or_insert(colour);
        write_line(label, width, style, &scene);
    })
}

/// Writes one line. Nobody reading any more is no reason to spoil the play.
fn write_line(label: &str, width: usize, colour: AnsiColor, scene: &Scene) {
    let name = Style::new().fg_color(Some(colour.into()));
    let typed = Style::new().effects(Effects::BOLD);
    let aside = Style::new().effects(Effects::DIMMED);
    let (mark, style, text) = match scene {
        Scene::Command(text) => ("$", typed, (*text).to_owned()),
        Scene::Typed(text) => (">", typed, (*text).to_owned()),
        Scene::Printed(text) => ("|", Style::new(), (*text).to_owned()),
        Scene::Ended(End::Status(0)) => ("$", aside, String::new()),
        Scene::Ended(end) => ("!", aside, in_words(*end)),
        Scene::Waits(why) => ("~", aside, (*why).to_owned()),
        Scene::Answers => return,
    };
    let mut screen = anstream::stdout();
    let _ = write!(screen, "{name}{label:>width$}{mark}{name:#}");
    if !text.is_empty() {
        let _ = write!(screen, " {style}{text}{style:#}");
    }
    let _ = writeln!(screen);
    let _ = screen.flush();
}

/// Lets the reader predict first. At the end of the input nobody is there to wait for.
fn wait_for_enter() {
    let aside = Style::new().effects(Effects::DIMMED);
    let mut screen = anstream::stdout();
    let _ = write!(screen, "{aside}   What comes next? (Enter){aside:#} ");
    let _ = screen.flush();
    let _ = io::stdin().lock().read_line(&mut String::new());
}
