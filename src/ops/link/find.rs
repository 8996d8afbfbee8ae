//! Finding a device by its name, and saying where it is when it is not where it was looked for.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage, State};
use nix::errno::Errno;

use super::{causes, named};
use crate::error::{Mend, Mistake, Part, Problem, Result, nearest};
use crate::netlink::Space;
use crate::netns::{self as spaces, NsName};
use crate::ops::names::links;
use crate::ops::ownership::Mark;
use crate::ops::{IfName, World, handle};

/// The index of a device.
pub fn index(world: &World, netns: &NsName, dev: &IfName) -> Result<u32> {
    match world.space(netns)?.index(dev.as_str()) {
        Ok(index) => Ok(index),
        Err(problem) if problem.errno == Some(Errno::ENODEV) => Err(no_such_device(world, netns, dev)),
        Err(problem) => Err(problem),
    }
}

/// What the kernel says of a device, without its counters.
pub(super) fn get(world: &World, netns: &NsName, dev: &IfName) -> Result<LinkMessage> {
    let mut message = named(dev);
    let mask = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
    message.attributes.push(mask);
    let answer = world.space(netns)?.ask(RouteNetlinkMessage::GetLink(message))?;
    let link = answer.into_iter().find_map(|message| match message {
        RouteNetlinkMessage::NewLink(link) => Some(link),
        _ => None,
    });
    link.ok_or_else(|| Problem::kernel(Errno::ENODEV, ""))
}

/// The alias of a device, if it has one.
pub fn alias(world: &World, netns: &NsName, dev: &IfName) -> Result<Option<String>> {
    Ok(identity(world, netns, dev)?
        .map(|(_, alias)| alias)
        .filter(|alias| !alias.is_empty()))
}

/// The index of a device and its alias; nothing where there is no such device, or no such namespace any more.
pub fn identity(world: &World, netns: &NsName, dev: &IfName) -> Result<Option<(u32, String)>> {
    match get(world, netns, dev) {
        Ok(link) => Ok(Some((
            link.header.index,
            alias_of(&link).unwrap_or_default().to_string(),
        ))),
        Err(problem) if matches!(problem.errno, Some(Errno::ENODEV | Errno::ENOENT)) => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn alias_of(link: &LinkMessage) -> Option<&str> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfAlias(alias) => Some(alias.as_str()),
        _ => None,
    })
}

/// Deletes the devices of a namespace that have a mark.
pub fn delete_marked(space: &Space, mark: &Mark) -> Result<()> {
    let is_born = LinkAttribute::Group(mark.group);
    let is_marked = |link: &LinkMessage| {
        alias_of(link).is_some_and(|alias| mark.is_in(alias)) || link.attributes.contains(&is_born)
    };
    let marked = links(space)?.into_iter().filter(is_marked);
    space.delete_links(marked.map(|link| link.header.index).collect())
}

/// How far a device that was brought up has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It has no carrier: the other end is down.
    Waiting,
    /// It has a carrier; the kernel has not started its queue yet.
    Rising,
    /// It runs.
    Running,
    /// It is down again, or not there.
    Gone,
}

/// How far a device that was brought up has come.
pub fn readiness(world: &World, netns: &NsName, dev: &IfName) -> Readiness {
    let Ok(link) = get(world, netns, dev) else {
        return Readiness::Gone;
    };
    let has = |flag| link.header.flags.contains(flag);
    match (has(LinkFlags::Up), has(LinkFlags::LowerUp)) {
        (false, _) => Readiness::Gone,
        (true, false) => Readiness::Waiting,
        (true, true) if link.attributes.contains(&LinkAttribute::OperState(State::Down)) => Readiness::Rising,
        (true, true) => Readiness::Running,
    }
}

/// What kind of device it is: `bridge`.
pub(super) fn kind(world: &World, netns: &NsName, dev: &IfName) -> Option<String> {
    let info = get(world, netns, dev)
        .ok()?
        .attributes
        .into_iter()
        .find_map(|attribute| match attribute {
            LinkAttribute::LinkInfo(info) => Some(info),
            _ => None,
        })?;
    info.into_iter().find_map(|info| match info {
        LinkInfo::Kind(kind) => Some(kind.to_string()),
        _ => None,
    })
}

/// There is no `dev` in `netns`: says where one of that name is and what moved it there, or which name is near.
pub fn no_such_device(world: &World, netns: &NsName, dev: &IfName) -> Box<Problem> {
    let mut problem = Problem::kernel(Errno::ENODEV, "").at(Part::Argument(0));
    problem.message = format!("there is no device {dev} in {netns}");
    let here = names(world, netns);
    let departed = causes::departure(world, netns, dev);
    let others = std::iter::once(NsName::host()).chain(spaces::list().unwrap_or_default());
    let has_it = |other: &NsName| other != netns && names(world, other).iter().any(|name| name == dev.as_str());
    let near = nearest(dev.as_str(), here.iter().map(String::as_str));
    let mut elsewhere = others.filter(has_it);
    // Where several have a device of that name, as each has its eth0, none of them is meant.
    let elsewhere = match (elsewhere.next(), elsewhere.next(), &departed, near) {
        (_, Some(_), None, Some(_)) => None,
        (first, ..) => first,
    };
    if let Some(other) = elsewhere {
        let cause = match (departed, causes::origin(world, &other, dev.as_str())) {
            (Some(departed), _) => format!("{dev} was {departed}"),
            (None, Some(origin)) => format!("{dev} is in {other}, {origin}"),
            (None, None) => format!("{dev} is in {other}"),
        };
        let there = Mend::Netns(other.to_string());
        return problem.known(Mistake::DeviceElsewhere).because(cause).mend(there);
    }
    let has = match here.len() {
        0..8 => format!("{netns} has {}", here.join(", ")),
        count => format!("{netns} has {count} devices: {}, …", here[..6].join(", ")),
    };
    let cause = departed.map_or(has, |departed| format!("{dev} was {departed}"));
    let problem = problem.known(Mistake::NoSuchDevice).because(cause);
    match near {
        Some(near) => problem.mend(Mend::Part(near.to_string())),
        None => problem.help(format!("{}.link.show()", handle(netns))),
    }
}

fn names(world: &World, netns: &NsName) -> Vec<String> {
    let devices = causes::devices(world, netns);
    devices.into_iter().map(|device| device.ifname).collect()
}
