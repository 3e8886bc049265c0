//! A class to be graded by the real program, in a folder of its own, and a look at what is left.

use std::fs::{self, File, FileTimes, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use std::{env, process};

use checks::exercise::workspace;
use grade::results::{Results, Submission};
use tempfile::TempDir;

/// The program under test.
pub const GRADE: &str = env!("CARGO_BIN_EXE_grade");

/// Marks the environment of the grader and of all that it starts as itself.
const MARK: &str = "GRADE_TEST_MARK";

/// How long a grading may take, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(300);

/// A class, the grader's folder for its work, and the results.
///
/// Everybody may write in all of it: what stays as it is was protected by the box, not by the modes
/// of files.
pub struct Class {
    folder: TempDir,
    /// A word that is nowhere else on this machine.
    pub mark: String,
}

/// What a grading has left.
pub struct Graded {
    /// Its exit status; none if a signal has ended it.
    pub status: Option<i32>,
    /// What it has printed, stdout first.
    pub printed: String,
    /// Where its results are.
    pub out: PathBuf,
}

/// A grading on its way.
pub struct Grading {
    pub child: Child,
    out: PathBuf,
    readers: [JoinHandle<Vec<u8>>; 2],
}

impl Class {
    /// A class without students.
    pub fn new() -> Class {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::tempdir().unwrap();
        let class = Class { folder, mark: format!("mark{}x{number}", process::id()) };
        open_to_all(class.folder.path());
        for part in ["submissions", "tmp", "outside", "results"] {
            fs::create_dir(class.path(part)).unwrap();
            open_to_all(&class.path(part));
        }
        class
    }

    /// The path of a part of it.
    pub fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    /// A student hands a program in, as a package whose files are years old.
    pub fn hand_in(&self, student: &str, program: &str) {
        let source = self.path("submissions").join(student).join("src");
        fs::create_dir_all(&source).unwrap();
        let manifest = source.with_file_name("Cargo.toml");
        fs::write(&manifest, "[package]\nname = \"echo-exercise\"\n").unwrap();
        let main = source.join("main.rs");
        fs::write(&main, program).unwrap();
        const IN_2020: Duration = Duration::from_secs(1_580_000_000);
        let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + IN_2020);
        for file in [manifest, main] {
            File::options().write(true).open(file).unwrap().set_times(times).unwrap();
        }
    }

    /// Starts the grader. It has a process group of its own, as a shell would give it.
    pub fn start(&self, out: &str, options: &[&str]) -> Grading {
        self.start_through(Command::new(GRADE), out, options)
    }

    /// The same with a command that becomes the grader.
    pub fn start_through(
        &self,
        mut grade: Command,
        out: &str,
        options: &[&str],
    ) -> Grading {
        let out = self.path(out);
        let mut child = grade
            .args(["run", "--exercise", "echo"])
            .arg(self.path("submissions"))
            .arg("--out")
            .arg(&out)
            .args(options)
            .env(MARK, &self.mark)
            .env("TMPDIR", self.path("tmp"))
            .env("GRADE_TEST_SECRET", self.secret())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let readers =
            [read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap())];
        Grading { child, out, readers }
    }

    /// Grades the class.
    pub fn grade(&self, out: &str, options: &[&str]) -> Graded {
        self.start(out, options).end()
    }

    /// What nobody but the grader and its user may learn.
    pub fn secret(&self) -> String {
        format!("SECRET-{}", self.mark)
    }

    /// The processes that belong to a grading of this class: the grader's own have the mark in their
    /// environment; a student's program sees its own file, and a compiler its source, mounted from
    /// the folder of this class, or is a file in it.
    pub fn processes(&self) -> Vec<String> {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let is_in_folder = |process: &Path| {
            fs::read_link(process.join("exe"))
                .is_ok_and(|program| program.starts_with(&folder))
        };
        let in_file = |process: &Path, file: &str, word: &str| {
            let text = fs::read(process.join(file)).unwrap_or_default();
            text.windows(word.len()).any(|part| part == word.as_bytes())
        };
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let process = entry.path();
            let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
            if !entry.file_name().to_str().is_some_and(is_number) {
                continue;
            }
            let is_ours =
                in_file(&process, "environ", &format!("{MARK}={}\0", self.mark))
                    || in_file(&process, "cmdline", &self.mark)
                    || in_file(&process, "mountinfo", &folder)
                    || is_in_folder(&process);
            if is_ours {
                let line = fs::read(process.join("cmdline")).unwrap_or_default();
                let line: String =
                    String::from_utf8_lossy(&line).chars().take(80).collect();
                found.push(format!("{}: {line:?}", entry.file_name().display()));
            }
        }
        found
    }

    /// Waits until no process of the grading is left: to end them takes the kernel a moment.
    pub fn await_no_process(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still there: {left:#?}");
            thread::sleep(Duration::from_millis(2)); // why: the end of others' children is no event
        }
    }

    /// The folders that the grader has made to work in.
    pub fn workshops(&self) -> Vec<PathBuf> {
        fs::read_dir(self.path("tmp"))
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .collect()
    }
}

impl Grading {
    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Graded {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("the grading took more than {} s", PATIENCE.as_secs());
            }
            thread::sleep(Duration::from_millis(2)); // why: std waits without a limit only
        }
        let status = self.child.wait().unwrap().code();
        let printed = self.readers.map(|reader| reader.join().unwrap()).concat();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        Graded { status, printed, out: self.out }
    }
}

impl Graded {
    /// The results.
    pub fn results(&self) -> Results {
        let file = self.out.join("results.json");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| {
            panic!("{}: {error}\n{}", file.display(), self.printed)
        });
        serde_json::from_str(&text).unwrap()
    }
}

/// The row of a submission.
pub fn verdicts(submission: &Submission) -> Vec<String> {
    let shown = submission.rows.iter();
    shown
        .map(|row| format!("{}: {} {}", row.check, row.verdict.name(), row.message))
        .collect()
}

/// A program of this repository.
pub fn program(path: &str) -> String {
    fs::read_to_string(workspace().join("solutions/04-echo").join(path)).unwrap()
}

/// Whether programs can be kept apart with namespaces here. If not, says so, loudly.
pub fn has_namespaces() -> bool {
    let doctor = Command::new(GRADE).arg("doctor").output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout);
    if said.contains("namespaces, the strongest") {
        return true;
    }
    println!("skipped: there are no namespaces here:\n{said}");
    assert!(env::var_os("NO_SKIPS").is_none(), "skipped, although NO_SKIPS is set");
    false
}

fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
}

fn read(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        text
    })
}
