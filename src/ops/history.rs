//! What was done in a lab, and which line of which script asked for it.
//!
//! Every [`Op`] that was carried out is kept, in order: a diagnosis finds there what made, moved or set a thing,
//! and whoever undoes or writes down a lab what there is to undo. Keeping one costs a copy of it.

use std::cell::{Cell, Ref, RefCell};
use std::collections::{HashSet, VecDeque};
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

use super::{Inverse, Op};

/// How many operations are kept at most; of more, the last.
const LONGEST: usize = 1 << 16;

/// At how many it is looked first whether a script does the same again and again.
const LONG: usize = 1 << 11;

/// A line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The script's name, as the user gave it.
    pub source: Rc<str>,
    /// The line, from 1.
    pub line: usize,
}

/// An operation that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// What.
    pub op: Op,
    /// What asked for it; none for what nsx does of its own accord.
    pub line: Option<Line>,
    /// What undoes it, where that is kept.
    pub inverse: Option<Inverse>,
}

impl Done {
    /// What it has in common with the same operation of the same line.
    fn digest(&self) -> u64 {
        struct Hashed(DefaultHasher);
        impl fmt::Write for Hashed {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.write(text.as_bytes());
                Ok(())
            }
        }
        let mut hashed = Hashed(DefaultHasher::new());
        let _ = write!(hashed, "{:?} {:?}", self.op, self.line);
        hashed.0.finish()
    }
}

/// The operations that were carried out in a lab, the first of them first.
#[derive(Debug)]
pub struct History {
    done: RefCell<VecDeque<Done>>,
    /// At how many it is looked next.
    long: Cell<usize>,
    here: RefCell<Option<Line>>,
    keeps_inverses: Cell<bool>,
}

impl Default for History {
    fn default() -> History {
        History {
            done: RefCell::default(),
            long: Cell::new(LONG),
            here: RefCell::default(),
            keeps_inverses: Cell::default(),
        }
    }
}

impl History {
    /// Says which line is being carried out.
    pub fn at(&self, source: &str, line: usize) {
        let mut here = self.here.borrow_mut();
        match &mut *here {
            Some(here) if &*here.source == source => here.line = line,
            here => {
                *here = Some(Line {
                    source: source.into(),
                    line,
                });
            }
        }
    }

    /// From now on, keeps with each operation what undoes it.
    pub fn keep_inverses(&self) {
        self.keeps_inverses.set(true);
    }

    /// Whether what undoes an operation is kept with it. To find it takes a look at the state before.
    pub(super) fn keeps_inverses(&self) -> bool {
        self.keeps_inverses.get()
    }

    /// The line that is being carried out.
    pub fn here(&self) -> Option<Line> {
        self.here.borrow().clone()
    }

    /// Keeps an operation that was carried out.
    pub(super) fn keep(&self, op: &Op, inverse: Option<Inverse>) {
        let mut done = self.done.borrow_mut();
        if done.len() >= self.long.get() {
            self.make_room(&mut done);
        }
        done.push_back(Done {
            op: op.clone(),
            line: self.here.borrow().clone(),
            inverse,
        });
    }

    /// Of what the same line did more than once, the last time tells as much as all of them. What is kept to be undone is all
    /// kept.
    fn make_room(&self, done: &mut VecDeque<Done>) {
        if !self.keeps_inverses() {
            let mut seen = HashSet::new();
            let mut kept: VecDeque<Done> = VecDeque::with_capacity(done.len());
            for one in done.drain(..).rev() {
                if seen.insert(one.digest()) {
                    kept.push_front(one);
                }
            }
            *done = kept;
        }
        if done.len() > self.long.get() / 2 {
            self.long.set((2 * self.long.get()).min(LONGEST));
        }
        if done.len() >= LONGEST {
            done.drain(..LONGEST / 4);
        }
    }

    /// All that was carried out.
    pub fn done(&self) -> Ref<'_, VecDeque<Done>> {
        self.done.borrow()
    }

    /// Takes out what was carried out after the first `count` operations, for whoever undoes it.
    pub fn forget_after(&self, count: usize) -> Vec<Done> {
        let mut done = self.done.borrow_mut();
        let count = count.min(done.len());
        done.split_off(count).into()
    }

    /// The last operation that `find` finds something in: that, and the words for its line.
    pub(super) fn last<T>(&self, find: impl Fn(&Op) -> Option<T>) -> Option<(T, String)> {
        let done = self.done.borrow();
        let found = |done: &Done| Some((find(&done.op)?, self.words(done.line.as_ref())));
        done.iter().rev().find_map(found)
    }

    /// `at line 7`, or `at lib/wire.rhai:7` where the line is another script's than the one being carried out.
    fn words(&self, line: Option<&Line>) -> String {
        let Some(Line { source, line }) = line else {
            return "by nsx itself".into();
        };
        match &*self.here.borrow() {
            Some(here) if here.source == *source => format!("at line {line}"),
            _ => format!("at {source}:{line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_another_script_is_named() {
        let history = History::default();
        history.keep(&Op::lo_up(), None);
        history.at("lib.rhai", 3);
        history.keep(&Op::lo_up(), None);
        let words = || history.last(|_| Some(())).expect("two").1;
        assert_eq!(words(), "at line 3");
        history.at("lab.rhai", 1);
        assert_eq!(words(), "at lib.rhai:3");
        assert_eq!(history.forget_after(1).len(), 1);
        assert_eq!(words(), "by nsx itself");
        assert_eq!(history.done().len(), 1);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let history = History::default();
        for number in 0..LONGEST + 2 {
            history.at("lab.rhai", number);
            history.keep(&Op::lo_up(), None);
        }
        assert!((LONGEST / 2..=LONGEST).contains(&history.done().len()));
        let last = history
            .done()
            .back()
            .and_then(|done| done.line.as_ref().map(|line| line.line));
        assert_eq!(last, Some(LONGEST + 1));
        assert!(size_of::<Done>() <= 512, "{} bytes an operation", size_of::<Done>());
    }

    #[test]
    fn what_a_line_does_again_and_again_is_kept_once() {
        let history = History::default();
        history.at("lab.rhai", 1);
        history.keep(&Op::lo_up(), None);
        for number in 0..10 * LONG {
            history.at("lab.rhai", 2 + number % 7);
            history.keep(&Op::lo_up(), None);
        }
        assert!(history.done().len() <= LONG);
        assert_eq!(history.done()[0].line.as_ref().map(|line| line.line), Some(1));
        // What is to be undone is not the same twice.
        let history = History::default();
        history.keep_inverses();
        for _ in 0..2 * LONG {
            history.keep(&Op::lo_up(), None);
        }
        assert_eq!(history.done().len(), 2 * LONG);
    }
}
