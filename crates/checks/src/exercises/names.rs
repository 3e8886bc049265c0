//! From names to addresses: four numbers read strictly, services, and the addresses to try.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bench::{Bench, ended};
use crate::bytes::quoted;
use crate::exercise::Check;
use crate::finding::Finding;

/// The checks, in the order in which they are told.
pub const CHECKS: &[Check] = &[
    Check { id: "quad", needs: &[], run: quad },
    Check { id: "four-numbers", needs: &["quad"], run: four_numbers },
    Check { id: "up-to-255", needs: &["quad"], run: up_to_255 },
    Check { id: "no-zero-in-front", needs: &["quad"], run: no_zero_in_front },
    Check { id: "only-digits", needs: &["quad"], run: only_digits },
    Check { id: "numeric", needs: &[], run: numeric },
    Check { id: "no-file", needs: &["numeric"], run: no_file },
    Check { id: "service", needs: &["numeric"], run: service },
    Check { id: "whole-name", needs: &["service"], run: whole_name },
    Check { id: "only-tcp", needs: &["service"], run: only_tcp },
    Check { id: "other-names", needs: &["service"], run: other_names },
    Check { id: "no-service", needs: &["service"], run: no_service },
    Check { id: "set", needs: &["numeric"], run: set },
    Check { id: "name", needs: &["numeric"], run: name },
    Check {
        id: "no-name",
        needs: &["four-numbers", "no-zero-in-front", "numeric"],
        run: no_name,
    },
    Check { id: "not-found", needs: &["numeric"], run: not_found },
];

// Part one: four numbers.

/// What `quad` says of everything else.
const NO_ADDRESS: &str = "not an address";

/// A text, and what `quad` said of it.
type Answer = (String, String);

fn quad(bench: &mut Bench) -> Result<(), Finding> {
    let mut texts: Vec<String> =
        ["0.0.0.0", "127.0.0.1", "255.255.255.255"].map(str::to_owned).to_vec();
    texts.extend((0..5).map(|_| some_quad(bench)));
    bench.random.shuffle(&mut texts);
    let answers = quads(bench, &texts)?;
    let wrong: Vec<&Answer> =
        answers.iter().filter(|(text, said)| said != text).collect();
    let Some((text, _)) = wrong.first() else { return Ok(()) };
    let finding = told(&wrong).wanted(format!("`{text}`: it is an address"));
    let turned = |(text, said): &Answer| {
        let bytes = text.parse::<Ipv4Addr>().map(|address| address.octets());
        bytes.is_ok_and(|[a, b, c, d]| *said == format!("{d}.{c}.{b}.{a}"))
    };
    let all_turned = answers.iter().all(turned);
    Err(if all_turned { finding.diagnosis("byte-order") } else { finding })
}

fn four_numbers(bench: &mut Bench) -> Result<(), Finding> {
    const TEXTS: [&str; 10] = [
        "127.1",
        "127.0.1",
        "2130706433",
        "",
        ".",
        "192.0.2.1.5",
        "192.0.2.1.",
        ".192.0.2.1",
        "192..2.1",
        "...",
    ];
    refuses(bench, &TEXTS, |taken| {
        let filled =
            taken.iter().any(|(text, said)| text == "127.1" && said == "127.0.0.1");
        filled.then_some("fills-up")
    })
}

fn up_to_255(bench: &mut Bench) -> Result<(), Finding> {
    const TEXTS: [&str; 6] = [
        "256.0.2.1",
        "192.0.2.256",
        "192.300.2.1",
        "192.0.999.1",
        "1000.0.2.1",
        "192.0.2.99999999999999999999",
    ];
    refuses(bench, &TEXTS, |taken| {
        let cut = taken
            .iter()
            .any(|(text, said)| text == "192.300.2.1" && said == "192.44.2.1");
        cut.then_some("wraps")
    })
}

fn no_zero_in_front(bench: &mut Bench) -> Result<(), Finding> {
    const TEXTS: [&str; 5] =
        ["010.0.2.1", "192.0.2.01", "192.00.2.1", "192.0.002.1", "192.0.2.0001"];
    refuses(bench, &TEXTS, |taken| {
        match taken.iter().find(|(text, _)| text == "010.0.2.1")?.1.as_str() {
            "8.0.2.1" => Some("octal"),
            "10.0.2.1" => Some("zero-in-front"),
            _ => None,
        }
    })
}

fn only_digits(bench: &mut Bench) -> Result<(), Finding> {
    const TEXTS: [&str; 16] = [
        "+1.0.2.1",
        "192.0.2.+1",
        "192.-0.2.1",
        " 192.0.2.1",
        "192.0.2.1 ",
        "192. 0.2.1",
        "192.0.2.1\t",
        "192.0.2.1\n",
        "0x7f.0.0.1",
        "1_0.0.2.1",
        "192,0,2,1",
        "192.0.2.1:80",
        "localhost",
        "::1",
        "\u{661}.0.2.1", // the digit one of the Arabic script
        "192.0.2.1\u{661}",
    ];
    refuses(bench, &TEXTS, |taken| {
        let all = |of: fn(char) -> bool| taken.iter().all(|(text, _)| text.contains(of));
        match () {
            () if all(|c| c == '+') => Some("sign"),
            // A newline alone is what the end of a line in a pattern lets through.
            () if all(char::is_whitespace) && all(|c| c == '\n') => None,
            () if all(char::is_whitespace) => Some("trims"),
            () => None,
        }
    })
}

/// None of these texts is an address. If some are taken for one, `diagnose` may know why.
fn refuses(
    bench: &mut Bench,
    texts: &[&str],
    diagnose: fn(&[&Answer]) -> Option<&'static str>,
) -> Result<(), Finding> {
    let mut texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
    bench.random.shuffle(&mut texts);
    let answers = quads(bench, &texts)?;
    let taken: Vec<&Answer> =
        answers.iter().filter(|(_, said)| said != NO_ADDRESS).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let mut finding = told(&taken).wanted(format!("`{NO_ADDRESS}`"));
    finding.diagnosis = diagnose(&taken).map(str::to_owned);
    Err(finding)
}

/// What the program says of each of the texts.
fn quads(bench: &mut Bench, texts: &[String]) -> Result<Vec<Answer>, Finding> {
    let mut arguments = vec!["quad"];
    arguments.extend(texts.iter().map(String::as_str));
    let printed = bench.answer(&arguments)?;
    if printed.len() != texts.len() {
        return Err(Finding::new("there has to be one line for each text")
            .saw(format!("{} lines", printed.len()))
            .wanted(format!("{} lines", texts.len())));
    }
    Ok(texts.iter().cloned().zip(printed).collect())
}

/// The wrong answers as evidence.
fn told(wrong: &[&Answer]) -> Finding {
    let finding = Finding::new("a text is taken for something else than it is");
    wrong.iter().take(8).fold(finding, |finding, (text, said)| {
        let text =
            if text.is_empty() { "the empty text".to_owned() } else { shown(text) };
        finding.saw(format!("{text} gives {}", shown(said)))
    })
}

/// A text between backticks, with nothing in it that the terminal would obey.
fn shown(text: &str) -> String {
    quoted(text.as_bytes())
}

// Part two: the port.

fn numeric(bench: &mut Bench) -> Result<(), Finding> {
    let v4 = some_host(bench);
    let port = bench.random.u16(1..=u16::MAX);
    resolves(bench, &[&port.to_string(), &v4], &[&format!("{v4}:{port}")])?;

    let v6 = format!("2001:db8::{:x}", bench.random.u16(1..=u16::MAX));
    let port = bench.random.u16(1..=u16::MAX);
    let bare = format!("{v6}:{port}");
    let result = resolves(bench, &[&port.to_string(), &v6], &[&format!("[{v6}]:{port}")]);
    result.map_err(|finding| {
        let is_bare = finding.saw.iter().any(|line| *line == shown(&bare));
        if is_bare { finding.diagnosis("no-brackets") } else { finding }
    })
}

fn no_file(bench: &mut Bench) -> Result<(), Finding> {
    let (host, port) = (some_host(bench), some_port(bench));
    let arguments = ["--services", "no-such-file", &port.to_string(), &host];
    resolves(bench, &arguments, &[&format!("{host}:{port}")])
}

fn service(bench: &mut Bench) -> Result<(), Finding> {
    let [shop, bank, mail] = [(); 3].map(|()| some_port(bench));
    let list = format!(
        "# services for this check\n\nshop\t\t{shop}/tcp\nbank     {bank}/tcp\nmail\t{mail}/tcp"
    );
    for (name, port) in [("shop", shop), ("bank", bank), ("mail", mail)] {
        finds(bench, &list, name, port)?;
    }
    Ok(())
}

fn whole_name(bench: &mut Bench) -> Result<(), Finding> {
    let [alt, old, bank] = three_ports(bench);
    let list = format!("bank-alt {alt}/tcp\noldbank {old}/tcp\nbank {bank}/tcp\n");
    finds(bench, &list, "bank", bank).map_err(|finding| {
        let other = finding.saw.iter().any(|line| line.ends_with(&format!(":{alt}`")));
        if other { finding.diagnosis("part-of-name") } else { finding }
    })
}

fn only_tcp(bench: &mut Bench) -> Result<(), Finding> {
    let [udp, sctp, tcp] = three_ports(bench);
    let list = format!(
        "bank {udp}/udp\nbank {sctp}/sctp\nbank {tcp}/tcp\nbank {udp}/udp\nbank {sctp}/tcp\n"
    );
    finds(bench, &list, "bank", tcp).map_err(|finding| {
        let other = finding.saw.iter().any(|line| line.ends_with(&format!(":{udp}`")));
        if other { finding.diagnosis("udp-port") } else { finding }
    })
}

fn other_names(bench: &mut Bench) -> Result<(), Finding> {
    let [old, shop, money] = three_ports(bench);
    let list = format!(
        "#bank {old}/tcp bank\nshop {shop}/tcp # bank\nmoney\t{money}/tcp cash bank# bank\n"
    );
    finds(bench, &list, "cash", money)?;
    finds(bench, &list, "bank", money).map_err(|finding| {
        let remark = finding.saw.iter().any(|line| {
            [old, shop].iter().any(|port| line.ends_with(&format!(":{port}`")))
        });
        if remark { finding.diagnosis("remark") } else { finding }
    })
}

fn no_service(bench: &mut Bench) -> Result<(), Finding> {
    let port = some_port(bench);
    let file = write("services", &format!("bank {port}/tcp\n"))?;
    let host = some_host(bench);
    // The largest that there is, and one that is too large.
    resolves(bench, &["65535", &host], &[&format!("{host}:65535")])?;
    let large = bench.random.u32(65536..100_000).to_string();
    for service in ["nosuch", &large] {
        refused(bench, &["--services", &file, service, &host]).map_err(|finding| {
            let zero = finding.saw.contains(&shown(&format!("{host}:0")));
            if zero { finding.diagnosis("port-zero") } else { finding }
        })?;
    }
    Ok(())
}

/// The program has to find this port behind this name.
fn finds(bench: &mut Bench, list: &str, name: &str, port: u16) -> Result<(), Finding> {
    let file = write("services", list)?;
    bench.story.tell(format!("the file of services is {}", shown(list)));
    let host = some_host(bench);
    resolves(bench, &["--services", &file, name, &host], &[&format!("{host}:{port}")])
}

// Part three: the addresses.

fn set(bench: &mut Bench) -> Result<(), Finding> {
    let (low, high) = (bench.random.u8(2..10), bench.random.u8(10..20));
    // As texts, the first three would be in another order, and so would the last two.
    let sorted = [
        format!("192.0.2.{low}"),
        format!("192.0.2.{high}"),
        format!("192.0.2.{}", 100 + high),
        format!("2001:db8::{low}"),
        format!("2001:db8::{high}"),
    ];
    // IPv6 comes first: so the list is in neither of the two orders.
    let (v4, v6) = sorted.split_at(3);
    let (mut v4, mut v6) = (v4.to_vec(), v6.to_vec());
    bench.random.shuffle(&mut v4);
    bench.random.shuffle(&mut v6);
    let mut hosts = [v6, v4].concat();
    // Each comes once more, and never right behind itself; one of them looks different then.
    hosts.extend(hosts.clone());
    hosts.push(format!("2001:db8:0:0:0:0:0:{low}"));
    let port = some_port(bench);
    let wanted: Vec<String> = sorted
        .iter()
        .filter_map(|host| host.parse().ok())
        .map(|host: IpAddr| SocketAddr::new(host, port).to_string())
        .collect();

    let service = port.to_string();
    let mut arguments = vec![service.as_str()];
    arguments.extend(hosts.iter().map(String::as_str));
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let Err(finding) = resolves(bench, &arguments, &wanted) else { return Ok(()) };
    let saw: Vec<&str> = finding.saw.iter().map(|line| line.trim_matches('`')).collect();
    let mut as_texts = wanted.clone();
    as_texts.sort_unstable();
    let members: BTreeSet<&str> = saw.iter().copied().collect();
    let complete = members == wanted.iter().copied().collect();
    let diagnosis = match () {
        () if saw == as_texts => Some("sorted-as-text"),
        () if complete && saw.len() > wanted.len() => Some("twice"),
        () => None,
    };
    Err(Finding { diagnosis: diagnosis.map(str::to_owned), ..finding })
}

/// Starts a program with another file in the place of /etc/hosts, as lesson 02 does. Nobody else
/// sees that file.
const WITH_HOSTS: [&str; 6] =
    ["unshare", "-rm", "sh", "-c", "mount --bind hosts /etc/hosts && exec \"$@\"", "sh"];

fn name(bench: &mut Bench) -> Result<(), Finding> {
    let number = bench.random.u8(1..10);
    let letters: String = (0..8).map(|_| bench.random.lowercase()).collect();
    let name = format!("{letters}.test");
    let (v4, v6) = (format!("192.0.2.{number}"), format!("2001:db8::{number}"));
    let hosts = format!("127.0.0.1 localhost\n{v6} {name}\n{v4} {name}\n");
    write("hosts", &hosts)?;
    if !system_finds(&name, &[&v4, &v6]) {
        return Err(Finding::cannot_judge(
            "this machine does not let one command have its own /etc/hosts (`unshare -rm`)",
        ));
    }
    bench.story.tell(format!("put {} in the place of /etc/hosts", shown(&hosts)));
    let port = some_port(bench);
    let student =
        bench.start_through(&WITH_HOSTS, &["resolve", &port.to_string(), &name])?;
    let status = bench.await_end(student, bench.patience)?;
    let printed = bench.printed(student);
    // Their order is the matter of another check.
    let wanted = [format!("{v4}:{port}"), format!("[{v6}]:{port}")];
    let all =
        printed.len() == wanted.len() && wanted.iter().all(|line| printed.contains(line));
    if status.success() && all {
        return Ok(());
    }
    let finding =
        list_finding(&printed, &wanted).saw(format!("the end: {}", ended(status)));
    let one = printed.len() == 1 && wanted.contains(&printed[0]);
    Err(if one { finding.diagnosis("one-address") } else { finding })
}

/// Whether the system itself finds just these addresses in our file.
fn system_finds(name: &str, wanted: &[&str]) -> bool {
    let asked = Command::new(WITH_HOSTS[0])
        .args(&WITH_HOSTS[1..])
        .args(["getent", "ahosts", name])
        .stdin(Stdio::null())
        .output();
    let Ok(output) = asked else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let found: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    found == wanted.iter().copied().collect()
}

fn no_name(bench: &mut Bench) -> Result<(), Finding> {
    let host = some_host(bench);
    for text in ["010.0.0.1", "127.1", "2130706433", "0x7f.0.0.1"] {
        refused(bench, &["8080", &host, text]).map_err(|finding| {
            let read = ["`8.0.0.1:8080`", "`127.0.0.1:8080`"];
            let read = finding.saw.iter().any(|line| read.contains(&line.as_str()));
            if read { finding.diagnosis("asks-the-system") } else { finding }
        })?;
    }
    Ok(())
}

fn not_found(bench: &mut Bench) -> Result<(), Finding> {
    // Where there is a network, the system may wait for a name server that does not answer.
    bench.patience = bench.patience.max(Duration::from_secs(30));
    let host = some_host(bench);
    refused(bench, &["8080", &host, "nosuch.invalid"]).map_err(|finding| {
        let others =
            ["it ended with status 0".to_owned(), shown(&format!("{host}:8080"))];
        if finding.saw == others {
            return finding.diagnosis("left-out");
        }
        let panicked = finding.saw.iter().any(|line| line.contains("a panic"));
        if panicked { finding.diagnosis("panics") } else { finding }
    })
}

// Both.

/// `resolve` with these arguments has to print just these lines.
fn resolves(
    bench: &mut Bench,
    arguments: &[&str],
    wanted: &[&str],
) -> Result<(), Finding> {
    let printed = bench.answer(&[&["resolve"], arguments].concat())?;
    if printed == wanted {
        return Ok(());
    }
    let wanted: Vec<String> = wanted.iter().map(|&line| line.to_owned()).collect();
    Err(list_finding(&printed, &wanted))
}

fn list_finding(printed: &[String], wanted: &[String]) -> Finding {
    let mut finding = Finding::new("these are not the addresses to try");
    finding.saw = printed.iter().take(16).map(|line| shown(line)).collect();
    finding.wanted = wanted.iter().map(|line| shown(line)).collect();
    if finding.saw.is_empty() {
        finding.saw.push("nothing".to_owned());
    }
    finding
}

/// `resolve` with these arguments has to end with status 1, and to print no address.
fn refused(bench: &mut Bench, arguments: &[&str]) -> Result<(), Finding> {
    let (printed, status) = bench.run(&[&["resolve"], arguments].concat())?;
    let is_address = |line: &&String| line.parse::<SocketAddr>().is_ok();
    let addresses: Vec<&String> = printed.iter().filter(is_address).collect();
    if status.code() == Some(1) && addresses.is_empty() {
        return Ok(());
    }
    let mut finding = Finding::new("this has to be an error")
        .saw(format!("it ended with {}", ended(status)))
        .wanted("status 1, and no address");
    finding.saw.extend(addresses.iter().take(8).map(|line| shown(line)));
    Err(finding)
}

/// Writes a file into the folder in which the program runs, and returns its name.
fn write(name: &str, text: &str) -> Result<String, Finding> {
    match fs::write(name, text) {
        Ok(()) => Ok(name.to_owned()),
        Err(error) => {
            Err(Finding::cannot_judge(format!("the check cannot write a file: {error}")))
        }
    }
}

/// Four numbers by chance, which are not the same when they are turned round.
fn some_quad(bench: &mut Bench) -> String {
    let [a, b, c] = [(); 3].map(|()| bench.random.u8(..));
    format!("{a}.{b}.{c}.{}", a.wrapping_add(1))
}

/// An address that belongs to nobody.
fn some_host(bench: &mut Bench) -> String {
    format!("192.0.2.{}", bench.random.u8(..))
}

fn some_port(bench: &mut Bench) -> u16 {
    bench.random.u16(1024..=u16::MAX)
}

/// Three ports that differ, as the ends of their texts do.
fn three_ports(bench: &mut Bench) -> [u16; 3] {
    let first = bench.random.u16(10_000..20_000);
    [first, first + 10_001, first + 20_002]
}
