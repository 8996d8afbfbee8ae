//! What undoes a change of a device. A device that moves, goes down or goes altogether loses what hangs on it, addresses
//! and routes: they are part of its inverse.

use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, InfoBridge, InfoData, InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use serde_json::json;

use super::fact::{self, LinkFact};
use super::find::get;
use super::{Change, Kind, Queues, Settings};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::{options, read};
use crate::ops::types::Flag;
use crate::ops::{self, IfName, Inverse, Op, Typed, World, addr, route};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    match change {
        Change::Add { dev, settings, .. } => {
            let born_in = settings.netns.as_ref().unwrap_or(netns);
            Ok(Inverse::changes(born_in, [Change::Del { dev: dev.clone() }]))
        }
        Change::Set { dev, settings, kind } => set(world, netns, dev, settings, kind.as_ref()),
        Change::Del { dev } => deleted(world, netns, dev),
    }
}

/// A device as it is before the change.
struct Before<'a> {
    world: &'a World,
    netns: &'a NsName,
    dev: &'a IfName,
    message: LinkMessage,
    fact: LinkFact,
}

impl<'a> Before<'a> {
    fn read(world: &'a World, netns: &'a NsName, dev: &'a IfName) -> Result<Before<'a>> {
        let message = get(world, netns, dev)?;
        let space = world.kernel.space(netns)?;
        let facts = fact::all(&world.kernel, &space)?;
        let fact = facts
            .into_iter()
            .find(|fact| fact.ifname == dev.as_str())
            .unwrap_or_default();
        Ok(Before {
            world,
            netns,
            dev,
            message,
            fact,
        })
    }

    fn is_up(&self) -> bool {
        self.has(LinkFlags::Up)
    }

    fn has(&self, flag: LinkFlags) -> bool {
        self.message.header.flags.contains(flag)
    }

    /// How it makes its own IPv6 addresses.
    fn addrgenmode(&self) -> Option<&'static str> {
        let mode = self.message.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::AfSpecUnspec(specs) => specs.iter().find_map(|spec| match spec {
                AfSpecUnspec::Inet6(inet6) => inet6.iter().find_map(|one| match one {
                    AfSpecInet6::AddrGenMode(mode) => Some(*mode),
                    _ => None,
                }),
                _ => None,
            }),
            _ => None,
        })?;
        let known = super::settings::MODES.iter().find(|(_, known)| *known == mode);
        known.map(|(name, _)| *name)
    }

    fn info(&self) -> (Option<InfoKind>, Option<InfoData>) {
        let (mut kind, mut data) = (None, None);
        for attribute in &self.message.attributes {
            let LinkAttribute::LinkInfo(infos) = attribute else {
                continue;
            };
            for info in infos {
                match info {
                    LinkInfo::Kind(known) => kind = Some(known.clone()),
                    LinkInfo::Data(known) => data = Some(known.clone()),
                    _ => {}
                }
            }
        }
        (kind, data)
    }

    /// Its addresses and its routes, to be given to it again; `all` of the addresses, or those that a device loses when
    /// it goes down: IPv6's.
    fn belongings(&self, all: bool) -> Result<Vec<ops::Change>> {
        let mut addresses = addr::of_device(self.world, self.netns, self.dev)?;
        addresses.retain(|info| all || info.family == "inet6");
        let mut changes = addr::additions(&addresses, self.dev);
        let routes = route::through(self.world, self.netns, self.dev)?.into_iter();
        changes.extend(routes.map(|(route, _)| route::Change::Replace(route).into()));
        Ok(changes)
    }

    /// The keys that are its own from birth or were given to it.
    fn birth_settings(&self) -> Option<Settings> {
        options(json!({
            "master": self.fact.master,
            "mtu": self.fact.mtu,
            "address": self.fact.address,
            "alias": self.fact.ifalias,
            "addrgenmode": self.addrgenmode().filter(|mode| *mode != "eui64"),
            "up": self.is_up().then_some(true),
        }))
    }
}

fn ops(netns: &NsName, changes: impl IntoIterator<Item = ops::Change>) -> impl Iterator<Item = Op> {
    let netns = netns.clone();
    let op = move |change| Op {
        netns: netns.clone(),
        change,
    };
    changes.into_iter().map(op)
}

fn set(world: &World, netns: &NsName, dev: &IfName, settings: &Settings, kind: Option<&Kind>) -> Result<Inverse> {
    let before = Before::read(world, netns, dev)?;
    let Some((undo, undo_kind)) = before.opposite(settings, kind) else {
        return Ok(Inverse::Cannot(format!(
            "the settings of {dev} have what nsx cannot say"
        )));
    };
    let there = settings.netns.as_ref().unwrap_or(netns);
    let named = settings.name.as_ref().unwrap_or(dev).clone();
    let mut undone = Vec::new();
    let is_nothing = undo == Settings::default() && undo_kind.is_none();
    if !is_nothing {
        let change = Change::Set {
            dev: named,
            settings: undo,
            kind: undo_kind,
        };
        undone.extend(ops(there, [change.into()]));
    }
    let moves = there != netns;
    if moves || (before.is_up() && settings.is_up() == Some(false)) {
        undone.extend(ops(netns, before.belongings(moves)?));
    }
    Ok(Inverse::By(undone))
}

impl Before<'_> {
    /// The settings that are given, as they are now, where that is something else.
    fn opposite(&self, given: &Settings, kind: Option<&Kind>) -> Option<(Settings, Option<Kind>)> {
        let there = given.netns.as_ref().unwrap_or(self.netns);
        let moves = there != self.netns;
        let fact = &self.fact;
        let old: Settings = options(json!({
            "netns": moves.then(|| self.netns.to_string()),
            "name": given.name.as_ref().filter(|name| *name != self.dev).map(|_| self.dev.spell()),
            "mtu": fact.mtu.filter(|mtu| given.mtu.is_some_and(|new| new != *mtu)),
            "address": given.address.as_ref().and(fact.address.as_ref()),
            "txqueuelen": given.txqueuelen.and(fact.txqlen),
            "arp": given.arp.map(|_| !self.has(LinkFlags::Noarp)),
            "multicast": given.multicast.map(|_| self.has(LinkFlags::Multicast)),
            "allmulticast": given.allmulticast.map(|_| self.has(LinkFlags::Allmulti)),
            "promisc": given.promisc.map(|_| self.has(LinkFlags::Promisc)),
            "alias": given.alias.as_ref().map(|_| fact.ifalias.clone().unwrap_or_default()),
            "addrgenmode": self.addrgenmode().filter(|mode| given.addrgenmode.is_some() || (moves && *mode != "eui64")),
        }))?;
        let changes_master = given.master.is_some() || given.nomaster.is_some() || moves;
        let will_be_up = given.is_up().unwrap_or(self.is_up() && !moves);
        let master = fact.master.as_deref().and_then(read).filter(|_| changes_master);
        let leaves = given.master.is_some() && fact.master.is_none();
        let state = (will_be_up != self.is_up()).then_some(self.is_up());
        let undo = Settings {
            nomaster: leaves.then_some(Flag(true)),
            master,
            up: state.map(super::settings::State),
            ..old
        };
        let kind = match kind {
            Some(kind) => Some(self.opposite_kind(kind)?),
            None => None,
        };
        Some((undo, kind))
    }

    fn opposite_kind(&self, given: &Kind) -> Option<Kind> {
        let (Kind::Bridge(given), (_, Some(InfoData::Bridge(attributes)))) = (given, self.info()) else {
            return None;
        };
        let mut keys = bridge_keys(&attributes);
        let given = ops::fact::json(given);
        keys.as_object_mut()?.retain(|key, _| given.get(key).is_some());
        Some(Kind::Bridge(options(keys)?))
    }
}

fn bridge_keys(attributes: &[InfoBridge]) -> serde_json::Value {
    let mut keys = json!({});
    for attribute in attributes {
        match attribute {
            InfoBridge::VlanFiltering(on) => keys["vlan_filtering"] = (*on).into(),
            InfoBridge::StpState(state) => keys["stp_state"] = (u32::from(*state) != 0).into(),
            InfoBridge::MulticastSnooping(on) => keys["mcast_snooping"] = (*on).into(),
            InfoBridge::AgeingTime(time) => keys["ageing_time"] = (*time).into(),
            InfoBridge::ForwardDelay(time) => keys["forward_delay"] = (*time).into(),
            _ => {}
        }
    }
    keys
}

/// A veth pair, a bridge or a dummy can be made again, with its addresses, routes and ports.
fn deleted(world: &World, netns: &NsName, dev: &IfName) -> Result<Inverse> {
    let before = Before::read(world, netns, dev)?;
    let cannot = |why: String| Ok(Inverse::Cannot(why));
    let (kind, others) = match before.info() {
        (Some(InfoKind::Veth), _) => {
            let Some((there, peer)) = before.peer()? else {
                return cannot(format!("the other end of {dev} is in a namespace without a name"));
            };
            let far = Before::read(world, &there, &peer)?;
            let kind = options(json!({ "peer": { "name": peer.spell(), "netns": there.to_string() } }));
            let Some((kind, settings)) = kind.zip(far.birth_settings()) else {
                return cannot(format!("{peer} has what nsx cannot say"));
            };
            let mut others: Vec<Op> = ops(
                &there,
                [Change::Set {
                    dev: peer.clone(),
                    settings,
                    kind: None,
                }
                .into()],
            )
            .collect();
            others.extend(ops(&there, far.belongings(true)?));
            (Kind::Veth(kind), others)
        }
        (Some(InfoKind::Bridge), Some(InfoData::Bridge(attributes))) => {
            let mut keys = bridge_keys(&attributes);
            if let Some(keys) = keys.as_object_mut() {
                // A bridge is born so, and a kernel may not know the key.
                keys.retain(|_, value| *value != false);
            }
            let Some(kind) = options(keys) else {
                return cannot(format!("{dev} has what nsx cannot say"));
            };
            (Kind::Bridge(kind), before.ports()?)
        }
        (Some(InfoKind::Dummy), _) => (Kind::Dummy(super::kind::Dummy {}), Vec::new()),
        (kind, _) => {
            let kind = kind.map_or_else(|| "its".to_string(), |kind| kind.to_string());
            return cannot(format!("what a device of {kind} type was is not kept"));
        }
    };
    let Some(settings) = before.birth_settings() else {
        return cannot(format!("{dev} has what nsx cannot say"));
    };
    let dev = dev.clone();
    let born = Change::Add {
        dev,
        kind,
        settings,
        queues: Queues::default(),
    };
    let mut undone: Vec<Op> = ops(netns, [born.into()]).collect();
    undone.extend(others);
    undone.extend(ops(netns, before.belongings(true)?));
    // Routes by way of a gateway need both ends.
    let is_route = |op: &Op| matches!(op.change, ops::Change::Route(_));
    undone.sort_by_key(is_route);
    Ok(Inverse::By(undone))
}

impl Before<'_> {
    /// The other end of a veth pair: where it is, and its name.
    fn peer(&self) -> Result<Option<(NsName, IfName)>> {
        if let Some(Some(name)) = &self.fact.link {
            return Ok(read(name).map(|name| (self.netns.clone(), name)));
        }
        let Some(index) = self.fact.link_index else {
            return Ok(None);
        };
        // A namespace that has no name for `ip` is the lab's own.
        let there = match &self.fact.link_netns {
            Some(name) => name.parse().ok(),
            None => Some(NsName::host()),
        };
        let Some(there) = there else { return Ok(None) };
        let space = self.world.kernel.space(&there)?;
        let facts = fact::all(&self.world.kernel, &space)?;
        let far = facts
            .into_iter()
            .find(|fact| fact.ifindex == index && fact.link_index == Some(self.fact.ifindex));
        Ok(far.and_then(|far| read(&far.ifname)).map(|name| (there, name)))
    }

    /// What makes its ports its ports again.
    fn ports(&self) -> Result<Vec<Op>> {
        let space = self.world.kernel.space(self.netns)?;
        let facts = fact::all(&self.world.kernel, &space)?;
        let ports = facts
            .iter()
            .filter(|fact| fact.master.as_deref() == Some(self.dev.as_str()));
        let join = |fact: &LinkFact| {
            let settings = Settings {
                master: Some(self.dev.clone()),
                ..Settings::default()
            };
            Some(
                Change::Set {
                    dev: read(&fact.ifname)?,
                    settings,
                    kind: None,
                }
                .into(),
            )
        };
        Ok(ops(self.netns, ports.filter_map(join).collect::<Vec<_>>()).collect())
    }
}
