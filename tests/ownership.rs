//! What a lab on the machine does to things that it did not make is taken back exactly once, and only where it is still as the
//! lab left it.

use crate::host::{KILL, leaves_nothing, with_decoys};
use crate::machine::Machine;

/// Changes of things that were there, what somebody else makes of each since, and a word of what is then said.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "host.addr.add(\"10.5.0.1/24\", #{ dev: \"br9\" });",
        "host.addr.del(\"10.5.0.1/24\", #{ dev: \"br9\" }); host.addr.add(\"10.5.0.1/24\", #{ dev: \"br9\", label: \"br9:x\" });",
        "10.5.0.1/24",
    ),
    (
        "host.link.set(\"br9\", #{ mtu: 1400 });",
        "host.link.set(\"br9\", #{ mtu: 1300 });",
        "mtu 1500",
    ),
    ("host.link.set(\"br9\", #{ alias: \"mine\" });", "", ""),
    (
        "host.neigh.add(\"172.31.9.7\", #{ dev: \"br9\", lladdr: \"02:00:00:00:00:09\" });",
        "host.neigh.replace(\"172.31.9.7\", #{ dev: \"br9\", lladdr: \"02:00:00:00:00:0a\" });",
        "172.31.9.7",
    ),
    (
        "host.bridge.fdb.add(\"02:00:00:00:00:09\", #{ dev: \"veth8\", master: true, \"static\": true });",
        "host.bridge.fdb.replace(\"02:00:00:00:00:09\", #{ dev: \"veth8\", master: true, dynamic: true });",
        "02:00:00:00:00:09",
    ),
    (
        "host.bridge.link.set(\"veth8\", #{ cost: 7 });",
        "host.bridge.link.set(\"veth8\", #{ cost: 9 });",
        "cost",
    ),
    (
        "host.qdisc.add(\"veth9\", #{ kind: \"tbf\", rate: \"1mbit\", burst: \"10k\", limit: \"10k\" });",
        "host.qdisc.replace(\"veth9\", #{ kind: \"tbf\", rate: \"2mbit\", burst: \"10k\", limit: \"10k\" });",
        "veth9",
    ),
    ("host.route.del(\"172.30.0.0/16\");", "", ""),
    (
        "host.rule.del(#{ from: \"172.30.0.0/16\", table: 99, priority: 1234 });",
        "",
        "",
    ),
];

#[test]
fn what_is_as_the_lab_left_it_is_put_back_once() {
    let (machine, before) = with_decoys();
    for (change, ..) in CHANGES {
        for end in ["", KILL] {
            let ran = machine.host(&format!("{change}{end}"));
            let expected = if end.is_empty() { 0 } else { 137 };
            assert_eq!(ran.status, expected, "{change}: {}", ran.stderr);
            if !end.is_empty() {
                machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
            }
            leaves_nothing(&machine, &before);
        }
    }
}

#[test]
fn what_somebody_changed_since_is_left() {
    let (machine, before) = with_decoys();
    for (change, since, words) in CHANGES.iter().filter(|(_, since, _)| !since.is_empty()) {
        machine.host(&format!("{change}{KILL}")).fails(137, &[]);
        machine.lays(since);
        let changed = machine.state();
        let cleaned = machine.nsx(&["clean"]);
        cleaned.fails(3, &["NSX040", "left as it is", "changed since", words]);
        assert_eq!(machine.state(), changed, "{change}");
        // Whoever changed it puts it back as it was before the lab, which is then done with.
        let undo = match *words {
            "10.5.0.1/24" => "host.addr.del(\"10.5.0.1/24\", #{ dev: \"br9\" });",
            "mtu 1500" => "host.link.set(\"br9\", #{ mtu: 1500 });",
            "172.31.9.7" => "host.neigh.del(\"172.31.9.7\", #{ dev: \"br9\" });",
            "02:00:00:00:00:09" => "host.bridge.fdb.del(\"02:00:00:00:00:09\", #{ dev: \"veth8\", master: true });",
            "cost" => "host.bridge.link.set(\"veth8\", #{ cost: 2 });",
            _ => "host.qdisc.del(\"veth9\");",
        };
        machine.lays(undo);
        machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
        leaves_nothing(&machine, &before);
    }
}

#[test]
fn what_somebody_took_away_since_is_not_missed() {
    let (machine, before) = with_decoys();
    let change = "host.addr.add(\"10.5.0.1/24\", #{ dev: \"br9\" }); host.neigh.add(\"172.31.9.7\", #{ dev: \"br9\", lladdr: \"02:00:00:00:00:09\" });";
    machine.host(&format!("{change}{KILL}")).fails(137, &[]);
    machine
        .lays("host.addr.del(\"10.5.0.1/24\", #{ dev: \"br9\" }); host.neigh.del(\"172.31.9.7\", #{ dev: \"br9\" });");
    machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
    leaves_nothing(&machine, &before);
}

/// Its own doing is not somebody else's.
#[test]
fn a_lab_may_change_a_thing_again_and_again() {
    let (machine, before) = with_decoys();
    for script in [
        "host.link.set(\"br9\", #{ mtu: 1400 }); host.link.set(\"br9\", #{ mtu: 1300, down: true }); host.link.set(\"br9\", #{ name: \"br8\" });",
        "host.link.add(\"br0\", #{ type: \"bridge\" }); host.link.set(\"veth8\", #{ master: \"br0\" }); host.link.del(\"br0\");",
        "host.link.add(\"br0\", #{ type: \"bridge\" }); host.link.set(\"veth8\", #{ master: \"br0\" });
host.link.set(\"veth8\", #{ nomaster: true }); host.link.set(\"br0\", #{ name: \"br1\" }); host.link.set(\"veth8\", #{ master: \"br1\" }); host.link.del(\"br1\");",
        "host.addr.add(\"10.5.0.1/24\", #{ dev: \"br9\" }); host.addr.del(\"10.5.0.1/24\", #{ dev: \"br9\" });
host.addr.flush(#{ dev: \"br9\" }); host.addr.add(\"172.31.9.1/24\", #{ dev: \"br9\" });",
        "host.sysctl.set(\"net.ipv4.conf.lo.forwarding\", 1); host.sysctl.set(\"net.ipv4.ip_forward\", 1); host.sysctl.set(\"net.ipv4.ip_forward\", 0);",
    ] {
        for end in ["", KILL] {
            let ran = machine.host(&format!("{script}{end}"));
            assert_eq!(ran.status, if end.is_empty() { 0 } else { 137 }, "{script}: {}", ran.stderr);
            if !end.is_empty() {
                machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
            }
            machine.is_as(&before, script);
            leaves_nothing(&machine, &before);
        }
    }
}

#[test]
fn a_device_that_was_moved_comes_back_before_its_namespace_goes() {
    let (machine, before) = with_decoys();
    let moved = "let ns0 = netns::add(\"ns0\"); host.link.set(\"veth9\", #{ netns: ns0 }); ns0.link.set(\"veth9\", #{ up: true, mtu: 1400 });
ns0.addr.add(\"10.5.0.1/24\", #{ dev: \"veth9\" });";
    for (script, status) in [
        (
            format!("{moved} ns0.del(); assert_eq(host.link.show(\"veth9\").mtu, 1500);"),
            0,
        ),
        (
            format!("{moved} ns0.link.set(\"veth9\", #{{ name: \"eth0\" }}); ns0.del();"),
            0,
        ),
        (moved.to_string(), 0),
        (format!("{moved} ns0.link.set(\"veth9\", #{{ name: \"eth0\" }});"), 0),
        (format!("{moved}{KILL}"), 137),
    ] {
        let ran = machine.host(&script);
        assert_eq!(ran.status, status, "{script}: {}", ran.stderr);
        if status != 0 {
            machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
        }
        leaves_nothing(&machine, &before);
    }
    machine
        .host(&format!("{moved} ns0.link.del(\"veth9\");"))
        .fails(3, &["NSX038", "veth9 in ns0 is not this lab's"]);
    leaves_nothing(&machine, &before);
}

#[test]
fn only_its_own_is_deleted() {
    let (machine, before) = with_decoys();
    for (script, words) in [
        ("host.link.del(\"br9\");", "br9 in host is not this lab's"),
        ("netns::del(\"ns9\");", "netns ns9 is not this lab's"),
    ] {
        machine.host(script).fails(3, &["NSX038", words]);
        leaves_nothing(&machine, &before);
    }
    // Either end of a pair is its own, and so is what is born in another namespace or in another way.
    for script in [
        "host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" }); host.link.del(\"veth1\");",
        "netns::get(\"ns9\").link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"veth1\", netns: host } }); host.link.del(\"veth1\");",
        "if host.exec([\"test\", \"-w\", \"/dev/net/tun\"]).ok { host.link.add(\"tun0\", #{ type: \"tun\" }); host.link.del(\"tun0\"); }",
    ] {
        let ran = machine.host(script);
        assert_eq!(ran.status, 0, "{script}: {}", ran.stderr);
        leaves_nothing(&machine, &before);
    }
}

#[test]
fn a_group_that_was_given_is_kept() {
    let machine = Machine::new();
    machine.lays("host.link.add(\"br9\", #{ type: \"bridge\" });");
    // Whoever has a device in a group of its own.
    let group = "ip link set br9 group 7 2>/dev/null; cat /sys/class/net/br9/netdev_group 2>/dev/null";
    let before = machine.shell(group);
    machine.host("host.link.set(\"br9\", #{ alias: \"x\" });").fails(0, &[]);
    assert_eq!(machine.shell("cat /sys/class/net/br9/netdev_group 2>/dev/null"), before);
}

/// Whatever else the lab did to the same device.
#[test]
fn a_setting_that_somebody_changed_is_left_and_the_others_are_not() {
    let (machine, before) = with_decoys();
    for other in ["alias: \"mine\"", "txqueuelen: 77"] {
        for script in [
            format!("host.link.set(\"br9\", #{{ mtu: 1400 }}); host.link.set(\"br9\", #{{ {other} }});"),
            format!("host.link.set(\"br9\", #{{ {other} }}); host.link.set(\"br9\", #{{ mtu: 1400 }});"),
        ] {
            machine.host(&format!("{script}{KILL}")).fails(137, &[]);
            machine.lays("host.link.set(\"br9\", #{ mtu: 1300 });");
            machine
                .nsx(&["clean"])
                .fails(3, &["NSX040", "changed since", "mtu 1500"]);
            machine.lays(
                "let br9 = host.link.show(\"br9\"); assert_eq(br9.mtu, 1300); assert(br9.ifalias.starts_with(\"nsx:\"), br9.ifalias);
                 host.link.set(\"br9\", #{ mtu: 1500 });",
            );
            machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
            leaves_nothing(&machine, &before);
        }
    }
}

#[test]
fn a_device_that_somebody_gave_another_name_is_told() {
    let (machine, before) = with_decoys();
    machine
        .host(&format!("host.link.set(\"veth9\", #{{ down: true }});{KILL}"))
        .fails(137, &[]);
    machine.lays("host.link.set(\"veth9\", #{ name: \"veth7\" });");
    machine
        .nsx(&["clean"])
        .fails(3, &["NSX040", "veth9 is called veth7 by now"]);
    machine.lays("host.link.set(\"veth7\", #{ name: \"veth9\" });");
    machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
    leaves_nothing(&machine, &before);
}
