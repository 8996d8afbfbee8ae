//! What stands in a namespace's frame, row by row.

use unicode_width::UnicodeWidthStr;

use super::lab::{Device, End, Lab, Space, State};
use crate::diagnostics::{clipped, escaped_line};
use crate::ops::route::fact::RouteFact;

/// What a piece of text is, for those forms that can show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The name of a namespace or a device.
    Name,
    /// A state.
    State(State),
    /// An address.
    Address,
    /// What kind a device is, a route, a rule.
    Note,
}

/// A piece of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its text, without anything that could deceive.
    pub text: String,
    /// What it is.
    pub style: Style,
}

impl Piece {
    fn new(text: &str, style: Style) -> Piece {
        Piece {
            text: escaped_line(text).into_owned(),
            style,
        }
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.text.width()
    }
}

/// A row of a frame. What was cut off ends with an ellipsis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// How far it is indented.
    pub indent: usize,
    /// What stands in it, with a blank between two pieces.
    pub pieces: Vec<Piece>,
    /// The device whose wire begins here.
    pub device: Option<usize>,
    /// Whether it is in a box.
    pub in_box: bool,
    /// Whether it is a border of a box.
    pub edge: Option<Edge>,
}

/// A border of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Its upper one, which the row's pieces stand on.
    Top,
    /// Its lower one.
    Bottom,
}

impl Row {
    fn new(pieces: Vec<Piece>) -> Row {
        Row {
            pieces,
            ..Row::default()
        }
    }

    /// How many columns it takes within the frame: those of a box have its sides, too.
    pub fn width(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.width() + 1).sum();
        let sides = match (self.in_box, self.edge) {
            (true, None) => 4,
            (true, Some(_)) => 5,
            (false, _) => 0,
        };
        self.indent + pieces.saturating_sub(1) + sides
    }
}

/// The sides of a box take so much of a row.
const SIDES: usize = 4;

/// The rows of a namespace, no wider than `width`.
pub fn rows(lab: &Lab, at: usize, width: usize) -> Vec<Row> {
    let space = &lab.namespaces[at];
    let mut rows = Vec::new();
    // `lo` is the last: a pair is as near to its frame's border as it can be.
    let mut devices: Vec<(usize, &Device)> = space.devices.iter().enumerate().collect();
    devices.sort_by_key(|(_, device)| device.ifname == "lo");
    for (index, device) in devices {
        let is_quiet_lo = device.ifname == "lo" && device.addresses.is_empty();
        if is_master(space, device) {
            rows.extend(boxed(lab, at, index, width));
        } else if !is_quiet_lo && device.master.is_none() {
            rows.extend(lines(lab, at, index, width));
        }
    }
    for route in &space.default_routes {
        let hops = words_of_route(route);
        rows.extend(hops.iter().flat_map(|words| note(words, width)));
    }
    if !space.forwarding.is_empty() {
        rows.extend(note(&format!("forwards {}", space.forwarding.join(", ")), width));
    }
    for rule in &space.nat {
        rows.extend(note(&format!("nat {}", rule.words()), width));
    }
    if rows.is_empty() {
        let lo = space.devices.iter().find(|device| device.ifname == "lo");
        rows.extend(lo.map(|lo| Row::new(head(lo, Vec::new()))));
    }
    rows
}

/// Whether a device has a box, with others in it.
pub fn is_master(space: &Space, device: &Device) -> bool {
    let is_its = |other: &Device| other.master.as_ref() == Some(&device.ifname);
    device.kind == "bridge" || space.devices.iter().any(is_its)
}

/// A default route as `ip route` says it, without who made it; a line for each next hop.
pub fn words_of_route(route: &RouteFact) -> Vec<String> {
    let words = |gateway: Option<&String>, dev: Option<&String>| {
        let mut text = String::from("default");
        for (word, value) in [("via", gateway), ("dev", dev)] {
            if let Some(value) = value {
                text += &format!(" {word} {value}");
            }
        }
        text
    };
    let kind = |text: String| match &route.kind {
        Some(kind) => format!("{kind} {text}"),
        None => text,
    };
    if route.nexthops.is_empty() {
        let via = route.via.as_ref().map(|via| &via.host);
        let mut text = kind(words(route.gateway.as_ref().or(via), route.dev.as_ref()));
        if let Some(metric) = route.metric.filter(|metric| *metric != 1024) {
            text += &format!(" metric {metric}");
        }
        return vec![text];
    }
    let hops = route.nexthops.iter();
    hops.map(|hop| {
        let via = hop.via.as_ref().map(|via| &via.host);
        words(hop.gateway.as_ref().or(via), Some(&hop.dev))
    })
    .collect()
}

/// A device in words: what it is, where it is not joined by a wire.
pub fn words_of_kind(device: &Device) -> String {
    let mut words = Vec::new();
    if !["veth", ""].contains(&device.kind.as_str()) {
        words.push(device.kind.clone());
    }
    words.extend(device.detail.iter().cloned());
    words.join(" ")
}

/// A device elsewhere: `eth0 in ns1`.
fn words_of_end(end: &End, here: &str) -> String {
    match &end.netns {
        Some(netns) if netns == here => end.ifname.clone(),
        Some(netns) => format!("{} in {netns}", end.ifname),
        None => format!("{} elsewhere", end.ifname),
    }
}

/// A device's name, kind and state; `more` before the state.
fn head(device: &Device, more: Vec<Piece>) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(&device.ifname, Style::Name)];
    let kind = words_of_kind(device);
    if !kind.is_empty() {
        pieces.push(Piece::new(&kind, Style::Note));
    }
    pieces.extend(more);
    pieces.push(Piece::new(device.state.word(), Style::State(device.state)));
    pieces
}

/// A device that stands by itself or is a port: its row, and others for what has no room there.
fn lines(lab: &Lab, at: usize, index: usize, width: usize) -> Vec<Row> {
    let space = &lab.namespaces[at];
    let device = &space.devices[index];
    let is_wired = lab.wires.iter().any(|wire| [wire.0, wire.1].contains(&(at, index)));
    let mut more = Vec::new();
    if let Some(link) = &device.link {
        more.push(Piece::new(
            &format!("on {}", words_of_end(link, &space.name)),
            Style::Note,
        ));
    }
    if let Some(peer) = device.peer.as_ref().filter(|_| !is_wired) {
        let words = match &peer.netns {
            Some(netns) if lab.left_out.contains(netns) => format!("peer in {netns}"),
            _ => format!("peer {}", words_of_end(peer, &space.name)),
        };
        more.push(Piece::new(&words, Style::Note));
    }
    let addresses = device.addresses.iter();
    let addresses: Vec<Piece> = addresses.map(|text| Piece::new(text, Style::Address)).collect();
    let mut rows = flow(head(device, more), addresses, width);
    rows[0].device = is_wired.then_some(index);
    rows
}

/// Pieces in a row, and in as many more as they need, indented; the addresses one below the other.
fn flow(head: Vec<Piece>, addresses: Vec<Piece>, width: usize) -> Vec<Row> {
    const INDENT: usize = 2;
    let mut rows = vec![Row::default()];
    for piece in head {
        let last = rows.last().expect("a row");
        if !last.pieces.is_empty() && last.width() + 1 + piece.width() > width {
            rows.push(Row {
                indent: INDENT,
                ..Row::default()
            });
        }
        let last = rows.last_mut().expect("a row");
        last.pieces.push(fitted(piece, width.saturating_sub(last.indent)));
    }
    let begins = rows.last().map_or(0, Row::width) + 1;
    let widest = addresses.iter().map(Piece::width).max().unwrap_or(0);
    let fits = begins + widest <= width;
    for (nth, piece) in addresses.into_iter().enumerate() {
        if fits && nth == 0 {
            rows.last_mut().expect("a row").pieces.push(piece);
            continue;
        }
        let indent = if fits { begins } else { INDENT };
        rows.push(Row {
            indent,
            pieces: vec![fitted(piece, width.saturating_sub(indent))],
            ..Row::default()
        });
    }
    rows
}

/// A bridge, a bond or a VRF with the devices that belong to it.
fn boxed(lab: &Lab, at: usize, index: usize, width: usize) -> Vec<Row> {
    let space = &lab.namespaces[at];
    let device = &space.devices[index];
    let inner = width.saturating_sub(SIDES);
    let mut more = Vec::new();
    if let Some(master) = &device.master {
        more.push(Piece::new(&format!("master {master}"), Style::Note));
    }
    let mut top = Row::new(head(device, more));
    top.edge = Some(Edge::Top);
    let mut rows = vec![top];
    for address in &device.addresses {
        rows.push(Row::new(vec![fitted(Piece::new(address, Style::Address), inner)]));
    }
    let mut left_out = 0;
    for (port, other) in space.devices.iter().enumerate() {
        if other.master.as_ref() != Some(&device.ifname) {
            continue;
        }
        let there = other.peer.as_ref().and_then(|peer| peer.netns.as_ref());
        if there.is_some_and(|netns| lab.left_out.contains(netns)) {
            left_out += 1;
        } else {
            rows.extend(lines(lab, at, port, inner));
        }
    }
    if left_out > 0 {
        rows.extend(note(&format!("and {left_out} more ports"), inner));
    }
    rows.push(Row {
        edge: Some(Edge::Bottom),
        ..Row::default()
    });
    for row in &mut rows {
        row.in_box = true;
    }
    rows
}

/// A note, in as many rows as it needs.
fn note(text: &str, width: usize) -> Vec<Row> {
    let words = text.split(' ').map(|word| Piece::new(word, Style::Note)).collect();
    let rows = flow(words, Vec::new(), width);
    // Words of one note are one piece.
    let whole = |row: Row| {
        let texts: Vec<&str> = row.pieces.iter().map(|piece| piece.text.as_str()).collect();
        Row {
            pieces: vec![Piece::new(&texts.join(" "), Style::Note)],
            ..row
        }
    };
    rows.into_iter().map(whole).collect()
}

/// A piece that has no more room than this.
fn fitted(piece: Piece, width: usize) -> Piece {
    let text = clipped(&piece.text, width).into_owned();
    Piece { text, ..piece }
}
