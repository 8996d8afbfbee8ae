//! The terminal: how wide it is, whether it has colours, and which process group it belongs to.

use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg, sigprocmask};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, setpgid, tcgetpgrp, tcsetpgrp};

/// Whether a stream gets colour: a terminal does, unless `NO_COLOR` forbids it; `CLICOLOR_FORCE` gives it to anything.
pub fn is_coloured(stream: &impl IsTerminal) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    !is_set("NO_COLOR") && (is_set("CLICOLOR_FORCE") || stream.is_terminal())
}

/// Whether the locale's letters are UTF-8.
pub fn is_utf8() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    let locale = set.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// The width to draw for: that of the terminal on standard error, within reason.
pub fn columns() -> usize {
    let columns = size().map_or(0, |size| size.ws_col);
    match columns {
        0..40 => 80,
        columns => usize::from(columns).min(120),
    }
}

/// How many lines the terminal on standard error has.
pub fn rows() -> usize {
    let rows = size().map_or(0, |size| size.ws_row);
    if rows == 0 { 24 } else { usize::from(rows) }
}

fn size() -> Option<libc::winsize> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCGWINSZ fills the structure it is given.
    let asked = unsafe { libc::ioctl(2, libc::TIOCGWINSZ, &raw mut size) };
    (asked == 0).then_some(size)
}

fn input() -> BorrowedFd<'static> {
    // SAFETY: standard input stays open for as long as the process lives.
    unsafe { BorrowedFd::borrow_raw(libc::STDIN_FILENO) }
}

/// The terminal on standard input as it was found, to be left so.
pub struct Found {
    modes: Option<Termios>,
    is_terminal: bool,
}

impl Found {
    /// Remembers the terminal. A process in the background is stopped until it is in the foreground.
    pub fn here() -> Found {
        let is_terminal = io::stdin().is_terminal();
        while is_terminal && tcgetpgrp(input()).is_ok_and(|group| group != getpgrp()) {
            if killpg(getpgrp(), Signal::SIGTTIN).is_err() {
                break;
            }
        }
        Found {
            modes: tcgetattr(input()).ok(),
            is_terminal,
        }
    }

    /// Makes the process's group the terminal's again, and its modes what they were.
    pub fn restore(&self) {
        if !self.is_terminal {
            return;
        }
        give_to(getpgrp());
        if let Some(modes) = &self.modes {
            let _ = quietly(|| tcsetattr(input(), SetArg::TCSADRAIN, modes));
        }
    }
}

/// Makes the process the leader of a group of its own, and the terminal that group's. Within a sandbox the group that it
/// was started in has no number, so that nobody in there could give the terminal back to it.
pub fn take_over() {
    if setpgid(Pid::from_raw(0), Pid::from_raw(0)).is_ok() && io::stdin().is_terminal() {
        give_to(getpgrp());
    }
}

/// Makes a process group the terminal's foreground. Async-signal-safe.
pub fn give_to(group: Pid) {
    let _ = quietly(|| tcsetpgrp(input(), group));
}

/// Does something to the terminal that would stop a process in the background.
fn quietly<T>(act: impl FnOnce() -> nix::Result<T>) -> nix::Result<T> {
    let mut before = SigSet::empty();
    let stop = SigSet::from_iter([Signal::SIGTTOU]);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&stop), Some(&mut before))?;
    let done = act();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    done
}
