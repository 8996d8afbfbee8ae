//! What undoes a change of a forwarding database.

use netlink_packet_route::neighbour::NeighbourMessage;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use serde_json::json;

use super::{Change, Entry, EntryFact, Forward, Links};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::{options, read};
use crate::ops::types::Flag;
use crate::ops::{Inverse, World};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let (_, forward) = change.parts();
    let old = || before(world, netns, forward);
    let undo = match change {
        Change::Add(_) | Change::Append(_) => vec![Change::Del(forward.clone())],
        Change::Replace(_) => match old()?.pop() {
            Some(old) => vec![Change::Replace(old)],
            None => vec![Change::Del(forward.clone())],
        },
        // Several, where a vxlan address has several destinations.
        Change::Del(_) => old()?.into_iter().map(Change::Append).collect(),
    };
    Ok(Inverse::changes(netns, undo))
}

/// The entries of the address, as they are; what a bridge learnt by itself it learns again.
fn before(world: &World, netns: &NsName, wanted: &Forward) -> Result<Vec<Forward>> {
    let space = world.kernel.space(netns)?;
    let links = Links::read(&space)?;
    let mut all = NeighbourMessage::default();
    all.header.family = AddressFamily::Bridge;
    let dumped = space.dump(RouteNetlinkMessage::GetNeighbour(all))?;
    let is_of_bridge = wanted.entry.master == Some(Flag(true));
    let fact = |message| match message {
        RouteNetlinkMessage::NewNeighbour(entry) => Some(EntryFact::new(&entry, &links, false)),
        _ => None,
    };
    let facts = dumped.into_iter().filter_map(fact).filter(|fact| {
        // Of a bridge's own database `replace` may move the address from one port to another.
        let is_there = is_of_bridge || fact.ifname.as_deref() == wanted.entry.dev.as_ref().map(|dev| dev.as_str());
        let is_there = is_there && is_of_bridge == fact.master.is_some();
        fact.mac.as_deref().and_then(read) == Some(wanted.to)
            && is_there
            && wanted.entry.vlan.is_none_or(|vlan| fact.vlan == Some(vlan.0))
            && (wanted.entry.dst.is_none() || fact.dst == wanted.entry.dst.map(|dst| dst.to_string()))
    });
    Ok(facts
        .filter_map(|fact| {
            Some(Forward {
                to: wanted.to,
                entry: entry(&fact)?,
            })
        })
        .collect())
}

fn entry(fact: &EntryFact) -> Option<Entry> {
    let has = |flag: &str| fact.flags.iter().any(|known| known == flag).then_some(true);
    options(json!({
        "dev": fact.ifname,
        "dst": fact.dst,
        "port": fact.port,
        "vni": fact.vni,
        "src_vni": fact.src_vni,
        "via": fact.via,
        "nhid": fact.nhid,
        "vlan": fact.vlan,
        "self": has("self"),
        "master": fact.master.is_some().then_some(true),
        "router": has("router"),
        "extern_learn": has("extern_learn"),
        "sticky": has("sticky"),
        "static": (fact.state == "static").then_some(true),
        "dynamic": matches!(fact.state.as_str(), "" | "stale").then_some(true),
    }))
}
