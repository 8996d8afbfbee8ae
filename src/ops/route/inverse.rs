//! What undoes a change of routes.

use serde_json::json;

use super::change::Proto;
use super::fact::{self, Filter, RouteFact};
use super::{Among, Change, Family, Route, Table, Way};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::{options, read};
use crate::ops::{IfName, Inverse, Prefix, Typed, World};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let undo = match change {
        Change::Add(route) => Change::Del(route.clone()),
        Change::Replace(route) => match find(world, netns, |old| old.is_replaced_by(route))? {
            Some(old) => match old.route() {
                Some(old) => Change::Replace(old),
                None => return Ok(old.cannot()),
            },
            None => Change::Del(route.clone()),
        },
        Change::Del(route) => match find(world, netns, |old| old.fits(route))? {
            Some(old) => match old.route() {
                Some(old) => Change::Add(old),
                None => return Ok(old.cannot()),
            },
            None => return Ok(Inverse::By(Vec::new())),
        },
        Change::Flush(among) => return flushed(world, netns, among),
    };
    Ok(Inverse::changes(netns, [undo]))
}

/// A route as it is, and the table it is in.
struct Old {
    fact: RouteFact,
    family: Family,
}

fn all(world: &World, netns: &NsName) -> Result<Vec<Old>> {
    let space = world.kernel.space(netns)?;
    let mut olds = Vec::new();
    for family in [Family::Inet, Family::Inet6] {
        let filter = Filter {
            family: Some(family),
            table: Table::All,
        };
        let facts = fact::all(&world.kernel, &space, &filter)?;
        olds.extend(facts.into_iter().map(|fact| Old { fact, family }));
    }
    Ok(olds)
}

fn find(world: &World, netns: &NsName, is_it: impl Fn(&Old) -> bool) -> Result<Option<Old>> {
    Ok(all(world, netns)?.into_iter().find(is_it))
}

fn flushed(world: &World, netns: &NsName, among: &Among) -> Result<Inverse> {
    let table = among.table.unwrap_or_default();
    let families: &[Family] = match (among.family, table) {
        (Some(Family::Inet6), _) => &[Family::Inet6],
        (None, Table::All) => &[Family::Inet, Family::Inet6],
        _ => &[Family::Inet],
    };
    let mut gone = all(world, netns)?;
    gone.retain(|old| {
        families.contains(&old.family)
            && (table == Table::All || old.table() == table)
            && among
                .dev
                .as_ref()
                .is_none_or(|dev| old.fact.dev.as_deref() == Some(dev.as_str()))
    });
    if let Some(other) = gone.iter().find(|old| old.route().is_none()) {
        return Ok(other.cannot());
    }
    // A gateway is reached by a route that must be there before.
    gone.sort_by_key(|old| old.fact.gateway.is_some() || old.fact.via.is_some() || !old.fact.nexthops.is_empty());
    let routes = gone.iter().filter_map(Old::route);
    Ok(Inverse::changes(netns, routes.map(Change::Replace)))
}

/// The routes out of a device that the kernel did not make by itself, each with the source address it prefers.
pub fn through(world: &World, netns: &NsName, dev: &IfName) -> Result<Vec<(Route, Option<String>)>> {
    let mut olds = all(world, netns)?;
    let is_dev = |name: &str| name == dev.as_str();
    olds.retain(|old| {
        let is_own = matches!(old.fact.protocol.as_deref(), Some("kernel" | "ra"));
        let is_out =
            old.fact.dev.as_deref().is_some_and(is_dev) || old.fact.nexthops.iter().any(|hop| is_dev(&hop.dev));
        is_out && !is_own
    });
    olds.sort_by_key(|old| old.fact.gateway.is_some());
    Ok(olds
        .iter()
        .filter_map(|old| Some((old.route()?, old.fact.prefsrc.clone())))
        .collect())
}

/// The devices that carry default routes, those apart that have the protocol number `but`.
pub fn defaults(world: &World, netns: &NsName, but: u8) -> Result<Vec<String>> {
    let mut found = all(world, netns)?;
    let but = Proto(but).spell();
    found.retain(|old| old.fact.dst == "default" && old.fact.protocol.as_ref() != Some(&but));
    let devices = |old: Old| {
        old.fact
            .dev
            .into_iter()
            .chain(old.fact.nexthops.into_iter().map(|hop| hop.dev))
    };
    Ok(found.into_iter().flat_map(devices).collect())
}

impl Route {
    /// Gives the route this protocol number, unless it has another.
    pub fn mark(&mut self, protocol: u8) {
        self.way.proto.get_or_insert(Proto(protocol));
    }

    /// Whether it is a default route of the table that decides where nothing else does.
    pub fn is_default(&self) -> bool {
        let is_all = match self.to {
            Prefix::Default => true,
            Prefix::Net(net) => net.prefix_len() == 0,
        };
        is_all && self.table() == Table::default()
    }

    /// Whether it is a route of IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.family() == Family::Inet
    }

    fn table(&self) -> Table {
        self.way.table.unwrap_or_default()
    }
}

impl Among {
    /// Whether a default route can be among them that decides where nothing else does.
    pub fn has_default(&self) -> bool {
        matches!(self.table.unwrap_or_default(), Table::MAIN | Table::All)
    }
}

impl Old {
    fn table(&self) -> Table {
        self.fact.table.as_deref().and_then(read).unwrap_or_default()
    }

    fn to(&self) -> Option<Prefix> {
        read(&self.fact.dst)
    }

    fn is_to(&self, route: &Route) -> bool {
        self.to().as_ref() == Some(&route.to) && self.family == route.family() && self.table() == route.table()
    }

    /// IPv6 gives a route a metric where none is given.
    fn is_replaced_by(&self, route: &Route) -> bool {
        let least = if self.family == Family::Inet6 { 1024 } else { 0 };
        self.is_to(route) && self.fact.metric.unwrap_or(0) == route.way.metric.unwrap_or(least)
    }

    /// Whether it has all that the keys of a deletion say.
    fn fits(&self, route: &Route) -> bool {
        fn agrees<T: PartialEq>(given: &Option<T>, own: Option<&T>) -> bool {
            given.is_none() || given.as_ref() == own
        }
        let Some(own) = self.route() else {
            return self.is_to(route);
        };
        let (given, own) = (&route.way, &own.way);
        self.is_to(route)
            && agrees(&given.via, own.via.as_ref())
            && agrees(&given.dev, own.dev.as_ref())
            && agrees(&given.src, own.src.as_ref())
            && agrees(&given.metric, own.metric.as_ref())
            && agrees(&given.kind, own.kind.as_ref())
            && agrees(&given.nexthop, own.nexthop.as_ref())
    }

    /// What adds it again, where that can be said.
    fn route(&self) -> Option<Route> {
        let fact = &self.fact;
        let metrics = fact.metrics.as_ref().map(|[metrics]| metrics);
        let mtu = metrics.and_then(|metrics| metrics.mtu);
        let is_onlink = |flags: &[String]| flags.iter().any(|flag| flag == "onlink").then_some(true);
        let gateway = |gateway: &Option<String>, via: &Option<fact::Via>| {
            gateway.clone().or_else(|| via.as_ref().map(|via| via.host.clone()))
        };
        let hops: Vec<_> = fact
            .nexthops
            .iter()
            .map(|hop| {
                json!({
                    "via": gateway(&hop.gateway, &hop.via),
                    "dev": hop.dev,
                    "weight": hop.weight,
                    "onlink": is_onlink(&hop.flags),
                })
            })
            .map(without_null)
            .collect();
        let is_unsayable = fact.nhid.is_some()
            || fact.from.is_some()
            || fact.tos.is_some()
            || fact.flow.is_some()
            || metrics.is_some_and(|metrics| *metrics != only_mtu(mtu))
            || fact.pref.as_ref().is_some_and(|pref| pref != "medium");
        if is_unsayable {
            return None;
        }
        let is_nowhere = fact
            .kind
            .as_deref()
            .is_some_and(|kind| matches!(kind, "blackhole" | "unreachable" | "prohibit" | "throw"));
        let way: Way = options(json!({
            "via": gateway(&fact.gateway, &fact.via),
            "dev": fact.dev.as_ref().filter(|_| !is_nowhere),
            "src": fact.prefsrc,
            "metric": fact.metric,
            "table": fact.table,
            "scope": fact.scope,
            "onlink": is_onlink(&fact.flags),
            "mtu": mtu,
            "nexthop": (!hops.is_empty()).then_some(hops),
            "type": fact.kind,
            "proto": fact.protocol,
        }))?;
        Some(Route { to: self.to()?, way })
    }

    fn cannot(&self) -> Inverse {
        Inverse::Cannot(format!("the route to {} has what nsx cannot say", self.fact.dst))
    }
}

fn only_mtu(mtu: Option<u32>) -> fact::Metrics {
    fact::Metrics {
        mtu,
        ..fact::Metrics::default()
    }
}

fn without_null(mut map: serde_json::Value) -> serde_json::Value {
    if let Some(map) = map.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    map
}
