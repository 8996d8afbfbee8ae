//! Drawings, letter by letter.

use nix::errno::Errno;

use super::*;
use crate::error::Kind;

/// The source `text` under `name`.
fn source(name: &str, text: &str) -> Option<Arc<Source>> {
    Some(Arc::new(Source {
        name: name.into(),
        text: text.into(),
    }))
}

/// A frame at the first place where `at` stands in the source.
fn frame(source: &Option<Arc<Source>>, at: &str, function: &str) -> Frame {
    let text = &source.as_ref().expect("a source").text;
    let (line, column) = span::position_of(text, text.find(at).expect("the place"));
    Frame {
        source: source.clone(),
        line,
        column,
        function: Some(function.into()),
    }
}

/// A link that exists already.
fn exists() -> Box<Problem> {
    let mut problem = Problem::kernel(Errno::EEXIST, "").during("ip link add veth0 type veth peer name veth1", "host");
    problem.message = "link add veth0 in host: file exists".into();
    problem.help("the name is taken since line 3: choose another")
}

const LAB: &str = "let ns0 = netns::add(\"ns0\");\nlet ns1 = netns::add(\"ns1\");\n\
    host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });\nhost.link.set(\"veth0\", #{ mastre: \"br0\" });\n";

/// An option that does not exist.
fn unknown_key() -> Box<Problem> {
    let problem = Problem::argument("link set veth0 in host: unknown key `mastre`");
    problem.at(Part::Key("mastre".into())).help("did you mean `master`?")
}

/// A gateway out of reach, in many words.
fn bad_gateway() -> Box<Problem> {
    let problem = Problem::kernel(Errno::EINVAL, "Nexthop has invalid gateway");
    let mut problem = problem.during("ip -n ns0 route add default via 10.0.0.1", "ns0");
    problem.message = "route add default in ns0: the gateway 10.0.0.1 is in no subnet of ns0, which has \
                       192.168.0.0/24 and nothing else"
        .into();
    problem.help("ns0.addr.add(\"10.0.0.2/24\", #{ dev: \"veth0\" })\nor a gateway in 192.168.0.0/24")
}

/// Compares with what is drawn in 80 columns without colour.
#[track_caller]
fn draws(problem: Box<Problem>, frames: Vec<Frame>, expected: &str) {
    let drawn = Report {
        problem,
        frames,
        warnings: Vec::new(),
    }
    .draw(false, 80);
    assert_eq!(drawn, expected.trim_start_matches('\n'), "\n{drawn}");
    assert!(drawn.lines().all(|line| line == line.trim_end()), "trailing blanks");
}

#[test]
fn a_call_that_the_kernel_refused() {
    let expected = r#"
NSX004 × link add veth0 in host: file exists
   ╭─[lab.rhai:3:11]
 2 │ let ns1 = netns::add("ns1");
 3 │ host.link.add("veth0", #{ type: "veth", peer: "veth1" });
   · ────────────────────────────────────────────────────────
   ╰────
  op      ip link add veth0 type veth peer name veth1
  netns   host
  kernel  File exists (EEXIST)
  help    the name is taken since line 3: choose another
"#;
    let lab = source("lab.rhai", LAB);
    draws(exists(), vec![frame(&lab, "add(\"veth0", "add")], expected);
}

#[test]
fn the_same_in_colour() {
    let expected = "\u{1b}[31;1mNSX004 ×\u{1b}[0m link add veth0 in host: file exists\n   \
         ╭─[\u{1b}[36mlab.rhai:3:11\u{1b}[0m]\n \
         \u{1b}[2m2\u{1b}[0m │ let ns1 = netns::add(\"ns1\");\n \
         \u{1b}[2m3\u{1b}[0m │ host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });\n   \
         · \u{1b}[31;1m────────────────────────────────────────────────────────\u{1b}[0m\n   \
         ╰────\n  \
         \u{1b}[36mop      \u{1b}[0mip link add veth0 type veth peer name veth1\n  \
         \u{1b}[36mnetns   \u{1b}[0mhost\n  \
         \u{1b}[36mkernel  \u{1b}[0mFile exists (EEXIST)\n  \
         \u{1b}[36mhelp    \u{1b}[0mthe name is taken since line 3: choose another\n";
    let lab = source("lab.rhai", LAB);
    let report = Report {
        problem: exists(),
        frames: vec![frame(&lab, "add(\"veth0", "add")],
        warnings: Vec::new(),
    };
    assert_eq!(report.draw(true, 80), expected);
}

#[test]
fn an_option_that_does_not_exist() {
    let expected = r#"
NSX003 × link set veth0 in host: unknown key `mastre`
   ╭─[lab.rhai:4:27]
 3 │ host.link.add("veth0", #{ type: "veth", peer: "veth1" });
 4 │ host.link.set("veth0", #{ mastre: "br0" });
   ·                           ──────┬──────
   ·                                 ╰── this option
   ╰────
  help    did you mean `master`?
"#;
    draws(
        unknown_key(),
        vec![frame(&source("lab.rhai", LAB), "set", "set")],
        expected,
    );
}

#[test]
fn wide_characters_tabs_and_deceit() {
    let text = "fn f() {\n\tlet 名 = \"é\u{202e}\"; host.link.set(\"网络零\",\t#{ mastre: \"桥零\" });\n}\n";
    let expected = r#"
NSX003 × link set veth0 in host: unknown key `mastre`
   ╭─[实验/网络\x1b.rhai:2:40]
 1 │ fn f() {
 2 │     let 名 = "é\u{202e}"; host.link.set("网络零",   #{ mastre: "桥零" });
   ·                                                        ───────┬──────
   ·                                                               ╰── this option
   ╰────
  help    did you mean `master`?
"#;
    draws(
        unknown_key(),
        vec![frame(&source("实验/网络\u{1b}.rhai", text), "set", "set")],
        expected,
    );
}

const MULTI: &str = "host\n  .link\n  .add(\"veth0\", #{\n    type: \"veth\",\n    mastre: \"br0\",\n  });\n";

#[test]
fn a_call_over_several_lines() {
    let expected = r#"
NSX004 × link add veth0 in host: file exists
   ╭─[lab.rhai:3:4]
 1 │ ╭─▶ host
 2 │ │     .link
 3 │ │     .add("veth0", #{
 4 │ │       type: "veth",
 5 │ │       mastre: "br0",
 6 │ ╰─▶   });
   ╰────
  op      ip link add veth0 type veth peer name veth1
  netns   host
  kernel  File exists (EEXIST)
  help    the name is taken since line 3: choose another
"#;
    draws(
        exists(),
        vec![frame(&source("lab.rhai", MULTI), "add", "add")],
        expected,
    );
    let expected = r#"
NSX003 × link set veth0 in host: unknown key `mastre`
   ╭─[lab.rhai:5:5]
 1 │ host
 2 │   .link
 3 │   .add("veth0", #{
 4 │     type: "veth",
 5 │     mastre: "br0",
   ·     ──────┬──────
   ·           ╰── this option
   ╰────
  help    did you mean `master`?
"#;
    draws(
        unknown_key(),
        vec![frame(&source("lab.rhai", MULTI), "add", "add")],
        expected,
    );
    let expected = r#"
NSX003 × the options are wrong
   ╭─[lab.rhai:3:17]
 1 │     host
 2 │       .link
 3 │ ╭─▶   .add("veth0", #{
 4 │ │       type: "veth",
 5 │ │       mastre: "br0",
 6 │ ├─▶   });
   · ╰──── this argument
   ╰────
"#;
    let problem = Problem::argument("the options are wrong").at(Part::Argument(1));
    draws(problem, vec![frame(&source("lab.rhai", MULTI), "add", "add")], expected);
}

#[test]
fn calls_and_imports_on_the_way() {
    let library = "fn wire(ns) {\n    ns.route.add(\"default\", #{ via: \"10.0.0.1\" });\n}\n\nwire(host);\n";
    let library = source("lib/wire.rhai", library);
    let lab = source("lab.rhai", "let a = 1;\nimport \"lib/wire\" as w;\n");
    let expected = r#"
NSX004 × route add default in ns0: the gateway 10.0.0.1 is in no subnet of ns0,
         which has 192.168.0.0/24 and nothing else
   ╭─[lib/wire.rhai:2:14]
 1 │ fn wire(ns) {
 2 │     ns.route.add("default", #{ via: "10.0.0.1" });
   ·     ─────────────────────────────────────────────
   ╰────
  called from lib/wire.rhai:5: wire(host);
  imported from lab.rhai:2: import "lib/wire" as w;
  op      ip -n ns0 route add default via 10.0.0.1
  kernel  Nexthop has invalid gateway (EINVAL: Invalid argument)
  help    ns0.addr.add("10.0.0.2/24", #{ dev: "veth0" })
          or a gateway in 192.168.0.0/24
"#;
    let frames = vec![
        frame(&library, "add", "add"),
        frame(&library, "wire(host", "wire"),
        frame(&lab, "import", ""),
    ];
    draws(bad_gateway(), frames, expected);
}

#[test]
fn a_recursion_is_told_once() {
    let text = "fn down(n) {\n  if n == 0 { netns::add(\"\") } else { down(n - 1) }\n}\ndown(60);\n";
    let lab = source("lab.rhai", text);
    let mut frames = vec![frame(&lab, "netns", "add")];
    frames.extend(vec![frame(&lab, "down(n -", "down"); 60]);
    frames.push(frame(&lab, "down(60", "down"));
    let expected = r#"
NSX003 × netns add: an empty name
   ╭─[lab.rhai:2:26]
 1 │ fn down(n) {
 2 │   if n == 0 { netns::add("") } else { down(n - 1) }
   ·                          ─┬
   ·                           ╰── this argument
   ╰────
  called from lab.rhai:2: if n == 0 { netns::add("") } else { down(n… (60 times)
  called from lab.rhai:4: down(60);
"#;
    draws(
        Problem::argument("netns add: an empty name").at(Part::Argument(0)),
        frames,
        expected,
    );
}

#[test]
fn without_a_source_there_are_still_places() {
    let expected = r#"
NSX003 × a wrong name
  at line 4, column 2
  called from line 9: go(…)
  called from lab.rhai:7
"#;
    let frames = vec![
        Frame {
            line: 4,
            column: 2,
            ..Frame::default()
        },
        Frame {
            line: 9,
            column: 1,
            function: Some("go".into()),
            ..Frame::default()
        },
        Frame {
            line: 7,
            column: 1,
            source: source("lab.rhai", ""),
            ..Frame::default()
        },
    ];
    draws(Problem::argument("a wrong name"), frames, expected);
    draws(
        Problem::new(Kind::Usage, "no script given"),
        vec![],
        "NSX010 × no script given\n",
    );
    draws(
        Problem::new(Kind::Usage, "no script given"),
        vec![Frame::default()],
        "NSX010 × no script given\n",
    );
}

#[test]
fn a_parse_error_at_the_end() {
    let expected = r#"
NSX002 × script incomplete: `)` is missing
   ╭─[<stdin>:1:4]
 1 │ f(1,
   ·    ─
   ╰────
"#;
    let problem = Problem::new(Kind::Script, "script incomplete: `)` is missing");
    draws(
        problem,
        vec![Frame {
            source: source("<stdin>", "f(1, \n"),
            line: 1,
            column: 6,
            function: None,
        }],
        expected,
    );
}

#[test]
fn nothing_from_outside_moves_the_cursor() {
    let mut problem = Problem::kernel(Errno::EPERM, "no\x1b[2J").during("ip link add \u{202e}x\n  help    rm", "a\rb");
    problem.message = "bad\x07\nsecond".into();
    let frames = vec![
        Frame {
            line: 1,
            column: 1,
            source: source("a\nb\x1b", "x(\"\x1b\r\")"),
            function: None,
        },
        Frame {
            line: 1,
            column: 1,
            source: source("c\u{2066}", "y(\"\x1b\")"),
            function: Some("\x1b".into()),
        },
    ];
    let expected = r#"
NSX004 × bad\x07
         second
   ╭─[a\nb\x1b:1:1]
 1 │ x("\x1b\x0d")
   · ─────────────
   ╰────
  called from c\u{2066}:1: y("\x1b")
  op      ip link add \u{202e}x\n  help    rm
  netns   a\x0db
  kernel  no\x1b[2J (EPERM: Operation not permitted)
"#;
    draws(problem, frames, expected);
}

#[test]
fn a_program_gets_data() {
    let lab = source("lab.rhai", LAB);
    let report = Report {
        problem: unknown_key(),
        frames: vec![frame(&lab, "set", "set")],
        warnings: Vec::new(),
    };
    let expected = serde_json::json!({
        "code": "NSX003", "message": "link set veth0 in host: unknown key `mastre`",
        "op": "", "netns": "", "errno": "", "kernel": "", "cause": "",
        "help": "did you mean `master`?", "exit": 3, "warnings": [],
        "at": { "file": "lab.rhai", "line": 4, "column": 27, "end_line": 4, "end_column": 40 },
        "frames": [{
            "file": "lab.rhai", "line": 4, "column": 11, "function": "set",
            "source": "host.link.set(\"veth0\", #{ mastre: \"br0\" });",
        }],
    });
    assert_eq!(report.json(), expected);
    assert_eq!(
        Report {
            problem: exists(),
            frames: vec![],
            warnings: Vec::new()
        }
        .json()["at"],
        serde_json::Value::Null
    );
}

/// Every cut of a source, at every position and width, is drawn within the width that was asked for.
#[test]
fn no_source_and_no_position_breaks_the_drawing() {
    let text = "host.link\n\t.set(`网${\"络\u{1b}\"}0`, #{\n\tmastre: 'é', b: [1,\r\n 2] }); // 终终终终终终终终终终终终终终终终终终终";
    let cuts = (0..=text.len()).filter(|at| text.is_char_boundary(*at));
    for text in cuts.flat_map(|at| [&text[..at], &text[at..]]) {
        let source = source("a", text);
        for (line, column) in (0..6).flat_map(|line| (0..40).step_by(7).map(move |column| (line, column))) {
            let frame = Frame {
                source: source.clone(),
                line,
                column,
                function: None,
            };
            let drawn = Report {
                problem: unknown_key(),
                frames: vec![frame.clone(), frame],
                warnings: Vec::new(),
            }
            .draw(false, 60);
            assert!(drawn.lines().all(|line| text::width(line) <= 60), "{drawn}");
        }
    }
}

/// What Rhai gives as the position of a failed call is what `span` takes it for. A qualified call has to ask for
/// its position: Rhai does not fill it in where the call failed, as it does for the others.
#[test]
fn positions_are_those_of_rhai() {
    use rhai::{EvalAltResult, FuncRegistration, INT, NativeCallContext};
    type Failed = Result<(), Box<EvalAltResult>>;
    let mut engine = rhai::Engine::new();
    engine.register_fn("set", |_: &mut INT, _: &str| -> Failed { Err("failed".into()) });
    engine.register_fn("plain", |_: &str| -> Failed { Err("failed".into()) });
    let mut module = rhai::Module::new();
    FuncRegistration::new("add").set_into_module(&mut module, |call: NativeCallContext, _: &str| -> Failed {
        Err(EvalAltResult::ErrorRuntime("failed".into(), call.call_position()).into())
    });
    engine.register_static_module("netns", module.into());
    engine.register_get("link", |n: &mut rhai::INT| *n);
    let calls = [
        (
            "let n = \"网络\"; let h = [#{ x: 1 }]; h[0].x.link.set(`a${1}`) + 2",
            "h[0].x.link.set(`a${1}`)",
        ),
        ("let h = 1;\n\th\n\t.link\n\t.set(\"a\");", "h\n\t.link\n\t.set(\"a\")"),
        ("let x = \"é\"; plain(\"a\");", "plain(\"a\")"),
        ("if true { netns::add(\"a\") }", "netns::add(\"a\")"),
        ("let f = |n| netns::add(n); f.call(\"a\")", "netns::add(n)"),
    ];
    for (text, expected) in calls {
        let mut error = engine.eval::<rhai::Dynamic>(text).expect_err("it fails");
        while let rhai::EvalAltResult::ErrorInFunctionCall(_, _, inner, _) = *error {
            error = inner;
        }
        let position = error.position();
        let (line, column) = (position.line().unwrap_or(0), position.position().unwrap_or(0));
        let found = span::find(text, line, column, &Part::Call).expect("a place");
        assert_eq!(&text[found.call], expected, "{position:?}");
    }
}
