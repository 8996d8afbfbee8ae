//! The scene: what stands where, in columns and rows of text. Every picture is this one, drawn with other pens.
//!
//! Frames stand below each other at the left. A namespace that hangs on one of them by a single pair stands at its right,
//! level with the device that it hangs on, so that the pair is a straight line. Other pairs take a lane each between the two
//! columns, or at the right edge: they begin in a row of their own, so that no line runs along another or through a box.

use super::block::{self, Edge, Piece, Row, Style};
use super::lab::{Lab, State, Wire};

/// A picture.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
    /// The frames of namespaces, and the boxes of bridges and their kin within them.
    pub frames: Vec<Frame>,
    /// The texts.
    pub texts: Vec<Text>,
    /// The veth pairs.
    pub lines: Vec<Line>,
}

/// A rectangle; its border is part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its first column.
    pub x: usize,
    /// Its first row.
    pub y: usize,
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
    /// Whether it is a namespace's; a bridge's otherwise.
    pub is_netns: bool,
}

impl Frame {
    /// Its last column.
    pub fn right(&self) -> usize {
        self.x + self.width - 1
    }

    /// Its last row.
    pub fn bottom(&self) -> usize {
        self.y + self.height - 1
    }
}

/// A text in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its first column.
    pub x: usize,
    /// Its row.
    pub y: usize,
    /// What it says.
    pub piece: Piece,
    /// Whether it stands on a border.
    pub is_title: bool,
}

/// A line along columns and rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its ends and corners, as columns and rows.
    pub points: Vec<(usize, usize)>,
    /// Whether both ends are up.
    pub is_up: bool,
}

/// A frame's rows, before it has its place.
struct Block {
    name: String,
    rows: Vec<Row>,
}

impl Block {
    fn new(lab: &Lab, at: usize, width: usize) -> Block {
        Block {
            name: lab.namespaces[at].name.clone(),
            rows: block::rows(lab, at, width),
        }
    }

    /// How many columns its rows take.
    fn width(&self) -> usize {
        let rows = self.rows.iter().map(Row::width).max().unwrap_or(0);
        rows.max(self.name.len() + 2)
    }

    /// How many pieces are not whole.
    fn cut_off(&self) -> usize {
        let pieces = self.rows.iter().flat_map(|row| &row.pieces);
        pieces.filter(|piece| piece.text.ends_with('…')).count()
    }

    /// The row of a device, counted from the frame's border, and whether it is in a box.
    fn row_of(&self, device: usize) -> (usize, bool) {
        let mut rows = self.rows.iter().enumerate();
        let found = rows.find(|(_, row)| row.device == Some(device));
        found.map_or((1, false), |(index, row)| (index + 1, row.in_box))
    }
}

/// The frame's border and a blank, on both sides.
const BORDERS: usize = 4;
/// The least columns between the two columns of frames.
const GAP: usize = 7;

impl Scene {
    /// Arranges a lab in at most `width` columns, where they are enough.
    pub fn new(lab: &Lab, width: usize) -> Scene {
        let is_right = hanging(lab);
        let mut gap = if is_right.contains(&true) { GAP } else { 0 };
        let mut scene = loop {
            let mut scene = Scene::default();
            let (left, right) = widths(lab, &is_right, width.saturating_sub(gap));
            let mut build = Build {
                lab,
                is_right: &is_right,
                left,
                right,
                gap,
                ends: Vec::new(),
            };
            build.frames(&mut scene);
            let lanes = build.lanes(&mut scene);
            if 2 * lanes < gap || lanes == 0 {
                break scene;
            }
            gap = 2 * lanes + 1;
        };
        scene.say_what_is_left_out(lab, width);
        scene.measure();
        scene
    }

    fn say_what_is_left_out(&mut self, lab: &Lab, width: usize) {
        let (Some(first), Some(last)) = (lab.left_out.first(), lab.left_out.last()) else {
            return;
        };
        self.measure();
        let count = lab.left_out.len();
        let text = format!("… and {count} more namespaces: {first} … {last}");
        let piece = Piece {
            text: crate::diagnostics::clipped(&text, width).into_owned(),
            style: Style::Note,
        };
        self.texts.push(Text {
            x: 0,
            y: self.height,
            piece,
            is_title: false,
        });
    }

    fn measure(&mut self) {
        let frames = self.frames.iter().map(|frame| (frame.right() + 1, frame.bottom() + 1));
        let texts = self.texts.iter().map(|text| (text.x + text.piece.width(), text.y + 1));
        let lines = self.lines.iter().flat_map(|line| &line.points);
        let lines = lines.map(|(x, y)| (x + 1, y + 1));
        for (right, bottom) in frames.chain(texts).chain(lines) {
            self.width = self.width.max(right);
            self.height = self.height.max(bottom);
        }
    }
}

/// The namespaces that stand at the right: those that hang by a single pair on `host`, on a bridge, on one to which more is
/// joined, or on the only other one.
fn hanging(lab: &Lab) -> Vec<bool> {
    let degrees = lab.degrees();
    let mut hangs = vec![false; degrees.len()];
    for Wire(a, b) in &lab.wires {
        let (near, far) = match (degrees[a.0], degrees[b.0]) {
            _ if a.0 == b.0 => continue,
            (_, 1) if b.0 != 0 => (a, b),
            (1, _) if a.0 != 0 => (b, a),
            _ => continue,
        };
        let is_port = lab.namespaces[near.0].devices[near.1].master.is_some();
        hangs[far.0] = near.0 == 0 || is_port || degrees[near.0] > 2 || degrees[near.0] == 1;
    }
    hangs
}

/// The columns for the rows of the frames at the left and at the right.
fn widths(lab: &Lab, is_right: &[bool], width: usize) -> (usize, usize) {
    const LEAST: usize = 16;
    let natural = |side: bool| {
        let blocks = (0..lab.namespaces.len()).filter(|at| is_right[*at] == side);
        blocks.map(|at| Block::new(lab, at, usize::MAX / 2).width()).max()
    };
    let left = natural(false).unwrap_or(0);
    let Some(right) = natural(true) else {
        return (left.min(width.saturating_sub(BORDERS)).max(LEAST), 0);
    };
    let room = width.saturating_sub(2 * BORDERS);
    if left + right <= room {
        return (left, right);
    }
    // The division that cuts off the least, and then needs the fewest rows.
    let cost = |side: bool, width: usize| {
        let blocks = (0..lab.namespaces.len()).filter(|at| is_right[*at] == side);
        blocks.fold((0, 0), |(cut, rows), at| {
            let block = Block::new(lab, at, width);
            (cut + block.cut_off(), rows + block.rows.len())
        })
    };
    let divisions = LEAST.max(room.saturating_sub(right))..=left.min(room.saturating_sub(LEAST)).max(LEAST);
    let best = divisions.min_by_key(|left| {
        let (a, b) = (cost(false, *left), cost(true, room.saturating_sub(*left)));
        (a.0 + b.0, a.1 + b.1)
    });
    let left = best.unwrap_or(LEAST);
    (left, room.saturating_sub(left).max(LEAST))
}

/// A scene being built.
struct Build<'a> {
    lab: &'a Lab,
    is_right: &'a [bool],
    left: usize,
    right: usize,
    gap: usize,
    /// Where the pairs begin that join two frames at the left: the pair, the column, the row.
    ends: Vec<(usize, usize, usize)>,
}

impl Build<'_> {
    /// Places the frames, those at the right beside what they hang on, and the straight lines.
    fn frames(&mut self, scene: &mut Scene) {
        let (mut y, mut free) = (0, 0);
        for at in 0..self.lab.namespaces.len() {
            if !self.is_right[at] {
                (y, free) = self.frame(scene, at, y, free);
            }
        }
    }

    /// Places a frame at the left in row `y`; rows from `free` on are free at the right. The next of both.
    fn frame(&mut self, scene: &mut Scene, at: usize, top: usize, mut free: usize) -> (usize, usize) {
        let block = Block::new(self.lab, at, self.left);
        let mut y = top + 1;
        let mut box_top = None;
        for row in &block.rows {
            let right = self.left + BORDERS - 1;
            let end = row.device.and_then(|device| self.end(at, device));
            if let Some((wire, far)) = end {
                let x = if row.in_box { right - 2 } else { right };
                if self.is_right[far.0] {
                    let other = Block::new(self.lab, far.0, self.right);
                    let (above, in_box) = other.row_of(far.1);
                    y = y.max(free + above);
                    let beyond = right + 1 + self.gap;
                    free = place(scene, &other, (beyond, y - above), self.right);
                    let points = vec![(x, y), (if in_box { beyond + 2 } else { beyond }, y)];
                    let is_up = self.is_up(wire);
                    scene.lines.push(Line { points, is_up });
                } else {
                    self.ends.push((wire, x, y));
                }
            }
            match (row.edge, box_top) {
                (Some(Edge::Top), _) => box_top = Some(y),
                (Some(Edge::Bottom), Some(top)) => {
                    scene.frames.push(Frame {
                        x: 2,
                        y: top,
                        width: self.left,
                        height: y - top + 1,
                        is_netns: false,
                    });
                    box_top = None;
                }
                _ => {}
            }
            say(scene, row, 2, y);
            y += 1;
        }
        scene.frames.push(Frame {
            x: 0,
            y: top,
            width: self.left + BORDERS,
            height: y - top + 1,
            is_netns: true,
        });
        title(scene, &block.name, 0, top);
        (y + 1, free)
    }

    /// The pair that a device is an end of, and the other end.
    fn end(&self, at: usize, device: usize) -> Option<(usize, (usize, usize))> {
        let mut wires = self.lab.wires.iter().enumerate();
        wires.find_map(|(index, Wire(a, b))| match () {
            () if *a == (at, device) => Some((index, *b)),
            () if *b == (at, device) => Some((index, *a)),
            () => None,
        })
    }

    fn is_up(&self, wire: usize) -> bool {
        let Wire(a, b) = self.lab.wires[wire];
        [a, b]
            .iter()
            .all(|(space, device)| self.lab.namespaces[*space].devices[*device].state == State::Up)
    }

    /// Draws the pairs that join two frames at the left, each in the first lane that is free between its rows. How many
    /// lanes there are.
    fn lanes(&mut self, scene: &mut Scene) -> usize {
        let edge = self.left + BORDERS;
        let mut ends: Vec<_> = std::mem::take(&mut self.ends);
        ends.sort_by_key(|(wire, _, y)| (*wire, *y));
        let mut bent: Vec<_> = ends.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        // Short ones stay inside.
        bent.sort_by_key(|((_, _, from), (_, _, to))| (to - from, *from));
        let mut lanes: Vec<Vec<(usize, usize)>> = Vec::new();
        for ((wire, x, from), (_, other, to)) in bent {
            let is_free = |lane: &Vec<(usize, usize)>| lane.iter().all(|(top, bottom)| to < *top || *bottom < from);
            let lane = lanes.iter().position(is_free).unwrap_or_else(|| {
                lanes.push(Vec::new());
                lanes.len() - 1
            });
            lanes[lane].push((from, to));
            let across = edge + 1 + 2 * lane;
            scene.lines.push(Line {
                points: vec![(x, from), (across, from), (across, to), (other, to)],
                is_up: self.is_up(wire),
            });
        }
        lanes.len()
    }
}

/// Places a frame at the right, its rows `width` columns wide. The first row below it.
fn place(scene: &mut Scene, block: &Block, (x, top): (usize, usize), width: usize) -> usize {
    let mut box_top = top;
    for (index, row) in block.rows.iter().enumerate() {
        let y = top + 1 + index;
        match row.edge {
            Some(Edge::Top) => box_top = y,
            Some(Edge::Bottom) => scene.frames.push(Frame {
                x: x + 2,
                y: box_top,
                width,
                height: y - box_top + 1,
                is_netns: false,
            }),
            None => {}
        }
        say(scene, row, x + 2, y);
    }
    scene.frames.push(Frame {
        x,
        y: top,
        width: width + BORDERS,
        height: block.rows.len() + 2,
        is_netns: true,
    });
    title(scene, &block.name, x, top);
    top + block.rows.len() + 2
}

/// The name of a frame, on its border.
fn title(scene: &mut Scene, name: &str, x: usize, y: usize) {
    let piece = Piece {
        text: name.to_string(),
        style: Style::Name,
    };
    scene.texts.push(Text {
        x: x + 2,
        y,
        piece,
        is_title: true,
    });
}

/// The pieces of a row. Those of a box's first row stand on its border.
fn say(scene: &mut Scene, row: &Row, x: usize, y: usize) {
    let mut x = x + row.indent + if row.in_box { 2 } else { 0 };
    for piece in &row.pieces {
        scene.texts.push(Text {
            x,
            y,
            piece: piece.clone(),
            is_title: row.edge.is_some(),
        });
        x += piece.width() + 1;
    }
}
