//! What undoes a change of neighbours.

use serde_json::json;

use super::{Among, Change, Links, NOARP, NeighFact, Neighbour, PERMANENT, table};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::{options, read};
use crate::ops::{Inverse, World};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let undo = match change {
        Change::Add(neighbour) => vec![Change::Del(neighbour.clone())],
        Change::Replace(neighbour) => match find(world, netns, neighbour)? {
            Some(old) => vec![Change::Replace(old)],
            None => vec![Change::Del(neighbour.clone())],
        },
        Change::Del(neighbour) => find(world, netns, neighbour)?
            .into_iter()
            .map(Change::Replace)
            .collect(),
        Change::Flush(among) => {
            let learnt = known(world, netns, among)?
                .into_iter()
                .filter(|(_, state)| state & (PERMANENT | NOARP) == 0);
            learnt.map(|(neighbour, _)| Change::Replace(neighbour)).collect()
        }
    };
    Ok(Inverse::changes(netns, undo))
}

/// The entries that can be said, each with its state.
fn known(world: &World, netns: &NsName, among: &Among) -> Result<Vec<(Neighbour, u16)>> {
    let links = Links::read(&*world.kernel.space(netns)?)?;
    let neighbour = |message: &_| {
        let fact = NeighFact::new(message, &links, false);
        let state = fact.state.first()?.to_lowercase();
        // What the kernel failed to learn is not worth telling it.
        fact.lladdr.as_ref().or(fact.proxy.then_some(&state))?;
        let entry = options(json!({
            "lladdr": fact.lladdr,
            "nud": (state != "permanent").then_some(state),
            "proxy": fact.proxy.then_some(true),
            "dev": fact.dev,
        }))?;
        let to = read(&fact.dst)?;
        Some((Neighbour { to, entry }, u16::from(message.header.state)))
    };
    Ok(table(world, netns, among)?.iter().filter_map(neighbour).collect())
}

fn find(world: &World, netns: &NsName, wanted: &Neighbour) -> Result<Option<Neighbour>> {
    let among = Among {
        dev: wanted.entry.dev.clone(),
        ..Among::default()
    };
    let known = known(world, netns, &among)?;
    Ok(known.into_iter().map(|(old, _)| old).find(|old| old.to == wanted.to))
}
