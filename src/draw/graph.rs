//! The lab as nodes and edges, for programs that arrange them themselves.

use super::block::{is_master, words_of_kind, words_of_route};
use super::lab::{Device, Lab, Space, State};
use crate::diagnostics::escaped_line;

/// Nodes in groups, and edges.
pub struct Graph {
    /// The namespaces.
    pub spaces: Vec<Group>,
    /// What is joined.
    pub edges: Vec<Edge>,
}

/// A namespace.
pub struct Group {
    /// Its name, routes and rules, a line each.
    pub label: Vec<String>,
    /// Its devices.
    pub nodes: Vec<Node>,
}

/// A device.
pub struct Node {
    /// A name that is a word in every language.
    pub id: String,
    /// What it is, a line each.
    pub label: Vec<String>,
    /// Whether others belong to it.
    pub is_master: bool,
}

/// Two devices that are joined: a pair that is up or a port and its bridge by a whole line; a pair that is not up, or a
/// device and that on which it sits, by a broken one.
pub struct Edge {
    /// One of them.
    pub from: String,
    /// The other.
    pub to: String,
    /// Whether the line is whole.
    pub is_whole: bool,
}

/// The nodes and edges of a lab. `lo` is among them where it has an address, or is alone.
pub fn graph(lab: &Lab) -> Graph {
    let spaces = lab.namespaces.iter().enumerate().map(|(at, space)| Group {
        label: label(space),
        nodes: devices(space)
            .map(|(index, device)| Node {
                id: id(at, index),
                label: lines(device),
                is_master: is_master(space, device),
            })
            .collect(),
    });
    Graph {
        spaces: spaces.collect(),
        edges: edges(lab),
    }
}

fn devices(space: &Space) -> impl Iterator<Item = (usize, &Device)> {
    let is_drawn = |device: &Device| device.ifname != "lo" || !device.addresses.is_empty() || space.devices.len() == 1;
    space
        .devices
        .iter()
        .enumerate()
        .filter(move |(_, device)| is_drawn(device))
}

fn id(space: usize, device: usize) -> String {
    format!("n{space}d{device}")
}

fn label(space: &Space) -> Vec<String> {
    let mut lines = vec![escaped_line(&space.name).into_owned()];
    lines.extend(space.default_routes.iter().flat_map(words_of_route));
    if !space.forwarding.is_empty() {
        lines.push(format!("forwards {}", space.forwarding.join(", ")));
    }
    lines.extend(
        space
            .nat
            .iter()
            .map(|rule| format!("nat {}", escaped_line(&rule.words()))),
    );
    lines
}

fn lines(device: &Device) -> Vec<String> {
    let words = [
        escaped_line(&device.ifname).into_owned(),
        words_of_kind(device),
        device.state.word().to_string(),
    ];
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.is_empty())
        .collect();
    let mut lines = vec![words.join(" ")];
    lines.extend(device.addresses.iter().cloned());
    lines
}

fn edges(lab: &Lab) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (at, space) in lab.namespaces.iter().enumerate() {
        let named = |name: &str| space.devices.iter().position(|device| device.ifname == name);
        for (index, device) in space.devices.iter().enumerate() {
            let master = device.master.as_deref().and_then(named);
            edges.extend(master.map(|master| Edge {
                from: id(at, master),
                to: id(at, index),
                is_whole: true,
            }));
            let lower = device.link.as_ref().and_then(|link| {
                let there = lab
                    .namespaces
                    .iter()
                    .position(|space| Some(&space.name) == link.netns.as_ref())?;
                let devices = &lab.namespaces[there].devices;
                Some((there, devices.iter().position(|device| device.ifname == link.ifname)?))
            });
            edges.extend(lower.map(|(there, lower)| Edge {
                from: id(there, lower),
                to: id(at, index),
                is_whole: false,
            }));
        }
    }
    let state = |(space, device): (usize, usize)| lab.namespaces[space].devices[device].state;
    edges.extend(lab.wires.iter().map(|wire| Edge {
        from: id(wire.0.0, wire.0.1),
        to: id(wire.1.0, wire.1.1),
        is_whole: [wire.0, wire.1].into_iter().all(|end| state(end) == State::Up),
    }));
    edges
}
