//! `type vlan`: the packets of another device that carry one tag.

use netlink_packet_route::link::{InfoData, InfoKind, InfoVlan, VlanFlags};

use super::value::{Lower, TagProtocol};
use super::{About, At, Device, required, some};
use crate::error::Result;
use crate::ops::IfName;
use crate::options;

options! {
    /// The keys of a VLAN.
    pub struct Vlan {
        /// the device whose packets it tags
        link: Lower,
        /// the tags' protocol: 802.1Q, or 802.1ad of providers
        protocol: TagProtocol,
        /// the number in the tag, from 0 to 4094
        id: u16,
        /// whether the tag is taken off before a packet is shown to programs
        reorder_hdr: bool,
        /// whether it tells the switch of its VLAN by GVRP
        gvrp: bool,
        /// whether it tells the switch of its VLAN by MVRP
        mvrp: bool,
        /// whether it keeps a state of its own rather than that of the device below
        loose_binding: bool,
        /// whether it follows the ports of its VLAN, on a bridge
        bridge_binding: bool,
    }
}

impl Vlan {
    fn flags(&self) -> Option<InfoVlan> {
        let (mut flags, mut mask) = (VlanFlags::empty(), VlanFlags::empty());
        let given = [
            (self.reorder_hdr, VlanFlags::ReorderHdr),
            (self.gvrp, VlanFlags::Gvrp),
            (self.mvrp, VlanFlags::Mvrp),
            (self.loose_binding, VlanFlags::LooseBinding),
            (self.bridge_binding, VlanFlags::BridgeBinding),
        ];
        for (on, flag) in given {
            mask.set(flag, on.is_some());
            flags.set(flag, on == Some(true));
        }
        (!mask.is_empty()).then_some(InfoVlan::Flags((flags, mask)))
    }
}

impl Device for Vlan {
    const ABOUT: About = About {
        name: "vlan",
        config: "CONFIG_VLAN_8021Q",
        module: "8021q",
        kind: || InfoKind::Vlan,
    };

    fn check(&self) -> Result<()> {
        required(self.link.as_ref(), "vlan", "link", "the device whose packets it tags")?;
        required(self.id.as_ref(), "vlan", "id", "the number in the tag")
    }

    fn lower(&self) -> Option<&IfName> {
        self.link.as_ref().map(|lower| &lower.0)
    }

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        let protocol = self.protocol.map(|tag| InfoVlan::Protocol(u16::from(tag).into()));
        Ok(some(
            [protocol, self.id.map(InfoVlan::Id), self.flags()],
            InfoData::Vlan,
        ))
    }
}
