//! How the commands of a shell are read: each noun declares those that are about it, and this is what their readers
//! share. A reader is the inverse of the noun's speller and stands beside it.

use std::ops::Range;

use super::call::Call;
use super::route::Family;
use super::value::{Key, Value};
use super::words::{Heard, Misread, Words, is_short_for};
use crate::error::{Part, Problem, nearest};
use crate::netns::NsName;

/// A command of a shell that is about a noun.
pub struct Command {
    /// The program.
    pub program: &'static str,
    /// Its object, for a program that has several: `link` of `ip`; iptables' table. Empty for a program that has none.
    pub object: &'static str,
    /// Reads the words behind these into calls. None are made of a command that has nothing to do.
    pub read: fn(&mut Words, &Setting) -> Heard<Vec<Draft>>,
}

/// What a command's own options say before its object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    /// `-4` or `-6`.
    pub family: Option<Family>,
}

/// A call in the making: what it is so far, and where in the line each part of it stands.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The call.
    pub call: Call,
    places: Vec<(Part, Range<usize>)>,
}

/// How the options of a command are spelled, beyond what their keys say.
#[derive(Clone, Copy, Default)]
pub struct Grammar {
    /// The keys.
    pub keys: &'static [&'static [Key]],
    /// Keys that the command has no word for.
    pub never: &'static [&'static str],
    /// Other words for a key, each with the key; `ip` takes the beginning of those that are marked.
    pub also: &'static [(&'static str, &'static str, Spelling)],
}

/// How much of a word must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// All of it.
    Whole,
    /// As much as one likes.
    Short,
}

impl Draft {
    /// A call without arguments, of the host until it is told otherwise.
    pub fn new(noun: &'static str, verb: &'static str) -> Draft {
        Draft {
            call: Call::new(&NsName::host(), noun, verb),
            places: Vec::new(),
        }
    }

    /// Adds an argument that was read from the last word.
    pub fn argument(&mut self, value: Value, words: &Words) {
        self.argument_at(value, words.last());
    }

    /// Adds an argument that stands at a place.
    pub fn argument_at(&mut self, value: Value, place: Range<usize>) {
        self.places.push((Part::Argument(self.call.arguments.len()), place));
        self.call.arguments.push(value);
    }

    /// Sets an option that was read from the words since `from`.
    pub fn option(&mut self, key: &str, value: Value, place: Range<usize>) -> Heard<()> {
        if self.call.option(key).is_some() {
            return Err(Misread::at(place, format!("`{key}` is given twice")));
        }
        self.places.push((Part::Key(key.into()), place));
        self.call.options.push((key.into(), value));
        Ok(())
    }

    /// Reads one option, if the next words are one.
    pub fn take_option(&mut self, words: &mut Words, grammar: &Grammar) -> Heard<bool> {
        let Some(given) = words.peek() else { return Ok(false) };
        let from = words.taken();
        let keys = || {
            grammar
                .keys
                .iter()
                .copied()
                .flatten()
                .filter(|key| !grammar.never.contains(&key.name))
        };
        for key in keys() {
            if let Some(value) = (key.of_words)(key.name, words)? {
                self.option(key.name, value, words.since(from))?;
                return Ok(true);
            }
        }
        let other = grammar.also.iter().find(|(word, _, spelling)| match spelling {
            Spelling::Whole => given == *word,
            Spelling::Short => is_short_for(given, word),
        });
        if let Some((_, name, _)) = other
            && let Some(key) = keys().find(|key| key.name == *name)
            && let Some(value) = (key.of_words)(given, words)?
        {
            self.option(key.name, value, words.since(from))?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Reads options to the end; a word that is none is an error.
    pub fn take_options(&mut self, words: &mut Words, grammar: &Grammar) -> Heard<()> {
        while self.take_option(words, grammar)? {}
        self.unknown(words, grammar)
    }

    /// Nothing may be left: the next word is no option.
    pub fn unknown(&self, words: &Words, grammar: &Grammar) -> Heard<()> {
        let Some(word) = words.peek() else { return Ok(()) };
        let what = format!("{}.{}", self.call.noun, self.call.verb);
        let misread = words.misread(format!("{} has nothing for `{word}`", what.trim_start_matches('.')));
        let keys = grammar.keys.iter().copied().flatten().map(|key| key.name);
        let near = nearest(word, keys.filter(|key| !grammar.never.contains(key)));
        Err(match near {
            Some(near) => misread.help(format!("did you mean `{near}`?")),
            None => misread,
        })
    }

    /// The finished call of a namespace, checked by its verb. `whole` is the command's place in the line.
    pub fn finish(mut self, netns: &NsName, whole: &Range<usize>) -> Heard<Call> {
        self.call.netns = netns.clone();
        match self.call.op() {
            Ok(_) => Ok(self.call),
            Err(problem) => {
                let place = self.places.iter().find(|(part, _)| *part == problem.part);
                let place = place.map_or_else(|| whole.clone(), |(_, place)| place.clone());
                Err(Misread { problem, place })
            }
        }
    }

    /// A problem with the last word of a reader's own.
    pub fn wrong(words: &Words, problem: Box<Problem>) -> Misread {
        Misread {
            problem,
            place: words.last(),
        }
    }
}

impl From<Draft> for Vec<Draft> {
    fn from(draft: Draft) -> Vec<Draft> {
        vec![draft]
    }
}
