//! What is behind a device that could not be made, renamed, moved or made a port; and which line made or moved it.

use super::fact::{self, LinkFact};
use super::{Change, Kind, find};
use crate::error::{Mend, Part, Problem};
use crate::netns::NsName;
use crate::ops::causes::Scene;
use crate::ops::{Change as Any, IfName, Op, World, handle};

impl Change {
    /// Whether it takes this device down, or away from its namespace.
    pub(in crate::ops) fn puts_down(&self, name: &str) -> bool {
        match self {
            Change::Set { dev, settings, .. } => dev.as_str() == name && settings.is_up() == Some(false),
            _ => false,
        }
    }

    /// The devices that the change brought into being, or under a new name, or to a new place: where, what, and how.
    fn brought(&self, netns: &NsName) -> Vec<(NsName, IfName, &'static str)> {
        match self {
            Change::Add {
                dev, kind, settings, ..
            } => {
                let here = settings.netns.as_ref().unwrap_or(netns);
                let peer = kind
                    .peer()
                    .map(|(name, there)| (there.unwrap_or(netns).clone(), name.clone(), "made"));
                std::iter::once((here.clone(), dev.clone(), "made"))
                    .chain(peer)
                    .collect()
            }
            Change::Set { dev, settings, .. } => {
                let name = settings.name.as_ref().unwrap_or(dev).clone();
                match (&settings.netns, &settings.name) {
                    (Some(there), _) => vec![(there.clone(), name, "moved there")],
                    (None, Some(_)) => vec![(netns.clone(), name, "renamed")],
                    (None, None) => Vec::new(),
                }
            }
            Change::Del { .. } => Vec::new(),
        }
    }
}

/// How a device came to be where it is, and under its name: `made at line 3`.
pub(in crate::ops) fn origin(world: &World, netns: &NsName, dev: &str) -> Option<String> {
    let brought = |op: &Op| match &op.change {
        Any::Link(change) => {
            let mut brought = change.brought(&op.netns).into_iter();
            brought
                .find(|(there, name, _)| there == netns && name.as_str() == dev)
                .map(|(_, _, how)| how)
        }
        _ => None,
    };
    world.history.last(brought).map(|(how, line)| format!("{how} {line}"))
}

/// What took a device away from a namespace: `moved to ns0 at line 7`.
pub(super) fn departure(world: &World, netns: &NsName, dev: &IfName) -> Option<String> {
    let took = |op: &Op| match &op.change {
        Any::Link(Change::Set {
            dev: moved, settings, ..
        }) if op.netns == *netns && moved == dev => {
            let to = settings.netns.as_ref().map(|to| format!("moved to {to}"));
            to.or(settings.name.as_ref().map(|name| format!("renamed to {name}")))
        }
        Any::Link(Change::Del { dev: gone }) if op.netns == *netns && gone == dev => Some("deleted".to_string()),
        _ => None,
    };
    world.history.last(took).map(|(how, line)| format!("{how} {line}"))
}

/// What `netns` has under a name: `veth0, a veth, made at line 3`.
fn holder(world: &World, netns: &NsName, dev: &IfName) -> String {
    match origin(world, netns, dev.as_str()) {
        Some(origin) => format!("{dev} in {netns} was {origin}"),
        None if dev.as_str() == "lo" => format!("{netns}, as every netns, has a lo of its own"),
        None => format!("{dev} is in {netns}; no line of the script made it"),
    }
}

/// Names like this one that no device of the namespace has.
fn free_names(world: &World, netns: &NsName, like: &str) -> impl Iterator<Item = String> {
    let devices = devices(world, netns);
    let stem = like.trim_end_matches(|c: char| c.is_ascii_digit());
    // With room for the number: a name of a device has at most 15 bytes, all of them ASCII.
    let stem = stem[..stem.len().min(10)].to_string();
    let names = (0..=u16::MAX).map(move |n| format!("{stem}{n}"));
    names.filter(move |name| !devices.iter().any(|device| device.ifname == *name))
}

/// One of them, and not one that the call has for something else.
fn free_name(world: &World, netns: &NsName, like: &IfName, but: &[&IfName]) -> String {
    let is_other = |name: &String| !but.iter().any(|used| used.as_str() == name);
    free_names(world, netns, like.as_str())
        .find(is_other)
        .unwrap_or_default()
}

/// The devices of a namespace; none where they cannot be read.
pub(in crate::ops) fn devices(world: &World, netns: &NsName) -> Vec<LinkFact> {
    let read = world.space(netns).and_then(|space| fact::all(&world.kernel, &space));
    read.unwrap_or_default()
}

/// `link add`: which end has a name that is taken, and by what.
pub(in crate::ops) fn exists(scene: &Scene, problem: &mut Problem) -> bool {
    let Scene { world, netns, .. } = *scene;
    let Any::Link(Change::Add {
        dev, kind, settings, ..
    }) = scene.change
    else {
        return false;
    };
    let here = settings.netns.as_ref().unwrap_or(netns);
    let has = |there: &NsName, name: &IfName| {
        devices(world, there)
            .iter()
            .any(|device| device.ifname == name.as_str())
    };
    let used: Vec<&IfName> = kind.peer().map(|(peer, _)| peer).into_iter().chain([dev]).collect();
    let (there, name) = match kind.peer() {
        _ if has(here, dev) => {
            problem.part = Part::Argument(0);
            (here, dev)
        }
        Some((name, peers)) if has(peers.unwrap_or(netns), name) => {
            problem.part = Part::Key("peer.name".into());
            (peers.unwrap_or(netns), name)
        }
        Some((name, _)) if name == dev => {
            problem.part = Part::Key("peer.name".into());
            problem.message = format!("both ends would be called {dev}");
            problem.mend = Some(Mend::Part(free_name(world, netns, dev, &[dev])));
            return true;
        }
        _ => return false,
    };
    problem.message = match name == dev {
        true => format!("{there} already has a device {name}"),
        false => format!("{there} already has a device {name}, the name that the peer is to have"),
    };
    problem.cause = holder(world, there, name);
    problem.mend = Some(Mend::Part(free_name(world, there, name, &used)));
    true
}

/// `link set`, with `name`: what holds the name. With `netns`: the device keeps its name, and finds it taken there.
pub(in crate::ops) fn rename_taken(scene: &Scene, problem: &mut Problem) -> bool {
    let Any::Link(Change::Set { dev, settings, .. }) = scene.change else {
        return false;
    };
    let there = settings.netns.as_ref().unwrap_or(scene.netns);
    let name = settings.name.as_ref().unwrap_or(dev);
    problem.message = format!("{there} already has a device {name}");
    problem.cause = holder(scene.world, there, name);
    let free = free_name(scene.world, there, name, &[]);
    match settings.name {
        Some(_) => {
            problem.part = Part::Key("name".into());
            problem.mend = Some(Mend::Part(free));
        }
        None => {
            problem.part = Part::Key("netns".into());
            let (here, dev, there) = (handle(scene.netns), dev.as_str(), there.as_str());
            problem.help = format!("{here}.link.set({dev:?}, #{{ netns: {there:?}, name: {free:?} }})");
        }
    }
    true
}

/// `link set` with `netns`: some devices belong to their namespace.
pub(in crate::ops) fn immovable(scene: &Scene, problem: &mut Problem) -> bool {
    let Any::Link(Change::Set { dev, settings, .. }) = scene.change else {
        return false;
    };
    let Some(there) = settings.netns.as_ref().filter(|there| *there != scene.netns) else {
        return false;
    };
    problem.part = Part::Key("netns".into());
    problem.message = format!("{dev} cannot leave {}", scene.netns);
    if dev.as_str() == "lo" {
        problem.cause = "every netns has a lo of its own, which stays".into();
        problem.help = format!("{}.link.set(\"lo\", #{{ up: true }})", handle(there));
        return true;
    }
    let kind = find::kind(scene.world, scene.netns, dev);
    let kind = kind.as_deref().unwrap_or("device like this");
    problem.cause = format!("a {kind} belongs to the netns it was made in");
    problem.help = format!("{}.link.add({:?}, #{{ type: {kind:?} }})", handle(there), dev.as_str());
    true
}

/// A bridge as the port of a bridge.
pub(in crate::ops) fn bridge_in_bridge(scene: &Scene, problem: &mut Problem) -> bool {
    let (dev, master, is_bridge) = match scene.change {
        Any::Link(Change::Set { dev, settings, .. }) => {
            let kind = find::kind(scene.world, scene.netns, dev);
            (dev, &settings.master, kind.as_deref() == Some("bridge"))
        }
        Any::Link(Change::Add {
            dev, kind, settings, ..
        }) => (dev, &settings.master, matches!(kind, Kind::Bridge(_))),
        _ => return false,
    };
    let Some(master) = master.as_ref().filter(|_| is_bridge) else {
        return false;
    };
    problem.part = Part::Key("master".into());
    problem.message = format!("{dev} is a bridge, and so is {master}");
    problem.cause = "a bridge in a bridge could be a loop: bridges are joined by a veth pair, an end in each".into();
    let mut free = free_names(scene.world, scene.netns, "patch");
    let (near, far) = (free.next().unwrap_or_default(), free.next().unwrap_or_default());
    let (here, dev, master) = (handle(scene.netns), dev.as_str(), master.as_str());
    problem.help = format!(
        "{here}.link.add({near:?}, #{{ type: \"veth\", peer: {far:?}, master: {master:?}, up: true }}); \
         {here}.link.set({far:?}, #{{ master: {dev:?}, up: true }})"
    );
    true
}

/// Which line brought a device down, if that was the last that was said about it.
pub(in crate::ops) fn put_down(world: &World, netns: &NsName, dev: &str) -> Option<String> {
    let said = |op: &Op| match &op.change {
        Any::Link(Change::Set { dev: set, settings, .. }) if op.netns == *netns && set.as_str() == dev => {
            settings.is_up()
        }
        _ => None,
    };
    let (is_up, line) = world.history.last(said)?;
    (!is_up).then_some(line)
}

/// A bridge has as many ports as it can have.
pub(in crate::ops) fn bridge_full(scene: &Scene, problem: &mut Problem) -> bool {
    let (Any::Link(Change::Set { settings, .. }) | Any::Link(Change::Add { settings, .. })) = scene.change else {
        return false;
    };
    let Some(master) = &settings.master else {
        return false;
    };
    problem.part = Part::Key("master".into());
    problem.message = format!("{master} has no room for another port");
    problem.cause = "a bridge has 1023 ports at most".into();
    let mut free = free_names(scene.world, scene.netns, "patch");
    let (near, far) = (free.next().unwrap_or_default(), free.next().unwrap_or_default());
    problem.help = format!(
        "spread them over several bridges, and join these: {}.link.add({near:?}, #{{ type: \"veth\", peer: {far:?}, up: true }}), \
         an end in each",
        handle(scene.netns)
    );
    true
}
