//! A server that gives no answer: what was it waiting for?

use std::time::Instant;

use super::{A_MOMENT, Client, Stream, StreamEnd};
use crate::bytes::quoted;
use crate::finding::{Finding, Manner};
use crate::processes;

impl<S: Stream> Client<S> {
    /// Explains why no answer has come, if a newline or the end of the stream brings it. What should
    /// have come is `wanted`.
    pub fn explain_silence(&mut self, finding: Finding, wanted: &[u8]) -> Finding {
        let is_silent = finding.manner == Manner::Late && finding.received.is_empty();
        // A program that is not asleep may be slow, or waiting for its turn on a busy machine.
        if !is_silent || !processes::all_sleep() {
            return finding;
        }
        // Whatever a second byte brings was not held back until a newline came.
        for (what, bytes, diagnosis) in [
            ("another byte", "x", None),
            ("a newline", "\n", Some("waits-for-newline")),
            ("the end of the stream", "", Some("waits-for-end")),
        ] {
            if bytes.is_empty() {
                self.half_close();
            } else if self.send(bytes.as_bytes()).is_err() {
                return finding;
            }
            let got = self.read_soon(wanted.len());
            if !got.is_empty() {
                let finding = finding.saw(format!("{}, after {what}", quoted(&got)));
                return match diagnosis {
                    Some(diagnosis) if got == wanted => finding.diagnosis(diagnosis),
                    _ => finding,
                };
            }
        }
        finding.saw(
            "nothing after another byte, a newline, and the end of the stream either",
        )
    }

    /// Reads up to `limit` bytes that come at once. Returns when the program has gone to sleep again.
    pub fn read_soon(&mut self, limit: usize) -> Vec<u8> {
        let deadline = Instant::now() + self.patience;
        self.limit_reads(A_MOMENT);
        let mut was_asleep = false;
        let got = loop {
            // What it had written before it went to sleep is there for this read.
            let (got, end) = self.read(limit);
            let is_over = !got.is_empty() || end != Some(StreamEnd::Silent);
            if is_over || was_asleep || Instant::now() > deadline {
                break got;
            }
            was_asleep = processes::all_sleep();
        };
        self.limit_reads(self.patience);
        got
    }
}
