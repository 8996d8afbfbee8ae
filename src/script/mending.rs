//! A call as it would have to be written: the help line of a known mistake.

use rhai::Engine;

use crate::error::{Mend, Part, Problem};
use crate::netns::NsName;
use crate::ops::{Act, Args, Noun, Op, Place, Value, Verb, handle};

/// One call of a verb.
pub(super) struct Call<'a> {
    pub noun: &'static Noun,
    pub verb: &'a Verb,
    pub netns: &'a NsName,
    pub given: Vec<Value>,
}

impl Call<'_> {
    /// Says, in the help, how the call would have to be written; and, where the mistake was found before there was
    /// an operation, which operation it would have been.
    pub(super) fn mended(mut self, mut problem: Box<Problem>) -> Box<Problem> {
        let Some(mend) = problem.mend.take() else {
            return problem;
        };
        let help = match mend {
            Mend::Verb(verb) => self.spell(self.netns, verb),
            Mend::Netns(name) => match name.parse() {
                Ok(netns) => self.spell(&netns, self.verb.name),
                Err(_) => return problem,
            },
            Mend::Call(call) => format!("{}.{call}", handle(self.netns)),
            Mend::Part(meant) => match self.put(&problem.part, &meant) {
                Some(given) => {
                    if problem.op.is_empty() {
                        problem.op = self.op(&meant, &given);
                    }
                    self.spell(self.netns, self.verb.name)
                }
                None => format!("did you mean {meant:?}?"),
            },
        };
        problem.help(help)
    }

    /// Puts a text in the place of a part; what stood there.
    fn put(&mut self, part: &Part, meant: &str) -> Option<String> {
        let (value, path) = match part {
            Part::Call => return None,
            Part::Argument(index) => (self.given.get_mut(*index)?, Vec::new()),
            Part::Key(path) => (self.given.last_mut()?, path.split('.').collect()),
        };
        put(value, &path, meant)
    }

    /// The operation that the mended call would be, with what stood there before.
    fn op(&self, meant: &str, given: &str) -> String {
        let Act::Change(change) = self.verb.act else {
            return String::new();
        };
        let Ok(change) = change(Args::of_call(self.given.clone())) else {
            return String::new();
        };
        let netns = self.netns.clone();
        Op { netns, change }.spell().replacen(meant, given, 1)
    }

    fn spell(&self, netns: &NsName, verb: &str) -> String {
        let head = match (self.noun.place, self.noun.name) {
            (Place::Lab, noun) => format!("{noun}::{verb}"),
            (Place::Namespace, "") => format!("{}.{verb}", handle(netns)),
            (Place::Namespace, noun) => format!("{}.{noun}.{verb}", handle(netns)),
        };
        let order: Vec<&str> = self.verb.keys.iter().copied().flatten().map(|key| key.name).collect();
        let given: Vec<String> = self.given.iter().map(|value| source(value, &order)).collect();
        format!("{head}({})", given.join(", "))
    }
}

/// Puts a text where a path leads in a value, or as far as it leads; what stood there.
fn put(value: &mut Value, path: &[&str], meant: &str) -> Option<String> {
    match (value, path) {
        (Value::Map(map), [key, rest @ ..]) => put(map.get_mut(*key)?, rest, meant),
        (Value::List(items), [index, rest @ ..]) => put(items.get_mut(index.parse::<usize>().ok()?)?, rest, meant),
        (value, _) => {
            let given = match std::mem::replace(value, Value::Str(meant.to_string())) {
                Value::Str(text) => text,
                Value::Netns(name) => name.to_string(),
                _ => String::new(),
            };
            Some(given)
        }
    }
}

/// A value as a script's source has it, the keys of a map in this order, which is that of `ip`.
fn source(value: &Value, order: &[&str]) -> String {
    match value {
        Value::Unit => "()".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => quoted(text),
        Value::List(items) => format!(
            "[{}]",
            items
                .iter()
                .map(|item| source(item, order))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Value::Map(map) => {
            let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
            pairs.sort_by_key(|(key, _)| order.iter().position(|known| known == key).unwrap_or(order.len()));
            let pairs = pairs
                .into_iter()
                .map(|(key, value)| format!("{}: {}", key_of(key), source(value, order)));
            format!("#{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Netns(name) => handle(name),
        Value::Other(name) => format!("<{name}>"),
    }
}

/// A text in quotes, as the engine reads it back.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The key of a map: a word, unless the engine keeps it for itself.
fn key_of(key: &str) -> String {
    let is_word = Engine::new_raw().compile_expression(format!("#{{{key}:1}}")).is_ok();
    if is_word { key.to_string() } else { quoted(key) }
}
