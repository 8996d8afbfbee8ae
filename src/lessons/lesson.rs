//! What a lesson is, as data.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Lang;
use crate::diagnostics::{Frame, Report, Source};
use crate::error::{Mistake, Problem};

/// A lesson in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Where it was read, as the user gave it.
    pub file: String,
    /// All of it.
    pub text: Arc<str>,
    /// Its place in the course.
    pub number: u32,
    /// What it is called on the command line: `veth`.
    pub name: String,
    /// Its language.
    pub lang: Lang,
    /// Its title.
    pub title: String,
    /// Markdown: what one can do afterwards, in a line.
    pub goal: String,
    /// Markdown: what is told before the first step.
    pub intro: String,
    /// What the lab has when the lesson begins.
    pub setup: Option<Block>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step of a lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What it is called, in every language.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The line of its heading.
    pub line: usize,
    /// Markdown: what is told when it opens.
    pub before: String,
    /// Markdown: what the learner is to reach.
    pub goal: String,
    /// Markdown: what is told when it is reached.
    pub after: String,
    /// The ways to do it, each of them blocks one after another.
    pub solutions: Vec<Vec<Block>>,
    /// Whether it is reached.
    pub check: Option<Block>,
    /// What is wrong.
    pub hint: Option<Block>,
    /// The words of each hint.
    pub words: Vec<(String, String)>,
    /// Mistakes, and the hint that each must give.
    pub breaks: Vec<(String, Block)>,
    /// What is then seen.
    pub expects: Vec<Block>,
}

/// The language of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// nsx.
    Rhai,
    /// Lines of `ip` and its kin.
    Shell,
    /// A transcript.
    Console,
}

/// Code of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What is behind its fence: `rhai do`.
    pub info: String,
    /// Its language.
    pub tongue: Tongue,
    /// The line it begins at, from 1.
    pub line: usize,
    /// The code.
    pub code: String,
}

/// What a hint found to be wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Its name.
    pub name: String,
    /// What its words speak of.
    pub values: BTreeMap<String, String>,
}

impl Step {
    /// The words of a hint; the error names what they lack.
    pub fn words(&self, hint: &Hint) -> Result<String, String> {
        let words = self.words.iter().find(|(name, _)| *name == hint.name);
        let (_, words) = words.ok_or_else(|| format!("there are no words for the hint `{}`", hint.name))?;
        let mut text = words.clone();
        for (key, value) in &hint.values {
            text = text.replace(&format!("{{{key}}}"), value);
        }
        match places(&text).first() {
            Some(place) => Err(format!(
                "the words of `{}` want a value for {{{place}}}, which the hint does not give",
                hint.name
            )),
            None => Ok(text),
        }
    }

    /// The roles of its code, in order, to compare with another language's.
    pub(super) fn blocks(&self) -> Vec<&Block> {
        let mut blocks: Vec<_> = self.solutions.iter().flatten().collect();
        blocks.extend(self.check.iter().chain(&self.hint));
        blocks.extend(self.breaks.iter().map(|(_, block)| block));
        blocks.extend(&self.expects);
        blocks.sort_by_key(|block| block.line);
        blocks
    }
}

/// The `{name}`s in the words of a hint.
pub(super) fn places(words: &str) -> Vec<&str> {
    let opened = words.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    opened.map(|(name, _)| name).filter(is_name).collect()
}

impl Lesson {
    /// Its code as a source of its own: in the lines in which it stands.
    pub(super) fn source(&self, line: usize, code: &str) -> String {
        "\n".repeat(line.saturating_sub(1)) + code
    }

    /// A line of it.
    pub(super) fn place(&self, line: usize) -> Frame {
        let text = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        Frame {
            source: Some(Arc::new(Source {
                name: self.file.clone(),
                text: self.source(line, text).into(),
            })),
            line,
            column: 1,
            function: None,
        }
    }

    /// What is not written as a lesson is, in a line of it.
    pub(super) fn miswritten(&self, line: usize, message: impl Into<String>, help: &str) -> Box<Report> {
        let problem = Problem::argument(message).known(Mistake::LessonWritten).help(help);
        self.placed(line, problem)
    }

    /// What does not hold, in a line of it.
    pub(super) fn fails(&self, line: usize, message: impl Into<String>, cause: impl Into<String>) -> Box<Report> {
        let problem = Problem::argument(message).known(Mistake::LessonFails).because(cause);
        self.placed(line, problem)
    }

    fn placed(&self, line: usize, problem: Box<Problem>) -> Box<Report> {
        let mut report = Report::from(problem);
        report.frames.push(self.place(line));
        Box::new(report)
    }

    /// The index of the step with this id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in() {
        let step = Step {
            words: vec![("no-peer".into(), "The other end is {name}, not `#{ x }`.".into())],
            ..Step::default()
        };
        let mut hint = Hint {
            name: "no-peer".into(),
            values: BTreeMap::from([("name".into(), "veth1".into())]),
        };
        assert_eq!(
            step.words(&hint).as_deref(),
            Ok("The other end is veth1, not `#{ x }`.")
        );
        hint.values.clear();
        assert!(step.words(&hint).expect_err("a value is missing").contains("{name}"));
        hint.name = "other".into();
        assert!(step.words(&hint).expect_err("no words").contains("`other`"));
    }
}
