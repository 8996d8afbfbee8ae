//! `bridge.fdb`: forwarding databases, of bridges and of devices that have their own, such as vxlan.

mod fact;
mod inverse;

use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::link::LinkAttribute;
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::RouteType;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::{index_at, spell};
use crate::error::{Kind, Part, Problem, Result};
use crate::netns::NsName;
use crate::ops::names::{self, Links};
use crate::ops::types::Flag;
use crate::ops::value::{Value, not_wanted};
use crate::ops::words::whole_number;
use crate::ops::{
    self, Act, Answer, Args, IfName, Inverse, Mac, Noun, Operation, Options, Place, Shape, Typed, Verb, World,
};
use crate::options;

pub use fact::EntryFact;

/// A change of a forwarding database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `bridge fdb add MAC dev DEV …`.
    Add(Forward),
    /// `bridge fdb append MAC dev DEV …`: one more destination of the same address.
    Append(Forward),
    /// `bridge fdb replace MAC dev DEV …`.
    Replace(Forward),
    /// `bridge fdb del MAC dev DEV …`.
    Del(Forward),
}

/// An address and where its frames go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forward {
    /// The address.
    pub to: Mac,
    /// Where.
    pub entry: Entry,
}

options! {
    /// The keys of `bridge.fdb.add`, `append`, `replace` and `del`.
    pub struct Entry {
        /// the device its frames go out of
        dev: IfName,
        /// vxlan: the host behind which it is
        dst: IpAddr,
        /// vxlan: that host's UDP port
        port: u16,
        /// vxlan: the network to send with, if not the device's own
        vni: Vni,
        /// vxlan: the network it is in, on a device of many
        src_vni: Vni,
        /// vxlan: the device that leads to the host
        via: IfName,
        /// the nexthop object that leads there
        nhid: u32,
        /// the VLAN it is in
        vlan: Vid,
        /// in the device's own database; so it is if neither this nor `master` is given
        own as "self": Flag,
        /// in the database of the device's bridge
        master: Flag,
        /// vxlan: it is a router
        router: Flag,
        /// it is in use: its time starts anew; quoted: \"use\"
        used as "use": Flag,
        /// something else than the kernel learnt it
        extern_learn: Flag,
        /// it never moves to another port
        sticky: Flag,
        /// it is the device's own: its frames go no further. So it is if no other state is given
        local: Flag,
        /// as local
        permanent: Flag,
        /// it stays until it is deleted; quoted: \"static\"
        fixed as "static": Flag,
        /// it is forgotten in time
        dynamic: Flag,
    }
}

options! {
    /// Which entries: the keys of `bridge.fdb.show`.
    pub struct Among {
        /// those of this device
        dev: IfName,
        /// those of this bridge and its ports
        br: IfName,
        /// those in this VLAN
        vlan: Vid,
        /// those in this state: permanent, static, stale, reachable
        state: State,
        /// those that are not permanent
        dynamic: Flag,
    }
}

/// The number of a VXLAN network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vni(u32);

impl Typed for Vni {
    const WANTS: &'static str = "a whole number from 0 to 16777215";

    fn read(value: &Value) -> Result<Self, String> {
        match u32::read(value) {
            Ok(vni) if vni >> 24 == 0 => Ok(Vni(vni)),
            _ => Err(not_wanted::<Self>(value)),
        }
    }

    fn spell(&self) -> String {
        self.0.to_string()
    }

    fn of_word(word: &str) -> Value {
        whole_number(word)
    }
}

/// A VLAN's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vid(u16);

impl Typed for Vid {
    const WANTS: &'static str = "a VLAN from 1 to 4094";

    fn read(value: &Value) -> Result<Self, String> {
        match u16::read(value) {
            Ok(vid @ 1..=4094) => Ok(Vid(vid)),
            _ => Err(not_wanted::<Self>(value)),
        }
    }

    fn spell(&self) -> String {
        self.0.to_string()
    }

    fn of_word(word: &str) -> Value {
        whole_number(word)
    }
}

/// The state of an entry, as netlink numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(u16);

const REACHABLE: u16 = 0x02;
const STALE: u16 = 0x04;
const NOARP: u16 = 0x40;
const PERMANENT: u16 = 0x80;

/// The states in the order in which `bridge` names them, and how it prints them.
const STATES: [(&str, u16, &str); 4] = [
    ("permanent", PERMANENT, "permanent"),
    ("static", NOARP, "static"),
    ("stale", STALE, "stale"),
    ("reachable", REACHABLE, ""),
];

impl Typed for State {
    const WANTS: &'static str = "permanent, static, stale or reachable";

    fn read(value: &Value) -> Result<Self, String> {
        let found = STATES
            .iter()
            .find(|(name, ..)| matches!(value, Value::Str(text) if text == name));
        found
            .map(|(_, state, _)| State(*state))
            .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        let found = STATES.iter().find(|(_, state, _)| *state == self.0);
        found.map_or_else(|| self.0.to_string(), |(name, ..)| (*name).to_string())
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "bridge.fdb",
    place: Place::Namespace,
    doc: "Forwarding databases: out of which port, or to which vxlan host, the frames to an address go.",
    verbs: &[ADD, APPEND, REPLACE, DEL, SHOW],
    commands: super::command::FDB,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "MAC",
    keys: &[Entry::KEYS],
    doc: "Adds an entry. As with `bridge`, it goes into the device's own database unless `master` says the bridge's, and is
permanent unless `\"static\"` or `dynamic` says otherwise.

`bridge fdb add MAC dev DEV master static`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\", master: \"br0\" });
host.bridge.fdb.add(\"02:00:00:00:00:09\", #{ dev: \"veth0\", master: true, \"static\": true });
assert_eq(host.bridge.fdb.show(#{ state: \"static\" }).map(|e| e.mac), [\"02:00:00:00:00:09\"]);
```",
    act: Act::Change(|args| Ok(ops::Change::BridgeFdb(Change::Add(forward(args)?)))),
};

const APPEND: Verb = Verb {
    name: "append",
    usage: "MAC",
    keys: &[Entry::KEYS],
    doc: "Adds one more destination of an address: a vxlan device sends its frames to each.

`bridge fdb append MAC dev DEV dst ADDRESS`

A device that has no destinations, such as a bridge's port, takes it as an entry like any other:

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\", master: \"br0\" });
host.bridge.fdb.append(\"02:00:00:00:00:09\", #{ dev: \"veth0\", master: true, \"static\": true });
assert_eq(host.bridge.fdb.show(#{ state: \"static\" }).map(|e| e.ifname), [\"veth0\"]);
```",
    act: Act::Change(|args| Ok(ops::Change::BridgeFdb(Change::Append(forward(args)?)))),
};

const REPLACE: Verb = Verb {
    name: "replace",
    usage: "MAC",
    keys: &[Entry::KEYS],
    doc: "Adds an entry, or changes the one there is.

`bridge fdb replace MAC dev DEV …`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\", master: \"br0\" });
host.link.set(\"veth1\", #{ master: \"br0\" });
host.bridge.fdb.replace(\"02:00:00:00:00:09\", #{ dev: \"veth0\", master: true, \"static\": true });
host.bridge.fdb.replace(\"02:00:00:00:00:09\", #{ dev: \"veth1\", master: true, \"static\": true });
assert_eq(host.bridge.fdb.show(#{ state: \"static\" }).map(|e| e.ifname), [\"veth1\"]);
```",
    act: Act::Change(|args| Ok(ops::Change::BridgeFdb(Change::Replace(forward(args)?)))),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "MAC",
    keys: &[Entry::KEYS],
    doc: "Deletes an entry: with `master` the bridge's, else the device's own.

`bridge fdb del MAC dev DEV master`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\", master: \"br0\" });
host.bridge.fdb.add(\"02:00:00:00:00:09\", #{ dev: \"veth0\", master: true, \"static\": true });
host.bridge.fdb.del(\"02:00:00:00:00:09\", #{ dev: \"veth0\", master: true });
assert_eq(host.bridge.fdb.show(#{ state: \"static\" }), []);
```",
    act: Act::Change(|args| Ok(ops::Change::BridgeFdb(Change::Del(forward(args)?)))),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "",
    keys: &[Among::KEYS],
    doc: "The entries of all databases, with the fields of `bridge -j fdb`.

`bridge fdb show dev DEV br BRIDGE vlan VLAN state STATE dynamic`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:01\", up: true });
let own = host.bridge.fdb.show(#{ br: \"br0\" }).find(|e| e.mac == \"02:00:00:00:00:01\");
assert_eq([own.ifname, own.master, own.state], [\"br0\", \"br0\", \"permanent\"]);
```",
    act: Act::Ask(show),
};

fn forward(mut args: Args) -> Result<Forward> {
    let to = args.required("the link-layer address")?;
    let entry = Entry::take(&mut args)?;
    args.finish(Entry::KEYS)?;
    if entry.dev.is_none() {
        return Err(Problem::argument("`dev` is missing: the device").help("for instance #{ dev: \"veth0\" }"));
    }
    if entry.nhid.is_some() && (entry.dst.is_some() || entry.port.is_some() || entry.vni.is_some()) {
        let message = "`nhid` says where it is: `dst`, `port` and `vni` cannot stand beside it";
        return Err(Problem::argument(message).at(Part::Key("nhid".into())));
    }
    Ok(Forward { to, entry })
}

impl Entry {
    /// What `bridge` makes of the states that are given; permanent, if none is.
    fn state(&self) -> u16 {
        let is_set = |flag| flag == Some(Flag(true));
        let mut state = NOARP;
        if is_set(self.local) || is_set(self.permanent) {
            state |= PERMANENT;
        }
        if is_set(self.fixed) || is_set(self.dynamic) {
            state |= REACHABLE;
        }
        if is_set(self.dynamic) {
            state &= !NOARP;
        }
        if state & (PERMANENT | REACHABLE) == 0 {
            state |= PERMANENT;
        }
        state
    }

    /// The flags that are given; `self`, if neither that nor `master` is.
    fn flags(&self) -> NeighbourFlags {
        let given = [
            (self.own, NeighbourFlags::Own),
            (self.master, NeighbourFlags::Controller),
            (self.router, NeighbourFlags::Router),
            (self.used, NeighbourFlags::Use),
            (self.extern_learn, NeighbourFlags::ExtLearned),
            (self.sticky, NeighbourFlags::Sticky),
        ];
        let given = given.into_iter().filter(|(flag, _)| *flag == Some(Flag(true)));
        let mut flags = given.fold(NeighbourFlags::empty(), |flags, (_, bit)| flags | bit);
        if !flags.intersects(NeighbourFlags::Own | NeighbourFlags::Controller) {
            flags |= NeighbourFlags::Own;
        }
        flags
    }
}

impl Forward {
    fn words(&self, verb: &str) -> Vec<String> {
        let mut words = vec!["fdb".to_string(), verb.to_string(), self.to.spell()];
        words.extend(self.entry.words());
        words
    }

    fn message(&self, world: &World, netns: &NsName) -> Result<NeighbourMessage> {
        let entry = &self.entry;
        let mut message = NeighbourMessage::default();
        let index = |dev: &Option<IfName>, key| dev.as_ref().map(|dev| index_at(world, netns, dev, key)).transpose();
        message.header.family = AddressFamily::Bridge;
        message.header.ifindex = index(&entry.dev, "dev")?.unwrap_or_default();
        message.header.state = NeighbourState::from(entry.state());
        message.header.flags = entry.flags();
        message.header.kind = RouteType::Unspec;
        let attributes = &mut message.attributes;
        attributes.push(NeighbourAttribute::LinkLayerAddress(self.to.0.to_vec()));
        attributes.extend(entry.dst.map(|dst| NeighbourAttribute::Destination(dst.into())));
        attributes.extend(entry.vlan.map(|vlan| NeighbourAttribute::Vlan(vlan.0)));
        let nexthop = entry.nhid.map(|id| DefaultNla::new(NEXTHOP, id.to_ne_bytes().into()));
        attributes.extend(nexthop.map(NeighbourAttribute::Other));
        attributes.extend(entry.port.map(NeighbourAttribute::Port));
        attributes.extend(entry.vni.map(|vni| NeighbourAttribute::Vni(vni.0)));
        attributes.extend(entry.src_vni.map(|vni| NeighbourAttribute::SourceVni(vni.0)));
        attributes.extend(index(&entry.via, "via")?.map(NeighbourAttribute::IfIndex));
        Ok(message)
    }
}

/// NDA_NH_ID.
const NEXTHOP: u16 = 13;

impl Change {
    fn parts(&self) -> (&'static str, &Forward) {
        match self {
            Change::Add(forward) => ("add", forward),
            Change::Append(forward) => ("append", forward),
            Change::Replace(forward) => ("replace", forward),
            Change::Del(forward) => ("del", forward),
        }
    }
}

impl Operation for Change {
    fn title(&self) -> String {
        let (verb, forward) = self.parts();
        format!("bridge fdb {verb} {}", forward.to.spell())
    }

    fn spell(&self, netns: &NsName) -> String {
        let (verb, forward) = self.parts();
        spell(netns, forward.words(verb))
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let (_, forward) = self.parts();
        let message = forward.message(world, netns)?;
        let space = world.space(netns)?;
        let put = |flags| space.change(RouteNetlinkMessage::NewNeighbour(message.clone()), NLM_F_CREATE | flags);
        let changed = match self {
            Change::Add(_) => put(NLM_F_EXCL),
            Change::Append(_) => put(NLM_F_APPEND),
            Change::Replace(_) => put(NLM_F_REPLACE),
            Change::Del(_) => space.change(RouteNetlinkMessage::DelNeighbour(message.clone()), 0),
        };
        let is_of_bridge = message.header.flags.contains(NeighbourFlags::Controller);
        changed.map_err(|mut problem| match problem.errno {
            Some(Errno::EEXIST) => problem.help(format!(
                "there is one already; to change it: {netns}.bridge.fdb.replace(…)"
            )),
            // Of the port's state, and of no privilege.
            Some(Errno::EPERM) if is_of_bridge => {
                problem.kind = Kind::Kernel;
                problem.help =
                    "a port learns only while it is up and forwards; \"static\": true can be said before".into();
                problem
            }
            Some(Errno::ENOENT) if !is_of_bridge => {
                problem.help("the device's own database has no such entry; the bridge's: #{ master: true }")
            }
            Some(Errno::EOPNOTSUPP | Errno::EINVAL) if !is_of_bridge => {
                problem.help("this is about the device's own database; the bridge's: #{ master: true }")
            }
            _ => problem,
        })
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let among = Among::take(&mut args)?;
    args.finish(Among::KEYS)?;
    let index = |dev: &Option<IfName>, key| dev.as_ref().map(|dev| index_at(world, netns, dev, key)).transpose();
    let (dev, br) = (index(&among.dev, "dev")?, index(&among.br, "br")?);
    let space = world.space(netns)?;
    let messages = names::links(&space)?;
    let links = Links::of(&messages);
    let is_port = |port: u32, bridge: u32| {
        let port = messages.iter().find(|link| link.header.index == port);
        port.is_some_and(|port| port.attributes.contains(&LinkAttribute::Controller(bridge)))
    };
    let mut all = NeighbourMessage::default();
    all.header.family = AddressFamily::Bridge;
    let dumped = space.dump(RouteNetlinkMessage::GetNeighbour(all))?;
    let entries = dumped.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewNeighbour(entry) if entry.header.family == AddressFamily::Bridge => Some(entry),
        _ => None,
    });
    let fits = |entry: &NeighbourMessage| {
        let (at, state) = (entry.header.ifindex, u16::from(entry.header.state));
        let is_in = |vlan: Vid| entry.attributes.contains(&NeighbourAttribute::Vlan(vlan.0));
        dev.is_none_or(|dev| dev == at)
            && br.is_none_or(|br| br == at || is_port(at, br))
            && among.vlan.is_none_or(is_in)
            && among.state.is_none_or(|wanted| state & wanted.0 != 0)
            && (among.dynamic != Some(Flag(true)) || state & PERMANENT == 0)
    };
    let facts = entries
        .filter(fits)
        .map(|entry| ops::fact::json(&EntryFact::new(&entry, &links, dev.is_some())));
    Ok(Answer::Many(Shape::BridgeFdb, facts.collect()))
}
