//! The name of a namespace, checked once where it comes in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A namespace's name: a letter or digit, then at most 62 of letters, digits, `_`, `.`, `-`.
/// The lab's own root namespace is called `host`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NsName(String);

impl NsName {
    /// The lab's own root namespace.
    pub fn host() -> NsName {
        NsName("host".into())
    }

    /// Whether this is the lab's own root namespace.
    pub fn is_host(&self) -> bool {
        self.0 == "host"
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NsName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_name(text) {
            return Ok(NsName(text.to_string()));
        }
        Err(format!(
            "{text:?} cannot name a netns: a name starts with a letter or digit and has at most 63 of letters, digits, '_', '.', '-'"
        ))
    }
}

/// Whether a text can be a name: a letter or digit, then at most 62 of letters, digits, `_`, `.`, `-`. It is a file's name
/// in one folder, and one word of a line, whatever it is.
pub fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

impl TryFrom<String> for NsName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NsName> for String {
    fn from(name: NsName) -> String {
        name.0
    }
}

impl fmt::Display for NsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        for bad in ["", "../x", "a/b", ".hidden", "a\nb", "\u{1b}[31m", &"x".repeat(64)] {
            assert!(bad.parse::<NsName>().is_err(), "{bad:?}");
        }
        for good in ["ns0", "0", "a.b-c_d", &"x".repeat(63)] {
            assert!(good.parse::<NsName>().is_ok(), "{good:?}");
        }
    }
}
