//! The reference of the language: what the nouns, the engine and the standard library declare, put in one order, and
//! written for people ([`topic`], [`markdown`]), for programs (as JSON) and for editors ([`definitions`]).
//!
//! Nothing of the language is described here; a word that is missing is missing at its declaration.

mod definitions;
mod errors;
mod markdown;
mod terminal;
mod topics;

use serde::Serialize;

use crate::ops::{self, Act, NOUNS, Noun, Place, Verb};
use crate::script::{BUILTINS, Builtin, Form, Group, Module, modules};

pub use definitions::definitions;
pub use errors::{codes, errors_json, errors_markdown, explain};
pub use markdown::markdown;
pub use topics::topic;

/// How a namespace is written.
const NAMESPACE: &str = "ns";

/// The whole reference.
#[derive(Clone, Debug, Serialize)]
pub struct Reference {
    /// The version of nsx.
    pub version: &'static str,
    /// Its sections in order.
    pub sections: Vec<Section>,
}

/// What belongs together: a noun's verbs, a value's fields, a module's functions.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// What it is a section of.
    pub kind: Kind,
    /// Its name: `route`, `process`, `std/topology`; `ns` for what a namespace itself does.
    pub name: String,
    /// Markdown: what it is.
    pub doc: String,
    /// What it has.
    pub entries: Vec<Entry>,
}

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A noun: its verbs.
    Noun,
    /// What stands alone: functions and words.
    Functions,
    /// A type of values: fields and methods.
    Value,
    /// A module of the standard library: functions.
    Module,
}

/// A verb, a function, a field.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// What `nsx help` finds it by: `route.add`.
    pub topic: String,
    /// Its name.
    pub name: String,
    /// How it is written, in each of its ways: `ns.route.add(PREFIX, #{ … })`.
    pub calls: Vec<String>,
    /// What it gives, in plain words; empty where that is nothing, or told by the text.
    pub gives: &'static str,
    /// What it does, in a sentence.
    pub summary: String,
    /// Markdown: what it does, its equivalent, an example.
    pub doc: String,
    /// The keys of its options.
    pub keys: Vec<Key>,
    /// Its arguments in order; those in brackets may be left out.
    pub arguments: Vec<String>,
    /// Whether it is a change, which gives nothing.
    #[serde(skip)]
    changes: bool,
}

/// An option key.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub wants: &'static str,
    /// What it does.
    pub doc: &'static str,
}

impl Reference {
    /// The reference of this nsx.
    pub fn new() -> Reference {
        let mut sections: Vec<Section> = NOUNS.iter().map(|noun| of_noun(noun)).collect();
        for group in BUILTINS.iter().map(|group| of_group(group)) {
            // What a namespace has stands with what is done in it.
            match sections
                .iter_mut()
                .find(|section| section.name == NAMESPACE && section.name == group.name)
            {
                Some(section) => {
                    section.doc = group.doc;
                    section.entries.extend(group.entries);
                }
                None => sections.push(group),
            }
        }
        sections.extend(modules().into_iter().map(of_module));
        Reference {
            version: env!("CARGO_PKG_VERSION"),
            sections,
        }
    }

    /// All entries.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.sections.iter().flat_map(|section| &section.entries)
    }
}

impl Default for Reference {
    fn default() -> Reference {
        Reference::new()
    }
}

impl Section {
    /// Its title.
    pub fn title(&self) -> &str {
        match self.kind {
            Kind::Functions => "Functions and words",
            _ => &self.name,
        }
    }
}

fn of_noun(noun: &Noun) -> Section {
    Section {
        kind: Kind::Noun,
        name: if noun.name.is_empty() { NAMESPACE } else { noun.name }.to_string(),
        doc: tidy(noun.doc),
        entries: noun.verbs.iter().map(|verb| of_verb(noun, verb)).collect(),
    }
}

fn of_verb(noun: &Noun, verb: &Verb) -> Entry {
    let keys = keys(verb.keys.iter().copied().flatten());
    let head = match (noun.place, noun.name) {
        (Place::Lab, name) => format!("{name}::"),
        (Place::Namespace, "") => "ns.".to_string(),
        (Place::Namespace, name) => format!("ns.{name}."),
    };
    let arguments = words(verb.usage);
    let topic = [noun.name, verb.name].join(".");
    Entry {
        topic: topic.trim_start_matches('.').to_string(),
        name: verb.name.to_string(),
        calls: vec![call(&format!("{head}{}", verb.name), &arguments, !keys.is_empty())],
        gives: "",
        summary: summary(verb.doc),
        doc: tidy(verb.doc),
        keys,
        arguments,
        changes: matches!(verb.act, Act::Change(_)),
    }
}

fn of_group(group: &Group) -> Section {
    let (kind, name) = match group.name {
        "" => (Kind::Functions, "functions"),
        "netns" => (Kind::Noun, NAMESPACE),
        name => (Kind::Value, name),
    };
    Section {
        kind,
        name: name.to_string(),
        doc: tidy(group.doc),
        entries: group.items.iter().map(|item| of_builtin(group, item)).collect(),
    }
}

fn of_builtin(group: &Group, item: &Builtin) -> Entry {
    // A value is called as its type is, but an error as `catch` has it.
    let (section, owner) = match group.name {
        "netns" => (NAMESPACE, NAMESPACE),
        "error" => ("error", "e"),
        name => (name, name),
    };
    let dotted = |owner: &str| [owner, item.name].join(".").trim_start_matches('.').to_string();
    let written = dotted(owner);
    let arguments = match item.form {
        Form::Call(usage) => words(usage),
        Form::Word | Form::Field => Vec::new(),
    };
    Entry {
        topic: dotted(section),
        name: item.name.to_string(),
        calls: vec![match item.form {
            Form::Call(_) => call(&written, &arguments, !item.keys.is_empty()),
            Form::Word | Form::Field => written,
        }],
        gives: item.gives,
        summary: summary(item.doc),
        doc: tidy(item.doc),
        keys: keys(item.keys),
        arguments,
        changes: item.gives.is_empty(),
    }
}

fn of_module(module: Module) -> Section {
    let short = module.name.rsplit('/').next().unwrap_or(module.name);
    let mut entries: Vec<Entry> = Vec::new();
    for function in module.functions {
        let written = call(&format!("{short}::{}", function.name), &function.parameters, false);
        // One of that name with other parameters: another way to call it.
        if let Some(same) = entries.iter_mut().find(|entry| entry.name == function.name) {
            same.calls.push(written);
            same.doc = format!("{}\n\n{}", same.doc, function.doc);
            continue;
        }
        entries.push(Entry {
            topic: format!("{}.{}", module.name, function.name),
            calls: vec![written],
            gives: "",
            summary: summary(&function.doc),
            doc: function.doc,
            keys: Vec::new(),
            arguments: function.parameters,
            changes: false,
            name: function.name,
        });
    }
    Section {
        kind: Kind::Module,
        name: module.name.to_string(),
        doc: module.doc,
        entries,
    }
}

fn keys<'a>(declared: impl IntoIterator<Item = &'a ops::Key>) -> Vec<Key> {
    let keys = declared.into_iter().map(|key| Key {
        name: key.name,
        wants: key.wants,
        doc: key.doc.trim(),
    });
    keys.collect()
}

fn words(usage: &str) -> Vec<String> {
    usage.split_whitespace().map(ToString::to_string).collect()
}

fn call(written: &str, arguments: &[String], has_keys: bool) -> String {
    let options = has_keys.then(|| "#{ … }".to_string());
    let arguments: Vec<String> = arguments.iter().cloned().chain(options).collect();
    format!("{written}({})", arguments.join(", "))
}

/// The first sentence of a text.
fn summary(doc: &str) -> String {
    let paragraph = doc.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    match paragraph.find(". ") {
        Some(end) => paragraph[..=end].to_string(),
        None => paragraph,
    }
}

/// A text without spaces around it.
fn tidy(doc: &str) -> String {
    doc.trim().to_string()
}
