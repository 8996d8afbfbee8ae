//! A route as the kernel reports it: the fields of `ip -j route`, and the text of `ip route`.

mod message;
mod metrics;
mod text;

use std::str::FromStr;

use netlink_packet_route::route::{RouteFlags, RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::netlink::{Kernel, Space};
use crate::ops::names::{self, Links, TABLES};

pub use message::from_message;
pub use metrics::Metrics;

/// A route, with the field names and the order of `ip -j route`. What does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteFact {
    /// `blackhole`, `unreachable`, `local` …; absent for a plain (unicast) route.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where to: `default`, a prefix, or an address.
    pub dst: String,
    /// Where from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The number of the nexthop object it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhid: Option<u32>,
    /// For which TOS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<String>,
    /// The next router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The next router, where it is of another family than the route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// Through which device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Its table; absent where one table was asked for, and for table main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Who made it: `kernel`, `static` …; absent for `boot`, which a bare `ip route add` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// `link`, `host` …; absent for `global`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The address to send from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefsrc: Option<String>,
    /// Its metric: the lowest is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// `onlink`, `linkdown`, `dead` …
    pub flags: Vec<String>,
    /// The firewall mark it was looked up with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// Its realms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Realms>,
    /// The user it was looked up for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// What is known of a decision: `local`, `redirected` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Vec<String>>,
    /// The seconds it lives still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i32>,
    /// The error a packet is answered with: a negative errno.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<u32>,
    /// What it asks of the connections over it; `ip` makes that an array of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<[Metrics; 1]>,
    /// The device the packet came in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iif: Option<String>,
    /// The preference of its router: `low`, `medium`, `high` (IPv6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pref: Option<String>,
    /// Its next hops, where it has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nexthops: Vec<NextHop>,
}

/// A router of another family than the route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Via {
    /// `inet`, `inet6` or `link`.
    pub family: String,
    /// Its address.
    pub host: String,
}

/// The realms of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Realms {
    /// The source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The destination's.
    pub to: String,
}

/// One of several next hops.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NextHop {
    /// The next router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The next router, where it is of another family than the route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// Its realms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Realms>,
    /// Through which device.
    pub dev: String,
    /// Its share of the traffic, against the others'.
    pub weight: u32,
    /// `onlink`, `linkdown`, `dead` …
    pub flags: Vec<String>,
}

/// Which routes are asked for. The default is what a bare `ip route` shows: IPv4, table main.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of which family. None means IPv4, and both where every table is asked for.
    pub family: Option<Family>,
    /// Of which table.
    pub table: Table,
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// A routing table, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Table {
    /// Every table.
    All,
    /// The table with this number.
    Id(u32),
}

impl Table {
    /// The table that routes are in unless they say otherwise.
    pub const MAIN: Table = Table::Id(254);
}

impl Default for Table {
    fn default() -> Table {
        Table::MAIN
    }
}

impl FromStr for Table {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match TABLES.id(text).or_else(|| names::number(text)) {
            Some(0) => Ok(Table::All),
            Some(id) => Ok(Table::Id(id)),
            None if text == "all" => Ok(Table::All),
            None => Err(format!(
                "wants a table: a number, \"main\", \"local\", \"default\" or \"all\", not {text:?}"
            )),
        }
    }
}

/// The routes of the namespace that `filter` lets through.
///
/// Equivalent: `ip route`, `ip -6 route`, `ip route show table TABLE`.
pub fn all(_kernel: &Kernel, space: &Space, filter: &Filter) -> Result<Vec<RouteFact>> {
    let links = Links::read(space)?;
    let families: &[AddressFamily] = match (filter.family, filter.table) {
        (Some(Family::Inet), _) | (None, Table::Id(_)) => &[AddressFamily::Inet],
        (Some(Family::Inet6), _) => &[AddressFamily::Inet6],
        (None, Table::All) => &[AddressFamily::Inet, AddressFamily::Inet6],
    };
    let mut facts = Vec::new();
    for family in families {
        let mut request = RouteMessage::default();
        request.header.address_family = *family;
        for message in space.dump(RouteNetlinkMessage::GetRoute(request))? {
            if let RouteNetlinkMessage::NewRoute(route) = message
                && is_shown(&route, filter.table)
            {
                facts.push(from_message(&route, &links, filter.table));
            }
        }
    }
    Ok(facts)
}

/// Whether `ip` shows a route of a dump: not what the kernel has cached for single destinations, and,
/// where IPv6's table main is asked for, no local address, which once were kept there.
fn is_shown(route: &RouteMessage, table: Table) -> bool {
    let header = &route.header;
    let old_local =
        header.address_family == AddressFamily::Inet6 && header.kind == RouteType::Local && table == Table::MAIN;
    let in_table = match table {
        Table::All => true,
        Table::Id(id) => id == message::table_of(route),
    };
    in_table && !old_local && !header.flags.contains(RouteFlags::Cloned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_names_and_numbers() {
        let cases = [
            ("main", Table::MAIN),
            ("local", Table::Id(255)),
            ("100", Table::Id(100)),
            ("0x10", Table::Id(16)),
        ];
        for (text, table) in cases.into_iter().chain([("all", Table::All), ("0", Table::All)]) {
            assert_eq!(text.parse(), Ok(table));
        }
        assert!("mian".parse::<Table>().unwrap_err().contains("main"));
    }

    #[test]
    fn what_the_kernel_cached_is_hidden() {
        let mut route = RouteMessage::default();
        route.header.table = 254;
        assert!(is_shown(&route, Table::MAIN) && is_shown(&route, Table::All));
        assert!(!is_shown(&route, Table::Id(100)));
        route.header.flags = RouteFlags::Cloned;
        assert!(!is_shown(&route, Table::MAIN));
    }
}
