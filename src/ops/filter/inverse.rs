//! What undoes a change of the filter.

use super::{Change, FilterChain, Policy, ruleset};
use crate::error::Result;
use crate::netlink::Space;
use crate::netlink::nftables;
use crate::netns::NsName;
use crate::ops::ruleset::{Again, Matches, Verdict};
use crate::ops::{Inverse, World};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let space = world.kernel.space(netns)?;
    match change {
        Change::Policy { chain, .. } => {
            let policy = match ruleset::policy(&space, chain.place())? {
                nftables::Policy::Accept => Policy::Accept,
                nftables::Policy::Drop => Policy::Drop,
            };
            Ok(Inverse::changes(netns, [Change::Policy { chain: *chain, policy }]))
        }
        Change::Add {
            chain,
            matches,
            verdict,
        } => Ok(removal(netns, *chain, ruleset::END, matches, *verdict)),
        Change::Insert {
            chain,
            at,
            matches,
            verdict,
        } => Ok(removal(netns, *chain, *at, matches, *verdict)),
        Change::Remove {
            chain,
            at,
            matches,
            verdict,
        } => {
            let handle = ruleset::find(&space, &chain.rule(matches, &verdict.action()), *at)?;
            lost(&space, netns, &[*chain], |rule| {
                handle.is_some() && rule.handle == handle
            })
        }
        Change::Del { chain, handle } => lost(&space, netns, &[*chain], |rule| rule.handle == Some(*handle)),
        Change::Flush {} => lost(&space, netns, &FilterChain::ALL, |_| true),
    }
}

/// What removes a rule that was added at a place.
fn removal(netns: &NsName, chain: FilterChain, at: usize, matches: &Matches, verdict: Verdict) -> Inverse {
    let undo = Change::Remove {
        chain,
        at,
        matches: Box::new(matches.clone()),
        verdict,
    };
    Inverse::changes(netns, [undo])
}

/// What puts the rules that go back to their places.
fn lost(space: &Space, netns: &NsName, chains: &[FilterChain], goes: impl Fn(&Again) -> bool) -> Result<Inverse> {
    let places: Vec<_> = chains.iter().map(|chain| (*chain, chain.place())).collect();
    ruleset::lost((space, netns), &places, goes, |chain, rule| Change::Insert {
        chain,
        at: rule.at,
        matches: rule.matches,
        verdict: rule.action.verdict,
    })
}
