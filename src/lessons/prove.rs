//! Proves a lesson: what it says of the network is tried on one.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use super::lesson::{Block, Hint, Lesson, Step};
use super::run::{begin, check, command, evaluate, hint, solve};
use super::transcript::{Exchange, exchanges};
use crate::diagnostics::Report;
use crate::netns::NsName;
use crate::script::{Folder, Lab};

/// A result whose error has its place in the lesson.
type Result<T> = std::result::Result<T, Box<Report>>;

/// How long what is so may take to be seen: the kernel tells of a carrier up to a second late.
const PATIENCE: Duration = Duration::from_secs(3);

/// Something to be tried of a step, in a lab of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// That it begins undone, that it is done in its first way, and what is then seen.
    First,
    /// Another way to do it.
    Way(usize),
    /// A mistake, and its hint.
    Break(usize),
}

/// What is to be tried of a step.
pub fn trials(step: &Step) -> Vec<Trial> {
    let ways = (1..step.solutions.len()).map(Trial::Way);
    let breaks = (0..step.breaks.len()).map(Trial::Break);
    std::iter::once(Trial::First).chain(ways).chain(breaks).collect()
}

/// Tries something in the namespace that the process is in. The lesson is given in one or more languages, whose code is equal:
/// the first one's is run, and every one's words must do for its hints.
pub fn prove(lessons: &[&Lesson], index: usize, trial: Trial, folder: Folder) -> Result<()> {
    let printed = Rc::new(RefCell::new(String::new()));
    let sink = printed.clone();
    let sink = Box::new(move |text: &str| {
        sink.borrow_mut().push_str(text);
        Ok(())
    });
    let lab = Lab::new(folder, sink, None).map_err(Report::from)?;
    let lesson = lessons[0];
    let mut proof = Proof {
        lessons,
        lesson,
        step: &lesson.steps[index],
        index,
        lab,
        printed,
    };
    begin(&mut proof.lab, lesson, index)?;
    match trial {
        Trial::First => proof.first()?,
        Trial::Way(way) => proof.way(way)?,
        Trial::Break(which) => proof.mistake(which)?,
    }
    let left = proof.lab.leave(&lesson.file);
    left.into_iter().next().map_or(Ok(()), |report| Err(Box::new(report)))
}

struct Proof<'a> {
    lessons: &'a [&'a Lesson],
    lesson: &'a Lesson,
    step: &'a Step,
    index: usize,
    lab: Lab,
    printed: Rc<RefCell<String>>,
}

impl Proof<'_> {
    fn first(&mut self) -> Result<()> {
        if !self.step.solutions.is_empty() {
            self.is_undone()?;
            self.way(0)?;
        }
        let expects = &self.step.expects;
        expects.iter().try_for_each(|block| self.expect(block))
    }

    /// The step begins undone, and its hint says what is missing.
    fn is_undone(&mut self) -> Result<()> {
        let Some(block) = &self.step.check else { return Ok(()) };
        if self.check()? {
            let cause = "nothing was done yet in this step";
            return Err(self
                .lesson
                .fails(block.line - 1, "the check holds before the step is done", cause));
        }
        match (&self.step.hint, self.hint()?) {
            (Some(block), None) => {
                let cause = "nothing was done yet in this step";
                Err(self.lesson.fails(
                    block.line - 1,
                    "the hint finds nothing wrong where the step begins",
                    cause,
                ))
            }
            (_, hint) => self.has_words(hint.as_ref()),
        }
    }

    fn way(&mut self, way: usize) -> Result<()> {
        let blocks = &self.step.solutions[way];
        solve(&mut self.lab, self.lesson, blocks)?;
        let Some(block) = &self.step.check else { return Ok(()) };
        if !self.comes_true(|proof| proof.check())? {
            let cause = match self.hint()? {
                Some(hint) => format!("the hint is {}", spelt(&hint)),
                None => format!("`{}` at line {} was run", blocks[0].info, blocks[0].line - 1),
            };
            let message = "the check does not hold when the step is done";
            return Err(self.lesson.fails(block.line - 1, message, cause));
        }
        match (&self.step.hint, self.hint()?) {
            (Some(block), Some(hint)) => {
                let cause = format!("it is {}", spelt(&hint));
                Err(self.lesson.fails(
                    block.line - 1,
                    "the hint finds something wrong when the step is done",
                    cause,
                ))
            }
            _ => Ok(()),
        }
    }

    fn mistake(&mut self, which: usize) -> Result<()> {
        let (name, block) = &self.step.breaks[which];
        solve(&mut self.lab, self.lesson, std::slice::from_ref(block))?;
        let line = block.line - 1;
        let mut last = None;
        let found = self.comes_true(|proof| {
            last = proof.hint()?;
            Ok(last.as_ref().is_some_and(|hint| hint.name == *name))
        })?;
        if !found {
            let cause = match last {
                Some(hint) => format!("it gives {}", spelt(&hint)),
                None => "the hint finds nothing wrong".into(),
            };
            return Err(self
                .lesson
                .fails(line, format!("this mistake does not give the hint `{name}`"), cause));
        }
        if self.check()? {
            let cause = "the check holds after it";
            return Err(self.lesson.fails(line, "this is no mistake", cause));
        }
        self.has_words(last.as_ref())
    }

    fn expect(&mut self, block: &Block) -> Result<()> {
        let exchanges = exchanges(block).map_err(|line| {
            let help = "`$ ` begins a line of ip, ping, iptables …, `> ` one of nsx";
            self.lesson
                .miswritten(line, "nothing was typed before this is seen", help)
        })?;
        for exchange in &exchanges {
            let mut seen = String::new();
            let is_so = self.comes_true(|proof| {
                seen = proof.typed(exchange);
                Ok(exchange.compare(&seen).is_ok())
            })?;
            if let (false, Err(index)) = (is_so, exchange.compare(&seen)) {
                let message = match exchange.seen.get(index) {
                    Some(line) => format!("after `{}` this is not seen: {line}", exchange.typed),
                    None => format!("after `{}` more is seen", exchange.typed),
                };
                let line = exchange.line + (index + 1).min(exchange.seen.len());
                let seen = if seen.trim().is_empty() {
                    "nothing"
                } else {
                    seen.trim_end()
                };
                return Err(self.lesson.fails(line, message, format!("what is seen is\n{seen}")));
            }
        }
        Ok(())
    }

    /// What is seen after something is typed.
    fn typed(&mut self, exchange: &Exchange) -> String {
        self.printed.borrow_mut().clear();
        let value = match exchange.is_command {
            true => command(
                &mut self.lab,
                self.lesson,
                exchange.line,
                exchange.typed,
                &mut NsName::host(),
            ),
            false => evaluate(&mut self.lab, self.lesson, exchange.line, exchange.typed),
        };
        let shown = match value {
            Ok(value) => self.lab.text(&value).unwrap_or_default(),
            Err(report) => report.draw(false, 80),
        };
        self.printed.borrow().clone() + shown.as_str()
    }

    /// Whether something comes true before patience ends.
    fn comes_true(&mut self, mut is_so: impl FnMut(&mut Self) -> Result<bool>) -> Result<bool> {
        let end = Instant::now() + PATIENCE;
        loop {
            let changed = self.changes();
            if is_so(self)? {
                return Ok(true);
            }
            // What changes something is not done again.
            if Instant::now() > end || self.changes() != changed {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn changes(&self) -> usize {
        self.lab.world().history.done().len()
    }

    fn check(&self) -> Result<bool> {
        let line = self.step.check.as_ref().map_or(0, |block| block.line);
        self.changing_nothing(line, "the check", || check(&self.lab, self.lesson, self.step))
    }

    fn hint(&self) -> Result<Option<Hint>> {
        let line = self.step.hint.as_ref().map_or(0, |block| block.line);
        self.changing_nothing(line, "the hint", || hint(&self.lab, self.lesson, self.step))
    }

    fn changing_nothing<T>(&self, line: usize, what: &str, look: impl FnOnce() -> Result<T>) -> Result<T> {
        let before = self.changes();
        let found = look()?;
        match self.changes() == before {
            true => Ok(found),
            false => {
                let cause = "it is asked after each input of a learner";
                Err(self.lesson.fails(line - 1, format!("{what} changes something"), cause))
            }
        }
    }

    /// Every language has words for a hint.
    fn has_words(&self, hint: Option<&Hint>) -> Result<()> {
        let Some(hint) = hint else { return Ok(()) };
        for lesson in self.lessons {
            let step = &lesson.steps[self.index];
            let line = step.hint.as_ref().map_or(step.line, |block| block.line - 1);
            if let Err(why) = step.words(hint) {
                return Err(lesson.miswritten(line, why, "the list after the hint has the words of each"));
            }
        }
        Ok(())
    }
}

/// A hint as a message names it.
fn spelt(hint: &Hint) -> String {
    let values = hint.values.iter().map(|(key, value)| format!(", {key}: {value}"));
    format!("`{}`{}", hint.name, values.collect::<String>())
}
