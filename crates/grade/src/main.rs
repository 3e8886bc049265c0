//! The grader, with the checks that everybody may see. `notes/instructors.md` tells how to build one
//! with checks of your own.

use std::process::ExitCode;

fn main() -> ExitCode {
    grade::main(&[])
}
