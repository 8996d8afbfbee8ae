//! A link-layer address.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ops::value::{Typed, Value, not_wanted};

/// A link-layer address: `02:00:00:00:00:09`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

impl FromStr for Mac {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let octets: Option<Vec<u8>> = text
            .split(':')
            .map(|octet| u8::from_str_radix(octet, 16).ok().filter(|_| octet.len() <= 2))
            .collect();
        octets
            .and_then(|octets| octets.try_into().ok())
            .map(Mac)
            .ok_or_else(|| not_wanted::<Self>(&Value::Str(text.into())))
    }
}

impl TryFrom<String> for Mac {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> String {
        mac.spell()
    }
}

impl Typed for Mac {
    const WANTS: &'static str = "a link-layer address such as \"02:00:00:00:00:09\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => text.parse(),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.0.map(|octet| format!("{octet:02x}")).join(":")
    }
}
