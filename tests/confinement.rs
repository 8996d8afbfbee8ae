//! What a lab and the programs it starts can see and touch.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::geteuid;

use crate::builder::{Nsx, binary, default_signals};
use crate::running::Running;

/// What a line for the shell writes in a lab, as whoever runs the test and as a user without privilege, on the lab's
/// host and in a namespace.
fn written(line: &str) -> Vec<String> {
    let script = "let ns0 = netns::add(\"ns0\");
let ran = [host, ns0].map(|ns| ns.exec(args[0]));
for one in ran {
    assert(one.stderr == \"\", one.stderr);
    print(one.stdout + \"%\");
}";
    let labs = [
        Nsx::script(script).arg(line),
        Nsx::script(script).arg(line).unprivileged(),
    ];
    labs.iter().flat_map(|lab| pieces(&lab.prints())).collect()
}

/// What stands before each percent sign.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<_> = text.split('%').map(|piece| piece.trim().to_string()).collect();
    pieces.pop();
    pieces
}

/// What a line for the shell writes outside.
fn outside(line: &str) -> String {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    // As nsx is started.
    // SAFETY: it only makes system calls.
    unsafe { command.pre_exec(default_signals) };
    let output = command.output().expect("sh").stdout;
    String::from_utf8(output).expect("UTF-8").trim().to_string()
}

/// A set of signals in /proc/self/status; without those above 31, which C libraries keep for themselves.
fn signals(status: &str, name: &str) -> u64 {
    u64::from_str_radix(field(status, name), 16).expect("a set") & 0x7fff_ffff
}

/// The value of a field of /proc/self/status.
fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim()
}

/// Expects this text everywhere.
#[track_caller]
fn writes(line: &str, text: &str) {
    for one in written(line) {
        assert_eq!(one, text, "{line}");
    }
}

#[test]
fn the_environment_is_an_allow_list() {
    let lab = Nsx::script("print(host.exec(\"env\").stdout);");
    let mut command = lab.command();
    command
        .env("SECRET_TOKEN", "s3cret")
        .env("SSH_AUTH_SOCK", "/tmp/agent")
        .env("http_proxy", "http://user:pass@proxy");
    command
        .env("LD_PRELOAD", "")
        .env("LC_TIME", "C")
        .env("TERM", "dumb")
        .env("PATH", "/usr/bin:/bin");
    let (status, out, err) = Running::start_with(lab, command, || Ok(())).end();
    assert_eq!(status, 0, "{err}");
    for foreign in ["SECRET_TOKEN", "SSH_AUTH_SOCK", "http_proxy", "LD_PRELOAD", "s3cret"] {
        assert!(!out.contains(foreign), "{out}");
    }
    for passed in [
        "LC_TIME=C",
        "TERM=dumb",
        "PATH=/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    ] {
        assert!(out.lines().any(|line| line == passed), "no {passed}: {out}");
    }
}

/// Opens files that the next program inherits.
fn open_files() -> io::Result<()> {
    for number in [3, 9, 77] {
        // SAFETY: dup2 only makes a system call; the copy is without close-on-exec.
        let copy = unsafe { libc::dup2(0, number) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[test]
fn the_callers_files_are_not_inherited() {
    let lab = Nsx::script(
        "let ns0 = netns::add(\"ns0\");
for ns in [host, ns0] { print(ns.exec(\"echo /proc/self/fd/*\").stdout); }
let listed = host.start(\"cd /proc/self/fd; echo *\");
listed.wait();
print(listed.stdout);",
    );
    let command = lab.command();
    let (status, out, err) = Running::start_with(lab, command, open_files).end();
    assert_eq!(status, 0, "{err}");
    let open = |text: &str| text.contains("77") || text.split(['/', ' ']).any(|word| word.trim() == "9");
    assert!(out.contains("/proc/self/fd/0") && !open(&out), "{out}");
}

#[test]
fn a_program_has_its_three_files_and_no_other() {
    // The fourth is the folder that is being listed.
    writes("ls /proc/self/fd", "0\n1\n2\n3");
}

#[test]
fn privileges_cannot_be_gained() {
    for status in written("cat /proc/self/status") {
        assert_eq!(field(&status, "NoNewPrivs"), "1", "{status}");
    }
}

#[test]
fn programs_get_the_limits_that_nsx_was_started_with() {
    let line = "cat /proc/self/limits";
    writes(line, &outside(line));
}

#[test]
fn programs_find_signals_as_nsx_found_them() {
    let line = "cat /proc/self/status";
    let outside = outside(line);
    for status in written(line) {
        for name in ["SigBlk", "SigIgn"] {
            assert_eq!(signals(&status, name), signals(&outside, name), "{status}");
        }
    }
}

#[test]
fn only_the_sandboxs_processes_can_be_seen() {
    for seen in written("echo /proc/[0-9]*") {
        let seen: Vec<_> = seen.split_whitespace().collect();
        assert!(seen.contains(&"/proc/1") && seen.len() <= 3, "{seen:?}");
    }
}

#[test]
fn orphans_are_reaped() {
    let script = "for i in 0..30 { host.exec(\"sh -c 'sleep 0.01 & sleep 0.02 &'\"); }
fn all() { host.exec(\"cat /proc/[0-9]*/stat 2>/dev/null\").stdout }
assert(eventually(\"5s\", || !all().contains(\") Z \") && all().split(\"\\n\").len() < 6), all());";
    Nsx::script(script).prints();
}

#[test]
fn the_machines_parameters_cannot_be_set() {
    // Each is given the value it has.
    for parameter in ["vm/swappiness", "kernel/panic", "fs/file-max"] {
        let set =
            format!("cd /proc/sys; (read value <{parameter}; echo $value >{parameter}) 2>/dev/null || echo refused");
        writes(&set, "refused");
    }
    let hidden =
        "cd /run/nsx/proc/sys 2>/dev/null && (read v <vm/swappiness; echo $v >vm/swappiness) && echo set; echo end";
    writes(hidden, "end");
}

#[test]
fn the_labs_own_parameters_can_be_set() {
    writes("cd /proc/sys/net/ipv4; echo 1 >ip_forward; cat ip_forward", "1");
}

#[test]
fn sys_shows_the_namespaces_own_devices() {
    let script = "let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 } });
for ns in [host, ns0] {
    let seen = ns.exec(\"ls /sys/class/net\").stdout.split(\"\\n\").filter(|name| name != \"\" && name != \"bonding_masters\");
    let names = ns.link.show().map(|link| link.ifname);
    names.sort();
    assert_eq!(seen, names, \"the devices\");
}";
    Nsx::script(script).prints();
    Nsx::script(script).unprivileged().prints();
}

#[test]
fn namespaces_are_named_in_a_shared_folder_of_the_labs_own() {
    let script = "netns::add(\"ns0\");
print(host.exec(\"ls /run/netns; cat /proc/self/mountinfo\").stdout);";
    for lab in [Nsx::script(script), Nsx::script(script).unprivileged()] {
        let out = lab.prints();
        let is_shared = |line: &str| line.contains(" /run/netns ") && line.contains(" shared:");
        assert!(out.starts_with("ns0\n") && out.lines().any(is_shared), "{out}");
    }
    assert!(
        !fs::exists("/run/netns/ns0").expect("it can be asked"),
        "the machine's folder is another"
    );
}

#[test]
fn every_id_is_itself_for_root_and_root_is_the_user_for_anybody_else() {
    let map = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
    let outside = map(&fs::read_to_string("/proc/self/uid_map").expect("a map"));
    let seen: Vec<_> = written("cat /proc/self/uid_map").iter().map(|text| map(text)).collect();
    let (own, nobody) = seen.split_at(2);
    let is_user = |map: &Vec<String>, uid: u32| map[..3] == ["0".to_string(), uid.to_string(), "1".to_string()];
    if geteuid().is_root() {
        assert!(own.iter().all(|map| map[0] == "0" && map[2] == outside[2]), "{own:?}");
        assert!(nobody.iter().all(|map| is_user(map, 65534)), "{nobody:?}");
    } else {
        assert!(seen.iter().all(|map| is_user(map, geteuid().as_raw())), "{seen:?}");
    }
}

/// As root: makes the next program one whose user is nobody and whose privileges are root's. Nobody else can.
fn borrow_privileges() -> io::Result<()> {
    if geteuid().is_root() {
        // SAFETY: setresuid only makes a system call.
        Errno::result(unsafe { libc::setresuid(65534, 0, 0) })?;
    }
    Ok(())
}

#[test]
fn borrowed_privileges_are_refused() {
    let lab = Nsx::script("print(\"runs\");");
    let command = lab.command();
    let (status, out, err) = Running::start_with(lab, command, borrow_privileges).end();
    if geteuid().is_root() {
        assert_eq!((status, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("borrowed privileges"), "{err}");
    } else {
        assert_eq!((status, out.as_str()), (0, "runs\n"), "{err}");
    }
}

#[test]
fn a_sandbox_runs_in_a_sandbox() {
    let script = "let ran = host.exec([args[0], \"run\", \"inner.rhai\"]);
print(ran.stdout + ran.stderr);";
    let inner = "netns::add(\"ns0\");\nprint(netns::list());";
    for lab in [Nsx::script(script), Nsx::script(script).unprivileged()] {
        let out = lab
            .file("inner.rhai", inner)
            .arg(binary().to_str().expect("a path"))
            .prints();
        assert_eq!(out, "[\"ns0\"]\n\n");
    }
}
