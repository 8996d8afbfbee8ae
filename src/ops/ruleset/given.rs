//! A key's value in JSON: as the script gave it, so that what `show` says can be given to `add` again.

use serde::{Deserialize, Serialize};

use crate::ops::Value;

/// Plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Given {
    /// `true`
    Bool(bool),
    /// `80`
    Int(i64),
    /// `"10.0.0.0/8"`
    Text(String),
    /// `["established", "related"]`
    List(Vec<Given>),
}

impl From<Given> for Value {
    fn from(given: Given) -> Value {
        match given {
            Given::Bool(flag) => Value::Bool(flag),
            Given::Int(number) => Value::Int(number),
            Given::Text(text) => Value::Str(text),
            Given::List(items) => Value::List(items.into_iter().map(Value::from).collect()),
        }
    }
}

impl From<String> for Given {
    fn from(text: String) -> Given {
        Given::Text(text)
    }
}

impl From<u16> for Given {
    fn from(number: u16) -> Given {
        Given::Int(number.into())
    }
}

/// Lets types travel as what their `given()` says and their [`Typed::read`](crate::ops::Typed::read) understands.
macro_rules! travels_as_given {
    ($($type:ty),* $(,)?) => {$(
        impl From<$type> for $crate::ops::ruleset::given::Given {
            fn from(value: $type) -> Self {
                value.given()
            }
        }

        impl TryFrom<$crate::ops::ruleset::given::Given> for $type {
            type Error = String;

            fn try_from(given: $crate::ops::ruleset::given::Given) -> Result<Self, String> {
                $crate::ops::Typed::read(&given.into())
            }
        }
    )*};
}

pub(super) use travels_as_given;
