//! Whole labs, side by side: the same star by nsx, by `ip` and by the least there is.
//!
//! `cargo bench --bench labs -- [-r ROUNDS] [N…]`. Every contestant runs in a sandbox of its own, in turn, round by round; the figures
//! are medians, and ratios to the floor of the same round. It needs `ip` and `unshare`. docs/performance.md says what came out.

mod floor;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nsx::netlink::Witness;
use nsx::netns::Netns;
use nsx::sandbox::step_aside;

/// What a shell does for each contestant that is none of ours: the sandbox, and a clock around the work.
const SANDBOX: &str = "mount -t tmpfs none /run && mkdir /run/netns && cd / && ";

const IP: &str = r#"
s=$(date +%s%N)
ip link set lo up
ip link add br0 type bridge
ip addr add 10.0.0.1/16 dev br0
ip link set br0 up
i=0
while [ $i -lt LEGS ]; do
  a=10.0.$(((i + 2) / 256)).$(((i + 2) % 256))
  ip netns add ns$i
  ip link add v$i type veth peer name eth0 netns ns$i
  ip link set v$i master br0
  ip link set v$i up
  ip -n ns$i link set lo up
  ip -n ns$i addr add $a/16 dev eth0
  ip -n ns$i link set eth0 up
  ip -n ns$i route add default via 10.0.0.1
  i=$((i + 1))
done
echo up $((($(date +%s%N) - s) / 1000))
"#;

const BATCH: &str = r#"
s=$(date +%s%N)
{
  printf 'link set lo up\nlink add br0 type bridge\naddr add 10.0.0.1/16 dev br0\nlink set br0 up\n'
  i=0
  while [ $i -lt LEGS ]; do
    printf 'netns add ns%d\nlink add v%d type veth peer name eth0 netns ns%d\nlink set v%d master br0 up\n' $i $i $i $i
    i=$((i + 1))
  done
} | ip -batch -
i=0
while [ $i -lt LEGS ]; do
  a=10.0.$(((i + 2) / 256)).$(((i + 2) % 256))
  printf 'link set lo up\naddr add %s/16 dev eth0\nlink set eth0 up\nroute add default via 10.0.0.1\n' $a | ip -n ns$i -batch -
  i=$((i + 1))
done
echo up $((($(date +%s%N) - s) / 1000))
"#;

const STAR: &str = r#"
import "std/topology" as topology;
let clock = timestamp();
topology::star(LEGS, #{ ipv6: IPV6 });
print(`up ${(clock.elapsed * 1000000.0).to_int()}`);
"#;

/// The same lab from single calls, in the cheap order.
const LOOP: &str = r#"
let clock = timestamp();
host.link.add("br0", #{ type: "bridge", mcast_snooping: false, addrgenmode: "none" });
host.addr.add("10.0.0.1/16", #{ dev: "br0" });
host.sysctl.set("net.ipv6.conf.default.disable_ipv6", 1);
for i in 0..LEGS {
    let ns = netns::add(`ns${i}`);
    ns.link.set("lo", #{ up: true });
    host.link.add(`v${i}`, #{ type: "veth", peer: #{ name: "eth0", netns: ns }, master: "br0", up: true });
    ns.link.set("eth0", #{ addrgenmode: "none", up: true });
    ns.addr.add(`10.0.${(i + 2) / 256}.${(i + 2) % 256}/16`, #{ dev: "eth0" });
    ns.route.add("default", #{ via: "10.0.0.1" });
}
host.link.set("br0", #{ up: true });
host.link.set("br0", #{ type: "bridge", mcast_snooping: true });
print(`up ${(clock.elapsed * 1000000.0).to_int()}`);
"#;

fn nsx(script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nsx"));
    command.args(["run", "-"]);
    // The script is small enough for a pipe to hold.
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(script.as_bytes()).expect("room for a script");
    command.stdin(reader);
    command
}

fn unshare(words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["-Urnmpf", "--kill-child", "--mount-proc"])
        .args(words)
        .stdin(Stdio::null());
    command
}

fn shell(script: &str) -> Command {
    unshare(&["sh", "-c", &format!("{SANDBOX}{script}")])
}

fn the_floor(n: usize, ipv6: bool) -> Command {
    let own = std::env::current_exe().expect("this program");
    let word = if ipv6 { "floor6" } else { "floor" };
    shell(&format!("exec {} {word} {n}", own.display()))
}

/// A contestant's name, and what it runs for a star of so many.
type Contestant = (&'static str, fn(usize) -> Command);

/// The first of each group is the floor that the others are held against.
const GROUPS: &[&[Contestant]] = &[
    &[
        ("floor", |n| the_floor(n, false)),
        ("topology::star", |n| nsx(&with(STAR, n).replace("IPV6", "false"))),
        ("loop of calls", |n| nsx(&with(LOOP, n))),
        ("ip -batch", |n| shell(&with(BATCH, n))),
        ("ip", |n| shell(&with(IP, n))),
    ],
    &[
        ("floor, IPv6", |n| the_floor(n, true)),
        ("star, ipv6: true", |n| nsx(&with(STAR, n).replace("IPV6", "true"))),
    ],
];

fn with(script: &str, n: usize) -> String {
    script.replace("LEGS", &n.to_string())
}

/// What one run took: to build, as the contestant says, and the whole process.
struct Took {
    up: Duration,
    whole: Duration,
}

/// Waits until the kernel has freed what the last one made: that would slow the next one down.
fn come_to_rest() {
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(50));
        let here = Netns::current().expect("a namespace");
        let witness = Witness::new(&here).expect("another one");
        witness.wait().expect("the kernel is done");
    }
}

fn run(mut command: Command) -> Took {
    come_to_rest();
    let start = Instant::now();
    let output = command.stderr(Stdio::inherit()).output().expect("it starts");
    let whole = start.elapsed();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let up = text.lines().find_map(|line| line.strip_prefix("up ")?.parse().ok());
    Took {
        up: Duration::from_micros(up.unwrap_or_default()),
        whole,
    }
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    values[values.len() / 2]
}

/// Prints a line for each contestant: the medians, and the medians of the ratios to the first, round by round.
fn table(title: &str, names: &[&str], rounds: &[Vec<Took>]) {
    println!("{title}");
    for (index, name) in names.iter().enumerate() {
        let ratio = |of: fn(&Took) -> Duration| {
            median(
                rounds
                    .iter()
                    .map(|r| of(&r[index]).as_secs_f64() / of(&r[0]).as_secs_f64().max(1e-9))
                    .collect(),
            )
        };
        let time =
            |of: fn(&Took) -> Duration| median(rounds.iter().map(|r| of(&r[index])).collect()).as_secs_f64() * 1e3;
        println!(
            "  {name:<18} up {:>9.1} ms {:>6.2}×   whole process {:>9.1} ms {:>6.2}×",
            time(|t| t.up),
            ratio(|t| t.up),
            time(|t| t.whole),
            ratio(|t| t.whole),
        );
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [word, n] = &words[..]
        && word.starts_with("floor")
    {
        let clock = Instant::now();
        floor::star(n.parse().expect("how many"), word == "floor6");
        println!("up {}", clock.elapsed().as_micros());
        return;
    }
    step_aside().expect("a namespace to wait in");
    let (rounds, sizes) = match &words[..] {
        [flag, rounds, sizes @ ..] if flag == "-r" => (rounds.parse().expect("how many rounds"), sizes),
        sizes => (5, sizes),
    };
    let mut sizes: Vec<usize> = sizes
        .iter()
        .map(|n| n.parse().expect("a number of namespaces"))
        .collect();
    if sizes.is_empty() {
        sizes = vec![1, 10, 100, 1000];
    }
    let empty = |_| vec![run(unshare(&["true"])), run(nsx(""))];
    table(
        "an empty script",
        &["unshare true", "nsx"],
        &(0..rounds.max(11)).map(empty).collect::<Vec<_>>(),
    );
    for n in sizes {
        for group in GROUPS {
            let names: Vec<&str> = group.iter().map(|(name, _)| *name).collect();
            let round = |_| group.iter().map(|(_, command)| run(command(n))).collect();
            table(
                &format!("a star of {n}"),
                &names,
                &(0..rounds).map(round).collect::<Vec<_>>(),
            );
        }
    }
}
