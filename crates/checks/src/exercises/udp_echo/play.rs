//! A client of the task at work, and its server and everybody else, played by the check.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{FAR_TOO_SOON, datagram, described};
use crate::bench::{Bench, Student, ended};
use crate::bytes::{difference, quoted};
use crate::finding::Finding;
use crate::sockets;
use crate::udp::{Datagram, Peer};

/// A running client, and the server that the check plays for it.
pub struct Play<'bench> {
    pub bench: &'bench mut Bench,
    pub student: Student,
    pub server: Peer,
    client: Option<SocketAddr>,
    /// The texts of the messages that have come.
    sent: Vec<Vec<u8>>,
}

impl<'bench> Play<'bench> {
    pub fn start(
        bench: &'bench mut Bench,
        messages: &[&str],
    ) -> Result<Play<'bench>, Finding> {
        let server = bench.datagram_peer("the server")?;
        let address = server.address().to_string();
        let student = bench.start(&[&["client", &address], messages].concat())?;
        Ok(Play { bench, student, server, client: None, sent: Vec::new() })
    }

    pub fn tell(&self, sentence: &str) {
        self.bench.story.tell(sentence);
    }

    /// Whatever comes next, if anything does.
    fn receive(&mut self) -> Option<Datagram> {
        let within = self.bench.patience;
        self.server.receive_from(self.bench, self.student, within)
    }

    /// The next message must be this one. Earlier ones that come again do not count.
    pub fn expect_message(&mut self, id: u32, text: &str) -> Result<Datagram, Finding> {
        let deadline = Instant::now() + self.bench.patience;
        let mut next = self.receive();
        while next.as_ref().is_some_and(|next| self.has_come(next))
            && Instant::now() < deadline
        {
            next = self.receive();
        }
        let Some(next) = next else {
            return Err(self.nothing_came(&format!("message {id}")));
        };
        let wanted = datagram(id, text);
        if next.bytes != wanted {
            let finding =
                Finding { saw: vec![quoted(&next.bytes)], ..Finding::default() };
            let mut finding = finding.wanted(described(id, text));
            finding.summary = format!("message {id} is not as the format demands");
            finding.saw.extend(difference(&wanted, &next.bytes));
            let turned = [&id.to_le_bytes(), text.as_bytes()].concat();
            let one_byte = [&[0, 0, 0], &id.to_be_bytes()[3..], text.as_bytes()].concat();
            return Err(if next.bytes == turned {
                finding.diagnosis("byte-order")
            } else if next.bytes == one_byte {
                finding.diagnosis("one-byte")
            } else {
                finding
            });
        }
        self.expect_same_port(&next)?;
        self.sent.push(text.as_bytes().to_vec());
        Ok(next)
    }

    /// Whether this is a message that has come before. With another identifier it is a mistake, but
    /// one that the check `loss` tells.
    fn has_come(&self, datagram: &Datagram) -> bool {
        datagram
            .bytes
            .get(4..)
            .is_some_and(|text| self.sent.iter().any(|sent| sent == text))
    }

    /// The next datagram must be the same message again.
    pub fn expect_again(&mut self, id: u32, text: &str) -> Result<Datagram, Finding> {
        let Some(next) = self.receive() else {
            let finding = self.nothing_came(&format!("message {id} again"));
            return Err(match self.bench.is_running(self.student) {
                true => finding.diagnosis("waits-on"),
                false => finding,
            });
        };
        if next.bytes != datagram(id, text) {
            let finding =
                Finding::new("your program sends something else, not the same again")
                    .saw(quoted(&next.bytes))
                    .wanted(described(id, text));
            let same_text = next.bytes.get(4..) == Some(text.as_bytes());
            return Err(match same_text {
                true => finding.diagnosis("new-identifier"),
                false => finding,
            });
        }
        self.expect_same_port(&next)?;
        Ok(next)
    }

    /// The message must come again while copies of an old answer keep coming to the client.
    pub fn expect_again_among_copies(
        &mut self,
        id: u32,
        text: &str,
        copy: &[u8],
    ) -> Result<Datagram, Finding> {
        const OFTEN: Duration = Duration::from_millis(10);
        let wanted = datagram(id, text);
        let deadline = Instant::now() + self.bench.patience;
        while Instant::now() < deadline && self.bench.is_running(self.student) {
            if let Some(client) = self.client {
                self.server.send_untold(client, copy)?;
            }
            match self.server.receive(OFTEN) {
                Some(next) if next.bytes == wanted => return Ok(next),
                _ => {}
            }
        }
        let finding = self.nothing_came(&format!("message {id} again"));
        Err(match self.bench.is_running(self.student) {
            true => finding.diagnosis("starts-over"),
            false => finding,
        })
    }

    /// While its message is not answered, no other one may come.
    pub fn expect_no_other(&mut self) -> Result<(), Finding> {
        // Shorter than any first wait that the task allows.
        let Some(other) = self.server.receive(FAR_TOO_SOON) else { return Ok(()) };
        if self.has_come(&other) {
            return Ok(());
        }
        Err(Finding::new("your program sends on before its message is answered")
            .saw(quoted(&other.bytes))
            .wanted("nothing, until the answer has come or it is time to send again")
            .diagnosis("all-at-once"))
    }

    /// One socket for everything: the server knows its clients by their addresses.
    pub fn expect_same_port(&mut self, datagram: &Datagram) -> Result<(), Finding> {
        let known = *self.client.get_or_insert(datagram.from);
        if known == datagram.from {
            return Ok(());
        }
        Err(Finding::new("your program sends from another port than before")
            .saw(format!("a datagram from {}", datagram.from))
            .wanted(format!("all datagrams from {known}, as the first one"))
            .diagnosis("new-port"))
    }

    pub fn answer(&self, id: u32, text: &str) -> Result<(), Finding> {
        match self.client {
            Some(client) => self.server.send(client, &datagram(id, text)),
            None => Ok(()), // Nobody has asked.
        }
    }

    /// The program must end as if all were well, and must have printed these answers.
    pub fn expect_end(&mut self, answers: &[&str]) -> Result<(), Finding> {
        let deadline = Instant::now() + self.bench.patience;
        let left = || deadline.saturating_duration_since(Instant::now());
        // What still comes now belongs into the story.
        while self.server.receive_from(self.bench, self.student, left()).is_some()
            && !left().is_zero()
        {}
        let Ok(status) = self.bench.await_end(self.student, left()) else {
            return Err(self
                .stuck("your program is still running")
                .waited(self.bench.patience, " for its end")
                .wanted("when the last answer has come, it ends"));
        };
        if !status.success() {
            return Err(Finding::new(format!(
                "your program ended with {}",
                ended(status)
            ))
            .wanted("status 0: all messages were answered"));
        }
        let printed = self.bench.printed(self.student);
        if printed == answers {
            return Ok(());
        }
        Err(printed_something_else(&printed).wanted(lines_in_words(answers)))
    }

    /// The program must have given up in words, behind these answers.
    pub fn expect_failure(&mut self, answers: &[&str]) -> Result<(), Finding> {
        expect_failure(self.bench, self.student, self.server.address(), answers)
    }

    /// Nothing has come from the program: has it ended, or does it wait?
    fn nothing_came(&mut self, what: &str) -> Finding {
        let patience = self.bench.patience;
        match self.bench.await_end(self.student, Duration::ZERO) {
            Ok(status) => {
                Finding::new(format!("your program ended before it sent {what}"))
                    .saw(format!("it ended with {}", ended(status)))
            }
            Err(_) => self
                .stuck(&format!("your program does not send {what}"))
                .waited(patience, " for it"),
        }
    }

    /// A finding about a program that is running, and does nothing.
    pub fn stuck(&self, summary: &str) -> Finding {
        Finding { sockets: self.sockets(), ..Finding::new(summary) }
    }

    fn sockets(&self) -> Vec<String> {
        sockets::udp_in_words(&[self.server.address()])
    }
}

/// The program has ended: in words, with status 1, and with these answers printed before.
pub fn expect_failure(
    bench: &mut Bench,
    student: Student,
    server: SocketAddr,
    answers: &[&str],
) -> Result<(), Finding> {
    let status = bench.await_end(student, bench.patience)?;
    let printed = bench.printed(student);
    if status.success() {
        let finding = Finding::new("your program ends as if all messages were answered")
            .saw(format!("it ended with {}", ended(status)))
            .wanted(format!("status 1, and a line that names {server}"));
        return Err(match printed == answers {
            true => finding.diagnosis("silent"),
            false => finding,
        });
    }
    if status.code() != Some(1) {
        return Err(Finding::new(format!("your program ended with {}", ended(status)))
            .wanted("status 1"));
    }
    // Which of two streams is seen first is chance, so the order says nothing.
    let address = server.to_string();
    let (complaints, rest): (Vec<String>, Vec<String>) =
        printed.iter().cloned().partition(|line| line.contains(&address));
    if complaints.len() == 1 && rest == answers {
        return Ok(());
    }
    let before = match answers {
        [] => String::new(),
        _ => format!("{}, and ", lines_in_words(answers)),
    };
    Err(printed_something_else(&printed)
        .wanted(format!("{before}one line that names {server}")))
}

fn printed_something_else(printed: &[String]) -> Finding {
    let lines: Vec<&str> = printed.iter().map(String::as_str).collect();
    let mut finding = Finding::new("your program prints something else than is asked")
        .saw(lines_in_words(&lines));
    finding.received = printed.join("\n").into_bytes();
    finding
}

/// How many lines, and each of them quoted.
fn lines_in_words(lines: &[&str]) -> String {
    let in_words: Vec<String> = lines
        .iter()
        .map(|line| match line.is_empty() {
            true => "an empty line".to_owned(),
            false => quoted(line.as_bytes()),
        })
        .collect();
    match in_words.as_slice() {
        [] => "nothing".to_owned(),
        [line] => format!("1 line: {line}"),
        _ => format!("{} lines: {}", lines.len(), in_words.join(", ")),
    }
}
