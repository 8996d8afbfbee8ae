//! What a caller hands over, before it is checked: plain data, whatever language it came from.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::words::{Heard, Words};
use crate::error::{Mend, Mistake, Part, Problem, Result, nearest};
use crate::netns::NsName;

/// An unchecked value: a script's argument, an option's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `()`.
    Unit,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Str(String),
    /// An array.
    List(Vec<Value>),
    /// An object map.
    Map(BTreeMap<String, Value>),
    /// A handle of a namespace.
    Netns(NsName),
    /// Anything else; the name of its type.
    Other(String),
}

impl Value {
    /// The value as an error message shows it: `the number 5`, `"x"`.
    pub fn describe(&self) -> String {
        match self {
            Value::Unit => "()".into(),
            Value::Bool(b) => format!("{b}"),
            Value::Int(n) => format!("the number {n}"),
            Value::Float(x) => format!("the number {x}"),
            Value::Str(s) => format!("{s:?}"),
            Value::List(_) => "an array".into(),
            Value::Map(_) => "a map".into(),
            Value::Netns(name) => format!("the netns {name}"),
            Value::Other(name) => format!("a value of type {name}"),
        }
    }
}

impl From<Json> for Value {
    fn from(data: Json) -> Value {
        match data {
            Json::Null => Value::Unit,
            Json::Bool(flag) => Value::Bool(flag),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::Int(whole),
                (None, Some(fraction)) => Value::Float(fraction),
                (None, None) => Value::Unit,
            },
            Json::String(text) => Value::Str(text),
            Json::Array(items) => Value::List(items.into_iter().map(Value::from).collect()),
            Json::Object(map) => Value::Map(map.into_iter().map(|(key, value)| (key, value.into())).collect()),
        }
    }
}

/// A type that an argument or option can have. One implementation says how it is read, what it is
/// called in messages, and how `ip` spells it.
pub trait Typed: Sized {
    /// What is wanted, as messages and the reference name it: `a duration such as "200ms"`.
    const WANTS: &'static str;

    /// Reads the value; the error says what is wrong with it, without naming the key.
    fn read(value: &Value) -> Result<Self, String>;

    /// What a value that is refused is known to be, where it is a known mistake.
    fn mistaken(_: &Value) -> Option<Mistaken> {
        None
    }

    /// As `ip` spells it.
    fn spell(&self) -> String;

    /// The option `key` with this value as words of an `ip` command; a flag is its key alone.
    fn words(&self, key: &str) -> Vec<String> {
        vec![key.to_string(), self.spell()]
    }

    /// The value that a word of a command stands for: the way back from [`Typed::spell`]. It is checked when it is read.
    fn of_word(word: &str) -> Value {
        Value::Str(word.into())
    }

    /// Takes the option `key` from the front of a command's words, if it stands there: the way back from
    /// [`Typed::words`].
    fn of_words(key: &str, words: &mut Words) -> Heard<Option<Value>> {
        if !words.take(key) {
            return Ok(None);
        }
        words.value(key).map(|word| Some(Self::of_word(word)))
    }
}

/// How an option is taken from the words of a command: [`Typed::of_words`].
pub type OfWords = fn(&str, &mut Words) -> Heard<Option<Value>>;
/// A value that is a known mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistaken {
    /// Which.
    pub mistake: Mistake,
    /// Why it is refused.
    pub cause: String,
    /// What was most likely meant.
    pub meant: Option<String>,
}

/// The problem of a value that a type refuses: `what` it was to be, and `why` it is not.
fn refused<T: Typed>(what: &str, why: &str, value: &Value) -> Box<Problem> {
    let problem = Problem::argument(format!("{what} {why}"));
    let Some(mistaken) = T::mistaken(value) else {
        return problem;
    };
    let mut problem = problem.known(mistaken.mistake).because(mistaken.cause);
    problem.mend = mistaken.meant.map(Mend::Part);
    problem
}

/// A message for a value that is not what [`Typed::WANTS`] says.
pub fn not_wanted<T: Typed>(value: &Value) -> String {
    format!("wants {}, not {}", T::WANTS, value.describe())
}

/// The arguments of one call: what stands in order, then the options map.
#[derive(Clone, Debug, Default)]
pub struct Args {
    positional: Vec<Value>,
    taken: usize,
    options: BTreeMap<String, Value>,
}

impl Args {
    /// The arguments `positional`, then the keys of an options map.
    pub fn new(positional: Vec<Value>, options: BTreeMap<String, Value>) -> Args {
        Args {
            positional,
            taken: 0,
            options,
        }
    }

    /// The arguments of a call: a map that stands last is its options.
    pub fn of_call(mut arguments: Vec<Value>) -> Args {
        match arguments.pop() {
            Some(Value::Map(options)) => Args::new(arguments, options),
            Some(last) => {
                arguments.push(last);
                Args::new(arguments, BTreeMap::new())
            }
            None => Args::default(),
        }
    }

    /// The next argument in order, if there is one.
    pub fn next<T: Typed>(&mut self, what: &str) -> Result<Option<T>> {
        let index = self.taken;
        let Some(value) = self.positional.get(index) else {
            return Ok(None);
        };
        self.taken += 1;
        T::read(value)
            .map(Some)
            .map_err(|why| refused::<T>(what, &why, value).at(Part::Argument(index)))
    }

    /// The next argument in order, which must be there.
    pub fn required<T: Typed>(&mut self, what: &str) -> Result<T> {
        self.next(what)?
            .ok_or_else(|| Problem::argument(format!("{what} is missing: it wants {}", T::WANTS)))
    }

    /// Takes the value of an option key.
    pub fn key<T: Typed>(&mut self, key: &str) -> Result<Option<T>> {
        match self.options.remove(key) {
            None => Ok(None),
            Some(value) => T::read(&value)
                .map(Some)
                .map_err(|why| refused::<T>(&format!("`{key}`"), &why, &value).at(Part::Key(key.into()))),
        }
    }

    /// The text of an option key that was given, and not taken yet.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.options.get(key) {
            Some(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether an option key was given, and not taken yet.
    pub fn has(&self, key: &str) -> bool {
        self.options.contains_key(key)
    }

    /// The option keys that have not been taken.
    pub fn keys_left(&self) -> impl Iterator<Item = &str> {
        self.options.keys().map(String::as_str)
    }

    /// Nothing may be left over: an argument too many or an unknown key is an error. `keys` are the
    /// valid ones.
    pub fn finish(self, keys: &[Key]) -> Result<()> {
        if let Some(extra) = self.positional.get(self.taken) {
            let message = format!("one argument too many: {}", extra.describe());
            return Err(Problem::argument(message).at(Part::Argument(self.taken)));
        }
        let Some(unknown) = self.options.keys().next() else {
            return Ok(());
        };
        let problem = Problem::argument(format!("unknown key `{unknown}`")).at(Part::Key(unknown.clone()));
        Err(match nearest(unknown, keys.iter().map(|k| k.name)) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None if keys.is_empty() => problem.help("this call takes no options"),
            None => {
                let names: Vec<_> = keys.iter().map(|k| k.name).collect();
                problem.help(format!("its keys are {}", names.join(", ")))
            }
        })
    }
}

/// One option key of a verb, as its declaration states it.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is: [`Typed::WANTS`].
    pub wants: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// How a command spells it.
    pub of_words: OfWords,
}

/// A set of option keys declared with [`options!`](crate::options).
pub trait Options: Sized {
    /// Its keys, in the order in which `ip` spells them.
    const KEYS: &'static [Key];

    /// Takes its keys out of `args`; others stay.
    fn take(args: &mut Args) -> Result<Self>;

    /// The keys that are set, as words of an `ip` command: `via 10.0.0.1 dev eth0`.
    fn words(&self) -> Vec<String>;
}

/// Declares a set of option keys once: the struct that holds them, how they are read and checked, their
/// documentation and their `ip` spelling all follow.
///
/// A key may be spelled otherwise than its field with `"name"` before it, where Rust reserves the word.
#[macro_export]
macro_rules! options {
    ($(#[$outer:meta])* $vis:vis struct $name:ident {
        $($(#[doc = $doc:literal])+ $field:ident $(as $key:literal)? : $type:ty),* $(,)?
    }) => {
        $(#[$outer])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        $vis struct $name {
            $($(#[doc = $doc])+ #[serde($(rename = $key,)? skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        impl $crate::ops::Options for $name {
            const KEYS: &'static [$crate::ops::Key] = &[$($crate::ops::Key {
                name: $crate::options!(@key $field $($key)?),
                wants: <$type as $crate::ops::Typed>::WANTS,
                doc: concat!($($doc),+),
                of_words: <$type as $crate::ops::Typed>::of_words,
            }),*];

            #[allow(unused_variables, reason = "a set may be empty")]
            fn take(args: &mut $crate::ops::Args) -> $crate::error::Result<Self> {
                Ok($name { $($field: args.key($crate::options!(@key $field $($key)?))?,)* })
            }

            #[allow(unused_mut, reason = "a set may be empty")]
            fn words(&self) -> Vec<String> {
                let mut words = Vec::new();
                $(if let Some(value) = &self.$field {
                    words.extend($crate::ops::Typed::words(value, $crate::options!(@key $field $($key)?)));
                })*
                words
            }
        }
    };
    (@key $field:ident $key:literal) => { $key };
    (@key $field:ident) => { stringify!($field) };
}
