//! Taking back what a lab did on the machine. It goes on whatever fails, and can be done again from any point.
//!
//! The order is the cheap one: first what was changed of things that were there before (a device that was moved comes
//! back), then the lab's devices, which take addresses and routes along, then its tables, then its namespaces.

use std::collections::{BTreeMap, BTreeSet};

use nix::errno::Errno;

use super::Mark;
use super::journal::{Journal, Step, device};
use super::state;
use crate::error::{Kind, Mistake, Problem, Result};
use crate::netlink::nftables::{self, Batch};
use crate::netns::{self as spaces, NsName};
use crate::ops::names::Links;
use crate::ops::{Change, IfName, Op, World, filter, link, nat, netns};

/// Whether what a change makes is found by its mark, and not by its inverse.
pub(super) fn goes_by_mark(change: &Change) -> bool {
    matches!(
        change,
        Change::Netns(_) | Change::Link(link::Change::Add { .. }) | Change::Nat(_) | Change::Filter(_)
    )
}

/// Undoes what a journal tells of; what that failed at. The journal is removed where nothing did.
pub fn undo(world: &World, journal: &mut Journal) -> Vec<Box<Problem>> {
    let mut problems = Vec::new();
    let (mark, foreign) = (journal.mark(), journal.foreign());
    let mut undone = Undone::before(world, journal.steps.iter());
    // What was done to a device is undone in order: where one step fails, those before it wait for the next try.
    let mut held: BTreeSet<(NsName, IfName)> = BTreeSet::new();
    backwards(journal, &mut problems, |number, step| {
        if goes_by_mark(&step.op.change) {
            return None;
        }
        let devices = step.devices();
        if !devices.is_disjoint(&held) {
            held.extend(devices);
            return None;
        }
        let reverted = revert(world, (number, step), &mark, &mut undone);
        if reverted
            .as_ref()
            .is_err_and(|problem| problem.mistake != Some(Mistake::NotAsLeft))
        {
            held.extend(devices);
        }
        Some(reverted)
    });
    for netns in foreign {
        if let Err(problem) = sweep(world, &netns, &mark) {
            problems.push(problem);
        }
    }
    // A device that could not be moved back would go with the namespace that it is in.
    let hosting: BTreeSet<_> = journal.steps.values().filter_map(Step::moved_into).cloned().collect();
    backwards(journal, &mut problems, |_, step| {
        let name = step.made_netns().filter(|name| !hosting.contains(*name))?;
        Some(remove(world, name, step.made, &mark))
    });
    problems.extend(world.kernel.until_freed().err());
    if problems.is_empty()
        && let Err(error) = journal.remove()
    {
        problems.push(Problem::system("remove the journal", error));
    }
    problems
}

/// Undoes those steps that `undo` knows how to, the last one first. One that fails does not keep the others.
#[expect(clippy::vec_box, reason = "problems are boxed wherever they go")]
fn backwards(
    journal: &mut Journal,
    problems: &mut Vec<Box<Problem>>,
    mut undo: impl FnMut(usize, &Step) -> Option<Result<()>>,
) {
    let numbers: Vec<_> = journal.steps.keys().rev().copied().collect();
    for number in numbers {
        match journal.steps.get(&number).and_then(|step| undo(number, step)) {
            // Where it cannot be written down that it is undone, it will be found so.
            Some(Ok(())) => drop(journal.over(number)),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
    }
}

/// Undoes one step, if what it was done to is still the same and still as the lab left it. The devices that were `undone`
/// before are as that left them.
pub(super) fn revert(world: &World, (number, step): (usize, &Step), mark: &Mark, undone: &mut Undone) -> Result<()> {
    // Another namespace has the name now, or none: what was in it is gone with it.
    if cookie(world, &step.op.netns)? != Some(step.cookie) {
        return Ok(());
    }
    let moves = step.moved_into().is_some();
    for (place, op) in step.undo().iter().enumerate() {
        let dev = device(op);
        if let Some(dev) = &dev {
            match link::identity(world, &op.netns, dev)? {
                None => match step.index.filter(|_| op.netns == step.op.netns) {
                    Some(index) if let Some(name) = Links::read(&*world.space(&op.netns)?)?.get(index) => {
                        return Err(left(op, &format!("{dev} is called {name} by now")));
                    }
                    _ => continue,
                },
                Some((_, alias)) if mark.is_in(&alias) => continue,
                Some((index, _)) if !moves && step.index.is_some_and(|before| before != index) => {
                    return Err(left(op, &format!("{dev} is another device by now")));
                }
                Some(_) => {}
            }
        }
        let now = state::of(world, op)?;
        let is_after = step.after.as_ref() == Some(&now);
        let is_before = step.before.get(place) == Some(&now);
        // What follows the first operation puts back what the kernel changed along with it.
        if is_before && (place > 0 || !is_after) {
            continue;
        }
        let device = dev.map(|dev| (op.netns.clone(), dev));
        let is_undone = undone.was_as_left(number, device.as_ref());
        if place == 0 && !is_after && !is_undone && step.after.is_some() {
            return Err(left(op, "it has been changed since"));
        }
        if matches!(op.change, Change::Link(_)) {
            undone.devices.extend(device);
        }
        if let Err(problem) = op.act(world) {
            // The device is gone, or somebody has undone it in this moment.
            let is_gone = matches!(problem.errno, Some(Errno::ENODEV | Errno::ENOENT));
            if !is_gone && step.before.get(place) != Some(&state::of(world, op)?) {
                return Err(op.explain(world, problem));
            }
        }
    }
    Ok(())
}

/// The number of a namespace; nothing where there is none of that name.
fn cookie(world: &World, netns: &NsName) -> Result<Option<u64>> {
    match world.kernel.cookie(netns) {
        Ok(cookie) => Ok(Some(cookie)),
        Err(problem) if problem.errno == Some(Errno::ENOENT) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// What has been put back: to put one setting of a device back may change another.
pub(super) struct Undone {
    /// The devices of which settings have been put back.
    devices: BTreeSet<(NsName, IfName)>,
    /// The steps that were as the lab left them before that began, but for what it did itself since.
    as_left: BTreeSet<usize>,
}

impl Undone {
    /// Nothing yet, of all that these steps did.
    pub(super) fn before<'a>(world: &World, steps: impl Iterator<Item = (&'a usize, &'a Step)>) -> Undone {
        let is_setting = |step: &Step| matches!(step.op.change, Change::Link(_)) && step.after.is_some();
        let settings: BTreeMap<_, _> = steps.filter(|(_, step)| is_setting(step)).collect();
        let mut as_left: BTreeMap<usize, &Step> = BTreeMap::new();
        for (number, step) in settings.into_iter().rev() {
            // A later step began where this one ended.
            let is_gone_on = |later: &&Step| later.before.first() == step.after.as_ref();
            if as_left.values().any(is_gone_on) || step.is_as_left(world) {
                as_left.insert(*number, step);
            }
        }
        Undone {
            as_left: as_left.into_keys().collect(),
            devices: BTreeSet::new(),
        }
    }

    /// Whether a step was as the lab left it, and no longer is because of what was put back since.
    fn was_as_left(&self, step: usize, device: Option<&(NsName, IfName)>) -> bool {
        device.is_some_and(|device| self.devices.contains(device)) && self.as_left.contains(&step)
    }
}

fn left(op: &Op, why: &str) -> Box<Problem> {
    Problem::new(Kind::Kernel, format!("left as it is, because {why}: {}", op.spell()))
        .known(Mistake::NotAsLeft)
        .help("put it back by hand, as that command would or as it should be, and then: nsx clean")
}

/// Removes what has the mark from a namespace that the lab did not make: its devices, its tables.
fn sweep(world: &World, netns: &NsName, mark: &Mark) -> Result<()> {
    let space = match world.kernel.space(netns) {
        Ok(space) => space,
        Err(problem) if problem.errno == Some(Errno::ENOENT) => return Ok(()),
        Err(problem) => return Err(problem),
    };
    link::delete_marked(&space, mark)?;
    for table in [nat::TABLE, filter::TABLE] {
        let found = match nftables::table(&space, table) {
            Ok(found) => found,
            // A kernel without nf_tables has no tables.
            Err(problem) if problem.kind == Kind::Missing => return Ok(()),
            Err(problem) => return Err(problem),
        };
        if found.flatten().as_deref() == Some(mark.text.as_str()) {
            let mut batch = Batch::default();
            batch.delete_table(table);
            batch.commit(&space).map_err(|refusal| refusal.problem)?;
        }
    }
    Ok(())
}

/// Removes a namespace that the lab made, or its name where it got no further.
fn remove(world: &World, name: &NsName, made: Option<u64>, mark: &Mark) -> Result<()> {
    let failed = |e| Problem::system(&format!("remove netns {name}"), e);
    match spaces::named(name).map_err(failed)? {
        spaces::Named::Nothing => Ok(()),
        spaces::Named::File(text) if text == mark.text => spaces::remove(name).map_err(failed),
        spaces::Named::Namespace if made.is_some() && cookie(world, name)? == made => netns::delete(world, name),
        _ => Err(Problem::new(
            Kind::Kernel,
            format!("netns {name} was left: it is not the one that this lab made"),
        )
        .known(Mistake::NotAsLeft)
        .help("what nsx does not know to be its own it lets alone")),
    }
}
