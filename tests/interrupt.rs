//! Signals end a lab soon and cleanly, whatever it is doing, and so does a reader that goes away.

use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal, signal};

use crate::builder::Nsx;
use crate::running::Running;

/// What a script may be doing when the signal comes.
const DOINGS: [&str; 6] = [
    "host.ping(\"127.0.0.1\", #{ count: 10000, interval: \"10ms\" });",
    "host.exec(\"sleep 100\");",
    "loop { }",
    "sleep(\"100s\");",
    "eventually(\"100s\", || false);",
    "web.wait();",
];

/// "Well under a second", on a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// A lab with a program in the background, in the midst of doing something.
fn busy(doing: &str) -> Running {
    let start = "on_exit(|| { print(\"leaving\"); sleep(\"100ms\"); print(\"left\"); });
let web = netns::add(\"ns0\").start(\"sleep 100\");
print(\"ready\");";
    let mut running = Running::start(Nsx::script(&format!("{start}\n{doing}\nprint(\"not reached\");")));
    running.says("ready");
    sleep(Duration::from_millis(20));
    running
}

/// Sends signals to a busy lab; it must end as an interrupted one does.
#[track_caller]
fn interrupted(doing: &str, send: impl Fn(&Running)) {
    let mut running = busy(doing);
    let start = Instant::now();
    send(&running);
    let (status, out, err) = running.end();
    let took = start.elapsed();
    assert_eq!((status, out.as_str()), (130, "leaving\nleft\n"), "{doing} {err}");
    assert!(
        err.contains("interrupted") && !err.contains("ended by"),
        "{doing} {err}"
    );
    assert!(took < SOON, "{doing} took {took:?}");
    running.vanish();
}

#[test]
fn ctrl_c_to_nsx_alone() {
    for doing in DOINGS {
        interrupted(doing, |running| running.signal(Signal::SIGINT));
    }
}

#[test]
fn ctrl_c_to_the_process_group() {
    for doing in DOINGS {
        interrupted(doing, |running| running.signal_all(Signal::SIGINT));
    }
}

#[test]
fn a_signal_that_asks_to_end() {
    for asked in [Signal::SIGTERM, Signal::SIGHUP] {
        interrupted("sleep(\"100s\");", |running| running.signal(asked));
        interrupted("loop { }", |running| running.signal_all(asked));
    }
}

#[test]
fn signals_in_quick_succession_are_one() {
    for doing in DOINGS {
        interrupted(doing, |running| {
            for _ in 0..5 {
                running.signal_all(Signal::SIGINT);
                sleep(Duration::from_millis(20));
            }
        });
    }
}

#[test]
fn an_interruption_cannot_be_caught() {
    interrupted("loop { try { sleep(\"100s\"); } catch { } }", |running| {
        running.signal(Signal::SIGINT)
    });
}

#[test]
fn a_later_ctrl_c_ends_what_hangs_on_exit() {
    let script = "on_exit(|| print(\"left\"));
on_exit(|| { print(\"leaving\"); sleep(\"100s\"); });
print(\"ready\");
sleep(\"100s\");";
    let mut running = Running::start(Nsx::script(script));
    running.says("ready");
    running.signal(Signal::SIGINT);
    running.says("leaving");
    sleep(Duration::from_millis(700));
    let start = Instant::now();
    running.signal_all(Signal::SIGINT);
    let (status, _, err) = running.end();
    assert_eq!(status, 130, "{err}");
    assert!(start.elapsed() < SOON);
    running.vanish();
}

#[test]
fn before_the_script_begins() {
    for pause in 0..20 {
        let mut running = Running::start(Nsx::script("sleep(\"100s\");"));
        sleep(Duration::from_millis(pause));
        running.signal_all(Signal::SIGINT);
        let (status, _, err) = running.end();
        // Until nsx has begun to catch the signal, the kernel ends it.
        assert!([130, 1002].contains(&status), "{status} {err}");
        running.vanish();
    }
}

#[test]
fn what_the_caller_ignores_is_ignored() {
    let lab = Nsx::script("print(\"ready\");\nsleep(\"300ms\");\nprint(\"done\");");
    let command = lab.command();
    let mut running = Running::start_with(lab, command, || ignore(Signal::SIGHUP));
    running.says("ready");
    running.signal_all(Signal::SIGHUP);
    let (status, out, err) = running.end();
    assert_eq!((status, out.as_str()), (0, "done\n"), "{err}");
}

#[test]
fn a_caller_that_ignores_the_ends_of_children() {
    let lab = Nsx::script("assert_eq(host.exec(\"exit 3\").status, 3, \"a status\");\nexit(7);");
    let command = lab.command();
    let mut running = Running::start_with(lab, command, || ignore(Signal::SIGCHLD));
    let (status, _, err) = running.end();
    assert_eq!(status, 7, "{err}");
}

fn ignore(number: Signal) -> std::io::Result<()> {
    // SAFETY: ignoring runs no code of this process.
    unsafe { signal(number, SigHandler::SigIgn) }?;
    Ok(())
}

/// What is left of a run whose output is closed after the first line.
#[track_caller]
fn unread(script: &str) {
    let lab = Nsx::script(&format!(
        "on_exit(|| {{ print(\"x\"); {} }});\nprint(\"first\");\n{script}",
        DONE
    ));
    let folder = lab.folder().to_path_buf();
    let mut running = Running::start(lab);
    running.says("first");
    let start = Instant::now();
    running.close_output();
    assert_eq!(running.end(), (141, String::new(), String::new()), "{script}");
    assert!(start.elapsed() < SOON, "{script}");
    assert!(folder.join("done").exists(), "what runs on exit runs: {script}");
}

/// Says that it has run, in a file.
const DONE: &str = "host.exec(\"sleep 0.1; : >done\");";

#[test]
fn a_reader_that_goes_away_ends_the_lab_quietly() {
    unread("loop { print(\"more\"); }");
    unread("loop { print(\"more\"); sleep(\"1ms\"); }");
    unread("loop { try { print(\"more\"); sleep(\"1ms\"); } catch { } }");
    unread("sleep(\"200ms\"); print(\"the last line\");");
    // Only what runs on exit meets the closed pipe.
    unread("sleep(\"200ms\");");
}
