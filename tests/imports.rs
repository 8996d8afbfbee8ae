//! Imports come from beside the script and from the binary, and from nowhere else.

use std::os::unix::fs::symlink;

use crate::builder::Nsx;

#[test]
fn an_import_is_relative_to_its_importer() {
    let lab = Nsx::script("import \"lib/a\" as a;\nprint(a::two());")
        .file("lib/a.rhai", "import \"b\" as b;\nfn two() { b::one() + 1 }")
        .file("lib/b.rhai", "fn one() { 1 }");
    assert_eq!(lab.prints(), "2\n");
}

#[test]
fn host_and_netns_are_known_in_modules_functions_and_closures() {
    let lab =
        Nsx::script("import \"a\" as a;\nlet f = || host.name + netns::list();\nprint(f.call());\nprint(a::made());")
            .file(
                "a.rhai",
                "fn made() { let inner = || netns::add(\"x\"); inner.call().name + host.name }",
            );
    assert_eq!(lab.prints(), "host[]\nxhost\n");
}

#[test]
fn nothing_is_imported_from_outside_the_folder() {
    for path in ["../secret", "/etc/passwd", "/etc/passwd.rhai", "lib/../../secret"] {
        let ran = Nsx::script(&format!("import \"{path}\" as x;"))
            .file("lib/x.rhai", "")
            .run();
        ran.fails(3, &["NSX007", "outside the folder"]);
        assert!(!ran.stderr.contains("root:"), "{}", ran.stderr);
    }
}

#[test]
fn a_symlink_leads_nowhere_outside() {
    let lab = Nsx::script("import \"link\" as x;");
    symlink("/etc/passwd", lab.folder().join("link.rhai")).expect("a symlink");
    lab.run().fails(3, &["NSX007", "outside the folder"]);
}

#[test]
fn a_missing_module_is_told_with_its_path() {
    Nsx::script("import \"lib/nope\" as x;")
        .run()
        .fails(3, &["NSX007", "there is no file lib/nope.rhai", "lab.rhai:1"]);
    Nsx::script("import \"std/nope\" as x;")
        .run()
        .fails(3, &["NSX007", "no such module"]);
}

#[test]
fn an_error_in_an_imported_file_is_drawn_there() {
    let ran = Nsx::script("import \"a\" as a;")
        .file("a.rhai", "let x = 1;\nlet y = ;")
        .run();
    ran.fails(3, &["a.rhai:2:9", "lab.rhai:1"]);
}
