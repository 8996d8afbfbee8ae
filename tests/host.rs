//! Labs on the machine itself: what they make is taken back, and nothing else is touched.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::builder::Nsx;
use crate::machine::{DECOYS, Machine};
use crate::running::{PATIENCE, Running};

/// Makes some of everything, on things of its own and on what was there.
pub const EVERYTHING: &str = "let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 } });
host.link.add(\"br0\", #{ type: \"bridge\", alias: \"mine\", up: true });
host.link.set(\"veth0\", #{ master: \"br0\", up: true });
ns0.link.set(\"eth0\", #{ up: true });
host.addr.add(\"10.0.0.1/24\", #{ dev: \"br0\" });
ns0.addr.add(\"10.0.0.2/24\", #{ dev: \"eth0\" });
ns0.route.add(\"default\", #{ via: \"10.0.0.1\" });
host.link.add(\"veth1\", #{ type: \"veth\", peer: \"veth2\" });
host.link.set(\"veth1\", #{ netns: ns0, name: \"eth1\" });
ns0.link.add(\"out0\", #{ type: \"veth\", peer: \"in0\" });
ns0.link.set(\"out0\", #{ netns: host });
host.sysctl.set(\"net.ipv4.ip_forward\", 1);
host.route.add(\"10.9.0.0/16\", #{ via: \"10.0.0.2\" });
host.route.add(\"10.66.0.0/16\", #{ type: \"blackhole\" });
host.rule.add(#{ from: \"10.9.0.0/16\", table: 100 });
host.nat.masquerade(\"10.0.0.0/24\");
host.filter.policy(\"forward\", \"drop\");
host.filter.add(\"forward\", #{ iif: \"br0\", verdict: \"accept\" });
host.start(\"sleep 1000\");
ns0.start(\"sleep 1000\");
";

/// Changes of what was there.
pub const ON_DECOYS: &str = "let other = netns::get(\"ns9\");
host.addr.add(\"10.5.0.1/24\", #{ dev: \"br9\" });
host.addr.del(\"172.31.9.1/24\", #{ dev: \"br9\" });
host.link.set(\"br9\", #{ mtu: 1400 });
host.link.set(\"veth8\", #{ nomaster: true, down: true });
host.link.add(\"br0\", #{ type: \"bridge\" });
host.link.set(\"veth8\", #{ master: \"br0\" });
host.neigh.add(\"10.5.0.9\", #{ dev: \"br9\", lladdr: \"02:00:00:00:00:09\" });
other.link.add(\"x0\", #{ type: \"veth\", peer: #{ name: \"x1\", netns: host } });
other.addr.add(\"10.6.0.1/24\", #{ dev: \"lo\" });
other.sysctl.set(\"net.ipv4.ip_forward\", 1);
other.filter.add(\"input\", #{ verdict: \"accept\" });
netns::add(\"ns0\");
host.link.set(\"veth9\", #{ netns: \"ns0\" });
";

/// The kinds of changes that are not among these, done to what was there.
pub const THE_REST: &str = "host.bridge.link.set(\"veth8\", #{ hairpin: true, cost: 7 });
host.bridge.fdb.add(\"02:00:00:00:00:07\", #{ dev: \"veth8\", master: true, \"static\": true });
host.link.set(\"br9\", #{ type: \"bridge\", ageing_time: 1000, alias: \"renamed\" });
host.link.set(\"veth9\", #{ address: \"02:00:00:00:00:99\", txqueuelen: 77 });
host.addr.replace(\"172.31.9.1/24\", #{ dev: \"br9\", label: \"br9:x\" });
host.addr.add(\"fd00:9::1/64\", #{ dev: \"br9\", nodad: true });
host.route.add(\"fd00:77::/64\", #{ via: \"fd00:9::2\" });
host.route.replace(\"172.30.0.0/16\", #{ via: \"172.31.9.3\" });
host.rule.del(#{ from: \"172.30.0.0/16\", table: 99, priority: 1234 });
host.neigh.replace(\"172.31.9.9\", #{ dev: \"br9\", lladdr: \"02:00:00:00:00:08\" });
host.qdisc.add(\"veth9\", #{ kind: \"htb\", handle: \"1:\" });
host.class.add(\"veth9\", #{ parent: \"1:\", classid: \"1:10\", kind: \"htb\", rate: \"1mbit\" });
host.class.replace(\"veth9\", #{ parent: \"1:\", classid: \"1:10\", kind: \"htb\", rate: \"2mbit\" });
host.nat.dnat(#{ proto: \"tcp\", dport: 80, to: \"10.0.0.2:8080\" });
let seen = host.capture(\"br9\", #{ filter: \"icmp\" });
";

/// Ends a lab as kill -9 does.
pub const KILL: &str = "host.exec(\"kill -9 $PPID\");";

pub fn with_decoys() -> (Machine, String) {
    let machine = Machine::new();
    machine.lays(DECOYS);
    let before = machine.state();
    for name in ["ns9", "veth9", "br9", "172.31.9.1/24", "172.30.0.0/16", "1234:"] {
        assert!(before.contains(name), "no {name} in {before}");
    }
    (machine, before)
}

#[track_caller]
pub fn leaves_nothing(machine: &Machine, before: &str) {
    machine.is_as(before, "");
    assert!(machine.files().is_empty(), "{:?}", machine.files());
    machine.nsx(&["clean"]).fails(0, &["nothing to clean"]);
}

#[test]
fn what_it_made_is_taken_back_however_it_ends() {
    let (machine, before) = with_decoys();
    for (end, status) in [
        ("", 0),
        ("assert(false, \"no\");", 1),
        ("netns::add(\"ns0\");", 3),
        ("exit(7);", 7),
    ] {
        let ran = machine.host(&format!("{EVERYTHING}{end}"));
        assert_eq!(ran.status, status, "{}{}", ran.stdout, ran.stderr);
        leaves_nothing(&machine, &before);
    }
    // The tables are gone too: another lab can have them.
    assert_eq!(machine.host("host.nat.masquerade(\"10.0.0.0/24\");").status, 0);
}

#[test]
fn its_errors_are_json_where_that_is_asked_for() {
    let machine = Machine::new();
    let lab = |script| Nsx::new(&["run", "--host", "--json", "lab.rhai"]).file("lab.rhai", script);
    // The last is refused: the one before it was killed.
    for (script, status, code) in [("assert(false);", 1, "NSX001"), (KILL, 137, ""), ("", 2, "NSX010")] {
        let ran = machine.run(&lab(script));
        assert_eq!(ran.status, status, "{}", ran.stderr);
        let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap_or_default();
        assert_eq!(error["code"].as_str().unwrap_or_default(), code, "{}", ran.stderr);
    }
}

#[test]
fn it_is_on_the_machine_and_bears_its_mark() {
    let (machine, before) = with_decoys();
    let ran = machine.host(&format!(
        "{EVERYTHING}
assert_eq(netns::list(), [\"ns0\", \"ns9\"]);
let alias = host.link.show(\"veth0\").ifalias;
assert(alias.starts_with(\"nsx:\") && alias.len() == 20, alias);
assert_eq(host.link.show(\"br0\").ifalias, \"mine \" + alias);
assert_eq(host.link.show(\"br0\").group, \"default\");
assert_eq(host.route.show().filter(|r| r.dst == \"10.9.0.0/16\")[0].protocol, \"110\");
assert(host.rule.show().some(|r| r.protocol == \"110\"), \"the rule\");
assert(eventually(\"5s\", || host.ping(ns0).ok), \"it works\");"
    ));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    leaves_nothing(&machine, &before);
}

#[test]
fn what_was_there_is_as_it_was() {
    let (machine, before) = with_decoys();
    let ran = machine.host(&format!("{ON_DECOYS}\nprint(netns::get(\"ns0\").link.show().len());"));
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "2\n"), "{}", ran.stderr);
    leaves_nothing(&machine, &before);
}

#[test]
fn a_kill_is_repaired_by_clean() {
    let (machine, before) = with_decoys();
    for script in [EVERYTHING, ON_DECOYS, THE_REST] {
        let ran = machine.host(&format!("{script}\n{KILL}"));
        ran.fails(137, &["nsx clean tries again"]);
        assert_ne!(before, machine.state());
        machine.host("").fails(2, &["was killed", "nsx clean"]);
        machine.nsx(&["ls"]).fails(0, &["lab was killed", "nsx clean"]);
        machine.nsx(&["clean"]).fails(0, &["lab: nothing is left"]);
        leaves_nothing(&machine, &before);
    }
}

/// What was killed has its name until the kernel is through with it.
#[test]
fn a_kill_is_repaired_by_a_clean_that_comes_at_once() {
    let (machine, before) = with_decoys();
    let script = format!("{EVERYTHING}print(\"ready\"); sleep(\"100s\");");
    for _ in 0..8 {
        let lab = Nsx::new(&["run", "--host", "lab.rhai"]).file("lab.rhai", &script);
        let command = machine.command(&lab);
        let mut running = Running::start_with(lab, command, || Ok(()));
        running.says("ready");
        running.signal(Signal::SIGKILL);
        machine.nsx(&["clean"]).fails(0, &["lab: nothing is left"]);
        leaves_nothing(&machine, &before);
    }
    // Its state does not say whether it runs.
    machine.host(&format!("{EVERYTHING}{KILL}")).fails(137, &[]);
    machine.shell("echo garbage >/run/nsx/lab.json");
    machine
        .nsx(&["clean"])
        .fails(2, &["no state of a lab", "rm '/run/nsx/lab.json'"]);
    machine.shell("rm /run/nsx/lab.json; cp /run/nsx/lab.journal /run/kept; echo garbage >>/run/nsx/lab.journal");
    machine
        .nsx(&["clean"])
        .fails(2, &["no journal of a lab", "put that back"]);
    machine.shell("mv /run/kept /run/nsx/lab.journal");
    machine.nsx(&["clean"]).fails(0, &["lab: nothing is left"]);
    leaves_nothing(&machine, &before);
}

#[test]
fn what_is_not_as_the_lab_left_it_is_left() {
    let (machine, _) = with_decoys();
    machine.host(&format!(
        "host.sysctl.set(\"net.ipv4.ip_forward\", 1); netns::add(\"ns0\"); {KILL}"
    ));
    machine.shell("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 64 >/proc/sys/net/ipv4/ip_default_ttl");
    machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
    machine.host(&format!("host.sysctl.set(\"net.ipv4.ip_default_ttl\", 70); {KILL}"));
    machine.shell("echo 80 >/proc/sys/net/ipv4/ip_default_ttl");
    machine
        .nsx(&["clean"])
        .fails(3, &["left as it is", "it has been changed since", "ip_default_ttl"]);
    assert_eq!(machine.shell("cat /proc/sys/net/ipv4/ip_default_ttl"), "80\n");
    machine.shell("echo 70 >/proc/sys/net/ipv4/ip_default_ttl");
    machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
    assert_eq!(machine.shell("cat /proc/sys/net/ipv4/ip_default_ttl"), "64\n");
    // A namespace of somebody else that has taken the name.
    machine.host(&format!("netns::add(\"ns0\"); {KILL}"));
    machine.shell("umount /run/netns/ns0; rm -f /run/netns/ns0; umount /run/netns/ns9; mv /run/netns/ns9 /run/netns/x");
    machine.lays("netns::add(\"ns0\");");
    machine.nsx(&["clean"]).fails(3, &["netns ns0 was left"]);
    assert!(machine.shell("ls /run/netns").contains("ns0"));
}

#[test]
fn names_that_are_taken_are_refused_unchanged() {
    let (machine, before) = with_decoys();
    for (script, words) in [
        ("netns::add(\"ns9\");", "netns add ns9"),
        ("netns::add(\"ns9\");", "the machine's own, or another lab's"),
        (
            "netns::add(\"ns8\"); netns::del(\"ns8\"); netns::del(\"ns8\");",
            "ns8 was deleted",
        ),
        (
            "host.link.add(\"br9\", #{ type: \"bridge\" });",
            "already has a device br9",
        ),
        (
            "host.link.add(\"v0\", #{ type: \"veth\", peer: \"br9\" });",
            "already has a device br9",
        ),
        ("host.addr.add(\"172.31.9.1/24\", #{ dev: \"br9\" });", "172.31.9.1/24"),
        (
            "host.route.add(\"172.30.0.0/16\", #{ via: \"172.31.9.2\" });",
            "172.30.0.0/16",
        ),
        ("netns::del(\"ns9\");", "not this lab's"),
    ] {
        machine.host(script).fails(3, &[words]);
        leaves_nothing(&machine, &before);
    }
    machine.lays("host.nat.masquerade(\"10.0.0.0/24\");");
    machine
        .host("host.nat.masquerade(\"10.1.0.0/24\");")
        .fails(3, &["nsx_nat", "not this lab's"]);
}

#[test]
fn the_uplink_is_guarded() {
    let machine = Machine::new();
    machine.lays(
        "netns::add(\"net\");
host.link.add(\"enp1s0\", #{ type: \"veth\", peer: #{ name: \"up\", netns: \"net\" }, up: true });
netns::get(\"net\").link.set(\"up\", #{ up: true });
host.addr.add(\"192.0.2.2/24\", #{ dev: \"enp1s0\" });
host.route.add(\"default\", #{ via: \"192.0.2.1\", proto: \"static\" });
host.link.add(\"eth7\", #{ type: \"veth\", peer: \"eth8\", up: true });
host.addr.add(\"198.51.100.7/24\", #{ dev: \"eth7\" });",
    );
    let before = machine.state();
    let post =
        "host.link.add(\"br0\", #{ type: \"bridge\", up: true });\nhost.link.set(\"enp1s0\", #{ master: \"br0\" });";
    for change in [
        post,
        "host.link.set(\"enp1s0\", #{ down: true });",
        "host.link.set(\"enp1s0\", #{ netns: netns::add(\"x\") });",
        "host.link.set(\"enp1s0\", #{ address: \"02:00:00:00:00:77\" });",
        "host.addr.flush(#{ dev: \"enp1s0\" });",
        "host.route.del(\"default\");",
        "host.route.replace(\"default\", #{ dev: \"eth7\" });",
        "host.route.add(\"default\", #{ dev: \"eth7\", metric: 7 });",
        "host.route.flush();",
        "host.route.add(\"0.0.0.0/1\", #{ dev: \"eth7\" });",
        "host.route.flush(#{ dev: \"enp1s0\" });",
        "host.rule.flush();",
        "host.qdisc.add(\"enp1s0\", #{ kind: \"tbf\", rate: \"1kbit\", burst: \"2kb\", latency: \"1s\" });",
    ] {
        machine
            .host(change)
            .fails(3, &["carries the default route", "--allow-uplink"]);
        leaves_nothing(&machine, &before);
    }
    for change in [
        "host.link.set(\"eth7\", #{ down: true });",
        "host.route.add(\"198.51.100.9/32\", #{ type: \"blackhole\" });",
        "host.filter.policy(\"input\", \"drop\");",
    ] {
        let ssh = Nsx::new(&["run", "--host", "lab.rhai"]).file("lab.rhai", change);
        let mut command = machine.command(&ssh);
        command.env("SSH_CONNECTION", "198.51.100.9 51000 198.51.100.7 22");
        ssh.run_as(command)
            .fails(3, &["NSX039", "carries your ssh connection from 198.51.100.9"]);
        leaves_nothing(&machine, &before);
    }
    // What does not reach the uplink is let through.
    for change in [
        "host.route.flush(#{ table: 100 });",
        "host.route.add(\"203.0.113.0/24\", #{ dev: \"eth7\" });",
        "host.filter.policy(\"input\", \"drop\");",
        "host.link.set(\"eth7\", #{ down: true });",
        "host.qdisc.add(\"eth7\", #{ kind: \"tbf\", rate: \"1kbit\", burst: \"2kb\", latency: \"1s\" });",
        "host.qdisc.add(\"enp1s0\", #{ kind: \"ingress\" });",
    ] {
        let ran = machine.host(change);
        assert_eq!(ran.status, 0, "{change}: {}", ran.stderr);
        leaves_nothing(&machine, &before);
    }
    // The override is taken back by itself…
    let lab = |seconds: &str| {
        Nsx::new(&["up", "--host", &format!("--allow-uplink={seconds}"), "lab.rhai"]).file("lab.rhai", post)
    };
    machine.run(&lab("1")).fails(0, &["lab is up", "taken back in 1 s"]);
    let begin = Instant::now();
    while !machine.files().is_empty() {
        assert!(begin.elapsed() < PATIENCE, "{:?}", machine.files());
        sleep(Duration::from_millis(50));
    }
    leaves_nothing(&machine, &before);
    // … unless it is confirmed.
    machine.run(&lab("2")).fails(0, &[]);
    machine.nsx(&["confirm", "lab"]).fails(0, &["lab keeps"]);
    sleep(Duration::from_millis(2500));
    assert!(machine.nsx(&["ls"]).stdout.contains("up, host"));
    machine.nsx(&["down", "lab"]).fails(0, &["lab is down"]);
    leaves_nothing(&machine, &before);
}

#[test]
fn a_signal_tears_down_and_another_does_not_stop_that() {
    let (machine, before) = with_decoys();
    let script =
        format!("{EVERYTHING}\nfor i in 0..30 {{ netns::add(`many${{i}}`); }}\nprint(\"ready\");\nsleep(\"100s\");");
    for number in [Signal::SIGINT, Signal::SIGTERM] {
        let lab = Nsx::new(&["run", "--host", "lab.rhai"]).file("lab.rhai", &script);
        let command = machine.command(&lab);
        let mut running = Running::start_with(lab, command, || Ok(()));
        running.says("ready");
        running.signal(number);
        for _ in 0..20 {
            sleep(Duration::from_millis(10));
            // It may have ended by now.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(running.outer() as i32), number);
        }
        let (status, _, err) = running.end();
        assert_eq!(status, 130, "{err}");
        running.vanish();
        leaves_nothing(&machine, &before);
    }
}

#[test]
fn a_lab_that_stays_and_another_of_its_name() {
    let (machine, before) = with_decoys();
    let up = Nsx::new(&["up", "--host", "lab.rhai", "--name", "net"]).file("lab.rhai", EVERYTHING);
    machine.run(&up).fails(0, &["net is up"]);
    assert!(machine.nsx(&["ls"]).stdout.contains("up, host"));
    machine.run(&up).fails(2, &["there is a lab net already", "process"]);
    machine.nsx(&["clean"]).fails(0, &["net runs: nsx down net"]);
    // It holds no uplink; that does not end it.
    machine.nsx(&["confirm", "net"]).fails(0, &["net keeps"]);
    let shown = machine.nsx(&["exec", "net", "ns0", "--", "cat", "/proc/net/fib_trie"]);
    assert!(shown.stdout.contains("10.0.0.2"), "{shown:?}");
    machine.nsx(&["down", "net"]).fails(0, &["net is down"]);
    leaves_nothing(&machine, &before);
}

#[test]
fn what_hangs_at_the_end_does_not_keep_a_lab_from_being_taken_back() {
    let machine = Machine::new();
    let before = machine.state();
    let up = Nsx::new(&["up", "--host", "lab.rhai"]).file(
        "lab.rhai",
        "netns::add(\"ns0\"); host.sysctl.set(\"net.ipv4.ip_forward\", 1); on_exit(|| sleep(\"1000s\"));",
    );
    machine.run(&up).fails(0, &["lab is up"]);
    machine.nsx(&["down", "lab"]).fails(0, &["lab is down"]);
    leaves_nothing(&machine, &before);
}

#[test]
fn a_machine_that_started_again_has_nothing_left() {
    let machine = Machine::new();
    machine.host(&format!("netns::add(\"ns0\"); {KILL}")).fails(137, &[]);
    machine.shell("sed -i 's/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' /run/nsx/lab.journal");
    machine.nsx(&["clean"]).fails(0, &["started again"]);
    assert!(machine.files().is_empty());
    assert!(
        machine.shell("ls /run/netns").contains("ns0"),
        "what is there now is not of that boot"
    );
}

#[test]
fn a_journal_with_garbage() {
    let machine = Machine::new();
    machine.shell("mkdir -p -m 700 /run/nsx; echo garbage >/run/nsx/x.journal; : >/run/nsx/y.journal");
    machine
        .nsx(&["clean"])
        .fails(2, &["x.journal", "no journal of a lab", "y: nothing is left"]);
    assert_eq!(machine.files(), ["x.journal"]);
}

#[test]
fn only_root() {
    if nix::unistd::geteuid().is_root() {
        let ran = Nsx::new(&["run", "--host", "lab.rhai"])
            .file("lab.rhai", "")
            .unprivileged()
            .run();
        ran.fails(4, &["only root"]);
        Nsx::new(&["clean"]).unprivileged().run().fails(4, &["only root"]);
    }
}

#[test]
fn a_machine_that_drops_what_it_forwards_is_explained() {
    let machine = Machine::new();
    machine.lays("host.filter.policy(\"forward\", \"drop\");");
    let ran = machine.host("");
    ran.fails(
        0,
        &[
            "warning",
            "drops what it forwards",
            "nft insert rule inet nsx_filter forward",
        ],
    );
}

#[test]
fn its_programs_end_with_it() {
    let machine = Machine::new();
    let lab = Nsx::new(&["run", "--host", "lab.rhai"]).file(
        "lab.rhai",
        &format!("{EVERYTHING}\nhost.start(\"setsid sleep 1000\");\nprint(\"ready\");\nsleep(\"100s\");"),
    );
    let mut command = machine.command(&lab);
    command.stdin(Stdio::null());
    let mut running = Running::start_with(lab, command, || Ok(()));
    running.says("ready");
    running.signal(Signal::SIGKILL);
    running.end();
    running.vanish();
    machine.nsx(&["clean"]).fails(0, &["nothing is left"]);
}
