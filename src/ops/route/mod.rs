//! `route`: the routing tables.

pub(super) mod causes;
mod change;
mod command;
pub mod fact;
mod inverse;

use std::net::IpAddr;

use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteType as Answered};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::link;
use super::names::{Links, TABLES};
use super::value::{Value, not_wanted};
use super::words::number_or_text;
use super::{
    Act, Answer, Args, IfName, Inverse, Noun, Operation, Options, Place, Prefix, Shape, Typed, Verb, World, ip,
};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;
use crate::options;

pub use change::{NextHop, Proto, RouteType, Way};
pub use fact::{Family, Table};
pub use inverse::{defaults, through};

/// A change of the routing tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `ip route add PREFIX …`: a new route.
    Add(Route),
    /// `ip route replace PREFIX …`: a route, new or in place of the one there is.
    Replace(Route),
    /// `ip route del PREFIX …`: the route to this destination that fits what is given.
    Del(Route),
    /// `ip route flush …`: all routes of a table.
    Flush(Among),
}

/// A route: a destination and the way there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub to: Prefix,
    /// How.
    pub way: Way,
}

impl Typed for Table {
    const WANTS: &'static str = "the number of a table, or \"main\", \"local\", \"default\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Int(n) => u32::try_from(*n)
                .ok()
                .filter(|n| *n > 0)
                .map(Table::Id)
                .ok_or_else(|| not_wanted::<Self>(value)),
            Value::Str(text) => text.parse().map_err(|_| not_wanted::<Self>(value)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self {
            Table::All => "all".into(),
            Table::Id(id) => TABLES.name(*id),
        }
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

impl Family {
    /// The family of an address.
    pub fn of(address: &IpAddr) -> Family {
        if address.is_ipv4() { Family::Inet } else { Family::Inet6 }
    }

    /// As netlink has it.
    pub fn netlink(self) -> AddressFamily {
        match self {
            Family::Inet => AddressFamily::Inet,
            Family::Inet6 => AddressFamily::Inet6,
        }
    }

    /// The option that `ip` wants before the object, where it would take IPv4.
    pub fn option(self) -> Option<&'static str> {
        (self == Family::Inet6).then_some("-6")
    }
}

impl Typed for Family {
    const WANTS: &'static str = "\"inet\" or \"inet6\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "inet" => Ok(Family::Inet),
            Value::Str(text) if text == "inet6" => Ok(Family::Inet6),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self {
            Family::Inet => "inet",
            Family::Inet6 => "inet6",
        }
        .into()
    }
}

options! {
    /// Which routes: the keys of `route show` and `route flush`.
    pub struct Among {
        /// routes of this table; main if not given
        table: Table,
        /// routes out of this device
        dev: IfName,
        /// routes of this family; inet if not given, both with table \"all\"
        family: Family,
    }
}

options! {
    /// The keys of `route get`.
    struct From {
        /// the source address of the packet
        from: IpAddr,
        /// the device it came in on
        iif: IfName,
        /// the device it must go out of
        oif: IfName,
        /// its firewall mark
        mark: u32,
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "route",
    place: Place::Namespace,
    doc: "The routing tables.",
    verbs: &[ADD, REPLACE, DEL, FLUSH, SHOW, GET],
    commands: command::COMMANDS,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "PREFIX",
    keys: &[Way::KEYS],
    doc: "Adds a route: to `default`, a prefix, or one address.

`ip route add PREFIX via ADDRESS dev DEV …`

```rhai
host.addr.add(\"10.1.1.10/24\", #{ dev: \"lo\" });
host.route.add(\"10.66.0.0/16\", #{ type: \"blackhole\" });
host.route.add(\"10.9.0.0/16\", #{ dev: \"lo\", metric: 50 });
assert_eq(host.route.get(\"10.9.1.1\").dev, \"lo\");
```",
    act: Act::Change(|args| Ok(super::Change::Route(Change::Add(route(args)?)))),
};

const REPLACE: Verb = Verb {
    name: "replace",
    usage: "PREFIX",
    keys: &[Way::KEYS],
    doc: "Adds a route, or puts it in the place of the one to the same destination.

`ip route replace PREFIX …`

```rhai
host.route.replace(\"10.9.0.0/16\", #{ dev: \"lo\" });
host.route.replace(\"10.9.0.0/16\", #{ type: \"unreachable\" });
assert_eq(host.route.show().map(|r| r.type), [\"unreachable\"]);
```",
    act: Act::Change(|args| Ok(super::Change::Route(Change::Replace(route(args)?)))),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "PREFIX",
    keys: &[Way::KEYS],
    doc: "Deletes the route to a destination; keys say which, where there are several.

`ip route del PREFIX …`

```rhai
host.route.add(\"10.9.0.0/16\", #{ dev: \"lo\" });
host.route.del(\"10.9.0.0/16\");
assert_eq(host.route.show(), []);
```",
    act: Act::Change(|mut args| {
        let to = args.required("the destination")?;
        let way = Way::take(&mut args)?;
        args.finish(Way::KEYS)?;
        way.check_table()?;
        Ok(super::Change::Route(Change::Del(Route { to, way })))
    }),
};

const FLUSH: Verb = Verb {
    name: "flush",
    usage: "",
    keys: &[Among::KEYS],
    doc: "Deletes the routes of a table, or those out of one device.

`ip route flush table TABLE dev DEV`

```rhai
host.route.add(\"10.9.0.0/16\", #{ dev: \"lo\" });
host.route.flush();
assert_eq(host.route.show(), []);
```",
    act: Act::Change(|mut args| {
        let among = Among::take(&mut args)?;
        args.finish(Among::KEYS)?;
        Ok(super::Change::Route(Change::Flush(among)))
    }),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "",
    keys: &[Among::KEYS],
    doc: "The routes, with the fields of `ip -j route`.

`ip route show table TABLE dev DEV`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.addr.add(\"10.1.1.1/24\", #{ dev: \"br0\" });
assert_eq(host.route.show()[0].dst, \"10.1.1.0/24\");
assert_eq(host.route.show()[0].protocol, \"kernel\");
```",
    act: Act::Ask(show),
};

const GET: Verb = Verb {
    name: "get",
    usage: "ADDRESS",
    keys: &[From::KEYS],
    doc: "The kernel's own decision: the route that a packet to this address would take.

`ip route get ADDRESS`

```rhai
assert_eq(host.route.get(\"127.0.0.1\").dev, \"lo\");
```",
    act: Act::Ask(get),
};

fn route(mut args: Args) -> Result<Route> {
    let to = args.required("the destination")?;
    let way = Way::take(&mut args)?;
    args.finish(Way::KEYS)?;
    way.check()?;
    Ok(Route { to, way })
}

/// The index of the device that an option names.
fn index_at(world: &World, netns: &NsName, dev: &IfName, key: &str) -> Result<u32> {
    link::index(world, netns, dev).map_err(|p| p.at(Part::Key(key.into())))
}

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let among = Among::take(&mut args)?;
    args.finish(Among::KEYS)?;
    let space = world.space(netns)?;
    let filter = fact::Filter {
        family: among.family,
        table: among.table.unwrap_or_default(),
    };
    let mut routes = fact::all(&world.kernel, &space, &filter)?;
    if let Some(dev) = &among.dev {
        index_at(world, netns, dev, "dev")?;
        routes.retain(|route| route.dev.as_deref() == Some(dev.as_str()));
        // What was asked for is not said again.
        routes.iter_mut().for_each(|route| route.dev = None);
    }
    Ok(Answer::Many(
        Shape::Route,
        routes.iter().map(super::fact::json).collect(),
    ))
}

fn get(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let to: IpAddr = args.required("the address")?;
    let from = From::take(&mut args)?;
    args.finish(From::KEYS)?;
    let mut words = vec!["route".into(), "get".into(), to.to_string()];
    words.extend(from.words());
    match decision(world, netns, to, &from) {
        Ok(route) => Ok(Answer::One(Shape::Route, super::fact::json(&route))),
        Err(mut problem) => {
            problem.message = format!("route get {to} in {netns}: {}", problem.message.to_lowercase());
            Err(problem.during(ip(netns, words), netns.as_str()))
        }
    }
}

/// The kernel's own decision about a packet that begins in a namespace.
pub(super) fn decide(world: &World, netns: &NsName, to: IpAddr) -> Result<fact::RouteFact> {
    decision(world, netns, to, &From::default())
}

/// Whether packets to an address stay here: it is the namespace's own.
pub(super) fn is_own(world: &World, netns: &NsName, address: IpAddr) -> bool {
    decided(world, netns, address, &From::default()).is_ok_and(|route| route.header.kind == Answered::Local)
}

fn decision(world: &World, netns: &NsName, to: IpAddr, from: &From) -> Result<fact::RouteFact> {
    let route = decided(world, netns, to, from)?;
    let space = world.space(netns)?;
    Ok(fact::from_message(&route, &Links::read(&space)?, Table::All))
}

/// Which route the kernel takes.
fn decided(world: &World, netns: &NsName, to: IpAddr, from: &From) -> Result<RouteMessage> {
    let mut message = RouteMessage::default();
    message.header.address_family = Family::of(&to).netlink();
    message.header.destination_prefix_length = if to.is_ipv4() { 32 } else { 128 };
    message.attributes.push(RouteAttribute::Destination(to.into()));
    if let Some(source) = from.from {
        message.header.source_prefix_length = message.header.destination_prefix_length;
        message.attributes.push(RouteAttribute::Source(source.into()));
    }
    if let Some(dev) = &from.iif {
        message
            .attributes
            .push(RouteAttribute::Iif(index_at(world, netns, dev, "iif")?));
    }
    if let Some(dev) = &from.oif {
        message
            .attributes
            .push(RouteAttribute::Oif(index_at(world, netns, dev, "oif")?));
    }
    message.attributes.extend(from.mark.map(RouteAttribute::Mark));
    let answer = world.space(netns)?.ask(RouteNetlinkMessage::GetRoute(message))?;
    let route = answer.into_iter().find_map(|message| match message {
        RouteNetlinkMessage::NewRoute(route) => Some(route),
        _ => None,
    });
    route.ok_or_else(|| Problem::kernel(Errno::ENODATA, ""))
}

impl Operation for Change {
    fn title(&self) -> String {
        match self {
            Change::Add(route) => format!("route add {}", route.to.spell()),
            Change::Replace(route) => format!("route replace {}", route.to.spell()),
            Change::Del(route) => format!("route del {}", route.to.spell()),
            Change::Flush(_) => "route flush".into(),
        }
    }

    fn spell(&self, netns: &NsName) -> String {
        let route = |verb: &str, route: &Route| {
            let mut words = vec!["route".to_string(), verb.to_string()];
            words.extend(route.words());
            ip(netns, words)
        };
        match self {
            Change::Add(new) => route("add", new),
            Change::Replace(new) => route("replace", new),
            Change::Del(old) => route("del", old),
            Change::Flush(among) => {
                let family = among.family.map(|family| match family {
                    Family::Inet => "-4".to_string(),
                    Family::Inet6 => "-6".to_string(),
                });
                let mut words: Vec<String> = family.into_iter().collect();
                words.extend(["route".into(), "flush".into()]);
                let rest = Among {
                    table: among.table.or(Some(Table::MAIN)),
                    family: None,
                    dev: among.dev.clone(),
                };
                words.extend(rest.words());
                ip(netns, words)
            }
        }
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        match self {
            Change::Add(route) => route.add(world, netns),
            Change::Replace(route) => route.replace(world, netns),
            Change::Del(route) => route.delete(world, netns),
            Change::Flush(among) => change::flush(world, netns, among),
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}
