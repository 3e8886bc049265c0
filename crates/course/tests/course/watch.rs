//! `course watch`: a check for each save.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::student::{
    NO_RUST, PATIENCE, Student, await_that, is_running, keys, solution,
};
use nix::pty::openpty;
use nix::sys::signal::{self, Signal};
use nix::sys::termios::tcgetattr;
use nix::unistd::Pid;

/// A running `watch`.
struct Watch {
    course: Child,
    printed: String,
    pieces: Receiver<String>,
    /// How much of what was printed has been looked at.
    seen: usize,
}

impl Watch {
    fn start(mut command: Command) -> Watch {
        let (mut screen, writer) = std::io::pipe().unwrap();
        command.stdout(writer.try_clone().unwrap()).stderr(writer).process_group(0);
        let course = command.spawn().unwrap();
        drop(command);
        let (sender, pieces) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = screen.read(&mut buffer) {
                let _ = sender.send(String::from_utf8_lossy(&buffer[..n]).into_owned());
            }
        });
        Watch { course, printed: String::new(), pieces, seen: 0 }
    }

    /// Waits until this is printed, after what was waited for before.
    fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(place) = self.printed[self.seen..].find(text) {
                self.seen += place + text.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => self.printed.push_str(&piece),
                Err(_) => panic!("waited in vain for `{text}` in\n{}", self.printed),
            }
        }
    }

    fn signal(&self, signal: Signal) {
        signal::killpg(Pid::from_raw(self.course.id().cast_signed()), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.course.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end\n{}", self.printed);
            thread::sleep(Duration::from_millis(5)); // why: an end cannot be awaited for a time
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.course.kill();
    }
}

/// A keyboard: what is written to the file is typed into the terminal.
fn keyboard() -> (File, OwnedFd) {
    let pair = openpty(None, None).unwrap();
    (File::from(pair.master), pair.slave)
}

#[test]
fn keys_and_saves() {
    let student = Student::new();
    // All others are passed, so there is no next one.
    let others = keys().into_iter().filter(|key| key != "04-echo");
    student.has_done(
        &others.map(|key| format!("{} passed 0\n", &key[3..])).collect::<String>(),
    );
    let (mut keyboard, terminal) = keyboard();
    let settings = tcgetattr(&terminal).unwrap();
    let mut command = student.command(&["watch"]);
    command.stdin(terminal.try_clone().unwrap());
    let mut watch = Watch::start(command);
    watch.expect("0 of 14 points");
    watch.expect("watching exercises/04-echo: save, and see");
    watch.expect("keys: h hint, n next exercise, Enter check again, q quit");
    keyboard.write_all(b"h").unwrap();
    watch.expect("hint 1 of 3");
    watch.expect("keys");
    student.write(NO_RUST);
    watch.expect("mismatched types");
    watch.expect("keys");
    keyboard.write_all(b"N").unwrap();
    watch.expect("No other exercise is open.");
    student.write(&solution());
    watch.expect("all 8 public checks passed");
    watch.expect("keys");
    keyboard.write_all(b"\n").unwrap();
    watch.expect("ok    1/1  starts");
    assert!(student.progress().contains("echo passed 1"));
    keyboard.write_all(b"q").unwrap();
    assert!(watch.end().success());
    assert!(tcgetattr(&terminal).unwrap() == settings, "the terminal is as it was");
}

#[test]
fn a_new_save_ends_a_check_that_is_out_of_date() {
    let student = Student::new();
    let sleep = ["sleep".to_owned(), format!("76400.{}", std::process::id())];
    // It does what a server that never listens would do, for so long that nobody would wait.
    let (program, argument) = (&sleep[0], &sleep[1]);
    student.write(&format!(
        "fn main() {{ std::process::Command::new(\"{program}\").arg(\"{argument}\").status().ok(); }}"
    ));
    let mut watch = Watch::start({
        let mut command = student.command(&["watch", "echo"]);
        command.stdin(Stdio::null());
        command
    });
    watch.expect("note: no keys, for the input is no terminal. Ctrl-C ends.");
    watch.expect("builds");
    await_that("the program runs", || is_running(&sleep));
    student.write(&solution());
    watch.expect("----");
    watch.expect("ok    1/1  starts");
    await_that("the program has ended", || !is_running(&sleep));
    watch.signal(Signal::SIGINT);
    assert_eq!(watch.end().code(), Some(130));
}

#[test]
fn ctrl_c_ends_everything() {
    let student = Student::new();
    let sleep = ["sleep".to_owned(), format!("66400.{}", std::process::id())];
    let (program, argument) = (&sleep[0], &sleep[1]);
    student.write(&format!(
        "fn main() {{ std::process::Command::new(\"{program}\").arg(\"{argument}\").status().ok(); }}"
    ));
    let (_keyboard, terminal) = keyboard();
    let settings = tcgetattr(&terminal).unwrap();
    let mut command = student.command(&["watch", "echo"]);
    command.stdin(terminal.try_clone().unwrap());
    let mut watch = Watch::start(command);
    watch.expect("builds");
    await_that("the program runs", || is_running(&sleep));
    watch.signal(Signal::SIGINT);
    assert_eq!(watch.end().code(), Some(130));
    await_that("the program has ended", || !is_running(&sleep));
    assert!(tcgetattr(&terminal).unwrap() == settings, "the terminal is as it was");
}

#[test]
fn where_changes_are_not_reported_it_looks_itself() {
    let student = Student::new();
    let course = student.command(&["watch", "echo"]);
    // In a new user namespace the number of watchers can be limited (namespaces(7)).
    let limit = "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\"";
    let possible =
        Command::new("unshare").args(["-Ur", "sh", "-c", limit, "sh", "true"]).status();
    if !possible.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("NO_SKIPS").is_none(), "unshare is not possible");
        eprintln!("SKIPPED: no namespace can be made with unshare");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["-Ur", "sh", "-c", limit, "sh"]).arg(course.get_program());
    command.args(course.get_args()).stdin(Stdio::null());
    for (name, value) in course.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let mut watch = Watch::start(command);
    watch.expect("note: changes are not reported here");
    watch.expect("Looking at your files every second instead.");
    watch.expect("watching exercises/04-echo");
    student.write(&solution());
    watch.expect("ok    1/1  starts");
    watch.signal(Signal::SIGINT);
    watch.end();
}
