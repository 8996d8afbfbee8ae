//! Labs that run: finding them, and ending them.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::claim::{file_of, garbage, is_locked, open, remove_left};
use super::{LabName, State};
use crate::error::{Kind, Problem, Result, nearest};
use crate::netns::Netns;

/// How long a lab may take to end after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(10);
/// How long one on the machine may take to take back what it did, once it is no more to wait for what hangs in `on_exit`.
const TEARDOWN: Duration = Duration::from_secs(60);
/// How long a lab may take from its name's being taken until it is known who it is.
const BEGINNING: Duration = Duration::from_secs(2);

/// A lab that runs.
pub struct Running {
    /// What it said of itself.
    pub state: State,
    process: OwnedFd,
    path: PathBuf,
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}

/// The labs in these folders, by name, and what is wrong there. What labs that are gone left is removed.
pub fn all(folders: &[PathBuf]) -> Result<(Vec<Running>, Vec<Box<Problem>>)> {
    let (mut running, mut problems) = (Vec::new(), Vec::new());
    for folder in folders {
        let failed = |e: io::Error| Problem::system(&format!("read {}", folder.display()), e);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match look(&path) {
                Ok(found) => running.extend(found),
                Err(problem) => problems.push(problem),
            }
        }
    }
    running.sort_by(|one, other| one.state.name.cmp(&other.state.name));
    Ok((running, problems))
}

/// The lab with this name in these folders.
pub fn find(folders: &[PathBuf], name: &LabName) -> Result<Running> {
    for folder in folders {
        if let Some(running) = look(&file_of(folder, name))? {
            return Ok(running);
        }
    }
    let (others, _) = all(folders)?;
    let names = others.iter().map(|lab| lab.state.name.as_str());
    let problem = Problem::new(Kind::Usage, format!("there is no lab {name}"));
    Err(match nearest(name.as_str(), names) {
        Some(near) => problem.help(format!("did you mean {near}?")),
        None => problem.help("nsx ls shows those that run; nsx up FILE starts one"),
    })
}

/// The lab that a file tells of; nothing where it is gone.
fn look(path: &Path) -> Result<Option<Running>> {
    let begin = Instant::now();
    loop {
        let file = match open(path, false) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(garbage(path, &e)),
        };
        let is_held = is_locked(&file).map_err(|e| garbage(path, &e))?;
        let state = State::read(&file).map_err(|e| garbage(path, &e))?;
        let misnamed = |state: &State| path.file_stem().is_none_or(|stem| stem != state.name.as_str());
        if state.as_ref().is_some_and(misnamed) {
            return Err(garbage(path, &io::Error::other("it has another lab's name in it")));
        }
        match state {
            Some(state) if is_held => {
                let opened = state.process.open().map_err(|e| garbage(path, &e))?;
                let path = path.to_path_buf();
                return Ok(opened.map(|process| Running { state, process, path }));
            }
            // It is just being started.
            None if is_held && begin.elapsed() < BEGINNING => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                remove_left(path);
                return Ok(None);
            }
        }
    }
}

impl Running {
    /// Ends the lab: what it left for `on_exit` runs first. Returns when the kernel has ended all its processes; whether
    /// it had to be killed.
    pub fn end(self) -> Result<bool> {
        let name = &self.state.name;
        let failed = |errno: Errno| Problem::system(&format!("end lab {name}"), errno);
        self.send(Signal::SIGTERM).map_err(failed)?;
        let mut killed = !self.ends_within(GRACE).map_err(failed)?;
        if killed && self.state.is_machine {
            // Another ends what hangs, but not the teardown.
            self.send(Signal::SIGTERM).map_err(failed)?;
            killed = !self.ends_within(TEARDOWN).map_err(failed)?;
        }
        if killed {
            self.send(Signal::SIGKILL).map_err(failed)?;
            if !self.ends_within(GRACE).map_err(failed)? {
                return Err(
                    Problem::new(Kind::Kernel, format!("lab {name} does not end though it was killed"))
                        .help(format!("process {} hangs in the kernel", self.state.process.pid)),
                );
            }
        }
        remove_left(&self.path);
        Ok(killed)
    }

    /// Its host and at most so many of its namespaces, open. While they are, the kernel keeps them.
    pub fn namespaces(&self, most: usize) -> io::Result<Vec<Netns>> {
        Netns::of_process(self.state.process.pid, most)
    }

    /// Tells the lab that the machine's uplink is to stay as it is.
    pub fn confirm(&self) -> Result<()> {
        let failed = |errno| Problem::system(&format!("confirm lab {}", self.state.name), errno);
        self.send(Signal::SIGUSR1).map_err(failed)
    }

    fn send(&self, signal: Signal) -> nix::Result<()> {
        // SAFETY: sends a signal to the process that the descriptor is of.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.process.as_raw_fd(),
                signal as i32,
                0,
                0,
            )
        };
        match Errno::result(sent) {
            Ok(_) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Whether the process ends in time. The first process of a pid namespace ends when all others in it have.
    fn ends_within(&self, time: Duration) -> nix::Result<bool> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(self.process.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut fds, timeout) {
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}
