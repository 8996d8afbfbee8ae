//! `type geneve`: Ethernet in UDP, with options.

use std::net::IpAddr;

use netlink_packet_route::link::{InfoData, InfoGeneve, InfoKind};

use super::value::{Ttl, Vni, Whether};
use super::{About, At, Device, required, some};
use crate::error::{Part, Problem, Result};
use crate::ops::types::Flag;
use crate::options;

options! {
    /// The keys of a Geneve tunnel.
    pub struct Geneve {
        /// its network's number
        id: Vni,
        /// the address of the other end
        remote: IpAddr,
        /// the time to live of its packets: 0 to 255, inherit, auto
        ttl: Ttl,
        /// the other end's UDP port; 6081, if not given
        dstport: u16,
        /// whether its packets have UDP checksums
        udpcsum: Whether,
        /// each packet's own metadata say where it goes; instead of id and remote
        external: Flag,
    }
}

impl Device for Geneve {
    const ABOUT: About = About {
        name: "geneve",
        config: "CONFIG_GENEVE",
        module: "geneve",
        kind: || InfoKind::Geneve,
    };

    fn check(&self) -> Result<()> {
        if self.external == Some(Flag(true)) {
            return match self.id {
                Some(_) => {
                    Err(Problem::argument("`id` and `external` cannot both be given").at(Part::Key("id".into())))
                }
                None => Ok(()),
            };
        }
        required(self.id.as_ref(), "geneve", "id", "its network's number")?;
        required(self.remote.as_ref(), "geneve", "remote", "the address of the other end")
    }

    fn data(&self, at: &At) -> Result<Option<InfoData>> {
        let end = self.remote.map(|address| match address {
            IpAddr::V4(v4) => InfoGeneve::Remote(v4),
            IpAddr::V6(v6) => InfoGeneve::Remote6(v6),
        });
        let external = self.external == Some(Flag(true));
        // The kernel wants an id of an external one too, and takes none but 0.
        let id = self.id.map(|id| id.0).or((external && at.birth).then_some(0));
        let data = [
            id.map(InfoGeneve::Id),
            end,
            self.ttl
                .map(|ttl| ttl.hops().map_or(InfoGeneve::TtlInherit(true), InfoGeneve::Ttl)),
            self.dstport.map(InfoGeneve::Port),
            self.udpcsum.map(|whether| InfoGeneve::UdpCsum(whether.0)),
            external.then_some(InfoGeneve::CollectMetadata),
        ];
        Ok(some(data, InfoData::Geneve))
    }
}
