//! Echoes and their answers, as ping(8) sends and counts them.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::packet::Answer;
use super::socket::{Heard, Listener, Socket, bounded, words};
use super::{TIMEOUT, Target};

pub use super::report::{Failure, Reply, Report, Rtt};

/// How long to wait when the device's queue is full, before the echo is tried again.
const BUSY: Duration = Duration::from_millis(10);

/// How many echoes, how often, and what they are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many echoes.
    pub count: u32,
    /// How long to wait for each answer.
    pub timeout: Duration,
    /// The time between one echo and the next.
    pub interval: Duration,
    /// Bytes of data in each echo, beside its 8 bytes of header.
    pub size: u16,
    /// Their time to live, or hop limit; the kernel's own if `None`.
    pub ttl: Option<u8>,
    /// No fragments, neither here nor on the way: a path too narrow is reported with its MTU.
    pub dont_fragment: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        let second = Duration::from_secs(1);
        Settings {
            count: 1,
            timeout: second,
            interval: second,
            size: 56,
            ttl: None,
            dont_fragment: false,
        }
    }
}

/// A ping that is ready to run.
#[derive(Debug)]
pub struct Prober {
    socket: Socket,
    settings: Settings,
    target: Target,
}

/// Prepares a ping from the namespace the thread is in. The error is one of the socket (raw sockets want
/// CAP_NET_RAW) or of the target's device, if there is none of that name.
///
/// Equivalent: `ping -c 1 ADDRESS`.
pub fn open(target: &Target, settings: &Settings) -> io::Result<Prober> {
    let socket = Socket::open(target, settings.size)?;
    if let Some(ttl) = settings.ttl {
        socket.set_ttl(ttl)?;
    }
    if settings.dont_fragment {
        socket.dont_fragment()?;
    }
    Ok(Prober {
        socket,
        settings: settings.clone(),
        target: target.clone(),
    })
}

impl Prober {
    /// Sends the echoes and waits for their answers: no longer than the answers take, nor than the timeout.
    /// Wants a tokio runtime with time and I/O.
    pub async fn run(self) -> Report {
        let mut report = Report::new(&self.target, self.settings.size);
        match self.socket.listen() {
            Err(e) => report.fail(0, String::new(), words(&e)),
            Ok(listener) => {
                report.for_many = listener.socket().is_for_many();
                Run::new(listener, &self.settings, &mut report).finish().await;
            }
        }
        report.sum_up();
        report
    }
}

/// An echo that waits for its answer.
struct Waiting {
    seq: u32,
    sent: Instant,
}

struct Run<'a> {
    listener: Listener,
    report: &'a mut Report,
    count: u32,
    timeout: Duration,
    interval: Duration,
    /// In the order they were sent, which is the order in which their time runs out.
    waiting: VecDeque<Waiting>,
    /// When the next echo is to be sent.
    due: Instant,
    /// Since when the device has been too busy to take the next echo.
    busy_since: Option<Instant>,
}

impl<'a> Run<'a> {
    fn new(listener: Listener, settings: &Settings, report: &'a mut Report) -> Run<'a> {
        Run {
            listener,
            report,
            count: settings.count,
            timeout: bounded(settings.timeout),
            interval: bounded(settings.interval),
            waiting: VecDeque::new(),
            due: Instant::now(),
            busy_since: None,
        }
    }

    async fn finish(mut self) {
        let start = Instant::now();
        loop {
            self.give_up_late_ones();
            if self.has_more() && self.due <= Instant::now() {
                self.report.time = start.elapsed().as_millis() as u64;
                self.send();
            }
            let deadline = self.waiting.front().map(|w| w.sent + self.timeout);
            let due = self.has_more().then_some(self.due);
            let Some(until) = deadline.into_iter().chain(due).min() else {
                break;
            };
            match self.listener.hear(until).await {
                Ok(None) => {}
                Ok(Some(heard)) => self.take(heard),
                Err(e) => {
                    for waiting in std::mem::take(&mut self.waiting) {
                        self.report.fail(waiting.seq, String::new(), words(&e));
                    }
                    break;
                }
            }
        }
    }

    fn has_more(&self) -> bool {
        self.report.transmitted < self.count
    }

    fn give_up_late_ones(&mut self) {
        let now = Instant::now();
        while let Some(late) = self.waiting.pop_front_if(|w| w.sent + self.timeout <= now) {
            self.report.fail(late.seq, String::new(), TIMEOUT.into());
        }
    }

    fn send(&mut self) {
        let seq = self.report.transmitted + 1;
        // Before the send: on a virtual link the answer is there when it returns.
        let sent = Instant::now();
        let result = self.listener.send(seq as u16);
        if let Err(e) = &result
            && matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM))
            && sent < *self.busy_since.get_or_insert(sent) + self.timeout
        {
            self.due = sent + BUSY;
            return;
        }
        self.busy_since = None;
        self.due = sent + self.interval;
        self.report.transmitted = seq;
        match result {
            Ok(()) => self.waiting.push_back(Waiting { seq, sent }),
            Err(e) => self.report.fail(seq, String::new(), self.listener.describe(&e)),
        }
    }

    /// Counts an answer to an echo that waits for one. Others are duplicates, or too late.
    fn take(&mut self, heard: Heard) {
        let (Answer::Reply { seq, .. } | Answer::Refusal { seq, .. }) = heard.answer;
        let Some(index) = self.waiting.iter().position(|w| w.seq as u16 == seq) else {
            return;
        };
        let Some(Waiting { seq, sent }) = self.waiting.remove(index) else {
            return;
        };
        self.report.pipe = self.report.pipe.max(self.report.transmitted - seq + 1);
        let from = self.listener.spell(heard.from);
        match heard.answer {
            Answer::Reply { .. } => self
                .report
                .reply(seq, from, heard.ttl, heard.at.saturating_duration_since(sent)),
            Answer::Refusal { reason, .. } => self.report.fail(seq, from, reason.words()),
        }
    }
}

#[cfg(test)]
#[path = "ping_tests.rs"]
mod tests;
