//! `nsx test`: scripts as tests.

use std::fs;

use crate::builder::Nsx;

fn suite(args: &[&str]) -> Nsx {
    Nsx::new(args)
        .file(
            "suite/a.rhai",
            "print(\"from a\"); assert(host.ping(\"127.0.0.1\").ok);",
        )
        .file(
            "suite/deep/b.rhai",
            "print(\"from b\u{1b}[31m <&>\");\nassert(1 == 2, \"one is two\");",
        )
        .file("suite/c.rhai", "host.link.del(\"nope0\");")
        .file("suite/d.rhai", "import \"deep/e\" as e;\nassert_eq(e::one(), 1);")
        .file("suite/deep/e.rhai", "fn one() { 1 }")
        .file("suite/readme.md", "no script")
}

#[test]
fn each_is_run_and_what_failed_is_drawn() {
    let ran = suite(&["test", "suite", "--jobs", "2"]).run();
    ran.fails(
        1,
        &[
            "assertion failed: one is two",
            "suite/deep/b.rhai:2:1",
            "from b",
            "NSX",
            "no device nope0",
            "ended with status 3",
        ],
    );
    let mut lines: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>())
        .collect();
    assert_eq!(lines.pop().expect("a sum"), ["3", "passed,"], "{}", ran.stdout);
    lines.sort();
    let expected = [
        ["FAILED", "suite/c.rhai"],
        ["FAILED", "suite/deep/b.rhai"],
        ["ok", "suite/a.rhai"],
        ["ok", "suite/d.rhai"],
        ["ok", "suite/deep/e.rhai"],
    ];
    assert_eq!(lines, expected);
    assert!(!ran.stderr.contains(['\u{1b}', '\r']), "{:?}", ran.stderr);
}

#[test]
fn as_anybody_too() {
    assert!(
        suite(&["test", "suite/a.rhai", "suite/d.rhai"])
            .unprivileged()
            .prints()
            .contains("2 passed, 0 failed")
    );
}

#[test]
fn a_filter_and_a_report() {
    let suite = suite(&["test", "suite", "--filter", "deep/", "--junit", "report.xml"]);
    suite.run().fails(1, &["one is two"]);
    let xml = fs::read_to_string(suite.folder().join("report.xml")).expect("a report");
    assert!(
        xml.contains("<testsuite name=\"nsx\" tests=\"2\" failures=\"1\""),
        "{xml}"
    );
    assert!(
        xml.contains("<failure message=\"ended with status 1\">") && xml.contains("from b"),
        "{xml}"
    );
    assert!(xml.contains("&lt;&amp;&gt;") && !xml.contains('\u{1b}'), "{xml}");
}

#[test]
fn nothing_to_test() {
    suite(&["test", "suite", "--filter", "zzz"])
        .run()
        .fails(2, &["nothing to test", "--filter"]);
    suite(&["test", "nowhere"]).run().fails(2, &["cannot read nowhere"]);
    suite(&["test", "suite", "--jobs", "0"]).run().fails(2, &["--jobs"]);
}
