//! The types of keys that several kinds have.

use netlink_packet_route::link::Ip6TunnelFlags;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ops::value::{Value, not_wanted};
use crate::ops::words::{number_or_text, whole_number};
use crate::ops::{Heard, IfName, Typed, Words};

/// A switch that `ip` spells 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Switch(pub bool);

impl Typed for Switch {
    const WANTS: &'static str = "true or false, or 1 or 0";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(on) => Ok(Switch(*on)),
            Value::Int(0) => Ok(Switch(false)),
            Value::Int(1) => Ok(Switch(true)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        u8::from(self.0).to_string()
    }

    fn of_word(word: &str) -> Value {
        bool::of_word(word)
    }
}

/// A switch that `ip` spells by its name alone, with `no` before it where it is off: `learning`,
/// `nolearning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Whether(pub bool);

impl Typed for Whether {
    const WANTS: &'static str = bool::WANTS;

    fn read(value: &Value) -> Result<Self, String> {
        bool::read(value).map(Whether)
    }

    fn spell(&self) -> String {
        self.0.spell()
    }

    fn words(&self, key: &str) -> Vec<String> {
        let no = if self.0 { "" } else { "no" };
        vec![format!("{no}{key}")]
    }

    fn of_words(key: &str, words: &mut Words) -> Heard<Option<Value>> {
        let no = format!("no{key}");
        Ok(match words.peek() {
            Some(word) if word == key || word == no => words.next().map(|word| Value::Bool(word == key)),
            _ => None,
        })
    }
}

/// The device that a device sits on. `ip` spells it before `type`, so it has no words among a kind's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lower(pub IfName);

impl Typed for Lower {
    const WANTS: &'static str = IfName::WANTS;

    fn read(value: &Value) -> Result<Self, String> {
        IfName::read(value).map(Lower)
    }

    fn spell(&self) -> String {
        self.0.spell()
    }

    fn words(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn of_words(_: &str, _: &mut Words) -> Heard<Option<Value>> {
        Ok(None)
    }
}

/// The time to live of a tunnel's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ttl {
    /// That of the packet within.
    Inherit,
    /// The kernel's choice.
    Auto,
    /// This.
    #[serde(untagged)]
    Hops(u8),
}

impl Typed for Ttl {
    const WANTS: &'static str = "a whole number from 0 to 255, \"inherit\" or \"auto\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "inherit" => Ok(Ttl::Inherit),
            Value::Str(text) if text == "auto" => Ok(Ttl::Auto),
            Value::Int(_) => u8::read(value).map(Ttl::Hops).map_err(|_| not_wanted::<Self>(value)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self {
            Ttl::Inherit => "inherit".into(),
            Ttl::Auto => "auto".into(),
            Ttl::Hops(hops) => hops.to_string(),
        }
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

impl Ttl {
    /// The number of hops; 0 leaves the choice to the kernel.
    pub fn hops(self) -> Option<u8> {
        match self {
            Ttl::Inherit => None,
            Ttl::Auto => Some(0),
            Ttl::Hops(hops) => Some(hops),
        }
    }
}

/// The time to live of a tunnel's packets, where 0 stands for that of the packet within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hops(pub u8);

impl Typed for Hops {
    const WANTS: &'static str = "a whole number from 1 to 255, or \"inherit\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "inherit" => Ok(Hops(0)),
            other => match u8::read(other) {
                Ok(hops @ 1..) => Ok(Hops(hops)),
                _ => Err(not_wanted::<Self>(value)),
            },
        }
    }

    fn spell(&self) -> String {
        match self.0 {
            0 => "inherit".into(),
            hops => hops.to_string(),
        }
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

/// The TOS byte of a tunnel's packets, where 1 stands for that of the packet within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tos(pub u8);

impl Typed for Tos {
    const WANTS: &'static str = "a whole number from 0 to 255, or \"inherit\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "inherit" => Ok(Tos(1)),
            other => u8::read(other).map(Tos).map_err(|_| not_wanted::<Self>(value)),
        }
    }

    /// `ip` reads it in base 16.
    fn spell(&self) -> String {
        match self.0 {
            1 => "inherit".into(),
            tos => format!("{tos:#x}"),
        }
    }

    /// `ip` reads numbers here in sixteens.
    fn of_word(word: &str) -> Value {
        let number = i64::from_str_radix(word.strip_prefix("0x").unwrap_or(word), 16);
        number.map_or_else(|_| Value::Str(word.into()), Value::Int)
    }
}

/// How many tunnels over IPv6 may stand within each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncapLimit {
    /// Any number.
    None,
    /// So many.
    #[serde(untagged)]
    Number(u8),
}

impl EncapLimit {
    /// What a tunnel has that is not told.
    pub const DEFAULT: EncapLimit = EncapLimit::Number(4);

    /// The number, if it is one.
    pub fn number(self) -> Option<u8> {
        match self {
            EncapLimit::None => None,
            EncapLimit::Number(number) => Some(number),
        }
    }

    /// The flags of the tunnel that say whether there is a limit.
    pub fn flags(self) -> Ip6TunnelFlags {
        match self {
            EncapLimit::None => Ip6TunnelFlags::IgnEncapLimit,
            EncapLimit::Number(_) => Ip6TunnelFlags::empty(),
        }
    }
}

impl Typed for EncapLimit {
    const WANTS: &'static str = "a whole number from 0 to 255, or \"none\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "none" => Ok(EncapLimit::None),
            other => u8::read(other)
                .map(EncapLimit::Number)
                .map_err(|_| not_wanted::<Self>(value)),
        }
    }

    fn spell(&self) -> String {
        self.number().map_or_else(|| "none".into(), |number| number.to_string())
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

/// A network identifier of 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vni(pub u32);

impl Typed for Vni {
    const WANTS: &'static str = "a whole number from 0 to 16777215";

    fn read(value: &Value) -> Result<Self, String> {
        match u32::read(value) {
            Ok(id) if id < 1 << 24 => Ok(Vni(id)),
            _ => Err(not_wanted::<Self>(value)),
        }
    }

    fn spell(&self) -> String {
        self.0.to_string()
    }

    fn of_word(word: &str) -> Value {
        whole_number(word)
    }
}

/// Declares a key that is one of several words, each with the kernel's number for it.
macro_rules! choice {
    ($(#[$outer:meta])* $vis:vis enum $name:ident : $number:ty {
        $($(#[doc = $doc:literal])+ $choice:ident = $value:literal $text:literal),+ $(,)?
    }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        $vis enum $name {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $choice),+
        }

        impl $crate::ops::Typed for $name {
            const WANTS: &'static str = concat!("one of", $(" \"", $text, "\""),+);

            fn read(value: &$crate::ops::Value) -> Result<Self, String> {
                match value {
                    $($crate::ops::Value::Str(text) if text == $text => Ok($name::$choice),)+
                    other => Err($crate::ops::value::not_wanted::<Self>(other)),
                }
            }

            fn spell(&self) -> String {
                match self {
                    $($name::$choice => $text),+
                }
                .to_string()
            }
        }

        impl From<$name> for $number {
            fn from(choice: $name) -> $number {
                match choice {
                    $($name::$choice => $value),+
                }
            }
        }
    };
}
pub(super) use choice;

choice! {
    /// The protocol of VLAN tags.
    pub enum TagProtocol: u16 {
        /// Customers' tags.
        Customer = 0x8100 "802.1Q",
        /// Providers' tags.
        Provider = 0x88a8 "802.1ad",
    }
}
