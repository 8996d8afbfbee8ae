//! An entry as the kernel reports it: the fields of `bridge -j fdb`, and the text of `bridge fdb`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::Nla;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage};
use serde::{Deserialize, Serialize};

use super::{NEXTHOP, STATES};
use crate::ops::names::{self, Links};

/// An entry, with the field names and the order of `bridge -j fdb`. What does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EntryFact {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The device its frames go out of; absent where it was asked for by device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ifname: Option<String>,
    /// The vxlan host behind which it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<String>,
    /// The VLAN it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// The host's UDP port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The vxlan network to send with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vni: Option<u32>,
    /// The vxlan network it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_vni: Option<u32>,
    /// The number of the device that leads there, where that is in another namespace.
    #[serde(default, rename = "viaIfIndex", skip_serializing_if = "Option::is_none")]
    pub via_index: Option<u32>,
    /// The device that leads there.
    #[serde(default, rename = "viaIf", skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The nexthop object that leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhid: Option<u32>,
    /// The id of the namespace that the device is in.
    #[serde(default, rename = "linkNetNsId", skip_serializing_if = "Option::is_none")]
    pub link_netnsid: Option<u32>,
    /// `self`, `master`, `router`, `extern_learn`, `offload`, `sticky`.
    pub flags: Vec<String>,
    /// The bridge whose database it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// `permanent`, `static`, `stale`; empty for one that was learnt.
    pub state: String,
}

const FLAGS: [(NeighbourFlags, &str); 6] = [
    (NeighbourFlags::Own, "self"),
    (NeighbourFlags::Router, "router"),
    (NeighbourFlags::ExtLearned, "extern_learn"),
    (NeighbourFlags::Offloaded, "offload"),
    (NeighbourFlags::Controller, "master"),
    (NeighbourFlags::Sticky, "sticky"),
];

impl EntryFact {
    pub(super) fn new(message: &NeighbourMessage, links: &Links, is_of_one_device: bool) -> EntryFact {
        let state = u16::from(message.header.state);
        let name = STATES.iter().find(|(_, bit, _)| state & bit != 0);
        let set = FLAGS.iter().filter(|(flag, _)| message.header.flags.contains(*flag));
        let mut fact = EntryFact {
            ifname: (!is_of_one_device).then(|| links.name(message.header.ifindex)),
            flags: set.map(|(_, name)| (*name).to_string()).collect(),
            state: name.map_or_else(|| unnamed(state), |(.., text)| (*text).to_string()),
            ..EntryFact::default()
        };
        let mut via = None;
        for attribute in &message.attributes {
            match attribute {
                NeighbourAttribute::LinkLayerAddress(bytes) => fact.mac = Some(names::hex(bytes)),
                NeighbourAttribute::Destination(NeighbourAddress::Other(bytes)) => fact.dst = destination(bytes),
                NeighbourAttribute::Vlan(vlan) if *vlan != 0 => fact.vlan = Some(*vlan),
                NeighbourAttribute::Port(port) => fact.port = Some(*port),
                NeighbourAttribute::Vni(vni) => fact.vni = Some(*vni),
                NeighbourAttribute::SourceVni(vni) => fact.src_vni = Some(*vni),
                NeighbourAttribute::IfIndex(index) => via = Some(*index),
                NeighbourAttribute::LinkNetNsId(id) => fact.link_netnsid = Some(*id),
                NeighbourAttribute::Controller(index) => fact.master = Some(links.name(*index)),
                NeighbourAttribute::Other(nexthop) if nexthop.kind() == NEXTHOP => {
                    let mut bytes = [0; 4];
                    if nexthop.value_len() == bytes.len() {
                        nexthop.emit_value(&mut bytes);
                        fact.nhid = Some(u32::from_ne_bytes(bytes));
                    }
                }
                _ => {}
            }
        }
        match fact.link_netnsid {
            Some(_) => fact.via_index = via,
            None => fact.via = via.map(|index| links.name(index)),
        }
        fact
    }
}

/// A state without a name, as C's `%#x` has it.
fn unnamed(state: u16) -> String {
    if state == 0 { "0".into() } else { format!("{state:#x}") }
}

fn destination(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|octets| IpAddr::from(Ipv4Addr::from(octets)));
    let v6 = <[u8; 16]>::try_from(bytes).map(|octets| IpAddr::from(Ipv6Addr::from(octets)));
    v4.or(v6).ok().map(names::address)
}

impl fmt::Display for EntryFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        word(f, "", self.mac.as_ref())?;
        word(f, "dev ", self.ifname.as_ref())?;
        word(f, "dst ", self.dst.as_ref())?;
        word(f, "vlan ", self.vlan.as_ref())?;
        word(f, "port ", self.port.as_ref())?;
        word(f, "vni ", self.vni.as_ref())?;
        word(f, "src_vni ", self.src_vni.as_ref())?;
        word(f, "via ifindex ", self.via_index.as_ref())?;
        word(f, "via ", self.via.as_ref())?;
        word(f, "nhid ", self.nhid.as_ref())?;
        word(f, "link-netnsid ", self.link_netnsid.as_ref())?;
        self.flags.iter().try_for_each(|flag| write!(f, "{flag} "))?;
        word(f, "master ", self.master.as_ref())?;
        // In text `bridge` says what a number is.
        let is_number = self.state.starts_with(|c: char| c.is_ascii_digit());
        write!(f, "{}{}", if is_number { "state=" } else { "" }, self.state)
    }
}

fn word(f: &mut fmt::Formatter<'_>, before: &str, value: Option<&impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, "{before}{value} "))
}
