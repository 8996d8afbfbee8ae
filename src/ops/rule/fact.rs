//! A rule as the kernel reports it: the fields of `ip -j rule`, and the text of `ip rule`.

use std::fmt;
use std::net::IpAddr;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage, RulePortRange};
use serde::{Deserialize, Serialize};

use super::keys::table;
use crate::ops::names::{self, DSFIELDS, GROUPS, PROTOCOLS, PROTOS, REALMS, TABLES};

/// A rule, with the field names and the order of `ip -j rule`. What does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleFact {
    /// Rules with the least are asked first.
    pub priority: u32,
    /// Whether it is for the packets that do not fit.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub not: bool,
    /// From where: an address, or `all`.
    pub src: String,
    /// The length of `src` as a prefix, where it is no whole address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srclen: Option<u8>,
    /// Where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<String>,
    /// The length of `dst` as a prefix, where it is no whole address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dstlen: Option<u8>,
    /// For which TOS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos: Option<String>,
    /// For which firewall mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fwmark: Option<String>,
    /// Which of the mark's bits count, where it is not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fwmask: Option<String>,
    /// For packets that came in by this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iif: Option<String>,
    /// Whether there is no such device.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub iif_detached: bool,
    /// For packets of sockets bound to this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oif: Option<String>,
    /// Whether there is no such device.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub oif_detached: bool,
    /// Whether the table is that of the packet's VRF.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub l3mdev: bool,
    /// The first of the users whose packets it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid_start: Option<u32>,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid_end: Option<u32>,
    /// For which protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipproto: Option<String>,
    /// From which port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sport: Option<u16>,
    /// From which port on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sport_start: Option<u16>,
    /// Up to which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sport_end: Option<u16>,
    /// To which port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dport: Option<u16>,
    /// From which port on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dport_start: Option<u16>,
    /// Up to which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dport_end: Option<u16>,
    /// For which tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tun_id: Option<u64>,
    /// The table that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Routes with a prefix of this length or less do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_prefixlen: Option<u32>,
    /// Routes out of devices of this group do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_ifgroup: Option<String>,
    /// The realm of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_from: Option<String>,
    /// The realm of the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_to: Option<String>,
    /// The priority of the rule that is asked next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goto: Option<u32>,
    /// Whether there is no such rule.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub unresolved: bool,
    /// Whether it does nothing.
    #[serde(default, skip_serializing_if = "names::is_false", with = "names::presence")]
    pub nop: bool,
    /// `blackhole`, `unreachable` or `prohibit`; absent for a lookup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Who made it, where that is known and not the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

/// A value for which the kernel means none.
const NONE: u32 = u32::MAX;

impl RuleFact {
    pub(super) fn new(message: &RuleMessage) -> RuleFact {
        let header = &message.header;
        let has = |flag| header.flags.contains(flag);
        let mut fact = RuleFact {
            not: has(RuleFlags::Invert),
            src: if header.src_len == 0 { "all" } else { "0" }.into(),
            srclen: (header.src_len != 0).then_some(header.src_len),
            dst: (header.dst_len != 0).then(|| "0".into()),
            dstlen: (header.dst_len != 0).then_some(header.dst_len),
            tos: (header.tos != 0).then(|| tos(header.tos)),
            nop: header.action == RuleAction::Nop,
            ..RuleFact::default()
        };
        let whole = if header.family == AddressFamily::Inet { 32 } else { 128 };
        for attribute in &message.attributes {
            match attribute {
                RuleAttribute::Source(address) => {
                    (fact.src, fact.srclen) = prefix(*address, header.src_len, whole);
                }
                RuleAttribute::Destination(address) => {
                    let (dst, length) = prefix(*address, header.dst_len, whole);
                    (fact.dst, fact.dstlen) = (Some(dst), length);
                }
                RuleAttribute::Iifname(name) => {
                    fact.iif = Some(name.clone());
                    fact.iif_detached = has(RuleFlags::IifDetached);
                }
                RuleAttribute::Oifname(name) => {
                    fact.oif = Some(name.clone());
                    fact.oif_detached = has(RuleFlags::OifDetached);
                }
                RuleAttribute::Goto(target) if header.action == RuleAction::Goto => {
                    fact.goto = Some(*target);
                    fact.unresolved = has(RuleFlags::Unresolved);
                }
                other => fact.take(other),
            }
        }
        let table = table(message);
        if table == 0 {
            (fact.suppress_prefixlen, fact.suppress_ifgroup) = (None, None);
        } else {
            fact.table = Some(TABLES.name(table));
        }
        fact.mark(message);
        fact.action = match header.action {
            RuleAction::ToTable | RuleAction::Goto | RuleAction::Nop => None,
            RuleAction::Unspec => Some("none".into()),
            RuleAction::Blackhole => Some("blackhole".into()),
            RuleAction::Unreachable => Some("unreachable".into()),
            RuleAction::Prohibit => Some("prohibit".into()),
            other => Some(u8::from(other).to_string()),
        };
        fact
    }

    /// Takes over an attribute that means the same on its own as among the others.
    fn take(&mut self, attribute: &RuleAttribute) {
        match attribute {
            RuleAttribute::Priority(priority) => self.priority = *priority,
            RuleAttribute::L3MDev(is_set) => self.l3mdev = *is_set,
            RuleAttribute::UidRange(range) => (self.uid_start, self.uid_end) = (Some(range.start), Some(range.end)),
            RuleAttribute::IpProtocol(proto) => {
                let number = u8::from(*proto);
                let name = PROTOS.get(number.into());
                self.ipproto = Some(name.map_or_else(|| format!("ipproto-{number}"), str::to_string));
            }
            RuleAttribute::SourcePortRange(range) => {
                (self.sport, self.sport_start, self.sport_end) = ports(range);
            }
            RuleAttribute::DestinationPortRange(range) => {
                (self.dport, self.dport_start, self.dport_end) = ports(range);
            }
            RuleAttribute::TunId(id) => self.tun_id = Some(*id),
            RuleAttribute::SuppressPrefixLen(length) if *length != NONE => self.suppress_prefixlen = Some(*length),
            RuleAttribute::SuppressIfGroup(group) if *group != NONE => {
                self.suppress_ifgroup = Some(GROUPS.name(*group));
            }
            RuleAttribute::Realm(realm) => {
                self.flow_from = (realm.source != 0).then(|| REALMS.name(realm.source.into()));
                self.flow_to = Some(REALMS.name(realm.destination.into()));
            }
            RuleAttribute::Protocol(by) if !matches!(u8::from(*by), 0 | 2) => {
                self.protocol = Some(PROTOCOLS.name(u8::from(*by).into()));
            }
            _ => {}
        }
    }

    fn mark(&mut self, message: &RuleMessage) {
        let (mut mark, mut mask) = (None, None);
        for attribute in &message.attributes {
            match attribute {
                RuleAttribute::FwMark(value) => mark = Some(*value),
                RuleAttribute::FwMask(value) => mask = Some(*value),
                _ => {}
            }
        }
        self.fwmark = mark.or(mask.map(|_| 0)).map(hex);
        self.fwmask = mask.filter(|mask| *mask != u32::MAX).map(hex);
    }
}

fn prefix(address: IpAddr, length: u8, whole: u8) -> (String, Option<u8>) {
    (names::address(address), (length != whole).then_some(length))
}

fn tos(tos: u8) -> String {
    DSFIELDS
        .get(tos.into())
        .map_or_else(|| format!("0x{tos:02x}"), str::to_string)
}

/// As C's `%#x` has it: 0 has no `0x`.
fn hex(number: u32) -> String {
    if number == 0 {
        "0".into()
    } else {
        format!("{number:#x}")
    }
}

/// One port, or the first and the last.
fn ports(range: &RulePortRange) -> (Option<u16>, Option<u16>, Option<u16>) {
    if range.start == range.end {
        (Some(range.start), None, None)
    } else {
        (None, Some(range.start), Some(range.end))
    }
}

impl fmt::Display for RuleFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:\t", self.priority)?;
        f.write_str(if self.not { "not from " } else { "from " })?;
        write!(f, "{}", self.src)?;
        word(f, "/", self.srclen.as_ref())?;
        word(f, " to ", self.dst.as_ref())?;
        word(f, "/", self.dstlen.as_ref())?;
        word(f, " tos ", self.tos.as_ref())?;
        word(f, " fwmark ", self.fwmark.as_ref())?;
        word(f, "/", self.fwmask.as_ref())?;
        word(f, " iif ", self.iif.as_ref())?;
        flag(f, " [detached]", self.iif_detached)?;
        word(f, " oif ", self.oif.as_ref())?;
        flag(f, " [detached]", self.oif_detached)?;
        flag(f, " lookup [l3mdev-table]", self.l3mdev)?;
        word(f, " uidrange ", self.uid_start.as_ref())?;
        word(f, "-", self.uid_end.as_ref())?;
        word(f, " ipproto ", self.ipproto.as_ref())?;
        word(f, " sport ", self.sport.or(self.sport_start).as_ref())?;
        word(f, "-", self.sport_end.as_ref())?;
        word(f, " dport ", self.dport.or(self.dport_start).as_ref())?;
        word(f, "-", self.dport_end.as_ref())?;
        word(f, " tun_id ", self.tun_id.as_ref())?;
        word(f, " lookup ", self.table.as_ref())?;
        word(f, " suppress_prefixlength ", self.suppress_prefixlen.as_ref())?;
        word(f, " suppress_ifgroup ", self.suppress_ifgroup.as_ref())?;
        if let Some(to) = &self.flow_to {
            f.write_str(" realms ")?;
            match &self.flow_from {
                Some(from) => write!(f, "{from}/{to}")?,
                None => write!(f, "{to}")?,
            }
        }
        word(f, " goto ", self.goto.as_ref())?;
        flag(f, " [unresolved]", self.unresolved)?;
        flag(f, " nop", self.nop)?;
        word(f, " ", self.action.as_ref())?;
        word(f, " proto ", self.protocol.as_ref())
    }
}

fn word(f: &mut fmt::Formatter<'_>, before: &str, value: Option<&impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, "{before}{value}"))
}

fn flag(f: &mut fmt::Formatter<'_>, text: &str, is_set: bool) -> fmt::Result {
    f.write_str(if is_set { text } else { "" })
}
