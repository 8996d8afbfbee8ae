//! Labs that stay: `nsx up`, `ls`, `exec`, `shell`, `down`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::builder::{Nsx, Ran};
use crate::running::PATIENCE;
use crate::scale::{DEAR, advises, shows_a_bar, slow};
use crate::terminal::Terminal;

/// Two namespaces on a wire, a page in one of them.
const WEB: &str = "let ns0 = netns::add(\"ns0\");
let ns1 = netns::add(\"ns1\");
ns0.link.add(\"eth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns1 } });
ns0.addr.add(\"10.0.0.1/24\", #{ dev: \"eth0\" });
ns1.addr.add(\"10.0.0.2/24\", #{ dev: \"eth0\" });
ns0.link.set(\"eth0\", #{ up: true });
ns1.link.set(\"eth0\", #{ up: true });
ns0.serve(\"http\");
ns1.start(\"sleep 1000\");
on_exit(|| host.exec([\"touch\", args[0] + \"/left\"]));
print(\"made\");
";

/// A user's labs, in a state folder of their own. What is left of them ends with it.
struct Labs {
    runtime: tempfile::TempDir,
    unprivileged: bool,
}

impl Labs {
    fn new(unprivileged: bool) -> Labs {
        let runtime = tempfile::Builder::new().prefix("nsx-run").tempdir().expect("a folder");
        fs::set_permissions(runtime.path(), fs::Permissions::from_mode(0o700)).expect("a private folder");
        if unprivileged && nix::unistd::geteuid().is_root() {
            chown(runtime.path(), Some(65534), Some(65534)).expect("the user's folder");
        }
        Labs { runtime, unprivileged }
    }

    fn path(&self) -> &Path {
        self.runtime.path()
    }

    fn nsx(&self, args: &[&str]) -> Nsx {
        let nsx = Nsx::new(args).env("XDG_RUNTIME_DIR", &self.path().to_string_lossy());
        if self.unprivileged { nsx.unprivileged() } else { nsx }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.nsx(args).run()
    }

    /// Starts a lab.
    #[track_caller]
    fn up(&self, name: &str, script: &str) -> Ran {
        let runtime = self.path().to_string_lossy().into_owned();
        let args = ["up", "lab.rhai", "--name", name, "--", &runtime];
        let ran = self.nsx(&args).file("lab.rhai", script).run();
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// The process ids of the labs, by `nsx ls`.
    fn pids(&self) -> Vec<i32> {
        let listed: serde_json::Value = serde_json::from_str(&self.run(&["ls", "--json"]).stdout).expect("JSON");
        let labs = listed.as_array().expect("an array");
        labs.iter()
            .map(|lab| lab["pid"].as_i64().expect("a pid") as i32)
            .collect()
    }
}

impl Drop for Labs {
    fn drop(&mut self) {
        self.run(&["down", "--all"]);
    }
}

/// Whether a process runs. One that only waits for its parent to notice its end does not.
fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, fields)| !fields.starts_with(['Z', 'X']))
}

fn a_life(unprivileged: bool) {
    let labs = Labs::new(unprivileged);
    let up = labs.up("web", WEB);
    assert_eq!(up.stdout, "made\n");
    assert!(up.stderr.contains("web is up"), "{}", up.stderr);
    let listed = labs.run(&["ls"]).stdout;
    assert!(
        listed.starts_with("LAB  ") && listed.contains("web") && listed.contains("lab.rhai"),
        "{listed}"
    );
    assert!(!listed.contains("starting"), "{listed}");
    let pid = labs.pids()[0];

    let shown = labs.run(&["exec", "web", "ns1", "--", "cat", "/proc/net/fib_trie"]);
    assert!(
        shown.stdout.contains("10.0.0.2") && !shown.stdout.contains("10.0.0.1\n"),
        "{}",
        shown.stdout
    );
    assert_eq!(labs.run(&["exec", "web", "ns1", "--", "sh", "-c", "exit 7"]).status, 7);
    assert_eq!(
        labs.run(&["exec", "web", "host", "--", "ls", "/run/netns"]).stdout,
        "ns0\nns1\n"
    );
    // The page is served by the lab itself.
    let page = "exec 3<>/dev/tcp/10.0.0.1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -n 1 <&3";
    let fetched = labs.run(&["exec", "web", "ns1", "--", "bash", "-c", page]);
    assert!(
        fetched.stdout.contains("200 OK"),
        "{}{}",
        fetched.stdout,
        fetched.stderr
    );
    let piped = labs
        .nsx(&["repl", "--lab", "web"])
        .input("print(netns::list());\nassert(netns::get(\"ns1\").ping(\"10.0.0.1\").ok);\n")
        .run();
    assert_eq!(piped.stdout, "[\"ns0\", \"ns1\"]\n", "{}", piped.stderr);
    let shell = labs
        .nsx(&["shell", "web", "ns0"])
        .env("SHELL", "/bin/sh")
        .input("ls /sys/class/net; echo $0\n")
        .run();
    assert_eq!(shell.stdout, "eth0\nlo\n/bin/sh\n", "{}", shell.stderr);
    let gone = labs.run(&["exec", "web", "ns0", "--", "/no-such-command"]);
    gone.fails(127, &["no-such-command", "o such file"]);
    labs.run(&["exec", "web", "ns9", "--", "true"])
        .fails(2, &["no netns ns9", "did you mean"]);

    labs.run(&["confirm", "web"])
        .fails(2, &["nothing to confirm", "sandbox"]);
    let down = labs.run(&["down", "web"]);
    assert_eq!((down.status, down.stderr.as_str()), (0, "web is down\n"));
    assert!(
        labs.path().join("left").exists(),
        "what the script left for on_exit has run"
    );
    assert!(!is_alive(pid), "process {pid} is left");
    assert_eq!(labs.run(&["ls"]).stdout, "");
    assert_eq!(fs::read_dir(labs.path().join("nsx")).expect("a folder").count(), 0);
    labs.run(&["down", "web"]).fails(2, &["there is no lab web"]);
}

#[test]
fn a_lab_of_root() {
    a_life(false);
}

#[test]
fn a_lab_of_anybody() {
    a_life(true);
}

#[test]
fn a_lab_that_fails_does_not_stay() {
    let labs = Labs::new(false);
    for (script, status) in [
        ("assert(false);", 1),
        ("host.link.del(\"x0\");", 3),
        ("exit(9);", 9),
        ("let x = ;", 3),
    ] {
        let ran = labs.nsx(&["up", "lab.rhai"]).file("lab.rhai", script).run();
        assert_eq!(ran.status, status, "{script}: {}", ran.stderr);
        assert!(labs.pids().is_empty(), "{script}");
    }
    labs.nsx(&["up", "lab.rhai"])
        .file("lab.rhai", "exit();")
        .run()
        .fails(0, &["lab is up"]);
    assert_eq!(labs.pids().len(), 1);
}

#[test]
fn one_name_has_one_lab_whoever_is_first() {
    let labs = Labs::new(true);
    let runs: Vec<Ran> = scope(|scope| {
        let lab = || {
            labs.nsx(&["up", "lab.rhai", "--name", "x"])
                .file("lab.rhai", "sleep(\"500ms\");")
                .run()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(lab)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a run"))
            .collect()
    });
    assert_eq!(runs.iter().filter(|ran| ran.status == 0).count(), 1, "{runs:?}");
    for lost in runs.iter().filter(|ran| ran.status != 0) {
        lost.fails(2, &["there is a lab x already", "nsx down x"]);
    }
    assert_eq!(labs.pids().len(), 1);
}

#[test]
fn thirty_two_labs_at_once() {
    let labs = Labs::new(true);
    let names: Vec<String> = (0..32).map(|i| format!("lab{i}")).collect();
    scope(|scope| {
        for name in &names {
            scope.spawn(|| {
                labs.up(
                    name,
                    "let ns = netns::add(`n`);\nhost.addr.add(\"10.1.1.1/24\", #{ dev: \"lo\" });",
                )
            });
        }
    });
    let pids = labs.pids();
    assert_eq!(pids.len(), 32);
    let down = labs.run(&["down", "--all"]);
    assert_eq!((down.status, down.stderr.lines().count()), (0, 32), "{}", down.stderr);
    for pid in pids {
        assert!(!is_alive(pid), "process {pid} is left");
    }
    assert!(labs.pids().is_empty());
}

#[test]
fn a_lab_dies_with_nsx_until_it_is_ready_and_not_after() {
    let labs = Labs::new(false);
    let slow = labs
        .nsx(&["up", "lab.rhai", "--name", "slow"])
        .file("lab.rhai", "sleep(\"100s\");");
    let mut child = slow
        .command()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nsx starts");
    let begin = Instant::now();
    let pid = loop {
        if let Some(pid) = labs.pids().first() {
            break *pid;
        }
        assert!(begin.elapsed() < PATIENCE, "it is listed while it starts");
    };
    assert!(labs.run(&["ls"]).stdout.contains("starting"));
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    while is_alive(pid) {
        assert!(begin.elapsed() < PATIENCE, "process {pid} is left");
        sleep(Duration::from_millis(5));
    }
    assert!(labs.pids().is_empty());
    labs.up("slow", "");
    let pid = labs.pids()[0];
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is killed");
    while !labs.pids().is_empty() {
        assert!(begin.elapsed() < PATIENCE);
    }
    labs.up("slow", "");
}

#[test]
fn nobody_who_waits_for_output_waits_for_the_lab() {
    let labs = Labs::new(false);
    let nsx = labs.nsx(&["up", "lab.rhai"]).file("lab.rhai", "print(\"x\");");
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    // A descriptor beyond the three, as a CI system may leave one open.
    let inherited = writer.try_clone().expect("a descriptor");
    let mut command = nsx.command();
    command.stdout(writer).stderr(Stdio::null());
    let number = std::os::fd::AsRawFd::as_raw_fd(&inherited);
    // SAFETY: fcntl only makes a system call.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut command, move || {
            nix::libc::fcntl(number, nix::libc::F_SETFD, 0);
            Ok(())
        });
    }
    let mut child = command.spawn().expect("nsx starts");
    drop((command, inherited));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut reader, &mut text).expect("its output ends");
    assert_eq!(text, "x\n");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(labs.pids().len(), 1);
}

#[test]
fn a_hanging_exit_is_killed_in_the_end() {
    let labs = Labs::new(false);
    labs.up("x", "on_exit(|| sleep(\"1000s\"));");
    let down = labs.run(&["down", "x"]);
    assert_eq!(down.status, 0, "{}", down.stderr);
    assert!(down.stderr.contains("was killed"), "{}", down.stderr);
    assert!(labs.pids().is_empty());
}

#[test]
fn names_that_are_no_names() {
    let labs = Labs::new(false);
    for name in ["../x", "a\nb", "\u{1b}[31mx", "", ".x", "a/b", &"x".repeat(64)] {
        for args in [
            vec!["up", "lab.rhai", "--name", name],
            vec!["down", name],
            vec!["exec", name, "host", "--", "true"],
        ] {
            let ran = labs.nsx(&args).file("lab.rhai", "").run();
            ran.fails(2, &["cannot name a lab"]);
            assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
        }
    }
    labs.up("x", "");
    labs.run(&["exec", "x", "../ns", "--", "true"])
        .fails(2, &["cannot name a netns"]);
    let ran = labs.nsx(&["up", "x y.rhai"]).file("x y.rhai", "").run();
    ran.fails(2, &["cannot name a lab", "--name"]);
}

#[test]
fn garbage_in_the_state_folder() {
    let labs = Labs::new(false);
    labs.up("good", "");
    let folder = labs.path().join("nsx");
    for (garbage, i) in ["x", "{}", "\0\0", "{\"name\":\"\u{1b}[31m\"}", "[[[[[[[["]
        .iter()
        .zip(0..)
    {
        fs::write(folder.join(format!("bad{i}.json")), garbage).expect("a file");
    }
    let other = fs::read_to_string(folder.join("good.json")).expect("a state");
    fs::write(folder.join("copied.json"), other).expect("a file");
    let listed = labs.run(&["ls"]);
    listed.fails(
        2,
        &["bad0.json", "bad4.json", "no state of a lab", "copied.json", "rm '"],
    );
    assert!(
        listed.stdout.contains("good") && !listed.stderr.contains('\u{1b}'),
        "{listed:?}"
    );
    labs.nsx(&["up", "lab.rhai", "--name", "bad1"])
        .file("lab.rhai", "")
        .run()
        .fails(2, &["no state of a lab"]);
    labs.run(&["down", "bad1"]).fails(2, &["no state of a lab"]);
    labs.run(&["down", "copied"]).fails(2, &["another lab's name"]);
    labs.run(&["down", "--all"]).fails(2, &["good is down", "bad0.json"]);
}

#[test]
fn a_state_folder_of_somebody_else() {
    let labs = Labs::new(false);
    labs.run(&["ls"]).fails(0, &[]);
    let folder = labs.path().join("nsx");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("opened");
    labs.run(&["ls"]).fails(2, &["others may enter it", "chmod 700"]);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("closed");
    if nix::unistd::geteuid().is_root() {
        chown(&folder, Some(12345), None).expect("given away");
        labs.run(&["ls"]).fails(2, &["belongs to the user 12345"]);
        chown(&folder, Some(0), None).expect("taken back");
    }
    fs::remove_dir_all(&folder).expect("removed");
    std::os::unix::fs::symlink("/tmp", &folder).expect("a link");
    labs.run(&["ls"]).fails(2, &["no folder"]);
    fs::remove_file(&folder).expect("removed");
}

#[test]
fn a_process_that_joined_ends_with_the_lab() {
    let labs = Labs::new(false);
    labs.up("x", "");
    let nsx = labs.nsx(&["exec", "x", "host", "--", "sleep", "1000"]);
    let mut child: std::process::Child = Command::spawn(nsx.command().stdin(Stdio::null())).expect("nsx starts");
    sleep(Duration::from_millis(300));
    labs.run(&["down", "x"]).fails(0, &["x is down"]);
    let ended = child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(137));
}

#[test]
fn what_is_seen_of_a_run_is_seen_of_a_start() {
    let labs = Labs::new(false);
    let dear = labs.nsx(&["up", "-v", "lab.rhai"]).file("lab.rhai", DEAR).run();
    advises(&dear);
    assert!(
        dear.stderr.find("hint: ") < dear.stderr.find("lab is up"),
        "{}",
        dear.stderr
    );
    labs.run(&["down", "lab"]).fails(0, &["lab is down"]);
    let slow = slow(&["up", "lab.rhai"]).env("XDG_RUNTIME_DIR", &labs.path().to_string_lossy());
    shows_a_bar(&slow, Terminal::open(&slow));
}
