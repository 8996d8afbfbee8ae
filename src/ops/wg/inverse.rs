//! What undoes a change of a WireGuard device.

use serde_json::json;

use super::fact::PeerFact;
use super::{Change, Key, Peer, Peers, Settings, device};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::options;
use crate::ops::types::Flag;
use crate::ops::{Inverse, Typed, World};

/// The keys that are given, as they were. All peers are told again, for one may have taken what is sent to another.
pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let Change::Set { dev, settings: given } = change;
    let old = device(world, netns, dev)?;
    let none = || Key([0; 32]).spell();
    let before: Option<Settings> = options(json!({
        "listen_port": given.listen_port.map(|_| old.listen_port),
        "fwmark": given.fwmark.map(|_| old.fwmark.unwrap_or(0)),
        "private_key": given.private_key.as_ref().map(|_| old.private_key.clone().unwrap_or_else(none)),
    }));
    let told = old
        .peers
        .iter()
        .map(|peer| said(peer, &none()))
        .collect::<Option<Vec<Peer>>>();
    let Some((mut before, mut peers)) = before.zip(told) else {
        return Ok(Inverse::Cannot(format!("{dev} has what nsx cannot say")));
    };
    if let Some(Peers(given)) = &given.peer {
        let is_new = |peer: &&Peer| !peers.iter().any(|known| known.public_key == peer.public_key);
        let gone: Vec<Peer> = given
            .iter()
            .filter(is_new)
            .map(|peer| Peer {
                public_key: peer.public_key,
                remove: Some(Flag(true)),
                ..Peer::default()
            })
            .collect();
        peers.splice(0..0, gone);
        before.peer = Some(Peers(peers));
    }
    let dev = dev.clone();
    Ok(Inverse::changes(netns, [Change::Set { dev, settings: before }]))
}

fn said(peer: &PeerFact, no_key: &str) -> Option<Peer> {
    options(json!({
        "public_key": peer.public_key,
        "preshared_key": peer.preshared_key.as_deref().unwrap_or(no_key),
        "endpoint": peer.endpoint,
        "persistent_keepalive": peer.persistent_keepalive.map_or("off".into(), |seconds| format!("{seconds}s")),
        "allowed_ips": peer.allowed_ips,
    }))
}
