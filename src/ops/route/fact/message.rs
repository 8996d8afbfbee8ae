//! From the kernel's message to the fact.

use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteCacheInfo, RouteFlags, RouteMessage, RouteNextHop, RoutePreference,
    RouteProtocol, RouteRealm, RouteScope, RouteType, RouteVia,
};

use super::{Metrics, NextHop, Realms, RouteFact, Table, Via};
use crate::ops::names::{self, DSFIELDS, Links, PROTOCOLS, REALMS, SCOPES, TABLES};

/// The number of the table a route is in. The header has room for the first 256 only.
pub(super) fn table_of(message: &RouteMessage) -> u32 {
    let long = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(id) => Some(*id),
        _ => None,
    });
    long.unwrap_or_else(|| message.header.table.into())
}

/// The route a message tells of. `asked` is the table it was asked for in, which then goes without
/// saying; [`Table::All`] for the answer to `ip route get`.
pub fn from_message(message: &RouteMessage, links: &Links, asked: Table) -> RouteFact {
    let header = &message.header;
    let is_decision = header.flags.contains(RouteFlags::Cloned);
    let table = Some(table_of(message)).filter(|id| asked == Table::All && *id != 0 && Table::Id(*id) != Table::MAIN);
    let mut fact = RouteFact {
        kind: Some(header.kind)
            .filter(|kind| *kind != RouteType::Unicast)
            .map(type_name),
        dst: match header.destination_prefix_length {
            0 => "default".to_string(),
            length => format!("0/{length} "),
        },
        tos: Some(header.tos).filter(|tos| *tos != 0).map(tos_name),
        table: table.map(|id| TABLES.name(id)),
        flags: flag_names(header.flags.bits()),
        cache: (is_decision && header.address_family == AddressFamily::Inet).then(|| cache_flags(header.flags.bits())),
        ..RouteFact::default()
    };
    if !is_decision {
        fact.protocol = Some(header.protocol)
            .filter(|by| *by != RouteProtocol::Boot)
            .map(|by| PROTOCOLS.name(u8::from(by).into()));
        fact.scope = Some(header.scope)
            .filter(|s| *s != RouteScope::Universe)
            .map(|s| SCOPES.name(u8::from(s).into()));
    }
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => fact.dst = prefix(to, header.destination_prefix_length),
            RouteAttribute::Source(from) => fact.from = Some(prefix(from, header.source_prefix_length)),
            other => fact.take(other, links),
        }
    }
    fact
}

impl RouteFact {
    /// Takes over an attribute that means the same on its own as among the others.
    fn take(&mut self, attribute: &RouteAttribute, links: &Links) {
        match attribute {
            RouteAttribute::NhId(id) => self.nhid = Some(*id),
            RouteAttribute::Gateway(gateway) => self.gateway = Some(host(gateway)),
            RouteAttribute::Via(via) => self.via = Some(Via::from(via)),
            RouteAttribute::Oif(index) => self.dev = Some(links.name(*index)),
            RouteAttribute::PrefSource(source) => self.prefsrc = Some(host(source)),
            RouteAttribute::Priority(metric) => self.metric = Some(*metric),
            RouteAttribute::Mark(mark) if *mark != 0 => self.mark = Some(*mark),
            RouteAttribute::Realm(realm) => self.flow = Some(Realms::from(realm)),
            RouteAttribute::Uid(uid) => self.uid = Some(*uid),
            RouteAttribute::CacheInfo(cache) => self.take_cache(cache),
            RouteAttribute::Metrics(metrics) => self.metrics = Some([Metrics::from(metrics.as_slice())]),
            RouteAttribute::Iif(index) => self.iif = Some(links.name(*index)),
            RouteAttribute::Preference(preference) => self.pref = Some(preference_name(*preference)),
            RouteAttribute::MultiPath(hops) => {
                self.nexthops = hops.iter().map(|hop| NextHop::from_message(hop, links)).collect();
            }
            _ => {}
        }
    }

    fn take_cache(&mut self, cache: &RouteCacheInfo) {
        // The kernel counts in ticks of its interface, a hundredth of a second on every machine we build for.
        const TICKS: i32 = 100;
        self.expires = Some(cache.expires.cast_signed())
            .filter(|ticks| *ticks != 0)
            .map(|ticks| ticks / TICKS);
        self.error = Some(cache.error).filter(|error| *error != 0);
    }
}

impl NextHop {
    fn from_message(message: &RouteNextHop, links: &Links) -> NextHop {
        let mut hop = NextHop {
            dev: links.name(message.interface_index),
            weight: u32::from(message.hops) + 1,
            flags: flag_names(message.flags.bits().into()),
            ..NextHop::default()
        };
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Gateway(gateway) => hop.gateway = Some(host(gateway)),
                RouteAttribute::Via(via) => hop.via = Some(Via::from(via)),
                RouteAttribute::Realm(realm) => hop.flow = Some(Realms::from(realm)),
                _ => {}
            }
        }
        hop
    }
}

impl From<&RouteVia> for Via {
    fn from(via: &RouteVia) -> Via {
        let (family, host) = match via {
            RouteVia::Inet(ip) => ("inet", names::address((*ip).into())),
            RouteVia::Inet6(ip) => ("inet6", names::address((*ip).into())),
            RouteVia::Packet(bytes) => ("link", names::hex(bytes)),
            _ => ("???", "???".to_string()),
        };
        Via {
            family: family.to_string(),
            host,
        }
    }
}

impl From<&RouteRealm> for Realms {
    fn from(realm: &RouteRealm) -> Realms {
        let from = Some(realm.source)
            .filter(|id| *id != 0)
            .map(|id| REALMS.name(id.into()));
        Realms {
            from,
            to: REALMS.name(realm.destination.into()),
        }
    }
}

fn host(address: &RouteAddress) -> String {
    match address {
        RouteAddress::Inet(ip) => names::address((*ip).into()),
        RouteAddress::Inet6(ip) => names::address((*ip).into()),
        _ => "???".to_string(),
    }
}

fn prefix(address: &RouteAddress, length: u8) -> String {
    let whole = match address {
        RouteAddress::Inet(_) => 32,
        _ => 128,
    };
    if length == whole {
        host(address)
    } else {
        format!("{}/{length}", host(address))
    }
}

fn type_name(kind: RouteType) -> String {
    const NAMES: [&str; 12] = [
        "none",
        "unicast",
        "local",
        "broadcast",
        "anycast",
        "multicast",
        "blackhole",
        "unreachable",
        "prohibit",
        "throw",
        "nat",
        "xresolve",
    ];
    let number = u8::from(kind);
    NAMES
        .get(usize::from(number))
        .map_or_else(|| number.to_string(), |name| (*name).to_string())
}

fn tos_name(tos: u8) -> String {
    DSFIELDS
        .get(tos.into())
        .map_or_else(|| format!("0x{tos:02x}"), str::to_string)
}

fn preference_name(preference: RoutePreference) -> String {
    match preference {
        RoutePreference::Low => "low".to_string(),
        RoutePreference::Medium => "medium".to_string(),
        RoutePreference::High => "high".to_string(),
        other => u8::from(other).to_string(),
    }
}

/// The flags of a route and of a next hop, in the order in which `ip` shows them.
fn flag_names(bits: u32) -> Vec<String> {
    const FLAGS: [(u32, &str); 11] = [
        (0x01, "dead"),
        (0x04, "onlink"),
        (0x02, "pervasive"),
        (0x08, "offload"),
        (0x40, "trap"),
        (0x100, "notify"),
        (0x10, "linkdown"),
        (0x20, "unresolved"),
        (0x4000, "rt_offload"),
        (0x8000, "rt_trap"),
        (0x2000_0000, "rt_offload_failed"),
    ];
    FLAGS
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| (*name).to_string())
        .collect()
}

/// The flags of a decision, in the order in which `ip` shows them.
fn cache_flags(bits: u32) -> Vec<String> {
    const FLAGS: [(u32, &str); 14] = [
        (0x8000_0000, "local"),
        (0x4000_0000, "reject"),
        (0x2000_0000, "mc"),
        (0x1000_0000, "brd"),
        (0x0800_0000, "dst-nat"),
        (0x0080_0000, "src-nat"),
        (0x0040_0000, "masq"),
        (0x0002_0000, "dst-direct"),
        (0x0400_0000, "src-direct"),
        (0x0004_0000, "redirected"),
        (0x0100_0000, "redirect"),
        (0x0020_0000, "fastroute"),
        (0x0001_0000, "notify"),
        (0x0008_0000, "proxy"),
    ];
    FLAGS
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| (*name).to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flags: RouteFlags) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        message.header.destination_prefix_length = 24;
        message.header.table = 254;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = RouteScope::Link;
        message.header.kind = RouteType::Unicast;
        message.header.flags = flags;
        message.attributes.push(RouteAttribute::Destination(
            "10.0.0.0".parse::<std::net::Ipv4Addr>().unwrap().into(),
        ));
        message
    }

    #[test]
    fn a_table_is_named_where_any_was_asked_for_and_it_is_not_main() {
        let mut route = message(RouteFlags::empty());
        let table = |route: &RouteMessage, asked| from_message(route, &Links::default(), asked).table;
        assert_eq!(table(&route, Table::All), None);
        route.attributes.push(RouteAttribute::Table(70_000));
        assert_eq!(table(&route, Table::All).as_deref(), Some("70000"));
        assert_eq!(table(&route, Table::Id(70_000)), None);
    }

    #[test]
    fn a_decision_has_neither_protocol_nor_scope_but_a_cache() {
        let fact = |flags| from_message(&message(flags), &Links::default(), Table::All);
        let (route, decision) = (fact(RouteFlags::Onlink), fact(RouteFlags::Cloned));
        assert_eq!(
            (route.protocol.as_deref(), route.scope.as_deref()),
            (Some("static"), Some("link"))
        );
        assert_eq!((route.flags, route.cache), (vec!["onlink".to_string()], None));
        assert_eq!(
            (decision.protocol, decision.scope, decision.cache),
            (None, None, Some(vec![]))
        );
    }
}
