//! What the order of a script costs it, and the order that is cheaper.
//!
//! The same lab can be built in an order that the kernel carries out at once and in one where it waits for every
//! processor, or tells every port of every other, at each step.

use std::collections::BTreeMap;

use super::history::{Done, History, Line};
use super::link::Change as Link;
use super::{Change, IfName};
use crate::netns::NsName;

/// From how many moves of devices on a word is said of them.
const MOVES: usize = 10;

/// From how many ports on, added to a bridge that is up, a word is said of it.
const PORTS: usize = 100;

/// What can be had cheaper in a lab: sentences, each with the line that it begins at.
pub fn advice(history: &History) -> Vec<String> {
    let done = history.done();
    moves(done.iter()).into_iter().chain(ports(done.iter())).collect()
}

fn moves<'a>(done: impl Iterator<Item = &'a Done>) -> Option<String> {
    let is_move =
        |done: &&Done| matches!(&done.op.change, Change::Link(Link::Set { settings, .. }) if settings.netns.is_some());
    let moved: Vec<&Done> = done.filter(is_move).collect();
    let first = moved.first()?;
    (moved.len() >= MOVES).then(|| {
        format!(
            "{} devices were moved to another netns, the first {}: each move waits for every processor.\n\
             Cheaper: the peer is born there, host.link.add(\"veth0\", #{{ type: \"veth\", peer: #{{ name: \"eth0\", netns: ns0 }} }})",
            moved.len(),
            place(first.line.as_ref())
        )
    })
}

/// A bridge that was up while ports were added: where it was brought up, and how many they were.
struct Bridge<'a> {
    up: Option<&'a Line>,
    ports: usize,
}

fn ports<'a>(done: impl Iterator<Item = &'a Done>) -> Vec<String> {
    let mut up: BTreeMap<(&NsName, &IfName), Bridge> = BTreeMap::new();
    for Done { op, line, .. } in done {
        let Change::Link(Link::Add { dev, settings, .. } | Link::Set { dev, settings, .. }) = &op.change else {
            continue;
        };
        let netns = settings.netns.as_ref().unwrap_or(&op.netns);
        let bridge = settings.master.as_ref().and_then(|master| up.get_mut(&(netns, master)));
        if let Some(bridge) = bridge {
            bridge.ports += 1;
        }
        if settings.is_up() == Some(true) {
            let bridge = Bridge {
                up: line.as_ref(),
                ports: 0,
            };
            up.entry((netns, dev)).or_insert(bridge);
        }
    }
    let many = up.into_iter().filter(|(_, bridge)| bridge.ports >= PORTS);
    many.map(|((netns, dev), bridge)| {
        format!(
            "{dev} in {netns} was brought up {}, before {} of its ports were added: each is told of every other.\n\
             Cheaper: link.set(\"{dev}\", #{{ up: true }}) when all are there; mcast_snooping: false until then",
            place(bridge.up),
            bridge.ports
        )
    })
    .collect()
}

fn place(line: Option<&Line>) -> String {
    line.map_or_else(String::new, |line| format!("at {}:{}", line.source, line.line))
}
