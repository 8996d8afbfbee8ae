//! Ctrl-C and its kin: a flag for whoever computes, a file descriptor for whoever waits.

use std::future::Future;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};

use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::{Kind, Problem, Result};

const SIGNALS: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// A terminal sends Ctrl-C to the whole process group, and each process of the sandbox passes it on: within this
/// many milliseconds the signals are one.
const ECHO: i64 = 500;

/// Whether somebody asked the lab to stop. Clones share the answer.
#[derive(Clone)]
pub struct Interrupt {
    signal: Arc<AtomicI32>,
    event: Rc<EventFd>,
    echo: Arc<AtomicI64>,
}

impl Interrupt {
    /// Takes SIGINT, SIGTERM and SIGHUP over: from now on they set the flag instead of ending the process. One that
    /// the caller has nsx ignore, as `nohup` does, stays ignored.
    pub fn catch() -> Result<Interrupt> {
        let failed = |e| Problem::system("catch signals", e);
        let event =
            EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map_err(|e| failed(e.into()))?;
        let signal = Arc::new(AtomicI32::new(0));
        let heeded = Arc::new(AtomicI64::new(i64::MIN));
        let echo = Arc::new(AtomicI64::new(ECHO));
        // A duplicate that is never closed: a signal may come at any time.
        let bell: &'static OwnedFd = Box::leak(Box::new(event.as_fd().try_clone_to_owned().map_err(failed)?));
        for number in SIGNALS.into_iter().filter(|number| !is_ignored(*number)) {
            let (signal, heeded, echo) = (signal.clone(), heeded.clone(), echo.clone());
            let ring = move || {
                let now = milliseconds();
                if now.saturating_sub(heeded.load(Ordering::Relaxed)) < echo.load(Ordering::Relaxed) {
                    return;
                }
                heeded.store(now, Ordering::Relaxed);
                signal.store(number, Ordering::Relaxed);
                // SAFETY: write is async-signal-safe; the descriptor is never closed.
                unsafe { libc::write(bell.as_raw_fd(), (&raw const ONE).cast(), 8) };
            };
            // SAFETY: the action stores atomics and calls clock_gettime and write.
            unsafe { signal_hook_registry::register(number, ring) }.map_err(failed)?;
        }
        // Where there is nothing to confirm, SIGUSR1 is not to end the lab.
        // SAFETY: the action does nothing.
        unsafe { signal_hook_registry::register(libc::SIGUSR1, || {}) }.map_err(failed)?;
        Ok(Interrupt {
            signal,
            event: Rc::new(event),
            echo,
        })
    }

    /// From now on no signal is another's echo: the terminal sends Ctrl-C to the lab's own process group alone.
    pub fn expect_no_echo(&self) {
        self.echo.store(0, Ordering::Relaxed);
    }

    /// The signal that came, if one did.
    pub fn signal(&self) -> Option<i32> {
        Some(self.signal.load(Ordering::Relaxed)).filter(|number| *number != 0)
    }

    /// Stops the lab as the signal `number` would.
    pub fn raise(&self, number: i32) {
        self.signal.store(number, Ordering::Relaxed);
        let _ = self.event.write(ONE);
    }

    /// Stops the lab by itself in so many seconds, as SIGALRM would, unless SIGUSR1 comes before.
    pub fn raise_after(&self, seconds: u32) -> Result<()> {
        let failed = |e| Problem::system("set an alarm", e);
        let event = self.event.as_fd().try_clone_to_owned().map_err(failed)?;
        // A duplicate that is never closed: the alarm may come at any time.
        let bell: &'static OwnedFd = Box::leak(Box::new(event));
        let signal = self.signal.clone();
        let ring = move || {
            signal.store(libc::SIGALRM, Ordering::Relaxed);
            // SAFETY: write is async-signal-safe; the descriptor is never closed.
            unsafe { libc::write(bell.as_raw_fd(), (&raw const ONE).cast(), 8) };
        };
        let confirm = || {
            // SAFETY: alarm is async-signal-safe.
            unsafe { libc::alarm(0) };
        };
        // SAFETY: the actions store an atomic and make a system call.
        unsafe {
            signal_hook_registry::register(libc::SIGALRM, ring).map_err(failed)?;
            signal_hook_registry::register(libc::SIGUSR1, confirm).map_err(failed)?;
            libc::alarm(seconds);
        }
        Ok(())
    }

    /// Forgets the signal, so that what is done to clean up is not stopped by it.
    pub fn clear(&self) {
        let _ = self.event.read();
        self.signal.store(0, Ordering::Relaxed);
    }

    /// Waits for `work`, or until a signal comes: then the error is the interruption and the work is dropped.
    /// Must be called within a runtime.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        // SAFETY: the event outlives this borrow of it, and so the registration.
        let event = unsafe { AsyncFd::register_with_interest(self.event.as_fd(), Interest::READABLE) }
            .map_err(|e| Problem::system("wait for signals", e))?;
        tokio::select! {
            biased;
            _ = event.readable() => Err(interrupted()),
            done = work => Ok(done),
        }
    }
}

static ONE: u64 = 1;

/// Whether a signal does nothing to this process.
pub fn is_ignored(number: i32) -> bool {
    // SAFETY: zero is a valid sigaction, which the call overwrites.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: without a new action the call only tells the present one.
    let told = unsafe { libc::sigaction(number, std::ptr::null(), &raw mut action) };
    told == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// A clock that only goes forward; for signal handlers too.
fn milliseconds() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime fills the structure it is given, and is async-signal-safe.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// The error of whatever a signal stopped.
pub fn interrupted() -> Box<Problem> {
    Problem::new(Kind::Interrupted, "interrupted")
}
