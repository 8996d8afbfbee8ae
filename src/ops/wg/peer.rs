//! The peers of a WireGuard device, as they are told to it.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use netlink_packet_wireguard::{
    WireguardAddressFamily, WireguardAllowedIp, WireguardAllowedIpAttr, WireguardPeer, WireguardPeerAttribute,
    WireguardPeerFlags,
};
use serde::{Deserialize, Serialize};

use super::Key;
use crate::error::Result;
use crate::ops::types::{Flag, Span};
use crate::ops::value::{Value, not_wanted};
use crate::ops::{Args, Options, Typed};
use crate::options;

options! {
    /// A peer: who it is, and what is told of it.
    pub struct Peer {
        /// its public key, by which it is known
        public_key: Key,
        /// forgets it
        remove: Flag,
        /// a secret that it shares with this end, beside the keys
        preshared_key: Key,
        /// where it is reached: its address and port, in the network beneath
        endpoint: Endpoint,
        /// how often a packet is sent so that ways through NAT stay open
        persistent_keepalive: Keepalive,
        /// what is sent to it and taken from it; in place of what it had
        allowed_ips: AllowedIps,
    }
}

impl Peer {
    /// Its words for `wg set`, but for its preshared key, which `wg` reads from a file.
    pub(super) fn words(&self) -> Vec<String> {
        let Some(key) = &self.public_key else { return Vec::new() };
        let mut words = vec!["peer".to_string(), key.spell()];
        if self.remove == Some(Flag(true)) {
            words.push("remove".into());
        }
        let told = [
            ("endpoint", self.endpoint.map(|endpoint| endpoint.spell())),
            (
                "persistent-keepalive",
                self.persistent_keepalive.map(|keepalive| keepalive.spell()),
            ),
            ("allowed-ips", self.allowed_ips.as_ref().map(AllowedIps::spell)),
        ];
        for (word, value) in told {
            words.extend(value.into_iter().flat_map(|value| [word.to_string(), value]));
        }
        words
    }

    /// Its attributes.
    pub(super) fn message(&self) -> WireguardPeer {
        let mut flags = WireguardPeerFlags::empty();
        flags.set(WireguardPeerFlags::RemoveMe, self.remove == Some(Flag(true)));
        flags.set(WireguardPeerFlags::ReplaceAllowedIps, self.allowed_ips.is_some());
        let ips = self
            .allowed_ips
            .as_ref()
            .map(|ips| ips.0.iter().map(allowed_ip).collect());
        let attributes = [
            self.public_key.map(|key| WireguardPeerAttribute::PublicKey(key.0)),
            (!flags.is_empty()).then_some(WireguardPeerAttribute::Flags(flags)),
            self.preshared_key
                .map(|key| WireguardPeerAttribute::PresharedKey(key.0)),
            self.endpoint
                .map(|endpoint| WireguardPeerAttribute::Endpoint(endpoint.0)),
            self.persistent_keepalive
                .map(|keepalive| WireguardPeerAttribute::PersistentKeepalive(keepalive.0)),
            ips.map(WireguardPeerAttribute::AllowedIps),
        ];
        WireguardPeer(attributes.into_iter().flatten().collect())
    }
}

fn allowed_ip(net: &IpNet) -> WireguardAllowedIp {
    let family = match net {
        IpNet::V4(_) => WireguardAddressFamily::Ipv4,
        IpNet::V6(_) => WireguardAddressFamily::Ipv6,
    };
    WireguardAllowedIp(vec![
        WireguardAllowedIpAttr::Family(family),
        WireguardAllowedIpAttr::IpAddr(net.addr()),
        WireguardAllowedIpAttr::Cidr(net.prefix_len()),
    ])
}

/// One peer or several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Peers(pub Vec<Peer>);

impl Typed for Peers {
    const WANTS: &'static str =
        "a peer such as #{ public_key: key, allowed_ips: \"10.1.0.2/32\" }, or an array of them";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Map(_) => Ok(Peers(vec![one(value)?])),
            Value::List(peers) => peers.iter().map(one).collect::<Result<_, _>>().map(Peers),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.0.iter().flat_map(Peer::words).collect::<Vec<_>>().join(" ")
    }
}

fn one(value: &Value) -> Result<Peer, String> {
    let Value::Map(map) = value else {
        return Err(not_wanted::<Peers>(value));
    };
    let mut args = Args::new(Vec::new(), map.clone());
    let read = Peer::take(&mut args).and_then(|peer| args.finish(Peer::KEYS).map(|()| peer));
    match read {
        Ok(peer) if peer.public_key.is_none() => Err("has no `public_key`, by which a peer is known".into()),
        Ok(peer) => Ok(peer),
        Err(problem) if problem.help.is_empty() => Err(format!("has a wrong key: {problem}")),
        Err(problem) => Err(format!("has a wrong key: {problem}; {}", problem.help)),
    }
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Endpoint(pub SocketAddr);

impl Typed for Endpoint {
    const WANTS: &'static str = "an address with a port, such as \"10.0.0.2:51820\" or \"[fd00::2]:51820\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => text.parse().map(Endpoint).map_err(|_| not_wanted::<Self>(value)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.0.to_string()
    }
}

/// The time between two packets that keep a way open, in seconds; 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keepalive(pub u16);

impl Typed for Keepalive {
    const WANTS: &'static str = "a duration of whole seconds such as \"25s\", or \"off\"";

    fn read(value: &Value) -> Result<Self, String> {
        if *value == Value::Str("off".into()) {
            return Ok(Keepalive(0));
        }
        let Span(time) = match value {
            Value::Int(_) => Span::read(value)?,
            other => Span::read(other).map_err(|_| not_wanted::<Self>(value))?,
        };
        let seconds = u16::try_from(time.as_secs()).ok();
        seconds
            .filter(|seconds| *seconds > 0 && Duration::from_secs((*seconds).into()) == time)
            .map(Keepalive)
            .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        match self.0 {
            0 => "off".into(),
            seconds => seconds.to_string(),
        }
    }
}

/// The addresses that belong to a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllowedIps(pub Vec<IpNet>);

impl Typed for AllowedIps {
    const WANTS: &'static str = "a prefix such as \"10.1.0.2/32\" or \"0.0.0.0/0\", or an array of them";

    fn read(value: &Value) -> Result<Self, String> {
        let one = |item: &Value| {
            let Value::Str(text) = item else {
                return Err(not_wanted::<Self>(item));
            };
            let net: IpNet = text
                .parse()
                .or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()))
                .map_err(|_| not_wanted::<Self>(item))?;
            match net.trunc() == net {
                true => Ok(net),
                false => Err(format!(
                    "{net} has bits set beyond its prefix length: the network is \"{}\"",
                    net.trunc()
                )),
            }
        };
        match value {
            Value::List(items) => items.iter().map(one).collect::<Result<_, _>>().map(AllowedIps),
            other => one(other).map(|net| AllowedIps(vec![net])),
        }
    }

    fn spell(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}
