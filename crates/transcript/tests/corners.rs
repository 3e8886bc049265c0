//! Tasks of one room do not meet: each has a corner of its own.

mod surroundings;

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use surroundings::WITHOUT_NAMESPACES;
use transcript::room::{self, Outcome, Room};

/// Set in a process that makes the room.
const MAKES_A_ROOM: &str = "TEST_MAKES_A_ROOM";

fn main() -> ExitCode {
    room::play_part_if_asked(|_| works());
    if env::var_os(MAKES_A_ROOM).is_some() {
        return make_a_room();
    }
    let trials = vec![
        Trial::test("in a room with namespaces", || run(true)),
        Trial::test("without namespaces", || run(false)),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Prints what is told in the room, and then the message of its end.
fn make_a_room() -> ExitCode {
    let outcome = Room::default().run_and_hear("", &mut |line| {
        println!("heard {line}");
        line.starts_with("work ")
    });
    match outcome {
        Outcome::Passed(message) => println!("passed {message}"),
        Outcome::Failed(message) => println!("failed {message}"),
        Outcome::Skipped(message) => println!("skipped {message}"),
    }
    ExitCode::SUCCESS
}

/// What happens inside: each work would be in the way of the next one.
fn works() -> Outcome {
    for number in 1..=2 {
        let said =
            room::afresh(|| leave_much_behind().map_err(|error| error.to_string()));
        room::tell(&format!("work {number}: {said:?}"));
    }
    let said: Result<(), String> = room::afresh(|| panic!("over the line"));
    room::tell(&format!("work 3: {said:?}"));
    room::tell("somebody else's words");
    Outcome::Passed(String::new())
}

/// Takes a port, a file, and leaves a program that hides from its group. Says what it found.
fn leave_much_behind() -> std::io::Result<String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while sleepers() > 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5)); // why: a killed process takes a moment to go
    }
    let found = fs::read_dir(".")?.count() + sleepers();
    fs::write("a file", "")?;
    let mut daemon = Command::new("setsid");
    daemon.args(["sleep", "1000.25"]).stdin(Stdio::null());
    daemon.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    if room::is_private() {
        std::mem::forget(TcpListener::bind((Ipv4Addr::LOCALHOST, 8000))?);
    }
    drop(listener);
    Ok(format!("found {found}"))
}

/// How many of the programs left behind still run, as far as this room can see.
fn sleepers() -> usize {
    if !room::is_private() {
        return 0; // There, nobody knows of them.
    }
    let lines = fs::read_dir("/proc").into_iter().flatten().flatten();
    let line = |process: fs::DirEntry| fs::read(process.path().join("cmdline")).ok();
    lines.filter_map(line).filter(|line| line.ends_with(b"sleep\x001000.25\0")).count()
}

fn run(private: bool) -> Result<(), Failed> {
    let this_program = env::current_exe()?;
    let mut command = match private {
        true => Command::new(this_program),
        false => {
            let mut command = Command::new("unshare");
            command.args(["-Urpf", "--kill-child", "sh", "-c", WITHOUT_NAMESPACES]);
            command.arg(this_program);
            command
        }
    };
    let output = command.env(MAKES_A_ROOM, "yes").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let heard: Vec<&str> =
        said.lines().filter(|line| line.starts_with("heard work")).collect();
    let wanted = [
        "heard work 1: Ok(Ok(\"found 0\"))",
        "heard work 2: Ok(Ok(\"found 0\"))",
        "heard work 3: Err(\"over the line\")",
    ];
    if heard != wanted
        || !said.contains("passed ")
        || !said.contains("somebody else's words")
    {
        return Err(Failed::from(format!("wanted {wanted:?}, but heard: {said}")));
    }
    Ok(())
}
