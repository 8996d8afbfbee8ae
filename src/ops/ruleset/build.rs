//! From a rule to expressions, in the order and with the dependencies with which `nft` makes them, so that it lists
//! them as it lists its own.

use std::net::IpAddr;

use super::{Action, Addresses, Device, Family, Ports, Rule, States, To, Verdict};
use crate::error::Result;
use crate::netlink::nftables::{CT_STATE, Element, Expression, Header, NatKind, Relation, SET_NAME, Set, meta};

/// The register for every comparison.
const REGISTER: u32 = 1;
/// A second one, for NAT's port.
const SECOND: u32 = 2;

/// `nft`'s number for the type of ports.
const INET_SERVICE: u32 = 13;

/// A rule in the kernel's terms.
#[derive(Debug, Default)]
pub struct Built {
    /// Its expressions.
    pub expressions: Vec<Expression>,
    /// The key that each expression stands for.
    pub keys: Vec<&'static str>,
    /// The sets it looks into.
    pub sets: Vec<Set>,
}

/// Builds a rule.
pub fn build(rule: &Rule<'_>) -> Result<Built> {
    rule.check()?;
    let family = rule.family()?;
    let m = rule.matches;
    let mut built = Built::default();
    if let Some(family) = family {
        built.meta("family", meta::NFPROTO, Relation::Equal, vec![family.number()]);
    }
    for (key, addresses, source) in [("saddr", &m.saddr, true), ("daddr", &m.daddr, false)] {
        if let Some(addresses) = addresses {
            built.addresses(key, addresses, source);
        }
    }
    for (key, device, property) in [("iif", &m.iif, meta::IIFNAME), ("oif", &m.oif, meta::OIFNAME)] {
        if let Some(device) = device {
            built.meta(key, property, relation(device.negated), device_name(device));
        }
    }
    if let Some(protocol) = rule.protocol() {
        built.meta("proto", meta::L4PROTO, Relation::Equal, vec![protocol.0]);
    }
    for (key, ports, offset) in [("sport", &m.sport, 0), ("dport", &m.dport, 2)] {
        if let Some(ports) = ports {
            built.ports(key, ports, offset);
        }
    }
    if let (Some(icmp_type), Some(family)) = (&m.icmp_type, family) {
        let number = icmp_type.number(family).unwrap_or_default();
        built.push(
            "icmp_type",
            Expression::Payload {
                header: Header::Transport,
                offset: 0,
                length: 1,
                to: REGISTER,
            },
        );
        built.compare("icmp_type", Relation::Equal, vec![number]);
    }
    if let Some(states) = m.ct {
        built.states(states);
    }
    if let Some(mark) = m.mark {
        built.meta("mark", meta::MARK, Relation::Equal, mark.to_ne_bytes().to_vec());
    }
    built.push("counter", Expression::Counter { packets: 0, bytes: 0 });
    if let Some(log) = &m.log {
        built.push(
            "log",
            Expression::Log {
                prefix: log.prefix.clone(),
            },
        );
    }
    built.act(rule.action, family);
    Ok(built)
}

fn relation(negated: bool) -> Relation {
    if negated { Relation::NotEqual } else { Relation::Equal }
}

/// A whole name is compared with all its zeros, the beginning of one without any.
fn device_name(device: &Device) -> Vec<u8> {
    match device.name.strip_suffix('*') {
        Some(beginning) => beginning.as_bytes().to_vec(),
        None => {
            let mut name = device.name.as_bytes().to_vec();
            name.resize(16, 0);
            name
        }
    }
}

/// An address as it stands in a header.
fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Where an address stands in its family's header.
pub fn address_offset(family: Family, source: bool) -> u32 {
    match (family, source) {
        (Family::V4, true) => 12,
        (Family::V4, false) => 16,
        (Family::V6, true) => 8,
        (Family::V6, false) => 24,
    }
}

impl Built {
    fn push(&mut self, key: &'static str, expression: Expression) {
        self.keys.push(key);
        self.expressions.push(expression);
    }

    fn compare(&mut self, key: &'static str, relation: Relation, value: Vec<u8>) {
        self.push(
            key,
            Expression::Compare {
                register: REGISTER,
                relation,
                value,
            },
        );
    }

    fn meta(&mut self, key: &'static str, property: u32, relation: Relation, value: Vec<u8>) {
        self.push(
            key,
            Expression::Meta {
                key: property,
                to: REGISTER,
            },
        );
        self.compare(key, relation, value);
    }

    fn addresses(&mut self, key: &'static str, addresses: &Addresses, source: bool) {
        let value = octets(addresses.net.network());
        let offset = address_offset(addresses.family(), source);
        let length = value.len() as u32;
        self.push(
            key,
            Expression::Payload {
                header: Header::Network,
                offset,
                length,
                to: REGISTER,
            },
        );
        if addresses.net.prefix_len() < addresses.net.max_prefix_len() {
            let mask = octets(addresses.net.netmask());
            self.push(
                key,
                Expression::Mask {
                    register: REGISTER,
                    to: REGISTER,
                    mask,
                },
            );
        }
        self.compare(key, relation(addresses.negated), value);
    }

    fn ports(&mut self, key: &'static str, ports: &Ports, offset: u32) {
        self.push(
            key,
            Expression::Payload {
                header: Header::Transport,
                offset,
                length: 2,
                to: REGISTER,
            },
        );
        let bytes = |port: u16| port.to_be_bytes().to_vec();
        match *ports.ranges() {
            [(first, last)] if first == last => self.compare(key, Relation::Equal, bytes(first)),
            [(first, last)] => {
                self.compare(key, Relation::AtLeast, bytes(first));
                self.compare(key, Relation::AtMost, bytes(last));
            }
            ref ranges => {
                let set = port_set(self.sets.len() as u32 + 1, ranges);
                let lookup = Expression::Lookup {
                    register: REGISTER,
                    set: SET_NAME.into(),
                    set_id: Some(set.id),
                    negated: false,
                };
                self.push(key, lookup);
                self.sets.push(set);
            }
        }
    }

    /// `ct state & states != 0`.
    fn states(&mut self, states: States) {
        let mask = states.0.to_ne_bytes().to_vec();
        self.push(
            "ct",
            Expression::Ct {
                key: CT_STATE,
                to: REGISTER,
            },
        );
        self.push(
            "ct",
            Expression::Mask {
                register: REGISTER,
                to: REGISTER,
                mask,
            },
        );
        self.compare("ct", Relation::NotEqual, vec![0; 4]);
    }

    fn act(&mut self, action: &Action, family: Option<Family>) {
        const DROP: u32 = 0;
        const ACCEPT: u32 = 1;
        match action.verdict {
            Verdict::Accept => self.push("verdict", Expression::Verdict { code: ACCEPT }),
            Verdict::Drop => self.push("verdict", Expression::Verdict { code: DROP }),
            Verdict::Reject => self.push("verdict", Expression::Reject { kind: 2, code: 1 }),
            Verdict::Masquerade => self.push("verdict", Expression::Masquerade),
            Verdict::Snat => self.nat(NatKind::Source, action, family),
            Verdict::Dnat => self.nat(NatKind::Destination, action, family),
            Verdict::Redirect => {
                let port = action
                    .to
                    .and_then(To::port)
                    .map(|port| self.load(port.to_be_bytes().to_vec(), REGISTER));
                self.push("verdict", Expression::Redirect { port });
            }
        }
    }

    fn nat(&mut self, kind: NatKind, action: &Action, family: Option<Family>) {
        let Some(To::Target(target)) = action.to else { return };
        let address = Some(self.load(octets(target.address), REGISTER));
        let port = target.port.map(|port| self.load(port.to_be_bytes().to_vec(), SECOND));
        let family = family.unwrap_or(Family::of(target.address)).number();
        self.push(
            "verdict",
            Expression::Nat {
                kind,
                family,
                address,
                port,
            },
        );
    }

    fn load(&mut self, value: Vec<u8>, to: u32) -> u32 {
        self.push("to", Expression::Immediate { to, value });
        to
    }
}

/// A set of ports; with ranges in it, each range has its beginning and the port after its end.
fn port_set(id: u32, ranges: &[(u16, u16)]) -> Set {
    let with_ranges = ranges.iter().any(|(first, last)| first != last);
    let element = |port: u16, end| Element {
        key: port.to_be_bytes().to_vec(),
        end,
    };
    let mut elements = Vec::new();
    // As `nft` does: where the first range does not begin at 0, what is before it is marked as outside.
    if with_ranges && ranges.first().is_some_and(|(first, _)| *first > 0) {
        elements.push(element(0, true));
    }
    for (first, last) in ranges {
        elements.push(element(*first, false));
        match last.checked_add(1) {
            Some(after) if with_ranges => elements.push(element(after, true)),
            _ => {}
        }
    }
    Set {
        id,
        key_type: INET_SERVICE,
        key_length: 2,
        ranges: with_ranges,
        elements,
    }
}
