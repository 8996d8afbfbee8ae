//! Whether what a step changed is still as the lab left it.
//!
//! The state of the very thing that a change is about is told by the inverses that the nouns find: what would undo the
//! deletion of an address adds it again, with all that it has. Of each operation that undoes a step, that is read
//! before the step, after it, and again before it is undone; and since an inverse may be the same whatever there is (what
//! was added is deleted), that one's own inverse is read too.

use nix::errno::Errno;
use serde_json::{Value as Json, json};

use crate::error::Result;
use crate::ops::{Inverse, Op, World};

/// What there is of what an operation is about.
pub(super) fn of(world: &World, undo: &Op) -> Result<Json> {
    let (first, told) = first(world, undo)?;
    let (_, again) = match &first {
        Some(op) => self::first(world, op)?,
        None => (None, Json::Null),
    };
    let mut both = json!([told, again]);
    settle(&mut both);
    Ok(both)
}

/// The first operation of an inverse, which is about the same thing as the operation; and how it is told.
fn first(world: &World, op: &Op) -> Result<(Option<Op>, Json)> {
    match op.change.operation().inverse(world, &op.netns) {
        Ok(Inverse::By(ops)) => {
            let first = ops.into_iter().next();
            let told = serde_json::to_value(&first).expect("an operation is plain data");
            Ok((first, told))
        }
        Ok(Inverse::Cannot(why)) => Ok((None, why.into())),
        // There is no such device, namespace or parameter. Whatever else fails says nothing of what there is.
        Err(problem) if matches!(problem.errno, Some(Errno::ENODEV | Errno::ENOENT)) => Ok((None, Json::Null)),
        Err(problem) => Err(problem),
    }
}

/// Leaves out what the kernel changes by itself: how sure it is of a neighbour, and where it last heard a peer of
/// WireGuard.
fn settle(told: &mut Json) {
    match told {
        Json::Object(map) => {
            map.retain(|key, _| !matches!(key.as_str(), "nud" | "endpoint"));
            map.values_mut().for_each(settle);
        }
        Json::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}

/// Whether a state has a device as the master of another.
pub(super) fn has_master(state: &Json, dev: &str) -> bool {
    match state {
        Json::Object(map) => map.iter().any(|(key, value)| match value {
            Json::String(name) => key == "master" && name == dev,
            other => has_master(other, dev),
        }),
        Json::Array(items) => items.iter().any(|item| has_master(item, dev)),
        _ => false,
    }
}
