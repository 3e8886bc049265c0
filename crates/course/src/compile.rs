//! Compiles the student's program with cargo.

use std::env;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use checks::exercise::Exercise;
use serde_json::Value;

use crate::exercises;
use crate::lessons;
use crate::problem::Problem;

/// What came of it.
pub struct Compiled {
    /// The program; none if there are errors.
    pub program: Option<PathBuf>,
    /// What the compiler says, as it would say it itself.
    pub said: String,
}

/// Compiles the program of an exercise. cargo tells in JSON what it has done (`cargo help build`,
/// --message-format), so nothing has to be guessed: neither where the program is, nor what the
/// compiler says.
///
/// # Errors
/// There is no cargo.
pub fn compile(exercise: &Exercise) -> Result<Compiled, Problem> {
    let manifest = exercises::folder(exercise).join("Cargo.toml");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--message-format=json-diagnostic-rendered-ansi", "--bin"])
        .arg(exercises::binary(exercise))
        .arg("--manifest-path")
        .arg(manifest)
        .current_dir(lessons::workspace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(no_cargo)?;
    read(&mut cargo, &exercises::binary(exercise)).map_err(no_cargo)
}

fn no_cargo(error: io::Error) -> Problem {
    Problem::failure(format!("run cargo: {error}")).then("cargo --version")
}

fn read(cargo: &mut Child, target: &str) -> io::Result<Compiled> {
    let stderr = cargo.stderr.take().map(BufReader::new);
    let own_words = thread::spawn(move || stderr.map(own_words).unwrap_or_default());
    let (mut program, mut said) = (None, String::new());
    for line in
        cargo.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines())
    {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else { continue };
        if let Some(rendered) = message["message"]["rendered"].as_str() {
            said.push_str(rendered);
        }
        if message["target"]["name"] == target && message["executable"].is_string() {
            program = message["executable"].as_str().map(PathBuf::from);
        }
    }
    let own_words = own_words.join().unwrap_or_default();
    if cargo.wait()?.success() && program.is_some() {
        return Ok(Compiled { program, said });
    }
    // Without the compiler: a mistake in Cargo.toml, no disk space …
    if said.is_empty() {
        said = own_words;
    }
    Ok(Compiled { program: None, said })
}

/// What cargo itself says. That it waits for another cargo is worth knowing at once, for somebody
/// who sits there and waits.
fn own_words(mut stderr: impl BufRead) -> String {
    let mut words = String::new();
    let mut line = Vec::new();
    while stderr.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        let text = String::from_utf8_lossy(&line).into_owned();
        if text.contains("Blocking waiting") && io::stderr().is_terminal() {
            let _ = writeln!(io::stderr(), "\n(cargo waits until another cargo is done)");
        }
        words.push_str(&text);
        line.clear();
    }
    words
}
