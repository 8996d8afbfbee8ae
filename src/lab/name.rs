//! The name of a lab, checked once where it comes in.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::netns::is_name;

/// A lab's name: a letter or digit, then at most 62 of letters, digits, `_`, `.`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabName(String);

impl LabName {
    /// The name that a script gives its lab: its file's, without the extension.
    pub fn of_script(file: &Path) -> Result<LabName, String> {
        let stem = file.file_stem().unwrap_or_default();
        stem.to_string_lossy().parse()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LabName {
    type Err = String;

    fn from_str(text: &str) -> Result<LabName, String> {
        if is_name(text) {
            return Ok(LabName(text.to_string()));
        }
        Err(format!(
            "{text:?} cannot name a lab: a name starts with a letter or digit and has at most 63 of letters, digits, '_', '.', '-'"
        ))
    }
}

impl TryFrom<String> for LabName {
    type Error = String;

    fn try_from(text: String) -> Result<LabName, String> {
        text.parse()
    }
}

impl From<LabName> for String {
    fn from(name: LabName) -> String {
        name.0
    }
}

impl fmt::Display for LabName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_or_the_line_are_refused() {
        for bad in [
            "",
            "../x",
            "a/b",
            ".x",
            "a\nb",
            "\u{1b}[2J",
            "a b",
            "-x",
            &"x".repeat(64),
        ] {
            assert!(bad.parse::<LabName>().is_err(), "{bad:?}");
        }
        assert_eq!(LabName::of_script(Path::new("a/web.rhai")), "web".parse());
        assert!(LabName::of_script(Path::new("-")).is_err());
    }
}
