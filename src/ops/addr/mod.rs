//! `addr`: the addresses of devices.

pub(super) mod causes;
mod command;
pub mod fact;
mod inverse;

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

pub use inverse::{additions, of_device};

use super::link;
use super::types::Flag;
use super::value::{Value, not_wanted};
use super::words::number_or_text;
use super::world::Coming;
use super::{Act, Answer, Args, Cidr, IfName, Inverse, Noun, Operation, Options, Place, Shape, Typed, Verb, World, ip};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;
use crate::options;

pub(super) use command::mask;

/// A change of a device's addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `ip addr add ADDR dev DEV …`.
    Add {
        /// The address with its prefix length.
        address: Cidr,
        /// Where it goes and how.
        options: New,
    },
    /// `ip addr replace ADDR dev DEV …`.
    Replace {
        /// The address with its prefix length.
        address: Cidr,
        /// Where it goes and how.
        options: New,
    },
    /// `ip addr del ADDR dev DEV`.
    Del {
        /// The address with its prefix length.
        address: Cidr,
        /// Which one it is.
        options: Old,
    },
    /// `ip addr flush dev DEV`.
    Flush {
        /// The device that loses its addresses.
        dev: IfName,
    },
}

options! {
    /// The keys of `addr add` and `addr replace`.
    pub struct New {
        /// the address of the other end of a point-to-point link
        peer: Cidr,
        /// the broadcast address; \"+\" and \"-\" make it from the prefix, host bits all one or all zero
        broadcast: Broadcast,
        /// how far the address is valid: global, link, host, site
        scope: Scope,
        /// a name for the address; the device's name alone or followed by `:` and more
        label: String,
        /// IPv6: no duplicate address detection, usable at once
        nodad: Flag,
        /// the device that gets it
        dev: IfName,
    }
}

options! {
    /// The keys of `addr del`.
    pub struct Old {
        /// the address of the other end, where it was added with one
        peer: Cidr,
        /// the device that has it
        dev: IfName,
    }
}

options! {
    /// The one key of `addr flush` and `addr show`.
    pub struct On {
        /// the device
        dev: IfName,
    }
}

/// A broadcast address, given or made from the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Broadcast {
    /// This one.
    Address(Ipv4Addr),
    /// The prefix with all host bits one: `+`.
    Ones,
    /// The prefix with all host bits zero: `-`.
    Zeros,
}

impl Typed for Broadcast {
    const WANTS: &'static str = "an IPv4 address, \"+\" or \"-\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "+" => Ok(Broadcast::Ones),
            Value::Str(text) if text == "-" => Ok(Broadcast::Zeros),
            Value::Str(text) => text
                .parse()
                .map(Broadcast::Address)
                .map_err(|_| not_wanted::<Self>(value)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self {
            Broadcast::Address(address) => address.to_string(),
            Broadcast::Ones => "+".into(),
            Broadcast::Zeros => "-".into(),
        }
    }
}

impl Broadcast {
    /// The address that it is in `subnet`; a subnet of two addresses or one has no room for it.
    fn of(self, subnet: &Cidr) -> Option<Ipv4Addr> {
        let ipnet::IpNet::V4(net) = subnet.0 else { return None };
        match self {
            Broadcast::Address(address) => Some(address),
            _ if net.prefix_len() > 30 => None,
            Broadcast::Ones => Some(net.broadcast()),
            Broadcast::Zeros => Some(net.network()),
        }
    }
}

/// How far an address or a route is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(pub u8);

const SCOPES: [(&str, u8); 5] = [
    ("global", 0),
    ("site", 200),
    ("link", 253),
    ("host", 254),
    ("nowhere", 255),
];

impl Typed for Scope {
    const WANTS: &'static str = "\"global\", \"site\", \"link\", \"host\", or a number to 255";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Int(n) => u8::try_from(*n).map(Scope).map_err(|_| not_wanted::<Self>(value)),
            Value::Str(text) => SCOPES
                .iter()
                .find(|(name, _)| name == text)
                .map(|(_, scope)| Scope(*scope))
                .ok_or_else(|| not_wanted::<Self>(value)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        SCOPES
            .iter()
            .find(|(_, scope)| *scope == self.0)
            .map_or_else(|| self.0.to_string(), |(name, _)| name.to_string())
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "addr",
    place: Place::Namespace,
    doc: "The addresses of devices.",
    verbs: &[ADD, REPLACE, DEL, FLUSH, SHOW],
    commands: command::COMMANDS,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "ADDR/PREFIX",
    keys: &[New::KEYS],
    doc:
        "Gives a device an address. The prefix length says which subnet the address is in; the kernel adds that subnet's
route by itself.

`ip addr add ADDR/PREFIX dev DEV`

```rhai
host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
host.addr.add(\"fd00::1/64\", #{ dev: \"lo\", nodad: true });
assert(host.ping(\"10.0.0.1\").ok, \"an address of lo answers\");
```",
    act: Act::Change(|args| new(args).map(|(address, options)| super::Change::Addr(Change::Add { address, options }))),
};

const REPLACE: Verb = Verb {
    name: "replace",
    usage: "ADDR/PREFIX",
    keys: &[New::KEYS],
    doc: "Gives a device an address, whether it has it or not: a script that runs twice does no harm. Of an address that is
there, what the kernel can change is changed.

`ip addr replace ADDR/PREFIX dev DEV`

```rhai
host.addr.replace(\"10.0.0.1/24\", #{ dev: \"lo\" });
host.addr.replace(\"10.0.0.1/24\", #{ dev: \"lo\" });
let local = host.addr.show(#{ dev: \"lo\" })[0].addr_info.map(|a| a.local);
assert_eq(local.filter(|a| a == \"10.0.0.1\").len(), 1, \"it is there once\");
```",
    act: Act::Change(|args| {
        new(args).map(|(address, options)| super::Change::Addr(Change::Replace { address, options }))
    }),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "ADDR/PREFIX",
    keys: &[Old::KEYS],
    doc: "Takes an address from a device. One that was added with a peer is told by both.

`ip addr del ADDR/PREFIX dev DEV`

```rhai
host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
host.addr.del(\"10.0.0.1/24\", #{ dev: \"lo\" });
assert(!host.ping(\"10.0.0.1\").ok, \"it is gone\");
```",
    act: Act::Change(|mut args| {
        let address = args.required("the address")?;
        let options = Old::take(&mut args)?;
        args.finish(Old::KEYS)?;
        if options.dev.is_none() {
            return Err(no_dev());
        }
        Ok(super::Change::Addr(Change::Del { address, options }))
    }),
};

const FLUSH: Verb = Verb {
    name: "flush",
    usage: "",
    keys: &[On::KEYS],
    doc: "Takes all addresses from a device.

`ip addr flush dev DEV`

```rhai
host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
host.addr.flush(#{ dev: \"lo\" });
assert_eq(host.addr.show(#{ dev: \"lo\" })[0].addr_info, []);
```",
    act: Act::Change(|args| {
        Ok(super::Change::Addr(Change::Flush {
            dev: required_dev(args)?,
        }))
    }),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "",
    keys: &[On::KEYS],
    doc: "The devices with their addresses, with the fields of `ip -j addr`: all, or the one that `dev` names.

`ip addr show`

```rhai
host.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
let local = host.addr.show(#{ dev: \"lo\" })[0].addr_info.map(|a| a.local);
assert(local.contains(\"10.0.0.1\"), \"lo has it\");
```",
    act: Act::Ask(show),
};

/// An address and how a device gets it.
fn new(mut args: Args) -> Result<(Cidr, New)> {
    let address: Cidr = args.required("the address")?;
    let options = New::take(&mut args)?;
    args.finish(New::KEYS)?;
    if options.dev.is_none() {
        return Err(no_dev());
    }
    if options.broadcast.is_some() && address.0.addr().is_ipv6() {
        return Err(Problem::argument("`broadcast` is of IPv4; IPv6 has none").at(Part::Key("broadcast".into())));
    }
    if options
        .peer
        .is_some_and(|peer| peer.0.addr().is_ipv4() != address.0.addr().is_ipv4())
    {
        return Err(Problem::argument("`peer` must be of the address's own family").at(Part::Key("peer".into())));
    }
    Ok((address, options))
}

fn no_dev() -> Box<Problem> {
    Problem::argument("`dev` is missing: the device").help("for instance #{ dev: \"eth0\" }")
}

fn required_dev(mut args: Args) -> Result<IfName> {
    let on = On::take(&mut args)?;
    args.finish(On::KEYS)?;
    on.dev.ok_or_else(no_dev)
}

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let on = On::take(&mut args)?;
    args.finish(On::KEYS)?;
    let space = world.space(netns)?;
    let mut links = fact::all(&world.kernel, &space)?;
    if let Some(dev) = &on.dev {
        links.retain(|link| link.link.ifname == dev.as_str());
        if links.is_empty() {
            let op = ip(netns, ["addr", "show", "dev", dev.as_str()]);
            let problem = link::no_such_device(world, netns, dev).at(Part::Key("dev".into()));
            return Err(problem.during(op, netns.as_str()));
        }
    }
    Ok(Answer::Many(Shape::Addr, links.iter().map(super::fact::json).collect()))
}

impl Operation for Change {
    fn title(&self) -> String {
        match self {
            Change::Add { address, .. } => format!("addr add {}", address.spell()),
            Change::Replace { address, .. } => format!("addr replace {}", address.spell()),
            Change::Del { address, .. } => format!("addr del {}", address.spell()),
            Change::Flush { dev } => format!("addr flush {dev}"),
        }
    }

    fn spell(&self, netns: &NsName) -> String {
        let mut words = vec!["addr".to_string()];
        match self {
            Change::Add { address, options } => {
                words.extend(["add".into(), address.spell()]);
                words.extend(options.words());
            }
            Change::Replace { address, options } => {
                words.extend(["replace".into(), address.spell()]);
                words.extend(options.words());
            }
            Change::Del { address, options } => {
                words.extend(["del".into(), address.spell()]);
                words.extend(options.words());
            }
            Change::Flush { dev } => words.extend(["flush".into(), "dev".into(), dev.to_string()]),
        }
        ip(netns, words)
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let index = |dev: &IfName| link::index(world, netns, dev).map_err(|p| p.at(Part::Key("dev".into())));
        let space = world.space(netns)?;
        let put = |address: &Cidr, options: &New, flags| {
            let dev = options.dev.as_ref().ok_or_else(no_dev)?;
            let message = message(address, options, index(dev)?);
            let put = space.change(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | flags);
            let local = address.0.addr();
            if local.is_ipv6() && (options.nodad == Some(Flag(true)) || dev.as_str() == "lo") {
                world.comes(netns, Coming::Address(dev.clone(), local));
            }
            put.map_err(|problem| match problem.errno {
                Some(Errno::EACCES) if address.0.addr().is_ipv6() => {
                    problem.help("IPv6 is switched off here (net.ipv6.conf.*.disable_ipv6)")
                }
                _ => problem,
            })
        };
        match self {
            Change::Add { address, options } => put(address, options, NLM_F_EXCL),
            Change::Replace { address, options } => put(address, options, NLM_F_REPLACE),
            Change::Del { address, options } => {
                let dev = options.dev.as_ref().ok_or_else(no_dev)?;
                let peer = New {
                    peer: options.peer,
                    ..New::default()
                };
                let message = message(address, &peer, index(dev)?);
                let deleted = space.change(RouteNetlinkMessage::DelAddress(message), 0);
                deleted.map_err(|problem| match problem.errno {
                    Some(Errno::EADDRNOTAVAIL) => problem.help(format!(
                        "{dev} has no such address: see addr.show(#{{ dev: \"{dev}\" }})"
                    )),
                    _ => problem,
                })
            }
            Change::Flush { dev } => flush(world, netns, index(dev)?),
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

fn message(address: &Cidr, options: &New, index: u32) -> AddressMessage {
    let local = address.0.addr();
    let mut message = AddressMessage::default();
    message.header.family = if local.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    message.header.index = index;
    // With a peer, the prefix length is that of the peer: the subnet beyond the link.
    let far = options.peer.unwrap_or(*address);
    message.header.prefix_len = far.0.prefix_len();
    let default_scope = match local {
        IpAddr::V4(v4) if v4.is_loopback() => 254,
        _ => 0,
    };
    message.header.scope = AddressScope::from(options.scope.map_or(default_scope, |scope| scope.0));
    if options.nodad == Some(Flag(true)) {
        message.header.flags |= AddressHeaderFlags::Nodad;
    }
    message.attributes.push(AddressAttribute::Local(local));
    message.attributes.push(AddressAttribute::Address(far.0.addr()));
    if let Some(broadcast) = options.broadcast.and_then(|b| b.of(&far)) {
        message.attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    message
        .attributes
        .extend(options.label.clone().map(AddressAttribute::Label));
    message
}

/// Deletes every address of a device. Deleting a primary address may take its secondaries along.
fn flush(world: &World, netns: &NsName, index: u32) -> Result<()> {
    let space = world.space(netns)?;
    for message in space.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        let RouteNetlinkMessage::NewAddress(address) = message else {
            continue;
        };
        if address.header.index != index {
            continue;
        }
        match space.change(RouteNetlinkMessage::DelAddress(address), 0) {
            Err(problem) if problem.errno != Some(Errno::EADDRNOTAVAIL) => return Err(problem),
            _ => {}
        }
    }
    Ok(())
}

/// The first global address of a namespace: what stands for it where an address to reach is wanted.
pub fn first_global(world: &World, netns: &NsName) -> Result<IpAddr> {
    let dumped = world
        .space(netns)?
        .dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))?;
    let global = |message| match message {
        RouteNetlinkMessage::NewAddress(address) if address.header.scope == AddressScope::Universe => {
            let local = address.attributes.iter().find_map(|a| match a {
                AddressAttribute::Local(local) => Some(*local),
                _ => None,
            });
            local.or_else(|| {
                address.attributes.iter().find_map(|a| match a {
                    AddressAttribute::Address(address) => Some(*address),
                    _ => None,
                })
            })
        }
        _ => None,
    };
    dumped.into_iter().find_map(global).ok_or_else(|| {
        Problem::argument(format!("{netns} has no global address"))
            .at(Part::Argument(0))
            .help(format!("give it one: {netns}.addr.add(\"10.0.0.1/24\", #{{ dev: … }})"))
    })
}
