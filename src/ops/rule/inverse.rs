//! What undoes a change of rules.

use netlink_packet_route::rule::{RuleAction, RuleMessage};
use serde_json::json;

use super::fact::RuleFact;
use super::{Among, Change, Rule, dump, keys};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::options;
use crate::ops::{Inverse, Typed, World};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let space = world.kernel.space(netns)?;
    let gone = match change {
        Change::Add(rule) => return Ok(Inverse::changes(netns, [Change::Del(rule.clone())])),
        Change::Del(rule) => {
            let family = Among {
                family: Some(rule.family()),
                ..Among::default()
            };
            let wanted = rule.message(false);
            let first = dump(&space, &family)?.into_iter().find(|old| fits(&wanted, old));
            first.into_iter().collect()
        }
        Change::Flush(among) => {
            let mut gone = dump(&space, among)?;
            gone.retain(keys::has_priority);
            gone
        }
    };
    let mut rules = Vec::new();
    for message in &gone {
        match said(message) {
            Some(rule) => rules.push(Change::Add(rule)),
            None => {
                let fact = RuleFact::new(message);
                return Ok(Inverse::Cannot(format!(
                    "the rule {} has what nsx cannot say",
                    fact.priority
                )));
            }
        }
    }
    Ok(Inverse::changes(netns, rules))
}

/// Whether the kernel would delete the rule `old` when it is asked to delete `wanted`.
fn fits(wanted: &RuleMessage, old: &RuleMessage) -> bool {
    let (given, own) = (&wanted.header, &old.header);
    let is_action = given.action == RuleAction::Unspec || given.action == own.action;
    let is_table = given.table == 0 || given.table == own.table;
    is_action
        && is_table
        && (given.src_len == 0 || given.src_len == own.src_len)
        && (given.dst_len == 0 || given.dst_len == own.dst_len)
        && (given.tos == 0 || given.tos == own.tos)
        && given.flags.bits() & !own.flags.bits() == 0
        && wanted
            .attributes
            .iter()
            .all(|attribute| old.attributes.contains(attribute))
}

/// What adds a rule again, where that can be said.
fn said(message: &RuleMessage) -> Option<Rule> {
    let fact = RuleFact::new(message);
    if fact.uid_start.is_some() || fact.tun_id.is_some() || fact.suppress_ifgroup.is_some() || fact.flow_to.is_some() {
        return None;
    }
    let prefix = |address: &String, length: Option<u8>| match length {
        Some(length) => format!("{address}/{length}"),
        None => address.clone(),
    };
    let ports = |one: Option<u16>, start: Option<u16>, end: Option<u16>| match (one, start, end) {
        (Some(port), ..) => Some(port.to_string()),
        (None, Some(start), Some(end)) => Some(format!("{start}-{end}")),
        _ => None,
    };
    let mark = fact.fwmark.as_ref().map(|mark| match &fact.fwmask {
        Some(mask) => format!("{mark}/{mask}"),
        None => mark.clone(),
    });
    let from = Some(prefix(&fact.src, fact.srclen)).filter(|from| from != "all");
    let family = match message.header.family {
        netlink_packet_route::AddressFamily::Inet6 => crate::ops::route::Family::Inet6,
        _ => crate::ops::route::Family::Inet,
    };
    options(json!({
        "not": fact.not.then_some(true),
        "from": from,
        "to": fact.dst.as_ref().map(|dst| prefix(dst, fact.dstlen)),
        "iif": fact.iif,
        "oif": fact.oif,
        "fwmark": mark,
        "tos": fact.tos,
        "ipproto": fact.ipproto,
        "sport": ports(fact.sport, fact.sport_start, fact.sport_end),
        "dport": ports(fact.dport, fact.dport_start, fact.dport_end),
        "priority": fact.priority,
        "table": fact.table,
        "suppress_prefixlength": fact.suppress_prefixlen,
        "goto": fact.goto,
        "protocol": fact.protocol,
        "type": fact.action.as_ref().or(fact.nop.then_some(&"nop".to_string())),
        "family": (family.option().is_some()).then(|| family.spell()),
    }))
}
