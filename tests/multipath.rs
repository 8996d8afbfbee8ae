//! A route over two next hops: flows are split between them, and go on over one when the other is lost.

use crate::builder::Nsx;

/// Two hosts on two wires. `b` answers for all of 10.9.0.0/16, which `a` reaches by either wire; `flows()` pings 200
/// addresses there, each of which is a flow, and says how many went by each.
const WIRES: &str = r#"
let a = netns::add("a");
let b = netns::add("b");
for i in [1, 2] {
    a.link.add(`eth${i}`, #{ type: "veth", peer: #{ name: `eth${i}`, netns: b } });
    a.addr.add(`10.0.${i}.1/24`, #{ dev: `eth${i}` });
    b.addr.add(`10.0.${i}.2/24`, #{ dev: `eth${i}` });
    a.link.set(`eth${i}`, #{ up: true });
    b.link.set(`eth${i}`, #{ up: true });
}
b.link.set("lo", #{ up: true });
b.route.add("10.9.0.0/16", #{ type: "local", dev: "lo" });
a.route.add("10.9.0.0/16", #{ nexthop: [ #{ via: "10.0.1.2" }, #{ via: "10.0.2.2" } ] });

fn flows(a) {
    let wires = [a.capture("eth1", #{ filter: "icmp and dst net 10.9.0.0/16" }),
                 a.capture("eth2", #{ filter: "icmp and dst net 10.9.0.0/16" })];
    let answered = 0;
    for i in 1..201 {
        if a.ping(`10.9.0.${i}`).ok { answered += 1; }
    }
    assert_eq(answered, 200, "every flow arrives");
    for wire in wires { wire.stop(); }
    wires.map(|wire| wire.packets)
}
"#;

#[track_caller]
fn holds(text: &str) {
    Nsx::script(&format!("{WIRES}{text}"))
        .unprivileged()
        .run()
        .fails(0, &[]);
}

#[test]
fn two_hundred_flows_are_split_and_survive_the_loss_of_one_next_hop() {
    holds(
        r#"
let split = flows(a);
assert_eq(split[0] + split[1], 200, "each by one wire");
assert(split[0] >= 60 && split[1] >= 60, `about half each: ${split}`);
a.link.set("eth2", #{ down: true });
assert_eq(flows(a), [200, 0], "all by the wire that is left");
a.link.set("eth2", #{ up: true });
assert(eventually("3s", || a.link.show("eth2").operstate == "UP"));
let again = flows(a);
assert(again[0] >= 60 && again[1] >= 60, `both again: ${again}`);
"#,
    );
}

#[test]
fn a_next_hop_whose_far_end_is_lost_is_left_out_where_that_is_wanted() {
    holds(
        r#"
for dev in ["all", "eth1", "eth2"] {
    a.sysctl.set(`net.ipv4.conf.${dev}.ignore_routes_with_linkdown`, 1);
}
b.link.set("eth1", #{ down: true });
assert(eventually("3s", || a.link.show("eth1").flags.contains("NO-CARRIER")));
assert_eq(flows(a), [0, 200], "all by the wire that is left");
"#,
    );
}

#[test]
fn weights_are_shares() {
    holds(
        r#"
a.route.replace("10.9.0.0/16", #{ nexthop: [ #{ via: "10.0.1.2", weight: 1 }, #{ via: "10.0.2.2", weight: 9 } ] });
let split = flows(a);
assert(split[0] > 0 && split[0] <= 50, `about a tenth: ${split}`);
"#,
    );
}

#[test]
fn flows_between_the_same_two_addresses_are_split_by_their_ports() {
    holds(
        r#"
a.sysctl.set("net.ipv4.fib_multipath_hash_policy", 1);
b.serve("http");
let wires = [a.capture("eth1", #{ filter: "tcp dst port 80" }), a.capture("eth2", #{ filter: "tcp dst port 80" })];
for i in 0..200 {
    assert_eq(a.fetch("http://10.9.0.1/").status, 200);
}
let packets = wires.map(|wire| wire.packets);
assert(packets[0] >= 200 && packets[1] >= 200, `of flows with five packets or so each: ${packets}`);
"#,
    );
}
