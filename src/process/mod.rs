//! The programs that a lab runs, and the signals that stop it.

mod capture;
mod end;
mod environment;
mod foreground;
mod interrupt;

use std::cell::{Cell, RefCell};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::netns::{Netns, NsName};

use capture::Capture;
pub use capture::OUTPUT_LIMIT;
pub use end::end_of;
pub use environment::limit;
pub use foreground::in_foreground;
pub use interrupt::{Interrupt, interrupted, is_ignored};

/// How long a program may take to end after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// A program: exact words, or a line for the shell.
#[derive(Clone, Debug, PartialEq)]
pub enum Program {
    /// A line that `sh -c` runs.
    Line(String),
    /// Exact argv; the first is looked up in PATH.
    Words(Vec<String>),
}

impl Program {
    /// As a shell would show it.
    pub fn spell(&self) -> String {
        match self {
            Program::Line(line) => line.clone(),
            Program::Words(words) => words.join(" "),
        }
    }

    fn command(&self) -> std::process::Command {
        match self {
            Program::Line(line) => {
                let mut command = std::process::Command::new("/bin/sh");
                command.arg("-c").arg(line);
                command
            }
            Program::Words(words) => {
                let mut command = std::process::Command::new(words.first().map_or("", String::as_str));
                command.args(words.iter().skip(1));
                command
            }
        }
    }
}

/// The programs in the background.
#[derive(Default)]
pub struct Processes {
    started: RefCell<Vec<Weak<Process>>>,
    count: Cell<u64>,
}

impl Processes {
    /// Starts a program in a namespace: in a process group of its own, standard input empty, output
    /// captured. Must be called within the lab's runtime.
    pub fn start(&self, netns: &NsName, space: &Netns, program: &Program) -> io::Result<Rc<Process>> {
        let process = Rc::new(Process::spawn(netns.clone(), space, program)?);
        self.started.borrow_mut().push(Rc::downgrade(&process));
        self.count.set(self.count.get() + 1);
        Ok(process)
    }

    /// How many were started so far.
    pub fn count(&self) -> u64 {
        self.count.get()
    }

    /// Those that somebody still has a handle of.
    pub fn all(&self) -> Vec<Rc<Process>> {
        self.started.borrow().iter().filter_map(Weak::upgrade).collect()
    }

    /// Ends those that run in `netns` (as `netns::del` must), or all of them.
    pub async fn end(&self, netns: Option<&NsName>) {
        for process in self.all() {
            if netns.is_none_or(|name| *name == process.netns) {
                process.stop().await;
            }
        }
        self.started.borrow_mut().retain(|process| process.strong_count() > 0);
    }
}

/// One program in a namespace.
pub struct Process {
    /// Its process id, as the lab sees it.
    pub pid: u32,
    /// The namespace it was started in.
    pub netns: NsName,
    /// What was started, as a shell would show it.
    pub line: String,
    /// What it writes on standard output.
    stdout: Arc<Capture>,
    /// What it writes on standard error.
    stderr: Arc<Capture>,
    child: RefCell<Option<Child>>,
    ended: RefCell<Option<ExitStatus>>,
    /// Somebody ended it, or waited for its end.
    is_heeded: Cell<bool>,
}

impl Process {
    fn spawn(netns: NsName, space: &Netns, program: &Program) -> io::Result<Process> {
        let mut command = program.command();
        command.env_clear().envs(environment::allowed()).process_group(0);
        let (space, own_view) = (space.clone(), !netns.is_host());
        // SAFETY: the process has one thread, so the child may do whatever its parent could.
        unsafe {
            command.pre_exec(move || {
                if own_view {
                    space.enter()?;
                    show_own_sysfs()?;
                }
                environment::restore()
            });
        }
        let (stdout, stdout_end) = Capture::new()?;
        let (stderr, stderr_end) = Capture::new()?;
        command.stdin(Stdio::null()).stdout(stdout_end).stderr(stderr_end);
        let mut command = Command::from(command);
        let child = command.kill_on_drop(true).spawn()?;
        Ok(Process {
            pid: child.id().unwrap_or_default(),
            netns,
            line: program.spell(),
            stdout,
            stderr,
            child: RefCell::new(Some(child)),
            ended: RefCell::new(None),
            is_heeded: Cell::new(false),
        })
    }

    /// Whether it still runs.
    pub fn alive(&self) -> bool {
        let mut child = self.child.borrow_mut();
        match child.as_mut().map(Child::try_wait) {
            Some(Ok(None)) => true,
            Some(Ok(Some(status))) => {
                *self.ended.borrow_mut() = Some(status);
                *child = None;
                false
            }
            Some(Err(_)) | None => false,
        }
    }

    /// Whether somebody ended it or waited for its end, which then is no news.
    pub fn is_heeded(&self) -> bool {
        self.is_heeded.get()
    }

    /// What it has written on standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written on standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Whether it wrote more than [`OUTPUT_LIMIT`], which then was not kept.
    pub fn overflowed(&self) -> bool {
        self.stdout.overflowed() || self.stderr.overflowed()
    }

    /// Waits for its end: the exit status, or 128 and the signal's number as shells have it.
    /// Giving up the wait kills the program.
    pub async fn wait(&self) -> i32 {
        self.is_heeded.set(true);
        // Taken out, so that no borrow is held across the await.
        let child = self.child.take();
        if let Some(mut child) = child {
            *self.ended.borrow_mut() = child.wait().await.ok();
        }
        self.stdout.drain();
        self.stderr.drain();
        self.status().unwrap_or(-1)
    }

    /// Its exit status, if it has ended.
    pub fn status(&self) -> Option<i32> {
        if self.alive() {
            return None;
        }
        let ended = (*self.ended.borrow())?;
        Some(ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap_or(0)))
    }

    /// Ends it and whatever it started in its process group: SIGTERM, and SIGKILL after two seconds.
    pub async fn stop(&self) {
        self.is_heeded.set(true);
        let group = Pid::from_raw(self.pid as i32);
        if self.alive() {
            let _ = killpg(group, Signal::SIGTERM);
            if timeout(GRACE, self.ended_within()).await.is_err() {
                self.kill();
                self.ended_within().await;
            }
        }
        // The leader is gone; what it left running in its group goes too.
        let _ = killpg(group, Signal::SIGKILL);
    }

    /// Kills its process group at once.
    pub fn kill(&self) {
        let _ = killpg(Pid::from_raw(self.pid as i32), Signal::SIGKILL);
    }

    async fn ended_within(&self) {
        while self.alive() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Makes the calling process, which has one thread, a program in a namespace: exact words, the first looked up in PATH,
/// with the environment and the limits that programs of a lab have. Returns only if that fails.
pub fn become_program(space: Option<&Netns>, words: &[String]) -> io::Error {
    let entered = space.map_or(Ok(()), |space| space.enter().and_then(|()| show_own_sysfs()));
    if let Err(error) = entered.and_then(|()| environment::restore()) {
        return error;
    }
    let mut command = Program::Words(words.to_vec()).command();
    command.env_clear().envs(environment::allowed()).exec()
}

/// Gives the calling process, just forked into a namespace, a /sys that shows this namespace's devices, in
/// a mount namespace of its own: what `ip netns exec` does.
fn show_own_sysfs() -> io::Result<()> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_SLAVE | MsFlags::MS_REC, NONE)?;
    let _ = umount2("/sys", MntFlags::MNT_DETACH);
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), NONE)?;
    Ok(())
}
