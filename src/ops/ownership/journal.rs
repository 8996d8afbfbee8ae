//! What a lab on the machine is about to do, and has done: a line of JSON each, written before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Mark, state};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::{Change, IfName, Inverse, Op, World, link, netns};

/// Whose journal it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The random id of the run.
    pub id: String,
    /// The boot that it ran in.
    pub boot: String,
    /// The cookie of the namespace that was its `host`.
    pub cookie: u64,
}

/// An operation on what the lab did not make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What was to be done.
    pub op: Op,
    /// What undoes it.
    pub inverse: Inverse,
    /// The cookie of the namespace.
    pub cookie: u64,
    /// The index of the device that the operation names.
    pub index: Option<u32>,
    /// The cookie of the namespace that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<u64>,
    /// What there was before of what each operation of the inverse is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Json>,
    /// What there was, once it was done, of what the inverse's first operation is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Line {
    Begin(Begin),
    /// A step, and its number.
    Intent(usize, Box<Step>),
    /// The cookie of the namespace that a step makes.
    Made(usize, u64),
    /// A step is done, or what there is of it has changed by the lab's own doing; what there is now.
    Done(usize, Option<Json>),
    /// There is nothing, or nothing any more, to undo of it.
    Over(usize),
}

/// A journal, open.
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Whose it is.
    pub begin: Begin,
    /// What was to be done and is not over, by number.
    pub steps: BTreeMap<usize, Step>,
    next: usize,
    /// The namespaces that steps name or named, and the lab's own.
    touched: BTreeSet<NsName>,
    /// How many lines the file has.
    lines: usize,
}

/// The lines that a journal may have beyond a few for each step, before it is written anew.
const SPARE: usize = 1000;

/// A journal that was found.
pub enum Read {
    /// It tells of what was done.
    Journal(Box<Journal>),
    /// Its lab was killed before it did anything.
    Empty,
}

impl Step {
    /// What is about to be done.
    pub(super) fn new(world: &World, op: &Op, inverse: Inverse) -> Result<Step> {
        let index = match &op.change {
            Change::Link(link::Change::Add { .. }) => None,
            _ => device(op).and_then(|dev| link::index(world, &op.netns, &dev).ok()),
        };
        let mut step = Step {
            op: op.clone(),
            inverse,
            cookie: world.kernel.cookie(&op.netns)?,
            index,
            made: None,
            before: Vec::new(),
            after: None,
        };
        let before: Result<_> = step.undo().iter().map(|undo| state::of(world, undo)).collect();
        step.before = before?;
        Ok(step)
    }

    /// The operations that undo it.
    pub(super) fn undo(&self) -> &[Op] {
        match &self.inverse {
            Inverse::By(ops) => ops,
            Inverse::Cannot(_) => &[],
        }
    }

    /// The devices that it and what undoes it are about.
    pub(super) fn devices(&self) -> BTreeSet<(NsName, IfName)> {
        let ops = std::iter::once(&self.op).chain(self.undo());
        ops.filter_map(|op| Some((op.netns.clone(), device(op)?))).collect()
    }

    /// The namespace that it moved a device into.
    pub(super) fn moved_into(&self) -> Option<&NsName> {
        let there = &self.undo().first()?.netns;
        (*there != self.op.netns).then_some(there)
    }

    /// Whether what it is about is as it was once it was done.
    pub(super) fn is_as_left(&self, world: &World) -> bool {
        let now = self.undo().first().and_then(|first| state::of(world, first).ok());
        now == self.after
    }

    /// The namespace that it makes.
    pub fn made_netns(&self) -> Option<&NsName> {
        match &self.op.change {
            Change::Netns(netns::Change::Add { name }) => Some(name),
            _ => None,
        }
    }
}

impl Journal {
    pub(super) fn create(path: &Path, begin: Begin) -> io::Result<Journal> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let mut journal = Journal {
            path: path.to_path_buf(),
            file,
            begin: begin.clone(),
            steps: BTreeMap::new(),
            next: 0,
            touched: BTreeSet::from([NsName::host()]),
            lines: 0,
        };
        journal.write(&Line::Begin(begin))?;
        Ok(journal)
    }

    /// Opens the journal of a lab that is gone.
    pub fn open(path: &Path) -> io::Result<Read> {
        let text = std::fs::read_to_string(path)?;
        // The line that nsx was killed at has no end.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut lines = whole.lines().map(serde_json::from_str::<Line>);
        let begin = match lines.next() {
            None => return Ok(Read::Empty),
            Some(Ok(Line::Begin(begin))) => begin,
            Some(Ok(_)) => return Err(io::Error::other("its beginning is missing")),
            Some(Err(error)) => return Err(error.into()),
        };
        let file = OpenOptions::new().append(true).open(path)?;
        let mut journal = Journal {
            path: path.to_path_buf(),
            file,
            begin,
            steps: BTreeMap::new(),
            next: 0,
            touched: BTreeSet::from([NsName::host()]),
            lines: whole.lines().count(),
        };
        for line in lines {
            journal.read(line?)?;
        }
        if !text.ends_with('\n') {
            journal.file.set_len(whole.len() as u64 + 1)?;
        }
        Ok(Read::Journal(Box::new(journal)))
    }

    fn read(&mut self, line: Line) -> io::Result<()> {
        let wrong = || io::Error::other("it tells of a step that it does not have");
        match line {
            Line::Begin(_) => return Err(io::Error::other("it begins twice")),
            Line::Intent(number, step) => self.keep(number, *step),
            Line::Made(number, cookie) => self.steps.get_mut(&number).ok_or_else(wrong)?.made = Some(cookie),
            Line::Done(number, after) => self.steps.get_mut(&number).ok_or_else(wrong)?.after = after,
            Line::Over(number) => drop(self.steps.remove(&number).ok_or_else(wrong)?),
        }
        Ok(())
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        self.lines += 1;
        self.file.write_all(text(line).as_bytes())
    }

    pub(super) fn intend(&mut self, step: Step) -> io::Result<usize> {
        if self.lines > SPARE + 4 * self.steps.len() {
            self.write_anew()?;
        }
        let number = self.next;
        self.write(&Line::Intent(number, Box::new(step.clone())))?;
        self.keep(number, step);
        Ok(number)
    }

    /// Of the last step.
    pub(super) fn made(&mut self, cookie: u64) -> io::Result<()> {
        let number = self.next.saturating_sub(1);
        self.write(&Line::Made(number, cookie))?;
        if let Some(step) = self.steps.get_mut(&number) {
            step.made = Some(cookie);
        }
        Ok(())
    }

    pub(super) fn done(&mut self, number: usize, after: Option<Json>) -> io::Result<()> {
        self.write(&Line::Done(number, after.clone()))?;
        if let Some(step) = self.steps.get_mut(&number) {
            step.after = after;
        }
        Ok(())
    }

    pub(super) fn over(&mut self, number: usize) -> io::Result<()> {
        self.steps.remove(&number);
        self.write(&Line::Over(number))
    }

    /// The namespace `name`, which the lab made, is gone, and what was done in it.
    pub(super) fn gone(&mut self, name: &NsName) -> io::Result<()> {
        let is_of = |step: &Step| step.op.netns == *name || step.made_netns() == Some(name);
        let numbers: Vec<_> = self
            .steps
            .iter()
            .filter(|(_, step)| is_of(step))
            .map(|(number, _)| *number)
            .collect();
        numbers.into_iter().try_for_each(|number| self.over(number))
    }

    /// Writes only what is not over, in a new file in the place of the old one.
    fn write_anew(&mut self) -> io::Result<()> {
        let steps = self
            .steps
            .iter()
            .map(|(number, step)| Line::Intent(*number, Box::new(step.clone())));
        let lines = std::iter::once(Line::Begin(self.begin.clone())).chain(steps);
        let whole: String = lines.map(|line| text(&line)).collect();
        let beside = self.beside();
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(whole.as_bytes())?;
        std::fs::rename(&beside, &self.path)?;
        self.file = file;
        self.lines = self.steps.len() + 1;
        Ok(())
    }

    fn beside(&self) -> PathBuf {
        self.path.with_extension("journal~")
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        // One that nsx was killed at.
        let _ = std::fs::remove_file(self.beside());
        std::fs::remove_file(&self.path)
    }

    /// What the lab's things bear.
    pub fn mark(&self) -> Mark {
        Mark::of(&self.begin.id)
    }

    /// Whether the lab has worked in a namespace.
    pub(super) fn has_touched(&self, netns: &NsName) -> bool {
        self.touched.contains(netns)
    }

    /// The namespaces that the lab worked in and did not make.
    pub fn foreign(&self) -> BTreeSet<NsName> {
        let made: BTreeSet<_> = self.steps.values().filter_map(Step::made_netns).cloned().collect();
        &self.touched - &made
    }

    fn keep(&mut self, number: usize, step: Step) {
        self.touched.extend(touched(&step.op));
        self.next = number + 1;
        self.steps.insert(number, step);
    }
}

fn text(line: &Line) -> String {
    serde_json::to_string(line).expect("a line is plain data") + "\n"
}

/// The namespaces that an operation names.
pub(super) fn touched(op: &Op) -> Vec<NsName> {
    fn collect(value: &Json, found: &mut Vec<NsName>) {
        match value {
            Json::Object(map) => {
                for (key, value) in map {
                    match value {
                        Json::String(name) if key == "netns" => found.extend(name.parse::<NsName>().ok()),
                        other => collect(other, found),
                    }
                }
            }
            Json::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(
        &serde_json::to_value(op).expect("an operation is plain data"),
        &mut found,
    );
    found
}

/// The device that an operation is about.
pub(super) fn device(op: &Op) -> Option<IfName> {
    fn find(value: &Json) -> Option<&str> {
        match value {
            Json::Object(map) => match map.get("dev") {
                Some(Json::String(name)) => Some(name),
                _ => map.values().find_map(find),
            },
            _ => None,
        }
    }
    find(&serde_json::to_value(op).expect("an operation is plain data"))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Step {
        Step {
            op: Op::lo_up(),
            inverse: Inverse::By(Vec::new()),
            cookie: 7,
            index: Some(1),
            made: None,
            before: Vec::new(),
            after: None,
        }
    }

    fn begin() -> Begin {
        Begin {
            id: "0123456789abcdef".into(),
            boot: "b".into(),
            cookie: 7,
        }
    }

    fn read(path: &Path) -> io::Result<Vec<usize>> {
        Ok(match Journal::open(path)? {
            Read::Empty => Vec::new(),
            Read::Journal(journal) => journal.steps.keys().copied().collect(),
        })
    }

    #[test]
    fn a_journal_is_read_up_to_the_line_that_was_being_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.journal");
        let mut journal = Journal::create(&path, begin()).expect("a journal");
        assert!(Journal::create(&path, begin()).is_err(), "there is one");
        for number in 0..3 {
            journal.intend(step()).expect("a step");
            match number {
                0 => journal.done(number, Some("x".into())).expect("done"),
                1 => journal.over(number).expect("over"),
                _ => journal.made(9).expect("made"),
            }
        }
        assert_eq!(read(&path).expect("a journal"), [0, 2]);
        let text = std::fs::read_to_string(&path).expect("text");
        for cut in 0..text.len() {
            std::fs::write(&path, &text[..cut]).expect("a part");
            let once = read(&path).expect("a part of a journal");
            assert_eq!(read(&path).expect("again"), once);
        }
    }

    #[test]
    fn a_long_journal_is_written_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.journal");
        let mut journal = Journal::create(&path, begin()).expect("a journal");
        let kept = journal.intend(step()).expect("a step");
        for _ in 0..10_000 {
            let number = journal.intend(step()).expect("a step");
            journal.over(number).expect("over");
        }
        let last = journal.intend(step()).expect("a step");
        assert_eq!(read(&path).expect("a journal"), [kept, last]);
        assert!(std::fs::read_to_string(&path).expect("text").lines().count() < 2 * SPARE);
        journal.remove().expect("removed");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn what_is_no_journal_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.journal");
        let line = text(&Line::Begin(begin()));
        for bad in [
            "x\n",
            "{}\n",
            "{\"done\":[0,null]}\n",
            &format!("{line}{line}"),
            &format!("{line}{{\"done\":[3,null]}}\n"),
        ] {
            std::fs::write(&path, bad).expect("a file");
            assert!(Journal::open(&path).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_operation_says_where_and_on_what_it_acts() {
        assert_eq!(device(&Op::lo_up()), "lo".parse().ok());
        assert_eq!(touched(&Op::lo_up()), [NsName::host()]);
    }
}
