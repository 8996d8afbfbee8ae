//! `neigh`: which link-layer address a neighbour has.

mod command;
mod inverse;

use std::fmt;
use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::RouteType;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::names::{self, Links, PROTOCOLS};
use super::route::Family;
use super::value::not_wanted;
use super::{
    Act, Answer, Args, IfName, Inverse, Mac, Noun, Operation, Options, Place, Shape, Typed, Value, Verb, World, ip,
    link,
};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;
use crate::options;

/// A change of a namespace's neighbour table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `ip neigh add ADDRESS lladdr MAC dev DEV`.
    Add(Neighbour),
    /// `ip neigh replace ADDRESS lladdr MAC dev DEV`.
    Replace(Neighbour),
    /// `ip neigh del ADDRESS dev DEV`.
    Del(Neighbour),
    /// `ip neigh flush dev DEV`.
    Flush(Among),
}

/// A neighbour and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its address.
    pub to: IpAddr,
    /// The rest.
    pub entry: Entry,
}

options! {
    /// The keys of `neigh add`, `replace` and `del`.
    pub struct Entry {
        /// its link-layer address
        lladdr: Mac,
        /// how sure the kernel is of it: permanent (if not given), reachable, stale, noarp …
        nud: Nud,
        /// answer for it on this device: proxy ARP for one address
        proxy: bool,
        /// the device it is on
        dev: IfName,
    }
}

options! {
    /// Which neighbours: the keys of `neigh show` and `neigh flush`.
    pub struct Among {
        /// those on this device
        dev: IfName,
        /// those of this family; both if not given
        family: Family,
    }
}

/// The state of an entry, as netlink numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nud(u16);

const PERMANENT: u16 = 0x80;
const NOARP: u16 = 0x40;

const STATES: [(&str, u16); 8] = [
    ("incomplete", 0x01),
    ("reachable", 0x02),
    ("stale", 0x04),
    ("delay", 0x08),
    ("probe", 0x10),
    ("failed", 0x20),
    ("noarp", NOARP),
    ("permanent", PERMANENT),
];

impl Typed for Nud {
    const WANTS: &'static str = "permanent, reachable, stale, noarp, delay, probe, failed or incomplete";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let state = STATES.iter().find(|(name, _)| name == text);
        state
            .map(|(_, state)| Nud(*state))
            .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        let name = STATES.iter().find(|(_, state)| *state == self.0);
        name.map_or_else(|| self.0.to_string(), |(name, _)| name.to_string())
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "neigh",
    place: Place::Namespace,
    doc: "Which link-layer address a neighbour has: ARP for IPv4, neighbour discovery for IPv6.",
    verbs: &[ADD, REPLACE, DEL, FLUSH, SHOW],
    commands: command::COMMANDS,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "ADDRESS",
    keys: &[Entry::KEYS],
    doc: "Adds a neighbour by hand; it stays, unless `nud` says otherwise.

`ip neigh add ADDRESS lladdr MAC dev DEV`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.neigh.add(\"10.0.0.9\", #{ dev: \"br0\", lladdr: \"02:00:00:00:00:09\" });
assert_eq(host.neigh.show()[0].state, [\"PERMANENT\"]);
```",
    act: Act::Change(|args| Ok(super::Change::Neigh(Change::Add(with_address(args)?)))),
};

const REPLACE: Verb = Verb {
    name: "replace",
    usage: "ADDRESS",
    keys: &[Entry::KEYS],
    doc: "Adds a neighbour, or changes the entry there is.

`ip neigh replace ADDRESS lladdr MAC dev DEV`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.neigh.replace(\"10.0.0.9\", #{ dev: \"br0\", lladdr: \"02:00:00:00:00:09\" });
host.neigh.replace(\"10.0.0.9\", #{ dev: \"br0\", lladdr: \"02:00:00:00:00:0a\" });
assert_eq(host.neigh.show().map(|n| n.lladdr), [\"02:00:00:00:00:0a\"]);
```",
    act: Act::Change(|args| Ok(super::Change::Neigh(Change::Replace(with_address(args)?)))),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "ADDRESS",
    keys: &[Entry::KEYS],
    doc: "Forgets a neighbour.

`ip neigh del ADDRESS dev DEV`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.neigh.add(\"10.0.0.9\", #{ dev: \"br0\", lladdr: \"02:00:00:00:00:09\" });
host.neigh.del(\"10.0.0.9\", #{ dev: \"br0\" });
assert_eq(host.neigh.show(), []);
```",
    act: Act::Change(|args| Ok(super::Change::Neigh(Change::Del(neighbour(args)?)))),
};

const FLUSH: Verb = Verb {
    name: "flush",
    usage: "",
    keys: &[Among::KEYS],
    doc: "Forgets what was learnt; entries made by hand stay.

`ip neigh flush dev DEV`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.neigh.add(\"10.0.0.9\", #{ dev: \"br0\", lladdr: \"02:00:00:00:00:09\", nud: \"stale\" });
host.neigh.flush(#{ dev: \"br0\" });
assert_eq(host.neigh.show(), []);
```",
    act: Act::Change(|mut args| {
        let among = Among::take(&mut args)?;
        args.finish(Among::KEYS)?;
        Ok(super::Change::Neigh(Change::Flush(among)))
    }),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "",
    keys: &[Among::KEYS],
    doc: "The neighbours, with the fields of `ip -j neigh`.

`ip neigh show dev DEV`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.neigh.add(\"10.0.0.9\", #{ dev: \"br0\", lladdr: \"02:00:00:00:00:09\" });
assert_eq(host.neigh.show(#{ dev: \"br0\" })[0].dst, \"10.0.0.9\");
```",
    act: Act::Ask(show),
};

fn neighbour(mut args: Args) -> Result<Neighbour> {
    let to = args.required("the address")?;
    let entry = Entry::take(&mut args)?;
    args.finish(Entry::KEYS)?;
    if entry.dev.is_none() {
        return Err(Problem::argument("`dev` is missing: the device").help("for instance #{ dev: \"eth0\" }"));
    }
    Ok(Neighbour { to, entry })
}

fn with_address(args: Args) -> Result<Neighbour> {
    let neighbour = neighbour(args)?;
    let entry = &neighbour.entry;
    if entry.lladdr.is_none() && entry.proxy != Some(true) {
        return Err(
            Problem::argument("`lladdr` is missing: the neighbour's link-layer address")
                .help("for instance #{ lladdr: \"02:00:00:00:00:09\" }"),
        );
    }
    Ok(neighbour)
}

/// The messages of the table, of one family or both.
fn table(world: &World, netns: &NsName, among: &Among) -> Result<Vec<NeighbourMessage>> {
    let dev = among.dev.as_ref();
    let index = dev
        .map(|dev| link::index(world, netns, dev).map_err(|p| p.at(Part::Key("dev".into()))))
        .transpose()?;
    let mut all = NeighbourMessage::default();
    all.header.family = among.family.map_or(AddressFamily::Unspec, Family::netlink);
    let dumped = world.space(netns)?.dump(RouteNetlinkMessage::GetNeighbour(all))?;
    let messages = dumped.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewNeighbour(neighbour) => Some(neighbour),
        _ => None,
    });
    let is_ip = |family| matches!(family, AddressFamily::Inet | AddressFamily::Inet6);
    Ok(messages
        .filter(|message| is_ip(message.header.family) && index.is_none_or(|index| index == message.header.ifindex))
        .collect())
}

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let among = Among::take(&mut args)?;
    args.finish(Among::KEYS)?;
    let links = Links::read(&*world.space(netns)?)?;
    let table = table(world, netns, &among)?;
    let facts = table
        .iter()
        .filter(|message| u16::from(message.header.state) & !NOARP != 0)
        .map(|message| super::fact::json(&NeighFact::new(message, &links, among.dev.is_some())));
    Ok(Answer::Many(Shape::Neigh, facts.collect()))
}

impl Neighbour {
    fn words(&self, verb: &str) -> Vec<String> {
        let is_proxy = self.entry.proxy == Some(true);
        let mut words = vec!["neigh".to_string(), verb.to_string()];
        words.extend(is_proxy.then(|| "proxy".to_string()));
        words.push(self.to.to_string());
        words.extend(
            Entry {
                proxy: None,
                ..self.entry.clone()
            }
            .words(),
        );
        words
    }

    fn message(&self, world: &World, netns: &NsName) -> Result<NeighbourMessage> {
        let mut message = NeighbourMessage::default();
        let Some(dev) = &self.entry.dev else { return Ok(message) };
        message.header.family = Family::of(&self.to).netlink();
        message.header.ifindex = link::index(world, netns, dev).map_err(|p| p.at(Part::Key("dev".into())))?;
        message.header.state = NeighbourState::from(self.entry.nud.map_or(PERMANENT, |nud| nud.0));
        message.header.kind = RouteType::Unspec;
        if self.entry.proxy == Some(true) {
            message.header.flags |= NeighbourFlags::Proxy;
        }
        let attributes = &mut message.attributes;
        attributes.push(NeighbourAttribute::Destination(NeighbourAddress::from(self.to)));
        attributes.extend(
            self.entry
                .lladdr
                .map(|mac| NeighbourAttribute::LinkLayerAddress(mac.0.to_vec())),
        );
        Ok(message)
    }
}

impl Operation for Change {
    fn title(&self) -> String {
        match self {
            Change::Add(neighbour) => format!("neigh add {}", neighbour.to),
            Change::Replace(neighbour) => format!("neigh replace {}", neighbour.to),
            Change::Del(neighbour) => format!("neigh del {}", neighbour.to),
            Change::Flush(_) => "neigh flush".into(),
        }
    }

    fn spell(&self, netns: &NsName) -> String {
        match self {
            Change::Add(neighbour) => ip(netns, neighbour.words("add")),
            Change::Replace(neighbour) => ip(netns, neighbour.words("replace")),
            Change::Del(neighbour) => ip(netns, neighbour.words("del")),
            Change::Flush(among) => {
                let family = among.family.map(|family| match family {
                    Family::Inet => "-4",
                    Family::Inet6 => "-6",
                });
                // `ip` wants to be told what to flush.
                let which = match &among.dev {
                    Some(dev) => vec!["dev", dev.as_str()],
                    None => vec!["all"],
                };
                ip(netns, family.into_iter().chain(["neigh", "flush"]).chain(which))
            }
        }
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let space = world.space(netns)?;
        let put = |neighbour: &Neighbour, flags| {
            let message = neighbour.message(world, netns)?;
            space.change(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | flags)
        };
        match self {
            Change::Add(neighbour) => put(neighbour, NLM_F_EXCL).map_err(|problem| match problem.errno {
                Some(Errno::EEXIST) => {
                    problem.help(format!("there is one already; to change it: {netns}.neigh.replace(…)"))
                }
                _ => problem,
            }),
            Change::Replace(neighbour) => put(neighbour, NLM_F_REPLACE),
            Change::Del(neighbour) => {
                let message = neighbour.message(world, netns)?;
                space.change(RouteNetlinkMessage::DelNeighbour(message), 0)
            }
            Change::Flush(among) => {
                for message in table(world, netns, among)? {
                    let is_kept = u16::from(message.header.state) & (PERMANENT | NOARP) != 0;
                    if is_kept {
                        continue;
                    }
                    match space.change(RouteNetlinkMessage::DelNeighbour(message), 0) {
                        // Expired meanwhile.
                        Err(problem) if problem.errno == Some(Errno::ENOENT) => {}
                        other => other?,
                    }
                }
                Ok(())
            }
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

/// A neighbour, with the fields of `ip -j neigh`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NeighFact {
    /// Its address.
    pub dst: String,
    /// The device it is on; absent where it was asked for by device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Its link-layer address, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lladdr: Option<String>,
    /// Whether it is a router.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub router: bool,
    /// Whether this host answers in its stead.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub proxy: bool,
    /// Whether a program or a device learnt it.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub extern_learn: bool,
    /// Whether a device forwards to it by itself.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub offload: bool,
    /// How sure the kernel is: REACHABLE, STALE, PERMANENT …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<String>,
    /// Who made the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

impl NeighFact {
    fn new(message: &NeighbourMessage, links: &Links, is_of_one_device: bool) -> NeighFact {
        let flags = message.header.flags;
        let state = u16::from(message.header.state);
        let mut fact = NeighFact {
            dev: (!is_of_one_device).then(|| links.name(message.header.ifindex)),
            router: flags.contains(NeighbourFlags::Router),
            proxy: flags.contains(NeighbourFlags::Proxy),
            extern_learn: flags.contains(NeighbourFlags::ExtLearned),
            offload: flags.contains(NeighbourFlags::Offloaded),
            state: STATES
                .iter()
                .filter(|(_, bit)| state & bit != 0)
                .map(|(name, _)| name.to_uppercase())
                .collect(),
            ..NeighFact::default()
        };
        for attribute in &message.attributes {
            match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(to)) => fact.dst = to.to_string(),
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(to)) => {
                    fact.dst = names::address((*to).into());
                }
                NeighbourAttribute::LinkLayerAddress(bytes) => fact.lladdr = Some(names::hex(bytes)),
                NeighbourAttribute::Protocol(by) if u8::from(*by) != 0 => {
                    fact.protocol = Some(PROTOCOLS.name(u8::from(*by).into()));
                }
                _ => {}
            }
        }
        fact
    }
}

impl fmt::Display for NeighFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.dst)?;
        for (word, value) in [("dev", &self.dev), ("lladdr", &self.lladdr)] {
            if let Some(value) = value {
                write!(f, "{word} {value} ")?;
            }
        }
        let flags = [
            ("router", self.router),
            ("proxy", self.proxy),
            ("extern_learn", self.extern_learn),
            ("offload", self.offload),
        ];
        for (word, _) in flags.into_iter().filter(|(_, is_set)| *is_set) {
            write!(f, "{word} ")?;
        }
        for state in &self.state {
            write!(f, "{state} ")?;
        }
        self.protocol.as_ref().map_or(Ok(()), |by| write!(f, "proto {by} "))
    }
}
