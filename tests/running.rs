//! nsx as it runs: its processes can be found, signalled and waited for.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::builder::Nsx;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A run that goes on.
pub struct Running {
    _lab: Nsx,
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    mark: String,
}

impl Running {
    /// Starts it in a process group of its own, with the signals as a terminal has them.
    pub fn start(lab: Nsx) -> Running {
        let command = lab.command();
        Running::start_with(lab, command, || Ok(()))
    }

    /// Starts this command for it, after a last preparation between fork and exec.
    pub fn start_with(
        lab: Nsx,
        mut command: Command,
        prepare: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Running {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        // Variables of the locale are passed on, so that all processes of the run carry the mark.
        let mark = format!("{}-{}-", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        command.env("LC_NSX_TEST", &mark).process_group(0);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // SAFETY: the preparations only make system calls.
        unsafe { command.pre_exec(prepare) };
        let mut child = command.spawn().expect("nsx starts");
        let stdout = child.stdout.take().map(BufReader::new);
        Running {
            _lab: lab,
            child,
            stdout,
            mark,
        }
    }

    /// Waits for a line of its output.
    #[track_caller]
    pub fn says(&mut self, line: &str) {
        let mut said = String::new();
        let stdout = self.stdout.as_mut().expect("it is read");
        stdout.read_line(&mut said).expect("a line");
        assert_eq!(said.trim_end(), line, "{}", self.complaints());
    }

    /// What it writes on standard error until it ends.
    fn complaints(&mut self) -> String {
        let mut text = String::new();
        let _ = self.child.kill();
        let _ = self
            .child
            .stderr
            .take()
            .map(|mut stderr| stderr.read_to_string(&mut text));
        text
    }

    /// The process that was started.
    pub fn outer(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.outer() as i32), signal).expect("a signal is sent");
    }

    /// Sends its process group a signal, as a terminal does.
    pub fn signal_all(&self, signal: Signal) {
        killpg(Pid::from_raw(self.outer() as i32), signal).expect("a signal is sent");
    }

    /// The processes of the run, those in the sandbox included.
    pub fn processes(&self) -> Vec<u32> {
        let mark = format!("LC_NSX_TEST={}", self.mark);
        pids().filter(|pid| has_variable(*pid, &mark)).collect()
    }

    /// Waits until none is left; the time that took.
    #[track_caller]
    pub fn vanish(&self) -> Duration {
        let start = Instant::now();
        while !self.processes().is_empty() {
            assert!(start.elapsed() < PATIENCE, "processes are left: {:?}", self.processes());
            thread::sleep(Duration::from_millis(1));
        }
        start.elapsed()
    }

    /// Stops reading what it prints.
    pub fn close_output(&mut self) {
        self.stdout = None;
    }

    /// Waits for its end: the status, with 1000 and the number for a signal, and the rest of both outputs. One that
    /// does not end is killed.
    pub fn end(&mut self) -> (i32, String, String) {
        let (done, is_done) = channel::<()>();
        let outer = Pid::from_raw(self.outer() as i32);
        let guard = thread::spawn(move || {
            if is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(outer, Signal::SIGKILL);
            }
        });
        let (mut out, mut err) = (String::new(), String::new());
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_string(&mut out).expect("UTF-8");
        }
        let mut stderr = self.child.stderr.take().expect("standard error");
        stderr.read_to_string(&mut err).expect("UTF-8");
        // Both are closed, so it ends: its id is not reused before it is waited for.
        drop(done);
        guard.join().expect("the guard ends");
        (status(&mut self.child), out, err)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(child: &mut Child) -> i32 {
    let status = child.wait().expect("nsx ends");
    status.code().unwrap_or_else(|| 1000 + status.signal().unwrap_or(0))
}

/// Every process of the machine.
fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn has_variable(pid: u32, variable: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .any(|entry| entry == variable.as_bytes())
}

/// The first child of a process.
pub fn child_of(parent: u32) -> Option<u32> {
    pids().find(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name, which may hold anything: the state and the parent.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        fields.split_whitespace().nth(1) == Some(parent.to_string().as_str())
    })
}
