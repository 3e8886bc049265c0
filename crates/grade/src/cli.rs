//! The command line.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use checks::exercises;
use clap::{Args, Parser, Subcommand};

use crate::Private;
use crate::demo;
use crate::doctor;
use crate::explain;
use crate::files::write_whole;
use crate::fill;
use crate::reports;
use crate::results::Results;
use crate::run::{self, Again, Graded, Request};
use crate::sandbox::tier::{self, Missing, Tier};
use crate::single;
use crate::store::{self, Settings};
use crate::submissions::{self, Discovered, Roster};
use crate::summary;
use crate::workshop::Workshop;

/// Exit statuses: graded; something went wrong; a mistake of the grader is among the results; the
/// programs cannot be kept apart, so nothing was run; Ctrl-C.
pub const GRADED: u8 = 0;
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const GRADER_ERROR: u8 = 3;
const REFUSED: u8 = 4;
const INTERRUPTED: i32 = 130;

/// Grades a class: a folder of submissions in, results out
#[derive(Parser)]
#[command(
    name = "grade",
    version,
    after_help = "Exit status: 0 graded, 1 failed, 2 wrong usage, 3 a mistake of the grader is \
                  among the results, 4 refused: programs of strangers cannot be kept apart here."
)]
struct Cli {
    #[command(subcommand)]
    command: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Grade a folder of submissions; what has not changed is not run again
    Run(RunOptions),
    /// Grade again what a folder of results was made from
    Regrade(RegradeOptions),
    /// Show the evidence of one check, and how to repeat it
    Explain(explain::Options),
    /// Make up a class from the wrong programs, and grade it
    Demo(DemoOptions),
    /// Show how well programs can be kept apart on this machine
    Doctor,
    /// Grade one submission, for a platform: Gradescope, Classroom 50
    Single(SingleOptions),
}

#[derive(Args)]
struct RunOptions {
    /// The folder with a folder or an archive for each student
    submissions: PathBuf,
    /// The exercise: echo, hello, ping ...
    #[arg(long, value_name = "NAME")]
    exercise: String,
    /// Where the results go
    #[arg(long, value_name = "FOLDER", default_value = "results")]
    out: PathBuf,
    /// A table of the class (CSV: id, name, folder); whoever is not in it is not graded
    #[arg(long, value_name = "FILE")]
    roster: Option<PathBuf>,
    /// Make the same random input as in another run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct RegradeOptions {
    /// The folder of results
    #[arg(default_value = "results")]
    out: PathBuf,
    /// Only this student; may be given more than once
    #[arg(long, value_name = "ID")]
    student: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct DemoOptions {
    /// How many students the class has
    #[arg(long, value_name = "N", default_value_t = 30)]
    students: usize,
    /// The exercise
    #[arg(long, value_name = "NAME", default_value = "echo")]
    exercise: String,
    /// Where the class and its results go
    #[arg(long, value_name = "FOLDER", default_value = "demo-class")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct SingleOptions {
    /// The submission: a folder, an archive, or a file
    submission: PathBuf,
    /// The exercise
    #[arg(long, value_name = "NAME")]
    exercise: String,
    /// Write the results.json of Gradescope here
    #[arg(long, value_name = "FILE")]
    gradescope: Option<PathBuf>,
    /// Write the result.json of Classroom 50 here
    #[arg(long, value_name = "FILE")]
    classroom50: Option<PathBuf>,
    /// Only this check and what it needs
    #[arg(long, value_name = "CHECK")]
    only: Option<String>,
    /// Make the same random input as in another run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    common: Common,
}

/// What all kinds of grading have in common.
#[derive(Args)]
struct Common {
    /// How many submissions are in work at the same time [default: four for each processor]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Points that were changed by hand [default: overrides.toml among the results]
    #[arg(long, value_name = "FILE")]
    overrides: Option<PathBuf>,
    /// Fill a column of a table that Canvas or Moodle exported
    #[arg(long, value_name = "FILE", requires = "column")]
    fill: Option<PathBuf>,
    /// The column to fill
    #[arg(long, value_name = "NAME", requires = "fill")]
    column: Option<String>,
    /// `auto`: as strong as this machine allows, for strangers; `landlock`: only fence files, TCP and
    /// signals off; `off`: do not keep programs apart
    #[arg(long, value_name = "HOW", default_value = "auto")]
    #[arg(value_parser = ["auto", "landlock", "off"])]
    sandbox: String,
    /// With --sandbox=landlock or off: you know these programs, and let them run as yourself
    #[arg(long)]
    i_trust_these_programs: bool,
}

/// What ends the program: the status, and a message.
pub struct Problem(u8, String);

impl From<String> for Problem {
    fn from(message: String) -> Problem {
        Problem(FAILED, message)
    }
}

/// Reads the command line, and does what it says.
pub fn main(private: &[Private]) -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Word::Run(options) => in_workshop(|workshop| run(options, private, workshop)),
        Word::Regrade(options) => {
            in_workshop(|workshop| regrade(options, private, workshop))
        }
        Word::Explain(options) => explain::explain(options).map_err(Problem::from),
        Word::Demo(options) => in_workshop(|workshop| demo(options, private, workshop)),
        Word::Doctor => in_workshop(|workshop| Ok(doctor::run(workshop))),
        Word::Single(options) => {
            in_workshop(|workshop| single(options, private, workshop))
        }
    };
    done.unwrap_or_else(say)
}

fn say(Problem(status, message): Problem) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(status)
}

/// Does something in a workshop. Ctrl-C ends it at once: what is known then is kept already, and the
/// rooms end with this process.
fn in_workshop(
    work: impl FnOnce(&Workshop) -> Result<ExitCode, Problem>,
) -> Result<ExitCode, Problem> {
    let code = Workshop::open(|workshop| {
        let _ = ctrlc::set_handler(|| {
            let _ = writeln!(
                io::stderr(),
                "\nstopped; what was graded is kept: the same command goes on from here"
            );
            process::exit(INTERRUPTED);
        });
        work(workshop).unwrap_or_else(say)
    });
    Ok(code?)
}

fn run(
    options: &RunOptions,
    private: &[Private],
    workshop: &Workshop,
) -> Result<ExitCode, Problem> {
    let key = exercise_key(&options.exercise)?;
    let before = store::read_settings(&options.out)?;
    if let Some(before) = before.as_ref().filter(|before| before.exercise != key) {
        return Err(Problem(
            USAGE,
            format!(
                "{} holds results of {}; take another folder: --out results-{}",
                options.out.display(),
                before.exercise,
                options.exercise
            ),
        ));
    }
    let seed = options
        .seed
        .or_else(|| before.map(|before| before.seed))
        .unwrap_or_else(|| u64::from(fastrand::u16(..)));
    let settings = Settings {
        exercise: key,
        submissions: absolute(&options.submissions)?,
        roster: options.roster.as_deref().map(absolute).transpose()?,
        seed,
    };
    grade(settings, &options.out, Again::Nothing, &options.common, private, workshop)
}

fn regrade(
    options: &RegradeOptions,
    private: &[Private],
    workshop: &Workshop,
) -> Result<ExitCode, Problem> {
    let Some(settings) = store::read_settings(&options.out)? else {
        let out = options.out.display();
        return Err(Problem(
            USAGE,
            format!("{out} is no folder of results; see `grade run`"),
        ));
    };
    let students: BTreeSet<String> = options.student.iter().cloned().collect();
    let again = if students.is_empty() { Again::All } else { Again::Students(students) };
    grade(settings, &options.out, again, &options.common, private, workshop)
}

fn demo(
    options: &DemoOptions,
    private: &[Private],
    workshop: &Workshop,
) -> Result<ExitCode, Problem> {
    let key = exercise_key(&options.exercise)?;
    let submissions = options.out.join("submissions");
    let roster = options.out.join("roster.csv");
    demo::make_class(&key, options.students, &submissions, &roster)?;
    let settings = Settings {
        exercise: key,
        submissions: absolute(&submissions)?,
        roster: Some(absolute(&roster)?),
        seed: demo::SEED,
    };
    let out = options.out.join("results");
    grade(settings, &out, Again::Nothing, &options.common, private, workshop)
}

/// Grades, writes the reports, and says what came of it.
fn grade(
    settings: Settings,
    out: &Path,
    again: Again,
    common: &Common,
    private: &[Private],
    workshop: &Workshop,
) -> Result<ExitCode, Problem> {
    let request = request(settings, out, again, common, workshop)?;
    let Settings { exercise, submissions, roster, .. } = &request.settings;
    let roster = roster.as_deref().map(Roster::read).transpose()?;
    let exercise = run::exercise(exercise, private)?;
    let found = submissions::discover(submissions, &exercise, roster.as_ref())?;
    let mut graded = run::run(&request, found, private, workshop)?;
    let outdated = reports::outdated::remove(&graded.results, out)?;
    graded.results.problems.extend(outdated);
    reports::write_all(&graded.results, out)?;
    summary::print(&graded, out)?;
    fill(common, &graded.results, out)?;
    Ok(status(&graded))
}

fn single(
    options: &SingleOptions,
    private: &[Private],
    workshop: &Workshop,
) -> Result<ExitCode, Problem> {
    let settings = Settings {
        exercise: exercise_key(&options.exercise)?,
        submissions: absolute(&options.submission)?,
        roster: None,
        seed: options.seed.unwrap_or_else(|| u64::from(fastrand::u16(..))),
    };
    let out = workshop.folder().join("results");
    let found = Discovered {
        submissions: vec![submissions::single(&options.submission)?],
        problems: Vec::new(),
    };
    let request = request(settings, &out, Again::All, &options.common, workshop)?;
    let request = Request { only: options.only.clone(), ..request };
    let graded = run::run(&request, found, private, workshop)?;
    single::write(
        &graded.results,
        options.gradescope.as_deref(),
        options.classroom50.as_deref(),
    )?;
    Ok(status(&graded))
}

fn status(graded: &Graded) -> ExitCode {
    match graded.results.has_grader_error() {
        true => ExitCode::from(GRADER_ERROR),
        false => ExitCode::from(GRADED),
    }
}

fn request(
    settings: Settings,
    out: &Path,
    again: Again,
    common: &Common,
    workshop: &Workshop,
) -> Result<Request, Problem> {
    const JOBS_FOR_EACH_PROCESSOR: usize = 4; // Checks mostly wait.
    let tier = tier(common, workshop)?;
    let privileged = exercises::by_key(&settings.exercise)?.texts.privileged;
    if privileged && matches!(tier, Tier::Users | Tier::Landlock) {
        return Err(Problem(
            REFUSED,
            format!(
                "{} needs raw sockets, and those a network of its own, which the sandbox `{}` \
                 has not; nothing was run. What this machine lacks: grade doctor",
                settings.exercise,
                tier.name()
            ),
        ));
    }
    let jobs = match tier {
        Tier::Namespaces => {
            common.jobs.unwrap_or(run::cores() * JOBS_FOR_EACH_PROCESSOR).max(1)
        }
        // They share a network, and files: one after the other.
        Tier::Users | Tier::Landlock | Tier::Off => 1,
    };
    Ok(Request {
        settings,
        out: out.to_owned(),
        jobs,
        tier,
        overrides: common.overrides.clone(),
        again,
        only: None,
    })
}

/// The strongest box that this machine has, or the weak one that was asked for. Strangers' programs
/// are not run in a weak one.
fn tier(common: &Common, workshop: &Workshop) -> Result<Tier, Problem> {
    match (common.sandbox.as_str(), common.i_trust_these_programs) {
        ("off", true) => return Ok(Tier::Off),
        ("landlock", true) => {
            return match tier::try_out(Tier::Landlock, &workshop.place()) {
                Ok(()) => Ok(Tier::Landlock),
                Err(Missing { reason, .. }) => {
                    Err(Problem(REFUSED, format!("{reason}; nothing was run")))
                }
            };
        }
        ("landlock", false) => {
            return Err(Problem(
                USAGE,
                "--sandbox=landlock lets every submission run as yourself, and keeps it from \
                 your files, but not from your network; if you know them all, add \
                 --i-trust-these-programs"
                    .to_owned(),
            ));
        }
        ("off", false) => {
            return Err(Problem(
                USAGE,
                "--sandbox=off lets every submission do what it wants on this machine; \
                 if you know them all, add --i-trust-these-programs"
                    .to_owned(),
            ));
        }
        _ => {}
    }
    let mut missing = match tier::try_out(Tier::Namespaces, &workshop.place()) {
        Ok(()) => return Ok(Tier::Namespaces),
        Err(missing) => missing,
    };
    match tier::try_out(Tier::Users, &workshop.place()) {
        Ok(()) => {
            let _ = writeln!(
                io::stderr(),
                "note: no namespaces here ({}); every program runs as a user of its own, one \
                 after the other. More: grade doctor",
                missing.reason
            );
            return Ok(Tier::Users);
        }
        Err(users) => missing.advice.extend(users.advice),
    }
    let mut message = format!(
        "programs of strangers cannot be kept apart here: {}; nothing was run",
        missing.reason
    );
    for advice in missing.advice {
        message.push_str("\n  ");
        message.push_str(advice);
    }
    message.push_str(
        "\n  or, for programs that you trust: --sandbox=landlock --i-trust-these-programs\
         \n  or, with nothing kept apart at all: --sandbox=off --i-trust-these-programs",
    );
    Err(Problem(REFUSED, message))
}

/// Fills a copy of the exported table, next to the results. The export itself stays as it is, and
/// whoever may not read it may not read the copy.
fn fill(common: &Common, results: &Results, out: &Path) -> Result<(), Problem> {
    let (Some(file), Some(column)) = (&common.fill, &common.column) else {
        return Ok(());
    };
    let table =
        fs::read(file).map_err(|error| format!("read {}: {error}", file.display()))?;
    let filled = fill::fill(&table, column, results)
        .map_err(|error| format!("fill {}: {error}", file.display()))?;
    let copy = out.join(file.file_name().unwrap_or_default());
    if fs::canonicalize(file).ok() == fs::canonicalize(&copy).ok() {
        return Err(Problem(
            USAGE,
            format!(
                "{} is where the filled copy goes; move it elsewhere",
                copy.display()
            ),
        ));
    }
    write_whole(&copy, &filled.bytes)?;
    fs::metadata(file)
        .and_then(|original| fs::set_permissions(&copy, original.permissions()))
        .map_err(|error| format!("give {} its mode: {error}", copy.display()))?;
    writeln!(anstream::stdout(), "{filled}\nfilled in: {}", copy.display())
        .map_err(|error| format!("print: {error}"))?;
    Ok(())
}

/// The folder's name of an exercise, from its name or its number.
fn exercise_key(name: &str) -> Result<String, Problem> {
    let keys: Vec<&str> = exercises::ALL.iter().map(|(key, _)| *key).collect();
    let fits = |key: &&&str| {
        **key == name
            || key.split_once('-').is_some_and(|(nn, n)| n == name || nn == name)
    };
    if let Some(key) = keys.iter().find(fits) {
        return Ok((*key).to_owned());
    }
    let names: Vec<&str> =
        keys.iter().filter_map(|key| key.split_once('-')).map(|(_, name)| name).collect();
    let near = |known: &&&str| (strsim::jaro_winkler(known, name) * 1000.0) as u32;
    let nearest = names.iter().max_by_key(near).copied().unwrap_or_default();
    Err(Problem(
        USAGE,
        format!(
            "there is no exercise `{name}`; did you mean {nearest}? There are: {}",
            names.join(", ")
        ),
    ))
}

fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    fs::canonicalize(path)
        .map_err(|error| Problem(USAGE, format!("open {}: {error}", path.display())))
}
