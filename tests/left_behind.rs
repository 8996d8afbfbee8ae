//! Nothing of a lab is left on the machine, however it ends.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getegid, geteuid};

use crate::builder::Nsx;
use crate::running::{PATIENCE, Running, child_of};

/// Makes some of everything.
const MANY_THINGS: &str = "let wires = [];
for i in 0..3 {
    let ns = netns::add(`ns${i}`);
    host.link.add(`veth${i}`, #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns } });
    host.link.set(`veth${i}`, #{ up: true });
    host.addr.add(`10.77.${i}.1/24`, #{ dev: `veth${i}` });
    ns.addr.add(`10.77.${i}.2/24`, #{ dev: \"eth0\" });
    ns.link.set(\"eth0\", #{ up: true });
    ns.route.add(\"default\", #{ via: `10.77.${i}.1` });
    wires.push(ns.start(\"sleep 100\"));
}
host.link.add(\"br77\", #{ type: \"bridge\", up: true });
host.sysctl.set(\"net.ipv4.ip_forward\", 1);
host.route.add(\"10.78.0.0/16\", #{ via: \"10.77.0.2\" });
host.start(\"sh -c 'sleep 100 & sleep 100'\");
assert(host.exec(\"sleep 0.01\").ok, \"a program runs\");
";

/// The network namespaces that [`MANY_THINGS`] needs, the sandbox's own included.
const NAMESPACES: u32 = 4;

/// How often nsx is killed.
const KILLS: usize = 200;

/// What a lab could change on the machine.
fn machine() -> BTreeMap<&'static str, String> {
    let text = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let names = |folder: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.join("\n")
    };
    BTreeMap::from([
        ("links", names("/sys/class/net")),
        ("addresses", text("/proc/net/fib_trie")),
        ("IPv6 addresses", text("/proc/net/if_inet6")),
        ("routes", text("/proc/net/route")),
        ("IPv6 routes", without_counters(&text("/proc/net/ipv6_route"))),
        ("namespaces", names("/run/netns")),
        ("what the kernel shows of the network", names("/proc/net")),
        ("forwarding", text("/proc/sys/net/ipv4/ip_forward")),
        ("mounts", text("/proc/self/mountinfo")),
    ])
}

/// The routes without the columns that count their uses.
fn without_counters(routes: &str) -> String {
    let columns = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        [&columns[..6.min(columns.len())], &columns[8.min(columns.len())..]]
            .concat()
            .join(" ")
    };
    routes.lines().map(columns).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn leaves_nothing(lab: Nsx, status: i32) {
    let before = machine();
    let mut running = Running::start(lab);
    let (ended, out, err) = running.end();
    assert_eq!(ended, status, "{out}{err}");
    running.vanish();
    assert_eq!(before, machine());
}

#[test]
fn a_lab_that_ends() {
    leaves_nothing(Nsx::script(MANY_THINGS), 0);
    leaves_nothing(Nsx::script(MANY_THINGS).unprivileged(), 0);
}

#[test]
fn a_lab_that_fails() {
    leaves_nothing(Nsx::script(&format!("{MANY_THINGS}\nassert(false, \"no\");")), 1);
    leaves_nothing(Nsx::script(&format!("{MANY_THINGS}\nnetns::add(\"ns0\");")), 3);
    leaves_nothing(Nsx::script(&format!("{MANY_THINGS}\nlet i = 0; loop {{ i += 1; }}")), 3);
}

#[test]
fn what_a_killed_lab_says() {
    for (killed, words) in [
        (child_of as fn(u32) -> _, "the sandbox was ended"),
        (grandchild_of, "the lab was ended"),
    ] {
        let mut running = Running::start(Nsx::script("print(\"ready\");\nsleep(\"100s\");"));
        running.says("ready");
        let pid = killed(running.outer()).expect("a process of the sandbox");
        kill(Pid::from_raw(pid as i32), Signal::SIGKILL).expect("it is killed");
        let (status, _, err) = running.end();
        assert_eq!(status, 137, "{err}");
        assert!(err.contains(words), "{err}");
        running.vanish();
    }
}

fn grandchild_of(outer: u32) -> Option<u32> {
    child_of(child_of(outer)?)
}

/// A user namespace in which network namespaces are counted.
struct Counting {
    holder: Child,
    namespace: Arc<OwnedFd>,
}

impl Counting {
    fn new() -> Counting {
        let mut command = Command::new("sleep");
        command.arg("1000").stdin(Stdio::null());
        let (user, group) = (geteuid(), getegid());
        let own_namespace = move || {
            unshare(CloneFlags::CLONE_NEWUSER)?;
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
            fs::write("/proc/self/gid_map", format!("0 {group} 1"))
        };
        // SAFETY: the child has one thread, and glibc's allocator can be used after fork.
        let holder = unsafe { command.pre_exec(own_namespace) }
            .spawn()
            .expect("a user namespace");
        let namespace = fs::File::open(format!("/proc/{}/ns/user", holder.id()))
            .expect("its file")
            .into();
        Counting {
            holder,
            namespace: Arc::new(namespace),
        }
    }

    /// What a command does first, to run in here: and with less right to the processor than tests that are timed.
    fn entry(&self) -> impl FnMut() -> io::Result<()> + Send + Sync + 'static {
        let namespace = self.namespace.clone();
        move || {
            // SAFETY: nice only makes a system call.
            unsafe { nix::libc::nice(10) };
            Ok(setns(namespace.as_fd(), CloneFlags::CLONE_NEWUSER)?)
        }
    }

    /// Allows so many network namespaces at a time, those that are being taken away included.
    fn allow(&self, namespaces: u32) {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("echo {namespaces} >/proc/sys/user/max_net_namespaces"));
        // SAFETY: setns only makes a system call.
        let status = unsafe { command.pre_exec(self.entry()) }.status().expect("sh starts");
        assert!(status.success(), "the limit is set");
    }

    fn start(&self, script: &str) -> Running {
        let lab = Nsx::script(script);
        let command = lab.command();
        Running::start_with(lab, command, self.entry())
    }

    /// The exit status of a whole run in here.
    fn run(&self) -> i32 {
        let mut running = self.start(MANY_THINGS);
        let (status, ..) = running.end();
        running.vanish();
        status
    }

    /// Whether, before long, there is room for exactly one run: the kernel frees namespaces in its own time.
    fn has_room(&self) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.run() == 0 {
                return true;
            }
            sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Kills the outer process, pid 1 of the sandbox or the lab, in turns, after a random time; how long it took until
/// every process was gone.
fn kill_one(counting: &Counting, turn: usize, random: u64) -> Duration {
    let running = counting.start(&format!("{MANY_THINGS}\nsleep(\"100s\");"));
    sleep(Duration::from_micros(random % 60_000));
    let outer = running.outer();
    // Where a process is not there yet, the one that would start it is killed.
    let victim = match turn % 3 {
        0 => None,
        1 => child_of(outer),
        _ => grandchild_of(outer).or_else(|| child_of(outer)),
    };
    let _ = kill(Pid::from_raw(victim.unwrap_or(outer) as i32), Signal::SIGKILL);
    let mut running = running;
    let start = Instant::now();
    running.end();
    running.vanish();
    start.elapsed()
}

/// Kills nsx many times in a namespace that counts; the times until all was gone.
fn kill_many(times: usize) -> Vec<Duration> {
    let counting = Counting::new();
    let random = RandomState::new();
    let times = (0..times)
        .map(|turn| kill_one(&counting, turn, random.hash_one(turn)))
        .collect();
    counting.allow(NAMESPACES);
    assert!(counting.has_room(), "network namespaces are left");
    counting.allow(NAMESPACES - 1);
    assert_ne!(counting.run(), 0, "the limit tells when a namespace is left");
    times
}

/// With `--nocapture` it shows how long it takes until a killed lab is gone.
#[test]
fn killed_at_any_moment() {
    let before = machine();
    let mut times: Vec<Duration> = scope(|scope| {
        let halves = [(); 2].map(|()| scope.spawn(|| kill_many(KILLS / 2)));
        halves
            .into_iter()
            .flat_map(|half| half.join().expect("it leaves nothing"))
            .collect()
    });
    times.sort();
    println!(
        "kill -9 × {}: all gone in a median of {:?}, at most {:?}",
        times.len(),
        times[times.len() / 2],
        times[times.len() - 1]
    );
    assert_eq!(before, machine());
}

#[test]
fn side_by_side() {
    let lab = |i: usize| {
        let script =
            format!("{MANY_THINGS}\nnetns::add(\"own{i}\");\nprint(netns::list());\nprint(host.link.show().len());");
        let lab = Nsx::script(&script);
        let lab = if i.is_multiple_of(2) { lab } else { lab.unprivileged() };
        lab.prints()
    };
    let alone = lab(0);
    scope(|scope| {
        let labs: Vec<_> = (0..8).map(|i| (i, scope.spawn(move || lab(i)))).collect();
        for (i, running) in labs {
            assert_eq!(
                running.join().expect("it runs"),
                alone.replace("own0", &format!("own{i}"))
            );
        }
    });
}
