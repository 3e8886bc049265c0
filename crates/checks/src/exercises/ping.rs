//! A ping: its checksum, its messages, and what to believe of the answers.

use std::process::ExitStatus;
use std::time::Duration;

use crate::bench::{Bench, ended};
use crate::exercise::Check;
use crate::finding::Finding;
use crate::icmp::{self, ADDRESS, Echo, Fault, Host, REPLY, REQUEST};

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    Check { id: "checksum", needs: &[], run: checksum },
    Check { id: "odd-length", needs: &["checksum"], run: odd_length },
    Check { id: "carries", needs: &["checksum"], run: carries },
    Check { id: "request", needs: &["checksum"], run: request },
    Check { id: "parse", needs: &["checksum"], run: parse },
    Check { id: "ip-options", needs: &["parse"], run: ip_options },
    Check { id: "too-short", needs: &["parse"], run: too_short },
    Check { id: "other-types", needs: &["parse"], run: other_types },
    Check { id: "damaged", needs: &["parse"], run: damaged },
    // A checksum that is wrong for some bytes would be wrong for some requests, too.
    Check {
        id: "answers",
        needs: &["odd-length", "carries", "request", "parse"],
        run: answers,
    },
    Check { id: "silence", needs: &["answers"], run: silence },
    Check { id: "loss", needs: &["silence"], run: loss },
    Check { id: "duplicates", needs: &["answers"], run: duplicates },
    Check { id: "late", needs: &["loss"], run: late },
    Check { id: "wrong-id", needs: &["loss"], run: wrong_id },
    Check { id: "other-address", needs: &["loss"], run: other_address },
    Check { id: "never-sent", needs: &["loss"], run: never_sent },
    Check { id: "damaged-answers", needs: &["loss"], run: damaged_answers },
];

// Part 1: the checksum.

fn checksum(bench: &mut Bench) -> Result<(), Finding> {
    // Small numbers, so that nothing is left over.
    let mut inputs = vec![small_words(bench, 8), small_words(bench, 3)];
    inputs.push(vec![0x08, 0, 0, 0, 0x12, 0x34, 0, 0x01, 0x68, 0x69]);
    inputs.push(vec![]);
    compare_checksums(
        bench,
        &inputs,
        &[
            ("not-turned", |bytes| !icmp::checksum(bytes)),
            ("little-endian", |bytes| icmp::checksum(bytes).swap_bytes()),
        ],
    )
}

fn odd_length(bench: &mut Bench) -> Result<(), Finding> {
    let mut inputs = Vec::new();
    for last in [bench.random.u8(1..0x80), bench.random.u8(0x80..), 0xff] {
        inputs.push(vec![0, bench.random.u8(..), last]); // Nothing is left over.
    }
    inputs.push(vec![bench.random.u8(0x80..)]);
    compare_checksums(
        bench,
        &inputs,
        &[
            ("odd-byte-low", |bytes| {
                let (last, pairs) = bytes.split_last().unwrap_or((&0, &[]));
                icmp::checksum(&[pairs, &[0, *last]].concat())
            }),
            ("odd-byte-left-out", |bytes| icmp::checksum(&bytes[..bytes.len() / 2 * 2])),
        ],
    )
}

fn carries(bench: &mut Bench) -> Result<(), Finding> {
    let mut inputs = vec![
        vec![0xff, 0xff, 0xff, 0xff, 0x00, 0x01],
        vec![0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7],
    ];
    inputs
        .push((0..bench.random.usize(30..40) * 2).map(|_| bench.random.u8(..)).collect());
    inputs.push(vec![0xff; 1472]);
    compare_checksums(
        bench,
        &inputs,
        &[
            ("carries-lost", |bytes| !(sum(bytes) as u16)),
            ("folds-once", |bytes| {
                let sum = sum(bytes);
                !(((sum & 0xffff) + (sum >> 16)) as u16)
            }),
        ],
    )
}

/// The mere sum of the pairs.
fn sum(bytes: &[u8]) -> u32 {
    let pairs = bytes.chunks_exact(2);
    pairs.map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum()
}

/// A mistake that can be told from results: its name, and what it makes of bytes.
type Mistake = (&'static str, fn(&[u8]) -> u16);

/// Has all checksums computed. If some are wrong, and all are what a mistake makes of the bytes,
/// then that is the diagnosis.
fn compare_checksums(
    bench: &mut Bench,
    inputs: &[Vec<u8>],
    mistakes: &[Mistake],
) -> Result<(), Finding> {
    let mut said = Vec::new();
    for bytes in inputs {
        said.push(one_line(bench, &["checksum", &hex(bytes)])?);
    }
    let digits = |number: u16| format!("{number:04x}");
    let wrong = inputs.iter().zip(&said).find(|(b, s)| **s != digits(icmp::checksum(b)));
    let Some((bytes, wrong)) = wrong else { return Ok(()) };
    let finding = Finding::new("a checksum is wrong")
        .saw(format!("`{wrong}` for {}", shown(bytes)))
        .wanted(format!("`{}`", digits(icmp::checksum(bytes))));
    let is = |(_, makes): &&Mistake| {
        inputs.iter().zip(&said).all(|(bytes, said)| *said == digits(makes(bytes)))
    };
    Err(match mistakes.iter().find(is) {
        Some((name, _)) => finding.diagnosis(name),
        None => finding,
    })
}

// Part 2: the request.

fn request(bench: &mut Bench) -> Result<(), Finding> {
    let mut echoes = vec![Echo { id: 0x1234, sequence: 1, data: b"hi".to_vec() }];
    for pairs in [0, 1, 5] {
        echoes.push(some_echo(bench, pairs));
    }
    let mut said = Vec::new();
    for Echo { id, sequence, data } in &echoes {
        let (id, sequence) = (id.to_string(), sequence.to_string());
        said.push(one_line(bench, &["request", &id, &sequence, &hex(data)])?);
    }
    let right = |echo: &Echo| hex(&echo.message(REQUEST, 0));
    let wrong = echoes.iter().zip(&said).find(|(echo, said)| **said != right(echo));
    let Some((echo, wrong)) = wrong else { return Ok(()) };
    let finding = Finding::new("the bytes of a request are wrong")
        .saw(format!("`{wrong}`"))
        .wanted(format!("`{}`", right(echo)));
    let (sequence, id) = (echo.sequence.swap_bytes(), echo.id.swap_bytes());
    let turned = Echo { id, sequence, data: echo.data.clone() };
    let mut without_sum = echo.message(REQUEST, 0);
    without_sum[2..4].fill(0);
    Err(if *wrong == right(&turned) {
        finding.diagnosis("small-byte-first")
    } else if *wrong == hex(&without_sum) {
        finding.diagnosis("no-checksum")
    } else {
        finding
    })
}

// Part 3: taking packets apart.

/// An IP header without options has so many units of four bytes.
const PLAIN: usize = 5;

fn parse(bench: &mut Bench) -> Result<(), Finding> {
    for pairs in [1, 0, 6] {
        let echo = some_echo(bench, pairs);
        let packet = ip_packet(bench, PLAIN, &echo.reply());
        let said = one_line(bench, &["parse", &hex(&packet)])?;
        if said != as_reply(&echo) {
            return Err(Finding::new("an answer is not taken apart as it should be")
                .saw(format!("`{said}`"))
                .wanted(format!("`{}`", as_reply(&echo))));
        }
    }
    Ok(())
}

fn ip_options(bench: &mut Bench) -> Result<(), Finding> {
    for units in [6, bench.random.usize(7..15), 15] {
        let echo = some_echo(bench, 3);
        let packet = ip_packet(bench, units, &echo.reply());
        let said = one_line(bench, &["parse", &hex(&packet)])?;
        if said != as_reply(&echo) {
            let finding = Finding::new(format!(
                "an answer behind an IP header of {} bytes is not found",
                units * 4
            ))
            .saw(format!("`{said}`"))
            .wanted(format!("`{}`", as_reply(&echo)));
            let not_found = said == NO_REPLY;
            return Err(if not_found {
                finding.diagnosis("fixed-header")
            } else {
                finding
            });
        }
    }
    Ok(())
}

fn too_short(bench: &mut Bench) -> Result<(), Finding> {
    let reply = some_echo(bench, 2).reply();
    let whole = ip_packet(bench, PLAIN, &reply);
    // The sums of the first two are right: only that they are too short is wrong.
    let mut packets = vec![
        ip_packet(bench, PLAIN, &[0, 0, 0xff, 0xff]),
        ip_packet(bench, PLAIN, &[0, 0, 0xed, 0xcb, 0x12, 0x34, 0]),
        ip_packet(bench, PLAIN, &[]),
        vec![],
    ];
    packets.push(whole[..bench.random.usize(1..20)].to_vec());
    let options = ip_packet(bench, 15, &reply);
    packets.push(options[..bench.random.usize(20..60)].to_vec());
    // A header of 16 bytes cannot be: it has no room for the addresses.
    let reply = Echo { id: 0x1234, ..some_echo(bench, 2) }.reply();
    let mut small = ip_packet(bench, PLAIN, &[])[..16].to_vec();
    small[0] = 0x44;
    packets.push([small, reply].concat());
    for packet in &packets {
        expect_no_reply(bench, packet, "cut off or impossible", |said, status| {
            (said != NO_REPLY && status == Some(101)).then_some("not-there")
        })?;
    }
    Ok(())
}

fn other_types(bench: &mut Bench) -> Result<(), Finding> {
    let echo = some_echo(bench, 4);
    let code = bench.random.u8(1..16);
    for (kind, code) in [(REQUEST, 0), (3, 1), (11, 0), (13, 0), (REPLY, code)] {
        let packet = ip_packet(bench, PLAIN, &echo.message(kind, code));
        let what = format!("of type {kind}, code {code}");
        let is_own_request = |said: &str, _| {
            (kind == REQUEST && said == as_reply(&echo)).then_some("own-request")
        };
        expect_no_reply(bench, &packet, &what, is_own_request)?;
    }
    Ok(())
}

fn damaged(bench: &mut Bench) -> Result<(), Finding> {
    let echo = some_echo(bench, 4);
    for place in [2, 3, bench.random.usize(4..8), bench.random.usize(8..16)] {
        let mut message = echo.reply();
        message[place] ^= 1 << bench.random.u8(..8);
        let packet = ip_packet(bench, PLAIN, &message);
        expect_no_reply(bench, &packet, "with a wrong checksum", |said, _| {
            said.starts_with("reply ").then_some("checksum-not-checked")
        })?;
    }
    Ok(())
}

/// What `parse` says of everything that is no intact answer.
const NO_REPLY: &str = "no reply";

/// What `parse` says of this answer.
fn as_reply(Echo { id, sequence, data }: &Echo) -> String {
    format!("reply id={id} sequence={sequence} data={}", hex(data))
}

fn expect_no_reply(
    bench: &mut Bench,
    packet: &[u8],
    what: &str,
    diagnosis: impl Fn(&str, Option<i32>) -> Option<&'static str>,
) -> Result<(), Finding> {
    let (printed, status) = bench.run(&["parse", &hex(packet)])?;
    let said = printed.join("\n");
    if said == NO_REPLY && status.success() {
        return Ok(());
    }
    let mut finding =
        Finding::new(format!("a message {what} is taken for something else"))
            .wanted(format!("`{NO_REPLY}`, and status 0"));
    finding = match status.success() {
        true => finding.saw(format!("`{said}`")),
        false => finding.saw(format!("it ended with {}", ended(status))),
    };
    Err(match diagnosis(&said, status.code()) {
        Some(name) => finding.diagnosis(name),
        None => finding,
    })
}

/// A packet as a raw socket delivers it, with an IP header of so many units of four bytes.
fn ip_packet(bench: &mut Bench, units: usize, message: &[u8]) -> Vec<u8> {
    const DO_NOTHING: u8 = 1; // An option of one byte.
    let length = (units * 4 + message.len()) as u16;
    let mut header = vec![0x40 | units as u8, 0];
    header.extend(length.to_be_bytes());
    header.extend(bench.random.u16(..).to_be_bytes());
    header.extend([0, 0, 64, 1, 0, 0]); // No fragment, time to live, ICMP, checksum.
    header.extend([10, 0, 0, bench.random.u8(..), 10, 0, 1, bench.random.u8(..)]);
    header.resize(units * 4, DO_NOTHING);
    let sum = icmp::checksum(&header).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    [header, message.to_vec()].concat()
}

// Part 4: the ping.

fn answers(bench: &mut Bench) -> Result<(), Finding> {
    ping(bench, 3, Fault::None, &[(1, false), (2, false), (3, false)], |said| {
        let each_twice = said.last == Some([3, 3, 0, 3]);
        each_twice.then_some("own-request")
    })
}

fn silence(bench: &mut Bench) -> Result<(), Finding> {
    ping(bench, 2, Fault::Silent, &[], |said| {
        // There is nothing else in this network.
        said.last.is_some_and(|[_, received, ..]| received > 0).then_some("own-request")
    })
}

fn loss(bench: &mut Bench) -> Result<(), Finding> {
    ping(bench, 4, Fault::EveryOther, &[(1, false), (3, false)], |_| None)
}

fn duplicates(bench: &mut Bench) -> Result<(), Finding> {
    let wanted = [(1, false), (1, true), (2, false), (2, true), (2, true)];
    ping(bench, 2, Fault::Twice, &wanted, |said| {
        let counts_all = said.last.is_some_and(|[_, received, ..]| received == 5);
        counts_all.then_some("duplicates-received")
    })
}

fn late(bench: &mut Bench) -> Result<(), Finding> {
    ping(bench, 3, Fault::Late, &[(1, false), (2, false)], |said| {
        (said.last == Some([3, 0, 3, 0])).then_some("only-the-latest")
    })
}

fn wrong_id(bench: &mut Bench) -> Result<(), Finding> {
    ping(bench, 2, Fault::WrongId, &[(1, false)], |said| {
        said.answer_to(2).then_some("id-not-checked")
    })
}

fn other_address(bench: &mut Bench) -> Result<(), Finding> {
    ping(bench, 2, Fault::OtherAddress, &[(1, false)], |said| {
        said.answer_to(2).then_some("address-not-checked")
    })
}

fn never_sent(bench: &mut Bench) -> Result<(), Finding> {
    ping(bench, 2, Fault::NeverSent, &[(1, false)], |said| {
        let believed = [0, 1001, u16::MAX].iter().any(|&number| said.answer_to(number));
        believed.then_some("number-not-checked")
    })
}

fn damaged_answers(bench: &mut Bench) -> Result<(), Finding> {
    ping(bench, 2, Fault::BadChecksum, &[(1, false)], |said| {
        said.answer_to(2).then_some("checksum-not-checked")
    })
}

/// What the README demands of the times.
const INTERVAL: Duration = Duration::from_millis(100);
const LAST_WAIT: Duration = Duration::from_millis(300);

/// On a busy machine an answer can be late through no fault of the program. So a ping that has too
/// few answers is repeated, so often at most,
const TRIES: usize = 8;

/// until the machine was awake all the time in so many of them.
const FAIR_TRIES: usize = 3;

/// What a ping has printed.
struct Said {
    lines: Vec<String>,
    /// The numbers of the last line: sent, received, lost, duplicates.
    last: Option<[i64; 4]>,
}

impl Said {
    fn new(lines: Vec<String>) -> Said {
        let numbers = |line: &String| {
            let (words, numbers): (Vec<&str>, Vec<&str>) =
                line.split(", ").filter_map(|part| part.split_once(' ')).unzip();
            let numbers: Vec<i64> =
                numbers.iter().filter_map(|n| n.parse().ok()).collect();
            let is_last = words == ["sent", "received", "lost", "duplicates"];
            if is_last { numbers.try_into().ok() } else { None }
        };
        let last = lines.last().and_then(numbers);
        Said { lines, last }
    }

    /// How many answers it has counted, duplicates included.
    fn answers(&self) -> Option<usize> {
        let [_, received, _, duplicates] = self.last?;
        usize::try_from(received + duplicates).ok()
    }

    /// Whether an answer with this number was printed.
    fn answer_to(&self, sequence: u16) -> bool {
        self.lines.contains(&answer_line(sequence, false))
    }
}

fn answer_line(sequence: u16, duplicate: bool) -> String {
    let remark = if duplicate { " (duplicate)" } else { "" };
    format!("answer from {ADDRESS}: sequence={sequence}{remark}")
}

/// Lets the program ping a host with a fault. `wanted` are the answers to print: their numbers, and
/// whether they are duplicates.
fn ping(
    bench: &mut Bench,
    count: u16,
    fault: Fault,
    wanted: &[(u16, bool)],
    diagnosis: impl Fn(&Said) -> Option<&'static str>,
) -> Result<(), Finding> {
    let duplicates = wanted.iter().filter(|(_, duplicate)| *duplicate).count();
    let received = wanted.len() - duplicates;
    let lost = usize::from(count) - received;
    let mut lines: Vec<String> = wanted
        .iter()
        .map(|&(number, duplicate)| answer_line(number, duplicate))
        .collect();
    lines.push(format!(
        "sent {count}, received {received}, lost {lost}, duplicates {duplicates}"
    ));
    let status = if received > 0 { 0 } else { 1 };
    let mut fair = 0;
    for _ in 0..TRIES {
        let host = Host::start(fault, &bench.story)?;
        let outcome = run_ping(bench, count);
        let record = host.end()?;
        let (said, ended_with) = outcome?;
        let too_few = said.answers().is_some_and(|answers| answers < wanted.len());
        let verdict = judge_requests(&record.requests, count, ended_with)
            .and_then(|()| judge_ping(said, ended_with, &lines, status, &diagnosis));
        fair += usize::from(!record.stood_still);
        if verdict.is_ok() || !too_few || fair == FAIR_TRIES {
            return verdict;
        }
        bench.story.tell("too few answers: once more, to be sure");
    }
    Err(Finding::ours("this machine is too busy to judge a ping"))
}

fn run_ping(bench: &mut Bench, count: u16) -> Result<(Said, ExitStatus), Finding> {
    let host = ADDRESS.to_string();
    let student = bench.start(&["ping", "-c", &count.to_string(), &host])?;
    let within = INTERVAL * u32::from(count) + LAST_WAIT + bench.patience;
    let status = bench
        .await_end(student, within)
        .map_err(|finding| finding.wanted("its end, 300 ms after the last request"))?;
    Ok((Said::new(bench.printed(student)), status))
}

/// The requests must be as asked, or the host would not have answered them.
fn judge_requests(
    requests: &[Vec<u8>],
    count: u16,
    ended_with: ExitStatus,
) -> Result<(), Finding> {
    let finding = |summary: &str| Finding::new(summary.to_owned());
    let mut ids = Vec::new();
    for (number, bytes) in (1..).zip(requests) {
        let Some(Echo { id, sequence, .. }) = Echo::parse(bytes) else {
            return Err(finding("a request is damaged: a host ignores it")
                .saw(format!("`{}`", hex(bytes)))
                .wanted("at least eight bytes, and a right checksum"));
        };
        if bytes[1] != 0 || sequence != number {
            return Err(finding("a request is not as asked")
                .saw(format!("code {}, sequence {sequence}", bytes[1]))
                .wanted(format!("code 0, sequence {number}")));
        }
        ids.push(id);
    }
    if requests.len() != usize::from(count) {
        return Err(finding("it does not send as many requests as it should")
            .saw(format!(
                "{} requests came to {ADDRESS}, then it ended with {}",
                requests.len(),
                ended(ended_with)
            ))
            .wanted(format!("{count} requests")));
    }
    if ids.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(finding("the identifier changes from request to request")
            .saw(format!("{ids:?}"))
            .wanted("the same one in all requests of a run"));
    }
    Ok(())
}

fn judge_ping(
    said: Said,
    ended_with: ExitStatus,
    lines: &[String],
    status: i32,
    diagnosis: impl Fn(&Said) -> Option<&'static str>,
) -> Result<(), Finding> {
    if said.lines == lines && ended_with.code() == Some(status) {
        return Ok(());
    }
    let mut finding = if said.lines == lines {
        Finding::new("your ping ends with the wrong status")
    } else {
        Finding::new("your ping does not say what has happened")
    };
    // All that it printed stands in the message anyway.
    let same = said.lines.iter().zip(lines).take_while(|(said, wanted)| said == wanted);
    let same = same.count();
    finding = match said.lines.get(same) {
        Some(line) => finding.saw(format!("as line {}: `{line}`", same + 1)),
        None => finding.saw(format!("{same} lines")),
    };
    for line in lines {
        finding = finding.wanted(format!("`{line}`"));
    }
    finding = finding
        .saw(format!("it ended with {}", ended(ended_with)))
        .wanted(format!("status {status}"));
    Err(match diagnosis(&said) {
        Some(name) => finding.diagnosis(name),
        None => finding,
    })
}

// Input and output.

/// Runs the program to its end; it has to print one line.
fn one_line(bench: &mut Bench, arguments: &[&str]) -> Result<String, Finding> {
    let printed = bench.answer(arguments)?;
    match printed.as_slice() {
        [line] => Ok(line.clone()),
        lines => Err(Finding::new("your program does not print one line")
            .saw(format!("{} lines", lines.len()))
            .wanted("one line")),
    }
}

/// By chance; all numbers in it are small, so that a checksum has nothing left over.
fn some_echo(bench: &mut Bench, pairs: usize) -> Echo {
    let (id, sequence) = (bench.random.u16(1..0x1000), bench.random.u16(1..0x1000));
    Echo { id, sequence, data: small_words(bench, pairs) }
}

/// Pairs of bytes by chance, each less than `10 00`.
fn small_words(bench: &mut Bench, pairs: usize) -> Vec<u8> {
    (0..pairs).flat_map(|_| bench.random.u16(..0x1000).to_be_bytes()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes for a message: all, or the first of them and how many there are.
fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    match bytes {
        [] => "no bytes".to_owned(),
        _ if bytes.len() <= SHOWN => format!("`{}`", hex(bytes)),
        _ => format!("`{}`… ({} bytes)", hex(&bytes[..SHOWN]), bytes.len()),
    }
}
