//! A WireGuard device as the kernel reports it: the values of `wg show DEV dump`, and the text of `wg show`.

use std::fmt;
use std::time::SystemTime;

use netlink_packet_wireguard::{
    WireguardAllowedIp, WireguardAllowedIpAttr, WireguardAttribute, WireguardMessage, WireguardPeer,
    WireguardPeerAttribute,
};
use serde::{Deserialize, Serialize};

use super::Key;
use crate::ops::{Typed, names};

/// A device with its peers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WgFact {
    /// Its name.
    pub interface: String,
    /// Its private key, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// The public key of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The UDP port that it listens on; the kernel chooses one when the device comes up and none is told.
    pub listen_port: u16,
    /// The mark of its packets, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fwmark: Option<u32>,
    /// Its peers.
    pub peers: Vec<PeerFact>,
}

/// A peer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeerFact {
    /// Its public key.
    pub public_key: String,
    /// The secret it shares with this end, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preshared_key: Option<String>,
    /// Where it is, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What is sent to it and taken from it.
    pub allowed_ips: Vec<String>,
    /// When the two last agreed on keys, in seconds since 1970; 0 for never.
    pub latest_handshake: i64,
    /// How many bytes came from it.
    pub transfer_rx: u64,
    /// How many bytes were sent to it.
    pub transfer_tx: u64,
    /// Every how many seconds a packet keeps the way open, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_keepalive: Option<u16>,
}

impl WgFact {
    /// What the messages of a dump say of one device. A peer may begin in one and go on in the next.
    pub(super) fn new(messages: Vec<WireguardMessage>) -> WgFact {
        let mut fact = WgFact::default();
        let key = |bytes| Some(Key(bytes)).filter(|key| !key.is_none()).map(|key| key.spell());
        for attribute in messages.into_iter().flat_map(|message| message.attributes) {
            match attribute {
                WireguardAttribute::IfName(name) => fact.interface = name,
                WireguardAttribute::PrivateKey(bytes) => fact.private_key = key(bytes),
                WireguardAttribute::PublicKey(bytes) => fact.public_key = key(bytes),
                WireguardAttribute::ListenPort(port) => fact.listen_port = port,
                WireguardAttribute::Fwmark(mark) => fact.fwmark = Some(mark).filter(|mark| *mark != 0),
                WireguardAttribute::Peers(peers) => {
                    for peer in peers.into_iter().map(PeerFact::new) {
                        match fact.peers.last_mut() {
                            Some(last) if last.public_key == peer.public_key => {
                                last.allowed_ips.extend(peer.allowed_ips);
                            }
                            _ => fact.peers.push(peer),
                        }
                    }
                }
                _ => {}
            }
        }
        fact
    }
}

impl PeerFact {
    fn new(peer: WireguardPeer) -> PeerFact {
        let mut fact = PeerFact::default();
        for attribute in peer.0 {
            match attribute {
                WireguardPeerAttribute::PublicKey(bytes) => fact.public_key = Key(bytes).spell(),
                WireguardPeerAttribute::PresharedKey(bytes) if !Key(bytes).is_none() => {
                    fact.preshared_key = Some(Key(bytes).spell());
                }
                WireguardPeerAttribute::Endpoint(endpoint) => fact.endpoint = Some(endpoint.to_string()),
                WireguardPeerAttribute::PersistentKeepalive(seconds @ 1..) => {
                    fact.persistent_keepalive = Some(seconds);
                }
                WireguardPeerAttribute::LastHandshake(time) => fact.latest_handshake = time.seconds,
                WireguardPeerAttribute::RxBytes(bytes) => fact.transfer_rx = bytes,
                WireguardPeerAttribute::TxBytes(bytes) => fact.transfer_tx = bytes,
                WireguardPeerAttribute::AllowedIps(ips) => fact.allowed_ips = ips.iter().filter_map(prefix).collect(),
                _ => {}
            }
        }
        fact
    }
}

fn prefix(ip: &WireguardAllowedIp) -> Option<String> {
    let address = ip.iter().find_map(|attribute| match attribute {
        WireguardAllowedIpAttr::IpAddr(address) => Some(*address),
        _ => None,
    });
    let length = ip.iter().find_map(|attribute| match attribute {
        WireguardAllowedIpAttr::Cidr(length) => Some(*length),
        _ => None,
    });
    Some(format!("{}/{}", names::address(address?), length?))
}

impl fmt::Display for WgFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interface: {}", self.interface)?;
        if let Some(key) = &self.public_key {
            write!(f, "\n  public key: {key}\n  private key: (hidden)")?;
        }
        if self.listen_port != 0 {
            write!(f, "\n  listening port: {}", self.listen_port)?;
        }
        if let Some(mark) = self.fwmark {
            write!(f, "\n  fwmark: {mark:#x}")?;
        }
        self.peers.iter().try_for_each(|peer| write!(f, "\n\n{peer}"))
    }
}

impl fmt::Display for PeerFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer: {}", self.public_key)?;
        if self.preshared_key.is_some() {
            write!(f, "\n  preshared key: (hidden)")?;
        }
        if let Some(endpoint) = &self.endpoint {
            write!(f, "\n  endpoint: {endpoint}")?;
        }
        let ips = match self.allowed_ips[..] {
            [] => "(none)".to_string(),
            _ => self.allowed_ips.join(", "),
        };
        write!(f, "\n  allowed ips: {ips}")?;
        if self.latest_handshake != 0 {
            write!(f, "\n  latest handshake: {}", ago(self.latest_handshake))?;
        }
        if self.transfer_rx != 0 || self.transfer_tx != 0 {
            let (came, went) = (bytes(self.transfer_rx), bytes(self.transfer_tx));
            write!(f, "\n  transfer: {came} received, {went} sent")?;
        }
        if let Some(seconds) = self.persistent_keepalive {
            write!(f, "\n  persistent keepalive: every {}", span(seconds.into()))?;
        }
        Ok(())
    }
}

/// How long ago a time is.
fn ago(time: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    match now.saturating_sub(time.cast_unsigned()) {
        0 => "Now".into(),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// A span of time in words: `1 minute, 5 seconds`.
fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (365 * 86_400, "year"),
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (length, unit) in UNITS {
        let count = rest / length;
        rest %= length;
        match count {
            0 => {}
            1 => words.push(format!("1 {unit}")),
            _ => words.push(format!("{count} {unit}s")),
        }
    }
    words.join(", ")
}

/// An amount of data: `1.50 KiB`.
fn bytes(amount: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut scaled = amount as f64;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{amount} B"),
        _ => format!("{scaled:.2} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_wg_prints_it() {
        let peer = PeerFact {
            public_key: "b".into(),
            preshared_key: Some("p".into()),
            endpoint: Some("10.0.0.2:51820".into()),
            allowed_ips: vec!["10.1.0.2/32".into(), "fd00::/64".into()],
            transfer_rx: 92,
            transfer_tx: 1536,
            persistent_keepalive: Some(65),
            ..PeerFact::default()
        };
        let bare = PeerFact {
            public_key: "c".into(),
            ..PeerFact::default()
        };
        let fact = WgFact {
            interface: "wg0".into(),
            private_key: Some("a".into()),
            public_key: Some("A".into()),
            listen_port: 51820,
            fwmark: Some(7),
            peers: vec![peer, bare],
        };
        let text = "interface: wg0
  public key: A
  private key: (hidden)
  listening port: 51820
  fwmark: 0x7

peer: b
  preshared key: (hidden)
  endpoint: 10.0.0.2:51820
  allowed ips: 10.1.0.2/32, fd00::/64
  transfer: 92 B received, 1.50 KiB sent
  persistent keepalive: every 1 minute, 5 seconds

peer: c
  allowed ips: (none)";
        assert_eq!(fact.to_string(), text);
    }
}
