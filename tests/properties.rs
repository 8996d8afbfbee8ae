//! Whatever is written, nsx answers: no argument, option or script makes it panic. What it accepts it spells, and reads
//! back.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;

use nsx::diagnostics::escaped;
use nsx::netns::NsName;
use nsx::ops::{Act, Args, Chance, Cidr, IfName, Mac, NOUNS, Op, Prefix, Rate, Size, Span, Typed, Value, Verb};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;

use crate::builder::Nsx;

/// Texts that options take, and what is near to them.
const TEXTS: [&str; 40] = [
    "",
    "veth0",
    "br0",
    "lo",
    "ns0",
    "host",
    "all",
    "default",
    "veth",
    "bridge",
    "vxlan",
    "bond",
    "10.0.0.1",
    "10.0.0.1/24",
    "10.0.0.0/33",
    "::1/64",
    "fe80::1%eth0",
    "02:00:00:00:00:09",
    "200ms",
    "3s",
    "-1s",
    "1e400s",
    "10mbit",
    "32kb",
    "1%",
    "101%",
    "drop",
    "accept",
    "forward",
    "tcp",
    "1:",
    "ffff:ffff",
    "root",
    "80-90",
    "net.ipv4.ip_forward",
    "..",
    "+",
    "网络",
    "a\0b",
    "\u{1b}[31m",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(&TEXTS[..]).prop_map(String::from),
        1 => any::<String>(),
        1 => "[0-9a-f.:/%+-]{0,24}",
        1 => "[0-9.]{1,12}(ms|s|m|h|us|mbit|gbit|kb|mb|%|)",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        4 => text().prop_map(Value::Str),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => any::<i64>().prop_map(Value::Int),
        1 => (-2i64..300).prop_map(Value::Int),
        1 => any::<f64>().prop_map(Value::Float),
        1 => Just(Value::Unit),
        1 => Just(Value::Netns(NsName::host())),
        1 => Just(Value::Other("function".into())),
    ];
    plain.prop_recursive(2, 8, 3, |inner| {
        let key = prop_oneof![
            select(&["name", "netns", "via", "dev", "weight", "mtu"][..]).prop_map(String::from),
            text()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::btree_map(key, inner, 0..3).prop_map(Value::Map),
        ]
    })
}

/// What makes an operation of arguments.
type Making = fn(Args) -> nsx::error::Result<nsx::ops::Change>;

fn changes() -> Vec<(&'static Verb, Making)> {
    let verbs = NOUNS.iter().flat_map(|noun| noun.verbs);
    let changes = verbs.filter_map(|verb| match verb.act {
        Act::Change(change) => Some((verb, change)),
        Act::Ask(_) => None,
    });
    changes.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_verb_answers_any_arguments(
        which in any::<Index>(),
        positional in prop::collection::vec(value(), 0..3),
        keyed in prop::collection::vec((any::<Index>(), value()), 0..5),
        strange in prop::option::weighted(0.1, (text(), value())),
    ) {
        let changes = changes();
        let (verb, change) = which.get(&changes);
        let keys: Vec<&str> = verb.keys.iter().copied().flatten().map(|key| key.name).collect();
        let mut options: BTreeMap<String, Value> = strange.into_iter().collect();
        if !keys.is_empty() {
            options.extend(keyed.into_iter().map(|(key, value)| (key.get(&keys).to_string(), value)));
        }
        match change(Args::new(positional, options)) {
            Ok(change) => {
                let op = Op { netns: "ns0".parse().expect("a name"), change };
                prop_assert!(!op.spell().is_empty());
                let data = serde_json::to_value(&op).expect("an operation is plain data");
                let back: Op = serde_json::from_value(data.clone()).map_err(|error| TestCaseError::fail(format!("{data}: {error}")))?;
                prop_assert_eq!(back, op);
            }
            Err(problem) => prop_assert!(!problem.message.is_empty()),
        }
    }

    #[test]
    fn every_type_answers_any_text(text in text()) {
        again::<Cidr>(&text)?;
        again::<Prefix>(&text)?;
        again::<IpAddr>(&text)?;
        again::<IfName>(&text)?;
        again::<Mac>(&text)?;
        answers::<NsName>(&text);
        answers::<Span>(&text);
        answers::<Rate>(&text);
        answers::<Size>(&text);
        answers::<Chance>(&text);
    }

    #[test]
    fn no_question_is_too_strange(text in text()) {
        let _ = nsx::reference::explain(&text, 80);
        let has_control = escaped(&text).contains('\u{1b}');
        prop_assert!(!has_control);
    }
}

/// Reads a text and answers; so does what a mistake is known by.
fn answers<T: Typed>(text: &str) -> Option<T> {
    let value = Value::Str(text.into());
    let read = T::read(&value);
    T::mistaken(&value);
    read.ok()
}

/// What is accepted is spelled so that it is the same again.
fn again<T: Typed + PartialEq + Debug>(text: &str) -> Result<(), TestCaseError> {
    let Some(read) = answers::<T>(text) else { return Ok(()) };
    prop_assert_eq!(answers::<T>(&read.spell()), Some(read));
    Ok(())
}

/// Pieces of scripts.
const PIECES: [&str; 48] = [
    "let ",
    "const ",
    "fn ",
    "f",
    "x",
    "ns0",
    "host",
    "netns::",
    "add",
    ".link",
    ".addr",
    ".del",
    "(",
    ")",
    "{",
    "}",
    "#{",
    "[",
    "]",
    "\"veth0\"",
    "\"",
    "`",
    "${",
    "'",
    "/*",
    "*/",
    "//",
    "\n",
    ";",
    ",",
    ":",
    "::",
    ".",
    "=",
    "==",
    "+",
    "|x| ",
    "||",
    "if ",
    "else ",
    "for ",
    "in ",
    "while ",
    "import ",
    "\"std/check\" as c",
    "c::reachability",
    "网",
    "\u{1b}",
];

/// Scripts made of pieces, and of anything: checked by one process for many, since each would be another.
#[test]
fn every_script_is_answered() {
    let piece = prop_oneof![9 => select(&PIECES[..]).prop_map(String::from), 1 => any::<String>()];
    let script = prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..4 {
        let mut lab = Nsx::new(&["check", "--no-run", "--json"]);
        let mut texts = Vec::new();
        for index in 0..250 {
            let text = script.new_tree(&mut runner).expect("a script").current();
            let name = format!("{index}.rhai");
            lab = lab.file(&name, &text).arg(&name);
            texts.push(text);
        }
        let ran = lab.run();
        let told: Vec<serde_json::Value> = ran
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let next = texts.get(told.len());
        assert!(
            next.is_none(),
            "{:?} ended it with status {}: {}",
            next,
            ran.status,
            ran.stderr
        );
        assert!(ran.status == 3 || ran.status == 0, "{ran:?}");
        for line in ran.stderr.lines() {
            let report: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert!(
                report["message"].as_str().is_some_and(|message| !message.is_empty()),
                "{line}"
            );
        }
    }
}
