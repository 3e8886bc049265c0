//! The player tests itself. One program for both kinds of tests: they wait most of the time, and so
//! they wait together.

mod broken;
mod overwrite;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use transcript::room;

fn main() -> ExitCode {
    room::play_part_if_asked(transcript::perform);
    let mut trials = broken::trials();
    trials.extend(overwrite::trials());
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(24); // Most plays wait most of the time.
    libtest_mimic::run(&arguments, trials).exit_code()
}
