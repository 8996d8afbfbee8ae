//! `bridge`, read: its links, forwarding databases and VLANs.

use super::{fdb, link, vlan};
use crate::ops::command::Spelling::Whole;
use crate::ops::command::{Command, Draft, Grammar, Setting};
use crate::ops::value::Key;
use crate::ops::{Heard, IfName, Mac, Options, Typed, Words};

/// `bridge link`.
pub(super) const LINK: &[Command] = &[Command {
    program: "bridge",
    object: "link",
    read: bridge_link,
}];

/// `bridge fdb`.
pub(super) const FDB: &[Command] = &[Command {
    program: "bridge",
    object: "fdb",
    read: bridge_fdb,
}];

/// `bridge vlan`.
pub(super) const VLAN: &[Command] = &[Command {
    program: "bridge",
    object: "vlan",
    read: bridge_vlan,
}];

const SHOW: [(&str, Option<&str>); 3] = [("show", Some("show")), ("lst", Some("show")), ("list", Some("show"))];

/// The verb, and `show` where none is said.
fn verb(words: &mut Words, of: &str, verbs: &[(&'static str, Option<&'static str>)]) -> Heard<&'static str> {
    match words.is_empty() {
        true => Ok("show"),
        false => words.verb(of, &[verbs, &SHOW].concat()),
    }
}

fn show(words: &mut Words, noun: &'static str, keys: &'static [&'static [Key]]) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new(noun, "show");
    let grammar = Grammar {
        keys,
        never: &[],
        also: &[("brport", "dev", Whole), ("bridge", "br", Whole)],
    };
    draft.take_options(words, &grammar)?;
    Ok(draft.into())
}

/// A device that stands as `dev DEV` anywhere among options becomes the call's argument.
fn of_device(words: &mut Words, draft: &mut Draft, grammar: &Grammar) -> Heard<()> {
    while !words.is_empty() {
        if draft.call.arguments.is_empty() && words.take("dev") {
            let dev = words.value("dev")?;
            draft.argument(IfName::of_word(dev), words);
        } else if !draft.take_option(words, grammar)? {
            return draft.unknown(words, grammar);
        }
    }
    Ok(())
}

fn bridge_link(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verb = verb(words, "bridge link", &[("set", Some("set")), ("change", Some("set"))])?;
    if verb == "show" {
        return show(words, "bridge.link", &[link::Among::KEYS]);
    }
    let mut draft = Draft::new("bridge.link", verb);
    let grammar = Grammar {
        keys: &[link::Port::KEYS],
        ..Grammar::default()
    };
    of_device(words, &mut draft, &grammar)?;
    Ok(draft.into())
}

fn bridge_fdb(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verbs = [
        ("add", Some("add")),
        ("append", Some("append")),
        ("replace", Some("replace")),
        ("delete", Some("del")),
        ("get", None),
    ];
    let verb = verb(words, "bridge fdb", &verbs)?;
    if verb == "show" {
        return show(words, "bridge.fdb", &[fdb::Among::KEYS]);
    }
    let mut draft = Draft::new("bridge.fdb", verb);
    let grammar = Grammar {
        keys: &[fdb::Entry::KEYS],
        never: &[],
        also: &[("temp", "static", Whole)],
    };
    while let Some(word) = words.peek() {
        if draft.take_option(words, &grammar)? {
        } else if draft.call.arguments.is_empty() {
            let is_named = words.take("to");
            let to = if is_named { words.value("to")? } else { word };
            if !is_named {
                words.next();
            }
            draft.argument(Mac::of_word(to), words);
        } else {
            draft.unknown(words, &grammar)?;
        }
    }
    Ok(draft.into())
}

fn bridge_vlan(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verbs = [("add", Some("add")), ("delete", Some("del")), ("set", None)];
    let verb = verb(words, "bridge vlan", &verbs)?;
    if verb == "show" {
        return show(words, "bridge.vlan", &[vlan::Among::KEYS]);
    }
    let mut draft = Draft::new("bridge.vlan", verb);
    let grammar = Grammar {
        keys: &[vlan::Vlan::KEYS],
        ..Grammar::default()
    };
    of_device(words, &mut draft, &grammar)?;
    Ok(draft.into())
}
