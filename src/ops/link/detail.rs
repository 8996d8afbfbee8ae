//! What `ip -d link` says of a device beyond its fact: its kind, and what is particular to it.

use std::collections::HashMap;

use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoMacVlan, InfoVlan, InfoVrf, InfoVxlan, IpVlanMode, LinkAttribute, LinkInfo, LinkMessage,
    MacVlanMode,
};

use crate::error::Result;
use crate::netlink::Space;
use crate::ops::names;

/// What a device is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Its kind: `veth`, `bridge` …; empty for `lo` and for hardware.
    pub kind: String,
    /// What tells it from others of its kind, as `ip` spells it: `id 42`, `remote 10.0.0.2`, `mode bridge`.
    pub words: Vec<String>,
}

/// The details of every device of the namespace, by its number.
///
/// Equivalent: `ip -d link`.
pub fn details(space: &Space) -> Result<HashMap<u32, Detail>> {
    let messages = names::links(space)?;
    Ok(messages
        .iter()
        .map(|message| (message.header.index, detail(message)))
        .collect())
}

fn detail(message: &LinkMessage) -> Detail {
    let infos = message.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    let mut detail = Detail::default();
    for info in infos.flatten() {
        match info {
            LinkInfo::Kind(kind) => detail.kind = kind.to_string(),
            LinkInfo::Data(data) => detail.words = words(data),
            _ => {}
        }
    }
    detail
}

fn words(data: &InfoData) -> Vec<String> {
    match data {
        InfoData::Vlan(keys) => keys.iter().filter_map(vlan).collect(),
        InfoData::Vxlan(keys) => keys.iter().filter_map(vxlan).collect(),
        InfoData::MacVlan(keys) => keys.iter().filter_map(macvlan).collect(),
        InfoData::IpVlan(keys) => keys.iter().filter_map(ipvlan).collect(),
        InfoData::Vrf(keys) => keys.iter().filter_map(vrf).collect(),
        _ => Vec::new(),
    }
}

fn vlan(key: &InfoVlan) -> Option<String> {
    match key {
        InfoVlan::Id(id) => Some(format!("id {id}")),
        _ => None,
    }
}

fn vxlan(key: &InfoVxlan) -> Option<String> {
    match key {
        InfoVxlan::Id(id) => Some(format!("id {id}")),
        InfoVxlan::Group(ip) if !ip.is_unspecified() => Some(format!("remote {ip}")),
        InfoVxlan::Group6(ip) if !ip.is_unspecified() => Some(format!("remote {ip}")),
        _ => None,
    }
}

fn macvlan(key: &InfoMacVlan) -> Option<String> {
    let mode = match key {
        InfoMacVlan::Mode(MacVlanMode::Private) => "private",
        InfoMacVlan::Mode(MacVlanMode::Vepa) => "vepa",
        InfoMacVlan::Mode(MacVlanMode::Bridge) => "bridge",
        InfoMacVlan::Mode(MacVlanMode::Passthrough) => "passthru",
        InfoMacVlan::Mode(MacVlanMode::Source) => "source",
        _ => return None,
    };
    Some(format!("mode {mode}"))
}

fn ipvlan(key: &InfoIpVlan) -> Option<String> {
    let mode = match key {
        InfoIpVlan::Mode(IpVlanMode::L2) => "l2",
        InfoIpVlan::Mode(IpVlanMode::L3) => "l3",
        InfoIpVlan::Mode(IpVlanMode::L3S) => "l3s",
        _ => return None,
    };
    Some(format!("mode {mode}"))
}

fn vrf(key: &InfoVrf) -> Option<String> {
    match key {
        InfoVrf::TableId(table) => Some(format!("table {table}")),
        _ => None,
    }
}
