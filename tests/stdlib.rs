//! The standard library: its networks hold together, and its mistakes are told.

use crate::builder::Nsx;

/// Runs a script that has std/topology and std/check.
fn script(text: &str) -> Nsx {
    Nsx::script(&format!(
        "import \"std/topology\" as topology;\nimport \"std/check\" as check;\n{text}"
    ))
}

/// Builds each of these in one lab, and expects that all reach all.
fn all_reach_all(calls: &[&str]) {
    let mut text = String::new();
    for (index, call) in calls.iter().enumerate() {
        let call = call.replace('@', &format!("prefix: \"n{index}-\""));
        text += &format!("let all = topology::{call};\n");
        for family in ["inet", "inet6"] {
            text += &format!(
                "let result = check::reachability(all, #{{ family: \"{family}\", timeout: \"2s\" }});\n\
                 assert(result.ok, result.table);\n"
            );
        }
    }
    script(&text).prints();
}

#[test]
fn all_reach_all_in_a_pair_and_a_star() {
    all_reach_all(&[
        "pair(#{ @, ipv6: true })",
        "star(1, #{ @, ipv6: true })",
        "star(5, #{ @, ipv6: true, bridge: \"br1\", subnet: \"10.1.0.0/29\" })",
    ]);
}

#[test]
fn all_reach_all_in_a_line() {
    all_reach_all(&[
        "line(1, #{ @, ipv6: true })",
        "line(2, #{ @, ipv6: true })",
        "line(3, #{ @, ipv6: true })",
        "line(13, #{ @, ipv6: true })",
    ]);
}

#[test]
fn all_reach_all_in_a_ring() {
    all_reach_all(&[
        "ring(3, #{ @, ipv6: true })",
        "ring(4, #{ @, ipv6: true })",
        "ring(9, #{ @, ipv6: true })",
        "ring(10, #{ @, ipv6: true })",
    ]);
}

#[test]
fn all_reach_all_in_a_mesh() {
    all_reach_all(&[
        "mesh(1, #{ @, ipv6: true })",
        "mesh(2, #{ @, ipv6: true })",
        "mesh(6, #{ @, ipv6: true })",
    ]);
}

#[test]
fn all_reach_all_in_a_tree() {
    all_reach_all(&[
        "tree(0, 2, #{ @, ipv6: true })",
        "tree(1, 4, #{ @, ipv6: true })",
        "tree(3, 2, #{ @, ipv6: true })",
        "tree(2, 3, #{ @, ipv6: true })",
        "tree(4, 1, #{ @, ipv6: true })",
    ]);
}

#[test]
fn the_host_is_on_the_star() {
    let lab = script(
        "let all = topology::star(3, #{ ipv6: true });
         assert(check::reachability([host] + all).ok);
         assert(check::reachability([host] + all, #{ family: \"inet6\" }).ok);
         assert_eq(host.link.show(\"ns2-br\").master, \"br0\");
         assert_eq(host.addr.show(#{ dev: \"br0\" })[0].addr_info.map(|a| a.local), [\"10.0.0.1\", \"fd00::a00:1\", \"fe80::a00:1\"]);
         assert_eq(all[2].addr.show(#{ dev: \"eth0\" })[0].addr_info.map(|a| a.local), [\"10.0.0.4\", \"fd00::a00:4\", \"fe80::a00:4\"]);
         print(all[0].route.show());
         print(host.exec(\"cat /sys/class/net/br0/bridge/multicast_snooping\").stdout);",
    );
    assert_eq!(
        lab.prints(),
        "default via 10.0.0.1 dev eth0 \n10.0.0.0/16 dev eth0 proto kernel scope link src 10.0.0.2 \n1\n\n"
    );
}

#[test]
fn ipv6_is_quiet_unless_it_is_asked_for() {
    script(
        "let all = topology::star(2) + topology::line(3, #{ prefix: \"l\" }) + topology::pair(#{ prefix: \"p\" });
         sleep(\"100ms\");
         for ns in all + [host] {
             for device in ns.addr.show() {
                 for address in device.addr_info {
                     assert(address.family == \"inet\" || address.local == \"::1\", `${ns} has ${address}`);
                 }
             }
         }",
    )
    .prints();
}

#[test]
fn a_star_of_a_thousand() {
    let lab = script(
        "let all = topology::star(1000, #{ subnet: \"10.0.0.0/16\", bridge: \"br0\", ipv6: true });
         assert_eq(all.len(), 1000);
         for i in [0, 1, 499, 998, 999] {
             assert(eventually(\"3s\", || host.ping(all[i]).ok), `the host reaches ${all[i]}`);
             assert(eventually(\"3s\", || all[i].ping(all[(i + 500) % 1000]).ok), `${all[i]} reaches another`);
             assert(eventually(\"3s\", || all[i].ping(\"fd00::10.0.0.1\").ok), `${all[i]} reaches the host by IPv6`);
         }",
    );
    lab.prints();
}

#[test]
fn a_long_line_takes_few_routes_and_is_crossed() {
    let lab = script(
        "let all = topology::line(100, #{ ipv6: true });
         assert(all[0].ping(all[99], #{ timeout: \"3s\" }).ok, \"from end to end\");
         assert(all[99].ping(\"fd00::10.0.0.1\", #{ timeout: \"3s\" }).ok, \"and back, by IPv6\");
         let most = 0;
         for ns in all {
             let routes = ns.route.show().len();
             if routes > most { most = routes; }
         }
         print(most);",
    );
    // Two links, a default route, and a prefix for each bit of the number of namespaces.
    assert!(lab.prints().trim().parse::<u32>().expect("a number") <= 10);
}

#[test]
fn the_largest_that_are_promised() {
    for (call, size) in [("line(250)", 250), ("mesh(20)", 20), ("tree(5, 3)", 364)] {
        let lab = script(&format!(
            "let all = topology::{call};
             assert(all[0].ping(all[all.len() - 1], #{{ timeout: \"3s\" }}).ok, \"the first reaches the last\");
             print(all.len());"
        ));
        assert_eq!(lab.prints(), format!("{size}\n"));
    }
}

#[test]
fn a_ring_is_gone_round_the_same_way_there_and_back() {
    script(
        "let all = topology::ring(6);
         assert_eq(all[0].route.get(\"10.0.0.4\").dev, \"to-ns1\");
         assert_eq(all[3].route.get(\"10.0.0.1\").dev, \"to-ns2\");
         assert_eq(all[5].route.get(\"10.0.0.1\").dev, \"to-ns0\");
         assert_eq(all[5].route.get(\"10.0.0.3\").dev, \"to-ns4\");",
    )
    .prints();
}

#[test]
fn nobody_passes_on_what_is_for_nobody() {
    let lab = script(
        "let line = topology::line(3);
         let ring = topology::ring(3, #{ prefix: \"r\" });
         print(line[0].ping(\"10.0.77.1\", #{ timeout: \"200ms\" }).error);
         print(ring[0].ping(\"10.0.77.1\").error);",
    );
    assert_eq!(lab.prints(), "timeout\nNetwork is unreachable\n");
}

#[test]
fn what_is_wrong_with_a_call_is_told_at_the_call() {
    let wrong = [
        ("star(3, #{ brigde: \"br1\" })", "unknown key `brigde`"),
        ("star(3, #{ ipv6: \"yes\" })", "`ipv6` wants true or false, not yes"),
        ("star(3, 4)", "the last argument wants a map of options, not 4"),
        ("star(0)", "`n` wants a whole number from 1 to 10000, not 0"),
        ("star(10001)", "`n` wants a whole number from 1 to 10000, not 10001"),
        ("line(\"3\")", "`n` wants a whole number from 1 to 256, not 3"),
        ("ring(2)", "`n` wants a whole number from 3 to 500, not 2"),
        ("tree(2, 0)", "`fanout` wants a whole number from 1 to 1000, not 0"),
        (
            "star(300, #{ subnet: \"10.0.0.0/24\" })",
            "\"10.0.0.0/24\" has 254 addresses, and 301 are wanted",
        ),
        (
            "mesh(10, #{ links: \"10.9.0.0/25\" })",
            "\"10.9.0.0/25\" has 126 addresses, and 178 are wanted",
        ),
        ("tree(15, 1000)", "are wanted"),
        (
            "line(3, #{ subnet: \"10.0.0.1/24\" })",
            "the network is \"10.0.0.0/24\"",
        ),
        (
            "line(3, #{ subnet: \"ten\" })",
            "wants a network such as \"10.0.0.0/16\", not \"ten\"",
        ),
        ("line(3, #{ subnet: \"172.16.0.0/24\" })", "have addresses in common"),
        (
            "line(3, #{ prefix: \"a-long-prefix\" })",
            "is too long: 12 letters at most",
        ),
    ];
    for (call, words) in wrong {
        script(&format!("topology::{call};"))
            .run()
            .fails(3, &["NSX003", words, "lab.rhai:3:"]);
    }
}

#[test]
fn a_name_that_is_taken_is_told_with_the_way_out() {
    script("netns::add(\"ns1\");\ntopology::pair();")
        .run()
        .fails(3, &["there is a netns ns1 already", "lab.rhai:4:", "prefix:"]);
}

#[test]
fn a_failure_inside_the_library_is_drawn_at_the_call_of_it() {
    script("host.link.add(\"br0\", #{ type: \"bridge\" });\ntopology::star(1);")
        .run()
        .fails(
            3,
            &[
                "NSX012",
                "lab.rhai:4:",
                "ip link add br0",
                "br0 in host was made at lab.rhai:3",
            ],
        );
}

#[test]
fn who_does_not_reach_whom() {
    let lab = script(
        "let all = topology::line(3);
         all[1].sysctl.set(\"net.ipv4.ip_forward\", 0);
         let result = check::reachability(all);
         assert(!result.ok);
         assert_eq(result.names, [\"ns0\", \"ns1\", \"ns2\"]);
         assert_eq(result.matrix, [[true, true, false], [true, true, true], [false, true, true]]);
         assert_eq(result.failed[0], #{ from: \"ns0\", to: \"ns2\", error: \"timeout\" });
         print(result.table);",
    );
    assert_eq!(
        lab.prints(),
        "     ns0  ns1  ns2\n\
         ns0    ·  yes   NO\n\
         ns1  yes    ·  yes\n\
         ns2   NO  yes    ·\n\
         ns0 does not reach ns2: timeout\n\
         ns2 does not reach ns0: timeout\n"
    );
}

#[test]
fn who_has_no_address_is_not_reached() {
    let lab = script(
        "let all = topology::pair();
         let result = check::reachability(all + [netns::add(\"alone\")], #{ timeout: \"100ms\" });
         print(result.failed.map(|f| `${f.from} ${f.to} ${f.error}`).to_string());
         print(check::reachability([\"ns0\", \"ns1\"]).ok);
         print(check::reachability(all, #{ family: \"inet6\" }).failed.len());",
    );
    assert_eq!(
        lab.prints(),
        "[\"ns0 alone it has no address\", \"ns1 alone it has no address\", \
         \"alone ns0 Network is unreachable\", \"alone ns1 Network is unreachable\"]\ntrue\n2\n"
    );
    script("check::reachability([host], #{ family: \"ipv6\" });")
        .run()
        .fails(3, &["NSX003", "\"family\" is \"inet\" or \"inet6\"", "lab.rhai:3:"]);
}

#[test]
fn a_script_throws_errors_like_the_verbs_do() {
    let lab = Nsx::script(
        "try { throw error(\"too small\", #{ help: \"larger\", key: \"n\" }); }
         catch (e) { print(`${e.code} ${e.message}: ${e.help}`); }
         throw error(\"enough\");",
    );
    let ran = lab.run();
    ran.fails(3, &["NSX003 × enough", "lab.rhai:3:"]);
    assert_eq!(ran.stdout, "NSX003 too small: larger\n");
    Nsx::script("error(\"x\", #{ hlep: \"y\" });")
        .run()
        .fails(3, &["error: unknown key `hlep`", "did you mean `help`?"]);
}
