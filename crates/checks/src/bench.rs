//! The bench that a program under test is put on: it starts the program, plays its peers, and
//! keeps a record of everything for the message.
//!
//! Every check has a bench of its own, in a network of its own, with nothing else on it.

use std::cell::RefCell;
use std::env;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use transcript::program::{Event, Lines, Program, Signal};

use crate::finding::{Finding, Manner};
use crate::sockets;
use crate::tcp::Client;
use crate::udp::Peer;
use crate::unix;

/// Of what a program prints, so many bytes are kept. The rest is thrown away.
const KEPT_OUTPUT: usize = 64 * 1024;

/// So many of the last printed lines stand in a message.
const SHOWN_LINES: usize = 8;

/// An argument longer than this is not shown whole.
const LONG_ARGUMENT: usize = 60;

/// Of more arguments than this, only the first are shown.
const MANY_ARGUMENTS: usize = 12;

/// How long a program may take to start, at least: on a busy machine, or with an interpreter, that
/// takes longer than any answer.
pub const TO_START: Duration = Duration::from_secs(5);

/// What the check has done so far, in words.
#[derive(Clone, Default)]
pub struct Story(Rc<RefCell<Vec<String>>>);

impl Story {
    /// Adds a sentence.
    pub fn tell(&self, sentence: impl Into<String>) {
        self.0.borrow_mut().push(sentence.into());
    }
}

/// A program under test, and all that happens to it.
pub struct Bench {
    /// Makes input that is different each time, and the same for the same seed.
    pub random: fastrand::Rng,
    /// How long to wait for what must come.
    pub patience: Duration,
    /// What has been done.
    pub story: Story,
    command: Vec<String>,
    programs: Vec<Running>,
    server: Option<SocketAddr>,
    /// Where the program listens, if that is a path.
    pub(crate) server_path: Option<PathBuf>,
}

/// A wrapper for [`Bench::start_through`] that throws standard output away: what the program prints
/// then is standard error.
pub const WITHOUT_OUTPUT: [&str; 4] = ["sh", "-c", "exec \"$@\" >/dev/null", "sh"];

/// The same for standard error: what the program prints then is standard output.
pub const WITHOUT_ERRORS: [&str; 4] = ["sh", "-c", "exec \"$@\" 2>/dev/null", "sh"];

/// The number of a program on the bench.
#[derive(Clone, Copy)]
pub struct Student(usize);

/// A program that was started.
struct Running {
    program: Program,
    events: Receiver<Event>,
    lines: Lines,
    printed: Vec<String>,
    flooded: bool,
    status: Option<ExitStatus>,
}

impl Bench {
    /// A bench for the program that `command` starts.
    pub fn new(command: Vec<String>, seed: u64, patience: Duration) -> Bench {
        Bench {
            random: fastrand::Rng::with_seed(seed),
            patience,
            story: Story::default(),
            command,
            programs: Vec::new(),
            server: None,
            server_path: None,
        }
    }

    /// Starts the program with these arguments behind its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&mut self, arguments: &[&str]) -> Result<Student, Finding> {
        self.start_through(&[], arguments)
    }

    /// The same, but through a command that prepares its surroundings and then becomes the program,
    /// as `env` or `unshare` do.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_through(
        &mut self,
        wrapper: &[&str],
        arguments: &[&str],
    ) -> Result<Student, Finding> {
        let program = self.command.iter().map(String::as_str);
        let words: Vec<&str> = wrapper
            .iter()
            .copied()
            .chain(program)
            .chain(arguments.iter().copied())
            .collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        transcript::command::fix_environment(&mut command);
        // What it leaves in the temporary folder goes away with the folder of the check.
        command.env("TMPDIR", env::current_dir().unwrap_or_default());
        let mut shown: Vec<String> =
            arguments.iter().take(MANY_ARGUMENTS).map(|a| shown_argument(a)).collect();
        if arguments.len() > MANY_ARGUMENTS {
            shown.push(format!("… ({} arguments)", arguments.len()));
        }
        self.story.tell(format!("started your program: {}", shown.join(" ")));
        let (sender, events) = mpsc::channel();
        let mut room = KEPT_OUTPUT;
        // This never waits, so no program is held up because nobody looks at what it prints.
        let report = move |mut event| {
            if let Event::Printed(bytes) = &mut event {
                bytes.truncate(room);
                room -= bytes.len();
                if bytes.is_empty() {
                    return;
                }
            }
            let _ = sender.send(event);
        };
        let program = Program::start(command, report).map_err(|error| {
            Finding::new(format!("your program cannot be started: {error}"))
        })?;
        self.programs.push(Running {
            program,
            events,
            lines: Lines::default(),
            printed: Vec::new(),
            flooded: false,
            status: None,
        });
        Ok(Student(self.programs.len() - 1))
    }

    /// Runs the program to its end. Returns what it has printed, and how it ended.
    ///
    /// # Errors
    /// It cannot be started, or does not end in time.
    pub fn run(
        &mut self,
        arguments: &[&str],
    ) -> Result<(Vec<String>, ExitStatus), Finding> {
        let student = self.start(arguments)?;
        let status = self.await_end(student, self.patience)?;
        Ok((self.printed(student), status))
    }

    /// Runs the program to its end, which must be a good one. Returns what it has printed.
    ///
    /// # Errors
    /// It cannot be started, does not end in time, or ends with another status than 0.
    pub fn answer(&mut self, arguments: &[&str]) -> Result<Vec<String>, Finding> {
        let (printed, status) = self.run(arguments)?;
        if status.success() {
            return Ok(printed);
        }
        Err(Finding::new("your program ended as if something had gone wrong")
            .saw(format!("it ended with {}", ended(status)))
            .wanted("the answer, and status 0"))
    }

    /// Starts the program as a server at a free port of 127.0.0.1, with these arguments in front of
    /// `--listen ADDRESS`, and waits until it listens there and has said so.
    ///
    /// # Errors
    /// It does not.
    pub fn start_server(
        &mut self,
        arguments: &[&str],
    ) -> Result<(Student, SocketAddr), Finding> {
        let address = self.free_port();
        let listen = address.to_string();
        let student = self.start(&[arguments, &["--listen", &listen]].concat())?;
        self.server = Some(address);
        self.await_listening(student, address)?;
        Ok((student, address))
    }

    /// Waits until the program has printed `listening on ADDRESS`, and listens there.
    ///
    /// # Errors
    /// It has ended, or does not in time.
    pub fn await_listening(
        &mut self,
        student: Student,
        address: SocketAddr,
    ) -> Result<(), Finding> {
        self.await_server(student, &address.to_string(), || sockets::listens(address))
    }

    /// Waits until the program has printed `listening on ADDRESS` for an address of any kind, and
    /// does so, as far as `listens` can tell.
    ///
    /// # Errors
    /// It has ended, or does not in time.
    pub fn await_server(
        &mut self,
        student: Student,
        address: &str,
        listens: impl Fn() -> bool,
    ) -> Result<(), Finding> {
        let wanted = format!("listening on {address}");
        let mut patience = self.patience.max(TO_START);
        let mut deadline = Instant::now() + patience;
        let mut has_started = false;
        loop {
            self.pump(student, Instant::now() + Duration::from_millis(2));
            let running = &self.programs[student.0];
            let said = running.printed.contains(&wanted);
            // Who names an address, be it another one, has started.
            if !has_started
                && running.printed.iter().any(|line| line.starts_with("listening on "))
            {
                has_started = true;
                patience = self.patience;
                deadline = deadline.min(Instant::now() + patience);
            }
            let listens = listens();
            if said && listens {
                return Ok(());
            }
            if let Some(status) = running.status {
                return Err(Finding::new("your program ended before it listened")
                    .saw(format!("it ended with {}", ended(status)))
                    .wanted(format!("the line `{wanted}`, and a program that goes on")));
            }
            if Instant::now() > deadline {
                let summary = match (said, listens) {
                    (false, true) => "your server listens, but did not say so",
                    (true, false) => "your server says that it listens, but does not",
                    _ => "your server did not listen",
                };
                return Err(Finding::new(summary).waited(patience, "").wanted(format!(
                    "the line `{wanted}`, and a socket that listens there"
                )));
            }
        }
    }

    /// An address at which nobody listens: with the same seed, the same.
    pub fn free_port(&mut self) -> SocketAddr {
        // The system gives away other ports than these to those who ask for any.
        const PORTS: Range<u16> = 20_000..32_000;
        let mut some = || SocketAddr::from((Ipv4Addr::LOCALHOST, self.random.u16(PORTS)));
        let mut tries = (0..100).map(|_| some());
        let free = tries.find(|address| TcpListener::bind(address).is_ok());
        free.unwrap_or_else(some)
    }

    /// Connects a client with a name for the story.
    ///
    /// # Errors
    /// The connection is refused, or not made in time.
    pub fn connect(&mut self, name: &str, server: SocketAddr) -> Result<Client, Finding> {
        Client::connect(name, server, self.patience, &self.story)
    }

    /// A peer that exchanges datagrams, with a name for the story.
    ///
    /// # Errors
    /// The system has no port for it.
    pub fn datagram_peer(&mut self, name: &str) -> Result<Peer, Finding> {
        Peer::bind(name, &self.story)
    }

    /// The same, at this very address.
    ///
    /// # Errors
    /// The system does not have it, or somebody else does.
    pub fn datagram_peer_at(
        &mut self,
        name: &str,
        address: SocketAddr,
    ) -> Result<Peer, Finding> {
        Peer::bind_at(name, address, &self.story)
    }

    /// Waits until the program has printed a line that `fits`, and returns it.
    ///
    /// # Errors
    /// It has ended without, or did not in time. `wanted` describes the line.
    pub fn await_line(
        &mut self,
        student: Student,
        wanted: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String, Finding> {
        let deadline = Instant::now() + self.patience;
        loop {
            // First a look: what was printed before must not wait for the next event.
            let running = &self.programs[student.0];
            if let Some(line) = running.printed.iter().find(|line| fits(line)) {
                return Ok(line.clone());
            }
            if !self.pump(student, deadline) {
                let running = &self.programs[student.0];
                let finding = Finding::new("your program did not print what is asked");
                let finding = match running.status {
                    Some(status) => {
                        finding.saw(format!("it ended with {}", ended(status)))
                    }
                    None => finding.waited(self.patience, " for it"),
                };
                return Err(finding.wanted(wanted));
            }
        }
    }

    /// What the program has printed up to now.
    pub fn printed(&mut self, student: Student) -> Vec<String> {
        while self.pump(student, Instant::now()) {}
        self.programs[student.0].printed.clone()
    }

    /// Types into the program; an empty text closes its input.
    ///
    /// # Errors
    /// It does not read.
    pub fn type_text(&mut self, student: Student, text: &str) -> Result<(), Finding> {
        let program = &mut self.programs[student.0].program;
        if text.is_empty() {
            self.story.tell("closed the input of your program");
            program.close_input();
            return Ok(());
        }
        self.story.tell(format!("typed {}", crate::bytes::quoted(text.as_bytes())));
        program.type_text(text.as_bytes()).map_err(|error| {
            Finding::new(format!("your program does not read its input: {error}"))
        })
    }

    /// Sends a signal to the program.
    pub fn signal(&mut self, student: Student, signal: Signal) {
        self.story.tell(format!("sent {signal} to your program"));
        self.programs[student.0].program.signal(signal);
    }

    /// Holds the program up: it does nothing until [`Bench::resume`]. Its system goes on for it, as
    /// for a program that is busy: connections are made, bytes are taken.
    pub fn pause(&mut self, student: Student) {
        self.story.tell("held your program up (SIGSTOP)");
        self.programs[student.0].program.signal(Signal::SIGSTOP);
    }

    /// Lets the program go on.
    pub fn resume(&mut self, student: Student) {
        self.story.tell("let your program go on (SIGCONT)");
        self.programs[student.0].program.signal(Signal::SIGCONT);
    }

    /// Waits until the program has ended.
    ///
    /// # Errors
    /// It is still running after the time in `within`.
    pub fn await_end(
        &mut self,
        student: Student,
        within: Duration,
    ) -> Result<ExitStatus, Finding> {
        let deadline = Instant::now() + within;
        while self.pump(student, deadline) {}
        self.programs[student.0].status.ok_or_else(|| {
            Finding::new("your program is still running").waited(within, " for its end")
        })
    }

    /// Whether the program has not ended.
    pub fn is_running(&mut self, student: Student) -> bool {
        self.status(student).is_none()
    }

    /// How the program has ended; none if it is still running.
    pub fn status(&mut self, student: Student) -> Option<ExitStatus> {
        while self.pump(student, Instant::now()) {}
        self.programs[student.0].status
    }

    /// Takes note of what the program does for so long.
    pub fn watch(&mut self, student: Student, time: Duration) {
        let deadline = Instant::now() + time;
        while self.pump(student, deadline) {}
    }

    /// How a program has ended that should have gone on, if it has: its end may come a little behind
    /// the `finding` that it explains. Whoever was waited for in vain has had the time for it.
    pub fn end_behind(
        &mut self,
        student: Student,
        finding: &Finding,
    ) -> Option<ExitStatus> {
        let is_late = finding.manner == Manner::Late;
        let within = if is_late { Duration::ZERO } else { self.patience };
        self.await_end(student, within).ok()
    }

    /// Explains a finding by the end of a program that should have gone on, if it has ended: then the
    /// mistake has the name `diagnosis`.
    pub fn or_ended(
        &mut self,
        student: Student,
        finding: Finding,
        diagnosis: &str,
    ) -> Finding {
        let Some(status) = self.end_behind(student, &finding) else { return finding };
        let summary = format!("{}: your program has ended", finding.summary);
        Finding { summary, ..finding }
            .saw(format!("it ended with {}", ended(status)))
            .wanted("a program that goes on")
            .diagnosis(diagnosis)
    }

    /// Takes note of the next thing that the program does. Says whether there was one.
    fn pump(&mut self, student: Student, deadline: Instant) -> bool {
        let running = &mut self.programs[student.0];
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(event) = running.events.recv_timeout(left) else { return false };
        match event {
            Event::Printed(bytes) => running.lines.push(&bytes),
            Event::Flooded => running.flooded = true,
            Event::Ended(status) => {
                running.lines.end();
                running.status = Some(status);
            }
        }
        while let Some(line) = running.lines.pop() {
            running.printed.push(line);
        }
        true
    }

    /// Why a program was not even started; that is not its fault.
    pub fn not_started(&mut self) -> Option<String> {
        use std::os::unix::process::ExitStatusExt;
        let ended = |running: &Running| running.status.and_then(|status| status.signal());
        let running = self.programs.iter().find(|r| ended(r) == Some(NO_BOX as i32))?;
        Some(running.printed.last().cloned().unwrap_or_default())
    }

    /// Completes a finding with what only the bench knows.
    pub fn complete(&mut self, mut finding: Finding) -> Finding {
        finding.story = self.story.0.borrow().clone();
        if let Some(server) = self.server.filter(|_| finding.sockets.is_empty()) {
            finding.sockets = sockets::in_words(server);
        }
        if let Some(path) =
            self.server_path.as_ref().filter(|_| finding.sockets.is_empty())
        {
            finding.sockets = unix::in_words(path);
        }
        for number in 0..self.programs.len() {
            let printed = self.printed(Student(number));
            let from = printed.len().saturating_sub(SHOWN_LINES);
            finding.printed.extend(
                printed[from..].iter().map(|line| {
                    crate::bytes::printable(line).chars().take(100).collect()
                }),
            );
            finding.manner = self.programs[number].manner().unwrap_or(finding.manner);
        }
        finding
    }
}

impl Running {
    /// What its end says about the manner of a failure.
    fn manner(&self) -> Option<Manner> {
        use std::os::unix::process::ExitStatusExt;
        let mistakes = [
            Signal::SIGABRT,
            Signal::SIGBUS,
            Signal::SIGFPE,
            Signal::SIGILL,
            Signal::SIGSEGV,
            Signal::SIGSYS,
        ];
        // No check sends SIGKILL: the system does, or the grader, when there is too little memory.
        let limits = [Signal::SIGXCPU, Signal::SIGXFSZ, Signal::SIGKILL];
        let is_one_of = |signals: &[Signal]| {
            let signal = self.status.and_then(|status| status.signal());
            signals.iter().any(|one| Some(*one as i32) == signal)
        };
        if self.flooded || is_one_of(&limits) {
            return Some(Manner::Limit);
        }
        const PANIC: i32 = 101;
        let panicked = self.status.and_then(|status| status.code()) == Some(PANIC);
        (panicked || is_one_of(&mistakes)).then_some(Manner::Crashed)
    }
}

/// A grader puts a box around a program. If there is no box, the program is not started, and what
/// stands in its place ends with this signal, and the reason as its last line.
pub const NO_BOX: Signal = Signal::SIGUSR1;

/// How a program ended, in words.
pub fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(101), _) => "status 101, a panic".to_owned(),
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

/// An argument as a shell would take it; of a long one only the beginning.
fn shown_argument(argument: &str) -> String {
    if argument.len() <= LONG_ARGUMENT {
        return shell_words::quote(argument).into_owned();
    }
    let head: String = argument.chars().take(LONG_ARGUMENT / 2).collect();
    format!("{head}… ({} bytes)", argument.len())
}
