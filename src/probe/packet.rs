//! The bytes of an echo, and what an ICMP message says about it. Nothing here touches a socket, and no
//! byte string makes it panic: whatever does not fit is nobody's answer.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The length of an ICMP echo's header.
pub const ECHO_HEADER: usize = 8;

const TOKEN: usize = 8;
const IPV6_HEADER: usize = 40;
const ICMPV6: u8 = 58;
const FRAGMENT: u8 = 44;

/// One run's echoes: they differ in their sequence number only.
#[derive(Clone, Debug)]
pub struct Echo {
    destination: IpAddr,
    id: u16,
    token: [u8; TOKEN],
    size: u16,
}

/// What a message says about one of our echoes.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The echo came back. IPv4 tells the time to live here; IPv6 tells it beside the message.
    Reply {
        /// The echo's number.
        seq: u16,
        /// The time to live the reply had left.
        ttl: Option<u8>,
    },
    /// Somebody on the way could not pass the echo on.
    Refusal {
        /// The echo's number.
        seq: u16,
        /// Why.
        reason: Reason,
    },
}

/// Why an echo was refused: type, code and the one word that goes with them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    v6: bool,
    kind: u8,
    code: u8,
    info: u32,
}

impl Echo {
    /// Echoes with `size` bytes of data for `destination`, unlike those of any other run.
    pub fn new(destination: IpAddr, size: u16) -> Echo {
        // The standard library seeds its hasher from the system's randomness.
        let random = || RandomState::new().hash_one(destination);
        Echo {
            destination,
            id: random() as u16,
            token: random().to_ne_bytes(),
            size,
        }
    }

    /// Bytes of data in each.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// The echo request `seq`. The kernel fills in ICMPv6's checksum.
    pub fn request(&self, seq: u16) -> Vec<u8> {
        let kind = if self.destination.is_ipv4() { 8 } else { 128 };
        let mut bytes = vec![kind, 0, 0, 0];
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(seq.to_be_bytes());
        bytes.extend((0..self.size).map(|i| self.token.get(usize::from(i)).copied().unwrap_or(i as u8)));
        if self.destination.is_ipv4() {
            let sum = checksum(&bytes);
            bytes.splice(2..4, sum.to_be_bytes());
        }
        bytes
    }

    /// Reads a message as the raw socket gives it (for IPv4 with its IP header): what it says about one
    /// of our echoes, if anything.
    pub fn read(&self, bytes: &[u8]) -> Option<Answer> {
        let (icmp, ttl) = if self.destination.is_ipv4() {
            let icmp = after_ipv4_header(bytes)?;
            // A raw socket sees a message before the kernel has checked its sum.
            if checksum(icmp) != 0 {
                return None;
            }
            (icmp, bytes.get(8).copied())
        } else {
            (bytes, None)
        };
        let v6 = self.destination.is_ipv6();
        let (kind, code, info) = (*icmp.first()?, *icmp.get(1)?, u32::from_be_bytes(array(icmp, 4)?));
        match (v6, kind) {
            (false, 0) | (true, 129) => Some(Answer::Reply {
                seq: self.ours(icmp, true)?,
                ttl,
            }),
            (false, 3 | 11 | 12) | (true, 1..=4) => {
                let refused = icmp.get(ECHO_HEADER..)?;
                let echo = if v6 {
                    self.echo_in_ipv6(refused)?
                } else {
                    self.echo_in_ipv4(refused)?
                };
                Some(Answer::Refusal {
                    seq: self.ours(echo, false)?,
                    reason: Reason { v6, kind, code, info },
                })
            }
            _ => None,
        }
    }

    /// The sequence number of an echo (or its reply) if it is of this run. A refusal need not quote all of
    /// the echo (eight bytes are enough), so only as much of the token is compared as there is.
    fn ours(&self, icmp: &[u8], whole: bool) -> Option<u16> {
        let data = icmp.get(ECHO_HEADER..)?;
        let expected = &self.token[..TOKEN.min(self.size.into())];
        let there = if whole {
            data.get(..expected.len())?
        } else {
            &data[..data.len().min(expected.len())]
        };
        let ours = u16::from_be_bytes(array(icmp, 4)?) == self.id && expected.starts_with(there);
        ours.then_some(u16::from_be_bytes(array(icmp, 6)?))
    }

    fn echo_in_ipv4<'a>(&self, quoted: &'a [u8]) -> Option<&'a [u8]> {
        let icmp = after_ipv4_header(quoted)?;
        // Only the first fragment has the echo's header.
        let fragment = u16::from_be_bytes(array(quoted, 6)?) & 0x1fff;
        let destination = IpAddr::from(Ipv4Addr::from(array::<4>(quoted, 16)?));
        let ours = destination == self.destination && quoted.get(9) == Some(&1) && fragment == 0;
        (ours && icmp.first() == Some(&8)).then_some(icmp)
    }

    fn echo_in_ipv6<'a>(&self, quoted: &'a [u8]) -> Option<&'a [u8]> {
        let destination = IpAddr::from(Ipv6Addr::from(array::<16>(quoted, 24)?));
        let mut next = *quoted.get(6)?;
        let mut icmp = quoted.get(IPV6_HEADER..)?;
        if next == FRAGMENT {
            next = *icmp.first()?;
            if u16::from_be_bytes(array(icmp, 2)?) >> 3 != 0 {
                return None;
            }
            icmp = icmp.get(8..)?;
        }
        (destination == self.destination && next == ICMPV6 && icmp.first() == Some(&128)).then_some(icmp)
    }
}

impl Reason {
    /// Whether the echo's time to live ran out, which is what `traceroute` provokes.
    pub fn is_out_of_hops(&self) -> bool {
        self.code == 0 && self.kind == if self.v6 { 3 } else { 11 }
    }

    /// The reason as ping(8) words it.
    pub fn words(&self) -> String {
        if self.v6 { self.words_v6() } else { self.words_v4() }
    }

    fn words_v4(&self) -> String {
        let Reason { code, info, .. } = *self;
        let unreachable = match (self.kind, code) {
            (11, 0) => "Time to live exceeded",
            (11, 1) => "Frag reassembly time exceeded",
            (11, _) => return format!("Time exceeded, Bad Code: {code}"),
            (12, _) => return format!("Parameter problem: pointer = {}", info >> 24),
            (_, 0) => "Destination Net Unreachable",
            (_, 1) => "Destination Host Unreachable",
            (_, 2) => "Destination Protocol Unreachable",
            (_, 3) => "Destination Port Unreachable",
            // The upper half is unused.
            (_, 4) => return format!("Frag needed and DF set (mtu = {})", info & 0xffff),
            (_, 5) => "Source Route Failed",
            (_, 6) => "Destination Net Unknown",
            (_, 7) => "Destination Host Unknown",
            (_, 8) => "Source Host Isolated",
            (_, 9) => "Destination Net Prohibited",
            (_, 10) => "Destination Host Prohibited",
            (_, 11) => "Destination Net Unreachable for Type of Service",
            (_, 12) => "Destination Host Unreachable for Type of Service",
            (_, 13) => "Packet filtered",
            (_, 14) => "Precedence Violation",
            (_, 15) => "Precedence Cutoff",
            _ => return format!("Dest Unreachable, Bad Code: {code}"),
        };
        unreachable.to_string()
    }

    fn words_v6(&self) -> String {
        let Reason { code, info, .. } = *self;
        let unreachable = match (self.kind, code) {
            (2, 0) => return format!("Packet too big: mtu={info}"),
            (2, _) => return format!("Packet too big: mtu={info}, code={code}"),
            (3, 0) => return "Time exceeded: Hop limit".into(),
            (3, 1) => return "Time exceeded: Defragmentation failure".into(),
            (3, _) => return format!("Time exceeded: code {code}"),
            (4, 0) => return format!("Parameter problem: Wrong header field at {info}"),
            (4, 1) => return format!("Parameter problem: Unknown header at {info}"),
            (4, 2) => return format!("Parameter problem: Unknown option at {info}"),
            (4, _) => return format!("Parameter problem: code {code} at {info}"),
            (_, 0) => "No route",
            (_, 1) => "Administratively prohibited",
            (_, 2) => "Beyond scope of source address",
            (_, 3) => "Address unreachable",
            (_, 4) => "Port unreachable",
            (_, 5) => "Source address failed ingress/egress policy",
            (_, 6) => "Reject route to destination",
            _ => return format!("Destination unreachable: Unknown code {code}"),
        };
        format!("Destination unreachable: {unreachable}")
    }

    /// The reason as traceroute(8) marks it: `!H`. Empty for a hop that only counted the time to live down.
    pub fn mark(&self) -> String {
        let mark = match (self.v6, self.kind, self.code) {
            _ if self.is_out_of_hops() => "",
            (false, 3, 0 | 6 | 8 | 11) | (true, 1, 0) => "!N",
            (false, 3, 1 | 7 | 12) | (true, 1, 2 | 3) => "!H",
            (false, 3, 2) => "!P",
            (false, 3, 4) => return format!("!F-{}", self.info & 0xffff),
            (true, 2, _) => return format!("!F-{}", self.info),
            (false, 3, 5) => "!S",
            (false, 3, 9 | 10 | 13) | (true, 1, 1) => "!X",
            (false, 3, 14) => "!V",
            (false, 3, 15) => "!C",
            (_, _, code) => return format!("!<{code}>"),
        };
        mark.to_string()
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// What follows the IPv4 header, which has options if it is longer than 20 bytes.
fn after_ipv4_header(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::from(bytes.first()? & 0xf) * 4;
    if length < 20 { None } else { bytes.get(length..) }
}

/// The Internet checksum (RFC 1071); 0 over a message that carries its own.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u64 = bytes
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
