//! A machine to run `--host` on: a network of its own, a /run of its own, and a root of its own. Nothing on it is this
//! machine's.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{getegid, geteuid};

use crate::builder::{Nsx, Ran};

/// A machine, for as long as it is kept.
pub struct Machine {
    holder: Child,
    namespaces: Arc<[(File, CloneFlags); 3]>,
}

/// What a machine has that no lab made, with names that look like a lab's.
pub const DECOYS: &str = "let other = netns::add(\"ns9\");
host.link.add(\"veth9\", #{ type: \"veth\", peer: \"veth8\", alias: \"nsx:0123456789abcdef\" });
host.link.add(\"br9\", #{ type: \"bridge\", alias: \"nsx:\" });
host.link.set(\"veth8\", #{ master: \"br9\" });
host.link.set(\"br9\", #{ up: true });
host.link.set(\"veth9\", #{ up: true });
host.link.set(\"veth8\", #{ up: true });
host.addr.add(\"172.31.9.1/24\", #{ dev: \"br9\", nodad: true });
host.route.add(\"172.30.0.0/16\", #{ via: \"172.31.9.2\", proto: 111 });
host.rule.add(#{ from: \"172.30.0.0/16\", table: 99, priority: 1234 });
other.addr.add(\"10.0.0.1/24\", #{ dev: \"lo\" });
";

/// Everything on a machine that a lab could change.
const SHOW: &str = "for ns in [host] + netns::list().map(|name| netns::get(name)) {
    print(ns.name);
    for link in ns.link.show() { print(`${link.ifname} ${link.ifindex} ${link.flags} ${link.mtu} ${link.address} ${link.master} ${link.ifalias} ${link.group}`); }
    for dev in ns.addr.show() { for info in dev.addr_info { print(`${dev.ifname} ${info.local}/${info.prefixlen}`); } }
    for route in ns.route.show(#{ table: \"all\" }) { print(`route ${route}`); }
    print(ns.rule.show());
    print(ns.rule.show(#{ family: \"inet6\" }));
    print(ns.neigh.show().filter(|entry| entry.state == [\"PERMANENT\"]));
    for qdisc in ns.qdisc.show() { print(`qdisc ${qdisc.dev} ${qdisc.kind}`); }
    for entry in ns.bridge.fdb.show(#{ state: \"static\" }) { print(`fdb ${entry.ifname} ${entry.mac}`); }
    for vlans in ns.bridge.vlan.show() { print(`vlan ${vlans}`); }
    for port in ns.bridge.link.show() { print(`port ${port.ifname} ${port.master} ${port.priority} ${port.cost}`); }
    print(ns.nat.show());
    print(ns.filter.show());
    for key in [\"ip_forward\", \"conf.all.forwarding\", \"conf.default.forwarding\", \"conf.all.accept_redirects\", \"conf.lo.forwarding\"] {
        print(`${key} ${ns.sysctl.get(\"net.ipv4.\" + key)}`);
    }
}";

impl Machine {
    /// A machine whose `lo` is up.
    pub fn new() -> Machine {
        let mut command = Command::new("sleep");
        command.arg("100000").stdin(Stdio::null()).stdout(Stdio::null());
        let (user, group) = (geteuid(), getegid());
        let apart = move || {
            unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)?;
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
            fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
            const NONE: Option<&str> = None;
            mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE)?;
            mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), NONE)?;
            mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), NONE)?;
            // Names are asked for where a lab's Internet answers.
            fs::write("/run/resolv.conf", "nameserver 8.8.8.8\noptions timeout:1 attempts:2\n")?;
            mount(
                Some("/run/resolv.conf"),
                "/etc/resolv.conf",
                NONE,
                MsFlags::MS_BIND,
                NONE,
            )?;
            // The test ends it; should the test be killed, so is it.
            Ok(nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?)
        };
        // SAFETY: the child has one thread, and glibc's allocator can be used after fork.
        let holder = unsafe { command.pre_exec(apart) }.spawn().expect("a machine");
        let open = |kind: &str| File::open(format!("/proc/{}/ns/{kind}", holder.id())).expect("a namespace");
        let namespaces = Arc::new([
            (open("user"), CloneFlags::CLONE_NEWUSER),
            (open("net"), CloneFlags::CLONE_NEWNET),
            (open("mnt"), CloneFlags::CLONE_NEWNS),
        ]);
        let machine = Machine { holder, namespaces };
        machine.lays("host.link.set(\"lo\", #{ up: true });");
        machine
    }

    /// What a command does first, to run here.
    pub fn entry(&self) -> impl FnMut() -> io::Result<()> + Send + Sync + 'static {
        let namespaces = self.namespaces.clone();
        let folder = std::env::current_dir();
        move || {
            let folder = folder.as_ref().ok();
            let here = std::env::current_dir().ok();
            for (namespace, kind) in namespaces.iter() {
                setns(namespace.as_fd(), *kind)?;
            }
            here.as_ref().or(folder).map_or(Ok(()), std::env::set_current_dir)
        }
    }

    /// The command of a run here.
    pub fn command(&self, nsx: &Nsx) -> Command {
        let mut command = nsx.command();
        command.env_remove("XDG_RUNTIME_DIR").env_remove("SSH_CONNECTION");
        // SAFETY: the entry makes system calls only.
        unsafe { command.pre_exec(self.entry()) };
        command
    }

    /// Runs nsx here.
    pub fn run(&self, nsx: &Nsx) -> Ran {
        nsx.run_as(self.command(nsx))
    }

    /// Runs nsx with these arguments here.
    pub fn nsx(&self, args: &[&str]) -> Ran {
        self.run(&Nsx::new(args))
    }

    /// Runs a script on the machine itself.
    pub fn host(&self, script: &str) -> Ran {
        self.run(&Nsx::new(&["run", "--host", "lab.rhai"]).file("lab.rhai", script))
    }

    /// Runs a script whose changes are nobody's: nsx is killed, and its journal thrown away.
    #[track_caller]
    pub fn lays(&self, script: &str) {
        let script = format!("{script}\nhost.exec(\"rm /run/nsx/laid.journal /run/nsx/laid.json; kill -9 $PPID\");");
        let lab = Nsx::new(&["run", "--host", "--name", "laid", "lab.rhai"]).file("lab.rhai", &script);
        let ran = self.run(&lab);
        assert_eq!(ran.status, 137, "{}{}", ran.stdout, ran.stderr);
    }

    /// Everything on it that a lab could change, as text.
    #[track_caller]
    pub fn state(&self) -> String {
        let look = Nsx::new(&["run", "--host", "--name", "look", "lab.rhai"]).file("lab.rhai", SHOW);
        let ran = self.run(&look);
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        // What the kernel gives itself, in its own time.
        let lines = ran
            .stdout
            .lines()
            .filter(|line| !line.contains("fe80:") && !line.contains("ff00:"));
        let carrier = ["\"NO-CARRIER\", ", ", \"LOWER_UP\"", "linkdown "];
        let whole = lines.collect::<Vec<_>>().join("\n");
        carrier.iter().fold(whole, |text, word| text.replace(word, ""))
    }

    /// Expects it to be as it was.
    #[track_caller]
    pub fn is_as(&self, before: &str, what: &str) {
        let now = self.state();
        let only = |these: &str, those: &str| {
            let missing = these.lines().filter(|line| !those.lines().any(|other| other == *line));
            missing.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(only(before, &now), only(&now, before), "{what}");
    }

    /// The files that labs keep here.
    pub fn files(&self) -> Vec<String> {
        let mut command = Command::new("ls");
        command.args(["-A", "/run/nsx"]);
        // SAFETY: the entry makes system calls only.
        let listed = unsafe { command.pre_exec(self.entry()) }.output().expect("ls runs");
        String::from_utf8_lossy(&listed.stdout)
            .lines()
            .map(str::to_string)
            .collect()
    }

    /// Runs a line of shell here.
    pub fn shell(&self, line: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        // SAFETY: the entry makes system calls only.
        let ran = unsafe { command.pre_exec(self.entry()) }.output().expect("sh runs");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
