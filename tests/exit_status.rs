//! How a run ends, and what it says.

use crate::builder::Nsx;

#[test]
fn a_script_that_holds_exits_0() {
    Nsx::script("assert(1 + 1 == 2, \"maths\");").run().fails(0, &[]);
}

#[test]
fn a_failed_assertion_exits_1_with_its_line() {
    let ran =
        Nsx::script("let ns0 = netns::add(\"ns0\");\nassert(ns0.ping(\"10.0.0.1\").ok, \"ns0 reaches the moon\");")
            .run();
    ran.fails(
        1,
        &[
            "NSX001",
            "assertion failed: ns0 reaches the moon",
            "lab.rhai:2:1",
            "assert(ns0.ping",
        ],
    );
}

#[test]
fn a_failed_assertion_cannot_be_caught() {
    Nsx::script("try { assert(false, \"no\"); } catch { }")
        .run()
        .fails(1, &["assertion failed: no"]);
}

#[test]
fn assert_eq_shows_both_sides() {
    Nsx::script("assert_eq([1, #{ a: 2 }], [1, #{ a: 3 }], \"alike\");")
        .run()
        .fails(
            1,
            &[
                "assertion failed: alike",
                "left: [1, #{\"a\": 2}]",
                "right: [1, #{\"a\": 3}]",
            ],
        );
}

#[test]
fn a_wrong_command_line_exits_2() {
    Nsx::new(&["run"]).run().fails(2, &["Usage"]);
    Nsx::new(&["walk"]).run().fails(2, &["unrecognized subcommand"]);
    Nsx::new(&["run", "missing.rhai"])
        .run()
        .fails(2, &["cannot read missing.rhai: no such file or directory"]);
}

#[test]
fn a_wrong_script_exits_3() {
    Nsx::script("let x = ;").run().fails(3, &["NSX002", "lab.rhai:1:9"]);
    Nsx::script("throw \"enough\";").run().fails(3, &["enough"]);
}

#[test]
fn a_failed_operation_exits_3_and_is_drawn() {
    let ran = Nsx::script("netns::add(\"ns0\");\nnetns::add(\"ns0\");").run();
    ran.fails(
        3,
        &[
            "NSX011",
            "lab.rhai:2:12",
            "netns add ns0",
            "op ip netns add ns0",
            "EEXIST",
            "netns::get(\"ns0\")",
        ],
    );
}

#[test]
fn the_kernels_own_words_are_given() {
    let ran = Nsx::script("host.link.add(\"br0\", #{ type: \"bridge\" });\nhost.link.add(\"br1\", #{ type: \"bridge\" });\nhost.link.set(\"br1\", #{ master: \"br0\" });").run();
    ran.fails(
        3,
        &[
            "Can not enslave a bridge to a bridge",
            "ELOOP",
            "ip link set br1 master br0",
        ],
    );
}

#[test]
fn a_missing_kernel_feature_exits_4() {
    // No user namespace may be made inside a sandbox whose limit is 0: nsx inside nsx meets it.
    let inner = "let r = host.exec([\"unshare\", \"-Ur\", \"sh\", \"-c\", `echo 0 >/proc/sys/user/max_user_namespaces; ${args[0]} run inner.rhai; echo status $?`]);
print(r.stdout + r.stderr);";
    let ran = Nsx::script(inner)
        .file("inner.rhai", "")
        .arg(crate::builder::binary().to_str().expect("a path"))
        .run();
    assert!(ran.stdout.contains("status 4"), "{ran:?}");
    assert!(ran.stdout.contains("user.max_user_namespaces"), "{ran:?}");
}

#[test]
fn a_script_may_choose_its_status() {
    assert_eq!(Nsx::script("exit(7);").run().status, 7);
}

#[test]
fn nested_calls_and_imports_are_each_shown() {
    let ran = Nsx::script("import \"lib/wire\" as w;\nfn twice(ns) { w::wire(ns); }\ntwice(host);")
        .file(
            "lib/wire.rhai",
            "fn wire(ns) {\n    ns.addr.add(\"10.0.0.1/24\", #{ dev: \"eth9\" });\n}",
        )
        .run();
    ran.fails(
        3,
        &[
            "lib/wire.rhai:2:",
            "there is no device eth9 in host",
            "called from lab.rhai:2",
            "called from lab.rhai:3",
        ],
    );
}

#[test]
fn on_exit_runs_last_first_whatever_happened() {
    let ran =
        Nsx::script("on_exit(|| print(\"first\"));\non_exit(|| print(\"second\"));\nassert(false, \"no\");").run();
    ran.fails(1, &[]);
    assert_eq!(ran.stdout, "second\nfirst\n");
}

#[test]
fn quiet_and_verbose() {
    let script = "netns::add(\"ns0\"); print(\"hello\");";
    assert_eq!(Nsx::script(script).prints(), "hello\n");
    let quiet = Nsx::new(&["run", "-q", "lab.rhai"]).file("lab.rhai", script).run();
    assert_eq!((quiet.status, quiet.stdout.as_str()), (0, ""));
    let verbose = Nsx::new(&["run", "-v", "lab.rhai"]).file("lab.rhai", script).run();
    assert_eq!(
        verbose.stderr,
        "+ ip netns add ns0                                                        # lab.rhai:1\n"
    );
}

#[test]
fn standard_input_and_a_first_line_for_the_kernel() {
    let ran = Nsx::new(&["run", "-", "one", "--two"])
        .input("#!/usr/bin/env -S nsx run\nprint(args);\nnope")
        .run();
    ran.fails(3, &["<stdin>:3:1", "there is no variable `nope`"]);
    let ran = Nsx::new(&["run", "-", "one", "--two"]).input("#!x\nprint(args);").run();
    assert_eq!(ran.stdout, "[\"one\", \"--two\"]\n", "{ran:?}");
}

#[test]
fn version_and_help() {
    assert_eq!(
        Nsx::new(&["--version"]).prints(),
        format!("nsx {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = Nsx::new(&["--help"]).prints();
    assert!(help.contains("netns::add(\"ns0\")"), "an example: {help}");
}

#[test]
fn what_comes_from_outside_is_printed_harmlessly() {
    let ran = Nsx::script("print(host.exec(\"printf '\\\\033[31mred\\\\n'\").stdout);").run();
    assert!(ran.stdout.contains("red") && !ran.stdout.contains('\u{1b}'), "{ran:?}");
}

/// A process without CAP_NET_ADMIN, as it is outside of a sandbox: the kernel refuses, and nothing is changed.
#[test]
fn a_missing_privilege_is_named() {
    let refused = std::thread::spawn(|| {
        give_up_capabilities();
        let world = nsx::ops::World::new().expect("a world takes no privilege");
        nsx::ops::Op::lo_up().apply(&world).expect_err("it takes CAP_NET_ADMIN")
    });
    let problem = refused.join().expect("the thread ends");
    assert_eq!((problem.code(), problem.kind.exit_status()), ("NSX027", 4));
    assert!(
        problem.cause.contains("CAP_NET_ADMIN") && problem.help.contains("root"),
        "{problem:?}"
    );
    assert_eq!(
        (problem.op.as_str(), problem.netns.as_str()),
        ("ip link set lo up", "host")
    );
}

/// Of the calling thread alone.
fn give_up_capabilities() {
    #[repr(C)]
    struct Header(u32, i32);
    const VERSION_3: u32 = 0x2008_0522;
    let (header, none) = (Header(VERSION_3, 0), [0u32; 6]);
    // SAFETY: capset reads a header and, of this version, six words.
    let done = unsafe { nix::libc::syscall(nix::libc::SYS_capset, &raw const header, &raw const none) };
    assert_eq!(done, 0, "a thread may give up what it has");
}
