//! `type vxlan`: Ethernet in UDP.

use std::net::IpAddr;

use netlink_packet_route::link::{InfoData, InfoKind, InfoVxlan};

use super::value::{Ttl, Vni, Whether};
use super::{About, At, Device, some};
use crate::error::{Part, Problem, Result};
use crate::ops::IfName;
use crate::ops::types::Flag;
use crate::options;

options! {
    /// The keys of a VXLAN.
    pub struct Vxlan {
        /// its network's number
        id: Vni,
        /// the address of the other end
        remote: IpAddr,
        /// the multicast group of the other ends, with dev
        group: IpAddr,
        /// the address of this end
        local: IpAddr,
        /// the device its packets leave by
        dev: IfName,
        /// the time to live of its packets: 0 to 255, inherit, auto
        ttl: Ttl,
        /// the other ends' UDP port: 4789 is the registered one, the kernel's default is 8472
        dstport: u16,
        /// how long a learnt address is kept, in seconds
        ageing: u32,
        /// how many addresses it learns, at most
        maxaddress: u32,
        /// whether it learns who is behind which end; it does, unless external
        learning: Whether,
        /// does not learn
        nolearning: Flag,
        /// whether it answers ARP from its own table
        proxy: Whether,
        /// whether it routes short cuts
        rsc: Whether,
        /// whether it reports unknown link-layer addresses
        l2miss: Whether,
        /// whether it reports unknown IP addresses
        l3miss: Whether,
        /// whether its packets have UDP checksums
        udpcsum: Whether,
        /// whether each packet's own metadata say where it goes; instead of id
        external: Whether,
    }
}

impl Vxlan {
    fn learns(&self, birth: bool) -> Option<bool> {
        let given = self.learning.map(|learning| learning.0);
        let refused = (self.nolearning == Some(Flag(true))).then_some(false);
        let external = (birth && self.external == Some(Whether(true))).then_some(false);
        given.or(refused).or(external)
    }
}

impl Device for Vxlan {
    const ABOUT: About = About {
        name: "vxlan",
        config: "CONFIG_VXLAN",
        module: "vxlan",
        kind: || InfoKind::Vxlan,
    };

    fn check(&self) -> Result<()> {
        let wrong = |key: &str, message: &str| Err(Problem::argument(message).at(Part::Key(key.into())));
        let external = self.external == Some(Whether(true));
        match (self.id, external) {
            (None, false) => wrong("type", "a vxlan wants `id`, its network's number, or `external: true`"),
            (Some(_), true) => wrong("id", "`id` and `external` cannot both be given"),
            _ if self.group.is_some() && self.remote.is_some() => {
                wrong("group", "`group` and `remote` cannot both be given")
            }
            _ if self.group.is_some_and(|group| !group.is_multicast()) => wrong(
                "group",
                "`group` wants a multicast address; one other end is the `remote`",
            ),
            _ if self.remote.is_some_and(|remote| remote.is_multicast()) => wrong(
                "remote",
                "`remote` wants the address of one; a multicast address is the `group`",
            ),
            _ if self.group.is_some() && self.dev.is_none() => {
                wrong("group", "`group` wants `dev`, the device its packets leave by")
            }
            _ if self.learning.is_some() && self.nolearning == Some(Flag(true)) => {
                wrong("nolearning", "`learning` and `nolearning` cannot both be given")
            }
            _ => Ok(()),
        }
    }

    fn data(&self, at: &At) -> Result<Option<InfoData>> {
        let is = |whether: Option<Whether>, of: fn(bool) -> InfoVxlan| whether.map(|whether| of(whether.0));
        let end = self.remote.or(self.group).map(|address| match address {
            IpAddr::V4(v4) => InfoVxlan::Group(v4),
            IpAddr::V6(v6) => InfoVxlan::Group6(v6),
        });
        let local = self.local.map(|address| match address {
            IpAddr::V4(v4) => InfoVxlan::Local(v4),
            IpAddr::V6(v6) => InfoVxlan::Local6(v6),
        });
        let data = [
            self.id.map(|id| InfoVxlan::Id(id.0)),
            end,
            local,
            at.index("dev", self.dev.as_ref())?.map(InfoVxlan::Link),
            self.ttl
                .map(|ttl| ttl.hops().map_or(InfoVxlan::TtlInheritFlag, InfoVxlan::Ttl)),
            self.dstport.map(InfoVxlan::Port),
            self.ageing.map(InfoVxlan::Ageing),
            self.maxaddress.map(InfoVxlan::Limit),
            self.learns(at.birth).map(InfoVxlan::Learning),
            is(self.proxy, InfoVxlan::Proxy),
            is(self.rsc, InfoVxlan::Rsc),
            is(self.l2miss, InfoVxlan::L2Miss),
            is(self.l3miss, InfoVxlan::L3Miss),
            is(self.udpcsum, InfoVxlan::UDPCsum),
            is(self.external, InfoVxlan::CollectMetadata),
        ];
        Ok(some(data, InfoData::Vxlan))
    }
}
