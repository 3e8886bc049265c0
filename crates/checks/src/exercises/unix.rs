//! The server at a path: a safe start, a safe end, and a mode that lets nobody else in.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use transcript::program::Signal;

use crate::bench::{Bench, Student, TO_START, ended};
use crate::bytes::quoted;
use crate::exercise::Check;
use crate::finding::Finding;
use crate::processes;
use crate::unix::{self, Client, Identity};

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    Check { id: "starts", needs: &[], run: starts },
    Check { id: "private", needs: &["starts"], run: private },
    Check { id: "echoes", needs: &["starts"], run: echoes },
    Check { id: "in-turn", needs: &["echoes"], run: in_turn },
    Check { id: "survives", needs: &["in-turn"], run: survives },
    Check { id: "interrupt", needs: &["starts"], run: interrupt },
    Check { id: "terminate", needs: &["starts"], run: terminate },
    Check { id: "ends-while-serving", needs: &["echoes"], run: ends_while_serving },
    Check { id: "replaces-stale", needs: &["echoes"], run: replaces_stale },
    Check { id: "spares-live", needs: &["in-turn"], run: spares_live },
    Check { id: "does-not-wait", needs: &["spares-live"], run: does_not_wait },
    Check { id: "spares-any-live", needs: &["spares-live"], run: spares_any_live },
    Check { id: "spares-files", needs: &["starts"], run: spares_files },
    Check { id: "spares-link", needs: &["spares-files"], run: spares_link },
    Check { id: "spares-at-end", needs: &["terminate"], run: spares_at_end },
    Check { id: "too-long", needs: &["starts"], run: too_long },
];

fn starts(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    bench.start_server_at(&path).map(drop)
}

fn private(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    bench.start_server_at(&path)?;
    let file = fs::symlink_metadata(&path);
    let mode = file.map_or(0, |file| file.mode() & 0o7777);
    if mode == 0o600 {
        return Ok(());
    }
    let finding = Finding::new("the mode of your server's file is not 600")
        .saw(format!("mode {mode:03o} when your server said that it listens"))
        .wanted("mode 600: connecting needs `w`, and only the owner has it");
    Err(match mode {
        // What is left of 777 in the room of a check, where the umask is 022.
        0o755 => finding.diagnosis("mode-of-umask"),
        0o1130 => finding.diagnosis("mode-decimal"), // 600, but not in octal digits
        _ => finding,
    })
}

fn echoes(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    bench.start_server_at(&path)?;
    let mut ann = bench.connect_to("ann", &path)?;
    let first = word(bench, 5..20);
    ann.send(&first)?;
    ann.expect(&first).map_err(|finding| ann.explain_silence(finding, &first))?;
    let mut all: Vec<u8> = (0..=255).collect();
    bench.random.shuffle(&mut all);
    ann.send(&all)?;
    ann.expect(&all)?;
    let last = word(bench, 2000..5000);
    ann.send(&last)?;
    ann.half_close();
    ann.expect_to_the_end(&last)
}

fn in_turn(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    let student = bench.start_server_at(&path)?;
    let mut ann = bench.connect_to("ann", &path)?;
    exchange(bench, &mut ann)?;
    let mut bob = bench.connect_to("bob", &path)?;
    let question = word(bench, 5..20);
    bob.send(&question)?; // Perhaps he has to wait for his turn.
    exchange(bench, &mut ann)?;
    ann.leave();
    bob.expect(&question)
        .map_err(|finding| or_ended(bench, student, finding, "one-client"))?;
    bob.leave();
    let mut carol = bench.connect_to("carol", &path)?;
    exchange(bench, &mut carol)
}

fn survives(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    let student = bench.start_server_at(&path)?;
    let served = misfortunes(bench, &path);
    served.map_err(|finding| or_ended(bench, student, finding, "dies-with-client"))
}

/// Clients that break off, and one behind them that does not.
fn misfortunes(bench: &mut Bench, path: &str) -> Result<(), Finding> {
    bench.connect_to("ann", path)?.leave();

    let mut bob = bench.connect_to("bob", path)?;
    bob.send(&word(bench, 5..20))?;
    bob.leave_unread()?; // Your server's next read is an error.

    let mut carol = bench.connect_to("carol", path)?;
    carol.stop_reading();
    carol.send(&word(bench, 5..20))?; // Your server's answer is an error.

    let dave = bench.connect_to("dave", path)?;
    dave.leave(); // Perhaps before he was accepted.
    carol.leave();
    let mut eve = bench.connect_to("eve", path)?;
    exchange(bench, &mut eve)
}

fn interrupt(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    let student = bench.start_server_at(&path)?;
    ends_clean(bench, student, &path, Signal::SIGINT, None)
}

fn terminate(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    let student = bench.start_server_at(&path)?;
    ends_clean(bench, student, &path, Signal::SIGTERM, None)
}

fn ends_while_serving(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    let student = bench.start_server_at(&path)?;
    let mut ann = bench.connect_to("ann", &path)?;
    exchange(bench, &mut ann)?;
    let signal = if bench.random.bool() { Signal::SIGINT } else { Signal::SIGTERM };
    ends_clean(bench, student, &path, signal, Some(ann))
}

/// Sends the signal, and looks how the program ends, and what is at its path then. If it does not
/// end, the client leaves, or one comes and leaves: that may be what it waits for.
fn ends_clean(
    bench: &mut Bench,
    student: Student,
    path: &str,
    signal: Signal,
    client: Option<Client>,
) -> Result<(), Finding> {
    processes::await_sleep();
    bench.signal(student, signal);
    let status = match bench.await_end(student, bench.patience) {
        Ok(status) => status,
        Err(finding) => {
            let finding = finding.wanted(format!("its end, soon after {signal}"));
            if bench.await_end(student, bench.patience).is_ok() {
                return Err(finding.saw("later it ended by itself"));
            }
            let caller = client.map_or_else(|| bench.connect_to("bob", path), Ok);
            let Ok(caller) = caller else { return Err(finding) };
            caller.leave();
            return Err(match bench.await_end(student, bench.patience) {
                Ok(_) => finding
                    .saw("when the client had left, it ended")
                    .diagnosis("only-when-called"),
                Err(_) => finding,
            });
        }
    };
    let finding = match unix::identity(path) {
        None => return expect_status_0(status),
        Some(_) => Finding::new("your server ends, but its file stays")
            .saw(format!("it ended with {}", ended(status))),
    };
    Err(match status.signal() {
        Some(_) => finding.diagnosis("no-handler"),
        None if status.success() => finding.diagnosis("file-stays"),
        None => finding,
    })
}

fn expect_status_0(status: ExitStatus) -> Result<(), Finding> {
    if status.success() {
        return Ok(());
    }
    Err(Finding::new("your server ends as if something had gone wrong")
        .saw(format!("it ended with {}", ended(status)))
        .wanted("status 0: it was asked to end, and did"))
}

fn replaces_stale(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    bench.make_stale(&path)?;
    bench.server_path = Some(path.clone().into());
    let student = bench.start(&["--listen", &path])?;
    // The old file is a socket, too: what counts is what the program says, and whether it serves.
    bench.await_server(student, &path, || unix::is_socket(&path)).map_err(|finding| {
        let printed = bench.printed(student);
        let in_use = printed.iter().any(|line| line.contains("in use"));
        match in_use && !bench.is_running(student) {
            true => finding.diagnosis("stale-in-the-way"),
            false => finding,
        }
    })?;
    let mut ann = bench.connect_to("ann", &path)?;
    exchange(bench, &mut ann)
}

fn spares_live(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    let first = bench.start_server_at(&path)?;
    let mut ann = bench.connect_to("ann", &path)?;
    exchange(bench, &mut ann)?;
    bench.story.tell("the same once more, while the first one is serving ann");
    let left_alone = gives_up(bench, &path, "a live server", "steals");
    left_alone.map_err(|finding| match bench.is_running(first) {
        true => finding,
        // Then it may be the first one that has removed the file.
        false => Finding { diagnosis: None, ..finding }.saw("the first one has ended"),
    })?;
    exchange(bench, &mut ann)?;
    ann.leave();
    let mut bob = bench.connect_to("bob", &path)?;
    exchange(bench, &mut bob)
}

fn does_not_wait(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    let mut busy = bench.busy_server(&path)?;
    let before = unix::identity(&path);
    let student = start_in_the_way(bench, &path)?;
    let verdict = leaves_alone(bench, student, &path, before, "a live server", "steals");
    let Err(finding) = verdict else { return Ok(()) };
    if unix::identity(&path) != before {
        return Err(finding);
    }
    // Who was only late gives up by itself.
    if bench.await_end(student, TO_START).is_ok() {
        return Err(finding.saw("later it ended by itself"));
    }
    // Is it in front of the full queue? Then it comes in as soon as there is room.
    busy.make_room();
    let deadline = Instant::now() + bench.patience;
    while Instant::now() < deadline {
        if busy.has_caller() {
            return Err(finding
                .saw("when there was room in the queue, your program connected")
                .diagnosis("waits-in-front"));
        }
        thread::yield_now();
    }
    Err(finding)
}

fn spares_any_live(bench: &mut Bench) -> Result<(), Finding> {
    let datagrams = free_path(bench);
    let _receiver = bench.receive_at(&datagrams)?;
    gives_up(bench, &datagrams, "a live server for datagrams", "not-refused")?;

    let closed = free_path(bench);
    let _listener = bench.listen_at(&closed)?;
    bench.story.tell("with mode 000: only root can connect");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000))
        .map_err(|error| Finding::ours(format!("change a mode: {error}")))?;
    gives_up(bench, &closed, "a live server that lets nobody in", "not-refused")
}

fn spares_files(bench: &mut Bench) -> Result<(), Finding> {
    let file = free_path(bench);
    let content = word(bench, 20..40);
    bench.story.tell(format!("wrote {} into the file {file}", quoted(&content)));
    fs::write(&file, &content)
        .map_err(|error| Finding::ours(format!("write a file: {error}")))?;
    gives_up(bench, &file, "an ordinary file", "not-a-socket")?;
    let now = fs::read(&file).unwrap_or_default();
    if now != content {
        return Err(Finding::new("the content of the file has changed")
            .saw(quoted(&now))
            .wanted(quoted(&content)));
    }

    let folder = free_path(bench);
    bench.story.tell(format!("made the folder {folder}"));
    fs::create_dir(&folder)
        .map_err(|error| Finding::ours(format!("make a folder: {error}")))?;
    gives_up(bench, &folder, "a folder", "not-a-socket")
}

fn spares_link(bench: &mut Bench) -> Result<(), Finding> {
    let (target, link) = (free_path(bench), free_path(bench));
    bench.make_stale(&target)?;
    bench.story.tell(format!("made {link}, a symbolic link to {target}"));
    symlink(&target, &link)
        .map_err(|error| Finding::ours(format!("make a link: {error}")))?;
    let before = unix::identity(&target);
    gives_up(bench, &link, "a symbolic link", "follows-link")?;
    if unix::identity(&target) == before {
        return Ok(());
    }
    Err(Finding::new("what the link leads to is not there any more")
        .wanted("nothing has changed: a link is not a socket")
        .diagnosis("follows-link"))
}

/// Starts the program at a path that it must leave alone, and waits until it has given up. If the
/// path has not the same file as before, the mistake has the name `diagnosis`.
fn gives_up(
    bench: &mut Bench,
    path: &str,
    what: &str,
    diagnosis: &str,
) -> Result<(), Finding> {
    let before = unix::identity(path);
    let student = start_in_the_way(bench, path)?;
    leaves_alone(bench, student, path, before, what, diagnosis)
}

/// Starts the program at a path where something else is.
fn start_in_the_way(bench: &mut Bench, path: &str) -> Result<Student, Finding> {
    bench.server_path = Some(path.into());
    bench.start(&["--listen", path])
}

/// Waits until the program has given up, with what was at the path `before` still there.
fn leaves_alone(
    bench: &mut Bench,
    student: Student,
    path: &str,
    before: Option<Identity>,
    what: &str,
    diagnosis: &str,
) -> Result<(), Finding> {
    let verdict = expect_refusal(bench, student, &[1]);
    // As it is now: what else is at the path may leave with the check.
    let sockets = unix::in_words(Path::new(path));
    if unix::identity(path) == before {
        return verdict.map_err(|finding| Finding { sockets, ..finding });
    }
    let now = unix::identity(path);
    let saw = match now {
        None => format!("nothing has the name {path} any more"),
        Some(_) => format!("{path} is another file than before"),
    };
    let wanted = "the same file as before, a message, and status 1";
    let summary = format!("{what} has lost its path to your program");
    let finding = Finding { sockets, ..Finding::new(summary) }.saw(saw).wanted(wanted);
    Err(match verdict {
        Ok(()) if now.is_none() => finding
            .saw("your program gave up, as it should, but removed the file")
            .diagnosis("removes-anyway"),
        Ok(()) => finding,
        Err(_) => finding.diagnosis(diagnosis),
    })
}

/// The program must end with a message and with one of these statuses, and not say that it listens.
fn expect_refusal(
    bench: &mut Bench,
    student: Student,
    statuses: &[i32],
) -> Result<(), Finding> {
    let start = Instant::now();
    let words: Vec<String> = statuses.iter().map(i32::to_string).collect();
    let wanted = format!("a message, and status {}", words.join(" or "));
    let listens = |line: &str| line.starts_with("listening on");
    if bench.await_line(student, "", listens).is_ok() {
        let finding = Finding::new("your program says that it listens, and cannot");
        return Err(finding.wanted(wanted));
    }
    // A program that is not asleep may just be starting: some languages take their time for that.
    while start.elapsed() < TO_START
        && bench.is_running(student)
        && !processes::all_sleep()
    {
        bench.watch(student, Duration::from_millis(5));
    }
    let status = bench.await_end(student, Duration::ZERO).map_err(|_| {
        let waited =
            Duration::from_millis(100) * (start.elapsed().as_millis() / 100) as u32;
        Finding::new("your program neither listens nor gives up")
            .waited(waited, " for its end")
            .wanted(&wanted)
    })?;
    let printed = bench.printed(student);
    if !status.code().is_some_and(|code| statuses.contains(&code)) {
        let finding = Finding::new("your program gives up, but not as it should")
            .saw(format!("it ended with {}", ended(status)))
            .wanted(wanted);
        let panicked = printed.iter().any(|line| line.contains("panicked at"));
        return Err(if panicked { finding.diagnosis("panics") } else { finding });
    }
    if printed.iter().all(|line| line.trim().is_empty()) {
        let finding = Finding::new("your program gives up, and does not say why");
        return Err(finding.wanted(wanted));
    }
    Ok(())
}

fn spares_at_end(bench: &mut Bench) -> Result<(), Finding> {
    let path = free_path(bench);
    let student = bench.start_server_at(&path)?;
    remove(bench, &path)?;
    let _thief = bench.listen_at(&path)?;
    let before = unix::identity(&path);
    bench.signal(student, Signal::SIGTERM);
    let status = bench.await_end(student, bench.patience)?;
    if unix::identity(&path) != before {
        return Err(Finding::new("your server removes the file of another one")
            .wanted("the same file as before: it is not your server's")
            .diagnosis("removes-by-name"));
    }
    expect_status_0(status)?;

    let path = free_path(bench);
    let student = bench.start_server_at(&path)?;
    remove(bench, &path)?;
    bench.signal(student, Signal::SIGTERM);
    expect_status_0(bench.await_end(student, bench.patience)?)
}

fn remove(bench: &mut Bench, path: &str) -> Result<(), Finding> {
    bench.story.tell(format!("removed {path}"));
    fs::remove_file(path)
        .map_err(|error| Finding::ours(format!("remove a file: {error}")))
}

fn too_long(bench: &mut Bench) -> Result<(), Finding> {
    let name = word(bench, 120..200);
    let path = String::from_utf8_lossy(&name).into_owned();
    let student = bench.start(&["--listen", &path])?;
    expect_refusal(bench, student, &[1, 2])
}

/// Sends a message, and waits until it has come back.
fn exchange(bench: &mut Bench, client: &mut Client) -> Result<(), Finding> {
    let word = word(bench, 5..20);
    client.send(&word)?;
    client.expect(&word)
}

/// If the program has ended, that is what explains the finding, and the mistake has this name.
fn or_ended(
    bench: &mut Bench,
    student: Student,
    finding: Finding,
    diagnosis: &str,
) -> Finding {
    match bench.end_behind(student, &finding) {
        Some(status) => Finding::new("your server has ended")
            .saw(finding.summary)
            .saw(format!("it ended with {}", ended(status)))
            .wanted("a server that goes on with the next client")
            .diagnosis(diagnosis),
        None => finding,
    }
}

/// A path that is free: a short name in the folder that the program runs in.
fn free_path(bench: &mut Bench) -> String {
    loop {
        let word = String::from_utf8_lossy(&word(bench, 5..10)).into_owned();
        let path = format!("{word}.sock");
        if !Path::new(&path).exists() {
            return path;
        }
    }
}

/// Small letters by chance.
fn word(bench: &mut Bench, length: Range<usize>) -> Vec<u8> {
    let length = bench.random.usize(length);
    (0..length).map(|_| bench.random.lowercase() as u8).collect()
}
