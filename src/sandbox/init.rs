//! Pid 1 of the sandbox: sets it up, starts the lab, reaps, and takes everything along when it ends.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{ForkResult, fork, pipe2, read, setsid, write};

use super::supervise::{self, Ended, Outcome, Passing};
use super::{Ends, Failed, Ready, Sandbox, inherited, resolver, send_report};
use crate::netns;

/// Runs in the child: never returns.
pub(super) fn run(sandbox: Sandbox, ends: Ends, signals: &SigSet, inside: impl FnOnce(Option<Ready>) -> u8) -> ! {
    let pipe = || pipe2(nix::fcntl::OFlag::O_CLOEXEC).map_err(Failed::at("make a pipe"));
    let forked = set_up(sandbox, &ends).and_then(|()| pipe()).and_then(|pipe| {
        // SAFETY: the process has one thread.
        let forked = unsafe { fork() }.map_err(Failed::at("start the lab"))?;
        Ok((pipe, forked))
    });
    match forked {
        Ok(((ready, ready_end), ForkResult::Parent { child })) => {
            drop((ends.report, ready_end));
            let outcome = supervise::wait(child, ends.ready.as_ref().map(|_| &ready), Passing::All);
            let ended = match outcome {
                Outcome::Ended(ended) => ended,
                Outcome::Stays => stay(ends.ready, child),
            };
            exit(match sandbox.is_machine {
                true => ended.quiet_status(),
                false => ended.status("lab"),
            })
        }
        Ok(((ready, ready_end), ForkResult::Child)) => {
            drop((ends.go, ends.report, ready));
            supervise::unblock(signals);
            exit(inside(ends.ready.map(|_| Ready(ready_end))))
        }
        Err(failed) => {
            send_report(ends.report, &failed);
            exit(4)
        }
    }
}

/// From now on the sandbox does not need the process that started it, and waits for the lab's end alone.
fn stay(ready: Option<OwnedFd>, lab: nix::unistd::Pid) -> Ended {
    inherited::leave_terminal();
    let _ = prctl::set_pdeathsig(None);
    let _ = ready.map(|ready| write(ready, b"1"));
    match supervise::wait(lab, None, Passing::All) {
        Outcome::Ended(ended) => ended,
        Outcome::Stays => unreachable!("nothing says so again"),
    }
}

/// Ends the process without running destructors: they belong to the process this one was forked from.
pub(super) fn exit(status: u8) -> ! {
    // SAFETY: _exit only ends the process.
    unsafe { nix::libc::_exit(i32::from(status)) }
}

fn set_up(sandbox: Sandbox, ends: &Ends) -> Result<(), Failed> {
    let go = &ends.go;
    // The process outside has written the id maps, or is gone.
    match read(go, &mut [0]) {
        Ok(1) => {}
        _ => {
            return Err(Failed {
                step: "start the sandbox".into(),
                errno: Errno::EPIPE,
            });
        }
    }
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(Failed::at("tie the sandbox to its parent"))?;
    if is_orphan(go) {
        return Err(Failed {
            step: "start the sandbox".into(),
            errno: Errno::EPIPE,
        });
    }
    if ends.ready.is_some() {
        // What a terminal sends to its jobs is no longer for the lab once it stays; until then it is passed on.
        setsid().map_err(Failed::at("make a session"))?;
    }
    prctl::set_no_new_privs().map_err(Failed::at("give up gaining privileges"))?;
    if sandbox.is_machine { Ok(()) } else { mounts() }
}

/// Whether the process outside ended before its death could be noticed by signal.
fn is_orphan(go: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(go.as_fd(), PollFlags::POLLHUP)];
    let _ = poll(&mut fds, PollTimeout::ZERO);
    fds[0]
        .revents()
        .is_some_and(|events| events.contains(PollFlags::POLLHUP))
}

/// What the lab sees of the file tree: the machine's, with a /run, /proc and /sys of its own.
fn mounts() -> Result<(), Failed> {
    const NONE: Option<&str> = None;
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let fixed = plain | MsFlags::MS_NOEXEC;
    let mounted = |step: &'static str, result: nix::Result<()>| result.map_err(Failed::at(step));
    mounted(
        "detach the mounts",
        mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE),
    )?;
    mounted(
        "mount /run",
        mount(Some("tmpfs"), "/run", Some("tmpfs"), plain, Some("mode=755")),
    )?;
    make_folder(netns::DIR)?;
    make_folder("/run/lock")?;
    mounted(
        "share /run/netns",
        mount(Some(netns::DIR), netns::DIR, NONE, MsFlags::MS_BIND, NONE),
    )?;
    mounted(
        "share /run/netns",
        mount(NONE, netns::DIR, NONE, MsFlags::MS_SHARED, NONE),
    )?;
    mounted("mount /proc", mount(Some("proc"), "/proc", Some("proc"), fixed, NONE))?;
    if is_real_root() {
        protect_parameters()?;
    }
    mounted("mount /sys", mount(Some("sysfs"), "/sys", Some("sysfs"), fixed, NONE))?;
    // A lab without names is still a lab.
    let _ = resolver::set();
    Ok(())
}

/// Whether root in here is the machine's root.
fn is_real_root() -> bool {
    fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.split_whitespace().nth(1) == Some("0"))
}

/// The kernel's parameters outside net/ and user/ are the machine's own, and its root could write them: they become
/// read-only. A sandbox within this one may only mount a /proc where a whole one can be seen, so one stays
/// out of the way, covered.
fn protect_parameters() -> Result<(), Failed> {
    const NONE: Option<&str> = None;
    let protected = |result: nix::Result<()>| result.map_err(Failed::at("protect /proc/sys"));
    let fixed = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    make_folder("/run/.nsx")?;
    make_folder("/run/.nsx/proc")?;
    protected(mount(Some("proc"), "/run/.nsx/proc", Some("proc"), fixed, NONE))?;
    protected(mount(
        Some("tmpfs"),
        "/run/.nsx",
        Some("tmpfs"),
        fixed | MsFlags::MS_RDONLY,
        NONE,
    ))?;
    for path in ["/proc/sys", "/proc/sys/net", "/proc/sys/user"] {
        protected(mount(Some(path), path, NONE, MsFlags::MS_BIND, NONE))?;
    }
    let read_only = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | fixed;
    protected(mount(NONE, "/proc/sys", NONE, read_only, NONE))
}

fn make_folder(path: &str) -> Result<(), Failed> {
    fs::create_dir(path).map_err(|e: io::Error| Failed {
        step: format!("make {path}"),
        errno: Errno::from_raw(e.raw_os_error().unwrap_or(0)),
    })
}
