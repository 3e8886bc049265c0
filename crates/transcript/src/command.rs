//! From a command as a lesson shows it to a process.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// `cargo run -q -p NAME --`, in all the ways it can be written. What it runs is started directly:
/// that needs no lock on the build folder, and prints nothing of its own.
static CARGO_RUN: LazyLock<Regex> = LazyLock::new(|| {
    let option = r"(?:-q|--quiet|--release|(?:-q?p|--package)[ =]?\s*(?:[a-z0-9_-]+))";
    Regex::new(&format!(r"\bcargo run((?:\s+{option})+)(?:\s+--(?:\s+|$)|\s+|$)"))
        .expect("a valid expression")
});

/// Programs from elsewhere that lessons may use, and the Debian package that has each.
const TOOLS: [(&str, &str); 9] = [
    ("getent", "libc-bin"),
    ("ip", "iproute2"),
    ("mount", "mount"),
    ("nc", "netcat-openbsd"),
    ("python3", "python3"),
    ("ss", "iproute2"),
    ("strace", "strace"),
    ("tcpdump", "tcpdump"),
    ("unshare", "util-linux"),
];

/// The packages whose programs a command runs.
pub fn packages(command: &str) -> Vec<String> {
    CARGO_RUN.captures_iter(command).filter_map(|run| package_of(&run)).collect()
}

fn package_of(cargo_run: &Captures) -> Option<String> {
    static PACKAGE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:-q?p|--package)[ =]?\s*([a-z0-9_-]+)")
            .expect("a valid expression")
    });
    PACKAGE.captures(&cargo_run[1]).map(|package| package[1].to_owned())
}

/// A tool that the command uses and this machine does not have: its name and its Debian package.
pub fn missing_tool(command: &str) -> Option<(&'static str, &'static str)> {
    let used = |tool: &str| command.split([' ', '|', ';', '(']).any(|word| word == tool);
    TOOLS.into_iter().find(|(tool, _)| used(tool) && find_on_path(tool).is_none())
}

fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// How the player names a command in its messages: without the words that every command has.
pub fn short(command: &str) -> String {
    CARGO_RUN
        .replace_all(command, |run: &Captures| match package_of(run) {
            Some(package) => format!("{package} "),
            None => run[0].to_owned(),
        })
        .trim_end()
        .to_owned()
}

/// Prepares a command to be started.
///
/// # Errors
/// In words: the program is not built, the quotes do not match, there is no such program.
pub fn prepare(command: &str) -> Result<Command, String> {
    let mut problem = None;
    let direct = CARGO_RUN.replace_all(command, |run: &Captures| {
        let package = package_of(run).unwrap_or_default();
        let program = program_of(&package).unwrap_or_else(|| {
            problem = Some(format!(
                "the program `{package}` is not built (is there a package of that name?)"
            ));
            PathBuf::new()
        });
        format!("{} ", shell_words::quote(&program.to_string_lossy()))
    });
    if let Some(problem) = problem {
        return Err(problem);
    }
    let mut prepared = if needs_shell(&direct) {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(direct.as_ref());
        shell
    } else {
        let words = shell_words::split(&direct).map_err(|error| error.to_string())?;
        let (program, arguments) = words.split_first().ok_or("an empty command")?;
        if !program.contains('/') && find_on_path(program).is_none() {
            return Err(format!("there is no program `{program}` on this machine"));
        }
        let mut prepared = Command::new(program);
        prepared.args(arguments);
        prepared
    };
    fix_environment(&mut prepared);
    Ok(prepared)
}

/// The built program of this name, if there is one. A package's program has the package's name.
pub fn program_of(package: &str) -> Option<PathBuf> {
    // `cargo_bin` panics if there is no such program, so the question comes first.
    let known = env::var_os(format!("CARGO_BIN_EXE_{package}")).is_some();
    let this_program = env::current_exe().ok()?;
    let mut folders = this_program.ancestors().skip(1).take(2);
    let built = folders.any(|folder| folder.join(package).is_file());
    (known || built).then(|| assert_cmd::cargo::cargo_bin(package))
}

/// Whether the command has characters, outside of single quotes, that only a shell understands.
fn needs_shell(command: &str) -> bool {
    let special = ['|', '&', ';', '<', '>', '(', ')', '$', '`', '*', '?', '~', '{', '='];
    command.split('\'').step_by(2).any(|unquoted| unquoted.contains(special))
}

/// The same surroundings on every machine: language, no colours, nothing of Rust's, and of cargo's
/// only where it has its things.
pub fn fix_environment(command: &mut Command) {
    const KEPT: [&str; 2] = ["CARGO_HOME", "CARGO_TARGET_DIR"];
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let ours =
            ["RUST_", "CARGO_", "COURSE_"].iter().any(|start| name.starts_with(start));
        if ours && !KEPT.contains(&name.as_ref()) {
            command.env_remove(name.as_ref());
        }
    }
    command.env("LC_ALL", "C.UTF-8").env("TERM", "dumb").env("NO_COLOR", "1");
    // What `course` does in a play is not the student's progress, and has nothing to do with what
    // the student has made of the exercises.
    command.env("COURSE_PROGRESS", ".progress").env("COURSE_IN_A_LESSON", "1");
}

/// Builds the programs of these packages, in the same way as the program that is running. Returns
/// the warnings of the compiler.
///
/// # Errors
/// In words, when cargo cannot be started or the build fails, with what the compiler said.
pub fn build(workspace: &Path, packages: &[String]) -> Result<String, String> {
    if packages.is_empty() {
        return Ok(String::new());
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace).arg("build").arg("--quiet").stdin(Stdio::null());
    if is_release_build() {
        cargo.arg("--release");
    }
    for package in packages {
        cargo.args(["-p", package]);
    }
    let output = cargo.output().map_err(|error| format!("start cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(format!("{said}`cargo build -p {}` failed", packages.join(" -p "))),
    }
}

fn is_release_build() -> bool {
    let program = env::current_exe().unwrap_or_default();
    program.components().any(|part| part.as_os_str() == "release")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_run_is_recognised_however_it_is_written() {
        for command in [
            "cargo run -qp echo -- server",
            "cargo run -q -p echo -- server",
            "cargo run --quiet --package echo -- server",
            "cargo run --package=echo --release -- server",
            "cargo run -p echo server",
        ] {
            assert_eq!(packages(command), ["echo"], "{command}");
            assert_eq!(short(command), "echo server", "{command}");
        }
        assert_eq!(packages("cargo run -qp multi-connection"), ["multi-connection"]);
        assert_eq!(packages("printf x | cargo run -qp echo -- client"), ["echo"]);
        assert!(packages("cargo test -p echo").is_empty());
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        assert!(prepare("no-such-program x").unwrap_err().contains("`no-such-program`"));
        assert!(
            prepare("cargo run -qp no-such-package -- x")
                .unwrap_err()
                .contains("not built")
        );
        assert!(prepare("echo 'x").unwrap_err().contains("quote"));
    }
}
