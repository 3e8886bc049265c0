//! Plays a section and holds what is printed against what the lesson shows.
//!
//! The play goes from step to step. Shown lines are collected until the next step that is
//! something else; then all of them must come, each terminal's in its order. That is the barrier
//! in front of every action: what the lesson shows before it has been printed before it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::note::{End, Kind, Note, Section, Step};
use crate::pattern::{Pattern, Values, substitute};
use crate::report::{Failure, Reason, Report};
use crate::terminals::Terminals;

/// How long a line or an end may usually take to come. Only a play that fails waits that long.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Before an action: a line that comes within this time was not a reaction to the action.
const SETTLE: Duration = Duration::from_millis(20);

/// How long nothing must happen where the lesson says that nothing happens.
const SILENCE: Duration = Duration::from_millis(250);

/// What somebody who watches a play gets to see.
pub enum Scene<'a> {
    /// A command was typed at the prompt.
    Command(&'a str),
    /// A line, or a key such as `^C`, was typed into the program.
    Typed(&'a str),
    /// The answers to the last action come next.
    Answers,
    /// The program printed a line.
    Printed(&'a str),
    /// The program ended.
    Ended(End),
    /// Nothing happens.
    Waits(&'a str),
}

/// Somebody who watches a play: is called with the terminal's label and what happens there.
pub type Audience<'a> = dyn FnMut(&str, Scene) + 'a;

/// Plays one section. A line or an end may take `patience` to come.
///
/// # Errors
/// What differs from the lesson, ready to be printed.
pub fn play(
    note: &Note,
    section: &Section,
    patience: Duration,
    audience: &mut Audience,
) -> Result<(), String> {
    let mut play = Play {
        section,
        patience,
        audience,
        terminals: Terminals::default(),
        values: Values::new(),
        stretch: 0,
        seen: Vec::new(),
        expected: BTreeMap::new(),
    };
    match play.run() {
        Ok(()) => Ok(()),
        Err(failure) => {
            play.look_around();
            let Play { terminals, values, stretch, seen, .. } = play;
            Err(Report {
                note,
                section,
                stretch,
                seen,
                told: Vec::new(),
                terminals,
                values,
            }
            .text(&failure))
        }
    }
}

/// A play that is going on.
struct Play<'p, 'a> {
    section: &'p Section,
    patience: Duration,
    terminals: Terminals,
    values: Values,
    audience: &'p mut Audience<'a>,
    /// The step that began the present stretch.
    stretch: usize,
    /// The steps of the present stretch that have come.
    seen: Vec<usize>,
    /// The lines that are still to come, for each terminal in its order.
    expected: BTreeMap<String, VecDeque<Expected>>,
}

/// A line that must come: the number of its step.
struct Expected {
    step: usize,
    /// Lines of the same set may come in any order.
    set: Option<usize>,
    pattern: Option<Pattern>,
}

impl Play<'_, '_> {
    fn run(&mut self) -> Result<(), Failure> {
        let section = self.section;
        let mut number = 0;
        while let Some(step) = section.steps.get(number) {
            if step.kind.is_output() {
                let after = section.steps[number..].iter();
                let end = number + after.take_while(|step| step.kind.is_output()).count();
                self.await_lines(number..end)?;
                number = end;
                continue;
            }
            if step.kind.is_action() {
                self.await_calm(number)?;
            }
            (self.stretch, self.seen) = (number, Vec::new());
            self.perform(number, step)?;
            self.seen.push(number);
            number += 1;
        }
        self.await_all_ends()
    }

    /// Does what a step says; for a wait, waits.
    fn perform(&mut self, number: usize, step: &Step) -> Result<(), Failure> {
        let label = step.label.as_str();
        match &step.kind {
            Kind::Command(command) => {
                if !self.terminals.get(label).is_at_prompt() {
                    self.await_end(number, label, End::Status(0))?;
                }
                let command = self.filled(number, command)?;
                (self.audience)(label, Scene::Command(&command));
                self.act(number, |terminals| terminals.start(label, &command))?;
            }
            Kind::Typed(text) => {
                let text = self.filled(number, text)?;
                (self.audience)(label, Scene::Typed(&text));
                self.act(number, |terminals| terminals.type_line(label, &text))?;
            }
            Kind::EndOfInput => {
                (self.audience)(label, Scene::Typed("^D"));
                self.act(number, |terminals| terminals.end_input(label))?;
            }
            Kind::Interrupt => {
                (self.audience)(label, Scene::Typed("^C"));
                self.act(number, |terminals| terminals.interrupt(label))?;
            }
            Kind::Ended(end) => return self.await_end(number, label, *end),
            Kind::Waits(why) => return self.await_silence(number, label, why),
            Kind::Shown { .. } | Kind::Elided => {
                unreachable!("lines are awaited together")
            }
        }
        if self.section.steps.get(number + 1).is_some_and(|next| !next.kind.is_action()) {
            (self.audience)(label, Scene::Answers);
        }
        Ok(())
    }

    fn act(
        &mut self,
        step: usize,
        action: impl FnOnce(&mut Terminals) -> Result<(), String>,
    ) -> Result<(), Failure> {
        action(&mut self.terminals)
            .map_err(|problem| Failure::at(step, Reason::Action(problem)))
    }

    fn filled(&self, step: usize, text: &str) -> Result<String, Failure> {
        substitute(text, &self.values)
            .map_err(|name| Failure::at(step, Reason::Unbound(name)))
    }

    /// Waits until all these lines have come.
    fn await_lines(&mut self, steps: std::ops::Range<usize>) -> Result<(), Failure> {
        self.expected = self.expectations(steps);
        let labels: Vec<String> = self.expected.keys().cloned().collect();
        let mut deadline = Instant::now() + self.patience;
        loop {
            let before = self.seen.len();
            for label in &labels {
                self.advance(label)?;
            }
            if self.seen.len() > before {
                deadline = Instant::now() + self.patience;
            }
            let open = |lines: &VecDeque<Expected>| lines.front().map(|line| line.step);
            let Some(first) = self.expected.values().filter_map(open).min() else {
                return Ok(());
            };
            if labels.iter().all(|label| self.only_prompt_is_left(label)) {
                return self.take_prompts(&labels);
            }
            if self.terminals.wait(deadline).is_none() {
                return Err(Failure::at(first, Reason::NotPrinted(self.patience)));
            }
            self.expect_no_flood()?;
        }
    }

    /// The lines to come, for each terminal in its order.
    fn expectations(
        &self,
        steps: std::ops::Range<usize>,
    ) -> BTreeMap<String, VecDeque<Expected>> {
        let mut expected: BTreeMap<String, VecDeque<Expected>> = BTreeMap::new();
        let mut set = 0;
        for number in steps {
            let step = &self.section.steps[number];
            let any_order = matches!(step.kind, Kind::Shown { any_order: true, .. });
            if !any_order {
                set = number; // Sets are numbered by the step in front of them.
            }
            let pattern = match &step.kind {
                Kind::Shown { text, .. } => Some(Pattern::new(text)),
                _ => None,
            };
            let set = any_order.then_some(set);
            let line = Expected { step: number, set, pattern };
            expected.entry(step.label.clone()).or_default().push_back(line);
        }
        expected
    }

    /// Takes as many lines of a terminal as have come, and holds each against what is expected.
    fn advance(&mut self, label: &str) -> Result<(), Failure> {
        while let Some(next) = self.expected.get(label).and_then(VecDeque::front) {
            let step = next.step;
            let terminal = self.terminals.get(label);
            if next.pattern.is_none() {
                terminal.elided = true;
                self.has_come(label, 0);
                continue;
            }
            let Some(line) = terminal.lines.front().map(str::to_owned) else {
                return match terminal.end() {
                    Some(end) => Err(Failure::at(step, Reason::EndedBefore(end))),
                    None if terminal.is_at_prompt() => {
                        Err(Failure::at(step, Reason::NothingRuns))
                    }
                    None => Ok(()),
                };
            };
            let is_elided = terminal.elided;
            match self.find(label, &line) {
                Some((place, found)) => {
                    self.values.extend(found);
                    self.has_come(label, place);
                    self.terminals.get(label).elided = false;
                }
                None if is_elided => {}
                None => return Err(Failure::at(step, Reason::Differs(line))),
            }
            self.terminals.get(label).lines.pop();
            (self.audience)(label, Scene::Printed(&line));
        }
        Ok(())
    }

    /// Crosses an expected line off.
    fn has_come(&mut self, label: &str, place: usize) {
        let lines = self.expected.get_mut(label);
        self.seen
            .extend(lines.and_then(|lines| lines.remove(place)).map(|line| line.step));
    }

    /// After a failure: what the other terminals printed, as far as it is right. Whoever is still
    /// printing is part of the answer.
    fn look_around(&mut self) {
        self.terminals.settle(SETTLE, Instant::now() + 5 * SETTLE);
        let labels: Vec<String> = self.expected.keys().cloned().collect();
        for label in labels {
            let _ = self.advance(&label);
        }
    }

    /// Which of the expected lines this one is: the next, or any of the set that is next.
    fn find(&self, label: &str, line: &str) -> Option<(usize, Values)> {
        let expected = self.expected.get(label)?;
        let set = expected.front()?.set;
        let candidates = expected.iter().enumerate();
        let mut candidates: Vec<(usize, &Pattern)> = candidates
            .take_while(|(place, line)| *place == 0 || (set.is_some() && line.set == set))
            .filter_map(|(place, line)| Some((place, line.pattern.as_ref()?)))
            .collect();
        // A line with a free placeholder could take what belongs to a line without one.
        candidates.sort_by_key(|(_, pattern)| pattern.free_name(&self.values).is_some());
        candidates.into_iter().find_map(|(place, pattern)| {
            Some((place, pattern.matches(line, &self.values)?))
        })
    }

    /// Whether an unfinished line is all that is expected here, and something is typed behind it.
    fn only_prompt_is_left(&mut self, label: &str) -> bool {
        let lines = &self.expected[label];
        let (Some(last), true) = (lines.front(), lines.len() <= 1) else {
            return lines.is_empty();
        };
        let typed_next = self.section.steps.get(last.step + 1).is_some_and(|next| {
            next.label == label
                && next.kind.is_action()
                && !matches!(next.kind, Kind::Command(_))
        });
        let prompt = self.terminals.get(label).lines.prompt();
        typed_next
            && prompt.is_some_and(|p| matches_prompt(last, &p, &self.values).is_some())
    }

    /// Takes the unfinished lines, unless their newline comes after all: some programs write it
    /// a moment later than the line.
    fn take_prompts(&mut self, labels: &[String]) -> Result<(), Failure> {
        self.terminals.settle(SETTLE, Instant::now() + self.patience);
        for label in labels {
            self.advance(label)?;
            let Some(line) = self.expected[label].front() else { continue };
            let terminal = self.terminals.get(label);
            let prompt = terminal.lines.prompt().unwrap_or_default();
            match matches_prompt(line, &prompt, &self.values) {
                Some(found) => self.values.extend(found),
                None => return Err(Failure::at(line.step, Reason::Differs(prompt))),
            }
            terminal.lines.pop_prompt();
            terminal.elided = false;
            self.has_come(label, 0);
            (self.audience)(label, Scene::Printed(&prompt));
        }
        Ok(())
    }

    /// Before an action: everything that was printed has been shown by now.
    fn await_calm(&mut self, step: usize) -> Result<(), Failure> {
        let end = Instant::now() + SETTLE;
        while self.terminals.wait(end).is_some() {
            self.expect_no_flood()?;
            self.skip_elided();
        }
        self.expect_nothing_unshown(step)
    }

    /// Nothing happens for a while, and the program is still running.
    fn await_silence(
        &mut self,
        step: usize,
        label: &str,
        why: &str,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + self.patience;
        loop {
            let terminal = self.terminals.get(label);
            match terminal.end() {
                Some(end) => {
                    return Err(Failure::at(step, Reason::EndedInsteadOfWaiting(end)));
                }
                None if terminal.is_at_prompt() => {
                    return Err(Failure::at(step, Reason::NothingRuns));
                }
                None => {}
            }
            self.expect_nothing_unshown(step)?;
            if self.terminals.wait(deadline.min(Instant::now() + SILENCE)).is_none() {
                (self.audience)(label, Scene::Waits(why));
                return Ok(());
            }
            self.expect_no_flood()?;
            self.skip_elided();
        }
    }

    /// The program ends as it should, without another line.
    fn await_end(
        &mut self,
        step: usize,
        label: &str,
        wanted: End,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + self.patience;
        loop {
            self.skip_elided();
            let terminal = self.terminals.get(label);
            if terminal.is_at_prompt() {
                return Err(Failure::at(step, Reason::NothingRuns));
            }
            let ended = terminal.end();
            let unshown = match ended {
                Some(_) => terminal.unshown(),
                None if terminal.elided => None,
                None => terminal.lines.front().map(str::to_owned),
            };
            if let Some(line) = unshown {
                return Err(self.unshown(step, label, line));
            }
            if let Some(end) = ended {
                if !terminal.ended_with(wanted) {
                    return Err(Failure::at(step, Reason::WrongEnd { end, wanted }));
                }
                terminal.dismiss();
                (self.audience)(label, Scene::Ended(end));
                return Ok(());
            }
            if self.terminals.wait(deadline).is_none() {
                return Err(Failure::at(step, Reason::StillRunning(label.to_owned())));
            }
            self.expect_no_flood()?;
        }
    }

    /// At the end of the section every program has ended.
    fn await_all_ends(&mut self) -> Result<(), Failure> {
        let last = self.section.steps.len() - 1;
        let labels: Vec<String> =
            self.terminals.iter().map(|(label, _)| label.to_owned()).collect();
        for label in labels {
            if !self.terminals.get(&label).is_at_prompt() {
                self.await_end(last, &label, End::Status(0))?;
            }
        }
        Ok(())
    }

    /// Looks away where lines are left out.
    fn skip_elided(&mut self) {
        for (label, terminal) in self.terminals.iter_mut().filter(|(_, t)| t.elided) {
            while let Some(line) = terminal.lines.pop() {
                (self.audience)(label, Scene::Printed(&line));
            }
        }
    }

    fn expect_nothing_unshown(&mut self, step: usize) -> Result<(), Failure> {
        self.skip_elided();
        let mut unshown = self
            .terminals
            .iter()
            .filter_map(|(label, t)| Some((label.to_owned(), t.unshown()?)));
        match unshown.next() {
            None => Ok(()),
            Some((label, line)) => {
                drop(unshown);
                Err(self.unshown(step, &label, line))
            }
        }
    }

    /// A line too many, or one that the lesson shows later.
    fn unshown(&self, step: usize, label: &str, line: String) -> Failure {
        let later = self.section.steps[step..].iter().find(|later| match &later.kind {
            Kind::Shown { text, .. } => {
                later.label == label
                    && Pattern::new(text).matches(&line, &self.values).is_some()
            }
            _ => false,
        });
        let label = label.to_owned();
        match later {
            Some(later) => {
                Failure::at(step, Reason::TooEarly { label, line, shown: later.line })
            }
            None => Failure::at(step, Reason::Extra { label, line }),
        }
    }

    fn expect_no_flood(&self) -> Result<(), Failure> {
        match self.terminals.iter().find(|(_, terminal)| terminal.is_flooded()) {
            None => Ok(()),
            Some((label, _)) => {
                Err(Failure::at(self.stretch, Reason::Flood(label.to_owned())))
            }
        }
    }
}

/// A prompt often ends with a space, which nobody sees at the end of a shown line.
fn matches_prompt(expected: &Expected, prompt: &str, known: &Values) -> Option<Values> {
    let pattern = expected.pattern.as_ref()?;
    pattern.matches(prompt, known).or_else(|| pattern.matches(prompt.trim_end(), known))
}
