//! Which qdisc, which class: tc(8)'s numbers, `1:10`, in hexadecimal.

use std::str::FromStr;

use netlink_packet_route::tc::TcHandle;
use serde::{Deserialize, Serialize};

use crate::ops::value::{Typed, Value, not_wanted};

/// A qdisc: `1:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Handle(u16);

/// A class: `1:10`; or a qdisc as the parent of one: `1:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClassId {
    pub(super) major: u16,
    pub(super) minor: u16,
}

/// Where a qdisc or a class hangs: at the device itself, or at a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Parent {
    /// The device: `root`.
    Root,
    /// A class, or a qdisc.
    Class(ClassId),
}

/// The second half of a class's number: `10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minor(pub(super) u16);

fn hex(text: &str) -> Option<u16> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit());
    u16::from_str_radix(text, 16).ok().filter(|_| fits)
}

fn wanted<T: Typed>(text: &str) -> String {
    not_wanted::<T>(&Value::Str(text.into()))
}

impl Handle {
    pub(super) fn netlink(self) -> TcHandle {
        TcHandle {
            major: self.0,
            minor: 0,
        }
    }
}

impl FromStr for Handle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let major = text.strip_suffix(':').and_then(hex).filter(|major| *major > 0);
        major.map(Handle).ok_or_else(|| wanted::<Self>(text))
    }
}

impl FromStr for ClassId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (major, minor) = text.split_once(':')?;
            Some(ClassId {
                major: hex(major)?,
                minor: if minor.is_empty() { 0 } else { hex(minor)? },
            })
        };
        // No qdisc has the number 0, and ffff:ffff is the device itself.
        let is_one = |class: &ClassId| class.major > 0 && class.netlink() != TcHandle::ROOT;
        read().filter(is_one).ok_or_else(|| wanted::<Self>(text))
    }
}

impl FromStr for Parent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "root" => Ok(Parent::Root),
            _ => text.parse().map(Parent::Class).map_err(|_| wanted::<Self>(text)),
        }
    }
}

impl FromStr for Minor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let minor = text.strip_prefix("0x").unwrap_or(text);
        hex(minor).map(Minor).ok_or_else(|| wanted::<Self>(text))
    }
}

impl Parent {
    pub(super) fn netlink(self) -> TcHandle {
        match self {
            Parent::Root => TcHandle::ROOT,
            Parent::Class(class) => class.netlink(),
        }
    }
}

impl ClassId {
    pub(super) fn netlink(self) -> TcHandle {
        TcHandle {
            major: self.major,
            minor: self.minor,
        }
    }
}

/// A number as tc reads it: `1` and `1:0` are `1:`.
fn numbered(word: &str) -> Value {
    let major = word.strip_suffix(":0").unwrap_or(word);
    match hex(major) {
        Some(_) => Value::Str(format!("{major}:")),
        None => Value::Str(word.into()),
    }
}

/// A number as tc prints it: `1:10`, `1:`, `:10`, `root`.
pub(super) fn print(handle: TcHandle) -> String {
    match handle {
        TcHandle::ROOT => "root".into(),
        TcHandle::UNSPEC => "none".into(),
        TcHandle { major: 0, minor } => format!(":{minor:x}"),
        TcHandle { major, minor: 0 } => format!("{major:x}:"),
        TcHandle { major, minor } => format!("{major:x}:{minor:x}"),
    }
}

macro_rules! numbers {
    ($($type:ty, $wants:literal, |$value:ident| $spell:expr, $of_word:expr;)*) => {$(
        impl Typed for $type {
            const WANTS: &'static str = $wants;

            fn read(value: &Value) -> Result<Self, String> {
                match value {
                    Value::Str(text) => text.parse(),
                    other => Err(not_wanted::<Self>(other)),
                }
            }

            fn spell(&self) -> String {
                let $value = self;
                $spell
            }

            fn of_word(word: &str) -> Value {
                $of_word(word)
            }
        }

        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.spell()
            }
        }
    )*};
}

numbers! {
    Handle, "a qdisc's number such as \"1:\"", |handle| print(handle.netlink()), numbered;
    ClassId, "a class's number such as \"1:10\", in hexadecimal", |class| print(class.netlink()), numbered;
    Parent, "\"root\", a class such as \"1:10\" or a qdisc such as \"1:\"", |parent| print(parent.netlink()), numbered;
    Minor, "the second half of a class's number such as \"10\", in hexadecimal", |minor| format!("{:x}", minor.0), |word: &str| Value::Str(word.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hexadecimal() {
        assert_eq!("1:".parse(), Ok(Handle(1)));
        assert_eq!(
            "1a:ff".parse(),
            Ok(ClassId {
                major: 0x1a,
                minor: 0xff
            })
        );
        assert_eq!("root".parse(), Ok(Parent::Root));
        assert_eq!("10".parse(), Ok(Minor(16)));
        for text in ["1:10", "1:", "root"] {
            assert_eq!(text.parse::<Parent>().unwrap().spell(), text);
        }
        for bad in [
            "",
            ":",
            "1",
            "x:1",
            "1:g",
            "12345:1",
            "+1:1",
            "1: 1",
            "0:",
            "0:10",
            "ffff:ffff",
        ] {
            assert!(bad.parse::<Parent>().is_err(), "{bad:?}");
        }
        assert!("0:".parse::<Handle>().is_err());
        assert!(Handle::read(&Value::Int(1)).unwrap_err().contains("1:"));
    }
}
