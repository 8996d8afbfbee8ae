//! What a route asks of the connections over it.

use std::fmt;

use netlink_packet_route::route::RouteMetric;
use serde::{Deserialize, Deserializer, Serialize};

/// The metrics of a route, with the field names and the order of `ip -j route`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The largest packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The largest window to offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// The first estimate of the round-trip time, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<u32>,
    /// The first estimate of its variance, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rttvar: Option<u32>,
    /// The first slow-start threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssthresh: Option<u32>,
    /// The limit of the congestion window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwnd: Option<u32>,
    /// The segment size to offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advmss: Option<u32>,
    /// How much reordering to expect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reordering: Option<u32>,
    /// The hop limit to send with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hoplimit: Option<u32>,
    /// The first congestion window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initcwnd: Option<u32>,
    /// Null where ECN is on, absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub ecn: Option<()>,
    /// The features, in hex, where there are others than ECN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<String>,
    /// The shortest time before a segment is sent again, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_min: Option<u32>,
    /// The first window to offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrwnd: Option<u32>,
    /// Whether to acknowledge at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quickack: Option<u32>,
    /// The congestion control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub congestion: Option<String>,
    /// Whether TCP Fast Open goes without a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fastopen_no_cookie: Option<u32>,
    /// Which of them the kernel must not change. `ip` says it in its text only; it is here so that text
    /// follows from fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lock: Vec<String>,
}

/// A null that is there.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<()>, D::Error> {
    <()>::deserialize(input).map(Some)
}

/// The names of the metrics in the text, by their number.
const NAMES: [&str; 18] = [
    "",
    "lock",
    "mtu",
    "window",
    "rtt",
    "rttvar",
    "ssthresh",
    "cwnd",
    "advmss",
    "reordering",
    "hoplimit",
    "initcwnd",
    "features",
    "rto_min",
    "initrwnd",
    "quickack",
    "congctl",
    "fastopen_no_cookie",
];
const FEATURE_ECN: u32 = 1;

impl From<&[RouteMetric]> for Metrics {
    fn from(attributes: &[RouteMetric]) -> Metrics {
        let mut metrics = Metrics::default();
        for attribute in attributes {
            match attribute {
                RouteMetric::Lock(bits) => metrics.lock = locked(*bits),
                RouteMetric::Features(bits) => metrics.take_features(*bits),
                RouteMetric::CcAlgo(name) => metrics.congestion = Some(name.clone()),
                // All ones is the kernel's word for its own default, which goes without saying.
                RouteMetric::Hoplimit(u32::MAX) => {}
                // Kept in eighths and quarters.
                RouteMetric::Rtt(eighths) => metrics.rtt = Some(eighths / 8),
                RouteMetric::RttVar(quarters) => metrics.rttvar = Some(quarters / 4),
                other => metrics.take(other),
            }
        }
        metrics
    }
}

fn locked(bits: u32) -> Vec<String> {
    let names = NAMES.iter().enumerate().skip(2);
    names
        .filter(|(number, _)| bits & (1 << number) != 0)
        .map(|(_, name)| (*name).to_string())
        .collect()
}

impl Metrics {
    fn take(&mut self, attribute: &RouteMetric) {
        match attribute {
            RouteMetric::Mtu(value) => self.mtu = Some(*value),
            RouteMetric::Window(value) => self.window = Some(*value),
            RouteMetric::SsThresh(value) => self.ssthresh = Some(*value),
            RouteMetric::Cwnd(value) => self.cwnd = Some(*value),
            RouteMetric::Advmss(value) => self.advmss = Some(*value),
            RouteMetric::Reordering(value) => self.reordering = Some(*value),
            RouteMetric::Hoplimit(value) => self.hoplimit = Some(*value),
            RouteMetric::InitCwnd(value) => self.initcwnd = Some(*value),
            RouteMetric::RtoMin(value) => self.rto_min = Some(*value),
            RouteMetric::InitRwnd(value) => self.initrwnd = Some(*value),
            RouteMetric::QuickAck(value) => self.quickack = Some(*value),
            RouteMetric::FastopenNoCookie(value) => self.fastopen_no_cookie = Some(*value),
            _ => {}
        }
    }

    fn take_features(&mut self, bits: u32) {
        self.ecn = (bits & FEATURE_ECN != 0).then_some(());
        self.features = (bits & !FEATURE_ECN != 0).then(|| format!("{bits:#x}"));
    }

    /// `ecn`, and the number where there are other features.
    fn feature_words(&self) -> Option<String> {
        let ecn = self.ecn.map(|()| "ecn".to_string());
        let words: Vec<String> = ecn.into_iter().chain(self.features.clone()).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |value: Option<u32>| value.map(|value| value.to_string());
        let values = [
            plain(self.mtu),
            plain(self.window),
            self.rtt.map(time),
            self.rttvar.map(time),
            plain(self.ssthresh),
            plain(self.cwnd),
            plain(self.advmss),
            plain(self.reordering),
            plain(self.hoplimit),
            plain(self.initcwnd),
            self.feature_words(),
            self.rto_min.map(time),
            plain(self.initrwnd),
            plain(self.quickack),
            self.congestion.clone(),
            plain(self.fastopen_no_cookie),
        ];
        for (name, value) in NAMES.iter().skip(2).zip(values) {
            if let Some(value) = value {
                let lock = if self.lock.iter().any(|locked| locked == name) {
                    "lock "
                } else {
                    ""
                };
                write!(f, "{name} {lock}{value} ")?;
            }
        }
        Ok(())
    }
}

fn time(ms: u32) -> String {
    if ms >= 1000 {
        format!("{}s", f64::from(ms) / 1000.0)
    } else {
        format!("{ms}ms")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_metric_is_told() {
        let messages = [
            RouteMetric::Lock(1 << 2 | 1 << 13),
            RouteMetric::Mtu(1400),
            RouteMetric::Window(1000),
            RouteMetric::Rtt(12000),
            RouteMetric::RttVar(8000),
            RouteMetric::SsThresh(7),
            RouteMetric::Cwnd(9),
            RouteMetric::Advmss(1360),
            RouteMetric::Reordering(4),
            RouteMetric::Hoplimit(33),
            RouteMetric::InitCwnd(10),
            RouteMetric::Features(1),
            RouteMetric::RtoMin(250),
            RouteMetric::InitRwnd(12),
            RouteMetric::QuickAck(1),
            RouteMetric::CcAlgo("cubic".into()),
            RouteMetric::FastopenNoCookie(1),
        ];
        let metrics = Metrics::from(messages.as_slice());
        let text = "mtu lock 1400 window 1000 rtt 1.5s rttvar 2s ssthresh 7 cwnd 9 advmss 1360 reordering 4 hoplimit 33 \
                    initcwnd 10 features ecn rto_min lock 250ms initrwnd 12 quickack 1 congctl cubic fastopen_no_cookie 1 ";
        assert_eq!(metrics.to_string(), text);
        let fields = json!({"mtu": 1400, "window": 1000, "rtt": 1500, "rttvar": 2000, "ssthresh": 7, "cwnd": 9,
            "advmss": 1360, "reordering": 4, "hoplimit": 33, "initcwnd": 10, "ecn": null, "rto_min": 250,
            "initrwnd": 12, "quickack": 1, "congestion": "cubic", "fastopen_no_cookie": 1, "lock": ["mtu", "rto_min"]});
        assert_eq!(serde_json::to_value(&metrics).unwrap(), fields);
        assert_eq!(serde_json::from_value::<Metrics>(fields).unwrap(), metrics);
    }

    #[test]
    fn the_kernels_own_hop_limit_goes_without_saying() {
        assert_eq!(
            Metrics::from([RouteMetric::Hoplimit(u32::MAX)].as_slice()),
            Metrics::default()
        );
    }
}
