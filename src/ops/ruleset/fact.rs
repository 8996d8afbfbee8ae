//! What `nat.show` and `filter.show` answer: a rule as the kernel has it, or a chain's policy.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Action, Family, Matches, Rule, text};

/// A rule, or, where `policy` says one, what happens at a chain's end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleFact {
    /// Its number, by which `del` calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<u64>,
    /// Its chain.
    pub chain: String,
    /// The chain's policy; then there are no keys, no verdict and no handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// IPv4 or IPv6, if it is for one of them only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Its keys.
    #[serde(flatten)]
    pub matches: Matches,
    /// What it does.
    #[serde(flatten)]
    pub action: Option<Action>,
    /// How many packets it was applied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    /// Their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Expressions that another program put there and that have no key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expr: Vec<String>,
}

impl RuleFact {
    /// Its keys and what it does, as `nft` spells them: `ip saddr 10.1.1.0/24 masquerade`.
    pub fn words(&self) -> String {
        text::phrases(self.family, &self.matches, "", self.action.as_ref()).join(" ")
    }

    /// Whether it is what this rule would be.
    pub fn says(&self, rule: &Rule<'_>) -> bool {
        let is_family = rule.family().is_ok_and(|family| family == self.family);
        is_family
            && self.matches == rule.as_listed()
            && self.action.as_ref() == Some(rule.action)
            && self.expr.is_empty()
    }
}

/// As `nft -a list ruleset` prints it, with its chain before it.
impl fmt::Display for RuleFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chain {}", self.chain)?;
        let counter = match (self.packets, self.bytes) {
            (Some(packets), Some(bytes)) => format!("counter packets {packets} bytes {bytes}"),
            _ => String::new(),
        };
        if let Some(policy) = &self.policy {
            write!(f, " policy {policy}")?;
            return if counter.is_empty() {
                Ok(())
            } else {
                write!(f, " {counter}")
            };
        }
        for word in text::phrases(self.family, &self.matches, &counter, self.action.as_ref()) {
            write!(f, " {word}")?;
        }
        if !self.expr.is_empty() {
            write!(f, " # and {}", self.expr.join(", "))?;
        }
        self.handle.map_or(Ok(()), |handle| write!(f, " # handle {handle}"))
    }
}
