//! Judges one program: all checks of the exercise, each in a room of its own, the program in a cell.

use std::path::Path;
use std::time::Duration;

use checks::exercise::{Check, Exercise};
use checks::finding::{Manner, Verdict as Found};
use checks::runner::{self, Checked, Options, PATIENCE};
use transcript::room::Room;

use crate::results::{Row, Times, Verdict};
use crate::sandbox::cell::{Cell, Walls};
use crate::sandbox::fence::Fence;
use crate::sandbox::limits;
use crate::sandbox::tree::Tree;

/// How long a check may take, whatever the program does. The longest ones send 64 MiB, or wait for
/// several answers that do not come.
const DEADLINE: Duration = Duration::from_secs(60);

/// How often a check is run that does not pass: once more, to tell a mistake from bad luck.
const ATTEMPTS: u32 = 2;

/// The conditions of all checks.
pub struct Judge<'a> {
    /// The exercise.
    pub exercise: &'a Exercise,
    /// Makes all input.
    pub seed: u64,
    /// What keeps a program in.
    pub walls: &'a Walls,
    /// Only this check and what it needs.
    pub only: Option<&'a str>,
}

/// Where the program is in its cell.
const PROGRAM: &str = "/program";

/// Where the folder of the room is in the cell.
const FOLDER: &str = "/work";

impl Judge<'_> {
    /// Runs the checks one after another. Returns a row for each, and the time it took.
    ///
    /// # Errors
    /// The cell cannot be described.
    pub fn judge(
        &self,
        program: &Path,
        place: &Path,
    ) -> Result<(Vec<Row>, Times), String> {
        let command = self.command(program, place)?;
        let mut rows: Vec<Row> = Vec::new();
        let mut times = Times::default();
        let wanted = runner::wanted(&self.exercise.checks, self.only);
        for check in self.exercise.checks.iter().filter(|c| wanted.contains(c.id)) {
            let passed = |id: &&str| {
                rows.iter().any(|row| row.check == *id && row.verdict == Verdict::Pass)
            };
            let row = match check.needs.iter().find(|id| !passed(id)) {
                Some(needed) => {
                    let reason = format!("it needs `{needed}`");
                    self.row(&Checked::not_run(check.id, reason), 0, false)
                }
                None => self.run(check, &command, &mut times),
            };
            rows.push(row);
        }
        Ok((rows, times))
    }

    /// The words that start the program in its cell.
    fn command(&self, program: &Path, place: &Path) -> Result<Vec<String>, String> {
        let boxed = matches!(self.walls, Walls::Namespaces(_));
        let name = format!("{}-exercise", self.exercise.name);
        let inside = Path::new(PROGRAM).join(name);
        let walls = match self.walls {
            Walls::Namespaces(_) => Walls::Namespaces(Tree {
                place: place.to_owned(),
                shown: vec![(program.to_owned(), inside.clone())],
                writable: vec![(".".into(), FOLDER.into())],
                with_programs: false,
            }),
            Walls::Fence(_) => Walls::Fence(Fence {
                shown: vec![program.to_owned()],
                writable: ".".into(),
                with_programs: false,
            }),
            other @ (Walls::User(_) | Walls::None) => other.clone(),
        };
        let cell = Cell {
            walls,
            limits: limits::PROGRAM,
            raw_sockets: self.exercise.texts.privileged,
            no_network: false,
            folder: boxed.then(|| FOLDER.into()),
        };
        let mut words = cell.command()?;
        let path = if boxed { &inside } else { program };
        words.push(path.to_string_lossy().into_owned());
        Ok(words)
    }

    fn run(&self, check: &Check, command: &[String], times: &mut Times) -> Row {
        let mut room = Room {
            privileged: self.exercise.texts.privileged,
            deadline: Some(DEADLINE),
            ..Room::default()
        };
        match self.walls {
            Walls::Namespaces(_) => room.strict = true,
            // To start a program as another user is a right of root.
            Walls::User(_) => room.keeps_rights = true,
            Walls::Fence(_) | Walls::None => {}
        }
        let options = Options { seed: self.seed, patience: PATIENCE, only: None };
        let mut first: Option<Checked> = None;
        for attempt in 1..=ATTEMPTS {
            let name = &self.exercise.name;
            let checked = runner::run_check(name, check.id, command, &options, room);
            self.walls.sweep();
            times.checks_ms += milliseconds(checked.judging);
            times.box_ms += milliseconds(checked.took.saturating_sub(checked.judging));
            match checked.verdict {
                Found::Pass | Found::NotRun(_) => {
                    return self.row(&checked, attempt, attempt > 1);
                }
                // The first failure is told: a second one may be a consequence of a busy machine.
                Found::Fail(_) | Found::Error(_) => first = first.or(Some(checked)),
            }
        }
        let nothing = || Checked::not_run(check.id, "it was not tried".to_owned());
        self.row(&first.unwrap_or_else(nothing), ATTEMPTS, false)
    }

    fn row(&self, checked: &Checked, attempts: u32, flaky: bool) -> Row {
        let max_points = self.exercise.text(checked.id).map_or(0, |text| text.points);
        let mut row = Row {
            check: checked.id.to_owned(),
            verdict: Verdict::Pass,
            points: 0,
            max_points,
            attempts,
            flaky,
            took_ms: milliseconds(checked.took),
            message: String::new(),
            diagnosis: None,
            evidence: None,
            compiler: None,
            overridden: None,
        };
        match &checked.verdict {
            Found::Pass => row.points = max_points,
            Found::NotRun(reason) => {
                row.verdict = Verdict::NotRun;
                row.message = reason.clone();
            }
            Found::Error(message) => {
                row.verdict = Verdict::GraderError;
                row.message = message.clone();
            }
            Found::Fail(finding) => {
                row.verdict = match finding.manner {
                    Manner::Wrong => Verdict::Fail,
                    Manner::Late => Verdict::Timeout,
                    Manner::Crashed => Verdict::Crash,
                    Manner::Limit => Verdict::Limit,
                };
                row.message = finding.summary.clone();
                row.diagnosis = finding.diagnosis.clone();
                row.evidence = Some(finding.clone());
            }
        }
        row
    }
}

/// As a number for the results.
pub fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}
