//! Which addresses the lab has, and what is behind one that could not be given.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Change, fact};
use crate::error::{Mend, Part, Problem};
use crate::netns::{self as spaces, NsName};
use crate::ops::causes::Scene;
use crate::ops::{Change as Any, Cidr, Op, World};

/// An address of the lab.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::ops) struct Held {
    /// Who has it.
    pub netns: NsName,
    /// On which device.
    pub dev: String,
    /// The address.
    pub local: IpAddr,
    /// What is on the link with it: its subnet, or the peer it was given with.
    pub net: IpNet,
    /// Whether the device is up.
    pub is_up: bool,
}

/// The addresses of a namespace; none where they cannot be read.
pub(in crate::ops) fn of(world: &World, netns: &NsName) -> Vec<Held> {
    let read = world.space(netns).and_then(|space| fact::all(&world.kernel, &space));
    let mut all = Vec::new();
    for device in read.unwrap_or_default() {
        let is_up = device.link.flags.iter().any(|flag| flag == "UP");
        for info in &device.addr_info {
            let Ok(local) = info.local.parse::<IpAddr>() else {
                continue;
            };
            let far = info.address.as_ref().and_then(|far| far.parse().ok()).unwrap_or(local);
            let Ok(net) = IpNet::new(far, info.prefixlen) else {
                continue;
            };
            all.push(Held {
                netns: netns.clone(),
                dev: device.link.ifname.clone(),
                local,
                net: net.trunc(),
                is_up,
            });
        }
    }
    all
}

/// Every namespace of the lab, its own first.
pub(in crate::ops) fn namespaces() -> Vec<NsName> {
    let named = spaces::list().unwrap_or_default();
    std::iter::once(NsName::host()).chain(named).collect()
}

/// The addresses of the whole lab, but for those that every machine has.
pub(in crate::ops) fn everywhere(world: &World) -> Vec<Held> {
    let all = namespaces().into_iter().flat_map(|netns| of(world, &netns));
    all.filter(|held| !held.local.is_loopback() && !is_link_local(held.local))
        .collect()
}

pub(in crate::ops) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// An address of a subnet that nobody in the lab has, with the subnet's length.
pub(in crate::ops) fn free(all: &[Held], net: IpNet, but: &[IpAddr]) -> Option<IpNet> {
    let is_taken = |address: &IpAddr| but.contains(address) || all.iter().any(|held| held.local == *address);
    let address = net.hosts().take(1 << 16).find(|address| !is_taken(address))?;
    IpNet::new(address, net.prefix_len()).ok()
}

/// Which line gave a device an address.
pub(in crate::ops) fn given(world: &World, netns: &NsName, address: &Cidr, dev: &str) -> Option<String> {
    let gave = |op: &Op| match &op.change {
        Any::Addr(Change::Add { address: old, options }) => {
            let is_dev = options.dev.as_ref().is_some_and(|old| old.as_str() == dev);
            (op.netns == *netns && old == address && is_dev).then_some(())
        }
        _ => None,
    };
    world.history.last(gave).map(|((), line)| line)
}

/// `addr add`: which line gave it before.
pub(in crate::ops) fn twice(scene: &Scene, problem: &mut Problem) -> bool {
    let Any::Addr(Change::Add { address, options }) = scene.change else {
        return false;
    };
    let Some(dev) = &options.dev else { return false };
    problem.part = Part::Argument(0);
    problem.message = format!("{dev} has this address already");
    problem.cause = match given(scene.world, scene.netns, address, dev.as_str()) {
        Some(line) => format!("{dev} was given {} {line}", address.0),
        None => format!("{dev} has {}", address.0),
    };
    let free = free(&everywhere(scene.world), address.0.trunc(), &[]);
    problem.mend = free.map(|free| Mend::Part(free.to_string()));
    true
}
