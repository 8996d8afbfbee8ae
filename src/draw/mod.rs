//! Pictures of a lab as it is now.
//!
//! [`Lab`] is what there is, made of the facts of all namespaces. [`Scene`] says what of it stands where, in columns and
//! rows of text (`block` is what stands in a frame). The pens draw a scene: [`text`](text()), `svg` and `png`. Those for programs
//! that arrange for themselves, `mermaid` and `dot`, draw the lab, and its JSON is the lab.

mod block;
mod dot;
mod graph;
mod lab;
mod mermaid;
mod png;
mod scene;
mod shapes;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use std::str::FromStr;

use crate::error::{Result, nearest};
use crate::ops::World;
use crate::terminal;

pub use block::{Piece, Style};
pub use lab::{Device, End, Lab, Space, State, Wire};
pub use scene::{Frame, Line, Scene, Text};
pub use text::Pen;

/// The columns of a picture that no terminal limits.
pub const COLUMNS: usize = 120;

/// The form of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text with lines of box drawing.
    Text,
    /// Text of ASCII alone.
    Ascii,
    /// SVG.
    Svg,
    /// PNG.
    Png,
    /// Mermaid, for Markdown.
    Mermaid,
    /// DOT, for Graphviz.
    Dot,
    /// JSON, for programs.
    Json,
}

impl Format {
    /// Every form and its name.
    pub const ALL: [(&'static str, Format); 7] = [
        ("text", Format::Text),
        ("ascii", Format::Ascii),
        ("svg", Format::Svg),
        ("png", Format::Png),
        ("mermaid", Format::Mermaid),
        ("dot", Format::Dot),
        ("json", Format::Json),
    ];

    /// Text, of ASCII alone where the terminal may know no other letters.
    pub fn for_terminal() -> Format {
        if terminal::is_utf8() {
            Format::Text
        } else {
            Format::Ascii
        }
    }

    /// The form that a file's name asks for by its ending.
    pub fn of_file(name: &str) -> Option<Format> {
        match name.rsplit_once('.')?.1 {
            "txt" => Some(Format::Text),
            "svg" => Some(Format::Svg),
            "png" => Some(Format::Png),
            "mmd" | "mermaid" => Some(Format::Mermaid),
            "dot" | "gv" => Some(Format::Dot),
            "json" => Some(Format::Json),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        if let Some((_, format)) = Format::ALL.iter().find(|(name, _)| *name == text) {
            return Ok(*format);
        }
        let names = Format::ALL.map(|(name, _)| name);
        Err(match nearest(text, names) {
            Some(near) => format!("{text:?} is no form of a picture: did you mean {near:?}?"),
            None => format!("{text:?} is no form of a picture: they are {}", names.join(", ")),
        })
    }
}

/// The lab as text for a terminal of `width` columns. Every line ends with a newline.
pub fn text(world: &World, width: usize, pen: Pen) -> Result<String> {
    Ok(text::text(&Scene::new(&Lab::pictured(world)?, width), pen))
}

/// The lab in a form. A form of text is `width` columns wide, and has colours where `colour` says so.
pub fn render(world: &World, format: Format, width: usize, colour: bool) -> Result<Vec<u8>> {
    let scene = |width| Lab::pictured(world).map(|lab| Scene::new(&lab, width));
    let pen = |ascii| Pen { ascii, colour };
    Ok(match format {
        Format::Text => text::text(&scene(width)?, pen(false)).into_bytes(),
        Format::Ascii => text::text(&scene(width)?, pen(true)).into_bytes(),
        Format::Svg => svg::svg(&scene(COLUMNS)?).into_bytes(),
        Format::Png => png::png(&scene(COLUMNS)?),
        Format::Mermaid => mermaid::mermaid(&Lab::pictured(world)?).into_bytes(),
        Format::Dot => dot::dot(&Lab::read(world)?).into_bytes(),
        Format::Json => {
            let text = serde_json::to_string_pretty(&Lab::read(world)?).expect("a lab is plain data");
            format!("{text}\n").into_bytes()
        }
    })
}
