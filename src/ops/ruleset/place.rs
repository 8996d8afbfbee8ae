//! What the keys say about where a packet comes from and goes to: devices and addresses.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::given::{Given, travels_as_given};
use crate::ops::value::not_wanted;
use crate::ops::{IfName, Prefix, Typed, Value};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    #[serde(rename = "ip")]
    V4,
    /// IPv6.
    #[serde(rename = "ip6")]
    V6,
}

impl Family {
    /// That of an address.
    pub fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// As `nft` spells it before an address: `ip saddr`.
    pub fn word(self) -> &'static str {
        match self {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        }
    }

    /// As a message names it.
    pub fn name(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }

    /// The kernel's number (NFPROTO).
    pub fn number(self) -> u8 {
        match self {
            Family::V4 => 2,
            Family::V6 => 10,
        }
    }

    /// The family with the kernel's number.
    pub fn from_number(number: u8) -> Option<Family> {
        [Family::V4, Family::V6].into_iter().find(|f| f.number() == number)
    }
}

/// Splits off a `!`, which means all others: iptables' `! -i br0`.
fn negation(text: &str) -> (bool, &str) {
    match text.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start_matches('=').trim_start()),
        None => (false, text),
    }
}

/// A device by its name: `"br0"`, `"!br0"` for all others, `"veth*"` for all whose name begins so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Device {
    /// Whether all others are meant.
    pub negated: bool,
    /// The name, or its beginning and `*`.
    pub name: String,
}

impl Typed for Device {
    const WANTS: &'static str = "the name of a device, also \"veth*\" or, for all others, \"!br0\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let (negated, name) = negation(text);
        let beginning = name.strip_suffix('*').unwrap_or(name);
        let checked: Result<IfName, String> = beginning.parse();
        checked.map_err(|why| format!("is not a device's name: {why}"))?;
        Ok(Device {
            negated,
            name: name.to_string(),
        })
    }

    fn spell(&self) -> String {
        format!("{}{}", if self.negated { "!" } else { "" }, self.name)
    }
}

impl Device {
    fn given(self) -> Given {
        self.spell().into()
    }
}

/// Addresses: `"10.0.0.0/8"`, `"10.0.0.1"`, `"!10.0.0.0/8"` for all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Addresses {
    /// Whether all others are meant.
    pub negated: bool,
    /// The prefix.
    pub net: IpNet,
}

impl Addresses {
    /// IPv4's or IPv6's.
    pub fn family(&self) -> Family {
        Family::of(self.net.addr())
    }

    /// The prefix, or the address alone where it is one.
    pub fn prefix(&self) -> String {
        Prefix::Net(self.net).spell()
    }

    fn given(self) -> Given {
        self.spell().into()
    }
}

impl Typed for Addresses {
    const WANTS: &'static str = "an address or a prefix such as \"10.0.0.0/8\" or, for all others, \"!10.0.0.0/8\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let (negated, prefix) = negation(text);
        let address = prefix.split('/').next().unwrap_or_default();
        if address.parse::<IpAddr>().is_err() {
            return Err(not_wanted::<Self>(value));
        }
        match prefix.parse()? {
            Prefix::Net(net) => Ok(Addresses { negated, net }),
            Prefix::Default => Err(not_wanted::<Self>(value)),
        }
    }

    fn spell(&self) -> String {
        format!("{}{}", if self.negated { "!" } else { "" }, self.prefix())
    }
}

/// Where NAT sends a packet, or what it says it comes from: an address, and a port after `:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// The port; without one it stays.
    pub port: Option<u16>,
}

impl Target {
    fn given(self) -> Given {
        self.spell().into()
    }
}

impl Typed for Target {
    const WANTS: &'static str = "an address such as \"10.1.1.10\", with a port \"10.1.1.10:80\" or \"[fd00::1]:80\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        if let Ok(address) = text.parse() {
            return Ok(Target { address, port: None });
        }
        let wrong = || not_wanted::<Self>(value);
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address: IpAddr = bare.unwrap_or(host).parse().map_err(|_| wrong())?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        if address.is_ipv6() != bare.is_some() {
            return Err(wrong());
        }
        Ok(Target {
            address,
            port: Some(port),
        })
    }

    fn spell(&self) -> String {
        match (self.address, self.port) {
            (address, None) => address.to_string(),
            (IpAddr::V4(address), Some(port)) => format!("{address}:{port}"),
            (IpAddr::V6(address), Some(port)) => format!("[{address}]:{port}"),
        }
    }
}

travels_as_given!(Device, Addresses, Target);

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Typed>(text: &str) -> Result<T, String> {
        T::read(&Value::Str(text.into()))
    }

    #[test]
    fn devices() {
        for good in ["br0", "!br0", "veth*", "!veth*"] {
            assert_eq!(read::<Device>(good).unwrap().spell(), good);
        }
        assert_eq!(read::<Device>("! br0").unwrap().spell(), "!br0");
        for bad in ["", "!", "*", "a b", "0123456789abcdef", "x\"y"] {
            assert!(read::<Device>(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses() {
        for good in ["10.0.0.0/8", "!10.0.0.0/8", "10.0.0.1", "fd00::/8", "0.0.0.0/0"] {
            assert_eq!(read::<Addresses>(good).unwrap().spell(), good);
        }
        assert!(read::<Addresses>("10.0.0.1/8").unwrap_err().contains("is 10.0.0.0/8"));
        for bad in ["", "!", "default", "10.0.0", "10.0.0.0/33"] {
            assert!(read::<Addresses>(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn targets() {
        for good in ["10.1.1.10", "10.1.1.10:80", "fd00::1", "[fd00::1]:80"] {
            assert_eq!(read::<Target>(good).unwrap().spell(), good);
        }
        for bad in [
            "",
            ":80",
            "10.1.1.10:",
            "10.1.1.10:0",
            "10.1.1.10:99999",
            "[10.1.1.10]:80",
            "[fd00::1]",
            "x:80",
        ] {
            assert!(read::<Target>(bad).is_err(), "{bad:?}");
        }
    }
}
