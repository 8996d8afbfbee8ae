//! The end of a process, to be waited for beside its parent's own wait.

use std::future::Future;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits for the end of a process of this lab, and leaves its status to whoever waits for that. Must be called within a
/// runtime.
pub fn end_of(pid: u32) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    // SAFETY: pidfd_open only makes a descriptor.
    let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let opened = Errno::result(opened)?;
    // SAFETY: the descriptor was just made and is nobody else's.
    let descriptor = unsafe { OwnedFd::from_raw_fd(opened as i32) };
    // SAFETY: the descriptor belongs to the registration, which is dropped with it.
    let watched = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?;
    Ok(async move {
        let _ = watched.readable().await;
    })
}
