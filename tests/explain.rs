//! `nsx explain`: every code is explained, and the explanations are so.

use std::fs;
use std::path::Path;

use nsx::error::catalogue;
use nsx::reference;
use serde_json::Value;

use crate::builder::Nsx;

#[test]
fn a_code_is_explained_in_each_of_its_spellings() {
    let explained = Nsx::new(&["explain", "NSX012"]).prints();
    assert!(
        explained.starts_with("NSX012: a device of this name exists\n"),
        "{explained}"
    );
    assert!(
        explained.contains("EEXIST to `link add`") && explained.contains("Exit status: 3."),
        "{explained}"
    );
    for spelling in ["nsx012", "12", "NSX12"] {
        assert_eq!(Nsx::new(&["explain", spelling]).prints(), explained, "{spelling}");
    }
    for wrong in ["NSX999", "EEXIST", ""] {
        Nsx::new(&["explain", wrong])
            .run()
            .fails(2, &["there is no code", "`nsx explain` lists the codes"]);
    }
}

#[test]
fn all_codes_are_listed() {
    let listed = Nsx::new(&["explain"]).prints();
    let json: Value = serde_json::from_str(&Nsx::new(&["explain", "--json"]).prints()).expect("JSON");
    for entry in catalogue() {
        assert!(listed.contains(&format!("{}  {}", entry.code, entry.title)), "{listed}");
        let found = json
            .as_array()
            .expect("an array")
            .iter()
            .find(|found| found["code"] == entry.code);
        assert_eq!(found.expect(entry.code)["exit"], entry.kind.exit_status());
        assert!(
            reference::explain(entry.code, 80).expect(entry.code).lines().count() > 3,
            "{}",
            entry.code
        );
    }
}

#[test]
fn the_page_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let there = fs::read_to_string(page).unwrap_or_default();
    assert!(
        there == reference::errors_markdown(),
        "docs/errors.md is out of date; renew it: cargo run -- explain --markdown > docs/errors.md"
    );
}

/// Those without an example need what a test cannot take away.
const UNSHOWN: [&str; 12] = [
    "NSX008", "NSX009", "NSX010", "NSX027", "NSX031", "NSX036", "NSX038", "NSX039", "NSX040", "NSX041", "NSX044",
    "NSX045",
];

#[test]
fn the_examples_fail_with_their_code_and_the_mended_ones_do_not() {
    for entry in catalogue() {
        let examples: Vec<&str> = entry.doc.split("```rhai").skip(1).collect();
        assert_eq!(examples.is_empty(), UNSHOWN.contains(&entry.code), "{}", entry.code);
        for example in examples {
            let (head, body) = example.split_once('\n').expect("a block");
            let body = body.split("```").next().expect("its end");
            let ran = Nsx::new(&["run", "--json", "lab.rhai"]).file("lab.rhai", body).run();
            if head.trim() != "fails" {
                assert_eq!(ran.status, 0, "{}:\n{body}\n{}", entry.code, ran.stderr);
                continue;
            }
            let report: Value =
                serde_json::from_str(ran.stderr.trim()).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
            let warned = report["warnings"].as_array().expect("warnings").iter();
            let codes: Vec<&str> = warned
                .chain([&report])
                .filter_map(|problem| problem["code"].as_str())
                .collect();
            assert!(codes.contains(&entry.code), "{}:\n{body}\n{codes:?}", entry.code);
            assert_eq!(ran.status, i32::from(entry.kind.exit_status()), "{}", entry.code);
        }
    }
}
