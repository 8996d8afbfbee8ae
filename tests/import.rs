//! Lines for a shell, and posts, become scripts that run.

use crate::builder::{Nsx, Ran};

/// A post of the kind that people learn from: prompts, what was printed, a restart, and mistakes.
const POST: &str = r#"---
title: Two rooms and a switch
---

# Two rooms

Some words. A restart is harmless here.

```console
$ uname -r
6.18.0
$ sudo ip netns add red
$ sudo ip netns add blue
$ ip netns ls
blue
red
$ sudo ip link add v0 type veth peer name v1
$ sudo ip link set v0 netns red
$ sudo ip link set v1 netns blue
$ sudo ip -n red a add 192.168.7.1/24 dev v0   # the first
$ sudo ip -n blue a add 192.168.7.2/24 dev v1
$ sudo ip -n red l s v0 up
$ sudo ip netns exec blue ip link set dev v1 up
$ sudo ip -n red addr show v0
7: v0@if6: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 2a:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netns blue
    inet 192.168.7.1/24 scope global v0
       valid_lft forever preferred_lft forever
$ sudo ip -n red r
192.168.7.0/24 dev v0 proto kernel scope link src 192.168.7.1
$ sudo ip netns exec red ping -c 1 192.168.7.2
64 bytes from 192.168.7.2: icmp_seq=1 ttl=64 time=0.05 ms

--- 192.168.7.2 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
$ sudo ip -n red addr add 192.168.7.1/24 dev v0
RTNETLINK answers: File exists
$ sudo ip netns exec red ping -c 1 8.8.8.8
ping: connect: Network is unreachable
```

## A switch

Reboot the machine, then go on.

```console
$ sudo ip netns add red
$ sudo ip netns add blue
$ sudo ip netns add green
$ sudo ip link add br0 type bridge
$ sudo ip link set lan0 master br0
$ sudo ip -n red link set lo up
$ sudo ip -n blue link set lo up
$ sudo ip -n green link set lo up
$ sudo ip addr add 192.168.8.1/24 dev br0
$ ip a
9: br0: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default qlen 1000
    inet 192.168.9.1/24 scope global br0
```
"#;

fn import(text: &str) -> Ran {
    Nsx::new(&["import", "post.md"]).file("post.md", text).run()
}

fn run(script: &str) -> Ran {
    Nsx::script(script).run()
}

#[test]
fn a_post_becomes_a_script_that_runs() {
    let imported = import(POST);
    imported.fails(
        0,
        &["post.md:10: not understood: uname -r", "commands understood, 1 not"],
    );
    let script = &imported.stdout;
    for line in [
        "// ---- Two rooms",
        "// nsx import: not understood: uname -r (`uname` is no command about networks that nsx reads; host.exec(\"uname -r\") would run it)",
        "let red = netns::add(\"red\");",
        "claim(netns::list(), [\"blue\", \"red\"], \"post.md:14: the namespaces\");",
        "// the first",
        "red.addr.add(\"192.168.7.1/24\", #{ dev: \"v0\" });",
        "claim(red.addr.show(#{ dev: \"v0\" }), [\"state UP\", \"inet 192.168.7.1/24 scope global v0\"], \"post.md:24: v0 of red\");",
        "claim(red.ping(\"192.168.7.2\"), \"bytes from 192.168.7.2\", \"post.md:31: red's ping to 192.168.7.2\");",
        "claim(told, \"EEXIST\", \"post.md:36: addr.add is refused\");",
        "claim(red.ping(\"8.8.8.8\"), \"Network is unreachable\", \"post.md:38: red's ping to 8.8.8.8\");",
        "// post.md:44: the machine is restarted. Nothing that was set up is left.",
        "for ns in [red, blue, green] {",
    ] {
        assert!(script.lines().any(|known| known == line), "no {line:?} in:\n{script}");
    }
    let ran = run(script);
    ran.fails(0, &[]);
    assert!(
        ran.stdout
            .contains("claim does not hold: post.md:56: br0 of host\n    said: inet 192.168.9.1/24"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.ends_with("hold, 1 do not\n"), "{}", ran.stdout);
}

#[test]
fn the_cards_and_namespaces_that_no_line_makes_are_taken_for_granted() {
    let ran = import(
        "ip -n old link set lo up\niptables -t nat -A POSTROUTING -s 10.0.0.0/24 -o eth7 -j MASQUERADE\nping -c 1 1.1.1.1\n",
    );
    for line in [
        "host.link.set(\"enp1s0\", #{ name: \"eth7\" });",
        "let old = netns::add(\"old\");",
        "// host.sysctl.set(\"net.ipv4.ip_forward\", 1);",
    ] {
        assert!(
            ran.stdout.lines().any(|known| known == line),
            "no {line:?} in:\n{}",
            ran.stdout
        );
    }
    run(&ran.stdout).fails(0, &[]);
}

#[test]
fn a_script_keeps_its_comments_variables_and_loops() {
    let script = "#!/bin/bash\nset -e\n# rooms\nN=room\nfor i in 1 2 3; do ip netns add $N$i; done\n\nip netns exec ${N}1 bash\nip link set lo up\nexit\nip netns del room9 2>/dev/null || true\nif true; then echo; fi\n";
    let ran = Nsx::new(&["import", "-"]).input(script).run();
    ran.fails(0, &["-:11: not understood: if true"]);
    for line in [
        "// rooms",
        "let room3 = netns::add(\"room3\");",
        "room1.link.set(\"lo\", #{ up: true });",
        "try { netns::del(\"room9\"); } catch {}",
    ] {
        assert!(
            ran.stdout.lines().any(|known| known == line),
            "no {line:?} in:\n{}",
            ran.stdout
        );
    }
    run(&ran.stdout).fails(0, &[]);
    Nsx::new(&["import", "--strict", "-"]).input(script).run().fails(1, &[]);
}

#[test]
fn a_claim_that_does_not_hold_is_told_and_the_script_goes_on() {
    let ran = run(
        "claim(1, 2, \"one is two\");\nclaim([1, 2], [2]);\nclaim(host.link.show(\"lo\"), \"mtu 65536\");\nprint(\"on\");",
    );
    ran.fails(0, &[]);
    assert_eq!(
        ran.stdout,
        "claim does not hold: one is two\n    said: 2\n    here: 1\non\nclaims: 2 hold, 1 do not\n"
    );
}
