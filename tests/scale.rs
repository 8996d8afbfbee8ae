//! Large labs: that they are built whole and work. How fast is the benchmarks' affair.

use std::fs;
use std::os::unix::process::CommandExt;

use nix::sys::resource::{Resource, setrlimit};

use crate::builder::{Nsx, Ran};
use crate::machine::Machine;
use crate::terminal::Terminal;

/// Runs a script that must end well; what it printed.
#[track_caller]
fn runs(script: &str) -> String {
    let ran = Nsx::script(script).run();
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

#[test]
fn every_leg_of_a_star_of_a_thousand_answers() {
    let out = runs(
        "import \"std/topology\" as topology;
         let all = topology::star(1000);
         let answered = all.filter(|ns| host.ping(ns, #{ timeout: \"5s\" }).ok);
         print(answered.len());
         assert(all[0].ping(all[999], #{ timeout: \"5s\" }).ok, \"from end to end\");",
    );
    assert_eq!(out, "1000\n");
}

#[test]
fn a_star_of_more_than_a_bridge_has_ports_has_several() {
    let out = runs(
        "import \"std/topology\" as topology;
         let all = topology::star(1100);
         print(host.link.show(\"br0-2-up\").master);
         print(host.link.show(\"ns1099-br\").master);
         assert(all[0].ping(all[1099], #{ timeout: \"5s\" }).ok, \"through both bridges\");
         assert(host.ping(all[1099], #{ timeout: \"5s\" }).ok, \"the host too\");
         // Nobody has to be looked for.
         print(host.bridge.fdb.show(#{ state: \"static\" }).len());",
    );
    assert_eq!(out, "br0-2\nbr0-2\n1100\n");
}

#[test]
fn a_star_leaves_the_host_as_it_was() {
    let out = runs(
        "import \"std/topology\" as topology;
         let key = \"net.ipv6.conf.default.disable_ipv6\";
         let before = host.sysctl.get(key);
         topology::star(2);
         print(before == host.sysctl.get(key));
         try { topology::star(2, #{ bridge: \"br1\" }); } catch (e) { print(e.message); }
         host.link.add(\"x1-br\", #{ type: \"veth\" });
         try { topology::star(2, #{ bridge: \"br2\", prefix: \"x\" }); } catch (e) { print(`${e.code} ${e.message}`); }
         print(before == host.sysctl.get(key));",
    );
    let said = "true\ntopology::star: there is a netns ns0 already\nNSX012 link add x1-br in host: host already has a device x1-br\ntrue\n";
    assert_eq!(out, said);
}

#[test]
fn more_namespaces_live_than_files_may_be_open() {
    let script = "for i in 0..200 { netns::add(`ns${i}`); host.link.add(`v${i}`, #{ type: \"veth\", peer: #{ name: \"eth0\", netns: `ns${i}` } }); }
                  for i in 0..200 { netns::get(`ns${i}`).link.set(\"lo\", #{ up: true }); }
                  for i in 0..200 { assert(netns::get(`ns${i}`).ping(\"127.0.0.1\").ok, `ns${i}`); }
                  print(netns::list().len());
                  for i in 0..200 { netns::del(`ns${i}`); }
                  print(host.link.show().len());";
    let nsx = Nsx::script(script);
    let mut command = nsx.command();
    // SAFETY: a system call and nothing else.
    unsafe { command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_NOFILE, 300, 300)?)) };
    let ran = command.output().expect("nsx runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (ran.status.code(), text(&ran.stdout)),
        (Some(0), "200\n1\n".into()),
        "{}",
        text(&ran.stderr)
    );
}

#[test]
fn a_veth_has_one_queue_unless_it_is_told_otherwise() {
    let out = runs(
        "let ns0 = netns::add(\"ns0\");
         host.link.add(\"a\", #{ type: \"veth\", peer: #{ name: \"b\", netns: ns0 } });
         host.link.add(\"c\", #{ type: \"veth\", numtxqueues: 3, numrxqueues: 2, peer: #{ name: \"d\", numrxqueues: 4 } });
         let queues = |ns, dev| ns.exec(`ls /sys/class/net/${dev}/queues`).stdout.split().len();
         print([queues.call(host, \"a\"), queues.call(ns0, \"b\"), queues.call(host, \"c\"), queues.call(host, \"d\")]);",
    );
    assert_eq!(out, "[2, 2, 5, 5]\n");
    let ran = Nsx::script("host.link.set(\"lo\", #{ numtxqueues: 2 });").run();
    ran.fails(3, &["NSX003", "unknown key `numtxqueues`", "from birth", "`link add`"]);
    let ran = Nsx::script("host.link.set(\"lo\", #{ type: \"veth\", numrxqueues: 2 });").run();
    ran.fails(3, &["NSX003", "unknown key `numrxqueues`", "from birth"]);
    let ran = Nsx::script("host.link.add(\"t\", #{ type: \"tun\", numrxqueues: 2 });").run();
    ran.fails(3, &["NSX003", "has one queue"]);
}

/// What could be had cheaper.
pub const DEAR: &str = "let ns = netns::add(\"ns\");
for i in 0..12 {
    host.link.add(`a${i}`, #{ type: \"veth\", peer: `b${i}` });
    host.link.set(`b${i}`, #{ netns: ns });
}
host.link.add(\"br0\", #{ type: \"bridge\", up: true });
for i in 0..60 {
    host.link.add(`c${i}`, #{ type: \"veth\", peer: `d${i}`, master: \"br0\" });
    host.link.set(`d${i}`, #{ master: \"br0\" });
}";

/// Expects the hints of [`DEAR`], once each.
#[track_caller]
pub fn advises(ran: &Ran) {
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let hints: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
    assert_eq!(
        hints,
        [
            "hint: 12 devices were moved to another netns, the first at lab.rhai:4: each move waits for every processor.",
            "hint: br0 in host was brought up at lab.rhai:6, before 120 of its ports were added: each is told of every other.",
        ]
    );
}

#[test]
fn an_order_that_costs_is_told_once_and_only_when_asked() {
    advises(&Nsx::new(&["run", "-v", "lab.rhai"]).file("lab.rhai", DEAR).run());
    let ran = Nsx::script(DEAR).run();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn an_order_that_costs_on_the_machine_is_told_too() {
    let machine = Machine::new();
    let lab = |verb| Nsx::new(&[verb, "--host", "-v", "lab.rhai"]).file("lab.rhai", DEAR);
    advises(&machine.run(&lab("run")));
    let up = machine.run(&lab("up"));
    advises(&up);
    assert!(up.stderr.find("hint: ") < up.stderr.find("lab is up"), "{}", up.stderr);
    machine.nsx(&["down", "lab"]).fails(0, &["lab is down"]);
}

/// Takes its time, says how far it is, and stops there until a file `go` is in its folder.
const SLOW: &str = "for i in 0..14 { sleep(\"100ms\"); progress(i + 1, 40); }
assert(eventually(\"60s\", || host.exec(\"test -e go\").ok), \"it may go on\");";

/// nsx with these arguments, of a script that shows a bar.
pub fn slow(args: &[&str]) -> Nsx {
    Nsx::new(args).file("lab.rhai", SLOW)
}

/// Expects the bar of a [`slow`] script, and that nothing is left of it when the script has run.
#[track_caller]
pub fn shows_a_bar(nsx: &Nsx, terminal: Terminal) {
    terminal.sees("] 1").sees("/40");
    fs::write(nsx.folder().join("go"), "").expect("a file");
    terminal.waits("end of the bar", |terminal| !terminal.screen().contains("/40"));
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn what_takes_long_shows_a_bar() {
    let nsx = slow(&["run", "lab.rhai"]);
    shows_a_bar(&nsx, Terminal::open(&nsx));
}

#[test]
fn what_takes_long_on_the_machine_shows_a_bar() {
    let machine = Machine::new();
    for verb in ["run", "up"] {
        let nsx = slow(&[verb, "--host", "lab.rhai"]);
        shows_a_bar(&nsx, Terminal::start(&nsx, machine.command(&nsx), 80, 24));
    }
    machine.nsx(&["down", "lab"]).fails(0, &["lab is down"]);
}

#[test]
fn nothing_is_drawn_where_nobody_looks() {
    let ran = Nsx::script("for i in 0..12 { sleep(\"100ms\"); progress(i, 12); }").run();
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
}
