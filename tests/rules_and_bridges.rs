//! Policy routing, bridges from within, and the way to an address: what they do to packets.

use crate::builder::Nsx;

#[track_caller]
fn holds(script: &str) {
    let ran = Nsx::script(script).run();
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}

/// `a` with two ways to 10.9.0.1, which `far` has: over 10.0.1.0/24 and over 10.0.2.0/24.
const TWO_WAYS: &str = r#"
let a = netns::add("a");
let far = netns::add("far");
for way in [1, 2] {
    a.link.add(`eth${way}`, #{ type: "veth", peer: #{ name: `eth${way}`, netns: far }, up: true });
    far.link.set(`eth${way}`, #{ up: true });
    a.addr.add(`10.0.${way}.1/24`, #{ dev: `eth${way}` });
    far.addr.add(`10.0.${way}.2/24`, #{ dev: `eth${way}` });
}
for ns in [a, far] { ns.link.set("lo", #{ up: true }); }
far.addr.add("10.9.0.1/32", #{ dev: "lo" });
a.addr.add("10.8.0.1/32", #{ dev: "lo" });
a.addr.add("10.8.0.2/32", #{ dev: "lo" });
far.route.add("10.8.0.0/16", #{ via: "10.0.1.1" });
a.route.add("10.9.0.0/16", #{ via: "10.0.1.2" });
a.route.add("10.9.0.0/16", #{ via: "10.0.2.2", table: 100 });
"#;

#[test]
fn a_rule_chooses_another_table() {
    holds(&format!(
        r#"{TWO_WAYS}
assert_eq(a.route.get("10.9.0.1", #{{ from: "10.8.0.2" }}).dev, "eth1");
a.rule.add(#{{ from: "10.8.0.2", table: 100, priority: 100 }});
assert_eq(a.route.get("10.9.0.1", #{{ from: "10.8.0.2" }}).dev, "eth2", "the rule's table");
assert_eq(a.route.get("10.9.0.1", #{{ from: "10.8.0.1" }}).dev, "eth1", "the rule is not for this source");
a.rule.add(#{{ fwmark: "0x1/0xff", table: 100 }});
assert_eq(a.route.get("10.9.0.1", #{{ mark: 0x301 }}).dev, "eth2", "the mark under its mask");
assert_eq(a.route.get("10.9.0.1", #{{ mark: 2 }}).dev, "eth1");
a.rule.del(#{{ priority: 100 }});
assert_eq(a.route.get("10.9.0.1", #{{ from: "10.8.0.2" }}).dev, "eth1");
assert_eq(a.rule.show().map(|r| r.table), ["local", "100", "main", "default"]);
"#
    ));
}

#[test]
fn a_ping_takes_the_way_of_its_rule() {
    holds(&format!(
        r#"{TWO_WAYS}
assert(a.ping("10.9.0.1").ok, "by the table main");
a.link.set("eth1", #{{ down: true }});
far.route.replace("10.0.1.0/24", #{{ via: "10.0.2.1" }});
assert_eq(a.ping("10.9.0.1", #{{ timeout: "200ms" }}).error, "Network is unreachable");
a.rule.add(#{{ to: "10.9.0.0/16", table: 100 }});
assert(a.ping("10.9.0.1").ok, "by table 100");
a.rule.add(#{{ to: "10.9.0.0/16", type: "prohibit", priority: 5 }});
assert(!a.ping("10.9.0.1", #{{ timeout: "200ms" }}).ok, "prohibited before that");
a.rule.del(#{{ to: "10.9.0.0/16", type: "prohibit" }});
a.rule.add(#{{ to: "10.9.0.0/16", type: "blackhole", ipproto: "udp", dport: "1000-2000", priority: 5 }});
assert(a.ping("10.9.0.1").ok, "that is for UDP only");
"#
    ));
}

#[test]
fn rules_of_both_families() {
    holds(
        r#"
host.rule.add(#{ from: "2001:db8::/64", table: 100, priority: 100 });
host.rule.add(#{ table: 200, family: "inet6", priority: 200 });
host.rule.add(#{ not: true, iif: "nowhere", table: 300, priority: 300 });
assert_eq(host.rule.show(#{ family: "inet6" }).map(|r| r.priority), [0, 100, 200, 32766]);
let rule = host.rule.show(#{ priority: 300 })[0];
assert("not" in rule && "iif_detached" in rule, "it says so");
assert_eq(host.rule.show(#{ from: "2001:db8::/32" }).map(|r| r.src + "/" + r.srclen), ["2001:db8::/64"]);
host.rule.flush();
assert_eq(host.rule.show().map(|r| r.table), ["local"]);
assert_eq(host.rule.show(#{ family: "inet6" }).len(), 4, "the other family's stay");
"#,
    );
}

#[test]
fn what_is_wrong_with_a_rule_is_told() {
    for (call, status, words) in [
        ("host.rule.add()", 3, "rule add needs to be told which packets"),
        (
            "host.rule.add(#{ from: \"10.0.0.0/24\", to: \"fd00::/8\" })",
            3,
            "`to` is of family inet6, the rest of inet",
        ),
        ("host.rule.add(#{ form: \"10.0.0.0/24\" })", 3, "did you mean `from`?"),
        (
            "host.rule.del(#{ priority: 7 })",
            3,
            "no rule fits: see host.rule.show()",
        ),
        (
            "for n in 0..2 { host.rule.add(#{ table: 9, priority: 9 }) }",
            3,
            "there is one already",
        ),
        ("host.bridge.lnk.show()", 3, "did you mean `link`?"),
        ("host.addr.link.show()", 3, "addr has no link"),
        ("host.bridge.show()", 3, "bridge has no show"),
        (
            "host.bridge.link.set(\"lo\", #{ isolatd: true })",
            3,
            "did you mean `isolated`?",
        ),
        (
            "host.bridge.link.set(\"lo\", #{ isolated: true })",
            3,
            "is lo a port of a bridge?",
        ),
        (
            "host.bridge.vlan.add(\"lo\", #{})",
            3,
            "bridge vlan add: `vid` is missing",
        ),
        (
            "host.bridge.vlan.add(\"lo\", #{ vid: \"10-20\", pvid: true })",
            3,
            "`pvid` is for one VLAN",
        ),
        (
            "host.bridge.vlan.add(\"lo\", #{ vid: 4095 })",
            3,
            "wants a VLAN from 1 to 4094",
        ),
        ("host.bridge.fdb.add(\"02:00:00:00:00:09\")", 3, "`dev` is missing"),
        (
            "host.traceroute(\"127.0.0.1\", #{ max_hops: 0 })",
            3,
            "`max_hops` is at least 1",
        ),
    ] {
        Nsx::script(call).run().fails(status, &[words]);
    }
}

/// `host` with the bridge br0 of these keys, 10.0.0.1/24, and a, b, c on it by their ports pa, pb, pc.
fn bridged(keys: &str) -> String {
    format!(
        r#"
host.link.add("br0", #{{ type: "bridge", up: true{keys} }});
host.addr.add("10.0.0.1/24", #{{ dev: "br0" }});
fn member(number, name) {{
    let ns = netns::add(name);
    host.link.add("p" + name, #{{ type: "veth", peer: #{{ name: "eth0", netns: ns }}, master: "br0", up: true }});
    ns.addr.add(`10.0.0.${{number}}/24`, #{{ dev: "eth0" }});
    ns.link.set("eth0", #{{ up: true }});
    ns
}}
let a = member(2, "a");
let b = member(3, "b");
let c = member(4, "c");
const SOON = #{{ timeout: "300ms" }};
"#
    )
}

#[test]
fn isolated_ports_reach_the_bridge_only() {
    holds(&format!(
        r#"{}
assert(a.ping(b).ok && a.ping(c).ok, "all reach all");
for port in ["pa", "pb"] {{ host.bridge.link.set(port, #{{ isolated: true }}); }}
assert(!a.ping(b, SOON).ok, "isolated from each other");
assert(a.ping("10.0.0.1").ok && b.ping("10.0.0.1").ok, "the bridge");
assert(a.ping(c).ok && b.ping(c).ok, "a port that is not isolated");
assert_eq(host.bridge.link.show().map(|p| p.isolated), [true, true, false]);
host.bridge.link.set("pa", #{{ isolated: false }});
assert(a.ping(b).ok, "no more");
"#,
        bridged("")
    ));
}

#[test]
fn the_flags_of_a_port_show() {
    holds(&format!(
        r#"{}
host.bridge.link.set("pa", #{{ hairpin: true, guard: true, root_block: true, fastleave: true, learning: false, flood: false,
    mcast_flood: false, bcast_flood: false, mcast_router: 2, mcast_to_unicast: true, neigh_suppress: true,
    vlan_tunnel: true, locked: true, isolated: true, cost: 7, priority: 9, backup_port: "pb" }});
let port = host.bridge.link.show(#{{ dev: "pa" }})[0];
for key in ["hairpin", "guard", "root_block", "fastleave", "mcast_to_unicast", "neigh_suppress", "vlan_tunnel",
    "locked", "isolated"] {{ assert(port[key], key); }}
for key in ["learning", "flood", "mcast_flood", "bcast_flood"] {{ assert(!port[key], key); }}
assert_eq([port.cost, port.priority, port.mcast_router, port.backup_port], [7, 9, 2, "pb"]);
host.bridge.link.set("pa", #{{ nobackup_port: true, state: "disabled" }});
let port = host.bridge.link.show(#{{ dev: "pa" }})[0];
assert_eq([port.backup_port, port.state], [(), "disabled"]);
assert(!a.ping("10.0.0.1", SOON).ok, "a port that is out of use");
"#,
        bridged("")
    ));
}

#[test]
fn a_static_entry_says_where_frames_go() {
    holds(&format!(
        r#"{}
let mac = b.link.show("eth0").address;
assert(a.ping(b).ok, "learnt");
host.bridge.fdb.replace(mac, #{{ dev: "pc", master: true, "static": true, sticky: true }});
assert_eq(host.bridge.fdb.show(#{{ dev: "pc", state: "static" }}).map(|e| e.mac), [mac]);
assert(!a.ping(b, SOON).ok, "its frames go to c");
host.bridge.fdb.del(mac, #{{ dev: "pc", master: true }});
assert(a.ping(b).ok, "learnt again");
a.link.set("eth0", #{{ down: true }});
assert(eventually("3s", || host.bridge.link.show(#{{ dev: "pa" }})[0].state == "disabled"), "no carrier");
try {{
    host.bridge.fdb.add("02:00:00:00:00:08", #{{ dev: "pa", master: true, dynamic: true }});
    assert(false, "a port that does not forward learns nothing");
}} catch (e) {{
    assert_eq([e.errno, e.code], ["EPERM", "NSX004"]);
}}
try {{
    host.bridge.fdb.add("02:00:00:00:00:09", #{{ dev: "pa", master: true }});
    host.bridge.fdb.add("02:00:00:00:00:09", #{{ dev: "pa", master: true }});
    assert(false, "it is there");
}} catch (e) {{
    assert_eq([e.errno, e.op], ["EEXIST", "bridge fdb add 02:00:00:00:00:09 dev pa master"]);
}}
"#,
        bridged("")
    ));
}

#[test]
fn a_filtering_bridge_separates_vlans() {
    let script = format!(
        r#"{}
for port in ["pa", "pb", "pc"] {{ host.bridge.vlan.del(port, #{{ vid: 1 }}); }}
for port in ["pa", "pb"] {{ host.bridge.vlan.add(port, #{{ vid: 10, pvid: true, untagged: true }}); }}
host.bridge.vlan.add("pc", #{{ vid: 20, pvid: true, untagged: true }});
assert(a.ping(b).ok, "both in VLAN 10");
assert(!a.ping(c, SOON).ok, "10 and 20");
assert(!a.ping("10.0.0.1", SOON).ok, "the bridge itself is in neither");
host.bridge.vlan.add("br0", #{{ vid: 10, pvid: true, untagged: true, "self": true }});
assert(a.ping("10.0.0.1").ok, "now in 10");
host.bridge.vlan.add("pc", #{{ vid: 10, pvid: true, untagged: true }});
assert(a.ping(c).ok, "c moved to 10");
assert_eq(host.bridge.vlan.show(#{{ vid: 20 }}), host.bridge.vlan.show(#{{ dev: "pc", vid: 20 }}));
host.bridge.vlan.add("pc", #{{ vid: "100-102" }});
host.bridge.vlan.del("pc", #{{ vid: "101-102" }});
assert_eq(host.bridge.vlan.show(#{{ dev: "pc" }})[0].vlans.map(|v| v.vlan), [10, 20, 100]);
"#,
        bridged(", vlan_filtering: true")
    );
    let ran = Nsx::script(&script).run();
    if ran.lacks_kernel() {
        let call = "host.bridge.vlan.add(\"pa\", #{ vid: 10 })";
        let ran = Nsx::script(&format!("{}{call}", bridged(""))).run();
        ran.fails(4, &["CONFIG_BRIDGE_VLAN_FILTERING"]);
        return;
    }
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}

/// r0 - r1 - r2 - r3, routed along 10.0.1.0/24, 10.0.2.0/24, 10.0.3.0/24.
const LINE: &str = r#"
let line = [];
for n in 0..4 {
    let ns = netns::add(`r${n}`);
    ns.link.set("lo", #{ up: true });
    ns.sysctl.set("net.ipv4.ip_forward", 1);
    if n > 0 {
        let before = line[n - 1];
        before.link.add("right", #{ type: "veth", peer: #{ name: "left", netns: ns }, up: true });
        ns.link.set("left", #{ up: true });
        before.addr.add(`10.0.${n}.1/24`, #{ dev: "right" });
        ns.addr.add(`10.0.${n}.2/24`, #{ dev: "left" });
        ns.route.add("default", #{ via: `10.0.${n}.1` });
    }
    line.push(ns);
}
line[0].route.add("default", #{ via: "10.0.1.2" });
line[1].route.add("10.0.3.0/24", #{ via: "10.0.2.2" });
"#;

#[test]
fn a_traceroute_names_every_router() {
    let script = format!(
        r#"{LINE}
let way = line[0].traceroute("10.0.3.2");
assert_eq(way.map(|hop| hop.from), ["10.0.1.2", "10.0.2.2", "10.0.3.2"]);
assert_eq(way.map(|hop| hop.ttl), [1, 2, 3]);
assert(way.all(|hop| hop.error == "" && hop.rtt > 0.0), "each answered");
print(way);
assert_eq(line[0].traceroute(line[3]).map(|hop| hop.from), way.map(|hop| hop.from), "a netns for its address");
assert_eq(line[0].traceroute("10.0.3.2", #{{ max_hops: 2 }}).len(), 2);
line[2].route.add("10.7.0.0/16", #{{ type: "unreachable" }});
line[1].route.add("10.7.0.0/16", #{{ via: "10.0.2.2" }});
let lost = line[0].traceroute("10.7.0.1");
assert_eq([lost.len(), lost[1].from, lost[1].error], [2, "10.0.2.2", "Destination Host Unreachable"]);
line[2].route.replace("10.7.0.0/16", #{{ type: "blackhole" }});
let silent = line[0].traceroute("10.7.0.1", #{{ max_hops: 3, timeout: "200ms" }});
assert_eq(silent.map(|hop| hop.error), ["", "timeout", "timeout"]);
assert_eq(silent[2].rtt, ());
print(silent[2]);
"#
    );
    let printed = Nsx::script(&script).prints();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 4, "{printed}");
    for (line, start) in lines.iter().zip([" 1  10.0.1.2  ", " 2  10.0.2.2  ", " 3  10.0.3.2  "]) {
        assert!(line.starts_with(start) && line.ends_with(" ms"), "{printed}");
    }
    assert_eq!(lines[3], " 3  *");
}
