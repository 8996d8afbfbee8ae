//! What a ping found: the numbers for scripts, and the text that ping(8) of iputils prints.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::socket::TOO_LONG;
use super::{TIMEOUT, Target};

/// The result of a ping. Prints as ping(8) does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Whether anybody answered.
    pub ok: bool,
    /// The address that was asked, with its device if it needs one.
    pub target: String,
    /// Bytes of data in each echo.
    pub size: u16,
    /// Echoes sent; 0 if the kernel knows no way to the target.
    pub transmitted: u32,
    /// Echoes answered.
    pub received: u32,
    /// Echoes not answered, in percent.
    pub loss: f64,
    /// Round-trip times; `None` without an answer.
    pub rtt: Option<Rtt>,
    /// The first failure in ping's words; "timeout" for no answer; empty if there is none.
    pub error: String,
    /// Who answered first; if nobody did, who reported the first failure, if anybody.
    pub from: String,
    /// Each answer.
    pub replies: Vec<Reply>,
    /// Each echo without one.
    pub errors: Vec<Failure>,
    /// Milliseconds from the first echo to the last.
    pub time: u64,
    /// The most echoes that were on the way at once when an answer came.
    pub pipe: u32,
    /// Whether the target is a broadcast or multicast address.
    pub for_many: bool,
}

/// Round-trip times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rtt {
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub avg: f64,
    /// The longest.
    pub max: f64,
    /// Their standard deviation.
    pub mdev: f64,
}

/// An answered echo.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The echo's number, from 1.
    pub seq: u32,
    /// Who answered.
    pub from: String,
    /// The time to live the answer had left.
    pub ttl: u8,
    /// The round trip in milliseconds.
    pub time: f64,
}

/// An echo that was not answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The echo's number, from 1; 0 if none could be sent.
    pub seq: u32,
    /// Who reported it; empty if this host did, or nobody.
    pub from: String,
    /// Why, in ping's words.
    pub error: String,
}

impl Report {
    pub(super) fn new(target: &Target, size: u16) -> Report {
        Report {
            target: target.to_string(),
            size,
            ..Report::default()
        }
    }

    pub(super) fn reply(&mut self, seq: u32, from: String, ttl: u8, trip: Duration) {
        self.replies.push(Reply {
            seq,
            from,
            ttl,
            time: milliseconds(trip.as_micros()),
        });
    }

    pub(super) fn fail(&mut self, seq: u32, from: String, error: String) {
        self.errors.push(Failure { seq, from, error });
    }

    /// Computes what follows from the replies and failures.
    pub(super) fn sum_up(&mut self) {
        self.replies.sort_by_key(|r| r.seq);
        self.errors.sort_by_key(|e| e.seq);
        self.received = self.replies.len() as u32;
        self.ok = self.received > 0;
        self.loss = match self.transmitted {
            0 => 100.0,
            sent => f64::from(sent - self.received) * 100.0 / f64::from(sent),
        };
        self.rtt = Rtt::of(&self.replies);
        self.error = self.errors.first().map(|e| e.error.clone()).unwrap_or_default();
        let answered = self.replies.first().map(|r| &r.from);
        let refused = || self.errors.iter().map(|e| &e.from).find(|from| !from.is_empty());
        self.from = answered.or_else(refused).cloned().unwrap_or_default();
    }

    fn write_statistics(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n--- {} ping statistics ---\n", self.target)?;
        write!(
            f,
            "{} packets transmitted, {} received",
            self.transmitted, self.received
        )?;
        match self.errors.iter().filter(|e| e.is_reported()).count() {
            0 => {}
            errors => write!(f, ", +{errors} errors")?,
        }
        writeln!(f, ", {}% packet loss, time {}ms", percent(self.loss), self.time)?;
        if let Some(Rtt { min, avg, max, mdev }) = &self.rtt {
            write!(f, "rtt min/avg/max/mdev = {min:.3}/{avg:.3}/{max:.3}/{mdev:.3} ms")?;
        }
        match (self.pipe, &self.rtt) {
            (0 | 1, _) => Ok(()),
            (pipe, Some(_)) => write!(f, ", pipe {pipe}"),
            (pipe, None) => write!(f, "pipe {pipe}"),
        }
    }
}

impl Rtt {
    /// As ping computes them, in whole microseconds.
    fn of(replies: &[Reply]) -> Option<Rtt> {
        let times = || replies.iter().map(|r| u128::from(microseconds(r.time)));
        let (min, max) = (times().min()?, times().max()?);
        let (count, sum, squares) = (
            replies.len() as u128,
            times().sum::<u128>(),
            times().map(|t| t * t).sum::<u128>(),
        );
        // The squares' sum is never the smaller one.
        let variance = (squares - sum * sum / count) / count;
        Some(Rtt {
            min: milliseconds(min),
            avg: milliseconds(sum / count),
            max: milliseconds(max),
            mdev: milliseconds(variance.isqrt()),
        })
    }
}

impl Failure {
    /// Whether ping counts it among its errors: an ICMP error, or a packet too long.
    fn is_reported(&self) -> bool {
        !self.from.is_empty() || self.error.starts_with(TOO_LONG)
    }
}

/// The text of ping(8) without its last line break. Ends in an empty line if there was no answer, as there.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (0, Some(failure)) = (self.transmitted, self.errors.first()) {
            return write!(f, "ping: connect: {}", failure.error);
        }
        let (target, size, v6) = (&self.target, u32::from(self.size), self.target.contains(':'));
        if v6 {
            writeln!(f, "PING {target}({target}) {size} data bytes")?;
        } else {
            writeln!(f, "PING {target} ({target}) {size}({}) bytes of data.", size + 28)?;
        }
        let (mut replies, mut errors) = (self.replies.iter().peekable(), self.errors.iter().peekable());
        loop {
            let reply = replies.next_if(|r| errors.peek().is_none_or(|e| r.seq < e.seq));
            if let Some(Reply { seq, from, ttl, time }) = reply {
                let stranger = if from == target || self.for_many {
                    ""
                } else {
                    " (DIFFERENT ADDRESS!)"
                };
                let (length, time) = (size + 8, Trip(*time));
                writeln!(
                    f,
                    "{length} bytes from {from}: icmp_seq={seq} ttl={ttl} time={time} ms{stranger}"
                )?;
            } else if let Some(Failure { seq, from, error }) = errors.next() {
                if !from.is_empty() {
                    writeln!(f, "From {from} icmp_seq={seq} {error}")?;
                } else if let Some(mtu) = error.strip_prefix(TOO_LONG) {
                    let (mtu, sign) = (mtu.trim_end_matches(')'), if v6 { ": " } else { "=" });
                    writeln!(f, "ping: local error: message too long, mtu{sign}{mtu}")?;
                } else if error != TIMEOUT {
                    writeln!(f, "ping: sendmsg: {error}")?;
                }
            } else {
                break;
            }
        }
        self.write_statistics(f)
    }
}

/// A round trip with as many digits as ping gives it.
struct Trip(f64);

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = microseconds(self.0);
        match micros {
            99_950.. => write!(f, "{}", (micros + 500) / 1000),
            9_995.. => write!(f, "{}.{}", (micros + 50) / 1000, (micros + 50) % 1000 / 100),
            1_000.. => write!(f, "{}.{:02}", (micros + 5) / 1000, (micros + 5) % 1000 / 10),
            _ => write!(f, "0.{micros:03}"),
        }
    }
}

fn milliseconds(micros: u128) -> f64 {
    micros as f64 / 1000.0
}

fn microseconds(millis: f64) -> u64 {
    (millis * 1000.0).round().min(1e15) as u64
}

/// C's `%g`: six significant digits, no zeros at the end.
fn percent(number: f64) -> String {
    let whole_digits = number.clamp(1e-6, 1e6).log10().floor() as i32 + 1;
    let text = format!("{number:.*}", (6 - whole_digits).max(0) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(transmitted: u32, replies: &[(u32, u128)], errors: &[(u32, &str, &str)]) -> Report {
        let mut report = Report {
            transmitted,
            ..Report::new(&target("10.0.0.101"), 56)
        };
        for (seq, micros) in replies {
            report.reply(*seq, "10.0.0.101".into(), 64, Duration::from_micros(*micros as u64));
        }
        for (seq, from, error) in errors {
            report.fail(*seq, from.to_string(), error.to_string());
        }
        report.sum_up();
        report
    }

    fn target(text: &str) -> Target {
        text.parse().expect("an address")
    }

    #[test]
    fn a_round_trip_prints_as_ping_prints_it() {
        let report = report(1, &[(1, 51)], &[]);
        let text = "PING 10.0.0.101 (10.0.0.101) 56(84) bytes of data.\n\
            64 bytes from 10.0.0.101: icmp_seq=1 ttl=64 time=0.051 ms\n\
            \n\
            --- 10.0.0.101 ping statistics ---\n\
            1 packets transmitted, 1 received, 0% packet loss, time 0ms\n\
            rtt min/avg/max/mdev = 0.051/0.051/0.051/0.000 ms";
        assert_eq!(report.to_string(), text);
        assert_eq!(
            (report.ok, report.loss, report.from.as_str(), report.error.as_str()),
            (true, 0.0, "10.0.0.101", "")
        );
        let read: Report =
            serde_json::from_str(&serde_json::to_string(&report).expect("plain data")).expect("what was written");
        assert_eq!(read, report);
    }

    #[test]
    fn failures_stand_among_the_replies() {
        let errors = [(1, "10.0.0.1", "Destination Host Unreachable"), (3, "", TIMEOUT)];
        let mut report = report(3, &[(2, 36)], &errors);
        report.time = 2031;
        report.pipe = 2;
        let text = "PING 10.0.0.101 (10.0.0.101) 56(84) bytes of data.\n\
            From 10.0.0.1 icmp_seq=1 Destination Host Unreachable\n\
            64 bytes from 10.0.0.101: icmp_seq=2 ttl=64 time=0.036 ms\n\
            \n\
            --- 10.0.0.101 ping statistics ---\n\
            3 packets transmitted, 1 received, +1 errors, 66.6667% packet loss, time 2031ms\n\
            rtt min/avg/max/mdev = 0.036/0.036/0.036/0.000 ms, pipe 2";
        assert_eq!(report.to_string(), text);
        assert_eq!(report.error, "Destination Host Unreachable");
        assert_eq!(report.from, "10.0.0.101");
    }

    #[test]
    fn no_answer_ends_in_an_empty_line() {
        let report = report(1, &[], &[(1, "", TIMEOUT)]);
        let text = "PING 10.0.0.101 (10.0.0.101) 56(84) bytes of data.\n\
            \n\
            --- 10.0.0.101 ping statistics ---\n\
            1 packets transmitted, 0 received, 100% packet loss, time 0ms\n";
        assert_eq!(report.to_string(), text);
        assert_eq!(
            (report.ok, report.error.as_str(), report.from.as_str()),
            (false, TIMEOUT, "")
        );
        assert_eq!(report.rtt, None);
    }

    #[test]
    fn what_the_kernel_refuses_is_told_as_ping_tells_it() {
        let no_route = report(0, &[], &[(0, "", "Network is unreachable")]);
        assert_eq!(no_route.to_string(), "ping: connect: Network is unreachable");
        assert_eq!(
            (no_route.loss, no_route.error.as_str()),
            (100.0, "Network is unreachable")
        );

        let errors = [
            (1, "", "Message too long (mtu = 1400)"),
            (2, "", "Operation not permitted"),
        ];
        let mut local = report(2, &[], &errors);
        let text = local.to_string();
        assert!(
            text.contains("\nping: local error: message too long, mtu=1400\nping: sendmsg: Operation not permitted\n")
        );
        assert!(text.contains("2 packets transmitted, 0 received, +1 errors, 100% packet loss"));
        local.target = "fd00::1".into();
        let text = local.to_string();
        assert!(
            text.starts_with("PING fd00::1(fd00::1) 56 data bytes\nping: local error: message too long, mtu: 1400\n")
        );
    }

    #[test]
    fn an_answer_from_elsewhere_is_marked_unless_many_were_asked() {
        let mut report = report(1, &[(1, 51)], &[]);
        report.target = "10.0.0.255".into();
        assert!(report.to_string().contains("time=0.051 ms (DIFFERENT ADDRESS!)\n"));
        report.for_many = true;
        assert!(report.to_string().contains("time=0.051 ms\n"));
    }

    #[test]
    fn numbers_have_the_digits_of_ping() {
        let cases = [
            (51, "0.051"),
            (999, "0.999"),
            (1_004, "1.00"),
            (1_005, "1.01"),
            (9_994, "9.99"),
            (9_995, "10.0"),
            (25_149, "25.1"),
            (99_949, "99.9"),
            (99_950, "100"),
            (1_023_499, "1023"),
        ];
        for (micros, text) in cases {
            assert_eq!(Trip(milliseconds(micros)).to_string(), text);
        }
        for (number, text) in [
            (0.0, "0"),
            (100.0, "100"),
            (50.0, "50"),
            (100.0 / 3.0, "33.3333"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.333333"),
        ] {
            assert_eq!(percent(number), text);
        }
        let spread = report(3, &[(1, 1000), (2, 2000), (3, 4000)], &[])
            .rtt
            .expect("three replies");
        assert_eq!(
            spread,
            Rtt {
                min: 1.0,
                avg: 2.333,
                max: 4.0,
                mdev: 1.247
            }
        );
    }
}
