//! What the kernel says of netem, with the fields of `tc -j qdisc show`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bytes::{find, long, number};
use super::clock::Clock;
use super::text::{general, rate, rounded, time};
use crate::ops::Chance;

/// netem. Times in seconds, chances from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NetemFact {
    /// How many packets may wait.
    pub limit: u32,
    /// How long packets wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Losses.
    #[serde(default, rename = "loss-random", skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// Duplicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Duplicate>,
    /// Disorder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Reorder>,
    /// Errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<Corrupt>,
    /// The rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Pace>,
    /// Whether packets are marked rather than lost.
    #[serde(default)]
    pub ecn: bool,
    /// Only every so manieth packet overtakes.
    #[serde(default)]
    pub gap: u32,
}

/// How long packets wait, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// On average.
    pub delay: f64,
    /// More or less.
    pub jitter: f64,
    /// How much it depends on the packet before.
    pub correlation: f64,
}

macro_rules! chances {
    ($($(#[$doc:meta])* $name:ident . $field:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            /// The chance.
            pub $field: f64,
            /// How much it depends on the packet before.
            pub correlation: f64,
        }

        impl $name {
            fn of(chance: Option<u32>, correlation: Option<u32>) -> Option<$name> {
                let $field = share(chance.filter(|chance| *chance > 0)?);
                Some($name { $field, correlation: share(correlation.unwrap_or(0)) })
            }
        }
    )*};
}

chances! {
    /// Losses.
    Loss.loss;
    /// Duplicates.
    Duplicate.duplicate;
    /// Disorder.
    Reorder.reorder;
    /// Errors.
    Corrupt.corrupt;
}

/// How fast packets are sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Bytes a second.
    pub rate: u64,
    /// Bytes that each packet has beside its own.
    pub packetoverhead: i32,
    /// The size of the cells that packets are sent in.
    pub cellsize: u32,
    /// Bytes that each cell has beside its own.
    pub celloverhead: i32,
}

fn share(chance: u32) -> f64 {
    rounded(Chance(chance).share())
}

impl NetemFact {
    pub(super) fn read(bytes: &[u8]) -> Option<NetemFact> {
        const HEAD: usize = 24;
        let clock = Clock::get();
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let head = |index| number(head, index);
        let of = |kind, index| find(rest, kind).and_then(|payload| number(payload, index));
        let seconds = |ticks| rounded(f64::from(clock.microseconds(ticks)) / 1e6);
        let (latency, jitter) = (head(0)?, head(5)?);
        let pace = of(6, 0).filter(|rate| *rate > 0).map(|low| Pace {
            rate: long(rest, 8).filter(|rate| *rate > 0).unwrap_or(low.into()),
            packetoverhead: of(6, 1).unwrap_or(0).cast_signed(),
            cellsize: of(6, 2).unwrap_or(0),
            celloverhead: of(6, 3).unwrap_or(0).cast_signed(),
        });
        Some(NetemFact {
            limit: head(1)?,
            delay: (latency > 0).then(|| Delay {
                delay: seconds(latency),
                jitter: seconds(jitter),
                correlation: share(of(1, 0).unwrap_or(0)),
            }),
            loss: Loss::of(head(2), of(1, 1)),
            duplicate: Duplicate::of(head(4), of(1, 2)),
            reorder: Reorder::of(of(3, 0), of(3, 1)),
            corrupt: Corrupt::of(of(4, 0), of(4, 1)),
            rate: pace,
            ecn: find(rest, 7).is_some(),
            gap: head(3)?,
        })
    }
}

impl fmt::Display for NetemFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = |seconds: f64| time((seconds * 1e6).round() as u32);
        let percent = |share: f64| format!("{}%", general(share * 100.0, 6));
        write!(f, "limit {}", self.limit)?;
        if let Some(delay) = &self.delay {
            write!(f, " delay {}", microseconds(delay.delay))?;
            if delay.jitter > 0.0 {
                write!(f, "  {}", microseconds(delay.jitter))?;
                if delay.correlation > 0.0 {
                    write!(f, " {}", percent(delay.correlation))?;
                }
            }
        }
        let chances = [
            ("loss", self.loss.as_ref().map(|it| (it.loss, it.correlation))),
            (
                "duplicate",
                self.duplicate.as_ref().map(|it| (it.duplicate, it.correlation)),
            ),
            ("reorder", self.reorder.as_ref().map(|it| (it.reorder, it.correlation))),
            ("corrupt", self.corrupt.as_ref().map(|it| (it.corrupt, it.correlation))),
        ];
        for (word, chance) in chances {
            let Some((chance, correlation)) = chance else { continue };
            write!(f, " {word} {}", percent(chance))?;
            if correlation > 0.0 {
                write!(f, " {}", percent(correlation))?;
            }
        }
        if let Some(pace) = &self.rate {
            write!(f, " rate {}", rate(pace.rate))?;
            if pace.packetoverhead != 0 {
                write!(f, " packetoverhead {}", pace.packetoverhead)?;
            }
            if pace.cellsize != 0 {
                write!(f, " cellsize {}", pace.cellsize)?;
            }
            if pace.celloverhead != 0 {
                write!(f, " celloverhead {}", pace.celloverhead)?;
            }
        }
        if self.ecn {
            f.write_str(" ecn ")?;
        }
        if self.gap > 0 {
            write!(f, " gap {}", self.gap)
        } else {
            Ok(())
        }
    }
}
