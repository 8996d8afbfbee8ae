//! What undoes a change of a port's VLANs.

use super::{Change, LinkExtentMask, Links, PortFact, Vids, Vlan, VlanFact, device, dump};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::types::Flag;
use crate::ops::{IfName, Inverse, World};

/// Each VLAN of the range as it was; and the one of frames without a tag, which another can take the place of.
pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let (_, dev, vlan) = change.parts();
    let Some(range) = vlan.vid else {
        return Ok(Inverse::By(Vec::new()));
    };
    let before = before(world, netns, dev)?;
    let old = |vid: u16| before.iter().find(|fact| fact.vlan == vid);
    let mut undo = Vec::new();
    for vid in range.first..=range.last {
        match old(vid) {
            Some(fact) => undo.push(again(dev, vlan, fact)),
            None if matches!(change, Change::Add { .. }) => undo.push(Change::Del {
                dev: dev.clone(),
                vlan: Vlan {
                    vid: Some(Vids { first: vid, last: vid }),
                    pvid: None,
                    untagged: None,
                    ..vlan.clone()
                },
            }),
            None => {}
        }
    }
    let is_in = |fact: &&VlanFact| (range.first..=range.last).contains(&fact.vlan);
    let is_pvid = |fact: &&VlanFact| fact.flags.iter().any(|flag| flag == "PVID");
    if vlan.pvid == Some(Flag(true)) {
        undo.extend(
            before
                .iter()
                .filter(is_pvid)
                .filter(|fact| !is_in(fact))
                .map(|fact| again(dev, vlan, fact)),
        );
    }
    Ok(Inverse::changes(netns, undo))
}

fn before(world: &World, netns: &NsName, dev: &IfName) -> Result<Vec<VlanFact>> {
    let index = device::index(world, netns, dev)?;
    let space = world.kernel.space(netns)?;
    let links = Links::read(&space)?;
    let ports = dump(&space, vec![LinkExtentMask::Brvlan])?;
    let ports = ports.iter().filter(|message| message.header.index == index);
    Ok(ports
        .flat_map(|message| PortFact::new(message, &links, None).vlans)
        .collect())
}

fn again(dev: &IfName, vlan: &Vlan, fact: &VlanFact) -> Change {
    let has = |name: &str| fact.flags.iter().any(|flag| flag == name).then_some(Flag(true));
    let vid = Vids {
        first: fact.vlan,
        last: fact.vlan,
    };
    Change::Add {
        dev: dev.clone(),
        vlan: Vlan {
            vid: Some(vid),
            pvid: has("PVID"),
            untagged: has("Egress Untagged"),
            ..vlan.clone()
        },
    }
}
