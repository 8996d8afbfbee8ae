//! Who a process is. Its id alone does not say: ids are used again.

use std::fs;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use serde::{Deserialize, Serialize};

/// A process of this boot: another with its id started at another time, or after another boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its process id.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start: u64,
    /// The boot's random id.
    pub boot: String,
}

impl Identity {
    /// The process that has this id now.
    pub fn of(pid: i32) -> io::Result<Identity> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let start = start_time(&stat).ok_or_else(|| io::Error::other("its start time cannot be read"))?;
        Ok(Identity {
            pid,
            start,
            boot: boot()?,
        })
    }

    /// A descriptor of the process; nothing where it has ended, whoever has its id now.
    pub fn open(&self) -> io::Result<Option<OwnedFd>> {
        // SAFETY: the call only makes a descriptor.
        let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, self.pid, 0) };
        let process = match Errno::result(opened) {
            // SAFETY: the descriptor is new.
            Ok(number) => unsafe { OwnedFd::from_raw_fd(number as i32) },
            Err(Errno::ESRCH | Errno::EINVAL) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        // The descriptor keeps the process's id from being used again: what is read now is about the process it is of.
        Ok(Identity::of(self.pid).is_ok_and(|now| now == *self).then_some(process))
    }
}

/// The id of this boot.
pub(super) fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_string())
}

/// The 22nd field; the second is a name in parentheses that may have both blanks and parentheses in it.
fn start_time(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_itself_and_no_other() {
        let own = Identity::of(std::process::id() as i32).expect("this process");
        assert!(own.open().expect("a descriptor").is_some());
        let earlier = Identity {
            start: own.start - 1,
            ..own.clone()
        };
        assert!(earlier.open().expect("no error").is_none(), "its id was used again");
        let other_boot = Identity {
            boot: "another".into(),
            ..own
        };
        assert!(other_boot.open().expect("no error").is_none());
    }

    #[test]
    fn a_name_may_look_like_the_fields_after_it() {
        let stat = "7 (a) S 1 (b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
        assert_eq!(start_time(stat), Some(12345));
        assert_eq!(start_time(""), None);
        assert_eq!(start_time("7 (a) S"), None);
    }
}
