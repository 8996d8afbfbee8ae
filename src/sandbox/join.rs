//! Joining a sandbox that stays.

use std::os::fd::AsFd;

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, fork};

use super::inherited;
use super::init::exit;
use super::supervise::{self, Outcome, Passing};
use crate::error::{Problem, Result};

/// Runs `inside` in a process of its own in the sandbox whose pid 1 `process` (a pidfd) is; its exit status, 128 and the
/// number where a signal ended it. It ends with this process, and with the sandbox. To be called before the process has
/// a second thread; afterwards this process is in the sandbox too, but for its pid.
pub fn join(process: impl AsFd, inside: impl FnOnce() -> u8) -> Result<u8> {
    inherited::close_on_exec();
    let failed = |doing: &'static str| move |errno: nix::errno::Errno| Problem::system(doing, errno);
    let folder = std::env::current_dir();
    let before = supervise::block_signals().map_err(failed("block signals"))?;
    let all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWPID;
    setns(process, all).map_err(failed("enter the sandbox"))?;
    // The root of the sandbox's file tree is where this process is now.
    let _ = folder.and_then(std::env::set_current_dir);
    prctl::set_no_new_privs().map_err(failed("give up gaining privileges"))?;
    // SAFETY: the process has one thread.
    match unsafe { fork() }.map_err(failed("start a process in the sandbox"))? {
        ForkResult::Child => {
            if prctl::set_pdeathsig(Signal::SIGKILL).is_err() {
                exit(1);
            }
            supervise::unblock(&before);
            exit(inside())
        }
        ForkResult::Parent { child } => {
            let outcome = supervise::wait(child, None, Passing::Sent);
            supervise::unblock(&before);
            match outcome {
                Outcome::Ended(ended) => Ok(ended.quiet_status()),
                Outcome::Stays => unreachable!("it has no means to say so"),
            }
        }
    }
}
