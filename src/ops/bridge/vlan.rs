//! `bridge.vlan`: the VLANs of bridges and their ports.

mod inverse;

use std::fmt;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    AfSpecBridge, BridgeVlanInfo, BridgeVlanInfoFlags, LinkAttribute, LinkExtentMask, LinkMessage,
};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::{about, dump, flags, index_at, no_port, spell};
use crate::error::{Kind, Part, Problem, Result};
use crate::netns::NsName;
use crate::ops::names::Links;
use crate::ops::types::Flag;
use crate::ops::value::{Value, not_wanted};
use crate::ops::words::number_or_text;
use crate::ops::{
    self, Act, Answer, Args, IfName, Inverse, Noun, Operation, Options, Place, Shape, Typed, Verb, World,
    link as device,
};
use crate::options;

/// A change of a port's VLANs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `bridge vlan add dev DEV vid VID …`.
    Add {
        /// Which port.
        dev: IfName,
        /// Which VLANs.
        vlan: Vlan,
    },
    /// `bridge vlan del dev DEV vid VID …`.
    Del {
        /// Which port.
        dev: IfName,
        /// Which VLANs.
        vlan: Vlan,
    },
}

options! {
    /// The keys of `bridge.vlan.add` and `del`.
    pub struct Vlan {
        /// the VLAN: a number from 1 to 4094, or several: \"10-20\"
        vid: Vids,
        /// frames without a tag that come in are of this VLAN
        pvid: Flag,
        /// frames of this VLAN go out without a tag
        untagged: Flag,
        /// of the device itself: for a bridge, what reaches its own addresses
        own as "self": Flag,
        /// of the device as a port of its bridge; so it is if neither this nor `self` is given
        master: Flag,
    }
}

options! {
    /// Which VLANs: the keys of `bridge.vlan.show`.
    pub struct Among {
        /// those of this port or bridge
        dev: IfName,
        /// this one
        vid: u16,
    }
}

/// A VLAN, or a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vids {
    first: u16,
    last: u16,
}

impl Typed for Vids {
    const WANTS: &'static str = "a VLAN from 1 to 4094, or several such as \"10-20\"";

    fn read(value: &Value) -> Result<Self, String> {
        let (first, last) = match value {
            Value::Int(vid) => (u16::try_from(*vid).ok(), u16::try_from(*vid).ok()),
            Value::Str(text) => {
                let (first, last) = text.split_once('-').unwrap_or((text, text));
                (first.parse().ok(), last.parse().ok())
            }
            _ => (None, None),
        };
        match first.zip(last) {
            Some((first, last)) if 1 <= first && first <= last && last <= 4094 => Ok(Vids { first, last }),
            _ => Err(not_wanted::<Self>(value)),
        }
    }

    fn spell(&self) -> String {
        if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}-{}", self.first, self.last)
        }
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "bridge.vlan",
    place: Place::Namespace,
    doc: "The VLANs of bridges and their ports. They count on a bridge that has `vlan_filtering`.",
    verbs: &[ADD, DEL, SHOW],
    commands: super::command::VLAN,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "DEV",
    keys: &[Vlan::KEYS],
    doc: "Lets frames of a VLAN, or of several, through a port.

`bridge vlan add dev DEV vid VID pvid untagged`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", vlan_filtering: true, up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\", master: \"br0\" });
host.bridge.vlan.add(\"veth0\", #{ vid: 10, pvid: true, untagged: true });
host.bridge.vlan.add(\"veth0\", #{ vid: \"20-22\" });
let port = host.bridge.vlan.show(#{ dev: \"veth0\" })[0];
assert_eq(port.vlans.map(|v| v.vlan), [1, 10, 20, 21, 22]);
assert_eq(port.vlans[1].flags, [\"PVID\", \"Egress Untagged\"]);
```",
    act: Act::Change(|args| {
        let (dev, vlan) = vlan(args)?;
        Ok(ops::Change::BridgeVlan(Change::Add { dev, vlan }))
    }),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "DEV",
    keys: &[Vlan::KEYS],
    doc: "Takes a VLAN, or several, from a port.

`bridge vlan del dev DEV vid VID`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", vlan_filtering: true, up: true });
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\", master: \"br0\" });
host.bridge.vlan.del(\"veth0\", #{ vid: 1 });
assert_eq(host.bridge.vlan.show(#{ dev: \"veth0\" }), []);
```",
    act: Act::Change(|args| {
        let (dev, vlan) = vlan(args)?;
        Ok(ops::Change::BridgeVlan(Change::Del { dev, vlan }))
    }),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "",
    keys: &[Among::KEYS],
    doc: "The VLANs of every port and bridge, with the fields of `bridge -j vlan`.

`bridge vlan show dev DEV vid VID`

```rhai
host.link.add(\"br0\", #{ type: \"bridge\", vlan_filtering: true, up: true });
assert_eq(host.bridge.vlan.show()[0].ifname, \"br0\");
assert_eq(host.bridge.vlan.show()[0].vlans[0].vlan, 1);
```",
    act: Act::Ask(show),
};

fn vlan(mut args: Args) -> Result<(IfName, Vlan)> {
    let dev = args.required("the device")?;
    let vlan = Vlan::take(&mut args)?;
    args.finish(Vlan::KEYS)?;
    let Some(vid) = vlan.vid else {
        return Err(Problem::argument("`vid` is missing: which VLAN").help("for instance #{ vid: 10 }"));
    };
    if vlan.pvid == Some(Flag(true)) && vid.first != vid.last {
        let message = "`pvid` is for one VLAN: frames without a tag cannot be of several";
        return Err(Problem::argument(message).at(Part::Key("pvid".into())));
    }
    Ok((dev, vlan))
}

impl Vlan {
    /// The VLANs as netlink has them: one, or the two ends of a range.
    fn attributes(&self) -> Vec<AfSpecBridge> {
        let given = |flag: Option<Flag>, bit| {
            if flag == Some(Flag(true)) {
                bit
            } else {
                BridgeVlanInfoFlags::empty()
            }
        };
        let common = given(self.pvid, BridgeVlanInfoFlags::Pvid) | given(self.untagged, BridgeVlanInfoFlags::Untagged);
        let info = |vid, flags| {
            AfSpecBridge::VlanInfo(BridgeVlanInfo {
                flags: common | flags,
                vid,
            })
        };
        let mut attributes: Vec<_> = flags(self.own, self.master).into_iter().collect();
        match self.vid {
            Some(Vids { first, last }) if first != last => attributes.extend([
                info(first, BridgeVlanInfoFlags::RangeBegin),
                info(last, BridgeVlanInfoFlags::RangeEnd),
            ]),
            Some(Vids { first, .. }) => attributes.push(info(first, BridgeVlanInfoFlags::empty())),
            None => {}
        }
        attributes
    }
}

impl Change {
    fn parts(&self) -> (&'static str, &IfName, &Vlan) {
        match self {
            Change::Add { dev, vlan } => ("add", dev, vlan),
            Change::Del { dev, vlan } => ("del", dev, vlan),
        }
    }
}

impl Operation for Change {
    fn title(&self) -> String {
        let (verb, dev, _) = self.parts();
        format!("bridge vlan {verb} {dev}")
    }

    fn spell(&self, netns: &NsName) -> String {
        let (verb, dev, vlan) = self.parts();
        let words = ["vlan", verb, "dev", dev.as_str()].map(String::from);
        spell(netns, words.into_iter().chain(vlan.words()))
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let (_, dev, vlan) = self.parts();
        let mut message = about(device::index(world, netns, dev)?);
        message.attributes.push(LinkAttribute::AfSpecBridge(vlan.attributes()));
        let message = match self {
            Change::Add { .. } => RouteNetlinkMessage::SetLink(message),
            Change::Del { .. } => RouteNetlinkMessage::DelLink(message),
        };
        let changed = world.space(netns)?.change(message, 0);
        changed.map_err(|problem| refused(problem, world, netns, dev))
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

/// The kernel says "not supported" of a device that is no port, and where it knows no VLANs on bridges.
fn refused(problem: Box<Problem>, world: &World, netns: &NsName, dev: &IfName) -> Box<Problem> {
    let is_port = || {
        let index = device::index(world, netns, dev)?;
        let ports = dump(&*world.space(netns)?, Vec::new())?;
        Ok::<_, Box<Problem>>(ports.iter().any(|port| port.header.index == index))
    };
    if problem.errno == Some(Errno::EOPNOTSUPP) && is_port().unwrap_or(false) {
        let mut problem = problem.help("it needs a kernel with CONFIG_BRIDGE_VLAN_FILTERING");
        problem.kind = Kind::Missing;
        problem.message = "this kernel's bridges know no VLANs".into();
        return problem;
    }
    no_port(problem, dev, "; of a bridge itself: #{ self: true }")
}

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let among = Among::take(&mut args)?;
    args.finish(Among::KEYS)?;
    let index = among.dev.as_ref().map(|dev| index_at(world, netns, dev, "dev"));
    let index = index.transpose()?;
    let space = world.space(netns)?;
    let links = Links::read(&space)?;
    let ports = dump(&space, vec![LinkExtentMask::Brvlan])?;
    let ports = ports
        .iter()
        .filter(|port| index.is_none_or(|index| index == port.header.index));
    let facts = ports.map(|port| PortFact::new(port, &links, among.vid));
    let facts = facts.filter(|fact| !fact.vlans.is_empty());
    Ok(Answer::Many(
        Shape::BridgeVlan,
        facts.map(|fact| ops::fact::json(&fact)).collect(),
    ))
}

/// A port or bridge with its VLANs, with the fields of `bridge -j vlan`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortFact {
    /// Its name.
    pub ifname: String,
    /// Its VLANs.
    pub vlans: Vec<VlanFact>,
}

/// A VLAN of a port.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VlanFact {
    /// Its number.
    pub vlan: u16,
    /// `PVID` for that of frames without a tag, `Egress Untagged` where they go out without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

impl PortFact {
    fn new(message: &LinkMessage, links: &Links, vid: Option<u16>) -> PortFact {
        let settings = message.attributes.iter().filter_map(|attribute| match attribute {
            LinkAttribute::AfSpecBridge(settings) => Some(settings),
            _ => None,
        });
        let vlans = settings.flatten().filter_map(|setting| match setting {
            AfSpecBridge::VlanInfo(info) if vid.is_none_or(|vid| vid == info.vid) => Some(VlanFact::new(info)),
            _ => None,
        });
        PortFact {
            ifname: links.name(message.header.index),
            vlans: vlans.collect(),
        }
    }
}

impl VlanFact {
    fn new(info: &BridgeVlanInfo) -> VlanFact {
        let names = [
            (BridgeVlanInfoFlags::Pvid, "PVID"),
            (BridgeVlanInfoFlags::Untagged, "Egress Untagged"),
        ];
        let set = names.into_iter().filter(|(flag, _)| info.flags.contains(*flag));
        VlanFact {
            vlan: info.vid,
            flags: set.map(|(_, name)| name.to_string()).collect(),
        }
    }
}

/// The ports' lines under the headings that `bridge vlan` gives them.
pub fn table(lines: Option<String>) -> Option<String> {
    let headings = format!("{:16}  {:9}", "port", "vlan-id");
    lines.map(|lines| match lines.is_empty() {
        true => headings,
        false => format!("{headings}\n{lines}"),
    })
}

impl fmt::Display for PortFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, vlan) in self.vlans.iter().enumerate() {
            let (name, end) = if at == 0 { (&self.ifname[..], "") } else { ("", "\n") };
            write!(f, "{end}{name:16}  {}", vlan.vlan)?;
            vlan.flags.iter().try_for_each(|flag| write!(f, " {flag}"))?;
        }
        Ok(())
    }
}
