//! Writes what programs really print into a lesson.
//!
//! The same actions are performed as in a play. After each of them comes everything that is
//! printed until nothing has come for a while. Printed lines are aligned with shown ones, terminal
//! by terminal: what still matches stays as it is written, placeholders included.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::align::best_pairs;
use crate::excerpt::prefixed;
use crate::note::{End, Kind, Note, Section, Step};
use crate::pattern::{Pattern, Values, abstracted, name_ports, substitute};
use crate::terminals::Terminals;

/// An action is over when nothing has happened for this long,
const SILENCE: Duration = Duration::from_millis(300);

/// or for this long while lines are missing that the lesson shows: a slow program may print them.
const LONG_SILENCE: Duration = Duration::from_secs(3);

/// How long a program may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays a section and writes what was printed into its note.
///
/// # Errors
/// An action of the lesson cannot be performed, or the note cannot be written.
pub fn overwrite(note: &Note, section: &Section) -> Result<(), String> {
    let mut recorder = Recorder {
        section,
        terminals: Terminals::default(),
        values: Values::new(),
        written: BTreeMap::new(),
        added: BTreeMap::new(),
    };
    recorder.run().map_err(|(line, problem)| {
        format!("{}:{line}: {problem}\n", crate::short_path(&note.path).display())
    })?;
    let text = recorder.rewritten(note);
    if text == note.text {
        return Ok(());
    }
    fs::write(&note.path, text)
        .map_err(|error| format!("{}: {error}\n", note.path.display()))
}

/// A play whose lines are recorded.
struct Recorder<'p> {
    section: &'p Section,
    terminals: Terminals,
    values: Values,
    /// The steps that change: what is written in their place, if anything.
    written: BTreeMap<usize, Option<String>>,
    /// Lines to be written behind a step.
    added: BTreeMap<usize, Vec<String>>,
}

impl Recorder<'_> {
    /// Goes from action to action. All that is printed between two of them is one collection.
    fn run(&mut self) -> Result<(), (usize, String)> {
        let steps = &self.section.steps;
        let mut number = 0;
        while number < steps.len() {
            let line = steps[number].line;
            self.perform(number).map_err(|problem| (line, problem))?;
            let after =
                steps[number + 1..].iter().take_while(|step| !step.kind.is_action());
            let end = number + 1 + after.count();
            self.collect(number..end);
            number = end;
        }
        Ok(())
    }

    fn perform(&mut self, number: usize) -> Result<(), String> {
        let step = &self.section.steps[number];
        let label = step.label.as_str();
        let unbound =
            |name| format!("{name} is used before any printed line has shown it");
        match &step.kind {
            Kind::Command(command) => {
                let command = substitute(command, &self.values).map_err(unbound)?;
                self.await_end(label);
                self.terminals.start(label, &command)
            }
            Kind::Typed(text) => {
                let text = substitute(text, &self.values).map_err(unbound)?;
                self.terminals.type_line(label, &text)
            }
            Kind::EndOfInput => self.terminals.end_input(label),
            Kind::Interrupt => self.terminals.interrupt(label),
            _ => Err(format!("`{step}`: a transcript begins with a command")),
        }
    }

    fn await_end(&mut self, label: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.terminals.get(label).is_running()
            && self.terminals.wait(deadline).is_some()
        {}
    }

    /// Collects what is printed after an action, and aligns it with the lines shown there.
    fn collect(&mut self, stretch: Range<usize>) {
        let steps = &self.section.steps;
        for step in &steps[stretch.clone()] {
            if let Kind::Ended(_) = step.kind {
                self.await_end(&step.label);
            }
        }
        self.terminals.settle(SILENCE, Instant::now() + PATIENCE);
        if self.is_waiting_for_lines(&stretch) {
            self.terminals.settle(LONG_SILENCE, Instant::now() + PATIENCE);
        }
        let labels: Vec<String> =
            self.terminals.iter().map(|(label, _)| label.to_owned()).collect();
        for label in labels {
            let terminal = self.terminals.get(&label);
            let mut printed = Vec::new();
            while let Some(line) = terminal.lines.pop() {
                printed.push(line);
            }
            let next = steps.get(stretch.end);
            if next.is_some_and(|next| next.label == label)
                && let Some(prompt) = terminal.lines.prompt()
            {
                printed.push(prompt.trim_end().to_owned());
                terminal.lines.pop_prompt();
            }
            self.align(&label, stretch.clone(), printed);
            self.write_end(&label, stretch.clone());
        }
    }

    /// Whether fewer lines have come than the lesson shows, from a program that may yet print.
    fn is_waiting_for_lines(&mut self, stretch: &Range<usize>) -> bool {
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for step in &self.section.steps[stretch.clone()] {
            *shown.entry(&step.label).or_default() += usize::from(step.kind.is_output());
        }
        shown.into_iter().any(|(label, lines)| {
            let terminal = self.terminals.get(label);
            terminal.is_running() && terminal.lines.iter().count() < lines
        })
    }

    fn align(&mut self, label: &str, stretch: Range<usize>, mut printed: Vec<String>) {
        let steps = &self.section.steps;
        let is_here = |step: &usize| steps[*step].label == label;
        let mut shown: Vec<usize> = stretch
            .clone()
            .filter(is_here)
            .filter(|&step| steps[step].kind.is_output())
            .collect();
        // New lines stand in front of the first line that is shown there, or of the prompt, or at
        // the end.
        let is_end = |&step: &usize| matches!(steps[step].kind, Kind::Ended(_));
        let end = stretch.clone().filter(is_here).find(is_end);
        let mut anchor = shown.first().copied().or(end).unwrap_or(stretch.end) - 1;

        self.take_any_order(&mut shown, &mut printed);
        let pairs = best_pairs(shown.len(), printed.len(), |i, j| {
            self.pattern(shown[i])
                .is_some_and(|p| p.matches(&printed[j], &self.values).is_some())
        });
        let (mut next_shown, mut next_printed) = (0, 0);
        for (i, j) in pairs.into_iter().chain([(shown.len(), printed.len())]) {
            self.replace(
                label,
                &shown[next_shown..i],
                &printed[next_printed..j],
                &mut anchor,
            );
            if let Some(&step) = shown.get(i) {
                anchor = step;
                let pattern = self.pattern(step);
                let found = pattern.and_then(|p| p.matches(&printed[j], &self.values));
                self.values.extend(found.unwrap_or_default());
            }
            (next_shown, next_printed) = (i + 1, j + 1);
        }
    }

    /// Writes printed lines in the place of shown ones that did not come. Those before a `...` take the
    /// first, those behind it the last; what is left over there is left out.
    fn replace(
        &mut self,
        label: &str,
        shown: &[usize],
        printed: &[String],
        anchor: &mut usize,
    ) {
        let is_elided = |&step: &usize| self.section.steps[step].kind == Kind::Elided;
        let first_elided = shown.iter().position(is_elided);
        let last_elided = shown.iter().rposition(is_elided);
        let gone: Vec<usize> = shown.iter().copied().filter(|s| !is_elided(s)).collect();
        let head = &shown[..first_elided.unwrap_or(shown.len())];
        let tail = &shown[last_elided.map_or(shown.len(), |last| last + 1)..];
        if let Some(&last) = shown.last() {
            *anchor = last;
        }
        self.written.extend(gone.into_iter().map(|step| (step, None)));
        let (for_head, others) = printed.split_at(head.len().min(printed.len()));
        let (left_over, for_tail) =
            others.split_at(others.len().saturating_sub(tail.len()));
        // If there are too few, the last lines are those that come.
        let tail = &tail[tail.len() - for_tail.len()..];
        let places = head.iter().zip(for_head).chain(tail.iter().zip(for_tail));
        for (&step, line) in places {
            let line = self.shown_line(label, line);
            self.written.insert(step, Some(line));
        }
        for line in left_over.iter().filter(|_| first_elided.is_none()) {
            let line = self.shown_line(label, line);
            self.added.entry(*anchor).or_default().push(line);
        }
    }

    /// A printed line as the lesson shows it.
    fn shown_line(&mut self, label: &str, printed: &str) -> String {
        name_ports(printed, &mut self.values);
        let text = abstracted(printed, &self.values);
        let kind = Kind::Shown { text, any_order: false };
        Step { line: 0, fence: 0, label: label.to_owned(), kind }.to_string()
    }

    /// Pairs the lines marked `*`, whatever their order.
    fn take_any_order(&mut self, shown: &mut Vec<usize>, printed: &mut Vec<String>) {
        // Lines without a free placeholder choose first.
        for free in [false, true] {
            printed.retain(|line| {
                let found = shown.iter().enumerate().find_map(|(place, &step)| {
                    let Kind::Shown { any_order: true, .. } =
                        self.section.steps[step].kind
                    else {
                        return None;
                    };
                    let pattern = self.pattern(step)?;
                    let is_free = pattern.free_name(&self.values).is_some();
                    let found = pattern.matches(line, &self.values)?;
                    (is_free == free).then_some((place, found))
                });
                let Some((place, found)) = found else { return true };
                self.values.extend(found);
                shown.remove(place);
                false
            });
        }
    }

    fn pattern(&self, step: usize) -> Option<Pattern> {
        match &self.section.steps[step].kind {
            Kind::Shown { text, .. } => Some(Pattern::new(text)),
            _ => None,
        }
    }

    /// Writes how a program ended, where the lesson says something else. That it ended well need
    /// not be said.
    fn write_end(&mut self, label: &str, stretch: Range<usize>) {
        let terminal = self.terminals.get(label);
        let Some(end) = terminal.end() else { return };
        let steps = &self.section.steps;
        let mut rest = steps.iter().enumerate().skip(stretch.start + 1);
        let said = rest.find_map(|(number, step)| match step.kind {
            _ if step.label != label || step.kind.is_output() => None,
            Kind::Ended(wanted) => Some(Some((number, wanted))),
            _ => Some(None),
        });
        let written =
            Step { line: 0, fence: 0, label: label.to_owned(), kind: Kind::Ended(end) };
        match said.flatten() {
            Some((number, _)) if number >= stretch.end => return,
            Some((_, wanted)) if terminal.ended_with(wanted) => {}
            Some((number, _)) => {
                drop(self.written.insert(number, Some(written.to_string())))
            }
            None if terminal.ended_with(End::Status(0)) => {}
            None => {
                self.added.entry(stretch.end - 1).or_default().push(written.to_string())
            }
        }
        terminal.dismiss();
    }

    /// The text of the note with the recorded lines in it.
    fn rewritten(&self, note: &Note) -> String {
        let mut text = note.text.clone();
        for (number, fence) in self.section.fences.iter().enumerate().rev() {
            let steps = self.section.steps.iter().enumerate();
            let by_line: BTreeMap<usize, usize> = steps
                .filter(|(_, step)| step.fence == number)
                .map(|(place, step)| (step.line, place))
                .collect();
            let mut content = String::new();
            for (offset, source) in note.text[fence.content.clone()].lines().enumerate() {
                let Some(step) = by_line.get(&(fence.line + 1 + offset)) else {
                    content.push_str(source);
                    content.push('\n');
                    continue;
                };
                match self.written.get(step) {
                    None => content.push_str(&format!("{source}\n")),
                    Some(None) => {}
                    Some(Some(line)) => content.push_str(&prefixed(&fence.prefix, line)),
                }
                for line in self.added.get(step).into_iter().flatten() {
                    content.push_str(&prefixed(&fence.prefix, line));
                }
            }
            text.replace_range(fence.content.clone(), &content);
        }
        text
    }
}
