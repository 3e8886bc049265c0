//! The grader, with a check that students do not have.

use std::process::ExitCode;

use checks::bench::{Bench, ended};
use checks::exercise::Check;
use checks::finding::Finding;
use grade::Private;

fn main() -> ExitCode {
    const PRIVATE: &[Private] = &[Private {
        exercise: "echo",
        checks: &[Check { id: "silent", needs: &["ends"], run: silent }],
        words: include_str!("words.toml"),
    }];
    grade::main(PRIVATE)
}

/// A client that never says anything has ended well, too.
fn silent(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    ann.half_close();
    ann.expect_to_the_end(b"")?;
    let status = bench.await_end(student, bench.patience)?;
    if status.success() {
        return Ok(());
    }
    Err(Finding::new("your server takes silence for an error")
        .saw(format!("it ended with {}", ended(status)))
        .wanted("status 0")
        .diagnosis("silence"))
}
