//! The terminals of a play: what runs in each, what it has printed, and how to act on it.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Output};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use assert_cmd::assert::OutputAssertExt;
use nix::sys::signal::Signal;

use crate::command;
use crate::note::End;
use crate::program::{Event, Lines, Program};

/// What a program may print in all, in bytes. It is stopped beyond that.
const LOUDEST: usize = 4 << 20;

/// How many pieces of output may wait to be looked at. A program that prints more is held up.
const PIECES_AHEAD: usize = 64;

/// All terminals of a play.
pub struct Terminals {
    terminals: BTreeMap<String, Terminal>,
    sender: SyncSender<(String, Event)>,
    events: Receiver<(String, Event)>,
}

/// One terminal.
#[derive(Default)]
pub struct Terminal {
    /// What it printed and nobody has looked at yet.
    pub lines: Lines,
    /// Whether lines may be left out here (`...`).
    pub elided: bool,
    /// Whether ^C was pressed.
    pub interrupted: bool,
    command: String,
    program: Option<Program>,
    status: Option<ExitStatus>,
    loudness: usize,
}

impl Terminal {
    /// Whether a program runs in it.
    pub fn is_running(&self) -> bool {
        self.program.is_some() && self.status.is_none()
    }

    /// Whether no program has been started since the last one was dismissed.
    pub fn is_at_prompt(&self) -> bool {
        self.program.is_none()
    }

    /// How its program ended.
    pub fn end(&self) -> Option<End> {
        let status = self.status?;
        match status.code() {
            Some(code) => Some(End::Status(code)),
            None => status.signal().map(End::Signal),
        }
    }

    /// Whether its program ended as the lesson says. After ^C the prompt comes back however the
    /// program took it: it may end well, or be killed by the signal, or say so itself (130).
    pub fn ended_with(&self, wanted: End) -> bool {
        let Some(status) = self.status else { return false };
        let judge = || Output { status, stdout: Vec::new(), stderr: Vec::new() }.assert();
        let interrupted = status.signal() == Some(Signal::SIGINT as i32)
            || judge().try_code(128 + Signal::SIGINT as i32).is_ok();
        match wanted {
            End::Status(0) if self.interrupted && interrupted => true,
            End::Status(code) => judge().try_code(code).is_ok(),
            End::Signal(signal) => status.signal() == Some(signal),
        }
    }

    /// Whether its program has printed nothing at all.
    pub fn is_silent(&self) -> bool {
        self.loudness == 0
    }

    /// Whether its program has printed far too much.
    pub fn is_flooded(&self) -> bool {
        self.loudness > LOUDEST
    }

    /// The first thing that was printed and not looked at: a line, or a prompt. Where the lesson
    /// leaves lines out there is nothing to look at.
    pub fn unshown(&self) -> Option<String> {
        if self.elided {
            return None;
        }
        self.lines.front().map(str::to_owned).or_else(|| self.lines.prompt())
    }

    /// Forgets the program that has ended: the prompt is back.
    pub fn dismiss(&mut self) {
        self.program = None;
        self.status = None;
        self.elided = false;
        self.interrupted = false;
    }
}

impl fmt::Display for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let command = command::short(&self.command);
        match self.end() {
            _ if self.is_at_prompt() && command.is_empty() => {
                write!(f, "nothing was started")
            }
            _ if self.is_at_prompt() => write!(f, "at its prompt, `{command}` has ended"),
            None => write!(f, "`{command}` is running"),
            Some(end) => write!(f, "`{command}` ended with {}", in_words(end)),
        }
    }
}

/// An end for a sentence: `0`, `signal 2`.
pub fn in_words(end: End) -> String {
    match end {
        End::Status(status) => status.to_string(),
        End::Signal(signal) => format!("signal {signal}"),
    }
}

impl Default for Terminals {
    fn default() -> Terminals {
        let (sender, events) = mpsc::sync_channel(PIECES_AHEAD);
        Terminals { terminals: BTreeMap::new(), sender, events }
    }
}

impl Terminals {
    /// The terminal of this name, opened when it is first spoken of.
    pub fn get(&mut self, label: &str) -> &mut Terminal {
        self.terminals.entry(label.to_owned()).or_default()
    }

    /// All terminals, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Terminal)> {
        self.terminals.iter().map(|(label, terminal)| (label.as_str(), terminal))
    }

    /// All terminals, by name.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Terminal)> {
        self.terminals.iter_mut().map(|(label, terminal)| (label.as_str(), terminal))
    }

    /// Starts a program.
    ///
    /// # Errors
    /// In words, why it cannot be started.
    pub fn start(&mut self, label: &str, command: &str) -> Result<(), String> {
        let prepared = command::prepare(command)?;
        let (sender, name) = (self.sender.clone(), label.to_owned());
        let program = Program::start(prepared, move |event| {
            // The play may be over, and nobody listening any more.
            let _ = sender.send((name.clone(), event));
        })
        .map_err(|error| error.to_string())?;
        let command = command.to_owned();
        let terminal =
            Terminal { command, program: Some(program), ..Terminal::default() };
        self.terminals.insert(label.to_owned(), terminal);
        Ok(())
    }

    /// Types something into the program of a terminal.
    ///
    /// # Errors
    /// In words: no program is there to read it.
    pub fn type_line(&mut self, label: &str, text: &str) -> Result<(), String> {
        let typed = format!("{text}\n");
        let program = self.running(label, &format!("`{text}` could be typed"))?;
        program
            .type_text(typed.as_bytes())
            .map_err(|error| format!("type `{text}` into `{label}`: {error}"))
    }

    /// Presses Ctrl-D.
    ///
    /// # Errors
    /// In words: no program is there.
    pub fn end_input(&mut self, label: &str) -> Result<(), String> {
        self.running(label, "^D could be pressed")?.close_input();
        Ok(())
    }

    /// Presses Ctrl-C.
    ///
    /// # Errors
    /// In words: no program is there.
    pub fn interrupt(&mut self, label: &str) -> Result<(), String> {
        self.running(label, "^C could be pressed")?.signal(Signal::SIGINT);
        self.get(label).interrupted = true;
        Ok(())
    }

    fn running(&mut self, label: &str, before: &str) -> Result<&mut Program, String> {
        let terminal = self.get(label);
        match terminal.end() {
            Some(end) => Err(format!(
                "nothing runs in `{label}`: `{}` had ended with {} before {before}",
                command::short(&terminal.command),
                in_words(end)
            )),
            None => terminal.program.as_mut().ok_or_else(|| {
                format!("nothing runs in `{label}`: start a program before {before}")
            }),
        }
    }

    /// Waits for the next thing to happen in any terminal, and takes note of it.
    /// Returns the name of the terminal; none if nothing happened until `deadline`.
    pub fn wait(&mut self, deadline: Instant) -> Option<String> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(left) {
            Ok((label, event)) => {
                self.take(&label, event);
                Some(label)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is kept here"),
        }
    }

    fn take(&mut self, label: &str, event: Event) {
        let terminal = self.get(label);
        match event {
            Event::Printed(bytes) => {
                terminal.loudness += bytes.len();
                if terminal.is_flooded() {
                    if let Some(program) = &terminal.program {
                        program.signal(Signal::SIGKILL);
                    }
                } else {
                    terminal.lines.push(&bytes);
                }
            }
            Event::Flooded => {}
            Event::Ended(status) => {
                terminal.lines.end();
                terminal.status = Some(status);
            }
        }
    }

    /// Waits until nothing has happened for `silence`, but no longer than until `deadline`.
    pub fn settle(&mut self, silence: Duration, deadline: Instant) {
        while self.wait(deadline.min(Instant::now() + silence)).is_some() {}
    }
}
