//! A student for tests: with a progress file and programs of their own, so that nobody else's are
//! touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::assert::Assert;
use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// Compiling takes its time on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(100);

/// A program that a compiler refuses.
pub const NO_RUST: &str = "fn main() { let x: u8 = \"words\"; }\n";

pub struct Student {
    folder: TempDir,
}

impl Student {
    /// One who has done nothing yet. Only the exercise `echo` has a program.
    pub fn new() -> Student {
        let student = Student { folder: tempfile::tempdir().unwrap() };
        let package = student.folder.path().join("04-echo");
        fs::create_dir_all(package.join("src")).unwrap();
        // These tests compile often: without what debuggers and later builds need, it is faster.
        let manifest = "[package]\nname = \"echo-exercise\"\nedition = \"2024\"\n[workspace]\n\
                        [profile.dev]\ndebug = false\nincremental = false\n";
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
        student.write(&starter());
        student
    }

    /// A command of `course`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin!("course"));
        command
            .args(arguments)
            .env("COURSE_PROGRESS", self.progress_file())
            .env("COURSE_EXERCISES", self.folder.path())
            .env_remove("CARGO_TARGET_DIR");
        command
    }

    /// Runs a command of `course`.
    pub fn course(&self, arguments: &[&str]) -> Assert {
        let command = self.command(arguments);
        assert_cmd::Command::from_std(command).timeout(PATIENCE).assert()
    }

    /// Runs a command of `course`, and returns what it prints.
    pub fn prints(&self, arguments: &[&str]) -> String {
        let output = self.course(arguments).get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn progress_file(&self) -> PathBuf {
        self.folder.path().join("progress")
    }

    pub fn progress(&self) -> String {
        fs::read_to_string(self.progress_file()).unwrap_or_default()
    }

    /// Sets what has been done.
    pub fn has_done(&self, lines: &str) {
        fs::write(self.progress_file(), lines).unwrap();
    }

    /// Where the programs are.
    pub fn src(&self) -> PathBuf {
        self.folder.path().join("04-echo/src")
    }

    /// Saves this as the program of `echo`.
    pub fn write(&self, program: &str) {
        fs::write(self.src().join("main.rs"), program).unwrap();
    }
}

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn starter() -> String {
    let file = "exercises/04-echo/starter.rs";
    fs::read_to_string(workspace().join(file)).unwrap()
}

pub fn solution() -> String {
    let file = "solutions/04-echo/src/main.rs";
    fs::read_to_string(workspace().join(file)).unwrap()
}

/// The exercises that there are, by their folders.
pub fn keys() -> Vec<String> {
    let entries = fs::read_dir(workspace().join("exercises")).unwrap().flatten();
    let mut keys: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    keys.sort();
    keys
}

/// Whether a process with just these words runs on this machine.
pub fn is_running(words: &[String]) -> bool {
    let wanted = words.join("\0") + "\0";
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .any(|words| words == wanted.as_bytes())
}

/// Waits for something that nobody reports.
pub fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5)); // why: processes of others are not reported
    }
}

/// The words of a command line.
pub fn split(line: &str) -> Vec<String> {
    shell_words::split(line).unwrap()
}
