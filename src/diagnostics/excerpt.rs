//! The few lines of a source that a drawing shows, made safe for a terminal.
//!
//! miette draws what it is given: raw control characters, lines of any length, every line of a long call. So it
//! is given a text made for the purpose, with its own marks in it: tabs opened out, what could deceive escaped, long
//! lines cut around the mark.

use std::ops::Range;

use super::span::line_at;
use super::text::{char_width, push_escaped};

/// A call that is longer is marked by its first line alone.
const LINES: usize = 8;
/// A tab goes on to the next multiple of this column.
const TAB: usize = 4;
/// What stands left of a mark for orientation where a line is cut.
const LEAD: usize = 8;
/// What stands right of it: a label hangs there.
const TAIL: usize = 16;

/// Lines to be drawn, and the mark in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The lines, each with its newline.
    pub text: String,
    /// The number of the first of them, from 1.
    pub first_line: usize,
    /// The bytes of `text` to underline.
    pub mark: Range<usize>,
}

impl Excerpt {
    /// The lines around `mark` in `source`, from where `call` begins, in `width` columns.
    pub fn new(source: &str, call: &Range<usize>, mark: &Range<usize>, width: usize) -> Excerpt {
        let end = clamp_end(source, mark);
        let (start_line, end_line) = (line_number(source, mark.start), line_number(source, end));
        let call_line = line_number(source, call.start);
        let first_line = if (call_line..call_line + LINES).contains(&start_line) {
            call_line
        } else {
            start_line
        };
        let first_line = first_line - usize::from(first_line > 1 && has_text(source, first_line - 1));
        let gutter = end_line.to_string().len() + if end_line > start_line { 8 } else { 4 };
        let mut lines: Vec<_> = (first_line..=end_line)
            .filter_map(|n| line_at(source, n))
            .map(|at| Line::new(source, at))
            .collect();
        cut(&mut lines, mark.start..end, width.saturating_sub(gutter).max(20));
        assemble(&lines, first_line, mark.start..end)
    }
}

/// Where a mark ends: with its first line if it has too many.
fn clamp_end(source: &str, mark: &Range<usize>) -> usize {
    let marked = &source[mark.clone()];
    match marked.find('\n') {
        Some(first) if marked.matches('\n').count() >= LINES => mark.start + marked[..first].trim_end().len(),
        _ => mark.end,
    }
}

fn line_number(source: &str, offset: usize) -> usize {
    source[..offset].matches('\n').count() + 1
}

fn has_text(source: &str, line: usize) -> bool {
    line_at(source, line).is_some_and(|at| !source[at].trim().is_empty())
}

/// One character of a source line as it is shown.
struct Cell {
    /// Its byte in the source.
    at: usize,
    shown: String,
    column: usize,
    width: usize,
}

/// One source line as it is shown.
struct Line {
    at: Range<usize>,
    cells: Vec<Cell>,
}

impl Line {
    fn new(source: &str, at: Range<usize>) -> Line {
        let mut cells: Vec<Cell> = Vec::new();
        let mut column = 0;
        for (index, c) in source[at.clone()].trim_end().char_indices() {
            let mut shown = String::new();
            match c {
                '\t' => shown.push_str(&" ".repeat(TAB - column % TAB)),
                c => push_escaped(&mut shown, c),
            }
            let width = shown.chars().map(char_width).sum();
            cells.push(Cell {
                at: at.start + index,
                shown,
                column,
                width,
            });
            column += width;
        }
        Line { at, cells }
    }

    fn width(&self) -> usize {
        self.cells.last().map_or(0, |cell| cell.column + cell.width)
    }

    /// The column where a byte of the source is shown.
    fn column(&self, offset: usize) -> usize {
        self.cells
            .iter()
            .find(|cell| cell.at >= offset)
            .map_or(self.width(), |cell| cell.column)
    }

    /// Keeps the columns from `left` on, `room` of them, with an ellipsis on each side where something went.
    fn keep(&mut self, left: usize, room: usize) {
        let right = if self.width() > left + room {
            left + room - 1
        } else {
            usize::MAX
        };
        let from = if left > 0 { left + 1 } else { 0 };
        for cell in &mut self.cells {
            if cell.column < from || cell.column + cell.width > right {
                cell.shown.clear();
            }
        }
        let kept = self.cells.iter().any(|cell| !cell.shown.is_empty());
        if left > 0 && !self.cells.is_empty() {
            let first = self.cells.iter().position(|cell| cell.column >= from).unwrap_or(0);
            self.cells[first.saturating_sub(1)].shown = "…".into();
        }
        if kept && right != usize::MAX {
            let last = self
                .cells
                .iter()
                .rposition(|cell| cell.column + cell.width <= right)
                .unwrap_or(0);
            self.cells[last + 1].shown = "…".into();
        }
    }
}

/// Cuts all lines alike, so that the mark can be seen, if one of them is too long.
fn cut(lines: &mut [Line], mark: Range<usize>, room: usize) {
    if lines.iter().all(|line| line.width() <= room) {
        return;
    }
    let marked = lines
        .iter()
        .find(|line| line.at.contains(&mark.start) || line.at.end == mark.start);
    let (start, end) = marked.map_or((0, 0), |line| {
        (line.column(mark.start), line.column(mark.end.min(line.at.end)))
    });
    let left = if end < room {
        0
    } else {
        start.saturating_sub(LEAD).min(end + TAIL - room)
    };
    for line in lines {
        line.keep(left, room);
    }
}

/// Puts the lines together and carries the mark over.
fn assemble(lines: &[Line], first_line: usize, mark: Range<usize>) -> Excerpt {
    let mut text = String::new();
    let (mut start, mut end) = (None, None);
    for line in lines {
        for cell in &line.cells {
            if cell.at >= mark.start {
                start = start.or(Some(text.len()));
            }
            if cell.at >= mark.end {
                end = end.or(Some(text.len()));
            }
            text.push_str(&cell.shown);
        }
        if line.at.end >= mark.start {
            start = start.or(Some(text.len()));
        }
        if line.at.end >= mark.end {
            end = end.or(Some(text.len()));
        }
        text.push('\n');
    }
    let start = start.unwrap_or(0);
    let end = end.unwrap_or(start).max(start);
    Excerpt {
        text,
        first_line,
        mark: start..end,
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::width;
    use super::*;

    fn excerpt(source: &str, marked: &str, width: usize) -> (String, usize, String) {
        let start = source.find(marked).expect("the mark");
        let mark = start..start + marked.len();
        let excerpt = Excerpt::new(source, &mark, &mark, width);
        (
            excerpt.text.clone(),
            excerpt.first_line,
            excerpt.text[excerpt.mark].to_string(),
        )
    }

    #[test]
    fn one_line_goes_before_unless_it_is_blank() {
        assert_eq!(excerpt("a\nb\nc()\nd", "c()", 80), ("b\nc()\n".into(), 2, "c()".into()));
        assert_eq!(excerpt("a\n \nc()\nd", "c()", 80), ("c()\n".into(), 3, "c()".into()));
    }

    #[test]
    fn tabs_are_opened_and_control_characters_shown() {
        assert_eq!(
            excerpt("\tf(\"a\x1b\t\")\r\n", "f(\"a\x1b\t\")", 80),
            ("    f(\"a\\x1b    \")\n".into(), 1, "f(\"a\\x1b    \")".into())
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let source = format!("{} target(1); {}", "x".repeat(90), "y".repeat(90));
        let (text, _, marked) = excerpt(&source, "target(1)", 40);
        assert_eq!(marked, "target(1)");
        assert_eq!(
            (width(text.trim_end()), text.starts_with('…'), text.ends_with("…\n")),
            (35, true, true)
        );
        let source = format!("call({})", "网".repeat(90));
        let (text, _, marked) = excerpt(&source, &source, 40);
        assert_eq!(text, format!("call({}…\n", "网".repeat(14)));
        assert_eq!(marked, text.trim_end());
    }

    #[test]
    fn a_very_long_call_shows_its_first_line() {
        let source = format!("each(|| {{  \n{}}})", "  step();\n".repeat(20));
        assert_eq!(
            excerpt(&source, &source, 80),
            ("each(|| {\n".into(), 1, "each(|| {".into())
        );
    }

    #[test]
    fn every_mark_of_every_width_is_inside() {
        let source = "a\t网络(\u{1b}) {\n\n  `é`, \u{202e}\n}\r\n";
        let cuts: Vec<_> = (0..=source.len()).filter(|at| source.is_char_boundary(*at)).collect();
        for (start, end) in cuts
            .iter()
            .flat_map(|s| cuts.iter().filter(move |e| *e >= s).map(move |e| (*s, *e)))
        {
            for width in [0, 22, 25, 80] {
                let excerpt = Excerpt::new(source, &(start..end), &(start..end), width);
                assert!(excerpt.text.get(excerpt.mark.clone()).is_some(), "{start}..{end}");
            }
        }
    }
}
