//! Why one namespace does not reach an address: the way of a packet, and of its answer, followed through the lab as
//! it is.
//!
//! Nothing fails when a device is down or a router does not forward; a ping is not answered, that is all. So a world
//! remembers which tries had no answer, and when a check fails, [`warnings`] goes their way: from namespace to
//! namespace by the kernel's own routing decisions, along veth pairs and through bridges between them, and tells what
//! would stop the packet there. What nsx cannot follow (tunnels, VLANs) it says nothing about.

mod link;
mod told;

use std::cell::RefCell;
use std::net::IpAddr;

use ipnet::IpNet;

use super::addr::causes::{self as addresses, Held};
use super::{World, route, ruleset};
use crate::error::{Mistake, Problem};
use crate::netns::NsName;
use link::View;
use told::Drops;

/// How many tries are followed; more would say the same.
const FOLLOWED: usize = 12;
/// How many warnings are told.
const TOLD: usize = 4;
/// How many routers a packet is followed through.
const HOPS: usize = 64;

/// A try to reach an address that had no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Try {
    from: NsName,
    to: IpAddr,
    /// What was sent: `icmp`, `tcp`.
    proto: &'static str,
}

/// The tries that had no answer since the last check that held.
#[derive(Debug, Default)]
pub struct Tries(RefCell<Vec<Try>>);

impl Tries {
    /// Notes a try and whether it was answered.
    pub(super) fn note(&self, from: &NsName, to: IpAddr, proto: &'static str, is_answered: bool) {
        let tried = Try {
            from: from.clone(),
            to,
            proto,
        };
        let mut tries = self.0.borrow_mut();
        tries.retain(|old| *old != tried);
        if !is_answered {
            tries.push(tried);
        }
    }

    /// A check held: what had no answer was not to have one.
    pub fn settle(&self) {
        self.0.borrow_mut().clear();
    }
}

/// What is likely behind the tries that had no answer: each thing once, with the line that mends it.
pub fn warnings(world: &World) -> Vec<Problem> {
    let tries: Vec<Try> = world.tries.0.borrow().iter().take(FOLLOWED).cloned().collect();
    let mut warnings: Vec<Problem> = Vec::new();
    if tries.is_empty() {
        return warnings;
    }
    let view = View::new(world);
    for tried in &tries {
        let found = Way::follow(&view, tried);
        let is_new = |new: &Problem| !warnings.iter().any(|old| old.message == new.message);
        let new: Vec<_> = found.into_iter().filter(is_new).collect();
        warnings.extend(new);
    }
    warnings.truncate(TOLD);
    warnings
}

/// Where a walk ended.
enum End {
    /// In the namespace that has the address; the address the packet came from.
    There(NsName, Option<IpAddr>),
    /// On the way, by what is told.
    Stopped,
    /// Where it cannot be followed.
    Lost,
}

/// One packet on its way.
struct Way<'a> {
    view: &'a View<'a>,
    proto: &'static str,
    /// Whether it is the answer.
    is_answer: bool,
    /// The last router that the packet passed on its way there.
    router: Option<NsName>,
    found: Vec<Problem>,
    /// Whether a router on the way changes addresses: then the answer goes to another.
    is_translated: bool,
}

impl Way<'_> {
    /// What stops a packet on its way there, or else its answer on the way back.
    fn follow(view: &View, tried: &Try) -> Vec<Problem> {
        let mut way = Way {
            view,
            proto: tried.proto,
            is_answer: false,
            router: None,
            found: Vec::new(),
            is_translated: false,
        };
        let end = way.walk(&tried.from, tried.to);
        if let End::There(there, Some(source)) = end
            && way.found.is_empty()
            && !way.is_translated
        {
            way.is_answer = true;
            way.walk(&there, source);
        }
        // Whoever has no route there is often not alone: the answer may want one too.
        if !way.is_answer
            && let [Some(Mistake::NoRoute)] = way.found.iter().map(|found| found.mistake).collect::<Vec<_>>()[..]
            && let Some(there) = view.holders(tried.to).first()
            && let Some(source) = view.everybody.iter().find(|held| held.netns == tried.from)
        {
            way.is_answer = true;
            way.walk(&there.netns, source.local);
        }
        way.found
    }

    fn tell(&mut self, warning: Problem) -> End {
        self.found.push(warning);
        End::Stopped
    }

    fn walk(&mut self, from: &NsName, to: IpAddr) -> End {
        let mut at = from.clone();
        let mut source = None;
        let mut came_by: Option<String> = None;
        for hop in 0..HOPS {
            if to.is_loopback() || self.view.has(&at, to) {
                return self.arrive(from, at, to, source, hop);
            }
            let Ok(decision) = route::decide(self.view.world, &at, to) else {
                let warning = self.unrouted(&at, from, to);
                return warning.map_or(End::Lost, |warning| self.tell(warning));
            };
            let Some(dev) = decision.dev else { return End::Lost };
            if source.is_none() {
                source = decision.prefsrc.as_ref().and_then(|source| source.parse().ok());
            }
            if let Some(warning) = self.pass(&at, came_by.as_deref(), &dev, to) {
                return self.tell(warning);
            }
            let next = decision
                .gateway
                .as_ref()
                .and_then(|gateway| gateway.parse().ok())
                .unwrap_or(to);
            match self.cross(&at, &dev, next, to) {
                Ok(Some(held)) => (at, came_by) = (held.netns, Some(held.dev)),
                Ok(None) => return End::Lost,
                Err(warnings) => {
                    self.found.extend(warnings);
                    return End::Stopped;
                }
            }
        }
        End::Lost
    }

    /// There is no route. A public address does not know the private ones behind a router: there it is the router that
    /// lacks something.
    fn unrouted(&self, at: &NsName, from: &NsName, to: IpAddr) -> Option<Problem> {
        let is_private = |address: IpAddr| matches!(address, IpAddr::V4(v4) if v4.is_private());
        let own = self.view.everybody.iter().filter(|held| held.netns == *at);
        let is_public = at == from && own.clone().next().is_some() && !own.clone().any(|held| is_private(held.local));
        match &self.router {
            Some(router) if self.is_answer && is_private(to) && is_public => {
                Some(told::no_translation(self.view, at, router, to))
            }
            _ => self.view.no_route(at, to, self.is_answer),
        }
    }

    /// The packet is where it was to go.
    fn arrive(&mut self, from: &NsName, at: NsName, to: IpAddr, source: Option<IpAddr>, hop: usize) -> End {
        if hop == 0 {
            return match self.view.device(from, "lo") {
                Some(lo) if !lo.is_up => {
                    let warning = told::lo_down(from, to);
                    self.tell(warning)
                }
                _ => End::Lost,
            };
        }
        match self.drops(&at, "input") {
            Some(drops) => {
                let warning = drops.at_an_end(&at, self.proto, self.is_answer);
                self.tell(warning)
            }
            None => End::There(at, source),
        }
    }

    /// What stops the packet inside a namespace, where it leaves it by `dev`: one that came in by another device is
    /// forwarded or not, one that begins here meets the chain for that.
    fn pass(&mut self, at: &NsName, came_by: Option<&str>, dev: &str, to: IpAddr) -> Option<Problem> {
        let Some(came_by) = came_by else {
            let drops = self.drops(at, "output")?;
            return Some(drops.at_an_end(at, self.proto, self.is_answer));
        };
        self.is_translated |= self.view.translates(at);
        if !self.is_answer {
            self.router = Some(at.clone());
        }
        if !self.view.forwards(at, to) {
            return Some(told::no_forwarding(self.view.world, at, to));
        }
        let drops = self.drops(at, "forward")?;
        Some(drops.of_forwarded(self.view.world, at, (came_by, dev)))
    }

    /// What stops the packet on the link; or who has the next address of its way.
    fn cross(&mut self, at: &NsName, dev: &str, next: IpAddr, to: IpAddr) -> Result<Option<Held>, Vec<Problem>> {
        if let Some(bridge) = self.view.bridge_of(at, dev) {
            return Err(vec![told::address_on_port(self.view, at, dev, &bridge)]);
        }
        let holders: Vec<Held> = self.view.holders(next);
        let Some(first) = holders.first() else {
            return Err(vec![told::no_such_address(self.view, at, next, to)]);
        };
        let reached = self.view.reached(at, dev);
        let path = holders
            .iter()
            .find_map(|held| Some((held, reached.path(&held.netns, &held.dev)?)));
        let Some((held, path)) = path else {
            // Through a tunnel it may be reached all the same.
            return match reached.is_whole {
                true => Err(vec![told::other_link(self.view, at, dev, first, next)]),
                false => Ok(Some(first.clone())),
            };
        };
        let mut warnings: Vec<Problem> = Vec::new();
        for place in &path {
            if !place.device.is_up {
                warnings.push(told::device_down(self.view.world, &place.netns, &place.device.name));
            }
        }
        if let Some(bridge) = self.view.bridge_of(&held.netns, &held.dev) {
            warnings.push(told::address_on_port(self.view, &held.netns, &held.dev, &bridge));
        }
        let bridges = path
            .iter()
            .filter(|place| place.device.kind == "bridge" && self.view.is_filtered(&place.netns, to));
        for bridge in bridges {
            let is_end = (&bridge.netns, &bridge.device.name) == (&held.netns, &held.dev);
            if let Some(drops) = self.drops(&bridge.netns, "forward").filter(|_| !is_end) {
                warnings.push(drops.of_bridged(self.view.world, &bridge.netns, &bridge.device.name));
            }
        }
        match warnings.is_empty() {
            true => Ok(Some(held.clone())),
            false => Err(warnings),
        }
    }

    /// What a chain of a namespace has dropped.
    fn drops(&self, netns: &NsName, chain: &str) -> Option<Drops> {
        let facts: Vec<ruleset::RuleFact> = super::filter::rules(self.view.world, netns).unwrap_or_default();
        let of_chain = facts
            .into_iter()
            .filter(|fact| fact.chain == chain && fact.packets.unwrap_or(0) > 0);
        of_chain.filter_map(|fact| Drops::of(&fact)).next()
    }
}

/// An address in the subnet of another: one of `own`, where that only lacks the prefix length, or one that nobody has.
fn beside(everybody: &[Held], own: &[Held], address: IpAddr) -> Option<IpNet> {
    let usual = if address.is_ipv4() { 24 } else { 64 };
    let holder = everybody.iter().find(|held| held.local == address);
    // In a subnet of one or two there is no room beside.
    let length = holder.map_or(usual, |held| held.net.prefix_len());
    let length = if length > address_bits(address) - 2 {
        usual
    } else {
        length
    };
    let net = IpNet::new(address, length).ok()?.trunc();
    match own.iter().find(|held| net.contains(&held.local)) {
        Some(held) => IpNet::new(held.local, length).ok(),
        None => addresses::free(everybody, net, &[address]),
    }
}

fn address_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}
