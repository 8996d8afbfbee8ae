//! A lab on the machine's own network: what it makes bears its mark and is written down before it is made, so that all of
//! it, and nothing else, can be taken back.
//!
//! The mark is a random id: a device has it in its alias (and, until the kernel takes an alias, in its group), a table of
//! nf_tables in its comment, the file of a namespace's name in its text; routes and rules have the protocol number
//! [`PROTOCOL`]. A namespace is known by its cookie, which the kernel never gives twice. What is inside a namespace that the
//! lab made goes with it and is not written down.

mod guard;
mod journal;
mod state;
mod teardown;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use nix::errno::Errno;

pub use journal::{Begin, Journal, Read, Step};
pub use teardown::undo;

use super::{Change, Inverse, Op, World, link, netns, route, rule};
use crate::error::{Kind, Mistake, Problem, Result};
use crate::netns::{NsName, own_cookie};

/// The number that routes and rules of a lab on the machine have as their protocol.
pub const PROTOCOL: u8 = 110;

/// What becomes of a change that could cut the machine off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uplink {
    /// It is refused.
    Guarded,
    /// It is made, and all of the lab is taken back after so many seconds unless somebody confirms it.
    Lent(u32),
}

/// The owner of what a lab makes on the machine.
pub struct Owner {
    journal: RefCell<Journal>,
    mark: Mark,
    /// The namespaces that the lab made.
    made: RefCell<BTreeSet<NsName>>,
    /// Those of them that it moved devices into which it did not make.
    hosting: RefCell<BTreeSet<NsName>>,
    uplink: Uplink,
    is_lent: Cell<bool>,
}

/// What a lab's things bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// In aliases and comments.
    pub text: String,
    /// The group that a device is born in.
    pub group: u32,
}

impl Mark {
    fn of(id: &str) -> Mark {
        let group = u32::from_str_radix(id.get(..8).unwrap_or_default(), 16).unwrap_or(0);
        Mark {
            text: format!("nsx:{id}"),
            group: (group & 0x7fff_ffff) | 0x4000_0000,
        }
    }

    /// Whether an alias has it: alone, or behind the script's own text.
    pub fn is_in(&self, alias: &str) -> bool {
        let rest = alias.strip_suffix(self.text.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(' '))
    }

    fn added_to(&self, alias: Option<&str>) -> String {
        match alias {
            Some(alias) if !alias.is_empty() && !self.is_in(alias) => format!("{alias} {}", self.text),
            Some(alias) if !alias.is_empty() => alias.to_string(),
            _ => self.text.clone(),
        }
    }
}

impl Owner {
    /// A new owner, its journal in the file `path`, which must not be there yet.
    pub fn begin(path: &Path, boot: &str, uplink: Uplink) -> io::Result<Owner> {
        let id = random()?;
        let begin = Begin {
            id: id.clone(),
            boot: boot.to_string(),
            cookie: own_cookie()?,
        };
        Ok(Owner {
            journal: RefCell::new(Journal::create(path, begin)?),
            mark: Mark::of(&id),
            made: RefCell::default(),
            hosting: RefCell::default(),
            uplink,
            is_lent: Cell::new(false),
        })
    }

    /// What the lab's things bear.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Carries an operation out: marked, guarded, and written down before.
    pub(super) fn apply(&self, world: &World, op: &Op) -> Result<()> {
        let op = self.marked(world, op)?;
        if self.is_inside(&op) {
            return self.act_on_own(world, &op);
        }
        self.guard(world, &op)?;
        if self.is_covered(world, &op)? {
            return self.act_on_own(world, &op);
        }
        if let Change::Netns(netns::Change::Del { name }) = &op.change {
            self.move_back(world, name)?;
        }
        let inverse = match teardown::goes_by_mark(&op.change) {
            true => Inverse::By(Vec::new()),
            // Where it cannot be found out (there is no such device), the operation fails for the same reason.
            false => op.change.operation().inverse(world, &op.netns)?,
        };
        if let Inverse::Cannot(why) = &inverse {
            let message = format!("on the machine itself nsx does only what it can undo: {why}");
            return Err(Problem::new(Kind::Kernel, message)
                .known(Mistake::NotUndone)
                .help("do it by hand, or run the script in a sandbox: without --host"));
        }
        let step = Step::new(world, &op, inverse)?;
        self.hosting.borrow_mut().extend(step.moved_into().cloned());
        let number = self.journal.borrow_mut().intend(step).map_err(unwritten)?;
        let acted = self.act(world, &op);
        match &acted {
            Ok(()) => self.keep_state(world, number)?,
            // What is there already is somebody else's.
            Err(problem) if problem.errno == Some(Errno::EEXIST) => {
                self.journal.borrow_mut().over(number).map_err(unwritten)?;
            }
            // Whether the kernel did it before it failed is found out when it is undone.
            Err(_) => {}
        }
        match (&acted, &op.change) {
            (Ok(()), Change::Netns(netns::Change::Add { name })) => drop(self.made.borrow_mut().insert(name.clone())),
            (Ok(()), Change::Netns(netns::Change::Del { name })) => {
                self.made.borrow_mut().remove(name);
                let mut journal = self.journal.borrow_mut();
                journal
                    .gone(name)
                    .and_then(|()| journal.over(number))
                    .map_err(unwritten)?;
            }
            _ => {}
        }
        acted
    }

    /// Writes down what there is of what a step is about, now that it is done. Where that cannot be read it is taken for the
    /// lab's when it is undone, as it is after a kill.
    fn keep_state(&self, world: &World, number: usize) -> Result<()> {
        let now = self
            .journal
            .borrow()
            .steps
            .get(&number)
            .and_then(|step| state::of(world, step.undo().first()?).ok());
        self.journal.borrow_mut().done(number, now).map_err(unwritten)
    }

    /// Carries out an operation. Of a pair the request can mark one end only; the other, which goes with it wherever it is,
    /// gets the mark so that it is known.
    fn act(&self, world: &World, op: &Op) -> Result<()> {
        op.act(world)?;
        let Change::Link(change) = &op.change else {
            return Ok(());
        };
        match change.peer(&op.netns) {
            Some((there, peer)) if !self.made.borrow().contains(there) => {
                let change = link::Change::with_alias(peer, &self.mark.text).into();
                let netns = there.clone();
                Op { netns, change }.act(world)
            }
            _ => Ok(()),
        }
    }

    /// Carries out an operation on the lab's own. Where a bridge of the lab goes or gets another name, so do the
    /// ports that the lab gave it change, which are not its own: that is its doing too.
    fn act_on_own(&self, world: &World, op: &Op) -> Result<()> {
        let dev = match &op.change {
            Change::Link(link::Change::Del { dev } | link::Change::Set { dev, .. }) => dev.as_str(),
            _ => return self.act(world, op),
        };
        let is_port = |step: &Step| step.after.as_ref().is_some_and(|after| state::has_master(after, dev));
        let ports: Vec<usize> = self
            .journal
            .borrow()
            .steps
            .iter()
            .filter(|(_, step)| is_port(step) && step.is_as_left(world))
            .map(|(number, _)| *number)
            .collect();
        self.act(world, op)?;
        ports.into_iter().try_for_each(|number| self.keep_state(world, number))
    }

    /// Moves the devices that the lab moved into one of its namespaces back before that goes.
    fn move_back(&self, world: &World, name: &NsName) -> Result<()> {
        let moved: Vec<(usize, Step)> = self
            .journal
            .borrow()
            .steps
            .iter()
            .rev()
            .filter(|(_, step)| step.moved_into() == Some(name) || step.op.netns == *name)
            .map(|(number, step)| (*number, step.clone()))
            .collect();
        let mut undone = teardown::Undone::before(world, moved.iter().map(|(number, step)| (number, step)));
        for (number, step) in moved {
            teardown::revert(world, (number, &step), &self.mark, &mut undone)?;
            self.journal.borrow_mut().over(number).map_err(unwritten)?;
        }
        Ok(())
    }

    /// Writes down which namespace is about to get its name.
    pub(super) fn made(&self, cookie: u64) -> io::Result<()> {
        self.journal.borrow_mut().made(cookie)
    }

    /// Whether an operation stays within namespaces that the lab made.
    fn is_inside(&self, op: &Op) -> bool {
        let made = self.made.borrow();
        !matches!(op.change, Change::Netns(_))
            && journal::touched(op).iter().all(|netns| made.contains(netns))
            && !self.is_guest(op)
    }

    /// Whether an operation is about a device that the lab moved where it is and did not make.
    pub(super) fn is_guest(&self, op: &Op) -> bool {
        if !self.hosting.borrow().contains(&op.netns) {
            return false;
        }
        let dev = journal::device(op);
        let is_it = |undo: &Op| {
            undo.netns == op.netns && matches!(undo.change, Change::Link(_)) && journal::device(undo) == dev
        };
        let journal = self.journal.borrow();
        dev.is_some()
            && journal
                .steps
                .values()
                .any(|step| step.undo().first().is_some_and(is_it))
    }

    /// Whether what an operation does goes with what the lab made, or with what is written down already: it is done to a
    /// device of the lab, or bears the mark and is where others have been made.
    fn is_covered(&self, world: &World, op: &Op) -> Result<bool> {
        let journal = self.journal.borrow();
        let made = self.made.borrow();
        let is_known = |netns: &NsName| made.contains(netns) || journal.has_touched(netns);
        if matches!(op.change, Change::Netns(_)) || !journal::touched(op).iter().all(is_known) {
            return Ok(false);
        }
        if teardown::goes_by_mark(&op.change) {
            let is_like = |step: &Step| {
                std::mem::discriminant(&step.op.change) == std::mem::discriminant(&op.change)
                    && step.op.netns == op.netns
            };
            return Ok(journal.steps.values().any(is_like));
        }
        // A route that is replaced may be another device's.
        let is_replaced = matches!(op.change, Change::Route(route::Change::Replace(_)));
        let Some(dev) = journal::device(op).filter(|_| !is_replaced) else {
            return Ok(false);
        };
        let found = link::identity(world, &op.netns, &dev)?;
        Ok(found.is_some_and(|(_, alias)| self.mark.is_in(&alias)))
    }

    /// The operation that makes things with the mark on them.
    fn marked(&self, world: &World, op: &Op) -> Result<Op> {
        let mut op = op.clone();
        match &mut op.change {
            Change::Link(link::Change::Add { settings, .. }) => {
                settings.alias = Some(self.mark.added_to(settings.alias.as_deref()));
            }
            Change::Link(link::Change::Set { dev, settings, .. }) if settings.alias.is_some() => {
                let before = link::alias(world, &op.netns, dev)?;
                if before.is_some_and(|alias| self.mark.is_in(&alias)) {
                    settings.alias = Some(self.mark.added_to(settings.alias.as_deref()));
                }
            }
            Change::Route(route::Change::Add(route) | route::Change::Replace(route)) => route.mark(PROTOCOL),
            Change::Rule(rule::Change::Add(rule)) => rule.mark(PROTOCOL),
            _ => {}
        }
        Ok(op)
    }

    /// Takes all of it back; what that failed at. The journal is removed where nothing did.
    pub fn undo(&self, world: &World) -> Vec<Box<Problem>> {
        teardown::undo(world, &mut self.journal.borrow_mut())
    }
}

fn unwritten(error: io::Error) -> Box<Problem> {
    Problem::system("write the journal", error).help("nothing is done on the machine that is not written down before")
}

/// A random id: 16 hexadecimal digits.
fn random() -> io::Result<String> {
    use std::io::Read as _;
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_behind_other_words_and_nowhere_else() {
        let mark = Mark::of("0123456789abcdef");
        for ours in ["nsx:0123456789abcdef", "my link nsx:0123456789abcdef"] {
            assert!(mark.is_in(ours), "{ours}");
            assert_eq!(mark.added_to(Some(ours)), ours);
        }
        for other in [
            "",
            "nsx:",
            "nsx:0123456789abcdee",
            "nsx:0123456789abcdef2",
            "xnsx:0123456789abcdef",
        ] {
            assert!(!mark.is_in(other), "{other}");
            assert!(mark.is_in(&mark.added_to(Some(other))), "{other}");
        }
    }
}
