//! A device as the kernel reports it: the fields of `ip -j link`, and the text of `ip link`.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_route::link::{LinkAttribute, LinkMessage, LinkMode, LinkProtocolDownReason, Prop, State};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Result;
use crate::netlink::{Kernel, Space};
use crate::ops::names::{self, GROUPS, Links, PROTODOWN_REASONS, is_false};

/// A device, with the field names and the order of `ip -j link`. What does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkFact {
    /// Its number in the namespace.
    pub ifindex: u32,
    /// The device it sits on, or null where that is none; absent where it cannot sit on another.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub link: Option<Option<String>>,
    /// The number of the device it is linked to, where that is in another namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_index: Option<u32>,
    /// Its name.
    pub ifname: String,
    /// `BROADCAST`, `UP`, `LOWER_UP` …; `NO-CARRIER` where it is up without a carrier, `M-DOWN` where
    /// the device it sits on is down.
    pub flags: Vec<String>,
    /// The largest packet it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Its queueing discipline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qdisc: Option<String>,
    /// The bridge, bond or VRF it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// `UP`, `DOWN`, `LOWERLAYERDOWN`, `UNKNOWN` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operstate: Option<String>,
    /// The state's number, where `ip` has no name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operstate_index: Option<u8>,
    /// `DEFAULT` or `DORMANT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linkmode: Option<String>,
    /// The mode's number, where `ip` has no name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linkmode_index: Option<u8>,
    /// Its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The length of its transmit queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txqlen: Option<i32>,
    /// `ether`, `loopback`, `gre` …
    pub link_type: String,
    /// Its own address: a MAC, or a tunnel's local end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether `broadcast` is a peer's address.
    #[serde(default, skip_serializing_if = "is_false")]
    pub link_pointtopoint: bool,
    /// Its broadcast address, or a tunnel's remote end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<String>,
    /// The address it was made with, where it has been given another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permaddr: Option<String>,
    /// The id of the namespace of the device it is linked to; -1 where this one has no id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_netnsid: Option<i32>,
    /// That namespace's name. `ip` says it in its text only; it is here so that text follows from fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_netns: Option<String>,
    /// Whether a protocol has put it down.
    #[serde(default, skip_serializing_if = "is_false")]
    pub proto_down: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proto_down_reason: Vec<String>,
    /// Its free description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ifalias: Option<String>,
    /// Its other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub altnames: Vec<String>,
}

/// Tells a null (no device) from an absent field, which the default stands for.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(input).map(Some)
}

/// Every device of the namespace.
///
/// Equivalent: `ip link`.
pub fn all(kernel: &Kernel, space: &Space) -> Result<Vec<LinkFact>> {
    let messages = names::links(space)?;
    let links = Links::of(&messages);
    let mut facts: Vec<LinkFact> = messages.iter().map(|message| from_message(message, &links)).collect();
    let ids: Vec<i32> = facts.iter().filter_map(|fact| fact.link_netnsid).collect();
    name_namespaces(&mut facts, &names::namespaces(kernel, space, &ids));
    Ok(facts)
}

fn name_namespaces(facts: &mut [LinkFact], names: &HashMap<i32, String>) {
    for fact in facts {
        fact.link_netns = fact.link_netnsid.and_then(|id| names.get(&id).cloned());
    }
}

fn from_message(message: &LinkMessage, links: &Links) -> LinkFact {
    let kind = u16::from(message.header.link_layer_type);
    let bits = message.header.flags.bits();
    let mut fact = LinkFact {
        ifindex: message.header.index,
        link_type: type_name(kind),
        ..LinkFact::default()
    };
    let (mut lower, mut own, mut permanent) = (None, None, None);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::Link(index) => lower = Some(*index),
            LinkAttribute::Address(bytes) => own = Some(bytes),
            LinkAttribute::PermAddress(bytes) => permanent = Some(bytes),
            LinkAttribute::Broadcast(bytes) => {
                fact.broadcast = Some(link_address(bytes, kind));
                fact.link_pointtopoint = bits & POINTOPOINT != 0;
            }
            LinkAttribute::Controller(index) => fact.master = Some(links.name(*index)),
            other => fact.take(other),
        }
    }
    fact.address = own.map(|bytes| link_address(bytes, kind));
    fact.permaddr = permanent
        .filter(|bytes| own != Some(*bytes))
        .map(|bytes| link_address(bytes, kind));
    let mut lower_is_down = false;
    match lower {
        Some(0) => fact.link = Some(None),
        Some(index) if fact.link_netnsid.is_some() => fact.link_index = Some(index),
        Some(index) => {
            fact.link = Some(Some(links.name(index)));
            lower_is_down = links.is_down(index);
        }
        None => {}
    }
    fact.flags = flag_names(bits, lower_is_down);
    fact
}

impl LinkFact {
    /// Takes over an attribute that means the same on its own as among the others.
    fn take(&mut self, attribute: &LinkAttribute) {
        match attribute {
            LinkAttribute::IfName(name) => self.ifname.clone_from(name),
            LinkAttribute::Mtu(mtu) => self.mtu = Some(*mtu),
            LinkAttribute::Qdisc(name) => self.qdisc = Some(name.clone()),
            LinkAttribute::OperState(State::Other(number)) => self.operstate_index = Some(*number),
            LinkAttribute::OperState(state) => self.operstate = Some(state.to_string()),
            LinkAttribute::Mode(mode @ (LinkMode::Default | LinkMode::Dormant)) => {
                self.linkmode = Some(mode.to_string());
            }
            LinkAttribute::Mode(mode) => self.linkmode_index = Some(u8::from(*mode)),
            LinkAttribute::Group(id) => self.group = Some(GROUPS.name(*id)),
            LinkAttribute::TxQueueLen(length) if *length != 0 => self.txqlen = Some(length.cast_signed()),
            LinkAttribute::LinkNetNsId(id) => self.link_netnsid = Some(*id),
            LinkAttribute::ProtoDown(down) => self.proto_down = *down != 0,
            LinkAttribute::ProtoDownReason(reasons) => self.proto_down_reason = reason_names(reasons),
            LinkAttribute::IfAlias(alias) => self.ifalias = Some(alias.clone()),
            LinkAttribute::PropList(properties) => {
                self.altnames
                    .extend(properties.iter().filter_map(|property| match property {
                        Prop::AltIfName(name) => Some(name.clone()),
                        _ => None,
                    }));
            }
            _ => {}
        }
    }
}

fn reason_names(reasons: &[LinkProtocolDownReason]) -> Vec<String> {
    let bits = reasons.iter().find_map(|reason| match reason {
        LinkProtocolDownReason::Value(bits) => Some(*bits),
        _ => None,
    });
    let set = |bit: &u32| bits.unwrap_or_default() & (1 << bit) != 0;
    (0..32).filter(set).map(|bit| PROTODOWN_REASONS.name(bit)).collect()
}

const UP: u32 = 1;
const POINTOPOINT: u32 = 1 << 4;
const RUNNING: u32 = 1 << 6;

/// The flags, in the order in which `ip` shows them.
const FLAGS: [(u32, &str); 18] = [
    (1 << 3, "LOOPBACK"),
    (1 << 1, "BROADCAST"),
    (POINTOPOINT, "POINTOPOINT"),
    (1 << 12, "MULTICAST"),
    (1 << 7, "NOARP"),
    (1 << 9, "ALLMULTI"),
    (1 << 8, "PROMISC"),
    (1 << 10, "MASTER"),
    (1 << 11, "SLAVE"),
    (1 << 2, "DEBUG"),
    (1 << 15, "DYNAMIC"),
    (1 << 14, "AUTOMEDIA"),
    (1 << 13, "PORTSEL"),
    (1 << 5, "NOTRAILERS"),
    (UP, "UP"),
    (1 << 16, "LOWER_UP"),
    (1 << 17, "DORMANT"),
    (1 << 18, "ECHO"),
];

pub(in crate::ops) fn flag_names(bits: u32, lower_is_down: bool) -> Vec<String> {
    let mut names = Vec::new();
    if bits & (UP | RUNNING) == UP {
        names.push("NO-CARRIER".to_string());
    }
    let mut rest = bits & !RUNNING;
    for (bit, name) in FLAGS {
        if rest & bit != 0 {
            rest &= !bit;
            names.push(name.to_string());
        }
    }
    if rest != 0 {
        names.push(format!("{rest:x}"));
    }
    if lower_is_down {
        names.push("M-DOWN".to_string());
    }
    names
}

/// The types that have IPv4 and IPv6 addresses for link-layer addresses.
const IPV4_TUNNELS: [u16; 3] = [768, 776, 778];
const IPV6_TUNNELS: [u16; 2] = [769, 823];

fn link_address(bytes: &[u8], kind: u16) -> String {
    if let (Ok(octets), true) = (<[u8; 4]>::try_from(bytes), IPV4_TUNNELS.contains(&kind)) {
        return Ipv4Addr::from(octets).to_string();
    }
    if let (Ok(octets), true) = (<[u8; 16]>::try_from(bytes), IPV6_TUNNELS.contains(&kind)) {
        return names::address(IpAddr::V6(Ipv6Addr::from(octets)));
    }
    names::hex(bytes)
}

/// The link types (ARPHRD_…) that `ip` has names for.
#[rustfmt::skip]
const TYPES: [(u16, &str); 62] = [
    (0, "netrom"), (1, "ether"), (2, "eether"), (3, "ax25"), (4, "pronet"), (5, "chaos"), (6, "ieee802"),
    (7, "arcnet"), (8, "atalk"), (15, "dlci"), (19, "atm"), (23, "metricom"), (24, "ieee1394"), (32, "infiniband"),
    (256, "slip"), (257, "cslip"), (258, "slip6"), (259, "cslip6"), (260, "rsrvd"), (264, "adapt"), (270, "rose"),
    (271, "x25"), (272, "hwx25"), (280, "can"), (512, "ppp"), (513, "hdlc"), (516, "lapb"), (517, "ddcmp"),
    (518, "rawhdlc"), (768, "ipip"), (769, "tunnel6"), (770, "frad"), (771, "skip"), (772, "loopback"),
    (773, "ltalk"), (774, "fddi"), (775, "bif"), (776, "sit"), (777, "ip/ddp"), (778, "gre"), (779, "pimreg"),
    (780, "hippi"), (781, "ash"), (782, "econet"), (783, "irda"), (784, "fcpp"), (785, "fcal"), (786, "fcpl"),
    (800, "tr"), (801, "ieee802.11"), (802, "ieee802.11/prism"),
    (803, "ieee802.11/radiotap"), (804, "ieee802.15.4"), (805, "ieee802.15.4/monitor"), (820, "phonet"),
    (821, "phonet_pipe"), (822, "caif"), (823, "gre6"), (824, "netlink"), (825, "6lowpan"),
    (0xfffe, "none"), (0xffff, "void"),
];

/// Thirteen types of one name.
const FIBRE_FABRICS: std::ops::RangeInclusive<u16> = 787..=799;

fn type_name(kind: u16) -> String {
    match TYPES.iter().find(|(number, _)| *number == kind) {
        Some((_, name)) => (*name).to_string(),
        None if FIBRE_FABRICS.contains(&kind) => format!("fcfb{}", kind - FIBRE_FABRICS.start()),
        None => format!("[{kind}]"),
    }
}

impl fmt::Display for LinkFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first_line(f)?;
        self.second_line(f)?;
        if let Some(alias) = &self.ifalias {
            write!(f, "\n    alias {alias}")?;
        }
        for name in &self.altnames {
            write!(f, "\n    altname {name}")?;
        }
        Ok(())
    }
}

impl LinkFact {
    fn first_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.ifindex, self.ifname)?;
        match (&self.link, self.link_index) {
            (Some(Some(name)), _) => write!(f, "@{name}")?,
            (Some(None), _) => write!(f, "@NONE")?,
            (None, Some(index)) => write!(f, "@if{index}")?,
            (None, None) => {}
        }
        write!(f, ": <{}> ", self.flags.join(","))?;
        if let Some(mtu) = self.mtu {
            write!(f, "mtu {mtu} ")?;
        }
        words(
            f,
            &[
                ("qdisc", &self.qdisc),
                ("master", &self.master),
                ("state", &self.operstate),
            ],
        )?;
        if let Some(state) = self.operstate_index {
            // No space behind it; so does `ip`.
            write!(f, "state {state:#x}")?;
        }
        if let Some(mode) = self.linkmode_index {
            write!(f, "mode {mode} ")?;
        }
        words(f, &[("mode", &self.linkmode), ("group", &self.group)])?;
        match self.txqlen {
            Some(length) => write!(f, "qlen {length}"),
            None => Ok(()),
        }
    }

    fn second_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n    link/{} {}",
            self.link_type,
            self.address.as_deref().unwrap_or_default()
        )?;
        if let Some(broadcast) = &self.broadcast {
            write!(
                f,
                " {} {broadcast}",
                if self.link_pointtopoint { "peer" } else { "brd" }
            )?;
        }
        if let Some(address) = &self.permaddr {
            write!(f, " permaddr {address}")?;
        }
        match (self.link_netnsid, &self.link_netns) {
            (Some(..0), _) => write!(f, " link-netnsid unknown")?,
            (Some(_), Some(name)) => write!(f, " link-netns {name}")?,
            (Some(id), None) => write!(f, " link-netnsid {id}")?,
            (None, _) => {}
        }
        if self.proto_down {
            write!(f, " protodown on ")?;
        }
        if !self.proto_down_reason.is_empty() {
            write!(f, "protodown_reason <{}>", self.proto_down_reason.join(","))?;
        }
        Ok(())
    }
}

/// `KEY VALUE ` for each value there is.
fn words(f: &mut fmt::Formatter<'_>, words: &[(&str, &Option<String>)]) -> fmt::Result {
    let there = words.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    there
        .into_iter()
        .try_for_each(|(key, value)| write!(f, "{key} {value} "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// `fields` as `ip -j link` said them (and the peer's namespace), with the text of `ip link`.
    #[track_caller]
    fn check(fields: Value, text: &str) {
        let fact: LinkFact = serde_json::from_value(fields.clone()).unwrap();
        assert_eq!(fact.to_string(), text);
        assert_eq!(serde_json::to_value(&fact).unwrap(), fields);
    }

    #[test]
    fn a_peer_in_a_named_namespace() {
        check(
            json!({"ifindex": 4, "link_index": 2, "ifname": "v0", "flags": ["BROADCAST", "MULTICAST"], "mtu": 1500,
                "qdisc": "noop", "operstate": "DOWN", "linkmode": "DORMANT", "group": "default", "link_type": "ether",
                "address": "66:7a:0e:e3:47:81", "broadcast": "ff:ff:ff:ff:ff:ff", "link_netnsid": 1, "link_netns": "ns0"}),
            "4: v0@if2: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN mode DORMANT group default \n    \
             link/ether 66:7a:0e:e3:47:81 brd ff:ff:ff:ff:ff:ff link-netns ns0",
        );
    }

    #[test]
    fn a_peer_in_a_namespace_without_a_name() {
        check(
            json!({"ifindex": 5, "link_index": 2, "ifname": "anon", "flags": ["BROADCAST", "MULTICAST"], "mtu": 1500,
                "qdisc": "noop", "operstate": "DOWN", "linkmode": "DEFAULT", "group": "default", "txqlen": 1000,
                "link_type": "ether", "address": "ba:9b:45:c8:80:5a", "broadcast": "ff:ff:ff:ff:ff:ff", "link_netnsid": 2}),
            "5: anon@if2: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN mode DEFAULT group default qlen 1000\n    \
             link/ether ba:9b:45:c8:80:5a brd ff:ff:ff:ff:ff:ff link-netnsid 2",
        );
    }

    #[test]
    fn aliases_and_other_names() {
        check(
            json!({"ifindex": 7, "link": "p0", "ifname": "p0x", "flags": ["BROADCAST", "MULTICAST"], "mtu": 1500,
                "qdisc": "noqueue", "operstate": "DOWN", "linkmode": "DEFAULT", "group": "7", "txqlen": 1000,
                "link_type": "ether", "address": "e2:0e:69:63:06:34", "broadcast": "ff:ff:ff:ff:ff:ff",
                "ifalias": "hello there", "altnames": ["other", "second-name"]}),
            "7: p0x@p0: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN mode DEFAULT group 7 qlen 1000\n    \
             link/ether e2:0e:69:63:06:34 brd ff:ff:ff:ff:ff:ff\n    alias hello there\n    altname other\n    \
             altname second-name",
        );
    }

    #[test]
    fn a_port_whose_peer_is_down_and_a_device_that_is_put_down() {
        check(
            json!({"ifindex": 8, "link": "p0x", "ifname": "p0", "flags": ["NO-CARRIER", "BROADCAST", "UP", "M-DOWN"],
                "mtu": 1500, "qdisc": "noqueue", "master": "br0", "operstate": "LOWERLAYERDOWN", "linkmode": "DEFAULT",
                "group": "default", "txqlen": 1000, "link_type": "ether", "address": "02:00:00:00:00:09",
                "broadcast": "ff:ff:ff:ff:ff:ff", "proto_down": true, "proto_down_reason": ["3", "5"]}),
            "8: p0@p0x: <NO-CARRIER,BROADCAST,UP,M-DOWN> mtu 1500 qdisc noqueue master br0 state LOWERLAYERDOWN mode \
             DEFAULT group default qlen 1000\n    link/ether 02:00:00:00:00:09 brd ff:ff:ff:ff:ff:ff protodown on \
             protodown_reason <3,5>",
        );
    }

    #[test]
    fn a_tunnel_has_ends_for_addresses_and_may_sit_on_nothing() {
        check(
            json!({"ifindex": 2, "link": null, "ifname": "gre0", "flags": ["POINTOPOINT", "NOARP"], "mtu": 1472,
                "qdisc": "noop", "operstate": "DOWN", "linkmode": "DEFAULT", "group": "default", "txqlen": 1000,
                "link_type": "gre", "address": "4.3.2.1", "link_pointtopoint": true, "broadcast": "1.2.3.4"}),
            "2: gre0@NONE: <POINTOPOINT,NOARP> mtu 1472 qdisc noop state DOWN mode DEFAULT group default qlen 1000\n    \
             link/gre 4.3.2.1 peer 1.2.3.4",
        );
        check(
            json!({"ifindex": 15, "ifname": "tun0", "flags": ["NO-CARRIER", "POINTOPOINT", "UP"], "mtu": 1500,
                "qdisc": "pfifo_fast", "operstate": "DOWN", "linkmode": "DEFAULT", "group": "default", "txqlen": 500,
                "link_type": "none"}),
            "15: tun0: <NO-CARRIER,POINTOPOINT,UP> mtu 1500 qdisc pfifo_fast state DOWN mode DEFAULT group default \
             qlen 500\n    link/none ",
        );
    }

    #[test]
    fn flags_have_names_and_an_order() {
        assert_eq!(
            flag_names(0x1_1043, false),
            ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"]
        );
        assert_eq!(
            flag_names(0x1003, true),
            ["NO-CARRIER", "BROADCAST", "MULTICAST", "UP", "M-DOWN"]
        );
        assert_eq!(flag_names(0x8000_0002, false), ["BROADCAST", "80000000"]);
    }

    #[test]
    fn types_have_names_and_their_own_addresses() {
        assert_eq!(
            [1, 772, 799, 519].map(type_name),
            ["ether", "loopback", "fcfb12", "[519]"]
        );
        assert_eq!(link_address(&[10, 0, 0, 1], 778), "10.0.0.1");
        assert_eq!(link_address(&[10, 0, 0, 1], 1), "0a:00:00:01");
        assert_eq!(link_address(&[0; 16], 823), "::");
    }
}
