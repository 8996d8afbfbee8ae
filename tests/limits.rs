//! A hostile or mistaken script ends with an error, soon.

use std::time::Duration;

use crate::builder::Nsx;

/// Released, each of these takes well under two seconds; an unoptimised build on a busy machine takes longer.
const SOON: Duration = Duration::from_secs(20);

#[track_caller]
fn ends(script: &str, words: &[&str]) {
    let ran = Nsx::script(script).run();
    ran.fails(3, words);
    assert!(ran.took < SOON, "it took {:?}", ran.took);
}

#[test]
fn an_endless_loop() {
    ends(
        "let i = 0;\nloop { i += 1; }",
        &["NSX006", "too many steps", "lab.rhai:2"],
    );
}

/// Each step looks at all of it.
#[test]
fn an_array_that_grows_for_ever() {
    ends(
        "let a = [];\nloop { a.push(\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" + a.len()); }",
        &["NSX006", "too many steps", "lab.rhai:2"],
    );
}

#[test]
fn a_deep_recursion() {
    ends("fn f(x) { f(x + 1) }\nf(1);", &["NSX006", "too deep"]);
    ends("fn f(x) { [1, #{ a: ((((f(x + 1)))) }] }\nf(1);", &[]);
}

#[test]
fn deeply_nested_text() {
    let nested = format!("let x = {}1{};", "(".repeat(5000), ")".repeat(5000));
    ends(&nested, &["NSX006"]);
}

#[test]
fn a_doubling_string() {
    ends("let s = \"x\";\nloop { s += s; }", &["NSX006", "too large"]);
}

#[test]
fn a_hoard_of_strings() {
    ends(
        "fn hoard(n) { let s = \"x\"; for i in 0..21 { s += s; } hoard(n + 1); s }\nhoard(0);",
        &["NSX006", "more than 200 MiB of memory"],
    );
}

#[test]
fn an_array_of_long_strings() {
    ends(
        "let a = [];\nloop { let s = \"x\"; for i in 0..20 { s += s; } a.push(s); }",
        &["NSX006", "too large"],
    );
}

#[test]
fn a_growing_array() {
    ends("let a = [];\nloop { a.push(a); }", &["NSX006"]);
}

#[test]
fn a_circular_import() {
    let lab = Nsx::script("import \"a\" as a;")
        .file("a.rhai", "import \"b\" as b;")
        .file("b.rhai", "import \"a\" as a;");
    let ran = lab.run();
    ran.fails(3, &["NSX007", "it imports itself: a.rhai → b.rhai → a.rhai"]);
    assert!(ran.took < SOON, "it took {:?}", ran.took);
}

#[test]
fn more_output_than_can_be_kept() {
    ends(
        "host.exec(\"head -c 20000000 /dev/zero\");",
        &["NSX006", "more than 8 MiB"],
    );
}
