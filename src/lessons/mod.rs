//! Lessons: Markdown that teaches, checks and cannot drift.
//!
//! A file is read (`parse`) into a [`Lesson`]: its steps, with prose and code. The code of a step is run in a lab ([`perform`],
//! [`check`], [`hint`]) by the REPL for a learner, and by [`prove`] for CI: a check that holds before anything is done, a mistake that
//! does not give its hint, an output that differs fails there. [`Course`] is what there is to learn, [`Progress`] how far
//! somebody came; [`Words`] is what is said beside the lessons, in each language.

mod course;
mod form;
mod lang;
mod lesson;
mod parse;
mod progress;
mod prove;
mod run;
mod text;
mod transcript;
mod words;

pub use course::{Course, compare, in_lang, is_lesson};
pub use form::form;
pub use lang::Lang;
pub use lesson::{Block, Hint, Lesson, Step, Tongue};
pub use parse::read;
pub use progress::Progress;
pub use prove::{Trial, prove, trials};
pub use run::{begin, check, hint, perform, solve};
pub use text::Style;
pub use words::{Words, fill};
