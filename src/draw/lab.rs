//! What there is to draw: a lab's namespaces with their devices, and what is joined to what, made of the facts of all
//! its namespaces.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Problem, Result};
use crate::netns::{self, NsName};
use crate::ops::addr::fact::{self as addr, AddrFact};
use crate::ops::link::{self, Detail};
use crate::ops::route::fact::{self as route, Filter, RouteFact};
use crate::ops::route::{Family, Table};
use crate::ops::ruleset::RuleFact;
use crate::ops::{World, nat, sysctl};

/// A lab as it is: the JSON form is this.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Lab {
    /// `host`, then the others by name.
    pub namespaces: Vec<Space>,
    /// The veth pairs, each once, by their ends' places above.
    #[serde(skip)]
    pub wires: Vec<Wire>,
    /// The names of the namespaces that a picture leaves out.
    #[serde(skip)]
    pub left_out: Vec<String>,
}

/// A namespace.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Space {
    /// Its name.
    pub name: String,
    /// Its devices, by number.
    pub devices: Vec<Device>,
    /// Its default routes, IPv4's first, with the fields of `ip -j route`.
    pub default_routes: Vec<RouteFact>,
    /// The families that it forwards.
    pub forwarding: Vec<&'static str>,
    /// Its rules of address translation.
    pub nat: Vec<RuleFact>,
}

/// A device.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Device {
    /// Its number.
    #[serde(skip)]
    pub index: u32,
    /// Its name.
    pub ifname: String,
    /// `veth`, `bridge` …; empty for `lo`.
    pub kind: String,
    /// What tells it from others of its kind: `id 42`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detail: Vec<String>,
    /// Its state.
    pub state: State,
    /// The bridge, bond or VRF it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// The device it sits on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<End>,
    /// Of a veth pair, the other end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<End>,
    /// Its addresses that others can know, with their prefix lengths.
    pub addresses: Vec<String>,
}

/// How a device is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum State {
    /// Up, with a carrier.
    #[serde(rename = "UP")]
    Up,
    /// Up, and its other end is not.
    #[serde(rename = "NO-CARRIER")]
    NoCarrier,
    /// Not up.
    #[default]
    #[serde(rename = "DOWN")]
    Down,
}

impl State {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            State::Up => "UP",
            State::NoCarrier => "NO-CARRIER",
            State::Down => "DOWN",
        }
    }
}

/// A device somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// Its namespace; absent where that is not of the lab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
    /// Its name.
    pub ifname: String,
}

/// A veth pair: for both ends the place of the namespace and that of the device in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire(pub (usize, usize), pub (usize, usize));

/// Where a device is said to be that another is linked to.
struct Lead {
    from: (usize, usize),
    netns: Option<String>,
    index: Option<u32>,
    name: Option<String>,
}

impl Lab {
    /// The lab of this world.
    pub fn read(world: &World) -> Result<Lab> {
        let names = names()?;
        Lab::of(world, &names)
    }

    /// The lab of this world without most of its namespaces, where it has too many for a picture: `host`, those that most
    /// is joined to, and the first others.
    pub fn pictured(world: &World) -> Result<Lab> {
        const ALL: usize = 25;
        const HUBS: usize = 4;
        const FIRST: usize = 12;
        let mut names = names()?;
        if names.len() <= ALL {
            return Lab::of(world, &names);
        }
        let mut hubs = Vec::new();
        for (at, name) in names.iter().enumerate().skip(1) {
            let details = link::details(&*world.space(name)?)?;
            let ends = details.values().filter(|detail| is_pair(&detail.kind)).count();
            hubs.extend((ends > 3).then_some((Reverse(ends), at)));
        }
        hubs.sort_unstable();
        hubs.truncate(HUBS);
        let hubs: Vec<usize> = hubs.into_iter().map(|(_, at)| at).collect();
        let others = (1..names.len()).filter(|at| !hubs.contains(at)).take(FIRST);
        let mut kept: Vec<usize> = others.chain(hubs.iter().copied()).chain([0]).collect();
        kept.sort_unstable();
        let mut at = 0..;
        let (kept, left_out): (Vec<NsName>, Vec<NsName>) = names
            .drain(..)
            .partition(|_| at.next().is_some_and(|at| kept.contains(&at)));
        let mut lab = Lab::of(world, &kept)?;
        lab.left_out = left_out.iter().map(NsName::to_string).collect();
        Ok(lab)
    }

    fn of(world: &World, names: &[NsName]) -> Result<Lab> {
        world.settle();
        let mut lab = Lab::default();
        let mut leads = Vec::new();
        for name in names {
            let (space, found) = settled(world, name, lab.namespaces.len())?;
            lab.namespaces.push(space);
            leads.extend(found);
        }
        lab.follow(&leads);
        Ok(lab)
    }

    /// Finds the devices that others are linked to.
    fn follow(&mut self, leads: &[Lead]) {
        let places = self.namespaces.iter().enumerate();
        let names: HashMap<String, usize> = places.map(|(at, space)| (space.name.clone(), at)).collect();
        let back: HashMap<(usize, usize), &Lead> = leads.iter().map(|lead| (lead.from, lead)).collect();
        for lead in leads {
            // The lab's own namespace has no name, as the kernel sees it from another.
            let at = match (&lead.netns, &lead.name) {
                (Some(netns), _) => names.get(netns).copied(),
                (None, Some(_)) => Some(lead.from.0),
                (None, None) => Some(0),
            };
            let (space, device) = lead.from;
            let is_it =
                |device: &Device| Some(device.index) == lead.index || Some(&device.ifname) == lead.name.as_ref();
            let there = at.and_then(|at| Some((at, self.namespaces[at].devices.iter().position(is_it)?)));
            let own = &self.namespaces[space].devices[device];
            let is_pair = is_pair(&own.kind);
            // The other end of a pair leads back here.
            let leads_here = |lead: &&&Lead| lead.index.is_none_or(|index| index == own.index);
            let there = there.filter(|there| !is_pair || back.get(there).filter(leads_here).is_some());
            let end = match there {
                Some((at, index)) => End {
                    netns: Some(self.namespaces[at].name.clone()),
                    ifname: self.namespaces[at].devices[index].ifname.clone(),
                },
                None => End {
                    netns: lead.netns.clone().filter(|netns| !netns.is_empty()),
                    ifname: format!("if{}", lead.index.unwrap_or_default()),
                },
            };
            let own = &mut self.namespaces[space].devices[device];
            if !is_pair {
                own.link = Some(end);
                continue;
            }
            own.peer = Some(end);
            if let Some(other) = there.filter(|other| lead.from < *other) {
                self.wires.push(Wire(lead.from, other));
            }
        }
    }

    /// How many ends of pairs each namespace has.
    pub fn degrees(&self) -> Vec<usize> {
        let mut degrees = vec![0; self.namespaces.len()];
        for Wire(a, b) in &self.wires {
            degrees[a.0] += 1;
            degrees[b.0] += 1;
        }
        degrees
    }
}

/// `host`, and the lab's other namespaces by name.
fn names() -> Result<Vec<NsName>> {
    let mut names = netns::list().map_err(|e| Problem::system("list the namespaces", e))?;
    names.sort_by(|a, b| natural(a.as_str(), b.as_str()));
    names.insert(0, NsName::host());
    Ok(names)
}

/// Whether a device of this kind is one end of two.
fn is_pair(kind: &str) -> bool {
    ["veth", "netkit", "vxcan"].contains(&kind)
}

/// A namespace as it is when the kernel has told its bridges that their ports have a carrier: that takes it a while.
fn settled(world: &World, name: &NsName, at: usize) -> Result<(Space, Vec<Lead>)> {
    const END: Duration = Duration::from_secs(1);
    const LOOK: Duration = Duration::from_millis(5);
    let start = Instant::now();
    loop {
        let (space, leads) = read(world, name, at)?;
        let has_live_port = |bridge: &Device| {
            let is_its = |port: &&Device| port.master.as_ref() == Some(&bridge.ifname);
            let mut ports = space.devices.iter().filter(is_its);
            ports.any(|port| port.state == State::Up)
        };
        let is_late = |device: &Device| device.state == State::NoCarrier && has_live_port(device);
        if !space.devices.iter().any(is_late) || start.elapsed() > END {
            return Ok((space, leads));
        }
        std::thread::sleep(LOOK);
    }
}

fn read(world: &World, name: &NsName, at: usize) -> Result<(Space, Vec<Lead>)> {
    let space = world.space(name)?;
    let facts = addr::all(&world.kernel, &space)?;
    let mut details = link::details(&space)?;
    let mut leads = Vec::new();
    let mut devices = Vec::new();
    for fact in facts.into_iter().filter(|fact| !is_fallback(fact)) {
        let detail = details.remove(&fact.link.ifindex).unwrap_or_default();
        leads.extend(lead(&fact, (at, devices.len())));
        devices.push(device(fact, detail));
    }
    let read = Space {
        name: name.to_string(),
        devices,
        default_routes: default_routes(world, name)?,
        forwarding: forwarding(world, name),
        nat: translation(world, name),
    };
    Ok((read, leads))
}

/// Whether it is a device that a tunnel's module puts into every namespace, and that nobody uses.
fn is_fallback(fact: &AddrFact) -> bool {
    const FALLBACKS: [&str; 9] = [
        "tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip6gre0", "ip_vti0", "ip6_vti0",
    ];
    let is_up = fact.link.flags.iter().any(|flag| flag == "UP");
    FALLBACKS.contains(&fact.link.ifname.as_str()) && !is_up && fact.addr_info.is_empty()
}

fn lead(fact: &AddrFact, from: (usize, usize)) -> Option<Lead> {
    let name = fact.link.link.clone().flatten();
    if name.is_none() && fact.link.link_index.is_none() {
        return None;
    }
    // An id below 0 is that of a namespace which is not known here.
    let unknown = fact.link.link_netnsid.filter(|id| *id < 0).map(|_| String::new());
    Some(Lead {
        from,
        netns: fact.link.link_netns.clone().or(unknown),
        index: fact.link.link_index.filter(|_| name.is_none()),
        name,
    })
}

fn device(fact: AddrFact, detail: Detail) -> Device {
    let has = |flag: &str| fact.link.flags.iter().any(|own| own == flag);
    let state = match (has("UP"), has("LOWER_UP")) {
        (false, _) => State::Down,
        (true, false) => State::NoCarrier,
        (true, true) => State::Up,
    };
    let known = |scope: &str| !["link", "host"].contains(&scope);
    let addresses = fact.addr_info.iter().filter(|info| known(&info.scope));
    Device {
        addresses: addresses
            .map(|info| format!("{}/{}", info.local, info.prefixlen))
            .collect(),
        index: fact.link.ifindex,
        ifname: fact.link.ifname,
        kind: detail.kind,
        detail: detail.words,
        state,
        master: fact.link.master,
        link: None,
        peer: None,
    }
}

fn default_routes(world: &World, name: &NsName) -> Result<Vec<RouteFact>> {
    let space = world.space(name)?;
    let mut routes = Vec::new();
    for family in [Family::Inet, Family::Inet6] {
        let filter = Filter {
            family: Some(family),
            table: Table::MAIN,
        };
        let all = route::all(&world.kernel, &space, &filter)?;
        routes.extend(all.into_iter().filter(|route| route.dst == "default"));
    }
    Ok(routes)
}

fn forwarding(world: &World, name: &NsName) -> Vec<&'static str> {
    let keys = [
        ("IPv4", "net.ipv4.ip_forward"),
        ("IPv6", "net.ipv6.conf.all.forwarding"),
    ];
    let is_on = |key: &str| sysctl::read(world, name, key).is_some_and(|value| value == "1");
    keys.into_iter()
        .filter(|(_, key)| is_on(key))
        .map(|(family, _)| family)
        .collect()
}

/// The rules without what counts; none where the kernel has no nf_tables.
fn translation(world: &World, name: &NsName) -> Vec<RuleFact> {
    let mut rules = nat::rules(world, name).unwrap_or_default();
    rules.retain(|rule| rule.policy.is_none());
    for rule in &mut rules {
        (rule.packets, rule.bytes, rule.handle) = (None, None, None);
    }
    rules
}

/// The order of names in which ns2 comes before ns10.
fn natural(a: &str, b: &str) -> Ordering {
    let split = |text: &str| {
        let mut parts: Vec<(String, u128)> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(digits);
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let (number, after) = after.split_at(end);
            parts.push((word.to_string(), number.parse().unwrap_or_default()));
            rest = after;
        }
        parts
    };
    split(a).cmp(&split(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_they_are_counted() {
        let mut names = ["ns10", "a", "ns2", "ns02", "ns", "b1-2", "b1-10"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "b1-2", "b1-10", "ns", "ns02", "ns2", "ns10"]);
    }
}
