//! Faults at every system call that changes something: nsx is killed there, or the call fails. Afterwards nothing of the lab
//! is left, and nothing else is touched.
//!
//! A few points of each script by default, and all of them with `NSX_FAULTS=all`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use nix::errno::Errno;

use crate::builder::Nsx;
use crate::host::{EVERYTHING, KILL, ON_DECOYS, THE_REST};
use crate::machine::{DECOYS, Machine};
use crate::tracer::{Fault, trace};

/// The errors that a call may fail with.
const ERRORS: [Errno; 7] = [
    Errno::EPERM,
    Errno::EEXIST,
    Errno::EBUSY,
    Errno::ENOBUFS,
    Errno::ENOMEM,
    Errno::ENOSPC,
    Errno::EINTR,
];

fn is_whole() -> bool {
    std::env::var_os("NSX_FAULTS").is_some_and(|value| value == "all")
}

/// The points to try of so many: all, or a few of them, others for each `salt`.
fn points(changes: usize, few: usize, salt: usize) -> Vec<usize> {
    if is_whole() {
        return (1..=changes).collect();
    }
    let step = (changes / few).max(1);
    (1 + salt % step..=changes).step_by(step).collect()
}

fn scripts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let entries = fs::read_dir(folder)
        .expect("scripts")
        .map(|entry| entry.expect("an entry").path());
    let read = |path: std::path::PathBuf| -> io::Result<(String, String)> {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        Ok((name, fs::read_to_string(path)?))
    };
    let mut scripts: Vec<_> = entries.map(|path| read(path).expect("a script")).collect();
    scripts.push(("everything".into(), EVERYTHING.into()));
    scripts.push(("on decoys".into(), ON_DECOYS.into()));
    scripts.push(("the rest".into(), THE_REST.into()));
    scripts.sort();
    scripts
}

/// A machine with things that are nobody's, and its state.
fn machine() -> (Machine, String) {
    let machine = Machine::new();
    machine.lays(DECOYS);
    let before = machine.state();
    (machine, before)
}

fn lab(script: &str) -> Nsx {
    Nsx::new(&["run", "--host", "lab.rhai"]).file("lab.rhai", script)
}

#[track_caller]
fn is_clean_after(machine: &Machine, before: &str, what: &str) {
    let cleaned = machine.nsx(&["clean"]);
    assert_eq!(cleaned.status, 0, "{what}: {}", cleaned.stderr);
    assert!(
        machine.files().iter().all(|file| file.ends_with(".json")),
        "{what}: {:?}",
        machine.files()
    );
    machine.is_as(before, what);
    let again = machine.nsx(&["clean"]);
    assert!(again.stderr.contains("nothing to clean"), "{what}: {}", again.stderr);
}

/// A run of a script with a fault.
struct Trial<'a> {
    name: &'a str,
    script: &'a str,
    fault: Fault,
}

impl Trial<'_> {
    /// Runs it. Afterwards the machine must be as it was; what went wrong otherwise.
    fn run(&self, machine: &Machine, before: &str) -> Option<String> {
        let ran = trace(machine, &lab(self.script), self.fault);
        let what = format!(
            "{}: {:?} of {} changes: status {:?}\n{}",
            self.name, self.fault, ran.changes, ran.status, ran.stderr
        );
        let is_answered = match self.fault {
            Fault::Fail(..) => ran.status.is_some_and(|status| status < 134),
            _ => true,
        };
        let looked = catch_unwind(AssertUnwindSafe(|| is_clean_after(machine, before, &what)));
        (looked.is_err() || !is_answered).then_some(what)
    }
}

/// Runs trials, several at once, each on a machine that is as it was; after one that is not, on a new one.
#[track_caller]
fn run(trials: &[Trial]) {
    let begin = Instant::now();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let (mut machine, mut before) = machine();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(trial) = trials.get(number) else { break };
            if is_whole() && number.is_multiple_of(100) {
                println!("{number} of {}, {} s", trials.len(), begin.elapsed().as_secs());
            }
            if let Some(what) = trial.run(&machine, &before) {
                failed.lock().expect("a list").push(what);
                (machine, before) = self::machine();
            }
        }
    };
    let at_once = if is_whole() { 4 } else { 2 };
    std::thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().expect("a list");
    let names: BTreeSet<_> = trials.iter().map(|trial| trial.name).collect();
    println!(
        "{} faults in {names:?}, {} s: after {} of them something was left",
        trials.len(),
        begin.elapsed().as_secs(),
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// How many changes a run has without a fault. A traced lab on a busy machine is slow, and a ping in it may be late: then it
/// is the longest of a few tries.
fn changes(name: &str, script: &str) -> usize {
    let (machine, before) = machine();
    let mut longest = 0;
    for _ in 0..4 {
        let traced = trace(&machine, &lab(script), Fault::None);
        machine.is_as(&before, name);
        longest = longest.max(traced.changes);
        match traced.status {
            Some(0) => break,
            // An assertion of the script.
            Some(1) => {}
            other => panic!("{name}: {other:?}: {}", traced.stderr),
        }
    }
    longest
}

#[test]
fn killed_at_every_change() {
    let scripts = scripts();
    let mut trials = Vec::new();
    for (salt, (name, script)) in scripts.iter().enumerate() {
        let points = points(changes(name, script), 8, salt * 7).into_iter();
        trials.extend(points.map(|at| Trial {
            name,
            script,
            fault: Fault::Kill(at),
        }));
    }
    run(&trials);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn every_change_may_fail() {
    let scripts = [
        ("everything", EVERYTHING),
        ("on decoys", ON_DECOYS),
        ("the rest", THE_REST),
    ];
    let mut trials = Vec::new();
    for (name, script) in scripts {
        let changes = changes(name, script);
        for (salt, errno) in ERRORS.into_iter().enumerate() {
            let points = points(changes, 3, salt * 5).into_iter();
            trials.extend(points.map(|at| Trial {
                name,
                script,
                fault: Fault::Fail(at, errno),
            }));
        }
    }
    run(&trials);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn every_change_of_a_teardown_may_fail() {
    let (script, killed) = (ON_DECOYS, format!("{ON_DECOYS}{KILL}"));
    let begin = {
        let (machine, _) = machine();
        trace(&machine, &lab(&killed), Fault::None).changes
    };
    let end = changes("on decoys", script);
    assert!((100..end - 50).contains(&begin), "{begin} of {end}");
    let trials: Vec<_> = points(end - begin, 45, 0)
        .into_iter()
        .map(|point| Trial {
            name: "on decoys",
            script,
            fault: Fault::Fail(begin + point - 1, Errno::EPERM),
        })
        .collect();
    run(&trials);
}

#[test]
fn a_table_that_changes_while_it_is_read_is_read_again() {
    let (machine, before) = machine();
    let script = "assert_eq(host.link.show(\"br9\").ifname, \"br9\"); assert_eq(host.link.show().len(), 4); assert_eq(netns::get(\"ns9\").addr.show(#{ dev: \"lo\" })[0].addr_info.len(), 1);";
    for times in [1, 3] {
        let ran = trace(&machine, &lab(script), Fault::Interrupt(times));
        assert_eq!(ran.status, Some(0), "{times}: {}", ran.stderr);
        is_clean_after(&machine, &before, "");
    }
    let ran = trace(&machine, &lab(script), Fault::Interrupt(usize::MAX));
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("changed each time it was read"), "{}", ran.stderr);
    is_clean_after(&machine, &before, "");
}

#[test]
fn a_change_that_the_kernel_had_no_room_for_is_made_again() {
    let (machine, before) = machine();
    let script = "host.link.set(\"br9\", #{ mtu: 1400 }); assert_eq(host.link.show(\"br9\").mtu, 1400);";
    for times in [1, 3] {
        let ran = trace(&machine, &lab(script), Fault::NoRoom(times));
        assert_eq!(ran.status, Some(0), "{times}: {}", ran.stderr);
        is_clean_after(&machine, &before, "");
    }
    let ran = trace(&machine, &lab(script), Fault::NoRoom(usize::MAX));
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("ENOBUFS"), "{}", ran.stderr);
    is_clean_after(&machine, &before, "");
}
