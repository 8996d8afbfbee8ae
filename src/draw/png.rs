//! The picture as PNG, with the letters of a font that is in the binary.

use tiny_skia::{FillRule, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};
use ttf_parser::{Face, OutlineBuilder};
use unicode_width::UnicodeWidthChar;

use super::scene::Scene;
use super::shapes::{Colour, FONT, Shape, shapes};

/// Letters of DejaVu Sans Mono; the licence stands beside it.
const LETTERS: &[u8] = include_bytes!("DejaVuSansMono.ttf");

/// Pixels for each of the picture's own, and how many there may be altogether.
const SCALES: [f32; 2] = [2.0, 1.0];
const MOST: f32 = 5e7;

/// Draws the scene.
pub fn png(scene: &Scene) -> Vec<u8> {
    let (shapes, size) = shapes(scene);
    let fits = |scale: &f32| size.0 * size.1 * scale * scale <= MOST;
    let scale = SCALES.into_iter().find(fits).unwrap_or(1.0);
    let pixels = |length: f32| (length * scale).ceil() as u32;
    let mut sheet = Pixmap::new(pixels(size.0), pixels(size.1)).expect("a picture has a size");
    let face = Face::parse(LETTERS, 0).expect("the font is whole");
    let pen = Pen {
        face,
        scale: Transform::from_scale(scale, scale),
    };
    for shape in &shapes {
        pen.draw(&mut sheet, shape);
    }
    sheet.encode_png().expect("a picture fits the memory")
}

struct Pen {
    face: Face<'static>,
    scale: Transform,
}

impl Pen {
    fn draw(&self, sheet: &mut Pixmap, shape: &Shape) {
        match shape {
            Shape::Rectangle {
                at,
                size,
                round,
                fill,
                border,
            } => {
                let Some(path) = rounded(*at, *size, *round) else {
                    return;
                };
                sheet.fill_path(&path, &paint(*fill), FillRule::Winding, self.scale, None);
                if let Some(border) = border {
                    sheet.stroke_path(&path, &paint(*border), &Stroke::default(), self.scale, None);
                }
            }
            Shape::Line {
                points,
                colour,
                is_broken,
            } => {
                let mut path = PathBuilder::new();
                path.move_to(points[0].0, points[0].1);
                points[1..].iter().for_each(|(x, y)| path.line_to(*x, *y));
                let stroke = Stroke {
                    width: 1.5,
                    dash: StrokeDash::new(vec![5.0, 4.0], 0.0).filter(|_| *is_broken),
                    ..Stroke::default()
                };
                if let Some(path) = path.finish() {
                    sheet.stroke_path(&path, &paint(*colour), &stroke, self.scale, None);
                }
            }
            Shape::Letters {
                at,
                text,
                width,
                colour,
            } => self.write(sheet, *at, text, *width, *colour),
        }
    }

    fn write(&self, sheet: &mut Pixmap, (mut x, y): (f32, f32), text: &str, width: f32, colour: Colour) {
        let columns = |c: char| c.width().unwrap_or(0);
        let all: usize = text.chars().map(columns).sum();
        let size = FONT / f32::from(self.face.units_per_em());
        for c in text.chars() {
            // A letter that the font has not is a box.
            let glyph = self.face.glyph_index(c).unwrap_or_default();
            let mut outline = Outline(PathBuilder::new());
            if self.face.outline_glyph(glyph, &mut outline).is_some()
                && let Some(path) = outline.0.finish()
            {
                let place = self.scale.pre_translate(x, y).pre_scale(size, -size);
                sheet.fill_path(&path, &paint(colour), FillRule::Winding, place, None);
            }
            x += width * columns(c) as f32 / all as f32;
        }
    }
}

fn paint([red, green, blue]: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

fn rounded((x, y): (f32, f32), (width, height): (f32, f32), round: f32) -> Option<Path> {
    // How far a curve's handles are from its ends, to make a quarter of a circle.
    const HANDLE: f32 = 0.5523;
    let (right, bottom, near) = (x + width, y + height, round * (1.0 - HANDLE));
    let mut path = PathBuilder::new();
    path.move_to(x + round, y);
    path.line_to(right - round, y);
    path.cubic_to(right - near, y, right, y + near, right, y + round);
    path.line_to(right, bottom - round);
    path.cubic_to(right, bottom - near, right - near, bottom, right - round, bottom);
    path.line_to(x + round, bottom);
    path.cubic_to(x + near, bottom, x, bottom - near, x, bottom - round);
    path.line_to(x, y + round);
    path.cubic_to(x, y + near, x + near, y, x + round, y);
    path.close();
    path.finish()
}

/// Takes over a letter's outline.
struct Outline(PathBuilder);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}
