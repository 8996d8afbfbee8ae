//! The way to an address, hop by hop: echoes whose time to live runs out one router further each time.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::packet::{Answer, Reason};
use super::socket::{Heard, Listener, Socket, bounded, words};
use super::{TIMEOUT, Target};

/// Bytes of data in each echo, as traceroute(8) has them.
const SIZE: u16 = 32;

/// How long a silent hop keeps the next one waiting. Hops that answer are asked one after the other,
/// because a router sends few errors a second; only silent ones overlap.
const PATIENCE: Duration = Duration::from_millis(100);

/// How far, and how long to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many hops to go at most.
    pub max_hops: u8,
    /// How long to wait for each hop's answer.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            max_hops: 30,
            timeout: Duration::from_secs(1),
        }
    }
}

/// The result of a traceroute. Prints as `traceroute -I -n -q 1` does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The address that was asked for.
    pub target: String,
    /// How many hops it would have gone.
    pub max_hops: u8,
    /// The hops, nearest first; the last is the target or the one that knew no further.
    pub hops: Vec<Hop>,
}

/// One hop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// Its distance, from 1.
    pub ttl: u8,
    /// Who answered; empty if nobody did.
    pub from: String,
    /// The round trip in milliseconds; `None` without an answer.
    pub rtt: Option<f64>,
    /// Empty if this is a router on the way, or the target; "timeout" for no answer; otherwise why the
    /// echo went no further, in ping's words.
    pub error: String,
    /// The error as traceroute marks it: `!H`; absent where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mark: String,
}

/// A traceroute that is ready to run.
#[derive(Debug)]
pub struct Tracer {
    socket: Socket,
    settings: Settings,
    target: Target,
}

/// Prepares a traceroute from the namespace the thread is in.
///
/// Equivalent: `traceroute -I -n -q 1 ADDRESS`.
pub fn open(target: &Target, settings: &Settings) -> io::Result<Tracer> {
    Ok(Tracer {
        socket: Socket::open(target, SIZE)?,
        settings: settings.clone(),
        target: target.clone(),
    })
}

impl Tracer {
    /// Asks hop after hop, until the target answers or somebody knows no way to it.
    /// Wants a tokio runtime with time and I/O.
    pub async fn run(self) -> Trace {
        let Settings { max_hops, timeout } = self.settings;
        let hops = match self.socket.listen() {
            Err(e) => vec![Hop {
                ttl: 1,
                error: words(&e),
                ..Hop::default()
            }],
            Ok(listener) => {
                let run = Run {
                    listener,
                    timeout: bounded(timeout),
                    last: max_hops,
                    hops: Vec::new(),
                    waiting: VecDeque::new(),
                    due: Instant::now(),
                };
                run.finish().await
            }
        };
        Trace {
            target: self.target.to_string(),
            max_hops,
            hops,
        }
    }
}

/// An echo that waits for its answer.
struct Waiting {
    ttl: u8,
    sent: Instant,
}

struct Run {
    listener: Listener,
    timeout: Duration,
    /// The last hop to ask for: comes nearer when the target has answered.
    last: u8,
    /// The hops asked so far.
    hops: Vec<Hop>,
    /// In the order they were sent, which is the order in which their time runs out.
    waiting: VecDeque<Waiting>,
    /// When the next hop is to be asked.
    due: Instant,
}

impl Run {
    async fn finish(mut self) -> Vec<Hop> {
        loop {
            let now = Instant::now();
            while self.waiting.pop_front_if(|w| w.sent + self.timeout <= now).is_some() {}
            if self.has_more() && self.due <= now {
                self.send();
            }
            let last = self.last;
            self.waiting.retain(|w| w.ttl <= last);
            let deadline = self.waiting.front().map(|w| w.sent + self.timeout);
            let due = self.has_more().then_some(self.due);
            let Some(until) = deadline.into_iter().chain(due).min() else {
                break;
            };
            match self.listener.hear(until).await {
                Ok(None) => {}
                Ok(Some(heard)) => self.take(heard),
                Err(e) => {
                    self.end_at(self.hops.len(), words(&e));
                    break;
                }
            }
        }
        self.hops.truncate(self.last.into());
        self.hops
    }

    fn has_more(&self) -> bool {
        self.hops.len() < usize::from(self.last)
    }

    fn send(&mut self) {
        let ttl = (self.hops.len() + 1) as u8;
        let sent = Instant::now();
        self.hops.push(Hop {
            ttl,
            error: TIMEOUT.into(),
            ..Hop::default()
        });
        self.due = sent + PATIENCE.min(self.timeout);
        match self
            .listener
            .socket()
            .set_ttl(ttl)
            .and_then(|()| self.listener.send(ttl.into()))
        {
            Ok(()) => self.waiting.push_back(Waiting { ttl, sent }),
            Err(e) => self.end_at(ttl.into(), self.listener.describe(&e)),
        }
    }

    fn take(&mut self, heard: Heard) {
        let (Answer::Reply { seq, .. } | Answer::Refusal { seq, .. }) = heard.answer;
        let Some(index) = self.waiting.iter().position(|w| u16::from(w.ttl) == seq) else {
            return;
        };
        let Some(Waiting { ttl, sent }) = self.waiting.remove(index) else {
            return;
        };
        let refusal = match heard.answer {
            Answer::Refusal { reason, .. } if reason.is_out_of_hops() => None,
            Answer::Refusal { reason, .. } => Some(reason),
            Answer::Reply { .. } => None,
        };
        if refusal.is_some() || matches!(heard.answer, Answer::Reply { .. }) {
            self.last = self.last.min(ttl);
        }
        let trip = heard.at.saturating_duration_since(sent);
        let from = self.listener.spell(heard.from);
        if let Some(hop) = self.hops.get_mut(usize::from(ttl) - 1) {
            *hop = Hop {
                ttl,
                from,
                rtt: Some(trip.as_micros() as f64 / 1000.0),
                error: refusal.as_ref().map(Reason::words).unwrap_or_default(),
                mark: refusal.as_ref().map(Reason::mark).unwrap_or_default(),
            };
        }
        self.due = heard.at;
    }

    /// Goes no further than hop `ttl`, where `error` happened here.
    fn end_at(&mut self, ttl: usize, error: String) {
        self.last = ttl as u8;
        if let Some(hop) = ttl.checked_sub(1).and_then(|index| self.hops.get_mut(index)) {
            hop.error = error;
        }
    }
}

impl Hop {
    /// Whether this host could not even send: its own error, nobody's answer.
    fn is_local(&self) -> bool {
        self.from.is_empty() && !matches!(self.error.as_str(), "" | TIMEOUT)
    }
}

/// One line of traceroute(8).
impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:2} ", self.ttl)?;
        match self.rtt {
            None if self.is_local() => write!(f, " send: {}", self.error),
            None => write!(f, " *"),
            Some(rtt) => {
                write!(f, " {}  {rtt:.3} ms", self.from)?;
                if self.mark.is_empty() {
                    Ok(())
                } else {
                    write!(f, " {}", self.mark)
                }
            }
        }
    }
}

/// The text of traceroute(8), without its last line break.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.hops.first().filter(|hop| hop.is_local()) {
            return write!(f, "connect: {}", first.error);
        }
        let (target, headers) = (&self.target, if self.target.contains(':') { 48 } else { 28 });
        write!(
            f,
            "traceroute to {target} ({target}), {} hops max, {} byte packets",
            self.max_hops,
            SIZE + headers
        )?;
        self.hops.iter().try_for_each(|hop| write!(f, "\n{hop}"))
    }
}

#[cfg(test)]
#[path = "traceroute_tests.rs"]
mod tests;
