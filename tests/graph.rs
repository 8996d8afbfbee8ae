//! Pictures: to the letter as text, ASCII, Mermaid, DOT and JSON (`tests/golden/graph`; `NSX_BLESS=1 cargo test --test nsx
//! graph` writes them anew), and as SVG without anything on top of something else.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::builder::Nsx;
use crate::golden::is_kept_as;
use crate::terminal::Terminal;

const STAR: &str = "import \"std/topology\" as topology;\ntopology::star(12);";
const LINE: &str = "import \"std/topology\" as topology;\ntopology::line(6);";
const ROUTER: &str = r#"
let router = netns::add("router");
router.sysctl.set("net.ipv4.ip_forward", 1);
for i in 0..2 {
    let end = |name, ns| #{ type: "veth", peer: #{ name: name, netns: ns }, master: `br${i}`, addrgenmode: "none", up: true };
    host.link.add(`br${i}`, #{ type: "bridge", up: true });
    host.link.add(`router-br${i}`, end.call(`eth${i}`, router));
    router.link.set(`eth${i}`, #{ addrgenmode: "none", up: true });
    router.addr.add(`10.${i}.0.1/24`, #{ dev: `eth${i}` });
    for j in 0..2 {
        let ns = netns::add(`ns${2 * i + j}`);
        host.link.add(`${ns}-br`, end.call("eth0", ns));
        ns.link.set("eth0", #{ addrgenmode: "none", up: true });
        ns.addr.add(`10.${i}.0.${j + 2}/24`, #{ dev: "eth0" });
        ns.route.add("default", #{ via: `10.${i}.0.1` });
    }
}
"#;
const MESH: &str = "import \"std/topology\" as topology;\ntopology::mesh(5, #{ ipv6: true });";
/// A pair whose end is down, one within a namespace, kinds that sit on others, NAT.
const KINDS: &str = r#"
let ns0 = netns::add("ns0");
let ns1 = netns::add("ns1");
host.link.add("veth0", #{ type: "veth", peer: #{ name: "eth0", netns: ns0 }, up: true });
host.link.add("a", #{ type: "veth", peer: "b", up: true });
host.link.set("b", #{ up: true, mtu: 1400 });
host.addr.add("203.0.113.1/24", #{ dev: "a" });
host.addr.add("2001:db8::1/64", #{ dev: "a", nodad: true });
host.link.add("vx0", #{ type: "vxlan", id: 42, remote: "10.0.0.2", dstport: 4789 });
host.link.add("mv0", #{ type: "macvlan", link: "a", mode: "bridge", netns: ns1 });
host.nat.masquerade("10.1.1.0/24", #{ oif: "a" });
host.sysctl.set("net.ipv4.ip_forward", 1);
ns0.link.add("tun0", #{ type: "tun" });
"#;

fn read(script: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script);
    fs::read_to_string(file).expect("a script")
}

/// The labs that are drawn: the post's two, and others.
fn labs() -> [(&'static str, String); 7] {
    [
        ("veth", read("veth.rhai")),
        ("bridge", read("bridge.rhai")),
        ("star", STAR.into()),
        ("line", LINE.into()),
        ("router", ROUTER.into()),
        ("mesh", MESH.into()),
        ("kinds", KINDS.into()),
    ]
}

/// What a lab's `draw(form)` gives for each form.
fn drawn(text: &str, forms: &[&str]) -> Vec<String> {
    let calls: String = forms
        .iter()
        .map(|form| format!("print(\"\\n== picture\\n\" + draw(\"{form}\"));\n"))
        .collect();
    let printed = Nsx::script(&format!("{text}\n{calls}")).prints();
    let pictures = printed.split("\n== picture\n").skip(1);
    // `print` ends with a newline of its own.
    pictures
        .map(|picture| picture.trim_end_matches('\n').to_string() + "\n")
        .collect()
}

const FORMS: [&str; 6] = ["text", "ascii", "mermaid", "dot", "json", "svg"];

/// Every lab in every form, drawn once for all tests.
fn pictures() -> &'static [(&'static str, Vec<String>)] {
    static PICTURES: OnceLock<Vec<(&'static str, Vec<String>)>> = OnceLock::new();
    PICTURES.get_or_init(|| labs().map(|(name, text)| (name, drawn(&text, &FORMS))).into())
}

#[test]
fn pictures_are_drawn_to_the_letter() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/graph");
    for (name, pictures) in pictures() {
        for (form, picture) in FORMS.iter().zip(pictures).filter(|(form, _)| **form != "svg") {
            is_kept_as(&folder.join(format!("{name}.{form}")), picture);
            let is_narrow = |line: &str| unicode_width::UnicodeWidthStr::width(line) <= 80;
            let is_text = ["text", "ascii"].contains(form);
            assert!(
                !is_text || picture.lines().all(is_narrow),
                "{name}.{form} fits 80 columns"
            );
            assert!(*form != "ascii" || picture.is_ascii(), "{name}.{form}");
        }
    }
}

/// A rectangle: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area(f32, f32, f32, f32);

impl Area {
    fn meets(self, other: Area) -> bool {
        self.0 < other.2 && other.0 < self.2 && self.1 < other.3 && other.1 < self.3
    }

    fn holds(self, other: Area) -> bool {
        self.0 <= other.0 && self.1 <= other.1 && other.2 <= self.2 && other.3 <= self.3
    }

    fn shrunk(self, by: f32) -> Area {
        Area(self.0 + by, self.1 + by, self.2 - by, self.3 - by)
    }
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = element.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0)
}

fn number(element: &str, name: &str) -> f32 {
    let text = attribute(element, name).unwrap_or_else(|| panic!("{name} of {element}"));
    text.parse().expect("a number")
}

/// What an SVG has in it: frames, texts, and the pieces of lines.
#[derive(Default)]
struct Svg {
    whole: Option<Area>,
    frames: Vec<Area>,
    texts: Vec<(Area, String)>,
    lines: Vec<Vec<(f32, f32)>>,
}

fn parse(svg: &str) -> Svg {
    let mut read = Svg::default();
    for element in svg.lines() {
        let at = || (number(element, "x"), number(element, "y"));
        if element.starts_with("<rect") {
            let (x, y) = at();
            let area = Area(x, y, x + number(element, "width"), y + number(element, "height"));
            read.whole.get_or_insert(area);
            read.frames.extend(attribute(element, "stroke").map(|_| area));
        } else if element.starts_with("<text") {
            let (x, y) = at();
            let area = Area(x, y - 10.0, x + number(element, "textLength"), y + 3.0);
            read.texts.push((area, element.to_string()));
        } else if element.starts_with("<polyline") {
            let points = attribute(element, "points").expect("points").split(' ');
            let point = |pair: &str| {
                let (x, y) = pair.split_once(',').expect("two numbers");
                (x.parse().expect("a number"), y.parse().expect("a number"))
            };
            read.lines.push(points.map(point).collect());
        }
    }
    read
}

#[track_caller]
fn check_geometry(name: &str, svg: &str) {
    let Svg {
        whole,
        frames,
        texts,
        lines,
    } = parse(svg);
    let whole = whole.expect("a ground");
    assert!(!frames.is_empty() && !texts.is_empty(), "{name}");
    for (index, (area, text)) in texts.iter().enumerate() {
        assert!(whole.holds(*area), "{name}: {text} is outside");
        for (other, above) in &texts[index + 1..] {
            assert!(!area.meets(*other), "{name}: {text} and {above} overlap");
        }
    }
    for frame in &frames {
        assert!(whole.holds(*frame), "{name}: {frame:?} is outside");
        for other in &frames {
            let apart = !frame.meets(*other) || frame.holds(*other) || other.holds(*frame);
            assert!(apart, "{name}: {frame:?} and {other:?} overlap");
        }
    }
    for line in &lines {
        for ends in line.windows(2) {
            let [(x, y), (to_x, to_y)] = [ends[0], ends[1]];
            let piece = Area(x.min(to_x), y.min(to_y) - 0.1, x.max(to_x) + 0.1, y.max(to_y));
            assert!(whole.holds(piece), "{name}: {line:?} is outside");
            for (area, text) in &texts {
                assert!(!piece.meets(*area), "{name}: {line:?} passes through {text}");
            }
            for frame in &frames {
                let begins_in = |(x, y): &(f32, f32)| frame.holds(Area(*x, *y, *x, *y));
                let is_own = [line[0], line[line.len() - 1]].iter().any(begins_in);
                assert!(
                    is_own || !piece.meets(*frame),
                    "{name}: {line:?} passes through {frame:?}"
                );
                // Into the box of a bridge it does not go either.
                let is_box = frames.iter().any(|outer| outer != frame && outer.holds(*frame));
                assert!(
                    !is_box || !piece.meets(frame.shrunk(1.0)),
                    "{name}: {line:?} is in {frame:?}"
                );
            }
        }
    }
    for (index, line) in lines.iter().enumerate() {
        for other in &lines[index + 1..] {
            for (a, b) in line.windows(2).flat_map(|a| other.windows(2).map(move |b| (a, b))) {
                let lies = |ends: &[(f32, f32)]| (ends[0].1 - ends[1].1).abs() < 0.01;
                let area = |ends: &[(f32, f32)]| {
                    let ((x, y), (to_x, to_y)) = (ends[0], ends[1]);
                    Area(
                        x.min(to_x) - 1.0,
                        y.min(to_y) - 1.0,
                        x.max(to_x) + 1.0,
                        y.max(to_y) + 1.0,
                    )
                };
                let along = lies(a) == lies(b) && area(a).meets(area(b));
                assert!(!along, "{name}: {a:?} runs along {b:?}");
            }
        }
    }
}

#[test]
fn nothing_lies_on_anything_else() {
    for (name, pictures) in pictures() {
        let svg = pictures.last().expect("the SVG");
        assert!(svg.contains("<polyline"), "{name}");
        check_geometry(name, svg);
    }
}

#[test]
fn what_is_wrong_in_a_picture_would_be_seen() {
    let svg = |more: &str| {
        format!(
            "<rect x=\"0\" y=\"0\" width=\"100\" height=\"100\" fill=\"#fff\"/>\n\
             <rect x=\"10\" y=\"10\" width=\"30\" height=\"30\" stroke=\"#000\"/>\n\
             <text x=\"12\" y=\"30\" textLength=\"20\">a</text>\n{more}\n"
        )
    };
    check_geometry("fine", &svg("<polyline points=\"40,20 90,20\"/>"));
    for bad in [
        "<text x=\"30\" y=\"35\" textLength=\"20\">b</text>",
        "<text x=\"90\" y=\"35\" textLength=\"20\">b</text>",
        "<polyline points=\"0,35 90,35\"/>",
        "<polyline points=\"40,20 90,20\"/>\n<polyline points=\"50,20 60,20\"/>",
        "<rect x=\"30\" y=\"30\" width=\"30\" height=\"30\" stroke=\"#000\"/>",
    ] {
        let seen = std::panic::catch_unwind(|| check_geometry("bad", &svg(bad)));
        assert!(seen.is_err(), "{bad}");
    }
}

const PAIR: &str = "let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 }, up: true });
print(\"words\");
on_exit(|| ns0.link.del(\"eth0\"));
";

fn graph(arguments: &[&str]) -> Nsx {
    let mut all = vec!["graph", "lab.rhai"];
    all.extend(arguments);
    Nsx::new(&all).file("lab.rhai", PAIR).env("LC_ALL", "C.UTF-8")
}

#[test]
fn graph_draws_a_script_at_its_end() {
    let text = graph(&[]).prints();
    assert!(
        text.starts_with("┌ host ─") && text.contains("veth0 NO-CARRIER ├╌╌╌╌╌╌╌┤ eth0 DOWN"),
        "{text}"
    );
    assert!(!text.contains("words"), "{text}");
    // ASCII where the terminal knows nothing else, unless it is asked for.
    let ascii = graph(&[]).env("LC_ALL", "C").prints();
    assert!(
        ascii.is_ascii() && ascii.contains("veth0 NO-CARRIER +.......+ eth0 DOWN"),
        "{ascii}"
    );
    assert_eq!(graph(&["--format", "text"]).env("LC_ALL", "C").prints(), text);
    let coloured = graph(&[]).coloured().prints();
    assert!(coloured.contains("\u{1b}[31mDOWN\u{1b}[0m"), "{coloured}");
    graph(&["--format", "sgv"]).run().fails(2, &["did you mean \"svg\"?"]);
    // A script that fails is drawn as far as it came.
    let failing = graph(&[])
        .file("lab.rhai", "netns::add(\"ns0\");\nassert(false, \"no\");")
        .run();
    assert!(failing.stdout.contains("┌ ns0 ─"), "{failing:?}");
    failing.fails(1, &["assertion failed: no"]);
}

#[test]
fn graph_writes_a_file_in_the_form_that_its_name_says() {
    for (name, begins) in [
        ("lab.svg", &b"<svg xmlns="[..]),
        ("lab.png", b"\x89PNG\r\n"),
        ("lab.mmd", b"flowchart LR\n"),
        ("lab.dot", b"graph lab {\n"),
        ("lab.json", b"{\n  \"namespaces\": ["),
        ("lab.txt", "┌ host".as_bytes()),
    ] {
        let nsx = graph(&["-o", name]).file(name, &"x".repeat(100_000));
        assert_eq!(nsx.prints(), "");
        let written = fs::read(nsx.folder().join(name)).expect("a file");
        assert!(written.starts_with(begins) && !written.ends_with(b"xxx"), "{name}");
    }
    graph(&["-o", "no/lab.svg"])
        .run()
        .fails(2, &["cannot write no/lab.svg: no such file or directory"]);
}

#[test]
fn a_lab_that_stays_and_one_at_the_prompt_are_drawn() {
    let runtime = tempfile::tempdir().expect("a folder");
    let runtime = runtime.path().to_string_lossy().into_owned();
    let nsx = |arguments: &[&str]| Nsx::new(arguments).env("XDG_RUNTIME_DIR", &runtime);
    nsx(&["up", "lab.rhai"]).file("lab.rhai", PAIR).prints();
    let drawn = nsx(&["graph", "--lab", "lab", "--format", "text"]).run();
    let down = nsx(&["down", "lab"]).run();
    assert_eq!((drawn.status, down.status), (0, 0), "{drawn:?} {down:?}");
    assert_eq!(drawn.stdout, graph(&[]).prints());
    nsx(&["graph", "--lab", "lab"]).run().fails(2, &["there is no lab lab"]);

    let repl = Nsx::new(&["repl", "lab.rhai"]).file("lab.rhai", PAIR);
    let terminal = Terminal::open(&repl);
    terminal
        .is_ready()
        .enters(":draw ascii")
        .sees("veth0 NO-CARRIER +.......+ eth0 DOWN");
    terminal.enters(":draw lab.svg").sees("drawn in lab.svg");
    terminal.enters(":draw sgv").sees("did you mean \"svg\"?");
    assert!(
        fs::read_to_string(repl.folder().join("lab.svg"))
            .expect("a file")
            .ends_with("</svg>\n")
    );
}

#[test]
fn scripts_draw() {
    let text = format!("{PAIR}draw();\nassert(draw(\"svg\").ends_with(\"</svg>\\n\"));");
    let printed = Nsx::script(&text).env("LC_ALL", "C").prints();
    assert!(printed.starts_with("words\n+ host ---"), "{printed}");
    for (call, words) in [
        ("draw(\"png\")", "nsx graph FILE -o lab.png"),
        ("draw(\"sgv\")", "did you mean \"svg\"?"),
        ("draw(1)", "the form wants text such as \"svg\", not the number 1"),
    ] {
        Nsx::script(call).run().fails(3, &[words]);
    }
}
