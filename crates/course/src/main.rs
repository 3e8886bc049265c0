//! The guide through the course: shows the lessons and plays them, checks the exercises, and knows
//! what is next.

mod check;
mod compile;
mod doctor;
mod exercises;
mod hint;
mod keyboard;
mod lessons;
mod overview;
mod play;
mod problem;
mod progress;
mod reset;
mod screen;
mod solution;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::process::{self, ExitCode};

use clap::{Parser, Subcommand};

use problem::Problem;

/// Learn socket programming with programs that run
///
/// Without a command: where you are, and what is next.
#[derive(Parser)]
#[command(name = "course", bin_name = "cargo run -p course --", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Show the table of lessons, and which exercises are passed
    List,
    /// Play the transcripts of a lesson with the real programs
    Play(play::Options),
    /// Compile your program, and judge it by what it does
    Check(check::Options),
    /// Check each time you save
    Watch(watch::Options),
    /// Show one hint more
    Hint(hint::Options),
    /// Show the model solution, once your program has passed
    Solution(solution::Options),
    /// Put the starter back; your version is kept beside it
    Reset(reset::Options),
    /// Find out what works on this machine
    Doctor,
}

fn main() -> ExitCode {
    // Before anything else: inside the room of a play or of a check this program plays its part.
    transcript::room::play_part_if_asked(|task| {
        doctor::look_around(task).unwrap_or_else(|| checks::perform(task))
    });

    end_on_signals();
    run(CommandLine::parse()).unwrap_or_else(|problem| {
        if problem.is_to_be_told() {
            let _ = writeln!(io::stderr(), "error: {problem}");
        }
        ExitCode::from(problem.status())
    })
}

/// Ends this program on Ctrl-C, SIGTERM and SIGHUP, even if it was started by somebody who ignores
/// them: a background job of a shell, for example. What it has started ends with it: a room has
/// asked the kernel for that.
fn end_on_signals() {
    let handled = ctrlc::set_handler(|| {
        keyboard::give_back();
        if io::stderr().is_terminal() {
            let _ = writeln!(io::stderr()); // The prompt of the shell begins on a new line.
        }
        process::exit(130);
    });
    if let Err(error) = handled {
        let _ = writeln!(io::stderr(), "warning: Ctrl-C may leave something: {error}");
    }
}

fn run(line: CommandLine) -> Result<ExitCode, Problem> {
    let done = |()| ExitCode::SUCCESS;
    match line.command {
        None => overview::welcome().map(done),
        Some(Command::List) => overview::list().map(done),
        Some(Command::Play(options)) => play::run(&options).map(done),
        Some(Command::Check(options)) => check::run(&options),
        Some(Command::Watch(options)) => watch::run(&options).map(done),
        Some(Command::Hint(options)) => hint::run(&options).map(done),
        Some(Command::Solution(options)) => solution::run(&options).map(done),
        Some(Command::Reset(options)) => reset::run(&options).map(done),
        Some(Command::Doctor) => doctor::run(),
    }
}
