//! A play leaves nothing behind, however it ends, and works where namespaces are forbidden.

mod surroundings;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use surroundings::WITHOUT_NAMESPACES;
use transcript::room::{self, Outcome};
use transcript::{Job, Task};

/// Set in a process that plays this note and nothing else.
const VICTIM: &str = "TEST_VICTIM";

fn main() -> ExitCode {
    room::play_part_if_asked(transcript::perform);
    if let Some(note) = env::var_os(VICTIM) {
        return play(PathBuf::from(note));
    }
    let mut trials = Vec::new();
    for private in [true, false] {
        let place = if private { "in its own room" } else { "without namespaces" };
        for signal in [Signal::SIGKILL, Signal::SIGINT, Signal::SIGTERM] {
            let name = format!("{signal} to the test, {place}");
            trials.push(Trial::test(name, move || interrupted(signal, private)));
        }
        let name = format!("a play that fails, {place}");
        trials.push(Trial::test(name, move || fails(private)));
        let name = format!("a play that passes, {place}");
        trials.push(Trial::test(name, move || passes(private)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What the victim does.
fn play(note: PathBuf) -> ExitCode {
    let patience = Duration::from_secs(2);
    let job = Job { task: Task::Check, note, section: 0, privileged: false, patience };
    match job.run() {
        Outcome::Passed(_) => ExitCode::SUCCESS,
        Outcome::Failed(message) | Outcome::Skipped(message) => {
            println!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Ends a test in the middle of a play, with two programs running, one of which hides from its
/// process group.
fn interrupted(signal: Signal, private: bool) -> Result<(), Failed> {
    let marks = [Mark::new(), Mark::new()];
    let play = format!(
        "a$ sh -c 'setsid sleep {} & echo ready; sleep {}'\na| ready\na~ waits\na~ waits\n\
         a~ waits\na~ waits\na~ waits\na~ waits\na~ waits\na~ waits\na~ waits\na> ^C\na$",
        marks[0].0, marks[1].0
    );
    let folder = tempfile::tempdir()?;
    let mut victim = start(&folder, &play, private)?;
    wait_until(|| marks.iter().all(Mark::runs), "the programs of the play run")?;
    kill(Pid::from_raw(victim.id().cast_signed()), signal)?;
    victim.wait()?;
    wait_until(|| !marks[1].runs(), "the program of the play is gone")?;
    if private {
        // Elsewhere nobody knows of a program that left its group.
        wait_until(|| !marks[0].runs(), "what the program started is gone")?;
    }
    marks[0].end();
    let left = || {
        fs::read_dir(folder.path()).map_or(0, |files| {
            files.flatten().filter(|file| file.path().is_dir()).count()
        })
    };
    wait_until(|| left() == 0, "the temporary folders are gone")
}

fn fails(private: bool) -> Result<(), Failed> {
    let mark = Mark::new();
    let play = format!("a$ sh -c 'echo x; sleep {}'\na| y", mark.0);
    let folder = tempfile::tempdir()?;
    let output = start(&folder, &play, private)?.wait_with_output()?;
    let message = String::from_utf8_lossy(&output.stdout);
    if output.status.success() || !message.contains("shown `y`, printed `x`") {
        return Err(Failed::from(format!("it should say what differs, but: {message}")));
    }
    wait_until(|| !mark.runs(), "the program of the play is gone")
}

fn passes(private: bool) -> Result<(), Failed> {
    // What an ordinary user may not do fails, and the working directory is empty.
    let play = "a$ sh -c 'ls -A; grep CapEff /proc/self/status'\n\
                a| CapEff:[..]0000000000000000\na$";
    let folder = tempfile::tempdir()?;
    let output = start(&folder, play, private)?.wait_with_output()?;
    let message = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(()) } else { Err(Failed::from(message)) }
}

/// Starts a victim that plays this.
fn start(folder: &tempfile::TempDir, play: &str, private: bool) -> Result<Child, Failed> {
    let note = folder.path().join("test.md");
    fs::write(&note, format!("# T\n## S\n```console\n{play}\n```\n"))?;
    let this_program = env::current_exe()?;
    let mut command = if private {
        Command::new(this_program)
    } else {
        let mut command = Command::new("unshare");
        command.args(["-Ur", "sh", "-c", WITHOUT_NAMESPACES]).arg(this_program);
        command
    };
    Ok(command
        .env(VICTIM, &note)
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?)
}

fn wait_until(condition: impl Fn() -> bool, what: &str) -> Result<(), Failed> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        if Instant::now() > deadline {
            return Err(Failed::from(format!("waited 10 s until {what}")));
        }
        thread::sleep(Duration::from_millis(5)); // why: nobody reports that a process has gone
    }
    Ok(())
}

/// A number of seconds to sleep that no other process sleeps.
struct Mark(String);

impl Mark {
    fn new() -> Mark {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Mark(format!("1000.{}{number:03}", std::process::id()))
    }

    /// The process that sleeps so long.
    fn process(&self) -> Option<Pid> {
        fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
            let words = fs::read(process.path().join("cmdline")).ok()?;
            let mut words = words.split(|&byte| byte == 0);
            let program =
                Path::new(std::str::from_utf8(words.next()?).ok()?).file_name()?;
            let found = program == "sleep" && words.next()? == self.0.as_bytes();
            let number = process.file_name().to_str()?.parse().ok()?;
            found.then(|| Pid::from_raw(number))
        })
    }

    fn runs(&self) -> bool {
        self.process().is_some()
    }

    fn end(&self) {
        if let Some(process) = self.process() {
            let _ = kill(process, Signal::SIGKILL);
        }
    }
}
