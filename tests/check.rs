//! `nsx check`: resolving, and the kernel as judge.

use crate::builder::Nsx;

#[test]
fn a_right_script_is_ok_and_prints_nothing_of_its_own() {
    let lab = Nsx::new(&["check", "lab.rhai"]).file("lab.rhai", "print(\"hello\"); netns::add(\"ns0\");");
    assert_eq!(lab.prints(), "lab.rhai: ok\n");
}

#[test]
fn the_kernel_is_the_judge_unless_it_is_not_asked() {
    let wrong = "host.addr.add(\"10.0.0.1/24\", #{ dev: \"eth7\" });";
    let ran = Nsx::new(&["check", "lab.rhai"]).file("lab.rhai", wrong).run();
    ran.fails(3, &["there is no device eth7 in host"]);
    let resolved = Nsx::new(&["check", "--no-run", "lab.rhai"]).file("lab.rhai", wrong);
    assert_eq!(resolved.prints(), "lab.rhai: ok\n");
}

#[test]
fn every_file_is_checked_and_the_worst_counts() {
    let ran = Nsx::new(&["check", "a.rhai", "b.rhai", "c.rhai"])
        .file("a.rhai", "assert(false, \"no\");")
        .file("b.rhai", "let x = ;")
        .file("c.rhai", "")
        .run();
    ran.fails(3, &["assertion failed: no", "b.rhai:1:9"]);
    assert_eq!(ran.stdout, "c.rhai: ok\n");
}

#[test]
fn imported_modules_are_resolved_before_anything_runs() {
    let module = "fn wire(ns) { ns.link.set(\"lo\", #{ up: true }); }\nprivate fn own() { 1 }";
    let check = |text: &str| {
        let lab = Nsx::new(&["check", "--no-run", "lab.rhai"]).file("lib/wire.rhai", module);
        lab.file("lab.rhai", text).run()
    };
    assert_eq!(check("import \"lib/wire\" as w;\nw::wire(host);").status, 0);
    check("import \"lib/wire\" as w;\nprint(1);\nw::wrie(host);").fails(
        3,
        &["there is no function `w::wrie`", "did you mean `wire`?", "lab.rhai:3"],
    );
    check("import \"lib/wire\" as w;\nw::own();").fails(3, &["there is no function `w::own`"]);
    check("import \"lib/wrie\" as w;").fails(3, &["NSX007", "there is no file lib/wrie.rhai", "lab.rhai:1"]);
    check("if args.len() > 5 { import \"lib/wrie\" as w; }").fails(0, &[]);
    check("import \"std/topology\" as topology;\ntopology::str(3);").fails(3, &["did you mean `star`?"]);
    let ran = Nsx::new(&["run", "lab.rhai"])
        .file("lib/wire.rhai", "fn wire(ns) {\n    ns.lnik(1);\n}")
        .file("lab.rhai", "print(1);\nimport \"lib/wire\" as w;")
        .run();
    ran.fails(
        3,
        &[
            "there is no function `lnik`",
            "lib/wire.rhai:2",
            "imported from lab.rhai:2",
        ],
    );
    assert_eq!(ran.stdout, "", "nothing ran");
}

#[test]
fn errors_are_data_for_programs() {
    let ran = Nsx::new(&["check", "--json", "a.rhai", "b.rhai", "missing.rhai"])
        .file("a.rhai", "print(1);")
        .file("b.rhai", "fn f() { host.link.set(\"网\", #{ up: true }) }\nf();")
        .run();
    let parse = |text: &str| -> Vec<serde_json::Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    let (told, failed) = (parse(&ran.stdout), parse(&ran.stderr));
    let exits: Vec<_> = told
        .iter()
        .map(|told| (told["file"].as_str(), told["exit"].as_u64()))
        .collect();
    let expected = [("a.rhai", 0), ("b.rhai", 3), ("missing.rhai", 2)];
    assert_eq!(exits, expected.map(|(file, exit)| (Some(file), Some(exit))));
    assert_eq!(ran.status, 3);
    assert_eq!(
        (&failed[0]["code"], &failed[1]["code"]),
        (&"NSX003".into(), &"NSX010".into())
    );
    let place = serde_json::json!({ "file": "b.rhai", "line": 1, "column": 24, "end_line": 1, "end_column": 27 });
    assert_eq!(failed[0]["at"], place, "columns count characters");
    assert_eq!(failed[0]["frames"].as_array().map(Vec::len), Some(2), "{}", failed[0]);
}
