//! What is behind a route that could not be added: the one there is, or why a gateway is out of reach.

use std::net::IpAddr;

use ipnet::IpNet;

use super::fact::{self, Family, Filter, Table};
use super::{Change, Route};
use crate::error::{Mend, Part, Problem};
use crate::netns::NsName;
use crate::ops::addr::causes::{self as addresses, Held};
use crate::ops::causes::Scene;
use crate::ops::link::causes::{devices, origin};
use crate::ops::{Change as Any, Op, Typed, World, handle};

/// Which line added a route, or put it in another's place.
pub(in crate::ops) fn added<T>(
    world: &World,
    netns: &NsName,
    find: impl Fn(&Route) -> Option<T>,
) -> Option<(T, String)> {
    world.history.last(|op: &Op| match &op.change {
        Any::Route(Change::Add(route) | Change::Replace(route)) if op.netns == *netns => find(route),
        _ => None,
    })
}

/// `route add`: the route there is.
pub(in crate::ops) fn exists(scene: &Scene, problem: &mut Problem) -> bool {
    let Any::Route(Change::Add(route)) = scene.change else {
        return false;
    };
    let to = route.to.spell();
    let family = route.family();
    let filter = Filter {
        family: Some(family),
        table: route.way.table.unwrap_or(Table::MAIN),
    };
    let read = scene
        .world
        .space(scene.netns)
        .and_then(|space| fact::all(&scene.world.kernel, &space, &filter));
    let mut there = read.unwrap_or_default();
    // IPv6 gives a route a metric where none is said.
    there.retain(|old| old.dst == to && (family == Family::Inet6 || old.metric == route.way.metric));
    let Some(old) = there.first() else { return false };
    problem.part = Part::Argument(0);
    problem.message = format!("there is a route to {to} already");
    let by = match (
        &old.protocol,
        added(scene.world, scene.netns, |old| (old.to == route.to).then_some(())),
    ) {
        (Some(by), _) if by == "kernel" => ", made by the kernel with the address".to_string(),
        (_, Some(((), line))) => format!(", added {line}"),
        (_, None) => String::new(),
    };
    problem.cause = format!("there is `{}`{by}", old.to_string().trim_end());
    problem.mend = Some(Mend::Verb("replace"));
    true
}

/// `route add` and `replace`: why the gateway cannot be reached directly.
pub(in crate::ops) fn bad_gateway(scene: &Scene, problem: &mut Problem) -> bool {
    let Any::Route(Change::Add(route) | Change::Replace(route)) = scene.change else {
        return false;
    };
    let Some(via) = route.way.via else { return false };
    let Scene { world, netns, .. } = *scene;
    problem.part = Part::Key("via".into());
    let here = addresses::of(world, netns);
    let own: Vec<&Held> = here
        .iter()
        .filter(|held| held.local.is_ipv4() == via.is_ipv4() && held.dev != "lo")
        .collect();
    let covering = own.iter().find(|held| held.net.contains(&via));
    match covering {
        Some(held) if !held.is_up => {
            problem.message = format!("the gateway {via} is behind {}, which is down", held.dev);
            problem.cause = down(world, netns, &held.dev);
            problem.help = format!("{}.link.set({:?}, #{{ up: true }})", handle(netns), held.dev);
        }
        Some(held) if held.local == via => {
            problem.message = format!("the gateway {via} is {netns}'s own address");
            problem.cause = format!(
                "{via} is on {} in {netns}: a gateway is the address of the other end",
                held.dev
            );
            problem.mend = neighbour(world, netns, &own, via);
        }
        Some(held) => match &route.way.dev {
            Some(dev) if dev.as_str() != held.dev => {
                problem.part = Part::Key("dev".into());
                problem.message = format!("the gateway {via} is not on {dev}");
                problem.cause = format!("{} is on {} of {netns}: that subnet has {via}", held.net, held.dev);
                problem.mend = Some(Mend::Part(held.dev.clone()));
            }
            _ => return false,
        },
        None => outside(world, netns, &own, via, problem),
    }
    true
}

/// That a device is down, and since which line: `made at line 3, and never brought up`.
pub(in crate::ops) fn down(world: &World, netns: &NsName, dev: &str) -> String {
    match (
        crate::ops::link::causes::put_down(world, netns, dev),
        origin(world, netns, dev),
    ) {
        (Some(line), _) => format!("{dev} in {netns} was brought down {line}"),
        (None, Some(origin)) => format!("{dev} in {netns} was {origin}, and has not been brought up since"),
        (None, None) => format!("{dev} in {netns} was never brought up"),
    }
}

/// The gateway is in no subnet of the namespace.
fn outside(world: &World, netns: &NsName, own: &[&Held], via: IpAddr, problem: &mut Problem) {
    let subnets: Vec<String> = own
        .iter()
        .map(|held| {
            format!(
                "{} on {}",
                IpNet::new(held.local, held.net.prefix_len()).unwrap_or(held.net),
                held.dev
            )
        })
        .collect();
    let everybody = addresses::everywhere(world);
    let holder = everybody.iter().find(|held| held.local == via);
    let is_somewhere = holder.map_or(String::new(), |held| {
        format!("; {via} is on {} in {}", held.dev, held.netns)
    });
    if subnets.is_empty() {
        problem.message = format!("the gateway {via} is out of reach: {netns} has no address");
        problem.cause = format!("a gateway must be in the subnet of an address of {netns}{is_somewhere}");
    } else {
        problem.message = format!("the gateway {via} is in no subnet of {netns}");
        problem.cause = format!("{netns} has {}{is_somewhere}", subnets.join(", "));
    }
    if holder.is_none() {
        problem.mend = neighbour(world, netns, own, via);
    }
    if problem.mend.is_some() {
        return;
    }
    // An address beside the gateway, on the device that there is for it.
    let dev = own.first().map(|held| held.dev.clone());
    let first = || {
        devices(world, netns)
            .into_iter()
            .find(|device| device.ifname != "lo")
            .map(|device| device.ifname)
    };
    let length = holder.map_or(if via.is_ipv4() { 24 } else { 64 }, |held| held.net.prefix_len());
    let net = IpNet::new(via, length).map(|net| net.trunc());
    let free = net.ok().and_then(|net| addresses::free(&everybody, net, &[via]));
    problem.help = match (dev.or_else(first), free) {
        (Some(dev), Some(free)) => format!("{}.addr.add(\"{free}\", #{{ dev: {dev:?} }})", handle(netns)),
        _ => format!("{}.link.show()", handle(netns)),
    };
}

/// An address that another namespace has in a subnet of this one: what the gateway may have been meant to be.
fn neighbour(world: &World, netns: &NsName, own: &[&Held], via: IpAddr) -> Option<Mend> {
    let everybody = addresses::everywhere(world);
    let is_near =
        |held: &&Held| held.netns != *netns && own.iter().any(|own| own.is_up && own.net.contains(&held.local));
    let near = everybody
        .iter()
        .filter(is_near)
        .filter(|held| held.local.is_ipv4() == via.is_ipv4());
    let best = near.min_by_key(|held| strsim::damerau_levenshtein(&held.local.to_string(), &via.to_string()))?;
    Some(Mend::Part(best.local.to_string()))
}
