//! `bridge.link`: the ports of bridges.

mod inverse;

use std::fmt;

use netlink_packet_core::{DefaultNla, Nla};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage, LinkProtoInfoBridge};
use serde::{Deserialize, Serialize};

use super::{about, dump, flags, index_at, no_port, spell};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;
use crate::ops::link::fact::flag_names;
use crate::ops::names::Links;
use crate::ops::types::Flag;
use crate::ops::value::{Value, not_wanted};
use crate::ops::{
    self, Act, Answer, Args, IfName, Inverse, Noun, Operation, Options, Place, Shape, Typed, Verb, World,
    link as device,
};
use crate::options;

/// A change of a bridge's port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `bridge link set dev DEV …`.
    Set {
        /// Which port.
        dev: IfName,
        /// What it gets.
        port: Port,
    },
}

options! {
    /// The keys of `bridge.link.set`.
    pub struct Port {
        /// what the spanning tree protocol thinks of it: disabled, listening, learning, forwarding, blocking
        state: State,
        /// its priority in the spanning tree protocol, 0 to 63
        priority: u16,
        /// the cost of a path over it in the spanning tree protocol, 1 to 65535
        cost: u32,
        /// send a frame back out of the port it came in by
        hairpin: bool,
        /// drop spanning tree messages that come in
        guard: bool,
        /// never take it for the way to the root of the spanning tree
        root_block: bool,
        /// forget a multicast group as soon as a member leaves
        fastleave: bool,
        /// learn the addresses behind it
        learning: bool,
        /// learn from and tell the device's own database
        learning_sync: bool,
        /// send out frames to addresses that are not known
        flood: bool,
        /// send out multicast frames that nobody asked for
        mcast_flood: bool,
        /// send out broadcast frames
        bcast_flood: bool,
        /// whether a multicast router is behind it: 0 never, 1 learnt, 2 always, 3 for a time
        mcast_router: u8,
        /// send multicast frames to each member on its own
        mcast_to_unicast: bool,
        /// answer for neighbours instead of asking out of this port
        neigh_suppress: bool,
        /// map VLANs to tunnels
        vlan_tunnel: bool,
        /// exchange nothing with other isolated ports
        isolated: bool,
        /// let in only frames from addresses that are known
        locked: bool,
        /// the port that takes over when this one has no carrier
        backup_port: IfName,
        /// no port takes over
        nobackup_port: Flag,
        /// the device itself is to do it
        own as "self": Flag,
        /// the bridge is to do it; so it is if neither this nor `self` is given
        master: Flag,
    }
}

options! {
    /// Which ports: the keys of `bridge.link.show`.
    pub struct Among {
        /// this one
        dev: IfName,
    }
}

/// A port's state in the spanning tree protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(u8);

const STATES: [&str; 5] = ["disabled", "listening", "learning", "forwarding", "blocking"];

impl Typed for State {
    const WANTS: &'static str = "disabled, listening, learning, forwarding or blocking";

    fn read(value: &Value) -> Result<Self, String> {
        let at = STATES
            .iter()
            .position(|name| matches!(value, Value::Str(text) if text == name));
        at.map(|at| State(at as u8)).ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        let name = STATES.get(usize::from(self.0));
        name.map_or_else(|| self.0.to_string(), |name| (*name).to_string())
    }

    fn of_word(word: &str) -> Value {
        let name = word.parse().ok().and_then(|number: usize| STATES.get(number));
        Value::Str(name.map_or_else(|| word.into(), |name| (*name).into()))
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "bridge.link",
    place: Place::Namespace,
    doc: "The ports of bridges.",
    verbs: &[SET, SHOW],
    commands: super::command::LINK,
};

const SET: Verb = Verb {
    name: "set",
    usage: "DEV",
    keys: &[Port::KEYS],
    doc: "Changes a port of a bridge. Several keys in one call are one request.

`bridge link set dev DEV isolated on …`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\", master: \"br0\" });
host.bridge.link.set(\"veth0\", #{ isolated: true, cost: 100 });
assert(host.bridge.link.show()[0].isolated, \"it is\");
assert_eq(host.bridge.link.show()[0].cost, 100);
```",
    act: Act::Change(|mut args| {
        let dev = args.required("the device")?;
        let port = Port::take(&mut args)?;
        args.finish(Port::KEYS)?;
        port.check()?;
        Ok(ops::Change::BridgeLink(Change::Set { dev, port }))
    }),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "",
    keys: &[Among::KEYS],
    doc: "The ports of all bridges, with the fields of `bridge -d -j link`: what `set` can set is among them.

`bridge -d link show dev DEV`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\", master: \"br0\" });
let port = host.bridge.link.show(#{ dev: \"veth0\" })[0];
assert_eq([port.ifname, port.master, port.state], [\"veth0\", \"br0\", \"disabled\"]);
assert(port.learning && !port.hairpin, \"what a port is like from birth\");
```",
    act: Act::Ask(show),
};

impl Port {
    /// Refuses what `bridge` would leave out without a word, and what says nothing.
    fn check(&self) -> Result<()> {
        let plain = Port {
            own: None,
            master: None,
            ..self.clone()
        };
        if plain == Port::default() {
            return Err(Problem::argument("bridge link set changes nothing: no key was given")
                .help("for instance #{ isolated: true }"));
        }
        if self.cost == Some(0) {
            return Err(Problem::argument("`cost` is at least 1").at(Part::Key("cost".into())));
        }
        if self.backup_port.is_some() && self.nobackup_port == Some(Flag(true)) {
            return Err(Problem::argument("`backup_port` and `nobackup_port` cannot both hold")
                .at(Part::Key("nobackup_port".into())));
        }
        Ok(())
    }

    /// The settings, as netlink numbers them.
    fn attributes(&self, world: &World, netns: &NsName) -> Result<Vec<LinkProtoInfoBridge>> {
        let attribute = |kind, bytes| LinkProtoInfoBridge::Other(DefaultNla::new(kind, bytes));
        let mut attributes: Vec<_> = SWITCHES
            .iter()
            .filter_map(|switch| (switch.given)(self).map(|on| attribute(switch.kind, vec![u8::from(on)])))
            .collect();
        attributes.extend(self.mcast_router.map(|kind| attribute(MCAST_ROUTER, vec![kind])));
        attributes.extend(self.cost.map(|cost| attribute(COST, cost.to_ne_bytes().into())));
        let priority = self.priority.map(u16::to_ne_bytes);
        attributes.extend(priority.map(|priority| attribute(PRIORITY, priority.into())));
        attributes.extend(self.state.map(|state| attribute(STATE, vec![state.0])));
        let backup = match &self.backup_port {
            Some(dev) => Some(index_at(world, netns, dev, "backup_port")?),
            None if self.nobackup_port == Some(Flag(true)) => Some(0),
            None => None,
        };
        attributes.extend(backup.map(|index| attribute(BACKUP_PORT, index.to_ne_bytes().into())));
        Ok(attributes)
    }
}

const STATE: u16 = 1;
const PRIORITY: u16 = 2;
const COST: u16 = 3;
const MCAST_ROUTER: u16 = 25;
const BACKUP_PORT: u16 = 34;

/// A setting that is on or off: its number in netlink, and where it stands in keys and facts.
struct Switch {
    kind: u16,
    given: fn(&Port) -> Option<bool>,
    shown: fn(&mut PortFact) -> &mut Option<bool>,
}

macro_rules! switches {
    ($($field:ident: $kind:literal),* $(,)?) => {
        &[$(Switch {
            kind: $kind,
            given: |port| port.$field,
            shown: |fact| &mut fact.$field,
        }),*]
    };
}

const SWITCHES: &[Switch] = switches! {
    hairpin: 4, guard: 5, root_block: 6, fastleave: 7, learning: 8, flood: 9, learning_sync: 11, mcast_flood: 27,
    mcast_to_unicast: 28, vlan_tunnel: 29, bcast_flood: 30, neigh_suppress: 32, isolated: 33, locked: 39,
};

impl Operation for Change {
    fn title(&self) -> String {
        let Change::Set { dev, .. } = self;
        format!("bridge link set {dev}")
    }

    fn spell(&self, netns: &NsName) -> String {
        let Change::Set { dev, port } = self;
        let words = ["link", "set", "dev", dev.as_str()].map(String::from);
        spell(netns, words.into_iter().chain(port.words()))
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let Change::Set { dev, port } = self;
        let mut message = about(device::index(world, netns, dev)?);
        let attributes = &mut message.attributes;
        attributes.push(LinkAttribute::ProtoInfoBridge(port.attributes(world, netns)?));
        attributes.extend(flags(port.own, port.master).map(|flags| LinkAttribute::AfSpecBridge(vec![flags])));
        let changed = world.space(netns)?.change(RouteNetlinkMessage::SetLink(message), 0);
        changed.map_err(|problem| no_port(problem, dev, ""))
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let among = Among::take(&mut args)?;
    args.finish(Among::KEYS)?;
    let index = among.dev.as_ref().map(|dev| index_at(world, netns, dev, "dev"));
    let index = index.transpose()?;
    let space = world.space(netns)?;
    let links = Links::read(&space)?;
    let ports = dump(&space, Vec::new())?;
    let ports = ports
        .iter()
        .filter(|port| index.is_none_or(|index| index == port.header.index));
    let facts = ports.map(|port| ops::fact::json(&PortFact::new(port, &links)));
    Ok(Answer::Many(Shape::BridgeLink, facts.collect()))
}

/// A port, with the field names and the order of `bridge -d -j link`. What does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortFact {
    /// Its number in the namespace.
    pub ifindex: u32,
    /// The device it sits on, as `bridge` finds it: by number, even where that is another namespace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Its name.
    pub ifname: String,
    /// `BROADCAST`, `UP`, `LOWER_UP` …
    pub flags: Vec<String>,
    /// The largest packet it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Its bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// `forwarding`, `blocking` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its priority in the spanning tree protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// The cost of a path over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u32>,
    /// Whether a frame may go back where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hairpin: Option<bool>,
    /// Whether spanning tree messages are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<bool>,
    /// Whether it is never the way to the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_block: Option<bool>,
    /// Whether multicast groups are left at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fastleave: Option<bool>,
    /// Whether addresses are learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning: Option<bool>,
    /// Whether the device's own database is kept alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_sync: Option<bool>,
    /// Whether frames to unknown addresses go out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood: Option<bool>,
    /// Whether multicast frames that nobody asked for go out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcast_flood: Option<bool>,
    /// Whether broadcast frames go out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bcast_flood: Option<bool>,
    /// Whether a multicast router is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcast_router: Option<u8>,
    /// Whether multicast frames go to each member on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcast_to_unicast: Option<bool>,
    /// Whether neighbours are answered for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neigh_suppress: Option<bool>,
    /// Whether VLANs map to tunnels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan_tunnel: Option<bool>,
    /// The port that takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_port: Option<String>,
    /// Whether it exchanges nothing with other isolated ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolated: Option<bool>,
    /// Whether only known addresses may come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
}

impl PortFact {
    fn new(message: &LinkMessage, links: &Links) -> PortFact {
        let mut fact = PortFact {
            ifindex: message.header.index,
            ..PortFact::default()
        };
        let mut lower_is_down = false;
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => fact.ifname.clone_from(name),
                LinkAttribute::Mtu(mtu) => fact.mtu = Some(*mtu),
                LinkAttribute::Controller(index) => fact.master = Some(links.name(*index)),
                LinkAttribute::Link(index) => {
                    fact.link = Some(links.name(*index));
                    lower_is_down = links.is_down(*index);
                }
                LinkAttribute::ProtoInfoBridge(settings) => settings.iter().for_each(|one| fact.take(one, links)),
                _ => {}
            }
        }
        fact.flags = flag_names(message.header.flags.bits(), lower_is_down);
        fact
    }

    fn take(&mut self, setting: &LinkProtoInfoBridge, links: &Links) {
        let mut bytes = vec![0; setting.value_len()];
        setting.emit_value(&mut bytes);
        if let Some(switch) = SWITCHES.iter().find(|switch| switch.kind == setting.kind()) {
            *(switch.shown)(self) = bytes.first().map(|on| *on != 0);
        }
        match (setting.kind(), bytes[..].as_ref()) {
            (STATE, [state, ..]) => self.state = Some(State(*state).spell()),
            (PRIORITY, [a, b]) => self.priority = Some(u16::from_ne_bytes([*a, *b])),
            (COST, [a, b, c, d]) => self.cost = Some(u32::from_ne_bytes([*a, *b, *c, *d])),
            (MCAST_ROUTER, [kind, ..]) => self.mcast_router = Some(*kind),
            (BACKUP_PORT, [a, b, c, d]) => {
                self.backup_port = Some(links.name(u32::from_ne_bytes([*a, *b, *c, *d])));
            }
            _ => {}
        }
    }
}

impl fmt::Display for PortFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.ifindex, self.ifname)?;
        if let Some(link) = &self.link {
            write!(f, "@{link}")?;
        }
        write!(f, ": <{}> ", self.flags.join(","))?;
        word(f, "mtu", self.mtu.as_ref())?;
        word(f, "master", self.master.as_ref())?;
        word(f, "state", self.state.as_ref())?;
        word(f, "priority", self.priority.as_ref())?;
        word(f, "cost", self.cost.as_ref())?;
        f.write_str("\n    ")?;
        switch(f, "hairpin", self.hairpin)?;
        switch(f, "guard", self.guard)?;
        switch(f, "root_block", self.root_block)?;
        switch(f, "fastleave", self.fastleave)?;
        switch(f, "learning", self.learning)?;
        switch(f, "learning_sync", self.learning_sync)?;
        switch(f, "flood", self.flood)?;
        switch(f, "mcast_flood", self.mcast_flood)?;
        switch(f, "bcast_flood", self.bcast_flood)?;
        word(f, "mcast_router", self.mcast_router.as_ref())?;
        switch(f, "mcast_to_unicast", self.mcast_to_unicast)?;
        switch(f, "neigh_suppress", self.neigh_suppress)?;
        switch(f, "vlan_tunnel", self.vlan_tunnel)?;
        word(f, "backup_port", self.backup_port.as_ref())?;
        switch(f, "isolated", self.isolated)?;
        switch(f, "locked", self.locked)
    }
}

fn word(f: &mut fmt::Formatter<'_>, key: &str, value: Option<&impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, "{key} {value} "))
}

fn switch(f: &mut fmt::Formatter<'_>, key: &str, value: Option<bool>) -> fmt::Result {
    word(f, key, value.map(|on| on.spell()).as_ref())
}
