//! Labs that no script has made, as pictures.

use proptest::prelude::*;

use super::lab::{Device, Lab, Space, State, Wire};
use super::scene::{Frame, Line, Scene, Text};
use super::text::{Pen, text};
use super::{dot, mermaid, png, svg};

const ODD: &str = "a\"<&>'[x]\u{1b}[31m|\\";

fn device(index: u32, ifname: &str) -> Device {
    Device {
        index,
        ifname: ifname.into(),
        kind: "veth".into(),
        ..Device::default()
    }
}

fn space(name: &str, devices: Vec<Device>) -> Space {
    Space {
        name: name.into(),
        devices,
        ..Space::default()
    }
}

fn odd() -> Lab {
    let ends = |name: &str| vec![device(1, "lo"), device(2, name)];
    Lab {
        namespaces: vec![space("host", ends(ODD)), space("ns0", ends("网络0"))],
        wires: vec![Wire((0, 1), (1, 1))],
        left_out: Vec::new(),
    }
}

#[test]
fn names_with_odd_characters_are_escaped() {
    let scene = Scene::new(&odd(), 80);
    let pen = Pen {
        ascii: false,
        colour: false,
    };
    let drawn = text(&scene, pen);
    assert!(drawn.contains(r#"a"<&>'[x]\x1b[31m|\ DOWN"#), "{drawn}");
    assert!(drawn.contains("网络0 DOWN") && drawn.contains('╌'), "{drawn}");
    let drawn = svg::svg(&scene);
    assert!(
        drawn.contains(r">a&quot;&lt;&amp;&gt;&#39;[x]\x1b[31m|\</text>"),
        "{drawn}"
    );
    let drawn = mermaid::mermaid(&odd());
    let escaped = "\"a#34;#60;#38;#62;#39;#91;x#93;#92;x1b#91;31m#124;#92; veth DOWN\"";
    assert!(drawn.contains(&escaped.replace(" veth", "")), "{drawn}");
    let drawn = dot::dot(&odd());
    assert!(drawn.contains(r#"label="a\"<&>'[x]\\x1b[31m|\\ DOWN""#), "{drawn}");
}

#[test]
fn colour_changes_no_letter() {
    let scene = Scene::new(&odd(), 80);
    let drawn = |colour| text(&scene, Pen { ascii: true, colour });
    let coloured = drawn(true);
    assert!(coloured.contains("\x1b[31mDOWN\x1b[0m"), "{coloured}");
    let mut pieces = coloured.split('\x1b');
    let first = pieces.next().unwrap_or_default().to_string();
    let plain = pieces.fold(first, |text, piece| {
        text + piece.split_once('m').map_or("", |(_, rest)| rest)
    });
    assert_eq!(plain, drawn(false));
    assert!(plain.is_ascii(), "{plain}");
}

#[test]
fn a_png_has_its_size_and_something_in_it() {
    let scene = Scene::new(&odd(), 80);
    let picture = tiny_skia::Pixmap::decode_png(&png::png(&scene)).expect("a PNG");
    let (_, size) = super::shapes::shapes(&scene);
    assert_eq!(picture.width(), (2.0 * size.0).ceil() as u32);
    let dark = picture.pixels().iter().filter(|pixel| pixel.green() < 90).count();
    assert!(dark > 2000, "{dark}");
}

/// Labs of up to eight namespaces with any pairs between them, some ends being ports of a bridge, some down.
fn labs() -> impl Strategy<Value = Lab> {
    let end = || (0_usize..8, any::<bool>(), any::<bool>());
    let pairs = prop::collection::vec((end(), end()), 0..14);
    let notes = prop::collection::vec(0_usize..4, 8);
    (pairs, notes, 1_usize..9).prop_map(|(pairs, notes, count)| {
        let mut namespaces: Vec<Space> = (0..count).map(|at| space(&format!("n{at}"), Vec::new())).collect();
        for (namespace, addresses) in namespaces.iter_mut().zip(notes) {
            namespace.devices.push(Device {
                kind: "bridge".into(),
                addresses: (0..addresses).map(|i| format!("2001:db8:1:2:3:4:5:{i}/128")).collect(),
                ..device(1, "br0")
            });
        }
        let mut wires = Vec::new();
        for (nth, ends) in pairs.into_iter().enumerate() {
            let mut add = |(at, is_port, is_up): (usize, bool, bool), side: &str| {
                let devices = &mut namespaces[at % count].devices;
                devices.push(Device {
                    master: is_port.then(|| "br0".to_string()),
                    state: if is_up { State::Up } else { State::NoCarrier },
                    ..device(devices.len() as u32 + 1, &format!("{side}{nth}"))
                });
                (at % count, devices.len() - 1)
            };
            let (a, b) = (add(ends.0, "left"), add(ends.1, "right"));
            wires.push(if a < b { Wire(a, b) } else { Wire(b, a) });
        }
        Lab {
            namespaces,
            wires,
            left_out: Vec::new(),
        }
    })
}

type Area = (usize, usize, usize, usize);

fn area(frame: &Frame) -> Area {
    (frame.x, frame.y, frame.right(), frame.bottom())
}

fn of_text(text: &Text) -> Area {
    (text.x, text.y, text.x + text.piece.width() - 1, text.y)
}

fn meets(a: Area, b: Area) -> bool {
    a.0 <= b.2 && b.0 <= a.2 && a.1 <= b.3 && b.1 <= a.3
}

fn holds(a: Area, b: Area) -> bool {
    a.0 <= b.0 && a.1 <= b.1 && b.2 <= a.2 && b.3 <= a.3
}

/// The cells of a line without its ends, each with whether it is passed upright, and both at a corner.
fn cells(line: &Line) -> Vec<((usize, usize), bool)> {
    let mut cells = Vec::new();
    for ends in line.points.windows(2) {
        let [(x, y), (to_x, to_y)] = [ends[0], ends[1]];
        let upright = x == to_x;
        for across in x.min(to_x)..=x.max(to_x) {
            for down in y.min(to_y)..=y.max(to_y) {
                cells.push(((across, down), upright));
            }
        }
    }
    let is_end = |cell: &(usize, usize)| [line.points[0], line.points[line.points.len() - 1]].contains(cell);
    cells.retain(|(cell, _)| !is_end(cell));
    cells
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_lies_on_anything_else(lab in labs(), width in 60_usize..140) {
        let scene = Scene::new(&lab, width);
        prop_assert_eq!(scene.lines.len(), lab.wires.len());
        let whole = (0, 0, scene.width - 1, scene.height - 1);
        let texts: Vec<Area> = scene.texts.iter().map(of_text).collect();
        for (index, text) in texts.iter().enumerate() {
            prop_assert!(holds(whole, *text));
            prop_assert!(texts[index + 1..].iter().all(|other| !meets(*text, *other)), "{:?}", scene.texts[index]);
        }
        for frame in &scene.frames {
            prop_assert!(holds(whole, area(frame)));
            for other in &scene.frames {
                let (a, b) = (area(frame), area(other));
                prop_assert!(!meets(a, b) || holds(a, b) || holds(b, a), "{:?} {:?}", frame, other);
            }
        }
        let mut passed = std::collections::HashSet::new();
        for line in &scene.lines {
            let ends = [line.points[0], line.points[line.points.len() - 1]];
            for (cell, upright) in cells(line) {
                let at = (cell.0, cell.1, cell.0, cell.1);
                prop_assert!(texts.iter().all(|text| !meets(*text, at)), "{:?}", line);
                for frame in &scene.frames {
                    let is_own = frame.is_netns && ends.iter().any(|end| holds(area(frame), (end.0, end.1, end.0, end.1)));
                    prop_assert!(is_own || !meets(area(frame), at), "{:?} {:?}", line, frame);
                }
                prop_assert!(passed.insert((cell, upright)), "{:?} runs along another", line);
            }
        }
        // The pens have room for all of it.
        for ascii in [false, true] {
            let drawn = text(&scene, Pen { ascii, colour: false });
            prop_assert_eq!(drawn.lines().count(), scene.height);
        }
    }
}
