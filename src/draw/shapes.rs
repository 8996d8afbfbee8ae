//! The scene as shapes with colours, in pixels: what SVG and PNG have in common.

use super::block::Style;
use super::lab::State;
use super::scene::{Frame, Line, Scene, Text};

/// The size of the letters, and of the cell that each has: the font's letters are all 1233/2048 of their size wide.
pub const FONT: f32 = 14.0;
const CELL: (f32, f32) = (FONT * 1233.0 / 2048.0, 19.0);
/// Where in its cell the letters stand.
const BASELINE: f32 = 14.0;
/// What is left empty around the picture.
const MARGIN: f32 = 10.0;

/// A colour: red, green, blue.
pub type Colour = [u8; 3];

const PAPER: Colour = [255, 255, 255];
const INK: Colour = [31, 35, 40];
const GREY: Colour = [87, 96, 106];
const BLUE: Colour = [5, 80, 174];
const NETNS: (Colour, Colour) = ([246, 248, 250], [140, 149, 159]);
const BRIDGE: (Colour, Colour) = ([255, 255, 255], [84, 130, 190]);
const BROKEN: Colour = [176, 42, 55];

/// A shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A rectangle with round corners.
    Rectangle {
        /// Its left, upper corner.
        at: (f32, f32),
        /// Its width and height.
        size: (f32, f32),
        /// How round its corners are.
        round: f32,
        /// What it is filled with.
        fill: Colour,
        /// Its border.
        border: Option<Colour>,
    },
    /// A line with corners.
    Line {
        /// Its ends and corners.
        points: Vec<(f32, f32)>,
        /// Its colour.
        colour: Colour,
        /// Whether it is broken.
        is_broken: bool,
    },
    /// Letters.
    Letters {
        /// Where the first one stands.
        at: (f32, f32),
        /// What they say.
        text: String,
        /// How wide all of them are.
        width: f32,
        /// Their colour.
        colour: Colour,
    },
}

/// The shapes of a scene, those that lie below others first, and the size of the whole.
pub fn shapes(scene: &Scene) -> (Vec<Shape>, (f32, f32)) {
    let size = (
        scene.width as f32 * CELL.0 + 2.0 * MARGIN,
        scene.height as f32 * CELL.1 + 2.0 * MARGIN,
    );
    let mut shapes = vec![Shape::Rectangle {
        at: (0.0, 0.0),
        size,
        round: 0.0,
        fill: PAPER,
        border: None,
    }];
    let frames = |is_netns| scene.frames.iter().filter(move |frame| frame.is_netns == is_netns);
    shapes.extend(frames(true).map(|frame| rectangle(frame, NETNS)));
    shapes.extend(frames(false).map(|frame| rectangle(frame, BRIDGE)));
    for line in &scene.lines {
        pair(&mut shapes, line);
    }
    for text in &scene.texts {
        letters(&mut shapes, scene, text);
    }
    (shapes, size)
}

/// The middle of a cell.
fn middle((x, y): (usize, usize)) -> (f32, f32) {
    (MARGIN + (x as f32 + 0.5) * CELL.0, MARGIN + (y as f32 + 0.5) * CELL.1)
}

fn rectangle(frame: &Frame, (fill, border): (Colour, Colour)) -> Shape {
    let at = middle((frame.x, frame.y));
    let end = middle((frame.right(), frame.bottom()));
    Shape::Rectangle {
        at,
        size: (end.0 - at.0, end.1 - at.1),
        round: 5.0,
        fill,
        border: Some(border),
    }
}

/// A line, with a knot at each end.
fn pair(shapes: &mut Vec<Shape>, line: &Line) {
    const KNOT: f32 = 3.0;
    let points: Vec<(f32, f32)> = line.points.iter().copied().map(middle).collect();
    let colour = if line.is_up { INK } else { BROKEN };
    let knots = [points[0], points[points.len() - 1]];
    shapes.push(Shape::Line {
        points,
        colour,
        is_broken: !line.is_up,
    });
    shapes.extend(knots.map(|(x, y)| Shape::Rectangle {
        at: (x - KNOT, y - KNOT),
        size: (2.0 * KNOT, 2.0 * KNOT),
        round: KNOT,
        fill: colour,
        border: None,
    }));
}

/// A text: on a border with what lies below it behind, a state with its own colour behind.
fn letters(shapes: &mut Vec<Shape>, scene: &Scene, text: &Text) {
    let at = (MARGIN + text.x as f32 * CELL.0, MARGIN + text.y as f32 * CELL.1);
    let width = text.piece.width() as f32 * CELL.0;
    let (colour, behind) = colours(text.piece.style);
    if text.is_title {
        let is_inside = |frame: &&Frame| {
            frame.is_netns
                && (frame.x..=frame.right()).contains(&text.x)
                && (frame.y + 1..frame.bottom()).contains(&text.y)
        };
        let below = if scene.frames.iter().any(|frame| is_inside(&frame)) {
            NETNS.0
        } else {
            PAPER
        };
        // Only the border is interrupted.
        shapes.push(Shape::Rectangle {
            at: (at.0 - 0.75 * CELL.0, at.1 + CELL.1 / 2.0 - 2.0),
            size: (width + 1.5 * CELL.0, 4.0),
            round: 0.0,
            fill: below,
            border: None,
        });
    }
    if let Some(fill) = behind {
        shapes.push(patch((at.0 - 2.0, at.1 + 1.5), width + 4.0, fill, 3.0));
    }
    shapes.push(Shape::Letters {
        at: (at.0, at.1 + BASELINE),
        text: text.piece.text.clone(),
        width,
        colour,
    });
}

fn patch(at: (f32, f32), width: f32, fill: Colour, round: f32) -> Shape {
    Shape::Rectangle {
        at,
        size: (width, CELL.1 - 3.0),
        round,
        fill,
        border: None,
    }
}

/// The colour of the letters, and what is behind them.
fn colours(style: Style) -> (Colour, Option<Colour>) {
    match style {
        Style::Name => (INK, None),
        Style::Address => (BLUE, None),
        Style::Note => (GREY, None),
        Style::State(State::Up) => ([17, 99, 41], Some([218, 251, 225])),
        Style::State(State::NoCarrier) => ([110, 70, 0], Some([255, 244, 190])),
        Style::State(State::Down) => ([164, 14, 38], Some([255, 228, 226])),
    }
}
