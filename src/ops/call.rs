//! A call of a verb as data: what a script says, before it is checked and carried out. A command line is read into
//! calls, and what holds for a script's call holds for them: the same verb checks them.

use std::fmt::Write as _;

use super::{Act, Args, NOUNS, Noun, Op, Place, Value, Verb};
use crate::error::{Kind, Problem, Result};
use crate::netns::NsName;

/// A call of a verb: `ns0.link.set("veth0", #{ up: true })`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// In which namespace.
    pub netns: NsName,
    /// The noun's name: `link`, `bridge.fdb`; empty for what a namespace itself does.
    pub noun: &'static str,
    /// The verb's name.
    pub verb: &'static str,
    /// What stands in order.
    pub arguments: Vec<Value>,
    /// The options, in the order in which they were given.
    pub options: Vec<(String, Value)>,
}

impl Call {
    /// A call without arguments.
    pub fn new(netns: &NsName, noun: &'static str, verb: &'static str) -> Call {
        Call {
            netns: netns.clone(),
            noun,
            verb,
            arguments: Vec::new(),
            options: Vec::new(),
        }
    }

    /// A script's call: a map that stands last is its options.
    pub fn of(netns: &NsName, noun: &'static Noun, verb: &'static Verb, mut arguments: Vec<Value>) -> Call {
        let mut call = Call::new(netns, noun.name, verb.name);
        match arguments.pop() {
            Some(Value::Map(options)) => call.options = options.into_iter().collect(),
            last => arguments.extend(last),
        }
        call.arguments = arguments;
        call
    }

    /// With one more argument.
    #[must_use]
    pub fn with(mut self, argument: Value) -> Call {
        self.arguments.push(argument);
        self
    }

    /// The value of an option.
    pub fn option(&self, key: &str) -> Option<&Value> {
        self.options
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The arguments as a verb takes them.
    pub fn args(&self) -> Args {
        Args::new(self.arguments.clone(), self.options.iter().cloned().collect())
    }

    /// What is called.
    pub fn declared(&self) -> Option<(&'static Noun, &'static Verb)> {
        let noun = NOUNS.iter().find(|noun| noun.name == self.noun)?;
        let verb = noun.verbs.iter().find(|verb| verb.name == self.verb)?;
        Some((noun, verb))
    }

    /// The change that it makes, checked as a script's call is; nothing for a call that asks or tries something.
    pub fn op(&self) -> Result<Option<Op>> {
        let (_, verb) = self
            .declared()
            .ok_or_else(|| Problem::new(Kind::Script, format!("there is no {}.{}", self.noun, self.verb)))?;
        let Act::Change(change) = verb.act else { return Ok(None) };
        Ok(Some(Op {
            netns: self.netns.clone(),
            change: change(self.args())?,
        }))
    }

    /// The call as a script has it. `name` says what a namespace is called there.
    pub fn script(&self, name: &dyn Fn(&NsName) -> String) -> String {
        let mut given: Vec<String> = self.arguments.iter().map(|value| written(value, name)).collect();
        if !self.options.is_empty() {
            given.push(map(self.options.iter().map(|(key, value)| (key.as_str(), value)), name));
        }
        let is_labs = NOUNS
            .iter()
            .any(|noun| noun.name == self.noun && noun.place == Place::Lab);
        let of = match (is_labs, self.noun) {
            (true, noun) => format!("{noun}::"),
            (false, "") => format!("{}.", name(&self.netns)),
            (false, noun) => format!("{}.{noun}.", name(&self.netns)),
        };
        format!("{of}{}({})", self.verb, given.join(", "))
    }
}

/// What a namespace is called in a script that has made no variable for it.
pub fn by_name(netns: &NsName) -> String {
    match netns.is_host() {
        true => "host".into(),
        false => format!("netns::get({})", quoted(netns.as_str())),
    }
}

/// A value as a script has it.
pub fn written(value: &Value, name: &dyn Fn(&NsName) -> String) -> String {
    match value {
        Value::Unit | Value::Other(_) => "()".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => quoted(text),
        Value::Netns(netns) => name(netns),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| written(item, name)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(items) => map(items.iter().map(|(key, value)| (key.as_str(), value)), name),
    }
}

fn map<'a>(items: impl Iterator<Item = (&'a str, &'a Value)>, name: &dyn Fn(&NsName) -> String) -> String {
    let items: Vec<String> = items
        .map(|(key, value)| format!("{}: {}", key_of(key), written(value, name)))
        .collect();
    match items.is_empty() {
        true => "#{}".into(),
        false => format!("#{{ {} }}", items.join(", ")),
    }
}

/// A key of a map; quoted where Rhai reserves the word.
fn key_of(key: &str) -> String {
    match is_name(key) {
        true => key.into(),
        false => quoted(key),
    }
}

/// Whether a word can be a name in a script.
pub fn is_name(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.chars().all(plain) && !RESERVED.contains(&word)
}

/// Words that Rhai keeps for itself, now or later.
const RESERVED: [&str; 62] = [
    "true",
    "false",
    "let",
    "const",
    "if",
    "else",
    "switch",
    "do",
    "while",
    "until",
    "loop",
    "for",
    "in",
    "continue",
    "break",
    "return",
    "throw",
    "try",
    "catch",
    "import",
    "export",
    "as",
    "global",
    "private",
    "fn",
    "this",
    "is_def_var",
    "is_def_fn",
    "is_shared",
    "print",
    "debug",
    "type_of",
    "eval",
    "Fn",
    "call",
    "curry",
    "var",
    "static",
    "shared",
    "goto",
    "match",
    "case",
    "public",
    "protected",
    "new",
    "use",
    "with",
    "is",
    "module",
    "package",
    "super",
    "spawn",
    "thread",
    "go",
    "sync",
    "async",
    "await",
    "yield",
    "default",
    "void",
    "null",
    "nil",
];

/// Text as a script has it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_written_as_a_script_has_it() {
        let ns0: NsName = "ns0".parse().expect("a name");
        let mut call = Call::new(&ns0, "bridge.fdb", "add").with(Value::Str("02:00:00:00:00:09".into()));
        call.options.push(("dev".into(), Value::Str("a\"b".into())));
        call.options.push(("static".into(), Value::Bool(true)));
        assert_eq!(
            call.script(&|netns| netns.to_string()),
            r#"ns0.bridge.fdb.add("02:00:00:00:00:09", #{ dev: "a\"b", "static": true })"#
        );
        assert_eq!(
            Call::new(&ns0, "netns", "add")
                .with(Value::Str("x".into()))
                .script(&by_name),
            "netns::add(\"x\")"
        );
        assert_eq!(
            Call::new(&ns0, "", "ping").script(&by_name),
            "netns::get(\"ns0\").ping()"
        );
    }
}
