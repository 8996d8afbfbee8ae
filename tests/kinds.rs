//! The kinds of devices at work: overlays, and devices on devices.

use crate::builder::Nsx;

/// Two machines on one wire, each reaching the other at 10.0.0.1 and 10.0.0.2.
const MACHINES: &str = "
let a = netns::add(\"a\");
let b = netns::add(\"b\");
a.link.add(\"eth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: b }, up: true });
b.link.set(\"eth0\", #{ up: true });
a.addr.add(\"10.0.0.1/24\", #{ dev: \"eth0\" });
b.addr.add(\"10.0.0.2/24\", #{ dev: \"eth0\" });
";

#[test]
fn a_vxlan_carries_a_subnet_between_two_machines() {
    let script = format!(
        "{MACHINES}
a.link.add(\"vx0\", #{{ type: \"vxlan\", id: 42, local: \"10.0.0.1\", remote: \"10.0.0.2\", dstport: 4789, dev: \"eth0\", up: true }});
b.link.add(\"vx0\", #{{ type: \"vxlan\", id: 42, local: \"10.0.0.2\", remote: \"10.0.0.1\", dstport: 4789, dev: \"eth0\", up: true }});
a.addr.add(\"192.168.42.1/24\", #{{ dev: \"vx0\" }});
b.addr.add(\"192.168.42.2/24\", #{{ dev: \"vx0\" }});
assert_eq(a.link.show(\"vx0\").mtu, 1450, \"room for the tunnel's headers\");
assert(a.ping(\"192.168.42.2\").ok, \"over the overlay\");"
    );
    Nsx::script(&script).unprivileged().run().fails(0, &[]);
}

#[test]
fn macvlans_reach_each_other_in_bridge_mode_and_not_in_private_mode() {
    for (mode, reached) in [("bridge", true), ("private", false)] {
        let script = format!(
            "{MACHINES}
for i in 1..3 {{
    let ns = netns::add(`c${{i}}`);
    a.link.add(`mv${{i}}`, #{{ type: \"macvlan\", link: \"eth0\", mode: \"{mode}\" }});
    a.link.set(`mv${{i}}`, #{{ netns: ns, name: \"eth0\", up: true }});
    ns.addr.add(`10.0.0.${{10 + i}}/24`, #{{ dev: \"eth0\" }});
}}
let c1 = netns::get(\"c1\");
assert(c1.ping(\"10.0.0.2\").ok, \"the machine across the wire\");
assert_eq(c1.ping(\"10.0.0.12\", #{{ timeout: \"500ms\" }}).ok, {reached}, \"its sibling, in {mode} mode\");"
        );
        Nsx::script(&script).run().fails(0, &[]);
    }
}

/// The lab works, or the kernel lacks the kind and the error names it; `.ci/vm` has a kernel that has them all.
#[track_caller]
fn works_or_is_named(kind: &str, config: &str, script: &str) {
    let ran = Nsx::script(script).unprivileged().run();
    if ran.lacks_kernel() {
        ran.fails(
            4,
            &["NSX031", &format!("this kernel has no devices of type {kind}"), config],
        );
    } else {
        ran.fails(0, &[]);
    }
}

#[test]
fn tunnels_of_gre_and_of_ip_carry_a_subnet_or_are_named() {
    for (kind, config) in [
        ("gre", "CONFIG_NET_IPGRE"),
        ("gretap", "CONFIG_NET_IPGRE"),
        ("ipip", "CONFIG_NET_IPIP"),
    ] {
        let key = if kind == "ipip" { "" } else { ", key: 7" };
        let script = format!(
            "{MACHINES}
a.link.add(\"t0\", #{{ type: \"{kind}\", local: \"10.0.0.1\", remote: \"10.0.0.2\"{key}, up: true }});
b.link.add(\"t0\", #{{ type: \"{kind}\", local: \"10.0.0.2\", remote: \"10.0.0.1\"{key}, up: true }});
a.addr.add(\"192.168.42.1/24\", #{{ dev: \"t0\" }});
b.addr.add(\"192.168.42.2/24\", #{{ dev: \"t0\" }});
assert(eventually(\"5s\", || a.ping(\"192.168.42.2\").ok), \"through the tunnel\");
b.link.set(\"t0\", #{{ down: true }});
assert(!a.ping(\"192.168.42.2\", #{{ timeout: \"300ms\" }}).ok, \"and by no other way\");"
        );
        works_or_is_named(kind, config, &script);
    }
}

#[test]
fn tunnels_over_ipv6_carry_a_subnet_or_are_named() {
    for (kind, config) in [
        ("ip6gre", "CONFIG_IPV6_GRE"),
        ("ip6gretap", "CONFIG_IPV6_GRE"),
        ("ip6tnl", "CONFIG_IPV6_TUNNEL"),
    ] {
        let script = format!(
            "{MACHINES}
a.addr.add(\"fd00::1/64\", #{{ dev: \"eth0\", nodad: true }});
b.addr.add(\"fd00::2/64\", #{{ dev: \"eth0\", nodad: true }});
a.link.add(\"t0\", #{{ type: \"{kind}\", local: \"fd00::1\", remote: \"fd00::2\", up: true }});
b.link.add(\"t0\", #{{ type: \"{kind}\", local: \"fd00::2\", remote: \"fd00::1\", up: true }});
a.addr.add(\"192.168.42.1/24\", #{{ dev: \"t0\" }});
b.addr.add(\"192.168.42.2/24\", #{{ dev: \"t0\" }});
assert(eventually(\"5s\", || a.ping(\"192.168.42.2\").ok), \"through the tunnel\");"
        );
        works_or_is_named(kind, config, &script);
    }
}

#[test]
fn a_sit_carries_ipv6_over_ipv4_or_is_named() {
    let script = format!(
        "{MACHINES}
a.link.add(\"t0\", #{{ type: \"sit\", local: \"10.0.0.1\", remote: \"10.0.0.2\", up: true }});
b.link.add(\"t0\", #{{ type: \"sit\", local: \"10.0.0.2\", remote: \"10.0.0.1\", up: true }});
a.addr.add(\"fd42::1/64\", #{{ dev: \"t0\", nodad: true }});
b.addr.add(\"fd42::2/64\", #{{ dev: \"t0\", nodad: true }});
assert(eventually(\"5s\", || a.ping(\"fd42::2\").ok), \"through the tunnel\");"
    );
    works_or_is_named("sit", "CONFIG_IPV6_SIT", &script);
}

#[test]
fn wireguard_carries_packets_between_those_that_know_each_others_keys_or_is_named() {
    let script = [
        MACHINES,
        "let first = host.wg.genkey();
let second = host.wg.genkey();
let secret = host.wg.genpsk();
a.link.add(\"wg0\", #{ type: \"wireguard\" });
b.link.add(\"wg0\", #{ type: \"wireguard\" });
a.wg.set(\"wg0\", #{ private_key: first, listen_port: 51820 });
a.wg.set(\"wg0\", #{ peer: #{ public_key: host.wg.pubkey(second), endpoint: \"10.0.0.2:51821\", preshared_key: secret,
    allowed_ips: [\"192.168.42.2/32\"], persistent_keepalive: \"25s\" } });
b.wg.set(\"wg0\", #{ private_key: second, listen_port: 51821,
    peer: [#{ public_key: host.wg.pubkey(first), preshared_key: secret, allowed_ips: \"192.168.42.1/32\" }] });
a.addr.add(\"192.168.42.1/24\", #{ dev: \"wg0\" });
b.addr.add(\"192.168.42.2/24\", #{ dev: \"wg0\" });
a.link.set(\"wg0\", #{ up: true });
b.link.set(\"wg0\", #{ up: true });
assert(a.ping(\"192.168.42.2\", #{ timeout: \"10s\" }).ok, \"through the tunnel\");
assert(b.ping(\"192.168.42.1\", #{ timeout: \"10s\" }).ok, \"and back: b has learnt where a is\");
let peer = b.wg.show(\"wg0\").peers[0];
assert_eq(peer.endpoint, \"10.0.0.1:51820\");
assert(peer.latest_handshake > 0 && peer.transfer_rx > 0, \"they agreed on keys\");
// Who has another key is not heard.
b.wg.set(\"wg0\", #{ private_key: host.wg.genkey() });
assert(!a.ping(\"192.168.42.2\", #{ timeout: \"1s\" }).ok, \"a stranger\");
b.wg.set(\"wg0\", #{ private_key: second, peer: #{ public_key: host.wg.pubkey(first), remove: true } });
assert_eq(b.wg.show(\"wg0\").peers, []);",
    ]
    .concat();
    works_or_is_named("wireguard", "CONFIG_WIREGUARD", &script);
}

#[test]
fn a_tun_that_may_not_be_made_is_named() {
    let script = "host.link.add(\"tun0\", #{ type: \"tun\" }); print(host.link.show(\"tun0\").ifname);";
    let ran = Nsx::script(script).unprivileged().run();
    // Most machines let everybody open it: what is made there belongs to the lab.
    let is_open = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata("/dev/net/tun").expect("it")) & 2 != 0;
    match is_open {
        true => assert_eq!((ran.status, ran.stdout.as_str()), (0, "tun0\n"), "{}", ran.stderr),
        false => drop(ran.fails(
            4,
            &[
                "NSX027",
                "open /dev/net/tun: Permission denied",
                "chmod 666 /dev/net/tun",
            ],
        )),
    }
    let again = "let add = || host.link.add(\"tun0\", #{ type: \"tun\", mode: \"tap\" }); add.call(); add.call();";
    Nsx::script(again)
        .run()
        .fails(3, &["EEXIST", "host already has a device tun0"]);
    let wrong = "host.link.add(\"t\", #{ type: \"tun\" }); host.link.set(\"t\", #{ type: \"tun\", mode: \"tap\" });";
    Nsx::script(wrong)
        .run()
        .fails(3, &["said when it is made: delete it and add it anew"]);
}

#[test]
fn a_wrong_key_or_peer_is_told() {
    let told = |call: &str, words: &[&str]| {
        Nsx::script(&format!("host.wg.{call};")).run().fails(3, words);
    };
    told("pubkey(\"secret\")", &["wants a key: 44 characters of base64"]);
    told("set(\"lo\", #{})", &["wg set changes nothing"]);
    told("set(\"wg0\", #{ listen_port: 1 })", &["there is no device wg0 in host"]);
    told("show(\"wg0\")", &["there is no device wg0 in host", "wg show wg0"]);
    told("set(\"lo\", #{ peer: #{} })", &["`peer` has no `public_key`"]);
    told("set(\"lo\", #{ private_kye: \"\" })", &["did you mean `private_key`?"]);
    let peer = |keys: &str, words: &str| {
        let call = format!("set(\"lo\", #{{ peer: #{{ public_key: host.wg.genpsk(), {keys} }} }})");
        told(&call, &[words]);
    };
    peer("allowed_ips: \"10.0.0.1/8\"", "the network is \"10.0.0.0/8\"");
    peer("endpoint: \"10.0.0.1\"", "`endpoint` wants an address with a port");
    peer("persistent_keepalive: 25", "`persistent_keepalive` has no unit");
    peer("persistent_keepalive: \"25ms\"", "wants a duration of whole seconds");
    peer("allowed_ip: \"10.0.0.0/8\"", "did you mean `allowed_ips`?");
}

#[test]
fn a_wrong_or_missing_key_of_a_kind_is_told() {
    let told = |options: &str, words: &[&str]| {
        Nsx::script(&format!("host.link.add(\"x0\", {options});"))
            .run()
            .fails(3, words);
    };
    told("#{ type: \"vlan\", link: \"lo\" }", &["a vlan wants `id`"]);
    told("#{ type: \"macvlan\" }", &["a macvlan wants `link`"]);
    told(
        "#{ type: \"vxlan\", id: 1, dstprot: 4789 }",
        &["unknown key `dstprot`", "did you mean `dstport`?"],
    );
    told(
        "#{ type: \"vxlan\", id: 16777216 }",
        &["`id` wants a whole number from 0 to 16777215"],
    );
    told(
        "#{ type: \"macvlan\", link: \"lo\", mode: \"brige\" }",
        &["`mode` wants one of", "\"bridge\""],
    );
    told(
        "#{ type: \"gre\", remote: \"fd00::2\" }",
        &["`remote` wants an IPv4 address such as \"10.0.0.1\", not \"fd00::2\""],
    );
    told("#{ type: \"gre\", key: 1, ikey: 2 }", &["`key` is that of both ways"]);
    told(
        "#{ type: \"sit\", external: true, remote: \"10.0.0.1\" }",
        &["`external` leaves it to each packet"],
    );
    told("#{ type: \"vxlam\" }", &["did you mean \"vxlan\"?"]);
    told(
        "#{ type: \"macvlan\", link: \"eth9\", mode: \"bridge\" }",
        &["there is no device eth9 in host"],
    );
}
