//! What undoes a change of the filter.

use super::{Change, FilterChain, Policy, ruleset};
use crate::error::Result;
use crate::netlink::Space;
use crate::netlink::nftables;
use crate::netns::NsName;
use crate::ops::ruleset::Again;
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
        }
        | Change::Insert {
            chain,
            matches,
            verdict,
            ..
        } => {
            let undo = Change::Remove {
                chain: *chain,
                matches: matches.clone(),
                verdict: *verdict,
            };
            Ok(Inverse::changes(netns, [undo]))
        }
        Change::Remove {
            chain,
            matches,
            verdict,
        } => {
            let is_it = |rule: &Again| rule.matches == *matches && rule.action == verdict.action();
            lost(&space, netns, &[*chain], is_it)
        }
        Change::Del { chain, handle } => lost(&space, netns, &[*chain], |rule| rule.handle == Some(*handle)),
        Change::Flush {} => lost(&space, netns, &FilterChain::ALL, |_| true),
    }
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
