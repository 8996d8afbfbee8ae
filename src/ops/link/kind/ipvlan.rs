//! `type ipvlan`: devices on a device, all with its MAC address, each with IP addresses of its own.

use netlink_packet_route::link::{InfoData, InfoIpVlan, InfoKind, IpVlanFlags};

use super::value::{Lower, choice};
use super::{About, At, Device, required, some};
use crate::error::{Part, Problem, Result};
use crate::ops::IfName;
use crate::ops::types::Flag;
use crate::options;

choice! {
    /// What decides where a packet goes.
    pub enum Mode: u16 {
        /// The device, as a switch.
        L2 = 0 "l2",
        /// The namespace of the device below, as a router.
        L3 = 1 "l3",
        /// The same, seen by that namespace's netfilter.
        L3s = 2 "l3s",
    }
}

options! {
    /// The keys of an ipvlan.
    pub struct Ipvlan {
        /// the device it sits on
        link: Lower,
        /// what decides where a packet goes: l2, l3 (which is the default), l3s
        mode: Mode,
        /// those on one device reach each other, which is the default
        bridge: Flag,
        /// they do not
        private: Flag,
        /// they do by way of a switch that sends packets back
        vepa: Flag,
    }
}

impl Device for Ipvlan {
    const ABOUT: About = About {
        name: "ipvlan",
        config: "CONFIG_IPVLAN",
        module: "ipvlan",
        kind: || InfoKind::IpVlan,
    };

    fn check(&self) -> Result<()> {
        required(self.link.as_ref(), "ipvlan", "link", "the device it sits on")?;
        let given = [self.bridge, self.private, self.vepa];
        if given.iter().filter(|flag| **flag == Some(Flag(true))).count() > 1 {
            let message = "only one of `bridge`, `private` and `vepa` can be given";
            return Err(Problem::argument(message).at(Part::Key("type".into())));
        }
        Ok(())
    }

    fn lower(&self) -> Option<&IfName> {
        self.link.as_ref().map(|lower| &lower.0)
    }

    fn data(&self, _: &At) -> Result<Option<InfoData>> {
        let on = |flag, value| (flag == Some(Flag(true))).then_some(InfoIpVlan::Flags(value));
        let flags = on(self.private, IpVlanFlags::Private)
            .or(on(self.vepa, IpVlanFlags::Vepa))
            .or(on(self.bridge, IpVlanFlags::empty()));
        let mode = self.mode.map(|mode| InfoIpVlan::Mode(u16::from(mode).into()));
        Ok(some([mode, flags], InfoData::IpVlan))
    }
}
