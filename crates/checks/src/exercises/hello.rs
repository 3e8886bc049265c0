//! The daytime server and its client: one line, then the end.

use std::net::SocketAddr;
use std::process::ExitStatus;

use crate::bench::{Bench, Student, WITHOUT_ERRORS, WITHOUT_OUTPUT, ended};
use crate::bytes::quoted;
use crate::exercise::Check;
use crate::finding::Finding;
use crate::processes;
use crate::tcp::{Client, StreamEnd};

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    Check { id: "starts", needs: &[], run: starts },
    Check { id: "line", needs: &["starts"], run: line },
    Check { id: "in-turn", needs: &["line"], run: in_turn },
    Check { id: "thrown-away", needs: &["line"], run: thrown_away },
    Check { id: "misfortunes", needs: &["in-turn"], run: misfortunes },
    Check { id: "client-prints", needs: &[], run: client_prints },
    Check { id: "client-pieces", needs: &["client-prints"], run: client_pieces },
    Check { id: "client-to-the-end", needs: &["client-pieces"], run: client_to_the_end },
    Check { id: "client-refused", needs: &["client-prints"], run: client_refused },
    Check { id: "client-cut-off", needs: &["client-pieces"], run: client_cut_off },
];

/// The longest line that the task allows, without its end.
const LONGEST_LINE: usize = 80;

fn starts(bench: &mut Bench) -> Result<(), Finding> {
    bench.start_server(&["server"]).map(drop)
}

fn line(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&["server"])?;
    let mut ann = bench.connect("ann", server)?;
    expect_line(bench, &mut ann)
}

fn in_turn(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&["server"])?;
    let mut ann = bench.connect("ann", server)?;
    expect_line(bench, &mut ann)?;
    next_ones(bench, server, ann)
        .map_err(|finding| bench.or_ended(student, finding, "only-one"))
}

/// Bob comes while Ann is still there, Carol when both have left.
fn next_ones(bench: &mut Bench, server: SocketAddr, ann: Client) -> Result<(), Finding> {
    let mut bob = bench.connect("bob", server)?;
    bob.half_close();
    ann.leave();
    expect_line(bench, &mut bob)?;
    bob.leave();
    let mut carol = bench.connect("carol", server)?;
    expect_line(bench, &mut carol)
}

fn thrown_away(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&["server"])?;
    // Ann's bytes shall be there before the server has accepted her.
    bench.pause(student);
    let mut ann = bench.connect("ann", server)?;
    let length = bench.random.usize(2000..5000);
    let text: Vec<u8> = (0..length).map(|_| bench.random.lowercase() as u8).collect();
    ann.send(&text)?;
    ann.await_arrival();
    bench.resume(student);
    expect_line(bench, &mut ann).map_err(|finding| match is_line(&finding.received) {
        true => finding.diagnosis("closed-unread"),
        false => finding,
    })
}

fn misfortunes(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&["server"])?;
    bench.pause(student);
    bench.connect("ann", server)?.reset();
    bench.connect("bob", server)?.leave();
    bench.resume(student);
    let served = bench
        .connect("carol", server)
        .and_then(|mut carol| expect_line(bench, &mut carol));
    served.map_err(|finding| bench.or_ended(student, finding, "dies-with-client"))
}

/// One line must come, and then the end.
fn expect_line(bench: &Bench, client: &mut Client) -> Result<(), Finding> {
    let name = client.name().to_owned();
    bench.story.tell(format!("{name} reads until your server closes"));
    let (got, end) = client.read(64 * 1024);
    let is_line = is_line(&got);
    let (summary, then) = match end {
        Some(StreamEnd::Closed) if is_line => return Ok(()),
        Some(StreamEnd::Closed) if got.is_empty() => {
            ("gets the end, and no line", "the end")
        }
        Some(StreamEnd::Silent) if is_line => ("gets a line, but not the end", "silence"),
        Some(StreamEnd::Silent) if got.is_empty() => ("gets nothing", "silence"),
        Some(StreamEnd::Reset) if is_line => ("gets a line, but then a reset", "a reset"),
        Some(StreamEnd::Reset) => ("gets a reset", "a reset"),
        Some(StreamEnd::Closed) => ("gets something else than a line", "the end"),
        Some(StreamEnd::Silent) => ("gets something else than a line", "silence"),
        None | Some(StreamEnd::TooSlow) => ("gets much more than a line", "still more"),
    };
    let mut finding = client
        .finding(format!("{name} {summary}"))
        .saw(format!("{}, then {then}", quoted(&got)))
        .wanted("a line of 1 to 80 characters of printable ASCII, then the end");
    if end == Some(StreamEnd::Silent) {
        finding = finding.waited(bench.patience, "");
    }
    Err(match end {
        Some(StreamEnd::Silent) if is_line => finding.diagnosis("not-closed"),
        Some(StreamEnd::Silent) if got.is_empty() => waits_for_client(client, finding),
        _ if has_zeros_behind(&got) => finding.diagnosis("whole-buffer"),
        _ => Finding { received: got, ..finding },
    })
}

/// Whether these bytes are what a server has to send.
fn is_line(bytes: &[u8]) -> bool {
    let Some(line) = bytes.strip_suffix(b"\n") else { return false };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    (1..=LONGEST_LINE).contains(&line.len()) && line.iter().all(is_printable)
}

fn is_printable(byte: &u8) -> bool {
    (0x20..=0x7e).contains(byte)
}

/// Whether text comes first and then nothing but zeros.
fn has_zeros_behind(bytes: &[u8]) -> bool {
    let text = bytes.iter().take_while(|&&byte| byte != 0).count();
    text > 0 && text < bytes.len() && bytes[text..].iter().all(|&byte| byte == 0)
}

/// A server that answers as soon as it is spoken to has waited for that.
fn waits_for_client(client: &mut Client, finding: Finding) -> Finding {
    // A slow one may answer now by chance. So it must be asleep, and answer at once.
    if !processes::all_sleep() || client.send(b"hello\n").is_err() {
        return finding;
    }
    match client.read_soon(1).is_empty() {
        true => finding,
        false => finding
            .saw("it answers as soon as the client has sent `hello\\n`")
            .diagnosis("waits-for-client"),
    }
}

fn client_prints(bench: &mut Bench) -> Result<(), Finding> {
    let line = random_line(bench);
    let (status, printed) = run_client(bench, &[], &[&format!("{line}\r\n")])?;
    expect_printed(&line, &printed).map_err(|finding| {
        let has_zeros = printed.join("").trim_start_matches(&line).contains('\0');
        if has_zeros { finding.diagnosis("whole-buffer") } else { finding }
    })?;
    if !status.success() {
        return Err(Finding::new("your client ends as if something had gone wrong")
            .saw(format!("it ended with {}", ended(status)))
            .wanted("status 0"));
    }
    prints_on_stdout(bench)
}

fn prints_on_stdout(bench: &mut Bench) -> Result<(), Finding> {
    bench.story.tell("once more, and its standard error is thrown away:");
    let line = random_line(bench);
    let (_, printed) = run_client(bench, &WITHOUT_ERRORS, &[&format!("{line}\r\n")])?;
    expect_printed(&line, &printed).map_err(|finding| match texts(&printed).is_empty() {
        true => finding.diagnosis("hidden-line"),
        false => finding,
    })
}

fn client_pieces(bench: &mut Bench) -> Result<(), Finding> {
    let words: Vec<String> = (0..3).map(|_| random_line(bench)).collect();
    let line = words.concat();
    let pieces = [words[0].as_str(), words[1].as_str(), words[2].as_str(), "\r\n"];
    let (_, printed) = run_client(bench, &[], &pieces)?;
    expect_printed(&line, &printed).map_err(|finding| match texts(&printed)[..] {
        [text] if text == words[0] => finding.diagnosis("one-read"),
        _ => finding,
    })
}

fn client_to_the_end(bench: &mut Bench) -> Result<(), Finding> {
    let line = random_line(bench);
    let (_, printed) = run_client(bench, &[], &["\n", &format!("{line}\n")])?;
    expect_printed(&line, &printed).map_err(|finding| {
        match printed.concat().contains(&line) {
            true => finding,
            false => finding.diagnosis("stops-at-newline"),
        }
    })
}

fn client_refused(bench: &mut Bench) -> Result<(), Finding> {
    let door = bench.closed_door()?;
    let address = door.address.to_string();
    let student = bench.start(&["client", &address])?;
    let status = bench.await_end(student, bench.patience)?;
    expect_failure(bench, student, status)?;

    bench.story.tell("once more, and its standard output is thrown away:");
    let mute = bench.start_through(&WITHOUT_OUTPUT, &["client", &address])?;
    bench.await_end(mute, bench.patience)?;
    expect_words_on_stderr(bench, mute)
}

fn client_cut_off(bench: &mut Bench) -> Result<(), Finding> {
    let (student, status) = cut_off(bench, &[])?;
    expect_failure(bench, student, status).map_err(|finding| match status.success() {
        true => finding.diagnosis("no-error"),
        false => finding,
    })?;

    bench.story.tell("once more, and its standard output is thrown away:");
    let (mute, _) = cut_off(bench, &WITHOUT_OUTPUT)?;
    expect_words_on_stderr(bench, mute)
}

/// Runs the client against a server that resets the connection in the middle of a line.
fn cut_off(
    bench: &mut Bench,
    wrapper: &[&str],
) -> Result<(Student, ExitStatus), Finding> {
    let listener = bench.listen()?;
    let address = listener.address.to_string();
    let student = bench.start_through(wrapper, &["client", &address])?;
    let mut caller = bench.await_call(student, &listener)?;
    let beginning = random_line(bench);
    caller.send(beginning.as_bytes())?;
    bench.await_taken(student, &caller);
    caller.reset();
    let status = bench.await_end(student, bench.patience)?;
    Ok((student, status))
}

/// Runs the client against a server that sends these pieces, each when the one before has been read,
/// and then the end. Returns how it ended, and what it printed.
fn run_client(
    bench: &mut Bench,
    wrapper: &[&str],
    pieces: &[&str],
) -> Result<(ExitStatus, Vec<String>), Finding> {
    let listener = bench.listen()?;
    let address = listener.address.to_string();
    let student = bench.start_through(wrapper, &["client", &address])?;
    let mut caller = bench.await_call(student, &listener)?;
    for piece in pieces {
        if caller.send(piece.as_bytes()).is_err() {
            break; // It has left early. What it has printed tells why.
        }
        bench.await_taken(student, &caller);
    }
    caller.leave();
    let status = bench.await_end(student, bench.patience)?;
    Ok((status, bench.printed(student)))
}

/// The line must have been printed, and nothing else but empty lines.
fn expect_printed(line: &str, printed: &[String]) -> Result<(), Finding> {
    if texts(printed) == [line] {
        return Ok(());
    }
    let finding = Finding::new("your client does not print just the line that came");
    let texts: Vec<String> =
        texts(printed).iter().map(|text| quoted(text.as_bytes())).collect();
    let saw = if texts.is_empty() { "nothing".to_owned() } else { texts.join(", ") };
    Err(finding.saw(saw).wanted(quoted(line.as_bytes())))
}

/// The lines that are not empty, without a `\r` at the end.
fn texts(printed: &[String]) -> Vec<&str> {
    let lines = printed.iter().map(|line| line.trim_end_matches('\r'));
    lines.filter(|line| !line.is_empty()).collect()
}

/// The program must have said what went wrong, and have ended with status 1.
fn expect_failure(
    bench: &mut Bench,
    student: Student,
    status: ExitStatus,
) -> Result<(), Finding> {
    let says_something = !texts(&bench.printed(student)).is_empty();
    let finding = match status.code() {
        Some(1) if says_something => return Ok(()),
        Some(1) => Finding::new("your client does not say what went wrong"),
        _ => Finding::new("your client does not end with status 1"),
    };
    let finding = finding
        .saw(format!("it ended with {}", ended(status)))
        .wanted("a line on stderr that says what went wrong, and status 1");
    Err(if status.code() == Some(101) { finding.diagnosis("panics") } else { finding })
}

/// A program without standard output must have said something all the same.
fn expect_words_on_stderr(bench: &mut Bench, mute: Student) -> Result<(), Finding> {
    if !texts(&bench.printed(mute)).is_empty() {
        return Ok(());
    }
    Err(Finding::new("your client does not say on standard error what went wrong")
        .saw("nothing, when its standard output is thrown away")
        .wanted("a line on standard error")
        .diagnosis("wrong-stream"))
}

/// Text by chance, which no way of escaping changes.
fn random_line(bench: &mut Bench) -> String {
    let length = bench.random.usize(5..20);
    (0..length).map(|_| bench.random.alphanumeric()).collect()
}
