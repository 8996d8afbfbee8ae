//! What a program writes, kept in memory while it runs.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{pipe2, read};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How much of a stream is kept; a program that writes more goes on, but the rest is dropped.
pub const OUTPUT_LIMIT: usize = 8 << 20;

/// The reading end of a program's output. A task reads it whenever the lab waits for anything, so that
/// the program never blocks on a full pipe; whoever asks for the text reads what has come since.
pub(super) struct Capture {
    pipe: OwnedFd,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    overflowed: bool,
}

/// A capture as the runtime watches it.
struct Watched(Arc<Capture>);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.pipe.as_raw_fd()
    }
}

impl Capture {
    /// A capture and the end that the program writes to. Must be called within a runtime.
    pub(super) fn new() -> io::Result<(Arc<Capture>, OwnedFd)> {
        let (pipe, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let capture = Arc::new(Capture {
            pipe,
            kept: Mutex::default(),
        });
        // SAFETY: the descriptor is closed with the capture, which the registration holds.
        let watched = unsafe { AsyncFd::register_with_interest(Watched(capture.clone()), Interest::READABLE) }?;
        tokio::spawn(async move {
            while let Ok(mut ready) = watched.readable().await {
                if watched.get_ref().0.drain() {
                    break;
                }
                ready.clear_ready();
            }
        });
        Ok((capture, writer))
    }

    /// Reads what is there; true when no writer is left.
    pub(super) fn drain(&self) -> bool {
        let mut buffer = [0; 16384];
        let mut kept = self.kept();
        loop {
            match read(&self.pipe, &mut buffer) {
                Ok(0) => return true,
                Ok(n) => {
                    let room = OUTPUT_LIMIT - kept.bytes.len();
                    kept.bytes.extend_from_slice(&buffer[..n.min(room)]);
                    kept.overflowed |= n > room;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return false,
                Err(_) => return true,
            }
        }
    }

    /// The text so far; bytes that are no UTF-8 are replaced.
    pub(super) fn text(&self) -> String {
        self.drain();
        String::from_utf8_lossy(&self.kept().bytes).into_owned()
    }

    /// Whether something was dropped.
    pub(super) fn overflowed(&self) -> bool {
        self.kept().overflowed
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
