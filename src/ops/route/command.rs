//! The commands about routes, read: `ip route`, and `route` of old.

use std::net::IpAddr;

use super::change::TYPES;
use super::{Among, From, Table, Way};
use crate::ops::addr::mask;
use crate::ops::command::Spelling::{Short, Whole};
use crate::ops::command::{Command, Draft, Grammar, Setting};
use crate::ops::route::Family;
use crate::ops::value::Value;
use crate::ops::{Heard, IfName, Options, Prefix, Typed, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        program: "ip",
        object: "route",
        read: ip_route,
    },
    Command {
        program: "route",
        object: "",
        read: route,
    },
];

fn ip_route(words: &mut Words, setting: &Setting) -> Heard<Vec<Draft>> {
    if words.is_empty() {
        return show(words, setting, "show");
    }
    let verb = words.verb(
        "ip route",
        &[
            ("list", Some("show")),
            ("show", Some("show")),
            ("lst", Some("show")),
            ("get", Some("get")),
            ("add", Some("add")),
            ("change", None),
            ("chg", None),
            ("replace", Some("replace")),
            ("prepend", None),
            ("append", None),
            ("test", None),
            ("delete", Some("del")),
            ("flush", Some("flush")),
            ("save", None),
            ("restore", None),
            ("showdump", None),
            ("help", None),
        ],
    )?;
    match verb {
        "show" | "flush" => show(words, setting, verb),
        "get" => get(words),
        _ => change(words, setting, verb),
    }
}

/// Reads `via [inet|inet6] ADDRESS`.
pub(super) fn take_gateway(draft: &mut Draft, words: &mut Words) -> Heard<bool> {
    if !words.take("via") {
        return Ok(false);
    }
    words.take_any(&["inet", "inet6"]);
    let via = IpAddr::of_word(words.value("via")?);
    draft.option("via", via, words.last())?;
    Ok(true)
}

fn change(words: &mut Words, setting: &Setting, verb: &'static str) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("route", verb);
    let grammar = Grammar {
        keys: &[Way::KEYS],
        never: &["type"],
        also: &[
            ("oif", "dev", Whole),
            ("preference", "metric", Whole),
            ("metric", "metric", Short),
            ("priority", "metric", Short),
            ("table", "table", Short),
        ],
    };
    let kind = words.peek().filter(|word| TYPES.iter().any(|(name, _)| name == word));
    let kind_place = words.place();
    if kind.is_some() {
        words.next();
    }
    while let Some(word) = words.peek() {
        if take_gateway(&mut draft, words)? || draft.take_option(words, &grammar)? {
            continue;
        }
        if !draft.call.arguments.is_empty() {
            draft.unknown(words, &grammar)?;
        }
        let is_named = words.take("to");
        let to = if is_named { words.value("to")? } else { word };
        if !is_named {
            words.next();
        }
        draft.argument(Prefix::of_word(to), words);
    }
    if let Some(kind) = kind {
        draft.option("type", Value::Str(kind.into()), kind_place)?;
    }
    default_of(&mut draft, setting);
    Ok(draft.into())
}

/// A default route is of the family of its gateway; where nothing says one, IPv6's is `::/0`.
fn default_of(draft: &mut Draft, setting: &Setting) {
    let is_default = matches!(draft.call.arguments.first(), Some(Value::Str(to)) if to == "default");
    let says = |key| matches!(draft.call.option(key), Some(Value::Str(text)) if text.contains(':'));
    if is_default && setting.family == Some(Family::Inet6) && !says("via") && !says("src") {
        draft.call.arguments[0] = Value::Str("::/0".into());
    }
}

fn show(words: &mut Words, setting: &Setting, verb: &'static str) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("route", verb);
    let grammar = Grammar {
        keys: &[Among::KEYS],
        never: &["family"],
        also: &[("oif", "dev", Whole), ("table", "table", Short)],
    };
    if words.take("cache") {
        // There has been no cache of routes for long: nothing is to be done.
        words.finish()?;
        return Ok(Vec::new());
    }
    draft.take_options(words, &grammar)?;
    // The main table is meant anyway.
    let is_main = |(key, value): &(String, Value)| {
        key == "table" && matches!(Table::read(value), Ok(table) if table == Table::MAIN)
    };
    draft.call.options.retain(|option| !is_main(option));
    if let Some(family) = setting
        .family
        .filter(|family| verb == "flush" || *family == Family::Inet6)
    {
        draft.option("family", Value::Str(family.spell()), words.last())?;
    }
    Ok(draft.into())
}

fn get(words: &mut Words) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("route", "get");
    let grammar = Grammar {
        keys: &[From::KEYS],
        never: &[],
        also: &[("dev", "oif", Whole), ("fwmark", "mark", Whole)],
    };
    words.take("to");
    let to = words.value("ip route get")?;
    draft.argument(IpAddr::of_word(to.strip_suffix("/32").unwrap_or(to)), words);
    draft.take_options(words, &grammar)?;
    Ok(draft.into())
}

/// `route add -net PREFIX netmask MASK gw ADDRESS dev DEV`.
fn route(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let mut is_inet6 = false;
    while let Some(option) = words.peek().filter(|word| word.starts_with('-')) {
        words.next();
        match option {
            "-A" => is_inet6 = words.value("-A")? == "inet6",
            "-6" => is_inet6 = true,
            _ if option[1..].chars().all(|c| "nev4".contains(c)) => {}
            _ => return Err(words.misread_last(format!("nsx has no `route {option}`"))),
        }
    }
    let Some(verb) = words.next() else {
        let mut draft = Draft::new("route", "show");
        if is_inet6 {
            draft.option("family", Value::Str("inet6".into()), words.last())?;
        }
        return Ok(draft.into());
    };
    let verb = match verb {
        "add" => "add",
        "del" | "delete" => "del",
        other => return Err(words.misread_last(format!("nsx has no `route {other}`"))),
    };
    let mut draft = Draft::new("route", verb);
    words.take_any(&["-net", "-host"]);
    let to = words.value("route")?;
    let mut length = None;
    while let Some(word) = words.next() {
        match word {
            "gw" => draft.option("via", IpAddr::of_word(words.value("gw")?), words.last())?,
            "dev" => draft.option("dev", IfName::of_word(words.value("dev")?), words.last())?,
            "metric" => draft.option("metric", u32::of_word(words.value("metric")?), words.last())?,
            "netmask" => length = Some(mask(words)?),
            "reject" => draft.option("type", Value::Str("unreachable".into()), words.last())?,
            // A device may stand without its word.
            dev if words.is_empty() && draft.call.option("dev").is_none() => {
                draft.option("dev", IfName::of_word(dev), words.last())?;
            }
            other => return Err(words.misread_last(format!("`route` has nothing for `{other}` that nsx knows"))),
        }
    }
    let to = match length {
        Some(length) => format!("{to}/{length}"),
        None if is_inet6 && to == "default" => "::/0".into(),
        None => to.into(),
    };
    draft.call.arguments.push(Prefix::of_word(&to));
    Ok(draft.into())
}
