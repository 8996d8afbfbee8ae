//! How a line can go on: what the language declares, what the session defined, and what is there now in the lab.

use std::fs;

use super::commands::{self, Argument};
use super::editor::{Completion, Suggestion};
use super::highlight::KEYWORDS;
use super::input::{self, Input};
use super::names::{Names, Verbs};
use super::place::{self, Call, Place, Within};
use crate::lessons::Lang;
use crate::netns::NsName;
use crate::ops::{IfName, Key, NOUNS, Place as Where, Typed, Verb};
use crate::script::{BUILTINS, Form, Lab, modules};

/// How the word that the line ends with can go on.
pub fn complete(lab: &Lab, line: &str, is_lesson: bool) -> Completion {
    let names = Names(lab);
    match input::read(line) {
        Input::Command(name, argument) => command(&names, line, (name, argument), is_lesson),
        Input::Question(topic) => among(line.len() - topic.len(), topic, commands::topics()),
        Input::Program(netns, "") if !line.ends_with(' ') => {
            among(line.len() - netns.len(), netns, names.namespaces(true))
        }
        Input::Program(..) | Input::Plain(_) => Completion::default(),
        // What is `!` so far.
        Input::Script("!") => among(1, "", names.namespaces(true)),
        Input::Nothing | Input::Script(_) => script(&names, &place::at_end(line)),
    }
}

/// What may come next, to be shown in grey.
pub fn hint(lab: &Lab, line: &str, is_lesson: bool) -> Option<Suggestion> {
    let found = complete(lab, line, is_lesson);
    let word = line.get(found.start..).unwrap_or_default();
    if let [(_, only)] = &found.candidates[..]
        && !word.is_empty()
    {
        let rest = only.strip_prefix(word).filter(|rest| !rest.is_empty())?;
        return Some(Suggestion {
            text: rest.to_string(),
            is_literal: true,
        });
    }
    let usage = match input::read(line) {
        Input::Command(name, "") if line.ends_with(' ') => commands::find(name, is_lesson)?.usage.to_string(),
        Input::Script(_) => usage(&Names(lab), &place::at_end(line))?,
        _ => return None,
    };
    Some(Suggestion {
        text: usage,
        is_literal: false,
    })
}

/// The candidates that begin with the word.
fn among(start: usize, word: &str, candidates: impl IntoIterator<Item = impl Into<String>>) -> Completion {
    let candidates = candidates
        .into_iter()
        .map(Into::into)
        .map(|name: String| (name.clone(), name));
    fitting(start, word, candidates)
}

fn fitting(start: usize, word: &str, candidates: impl Iterator<Item = (String, String)>) -> Completion {
    let mut candidates: Vec<_> = candidates.filter(|(shown, _)| shown.starts_with(word)).collect();
    candidates.sort();
    candidates.dedup();
    Completion { start, candidates }
}

/// Candidates for a string that was begun: they end it.
fn quoted(place: &Place, candidates: impl IntoIterator<Item = String>) -> Completion {
    let ended = candidates.into_iter().map(|name| (name.clone(), format!("{name}\"")));
    fitting(place.start, &place.word, ended)
}

fn command(names: &Names, line: &str, (name, argument): (&str, &str), is_lesson: bool) -> Completion {
    let is_named = line.trim_start().len() > name.len() + 1;
    if !is_named {
        return among(
            line.len() - name.len(),
            name,
            commands::all(is_lesson).map(|command| command.name),
        );
    }
    let start = line.len() - argument.len();
    match commands::find(name, is_lesson).map(|command| command.argument) {
        Some(Argument::File) => files(start, argument),
        Some(Argument::Netns) => among(start, argument, names.namespaces(true)),
        Some(Argument::Lang) => among(start, argument, Lang::ALL.map(Lang::tag)),
        Some(Argument::Switch) => among(start, argument, ["on", "off"]),
        Some(Argument::Topic) => among(start, argument, commands::topics()),
        _ => Completion::default(),
    }
}

/// The files of the folder that a path leads to.
fn files(start: usize, path: &str) -> Completion {
    let (folder, _) = path
        .rsplit_once('/')
        .map_or(("", path), |(folder, name)| (folder, name));
    let shown = if folder.is_empty() && !path.starts_with('/') {
        ".".to_string()
    } else {
        format!("{folder}/")
    };
    let entries = fs::read_dir(shown).into_iter().flatten().flatten();
    let whole = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let end = if entry.path().is_dir() { "/" } else { "" };
        let before = if path.contains('/') {
            format!("{folder}/")
        } else {
            String::new()
        };
        let is_hidden = name.starts_with('.') && !path.rsplit('/').next().is_some_and(|word| word.starts_with('.'));
        (!is_hidden).then(|| format!("{before}{name}{end}"))
    });
    among(start, path, whole)
}

fn script(names: &Names, place: &Place) -> Completion {
    let word = |candidates: Vec<String>| among(place.start, &place.word, candidates);
    match &place.within {
        Within::Nothing | Within::Text => Completion::default(),
        Within::Expression => word(expression(names)),
        Within::Member(before) => word(members(names, before)),
        Within::Module(module) => word(functions(names, module)),
        Within::Import => quoted(place, modules().into_iter().map(|module| module.name.to_string())),
        Within::Argument { call, index, in_text } => match (in_text, argument(names, call, *index)) {
            (true, live) => quoted(place, live),
            (false, live) => word(
                live.iter()
                    .map(|name| format!("\"{name}\""))
                    .chain(expression(names))
                    .collect(),
            ),
        },
        Within::Key { call, given } => {
            let keys = keys(names, call).filter(|key| !given.iter().any(|known| known == key.name));
            let key = |key: &Key| (key.name.to_string(), format!("{}: ", quoted_key(key.name)));
            fitting(place.start, &place.word, keys.map(key).collect::<Vec<_>>().into_iter())
        }
        Within::Value { call, keys, in_text } => {
            let live = value(names, call, keys);
            match in_text {
                true => quoted(place, live),
                false => {
                    let own = live.iter().map(|name| match name.as_str() {
                        "true" | "false" => name.clone(),
                        _ => format!("\"{name}\""),
                    });
                    word(own.chain(expression(names)).collect())
                }
            }
        }
    }
}

/// A key as a map has it: in quotes, where Rhai reserves the word.
fn quoted_key(name: &str) -> String {
    match name {
        "default" | "static" | "use" | "self" => format!("\"{name}\""),
        _ => name.to_string(),
    }
}

/// What an expression can begin with.
fn expression(names: &Names) -> Vec<String> {
    let standing = BUILTINS
        .iter()
        .filter(|group| group.name.is_empty())
        .flat_map(|group| group.items);
    let builtins = standing.map(|item| match item.form {
        Form::Call(_) => format!("{}(", item.name),
        _ => item.name.to_string(),
    });
    let nouns = NOUNS
        .iter()
        .filter(|noun| noun.place == Where::Lab)
        .map(|noun| format!("{}::", noun.name));
    let variables = names.0.variables().into_iter().map(|variable| variable.name);
    let functions = names.0.functions().into_iter().map(|name| format!("{name}("));
    let modules = names.0.modules().into_iter().map(|(module, _)| format!("{module}::"));
    let keywords = KEYWORDS.iter().map(ToString::to_string);
    builtins
        .chain(nouns)
        .chain(variables)
        .chain(functions)
        .chain(modules)
        .chain(keywords)
        .collect()
}

/// What can stand after `a.b.`.
fn members(names: &Names, before: &[String]) -> Vec<String> {
    let called = |verb: &Verb| format!("{}(", verb.name);
    let group = |kind: &str| {
        let items = BUILTINS
            .iter()
            .filter(|group| group.name == kind)
            .flat_map(|group| group.items)
            .collect::<Vec<_>>();
        items.into_iter().map(|item| match item.form {
            Form::Call(_) => format!("{}(", item.name),
            _ => item.name.to_string(),
        })
    };
    if let [of] = before {
        if let Some(kind) = names.kind_of(of).filter(|kind| *kind != "netns") {
            return group(kind).collect();
        }
        let nouns = NOUNS
            .iter()
            .filter(|noun| noun.place == Where::Namespace && !noun.name.contains('.'));
        let own = Verbs::of_namespace().map(called);
        return nouns
            .map(|noun| noun.name.to_string())
            .filter(|name| !name.is_empty())
            .chain(own)
            .chain(group("netns"))
            .collect();
    }
    let name = before[1..].join(".");
    let Some(noun) = NOUNS
        .iter()
        .find(|noun| noun.place == Where::Namespace && noun.name == name)
    else {
        return Vec::new();
    };
    let inner = noun.inner().map(|(last, _)| last.to_string());
    noun.verbs.iter().map(called).chain(inner).collect()
}

/// The functions of a module.
fn functions(names: &Names, module: &str) -> Vec<String> {
    let of_lab = NOUNS
        .iter()
        .find(|noun| noun.place == Where::Lab && noun.name == module);
    if let Some(noun) = of_lab {
        return noun.verbs.iter().map(|verb| format!("{}(", verb.name)).collect();
    }
    let found = names.0.modules().into_iter().find(|(name, _)| name == module);
    let functions = found.map(|(_, functions)| functions).unwrap_or_default();
    functions.iter().map(|name| format!("{name}(")).collect()
}

/// The option keys of a call.
fn keys(_: &Names, call: &Call) -> impl Iterator<Item = &'static Key> {
    let verb = Verbs::called(call);
    let keys = verb.into_iter().flat_map(|verb| verb.keys.iter().copied().flatten());
    let mut seen: Vec<&'static Key> = Vec::new();
    for key in keys {
        if !seen.iter().any(|known| known.name == key.name) {
            seen.push(key);
        }
    }
    seen.into_iter()
}

/// The values that an argument can have, where they are names of something.
fn argument(names: &Names, call: &Call, index: usize) -> Vec<String> {
    let Some(verb) = Verbs::called(call) else {
        return Vec::new();
    };
    let Some(usage) = verb.usage.split_whitespace().nth(index) else {
        return Vec::new();
    };
    let netns = names.netns_of(call);
    let noun = Verbs::noun_of(call);
    match (noun.as_str(), verb.name, usage.trim_matches(['[', ']'])) {
        // What is made has no name yet.
        ("link", "add", _) => Vec::new(),
        (_, _, "DEV") => names.devices(netns.as_ref()),
        ("netns", "get" | "del", _) => names.namespaces(false),
        (_, _, "TARGET") => names.addresses(None, false),
        ("route", "get", _) | ("neigh", _, _) => names.addresses(None, false),
        ("addr", "del", _) => names.addresses(netns.as_ref(), true),
        ("route", "del" | "replace", _) => names.destinations(netns.as_ref()),
        ("sysctl", _, "KEY") => names.parameters(netns.as_ref()),
        ("filter", _, "CHAIN") => ["input", "forward", "output"].map(String::from).into(),
        (_, _, "POLICY") => ["accept", "drop"].map(String::from).into(),
        _ => Vec::new(),
    }
}

/// The values that a key can have, where they are names of something or a few words.
fn value(names: &Names, call: &Call, path: &[String]) -> Vec<String> {
    let Some(last) = path.last() else { return Vec::new() };
    let netns = names.netns_of(call);
    let key = match path {
        [_] => keys(names, call).find(|key| key.name == last),
        _ => None,
    };
    match key.map_or("", |key| key.wants) {
        wants if wants == NsName::WANTS || last == "netns" => names.namespaces(true),
        wants if wants == IfName::WANTS || last == "dev" => names.devices(netns.as_ref()),
        wants if wants == bool::WANTS => ["true", "false"].map(String::from).into(),
        _ if last == "type" && Verbs::noun_of(call) == "link" => crate::ops::link::KINDS
            .iter()
            .map(|kind| kind.name.to_string())
            .collect(),
        _ if last == "via" => names.addresses(None, false),
        wants => words(wants),
    }
}

/// The words that a key's declaration lists: `"accept", "drop" or "reject"`, or `static, stale or reachable`.
fn words(wants: &str) -> Vec<String> {
    let quoted: Vec<String> = wants.split('"').skip(1).step_by(2).map(String::from).collect();
    if quoted.len() > 1 {
        return quoted;
    }
    let list = wants.replace(" or ", ", ");
    let words: Vec<&str> = list.split(", ").collect();
    let is_word = |word: &&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match words.len() > 1 && words.iter().all(is_word) {
        true => words.into_iter().map(String::from).collect(),
        false => Vec::new(),
    }
}

/// How the call at the end of a line is used.
fn usage(names: &Names, place: &Place) -> Option<String> {
    if !place.word.is_empty() {
        return None;
    }
    match &place.within {
        Within::Argument {
            call,
            index: 0,
            in_text: false,
        } => {
            if let Some(verb) = Verbs::called(call) {
                let some: Vec<&str> = keys(names, call).map(|key| key.name).take(5).collect();
                let map = (!some.is_empty()).then(|| format!("#{{ {} … }}", some.join(", ")));
                let words = verb.usage.split_whitespace().map(String::from).chain(map);
                return Some(words.collect::<Vec<_>>().join(", ") + ")");
            }
            let standing = BUILTINS
                .iter()
                .filter(|group| group.name.is_empty())
                .flat_map(|group| group.items);
            let builtin = standing
                .into_iter()
                .find(|item| item.name == call.name && call.before.is_empty())?;
            match builtin.form {
                Form::Call(usage) => Some(usage.split_whitespace().collect::<Vec<_>>().join(", ") + ")"),
                _ => None,
            }
        }
        Within::Value {
            call,
            keys: path,
            in_text: false,
        } if path.len() == 1 => keys(names, call)
            .find(|key| key.name == path[0])
            .map(|key| key.wants.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_declaration_are_found() {
        assert_eq!(
            words("\"accept\", \"drop\" or \"reject\""),
            ["accept", "drop", "reject"]
        );
        assert_eq!(words("static, stale or reachable"), ["static", "stale", "reachable"]);
        assert!(words("a duration such as \"200ms\"").is_empty());
        assert!(words("a whole number").is_empty());
    }
}
