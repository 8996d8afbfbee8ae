//! A route as a request to the kernel.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{
    RouteAttribute, RouteHeader, RouteMessage, RouteMetric, RouteNextHop, RouteNextHopFlags, RouteProtocol, RouteScope,
    RouteType as Kind, RouteVia,
};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::{Among, Family, Route, Table, index_at};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;
use crate::ops::addr::Scope;
use crate::ops::command::{Draft, Grammar};
use crate::ops::names::PROTOCOLS;
use crate::ops::types::Flag;
use crate::ops::value::{Value, not_wanted};
use crate::ops::{Args, Heard, IfName, Options, Prefix, Typed, Words, World, handle};
use crate::options;

options! {
    /// The keys of `route add`, `replace` and `del`.
    pub struct Way {
        /// the gateway
        via: IpAddr,
        /// the device it goes out of
        dev: IfName,
        /// the source address of packets that have none yet
        src: IpAddr,
        /// among routes to the same destination the one with the least metric wins
        metric: u32,
        /// the table; main if not given
        table: Table,
        /// how far the destination is: global, link, host
        scope: Scope,
        /// the gateway is on the link though no subnet says so
        onlink: Flag,
        /// the largest packet on this path, in bytes
        mtu: u32,
        /// who made it: boot (if not given), static, kernel, a name of rt_protos, or a number
        proto: Proto,
        /// several gateways among which flows are shared: [ #{ via, dev, weight } ]
        nexthop: Hops,
        /// what happens to the packets: unicast, blackhole, unreachable, prohibit, local, throw …
        kind as "type": RouteType,
    }
}

options! {
    /// One of several gateways.
    pub struct NextHop {
        /// the gateway
        via: IpAddr,
        /// the device
        dev: IfName,
        /// its share, 1 to 256
        weight: u16,
        /// the gateway is on the link though no subnet says so
        onlink: Flag,
    }
}

/// Several gateways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hops(Vec<NextHop>);

impl Typed for Hops {
    const WANTS: &'static str = "an array of maps such as #{ via: \"10.0.0.2\", weight: 1 }";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::List(items) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let hop = |item: &Value| {
            let Value::Map(map) = item else {
                return Err(not_wanted::<Self>(item));
            };
            let mut args = Args::new(Vec::new(), map.clone());
            let hop = NextHop::take(&mut args).and_then(|hop| args.finish(NextHop::KEYS).map(|()| hop));
            let hop = hop.map_err(|problem| format!("has a wrong key: {problem}"))?;
            match (&hop, hop.weight) {
                (
                    NextHop {
                        via: None, dev: None, ..
                    },
                    _,
                ) => Err("has a hop with neither `via` nor `dev`".into()),
                (_, Some(weight)) if !(1..=256).contains(&weight) => Err(format!("has a weight of {weight}: 1 to 256")),
                _ => Ok(hop),
            }
        };
        if items.is_empty() {
            return Err("has no hop".into());
        }
        items.iter().map(hop).collect::<Result<_, _>>().map(Hops)
    }

    fn spell(&self) -> String {
        self.words("nexthop").join(" ")
    }

    fn words(&self, key: &str) -> Vec<String> {
        self.0
            .iter()
            .flat_map(|hop| std::iter::once(key.to_string()).chain(hop.words()))
            .collect()
    }

    fn of_words(key: &str, words: &mut Words) -> Heard<Option<Value>> {
        let grammar = Grammar {
            keys: &[NextHop::KEYS],
            ..Grammar::default()
        };
        let mut hops = Vec::new();
        while words.take(key) {
            let mut hop = Draft::new("route", "nexthop");
            while super::command::take_gateway(&mut hop, words)? || hop.take_option(words, &grammar)? {}
            hops.push(Value::Map(hop.call.options.into_iter().collect()));
        }
        Ok((!hops.is_empty()).then_some(Value::List(hops)))
    }
}

/// Who made a route, as rt_protos numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proto(pub(crate) u8);

impl Typed for Proto {
    const WANTS: &'static str = "\"static\", \"boot\", \"kernel\", another name of rt_protos, or a number to 255";

    fn read(value: &Value) -> Result<Self, String> {
        let id = match value {
            Value::Int(n) => u8::try_from(*n).ok(),
            // One that has no name is told as a number.
            Value::Str(text) => match PROTOCOLS.id(text) {
                Some(id) => u8::try_from(id).ok(),
                None => text.parse().ok(),
            },
            _ => None,
        };
        id.map(Proto).ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        PROTOCOLS.name(self.0.into())
    }
}

/// What a route does with its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteType(u8);

pub(super) const TYPES: [(&str, Kind); 9] = [
    ("unicast", Kind::Unicast),
    ("local", Kind::Local),
    ("broadcast", Kind::Broadcast),
    ("anycast", Kind::Anycast),
    ("multicast", Kind::Multicast),
    ("blackhole", Kind::BlackHole),
    ("unreachable", Kind::Unreachable),
    ("prohibit", Kind::Prohibit),
    ("throw", Kind::Throw),
];

impl Typed for RouteType {
    const WANTS: &'static str =
        "unicast, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit or throw";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let found = TYPES.iter().find(|(name, _)| name == text);
        found
            .map(|(_, kind)| RouteType(u8::from(*kind)))
            .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        TYPES
            .iter()
            .find(|(_, kind)| u8::from(*kind) == self.0)
            .map_or_else(|| self.0.to_string(), |(name, _)| name.to_string())
    }
}

impl Way {
    /// Refuses what `ip` would refuse, or what could only fail.
    pub(super) fn check(&self) -> Result<()> {
        self.check_table()?;
        let is_unicast = self.kind.is_none_or(|kind| kind.0 == u8::from(Kind::Unicast));
        if self.nexthop.is_some() && (self.via.is_some() || self.dev.is_some()) {
            return Err(
                Problem::argument("`nexthop` has its own `via` and `dev`: they cannot stand beside it")
                    .at(Part::Key("nexthop".into())),
            );
        }
        if is_unicast && self.via.is_none() && self.dev.is_none() && self.nexthop.is_none() {
            return Err(Problem::argument(
                "a route needs a way: `via`, `dev`, `nexthop`, or a `type` such as \"blackhole\"",
            )
            .help("for instance #{ via: \"10.0.0.1\" }"));
        }
        Ok(())
    }

    /// Refuses a table that is none.
    pub(super) fn check_table(&self) -> Result<()> {
        match self.table {
            Some(Table::All) => {
                Err(Problem::argument("a route is in one table: \"all\" is none").at(Part::Key("table".into())))
            }
            _ => Ok(()),
        }
    }

    fn family(&self) -> Option<Family> {
        let hops = self.nexthop.iter().flat_map(|hops| hops.0.iter());
        self.via
            .or(self.src)
            .or_else(|| hops.filter_map(|hop| hop.via).next())
            .as_ref()
            .map(Family::of)
    }
}

impl Route {
    /// The words after the verb. `ip` wants the type before the destination.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.way.kind.iter().map(RouteType::spell).collect();
        words.push(self.to.spell());
        let way = Way {
            kind: None,
            ..self.way.clone()
        };
        for word in way.words() {
            // A gateway of the other family is told with it.
            let gateway = (words.last().is_some_and(|last| last == "via")).then(|| word.parse::<IpAddr>());
            if let Some(Ok(gateway)) = gateway
                && Family::of(&gateway) != self.family()
            {
                words.push(Family::of(&gateway).spell());
            }
            words.push(word);
        }
        words
    }

    pub(super) fn family(&self) -> Family {
        match &self.to {
            Prefix::Net(net) => Family::of(&net.addr()),
            Prefix::Default => self.way.family().unwrap_or(Family::Inet),
        }
    }

    pub(super) fn add(&self, world: &World, netns: &NsName) -> Result<()> {
        let message = self.message(world, netns, false)?;
        let added = world
            .space(netns)?
            .change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL);
        added.map_err(|problem| self.refused(problem, netns))
    }

    pub(super) fn replace(&self, world: &World, netns: &NsName) -> Result<()> {
        let message = self.message(world, netns, false)?;
        let space = world.space(netns)?;
        let replaced = space.change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE);
        replaced.map_err(|problem| self.refused(problem, netns))
    }

    pub(super) fn delete(&self, world: &World, netns: &NsName) -> Result<()> {
        let message = self.message(world, netns, true)?;
        let deleted = world.space(netns)?.change(RouteNetlinkMessage::DelRoute(message), 0);
        deleted.map_err(|problem| match problem.errno {
            Some(Errno::ESRCH) => problem.help(format!("no route fits: see {netns}.route.show()")),
            _ => problem,
        })
    }

    fn refused(&self, problem: Box<Problem>, netns: &NsName) -> Box<Problem> {
        match (problem.errno, &self.way) {
            (
                Some(Errno::ENETDOWN),
                Way {
                    dev: Some(dev),
                    via: None,
                    ..
                },
            ) => {
                let help = format!("{}.link.set({:?}, #{{ up: true }})", handle(netns), dev.as_str());
                problem.at(Part::Key("dev".into())).help(help)
            }
            _ => problem,
        }
    }

    fn message(&self, world: &World, netns: &NsName, is_delete: bool) -> Result<RouteMessage> {
        let way = &self.way;
        let family = self.family();
        let kind = way.kind.map(|kind| Kind::from(kind.0));
        let unsaid = if is_delete {
            RouteProtocol::Unspec
        } else {
            RouteProtocol::Boot
        };
        let mut message = RouteMessage::default();
        message.header = RouteHeader {
            address_family: family.netlink(),
            protocol: way.proto.map_or(unsaid, |proto| RouteProtocol::from(proto.0)),
            scope: RouteScope::from(
                way.scope
                    .map_or_else(|| self.scope(family, kind, is_delete), |scope| scope.0),
            ),
            kind: kind.unwrap_or(if is_delete { Kind::Unspec } else { Kind::Unicast }),
            ..RouteHeader::default()
        };
        let is_of_host = matches!(kind, Some(Kind::Local | Kind::Broadcast | Kind::Anycast));
        let table = number(
            way.table
                .unwrap_or(if is_of_host { Table::Id(255) } else { Table::MAIN }),
        );
        match u8::try_from(table) {
            Ok(small) => message.header.table = small,
            Err(_) => message.attributes.push(RouteAttribute::Table(table)),
        }
        if let Prefix::Net(net) = &self.to {
            message.header.destination_prefix_length = net.prefix_len();
            message.attributes.push(RouteAttribute::Destination(net.addr().into()));
        }
        let hop = NextHop {
            via: way.via,
            dev: way.dev.clone(),
            weight: None,
            onlink: way.onlink,
        };
        message.attributes.extend(hop.attributes(world, netns, family)?);
        if way.onlink == Some(Flag(true)) {
            message.header.flags |= netlink_packet_route::route::RouteFlags::Onlink;
        }
        message
            .attributes
            .extend(way.src.map(|src| RouteAttribute::PrefSource(src.into())));
        message.attributes.extend(way.metric.map(RouteAttribute::Priority));
        message
            .attributes
            .extend(way.mtu.map(|mtu| RouteAttribute::Metrics(vec![RouteMetric::Mtu(mtu)])));
        if let Some(hops) = &way.nexthop {
            let hops: Result<Vec<_>> = hops.0.iter().map(|hop| hop.next_hop(world, netns, family)).collect();
            message.attributes.push(RouteAttribute::MultiPath(hops?));
        }
        Ok(message)
    }

    /// The scope that `ip` gives where none is said.
    fn scope(&self, family: Family, kind: Option<Kind>, is_delete: bool) -> u8 {
        let (global, link, host, nowhere) = (0, 253, 254, 255);
        match kind {
            _ if family == Family::Inet6 => global,
            Some(Kind::Local) => host,
            Some(Kind::Broadcast | Kind::Multicast | Kind::Anycast) => link,
            None | Some(Kind::Unicast) if is_delete => nowhere,
            None | Some(Kind::Unicast) if self.way.via.is_none() && self.way.nexthop.is_none() => link,
            _ => global,
        }
    }
}

impl NextHop {
    fn attributes(&self, world: &World, netns: &NsName, family: Family) -> Result<Vec<RouteAttribute>> {
        let mut attributes = Vec::new();
        attributes.extend(self.via.map(|via| match Family::of(&via) == family {
            true => RouteAttribute::Gateway(via.into()),
            // A gateway of the other family: IPv4 by way of IPv6.
            false => RouteAttribute::Via(RouteVia::from(via)),
        }));
        if let Some(dev) = &self.dev {
            attributes.push(RouteAttribute::Oif(index_at(world, netns, dev, "dev")?));
        }
        Ok(attributes)
    }

    fn next_hop(&self, world: &World, netns: &NsName, family: Family) -> Result<RouteNextHop> {
        let mut hop = RouteNextHop::default();
        hop.hops = (self.weight.unwrap_or(1) - 1) as u8;
        if self.onlink == Some(Flag(true)) {
            hop.flags |= RouteNextHopFlags::Onlink;
        }
        for attribute in self.attributes(world, netns, family)? {
            match attribute {
                RouteAttribute::Oif(index) => hop.interface_index = index,
                other => hop.attributes.push(other),
            }
        }
        Ok(hop)
    }
}

/// The number of a table; of all of them, none.
fn number(table: Table) -> u32 {
    match table {
        Table::All => 0,
        Table::Id(id) => id,
    }
}

/// Deletes the routes of a table that fit.
pub(super) fn flush(world: &World, netns: &NsName, among: &Among) -> Result<()> {
    let table = among.table.unwrap_or_default();
    let dev = among
        .dev
        .as_ref()
        .map(|dev| index_at(world, netns, dev, "dev"))
        .transpose()?;
    let space = world.space(netns)?;
    let families: &[Family] = match (among.family, table) {
        (Some(Family::Inet6), _) => &[Family::Inet6],
        (None, Table::All) => &[Family::Inet, Family::Inet6],
        _ => &[Family::Inet],
    };
    for family in families {
        let mut all = RouteMessage::default();
        all.header.address_family = family.netlink();
        for message in space.dump(RouteNetlinkMessage::GetRoute(all))? {
            let RouteNetlinkMessage::NewRoute(route) = message else {
                continue;
            };
            let attribute = |wanted: &RouteAttribute| route.attributes.contains(wanted);
            // The header has room for small numbers only.
            let is_in_table = table == Table::All || attribute(&RouteAttribute::Table(number(table)));
            if !is_in_table || dev.is_some_and(|dev| !attribute(&RouteAttribute::Oif(dev))) {
                continue;
            }
            match space.change(RouteNetlinkMessage::DelRoute(route), 0) {
                // Gone with another that was just deleted.
                Err(problem) if problem.errno == Some(Errno::ESRCH) => {}
                other => other?,
            }
        }
    }
    Ok(())
}
