//! A packet, and what a filter wants to know of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ethernet's numbers of what a frame carries.
pub(super) const IPV4: u16 = 0x0800;
pub(super) const ARP: u16 = 0x0806;
pub(super) const IPV6: u16 = 0x86dd;
const TAGS: [u16; 2] = [0x8100, 0x88a8];

/// IP's numbers of what a packet carries.
pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;
const SCTP: u8 = 132;

/// A packet as it was heard.
pub(super) struct Packet<'a> {
    /// As the file has it, with the header of its link type.
    pub bytes: &'a [u8],
    /// How long it was; more than `bytes` if it was cut.
    pub length: usize,
    /// Seconds and nanoseconds since 1970.
    pub time: (u32, u32),
    /// What the payload is, by Ethernet's numbers; it may be a VLAN tag.
    pub protocol: u16,
    /// What follows the link's header.
    pub payload: &'a [u8],
}

/// What a filter asks of a packet. Nothing where the packet is too short, or something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// What it is, by Ethernet's numbers, behind VLAN tags.
    pub protocol: u16,
    /// Where it comes from and where it goes, ARP's protocol addresses too.
    pub source: Option<IpAddr>,
    pub destination: Option<IpAddr>,
    /// What IP carries.
    pub transport: Option<u8>,
    /// Source and destination port.
    pub ports: Option<(u16, u16)>,
}

impl Content {
    /// Of what is in `payload`, which is of `protocol`.
    pub(super) fn of(mut protocol: u16, mut payload: &[u8]) -> Content {
        while TAGS.contains(&protocol) {
            let (Some(inner), Some(rest)) = (word(payload, 2), payload.get(4..)) else {
                break;
            };
            (protocol, payload) = (inner, rest);
        }
        let content = match protocol {
            IPV4 => ipv4(payload),
            IPV6 => ipv6(payload),
            ARP => arp(payload),
            _ => None,
        };
        Content {
            protocol,
            ..content.unwrap_or_default()
        }
    }
}

fn ipv4(packet: &[u8]) -> Option<Content> {
    let header = usize::from(packet.first()? & 15) * 4;
    let transport = *packet.get(9)?;
    let is_first = word(packet, 6)? & 0x1fff == 0;
    Some(Content {
        source: address4(packet, 12),
        destination: address4(packet, 16),
        transport: Some(transport),
        ports: packet
            .get(header.max(20)..)
            .filter(|_| is_first)
            .and_then(|rest| ports(transport, rest)),
        ..Content::default()
    })
}

fn ipv6(packet: &[u8]) -> Option<Content> {
    let mut transport = *packet.get(6)?;
    let mut rest = packet.get(40..)?;
    let mut is_first = true;
    // Past the extension headers: hop-by-hop, routing, destination options; fragment; authentication.
    while let Some((length, is_whole)) = extension(transport, rest) {
        let (Some(next), Some(behind)) = (rest.first(), rest.get(length..)) else {
            break;
        };
        is_first &= is_whole;
        (transport, rest) = (*next, behind);
        if !is_first {
            break;
        }
    }
    Some(Content {
        source: address6(packet, 8),
        destination: address6(packet, 24),
        transport: Some(transport),
        ports: Some(rest).filter(|_| is_first).and_then(|rest| ports(transport, rest)),
        ..Content::default()
    })
}

/// The length of an extension header, and whether what follows it is the beginning of the packet's content.
fn extension(kind: u8, header: &[u8]) -> Option<(usize, bool)> {
    let units = usize::from(*header.get(1)?);
    match kind {
        0 | 43 | 60 => Some(((units + 1) * 8, true)),
        44 => Some((8, word(header, 2)? >> 3 == 0)),
        51 => Some(((units + 2) * 4, true)),
        _ => None,
    }
}

fn arp(packet: &[u8]) -> Option<Content> {
    let is_ethernet_and_ipv4 = word(packet, 2)? == IPV4 && packet.get(4..6)? == [6, 4];
    is_ethernet_and_ipv4.then(|| Content {
        source: address4(packet, 14),
        destination: address4(packet, 24),
        ..Content::default()
    })
}

fn ports(transport: u8, rest: &[u8]) -> Option<(u16, u16)> {
    if ![TCP, UDP, SCTP].contains(&transport) {
        return None;
    }
    Some((word(rest, 0)?, word(rest, 2)?))
}

fn bytes<const N: usize>(packet: &[u8], at: usize) -> Option<[u8; N]> {
    packet.get(at..at + N)?.try_into().ok()
}

fn word(packet: &[u8], at: usize) -> Option<u16> {
    bytes(packet, at).map(u16::from_be_bytes)
}

fn address4(packet: &[u8], at: usize) -> Option<IpAddr> {
    bytes::<4>(packet, at).map(|bytes| Ipv4Addr::from(bytes).into())
}

fn address6(packet: &[u8], at: usize) -> Option<IpAddr> {
    bytes::<16>(packet, at).map(|bytes| Ipv6Addr::from(bytes).into())
}
