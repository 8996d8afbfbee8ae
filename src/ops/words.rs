//! The words of a command line, read from the front: the way from `ip`'s text to a call.

use std::ops::Range;

use super::value::Value;
use crate::error::{Problem, nearest};

/// A word of a line, unquoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it stands in the line, in bytes.
    pub place: Range<usize>,
}

/// Why a line was not understood, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// What is wrong, and what could be written instead.
    pub problem: Box<Problem>,
    /// The place in the line, in bytes.
    pub place: Range<usize>,
}

impl Misread {
    /// What is not understood at a place.
    pub fn at(place: Range<usize>, message: impl Into<String>) -> Misread {
        Misread {
            problem: Problem::argument(message),
            place,
        }
    }

    /// With a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Misread {
        self.problem = self.problem.help(help);
        self
    }
}

/// What a line is read into, or why not.
pub type Heard<T> = Result<T, Misread>;

/// Words that are still to be read.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    words: &'a [Word],
    at: usize,
}

impl<'a> Words<'a> {
    /// All of them.
    pub fn new(words: &'a [Word]) -> Words<'a> {
        Words { words, at: 0 }
    }

    /// The next word, which stays.
    pub fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(|word| word.text.as_str())
    }

    /// The next word, taken.
    #[allow(
        clippy::should_implement_trait,
        reason = "a cursor that is also looked at; no loop runs over it"
    )]
    pub fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    /// Takes the next word if it is this one.
    pub fn take(&mut self, word: &str) -> bool {
        let is_it = self.peek() == Some(word);
        self.at += usize::from(is_it);
        is_it
    }

    /// Takes the next word if it is one of these.
    pub fn take_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.take(word))
    }

    /// Takes the next word if `ip` reads it as this one, which may be cut short: `a` for `add`.
    pub fn take_short(&mut self, word: &str) -> bool {
        let is_it = self.peek().is_some_and(|given| is_short_for(given, word));
        self.at += usize::from(is_it);
        is_it
    }

    /// The next word, which must be there: what `key` wants.
    pub fn value(&mut self, key: &str) -> Heard<&'a str> {
        self.next()
            .ok_or_else(|| self.misread(format!("something is missing after `{key}`")))
    }

    /// The words that are left, taken.
    pub fn rest(&mut self) -> &'a [Word] {
        let rest = &self.words[self.at..];
        self.at = self.words.len();
        rest
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.at >= self.words.len()
    }

    /// How many have been taken.
    pub fn taken(&self) -> usize {
        self.at
    }

    /// The place of the next word; behind the last one, where none is left.
    pub fn place(&self) -> Range<usize> {
        match self.words.get(self.at) {
            Some(word) => word.place.clone(),
            None => {
                let end = self.words.last().map_or(0, |word| word.place.end);
                end..end
            }
        }
    }

    /// The place of the word that was taken last.
    pub fn last(&self) -> Range<usize> {
        let before = self.at.min(self.words.len()).checked_sub(1);
        before.map_or(0..0, |at| self.words[at].place.clone())
    }

    /// The place of what was taken since `from`.
    pub fn since(&self, from: usize) -> Range<usize> {
        let start = self
            .words
            .get(from)
            .map_or_else(|| self.place().start, |word| word.place.start);
        start..self.last().end.max(start)
    }

    /// Something is wrong with the next word.
    pub fn misread(&self, message: impl Into<String>) -> Misread {
        Misread::at(self.place(), message)
    }

    /// Something is wrong with the word that was taken last.
    pub fn misread_last(&self, message: impl Into<String>) -> Misread {
        Misread::at(self.last(), message)
    }

    /// The next word as one of a command's own, each of which may be cut short: the first in the table that begins so
    /// is meant, as in iproute2's `matches()`. What nsx does not have has no meaning in the table.
    pub fn verb(&mut self, of: &str, table: &[(&'static str, Option<&'static str>)]) -> Heard<&'static str> {
        let given = self.value(of)?;
        match table.iter().find(|(word, _)| is_short_for(given, word)) {
            Some((_, Some(meaning))) => Ok(meaning),
            Some((word, None)) => Err(self.misread_last(format!("nsx has no `{of} {word}`"))),
            None => {
                let near = nearest(given, table.iter().filter(|(_, m)| m.is_some()).map(|(word, _)| *word));
                let misread = self.misread_last(format!("`{of}` has no `{given}`"));
                Err(match near {
                    Some(near) => misread.help(format!("did you mean `{near}`?")),
                    None => misread,
                })
            }
        }
    }

    /// Nothing may be left over.
    pub fn finish(&self) -> Heard<()> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(self.misread(format!("`{word}` is one word too many"))),
        }
    }
}

/// Whether `ip` takes `given` for `word`: it is how that begins.
pub fn is_short_for(given: &str, word: &str) -> bool {
    !given.is_empty() && word.starts_with(given)
}

/// A number as a number, and anything else as text: how a word of a command becomes a value where both are taken.
/// What would be spelled otherwise stays text.
pub fn number_or_text(word: &str) -> Value {
    match word.parse::<i64>() {
        Ok(number) if number.to_string() == word => Value::Int(number),
        _ => Value::Str(word.into()),
    }
}

/// A whole number, also in sixteens, `0x…`; anything else as text, for the error to show.
pub fn whole_number(word: &str) -> Value {
    let number = match word.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => word.parse(),
    };
    number.map_or_else(|_| Value::Str(word.into()), Value::Int)
}
