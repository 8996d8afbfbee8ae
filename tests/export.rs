//! A lab as a shell script, and each operation as a command.

use crate::builder::Nsx;

const LAB: &str = "let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 }, alias: \"a b\" });
host.filter.policy(\"forward\", \"drop\");
host.filter.add(\"forward\", #{ iif: \"veth0\", verdict: \"accept\" });
ns0.exec(\"echo hi > /dev/null\");
assert(!ns0.ping(\"10.0.0.1\").ok);
netns::del(\"ns0\");
";

#[test]
fn a_lab_is_exported_with_what_it_needs() {
    let text = Nsx::new(&["export", "--shell", "lab.rhai"])
        .file("lab.rhai", LAB)
        .prints();
    let lines = [
        "ip netns add ns0",
        "ip link add veth0 type veth peer name eth0 netns ns0 && ip link set veth0 alias 'a b'",
        "nft add table inet nsx_filter",
        "nft add rule inet nsx_filter forward 'iifname \"veth0\" counter accept'",
        "ip netns exec ns0 sh -c 'echo hi > /dev/null' || true",
        "is_silent ip netns exec ns0 ping -n -c 1 -W 1 10.0.0.1",
        "netns_del ns0",
    ];
    for line in lines {
        assert!(text.lines().any(|known| known == line), "no {line:?} in:\n{text}");
    }
    let tables = text.matches("nft add table inet nsx_filter\n").count();
    assert_eq!(tables, 1, "what is prepared is prepared once");
}

#[test]
fn a_lab_that_fails_is_not_exported() {
    let ran = Nsx::new(&["export", "--shell", "lab.rhai"])
        .file("lab.rhai", "netns::add(\"a\");\nassert(false, \"no\");")
        .run();
    ran.fails(1, &["no"]);
    assert_eq!(ran.stdout, "");
}

#[test]
fn explain_says_the_command_and_the_line() {
    let ran = Nsx::new(&["run", "--explain", "lab.rhai"])
        .file("lab.rhai", "\nnetns::add(\"ns0\");")
        .run();
    ran.fails(0, &["+ ip netns add ns0 # lab.rhai:2"]);
}
