//! `bridge`: what bridge(8) sets and shows. It only holds its nouns: the ports, the forwarding database, the VLANs.

mod command;
pub mod fdb;
pub mod link;
pub mod vlan;

use netlink_packet_route::link::{AfSpecBridge, BridgeFlag, LinkAttribute, LinkExtentMask, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;

use super::types::Flag;
use super::{IfName, Noun, Place, World};
use crate::error::{Part, Problem, Result};
use crate::netlink::Space;
use crate::netns::NsName;

/// The declaration of what holds `bridge.link`, `bridge.fdb` and `bridge.vlan`.
pub const NOUN: Noun = Noun {
    name: "bridge",
    place: Place::Namespace,
    doc: "Bridges from within: their ports, forwarding databases and VLANs. A bridge itself is made by `link add`.",
    verbs: &[],
    commands: &[],
};

/// Spells a `bridge` command: `bridge -n ns0 link set dev veth0 isolated on`.
fn spell(netns: &NsName, words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    super::command("bridge", netns, words)
}

/// The index of the device that an option names.
fn index_at(world: &World, netns: &NsName, dev: &IfName, key: &str) -> Result<u32> {
    super::link::index(world, netns, dev).map_err(|problem| problem.at(Part::Key(key.into())))
}

/// A message about a device as a port of a bridge.
fn about(index: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.header.index = index;
    message
}

/// Every bridge port of a namespace, and with a mask for VLANs the bridges too.
fn dump(space: &Space, mask: Vec<LinkExtentMask>) -> Result<Vec<LinkMessage>> {
    let mut request = about(0);
    if !mask.is_empty() {
        request.attributes.push(LinkAttribute::ExtMask(mask));
    }
    let ports = space.dump(RouteNetlinkMessage::GetLink(request))?;
    let ports = ports.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewLink(link) if link.header.interface_family == AddressFamily::Bridge => Some(link),
        _ => None,
    });
    Ok(ports.collect())
}

/// Who is to carry it out: the device itself, its bridge, or both. Nobody named means the bridge.
fn flags(own: Option<Flag>, master: Option<Flag>) -> Option<AfSpecBridge> {
    let is_set = |flag| flag == Some(Flag(true));
    match (is_set(own), is_set(master)) {
        (false, false) => None,
        (true, false) => Some(AfSpecBridge::Flags(BridgeFlag::LowerDev)),
        (false, true) => Some(AfSpecBridge::Flags(BridgeFlag::Controller)),
        (true, true) => Some(AfSpecBridge::Flags(BridgeFlag::from(
            u16::from(BridgeFlag::LowerDev) | u16::from(BridgeFlag::Controller),
        ))),
    }
}

/// The kernel says "not supported" of a device that is no port of a bridge.
fn no_port(problem: Box<Problem>, dev: &IfName, itself: &str) -> Box<Problem> {
    match problem.errno {
        Some(Errno::EOPNOTSUPP) => problem.at(Part::Argument(0)).help(format!(
            "is {dev} a port of a bridge? link.set(\"{dev}\", #{{ master: … }}){itself}"
        )),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{fdb, link, vlan};
    use crate::netns::NsName;
    use crate::ops::{Act, Args, Noun, Op, Value};

    /// The change that a call makes.
    fn change(noun: &Noun, verb: &str, target: &str, keys: &[(&str, Value)]) -> Op {
        let options: BTreeMap<String, Value> = keys.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
        let verb = noun.verbs.iter().find(|known| known.name == verb).unwrap();
        let Act::Change(make) = verb.act else {
            panic!("it changes")
        };
        let change = make(Args::new(vec![Value::Str(target.into())], options)).unwrap();
        Op {
            netns: "ns0".parse::<NsName>().unwrap(),
            change,
        }
    }

    #[test]
    fn changes_are_spelled_as_bridge_reads_them() {
        let (yes, text) = (Value::Bool(true), |text: &str| Value::Str(text.into()));
        let cases = [
            (
                change(
                    &link::NOUN,
                    "set",
                    "eth0",
                    &[
                        ("isolated", yes.clone()),
                        ("state", text("blocking")),
                        ("self", yes.clone()),
                    ],
                ),
                "bridge -n ns0 link set dev eth0 state blocking isolated on self",
            ),
            (
                change(
                    &fdb::NOUN,
                    "append",
                    "02:0:0:0:0:9",
                    &[("dev", text("vx0")), ("dst", text("10.0.0.2")), ("static", yes.clone())],
                ),
                "bridge -n ns0 fdb append 02:00:00:00:00:09 dev vx0 dst 10.0.0.2 static",
            ),
            (
                change(
                    &vlan::NOUN,
                    "add",
                    "eth0",
                    &[("vid", Value::Int(10)), ("pvid", yes.clone())],
                ),
                "bridge -n ns0 vlan add dev eth0 vid 10 pvid",
            ),
            (
                change(
                    &vlan::NOUN,
                    "del",
                    "eth0",
                    &[("vid", text("10-20")), ("untagged", Value::Bool(false))],
                ),
                "bridge -n ns0 vlan del dev eth0 vid 10-20",
            ),
        ];
        for (op, spelled) in cases {
            assert_eq!(op.spell(), spelled);
            let data = serde_json::to_string(&op).unwrap();
            assert!(data.contains("\"object\":\"bridge."), "{data}");
            assert_eq!(serde_json::from_str::<Op>(&data).unwrap(), op);
        }
    }

    #[test]
    fn facts_read_back_as_they_were() {
        let port = link::PortFact {
            ifindex: 3,
            link: Some("vb0".into()),
            ifname: "va0".into(),
            flags: vec!["UP".into()],
            hairpin: Some(true),
            ..link::PortFact::default()
        };
        assert_eq!(port.to_string(), "3: va0@vb0: <UP> \n    hairpin on ");
        let data = crate::ops::fact::json(&port);
        assert_eq!(serde_json::from_value::<link::PortFact>(data).unwrap(), port);
        let entry = fdb::EntryFact {
            mac: Some("02:00:00:00:00:09".into()),
            via: Some("eth0".into()),
            flags: vec!["self".into()],
            state: "0x10".into(),
            ..fdb::EntryFact::default()
        };
        assert_eq!(entry.to_string(), "02:00:00:00:00:09 via eth0 self state=0x10");
        let data = crate::ops::fact::json(&entry);
        assert_eq!(data["viaIf"], "eth0");
        assert_eq!(serde_json::from_value::<fdb::EntryFact>(data).unwrap(), entry);
    }

    #[test]
    fn vlans_stand_under_their_headings() {
        let vlan = |vlan, flags: &[&str]| vlan::VlanFact {
            vlan,
            flags: flags.iter().map(ToString::to_string).collect(),
        };
        let port = vlan::PortFact {
            ifname: "br0".into(),
            vlans: vec![vlan(1, &["PVID", "Egress Untagged"]), vlan(20, &[])],
        };
        assert_eq!(
            vlan::table(Some(port.to_string())).unwrap(),
            "port              vlan-id  \nbr0               1 PVID Egress Untagged\n                  20"
        );
        assert_eq!(vlan::table(Some(String::new())).unwrap(), "port              vlan-id  ");
    }
}
