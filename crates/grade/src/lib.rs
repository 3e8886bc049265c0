//! Grades a class: a folder of submissions in, results out.
//!
//! [`results`] is the one model that everything meets in.

use std::process::ExitCode;

use checks::exercise::Check;

pub mod compile;
pub mod judge;
pub mod results;
pub mod sandbox;

/// Checks of an exercise that are not handed out, and the file with their words.
pub struct Private {
    /// The name of the exercise: `echo`.
    pub exercise: &'static str,
    /// The checks. They may need those of the exercise.
    pub checks: &'static [Check],
    /// Their words, as in an `exercise.toml`: `[[check]]` and `[diagnoses]`.
    pub words: &'static str,
}

/// The whole program.
pub fn main(_private: &'static [Private]) -> ExitCode {
    sandbox::cell::play_part_if_asked();
    transcript::room::play_part_if_asked(checks::perform);
    smoke();
    ExitCode::SUCCESS
}

fn smoke() {
    let a: Vec<String> = std::env::args().collect();
    let ex = checks::exercises::by_key(&a[1]).unwrap();
    let w = std::path::PathBuf::from(&a[3]);
    for d in ["place", "out"] { std::fs::create_dir_all(w.join(d)).unwrap(); }
    let t = std::time::Instant::now();
    let c = compile::Compiler::prepare(&ex).unwrap();
    eprintln!("prepared {:?}", t.elapsed());
    let walls = sandbox::cell::Walls::Namespaces(Default::default());
    let t = std::time::Instant::now();
    let r = c.compile(&walls, &w.join("place"), std::path::Path::new(&a[2]), &w.join("out"));
    eprintln!("compiled {:?}", t.elapsed());
    match r { Ok(compile::Compiled::Program(s)) => eprintln!("ok {s}"), Ok(compile::Compiled::Error(s)) => eprintln!("error {s}"), Ok(compile::Compiled::Stopped(s)) => eprintln!("stopped {s}"), Err(e) => eprintln!("ERR {e}") }
    let t = std::time::Instant::now();
    let j = judge::Judge { exercise: &ex, seed: 1, walls: &walls };
    let (rows, times) = j.judge(&w.join("out/program"), &w.join("place")).unwrap();
    for r in rows { eprintln!("{:20} {:?} {} {} {}ms {:?}", r.check, r.verdict, r.points, r.message, r.took_ms, r.evidence.map(|e| e.lines())); }
    eprintln!("{times:?} {:?}", t.elapsed());
}
