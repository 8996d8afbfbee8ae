//! What undoes a change of classes.

use super::{Change, ClassFact, Gone, Which, classes, link};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::qdisc::inverse::{is_class, said_class};
use crate::ops::{self, IfName, Inverse, World};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let (dev, id) = match change {
        Change::Add(class) | Change::Replace(class) => (&class.dev, class.keys.classid),
        Change::Del(gone) => (&gone.dev, gone.which.classid),
    };
    let Some(id) = id else {
        return Ok(Inverse::By(Vec::new()));
    };
    let old = facts(world, netns, dev)?.into_iter().find(|fact| is_class(fact, id));
    let Some(old) = old else {
        let which = Which { classid: Some(id) };
        let undo = (!matches!(change, Change::Del(_))).then(|| {
            Change::Del(Gone {
                dev: dev.clone(),
                which,
            })
        });
        return Ok(Inverse::changes(netns, undo));
    };
    Ok(match said_class(&old, dev) {
        Some(class) => Inverse::changes(netns, [Change::Replace(class)]),
        None => Inverse::Cannot(format!("the class {} of {dev} has what nsx cannot say", old.handle)),
    })
}

fn facts(world: &World, netns: &NsName, dev: &IfName) -> Result<Vec<ClassFact>> {
    let index = link::index(world, netns, dev)?;
    Ok(classes(world, netns, index)?
        .iter()
        .map(|class| ClassFact::new(class, None))
        .collect())
}

/// What makes the classes of a device again, those that others belong to first.
pub fn again(world: &World, netns: &NsName, dev: &IfName) -> Result<Vec<ops::Change>> {
    let facts = facts(world, netns, dev)?;
    let depth = |fact: &ClassFact| {
        let parent_of = |fact: &ClassFact| facts.iter().find(|other| Some(&other.handle) == fact.parent.as_ref());
        std::iter::successors(Some(fact), |fact| parent_of(fact))
            .take(facts.len())
            .count()
    };
    let mut ordered: Vec<&ClassFact> = facts.iter().filter(|fact| fact.class == "htb").collect();
    ordered.sort_by_key(|fact| depth(fact));
    let class = |fact: &ClassFact| said_class(fact, dev).map(|class| Change::Replace(class).into());
    Ok(ordered.into_iter().filter_map(class).collect())
}
