//! Expressions: what a rule is made of. Each loads a value into a register, compares a register, or acts.

use super::attribute::{Attributes, find, walk};

/// The number of a register. A rule here needs no more than two.
pub type Register = u32;

/// Where verdicts are put.
const VERDICT: Register = 0;

/// The numbers of `meta` keys.
pub mod meta {
    /// The packet's mark.
    pub const MARK: u32 = 3;
    /// The name of the device it came in on.
    pub const IIFNAME: u32 = 6;
    /// The name of the device it goes out on.
    pub const OIFNAME: u32 = 7;
    /// Its family.
    pub const NFPROTO: u32 = 15;
    /// Its transport protocol.
    pub const L4PROTO: u32 = 16;
}

/// The number of the one `ct` key in use: the connection's state.
pub const CT_STATE: u32 = 0;

/// A header that [`Expression::Payload`] reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// IPv4's or IPv6's.
    Network,
    /// TCP's, UDP's, ICMP's.
    Transport,
    /// Another one.
    Other(u32),
}

impl Header {
    fn number(self) -> u32 {
        match self {
            Header::Network => 1,
            Header::Transport => 2,
            Header::Other(number) => number,
        }
    }

    fn of(number: u32) -> Header {
        match number {
            1 => Header::Network,
            2 => Header::Transport,
            other => Header::Other(other),
        }
    }
}

/// How [`Expression::Compare`] compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Relation {
    const ALL: [Relation; 6] = [
        Relation::Equal,
        Relation::NotEqual,
        Relation::Less,
        Relation::AtMost,
        Relation::Greater,
        Relation::AtLeast,
    ];
}

/// Which address [`Expression::Nat`] changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatKind {
    /// The source's.
    Source,
    /// The destination's.
    Destination,
}

/// One expression of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Loads a property of the packet.
    Meta { key: u32, to: Register },
    /// Loads a piece of a header.
    Payload {
        header: Header,
        offset: u32,
        length: u32,
        to: Register,
    },
    /// Loads a property of its connection.
    Ct { key: u32, to: Register },
    /// `to = register & mask`.
    Mask {
        register: Register,
        to: Register,
        mask: Vec<u8>,
    },
    /// Goes on only if the comparison holds.
    Compare {
        register: Register,
        relation: Relation,
        value: Vec<u8>,
    },
    /// Goes on only if the value is in a set (or not in it).
    Lookup {
        register: Register,
        set: String,
        set_id: Option<u32>,
        negated: bool,
    },
    /// Loads a constant.
    Immediate { to: Register, value: Vec<u8> },
    /// Decides: NF_DROP is 0, NF_ACCEPT 1.
    Verdict { code: u32 },
    /// Counts.
    Counter { packets: u64, bytes: u64 },
    /// Logs.
    Log { prefix: String },
    /// Answers with an error. `kind` 0: ICMP of the packet's family with `code`; 2: of either family.
    Reject { kind: u32, code: u8 },
    /// Changes an address, and a port.
    Nat {
        kind: NatKind,
        family: u8,
        address: Option<Register>,
        port: Option<Register>,
    },
    /// Changes the source to that of the device it goes out on.
    Masquerade,
    /// Changes the destination to this machine.
    Redirect { port: Option<Register> },
    /// Any other, or one with more to it than is known here; its name.
    Other(String),
}

/// Those of NAT's flags that the kernel sets by itself: an address is given, a port is given.
const NAT_OWN_FLAGS: u32 = 3;

impl Expression {
    /// Its name in the kernel, which is that of the module it needs.
    pub fn name(&self) -> &str {
        match self {
            Expression::Meta { .. } => "meta",
            Expression::Payload { .. } => "payload",
            Expression::Ct { .. } => "ct",
            Expression::Mask { .. } => "bitwise",
            Expression::Compare { .. } => "cmp",
            Expression::Lookup { .. } => "lookup",
            Expression::Immediate { .. } | Expression::Verdict { .. } => "immediate",
            Expression::Counter { .. } => "counter",
            Expression::Log { .. } => "log",
            Expression::Reject { .. } => "reject",
            Expression::Nat { .. } => "nat",
            Expression::Masquerade => "masq",
            Expression::Redirect { .. } => "redir",
            Expression::Other(name) => name,
        }
    }

    /// Its message: name and data.
    pub fn write(&self) -> Attributes {
        Attributes::default().text(1, self.name()).nest(2, self.data())
    }

    fn data(&self) -> Attributes {
        let none = Attributes::default();
        match self {
            Expression::Meta { key, to } | Expression::Ct { key, to } => none.number(1, *to).number(2, *key),
            Expression::Payload {
                header,
                offset,
                length,
                to,
            } => none
                .number(1, *to)
                .number(2, header.number())
                .number(3, *offset)
                .number(4, *length),
            Expression::Mask { register, to, mask } => none
                .number(1, *register)
                .number(2, *to)
                .number(3, mask.len() as u32)
                .nest(4, value_of(mask))
                .nest(5, value_of(&vec![0; mask.len()])),
            Expression::Compare {
                register,
                relation,
                value,
            } => none
                .number(1, *register)
                .number(2, *relation as u32)
                .nest(3, value_of(value)),
            Expression::Lookup {
                register,
                set,
                set_id,
                negated,
            } => {
                let data = none.text(1, set).number(2, *register).number(5, u32::from(*negated));
                set_id.iter().fold(data, |data, id| data.number(4, *id))
            }
            Expression::Immediate { to, value } => none.number(1, *to).nest(2, value_of(value)),
            Expression::Verdict { code } => {
                let verdict = Attributes::default().number(1, *code);
                none.number(1, VERDICT).nest(2, Attributes::default().nest(2, verdict))
            }
            Expression::Counter { packets, bytes } => none.long(1, *bytes).long(2, *packets),
            Expression::Log { prefix } if prefix.is_empty() => none,
            Expression::Log { prefix } => none.text(2, prefix),
            Expression::Reject { kind, code } => none.number(1, *kind).bytes(2, &[*code]),
            Expression::Nat {
                kind,
                family,
                address,
                port,
            } => {
                let data = none.number(1, *kind as u32).number(2, u32::from(*family));
                let data = address.iter().fold(data, |data, register| data.number(3, *register));
                port.iter()
                    .fold(data, |data, register| data.number(5, *register).number(7, 2))
            }
            Expression::Redirect { port } => port.iter().fold(none, |data, r| data.number(1, *r).number(3, 2)),
            Expression::Masquerade | Expression::Other(_) => none,
        }
    }

    /// Reads one from its message.
    pub fn read(bytes: &[u8]) -> Expression {
        let name = find(bytes, 1).map(|a| a.text()).unwrap_or_default();
        let data = find(bytes, 2).map_or(&[][..], |a| a.value);
        read_loading(&name, data)
            .or_else(|| read_comparing(&name, data))
            .or_else(|| read_acting(&name, data))
            .unwrap_or(Expression::Other(name))
    }
}

/// Reads those that put something into a register.
fn read_loading(name: &str, data: &[u8]) -> Option<Expression> {
    let number = |kind| find(data, kind).map(|a| a.number());
    Some(match name {
        "meta" => Expression::Meta {
            to: number(1)?,
            key: number(2)?,
        },
        "payload" => {
            let (header, offset, length) = (Header::of(number(2)?), number(3)?, number(4)?);
            Expression::Payload {
                to: number(1)?,
                header,
                offset,
                length,
            }
        }
        // With a direction it is another thing.
        "ct" if number(3).is_none() => Expression::Ct {
            to: number(1)?,
            key: number(2)?,
        },
        "bitwise" => {
            let (mask, xor) = (constant(data, 4)?, constant(data, 5)?);
            let masks = number(6).unwrap_or(0) == 0 && xor.iter().all(|byte| *byte == 0);
            masks.then_some(Expression::Mask {
                register: number(1)?,
                to: number(2)?,
                mask,
            })?
        }
        "immediate" if number(1)? != VERDICT => Expression::Immediate {
            to: number(1)?,
            value: constant(data, 2)?,
        },
        _ => return None,
    })
}

/// Reads those that decide whether the rule goes on.
fn read_comparing(name: &str, data: &[u8]) -> Option<Expression> {
    let number = |kind| find(data, kind).map(|a| a.number());
    Some(match name {
        "cmp" => {
            let relation = *Relation::ALL.get(number(2)? as usize)?;
            Expression::Compare {
                register: number(1)?,
                relation,
                value: constant(data, 3)?,
            }
        }
        // One with a destination is a map.
        "lookup" if number(3).is_none() => {
            let set = find(data, 1)?.text();
            Expression::Lookup {
                register: number(2)?,
                set,
                set_id: None,
                negated: number(5).unwrap_or(0) & 1 == 1,
            }
        }
        _ => return None,
    })
}

/// Reads those that act on the packet.
fn read_acting(name: &str, data: &[u8]) -> Option<Expression> {
    let number = |kind| find(data, kind).map(|a| a.number());
    let only_own = |kind| number(kind).unwrap_or(0) & !NAT_OWN_FLAGS == 0;
    Some(match name {
        "immediate" => {
            let verdict = find(find(data, 2)?.value, 2)?.value;
            let jumps = walk(verdict).any(|a| a.kind != 1);
            (!jumps).then_some(Expression::Verdict {
                code: find(verdict, 1)?.number(),
            })?
        }
        "counter" => Expression::Counter {
            bytes: find(data, 1)?.long(),
            packets: find(data, 2)?.long(),
        },
        // A group is another logger; level 4 (warning) is what stands where none is said.
        "log" if number(1).is_none() && number(5).unwrap_or(4) == 4 && number(6).unwrap_or(0) == 0 => Expression::Log {
            prefix: find(data, 2).map(|a| a.text()).unwrap_or_default(),
        },
        "reject" => Expression::Reject {
            kind: number(1)?,
            code: number(2).unwrap_or(0) as u8,
        },
        "nat" if only_own(7) => {
            let kind = if number(1)? == 0 {
                NatKind::Source
            } else {
                NatKind::Destination
            };
            let same = |min, max| number(max).is_none_or(|end| Some(end) == number(min));
            let plain = same(3, 4) && same(5, 6);
            let (family, address, port) = (number(2)? as u8, number(3), number(5));
            plain.then_some(Expression::Nat {
                kind,
                family,
                address,
                port,
            })?
        }
        "masq" if only_own(1) && number(2).is_none() => Expression::Masquerade,
        "redir" if only_own(3) && number(2).is_none_or(|end| Some(end) == number(1)) => {
            Expression::Redirect { port: number(1) }
        }
        _ => return None,
    })
}

/// A constant: an attribute within an attribute.
fn value_of(bytes: &[u8]) -> Attributes {
    Attributes::default().bytes(1, bytes)
}

fn constant(data: &[u8], kind: u16) -> Option<Vec<u8>> {
    Some(find(find(data, kind)?.value, 1)?.value.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expression_is_read_as_it_was_written() {
        let all = [
            Expression::Meta {
                key: meta::IIFNAME,
                to: 1,
            },
            Expression::Payload {
                header: Header::Network,
                offset: 12,
                length: 4,
                to: 1,
            },
            Expression::Ct { key: CT_STATE, to: 1 },
            Expression::Mask {
                register: 1,
                to: 1,
                mask: vec![255, 255, 252, 0],
            },
            Expression::Compare {
                register: 1,
                relation: Relation::AtMost,
                value: vec![0, 80],
            },
            Expression::Lookup {
                register: 1,
                set: "__set0".into(),
                set_id: None,
                negated: true,
            },
            Expression::Immediate {
                to: 2,
                value: vec![31, 144],
            },
            Expression::Verdict { code: 1 },
            Expression::Counter { packets: 3, bytes: 252 },
            Expression::Log { prefix: "x".into() },
            Expression::Log { prefix: String::new() },
            Expression::Reject { kind: 2, code: 1 },
            Expression::Nat {
                kind: NatKind::Source,
                family: 2,
                address: Some(1),
                port: None,
            },
            Expression::Nat {
                kind: NatKind::Destination,
                family: 10,
                address: Some(1),
                port: Some(2),
            },
            Expression::Masquerade,
            Expression::Redirect { port: Some(1) },
            Expression::Redirect { port: None },
            Expression::Other("quota".into()),
        ];
        for expression in all {
            let bytes = expression.write();
            assert_eq!(Expression::read(bytes.as_bytes()), expression);
            for cut in 0..bytes.as_bytes().len() {
                Expression::read(&bytes.as_bytes()[..cut]);
            }
        }
    }

    #[test]
    fn what_is_not_wholly_known_keeps_its_name() {
        let flags = Attributes::default()
            .text(1, "masq")
            .nest(2, Attributes::default().number(1, 4));
        assert_eq!(Expression::read(flags.as_bytes()), Expression::Other("masq".into()));
        let jump = Attributes::default().number(1, (-3i32) as u32).text(2, "chain");
        let data = Attributes::default()
            .number(1, 0)
            .nest(2, Attributes::default().nest(2, jump));
        let jump = Attributes::default().text(1, "immediate").nest(2, data);
        assert_eq!(Expression::read(jump.as_bytes()), Expression::Other("immediate".into()));
    }
}
