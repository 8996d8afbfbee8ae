//! A device with its addresses as the kernel reports them: the fields of `ip -j addr`, and the text of
//! `ip addr`.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::netlink::{Kernel, Space};
use crate::ops::link::fact::{self, LinkFact};
use crate::ops::names::{self, SCOPES, is_false};

/// How long an address lives that does not age.
const FOREVER: u32 = u32::MAX;

/// A device and its addresses, with the field names and the order of `ip -j addr`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AddrFact {
    /// The device. `ip addr` says neither its link mode nor its alias.
    #[serde(flatten)]
    pub link: LinkFact,
    /// Its addresses.
    pub addr_info: Vec<AddrInfo>,
}

/// One address of a device. What does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AddrInfo {
    /// `inet` or `inet6`.
    pub family: String,
    /// The address itself.
    pub local: String,
    /// The other end's, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How many bits of it (of the other end's, where there is one) name the subnet.
    pub prefixlen: u8,
    /// The metric of the subnet's route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// The subnet's broadcast address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<String>,
    /// The anycast address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anycast: Option<String>,
    /// `global`, `link`, `host` …
    pub scope: String,
    /// Another address of its subnet came first (IPv4).
    #[serde(default, skip_serializing_if = "is_false")]
    pub secondary: bool,
    /// It was made up for privacy and will be replaced (IPv6).
    #[serde(default, skip_serializing_if = "is_false")]
    pub temporary: bool,
    /// It was not looked for on the link before it was taken.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nodad: bool,
    /// It is used while it is still looked for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optimistic: bool,
    /// Another machine on the link has it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dadfailed: bool,
    /// It is the home address of a mobile machine.
    #[serde(default, skip_serializing_if = "is_false")]
    pub home: bool,
    /// It is not to be used for new connections.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// It is still looked for on the link, and cannot be used yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tentative: bool,
    /// It ages.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dynamic: bool,
    /// Temporary addresses are made up for its subnet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub mngtmpaddr: bool,
    /// It brought no route with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub noprefixroute: bool,
    /// Its multicast group is joined.
    #[serde(default, skip_serializing_if = "is_false")]
    pub autojoin: bool,
    /// It was made from a secret and the network's name.
    #[serde(default, rename = "stable-privacy", skip_serializing_if = "is_false")]
    pub stable_privacy: bool,
    /// Flags that `ip` has no name for, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ifa_flags: Option<String>,
    /// Its label (IPv4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The seconds it lives still; 4294967295 is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_life_time: Option<u32>,
    /// The seconds it is preferred still; 4294967295 is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_life_time: Option<i64>,
}

/// Every device of the namespace with its addresses.
///
/// Equivalent: `ip addr`.
pub fn all(kernel: &Kernel, space: &Space) -> Result<Vec<AddrFact>> {
    let links = fact::all(kernel, space)?;
    let mut addresses: HashMap<u32, Vec<AddrInfo>> = HashMap::new();
    for message in space.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        if let RouteNetlinkMessage::NewAddress(message) = message
            && let Some(info) = from_message(&message)
        {
            addresses.entry(message.header.index).or_default().push(info);
        }
    }
    let join = |link: LinkFact| AddrFact {
        addr_info: addresses.remove(&link.ifindex).unwrap_or_default(),
        link: LinkFact {
            linkmode: None,
            linkmode_index: None,
            ifalias: None,
            ..link
        },
    };
    Ok(links.into_iter().map(join).collect())
}

/// The address a message tells of; none where it is of another kind than IP.
fn from_message(message: &AddressMessage) -> Option<AddrInfo> {
    let (mut local, mut address): (Option<IpAddr>, Option<IpAddr>) = (None, None);
    let mut flags = u32::from(message.header.flags.bits());
    let mut lifetimes = None;
    let mut info = AddrInfo {
        prefixlen: message.header.prefix_len,
        scope: SCOPES.name(u8::from(message.header.scope).into()),
        ..AddrInfo::default()
    };
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => address = Some(*ip),
            AddressAttribute::RoutePriority(metric) => info.metric = Some(*metric),
            AddressAttribute::Broadcast(ip) => info.broadcast = Some(ip.to_string()),
            AddressAttribute::Anycast(ip) => info.anycast = Some(names::address((*ip).into())),
            AddressAttribute::Flags(all) => flags = all.bits(),
            AddressAttribute::Label(label) => info.label = Some(label.clone()),
            AddressAttribute::CacheInfo(cache) => lifetimes = Some((cache.ifa_valid, cache.ifa_preferred)),
            _ => {}
        }
    }
    // A broadcast device has one of the two, or both the same; only a peer's differs.
    let own = local.or(address)?;
    info.family = names::family(own).to_string();
    info.local = names::address(own);
    info.address = address.filter(|other| *other != own).map(names::address);
    info.flag(flags, own.is_ipv6());
    if let Some((valid, preferred)) = lifetimes {
        info.valid_life_time = Some(valid);
        // What a deprecated address is past its time is negative.
        let past = info.deprecated && preferred != FOREVER;
        info.preferred_life_time = Some(if past {
            preferred.cast_signed().into()
        } else {
            preferred.into()
        });
    }
    Some(info)
}

const SECONDARY: u32 = 0x01;
const PERMANENT: u32 = 0x80;

impl AddrInfo {
    fn flag(&mut self, bits: u32, is_ipv6: bool) {
        let mut rest = bits & !(SECONDARY | PERMANENT);
        let mut has = |bit: u32| {
            let set = rest & bit != 0;
            rest &= !bit;
            set
        };
        self.secondary = bits & SECONDARY != 0 && !is_ipv6;
        self.temporary = bits & SECONDARY != 0 && is_ipv6;
        self.nodad = has(0x02);
        self.optimistic = has(0x04);
        self.dadfailed = has(0x08);
        self.home = has(0x10);
        self.deprecated = has(0x20);
        self.tentative = has(0x40);
        self.dynamic = bits & PERMANENT == 0;
        self.mngtmpaddr = has(0x100);
        self.noprefixroute = has(0x200);
        self.autojoin = has(0x400);
        self.stable_privacy = has(0x800);
        self.ifa_flags = (rest != 0).then(|| format!("{rest:02x}"));
    }

    /// The flags that are set, in the order in which `ip` shows them.
    fn flags(&self) -> impl Iterator<Item = &'static str> {
        let flags = [
            (self.secondary, "secondary"),
            (self.temporary, "temporary"),
            (self.nodad, "nodad"),
            (self.optimistic, "optimistic"),
            (self.dadfailed, "dadfailed"),
            (self.home, "home"),
            (self.deprecated, "deprecated"),
            (self.tentative, "tentative"),
            (self.dynamic, "dynamic"),
            (self.mngtmpaddr, "mngtmpaddr"),
            (self.noprefixroute, "noprefixroute"),
            (self.autojoin, "autojoin"),
            (self.stable_privacy, "stable-privacy"),
        ];
        flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name)
    }
}

impl fmt::Display for AddrFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.link)?;
        self.addr_info.iter().try_for_each(|info| write!(f, "\n{info}"))
    }
}

impl fmt::Display for AddrInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "    {} {}", self.family, self.local)?;
        if let Some(peer) = &self.address {
            write!(f, " peer {peer}")?;
        }
        write!(f, "/{} ", self.prefixlen)?;
        if let Some(metric) = self.metric {
            write!(f, "metric {metric} ")?;
        }
        if let Some(broadcast) = &self.broadcast {
            write!(f, "brd {broadcast} ")?;
        }
        if let Some(anycast) = &self.anycast {
            write!(f, "any {anycast} ")?;
        }
        write!(f, "scope {} ", self.scope)?;
        for flag in self.flags() {
            write!(f, "{flag} ")?;
        }
        if let Some(flags) = &self.ifa_flags {
            write!(f, "flags {flags} ")?;
        }
        if let Some(label) = &self.label {
            write!(f, "{label}")?;
        }
        if let (Some(valid), Some(preferred)) = (self.valid_life_time, self.preferred_life_time) {
            write!(
                f,
                "\n       valid_lft {} preferred_lft {}",
                seconds(valid.into()),
                seconds(preferred)
            )?;
        }
        Ok(())
    }
}

fn seconds(time: i64) -> String {
    if time == i64::from(FOREVER) {
        "forever".to_string()
    } else {
        format!("{time}sec")
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::address::{AddressFlags, AddressScope, CacheInfo};
    use serde_json::{Value, json};

    use super::*;

    /// `fields` as `ip -j addr` said them, with the text of `ip addr`.
    #[track_caller]
    fn check(fields: Value, text: &str) {
        let info: AddrInfo = serde_json::from_value(fields.clone()).unwrap();
        assert_eq!(info.to_string(), text);
        assert_eq!(serde_json::to_value(&info).unwrap(), fields);
    }

    #[test]
    fn a_device_and_its_addresses() {
        let fields = json!({"ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536,
            "qdisc": "noqueue", "operstate": "UNKNOWN", "group": "default", "txqlen": 1000, "link_type": "loopback",
            "address": "00:00:00:00:00:00", "broadcast": "00:00:00:00:00:00", "addr_info": [
                {"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host", "label": "lo",
                 "valid_life_time": 4_294_967_295_u32, "preferred_life_time": 4_294_967_295_u32},
                {"family": "inet6", "local": "::1", "prefixlen": 128, "scope": "host",
                 "valid_life_time": 4_294_967_295_u32, "preferred_life_time": 4_294_967_295_u32}]});
        let fact: AddrFact = serde_json::from_value(fields.clone()).unwrap();
        let text = "\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host \n       valid_lft forever preferred_lft forever";
        assert_eq!(fact.to_string(), text);
        assert_eq!(serde_json::to_value(&fact).unwrap(), fields);
    }

    #[test]
    fn a_device_without_addresses_and_with_a_null_link() {
        let fields = json!({"ifindex": 2, "link": null, "ifname": "sit0", "flags": ["NOARP"], "link_type": "sit",
            "address": "0.0.0.0", "broadcast": "0.0.0.0", "addr_info": []});
        let fact: AddrFact = serde_json::from_value(fields.clone()).unwrap();
        assert_eq!(
            fact.to_string(),
            "2: sit0@NONE: <NOARP> \n    link/sit 0.0.0.0 brd 0.0.0.0"
        );
        assert_eq!(serde_json::to_value(&fact).unwrap(), fields);
    }

    #[test]
    fn peers_broadcasts_labels_and_metrics() {
        check(
            json!({"family": "inet", "local": "10.0.0.1", "address": "10.0.0.2", "prefixlen": 32, "scope": "global",
                "label": "p0x", "valid_life_time": 4_294_967_295_u32, "preferred_life_time": 4_294_967_295_u32}),
            "    inet 10.0.0.1 peer 10.0.0.2/32 scope global p0x\n       valid_lft forever preferred_lft forever",
        );
        check(
            json!({"family": "inet", "local": "10.0.0.101", "prefixlen": 24, "broadcast": "10.0.0.255",
                "scope": "global", "secondary": true, "label": "p0x:1",
                "valid_life_time": 4_294_967_295_u32, "preferred_life_time": 4_294_967_295_u32}),
            "    inet 10.0.0.101/24 brd 10.0.0.255 scope global secondary p0x:1\n       \
             valid_lft forever preferred_lft forever",
        );
        check(
            json!({"family": "inet", "local": "10.1.0.1", "prefixlen": 16, "metric": 50, "scope": "global",
                "deprecated": true, "dynamic": true, "label": "p0", "valid_life_time": 1000, "preferred_life_time": 0}),
            "    inet 10.1.0.1/16 metric 50 scope global deprecated dynamic p0\n       \
             valid_lft 1000sec preferred_lft 0sec",
        );
    }

    #[test]
    fn flags_of_ipv6_addresses() {
        check(
            json!({"family": "inet6", "local": "2001:db8:2::1", "prefixlen": 64, "scope": "global", "nodad": true,
                "dynamic": true, "mngtmpaddr": true, "valid_life_time": 10000, "preferred_life_time": 5000}),
            "    inet6 2001:db8:2::1/64 scope global nodad dynamic mngtmpaddr \n       \
             valid_lft 10000sec preferred_lft 5000sec",
        );
        check(
            json!({"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link", "dadfailed": true,
                "tentative": true, "stable-privacy": true, "ifa_flags": "1000",
                "valid_life_time": 4_294_967_295_u32, "preferred_life_time": 4_294_967_295_u32}),
            "    inet6 fe80::1/64 scope link dadfailed tentative stable-privacy flags 1000 \n       \
             valid_lft forever preferred_lft forever",
        );
    }

    #[test]
    fn a_message_becomes_a_fact() {
        let mut message = AddressMessage::default();
        message.header.prefix_len = 64;
        message.header.scope = AddressScope::Universe;
        let mut cache = CacheInfo::default();
        (cache.ifa_valid, cache.ifa_preferred) = (10, u32::MAX - 1);
        message.attributes = vec![
            AddressAttribute::Address("2001:db8::1".parse().unwrap()),
            AddressAttribute::Flags(AddressFlags::from_bits_retain(0x1 | 0x20 | 0x1000)),
            AddressAttribute::CacheInfo(cache),
        ];
        let info = from_message(&message).unwrap();
        let text = "    inet6 2001:db8::1/64 scope global temporary deprecated dynamic flags 1000 \n       \
                    valid_lft 10sec preferred_lft -2sec";
        assert_eq!(info.to_string(), text);
        message.attributes.clear();
        assert_eq!(from_message(&message), None);
    }
}
