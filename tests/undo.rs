//! `:undo`, for each kind of operation: afterwards everything is as it was.

use super::builder::Nsx;
use super::terminal::Terminal;

/// Two namespaces joined, a bridge, and what tells the state of a namespace: all that is shown, without numbers that
/// the kernel gives and counts.
const LAB: &str = r#"
let ns0 = netns::add("ns0");
host.link.add("veth0", #{ type: "veth", peer: #{ name: "eth0", netns: ns0, address: "02:00:00:00:00:02" }, address: "02:00:00:00:00:01" });
for dev in [[host, "veth0", "10.0.0.1/24", "fd00::1/64"], [ns0, "eth0", "10.0.0.2/24", "fd00::2/64"]] {
    dev[0].link.set(dev[1], #{ addrgenmode: "none", up: true });
    dev[0].addr.add(dev[2], #{ dev: dev[1] });
    dev[0].addr.add(dev[3], #{ dev: dev[1], nodad: true });
}
ns0.route.add("default", #{ via: "10.0.0.1", src: "10.0.0.2" });
ns0.route.add("10.7.0.0/16", #{ dev: "eth0", metric: 7, mtu: 1300 });
host.route.add("10.8.0.0/16", #{ nexthop: [#{ via: "10.0.0.2", weight: 2 }, #{ via: "10.0.0.3" }] });
host.link.add("br0", #{ type: "bridge", address: "02:00:00:00:00:03", addrgenmode: "none", up: true });
host.link.add("p0", #{ type: "veth", peer: "p1", master: "br0", address: "02:00:00:00:00:04" });

fn fields(fact, names) {
    names.map(|name| fact[name])
}
fn state(ns) {
    let state = #{
        links: ns.link.show().map(|l| fields(l, ["ifname", "mtu", "address", "master", "ifalias", "txqlen"]) + [l.flags.contains("UP")]),
        addrs: ns.addr.show().map(|l| [l.ifname] + l.addr_info.map(|a| fields(a, ["local", "prefixlen", "address", "broadcast", "scope", "label"]))),
        routes: ns.route.show(#{ table: "all", family: "inet" }).map(|r| fields(r, ["type", "dst", "gateway", "dev", "table", "protocol", "scope", "prefsrc", "metric", "metrics"]) + [(r.nexthops ?? []).map(|h| fields(h, ["gateway", "weight"]))]),
        routes6: ns.route.show(#{ table: "all", family: "inet6" }).filter(|r| r.dst != "ff00::/8").map(|r| fields(r, ["type", "dst", "gateway", "dev", "table", "metric"])),
        rules: ns.rule.show() + ns.rule.show(#{ family: "inet6" }),
        neighbours: ns.neigh.show().filter(|n| n.state == ["PERMANENT"]),
        ports: ns.bridge.link.show().map(|p| { p.remove("ifindex"); p }),
        fdb: ns.bridge.fdb.show(#{ state: "static" }),
        qdiscs: ns.qdisc.show().filter(|q| q.handle != "0:").map(|q| { q.options.remove("direct_packets_stat"); q }),
        classes: ns.class.show(),
        nat: ns.nat.show().map(|r| { r.remove("handle"); r }),
        filter: ns.filter.show().map(|r| { r.remove("handle"); r }),
        forward: ns.sysctl.get("net.ipv4.ip_forward"),
        group: ns.exec("cat /sys/class/net/br*/bridge/ageing_time /sys/class/net/br*/bridge/stp_state").stdout,
    };
    for key in state.keys() {
        if type_of(state[key]) == "array" {
            let texts = state[key].map(|item| item.to_string());
            if key != "filter" && key != "nat" && key != "rules" {
                texts.sort();
            }
            state[key] = texts;
        }
    }
    state
}
fn whole() {
    netns::list().map(|name| [name, state(netns::get(name))]) + [["host", state(host)]]
}
let before = [];
"#;

/// What is done before, and what is undone: one input each.
const CASES: &[(&str, &str)] = &[
    ("", r#"netns::add("ns1")"#),
    (
        "",
        r#"host.link.add("d0", #{ type: "veth", peer: "d1", mtu: 1400, up: true })"#,
    ),
    (
        "",
        r#"host.link.add("v0", #{ type: "veth", peer: #{ name: "v1", netns: ns0 } }); ns0.link.set("v1", #{ up: true }); ns0.addr.add("10.5.0.1/24", #{ dev: "v1" })"#,
    ),
    ("", r#"host.link.add("m0", #{ type: "veth", peer: "m1", netns: ns0 })"#),
    (
        "",
        r#"host.link.set("veth0", #{ mtu: 1400, alias: "a b", txqueuelen: 77, address: "02:00:00:00:00:09" })"#,
    ),
    ("", r#"host.link.set("br0", #{ name: "br9" })"#),
    ("", r#"host.link.set("p0", #{ nomaster: true })"#),
    ("", r#"host.link.set("p1", #{ master: "br0", up: true })"#),
    ("", r#"ns0.link.set("eth0", #{ down: true })"#),
    ("", r#"host.link.set("veth0", #{ up: false })"#),
    ("", r#"ns0.link.set("eth0", #{ netns: host, name: "moved" })"#),
    (
        "",
        r#"host.link.set("br0", #{ type: "bridge", ageing_time: 1000, stp_state: true })"#,
    ),
    ("", r#"host.link.del("veth0")"#),
    ("", r#"ns0.link.del("eth0")"#),
    (
        "host.addr.add(\"10.3.0.1/24\", #{ dev: \"br0\" })",
        r#"host.link.del("br0")"#,
    ),
    (
        "",
        r#"host.addr.add("10.4.0.1/24", #{ dev: "br0", broadcast: "+", label: "br0:x" })"#,
    ),
    ("", r#"ns0.addr.del("10.0.0.2/24", #{ dev: "eth0" })"#),
    (
        "host.addr.add(\"10.0.0.5/24\", #{ dev: \"veth0\" })",
        r#"host.addr.del("10.0.0.1/24", #{ dev: "veth0" })"#,
    ),
    (
        "host.addr.add(\"10.6.0.1/32\", #{ dev: \"br0\", peer: \"10.6.0.2/32\" })",
        r#"host.addr.flush(#{ dev: "br0" })"#,
    ),
    ("", r#"ns0.addr.flush(#{ dev: "eth0" })"#),
    (
        "",
        r#"ns0.route.add("10.9.0.0/16", #{ via: "10.0.0.1" }); ns0.route.add("10.66.0.0/16", #{ type: "blackhole" })"#,
    ),
    ("", r#"ns0.route.replace("default", #{ via: "10.0.0.9" })"#),
    ("", r#"ns0.route.replace("10.10.0.0/16", #{ dev: "eth0", table: 100 })"#),
    ("", r#"ns0.route.del("default")"#),
    ("", r#"ns0.route.del("10.7.0.0/16")"#),
    ("", r#"host.route.del("10.8.0.0/16")"#),
    ("", r#"ns0.route.flush()"#),
    (
        "ns0.route.add(\"fd01::/64\", #{ via: \"fd00::1\" })",
        r#"ns0.route.flush(#{ family: "inet6", dev: "eth0" })"#,
    ),
    (
        "",
        r#"host.rule.add(#{ from: "10.0.0.0/24", table: 100 }); host.rule.add(#{ fwmark: "0x1/0xff", type: "blackhole", priority: 7 })"#,
    ),
    (
        "host.rule.add(#{ from: \"10.0.0.0/24\", to: \"10.1.0.0/16\", iif: \"br0\", dport: \"7-9\", ipproto: \"udp\", table: 100, priority: 9 })",
        r#"host.rule.del(#{ priority: 9 })"#,
    ),
    (
        "host.rule.add(#{ from: \"10.0.0.0/24\", table: 100 })",
        r#"host.rule.flush()"#,
    ),
    (
        "",
        r#"host.neigh.add("10.0.0.9", #{ dev: "veth0", lladdr: "02:00:00:00:00:19" })"#,
    ),
    (
        "host.neigh.add(\"10.0.0.9\", #{ dev: \"veth0\", lladdr: \"02:00:00:00:00:19\" })",
        r#"host.neigh.replace("10.0.0.9", #{ dev: "veth0", lladdr: "02:00:00:00:00:29" })"#,
    ),
    (
        "host.neigh.add(\"10.0.0.9\", #{ dev: \"veth0\", lladdr: \"02:00:00:00:00:19\" })",
        r#"host.neigh.del("10.0.0.9", #{ dev: "veth0" })"#,
    ),
    (
        "",
        r#"host.bridge.link.set("p0", #{ isolated: true, learning: false, cost: 77, priority: 5 })"#,
    ),
    (
        "",
        r#"host.bridge.fdb.add("02:00:00:00:00:0a", #{ dev: "p0", master: true, "static": true })"#,
    ),
    (
        "host.bridge.fdb.add(\"02:00:00:00:00:0a\", #{ dev: \"p0\", master: true, \"static\": true })",
        r#"host.bridge.fdb.del("02:00:00:00:00:0a", #{ dev: "p0", master: true })"#,
    ),
    (
        "host.bridge.fdb.add(\"02:00:00:00:00:0a\", #{ dev: \"p0\", master: true, \"static\": true }); host.link.set(\"p1\", #{ master: \"br0\" })",
        r#"host.bridge.fdb.replace("02:00:00:00:00:0a", #{ dev: "p1", master: true, "static": true })"#,
    ),
    (
        "",
        r#"host.qdisc.add("veth0", #{ kind: "tbf", rate: "10mbit", burst: "32kb", latency: "50ms" })"#,
    ),
    (
        "host.qdisc.add(\"veth0\", #{ kind: \"tbf\", rate: \"10mbit\", burst: \"32kb\", latency: \"50ms\" })",
        r#"host.qdisc.replace("veth0", #{ kind: "pfifo", limit: 9 })"#,
    ),
    (
        "host.qdisc.add(\"veth0\", #{ kind: \"pfifo\", limit: 9 })",
        r#"host.qdisc.change("veth0", #{ kind: "pfifo", limit: 19 })"#,
    ),
    (
        "host.qdisc.add(\"veth0\", #{ kind: \"htb\", handle: \"1:\", \"default\": \"10\" }); host.class.add(\"veth0\", #{ parent: \"1:\", classid: \"1:10\", rate: \"1mbit\", ceil: \"2mbit\", prio: 1 })",
        r#"host.qdisc.del("veth0")"#,
    ),
    (
        "host.qdisc.add(\"veth0\", #{ kind: \"htb\", handle: \"1:\" }); host.class.add(\"veth0\", #{ parent: \"1:\", classid: \"1:10\", rate: \"1mbit\" })",
        r#"host.class.replace("veth0", #{ parent: "1:", classid: "1:10", rate: "3mbit" }); host.class.add("veth0", #{ parent: "1:", classid: "1:20", rate: "1mbit" })"#,
    ),
    (
        "host.qdisc.add(\"veth0\", #{ kind: \"htb\", handle: \"1:\" }); host.class.add(\"veth0\", #{ parent: \"1:\", classid: \"1:10\", rate: \"1mbit\" })",
        r#"host.class.del("veth0", #{ classid: "1:10" })"#,
    ),
    (
        "",
        r#"host.nat.masquerade("10.1.1.0/24"); host.nat.dnat(#{ proto: "tcp", dport: 8080, to: "10.1.1.10:80" })"#,
    ),
    (
        "host.nat.masquerade(\"10.1.1.0/24\"); host.nat.masquerade(\"10.2.0.0/16\", #{ oif: \"br0\" })",
        r#"let first = host.nat.show()[0]; host.nat.del(first.chain, first.handle)"#,
    ),
    (
        "host.nat.masquerade(\"10.1.1.0/24\"); host.nat.redirect(#{ proto: \"tcp\", dport: 80, to: 8080 })",
        r#"host.nat.flush()"#,
    ),
    (
        "",
        r#"host.filter.policy("forward", "drop"); host.filter.add("forward", #{ iif: "br0", verdict: "accept", comment: "in" }); host.filter.add("input", #{ icmp_type: 8, verdict: "drop" })"#,
    ),
    (
        "for port in [22, 23, 24] { host.filter.add(\"input\", #{ proto: \"tcp\", dport: port, verdict: \"drop\" }) }",
        r#"let second = host.filter.show()[1]; host.filter.del(second.chain, second.handle)"#,
    ),
    (
        "host.filter.add(\"input\", #{ proto: \"tcp\", dport: 22, verdict: \"drop\" }); host.filter.add(\"forward\", #{ ct: [\"established\", \"related\"], verdict: \"accept\" })",
        r#"host.filter.flush()"#,
    ),
    // Where several say the same, the one that was inserted goes, and the one that went comes back.
    (
        "for port in [22, 23, 22] { host.filter.add(\"input\", #{ proto: \"tcp\", dport: port, verdict: \"drop\" }) }",
        r#"host.filter.insert("input", 3, #{ proto: "tcp", dport: 23, verdict: "drop" }); host.filter.insert("input", #{ proto: "tcp", dport: 22, verdict: "drop" })"#,
    ),
    (
        "for port in [22, 23, 22] { host.filter.add(\"input\", #{ proto: \"tcp\", dport: port, verdict: \"drop\" }) }",
        r#"host.filter.remove("input", #{ proto: "tcp", dport: 22, verdict: "drop" })"#,
    ),
    ("", r#"host.sysctl.set("net.ipv4.ip_forward", 1)"#),
];

/// Shows where the state is another one than before, and at last whether it is the same.
const COMPARE: &str = "let now = whole(); for i in 0..before.len() { for key in before[i][1].keys() { \
    if before[i][1][key] != now[i][1][key] { print(`${before[i][0]} ${key}: ${before[i][1][key]} -> ${now[i][1][key]}`); } \
    } } (now == before)";

/// Does a change and undoes it; what is wrong then.
fn undo(setup: &str, change: &str) -> Option<String> {
    let nsx = Nsx::new(&["repl", "lab.rhai"]).file("lab.rhai", &format!("{LAB}{setup}\n"));
    let terminal = Terminal::sized(&nsx, 250, 50);
    terminal
        .enters("before = whole()")
        .enters(change)
        .clears()
        .enters("whole() != before");
    if !terminal.screen().contains("\ntrue\n") {
        return Some(format!("{change}: it changes nothing\n{}", terminal.screen()));
    }
    terminal.enters(":undo").enters(COMPARE);
    let screen = terminal.screen();
    let is_undone = screen.contains("\n+ ") && screen.trim_end().ends_with("\ntrue\nnsx>") && !screen.contains('×');
    (!is_undone).then(|| format!("{setup}\n{change}\n{screen}"))
}

#[test]
fn each_kind_of_operation_is_undone() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let undone = CASES.chunks(CASES.len().div_ceil(4)).map(|cases| {
            scope.spawn(move || {
                cases
                    .iter()
                    .filter_map(|(setup, change)| undo(setup, change))
                    .collect::<Vec<_>>()
            })
        });
        let undone: Vec<_> = undone.collect();
        undone
            .into_iter()
            .flat_map(|thread| thread.join().expect("it is undone"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_cannot_be_undone_is_said() {
    let nsx = Nsx::new(&["repl", "lab.rhai"]).file("lab.rhai", LAB);
    let terminal = Terminal::open(&nsx);
    terminal.enters("netns::del(\"ns0\")").enters(":undo");
    terminal.sees("netns del ns0 in host cannot be undone: all that was in ns0 is gone");
}

#[test]
fn undo_goes_back_input_by_input() {
    let nsx = Nsx::new(&[]);
    let terminal = Terminal::open(&nsx);
    terminal
        .enters("let a = netns::add(\"a\")")
        .enters("let b = netns::add(\"b\"); b.link.show(\"no\")");
    terminal.enters("netns::list()").sees("[\"a\", \"b\"]").clears();
    terminal
        .enters(":undo")
        .sees("+ ip netns del b")
        .enters(":undo")
        .sees("+ ip netns del a");
    terminal
        .enters(":undo")
        .sees("there is nothing to undo")
        .enters("netns::list()")
        .sees("[]");
}
