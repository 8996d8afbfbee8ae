//! `type ipip`, `sit`, `ip6tnl`: IP in IP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_route::link::{InfoData, InfoIpTunnel, InfoKind};

use super::value::{EncapLimit, Hops, Tos, Whether, choice};
use super::{About, At, Device, merged, says_where};
use crate::error::Result;
use crate::ops::IfName;
use crate::ops::types::Flag;
use crate::options;

choice! {
    /// What an ipip tunnel carries, by its number as a protocol of IP.
    pub enum InIpv4: u8 {
        /// IPv4.
        Ipip = 4 "ipip",
        /// Any.
        Any = 0 "any",
    }
}

choice! {
    /// What a sit tunnel carries.
    pub enum InSit: u8 {
        /// IPv6.
        Ip6ip = 41 "ip6ip",
        /// IPv4.
        Ipip = 4 "ipip",
        /// Either.
        Any = 0 "any",
    }
}

choice! {
    /// What an ip6tnl tunnel carries.
    pub enum InIpv6: u8 {
        /// IPv6.
        Ip6ip6 = 41 "ip6ip6",
        /// IPv4.
        Ipip6 = 4 "ipip6",
        /// Either.
        Any = 0 "any",
    }
}

/// Declares a tunnel over IPv4.
macro_rules! over_ipv4 {
    ($(#[doc = $doc:literal])+ $name:ident: $about:expr, $mode:ident or $default:expr, $(#[doc = $mode_doc:literal])+) => {
        options! {
            $(#[doc = $doc])+
            pub struct $name {
                $(#[doc = $mode_doc])+
                mode: $mode,
                /// the address of the other end
                remote: Ipv4Addr,
                /// the address of this end
                local: Ipv4Addr,
                /// the time to live of its packets; inherit, if not given
                ttl: Hops,
                /// the TOS byte of its packets, or inherit
                tos: Tos,
                /// whether it finds out what the path takes; it does, unless told otherwise
                pmtudisc: Whether,
                /// the device its packets leave by
                dev: IfName,
                /// each packet's own metadata say where it goes; instead of the addresses
                external: Flag,
            }
        }

        impl Device for $name {
            const ABOUT: About = $about;

            fn check(&self) -> Result<()> {
                says_where(self.external, self.remote.is_some() || self.local.is_some())
            }

            fn data(&self, at: &At) -> Result<Option<InfoData>> {
                // The kernel's own choices are others.
                let mode = self.mode.or(at.birth.then_some($default));
                let ttl = self.ttl.or(at.birth.then_some(Hops(0)));
                data(at, [
                    mode.map(|mode| InfoIpTunnel::Protocol(u8::from(mode).into())),
                    self.remote.map(|end| InfoIpTunnel::Remote(IpAddr::V4(end))),
                    self.local.map(|end| InfoIpTunnel::Local(IpAddr::V4(end))),
                    ttl.map(|ttl| InfoIpTunnel::Ttl(ttl.0)),
                    self.tos.map(|tos| InfoIpTunnel::Tos(tos.0)),
                    self.pmtudisc.map(|finds| InfoIpTunnel::PMtuDisc(finds.0)),
                    at.index("dev", self.dev.as_ref())?.map(InfoIpTunnel::Link),
                    (self.external == Some(Flag(true))).then_some(InfoIpTunnel::CollectMetadata),
                ])
            }
        }
    };
}

/// The attributes of a device: those it has, but for what was given.
fn data(at: &At, given: impl IntoIterator<Item = Option<InfoIpTunnel>>) -> Result<Option<InfoData>> {
    let present = match at.present()? {
        Some(InfoData::IpTunnel(present)) => present,
        _ => Vec::new(),
    };
    let given = given.into_iter().flatten().collect();
    Ok(Some(InfoData::IpTunnel(merged(present, given))))
}

over_ipv4! {
    /// The keys of an IP-in-IPv4 tunnel.
    Ipip: About { name: "ipip", config: "CONFIG_NET_IPIP", module: "ipip", kind: || InfoKind::IpIp }, InIpv4 or InIpv4::Ipip,
    /// what it carries: ipip (IPv4, which is the default), any
}

over_ipv4! {
    /// The keys of an IPv6-in-IPv4 tunnel.
    Sit: About { name: "sit", config: "CONFIG_IPV6_SIT", module: "sit", kind: || InfoKind::SitTun }, InSit or InSit::Any,
    /// what it carries: ip6ip (IPv6), ipip (IPv4), any (which is the default)
}

options! {
    /// The keys of an IP-in-IPv6 tunnel.
    pub struct Ip6tnl {
        /// what it carries: ip6ip6, ipip6, any (which is the default)
        mode: InIpv6,
        /// the address of the other end
        remote: Ipv6Addr,
        /// the address of this end
        local: Ipv6Addr,
        /// the hop limit of its packets; 64, if not given
        ttl: Hops,
        /// how many tunnels may stand within each other, or none for any number; 4, if not given
        encaplimit: EncapLimit,
        /// the device its packets leave by
        dev: IfName,
        /// each packet's own metadata say where it goes; instead of the addresses
        external: Flag,
    }
}

impl Device for Ip6tnl {
    const ABOUT: About = About {
        name: "ip6tnl",
        config: "CONFIG_IPV6_TUNNEL",
        module: "ip6_tunnel",
        kind: || InfoKind::Ip6Tnl,
    };

    fn check(&self) -> Result<()> {
        says_where(self.external, self.remote.is_some() || self.local.is_some())
    }

    fn data(&self, at: &At) -> Result<Option<InfoData>> {
        let ttl = self.ttl.map(|ttl| ttl.0).or(at.birth.then_some(64));
        let limit = self.encaplimit.or(at.birth.then_some(EncapLimit::DEFAULT));
        data(
            at,
            [
                self.mode.map(|mode| InfoIpTunnel::Protocol(u8::from(mode).into())),
                self.remote.map(|end| InfoIpTunnel::Remote(IpAddr::V6(end))),
                self.local.map(|end| InfoIpTunnel::Local(IpAddr::V6(end))),
                ttl.map(InfoIpTunnel::Ttl),
                limit.map(|limit| InfoIpTunnel::Ipv6Flags(limit.flags())),
                limit.and_then(EncapLimit::number).map(InfoIpTunnel::EncapLimit),
                at.index("dev", self.dev.as_ref())?.map(InfoIpTunnel::Link),
                (self.external == Some(Flag(true))).then_some(InfoIpTunnel::CollectMetadata),
            ],
        )
    }
}
