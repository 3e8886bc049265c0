//! Grades a folder of submissions: takes them in, compiles, judges, keeps and reports.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use checks::exercise::{Exercise, workspace};
use checks::exercises;
use sha2::{Digest, Sha256};

use crate::Private;
use crate::compile::{self, Compiled, Compiler};
use crate::judge::{Judge, milliseconds};
use crate::overrides::{self, Overrides};
use crate::progress::Progress;
use crate::results::{
    BUILDS, CheckInfo, ExerciseInfo, GraderInfo, Results, Row, SCHEMA, Submission, Times,
    Verdict,
};
use crate::sandbox::tier::Tier;
use crate::store::{self, Known, Log, Settings};
use crate::submissions::{self, Discovered, Submitted};
use crate::workshop::{Bench, Workshop};

/// What is to be graded, and how.
pub struct Request {
    /// What was submitted, and for which exercise.
    pub settings: Settings,
    /// The folder of the results.
    pub out: PathBuf,
    /// How many submissions are in work at the same time.
    pub jobs: usize,
    /// How the programs are kept apart.
    pub tier: Tier,
    /// Changes by hand, if not those in the folder of the results.
    pub overrides: Option<PathBuf>,
    /// What is graded again although nothing has changed.
    pub again: Again,
    /// Only this check and what it needs.
    pub only: Option<String>,
}

/// What is graded again although nothing has changed.
#[derive(Clone, PartialEq)]
pub enum Again {
    /// Nothing.
    Nothing,
    /// Everything.
    All,
    /// The submissions of these students.
    Students(BTreeSet<String>),
}

/// What came of it.
pub struct Graded {
    /// The results, changes by hand included.
    pub results: Results,
    /// How many submissions were graded now; the others had not changed.
    pub fresh: usize,
}

/// Everything that stays the same from one submission to the next.
struct Grader<'a> {
    exercise: &'a Exercise,
    request: &'a Request,
    workshop: &'a Workshop,
    /// What all results depend on.
    conditions: String,
    compiler: OnceLock<Result<Compiler, String>>,
    compilers_at_work: Turns,
}

/// Reads an exercise, with the checks that are not handed out.
///
/// # Errors
/// There is no such exercise, or its words are not complete.
pub fn exercise(key: &str, private: &[Private]) -> Result<Exercise, String> {
    let mut exercise = exercises::by_key(key)?;
    let name = exercise.name.clone();
    for more in private.iter().filter(|more| more.exercise == name) {
        exercise
            .add(more.checks, more.words)
            .map_err(|error| format!("private checks of `{name}`: {error}"))?;
    }
    Ok(exercise)
}

/// Grades everything. Each result is kept as soon as it is known.
///
/// # Errors
/// In words: the submissions cannot be read, the results not written, the compiler not prepared.
pub fn run(
    request: &Request,
    found: Discovered,
    private: &[Private],
    workshop: &Workshop,
) -> Result<Graded, String> {
    let started = Instant::now();
    let exercise = exercise(&request.settings.exercise, private)?;
    let info = info(&exercise, private);
    // First of all: a mistake in it is told before the work, not after.
    let usual = request.out.join("overrides.toml");
    let file = request.overrides.clone().or_else(|| usual.is_file().then_some(usual));
    let overrides = file.map(|file| Overrides::read(&file, &info)).transpose()?;
    let (known, mut log) = Log::open(&request.out)?;
    store::write_settings(&request.out, &request.settings)?;

    let compiler_version = compile::version()?;
    let checks = digest_of_this_program()?;
    let grader = Grader {
        exercise: &exercise,
        request,
        workshop,
        conditions: conditions(request, &exercise, &compiler_version, &checks)?,
        compiler: OnceLock::new(),
        compilers_at_work: Turns::new(cores()),
    };
    let (submissions, fresh) = grader.grade_all(&found.submissions, &known, &mut log)?;

    let mut results = Results {
        schema: SCHEMA.to_owned(),
        exercise: info,
        grader: GraderInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            compiler: compiler_version,
            checks,
            seed: request.settings.seed,
            sandbox: request.tier.name().to_owned(),
            finished: jiff::Timestamp::now().to_string(),
            took_ms: milliseconds(started.elapsed()),
        },
        submissions,
        problems: found.problems,
    };
    if let Some(overrides) = overrides {
        let warnings = overrides::apply(&overrides, &mut results);
        results.problems.extend(warnings);
    }
    Ok(Graded { results, fresh })
}

/// How many processors this machine has.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, |number| number.get())
}

/// Everything that a result depends on, but for the submission itself.
fn conditions(
    request: &Request,
    exercise: &Exercise,
    compiler: &str,
    checks: &str,
) -> Result<String, String> {
    let words = workspace().join("exercises").join(&exercise.key).join("exercise.toml");
    let words =
        fs::read(&words).map_err(|error| format!("read {}: {error}", words.display()))?;
    let (seed, tier) = (request.settings.seed, request.tier.name());
    Ok(format!("{compiler}\n{checks}\n{seed}\n{tier}\n{}", hex(&Sha256::digest(words))))
}

fn digest_of_this_program() -> Result<String, String> {
    let program = std::env::current_exe()
        .and_then(fs::read)
        .map_err(|error| format!("read my own program: {error}"))?;
    Ok(hex(&Sha256::digest(program)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn info(exercise: &Exercise, private: &[Private]) -> ExerciseInfo {
    let is_private = |id: &str| {
        let mine = private.iter().filter(|more| more.exercise == exercise.name);
        mine.flat_map(|more| more.checks).any(|check| check.id == id)
    };
    let builds = CheckInfo {
        id: BUILDS.to_owned(),
        says: "it compiles".to_owned(),
        points: 0,
        by_hand: format!("cargo build -p {}-exercise", exercise.name),
        private: false,
        detail: Default::default(),
    };
    let checks = exercise.texts.checks.iter().map(|text| CheckInfo {
        id: text.id.clone(),
        says: text.says.clone(),
        points: text.points,
        by_hand: text.by_hand.clone(),
        private: is_private(&text.id),
        detail: text.detail,
    });
    ExerciseInfo {
        name: exercise.name.clone(),
        title: exercise.texts.title.clone(),
        points: exercise.points(),
        checks: std::iter::once(builds).chain(checks).collect(),
        diagnoses: exercise.texts.diagnoses.clone(),
    }
}

/// A result on its way: which submission, by which name it is kept, and whether it is new.
struct Done {
    number: usize,
    key: String,
    submission: Submission,
    is_fresh: bool,
}

impl Grader<'_> {
    /// Grades all that is not known yet, several at a time. Returns all results in their order, and
    /// how many are new.
    fn grade_all(
        &self,
        found: &[Submitted],
        known: &Known,
        log: &mut Log,
    ) -> Result<(Vec<Submission>, usize), String> {
        let progress = Progress::new(found.len());
        let mut results: Vec<Option<Submission>> = vec![None; found.len()];
        let mut fresh = 0;
        let next = AtomicUsize::new(0);
        let (sender, done) = mpsc::channel();
        let work = |sender: mpsc::Sender<Done>| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(submitted) = found.get(number) else { return };
                progress.begin(&submitted.student);
                let done = self.grade(number, submitted, known);
                progress.end(&submitted.student);
                if sender.send(done).is_err() {
                    return; // Nobody keeps results any more.
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.request.jobs.max(1) {
                let sender = sender.clone();
                scope.spawn(|| work(sender));
            }
            drop(sender);
            for Done { number, key, submission, is_fresh } in done {
                if is_fresh {
                    fresh += 1;
                    // A mistake of the grader is no result: next time it is tried again.
                    if !submission.has_grader_error() {
                        log.put(&key, &submission)?;
                    }
                }
                results[number] = Some(submission);
            }
            Ok::<(), String>(())
        })?;
        progress.finish();
        Ok((results.into_iter().flatten().collect(), fresh))
    }

    /// Grades one submission, or finds that it is known.
    fn grade(&self, number: usize, submitted: &Submitted, known: &Known) -> Done {
        let started = Instant::now();
        let bench = self.workshop.bench(number);
        let staged = bench.as_ref().map_err(String::clone).and_then(|bench| {
            submissions::stage(submitted, self.exercise, &bench.source())
                .map(|staged| (bench, staged))
        });
        let mut submission = Submission {
            student: submitted.student.clone(),
            name: submitted.name.clone(),
            source: submitted.source.clone(),
            digest: String::new(),
            remarks: Vec::new(),
            rows: Vec::new(),
            score: 0,
            times: Times {
                stage_ms: milliseconds(started.elapsed()),
                ..Times::default()
            },
        };
        let (bench, staged) = match staged {
            Ok(staged) => staged,
            Err(reason) => {
                self.nothing_to_judge(
                    &mut submission,
                    Verdict::BuildError,
                    &reason,
                    None,
                );
                let key = String::new();
                return Done { number, key, submission, is_fresh: false };
            }
        };
        submission.digest = staged.digest;
        submission.remarks = staged.remarks;
        let key =
            hex(&Sha256::digest(format!("{}\n{}", self.conditions, submission.digest)));
        let again = match &self.request.again {
            Again::Nothing => false,
            Again::All => true,
            Again::Students(students) => students.contains(&submission.student),
        };
        if let Some(old) = known.get(&submission.student, &key).filter(|_| !again) {
            // What may have changed around it: the roster, the name of the folder.
            let Submission { rows, score, times, .. } = old.clone();
            submission = Submission { rows, score, times, ..submission };
            return Done { number, key, submission, is_fresh: false };
        }
        self.compile_and_judge(bench, &mut submission);
        submission.score = submission.rows.iter().map(|row| row.points).sum();
        Done { number, key, submission, is_fresh: true }
    }

    fn compile_and_judge(&self, bench: &Bench, submission: &mut Submission) {
        let place = self.workshop.place();
        let walls = self.request.tier.walls();
        let compiler = self.compiler.get_or_init(|| Compiler::prepare(self.exercise));
        let started = Instant::now();
        let compiled = compiler.as_ref().map_err(String::clone).and_then(|compiler| {
            let _turn = self.compilers_at_work.take();
            compiler.compile(&walls, &place, &bench.source(), &bench.out())
        });
        submission.times.build_ms = milliseconds(started.elapsed());
        let warnings = match compiled {
            Ok(Compiled::Program(warnings)) => warnings,
            Ok(Compiled::Error(said)) => {
                let reason = "it does not compile";
                return self.nothing_to_judge(
                    submission,
                    Verdict::BuildError,
                    reason,
                    Some(said),
                );
            }
            Ok(Compiled::Stopped(reason)) => {
                let reason = format!("the compiler was stopped: {reason}");
                return self.nothing_to_judge(submission, Verdict::Limit, &reason, None);
            }
            Err(reason) => {
                return self.nothing_to_judge(
                    submission,
                    Verdict::GraderError,
                    &reason,
                    None,
                );
            }
        };
        let took = submission.times.build_ms;
        let said = Some(warnings).filter(|said| !said.is_empty());
        submission.rows.push(builds(Verdict::Pass, "", said, took));
        let seed = self.request.settings.seed;
        let only = self.request.only.as_deref();
        let judge = Judge { exercise: self.exercise, seed, walls: &walls, only };
        match judge.judge(&bench.out().join("program"), &place) {
            Ok((rows, times)) => {
                submission.rows.extend(rows);
                submission.times.box_ms = times.box_ms;
                submission.times.checks_ms = times.checks_ms;
            }
            Err(reason) => {
                submission.rows.clear();
                self.nothing_to_judge(submission, Verdict::GraderError, &reason, None);
            }
        }
    }

    /// Without a program no check is run.
    fn nothing_to_judge(
        &self,
        submission: &mut Submission,
        verdict: Verdict,
        reason: &str,
        said: Option<String>,
    ) {
        let took = submission.times.build_ms;
        submission.rows.push(builds(verdict, reason, said, took));
        for text in &self.exercise.texts.checks {
            submission.rows.push(Row {
                check: text.id.clone(),
                verdict: Verdict::NotRun,
                max_points: text.points,
                message: format!("it needs `{BUILDS}`"),
                ..Row::default()
            });
        }
    }
}

/// The row of the compilation.
fn builds(verdict: Verdict, message: &str, said: Option<String>, took_ms: u64) -> Row {
    Row {
        check: BUILDS.to_owned(),
        verdict,
        message: message.to_owned(),
        compiler: said,
        attempts: 1,
        took_ms,
        ..Row::default()
    }
}

/// So many may be at it at the same time: compilers are busy, while checks mostly wait.
struct Turns {
    free: Mutex<usize>,
    one_is_free: Condvar,
}

impl Turns {
    fn new(number: usize) -> Turns {
        Turns { free: Mutex::new(number), one_is_free: Condvar::new() }
    }

    /// Waits for a turn, which ends when the value is dropped.
    fn take(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.one_is_free.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Turn(self)
    }
}

struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.one_is_free.notify_one();
    }
}
