//! `rule`, `bridge.link`, `bridge.fdb`, `bridge.vlan`: what nsx does and shows against what `ip` and `bridge` do and show.

use crate::builder::Nsx;

crate::cases! {
    rules_of_every_key:
        "host.rule.add(#{ from: \"10.0.0.0/24\", to: \"10.9.0.1\", table: 100, priority: 100 });
         host.rule.add(#{ not: true, from: \"default\", iif: \"lo\", oif: \"nowhere\", fwmark: 7, tos: 16, table: \"local\" });
         host.rule.add(#{ fwmark: \"0x10/0xf0\", table: 1000000, suppress_prefixlength: 0 });
         host.rule.add(#{ ipproto: \"tcp\", sport: 80, dport: \"1000-2000\", priority: 7 });
         host.rule.add(#{ to: \"10.1.0.0/16\", \"goto\": 100, priority: 8 });
         host.rule.add(#{ from: \"10.2.0.0/16\", type: \"blackhole\", priority: 9 });
         host.rule.add(#{ from: \"10.3.0.0/16\", type: \"unreachable\", priority: 9 });
         host.rule.add(#{ from: \"10.4.0.0/16\", type: \"prohibit\", priority: 9 });
         host.rule.add(#{ from: \"10.5.0.0/16\", type: \"nop\", priority: 9 });
         host.rule.add(#{ from: \"10.6.0.0/16\", type: \"lookup\", table: 7, priority: 9 });
         host.rule.add(#{ from: \"10.7.0.0/16\", table: 8, protocol: \"static\", priority: 11 });
         host.rule.add(#{ from: \"2001:db8::/32\", table: 100 });
         host.rule.add(#{ family: \"inet6\", tos: \"0x20\", ipproto: 132, table: 7 })"
        = "ip rule add from 10.0.0.0/24 to 10.9.0.1 table 100 priority 100
           ip rule add not from all iif lo oif nowhere fwmark 7 tos 10 table local
           ip rule add fwmark 0x10/0xf0 table 1000000 suppress_prefixlength 0
           ip rule add ipproto tcp sport 80 dport 1000-2000 priority 7
           ip rule add to 10.1.0.0/16 goto 100 priority 8
           ip rule add from 10.2.0.0/16 blackhole priority 9
           ip rule add from 10.3.0.0/16 unreachable priority 9
           ip rule add from 10.4.0.0/16 prohibit priority 9
           ip rule add from 10.5.0.0/16 nop priority 9
           ip rule add from 10.6.0.0/16 lookup 7 priority 9
           ip rule add from 10.7.0.0/16 table 8 protocol static priority 11
           ip -6 rule add from 2001:db8::/32 table 100
           ip -6 rule add tos 20 ipproto 132 table 7";
    rules_deleted_by_every_key:
        "for table in 101..115 { host.rule.add(#{ table: table, priority: table }); }
         host.rule.add(#{ family: \"inet6\", table: 101 });
         host.rule.add(#{ not: true, from: \"10.0.0.0/24\", to: \"10.9.0.1\", iif: \"a\", oif: \"b\", fwmark: 7, tos: 16, ipproto: \"udp\",
             sport: 1, dport: 2, priority: 9, table: 9, suppress_prefixlength: 3 });
         host.rule.add(#{ to: \"10.1.0.0/16\", \"goto\": 105, priority: 8 });
         host.rule.add(#{ to: \"10.1.0.0/16\", type: \"prohibit\", priority: 8 });
         host.rule.del(#{ not: true, from: \"10.0.0.0/24\", to: \"10.9.0.1\", iif: \"a\", oif: \"b\", fwmark: 7, tos: 16, ipproto: \"udp\",
             sport: 1, dport: 2, priority: 9, table: 9, suppress_prefixlength: 3 });
         host.rule.del(#{ \"goto\": 105 }); host.rule.del(#{ type: \"prohibit\" }); host.rule.del(#{ table: 103 });
         host.rule.del(#{ priority: 104 }); host.rule.del(#{ family: \"inet6\", table: 101 });
         host.rule.add(#{ table: 9, priority: 12, protocol: \"static\" }); host.rule.del(#{ priority: 12, protocol: \"static\" })"
        = "for table in $(seq 101 114); do ip rule add table $table priority $table; done
           ip rule del table 103
           ip rule del priority 104";
    rules_flushed:
        "let ns0 = netns::add(\"ns0\");
         let ns1 = netns::add(\"ns1\");
         ns0.rule.add(#{ from: \"2001:db8::/32\", table: 100 });
         ns0.rule.flush();
         for ns in [host, ns1] {
             for keys in [#{ from: \"10.0.1.0/24\" }, #{ to: \"10.0.2.0/24\" }, #{ iif: \"a\" }, #{ oif: \"b\" }, #{ priority: 5 }, #{ table: 7 }] {
                 ns.rule.add(keys);
             }
         }
         ns1.rule.flush(#{ from: \"10.0.0.0/16\" }); ns1.rule.flush(#{ to: \"10.0.2.0/24\" }); ns1.rule.flush(#{ iif: \"a\" });
         ns1.rule.flush(#{ oif: \"b\" }); ns1.rule.flush(#{ priority: 5 }); ns1.rule.flush(#{ table: 7 });
         ns1.rule.flush(#{ family: \"inet6\" });
         host.rule.flush(#{ from: \"10.0.1.0/25\" })"
        = "ip netns add ns0; ip netns add ns1
           ip -n ns0 -6 rule add from 2001:db8::/32 table 100
           ip -n ns0 rule flush
           for n in '' '-n ns1'; do
               ip $n rule add from 10.0.1.0/24; ip $n rule add to 10.0.2.0/24; ip $n rule add iif a
               ip $n rule add oif b; ip $n rule add priority 5; ip $n rule add table 7
           done
           ip -n ns1 rule flush from 10.0.0.0/16; ip -n ns1 rule flush to 10.0.2.0/24; ip -n ns1 rule flush iif a
           ip -n ns1 rule flush oif b; ip -n ns1 rule flush priority 5; ip -n ns1 rule flush table 7
           ip -n ns1 -6 rule flush
           ip rule flush from 10.0.1.0/25";
    ports_with_every_key after "sysctl -qw net.ipv6.conf.default.disable_ipv6=1
           ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip link add va0 address 02:00:00:00:00:01 type veth peer name vb0 address 02:00:00:00:00:02
           ip link set va0 master br0 up
           ip link set vb0 master br0 up
           until [ $(bridge link | grep -c forwarding) = 2 ]; do sleep 0.05; done":
        "host.bridge.link.set(\"va0\", #{ priority: 9, cost: 7, hairpin: true, guard: true, root_block: true, fastleave: true, learning: false });
         host.bridge.link.set(\"va0\", #{ learning_sync: true, flood: false, mcast_flood: false, bcast_flood: false, mcast_router: 2, master: true });
         host.bridge.link.set(\"va0\", #{ mcast_to_unicast: true, neigh_suppress: true, vlan_tunnel: true, isolated: true, locked: true, backup_port: \"vb0\" });
         host.bridge.link.set(\"vb0\", #{ backup_port: \"va0\", \"self\": false });
         host.bridge.link.set(\"vb0\", #{ nobackup_port: true, hairpin: true });
         host.bridge.link.set(\"vb0\", #{ hairpin: false, state: \"disabled\" })"
        = "bridge link set dev va0 priority 9 cost 7 hairpin on guard on root_block on fastleave on learning off
           bridge link set dev va0 learning_sync on flood off mcast_flood off bcast_flood off mcast_router 2 master
           bridge link set dev va0 mcast_to_unicast on neigh_suppress on vlan_tunnel on isolated on locked on backup_port vb0
           bridge link set dev vb0 backup_port va0
           bridge link set dev vb0 nobackup_port hairpin on
           bridge link set dev vb0 hairpin off state disabled";
    entries_of_a_bridge after "sysctl -qw net.ipv6.conf.default.disable_ipv6=1
           ip link add br0 address 02:00:00:00:00:0b up type bridge
           ip link add va0 address 02:00:00:00:00:01 type veth peer name vb0 address 02:00:00:00:00:02
           ip link set va0 master br0 up
           ip link set vb0 up
           until bridge link | grep -q forwarding; do sleep 0.05; done":
        "host.bridge.fdb.add(\"02:00:00:00:01:01\", #{ dev: \"va0\", master: true });
         host.bridge.fdb.add(\"02:00:00:00:01:02\", #{ dev: \"va0\", master: true, \"static\": true, sticky: true });
         host.bridge.fdb.add(\"02:00:00:00:01:03\", #{ dev: \"va0\", master: true, dynamic: true });
         host.bridge.fdb.add(\"02:00:00:00:01:04\", #{ dev: \"va0\", master: true, local: true });
         host.bridge.fdb.add(\"02:00:00:00:01:05\", #{ dev: \"va0\", master: true, permanent: true, dynamic: false });
         host.bridge.fdb.add(\"02:00:00:00:01:06\", #{ dev: \"va0\", master: true, dynamic: true, extern_learn: true });
         host.bridge.fdb.add(\"02:00:00:00:01:07\", #{ dev: \"va0\", master: true, dynamic: true, \"use\": true });
         host.bridge.fdb.add(\"02:00:00:00:01:08\", #{ dev: \"va0\" });
         host.bridge.fdb.add(\"02:00:00:00:01:09\", #{ dev: \"br0\", \"self\": true });
         host.bridge.fdb.append(\"02:00:00:00:01:0a\", #{ dev: \"va0\", master: true, \"static\": true, sticky: true });
         host.bridge.fdb.append(\"02:00:00:00:01:0b\", #{ dev: \"va0\", master: true, dynamic: true, extern_learn: true });
         host.bridge.fdb.replace(\"02:00:00:00:01:0a\", #{ dev: \"va0\", master: true, dynamic: true });
         host.bridge.fdb.replace(\"02:00:00:00:01:0c\", #{ dev: \"va0\", master: true, \"static\": true, sticky: true });
         host.bridge.fdb.replace(\"02:00:00:00:01:0d\", #{ dev: \"va0\", master: true, local: true, permanent: true });
         host.bridge.fdb.del(\"02:00:00:00:01:05\", #{ dev: \"va0\", master: true, permanent: true, local: true });
         host.bridge.fdb.del(\"02:00:00:00:01:08\", #{ dev: \"va0\", \"self\": true })"
        = "fdb() { what=$1; mac=$2; shift 2; bridge fdb $what 02:00:00:00:01:$mac dev $*; }
           fdb add 01 va0 master
           fdb add 02 va0 master static sticky
           fdb add 03 va0 master dynamic
           fdb add 04 va0 master local
           fdb add 06 va0 master dynamic extern_learn
           fdb add 07 va0 master dynamic use
           fdb add 09 br0 self
           fdb append 0a va0 master static sticky
           fdb append 0b va0 master dynamic extern_learn
           fdb replace 0a va0 master dynamic
           fdb replace 0c va0 master static sticky
           fdb replace 0d va0 master local";
    entries_of_a_vxlan after "ip link add vx0 address 02:00:00:00:00:0c type vxlan id 42 dstport 4789 local 10.0.0.1
           ip link add vx1 address 02:00:00:00:00:0d type vxlan external dstport 4790
           ip nexthop add id 5 via 10.0.0.7 fdb; ip nexthop add id 7 group 5 fdb":
        "host.link.add(\"br0\", #{ type: \"bridge\", address: \"02:00:00:00:00:0b\", up: true });
         host.bridge.fdb.add(\"02:00:00:00:01:01\", #{ dev: \"vx0\", dst: \"10.0.0.2\", \"self\": true, permanent: true });
         host.bridge.fdb.add(\"02:00:00:00:01:02\", #{ dev: \"vx0\", dst: \"10.0.0.2\", port: 4000, vni: 7, via: \"br0\", router: true, \"static\": true });
         host.bridge.fdb.add(\"02:00:00:00:01:03\", #{ dev: \"vx0\", nhid: 7 });
         host.bridge.fdb.append(\"00:00:00:00:00:00\", #{ dev: \"vx0\", dst: \"10.0.0.3\", port: 4000, vni: 7, via: \"br0\", router: true });
         host.bridge.fdb.append(\"00:00:00:00:00:00\", #{ dev: \"vx0\", dst: \"10.0.0.4\", \"self\": true, local: true, permanent: true });
         host.bridge.fdb.append(\"02:00:00:00:01:04\", #{ dev: \"vx1\", dst: \"10.0.0.4\", src_vni: 9, \"use\": false });
         host.bridge.fdb.append(\"02:00:00:00:01:05\", #{ dev: \"vx0\", nhid: 7 });
         host.bridge.fdb.add(\"02:00:00:00:01:06\", #{ dev: \"vx1\", dst: \"10.0.0.4\", src_vni: 8, dynamic: true, extern_learn: true });
         host.bridge.fdb.replace(\"02:00:00:00:01:06\", #{ dev: \"vx1\", dst: \"10.0.0.5\", src_vni: 8, port: 5, vni: 6, via: \"br0\", router: true, extern_learn: true, \"self\": true, \"use\": false });
         host.bridge.fdb.replace(\"02:00:00:00:01:07\", #{ dev: \"vx0\", nhid: 7 });
         host.bridge.fdb.del(\"02:00:00:00:01:07\", #{ dev: \"vx0\", nhid: 7 });
         host.bridge.fdb.add(\"02:00:00:00:01:08\", #{ dev: \"vx1\", dst: \"10.0.0.5\", src_vni: 8, port: 5, vni: 6, via: \"br0\", router: true });
         host.bridge.fdb.del(\"02:00:00:00:01:08\", #{ dev: \"vx1\", dst: \"10.0.0.5\", src_vni: 8, port: 5, vni: 6, via: \"br0\", router: true,
             extern_learn: false, sticky: false, \"use\": false, \"static\": true, dynamic: true })"
        = "ip link add br0 address 02:00:00:00:00:0b up type bridge
           bridge fdb add 02:00:00:00:01:01 dev vx0 dst 10.0.0.2 self permanent
           bridge fdb add 02:00:00:00:01:02 dev vx0 dst 10.0.0.2 port 4000 vni 7 via br0 router static
           bridge fdb add 02:00:00:00:01:03 dev vx0 nhid 7
           bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.3 port 4000 vni 7 via br0 router
           bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.4 self local
           bridge fdb append 02:00:00:00:01:04 dev vx1 dst 10.0.0.4 src_vni 9
           bridge fdb append 02:00:00:00:01:05 dev vx0 nhid 7
           bridge fdb add 02:00:00:00:01:06 dev vx1 dst 10.0.0.4 src_vni 8 dynamic extern_learn
           bridge fdb replace 02:00:00:00:01:06 dev vx1 dst 10.0.0.5 src_vni 8 port 5 vni 6 via br0 router extern_learn self";
}

/// `same` compares what nsx shows with what a command says in the same namespace, as data and as text.
const SAME: &str = r#"
fn same(shown, ns, tool, words) {
    let json = ns.exec(`${tool} -j ${words}`, #{ check: true }).stdout;
    let told = parse_json(`{"all":${json}}`).all.filter(|fact| fact.len() > 0);
    assert_eq(shown.map(|fact| fact), told, `${ns.name}: ${tool} -j ${words}`);
    let text = ns.exec(`${tool} ${words}`, #{ check: true }).stdout;
    let printed = shown.to_string();
    assert_eq(if printed == "" { "" } else { printed + "\n" }, text, `${ns.name}: ${tool} ${words}`);
}
fn bridges(ns) {
    same(ns.bridge.link.show(), ns, "bridge -d", "link show");
    same(ns.bridge.fdb.show(), ns, "bridge", "fdb show");
    same(ns.bridge.fdb.show(#{ dynamic: true }), ns, "bridge", "fdb show dynamic");
    for state in ["permanent", "static", "stale", "reachable"] {
        same(ns.bridge.fdb.show(#{ state: state }), ns, "bridge", `fdb show state ${state}`);
    }
    same(ns.bridge.fdb.show(#{ vlan: 10 }), ns, "bridge", "fdb show vlan 10");
    same(ns.bridge.vlan.show(), ns, "bridge", "vlan show");
    same(ns.bridge.vlan.show(#{ vid: 10 }), ns, "bridge", "vlan show vid 10");
    for link in ns.link.show() {
        let dev = link.ifname;
        same(ns.bridge.link.show(#{ dev: dev }), ns, "bridge -d", `link show dev ${dev}`);
        same(ns.bridge.fdb.show(#{ dev: dev }), ns, "bridge", `fdb show dev ${dev}`);
        same(ns.bridge.vlan.show(#{ dev: dev }), ns, "bridge", `vlan show dev ${dev}`);
        if dev.starts_with("br") { same(ns.bridge.fdb.show(#{ br: dev }), ns, "bridge", `fdb show br ${dev}`); }
    }
}
fn sh(ns, line) { ns.exec("set -e\n" + line, #{ check: true }); }
"#;

#[track_caller]
fn agrees(script: &str) {
    crate::tools();
    Nsx::script(&format!("{SAME}\n{script}")).run().fails(0, &[]);
}

#[test]
fn rules_show_as_ip_shows_them() {
    agrees(
        r#"
sh(host, `ip link add br0 type bridge
    ip rule add from 10.0.0.0/24 to 10.9.0.1 table 100 priority 100
    ip rule add not from 10.0.0.9 to 10.8.0.0/16 iif lo oif nowhere fwmark 7 tos 0x10 table local
    ip rule add fwmark 0x10/0xf0 table 1000000 suppress_prefixlength 0
    ip rule add fwmark 0/0xf0 iif br0 table 5 suppress_ifgroup default
    ip rule add from 0/8 to 0/8 ipproto tcp sport 80 dport 1000-2000 priority 7
    ip rule add ipproto 250 sport 10-20 dport 53 uidrange 5-10 priority 7
    ip rule add to 10.1.0.0/16 goto 100 priority 8
    ip rule add to 10.1.1.0/24 goto 101 priority 8
    ip rule add from 10.2.0.0/16 blackhole priority 9
    ip rule add from 10.3.0.0/16 unreachable priority 9 table 3
    ip rule add from 10.4.0.0/16 prohibit priority 9
    ip rule add from 10.5.0.0/16 nop priority 9
    ip rule add from 10.6.0.0/16 realms 5/7 protocol static priority 9
    ip rule add from 10.7.0.0/16 realms 7 protocol 77 tun_id 9 priority 9
    ip -6 rule add from 2001:db8::/32 to fd00::1 table 100 suppress_prefixlength 8
    ip -6 rule add tos 0x20 ipproto ipv6-icmp prohibit`);
same(host.rule.show(), host, "ip", "rule");
same(host.rule.show(#{ family: "inet6" }), host, "ip", "-6 rule");
same(host.rule.show(#{ priority: 9 }), host, "ip", "rule show priority 9");
same(host.rule.show(#{ priority: 0 }), host, "ip", "rule show priority 0");
same(host.rule.show(#{ table: 100 }), host, "ip", "rule show table 100");
same(host.rule.show(#{ table: 1000000 }), host, "ip", "rule show table 1000000");
same(host.rule.show(#{ from: "10.0.0.0/8" }), host, "ip", "rule show from 10.0.0.0/8");
same(host.rule.show(#{ from: "10.0.0.0/25" }), host, "ip", "rule show from 10.0.0.0/25");
same(host.rule.show(#{ to: "10.1.0.0/16" }), host, "ip", "rule show to 10.1.0.0/16");
same(host.rule.show(#{ iif: "br0" }), host, "ip", "rule show iif br0");
same(host.rule.show(#{ oif: "nowhere" }), host, "ip", "rule show oif nowhere");
same(host.rule.show(#{ from: "2001::/16" }), host, "ip", "-6 rule show from 2001::/16");
same(host.rule.show(#{ priority: 77 }), host, "ip", "rule show priority 77");
"#,
    );
}

#[test]
fn bridges_show_as_bridge_shows_them() {
    agrees(
        r#"
let ns0 = netns::add("ns0");
bridges(host);
sh(host, `ip link add br0 up type bridge
    ip link add br1 type bridge
    ip link add va0 type veth peer name vb0
    ip link add vc0 type veth peer name eth0 netns ns0
    ip link add vx0 type vxlan id 42 dstport 4789
    ip link set va0 master br0 up
    ip link set vb0 up
    ip link set vc0 master br0 up
    ip link set vx0 master br1
    bridge link set dev va0 hairpin on isolated on cost 7 backup_port vc0
    bridge fdb add 02:00:00:00:01:01 dev va0 master static sticky
    bridge fdb add 02:00:00:00:01:02 dev vc0 master permanent
    bridge fdb add 02:00:00:00:01:03 dev br0 self
    bridge fdb add 02:00:00:00:01:04 dev vx0 dst 10.0.0.2 port 4000 vni 7 via va0 self
    bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.3
    bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.4 router dynamic`);
assert(eventually("3s", || host.bridge.link.show(#{ dev: "va0" })[0].state == "forwarding"), "it comes up");
sh(host, "bridge fdb add 02:00:00:00:01:05 dev va0 master dynamic extern_learn");
bridges(host);
bridges(ns0);
"#,
    );
}

#[test]
fn vlans_do_and_show_as_bridge_has_it() {
    let before = "host.link.add(\"br0\", #{ type: \"bridge\", vlan_filtering: true });";
    if Nsx::script(before).run().lacks_kernel() {
        return;
    }
    agrees(VLANS);
}

const VLANS: &str = r#"
let spaces = ["ns0", "ns1"].map(|name| netns::add(name));
for ns in spaces {
    ns.link.add("br0", #{ type: "bridge", vlan_filtering: true });
    ns.link.add("va0", #{ type: "veth", peer: "vb0", master: "br0" });
}
let ns0 = spaces[0];
let vlan = ns0.bridge.vlan;
vlan.add("va0", #{ vid: 10, pvid: true, untagged: true });
vlan.add("va0", #{ vid: "20-25", untagged: true, master: true });
vlan.add("br0", #{ vid: 10, "self": true });
vlan.del("va0", #{ vid: "22-23" });
vlan.del("va0", #{ vid: 1, master: true });
vlan.del("br0", #{ vid: 1, "self": true });
ns0.bridge.fdb.add("02:00:00:00:01:01", #{ dev: "va0", master: true, vlan: 10 });
sh(spaces[1], `bridge vlan add dev va0 vid 10 pvid untagged
    bridge vlan add dev va0 vid 20-25 untagged master
    bridge vlan add dev br0 vid 10 self
    bridge vlan del dev va0 vid 22-23
    bridge vlan del dev va0 vid 1 master
    bridge vlan del dev br0 vid 1 self
    bridge fdb add 02:00:00:00:01:01 dev va0 master vlan 10`);
for ns in spaces { bridges(ns); }
assert_eq(spaces[0].bridge.vlan.show(), spaces[1].bridge.vlan.show(), "the same done");
"#;
