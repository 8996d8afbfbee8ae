//! The reference as Rhai's definitions, which editors read: `nsx.d.rhai`.
//!
//! Made from the declarations, not by `Engine::definitions`: to the engine every argument of a verb is a value of any
//! type, and a noun's verbs are those of all nouns.

use std::fmt::Write;

use super::{Entry, Kind, Reference, Section};

/// All definitions, as the text of one file.
pub fn definitions(reference: &Reference) -> String {
    let mut text = String::from("module static;\n");
    for section in &reference.sections {
        // A module of the standard library is Rhai, with its documentation in it.
        match (section.kind, is_of_lab(section)) {
            (Kind::Module, _) => {}
            (Kind::Noun, true) => module(&mut text, section),
            (Kind::Noun, false) => noun(&mut text, section),
            (Kind::Functions, _) => functions(&mut text, section, None),
            (Kind::Value, _) => functions(&mut text, section, Some(&section.name)),
        }
    }
    text
}

fn is_of_lab(section: &Section) -> bool {
    section
        .entries
        .iter()
        .any(|entry| entry.calls.iter().any(|call| call.contains("::")))
}

/// A noun of the lab: `netns::add`.
fn module(text: &mut String, section: &Section) {
    let _ = writeln!(text, "\nmodule {} {{", section.name);
    for entry in &section.entries {
        let mut inner = String::new();
        entry_of(&mut inner, entry, None);
        for line in inner.lines() {
            let _ = writeln!(text, "{}", format!("    {line}").trim_end());
        }
    }
    text.push_str("}\n");
}

/// A noun of a namespace: a field of it, whose type has the verbs.
fn noun(text: &mut String, section: &Section) {
    if section.name == "ns" {
        return functions(text, section, Some("netns"));
    }
    let (outer, last) = match section.name.rsplit_once('.') {
        Some((outer, last)) => (type_of(outer), last),
        None => ("netns".to_string(), section.name.as_str()),
    };
    text.push('\n');
    comment(text, &section.doc);
    let own = type_of(&section.name);
    let _ = writeln!(text, "fn get {last}(this: {outer}) -> {own};");
    functions(text, section, Some(&own));
}

/// `bridge.fdb` is of the type `bridge_fdb`.
fn type_of(noun: &str) -> String {
    noun.replace('.', "_")
}

fn functions(text: &mut String, section: &Section, of: Option<&str>) {
    for entry in &section.entries {
        entry_of(text, entry, of);
    }
}

/// An entry: each way to call it is a function of its own.
fn entry_of(text: &mut String, entry: &Entry, of: Option<&str>) {
    text.push('\n');
    comment(text, &entry.doc);
    let gives = gives(entry);
    let is_call = entry.calls.iter().any(|call| call.ends_with(')'));
    if !is_call {
        let _ = match of {
            Some(of) => writeln!(text, "fn get {}(this: {of}) -> {gives};", entry.name),
            None => writeln!(text, "let {}: {gives};", entry.name),
        };
        return;
    }
    let required = entry
        .arguments
        .iter()
        .filter(|argument| !argument.starts_with('['))
        .count();
    for taken in required..=entry.arguments.len() {
        let this = of.map(|of| format!("this: {of}"));
        let arguments = entry.arguments[..taken]
            .iter()
            .map(|argument| format!("{}: ?", parameter(argument)));
        let plain: Vec<String> = this.into_iter().chain(arguments).collect();
        let _ = writeln!(text, "fn {}({}) -> {gives};", entry.name, plain.join(", "));
        if !entry.keys.is_empty() {
            let with: Vec<String> = plain.into_iter().chain(["options: Map".to_string()]).collect();
            let _ = writeln!(text, "fn {}({}) -> {gives};", entry.name, with.join(", "));
        }
    }
}

/// `ADDR/PREFIX` is called addr_prefix.
fn parameter(argument: &str) -> String {
    let name: String = argument
        .chars()
        .map(|c| {
            if c.is_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    name.trim_matches('_').to_string()
}

fn gives(entry: &Entry) -> &'static str {
    match entry.gives {
        _ if entry.topic == "netns.add" || entry.topic == "netns.get" => "netns",
        "" if entry.changes => "()",
        "text" => "String",
        "a number" => "int",
        "true or false" => "bool",
        "a netns" => "netns",
        "an error" => "error",
        "an array of text" => "Array<String>",
        _ => "?",
    }
}

/// The documentation, with the keys of the options.
fn comment(text: &mut String, doc: &str) {
    for line in doc.lines() {
        let _ = writeln!(text, "{}", format!("/// {line}").trim_end());
    }
}
