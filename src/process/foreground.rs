//! A program that has the terminal: its own standard input, output and error are the lab's, and Ctrl-C is for it.

use std::io::{self, IsTerminal};
use std::os::unix::process::{CommandExt, ExitStatusExt};

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::getpid;
use tokio::process::Command;

use super::{Program, environment, show_own_sysfs};
use crate::netns::{Netns, NsName};
use crate::terminal::{Found, give_to};

/// Runs a program in a namespace to its end, with the terminal: the exit status, or 128 and the signal's number.
pub async fn in_foreground(netns: &NsName, space: &Netns, program: &Program) -> io::Result<i32> {
    let terminal = Found::here();
    let has_terminal = io::stdin().is_terminal();
    let mut command = program.command();
    command
        .env_clear()
        .envs(environment::allowed())
        .env("NSX_NETNS", netns.as_str());
    command.process_group(0);
    let (space, own_view) = (space.clone(), !netns.is_host());
    // SAFETY: what the child does before it becomes the program is async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            if has_terminal {
                give_to(getpid());
                // Ctrl-C is for the program, also where nsx itself was started without it (by a script, in the background).
                signal(Signal::SIGINT, SigHandler::SigDfl)?;
                signal(Signal::SIGQUIT, SigHandler::SigDfl)?;
                // There is nobody who would go on with a program that stopped itself.
                signal(Signal::SIGTSTP, SigHandler::SigIgn)?;
            }
            if own_view {
                space.enter()?;
                show_own_sysfs()?;
            }
            environment::restore()
        });
    }
    let ended = match Command::from(command).spawn() {
        Ok(mut child) => child.wait().await,
        Err(error) => Err(error),
    };
    terminal.restore();
    let ended = ended?;
    Ok(ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap_or(0)))
}
