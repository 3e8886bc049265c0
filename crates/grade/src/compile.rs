//! Compiles a submission: its own crate and nothing else, with the compiler itself in a cell.
//!
//! Cargo takes no part in it. There is no manifest, no build script, no setting of the student's that
//! could be read; and no folder of builds in which one student's program could be taken for
//! another's. What the exercise depends on has been built before, from this repository.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use checks::bench::NO_BOX;
use checks::exercise::{Exercise, workspace};
use serde_json::Value;
use transcript::program::{Event, Program};

use crate::sandbox::cell::{Cell, Walls};
use crate::sandbox::fence::Fence;
use crate::sandbox::limits;
use crate::sandbox::rights::give_away;
use crate::sandbox::tree::Tree;

/// How long the compiler may take for one submission, however busy the machine is with others. What
/// keeps the compiler itself busy comes to the limit of its processor time before.
const DEADLINE: Duration = Duration::from_secs(120);

/// So much of what the compiler says is kept, in bytes.
const KEPT: usize = 16 * 1024;

/// A compiler with everything that an exercise depends on.
pub struct Compiler {
    /// What `rustc --version` says.
    pub version: String,
    name: String,
    sysroot: PathBuf,
    /// The crates that the exercise names, and their files.
    crates: BTreeMap<String, PathBuf>,
    /// Where all crates are.
    folder: PathBuf,
}

/// What came of a compilation.
pub enum Compiled {
    /// There is a program now; what the compiler warned of.
    Program(String),
    /// It does not compile, and why.
    Error(String),
    /// The compiler was stopped, and why.
    Stopped(String),
}

/// What `rustc --version` says.
///
/// # Errors
/// There is no compiler.
pub fn version() -> Result<String, String> {
    ask_compiler(&["--version"])
}

/// Where the compiler and its libraries are.
///
/// # Errors
/// There is no compiler.
pub fn sysroot() -> Result<PathBuf, String> {
    ask_compiler(&["--print", "sysroot"]).map(PathBuf::from)
}

fn ask_compiler(arguments: &[&str]) -> Result<String, String> {
    let answer = Command::new("rustc")
        .args(arguments)
        .current_dir(workspace())
        .output()
        .map_err(|error| format!("run rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}

impl Compiler {
    /// Builds what the exercise depends on, in a folder of its own: next to it there is nothing that
    /// a submission could look at, no solution and no other submission.
    ///
    /// # Errors
    /// In words: no cargo, or what cargo said.
    pub fn prepare(exercise: &Exercise) -> Result<Compiler, String> {
        let target = workspace().join("target/grade");
        let name = &exercise.name;
        let (package, program) = (format!("{name}-exercise"), format!("{name}-starter"));
        let built = Command::new("cargo")
            .args(["build", "--quiet", "--message-format=json", "--target-dir"])
            .arg(&target)
            .args(["--package", &package, "--bin", &program])
            .current_dir(workspace())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("run cargo: {error}"))?;
        if !built.status.success() {
            let said = String::from_utf8_lossy(&built.stderr);
            return Err(format!("build what {package} depends on: {}", said.trim()));
        }
        let wanted = dependencies(exercise)?;
        let mut crates = BTreeMap::new();
        for line in String::from_utf8_lossy(&built.stdout).lines() {
            let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
            let library = message["target"]["name"].as_str().unwrap_or_default();
            let files = message["filenames"].as_array().into_iter().flatten();
            let file =
                files.filter_map(Value::as_str).find(|file| file.ends_with(".rlib"));
            if let Some(file) = file.filter(|_| wanted.iter().any(|name| name == library))
            {
                crates.insert(library.to_owned(), PathBuf::from(file));
            }
        }
        Ok(Compiler {
            version: version()?,
            name: name.clone(),
            sysroot: sysroot()?,
            crates,
            folder: target.join("debug/deps"),
        })
    }

    /// Compiles `source/src/main.rs` to `out/program`. `place` is an empty folder for the cell.
    ///
    /// # Errors
    /// The cell cannot be made, in words: that is no fault of the submission.
    pub fn compile(
        &self,
        walls: &Walls,
        place: &Path,
        source: &Path,
        out: &Path,
    ) -> Result<Compiled, String> {
        let boxed = matches!(walls, Walls::Namespaces(_));
        if let Walls::User(user) = walls {
            give_away(out, *user)?;
        }
        let inside = |outside: &Path, inside: &str| match boxed {
            true => PathBuf::from(inside),
            false => outside.to_owned(),
        };
        let (toolchain, crates) =
            (inside(&self.sysroot, "/toolchain"), inside(&self.folder, "/crates"));
        let (source_in, out_in) = (inside(source, "/source"), inside(out, "/out"));
        let shown = [
            (self.sysroot.clone(), toolchain.clone()),
            (self.folder.clone(), crates.clone()),
            (source.to_owned(), source_in.clone()),
        ];
        let walls = match walls {
            Walls::Namespaces(_) => Walls::Namespaces(Tree {
                place: place.to_owned(),
                shown: shown.to_vec(),
                writable: vec![(out.to_owned(), out_in.clone())],
                with_programs: true,
            }),
            Walls::Fence(_) => Walls::Fence(Fence {
                shown: shown.map(|(outside, _)| outside).to_vec(),
                writable: out.to_owned(),
                with_programs: true,
            }),
            other @ (Walls::User(_) | Walls::None) => other.clone(),
        };
        let cell = Cell {
            walls,
            limits: limits::COMPILER,
            raw_sockets: false,
            no_network: boxed,
            folder: Some(source_in),
        };
        let mut words = cell.command()?;
        words.push(toolchain.join("bin/rustc").display().to_string());
        words.extend(self.arguments(&crates, &out_in));
        run(&words, &out.join("program"))
    }

    fn arguments(&self, crates: &Path, out: &Path) -> Vec<String> {
        let name = self.name.replace('-', "_");
        let mut words: Vec<String> = [
            "src/main.rs",
            "--edition=2024",
            "--crate-type=bin",
            // A submission that denies warnings must not fail because of a newer compiler.
            "--cap-lints=warn",
            "--color=never",
            "-Cstrip=symbols",
            "-Clinker=cc",
        ]
        .map(str::to_owned)
        .to_vec();
        words.push(format!("--crate-name={name}_exercise"));
        words.push(format!("-Ldependency={}", crates.display()));
        words.push(format!("-o{}", out.join("program").display()));
        for (library, file) in &self.crates {
            let file = crates.join(file.file_name().unwrap_or_default());
            words.push(format!("--extern={library}={}", file.display()));
        }
        words
    }
}

/// The names of the crates that an exercise names in its manifest.
fn dependencies(exercise: &Exercise) -> Result<Vec<String>, String> {
    let file = workspace().join("exercises").join(&exercise.key).join("Cargo.toml");
    let text = fs::read_to_string(&file)
        .map_err(|error| format!("read {}: {error}", file.display()))?;
    let manifest: toml::Table =
        text.parse().map_err(|error| format!("read {}: {error}", file.display()))?;
    let names = manifest.get("dependencies").and_then(toml::Value::as_table);
    Ok(names
        .into_iter()
        .flat_map(toml::Table::keys)
        .map(|n| n.replace('-', "_"))
        .collect())
}

fn run(words: &[String], program: &Path) -> Result<Compiled, String> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    let (sender, events) = mpsc::channel();
    let compiler = Program::start(command, move |event| drop(sender.send(event)))
        .map_err(|error| format!("start the compiler: {error}"))?;
    let deadline = Instant::now() + DEADLINE;
    let mut said = Vec::new();
    let status = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match events.recv_timeout(left) {
            Ok(Event::Printed(bytes)) => {
                let room = KEPT.saturating_sub(said.len());
                said.extend(&bytes[..bytes.len().min(room)]);
            }
            Ok(Event::Flooded) => {}
            Ok(Event::Ended(status)) => break status,
            Err(_) => {
                drop(compiler);
                let seconds = DEADLINE.as_secs();
                return Ok(Compiled::Stopped(format!("it took more than {seconds} s")));
            }
        }
    };
    let said = String::from_utf8_lossy(&said).into_owned();
    if status.signal() == Some(NO_BOX as i32) {
        return Err(said.trim().to_owned());
    }
    if status.success() && program.is_file() {
        return Ok(Compiled::Program(said));
    }
    match status.code() {
        Some(_) => Ok(Compiled::Error(said)),
        None => Ok(Compiled::Stopped("it wanted too much memory or time".to_owned())),
    }
}
