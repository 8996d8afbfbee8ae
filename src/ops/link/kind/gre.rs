//! `type gre`, `gretap`, `ip6gre`, `ip6gretap`: IP or Ethernet in GRE, over IPv4 or over IPv6.

use std::net::{Ipv4Addr, Ipv6Addr};

use netlink_packet_core::DefaultNla;
use netlink_packet_route::link::{GreIOFlags, InfoData, InfoGre, InfoGre6, InfoKind};

use super::value::{EncapLimit, Hops, Tos, Whether};
use super::{About, At, Device, merged, says_where};
use crate::error::{Part, Problem, Result};
use crate::ops::IfName;
use crate::ops::types::Flag;
use crate::options;

/// What a packet of the tunnel has in its header of GRE.
struct Header {
    key: Option<u32>,
    seq: Option<Flag>,
    csum: Option<Flag>,
}

impl Header {
    /// The flags of one way, if they are to change.
    fn flags(&self, present: GreIOFlags) -> Option<GreIOFlags> {
        let mut flags = present;
        let given = [
            (self.key.is_some(), GreIOFlags::Key),
            (self.seq == Some(Flag(true)), GreIOFlags::Seq),
            (self.csum == Some(Flag(true)), GreIOFlags::Checksum),
        ];
        for (_, flag) in given.into_iter().filter(|(is_given, _)| *is_given) {
            flags |= flag;
        }
        (flags != present).then_some(flags)
    }
}

/// Declares a kind of GRE device: its keys, of which `own` belong to its version of IP alone, and its attributes.
macro_rules! gre {
    (
        $(#[doc = $doc:literal])+ $name:ident: $about:expr, $data:ident of $attribute:ident to $address:ty;
        own { $($(#[doc = $own_doc:literal])+ $own:ident: $type:ty),* $(,)? } as $own_attributes:expr;
    ) => {
        options! {
            $(#[doc = $doc])+
            pub struct $name {
                /// the address of the other end
                remote: $address,
                /// the address of this end
                local: $address,
                /// a number in the packets of both ends, which tells tunnels between the same two ends apart
                key: u32,
                /// that number in packets that come in, where it is another
                ikey: u32,
                /// that number in packets that go out, where it is another
                okey: u32,
                /// numbers its packets, so that none is taken out of order
                seq: Flag,
                /// its packets have checksums
                csum: Flag,
                $($(#[doc = $own_doc])+ $own: $type,)*
                /// the device its packets leave by
                dev: IfName,
                /// each packet's own metadata say where it goes; instead of the addresses
                external: Flag,
            }
        }

        impl Device for $name {
            const ABOUT: About = $about;

            fn check(&self) -> Result<()> {
                if self.key.is_some() && (self.ikey.is_some() || self.okey.is_some()) {
                    return Err(
                        Problem::argument("`key` is that of both ways: `ikey` and `okey` cannot be given beside it")
                            .at(Part::Key("key".into())),
                    );
                }
                says_where(self.external, self.remote.is_some() || self.local.is_some())
            }

            fn data(&self, at: &At) -> Result<Option<InfoData>> {
                let present = match at.present()? {
                    Some(InfoData::$data(present)) => present,
                    _ => Vec::new(),
                };
                let (mut coming, mut going) = (GreIOFlags::empty(), GreIOFlags::empty());
                for attribute in &present {
                    match attribute {
                        $attribute::IFlags(flags) => coming = *flags,
                        $attribute::OFlags(flags) => going = *flags,
                        _ => {}
                    }
                }
                let header = |key| Header { key, seq: self.seq, csum: self.csum };
                let (ikey, okey) = (self.ikey.or(self.key), self.okey.or(self.key));
                let given = [
                    at.index("dev", self.dev.as_ref())?.map($attribute::Link),
                    header(ikey).flags(coming).map($attribute::IFlags),
                    header(okey).flags(going).map($attribute::OFlags),
                    ikey.map($attribute::IKey),
                    okey.map($attribute::OKey),
                    self.local.map($attribute::Local),
                    self.remote.map($attribute::Remote),
                    (self.external == Some(Flag(true))).then_some($attribute::CollectMetadata),
                ];
                let own: fn(&$name, &At) -> Vec<$attribute> = $own_attributes;
                let given = given.into_iter().flatten().chain(own(self, at)).collect();
                Ok(Some(InfoData::$data(merged(present, given))))
            }
        }
    };
}

/// Declares a kind of GRE device over IPv4.
macro_rules! over_ipv4 {
    ($(#[doc = $doc:literal])+ $name:ident: $text:literal, $kind:ident, $data:ident) => {
        gre! {
            $(#[doc = $doc])+
            $name: About { name: $text, config: "CONFIG_NET_IPGRE", module: "ip_gre", kind: || InfoKind::$kind },
                $data of InfoGre to Ipv4Addr;
            own {
                /// the time to live of its packets; inherit, if not given
                ttl: Hops,
                /// the TOS byte of its packets, or inherit
                tos: Tos,
                /// whether it finds out what the path takes; it does, unless told otherwise
                pmtudisc: Whether,
            } as |gre, _| {
                let own = [
                    gre.ttl.map(|ttl| InfoGre::Ttl(ttl.0)),
                    gre.tos.map(|tos| InfoGre::Tos(tos.0)),
                    gre.pmtudisc.map(|finds| InfoGre::PathMTUDiscovery(finds.0)),
                ];
                own.into_iter().flatten().collect()
            };
        }
    };
}

/// Declares a kind of GRE device over IPv6.
macro_rules! over_ipv6 {
    ($(#[doc = $doc:literal])+ $name:ident: $text:literal, $kind:ident, $data:ident) => {
        gre! {
            $(#[doc = $doc])+
            $name: About { name: $text, config: "CONFIG_IPV6_GRE", module: "ip6_gre", kind: || InfoKind::$kind },
                $data of InfoGre6 to Ipv6Addr;
            own {
                /// the hop limit of its packets; 64, if not given
                ttl: Hops,
                /// how many tunnels may stand within each other, or none for any number; 4, if not given
                encaplimit: EncapLimit,
            } as |gre, at| {
                let ttl = gre.ttl.map(|ttl| ttl.0).or(at.birth.then_some(64));
                let limit = gre.encaplimit.or(at.birth.then_some(EncapLimit::DEFAULT));
                let flags = limit.map(|limit| {
                    InfoGre6::Other(DefaultNla::new(FLAGS, limit.flags().bits().to_ne_bytes().to_vec()))
                });
                let limit = limit.and_then(EncapLimit::number).map(InfoGre6::EncapLimit);
                [ttl.map(InfoGre6::Ttl), limit, flags].into_iter().flatten().collect()
            };
        }
    };
}

/// The flags of a tunnel over IPv6 (IFLA_GRE_FLAGS).
const FLAGS: u16 = 13;

over_ipv4! {
    /// The keys of a GRE tunnel.
    Gre: "gre", GreTun, GreTun
}

over_ipv4! {
    /// The keys of a GRE tunnel for Ethernet.
    Gretap: "gretap", GreTap, GreTap
}

over_ipv6! {
    /// The keys of a GRE tunnel over IPv6.
    Ip6gre: "ip6gre", GreTun6, GreTun6
}

over_ipv6! {
    /// The keys of a GRE tunnel over IPv6 for Ethernet.
    Ip6gretap: "ip6gretap", GreTap6, GreTap6
}
