//! What undoes a change of addresses. With an address the kernel takes along what hangs on it: a primary's secondaries,
//! and with the last IPv4 address of a device its routes.

use serde_json::json;

use super::fact::{self, AddrInfo};
use super::{Change, New, Old};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::{options, read};
use crate::ops::{self, Cidr, IfName, Inverse, Typed, World, route};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let (gone, dev) = match change {
        Change::Add { address, options } => {
            // The kernel will refuse it.
            if let Some(dev) = &options.dev
                && of_device(world, netns, dev)?.iter().any(|info| is_given(info, address))
            {
                return Ok(Inverse::By(Vec::new()));
            }
            let undo = Change::Del {
                address: *address,
                options: Old {
                    peer: options.peer,
                    dev: options.dev.clone(),
                },
            };
            return Ok(Inverse::changes(netns, [undo]));
        }
        Change::Replace { address, options } => {
            let Some(dev) = &options.dev else {
                return Ok(Inverse::By(Vec::new()));
            };
            let mut there = of_device(world, netns, dev)?;
            there.retain(|info| info.local == address.0.addr().to_string() && info.prefixlen == address.0.prefix_len());
            let again = additions(&there, dev).into_iter().map(|change| match change {
                ops::Change::Addr(Change::Add { address, options }) => Change::Replace { address, options }.into(),
                other => other,
            });
            let again: Vec<ops::Change> = again.collect();
            if !again.is_empty() {
                return Ok(Inverse::changes(netns, again));
            }
            let added = Change::Add {
                address: *address,
                options: options.clone(),
            };
            return of(&added, world, netns);
        }
        Change::Del { address, options } => {
            let Some(dev) = &options.dev else {
                return Ok(Inverse::By(Vec::new()));
            };
            (with_secondaries(of_device(world, netns, dev)?, address), dev)
        }
        Change::Flush { dev } => (of_device(world, netns, dev)?, dev),
    };
    let mut changes = additions(&gone, dev);
    let is_ipv4 = |info: &&AddrInfo| info.family == "inet";
    let left = of_device(world, netns, dev)?.iter().filter(is_ipv4).count() - gone.iter().filter(is_ipv4).count();
    let routes = route::through(world, netns, dev)?;
    changes.extend(routes.into_iter().filter_map(|(route, source)| {
        let of_gone = |source| gone.iter().any(|info| info.local == source);
        let goes = (left == 0 && route.is_ipv4()) || source.is_some_and(of_gone);
        goes.then(|| ops::Change::from(route::Change::Replace(route)))
    }));
    Ok(Inverse::changes(netns, changes))
}

fn is_given(info: &AddrInfo, address: &Cidr) -> bool {
    info.local == address.0.addr().to_string() && info.prefixlen == address.0.prefix_len()
}

/// The addresses of a device.
pub fn of_device(world: &World, netns: &NsName, dev: &IfName) -> Result<Vec<AddrInfo>> {
    let space = world.kernel.space(netns)?;
    let mut facts = fact::all(&world.kernel, &space)?;
    facts.retain(|fact| fact.link.ifname == dev.as_str());
    Ok(facts.into_iter().flat_map(|fact| fact.addr_info).collect())
}

/// The address and, where it is the primary one of its subnet, those that go with it.
fn with_secondaries(all: Vec<AddrInfo>, address: &Cidr) -> Vec<AddrInfo> {
    let is_it =
        |info: &AddrInfo| info.local == address.0.addr().to_string() && info.prefixlen == address.0.prefix_len();
    let is_primary = all.iter().any(|info| is_it(info) && !info.secondary);
    let is_with = |info: &AddrInfo| {
        let cidr: Option<Cidr> = read(&format!("{}/{}", info.local, info.prefixlen));
        is_primary && info.secondary && cidr.is_some_and(|cidr| cidr.0.trunc() == address.0.trunc())
    };
    all.into_iter().filter(|info| is_it(info) || is_with(info)).collect()
}

/// The changes that give a device these addresses again. Those that the kernel makes by itself are left to it.
pub fn additions(addresses: &[AddrInfo], dev: &IfName) -> Vec<ops::Change> {
    let by_hand = |info: &&AddrInfo| info.family == "inet" || (info.scope != "link" && !info.dynamic);
    let addition = |info: &AddrInfo| {
        let (address, peer) = match &info.address {
            Some(far) => {
                let whole = if info.family == "inet" { 32 } else { 128 };
                let near = format!("{}/{whole}", info.local);
                (near, Some(format!("{far}/{}", info.prefixlen)))
            }
            None => (format!("{}/{}", info.local, info.prefixlen), None),
        };
        let is_default = info.scope == "global" || (info.scope == "host" && info.local.starts_with("127."));
        let options: New = options(json!({
            "peer": peer,
            "broadcast": info.broadcast,
            "scope": (!is_default).then_some(&info.scope),
            "label": info.label.as_ref().filter(|label| *label != dev.as_str()),
            "nodad": info.nodad.then_some(true),
            "dev": dev.spell(),
        }))?;
        let address = read(&address)?;
        Some(Change::Add { address, options }.into())
    };
    addresses.iter().filter(by_hand).filter_map(addition).collect()
}
