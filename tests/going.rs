//! Namespaces that go: with their devices, many together, and until the kernel has freed them.

use crate::builder::Nsx;
use crate::machine::Machine;

/// Namespaces `n0` and on, each on a cable to the host; and their end, one after the other.
const LEGS: &str = "fn legs(count) {
    for i in 0..count {
        let ns = netns::add(`n${i}`);
        host.link.add(`v${i}`, #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns }, up: true });
    }
}
fn no_legs(count) { for i in 0..count { netns::del(`n${i}`); } }
";

fn prints(script: &str) -> String {
    Nsx::script(&format!("{LEGS}{script}")).prints()
}

#[test]
fn those_deleted_one_after_the_other_go_together() {
    let printed = prints(
        "for round in 0..3 {
            legs(30);
            no_legs(30);
            assert_eq(netns::list(), []);
            assert_eq(host.link.show().len(), 1, \"the other ends are gone\");
        }
        legs(2);
        netns::del(\"n0\");
        try { netns::del(\"n0\"); } catch (e) { print(e.message); }
        netns::del(\"n1\");
        // The names, and those of devices, are free.
        legs(2);
        print(host.link.show().len());
        no_legs(2);
        sleep(\"1ms\");
        print(host.exec(\"ls /sys/class/net\").stdout);",
    );
    assert_eq!(printed, "netns del n0 in host: there is no netns n0\n3\nlo\n\n");
}

#[test]
fn one_that_has_many_devices_goes_at_once() {
    let printed = prints(
        "legs(60);
        let hub = netns::add(\"hub\");
        hub.link.add(\"br0\", #{ type: \"bridge\", up: true });
        for i in 0..60 {
            let peer = #{ name: \"eth1\", netns: netns::get(`n${i}`) };
            hub.link.add(`p${i}`, #{ type: \"veth\", peer: peer, master: \"br0\", up: true });
        }
        hub.del();
        let left = 0;
        for i in 0..60 { left += netns::get(`n${i}`).link.show().len(); }
        print(left);",
    );
    assert_eq!(printed, "120\n");
}

#[test]
fn they_go_where_there_is_room_for_no_more_namespaces() {
    let printed = prints(
        "legs(5);
        host.exec(\"echo 6 >/proc/sys/user/max_net_namespaces\");
        no_legs(5);
        print(host.link.show().len());",
    );
    assert_eq!(printed, "1\n");
}

#[test]
fn what_somebody_still_uses_loses_its_devices() {
    let printed = prints(
        "legs(3);
        let stray = netns::get(\"n1\").exec(\"setsid sleep 100 >/dev/null 2>&1 & echo $!\");
        no_legs(3);
        print(host.link.show().len());
        print(host.exec(`kill -0 ${stray.stdout}`).ok);",
    );
    assert_eq!(printed, "1\ntrue\n");
}

#[test]
fn a_program_that_a_script_waits_for_sees_them_gone() {
    let printed = prints(
        "legs(1);
        let looks = host.start(\"for i in $(seq 100); do [ -e /sys/class/net/v0 ] || exit 7; sleep 0.05; done\");
        no_legs(1);
        print(looks.wait());",
    );
    assert_eq!(printed, "7\n");
}

/// A limit that has room for nothing that is not freed but `spare`.
fn machine_with_room_for(namespaces: usize, spare: usize) -> Machine {
    let machine = Machine::new();
    let limit = 1 + namespaces + spare;
    machine.shell(&format!("echo {limit} >/proc/sys/user/max_net_namespaces"));
    machine
}

#[test]
fn down_returns_when_the_kernel_is_done() {
    // The lab's host and its 20; besides, the witness, where it stands and whom it sees last, twice: they go when `down` has
    // ended.
    let machine = machine_with_room_for(21, 6);
    let up = Nsx::new(&["up", "lab.rhai", "--name", "x"]).file("lab.rhai", &format!("{LEGS}legs(20);"));
    for _ in 0..8 {
        let begun = machine.run(&up);
        assert_eq!(begun.status, 0, "{}", begun.stderr);
        let down = machine.nsx(&["down", "x"]);
        assert_eq!((down.status, down.stderr.as_str()), (0, "x is down\n"));
    }
}

#[test]
fn a_lab_on_the_machine_ends_when_the_kernel_is_done() {
    // Besides, the witness and whom it sees last, twice.
    let machine = machine_with_room_for(20, 4);
    for _ in 0..8 {
        let ran = machine.host(&format!("{LEGS}legs(20);"));
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    }
    assert_eq!(
        machine.shell("ls /run/netns /sys/class/net"),
        "/run/netns:\n\n/sys/class/net:\nlo\n"
    );
}
