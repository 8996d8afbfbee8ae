//! The picture as SVG.

use std::fmt::Write;

use super::scene::Scene;
use super::shapes::{Colour, FONT, Shape, shapes};
use crate::xml::escaped;

/// Draws the scene. The letters take the room they were given, whatever font there is.
pub fn svg(scene: &Scene) -> String {
    let (shapes, (width, height)) = shapes(scene);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.2} {height:.2}\" font-family=\"'DejaVu Sans Mono', Menlo, 'Liberation Mono', monospace\" \
         font-size=\"{FONT}\">\n"
    );
    for shape in &shapes {
        write(&mut out, shape);
    }
    out.push_str("</svg>\n");
    out
}

fn write(out: &mut String, shape: &Shape) {
    let written = match shape {
        Shape::Rectangle {
            at,
            size,
            round,
            fill,
            border,
        } => {
            let border = border.map_or_else(String::new, |border| format!(" stroke=\"{}\"", hex(border)));
            writeln!(
                out,
                "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" rx=\"{round}\" fill=\"{}\"{border}/>",
                at.0,
                at.1,
                size.0,
                size.1,
                hex(*fill)
            )
        }
        Shape::Line {
            points,
            colour,
            is_broken,
        } => {
            let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
            let dashes = if *is_broken { " stroke-dasharray=\"5 4\"" } else { "" };
            writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{dashes}/>",
                points.join(" "),
                hex(*colour)
            )
        }
        Shape::Letters {
            at,
            text,
            width,
            colour,
        } => writeln!(
            out,
            "<text x=\"{:.2}\" y=\"{:.2}\" textLength=\"{width:.2}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\">{}</text>",
            at.0,
            at.1,
            hex(*colour),
            escaped(text)
        ),
    };
    written.expect("a text grows");
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
