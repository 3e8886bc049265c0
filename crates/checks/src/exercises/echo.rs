//! The shouting echo: capitals, any bytes, until the end of the stream.

use std::time::Duration;

use crate::bench::Bench;
use crate::exercise::Check;
use crate::finding::Finding;
use crate::{processes, sockets};

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    Check { id: "starts", needs: &[], run: starts },
    Check { id: "one-message", needs: &["starts"], run: one_message },
    Check { id: "more-messages", needs: &["one-message"], run: more_messages },
    Check { id: "any-bytes", needs: &["more-messages"], run: any_bytes },
    Check { id: "long", needs: &["more-messages"], run: long },
    Check { id: "half-close", needs: &["one-message"], run: half_close },
    Check { id: "ends", needs: &["one-message"], run: ends },
    Check { id: "reads-later", needs: &["long"], run: reads_later },
];

fn starts(bench: &mut Bench) -> Result<(), Finding> {
    bench.start_server(&[]).map(drop)
}

fn one_message(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    let word = word(bench, 5..20);
    ann.send(&word)?;
    let wanted = word.to_ascii_uppercase();
    ann.expect(&wanted).map_err(|finding| match finding.received == word {
        true => finding.diagnosis("not-capitals"),
        false => ann.explain_silence(finding, &wanted),
    })?;
    expect_nothing_more(&mut ann)
}

/// Behind the answer nothing more may come: the rest of a buffer, for example.
fn expect_nothing_more(ann: &mut crate::tcp::Client) -> Result<(), Finding> {
    ann.half_close();
    let (rest, _) = ann.read(1 << 16);
    if rest.is_empty() {
        return Ok(());
    }
    let finding = Finding::new("more came than was asked for")
        .saw(format!("{} behind the answer", crate::bytes::quoted(&rest)))
        .wanted("as many bytes as were sent");
    let is_buffer = rest.iter().all(|&byte| byte == 0);
    Err(if is_buffer { finding.diagnosis("whole-buffer") } else { finding })
}

fn more_messages(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    for number in 0..5 {
        let word = word(bench, 5..20);
        let answer =
            ann.send(&word).and_then(|()| ann.expect(&word.to_ascii_uppercase()));
        answer.map_err(|finding| match number {
            1 if finding.received.is_empty() => finding.diagnosis("first-read-only"),
            _ => finding,
        })?;
    }
    Ok(())
}

fn any_bytes(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    // The first byte of a character of two bytes alone, then all that a byte can be.
    ann.send(b"caf\xc3")?;
    ann.expect(b"CAF\xc3").map_err(text_only)?;
    // What some take away from the end of a text.
    for end in ["\n", "\r\n", " ", "\0"] {
        let line = [&word(bench, 5..20), end.as_bytes()].concat();
        ann.send(&line)?;
        ann.expect(&line.to_ascii_uppercase())?;
    }
    let mut all: Vec<u8> = (0..=255).collect();
    bench.random.shuffle(&mut all);
    ann.send(&all)?;
    ann.expect(&all.to_ascii_uppercase()).map_err(text_only)
}

/// What is no text came back as the sign that stands for it (U+FFFD), or not at all.
fn text_only(finding: Finding) -> Finding {
    let sign = "\u{fffd}".as_bytes();
    let has_sign = finding.received.windows(sign.len()).any(|bytes| bytes == sign);
    if has_sign { finding.diagnosis("text-only") } else { finding }
}

fn long(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    // A multiple of every common size of a buffer: no read of it needs to be a short one.
    let text = word(bench, 16_384..16_385);
    ann.send(&text)?;
    ann.expect(&text.to_ascii_uppercase())
}

fn half_close(bench: &mut Bench) -> Result<(), Finding> {
    let (_, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    let text = word(bench, 2000..5000);
    ann.send(&text)?;
    ann.half_close();
    ann.expect_to_the_end(&text.to_ascii_uppercase())
}

fn ends(bench: &mut Bench) -> Result<(), Finding> {
    let (student, server) = bench.start_server(&[])?;
    let mut ann = bench.connect("ann", server)?;
    let word = word(bench, 5..20);
    ann.send(&word)?;
    ann.expect(&word.to_ascii_uppercase())?;
    let address = ann.address();
    ann.leave();
    let status = bench.await_end(student, bench.patience).map_err(|finding| {
        let finding = finding.wanted("your server ends when its client has ended");
        match address.and_then(|ann| sockets::find(server, ann)) {
            None => finding.saw("it has closed the connection, and goes on"),
            // Whoever waits for bytes does not wait here: such a `read` returns at once.
            Some(_) if processes::all_sleep() => {
                finding.saw("it keeps the connection open, and waits for something else")
            }
            Some(_) => finding.diagnosis("no-end"),
        }
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Finding::new("your server ends as if something had gone wrong")
        .saw(format!("it ended with {}", crate::bench::ended(status)))
        .wanted("status 0: a client that ends is nothing bad"))
}

fn reads_later(bench: &mut Bench) -> Result<(), Finding> {
    const MUCH: usize = 64 << 20;
    let (_, server) = bench.start_server(&[])?;
    bench.patience = Duration::from_secs(10);
    let mut ann = bench.connect("ann", server)?;
    let letter = bench.random.lowercase() as u8;
    ann.send_much_read_later(MUCH, letter, letter.to_ascii_uppercase())
}

/// Small letters by chance.
fn word(bench: &mut Bench, length: std::ops::Range<usize>) -> Vec<u8> {
    let length = bench.random.usize(length);
    (0..length).map(|_| bench.random.lowercase() as u8).collect()
}
