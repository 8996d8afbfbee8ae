//! The reference says all there is, and what it says is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nsx::ops::{NOUNS, Noun, Verb};
use nsx::reference::{self, Reference};
use nsx::script::BUILTINS;
use serde_json::Value;

use crate::builder::Nsx;

fn verbs() -> impl Iterator<Item = (&'static Noun, &'static Verb, String)> {
    let all = NOUNS
        .iter()
        .flat_map(|noun| noun.verbs.iter().map(move |verb| (*noun, verb)));
    all.map(|(noun, verb)| {
        let topic = format!("{}.{}", noun.name, verb.name);
        (noun, verb, topic.trim_start_matches('.').to_string())
    })
}

#[test]
fn the_page_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let there = fs::read_to_string(page).unwrap_or_default();
    let made = reference::markdown(&Reference::new());
    assert!(
        there == made,
        "docs/reference.md is out of date; renew it: cargo run -- help --markdown > docs/reference.md"
    );
}

#[test]
fn every_verb_and_key_is_on_the_page_and_in_help() {
    let reference = Reference::new();
    let page = reference::markdown(&reference);
    for (_, verb, topic) in verbs() {
        assert!(page.contains(&format!("\n### {topic}\n")), "{topic} is not on the page");
        let help = reference::topic(&reference, &topic, 80).expect(&topic);
        let section = page.split(&format!("\n### {topic}\n")).nth(1).expect("its section");
        let section = section.split("\n### ").next().expect("its end");
        for key in verb.keys.iter().copied().flatten() {
            let on_page = format!("| `{}` | ", key.name);
            assert!(section.contains(&on_page), "{topic} {} is not on the page", key.name);
            let in_help = help
                .lines()
                .any(|line| line.split_whitespace().next() == Some(key.name));
            assert!(in_help, "{topic} {} is not in help", key.name);
        }
    }
    for group in BUILTINS {
        for item in group.items {
            let section = if group.name == "netns" { "ns" } else { group.name };
            let topic = [section, item.name].join(".");
            let topic = topic.trim_start_matches('.');
            assert!(page.contains(&format!("\n### {topic}\n")), "{topic} is not on the page");
            reference::topic(&reference, topic, 80).expect(topic);
        }
    }
}

#[test]
fn help_tells_of_a_topic_in_each_of_its_spellings() {
    let verb = Nsx::new(&["help", "route.add"]).prints();
    assert!(verb.starts_with("ns.route.add(PREFIX, #{ … })\n"), "{verb}");
    assert!(verb.contains("`ip route add ") && verb.contains("\n  via "), "{verb}");
    for spelling in [
        &["help", "route", "add"][..],
        &["help", "ns.route.add"],
        &["help", "route::add"],
        &["help", "route.add()"],
    ] {
        assert_eq!(Nsx::new(spelling).prints(), verb, "{spelling:?}");
    }
    for (topic, words) in [
        ("route", "ns.route.replace(PREFIX, #{ … })"),
        ("netns::add", "ip netns add NAME"),
        ("masquerade", "ns.nat.masquerade("),
        ("show", "ns.addr.show("),
        ("assert", "assert(CONDITION, [WHAT])"),
        ("ns.del", "The same as `netns::del`"),
        ("ns", "ns.name"),
        ("host", "The lab's own root namespace"),
        ("process", "process.stop()"),
        ("error", "e.errno"),
        ("error", "error(MESSAGE, #{ … })"),
        ("topology::star", "topology::star(n)"),
        ("std/topology.star", "topology::star(n, given)"),
        ("std/check", "check::"),
        ("error.errno", "EEXIST"),
        ("capture", "capture.packets"),
        ("run", "Usage: nsx run"),
        ("help", "Usage: nsx help"),
    ] {
        let help = Nsx::new(&["help", topic]).prints();
        assert!(help.contains(words), "{topic}:\n{help}");
    }
    let overview = Nsx::new(&["help"]).prints();
    for noun in NOUNS {
        assert!(overview.contains(noun.name), "{} is not in:\n{overview}", noun.name);
    }
}

#[test]
fn a_misspelt_topic_gets_the_nearest() {
    for (topic, near) in [
        ("rout.add", "route.add"),
        ("roue", "route"),
        ("asert", "assert"),
        ("masqurade", "masquerade"),
    ] {
        let wanted = format!("did you mean `nsx help {near}`?");
        Nsx::new(&["help", topic]).run().fails(2, &[&wanted]);
    }
    Nsx::new(&["help", "xyzzyplugh"])
        .run()
        .fails(2, &["no topic `xyzzyplugh`", "`nsx help` lists"]);
    Nsx::new(&["help", "route", "--json"])
        .run()
        .fails(2, &["cannot be used with"]);
    Nsx::new(&["help", "--markdown", "--json"])
        .run()
        .fails(2, &["cannot be used with"]);
}

#[test]
fn the_help_of_a_subcommand_is_claps_own() {
    let help = Nsx::new(&["run", "--help"]).prints();
    assert!(help.contains("Usage: nsx run"), "{help}");
    let help = Nsx::new(&["--help"]).prints();
    assert_eq!(help.matches("\n  help ").count(), 1, "{help}");
}

#[test]
fn the_json_has_it_all() {
    let json: Value = serde_json::from_str(&Nsx::new(&["help", "--json"]).prints()).expect("JSON");
    let sections = json["sections"].as_array().expect("sections");
    let entries: Vec<&Value> = sections
        .iter()
        .flat_map(|section| section["entries"].as_array().expect("entries"))
        .collect();
    for (_, verb, topic) in verbs() {
        let entry = entries.iter().find(|entry| entry["topic"] == *topic).expect(&topic);
        let keys: Vec<&str> = entry["keys"]
            .as_array()
            .expect("keys")
            .iter()
            .map(|key| key["name"].as_str().expect("a name"))
            .collect();
        let declared: Vec<&str> = verb.keys.iter().copied().flatten().map(|key| key.name).collect();
        assert_eq!(keys, declared, "{topic}");
    }
    let topics: BTreeSet<&str> = entries.iter().filter_map(|entry| entry["topic"].as_str()).collect();
    assert_eq!(topics.len(), entries.len(), "no topic is there twice");
    for entry in &entries {
        assert!(
            entry["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{entry}"
        );
    }
}

/// Definitions have no bodies and name types, which Rhai itself does not read: without the types and with bodies they
/// must be Rhai.
#[test]
fn the_definitions_are_of_the_language() {
    let definitions = Nsx::new(&["help", "--definitions"]).prints();
    assert!(definitions.starts_with("module static;\n"));
    let mut script = String::new();
    for line in definitions.lines().map(str::trim) {
        let Some(function) = line.strip_prefix("fn ") else {
            continue;
        };
        let (head, gives) = function.split_once(") -> ").expect(line);
        assert!(gives.ends_with(';'), "{line}");
        let (name, parameters) = head.split_once('(').expect(line);
        let name = name.strip_prefix("get ").unwrap_or(name);
        let parameters: Vec<&str> = parameters
            .split(", ")
            .filter_map(|parameter| parameter.split_once(": "))
            .map(|(name, _)| if name == "this" { "that" } else { name })
            .collect();
        script.push_str(&format!("{{ let f = |{}| {name}(); }}\n", parameters.join(", ")));
    }
    let engine = rhai::Engine::new_raw();
    engine
        .compile(&script)
        .unwrap_or_else(|error| panic!("{error}\n{script}"));
    for (_, verb, topic) in verbs() {
        assert!(definitions.contains(&format!("fn {}(", verb.name)), "{topic}");
    }
    for line in [
        "fn get route(this: netns) -> route;",
        "fn add(this: route, prefix: ?, options: Map) -> ();",
        "fn get stdout(this: process) -> String;",
        "fn error(message: ?, options: Map) -> error;",
        "fn eventually(duration: ?, condition: ?) -> bool;",
        "    fn add(name: ?) -> netns;",
        "let args: Array<String>;",
    ] {
        assert!(definitions.lines().any(|there| there == line), "no {line:?}");
    }
}

#[test]
fn the_examples_of_functions_and_values_run() {
    let mut seen = 0;
    for group in BUILTINS {
        let docs = group.items.iter().map(|item| item.doc).chain([group.doc]);
        for example in docs.flat_map(|doc| doc.split("```rhai\n").skip(1)) {
            let example = example.split("```").next().expect("its end");
            let ran = Nsx::script(example).unprivileged().run();
            assert_eq!(ran.status, 0, "{example}\n{}", ran.stderr);
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}
