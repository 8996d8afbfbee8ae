//! What the kernel says of a qdisc of some kind, with the fields that `tc -j qdisc show` has in `options`.

use std::fmt::{self, Display};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::bytes::{find, long, number};
use super::clock::Clock;
use super::netem_fact::NetemFact;
use super::text::{rate, size, time};
use crate::ops::fact::json;
use crate::ops::names::is_false;

/// The options of a kind as data; an empty map where the kind is not known here.
pub(super) fn read(kind: &str, bytes: &[u8]) -> Json {
    let fact = match kind {
        "tbf" => TbfFact::read(bytes).map(|fact| json(&fact)),
        "htb" => HtbFact::read(bytes).map(|fact| json(&fact)),
        "netem" => NetemFact::read(bytes).map(|fact| json(&fact)),
        "fq_codel" => Some(json(&FqCodelFact::read(bytes))),
        "pfifo" | "bfifo" => number(bytes, 0).map(|limit| json(&FifoFact { limit })),
        "pfifo_fast" | "prio" => BandsFact::read(bytes).map(|fact| json(&fact)),
        "sfq" => SfqFact::read(bytes).map(|fact| json(&fact)),
        _ => None,
    };
    fact.unwrap_or_else(|| Json::Object(serde_json::Map::default()))
}

/// The options of a kind as tc prints them.
pub(super) fn print(kind: &str, options: &Json) -> String {
    fn as_text<F: DeserializeOwned + Display>(options: &Json) -> Option<String> {
        F::deserialize(options).ok().map(|fact| fact.to_string())
    }
    let fifo = || FifoFact::deserialize(options).ok();
    let text = match kind {
        "tbf" => as_text::<TbfFact>(options),
        "htb" => as_text::<HtbFact>(options),
        "netem" => as_text::<NetemFact>(options),
        "fq_codel" => as_text::<FqCodelFact>(options),
        "pfifo" => fifo().map(|fifo| format!("limit {}p", fifo.limit)),
        "bfifo" => fifo().map(|fifo| format!("limit {}", size(fifo.limit))),
        "pfifo_fast" | "prio" => as_text::<BandsFact>(options),
        "sfq" => as_text::<SfqFact>(options),
        "ingress" => Some("---------------- ".into()),
        _ => None,
    };
    text.unwrap_or_default()
}

/// A token bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TbfFact {
    /// Bytes a second.
    pub rate: u64,
    /// Bytes.
    pub burst: u32,
    /// Bytes a second. `tc -j` leaves it out; its text has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peakrate: Option<u64>,
    /// The largest packet, with a peak rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minburst: Option<u32>,
    /// How long a packet may wait, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lat: Option<u64>,
    /// How much may wait, where that is less than a burst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl TbfFact {
    fn read(bytes: &[u8]) -> Option<TbfFact> {
        const PARMS: u16 = 1;
        const RATE64: u16 = 4;
        const PRATE64: u16 = 5;
        let clock = Clock::get();
        let parms = find(bytes, PARMS)?;
        let field = |index| number(parms, index);
        let (limit, buffer, mtu) = (field(6)?, field(7)?, field(8)?);
        let rate = long(bytes, RATE64).unwrap_or(field(2)?.into());
        let peak = long(bytes, PRATE64).unwrap_or(field(5)?.into());
        let waits =
            |rate: u64, ticks: u32| 1e6 * (f64::from(limit) / rate as f64) - f64::from(clock.microseconds(ticks));
        let mut latency = waits(rate, buffer);
        if peak > 0 {
            latency = latency.max(waits(peak, mtu));
        }
        Some(TbfFact {
            rate,
            burst: clock.sent(rate, buffer),
            peakrate: (peak > 0).then_some(peak),
            minburst: (peak > 0 && mtu > 0).then(|| clock.sent(peak, mtu)),
            lat: (latency >= 0.0).then_some(latency as u64),
            limit: (latency < 0.0).then_some(limit),
        })
    }
}

impl Display for TbfFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate {} burst {} ", rate(self.rate), size(self.burst))?;
        if let Some(peak) = self.peakrate {
            write!(f, "peakrate {} ", rate(peak))?;
        }
        if let Some(largest) = self.minburst {
            write!(f, "minburst {} ", size(largest))?;
        }
        match (self.lat, self.limit) {
            (Some(latency), _) => write!(f, "lat {} ", time(latency as u32)),
            (None, Some(limit)) => write!(f, "limit {} ", size(limit)),
            _ => Ok(()),
        }
    }
}

/// The root of a hierarchy of classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HtbFact {
    /// What a rate is divided by for a quantum.
    pub r2q: u32,
    /// The class of what no filter sends elsewhere: `0x10`, or `0`.
    pub default: String,
    /// How many packets belonged to no class.
    pub direct_packets_stat: u32,
    /// How many of those may wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct_qlen: Option<u32>,
}

impl HtbFact {
    fn read(bytes: &[u8]) -> Option<HtbFact> {
        let init = find(bytes, 2)?;
        Some(HtbFact {
            r2q: number(init, 1)?,
            default: match number(init, 2)? {
                0 => "0".into(),
                class => format!("{class:#x}"),
            },
            direct_packets_stat: number(init, 4)?,
            direct_qlen: find(bytes, 5).and_then(|qlen| number(qlen, 0)),
        })
    }
}

impl Display for HtbFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direct = self.direct_packets_stat;
        write!(
            f,
            "r2q {} default {} direct_packets_stat {direct}",
            self.r2q, self.default
        )?;
        self.direct_qlen
            .map_or(Ok(()), |length| write!(f, " direct_qlen {length}"))
    }
}

/// Fair queues, each kept short. Times in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FqCodelFact {
    /// How many packets may wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How many queues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<u32>,
    /// How many bytes a queue sends in its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantum: Option<u32>,
    /// How long packets may wait in the long run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    /// From which wait on packets are marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<u32>,
    /// How long they must have waited longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// How much may wait, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<u32>,
    /// Whether packets are marked rather than dropped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ecn: bool,
    /// How many packets are dropped at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop_batch: Option<u32>,
}

impl FqCodelFact {
    fn read(bytes: &[u8]) -> FqCodelFact {
        let field = |kind| find(bytes, kind).and_then(|payload| number(payload, 0));
        FqCodelFact {
            limit: field(2),
            flows: field(5),
            quantum: field(6),
            target: field(1),
            ce_threshold: field(7),
            interval: field(3),
            memory_limit: field(9),
            ecn: field(4).is_some_and(|ecn| ecn > 0),
            drop_batch: field(8).filter(|batch| *batch > 0),
        }
    }
}

impl Display for FqCodelFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ecn = self.ecn.then(|| "ecn".to_string());
        let words = [
            self.limit.map(|limit| format!("limit {limit}p")),
            self.flows.map(|flows| format!("flows {flows}")),
            self.quantum.map(|quantum| format!("quantum {quantum}")),
            self.target.map(|target| format!("target {}", time(target))),
            self.ce_threshold.map(|above| format!("ce_threshold {}", time(above))),
            self.interval.map(|interval| format!("interval {}", time(interval))),
            self.memory_limit.map(|limit| format!("memory_limit {}", size(limit))),
            ecn,
            self.drop_batch.map(|batch| format!("drop_batch {batch}")),
        ];
        words.iter().flatten().try_for_each(|word| write!(f, "{word} "))
    }
}

/// One queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FifoFact {
    /// How many packets, or bytes, may wait.
    pub limit: u32,
}

/// Bands by priority.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BandsFact {
    /// How many bands.
    pub bands: u32,
    /// The band of each priority.
    pub priomap: Vec<u8>,
    /// Whether each band is a queue of the device.
    pub multiqueue: bool,
}

impl BandsFact {
    fn read(bytes: &[u8]) -> Option<BandsFact> {
        Some(BandsFact {
            bands: number(bytes, 0)?,
            priomap: bytes.get(4..20)?.to_vec(),
            multiqueue: false,
        })
    }
}

impl Display for BandsFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bands {} priomap", self.bands)?;
        self.priomap.iter().try_for_each(|band| write!(f, " {band}"))
    }
}

/// Fair queues by a hash.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SfqFact {
    /// How many packets may wait.
    pub limit: u32,
    /// How many bytes a flow sends in its turn.
    pub quantum: u32,
    /// How many packets of a flow may wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// The size of the hash table.
    pub divisor: u32,
    /// How often the hash is changed, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perturb: Option<u32>,
}

impl SfqFact {
    fn read(bytes: &[u8]) -> Option<SfqFact> {
        let given = |index| number(bytes, index).filter(|number| *number > 0);
        Some(SfqFact {
            limit: number(bytes, 2)?,
            quantum: number(bytes, 0)?,
            depth: given(5),
            divisor: number(bytes, 3)?,
            perturb: given(1),
        })
    }
}

impl Display for SfqFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {}p quantum {} ", self.limit, size(self.quantum))?;
        if let Some(depth) = self.depth {
            write!(f, "depth {depth} ")?;
        }
        write!(f, "divisor {} ", self.divisor)?;
        self.perturb.map_or(Ok(()), |every| write!(f, "perturb {every}sec "))
    }
}
