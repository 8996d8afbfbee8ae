//! The picture as text: lines of box drawing or of ASCII, for a terminal or a file.

use unicode_width::UnicodeWidthChar;

use super::block::Style;
use super::lab::State;
use super::scene::{Frame, Line, Scene};

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pen {
    /// With letters of ASCII alone.
    pub ascii: bool,
    /// With colours.
    pub colour: bool,
}

/// The four ways out of a cell.
const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// A place for a letter.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Blank,
    /// Ways out, and whether it is of a pair that is not up.
    Ways(u8, bool),
    Letter(char, Style),
    /// Behind a letter that takes two.
    Taken,
}

/// Draws the scene. Every line ends with a newline, and none with blanks.
pub fn text(scene: &Scene, pen: Pen) -> String {
    let mut sheet = vec![vec![Cell::Blank; scene.width]; scene.height];
    for frame in &scene.frames {
        border(&mut sheet, frame);
    }
    for line in &scene.lines {
        pair(&mut sheet, line);
    }
    for text in &scene.texts {
        let mut x = text.x;
        if text.is_title {
            clear(&mut sheet, text.x - 1, text.y);
            clear(&mut sheet, text.x + text.piece.width(), text.y);
        }
        for c in text.piece.text.chars() {
            let wide = c.width().unwrap_or(0);
            if wide == 0 {
                continue;
            }
            sheet[text.y][x] = Cell::Letter(c, text.piece.style);
            (x + 1..x + wide).for_each(|behind| sheet[text.y][behind] = Cell::Taken);
            x += wide;
        }
    }
    sheet.iter().map(|row| written(row, pen)).collect()
}

fn clear(sheet: &mut [Vec<Cell>], x: usize, y: usize) {
    sheet[y][x] = Cell::Blank;
}

/// Adds ways out of a cell to those it has.
fn mark(sheet: &mut [Vec<Cell>], (x, y): (usize, usize), ways: u8, is_broken: bool) {
    let cell = &mut sheet[y][x];
    *cell = match cell {
        Cell::Ways(old, _) => Cell::Ways(*old | ways, false),
        _ => Cell::Ways(ways, is_broken),
    };
}

fn border(sheet: &mut [Vec<Cell>], frame: &Frame) {
    let (left, right, top, bottom) = (frame.x, frame.right(), frame.y, frame.bottom());
    mark(sheet, (left, top), DOWN | RIGHT, false);
    mark(sheet, (right, top), DOWN | LEFT, false);
    mark(sheet, (left, bottom), UP | RIGHT, false);
    mark(sheet, (right, bottom), UP | LEFT, false);
    for x in left + 1..right {
        mark(sheet, (x, top), LEFT | RIGHT, false);
        mark(sheet, (x, bottom), LEFT | RIGHT, false);
    }
    for y in top + 1..bottom {
        mark(sheet, (left, y), UP | DOWN, false);
        mark(sheet, (right, y), UP | DOWN, false);
    }
}

fn pair(sheet: &mut [Vec<Cell>], line: &Line) {
    for ends in line.points.windows(2) {
        let [(x, y), (to_x, to_y)] = [ends[0], ends[1]];
        let (ahead, back) = match (to_x > x, to_y > y) {
            (true, _) => (RIGHT, LEFT),
            (false, true) => (DOWN, UP),
            _ if to_y == y => (LEFT, RIGHT),
            _ => (UP, DOWN),
        };
        let step = |(x, y): (usize, usize)| {
            let nearer = |from: usize, to: usize| from + usize::from(from < to) - usize::from(from > to);
            (nearer(x, to_x), nearer(y, to_y))
        };
        mark(sheet, (x, y), ahead, false);
        let mut at = step((x, y));
        while at != (to_x, to_y) {
            mark(sheet, at, back | ahead, !line.is_up);
            at = step(at);
        }
        mark(sheet, at, back, false);
    }
}

/// A row, without blanks at its end.
fn written(row: &[Cell], pen: Pen) -> String {
    let end = row.iter().rposition(|cell| *cell != Cell::Blank).map_or(0, |at| at + 1);
    let mut out = String::new();
    let mut colour = "";
    for cell in &row[..end] {
        let (letter, wanted) = match cell {
            Cell::Taken => continue,
            Cell::Blank => (' ', ""),
            Cell::Ways(ways, broken) => (stroke(*ways, *broken, pen.ascii), ""),
            Cell::Letter(c, style) if pen.ascii => (ascii(*c), colour_of(*style)),
            Cell::Letter(c, style) => (*c, colour_of(*style)),
        };
        if pen.colour && wanted != colour {
            out.push_str(if colour.is_empty() { "" } else { "\x1b[0m" });
            out.push_str(wanted);
            colour = wanted;
        }
        out.push(letter);
    }
    if pen.colour && !colour.is_empty() {
        out.push_str("\x1b[0m");
    }
    out.push('\n');
    out
}

fn colour_of(style: Style) -> &'static str {
    match style {
        Style::Name => "\x1b[1m",
        Style::State(State::Up) => "\x1b[32m",
        Style::State(State::NoCarrier) => "\x1b[33m",
        Style::State(State::Down) => "\x1b[31m",
        Style::Address => "\x1b[36m",
        Style::Note => "",
    }
}

fn ascii(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '…' => '~',
        _ => '?',
    }
}

fn stroke(ways: u8, is_broken: bool, is_ascii: bool) -> char {
    const STROKES: [char; 16] = [
        ' ', '╵', '╷', '│', '╴', '┘', '┐', '┤', '╶', '└', '┌', '├', '─', '┴', '┬', '┼',
    ];
    let (across, upright) = (LEFT | RIGHT, UP | DOWN);
    match (is_ascii, is_broken) {
        (true, true) if ways == across => '.',
        (true, true) if ways == upright => ':',
        (true, _) if ways & upright == 0 => '-',
        // Of two lines that cross, one goes through.
        (true, _) if ways & across == 0 || ways == across | upright => '|',
        (true, _) => '+',
        (false, true) if ways == across => '╌',
        (false, true) if ways == upright => '╎',
        (false, _) => STROKES[usize::from(ways)],
    }
}
