//! The types of arguments and options, each checked once at the edge.

mod mac;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::value::{Mistaken, Typed, Value, not_wanted};
use super::words::{Heard, Words, whole_number};
use crate::error::Mistake;
use crate::netns::NsName;

pub use mac::Mac;

/// The name of a network device: at most 15 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

impl IfName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IfName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > 15 {
            return Err(format!(
                "{text:?} has {} bytes; a device's name has at most 15",
                text.len()
            ));
        }
        let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        match text {
            "all" | "default" => Err(format!(
                "{text:?} cannot name a device: sysctl uses that word for every device"
            )),
            _ if fits => Ok(IfName(text.to_string())),
            _ => Err(format!(
                "{text:?} cannot name a device: a name starts with a letter or digit and has letters, digits, '_', '.', '-'"
            )),
        }
    }
}

impl TryFrom<String> for IfName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<IfName> for String {
    fn from(name: IfName) -> String {
        name.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Typed for IfName {
    const WANTS: &'static str = "the name of a device";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => text.parse().map_err(|why| format!("is not a device's name: {why}")),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn mistaken(value: &Value) -> Option<Mistaken> {
        let Value::Str(text) = value else { return None };
        let short = text.get(..15).filter(|_| text.len() > 15);
        let short = short.map(|short| short.trim_end_matches(['-', '.', '_']));
        (text.len() > 15).then(|| Mistaken {
            mistake: Mistake::NameTooLong,
            cause: "the kernel keeps the name of a device in 16 bytes, the last of them zero".into(),
            meant: short
                .filter(|short| short.parse::<IfName>().is_ok())
                .map(ToString::to_string),
        })
    }

    fn spell(&self) -> String {
        self.0.clone()
    }
}

impl Typed for NsName {
    const WANTS: &'static str = "a netns handle or its name";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Netns(name) => Ok(name.clone()),
            Value::Str(text) => text.parse(),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    /// `ip` has no name for the root namespace: it is that of process 1.
    fn spell(&self) -> String {
        if self.is_host() { "1".into() } else { self.to_string() }
    }

    fn of_word(word: &str) -> Value {
        match word.parse() {
            _ if word == "1" => Value::Netns(NsName::host()),
            Ok(name) => Value::Netns(name),
            Err(_) => Value::Str(word.into()),
        }
    }
}

/// A switch that `ip` spells on or off.
impl Typed for bool {
    const WANTS: &'static str = "true or false";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(flag) => Ok(*flag),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        if *self { "on" } else { "off" }.into()
    }

    fn of_word(word: &str) -> Value {
        match word {
            "on" | "1" => Value::Bool(true),
            "off" | "0" => Value::Bool(false),
            other => Value::Str(other.into()),
        }
    }
}

/// A flag that `ip` spells as its key alone: `onlink`. False is as if it were not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flag(pub bool);

impl Typed for Flag {
    const WANTS: &'static str = bool::WANTS;

    fn read(value: &Value) -> Result<Self, String> {
        bool::read(value).map(Flag)
    }

    fn spell(&self) -> String {
        self.0.spell()
    }

    fn words(&self, key: &str) -> Vec<String> {
        if self.0 { vec![key.to_string()] } else { Vec::new() }
    }

    fn of_words(key: &str, words: &mut Words) -> Heard<Option<Value>> {
        Ok(words.take(key).then_some(Value::Bool(true)))
    }
}

macro_rules! whole_numbers {
    ($($type:ty: $wants:literal),* $(,)?) => {$(
        impl Typed for $type {
            const WANTS: &'static str = $wants;

            fn read(value: &Value) -> Result<Self, String> {
                match value {
                    Value::Int(n) => <$type>::try_from(*n).map_err(|_| not_wanted::<Self>(value)),
                    other => Err(not_wanted::<Self>(other)),
                }
            }

            fn spell(&self) -> String {
                self.to_string()
            }

            fn of_word(word: &str) -> Value {
                whole_number(word)
            }
        }
    )*};
}

whole_numbers! {
    u8: "a whole number from 0 to 255",
    u16: "a whole number from 0 to 65535",
    u32: "a whole number from 0 to 4294967295",
    u64: "a whole number from 0",
}

impl Typed for String {
    const WANTS: &'static str = "text";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => Ok(text.clone()),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.clone()
    }
}

impl<T: Typed> Typed for Vec<T> {
    const WANTS: &'static str = "an array";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::List(items) => items.iter().map(T::read).collect(),
            other => Err(format!(
                "wants an array, each of it {}, not {}",
                T::WANTS,
                other.describe()
            )),
        }
    }

    fn spell(&self) -> String {
        self.iter().map(T::spell).collect::<Vec<_>>().join(" ")
    }
}

macro_rules! addresses {
    ($($type:ty: $wants:literal),* $(,)?) => {$(
        impl Typed for $type {
            const WANTS: &'static str = $wants;

            fn read(value: &Value) -> Result<Self, String> {
                match value {
                    Value::Str(text) => text.parse().map_err(|_| match text.split_once('/') {
                        Some((address, _)) if address.parse::<$type>().is_ok() => {
                            format!("wants an address without a prefix length: {address:?}, not {text:?}")
                        }
                        _ => not_wanted::<Self>(value),
                    }),
                    other => Err(not_wanted::<Self>(other)),
                }
            }

            fn spell(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

addresses! {
    IpAddr: "an address such as \"10.0.0.1\"",
    Ipv4Addr: "an IPv4 address such as \"10.0.0.1\"",
    Ipv6Addr: "an IPv6 address such as \"fd00::1\"",
}

/// An address with its prefix length, as an interface has it: `10.0.0.100/24`. Host bits stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cidr(pub IpNet);

impl Typed for Cidr {
    const WANTS: &'static str = "an address with its prefix length, such as \"10.0.0.100/24\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        text.parse().map(Cidr).map_err(|_| match text.parse::<IpAddr>() {
            Ok(address) => {
                let length = if address.is_ipv4() { 32 } else { 128 };
                format!("has no prefix length: {text:?} alone would be a /{length}")
            }
            Err(_) => not_wanted::<Self>(value),
        })
    }

    fn mistaken(value: &Value) -> Option<Mistaken> {
        let Value::Str(text) = value else { return None };
        let address: IpAddr = text.parse().ok()?;
        let length = if address.is_ipv4() { 24 } else { 64 };
        Some(Mistaken {
            mistake: Mistake::NoPrefixLength,
            cause: "the prefix length says which subnet the address is in; alone it is in one of its own, and reaches nobody".into(),
            meant: Some(format!("{address}/{length}")),
        })
    }

    fn spell(&self) -> String {
        self.0.to_string()
    }

    /// `ip` takes an address alone for one that is in no subnet.
    fn of_word(word: &str) -> Value {
        let alone = word.parse::<IpAddr>();
        Value::Str(alone.map_or_else(|_| word.into(), |address| IpNet::from(address).to_string()))
    }
}

/// The destination of a route: `default`, a prefix, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Prefix {
    /// Everything, of the family that the gateway or source has.
    Default,
    /// A prefix; an address alone is its /32 or /128.
    Net(IpNet),
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if matches!(text, "default" | "any" | "all") {
            return Ok(Prefix::Default);
        }
        let net: IpNet = text
            .parse()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| not_wanted::<Self>(&Value::Str(text.into())))?;
        if net.addr() != net.network() {
            return Err(format!(
                "{net} has bits set beyond its prefix length: the network is {}",
                net.trunc()
            ));
        }
        Ok(Prefix::Net(net))
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> String {
        prefix.spell()
    }
}

impl Typed for Prefix {
    const WANTS: &'static str = "\"default\" or a prefix such as \"10.9.0.0/16\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => text.parse(),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn mistaken(value: &Value) -> Option<Mistaken> {
        let Value::Str(text) = value else { return None };
        let net: IpNet = text.parse().ok().filter(|net: &IpNet| net.addr() != net.network())?;
        let length = net.prefix_len();
        Some(Mistaken {
            mistake: Mistake::HostBits,
            cause: format!("a /{length} is a network by its first {length} bits: the others must be zero"),
            meant: Some(net.trunc().to_string()),
        })
    }

    fn spell(&self) -> String {
        match self {
            Prefix::Default => "default".into(),
            Prefix::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
            Prefix::Net(net) => net.to_string(),
        }
    }

    /// `ip` takes IPv4 prefixes that end early: `10/8`, `10.1/16`, `0/0`.
    fn of_word(word: &str) -> Value {
        let (address, length) = word.split_once('/').unwrap_or((word, "32"));
        let octets: Result<Vec<u8>, _> = address.split('.').map(str::parse).collect();
        match octets {
            Ok(mut octets) if octets.len() < 4 => {
                octets.resize(4, 0);
                let octets: Vec<String> = octets.iter().map(u8::to_string).collect();
                Value::Str(format!("{}/{length}", octets.join(".")))
            }
            _ => Value::Str(word.into()),
        }
    }
}

/// A span of time with its unit: `"200ms"`, `"3s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub Duration);

/// Splits `text` into its number and its unit; neither sign nor exponent.
pub(super) fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then_some((number, &text[end..]))
}

impl Typed for Span {
    const WANTS: &'static str = "a duration such as \"200ms\" or \"3s\"";

    fn read(value: &Value) -> Result<Self, String> {
        let text = match value {
            Value::Str(text) => text,
            Value::Int(n) => return Err(format!("has no unit: write \"{n}ms\" or \"{n}s\"")),
            Value::Float(x) => return Err(format!("has no unit: write \"{x}s\"")),
            other => return Err(not_wanted::<Self>(other)),
        };
        let (number, unit) = number_and_unit(text).ok_or_else(|| not_wanted::<Self>(value))?;
        let seconds = match unit {
            "ns" => number / 1e9,
            "us" => number / 1e6,
            "ms" => number / 1e3,
            "s" => number,
            "m" | "min" => number * 60.0,
            "h" => number * 3600.0,
            "" => return Err(format!("has no unit: write \"{text}ms\" or \"{text}s\"")),
            _ => return Err(not_wanted::<Self>(value)),
        };
        if seconds > 86_400.0 * 366.0 {
            return Err(format!("is too long: {text:?}"));
        }
        Ok(Span(Duration::from_secs_f64(seconds)))
    }

    fn spell(&self) -> String {
        let micros = self.0.as_micros();
        match micros {
            0 => "0s".into(),
            m if m % 1_000_000 == 0 => format!("{}s", m / 1_000_000),
            m if m % 1000 == 0 => format!("{}ms", m / 1000),
            m => format!("{m}us"),
        }
    }

    /// tc counts in microseconds where no unit is said, and has longer names for the units.
    fn of_word(word: &str) -> Value {
        let Some((_, unit)) = number_and_unit(word) else {
            return Value::Str(word.into());
        };
        let number = word.strip_suffix(unit).unwrap_or(word);
        let unit = match unit.to_ascii_lowercase().as_str() {
            "" | "us" | "usec" | "usecs" => "us",
            "ms" | "msec" | "msecs" => "ms",
            "s" | "sec" | "secs" => "s",
            "ns" | "nsec" | "nsecs" => "ns",
            _ => unit,
        };
        Value::Str(format!("{number}{unit}"))
    }
}

#[cfg(test)]
mod tests;
