//! Rules that are there, as what adds them again.

use super::{Action, Matches, Rule, RuleFact, of_chain};
use crate::error::Result;
use crate::netlink::Space;
use crate::netlink::nftables::Chain;
use crate::netns::NsName;
use crate::ops::Inverse;

/// A rule of a chain.
pub struct Again {
    /// Its place; the first is 1.
    pub at: usize,
    /// Its number.
    pub handle: Option<u64>,
    /// Which packets.
    pub matches: Box<Matches>,
    /// What it does with them.
    pub action: Action,
}

/// The rules of a chain; the error says which of them cannot be said, since another program made it.
fn again(space: &Space, chain: &Chain) -> Result<Result<Vec<Again>, String>> {
    let facts = of_chain(space, chain)?;
    let rules = facts.into_iter().enumerate();
    Ok(rules.map(|(index, fact)| one(chain, index + 1, fact)).collect())
}

/// What puts the rules that go back to their places: `insert` makes the change that adds one again.
pub fn lost<On: Copy, Undo: Into<crate::ops::Change>>(
    (space, netns): (&Space, &NsName),
    chains: &[(On, &Chain)],
    goes: impl Fn(&Again) -> bool,
    insert: impl Fn(On, Again) -> Undo,
) -> Result<Inverse> {
    let mut undo = Vec::new();
    for (on, chain) in chains {
        match again(space, chain)? {
            Ok(rules) => undo.extend(rules.into_iter().filter(&goes).map(|rule| insert(*on, rule))),
            Err(why) => return Ok(Inverse::Cannot(why)),
        }
    }
    Ok(Inverse::changes(netns, undo))
}

fn one(chain: &Chain, at: usize, fact: RuleFact) -> Result<Again, String> {
    let unsayable = format!("rule {at} of chain {} has what nsx cannot say", chain.name);
    let Some(action) = fact.action.filter(|_| fact.expr.is_empty()) else {
        return Err(unsayable);
    };
    let rule = Rule {
        chain,
        matches: &fact.matches,
        action: &action,
    };
    match rule.family() {
        Ok(family) if family == fact.family => Ok(Again {
            at,
            handle: fact.handle,
            matches: Box::new(fact.matches),
            action,
        }),
        _ => Err(unsayable),
    }
}
