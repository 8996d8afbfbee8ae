//! The lab as it is: its namespaces' devices and addresses, and what is joined to what.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;

use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage};

use super::{beside, told};
use crate::error::Problem;
use crate::netns::NsName;
use crate::ops::addr::causes::{self as addresses, Held};
use crate::ops::{World, names, nat, sysctl};

/// A device, as far as a packet's way goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    pub name: String,
    pub index: u32,
    /// `veth`, `bridge` …; empty for `lo`.
    pub kind: String,
    pub is_up: bool,
    pub master: Option<u32>,
    /// The device that it is joined to: of a veth the other end.
    pub joined: Option<u32>,
    /// The id of the namespace where that is, if it is another.
    pub joined_in: Option<NsName>,
}

/// A device in its namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub netns: NsName,
    pub device: Device,
}

/// The lab, each part read when it is first asked for.
pub struct View<'a> {
    pub world: &'a World,
    pub everybody: Vec<Held>,
    devices: RefCell<HashMap<NsName, Rc<Vec<Device>>>>,
}

/// What is on one link: the way that frames take from a device, as far as it can be followed.
pub struct Reached {
    places: Vec<(Place, Option<usize>)>,
    /// Whether all of it could be followed.
    pub is_whole: bool,
}

impl Reached {
    /// The devices from the start to this one; nothing where it is not on the link.
    pub fn path(&self, netns: &NsName, dev: &str) -> Option<Vec<&Place>> {
        let is_it = |(place, _): &(Place, _)| place.netns == *netns && place.device.name == dev;
        let mut at = self.places.iter().position(is_it);
        at?;
        let mut path = Vec::new();
        while let Some(index) = at {
            let (place, before) = &self.places[index];
            path.push(place);
            at = *before;
        }
        path.reverse();
        Some(path)
    }
}

impl<'a> View<'a> {
    pub fn new(world: &'a World) -> View<'a> {
        View {
            world,
            everybody: addresses::everywhere(world),
            devices: RefCell::default(),
        }
    }

    /// The devices of a namespace.
    pub fn devices(&self, netns: &NsName) -> Rc<Vec<Device>> {
        if let Some(known) = self.devices.borrow().get(netns) {
            return known.clone();
        }
        let read = Rc::new(devices(self.world, netns).unwrap_or_default());
        self.devices.borrow_mut().insert(netns.clone(), read.clone());
        read
    }

    pub fn device(&self, netns: &NsName, name: &str) -> Option<Device> {
        self.devices(netns).iter().find(|device| device.name == name).cloned()
    }

    /// The bridge that a device is a port of.
    pub fn bridge_of(&self, netns: &NsName, dev: &str) -> Option<String> {
        let devices = self.devices(netns);
        let master = devices.iter().find(|device| device.name == dev)?.master?;
        let bridge = devices.iter().find(|device| device.index == master)?;
        (bridge.kind == "bridge").then(|| bridge.name.clone())
    }

    /// Whether a namespace has an address.
    pub fn has(&self, netns: &NsName, address: IpAddr) -> bool {
        self.everybody
            .iter()
            .any(|held| held.netns == *netns && held.local == address)
    }

    /// Who has an address.
    pub fn holders(&self, address: IpAddr) -> Vec<Held> {
        self.everybody
            .iter()
            .filter(|held| held.local == address)
            .cloned()
            .collect()
    }

    /// Whether a namespace passes on what is for others.
    pub fn forwards(&self, netns: &NsName, to: IpAddr) -> bool {
        let key = told::forwarding(to);
        sysctl::read(self.world, netns, key).is_none_or(|value| value != "0")
    }

    /// Whether a bridge's frames pass the chain `forward` of its namespace.
    pub fn is_filtered(&self, netns: &NsName, to: IpAddr) -> bool {
        let key = if to.is_ipv4() { "iptables" } else { "ip6tables" };
        sysctl::read(self.world, netns, &format!("net.bridge.bridge-nf-call-{key}")).is_some_and(|value| value == "1")
    }

    /// Whether a namespace changes addresses.
    pub fn translates(&self, netns: &NsName) -> bool {
        nat::is_any(self.world, netns)
    }

    /// What stands on the link of a device.
    pub fn reached(&self, netns: &NsName, dev: &str) -> Reached {
        let mut reached = Reached {
            places: Vec::new(),
            is_whole: true,
        };
        let Some(first) = self.device(netns, dev) else {
            return reached;
        };
        let start = Place {
            netns: netns.clone(),
            device: first,
        };
        reached.places.push((start, None));
        let mut open = VecDeque::from([0]);
        while let Some(at) = open.pop_front() {
            let place = reached.places[at].0.clone();
            reached.is_whole &= matches!(place.device.kind.as_str(), "veth" | "bridge");
            for next in self.beside(&place) {
                if !reached.places.iter().any(|(known, _)| *known == next) {
                    reached.places.push((next, Some(at)));
                    open.push_back(reached.places.len() - 1);
                }
            }
        }
        reached
    }

    /// What frames that are in a device come to next: a veth's other end, a port's bridge, a bridge's ports.
    fn beside(&self, place: &Place) -> Vec<Place> {
        let here = self.devices(&place.netns);
        let Device {
            kind, index, master, ..
        } = &place.device;
        let of_here = |device: &Device| Place {
            netns: place.netns.clone(),
            device: device.clone(),
        };
        let bridge = here
            .iter()
            .find(|device| Some(device.index) == *master && device.kind == "bridge");
        let mut next: Vec<Place> = bridge.map(of_here).into_iter().collect();
        if kind == "bridge" {
            next.extend(here.iter().filter(|port| port.master == Some(*index)).map(of_here));
        }
        if kind == "veth" {
            next.extend(self.other_end(place));
        }
        next
    }

    fn other_end(&self, place: &Place) -> Option<Place> {
        let there = place.device.joined_in.as_ref().unwrap_or(&place.netns);
        let devices = self.devices(there);
        let end = devices
            .iter()
            .find(|device| Some(device.index) == place.device.joined)?;
        Some(Place {
            netns: there.clone(),
            device: end.clone(),
        })
    }

    /// Why a namespace has no route to an address.
    pub fn no_route(&self, at: &NsName, to: IpAddr, is_answer: bool) -> Option<Problem> {
        let here: Vec<Held> = addresses::of(self.world, at)
            .into_iter()
            .filter(|held| held.local.is_ipv4() == to.is_ipv4() && !held.local.is_loopback())
            .filter(|held| !addresses::is_link_local(held.local))
            .collect();
        if let Some(held) = here.iter().find(|held| held.net.contains(&to) && !held.is_up) {
            return Some(told::device_down(self.world, at, &held.dev));
        }
        if let Some(warning) = told::route_lost(self, at, to, &here) {
            return Some(warning);
        }
        // Beside an address of the other's subnet it takes no gateway.
        let holders = self.holders(to);
        let joined = self.devices(at).iter().map(|device| device.name.clone()).find(|dev| {
            let reached = self.reached(at, dev);
            holders
                .iter()
                .any(|held| reached.path(&held.netns, &held.dev).is_some())
        });
        let first = || {
            self.devices(at)
                .iter()
                .find(|device| !device.kind.is_empty())
                .map(|device| device.name.clone())
        };
        let dev = joined.clone().or_else(|| here.is_empty().then(first).flatten());
        let beside = beside(&self.everybody, &here, to);
        Some(told::no_route(self, at, to, &here, dev.zip(beside), is_answer))
    }
}

fn devices(world: &World, netns: &NsName) -> crate::error::Result<Vec<Device>> {
    let space = world.space(netns)?;
    let messages = names::links(&space)?;
    let ids: Vec<i32> = messages.iter().filter_map(joined_in).collect();
    let names = names::namespaces(&world.kernel, &space, &ids);
    // The one without a name is the lab's own.
    let named = |id: i32| {
        names
            .get(&id)
            .and_then(|name| name.parse().ok())
            .unwrap_or_else(NsName::host)
    };
    Ok(messages.iter().map(|message| device(message, named)).collect())
}

fn joined_in(message: &LinkMessage) -> Option<i32> {
    message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::LinkNetNsId(id) => Some(*id),
        _ => None,
    })
}

fn device(message: &LinkMessage, named: impl Fn(i32) -> NsName) -> Device {
    let mut device = Device {
        name: String::new(),
        index: message.header.index,
        kind: String::new(),
        is_up: message.header.flags.contains(LinkFlags::Up),
        master: None,
        joined: None,
        joined_in: joined_in(message).map(named),
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => device.name.clone_from(name),
            LinkAttribute::Controller(index) => device.master = Some(*index),
            LinkAttribute::Link(index) => device.joined = Some(*index),
            LinkAttribute::LinkInfo(info) => {
                let kind = info.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
                device.kind = kind.unwrap_or_default();
            }
            _ => {}
        }
    }
    device
}
