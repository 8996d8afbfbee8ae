//! A lesson in the REPL: its steps above the prompt, and a look after each input whether the step is done.

mod commands;
mod screen;

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use commands::{COMMANDS, doc, overview};

use super::{Flow, Past, Repl, Settings, complain};
use crate::error::{Kind, Problem, Result};
use crate::lessons::{self, Hint, Lang, Lesson, Progress, Step, Tongue, Words, fill};

/// How long after an input what it did may take to be seen.
const A_MOMENT: Duration = Duration::from_millis(150);

/// How long after the lesson's own doing: the kernel tells of a carrier up to a second late.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many hints there are: what is wrong, the form of the solution, the solution.
const HINTS: usize = 3;

/// Where somebody is in a lesson; it outlives a lab that is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// The index of the step.
    pub step: usize,
    /// The language.
    pub lang: Lang,
    /// Why a lab begins there.
    pub why: Why,
}

/// Why a lab begins at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The lesson was opened.
    Opened,
    /// The lab of before was thrown away.
    Anew,
    /// So that the step can be done as the lesson does it.
    ToDo,
    /// So that it can be done and left behind.
    ToSkip,
}

/// A lesson that is to be taught, in its languages, and the one after it.
pub struct Taught {
    /// The lesson.
    pub languages: Vec<Lesson>,
    /// The next one of the course.
    pub next: Vec<Lesson>,
}

/// What a learner has before them.
pub(super) struct Tutor {
    languages: Vec<Rc<Lesson>>,
    next: Vec<Lesson>,
    at: At,
    /// Whether something was done in this step.
    is_touched: bool,
    /// Whether the step is done.
    is_done: bool,
    /// Whether nothing is checked for now.
    is_playing: bool,
    /// The hint that was given last, and how far it went.
    hint: (Option<Hint>, usize),
}

impl Tutor {
    pub(super) fn new(taught: Taught, at: At) -> Tutor {
        Tutor {
            languages: taught.languages.into_iter().map(Rc::new).collect(),
            next: taught.next,
            at,
            is_touched: false,
            is_done: false,
            is_playing: false,
            hint: (None, 0),
        }
    }

    /// The lesson, in the language it is taught in.
    fn lesson(&self) -> Rc<Lesson> {
        let spoken = self.languages.iter().find(|lesson| lesson.lang == self.at.lang);
        spoken.unwrap_or(&self.languages[0]).clone()
    }

    fn step<'a>(&self, lesson: &'a Lesson) -> &'a Step {
        &lesson.steps[self.at.step]
    }

    /// What is said beside the lesson.
    pub(super) fn words(&self) -> &'static Words {
        self.at.lang.words()
    }

    fn is_last(&self) -> bool {
        self.at.step + 1 == self.languages[0].steps.len()
    }

    /// Sets up the lab and shows the step.
    fn open(&mut self, repl: &mut Repl) -> Result<Flow> {
        let lesson = self.lesson();
        let words = self.words();
        if let Err(report) = lessons::begin(&mut repl.lab, &lesson, self.at.step) {
            complain(&report);
        }
        repl.past.extend(said(&lesson, self.at.step, &repl.syntax));
        match self.at.why {
            Why::Opened => {
                Progress::keep(&lesson, self.at.step, false);
                screen::note(repl, words.welcome);
            }
            Why::Anew | Why::ToDo | Why::ToSkip => screen::note(repl, words.anew),
        }
        match (self.at.why, self.at.step) {
            (Why::Opened, 0) => self.introduce(repl),
            (Why::Opened, _) => screen::note(repl, words.resumed),
            _ => {}
        }
        match self.at.why {
            Why::Opened | Why::Anew => {
                self.show(repl);
                Ok(Flow::On)
            }
            Why::ToDo => self.solve(repl),
            Why::ToSkip => self.skip(repl),
        }
    }

    /// Another lab, which begins at a step.
    fn again(&mut self, step: usize, why: Why) -> Flow {
        self.at.step = step;
        self.at.why = why;
        Flow::Again
    }

    /// Something was done: is the step done with it?
    fn look(&mut self, repl: &mut Repl, patience: Duration) -> Result<Flow> {
        self.is_touched = true;
        if self.is_playing || self.is_done {
            return Ok(Flow::On);
        }
        let lesson = self.lesson();
        let step = self.step(&lesson);
        if step.check.is_none() {
            return Ok(Flow::On);
        }
        let begin = Instant::now();
        // What cannot be looked at is not done: `:check` tells why.
        while !lessons::check(&repl.lab, &lesson, step).unwrap_or(false) {
            if begin.elapsed() > patience {
                return Ok(Flow::On);
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.has_done(repl);
        Ok(Flow::On)
    }

    fn has_done(&mut self, repl: &Repl) {
        self.is_done = true;
        Progress::keep(&self.lesson(), self.at.step, true);
        self.tell_done(repl);
    }

    /// `:next`, and Enter where the step is done.
    fn go_on(&mut self, repl: &mut Repl) -> Result<Flow> {
        let lesson = self.lesson();
        let step = self.step(&lesson);
        if !self.is_done && step.check.is_some() && !lessons::check(&repl.lab, &lesson, step).unwrap_or(false) {
            repl.print(self.words().not_yet);
            return Ok(Flow::On);
        }
        Progress::keep(&lesson, self.at.step, true);
        if self.is_last() {
            self.is_done = true;
            self.tell_end(repl);
            return Ok(Flow::On);
        }
        if self.is_playing {
            return Ok(self.again(self.at.step + 1, Why::Anew));
        }
        self.at.step += 1;
        (self.is_touched, self.is_done, self.hint) = (false, false, (None, 0));
        Progress::keep(&lesson, self.at.step, false);
        self.show(repl);
        Ok(Flow::On)
    }

    fn back(&mut self, repl: &Repl) -> Result<Flow> {
        if self.at.step == 0 {
            repl.print(self.words().first);
            return Ok(Flow::On);
        }
        let step = self.at.step - 1;
        Progress::keep(&self.lesson(), step, false);
        Ok(self.again(step, Why::Anew))
    }

    fn check(&mut self, repl: &mut Repl) -> Result<Flow> {
        let lesson = self.lesson();
        let step = self.step(&lesson);
        if step.check.is_none() {
            repl.print(self.words().nothing_to_do);
            return Ok(Flow::On);
        }
        match lessons::check(&repl.lab, &lesson, step) {
            Ok(true) if self.is_done => repl.print(self.words().holds),
            Ok(true) => self.has_done(repl),
            Ok(false) => repl.print(self.words().not_yet),
            Err(report) => {
                repl.note(self.words().failed_check);
                complain(&report);
            }
        }
        Ok(Flow::On)
    }

    /// The step, done as the lesson does it: where something else was done in it before, in a new lab.
    fn solve(&mut self, repl: &mut Repl) -> Result<Flow> {
        let lesson = self.lesson();
        let step = self.step(&lesson);
        let Some(way) = step.solutions.first() else {
            repl.print(self.words().nothing_to_do);
            return Ok(Flow::On);
        };
        if self.is_touched {
            return Ok(self.again(self.at.step, Why::ToDo));
        }
        self.show_code(repl, std::slice::from_ref(way));
        match lessons::solve(&mut repl.lab, &lesson, way) {
            Ok(()) => repl.past.extend(said_by(way, &repl.syntax)),
            Err(report) => complain(&report),
        }
        repl.caught_up(true);
        repl.acted = false;
        self.look(repl, PATIENCE)
    }

    /// The step, done and left behind.
    fn skip(&mut self, repl: &mut Repl) -> Result<Flow> {
        let lesson = self.lesson();
        if self.step(&lesson).check.is_none() || self.is_done {
            return self.go_on(repl);
        }
        if self.is_touched {
            return Ok(self.again(self.at.step, Why::ToSkip));
        }
        let before = repl.lab.world().history.done().len();
        let way = &self.step(&lesson).solutions[0];
        match lessons::solve(&mut repl.lab, &lesson, way) {
            Ok(()) => repl.past.extend(said_by(way, &repl.syntax)),
            Err(report) => complain(&report),
        }
        repl.caught_up(true);
        repl.acted = false;
        self.tell_made(repl, before);
        self.is_done = true;
        self.go_on(repl)
    }

    fn play(&mut self, repl: &Repl) -> Result<Flow> {
        if self.is_playing {
            return Ok(self.again(self.at.step, Why::Anew));
        }
        self.is_playing = true;
        repl.print(self.words().playing);
        Ok(Flow::On)
    }

    fn speak(&mut self, repl: &Repl, tag: &str) -> Result<Flow> {
        let tags: Vec<&str> = self.languages.iter().map(|lesson| lesson.lang.tag()).collect();
        let langs = fill(self.words().spoken, &[("langs", &tags.join(", "))]);
        if tag.is_empty() {
            repl.print(&langs);
            return Ok(Flow::On);
        }
        let lang = Lang::of(tag).filter(|lang| self.languages.iter().any(|lesson| lesson.lang == *lang));
        let Some(lang) = lang else {
            let problem = Problem::new(Kind::Usage, fill(self.words().unspoken, &[("lang", tag)]));
            return Err(problem.help(langs));
        };
        self.at.lang = lang;
        self.show(repl);
        Ok(Flow::On)
    }

    /// What is wrong; then, where nothing else is wrong by then, more of the solution.
    fn help(&mut self, repl: &Repl) -> Result<Flow> {
        let lesson = self.lesson();
        let step = self.step(&lesson);
        if step.solutions.is_empty() {
            repl.print(self.words().nothing_to_do);
            return Ok(Flow::On);
        }
        if self.is_done || lessons::check(&repl.lab, &lesson, step).unwrap_or(false) {
            repl.print(self.words().hint_nothing);
            return Ok(Flow::On);
        }
        let found = lessons::hint(&repl.lab, &lesson, step).unwrap_or_default();
        let level = match found == self.hint.0 {
            true => (self.hint.1 + 1).min(HINTS),
            false => 1,
        };
        let said = found.as_ref().and_then(|hint| step.words(hint).ok());
        self.hint = (found, level);
        self.tell_hint(repl, step, level, said.as_deref().unwrap_or(&step.goal));
        Ok(Flow::On)
    }
}

/// What the lesson did before a step, as inputs of the session: `:save` writes them too.
fn said<'a>(lesson: &'a Lesson, step: usize, syntax: &'a crate::script::Syntax) -> impl Iterator<Item = Past> + 'a {
    let steps = lesson.steps.iter().take(step);
    let ways = steps.filter_map(|step| step.solutions.first()).flatten();
    lesson
        .setup
        .iter()
        .chain(ways)
        .flat_map(|block| said_by(std::slice::from_ref(block), syntax))
}

fn said_by<'a>(way: &'a [lessons::Block], syntax: &'a crate::script::Syntax) -> impl Iterator<Item = Past> + 'a {
    let scripts = way.iter().filter(|block| block.tongue == Tongue::Rhai);
    scripts.map(|block| Past {
        statement: Some(syntax.statement(&block.code)),
        begins: None,
    })
}

impl Repl {
    /// Lets the tutor act, where there is one.
    fn teach(&mut self, act: impl FnOnce(&mut Tutor, &mut Repl) -> Result<Flow>) -> Result<Flow> {
        let Some(mut tutor) = self.tutor.take() else {
            return Ok(Flow::On);
        };
        let flow = act(&mut tutor, self);
        self.tutor = Some(tutor);
        flow
    }

    /// Opens the lesson.
    pub(super) fn begin_lesson(&mut self) -> Result<Flow> {
        self.teach(Tutor::open)
    }

    /// After an input: where it did something, is the step done?
    pub(super) fn look_after(&mut self) -> Result<Flow> {
        match std::mem::take(&mut self.acted) {
            true => self.teach(|tutor, repl| tutor.look(repl, A_MOMENT)),
            false => Ok(Flow::On),
        }
    }

    /// Enter alone goes on, where nothing is to be done any more.
    pub(super) fn enter(&mut self) -> Result<Flow> {
        self.teach(|tutor, repl| {
            let lesson = tutor.lesson();
            match tutor.is_done || tutor.step(&lesson).check.is_none() {
                true => tutor.go_on(repl),
                false => Ok(Flow::On),
            }
        })
    }

    /// What is said in the language of the lesson.
    pub(super) fn words(&self) -> Option<&'static Words> {
        self.tutor.as_ref().map(Tutor::words)
    }

    /// What outlives this lab.
    pub(super) fn kept(&self) -> Settings {
        Settings {
            time: self.settings.time.get(),
            explain: self.settings.explain.get(),
            lesson: self.tutor.as_ref().map(|tutor| tutor.at),
        }
    }
}
