//! `ip rule`, read.

use super::{Among, Rule};
use crate::ops::command::Spelling::{Short, Whole};
use crate::ops::command::{Command, Draft, Grammar, Setting};
use crate::ops::route::Family;
use crate::ops::value::Value;
use crate::ops::{Heard, Options, Typed, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[Command {
    program: "ip",
    object: "rule",
    read: ip_rule,
}];

fn ip_rule(words: &mut Words, setting: &Setting) -> Heard<Vec<Draft>> {
    let verb = match words.is_empty() {
        true => "show",
        false => words.verb(
            "ip rule",
            &[
                ("list", Some("show")),
                ("lst", Some("show")),
                ("show", Some("show")),
                ("save", None),
                ("restore", None),
                ("add", Some("add")),
                ("delete", Some("del")),
                ("flush", Some("flush")),
                ("help", None),
            ],
        )?,
    };
    let mut draft = Draft::new("rule", verb);
    let grammar = Grammar {
        keys: if ["show", "flush"].contains(&verb) {
            &[Among::KEYS]
        } else {
            &[Rule::KEYS]
        },
        never: &["family"],
        also: &[
            ("table", "table", Short),
            ("lookup", "table", Short),
            ("preference", "priority", Short),
            ("order", "priority", Short),
            ("priority", "priority", Short),
            ("dsfield", "tos", Short),
            ("dev", "iif", Whole),
            ("sup_pl", "suppress_prefixlength", Whole),
        ],
    };
    draft.take_options(words, &grammar)?;
    let says = |key| matches!(draft.call.option(key), Some(Value::Str(text)) if text.contains([':', '.']));
    if setting.family == Some(Family::Inet6) && !says("from") && !says("to") {
        draft.option("family", Value::Str(Family::Inet6.spell()), words.last())?;
    }
    Ok(draft.into())
}
