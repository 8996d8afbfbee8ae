//! From the kernel's expressions back to a rule: what loads a register and what looks at it are put together again.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::build::address_offset;
use super::{
    Action, Addresses, Comment, Device, Family, IcmpType, Log, Ports, Protocol, RuleFact, States, Target, To, Verdict,
};
use crate::netlink::nftables::{CT_STATE, Element, Expression, Header, NatKind, Relation, RuleState, meta};

/// What a register holds.
#[derive(Clone, Debug)]
enum Held {
    /// A property of the packet.
    Meta(u32),
    /// A piece of a header, and the bits of it that count.
    Payload {
        header: Header,
        offset: u32,
        length: u32,
        mask: Option<Vec<u8>>,
    },
    /// The state of its connection, and the bits of it that count.
    State(Option<u32>),
    /// A constant.
    Constant(Vec<u8>),
}

/// Reads rules; `elements` asks for a set.
pub struct Reader<'a> {
    /// The elements of a set by its name, sorted.
    pub elements: &'a dyn Fn(&str) -> Option<Vec<Element>>,
}

struct Reading<'a> {
    elements: &'a dyn Fn(&str) -> Option<Vec<Element>>,
    held: HashMap<u32, Held>,
    fact: RuleFact,
    family: Option<Family>,
    icmp: Option<u8>,
    /// The first port of a range, by its offset.
    beginning: HashMap<u32, u16>,
}

impl Reader<'_> {
    /// What a rule says.
    pub fn read(&self, rule: &RuleState) -> RuleFact {
        let fact = RuleFact {
            handle: Some(rule.handle),
            chain: rule.chain.clone(),
            ..RuleFact::default()
        };
        let (held, beginning) = (HashMap::new(), HashMap::new());
        let mut reading = Reading {
            elements: self.elements,
            held,
            fact,
            family: None,
            icmp: None,
            beginning,
        };
        for expression in &rule.expressions {
            if reading.take(expression).is_none() {
                reading.fact.expr.push(expression.name().to_string());
                // It may have put into a register what is not known here.
                reading.held.clear();
            }
        }
        reading.finish(rule)
    }
}

impl Reading<'_> {
    fn finish(mut self, rule: &RuleState) -> RuleFact {
        if let Some(number) = self.icmp {
            let family = self
                .family
                .or(self.fact.matches.proto.and_then(Protocol::family))
                .unwrap_or(Family::V4);
            self.fact.matches.icmp_type = Some(IcmpType::of(family, number));
        }
        // A range with a beginning only.
        self.fact
            .expr
            .extend(self.beginning.values().map(|_| "cmp".to_string()));
        self.fact.family = self.family;
        self.fact.matches.comment = rule.comment.clone().map(Comment);
        self.fact
    }

    /// Takes an expression into account; nothing if it is not understood.
    fn take(&mut self, expression: &Expression) -> Option<()> {
        match expression {
            Expression::Meta { key, to } => self.hold(*to, Held::Meta(*key)),
            Expression::Payload {
                header,
                offset,
                length,
                to,
            } => {
                let held = Held::Payload {
                    header: *header,
                    offset: *offset,
                    length: *length,
                    mask: None,
                };
                self.hold(*to, held)
            }
            Expression::Ct { key, to } if *key == CT_STATE => self.hold(*to, Held::State(None)),
            Expression::Immediate { to, value } => self.hold(*to, Held::Constant(value.clone())),
            Expression::Mask { register, to, mask } => self.mask(*register, *to, mask),
            Expression::Compare {
                register,
                relation,
                value,
            } => self.compare(*register, *relation, value),
            Expression::Lookup {
                register,
                set,
                negated: false,
                ..
            } => self.lookup(*register, set),
            Expression::Counter { packets, bytes } => {
                (self.fact.packets, self.fact.bytes) = (Some(*packets), Some(*bytes));
                Some(())
            }
            Expression::Log { prefix } => {
                self.fact.matches.log = Some(Log { prefix: prefix.clone() });
                Some(())
            }
            acting => self.act(acting),
        }
    }

    fn hold(&mut self, register: u32, held: Held) -> Option<()> {
        self.held.insert(register, held);
        Some(())
    }

    fn mask(&mut self, register: u32, to: u32, mask: &[u8]) -> Option<()> {
        let held = match self.held.get(&register)?.clone() {
            Held::Payload {
                header,
                offset,
                length,
                mask: None,
            } => Held::Payload {
                header,
                offset,
                length,
                mask: Some(mask.to_vec()),
            },
            Held::State(None) => Held::State(Some(u32::from_ne_bytes(mask.try_into().ok()?))),
            _ => {
                self.held.remove(&to);
                return None;
            }
        };
        self.hold(to, held)
    }

    fn compare(&mut self, register: u32, relation: Relation, value: &[u8]) -> Option<()> {
        match self.held.get(&register)?.clone() {
            Held::Meta(key) => self.meta(key, relation, value),
            Held::State(Some(bits)) if relation == Relation::NotEqual && value.iter().all(|b| *b == 0) => {
                put(&mut self.fact.matches.ct, States::from_bits(bits)?)
            }
            Held::Payload {
                header: Header::Network,
                offset,
                length,
                mask,
            } => self.network(offset, length, mask, relation, value),
            Held::Payload {
                header: Header::Transport,
                offset: 0,
                length: 1,
                mask: None,
            } => put(&mut self.icmp, *equal(relation, value)?.first()?),
            Held::Payload {
                header: Header::Transport,
                offset,
                length: 2,
                mask: None,
            } => self.port(offset, relation, u16::from_be_bytes(value.try_into().ok()?)),
            _ => None,
        }
    }

    fn meta(&mut self, key: u32, relation: Relation, value: &[u8]) -> Option<()> {
        let m = &mut self.fact.matches;
        match key {
            meta::NFPROTO => put(
                &mut self.family,
                Family::from_number(*equal(relation, value)?.first()?)?,
            ),
            meta::L4PROTO => put(&mut m.proto, Protocol(*equal(relation, value)?.first()?)),
            meta::MARK => put(
                &mut m.mark,
                u32::from_ne_bytes(equal(relation, value)?.try_into().ok()?),
            ),
            meta::IIFNAME => put(&mut m.iif, device(relation, value)?),
            meta::OIFNAME => put(&mut m.oif, device(relation, value)?),
            _ => None,
        }
    }

    fn network(&mut self, at: u32, length: u32, mask: Option<Vec<u8>>, relation: Relation, value: &[u8]) -> Option<()> {
        // The protocol, where `nft` was told `ip protocol` or `ip6 nexthdr`.
        if length == 1 && matches!((self.family, at), (Some(Family::V4), 9) | (Some(Family::V6), 6)) && mask.is_none() {
            return put(
                &mut self.fact.matches.proto,
                Protocol(*equal(relation, value)?.first()?),
            );
        }
        let places = [
            (Family::V4, true),
            (Family::V4, false),
            (Family::V6, true),
            (Family::V6, false),
        ];
        let (family, source) = places
            .into_iter()
            .find(|(family, source)| address_offset(*family, *source) == at)?;
        let bytes = if family == Family::V4 { 4 } else { 16 };
        // A prefix of whole bytes may be loaded alone.
        let mask = mask.unwrap_or_else(|| vec![255; length as usize]);
        let (mask, value) = (filled(&mask, bytes)?, filled(value, bytes)?);
        let net = IpNet::with_netmask(address(&value)?, address(&mask)?).ok()?;
        let negated = negated(relation)?;
        let m = &mut self.fact.matches;
        put(
            if source { &mut m.saddr } else { &mut m.daddr },
            Addresses { negated, net },
        )?;
        self.family = Some(family);
        Some(())
    }

    fn port(&mut self, offset: u32, relation: Relation, port: u16) -> Option<()> {
        let range = match relation {
            Relation::Equal => (port, port),
            Relation::AtLeast => {
                self.beginning.insert(offset, port);
                return Some(());
            }
            Relation::AtMost => (self.beginning.remove(&offset)?, port),
            _ => return None,
        };
        self.ports(offset, vec![range])
    }

    fn ports(&mut self, offset: u32, ranges: Vec<(u16, u16)>) -> Option<()> {
        let m = &mut self.fact.matches;
        match offset {
            0 => put(&mut m.sport, Ports::new(ranges)?),
            2 => put(&mut m.dport, Ports::new(ranges)?),
            _ => None,
        }
    }

    fn lookup(&mut self, register: u32, set: &str) -> Option<()> {
        match self.held.get(&register)? {
            Held::Payload {
                header: Header::Transport,
                offset,
                length: 2,
                mask: None,
            } => {
                let offset = *offset;
                self.ports(offset, port_ranges(&(self.elements)(set)?)?)
            }
            _ => None,
        }
    }

    fn act(&mut self, expression: &Expression) -> Option<()> {
        let constant = |register: &u32| match self.held.get(register) {
            Some(Held::Constant(value)) => Some(value.clone()),
            _ => None,
        };
        let port = |register: &u32| constant(register)?.try_into().ok().map(u16::from_be_bytes);
        let (verdict, to) = match expression {
            Expression::Verdict { code: 0 } => (Verdict::Drop, None),
            Expression::Verdict { code: 1 } => (Verdict::Accept, None),
            // Port unreachable, in ICMP of both families, of IPv4, of IPv6.
            Expression::Reject { kind: 2, code: 1 } | Expression::Reject { kind: 0, code: 3 | 4 } => {
                (Verdict::Reject, None)
            }
            Expression::Reject { .. } => {
                self.fact.action = Some(Action {
                    verdict: Verdict::Reject,
                    to: None,
                });
                return None;
            }
            Expression::Masquerade => (Verdict::Masquerade, None),
            Expression::Redirect { port: register } => {
                let to = register.as_ref().map(|register| port(register).map(To::Port));
                (Verdict::Redirect, to.map_or(Some(None), |to| to.map(Some))?)
            }
            Expression::Nat {
                kind,
                address: at,
                port: port_at,
                ..
            } => {
                let address = address(&constant(at.as_ref()?)?)?;
                let port = port_at.as_ref().map(port).map_or(Some(None), |port| port.map(Some))?;
                let verdict = if *kind == NatKind::Source {
                    Verdict::Snat
                } else {
                    Verdict::Dnat
                };
                self.family = Some(Family::of(address));
                (verdict, Some(To::Target(Target { address, port })))
            }
            _ => return None,
        };
        self.fact.action = Some(Action { verdict, to });
        Some(())
    }
}

/// A key is said once: twice is more than a fact can say.
fn put<T: PartialEq>(key: &mut Option<T>, value: T) -> Option<()> {
    if key.as_ref().is_some_and(|said| *said != value) {
        return None;
    }
    *key = Some(value);
    Some(())
}

fn equal(relation: Relation, value: &[u8]) -> Option<&[u8]> {
    (relation == Relation::Equal).then_some(value)
}

fn negated(relation: Relation) -> Option<bool> {
    match relation {
        Relation::Equal => Some(false),
        Relation::NotEqual => Some(true),
        _ => None,
    }
}

fn device(relation: Relation, value: &[u8]) -> Option<Device> {
    let text = std::str::from_utf8(value.split(|byte| *byte == 0).next()?).ok()?;
    let whole = value.contains(&0) || value.len() == 16;
    let name = if whole { text.to_string() } else { format!("{text}*") };
    Some(Device {
        negated: negated(relation)?,
        name,
    })
}

fn filled(value: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut value = value.to_vec();
    (value.len() <= length).then(|| {
        value.resize(length, 0);
        value
    })
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

/// The ports in a set. Without ranges every element is one port; with them each begins a range that the next end ends.
fn port_ranges(elements: &[Element]) -> Option<Vec<(u16, u16)>> {
    let port = |element: &Element| <[u8; 2]>::try_from(element.key.as_slice()).ok().map(u16::from_be_bytes);
    let with_ranges = elements.iter().any(|element| element.end);
    let mut ranges = Vec::new();
    let mut elements = elements.iter().peekable();
    while let Some(element) = elements.next() {
        if element.end {
            continue;
        }
        let first = port(element)?;
        let last = match elements.peek() {
            _ if !with_ranges => first,
            Some(next) => port(next)?.checked_sub(1)?,
            None => u16::MAX,
        };
        ranges.push((first, last));
    }
    Some(ranges)
}

#[cfg(test)]
#[path = "round_trip.rs"]
mod round_trip;
