//! The commands about addresses, read: `ip addr`, and `ifconfig` of old.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{New, Old};
use crate::ops::command::Spelling::{Short, Whole};
use crate::ops::command::{Command, Draft, Grammar, Setting};
use crate::ops::value::Value;
use crate::ops::{Cidr, Heard, IfName, Options, Typed, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        program: "ip",
        object: "addr",
        read: ip_addr,
    },
    Command {
        program: "ifconfig",
        object: "",
        read: ifconfig,
    },
];

fn ip_addr(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    if words.is_empty() {
        return Ok(Draft::new("addr", "show").into());
    }
    let verb = words.verb(
        "ip addr",
        &[
            ("add", Some("add")),
            ("change", None),
            ("chg", None),
            ("replace", Some("replace")),
            ("delete", Some("del")),
            ("show", Some("show")),
            ("lst", Some("show")),
            ("list", Some("show")),
            ("flush", Some("flush")),
            ("save", None),
            ("showdump", None),
            ("restore", None),
            ("help", None),
        ],
    )?;
    match verb {
        "show" | "flush" => on_device(words, verb),
        _ => change(words, verb),
    }
}

fn change(words: &mut Words, verb: &'static str) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("addr", verb);
    let grammar = Grammar {
        keys: if verb == "del" { &[Old::KEYS] } else { &[New::KEYS] },
        never: &[],
        also: &[
            ("brd", "broadcast", Whole),
            ("broadcast", "broadcast", Short),
            ("remote", "peer", Whole),
        ],
    };
    while let Some(word) = words.peek() {
        if draft.take_option(words, &grammar)? {
            continue;
        }
        let is_named = words.take("local");
        if !draft.call.arguments.is_empty() {
            return draft.unknown(words, &grammar).map(|()| Vec::new());
        }
        let address = if is_named { words.value("local")? } else { word };
        if !is_named {
            words.next();
        }
        draft.argument(Cidr::of_word(address), words);
    }
    Ok(draft.into())
}

/// `ip addr show` and `flush`: of a device, with or without `dev`.
fn on_device(words: &mut Words, verb: &'static str) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("addr", verb);
    let is_named = words.take("dev");
    if let Some(word) = words.peek() {
        let filters = [
            "up",
            "scope",
            "to",
            "label",
            "dynamic",
            "permanent",
            "master",
            "type",
            "primary",
            "secondary",
        ];
        if !is_named && filters.contains(&word) {
            return Err(words
                .misread(format!(
                    "nsx has no `ip addr {verb} {word}`: it takes a device, or none"
                ))
                .help("choose in the script, as in host.addr.show().filter(|l| l.operstate == \"UP\")"));
        }
        words.next();
        draft.option("dev", IfName::of_word(word), words.last())?;
    }
    words.finish()?;
    Ok(draft.into())
}

/// `ifconfig DEV ADDRESS netmask MASK up`: an address, and what else a device gets.
fn ifconfig(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    words.take("-a");
    let Some(name) = words.next() else {
        return Ok(Draft::new("addr", "show").into());
    };
    let (dev, label) = match name.split_once(':') {
        Some((dev, _)) => (dev, Some(name)),
        None => (name, None),
    };
    let mut addresses = Addresses {
        dev,
        label,
        drafts: Vec::new(),
        mask: None,
        broadcast: None,
    };
    let mut link = Draft::new("link", "set");
    link.argument(IfName::of_word(dev), words);
    if words.is_empty() {
        let mut draft = Draft::new("addr", "show");
        draft.option("dev", IfName::of_word(dev), words.last())?;
        return Ok(draft.into());
    }
    while let Some(word) = words.next() {
        match word {
            "up" | "down" => link.option(word, Value::Bool(true), words.last())?,
            "netmask" => addresses.mask = Some(mask(words)?),
            "broadcast" => addresses.broadcast = Some(words.value("broadcast")?),
            "mtu" | "txqueuelen" => {
                let value = u32::of_word(words.value(word)?);
                link.option(word, value, words.last())?;
            }
            "hw" => {
                words.take("ether");
                let value = Value::Str(words.value("hw ether")?.into());
                link.option("address", value, words.last())?;
            }
            "inet" => {}
            "inet6" | "add" => {
                words.take("add");
                let address = words.value(word)?;
                addresses.take(address, words)?;
            }
            address => addresses.take(address, words)?,
        }
    }
    let mut drafts = addresses.finish(words)?;
    // An address brings its device up, unless it is told to stay down.
    if !drafts.is_empty() && link.call.option("down").is_none() && link.call.option("up").is_none() {
        link.option("up", Value::Bool(true), words.last())?;
    }
    if !link.call.options.is_empty() {
        drafts.push(link);
    }
    Ok(drafts)
}

/// The addresses that one `ifconfig` gives.
struct Addresses<'a> {
    dev: &'a str,
    label: Option<&'a str>,
    drafts: Vec<(&'a str, Draft)>,
    mask: Option<u8>,
    broadcast: Option<&'a str>,
}

impl<'a> Addresses<'a> {
    fn take(&mut self, address: &'a str, words: &Words) -> Heard<()> {
        let bare = address.split('/').next().unwrap_or_default();
        if bare.parse::<IpAddr>().is_err() {
            return Err(words.misread_last(format!("`ifconfig` has nothing for `{address}` that nsx knows")));
        }
        let mut draft = Draft::new("addr", "add");
        draft.argument(Value::Str(address.into()), words);
        self.drafts.push((address, draft));
        Ok(())
    }

    fn finish(self, words: &Words) -> Heard<Vec<Draft>> {
        let mut drafts = Vec::new();
        for (address, mut draft) in self.drafts {
            if address == "0.0.0.0" {
                let mut flush = Draft::new("addr", "flush");
                flush.option("dev", IfName::of_word(self.dev), words.last())?;
                drafts.push(flush);
                continue;
            }
            if let Ok(bare) = address.parse::<IpAddr>() {
                let length = self.mask.unwrap_or_else(|| by_class(bare));
                draft.call.arguments[0] = Value::Str(format!("{address}/{length}"));
            }
            draft.option("dev", IfName::of_word(self.dev), words.last())?;
            if let Some(broadcast) = self.broadcast {
                draft.option("broadcast", Value::Str(broadcast.into()), words.last())?;
            }
            if let Some(label) = self.label {
                draft.option("label", Value::Str(label.into()), words.last())?;
            }
            drafts.push(draft);
        }
        Ok(drafts)
    }
}

/// The length of a prefix by its mask.
pub(in crate::ops) fn mask(words: &mut Words) -> Heard<u8> {
    let text = words.value("netmask")?;
    let mask = text.parse::<Ipv4Addr>().ok().map(u32::from);
    let mask = mask.or_else(|| u32::from_str_radix(text.strip_prefix("0x")?, 16).ok());
    match mask {
        Some(mask) if mask.leading_ones() + mask.trailing_zeros() >= 32 => Ok(mask.leading_ones() as u8),
        _ => Err(words.misread_last(format!("{text:?} is no netmask"))),
    }
}

/// The length that an address's class had, before there were prefixes.
fn by_class(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) => match v4.octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            _ => 24,
        },
        IpAddr::V6(_) => IpNet::from(address).prefix_len(),
    }
}
