//! Every example that is shown is run.

use nsx::ops::{NOUNS, Place};

use crate::builder::Nsx;

/// The fenced blocks of Markdown in this language.
fn blocks<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    markdown
        .split(&fence as &str)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or(rest))
        .collect()
}

#[test]
fn the_examples_of_every_verb() {
    for noun in NOUNS {
        for verb in noun.verbs {
            let examples = blocks(verb.doc, "rhai");
            assert!(!examples.is_empty(), "{} {} has no example", noun.name, verb.name);
            for example in examples {
                let ran = Nsx::script(example).run();
                if ran.lacks_kernel() {
                    continue;
                }
                assert_eq!(ran.status, 0, "{} {}:\n{example}\n{}", noun.name, verb.name, ran.stderr);
            }
        }
    }
}

#[test]
fn every_change_has_its_ip_equivalent_in_its_doc() {
    for noun in NOUNS.iter().filter(|noun| noun.place == Place::Namespace) {
        for verb in noun.verbs {
            assert!(
                verb.doc.contains("\n`"),
                "{} {} names no equivalent",
                noun.name,
                verb.name
            );
        }
    }
}

/// The doc comments of a module in Rhai, each with the public function that it is of. Lines `//!` are the module's own.
fn documented(module: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut doc = String::new();
    for line in module.lines() {
        if let Some(text) = line.strip_prefix("///") {
            doc += text.strip_prefix(' ').unwrap_or(text);
            doc += "\n";
        } else {
            let text = std::mem::take(&mut doc);
            found.extend(line.strip_prefix("fn ").map(|function| (function, text)));
        }
    }
    found
}

#[test]
fn the_examples_of_the_standard_library() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/stdlib");
    for file in std::fs::read_dir(folder).expect("the standard library") {
        let path = file.expect("a file").path();
        let module = std::fs::read_to_string(&path).expect("a module");
        for (function, doc) in documented(&module) {
            let examples = blocks(&doc, "rhai");
            assert!(!examples.is_empty(), "{}: {function} has no example", path.display());
            for example in examples {
                let ran = Nsx::script(example).unprivileged().run();
                assert_eq!(
                    ran.status,
                    0,
                    "{}: {function}\n{example}\n{}{}",
                    path.display(),
                    ran.stdout,
                    ran.stderr
                );
            }
        }
    }
}

#[test]
fn the_examples_of_the_readme() {
    let readme = include_str!("../README.md");
    let examples = blocks(readme, "rhai");
    assert!(!examples.is_empty(), "the README has an example");
    for example in examples {
        let ran = Nsx::script(example).unprivileged().run();
        assert_eq!(ran.status, 0, "{example}\n{}", ran.stderr);
    }
}

#[test]
fn the_example_of_help() {
    let help = Nsx::new(&["--help"]).prints();
    let example = help.split("needed.\n").nth(1).expect("the example");
    Nsx::script(example).run().fails(0, &[]);
}
