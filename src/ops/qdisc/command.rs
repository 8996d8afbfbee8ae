//! `tc`, read: its qdiscs and classes.

use super::class::{Keys, Which};
use super::{Among, At, kind};
use crate::ops::command::Spelling::Whole;
use crate::ops::command::{Command, Draft, Grammar, Setting};
use crate::ops::value::{Key, Value};
use crate::ops::{Chance, Heard, IfName, Options, Span, Typed, Words};

/// `tc qdisc`.
pub(super) const QDISC: &[Command] = &[Command {
    program: "tc",
    object: "qdisc",
    read: tc_qdisc,
}];

/// `tc class`.
pub(super) const CLASS: &[Command] = &[Command {
    program: "tc",
    object: "class",
    read: tc_class,
}];

/// The verbs that both have, in tc's order.
fn verb(words: &mut Words, of: &str, changes: bool) -> Heard<&'static str> {
    if words.is_empty() {
        return Ok("show");
    }
    let verbs = [
        ("add", Some("add")),
        ("change", changes.then_some("change")),
        ("replace", Some("replace")),
        ("link", None),
        ("delete", Some("del")),
        ("list", Some("show")),
        ("show", Some("show")),
        ("lst", Some("show")),
        ("ls", Some("show")),
        ("help", None),
    ];
    words.verb(of, &verbs)
}

/// Takes `dev DEV` as the call's argument.
fn take_device(words: &mut Words, draft: &mut Draft) -> Heard<bool> {
    if !draft.call.arguments.is_empty() || !words.take("dev") {
        return Ok(false);
    }
    let dev = words.value("dev")?;
    draft.argument(IfName::of_word(dev), words);
    Ok(true)
}

fn show(words: &mut Words, noun: &'static str) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new(noun, "show");
    while take_device(words, &mut draft)? {}
    draft.unknown(
        words,
        &Grammar {
            keys: &[Among::KEYS],
            ..Grammar::default()
        },
    )?;
    Ok(draft.into())
}

fn tc_qdisc(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verb = verb(words, "tc qdisc", true)?;
    if verb == "show" {
        return show(words, "qdisc");
    }
    let mut draft = Draft::new("qdisc", verb);
    let place = Grammar {
        keys: &[At::KEYS],
        ..Grammar::default()
    };
    while let Some(word) = words.peek() {
        if words.take("root") || take_device(words, &mut draft)? || draft.take_option(words, &place)? {
            continue;
        }
        words.next();
        let Some(keys) = kind::keys_of(word) else {
            return Err(words.misread_last(format!("nsx has no qdisc of kind `{word}`")));
        };
        beside(&mut draft, word, words);
        if verb == "del" && !kind::is_beside(word) {
            // What it is need not be said of one that goes.
            words.rest();
            break;
        }
        draft.option("kind", Value::Str(word.into()), words.last())?;
        of_kind(&mut draft, words, word, keys)?;
    }
    Ok(draft.into())
}

/// `ingress` and `clsact` have one number, which may be said.
fn beside(draft: &mut Draft, kind: &str, words: &mut Words) {
    if kind::is_beside(kind) {
        let is_own = |(key, value): &(String, Value)| key == "handle" && *value == Value::Str("ffff:".into());
        draft.call.options.retain(|option| !is_own(option));
        if words.take("handle") {
            words.take_any(&["ffff:", "ffff"]);
        }
    }
}

/// The keys of a kind. Some words of tc have no key before them, or another unit.
fn of_kind(draft: &mut Draft, words: &mut Words, kind: &str, keys: &'static [&'static [Key]]) -> Heard<()> {
    let grammar = Grammar {
        keys,
        never: match kind {
            "netem" => &["delay", "jitter", "correlation"],
            "sfq" => &["perturb"],
            _ => &[],
        },
        also: match kind {
            "tbf" => &[
                ("buffer", "burst", Whole),
                ("maxburst", "burst", Whole),
                ("minburst", "mtu", Whole),
            ],
            "netem" => &[("drop", "loss", Whole)],
            _ => &[],
        },
    };
    while let Some(word) = words.peek() {
        match (kind, word) {
            ("netem", "delay" | "latency") => delay(draft, words)?,
            ("sfq", "perturb") => {
                words.next();
                let seconds = words.value("perturb")?;
                let is_bare = seconds.chars().all(|c| c.is_ascii_digit());
                let unit = if is_bare { "s" } else { "" };
                draft.option("perturb", Value::Str(format!("{seconds}{unit}")), words.last())?;
            }
            _ if draft.take_option(words, &grammar)? => {}
            _ => return draft.unknown(words, &grammar),
        }
    }
    Ok(())
}

/// `delay TIME [JITTER [CORRELATION]]`.
fn delay(draft: &mut Draft, words: &mut Words) -> Heard<()> {
    words.next();
    let time = Span::of_word(words.value("delay")?);
    draft.option("delay", time, words.last())?;
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    if let Some(jitter) = words.peek().filter(is_number) {
        words.next();
        draft.option("jitter", Span::of_word(jitter), words.last())?;
        if let Some(correlation) = words.peek().filter(is_number) {
            words.next();
            draft.option("correlation", Chance::of_word(correlation), words.last())?;
        }
    }
    Ok(())
}

fn tc_class(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verb = verb(words, "tc class", false)?;
    if verb == "show" {
        return show(words, "class");
    }
    let mut draft = Draft::new("class", verb);
    let grammar = Grammar {
        keys: if verb == "del" { &[Which::KEYS] } else { &[Keys::KEYS] },
        never: &[],
        also: &[("maxburst", "burst", Whole), ("buffer", "burst", Whole)],
    };
    while !words.is_empty() {
        if take_device(words, &mut draft)? || draft.take_option(words, &grammar)? {
            continue;
        }
        if words.take("root") {
            draft.option("parent", Value::Str("root".into()), words.last())?;
            continue;
        }
        if verb == "del" && words.take("parent") {
            // The number says it.
            words.value("parent")?;
            continue;
        }
        draft.unknown(words, &grammar)?;
    }
    Ok(draft.into())
}
