//! `nft`, read, as far as it says what nsx's rules say.

use std::ops::Range;

use super::super::Family;
use super::{Doing, Said, Told, icmp_type, ports, protocol, states};
use crate::ops::value::Value;
use crate::ops::words::whole_number;
use crate::ops::{Heard, Misread, Word, Words};

/// What the words of `nft` say.
pub fn nft(words: &mut Words) -> Heard<Said> {
    while words.peek().is_some_and(|word| word.starts_with('-')) {
        words.next();
    }
    let tokens = tokens(words.rest());
    let mut tokens = Words::new(&tokens);
    let verb = tokens.value("nft")?;
    let verb_place = tokens.last();
    let what = tokens.value(verb)?;
    match (verb, what) {
        ("list", _) => Ok(Said::Show),
        ("add" | "create", "table") | ("delete", "table" | "chain") => Ok(Said::Nothing),
        ("flush", "ruleset" | "table") => Ok(Said::Flush),
        ("add" | "create", "chain") => chain(&mut tokens),
        ("add", "rule") => rule(Doing::Add, verb_place, &mut tokens),
        ("insert", "rule") => rule(Doing::Insert, verb_place, &mut tokens),
        ("delete", "rule") => rule(Doing::Remove, verb_place, &mut tokens),
        _ => Err(tokens.misread_last(format!("nsx has no `nft {verb} {what}`"))),
    }
}

/// The words as nft takes them: brackets, commas and semicolons stand alone, and text in quotes is one.
fn tokens(words: &[Word]) -> Vec<Word> {
    let mut tokens = Vec::new();
    let mut quoted: Option<String> = None;
    for word in words {
        let mut token = quoted.take().map(|text| text + " ");
        let mut is_quoted = token.is_some();
        let push = |token: &mut Option<String>, tokens: &mut Vec<Word>| {
            if let Some(text) = token.take() {
                tokens.push(Word {
                    text,
                    place: word.place.clone(),
                });
            }
        };
        for c in word.text.chars() {
            match c {
                '"' => {
                    is_quoted = !is_quoted;
                    token.get_or_insert_default();
                    if !is_quoted {
                        push(&mut token, &mut tokens);
                    }
                }
                c if is_quoted => token.get_or_insert_default().push(c),
                '{' | '}' | ',' | ';' => {
                    push(&mut token, &mut tokens);
                    tokens.push(Word {
                        text: c.into(),
                        place: word.place.clone(),
                    });
                }
                c if c.is_whitespace() => push(&mut token, &mut tokens),
                c => token.get_or_insert_default().push(c),
            }
        }
        match is_quoted {
            true => quoted = Some(token.unwrap_or_default()),
            false => push(&mut token, &mut tokens),
        }
    }
    tokens
}

/// `[FAMILY] TABLE CHAIN`: the chain, and where it stands.
fn place(tokens: &mut Words) -> Heard<(String, Range<usize>)> {
    tokens.take_any(&["ip", "ip6", "inet"]);
    tokens.value("the table")?;
    let chain = tokens.value("the chain")?.to_lowercase();
    Ok((chain, tokens.last()))
}

/// A base chain: it has a hook, and perhaps a policy.
fn chain(tokens: &mut Words) -> Heard<Said> {
    place(tokens)?;
    let (mut hook, mut policy, mut is_filter) = (None, None, false);
    while let Some(token) = tokens.next() {
        match token {
            "type" => is_filter = tokens.take("filter"),
            "hook" => hook = Some(tokens.value("hook")?.to_string()),
            "policy" => {
                let word = tokens.value("policy")?.to_string();
                policy = Some((word, tokens.last()));
            }
            _ => {}
        }
    }
    match (hook, policy) {
        (Some(chain), Some((policy, place))) if is_filter => Ok(Said::Policy { chain, policy, place }),
        (Some(_), _) => Ok(Said::Nothing),
        (None, _) => Err(tokens.misread("nsx has no chains of one's own: a hook is missing")),
    }
}

/// nft itself knows a rule that goes by its handle only; nsx's own spelling has the rule's words there.
fn rule(doing: Doing, doing_place: Range<usize>, tokens: &mut Words) -> Heard<Said> {
    let (chain, chain_place) = place(tokens)?;
    if doing == Doing::Remove && tokens.take("handle") {
        let handle = tokens.value("handle")?.into();
        let place = tokens.last();
        return Ok(Said::Del { chain, handle, place });
    }
    let at = index(doing, tokens)?;
    let mut told = Told {
        // What is added behind a rule is no last one.
        doing: if at.is_some() { Doing::Insert } else { doing },
        doing_place,
        at,
        chain,
        chain_place,
        ..Told::default()
    };
    while let Some(token) = tokens.next() {
        let from = tokens.last().start;
        phrase(&mut told, token, from, tokens)?;
    }
    match told.verdict.is_empty() {
        true => Err(tokens.misread("nsx's rules decide: accept, drop, reject, masquerade … is missing")),
        false => Ok(Said::Rule(Box::new(told))),
    }
}

/// `index N`, from 0: the rule that this one is added behind, or inserted before. The place that it then has, from 1.
fn index(doing: Doing, tokens: &mut Words) -> Heard<Option<(Value, Range<usize>)>> {
    if tokens.take_any(&["position", "handle"]) {
        return Err(tokens
            .misread_last("nsx puts a rule at a place of its chain, not beside one with a handle")
            .help("`index N` counts the rules of the chain from 0"));
    }
    if doing == Doing::Remove || !tokens.take("index") {
        return Ok(None);
    }
    let index: Result<u32, _> = tokens.value("index")?.parse();
    let Ok(index) = index else {
        return Err(tokens.misread_last("`index` wants a number from 0"));
    };
    let place = i64::from(index) + if doing == Doing::Add { 2 } else { 1 };
    Ok(Some((Value::Int(place), tokens.last())))
}

/// One phrase of a rule: `ip saddr 10.0.0.0/8`, `tcp dport 22`, `accept`.
fn phrase(told: &mut Told, token: &str, from: usize, tokens: &mut Words) -> Heard<()> {
    let here = |tokens: &Words| from..tokens.last().end;
    match token {
        "counter" => {
            for word in ["packets", "bytes"] {
                if tokens.take(word) {
                    tokens.value(word)?;
                }
            }
            Ok(())
        }
        "ip" | "ip6" if tokens.take_any(&["protocol", "nexthdr"]) => {
            let value = protocol(tokens.value("protocol")?);
            told.key("proto", value, here(tokens))
        }
        "ip" | "ip6" => {
            let key = match tokens.value(token)? {
                "saddr" => "saddr",
                "daddr" => "daddr",
                other => return Err(tokens.misread_last(format!("nsx's rules have nothing for `{token} {other}`"))),
            };
            let not = if tokens.take("!=") { "!" } else { "" };
            let value = Value::Str(format!("{not}{}", tokens.value(key)?));
            told.key(key, value, here(tokens))
        }
        "iifname" | "iif" | "oifname" | "oif" => {
            let not = if tokens.take("!=") { "!" } else { "" };
            let value = Value::Str(format!("{not}{}", tokens.value(token)?));
            let key = if token.starts_with('i') { "iif" } else { "oif" };
            told.key(key, value, here(tokens))
        }
        "icmp" | "icmpv6" if tokens.take("type") => {
            let family = if token == "icmp" { Family::V4 } else { Family::V6 };
            let value = icmp_type(tokens.value("type")?, family);
            told.key("proto", protocol(token), here(tokens))?;
            told.key("icmp_type", value, here(tokens))
        }
        "meta" => meta(told, from, tokens),
        "ct" if tokens.take("state") => {
            let value = states(&set(tokens)?);
            told.key("ct", value, here(tokens))
        }
        "log" => {
            let prefix = match tokens.take("prefix") {
                true => Value::Str(tokens.value("prefix")?.into()),
                false => Value::Bool(true),
            };
            told.key("log", prefix, here(tokens))
        }
        "comment" => {
            let text = Value::Str(tokens.value("comment")?.into());
            told.key("comment", text, here(tokens))
        }
        "accept" | "drop" | "reject" | "masquerade" | "snat" | "dnat" | "redirect" => verdict(told, token, tokens),
        other if tokens.peek().is_some_and(|next| ["sport", "dport"].contains(&next)) => {
            let key = if tokens.next() == Some("sport") {
                "sport"
            } else {
                "dport"
            };
            if told.get("proto").is_none() && other != "th" {
                told.key("proto", protocol(other), here(tokens))?;
            }
            let value = ports(&set(tokens)?, '-');
            told.key(key, value, here(tokens))
        }
        other => Err(tokens.misread_last(format!("nsx's rules have nothing for `{other}`"))),
    }
}

fn meta(told: &mut Told, from: usize, tokens: &mut Words) -> Heard<()> {
    let key = tokens.value("meta")?;
    let value = tokens.value(key)?;
    let place = from..tokens.last().end;
    match key {
        // It follows from the addresses.
        "nfproto" => Ok(()),
        "l4proto" => told.key("proto", protocol(value), place),
        "mark" => told.key("mark", whole_number(value), place),
        "iifname" => told.key("iif", Value::Str(value.into()), place),
        "oifname" => told.key("oif", Value::Str(value.into()), place),
        other => Err(Misread::at(
            place,
            format!("nsx's rules have nothing for `meta {other}`"),
        )),
    }
}

/// One value, or several: `{ 80, 443 }`, `established,related`.
fn set(tokens: &mut Words) -> Heard<String> {
    let is_set = tokens.take("{");
    let mut text = String::new();
    loop {
        text.push_str(tokens.value("{")?);
        if !tokens.take(",") {
            break;
        }
        text.push(',');
    }
    if is_set && !tokens.take("}") {
        return Err(tokens.misread("`}` is missing"));
    }
    Ok(text)
}

fn verdict(told: &mut Told, word: &str, tokens: &mut Words) -> Heard<()> {
    told.verdict = word.into();
    told.verdict_place = tokens.last();
    if !["snat", "dnat", "redirect"].contains(&word) {
        return Ok(());
    }
    tokens.take_any(&["ip", "ip6"]);
    if !tokens.take("to") {
        return Ok(());
    }
    let to = tokens.value("to")?;
    let to = match (word, to.strip_prefix(':')) {
        ("redirect", Some(port)) => whole_number(port),
        ("redirect", None) => whole_number(to),
        _ => Value::Str(to.into()),
    };
    told.to = Some((to, tokens.last()));
    Ok(())
}
