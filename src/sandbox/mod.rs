//! The throw-away world a lab runs in: user, network, mount, pid and IPC namespaces of its own.
//!
//! Three processes: this one stays outside and waits; its child is pid 1 of the sandbox, sets it up and
//! reaps (`init`); that one's child runs the lab. Whichever is killed, the kernel ends the other two and
//! whatever they started, and takes the namespaces away.

mod forbidden;
mod idmap;
mod inherited;
mod init;
mod join;
mod resolver;
mod supervise;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, pipe2};

use crate::error::Result;
use supervise::{Outcome, Passing};

pub use inherited::refuse_setuid;
pub use join::join;

/// A step of the setup that failed, on its way from the sandbox to the process outside.
#[derive(Debug)]
pub(crate) struct Failed {
    step: String,
    errno: Errno,
}

impl Failed {
    fn at(step: &str) -> impl Fn(Errno) -> Failed + '_ {
        move |errno| Failed {
            step: step.into(),
            errno,
        }
    }
}

/// Runs `inside` as the first program of a new sandbox; its exit status. To be called before the process has a
/// second thread.
pub fn run(inside: impl FnOnce() -> u8) -> Result<u8> {
    let began = Sandbox::default().start(|_| Ok(()), |_| inside())?;
    match began {
        Began::Ended(status) => Ok(status),
        Began::Stays => unreachable!("it has no means to say so"),
    }
}

/// Makes this process, which must have one thread, a member of a new network namespace in which it may do everything. Who is
/// not root has a new user namespace for it.
pub fn step_aside() -> io::Result<()> {
    match unshare(CloneFlags::CLONE_NEWNET) {
        Err(Errno::EPERM) => Ok(unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)?),
        other => Ok(other?),
    }
}

/// How a sandbox that was to stay began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// It stays, and this process is free.
    Stays,
    /// It ended with this status before it was ready.
    Ended(u8),
}

/// Runs `inside` as the first program of a new sandbox that outlives this process once the program says that it is
/// ready; until then the sandbox dies with it. `known` is told of the sandbox's pid 1 before anything happens in there.
pub fn stay(known: impl FnOnce(Pid) -> Result<()>, inside: impl FnOnce(Ready) -> u8) -> Result<Began> {
    let sandbox = Sandbox {
        stays: true,
        ..Sandbox::default()
    };
    sandbox.start(known, |ready| inside(ready.expect("it was made")))
}

/// Runs `inside` on the machine itself: only its processes are in a sandbox, a pid namespace with which all of them end.
/// If `stays`, the program may say that it is ready, as in [`stay`].
pub fn on_machine(
    stays: bool,
    known: impl FnOnce(Pid) -> Result<()>,
    inside: impl FnOnce(Option<Ready>) -> u8,
) -> Result<Began> {
    let sandbox = Sandbox {
        stays,
        is_machine: true,
    };
    sandbox.start(known, inside)
}

/// With what the first program of a sandbox that stays says that it is ready.
pub struct Ready(OwnedFd);

impl Ready {
    /// Gives the terminal back, and says that the lab is ready.
    pub fn tell(self) {
        inherited::leave_terminal();
        let _ = nix::unistd::write(&self.0, b"1");
    }
}

/// What a sandbox is to be.
#[derive(Clone, Copy, Debug, Default)]
struct Sandbox {
    /// It goes on without the process that started it.
    stays: bool,
    /// Its network, its files and its users are the machine's.
    is_machine: bool,
}

/// The pipes between the process outside and pid 1.
struct Ends {
    /// Pid 1 reads here that it may begin.
    go: OwnedFd,
    /// It writes here what failed.
    report: OwnedFd,
    /// And here, that the lab stays.
    ready: Option<OwnedFd>,
}

impl Sandbox {
    fn start(self, known: impl FnOnce(Pid) -> Result<()>, inside: impl FnOnce(Option<Ready>) -> u8) -> Result<Began> {
        let explained = |failed: Failed| forbidden::problem(&failed);
        if self.stays {
            inherited::close_all();
        }
        inherited::close_on_exec();
        let before = supervise::block_signals()
            .map_err(Failed::at("block signals"))
            .map_err(explained)?;
        let pipe = || {
            pipe2(OFlag::O_CLOEXEC)
                .map_err(Failed::at("make a pipe"))
                .map_err(explained)
        };
        let ((go, go_end), (report, report_end), (ready, ready_end)) = (pipe()?, pipe()?, pipe()?);
        let forked = self.fork().map_err(Failed::at("make a user namespace"));
        match forked.map_err(explained)? {
            None => {
                drop((go_end, report, ready));
                let ends = Ends {
                    go,
                    report: report_end,
                    ready: self.stays.then_some(ready_end),
                };
                init::run(self, ends, &before, inside)
            }
            Some(child) => {
                drop((go, report_end, ready_end));
                let outcome = known(child)
                    .inspect_err(|_| end(child))
                    .and_then(|()| self.supervise(child, go_end, report, &ready).map_err(explained));
                supervise::unblock(&before);
                Ok(match outcome? {
                    Outcome::Stays => Began::Stays,
                    Outcome::Ended(ended) if self.is_machine => Began::Ended(ended.quiet_status()),
                    Outcome::Ended(ended) => Began::Ended(ended.status("sandbox")),
                })
            }
        }
    }

    /// Outside: writes the id maps, waits for the setup, then for the end, or until the lab stays.
    fn supervise(self, child: Pid, mut go: OwnedFd, report: OwnedFd, ready: &OwnedFd) -> Result<Outcome, Failed> {
        let mapped = if self.is_machine { Ok(()) } else { idmap::write(child) };
        let begun = mapped.and_then(|()| {
            nix::unistd::write(&mut go, b"1")
                .map(|_| ())
                .map_err(Failed::at("start the sandbox"))
        });
        if let Err(failed) = begun {
            end(child);
            return Err(failed);
        }
        if let Some(failed) = read_report(report) {
            let _ = waitpid(child, None);
            return Err(failed);
        }
        // `go` stays open until the end: when this process is gone, so is its writing end.
        let outcome = supervise::wait(child, Some(ready), Passing::All);
        drop(go);
        Ok(outcome)
    }

    /// Forks; the child is in new namespaces, first process of its pid namespace.
    fn fork(self) -> nix::Result<Option<Pid>> {
        let apart = libc::CLONE_NEWUSER | libc::CLONE_NEWNET | libc::CLONE_NEWNS | libc::CLONE_NEWIPC;
        let apart = if self.is_machine { 0 } else { apart };
        let flags = apart | libc::CLONE_NEWPID | libc::SIGCHLD;
        // SAFETY: without a new stack and without shared memory this is fork; the process has one thread.
        let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
        match Errno::result(child)? {
            0 => Ok(None),
            child => Ok(Some(Pid::from_raw(child as i32))),
        }
    }
}

fn end(child: Pid) {
    let _ = kill(child, Signal::SIGKILL);
    let _ = waitpid(child, None);
}

/// Sends a failure out of the sandbox.
fn send_report(report: OwnedFd, failed: &Failed) {
    let _ = File::from(report).write_all(format!("{} {}", failed.errno as i32, failed.step).as_bytes());
}

/// Reads the failure, if there was one: the writing end is closed when the setup is done.
fn read_report(report: OwnedFd) -> Option<Failed> {
    let mut text = String::new();
    let read: io::Result<usize> = File::from(report).read_to_string(&mut text);
    let (errno, step) = text.split_once(' ')?;
    read.ok()?;
    Some(Failed {
        step: step.into(),
        errno: Errno::from_raw(errno.parse().unwrap_or(0)),
    })
}
