//! docs/session.md: what a first session looks like, recorded from a real one. `NSX_BLESS=1 cargo test --test nsx recording` writes
//! it anew.

use std::path::Path;

use crate::builder::Nsx;
use crate::golden::is_kept_as;
use crate::terminal::Terminal;

const TYPED: [&str; 9] = [
    "ip netns add ns0",
    "ip link add veth0 type veth peer name eth0 netns ns0",
    "ip addr add 10.0.0.1/24 dev veth0",
    "ns0.addr.add(\"10.0.0.2/24\", #{ dev: \"eth0\" })",
    "host.link.set(\"veth0\", #{ up: true })",
    "host.ping(ns0, #{ timeout: \"300ms\" }).ok",
    ":draw",
    "ns0.link.set(\"eth0\", #{ up: true })",
    "host.ping(ns0).ok",
];

#[test]
fn a_first_session_is_as_it_is_told() {
    let nsx = Nsx::new(&[]).env("LC_ALL", "C.UTF-8");
    let terminal = Terminal::sized(&nsx, 80, 40);
    for line in TYPED {
        terminal.enters(line);
    }
    let screen = terminal.screen();
    let told = format!(
        "# A first session\n\n`nsx`, and what was typed at its prompt: lines of `ip` or of nsx, as one likes.\n\n```text\n{}\n```\n",
        screen.trim_end().trim_end_matches("nsx>").trim_end()
    );
    is_kept_as(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/session.md"), &told);
}
