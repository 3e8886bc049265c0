//! A client that does not read: sooner or later its server can send no more, and has to wait.

use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::{A_MOMENT, Client, StreamEnd};
use crate::finding::Finding;
use crate::{processes, sockets};

/// So many bytes a server may keep for a client that does not read: what the exercise says.
const MOST_KEPT: usize = 32 << 20;

/// So many bytes are sent at a time.
const BLOCK: usize = 8 * 1024;

/// So long it goes on after a standstill: a server that takes byte by byte needs more for all of it.
const GOES_ON: Duration = Duration::from_secs(2);

/// So many bytes are read at a time.
const PIECE: usize = 64 * 1024;

/// So long is each queue of a client whose answers shall pile up.
const OWN_QUEUE: usize = 512 * 1024;

/// What sends while its client does something else.
struct Sender {
    /// How many bytes the system has taken so far.
    sent: Arc<AtomicUsize>,
    /// Whether it shall end, although there is more to send.
    enough: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<()>>,
}

impl Client {
    /// Sends one byte again and again, up to `much` of them, and begins to read only when some are on
    /// their way, and the rest has to wait. It sends as many as the server takes in time. For each, a
    /// `wanted` must come back, and the server must not keep more than `MOST_KEPT`.
    ///
    /// # Errors
    /// What comes back is something else, not all of it comes, or the server keeps too much.
    pub fn send_much_read_later(
        &mut self,
        much: usize,
        byte: u8,
        wanted: u8,
    ) -> Result<(), Finding> {
        self.story.tell(format!(
            "{} sends up to {much} bytes, and reads nothing until your server reads no more",
            self.name,
        ));
        // Full queues show what there is to see; long ones only take long.
        let socket = SockRef::from(&self.stream);
        let _ = socket.set_recv_buffer_size(OWN_QUEUE);
        let _ = socket.set_send_buffer_size(OWN_QUEUE);
        let sender = self.start_to_send(much, byte)?;
        let kept = self.await_standstill(&sender.sent, much);
        self.story.tell(format!("{} reads, and goes on to send", self.name));
        let (right, other, end) = self.read_what_belongs_to(&sender, wanted);
        // What comes back, or does not, tells more than why the sender could not go on.
        let sent = sender.sent.load(Ordering::SeqCst).max(right);
        self.story.tell(format!("{} has sent {sent} bytes", self.name));
        let all_came = right == sent && other.is_empty();
        let result = match kept {
            // What does not come back was thrown away, and not kept.
            Err(finding) if all_came || end == Some(StreamEnd::TooSlow) => Err(finding),
            _ if all_came => Ok(()),
            _ => {
                let got = [vec![wanted; right], other].concat();
                self.compare(&vec![wanted; sent], &got, end)
            }
        };
        let _ = self.stream.shutdown(Shutdown::Both);
        match sender.thread.join() {
            Ok(Err(error)) if result.is_ok() => {
                Err(self.finding(format!("{} cannot send: {error}", self.name)))
            }
            _ => result,
        }
    }

    /// Sends one byte again and again in a thread, so that the client can do something else meanwhile.
    fn start_to_send(&self, much: usize, byte: u8) -> Result<Sender, Finding> {
        let mut writer = self
            .stream
            .try_clone()
            .map_err(|error| self.finding(format!("{}: {error}", self.name)))?;
        let _ = writer.set_write_timeout(Some(self.patience * 5));
        let (sent, enough) = <(Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let (counter, ends) = (Arc::clone(&sent), Arc::clone(&enough));
        let thread = thread::spawn(move || {
            for _ in 0..much / BLOCK {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                writer.write_all(&[byte; BLOCK])?;
                counter.fetch_add(BLOCK, Ordering::SeqCst);
            }
            writer.shutdown(Shutdown::Write)
        });
        Ok(Sender { sent, enough, thread })
    }

    /// Reads the answer to all that is sent, now and for a while. Returns how many bytes were as
    /// wanted, and what has come instead of the next ones.
    fn read_what_belongs_to(
        &mut self,
        sender: &Sender,
        wanted: u8,
    ) -> (usize, Vec<u8>, Option<StreamEnd>) {
        let start = Instant::now();
        let right_piece = [wanted; PIECE];
        let mut right = 0;
        loop {
            sender.enough.fetch_or(start.elapsed() > GOES_ON, Ordering::SeqCst);
            let all_is_sent = sender.thread.is_finished();
            let to_come = sender.sent.load(Ordering::SeqCst).saturating_sub(right);
            if to_come == 0 && all_is_sent {
                return (right, Vec::new(), None);
            }
            if to_come == 0 {
                thread::sleep(Duration::from_millis(1)); // why: the sender is at its next block
                continue;
            }
            let (piece, end) = self.read(to_come.min(PIECE));
            if piece != right_piece[..piece.len()] {
                return (right, piece, end);
            }
            right += piece.len();
            if end.is_some() {
                return (right, Vec::new(), end);
            }
            if start.elapsed() > self.patience * 5 {
                return (right, Vec::new(), Some(StreamEnd::TooSlow));
            }
        }
    }

    /// Waits until nothing moves any more: the server cannot send, and reads no more, or has read
    /// `all`. Or until it has closed the connection.
    ///
    /// # Errors
    /// It keeps too much.
    fn await_standstill(&self, sent: &AtomicUsize, all: usize) -> Result<(), Finding> {
        const LONG_ENOUGH: Duration = Duration::from_millis(500);
        let deadline = Instant::now() + self.patience * 5;
        let (mut before, mut since) = (None, Instant::now());
        while Instant::now() < deadline {
            let sent = sent.load(Ordering::SeqCst);
            let Some(queues) = self.queues() else { return Ok(()) };
            let on_the_way: usize = queues.iter().map(|&bytes| bytes as usize).sum();
            if sent.saturating_sub(on_the_way) > MOST_KEPT {
                return Err(self.keeps_too_much());
            }
            let [_, to_read, to_send, _] = queues;
            let moves = to_send == 0 || (to_read == 0 && sent < all);
            if before != Some(queues) || moves {
                (before, since) = (Some(queues), Instant::now());
            } else if since.elapsed() > LONG_ENOUGH && processes::all_sleep() {
                break;
            }
            thread::sleep(Duration::from_millis(5)); // why: the system tells nobody about its sockets
        }
        Ok(())
    }

    /// How many bytes wait in the four queues of the connection, in the order in which an echo passes
    /// them. They are looked at in this order: what moves on meanwhile is counted twice, so a server
    /// keeps at least what is in none of them.
    fn queues(&self) -> Option<[u32; 4]> {
        let own = self.address()?;
        let sending = sockets::find(own, self.server)?;
        let its_end = sockets::find(self.server, own)?;
        let receiving = sockets::find(own, self.server)?;
        Some([sending.unsent, its_end.unread, its_end.unsent, receiving.unread])
    }

    fn keeps_too_much(&self) -> Finding {
        let (name, most) = (&self.name, MOST_KEPT >> 20);
        self.finding(format!("your server goes on reading, and {name} takes no answers"))
            .saw(format!("it has read more than {most} MiB that it has not yet written"))
            .wanted(format!(
                "{most} MiB at most: then it reads no more until it can write"
            ))
            .diagnosis("keeps-everything")
    }

    /// Sends and reads nothing, until the server is stuck: nobody takes its answers, so it does not
    /// read any more. Returns what was sent. All of it has arrived: what the server has not read
    /// waits in its socket. A server that never gets stuck is sent 16 MiB. `random` makes the bytes.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn send_until_stuck(
        &mut self,
        random: &mut fastrand::Rng,
    ) -> Result<Vec<u8>, Finding> {
        const MOST: usize = 16 << 20;
        // With one more block this is less than a socket takes: nothing is left behind on the way.
        const FEW_UNREAD: u32 = 16 * 1024;
        const BLOCK: usize = 32 * 1024;
        self.story.tell(format!(
            "{} sends and sends, and reads nothing, until your server reads no more",
            self.name
        ));
        let block: Vec<u8> = (0..BLOCK).map(|_| random.u8(..)).collect();
        let mut sent = Vec::new();
        while sent.len() < MOST {
            self.stream.write_all(&block).map_err(|error| {
                self.finding(format!("{} cannot send: {error}", self.name))
            })?;
            sent.extend_from_slice(&block);
            self.await_arrival(); // What is still on its way would come on top of the unread.
            if self.unread() > FEW_UNREAD && self.stays_above(FEW_UNREAD) {
                break;
            }
        }
        self.story.tell(format!("{} bytes have arrived in your socket", sent.len()));
        Ok(sent)
    }

    /// How many bytes the server has not read.
    fn unread(&self) -> u32 {
        let its_end = self.address().and_then(|mine| sockets::find(self.server, mine));
        its_end.map_or(0, |socket| socket.unread)
    }

    /// Whether the server leaves so many bytes unread, although it has time to read.
    fn stays_above(&self, few: u32) -> bool {
        let start = Instant::now();
        loop {
            if self.unread() <= few {
                return false;
            }
            let enough = start.elapsed() > A_MOMENT && processes::all_sleep();
            if enough || start.elapsed() > self.patience {
                return true;
            }
            thread::sleep(Duration::from_millis(1)); // why: on a busy machine it waits for its turn
        }
    }
}
