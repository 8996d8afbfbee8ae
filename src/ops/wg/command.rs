//! `wg`, read. Keys that it would read from a file stand where the file's name would: whoever reads the line knows what
//! `echo KEY |` writes there.

use super::Settings;
use crate::ops::command::Spelling::Whole;
use crate::ops::command::{Command, Draft, Grammar, Setting};
use crate::ops::value::Value;
use crate::ops::{Heard, IfName, Options, Typed, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[Command {
    program: "wg",
    object: "",
    read: wg,
}];

fn wg(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verb = words.next().unwrap_or("show");
    let verb = match verb {
        "set" => return set(words),
        "show" => "show",
        "genkey" => "genkey",
        "genpsk" => "genpsk",
        other => return Err(words.misread_last(format!("nsx has no `wg {other}`"))),
    };
    let mut draft = Draft::new("wg", verb);
    if verb == "show"
        && let Some(dev) = words.next()
    {
        draft.argument(IfName::of_word(dev), words);
    }
    words.finish()?;
    Ok(draft.into())
}

fn set(words: &mut Words) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("wg", "set");
    let dev = words.value("wg set")?;
    draft.argument(IfName::of_word(dev), words);
    let grammar = Grammar {
        keys: &[Settings::KEYS],
        never: &["peer"],
        also: &[
            ("listen-port", "listen_port", Whole),
            ("private-key", "private_key", Whole),
        ],
    };
    let (mut peers, from) = (Vec::new(), words.taken());
    while !words.is_empty() {
        if words.take("peer") {
            peers.push(peer(words)?);
        } else if !draft.take_option(words, &grammar)? {
            draft.unknown(words, &grammar)?;
        }
    }
    if peers.len() > 1 {
        draft.option("peer", Value::List(peers), words.since(from))?;
    } else if let Some(peer) = peers.pop() {
        draft.option("peer", peer, words.since(from))?;
    }
    Ok(draft.into())
}

/// A peer, by its public key, and what is told of it.
fn peer(words: &mut Words) -> Heard<Value> {
    let mut peer = vec![("public_key".to_string(), Value::Str(words.value("peer")?.into()))];
    loop {
        let (key, value) = match words.peek() {
            Some("remove") => {
                words.next();
                ("remove", Value::Bool(true))
            }
            Some(word @ ("endpoint" | "persistent-keepalive" | "allowed-ips" | "preshared-key")) => {
                words.next();
                let text = words.value(word)?;
                match word {
                    "endpoint" => ("endpoint", Value::Str(text.into())),
                    "preshared-key" => ("preshared_key", Value::Str(text.into())),
                    "persistent-keepalive" => {
                        let is_bare = text.chars().all(|c| c.is_ascii_digit());
                        let off = text == "0";
                        let unit = if is_bare { "s" } else { "" };
                        let span = if off { "off".into() } else { format!("{text}{unit}") };
                        ("persistent_keepalive", Value::Str(span))
                    }
                    _ => {
                        let nets = text.split(',').filter(|net| !net.is_empty());
                        let mut nets: Vec<Value> = nets.map(|net| Value::Str(net.trim().into())).collect();
                        match nets.len() {
                            1 => ("allowed_ips", nets.remove(0)),
                            _ => ("allowed_ips", Value::List(nets)),
                        }
                    }
                }
            }
            _ => return Ok(Value::Map(peer.into_iter().collect())),
        };
        peer.push((key.into(), value));
    }
}
