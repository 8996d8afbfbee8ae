//! A terminal for nsx to run in: what is typed goes in, and the screen shows what a person would see.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::builder::Nsx;

/// How long anything may take under load.
const PATIENCE: Duration = Duration::from_secs(30);

/// nsx in a terminal.
pub struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Child,
    /// Held open, so that the terminal outlives nsx.
    line: OwnedFd,
}

impl Terminal {
    /// Starts nsx in a terminal of 80 columns and 24 rows.
    pub fn open(nsx: &Nsx) -> Terminal {
        Terminal::sized(nsx, 80, 24)
    }

    pub fn sized(nsx: &Nsx, columns: u16, rows: u16) -> Terminal {
        Terminal::start(nsx, nsx.command(), columns, rows)
    }

    /// Starts this command of it.
    pub fn start(nsx: &Nsx, mut command: Command, columns: u16, rows: u16) -> Terminal {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).expect("a terminal");
        // Another test's nsx must not keep this terminal open: it ends with the test.
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("closed on exec");
        }
        let end = || pty.slave.try_clone().expect("the terminal's end");
        command.stdin(end()).stdout(end()).stderr(end());
        command
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", nsx.folder().join("state"));
        // SAFETY: the child only makes system calls.
        unsafe {
            command.pre_exec(|| {
                nix::unistd::setsid()?;
                match nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let child = command.spawn().expect("nsx starts");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let shown = screen.clone();
        let mut output = File::from(pty.master.try_clone().expect("the terminal"));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().expect("the screen").process(&bytes[..count]);
            }
        });
        Terminal {
            keyboard: File::from(pty.master),
            screen,
            child,
            line: pty.slave,
        }
    }

    /// What the screen shows.
    pub fn screen(&self) -> String {
        self.screen.lock().expect("the screen").screen().contents()
    }

    /// The line that the cursor is in, up to the cursor.
    fn line(&self) -> String {
        let parser = self.screen.lock().expect("the screen");
        let (row, column) = parser.screen().cursor_position();
        let line = parser.screen().rows(0, column.max(1)).nth(usize::from(row));
        line.unwrap_or_default()
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn waits(&self, what: &str, is_so: impl Fn(&Terminal) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < end, "no {what} on the screen:\n{}", self.screen());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub fn sees(&self, text: &str) -> &Terminal {
        self.waits(text, |terminal| terminal.screen().contains(text));
        self
    }

    /// Waits until the line before the cursor ends with this.
    #[track_caller]
    pub fn has_typed(&self, text: &str) -> &Terminal {
        self.waits(&format!("line {text:?}"), |terminal| {
            terminal.line().trim_end().ends_with(text.trim_end())
        });
        self
    }

    /// Waits for an empty prompt.
    #[track_caller]
    pub fn is_ready(&self) -> &Terminal {
        self.waits("prompt", |terminal| terminal.line().trim_end() == "nsx>");
        self
    }

    /// Presses keys.
    pub fn types(&self, keys: &str) -> &Terminal {
        (&self.keyboard).write_all(keys.as_bytes()).expect("a keyboard");
        self
    }

    /// Types a line, and waits until it is done and the next prompt is there.
    #[track_caller]
    pub fn enters(&self, line: &str) -> &Terminal {
        self.is_ready().types(line);
        let end: String = line
            .chars()
            .rev()
            .take(20)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        self.has_typed(&end).types("\r");
        self.waits("next line", |terminal| {
            !terminal.line().trim_end().ends_with(end.trim_end())
        });
        self.is_ready()
    }

    /// Clears the screen, so that what is seen is new.
    #[track_caller]
    pub fn clears(&self) -> &Terminal {
        self.types("\x0c");
        self.waits("cleared screen", |terminal| terminal.screen().trim() == "nsx>");
        self
    }

    /// Whether the terminal echoes and waits for whole lines, as before nsx.
    pub fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.line).expect("the modes");
        modes
            .local_flags
            .contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
    }

    /// Waits until something runs, which Ctrl-C interrupts.
    #[track_caller]
    pub fn is_busy(&self) -> &Terminal {
        self.waits("work", Terminal::is_as_before);
        self
    }

    /// Waits for the end; the exit status.
    #[track_caller]
    pub fn ends(mut self) -> i32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("nsx can be waited for") {
                assert!(self.is_as_before(), "the terminal is left as it was");
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.screen());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
