//! What was done in a lab, and which line of which script asked for it.
//!
//! Every [`Op`] that was carried out is kept, in order: a diagnosis finds there what made, moved or set a thing,
//! and whoever undoes or writes down a lab what there is to undo. Keeping one costs a copy of it.

use std::cell::{Cell, Ref, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use super::{Inverse, Op};

/// How many operations are kept; of more, the last.
const LONGEST: usize = 1 << 16;

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

/// The operations that were carried out in a lab, the first of them first.
#[derive(Debug, Default)]
pub struct History {
    done: RefCell<VecDeque<Done>>,
    here: RefCell<Option<Line>>,
    keeps_inverses: Cell<bool>,
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
        if done.len() == LONGEST {
            done.pop_front();
        }
        done.push_back(Done {
            op: op.clone(),
            line: self.here.borrow().clone(),
            inverse,
        });
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
        for _ in 0..LONGEST + 2 {
            history.keep(&Op::lo_up(), None);
        }
        assert_eq!(history.done().len(), LONGEST);
        assert!(size_of::<Done>() <= 512, "{} bytes an operation", size_of::<Done>());
    }
}
