//! The commands about neighbours, read: `ip neigh`, and `arp` of old.

use std::net::IpAddr;

use super::{Among, Entry};
use crate::ops::command::{Command, Draft, Grammar, Setting};
use crate::ops::value::Value;
use crate::ops::{Heard, IfName, Mac, Options, Typed, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        program: "ip",
        object: "neigh",
        read: ip_neigh,
    },
    Command {
        program: "arp",
        object: "",
        read: arp,
    },
];

fn ip_neigh(words: &mut Words, setting: &Setting) -> Heard<Vec<Draft>> {
    let verb = match words.is_empty() {
        true => "show",
        false => words.verb(
            "ip neigh",
            &[
                ("add", Some("add")),
                ("change", None),
                ("chg", None),
                ("replace", Some("replace")),
                ("delete", Some("del")),
                ("get", None),
                ("show", Some("show")),
                ("lst", Some("show")),
                ("list", Some("show")),
                ("flush", Some("flush")),
                ("help", None),
            ],
        )?,
    };
    let mut draft = Draft::new("neigh", verb);
    if ["show", "flush"].contains(&verb) {
        words.take("all");
        let grammar = Grammar {
            keys: &[Among::KEYS],
            never: &["family"],
            also: &[],
        };
        draft.take_options(words, &grammar)?;
        if let Some(family) = setting.family {
            draft.option("family", Value::Str(family.spell()), words.last())?;
        }
        return Ok(draft.into());
    }
    let grammar = Grammar {
        keys: &[Entry::KEYS],
        never: &["proxy"],
        also: &[],
    };
    while let Some(word) = words.peek() {
        if words.take("proxy") {
            draft.option("proxy", Value::Bool(true), words.last())?;
        } else if draft.take_option(words, &grammar)? {
        } else if draft.call.arguments.is_empty() {
            let is_named = words.take("to");
            let to = if is_named { words.value("to")? } else { word };
            if !is_named {
                words.next();
            }
            draft.argument(IpAddr::of_word(to), words);
        } else {
            draft.unknown(words, &grammar)?;
        }
    }
    Ok(draft.into())
}

/// `arp`, `arp -s ADDRESS MAC`, `arp -d ADDRESS`.
fn arp(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("neigh", "show");
    while let Some(word) = words.next() {
        match word {
            "-s" => draft.call.verb = "replace",
            "-d" => draft.call.verb = "del",
            "-i" => draft.option("dev", IfName::of_word(words.value("-i")?), words.last())?,
            "pub" => draft.option("proxy", Value::Bool(true), words.last())?,
            _ if word.starts_with('-') && word[1..].chars().all(|c| "anev".contains(c)) => {}
            _ if word.starts_with('-') => return Err(words.misread_last(format!("nsx has no `arp {word}`"))),
            _ if draft.call.verb == "show" => {
                return Err(words.misread_last("nsx shows all neighbours, or those of a device"));
            }
            to if draft.call.arguments.is_empty() => draft.argument(IpAddr::of_word(to), words),
            lladdr => draft.option("lladdr", Mac::of_word(lladdr), words.last())?,
        }
    }
    Ok(draft.into())
}
