//! The commands about devices, read: `ip link`, and `brctl` of old.

use super::{Queues, Settings, kind};
use crate::ops::command::Spelling::{Short, Whole};
use crate::ops::command::{Command, Draft, Grammar, Setting, Spelling};
use crate::ops::value::Value;
use crate::ops::words::is_short_for;
use crate::ops::{Heard, IfName, Options, Typed, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        program: "ip",
        object: "link",
        read: ip_link,
    },
    Command {
        program: "ip",
        object: "tuntap",
        read: tuntap,
    },
    Command {
        program: "brctl",
        object: "",
        read: brctl,
    },
];

/// Other words of `ip link` for the keys of any device.
const ALSO: &[(&str, &str, Spelling)] = &[
    ("qlen", "txqueuelen", Whole),
    ("txqlen", "txqueuelen", Whole),
    ("txqueuelen", "txqueuelen", Short),
    ("vrf", "master", Whole),
];

fn ip_link(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    if words.is_empty() {
        return Ok(Draft::new("link", "show").into());
    }
    let verb = words.verb(
        "ip link",
        &[
            ("add", Some("add")),
            ("set", Some("set")),
            ("change", Some("set")),
            ("replace", None),
            ("delete", Some("del")),
            ("show", Some("show")),
            ("lst", Some("show")),
            ("list", Some("show")),
            ("xstats", None),
            ("afstats", None),
            ("property", None),
            ("help", None),
        ],
    )?;
    match verb {
        "add" => add(words),
        "set" => set(words),
        "del" => del(words),
        _ => show(words),
    }
}

/// Reads the keys of any device until `type` or the end; the device is told by a word that is no key.
fn device(draft: &mut Draft, words: &mut Words, grammar: &Grammar, named_by: &[&str]) -> Heard<()> {
    while let Some(word) = words.peek() {
        if is_short_for(word, "type") && (word.len() > 1 || !draft.call.arguments.is_empty()) {
            return Ok(());
        }
        if words.take("link") {
            let lower = IfName::of_word(words.value("link")?);
            draft.option("link", lower, words.last())?;
        } else if draft.call.arguments.is_empty() && words.take_any(named_by) {
            let dev = words.value("dev")?;
            draft.argument(IfName::of_word(dev), words);
        } else if draft.take_option(words, grammar)? {
        } else if draft.call.arguments.is_empty() {
            words.next();
            draft.argument(IfName::of_word(word), words);
        } else {
            return draft.unknown(words, grammar);
        }
    }
    Ok(())
}

fn add(words: &mut Words) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("link", "add");
    let settings = Grammar {
        keys: &[Settings::KEYS, Queues::KEYS],
        never: &["name"],
        also: ALSO,
    };
    device(&mut draft, words, &settings, &["name", "dev"])?;
    if !of_kind(&mut draft, words)? {
        return Err(words.misread("`type` is missing: what the device is"));
    }
    if draft.call.arguments.is_empty() {
        return Err(words
            .misread("the new device has no name: nsx wants one")
            .help("ip link add NAME type KIND"));
    }
    Ok(draft.into())
}

fn set(words: &mut Words) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("link", "set");
    let settings = Grammar {
        keys: &[Settings::KEYS],
        never: &[],
        also: ALSO,
    };
    device(&mut draft, words, &settings, &["dev"])?;
    of_kind(&mut draft, words)?;
    Ok(draft.into())
}

/// Reads `type KIND` and the keys of that kind.
fn of_kind(draft: &mut Draft, words: &mut Words) -> Heard<bool> {
    if words.is_empty() {
        return Ok(false);
    }
    words.next();
    let name = words.value("type")?;
    // `type` stands before what belongs to it, as one writes it.
    draft.option("type", Value::Str(name.into()), words.last())?;
    let lower = draft.call.options.iter().position(|(key, _)| key == "type");
    if let Some(at) = lower {
        let kind = draft.call.options.remove(at);
        draft.call.options.insert(0, kind);
    }
    let Some(keys) = kind::keys_of(name) else {
        return Err(words.misread_last(format!("nsx has no devices of type {name}")));
    };
    let grammar = Grammar {
        keys,
        never: &[],
        also: &[
            ("vni", "id", Whole),
            ("external", "external", Whole),
            ("ageing", "ageing", Whole),
            ("stp", "stp_state", Whole),
        ],
    };
    draft.take_options(words, &grammar)?;
    Ok(true)
}

/// `ip tuntap add dev DEV mode tap`.
fn tuntap(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verbs = [
        ("add", Some("add")),
        ("delete", Some("del")),
        ("show", None),
        ("list", None),
    ];
    let verb = words.verb("ip tuntap", &verbs)?;
    let mut draft = Draft::new("link", verb);
    if verb == "add" {
        draft.option("type", Value::Str("tun".into()), words.last())?;
    }
    let grammar = Grammar {
        keys: kind::keys_of("tun").unwrap_or_default(),
        ..Grammar::default()
    };
    while let Some(word) = words.peek() {
        if draft.call.arguments.is_empty() && words.take_any(&["dev", "name"]) {
            let dev = words.value("dev")?;
            draft.argument(IfName::of_word(dev), words);
        } else if !draft.take_option(words, &grammar)? {
            if !draft.call.arguments.is_empty() {
                return draft.unknown(words, &grammar).map(|()| Vec::new());
            }
            words.next();
            draft.argument(IfName::of_word(word), words);
        }
    }
    // A tun is what it is if nothing is said.
    let is_tun = |(key, value): &(String, Value)| key == "mode" && *value == Value::Str("tun".into());
    draft.call.options.retain(|option| !is_tun(option));
    if verb == "del" {
        // What it is need not be said of one that goes.
        draft.call.options.clear();
    }
    Ok(draft.into())
}

fn del(words: &mut Words) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("link", "del");
    words.take("dev");
    let dev = words.value("ip link del")?;
    draft.argument(IfName::of_word(dev), words);
    // What it is need not be said, and can be.
    if words.take("type") {
        words.value("type")?;
    }
    words.finish()?;
    Ok(draft.into())
}

fn show(words: &mut Words) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("link", "show");
    let is_named = words.take("dev");
    if let Some(word) = words.peek() {
        if !is_named && ["up", "master", "type", "vrf", "group", "nomaster"].contains(&word) {
            return Err(words
                .misread("nsx shows one device, or all")
                .help("choose among them in the script, as in host.link.show().filter(|l| l.master == \"br0\")"));
        }
        words.next();
        draft.argument(IfName::of_word(word), words);
    }
    words.finish()?;
    Ok(draft.into())
}

fn brctl(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verb = words.value("brctl")?;
    if verb == "show" {
        let mut draft = Draft::new("bridge.link", "show");
        words.rest();
        draft.call.options.clear();
        return Ok(draft.into());
    }
    let dev = |words: &mut Words| Ok(IfName::of_word(words.value(verb)?));
    let drafts = match verb {
        "addbr" => {
            let mut draft = Draft::new("link", "add");
            draft.argument(dev(words)?, words);
            draft.option("type", Value::Str("bridge".into()), words.last())?;
            draft.into()
        }
        "delbr" => {
            let mut draft = Draft::new("link", "del");
            draft.argument(dev(words)?, words);
            draft.into()
        }
        "addif" | "delif" => {
            let master = dev(words)?;
            ports(words, verb, &master)?
        }
        "stp" => {
            let dev = dev(words)?;
            let on = matches!(words.value("stp")?, "on" | "yes" | "1");
            bridge(words, dev, "stp_state", Value::Bool(on))?
        }
        "setageing" | "setfd" => {
            let dev = dev(words)?;
            let key = if verb == "setfd" {
                "forward_delay"
            } else {
                "ageing_time"
            };
            let seconds = words.value(verb)?;
            let hundredths = seconds.parse::<u32>().ok().and_then(|seconds| seconds.checked_mul(100));
            let value = hundredths.map_or_else(|| Value::Str(seconds.into()), |time| Value::Int(time.into()));
            bridge(words, dev, key, value)?
        }
        "showmacs" => {
            let mut draft = Draft::new("bridge.fdb", "show");
            let br = dev(words)?;
            draft.option("br", br, words.last())?;
            draft.into()
        }
        other => return Err(words.misread_last(format!("nsx has no `brctl {other}`"))),
    };
    words.finish()?;
    Ok(drafts)
}

/// `brctl addif BRIDGE DEV…`: each device becomes a port.
fn ports(words: &mut Words, verb: &str, master: &Value) -> Heard<Vec<Draft>> {
    let mut drafts = Vec::new();
    while let Some(dev) = words.next() {
        let mut draft = Draft::new("link", "set");
        draft.argument(IfName::of_word(dev), words);
        match verb {
            "addif" => draft.option("master", master.clone(), words.last())?,
            _ => draft.option("nomaster", Value::Bool(true), words.last())?,
        };
        drafts.push(draft);
    }
    match drafts.is_empty() {
        true => Err(words.misread(format!("something is missing after `{verb}`: the device"))),
        false => Ok(drafts),
    }
}

/// `link.set(BRIDGE, #{ type: "bridge", KEY: VALUE })`.
fn bridge(words: &Words, dev: Value, key: &str, value: Value) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("link", "set");
    draft.argument(dev, words);
    draft.option("type", Value::Str("bridge".into()), words.last())?;
    draft.option(key, value, words.last())?;
    Ok(draft.into())
}
