//! The post's first lab, start to finish: nsx beside the same steps as a shell script of `ip` and `ping`.
//!
//! `cargo bench --bench post`. Both run in a sandbox of their own, in turn, round by round; the figures are
//! medians and their ratio. It needs `ip`, `ping` and `unshare`.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 31;

const SHELL: &str = "
mount -t tmpfs tmpfs /run && mkdir /run/netns
ip link set lo up
ip netns add ns0
ip netns add ns1
ip netns list
ip -n ns0 link
ip -n ns0 route
ip netns exec ns0 ping -c 1 -W 1 10.0.0.101
ip link add veth0 type veth peer name veth1
ip link
ip link set veth0 netns ns0
ip link set veth1 netns ns1
ip -n ns0 link
ip -n ns1 link
ip -n ns0 addr add 10.0.0.100/24 dev veth0
ip -n ns1 addr add 10.0.0.101/24 dev veth1
ip -n ns0 link set veth0 up
ip -n ns1 link set veth1 up
ip -n ns0 addr
ip -n ns1 addr
ip -n ns0 route
ip -n ns1 route
ip netns exec ns0 ping -c 1 -W 1 10.0.0.101 &&
ip netns exec ns1 ping -c 1 -W 1 10.0.0.100
";

fn nsx(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nsx"));
    command.arg("run").args(args);
    command
}

fn unshare(args: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-Urnmpf", "--mount-proc"]).args(args);
    command
}

fn timed(mut command: Command) -> Duration {
    let start = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("it starts");
    let took = start.elapsed();
    assert!(status.success(), "{command:?} failed: {status}");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn compare(what: &str, ours: impl Fn() -> Command, theirs: (&str, impl Fn() -> Command)) {
    let rounds: Vec<_> = (0..ROUNDS).map(|_| (timed(ours()), timed(theirs.1()))).collect();
    let (ours, others): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
    let (ours, others) = (median(ours), median(others));
    let ratio = ours.as_secs_f64() / others.as_secs_f64();
    println!("{what}: nsx {ours:.1?}, {} {others:.1?}, ratio {ratio:.2}", theirs.0);
}

fn main() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/veth.rhai");
    compare(
        "veth.rhai",
        || nsx(&[script]),
        ("ip and ping", || unshare(&["sh", "-c", SHELL])),
    );
    compare(
        "an empty script",
        || nsx(&["/dev/null"]),
        ("unshare true", || unshare(&["true"])),
    );
}
