//! A script in the making: its statements, and their text. What several namespaces, or several devices, get alike becomes
//! a loop.

use std::collections::BTreeMap;

use crate::netns::NsName;
use crate::ops::call::{is_name, written};
use crate::ops::{Call, Value};

/// A piece of the script.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Blank,
    Comment(String),
    Code(String),
    /// A call; whether what it answers is printed.
    Call(Call, bool),
}

/// A variable that a namespace has in the script.
pub(super) fn variable(netns: &NsName) -> String {
    if netns.is_host() {
        return "host".into();
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = netns.as_str().chars().map(plain).collect();
    match is_name(&name) && !["host", "args", "internet", "netns", "told", "ns", "dev"].contains(&name.as_str()) {
        true => name,
        false => format!("ns_{name}"),
    }
}

/// The text of a script.
pub(super) fn text(items: &[Item]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut at = 0;
    while at < items.len() {
        match &items[at] {
            Item::Blank => {
                if lines.last().is_some_and(|line| !line.is_empty()) {
                    lines.push(String::new());
                }
            }
            Item::Comment(comment) => lines.push(format!("// {comment}").trim_end().to_string()),
            Item::Code(code) => lines.push(code.clone()),
            Item::Call(..) => {
                if let Some((end, text)) = looped(items, at) {
                    lines.extend(text);
                    at = end;
                    continue;
                }
                lines.push(statement(&items[at], &variable));
            }
        }
        at += 1;
    }
    lines.join("\n") + "\n"
}

fn statement(item: &Item, name: &dyn Fn(&NsName) -> String) -> String {
    match item {
        Item::Call(call, true) => format!("print({});", call.script(name)),
        Item::Call(call, false) if call.noun == "netns" && call.verb == "add" => {
            let named = match call.arguments.first() {
                Some(Value::Str(text)) => text.parse().ok(),
                _ => None,
            };
            let variable = named.map_or_else(|| "made".into(), |netns| variable(&netns));
            format!("let {variable} = {};", call.script(name))
        }
        Item::Call(call, false) => format!("{};", call.script(name)),
        _ => String::new(),
    }
}

/// In what the calls of a run differ.
#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Netns,
    Argument(usize),
    Option(usize),
}

/// A run of calls that differ in one thing.
struct Run {
    end: usize,
    slot: Slot,
}

/// The longest run from `at` on: three or more calls that are alike but for one thing.
fn run(items: &[Item], at: usize) -> Option<Run> {
    let Item::Call(first, printed) = &items[at] else {
        return None;
    };
    if first.noun == "netns" {
        return None;
    }
    let mut slot = None;
    let mut end = at + 1;
    let mut seen = Vec::new();
    while let Some(Item::Call(next, also)) = items.get(end) {
        let Some(differs) = difference(first, next).filter(|_| printed == also) else {
            break;
        };
        if slot.is_some_and(|slot| slot != differs) {
            break;
        }
        let value = value_at(next, differs);
        if seen.contains(&value) {
            break;
        }
        seen.push(value);
        slot = Some(differs);
        end += 1;
    }
    slot.filter(|_| end - at >= 3).map(|slot| Run { end, slot })
}

fn difference(one: &Call, other: &Call) -> Option<Slot> {
    let is_alike = one.noun == other.noun
        && one.verb == other.verb
        && one.arguments.len() == other.arguments.len()
        && one.options.len() == other.options.len()
        && one
            .options
            .iter()
            .zip(&other.options)
            .all(|((key, _), (other, _))| key == other);
    if !is_alike {
        return None;
    }
    let mut slots = Vec::new();
    slots.extend((one.netns != other.netns).then_some(Slot::Netns));
    for (at, (value, other)) in one.arguments.iter().zip(&other.arguments).enumerate() {
        slots.extend((value != other).then_some(Slot::Argument(at)));
    }
    for (at, ((_, value), (_, other))) in one.options.iter().zip(&other.options).enumerate() {
        slots.extend((value != other).then_some(Slot::Option(at)));
    }
    match slots.as_slice() {
        [slot] => Some(*slot),
        _ => None,
    }
}

fn value_at(call: &Call, slot: Slot) -> Value {
    match slot {
        Slot::Netns => Value::Netns(call.netns.clone()),
        Slot::Argument(at) => call.arguments[at].clone(),
        Slot::Option(at) => call.options[at].1.clone(),
    }
}

/// A loop for the run at `at`, and where it ends. Runs over the same namespaces that follow, and have nothing to do with
/// others, join it.
fn looped(items: &[Item], at: usize) -> Option<(usize, Vec<String>)> {
    let first = run(items, at)?;
    let values = |from: usize, run: &Run| -> Vec<Value> {
        let calls = items[from..run.end].iter().filter_map(|item| match item {
            Item::Call(call, _) => Some(call),
            _ => None,
        });
        calls.map(|call| value_at(call, run.slot)).collect()
    };
    let all = values(at, &first);
    let name = loop_name(&items[at], first.slot);
    let mut body = vec![body_of(&items[at], first.slot, &name)];
    let mut end = first.end;
    while first.slot == Slot::Netns
        && is_own(&items[at])
        && end < items.len()
        && let Some(next) = run(items, end)
        && next.slot == Slot::Netns
        && is_own(&items[end])
        && values(end, &next) == all
    {
        body.push(body_of(&items[end], next.slot, &name));
        end = next.end;
    }
    let list: Vec<String> = all.iter().map(|value| written(value, &variable)).collect();
    let mut lines = vec![format!("for {name} in [{}] {{", list.join(", "))];
    lines.extend(body.into_iter().map(|line| format!("    {line}")));
    lines.push("}".into());
    Some((end, lines))
}

/// Whether a call is about its own namespace alone, so that it may be done a little earlier or later.
fn is_own(item: &Item) -> bool {
    let Item::Call(call, false) = item else { return false };
    !call
        .options
        .iter()
        .any(|(_, value)| matches!(value, Value::Netns(_) | Value::Map(_)))
}

fn loop_name(item: &Item, slot: Slot) -> String {
    let Item::Call(call, _) = item else {
        return "each".into();
    };
    match slot {
        Slot::Netns => "ns".into(),
        Slot::Argument(_) if ["link", "qdisc", "bridge.link", "bridge.vlan"].contains(&call.noun) => "dev".into(),
        Slot::Argument(_) => "each".into(),
        Slot::Option(at) if is_name(&call.options[at].0) && call.options[at].0 != "type" => call.options[at].0.clone(),
        Slot::Option(_) => "each".into(),
    }
}

/// The call of a loop, with the loop's variable for what differs.
fn body_of(item: &Item, slot: Slot, variable_name: &str) -> String {
    const MARK: &str = "\u{1}";
    let Item::Call(call, printed) = item else {
        return String::new();
    };
    let mut call = call.clone();
    match slot {
        Slot::Netns => {
            let own = call.netns.clone();
            let name = |netns: &NsName| {
                if *netns == own {
                    variable_name.to_string()
                } else {
                    variable(netns)
                }
            };
            return statement(&Item::Call(call, *printed), &name);
        }
        Slot::Argument(at) => call.arguments[at] = Value::Str(MARK.into()),
        Slot::Option(at) => call.options[at].1 = Value::Str(MARK.into()),
    }
    statement(&Item::Call(call, *printed), &variable).replace("\"\\u0001\"", variable_name)
}

/// What the variables of the shell hold.
pub(super) type Variables = BTreeMap<String, String>;
