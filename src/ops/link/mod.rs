//! `link`: network devices.

pub(super) mod causes;
mod command;
mod detail;
pub mod fact;
mod find;
mod inverse;
mod kind;
mod queues;
mod settings;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::{Act, Answer, Args, IfName, Inverse, Noun, Operation, Options, Place, Shape, Verb, World, ip};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;

pub use detail::{Detail, details};
pub use find::{Readiness, alias, delete_marked, identity, index, no_such_device, readiness};
use kind::{At, Maker};
pub use kind::{KINDS, Kind};
pub use queues::Queues;
pub use settings::Settings;

/// A change of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `ip link add DEV … type KIND …`.
    Add {
        /// The new device's name.
        dev: IfName,
        /// What it is.
        kind: Kind,
        /// What `link set` could say of it, from birth.
        settings: Settings,
        /// What only its birth can say.
        queues: Queues,
    },
    /// `ip link set DEV …`.
    Set {
        /// Which device.
        dev: IfName,
        /// What it gets, as any device.
        settings: Settings,
        /// What it gets, as one of its kind.
        kind: Option<Kind>,
    },
    /// `ip link del DEV`.
    Del {
        /// Which device.
        dev: IfName,
    },
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "link",
    place: Place::Namespace,
    doc: "Network devices.",
    verbs: &[ADD, SET, DEL, SHOW],
    commands: command::COMMANDS,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "DEV",
    keys: kind::ADD_KEYS,
    doc: "Makes a device. `type` says what it is; the keys of `link set` may be given at birth.

`ip link add DEV … type KIND …`

A veth pair has a `peer`: its name, or a map with its `name` and the `netns` it is born in. Its ends have one queue each way
unless `numtxqueues` and `numrxqueues` say otherwise: the kernel takes longer to make one for each processor.

```rhai
let ns0 = netns::add(\"ns0\");
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 }, master: \"br0\", up: true });
assert_eq(host.link.show(\"veth0\").master, \"br0\");
assert_eq(ns0.link.show(\"eth0\").mtu, 1500);
```",
    act: Act::Change(|mut args| {
        let dev = args.required("the device")?;
        let settings = Settings::take(&mut args)?;
        let queues = Queues::take(&mut args)?;
        let kind = Kind::take_new(&mut args)?;
        kind.finish_args(args, Queues::KEYS)?;
        kind.check()?;
        settings.check_new()?;
        queues.check(&kind)?;
        Ok(super::Change::Link(Change::Add {
            dev,
            kind,
            settings,
            queues,
        }))
    }),
};

const SET: Verb = Verb {
    name: "set",
    usage: "DEV",
    keys: kind::SET_KEYS,
    doc:
        "Changes a device. Several keys in one call are one request (two with `addrgenmode` and `up`, so that the device
has its mode before it comes up).

`ip link set DEV …`, `ip link set DEV type KIND …`

```rhai
let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.link.set(\"veth1\", #{ netns: ns0, name: \"eth0\", mtu: 1400 });
assert_eq(ns0.link.show(\"eth0\").mtu, 1400);
```

With `type` stand the keys of its kind that `link add` has.

```rhai
host.link.add(\"br0\", #{ type: \"bridge\" });
host.link.set(\"br0\", #{ type: \"bridge\", ageing_time: 1000 });
```

An IPv6 address of its own is what a device makes when it comes up, unless it is told otherwise before.

```rhai
host.link.add(\"br0\", #{ type: \"bridge\" });
host.link.set(\"br0\", #{ addrgenmode: \"none\", up: true });
assert_eq(host.addr.show(#{ dev: \"br0\" })[0].addr_info, [], \"no address beginning with fe80\");
```",
    act: Act::Change(|mut args| {
        let dev = args.required("the device")?;
        let settings = Settings::take(&mut args)?;
        let kind = Kind::take(&mut args)?;
        let finished = match &kind {
            Some(kind) => kind.finish_args(args, &[]),
            None => kind::finish_untyped(args),
        };
        finished.map_err(Queues::from_birth)?;
        settings.check()?;
        if settings == Settings::default() && kind.is_none() {
            return Err(
                Problem::argument("link set changes nothing: no key was given").help("for instance #{ up: true }")
            );
        }
        Ok(super::Change::Link(Change::Set { dev, settings, kind }))
    }),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "DEV",
    keys: &[],
    doc: "Deletes a device; of a veth pair, both ends.

`ip link del DEV`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.link.del(\"veth1\");
assert_eq(host.link.show().len(), 1);
```",
    act: Act::Change(|mut args| {
        let dev = args.required("the device")?;
        args.finish(&[])?;
        Ok(super::Change::Link(Change::Del { dev }))
    }),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "[DEV]",
    keys: &[],
    doc: "The devices of the namespace, or the one that is named, with the fields of `ip -j link`.

`ip link show`

```rhai
assert_eq(host.link.show(\"lo\").mtu, 65536);
assert(host.link.show(\"lo\").flags.contains(\"UP\"), \"host has lo up\");
assert(!netns::add(\"ns0\").link.show(\"lo\").flags.contains(\"UP\"), \"a new netns has lo down\");
```",
    act: Act::Ask(show),
};

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let dev: Option<IfName> = args.next("the device")?;
    args.finish(&[])?;
    let space = world.space(netns)?;
    let mut links = fact::all(&world.kernel, &space)?;
    let Some(dev) = dev else {
        return Ok(Answer::Many(Shape::Link, links.iter().map(super::fact::json).collect()));
    };
    match links.iter().position(|link| link.ifname == dev.as_str()) {
        Some(at) => Ok(Answer::One(Shape::Link, super::fact::json(&links.swap_remove(at)))),
        None => {
            let words = ["link".to_string(), "show".to_string()];
            let op = ip(netns, words.into_iter().chain(told("dev", &dev)));
            Err(no_such_device(world, netns, &dev).during(op, netns.as_str()))
        }
    }
}

impl Change {
    pub(super) fn lo_up() -> Change {
        let lo = "lo".parse().expect("lo is a device's name");
        Change::Set {
            dev: lo,
            settings: Settings {
                up: Some(settings::State(true)),
                ..Settings::default()
            },
            kind: None,
        }
    }
}

impl Operation for Change {
    fn title(&self) -> String {
        match self {
            Change::Add { dev, .. } => format!("link add {dev}"),
            Change::Set { dev, .. } => format!("link set {dev}"),
            Change::Del { dev } => format!("link del {dev}"),
        }
    }

    fn spell(&self, netns: &NsName) -> String {
        if let Change::Add {
            dev, kind, settings, ..
        } = self
            && let Some(maker) = kind.maker()
        {
            return made(netns, dev, maker, settings);
        }
        let mut words = vec!["link".to_string()];
        let (later, born_in, born_as) = match self {
            Change::Add {
                dev,
                kind,
                settings,
                queues,
            } => {
                let (first, later) = settings.apart(Some(kind));
                words.push("add".into());
                words.extend(kind.lower_words());
                words.extend(told("name", dev));
                words.extend(first.words());
                words.extend(queues.words());
                words.extend(kind.words());
                (later, settings.netns.as_ref(), dev)
            }
            Change::Set { dev, settings, kind } => {
                let (first, later) = settings.apart(None);
                words.push("set".into());
                words.extend(kind.iter().flat_map(Kind::lower_words));
                words.extend(told("dev", dev));
                words.extend(first.words());
                words.extend(kind.iter().flat_map(Kind::words));
                (later, settings.netns.as_ref(), settings.name.as_ref().unwrap_or(dev))
            }
            Change::Del { dev } => {
                words.push("del".into());
                words.extend(told("dev", dev));
                (None, None, dev)
            }
        };
        let first = ip(netns, words);
        let Some(settings) = later else { return first };
        let dev = born_as.clone();
        let kind = None;
        let second = Change::Set { dev, settings, kind }.spell(born_in.unwrap_or(netns));
        format!("{first} && {second}")
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        match self {
            Change::Add {
                dev,
                kind,
                settings,
                queues,
            } => {
                add(world, netns, dev, kind, settings, queues)?;
                settings.note_rise(world, netns, dev);
                Ok(())
            }
            Change::Set { dev, settings, kind } => {
                set(world, netns, dev, settings, kind.as_ref())?;
                settings.note_rise(world, netns, dev);
                Ok(())
            }
            Change::Del { dev } => {
                let message = named(dev);
                let deleted = world.space(netns)?.change(RouteNetlinkMessage::DelLink(message), 0);
                deleted.map_err(|problem| found_or_not(problem, world, netns, dev))
            }
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

impl Change {
    /// The other end of a pair that it makes, and the namespace that is born in.
    pub fn peer<'a>(&'a self, netns: &'a NsName) -> Option<(&'a NsName, &'a IfName)> {
        let Change::Add { kind, .. } = self else { return None };
        let (name, there) = kind.peer()?;
        Some((there.unwrap_or(netns), name))
    }

    /// Gives a device an alias.
    pub fn with_alias(dev: &IfName, alias: &str) -> Change {
        let settings = Settings {
            alias: Some(alias.to_string()),
            ..Settings::default()
        };
        Change::Set {
            dev: dev.clone(),
            settings,
            kind: None,
        }
    }
}

/// A device as `ip link` is told it: behind a word that says so where its name could be another word of `ip`'s, whole or
/// cut short. None of those has a digit.
fn told(word: &str, dev: &IfName) -> Vec<String> {
    let is_plain = dev.as_str() == "lo" || dev.as_str().contains(|c: char| c.is_ascii_digit());
    let word = (!is_plain).then(|| word.to_string());
    word.into_iter().chain([dev.to_string()]).collect()
}

/// How `ip` is told of a device that is made in a way of its own: first that it is made, then what it gets.
fn made(netns: &NsName, dev: &IfName, maker: &dyn Maker, settings: &Settings) -> String {
    let (there, settings) = settings.where_born(netns);
    let first = ip(there, maker.spell(dev));
    if settings == Settings::default() {
        return first;
    }
    let dev = dev.clone();
    let kind = None;
    format!("{first} && {}", Change::Set { dev, settings, kind }.spell(there))
}

/// A message about the device with this name: the kernel looks it up itself.
fn named(dev: &IfName) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(dev.to_string()));
    message
}

fn add(world: &World, netns: &NsName, dev: &IfName, kind: &Kind, settings: &Settings, queues: &Queues) -> Result<()> {
    if let Some(maker) = kind.maker() {
        let (there, later) = settings.where_born(netns);
        let alias = Settings {
            alias: settings.alias.clone().filter(|_| world.owner.is_some()),
            ..Settings::default()
        };
        let mark = || match alias.alias {
            Some(_) => request(world, there, dev, &alias, None),
            None => Ok(()),
        };
        maker.make(&*world.space(there)?, dev, &mark)?;
        return set_or_del(world, there, dev, &later);
    }
    let (birth, later) = settings.at_birth_and_after(kind.has_no_carrier());
    let mut message = named(dev);
    let at = At::new(world, netns, dev, true);
    birth.put(&mut message, &at)?;
    message.attributes.extend(kind.completed(queues).attributes());
    // The kernel takes no alias at birth. Until there is one, the group is the mark.
    let group = world.owner.as_ref().map(|owner| owner.mark().group);
    message.attributes.extend(group.map(LinkAttribute::Group));
    kind.put(&mut message, &at)?;
    let space = world.space(netns)?;
    let made = space.change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL);
    made.map_err(|problem| match problem.errno {
        Some(Errno::EOPNOTSUPP) => kind.missing(problem),
        _ => problem,
    })?;
    let born_in = settings.netns.as_ref().unwrap_or(netns);
    later.map_or(Ok(()), |later| set_or_del(world, born_in, dev, &later))
}

/// Says the rest of a device that was just made. Half a device is worse than none.
fn set_or_del(world: &World, netns: &NsName, dev: &IfName, settings: &Settings) -> Result<()> {
    if *settings == Settings::default() {
        return Ok(());
    }
    set(world, netns, dev, settings, None).inspect_err(|_| {
        if let Ok(space) = world.space(netns) {
            let _ = space.change(RouteNetlinkMessage::DelLink(named(dev)), 0);
        }
    })
}

fn set(world: &World, netns: &NsName, dev: &IfName, settings: &Settings, kind: Option<&Kind>) -> Result<()> {
    let (before, rise) = settings.before_rise_and_rise();
    request(world, netns, dev, &before, kind)?;
    let Some(rise) = rise else {
        return Ok(());
    };
    let there = settings.netns.as_ref().unwrap_or(netns);
    request(world, there, settings.name.as_ref().unwrap_or(dev), &rise, None)
}

fn request(world: &World, netns: &NsName, dev: &IfName, settings: &Settings, kind: Option<&Kind>) -> Result<()> {
    let space = world.space(netns)?;
    let mut message = LinkMessage::default();
    match &settings.name {
        // A name in the message is the new one, so the device is told by its index.
        Some(name) => {
            message.header.index = index(world, netns, dev)?;
            message.attributes.push(LinkAttribute::IfName(name.to_string()));
        }
        None => message = named(dev),
    }
    let at = At::new(world, netns, dev, false);
    settings.put(&mut message, &at)?;
    // The alias is the mark from here on.
    if let (Some(alias), Some(owner)) = (&settings.alias, &world.owner)
        && owner.mark().is_in(alias)
    {
        message.attributes.push(LinkAttribute::Group(0));
    }
    if let Some(kind) = kind {
        kind.put(&mut message, &at)?;
    }
    let changed = space.change(RouteNetlinkMessage::NewLink(message), 0);
    changed.map_err(|problem| match problem.errno {
        Some(Errno::EOPNOTSUPP) if kind.is_some() => problem
            .at(Part::Key("type".into()))
            .help(format!("{dev} is of another type: `ip -d link show {dev}` says which")),
        _ => found_or_not(problem, world, netns, dev),
    })
}

/// Where the kernel found no such device, says where it is instead.
fn found_or_not(problem: Box<Problem>, world: &World, netns: &NsName, dev: &IfName) -> Box<Problem> {
    match problem.errno {
        Some(Errno::ENODEV) if problem.mistake.is_none() && index(world, netns, dev).is_err() => {
            no_such_device(world, netns, dev)
        }
        _ => problem,
    }
}
