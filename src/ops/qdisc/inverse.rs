//! What undoes a change of qdiscs.

use serde_json::{Value as Json, json};

use super::{At, Change, ClassFact, Kind, Parent, Qdisc, QdiscFact, Spot, class, link, qdiscs};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::inverse::{options, read};
use crate::ops::{self, Args, IfName, Inverse, Rate, Size, Span, Typed, Value, World};

pub(super) fn of(change: &Change, world: &World, netns: &NsName) -> Result<Inverse> {
    let (dev, at, kind) = match change {
        Change::Add(qdisc) | Change::Replace(qdisc) | Change::Change(qdisc) => {
            (&qdisc.dev, &qdisc.at, Some(&qdisc.kind))
        }
        Change::Del(spot) => (&spot.dev, &spot.at, spot.kind.as_ref()),
    };
    let beside = kind.filter(|kind| kind.is_beside()).cloned();
    let Some(old) = at_place(world, netns, dev, at, beside.is_some())? else {
        let spot = Spot {
            dev: dev.clone(),
            at: At {
                parent: at.parent,
                handle: None,
            },
            kind: beside,
        };
        let undo = (!matches!(change, Change::Del(_))).then_some(Change::Del(spot));
        return Ok(Inverse::changes(netns, undo));
    };
    let Some(before) = said(&old, dev) else {
        return Ok(Inverse::Cannot(format!(
            "the qdisc {} {} of {dev} cannot be told again as it was",
            old.kind, old.handle
        )));
    };
    match change {
        Change::Change(_) => Ok(Inverse::changes(netns, [Change::Change(before)])),
        _ => {
            let mut undo: Vec<ops::Change> = vec![Change::Replace(before).into()];
            undo.extend(class::again(world, netns, dev)?);
            Ok(Inverse::changes(netns, undo))
        }
    }
}

/// The qdisc that somebody put at a place; the kernel's own have no number.
fn at_place(world: &World, netns: &NsName, dev: &IfName, at: &At, is_beside: bool) -> Result<Option<QdiscFact>> {
    let index = link::index(world, netns, dev)?;
    let messages = qdiscs(world, netns)?;
    let of_dev = messages
        .iter()
        .filter(|message| message.header.index == index.cast_signed());
    let mut facts = of_dev.map(|message| QdiscFact::new(message, None));
    Ok(facts.find(|fact| {
        let is_there = match at.parent {
            _ if is_beside => return fact.handle == "ffff:",
            None | Some(Parent::Root) => fact.root,
            Some(parent) => fact.parent.as_deref() == Some(parent.spell().as_str()),
        };
        is_there && fact.handle != "0:"
    }))
}

/// What puts a qdisc there again, where that can be said.
fn said(fact: &QdiscFact, dev: &IfName) -> Option<Qdisc> {
    let mut keys = keys(&fact.kind, &fact.options)?;
    keys.as_object_mut()?.retain(|_, value| !value.is_null());
    keys.as_object_mut()?.insert("kind".into(), fact.kind.clone().into());
    let Value::Map(keys) = Value::from(keys) else {
        return None;
    };
    let kind = Kind::take(Args::new(Vec::new(), keys)).ok()?;
    let at = if kind.is_beside() {
        At::default()
    } else {
        At {
            parent: fact.parent.as_deref().and_then(|parent| parent.parse().ok()),
            handle: fact.handle.parse().ok(),
        }
    };
    Some(Qdisc {
        dev: dev.clone(),
        at,
        kind,
    })
}

/// The keys of a kind, from the facts: with their units again.
fn keys(kind: &str, options: &Json) -> Option<Json> {
    let number = |key: &str| options[key].as_u64();
    let size = |key: &str| {
        number(key)
            .and_then(|bytes| u32::try_from(bytes).ok())
            .map(|bytes| Size(bytes).spell())
    };
    let rate = |key: &str| number(key).map(|bytes| Rate(bytes).spell());
    let time = |key: &str| number(key).map(|micros| Span(std::time::Duration::from_micros(micros)).spell());
    match kind {
        "tbf" => Some(json!({
            "rate": rate("rate"), "burst": size("burst"), "latency": time("lat"), "limit": size("limit"),
            "peakrate": rate("peakrate"), "mtu": size("minburst"),
        })),
        "htb" => Some(json!({
            "default": options["default"].as_str().map(|class| class.trim_start_matches("0x")),
            "r2q": number("r2q"), "direct_qlen": number("direct_qlen"),
        })),
        "fq_codel" => Some(json!({
            "limit": number("limit"), "flows": number("flows"), "quantum": number("quantum"), "target": time("target"),
            "interval": time("interval"), "ce_threshold": time("ce_threshold"), "memory_limit": size("memory_limit"),
            "ecn": options["ecn"].as_bool().filter(|ecn| *ecn), "noecn": options["ecn"].is_null().then_some(true),
        })),
        "pfifo" => Some(json!({ "limit": number("limit") })),
        "bfifo" => Some(json!({ "limit": size("limit") })),
        "prio" => Some(json!({ "bands": number("bands") })),
        "sfq" => Some(json!({
            "limit": number("limit"), "quantum": size("quantum"),
            "perturb": number("perturb").map(|seconds| format!("{seconds}s")),
        })),
        "pfifo_fast" | "ingress" | "clsact" => Some(json!({})),
        _ => None,
    }
}

/// What makes a class again, where that can be said.
pub(super) fn said_class(fact: &ClassFact, dev: &IfName) -> Option<class::Class> {
    let (major, _) = fact.handle.split_once(':')?;
    let rate = |bytes: Option<u64>| bytes.map(|bytes| Rate(bytes).spell());
    let size = |bytes: Option<u32>| bytes.map(|bytes| Size(bytes).spell());
    let keys = options(json!({
        "parent": fact.parent.clone().unwrap_or_else(|| format!("{major}:")),
        "classid": fact.handle,
        "kind": fact.class,
        "rate": rate(fact.rate),
        "ceil": rate(fact.ceil),
        "burst": size(fact.burst),
        "cburst": size(fact.cburst),
        "prio": fact.prio,
    }))?;
    Some(class::Class { dev: dev.clone(), keys })
}

/// The number of a class, to compare.
pub(super) fn is_class(fact: &ClassFact, id: super::ClassId) -> bool {
    read::<super::ClassId>(&fact.handle).is_some_and(|own| own == id)
}
