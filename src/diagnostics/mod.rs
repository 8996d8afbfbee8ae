//! The drawing of what went wrong: under its source line, with `ip`'s spelling, the kernel's words and a way on.
//!
//! The script layer makes a [`Report`] of a [`Problem`] and the places that led to it; [`Report::draw`] is for people,
//! [`Report::json`] for programs. `span` finds the call at a position, `excerpt` the lines to show, and miette draws
//! those; whatever comes from outside goes through [`escaped`].

mod draw;
mod excerpt;
mod json;
pub mod scan;
mod span;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::error::{Part, Problem};
use span::Found;

pub use text::{clipped, escaped, escaped_line};

/// A text that a script was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user gave it, or `<stdin>`.
    pub name: String,
    /// All of it.
    pub text: Arc<str>,
}

/// A call that was under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Where the call is written, if that is known.
    pub source: Option<Arc<Source>>,
    /// Its line, from 1; 0 where it is not known.
    pub line: usize,
    /// Its column, from 1 and in characters, as Rhai counts; 0 where it is not known.
    pub column: usize,
    /// The function that the call went into.
    pub function: Option<String>,
}

/// A problem and where it happened.
#[derive(Clone, Debug)]
pub struct Report {
    /// What went wrong.
    pub problem: Box<Problem>,
    /// Innermost first: where it happened, then the calls and imports that led there.
    pub frames: Vec<Frame>,
    /// Where a check failed: what did not fail, and is likely why.
    pub warnings: Vec<Problem>,
}

impl From<Box<Problem>> for Report {
    /// A problem that has no place in a script.
    fn from(problem: Box<Problem>) -> Report {
        Report {
            problem,
            frames: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Report {
    /// Draws the report for a terminal of `width` columns. It ends with a newline.
    pub fn draw(&self, colour: bool, width: usize) -> String {
        draw::report(self, colour, width)
    }

    /// The report for a program to read.
    pub fn json(&self) -> serde_json::Value {
        json::value(self)
    }
}

impl Frame {
    /// The name of its source; empty where that is not known.
    pub fn name(&self) -> &str {
        self.source.as_ref().map_or("", |source| &source.name)
    }

    fn text(&self) -> &str {
        self.source.as_ref().map_or("", |source| &source.text)
    }

    /// The line of the source, without the blanks around it.
    fn source_line(&self) -> &str {
        let text = self.text();
        span::line_at(text, self.line).map_or("", |at| text[at].trim())
    }

    /// The call, where there is a source that has the line.
    fn place(&self, part: &Part) -> Option<Found> {
        let text = Some(self.text()).filter(|text| !text.is_empty())?;
        span::find(text, self.line, self.column, part)
    }
}
