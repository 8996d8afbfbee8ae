//! What nsx may not take over from whoever started it: privileges, and open files.

use std::fs;
use std::os::fd::AsRawFd;

use nix::libc;
use nix::unistd::{getegid, geteuid, getgid, getuid};

use crate::error::{Kind, Problem, Result};

/// Refuses to run with privileges that the user has not: as a setuid or setgid program, or with file capabilities.
pub fn refuse_setuid() -> Result<()> {
    // SAFETY: getauxval only reads what the kernel gave to this process.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    let user = (getuid().as_raw(), geteuid().as_raw());
    let group = (getgid().as_raw(), getegid().as_raw());
    if is_borrowed(secure, user, group) {
        let message =
            "nsx does not run with borrowed privileges: it was started setuid, setgid or with file capabilities";
        return Err(Problem::new(Kind::Usage, message).help("it needs none: chmod ug-s, or setcap -r, on the program"));
    }
    Ok(())
}

/// Whether the privileges are the program's and not the user's. Of a user and a group: the real id, the effective one.
fn is_borrowed(secure: bool, user: (u32, u32), group: (u32, u32)) -> bool {
    secure || user.0 != user.1 || group.0 != group.1
}

/// Keeps the caller's open files, save standard input, output and error, from the programs that a lab starts.
pub(super) fn close_on_exec() {
    for number in open_files() {
        // SAFETY: the flag changes nothing for this process; a descriptor that is gone is refused.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Closes the caller's open files, save standard input, output and error: whoever waits for their end shall not wait for a
/// lab that stays. What nsx opens itself is closed on exec, so what is not came from the caller.
pub(super) fn close_all() {
    for number in open_files() {
        // SAFETY: only asks.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        if flags >= 0 && flags & libc::FD_CLOEXEC == 0 {
            // SAFETY: nothing in this process knows the descriptor.
            unsafe { libc::close(number) };
        }
    }
}

/// Gives standard input, output and error up: whoever reads them sees their end.
pub(super) fn leave_terminal() {
    let Ok(nothing) = fs::OpenOptions::new().read(true).write(true).open("/dev/null") else {
        return;
    };
    for number in 0..=libc::STDERR_FILENO {
        // SAFETY: replaces a descriptor that stays open.
        unsafe { libc::dup2(nothing.as_raw_fd(), number) };
    }
}

fn open_files() -> Vec<i32> {
    let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers = open.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter(|number| *number > libc::STDERR_FILENO).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_are_borrowed_where_the_ids_differ_or_the_kernel_says_so() {
        assert!(!is_borrowed(false, (1000, 1000), (100, 100)));
        assert!(!is_borrowed(false, (0, 0), (0, 0)));
        assert!(is_borrowed(true, (1000, 1000), (100, 100)), "file capabilities");
        assert!(is_borrowed(false, (1000, 0), (100, 100)), "setuid");
        assert!(is_borrowed(false, (1000, 1000), (100, 0)), "setgid");
    }
}
