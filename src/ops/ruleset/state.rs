//! The other keys' values: the state of a connection, what is logged, the words of a comment.

use serde::{Deserialize, Serialize};

use super::given::{Given, travels_as_given};
use crate::error::nearest;
use crate::ops::value::not_wanted;
use crate::ops::{Typed, Value};

/// States of a connection, as conntrack's bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct States(pub u32);

const STATES: [(&str, u32); 5] = [
    ("invalid", 1),
    ("established", 2),
    ("related", 4),
    ("new", 8),
    ("untracked", 64),
];

impl States {
    /// The states with these bits, if each of them is one.
    pub fn from_bits(bits: u32) -> Option<States> {
        let known = STATES.iter().fold(0, |all, (_, bit)| all | bit);
        (bits != 0 && bits & !known == 0).then_some(States(bits))
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        STATES
            .iter()
            .filter(move |(_, bit)| self.0 & bit != 0)
            .map(|(name, _)| *name)
    }

    fn given(self) -> Given {
        Given::List(self.names().map(|name| Given::Text(name.into())).collect())
    }
}

impl Typed for States {
    const WANTS: &'static str =
        "states of a connection: [\"new\", \"established\", \"related\", \"invalid\", \"untracked\"]";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => STATES
                .iter()
                .find(|(name, _)| name == text)
                .map(|(_, bit)| States(*bit))
                .ok_or_else(|| match nearest(text, STATES.iter().map(|(name, _)| *name)) {
                    Some(near) => format!("{text:?} is no state of a connection: did you mean {near:?}?"),
                    None => not_wanted::<Self>(value),
                }),
            Value::List(items) => {
                let bits = items
                    .iter()
                    .map(States::read)
                    .try_fold(0, |all, one| one.map(|one| all | one.0))?;
                States::from_bits(bits).ok_or_else(|| "wants at least one state, not an empty array".to_string())
            }
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.names().collect::<Vec<_>>().join(",")
    }
}

/// That a packet is logged, and with which words before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Log {
    /// The words; there may be none.
    pub prefix: String,
}

impl Log {
    fn given(self) -> Given {
        if self.prefix.is_empty() {
            Given::Bool(true)
        } else {
            Given::Text(self.prefix)
        }
    }
}

impl Typed for Log {
    const WANTS: &'static str = "true, or the words that the log's lines begin with";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(true) => Ok(Log { prefix: String::new() }),
            Value::Str(text) => words(text).map(|prefix| Log { prefix }),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.prefix.clone()
    }
}

/// Words about a rule, that stay with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub struct Comment(pub String);

impl Comment {
    fn given(self) -> Given {
        self.0.into()
    }
}

impl Typed for Comment {
    const WANTS: &'static str = "text";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => words(text).map(Comment),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.0.clone()
    }
}

/// Text as the kernel stores it and `nft` can read it back.
fn words(text: &str) -> Result<String, String> {
    const MOST: usize = 127;
    if text.len() > MOST {
        return Err(format!("has {} bytes; there is room for {MOST}", text.len()));
    }
    match text.chars().find(|c| c.is_control() || *c == '"') {
        Some(c) => Err(format!("has {c:?} in it, which nft cannot read back")),
        None if text.is_empty() => Err("is empty".to_string()),
        None => Ok(text.to_string()),
    }
}

travels_as_given!(States, Log, Comment);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        let list =
            |names: &[&str]| States::read(&Value::List(names.iter().map(|n| Value::Str(n.to_string())).collect()));
        assert_eq!(list(&["related", "established"]), Ok(States(6)));
        assert_eq!(States::read(&Value::Str("new".into())), Ok(States(8)));
        assert!(list(&["establishd"]).unwrap_err().contains("\"established\""));
        assert!(list(&[]).is_err());
        assert_eq!(States::from_bits(128), None);
    }

    #[test]
    fn words_can_be_read_back() {
        let read = |text: &str| Comment::read(&Value::Str(text.into()));
        assert!(read("no ssh, ça va").is_ok());
        for bad in ["", "a\"b", "a\nb", "x\0", &"x".repeat(128)] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert!(Log::read(&Value::Bool(false)).is_err());
    }
}
