//! The post's labs, as scripts: as whoever runs the test, and as a user without any privilege.

use crate::builder::{Nsx, Ran};

fn shipped(name: &str) -> (Ran, Ran) {
    let path = format!("{}/scripts/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a shipped script");
    (Nsx::script(&text).run(), Nsx::script(&text).unprivileged().run())
}

#[track_caller]
fn shows(name: &str, lines: &[&str]) {
    let (own, unprivileged) = shipped(name);
    for ran in [own, unprivileged] {
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        for line in lines {
            assert!(ran.stdout.contains(line), "no {line:?} in:\n{}", ran.stdout);
        }
    }
}

#[test]
fn two_namespaces_on_a_veth_pair() {
    shows(
        "veth.rhai",
        &[
            "1: lo: <LOOPBACK> mtu 65536 qdisc noop state DOWN mode DEFAULT group default qlen 1000",
            "veth1@veth0: <BROADCAST,MULTICAST,M-DOWN> mtu 1500 qdisc noop state DOWN",
            "link-netns ns1",
            "    inet 10.0.0.100/24 scope global veth0",
            "10.0.0.0/24 dev veth0 proto kernel scope link src 10.0.0.100 ",
            "10.0.0.0/24 dev veth1 proto kernel scope link src 10.0.0.101 ",
            "64 bytes from 10.0.0.101: icmp_seq=1 ttl=64 time=",
            "1 packets transmitted, 1 received, 0% packet loss, time 0ms",
        ],
    );
}

#[test]
fn three_namespaces_on_a_bridge() {
    shows(
        "bridge.rhai",
        &[
            "br0: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN",
            "master br0 state UP",
            "    inet 10.1.1.1/24 scope global br0",
            "    inet 10.1.1.12/24 scope global eth0",
            "64 bytes from 10.1.1.12: icmp_seq=1 ttl=64 time=",
            "ping: connect: Network is unreachable",
        ],
    );
}

#[test]
fn why_the_ping_failed_and_the_rule_that_mended_it() {
    shows(
        "forward.rhai",
        &[
            "1 packets transmitted, 0 received, 100% packet loss, time 0ms",
            "chain forward policy drop counter packets",
            "chain forward iifname \"br0\" counter packets",
            "64 bytes from 10.1.1.12: icmp_seq=1 ttl=64 time=",
        ],
    );
}

#[test]
fn a_way_out_the_posts_and_the_clean_one() {
    shows(
        "nat.rhai",
        &[
            "default via 10.1.1.1 dev eth0 ",
            "64 bytes from 8.8.8.8: icmp_seq=1 ttl=",
            "chain forward oifname \"br0\" ct state established,related counter packets",
            "chain postrouting ip saddr 10.1.1.0/24 counter packets",
        ],
    );
}
