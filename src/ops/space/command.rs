//! What is done in a namespace, read: `ping`, `traceroute`, `curl`.

use std::ops::Range;

use crate::ops::command::{Command, Draft, Setting};
use crate::ops::value::Value;
use crate::ops::words::whole_number;
use crate::ops::{Heard, Misread, Word, Words};
use crate::probe::Target;

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        program: "ping",
        object: "",
        read: ping,
    },
    Command {
        program: "traceroute",
        object: "",
        read: traceroute,
    },
    Command {
        program: "curl",
        object: "",
        read: curl,
    },
];

/// An option, its value if it has one, and where they stand.
struct Given<'a> {
    option: char,
    value: Option<&'a str>,
    place: Range<usize>,
}

/// A word that is no option, and where it stands.
type Operand<'a> = (&'a str, Range<usize>);

/// Reads options as getopt(3) does, and what stands among them. Letters of `valued` want a value.
fn options<'a>(words: &mut Words<'a>, valued: &str) -> Heard<(Vec<Given<'a>>, Vec<Operand<'a>>)> {
    let (mut given, mut operands) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            operands.push((word, words.last()));
            continue;
        };
        if letters.starts_with('-') {
            return Err(words.misread_last(format!("nsx does not know `{word}`")));
        }
        let place = words.last();
        for (at, option) in letters.char_indices() {
            if !valued.contains(option) {
                let place = place.clone();
                given.push(Given {
                    option,
                    value: None,
                    place,
                });
                continue;
            }
            let rest = &letters[at + option.len_utf8()..];
            let value = if rest.is_empty() { words.value(word)? } else { rest };
            given.push(Given {
                option,
                value: Some(value),
                place: place.start..words.last().end,
            });
            break;
        }
    }
    Ok((given, operands))
}

/// Seconds as ping has them, with a unit: `0.2` is `200ms`.
fn seconds(text: &str) -> Value {
    let milliseconds = text.parse::<f64>().ok().map(|seconds| seconds * 1000.0);
    Value::Str(match milliseconds {
        Some(ms) if ms >= 0.0 && ms % 1000.0 != 0.0 && ms < 1e9 => format!("{}ms", ms.round()),
        _ => format!("{text}s"),
    })
}

/// The one host that is to be reached.
fn host<'a>(operands: &[Operand<'a>], words: &Words) -> Heard<Operand<'a>> {
    match operands {
        [one] => Ok(one.clone()),
        [] => Err(words.misread("whom to reach is missing")),
        [_, (extra, place), ..] => Err(Misread::at(place.clone(), format!("`{extra}` is one word too many"))),
    }
}

fn ping(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("", "ping");
    let (given, operands) = options(words, "cWwistMIQpl")?;
    for Given { option, value, place } in given {
        let text = value.unwrap_or_default();
        let (key, value) = match option {
            'c' => ("count", whole_number(text)),
            'W' | 'w' if draft.call.option("timeout").is_none() => ("timeout", seconds(text)),
            'i' => ("interval", seconds(text)),
            's' => ("size", whole_number(text)),
            't' => ("ttl", whole_number(text)),
            'M' if text == "do" => ("dont_fragment", Value::Bool(true)),
            'M' | 'w' | 'n' | 'q' | '4' | '6' | 'O' | 'v' | 'D' => continue,
            _ => {
                return Err(Misread::at(place, format!("nsx's ping has no `-{option}`")));
            }
        };
        // One echo is what is sent unless it is said.
        if key != "count" || value != Value::Int(1) {
            draft.option(key, value, place)?;
        }
    }
    let (target, place) = host(&operands, words)?;
    draft.argument_at(Value::Str(target.into()), place.clone());
    if target.parse::<Target>().is_err() {
        return Err(Misread::at(place, format!("{target:?} is a name: nsx pings addresses")));
    }
    Ok(draft.into())
}

fn traceroute(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("", "traceroute");
    let (given, mut operands) = options(words, "mwqfpNzis")?;
    for Given { option, value, place } in given {
        let text = value.unwrap_or_default();
        match option {
            'm' => draft.option("max_hops", whole_number(text), place)?,
            'w' => draft.option("timeout", seconds(text), place)?,
            _ => {}
        }
    }
    // A size of packets may follow.
    if operands.len() == 2 && operands[1].0.parse::<u32>().is_ok() {
        operands.pop();
    }
    let (target, place) = host(&operands, words)?;
    draft.argument_at(Value::Str(target.into()), place.clone());
    if target.parse::<Target>().is_err() {
        return Err(Misread::at(
            place,
            format!("{target:?} is a name: nsx traces addresses"),
        ));
    }
    Ok(draft.into())
}

fn curl(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let mut draft = Draft::new("", "fetch");
    let long = [
        ("--max-time", "-m"),
        ("--connect-timeout", "-m"),
        ("--silent", "-s"),
        ("--head", "-I"),
    ];
    let plain: Vec<Word> = words
        .rest()
        .iter()
        .map(|word| Word {
            text: long
                .iter()
                .find(|(name, _)| *name == word.text)
                .map_or(word.text.clone(), |(_, short)| (*short).into()),
            place: word.place.clone(),
        })
        .collect();
    let mut plain = Words::new(&plain);
    let (given, operands) = options(&mut plain, "mo")?;
    for Given { option, value, place } in given {
        match option {
            'm' => draft.option("timeout", seconds(value.unwrap_or_default()), place)?,
            's' | 'S' | 'f' | 'v' | 'L' | '4' | '6' | 'o' | 'i' => {}
            _ => return Err(Misread::at(place, format!("nsx's fetch has no `-{option}`"))),
        }
    }
    let (url, place) = host(&operands, &plain)?;
    let url = if url.contains("://") {
        url.into()
    } else {
        format!("http://{url}")
    };
    let is_bare = url.matches('/').count() == 2;
    draft.argument_at(Value::Str(if is_bare { url + "/" } else { url }), place);
    Ok(draft.into())
}
