//! The ping: a request at each interval, and between requests a look at whatever has arrived.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGQUIT};

use crate::output::{complain, milliseconds, remark, say, tried};
use crate::packet::{self, Echo, Family, ICMP_HEADER, Message};
use crate::socket::{self, Kind};
use crate::statistics::Statistics;

/// What the command line can change.
#[derive(clap::Args)]
pub struct Options {
    /// Stop after this many answers [default: go on until Ctrl-C]
    #[arg(short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Wait this many seconds from one request to the next; 0 waits for the answer only
    #[arg(short, value_name = "S", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Send this many bytes of data; 16 or more are needed to show times
    #[arg(short, value_name = "BYTES", default_value_t = 56,
          value_parser = clap::value_parser!(u16).range(..=65507))]
    size: u16,
    /// Let a request pass this many routers (the "time to live")
    #[arg(short, value_name = "TTL", value_parser = clap::value_parser!(u8).range(1..))]
    ttl: Option<u8>,
    /// Wait this many seconds for an answer after the last request, if there was none at all
    #[arg(short = 'W', value_name = "S", default_value = "10", value_parser = seconds)]
    wait: Duration,
    /// Print the first line and the summary only
    #[arg(short)]
    quiet: bool,
    /// Use a datagram socket, even where a raw one is allowed
    #[arg(long)]
    datagram: bool,
    /// The name or the address of the host
    host: String,
}

/// A number of seconds, with a fraction if you like. The limit keeps it an instant that a clock knows.
fn seconds(text: &str) -> Result<Duration, String> {
    let longest = Duration::from_secs(1_000_000);
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| *duration <= longest)
        .ok_or_else(|| "not a number of seconds from 0 to 1000000".to_owned())
}

/// Pings. Returns whether anything was answered.
///
/// # Errors
/// The host is unknown or out of reach, this process has no right to ping, or nobody reads what is
/// printed.
// ANCHOR: run
pub fn run(options: &Options) -> io::Result<bool> {
    let target = socket::reachable(&options.host)?;
    let mut ping = Ping::new(options, target)?;
    let (ctrl_c, ctrl_backslash) = (watch_for(SIGINT)?, watch_for(SIGQUIT)?);
    let mut buffer = vec![0; 65_536]; // no packet is longer

    say(ping.title())?;
    while !ping.is_over() && !ctrl_c.load(Ordering::Relaxed) {
        if ping.is_due() {
            ping.send();
        }
        if ctrl_backslash.swap(false, Ordering::Relaxed) {
            remark(ping.statistics.so_far());
        }
        if let Some((n, from)) = ping.receive(&mut buffer) {
            ping.handle(&buffer[..n], from.ip())?;
        }
    }
    say(ping.summary())?;
    Ok(ping.statistics.received > 0)
}
// ANCHOR_END: run

/// A ping under way.
struct Ping<'a> {
    options: &'a Options,
    target: SocketAddr,
    family: Family,
    socket: UdpSocket,
    /// How long the socket waits for a packet; 0 stands for ever.
    timeout: Duration,
    kind: Kind,
    /// Our identifier. On a datagram socket the system puts its own in place of it.
    id: u16,
    /// What every request carries.
    data: Vec<u8>,
    /// The last 65,536 requests, by sequence number.
    requests: Vec<Option<Request>>,
    statistics: Statistics,
    /// When the first request was sent, the last one, and when the next one is due.
    first: Instant,
    last: Instant,
    next: Instant,
    /// There is an answer to the last request.
    last_is_answered: bool,
    /// Set once the last request is sent: how long to wait for more answers.
    patience: Duration,
}

/// A request that was sent.
#[derive(Clone, Copy)]
struct Request {
    since: Instant,
    answered: bool,
}

impl<'a> Ping<'a> {
    fn new(options: &'a Options, target: SocketAddr) -> io::Result<Ping<'a>> {
        let (socket, kind) = socket::open(target.ip(), options.datagram)?;
        if let Some(ttl) = options.ttl {
            match target {
                SocketAddr::V4(_) => socket.set_ttl_v4(ttl.into()),
                SocketAddr::V6(_) => socket.set_unicast_hops_v6(ttl.into()),
            }
            .map_err(tried("set the time to live"))?;
        }
        let now = Instant::now();
        Ok(Ping {
            options,
            target,
            family: Family::of(target.ip()),
            // It is no UDP socket, but the calls are the same: send_to, recv_from, and a timeout.
            socket: socket.into(),
            timeout: Duration::ZERO,
            kind,
            id: std::process::id() as u16,
            data: data(options.size.into()),
            requests: vec![None; 65_536],
            statistics: Statistics::default(),
            first: now,
            last: now,
            next: now,
            last_is_answered: true,
            patience: Duration::ZERO,
        })
    }

    /// All requests are sent, and no more answers are needed or expected.
    fn is_over(&self) -> bool {
        let Statistics { received, errors, .. } = self.statistics;
        self.options.count.is_some_and(|count| received + errors >= count)
            || self.all_sent() && self.last.elapsed() >= self.patience
    }

    fn all_sent(&self) -> bool {
        self.options.count.is_some_and(|count| self.statistics.transmitted >= count)
    }

    fn is_due(&self) -> bool {
        let at_once = self.options.interval.is_zero() && self.last_is_answered;
        !self.all_sent() && (at_once || Instant::now() >= self.next)
    }

    /// Sends the next request.
    // ANCHOR: send
    fn send(&mut self) {
        self.statistics.transmitted += 1;
        let sequence = self.statistics.transmitted as u16; // 65535 is followed by 0
        let echo = Echo { id: self.id, sequence, data: &self.data };
        let request = packet::echo_request(self.family, &echo);

        let now = Instant::now(); // a clock that nobody can set back
        if let Err(error) = self.socket.send_to(&request, self.target)
            && !self.options.quiet
        {
            complain(format_args!("send to {}: {error}", self.target.ip()));
        }
        let request = Request { since: now, answered: false };
        self.requests[usize::from(sequence)] = Some(request);
        self.plan_next(now);
    }
    // ANCHOR_END: send

    /// Plans what comes next.
    fn plan_next(&mut self, now: Instant) {
        if self.statistics.transmitted == 1 {
            self.first = now;
        }
        self.last = now;
        self.last_is_answered = false;
        self.next = if self.options.interval.is_zero() {
            now + FLOOD_INTERVAL
        } else {
            // After a delay go on from now: what was missed is not sent in a burst.
            (self.next + self.options.interval).max(now)
        };
        self.patience = if self.statistics.received > 0 {
            let longest = self.statistics.times.longest();
            (longest * 2).max(self.options.interval).max(SHORTEST_PATIENCE)
        } else {
            self.options.wait
        };
    }

    /// Waits for a packet, but no longer than until something else is to be done.
    // ANCHOR: receive
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let until = if self.all_sent() { self.last + self.patience } else { self.next };
        let wait = until.saturating_duration_since(Instant::now());
        // Ctrl-C ends a `recv_from`, but not one that is about to begin: so look now and then.
        let wait = wait.min(LOOK_FOR_CTRL_C);
        match self.set_timeout(wait).and_then(|()| self.socket.recv_from(buffer)) {
            Ok(packet) => Some(packet),
            Err(error) => {
                let nothing_came = matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                );
                if !nothing_came {
                    complain(format_args!("receive: {error}"));
                }
                None
            }
        }
    }

    /// A new timeout is another call to the system, so the old one is kept where it will do.
    fn set_timeout(&mut self, wait: Duration) -> io::Result<()> {
        // Whole milliseconds, and one at least: a timeout of 0 would be no timeout at all.
        let timeout = Duration::from_millis(wait.as_millis() as u64 + 1);
        if timeout != self.timeout {
            self.socket.set_read_timeout(Some(timeout))?;
            self.timeout = timeout;
        }
        Ok(())
    }
    // ANCHOR_END: receive

    /// Looks at a packet: is it an answer, or an error, and is it about a request of ours?
    // ANCHOR: handle
    fn handle(&mut self, packet: &[u8], from: IpAddr) -> io::Result<()> {
        let now = Instant::now();
        let (ttl, icmp) = if self.kind == Kind::Raw && self.family == Family::V4 {
            let Some(ip) = packet::parse_ipv4(packet) else { return Ok(()) };
            (Some(ip.ttl), ip.content)
        } else {
            (None, packet)
        };
        let family = self.family;
        // For IPv6 the system has checked this.
        let intact = || family == Family::V6 || packet::checksum(icmp) == 0;

        match packet::parse(family, icmp) {
            Some(Message::Reply(echo)) if from == self.target.ip() => {
                self.handle_reply(&echo, intact(), ttl, now)
            }
            Some(Message::Error { reason, request, destination })
                if destination == self.target.ip() && intact() =>
            {
                self.handle_error(&request, &reason, from)
            }
            _ => Ok(()), // another ping's, or our own request, which loopback brings back to us
        }
    }
    // ANCHOR_END: handle

    /// The request that a message is about, if we have sent it.
    // ANCHOR: request-of
    fn request_of(&self, echo: &Echo) -> Option<Request> {
        // A datagram socket gets only what is for it, and its identifier is not ours to know.
        let for_us = self.kind == Kind::Datagram || echo.id == self.id;
        if for_us { self.requests[usize::from(echo.sequence)] } else { None }
    }
    // ANCHOR_END: request-of

    // ANCHOR: handle-reply
    fn handle_reply(
        &mut self,
        echo: &Echo,
        intact: bool,
        ttl: Option<u8>,
        now: Instant,
    ) -> io::Result<()> {
        let Some(request) = self.request_of(echo) else { return Ok(()) };
        if intact && !self.has_our_token(echo.data) {
            return Ok(());
        }
        let took = now.duration_since(request.since).as_micros() as u64;
        let timed = self.data.len() >= TOKEN && echo.data.len() >= TOKEN;
        let took = timed.then_some(took);

        if !intact {
            self.statistics.corrupted += 1;
            return self.print_reply(echo, ttl, took, " (BAD CHECKSUM!)");
        }
        if let Some(took) = took {
            self.statistics.times.add(took);
        }
        self.note_answer(echo.sequence);
        if request.answered {
            self.statistics.duplicates += 1;
            return self.print_reply(echo, ttl, took, " (DUP!)");
        }
        self.statistics.received += 1;
        let answered = Request { answered: true, ..request };
        self.requests[usize::from(echo.sequence)] = Some(answered);
        self.print_reply(echo, ttl, took, "")
    }
    // ANCHOR_END: handle-reply

    /// `64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.045 ms`
    fn print_reply(
        &self,
        echo: &Echo,
        ttl: Option<u8>,
        took: Option<u64>,
        remark: &str,
    ) -> io::Result<()> {
        if self.options.quiet {
            return Ok(());
        }
        let (bytes, from) = (ICMP_HEADER + echo.data.len(), self.sender());
        let mut line = format!("{bytes} bytes from {from}: icmp_seq={}", echo.sequence);
        if let Some(ttl) = ttl {
            line += &format!(" ttl={ttl}");
        }
        if echo.data.len() < self.data.len() {
            return say(line + " (truncated)");
        }
        if let Some(took) = took {
            line += &format!(" time={} ms", milliseconds(took));
        }
        say(line + remark + &self.differences(echo.data))
    }

    fn handle_error(
        &mut self,
        request: &Echo,
        reason: &str,
        from: IpAddr,
    ) -> io::Result<()> {
        if self.request_of(request).is_none() {
            return Ok(());
        }
        self.statistics.errors += 1;
        self.note_answer(request.sequence);
        if self.options.quiet {
            return Ok(());
        }
        say(format_args!("From {from} icmp_seq={} {reason}", request.sequence))
    }

    /// Counts how many requests were on their way when this one was answered.
    fn note_answer(&mut self, sequence: u16) {
        let newer = (self.statistics.transmitted as u16).wrapping_sub(sequence);
        if newer < 0x8000 {
            self.statistics.pipe = self.statistics.pipe.max(u64::from(newer) + 1);
        }
        self.last_is_answered |= newer == 0;
    }

    /// The answer carries the random bytes that only our requests carry. Whoever makes up an answer
    /// can guess an identifier and a number, but not these.
    // ANCHOR: token
    fn has_our_token(&self, data: &[u8]) -> bool {
        let length = self.data.len().min(data.len()).min(TOKEN);
        data[..length] == self.data[..length]
    }
    // ANCHOR_END: token

    /// The bytes after the token come back as they were sent, or the difference is shown.
    fn differences(&self, data: &[u8]) -> String {
        let mut pairs = self.data.iter().zip(data).enumerate().skip(TOKEN);
        let Some((at, (sent, came))) = pairs.find(|(_, (sent, came))| sent != came)
        else {
            return String::new();
        };
        let mut text =
            format!("\nwrong data byte #{at} should be 0x{sent:x} but was 0x{came:x}");
        for (i, byte) in data.iter().enumerate().take(self.data.len()).skip(TOKEN) {
            if i % 32 == TOKEN {
                text += &format!("\n#{i}\t");
            }
            text += &format!("{byte:x} ");
        }
        text
    }

    /// `PING localhost (127.0.0.1) 56(84) bytes of data.`
    fn title(&self) -> String {
        let (host, ip, data) = (&self.options.host, self.target.ip(), self.data.len());
        match self.family {
            Family::V4 => {
                // 20 bytes for the IP header
                let packet = data + ICMP_HEADER + 20;
                format!("PING {host} ({ip}) {data}({packet}) bytes of data.")
            }
            Family::V6 => format!("PING {host} ({ip}) {data} data bytes"),
        }
    }

    /// The address, with the name if a name was given.
    fn sender(&self) -> String {
        let ip = self.target.ip();
        match self.options.host.parse::<IpAddr>() {
            Ok(_) => ip.to_string(),
            Err(_) => format!("{} ({ip})", self.options.host),
        }
    }

    fn summary(&self) -> String {
        let lasted = self.last - self.first;
        let flood = self.options.interval.is_zero();
        format!("\n{}", self.statistics.summary(&self.options.host, lasted, flood))
    }
}

/// The data of all requests: random bytes that mark them as ours, then the numbers from 16 on.
fn data(size: usize) -> Vec<u8> {
    let random = RandomState::new(); // std's only source of random numbers: the one of its maps
    let token = [random.hash_one(1), random.hash_one(2)].map(u64::to_ne_bytes).concat();
    token.into_iter().chain((TOKEN..).map(|i| i as u8)).take(size).collect()
}

/// How many bytes of the data are random.
const TOKEN: usize = 16;

/// From now on the signal sets the flag, and does nothing else.
fn watch_for(signal: i32) -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal, Arc::clone(&flag))
        .map_err(tried("watch for Ctrl-C"))?;
    Ok(flag)
}

/// The longest time until Ctrl-C is noticed.
const LOOK_FOR_CTRL_C: Duration = Duration::from_millis(100);

/// With `-i 0`, the time after which a request without an answer is followed by the next one.
const FLOOD_INTERVAL: Duration = Duration::from_millis(10);

/// What the last answer gets at least, however fast the others were: this machine may be busy.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);
