//! Making and deleting again and again: nothing grows. 300 times by default, `NSX_CYCLES=10000` for the whole.

use crate::builder::Nsx;
use crate::machine::Machine;

/// Makes a namespace and what it takes to reach it, and deletes it; again and again. The kernel frees namespaces in its own
/// time, so a few of them may be on their way.
const CYCLES: &str = "fn number(line) {
    // nsx's process id, as /proc has it: on the machine itself that is not as the lab has it.
    let parent = \"while read key value; do [ $key = PPid: ] && nsx=$value; done </proc/self/status; \";
    let text = host.exec(parent + line).stdout;
   
    text.trim();
    parse_int(text)
}
fn files() { number(\"ls /proc/$nsx/fd | wc -l\") }
fn memory() { number(\"sed -n 's/^VmRSS:[^0-9]*\\\\([0-9]*\\\\) kB/\\\\1/p' /proc/$nsx/status\") }
fn once() {
    let made = eventually(\"10s\", || {
        let is_made = true;
        try { netns::add(\"ns0\"); } catch (e) { if e.errno != \"ENOSPC\" { throw e; } is_made = false; }
        is_made
    });
    assert(made, \"there is room for a namespace: none is leaked\");
    let ns0 = netns::get(\"ns0\");
    host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 }, up: true });
    host.addr.add(\"10.0.0.1/24\", #{ dev: \"veth0\" });
    ns0.link.set(\"eth0\", #{ up: true });
    host.nat.masquerade(\"10.0.0.0/24\");
    host.nat.flush();
    ns0.del();
    assert_eq(host.link.show().len(), 1, \"its device and the other end are gone\");
}
let count = parse_int(args[0]);
for i in 0..100 { once(); }
let before = #{ files: files(), memory: memory() };
for i in 0..count { once(); }
assert(eventually(\"10s\", || files() == before.files), `${files()} open files, before ${before.files}`);
let grown = memory() - before.memory;
assert(grown < 4096, `${grown} kB more memory after ${count} cycles`);
print(`${count} cycles: ${before.files} open files before and after, ${grown} kB more memory`);
";

/// So few namespaces there may be in a sandbox.
const LIMIT: &str = "host.exec(\"echo 50 >/proc/sys/user/max_net_namespaces\");";

fn count() -> String {
    std::env::var("NSX_CYCLES").unwrap_or_else(|_| "300".into())
}

#[test]
fn in_a_sandbox() {
    print!("{}", Nsx::script(&format!("{LIMIT}\n{CYCLES}")).arg(&count()).prints());
}

#[test]
fn on_the_machine() {
    let machine = Machine::new();
    let before = machine.state();
    let lab = Nsx::new(&["run", "--host", "lab.rhai"])
        .file("lab.rhai", CYCLES)
        .arg(&count());
    let ran = machine.run(&lab);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    print!("{}", ran.stdout);
    machine.is_as(&before, "");
    assert!(machine.files().is_empty());
}
