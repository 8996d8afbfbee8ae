//! What undoes a change of NAT.

use super::{Change, NatChain, ruleset};
use crate::error::Result;
use crate::netlink::Space;
use crate::netns::NsName;
use crate::ops::ruleset::Again;
use crate::ops::{Inverse, World};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let space = world.kernel.space(netns)?;
    match change {
        Change::Add { chain, matches, action }
        | Change::Insert {
            chain, matches, action, ..
        } => {
            let undo = Change::Remove {
                chain: *chain,
                matches: matches.clone(),
                action: action.clone(),
            };
            Ok(Inverse::changes(netns, [undo]))
        }
        Change::Remove { chain, matches, action } => {
            let handle = ruleset::find(&space, &chain.rule(matches, action), ruleset::END)?;
            lost(&space, netns, &[*chain], |rule| {
                handle.is_some() && rule.handle == handle
            })
        }
        Change::Del { chain, handle } => lost(&space, netns, &[*chain], |rule| rule.handle == Some(*handle)),
        Change::Flush {} => lost(&space, netns, &NatChain::ALL, |_| true),
    }
}

/// What puts the rules that go back to their places.
fn lost(space: &Space, netns: &NsName, chains: &[NatChain], goes: impl Fn(&Again) -> bool) -> Result<Inverse> {
    let places: Vec<_> = chains.iter().map(|chain| (*chain, chain.place())).collect();
    ruleset::lost((space, netns), &places, goes, |chain, rule| Change::Insert {
        chain,
        at: rule.at,
        matches: rule.matches,
        action: rule.action,
    })
}
