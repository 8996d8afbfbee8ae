//! What the keys say about the transport: protocol, ports, kinds of ICMP message.

use serde::{Deserialize, Serialize};

use super::given::{Given, travels_as_given};
use super::place::Family;
use crate::error::nearest;
use crate::ops::value::not_wanted;
use crate::ops::{Typed, Value};

/// A transport protocol: `"tcp"`, or its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Protocol(pub u8);

const PROTOCOLS: [(&str, u8); 10] = [
    ("tcp", 6),
    ("udp", 17),
    ("icmp", 1),
    ("icmpv6", 58),
    ("sctp", 132),
    ("dccp", 33),
    ("udplite", 136),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
];

impl Protocol {
    /// ICMP, of IPv4 or IPv6.
    pub fn icmp(family: Family) -> Protocol {
        match family {
            Family::V4 => Protocol(1),
            Family::V6 => Protocol(58),
        }
    }

    /// The family that it belongs to, if only to one.
    pub fn family(self) -> Option<Family> {
        [Family::V4, Family::V6]
            .into_iter()
            .find(|family| Protocol::icmp(*family) == self)
    }

    /// Whether it has ports.
    pub fn has_ports(self) -> bool {
        matches!(self.0, 6 | 17 | 132 | 33 | 136)
    }

    fn given(self) -> Given {
        match PROTOCOLS.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => Given::Text(name.to_string()),
            None => Given::Int(self.0.into()),
        }
    }
}

impl Typed for Protocol {
    const WANTS: &'static str = "a protocol such as \"tcp\", \"udp\", \"icmp\", \"icmpv6\", or its number";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Int(number) => u8::try_from(*number)
                .map(Protocol)
                .map_err(|_| not_wanted::<Self>(value)),
            Value::Str(text) => named(text, PROTOCOLS)
                .map(Protocol)
                .ok_or_else(|| unknown::<Self>(value, PROTOCOLS)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        let name = PROTOCOLS.iter().find(|(_, number)| *number == self.0);
        name.map_or_else(|| self.0.to_string(), |(name, _)| name.to_string())
    }
}

fn named(text: &str, names: impl IntoIterator<Item = (&'static str, u8)>) -> Option<u8> {
    names
        .into_iter()
        .find(|(name, _)| *name == text)
        .map(|(_, number)| number)
}

fn unknown<T: Typed>(value: &Value, names: impl IntoIterator<Item = (&'static str, u8)>) -> String {
    let Value::Str(text) = value else {
        return not_wanted::<T>(value);
    };
    match nearest(text, names.into_iter().map(|(name, _)| name)) {
        Some(near) => format!("{}: did you mean {near:?}?", not_wanted::<T>(value)),
        None => not_wanted::<T>(value),
    }
}

/// Ports, as ranges with both ends: `80`, `"1000-2000"`, `[80, 443]`. Sorted, and none overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Ports(Vec<(u16, u16)>);

impl Ports {
    /// The union of ranges; nothing where there are none.
    pub fn new(mut ranges: Vec<(u16, u16)>) -> Option<Ports> {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        (!merged.is_empty()).then_some(Ports(merged))
    }

    /// The ranges.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// Spelled with `between` within a range: `1000-2000` for `nft`, `1000:2000` for `iptables`.
    pub fn spelled(&self, between: char) -> Vec<String> {
        let spell = |(first, last): &(u16, u16)| match first == last {
            true => first.to_string(),
            false => format!("{first}{between}{last}"),
        };
        self.0.iter().map(spell).collect()
    }

    fn given(self) -> Given {
        let one = |(first, last): &(u16, u16)| match first == last {
            true => Given::from(*first),
            false => Given::Text(format!("{first}-{last}")),
        };
        match self.0.as_slice() {
            [range] => one(range),
            ranges => Given::List(ranges.iter().map(one).collect()),
        }
    }
}

impl Typed for Ports {
    const WANTS: &'static str = "a port, a range such as \"1000-2000\", or an array of them";

    fn read(value: &Value) -> Result<Self, String> {
        let port = |text: &str| text.parse().map_err(|_| not_wanted::<Self>(value));
        let ranges = match value {
            Value::Int(number) => {
                let port = u16::try_from(*number).map_err(|_| not_wanted::<Self>(value))?;
                vec![(port, port)]
            }
            Value::Str(text) => {
                let (first, last) = text.split_once('-').unwrap_or((text, text));
                let (first, last) = (port(first)?, port(last)?);
                if first > last {
                    return Err(format!(
                        "wants a range that begins at its lower end: \"{last}-{first}\", not {text:?}"
                    ));
                }
                vec![(first, last)]
            }
            Value::List(items) => {
                let items: Result<Vec<Ports>, String> = items.iter().map(Ports::read).collect();
                items?.into_iter().flat_map(|ports| ports.0).collect()
            }
            other => return Err(not_wanted::<Self>(other)),
        };
        Ports::new(ranges).ok_or_else(|| "wants at least one port, not an empty array".to_string())
    }

    fn spell(&self) -> String {
        self.spelled('-').join(",")
    }
}

/// A kind of ICMP message: `"echo-request"`, or its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub enum IcmpType {
    /// By name.
    Name(String),
    /// By number.
    Number(u8),
}

const ICMP: [(&str, u8); 15] = [
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("address-mask-request", 17),
    ("address-mask-reply", 18),
];

const ICMPV6: [(&str, u8); 18] = [
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("mld-listener-query", 130),
    ("mld-listener-report", 131),
    ("mld-listener-done", 132),
    ("nd-router-solicit", 133),
    ("nd-router-advert", 134),
    ("nd-neighbor-solicit", 135),
    ("nd-neighbor-advert", 136),
    ("nd-redirect", 137),
    ("router-renumbering", 138),
    ("ind-neighbor-solicit", 141),
    ("ind-neighbor-advert", 142),
    ("mld2-listener-report", 143),
];

fn icmp_names(family: Family) -> &'static [(&'static str, u8)] {
    match family {
        Family::V4 => &ICMP,
        Family::V6 => &ICMPV6,
    }
}

impl IcmpType {
    /// Its number among the messages of a family, if it is one of them.
    pub fn number(&self, family: Family) -> Option<u8> {
        match self {
            IcmpType::Number(number) => Some(*number),
            IcmpType::Name(name) => named(name, icmp_names(family).iter().copied()),
        }
    }

    /// The message with a number.
    pub fn of(family: Family, number: u8) -> IcmpType {
        match icmp_names(family).iter().find(|(_, n)| *n == number) {
            Some((name, _)) => IcmpType::Name(name.to_string()),
            None => IcmpType::Number(number),
        }
    }

    fn given(self) -> Given {
        match self {
            IcmpType::Name(name) => Given::Text(name),
            IcmpType::Number(number) => Given::Int(number.into()),
        }
    }
}

impl Typed for IcmpType {
    const WANTS: &'static str = "a kind of ICMP message such as \"echo-request\", or its number";

    fn read(value: &Value) -> Result<Self, String> {
        let names = || ICMP.into_iter().chain(ICMPV6);
        match value {
            Value::Int(number) => u8::try_from(*number)
                .map(IcmpType::Number)
                .map_err(|_| not_wanted::<Self>(value)),
            Value::Str(text) if named(text, names()).is_some() => Ok(IcmpType::Name(text.clone())),
            other => Err(unknown::<Self>(other, names())),
        }
    }

    fn spell(&self) -> String {
        match self {
            IcmpType::Name(name) => name.clone(),
            IcmpType::Number(number) => number.to_string(),
        }
    }
}

travels_as_given!(Protocol, Ports, IcmpType);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Str(text.into())
    }

    #[test]
    fn protocols() {
        assert_eq!(Protocol::read(&text("tcp")), Ok(Protocol(6)));
        assert_eq!(Protocol::read(&Value::Int(58)).unwrap().spell(), "icmpv6");
        assert_eq!(Protocol::read(&Value::Int(99)).unwrap().spell(), "99");
        assert!(
            Protocol::read(&text("tpc"))
                .unwrap_err()
                .ends_with("did you mean \"tcp\"?")
        );
        assert!(Protocol::read(&Value::Int(256)).is_err());
    }

    #[test]
    fn ports() {
        let list = |items: &[Value]| Ports::read(&Value::List(items.to_vec()));
        assert_eq!(Ports::read(&Value::Int(80)).unwrap().ranges(), [(80, 80)]);
        let some = list(&[Value::Int(443), text("1000-2000"), Value::Int(80), Value::Int(1500)]).unwrap();
        assert_eq!(some.spell(), "80,443,1000-2000");
        assert!(Ports::read(&text("2000-1000")).unwrap_err().contains("\"1000-2000\""));
        for bad in [
            text("http"),
            text("1-"),
            text("-1"),
            Value::Int(65536),
            Value::Int(-1),
            Value::Bool(true),
        ] {
            assert!(Ports::read(&bad).is_err(), "{bad:?}");
        }
        assert!(list(&[]).is_err());
    }

    #[test]
    fn icmp_messages_have_their_number_in_their_family() {
        let echo = IcmpType::read(&text("echo-request")).unwrap();
        assert_eq!((echo.number(Family::V4), echo.number(Family::V6)), (Some(8), Some(128)));
        let solicit = IcmpType::read(&text("nd-neighbor-solicit")).unwrap();
        assert_eq!(
            (solicit.number(Family::V4), solicit.number(Family::V6)),
            (None, Some(135))
        );
        assert!(
            IcmpType::read(&text("echo-requests"))
                .unwrap_err()
                .contains("\"echo-request\"")
        );
    }
}
