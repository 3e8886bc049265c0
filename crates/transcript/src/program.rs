//! A running program: its keyboard, its screen, its end.
//!
//! A program gets a process group of its own, so that a key like Ctrl-C reaches everything it
//! started. stdout and stderr share one pipe, as they share a terminal, so the order in which the
//! program wrote its lines is kept. When the program has ended, or is dropped, the whole group is
//! killed: nothing that it started stays behind.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal;
pub use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use socket2::{Domain, Socket, Type};

/// A program that prints more bytes than this is killed: it would go on until the memory is full.
const MOST_OUTPUT: usize = 64 << 20;

/// What a program did.
#[derive(Debug)]
pub enum Event {
    /// It printed these bytes.
    Printed(Vec<u8>),
    /// It printed more than anybody could read, and was killed for it.
    Flooded,
    /// It has ended, and everything it printed has been reported.
    Ended(ExitStatus),
}

/// A running program.
pub struct Program {
    stdin: Option<ChildStdin>,
    leader: Pid,
}

/// The first processes of the groups that may be signalled. A number leaves the set before it can
/// belong to somebody else.
static RUNNING: Mutex<BTreeSet<Pid>> = Mutex::new(BTreeSet::new());

/// Kills every program that is still running, for a process that has to end at once.
pub fn kill_all() {
    for &leader in running().iter() {
        let _ = signal::killpg(leader, Signal::SIGKILL);
    }
}

fn running() -> MutexGuard<'static, BTreeSet<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    /// Starts `command`. `report` is called from another thread with everything that happens;
    /// [`Event::Ended`] is the last call.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(
        mut command: Command,
        mut report: impl FnMut(Event) + Send + 'static,
    ) -> io::Result<Program> {
        let (mut screen, screen_writer) = io::pipe()?;
        command
            .stdin(Stdio::piped())
            .stdout(screen_writer.try_clone()?)
            .stderr(screen_writer)
            .process_group(0);
        let mut set = running(); // Nobody may think that all are known while this one starts.
        let mut child = command.spawn()?;
        let leader = Pid::from_raw(child.id().cast_signed());
        set.insert(leader);
        drop(set);
        drop(command); // It holds the writing ends of the pipe, which would never end.
        let stdin = child.stdin.take();

        let waiter = thread::spawn(move || {
            // Wait without collecting the leader, so that its number stays taken until the rest of
            // the group has been killed.
            let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(leader), ended) == Err(Errno::EINTR) {}
            let mut set = running();
            let _ = signal::killpg(leader, Signal::SIGKILL);
            set.remove(&leader);
            drop(set);
            child.wait()
        });
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            let mut room = MOST_OUTPUT;
            while let Ok(n @ 1..) = screen.read(&mut buffer) {
                if room > 0 && room.saturating_sub(n) == 0 {
                    report(Event::Flooded);
                    signal_group(leader, Signal::SIGKILL);
                }
                room = room.saturating_sub(n);
                report(Event::Printed(buffer[..n].to_vec()));
            }
            if let Ok(Ok(status)) = waiter.join() {
                report(Event::Ended(status));
            }
        });
        Ok(Program { stdin, leader })
    }

    /// Writes to the program's stdin.
    ///
    /// # Errors
    /// The program does not read any more, or its stdin was closed.
    pub fn type_text(&mut self, text: &[u8]) -> io::Result<()> {
        match &mut self.stdin {
            Some(stdin) => stdin.write_all(text),
            None => Err(io::Error::other("its input was closed with ^D")),
        }
    }

    /// Closes the program's stdin, as Ctrl-D does.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal to the program and all that it started.
    pub fn signal(&self, signal: Signal) {
        signal_group(self.leader, signal);
    }
}

fn signal_group(leader: Pid, signal: Signal) {
    if running().contains(&leader) {
        let _ = signal::killpg(leader, signal);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// Printed bytes, cut into lines.
#[derive(Default)]
pub struct Lines {
    complete: VecDeque<String>,
    unfinished: Vec<u8>,
}

impl Lines {
    /// Takes in what was printed.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.unfinished.extend_from_slice(piece);
            if self.unfinished.ends_with(b"\n") {
                self.unfinished.pop();
                self.finish();
            }
        }
    }

    /// Nothing more will come: what is left is a line, although no newline ends it.
    pub fn end(&mut self) {
        if !self.unfinished.is_empty() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let line = std::mem::take(&mut self.unfinished);
        self.complete.push_back(String::from_utf8_lossy(&line).into_owned());
    }

    /// The oldest complete line, without its newline.
    pub fn front(&self) -> Option<&str> {
        self.complete.front().map(String::as_str)
    }

    /// Takes the oldest complete line.
    pub fn pop(&mut self) -> Option<String> {
        self.complete.pop_front()
    }

    /// What was printed after the last newline: a prompt, perhaps. Only when no complete line is
    /// left in front of it.
    pub fn prompt(&self) -> Option<String> {
        let alone = self.complete.is_empty() && !self.unfinished.is_empty();
        alone.then(|| String::from_utf8_lossy(&self.unfinished).into_owned())
    }

    /// Takes the prompt away.
    pub fn pop_prompt(&mut self) {
        self.unfinished.clear();
    }

    /// The complete lines, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.complete.iter().map(String::as_str)
    }
}

/// A program under test: reads its lines with a deadline, and panics with all that it printed when
/// something else comes. For tests of lesson programs.
pub struct Session {
    program: Program,
    events: Receiver<Event>,
    lines: Lines,
    printed: String,
    status: Option<ExitStatus>,
}

/// How long a test waits for a line or an end that must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

impl Session {
    /// Starts the program with these arguments.
    ///
    /// # Panics
    /// The program cannot be started.
    pub fn start(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Session {
        let mut command = Command::new(program);
        command.args(arguments);
        Session::start_command(command)
    }

    /// Starts a prepared command.
    ///
    /// # Panics
    /// The program cannot be started.
    pub fn start_command(command: Command) -> Session {
        let (sender, events) = mpsc::channel();
        handle_signals();
        let program = Program::start(ending_with_us(command), move |event| {
            let _ = sender.send(event);
        })
        .expect("the program can be started");
        let (lines, printed) = (Lines::default(), String::new());
        Session { program, events, lines, printed, status: None }
    }

    /// The next line, from stdout or stderr.
    ///
    /// # Panics
    /// None comes within [`PATIENCE`].
    pub fn line(&mut self) -> String {
        self.wait(|session| session.lines.front().is_some(), "printed no further line");
        self.lines.pop().expect("waited for")
    }

    /// Reads the next line, which must be just this.
    ///
    /// # Panics
    /// It is not.
    pub fn expect(&mut self, line: &str) {
        let next = self.line();
        assert!(
            next == line,
            "wanted `{line}`, got `{next}`\nall of it:\n{}",
            self.printed
        );
    }

    /// Reads the first line of a server, `listening on ADDRESS`, and returns the address.
    ///
    /// # Panics
    /// The line says something else.
    pub fn listening(&mut self) -> SocketAddr {
        let line = self.line();
        let address =
            line.strip_prefix("listening on ").and_then(|text| text.parse().ok());
        address.unwrap_or_else(|| panic!("wanted `listening on ADDRESS`, got `{line}`"))
    }

    /// Types a line.
    ///
    /// # Panics
    /// The program does not read any more.
    pub fn type_line(&mut self, line: &str) {
        let typed = format!("{line}\n");
        self.program
            .type_text(typed.as_bytes())
            .expect("the program reads what is typed");
    }

    /// Closes the program's stdin, as Ctrl-D does.
    pub fn close_input(&mut self) {
        self.program.close_input();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// The process number of the program.
    pub fn id(&self) -> u32 {
        self.program.leader.as_raw().cast_unsigned()
    }

    /// Waits for the end, and returns the lines not read before and the exit status.
    ///
    /// # Panics
    /// The program is still running after [`PATIENCE`].
    pub fn end(mut self) -> (Vec<String>, ExitStatus) {
        self.wait(|session| session.status.is_some(), "is still running");
        let rest = self.lines.iter().map(str::to_owned).collect();
        (rest, self.status.expect("waited for"))
    }

    /// Waits until `done`, and panics if that does not happen in time.
    fn wait(&mut self, done: impl Fn(&Session) -> bool, otherwise: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            match self.events.recv_timeout(deadline - Instant::now()) {
                Ok(Event::Printed(bytes)) => {
                    self.printed.push_str(&String::from_utf8_lossy(&bytes));
                    self.lines.push(&bytes);
                }
                Ok(Event::Flooded) => {}
                Ok(Event::Ended(status)) => {
                    self.lines.end();
                    self.status = Some(status);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!(
                        "the program {otherwise} (status: {:?}); it printed:\n{}",
                        self.status, self.printed
                    )
                }
            }
        }
    }
}

/// An address of 127.0.0.1 at which nobody listens, and nobody will while the socket lives: it is
/// bound, so the port is taken, but it does not listen, so a connection is refused.
///
/// # Panics
/// The system has no free port.
pub fn unused_address() -> (Socket, SocketAddr) {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bound = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    bound.bind(&any_port.into()).expect("a free port");
    let address = bound.local_addr().ok().and_then(|address| address.as_socket());
    (bound, address.expect("an address of IPv4"))
}

/// Ends the programs with this process on Ctrl-C, SIGTERM and SIGHUP.
///
/// A handler has a second effect that is wanted here: what is started in the background of a shell
/// ignores SIGINT, and so does all that it starts. A signal with a handler is back at its default in
/// every program that is started.
fn handle_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // If there is a handler already, it does as much.
        let _ = ctrlc::set_handler(|| {
            kill_all();
            process::exit(130);
        });
    });
}

/// Lets the program end with the test that starts it, also when the test is killed. It has a process
/// group of its own, so that Ctrl-C in the terminal of the tests does not reach it. setpriv(1), part
/// of util-linux, asks the kernel for that, and then becomes the program.
fn ending_with_us(command: Command) -> Command {
    if !Path::new(SETPRIV).is_file() {
        return command;
    }
    let mut wrapped = Command::new(SETPRIV);
    wrapped.args(["--pdeathsig", "KILL", "--"]);
    wrapped.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}

/// Where every distribution has it.
const SETPRIV: &str = "/usr/bin/setpriv";
