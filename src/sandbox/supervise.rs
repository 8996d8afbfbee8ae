//! Waiting for a process: what it starts is reaped, signals are passed on to it.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, read};

use crate::process::is_ignored;

/// The signals that are passed on.
const PASSED_ON: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1];

/// Which signals are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    /// Those that come.
    All,
    /// Those that another process sent: what a terminal sends goes to the whole process group, the other process included.
    Sent,
}

/// What came of waiting.
pub(super) enum Outcome {
    /// The process ended.
    Ended(Ended),
    /// It says that it stays.
    Stays,
}

/// How a process ended.
pub(super) enum Ended {
    /// With this exit status.
    Exited(u8),
    /// By this signal.
    Killed(Signal),
}

impl Ended {
    /// The exit status that stands for it. A process that was killed could not say so: it is said here.
    pub(super) fn status(&self, what: &str) -> u8 {
        match self {
            Ended::Exited(status) => *status,
            Ended::Killed(signal) => {
                let _ = writeln!(
                    io::stderr(),
                    "nsx: the {what} was ended by {signal}; nothing of it is left"
                );
                128 + *signal as u8
            }
        }
    }

    /// The exit status that stands for it, as shells have it.
    pub(super) fn quiet_status(&self) -> u8 {
        match self {
            Ended::Exited(status) => *status,
            Ended::Killed(signal) => 128 + *signal as u8,
        }
    }
}

/// Waits for `child`, reaping whatever else ends, and passes signals on to it; or until something is written to `ready`.
/// The signals must be blocked.
pub(super) fn wait(child: Pid, ready: Option<&OwnedFd>, passing: Passing) -> Outcome {
    let signals = SignalFd::with_flags(&watched(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .expect("the process may open one more file");
    let mut ready = ready;
    loop {
        if let Some(ended) = reaped(child) {
            return Outcome::Ended(ended);
        }
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(ready.map(|ready| PollFd::new(ready.as_fd(), PollFlags::POLLIN)));
        let _ = poll(&mut fds, PollTimeout::NONE);
        let is_told = fds
            .get(1)
            .and_then(PollFd::revents)
            .is_some_and(|events| !events.is_empty());
        while let Ok(Some(came)) = signals.read_signal() {
            pass_on(&came, child, passing);
        }
        if let Some(told) = ready.filter(|_| is_told) {
            match read(told, &mut [0]) {
                Ok(1) => return Outcome::Stays,
                // Its writers are gone: they will not say it any more.
                _ => ready = None,
            }
        }
    }
}

fn pass_on(came: &siginfo, child: Pid, passing: Passing) {
    let is_from_terminal = came.ssi_code == libc::SI_KERNEL;
    match Signal::try_from(came.ssi_signo as i32) {
        Ok(Signal::SIGCHLD) | Err(_) => {}
        Ok(_) if is_from_terminal && passing == Passing::Sent => {}
        Ok(signal) => {
            let _ = kill(child, signal);
        }
    }
}

/// Reaps what has ended; how `child` ended, if it did.
fn reaped(child: Pid) -> Option<Ended> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == child => return Some(Ended::Exited(status as u8)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return Some(Ended::Killed(signal)),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return None,
            Ok(_) | Err(_) => {}
        }
    }
}

/// A signal that the caller has nsx ignore, as `nohup` does, is not watched for.
fn watched() -> SigSet {
    let passed_on = PASSED_ON.into_iter().filter(|signal| !is_ignored(*signal as i32));
    passed_on.chain([Signal::SIGCHLD]).collect()
}

/// Blocks the signals that [`wait`] waits for; the mask before.
pub(super) fn block_signals() -> nix::Result<SigSet> {
    // Where the caller ignores it, the ends of children go unseen.
    // SAFETY: the default action runs no code of this process.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&watched()), Some(&mut before))?;
    Ok(before)
}

/// Puts the mask of [`block_signals`] back.
pub(super) fn unblock(before: &SigSet) {
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(before), None);
}
