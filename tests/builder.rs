//! One way to run nsx in a test: a folder of files, a command line, and what came of it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal, signal};

/// The binary, copied to where every user may run it. `NSX_BINARY` names another build of it: an emulated machine runs
/// the released one.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let folder = tempfile::Builder::new()
            .prefix("nsx-bin")
            .tempdir()
            .expect("a temporary folder")
            .keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("an open folder");
        let binary = folder.join("nsx");
        let built = std::env::var_os("NSX_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_nsx").into());
        // By another process: a program that another test starts meanwhile would have the file open for writing too.
        let copied = Command::new("cp").arg(built).arg(&binary).status().expect("cp starts");
        assert!(copied.success(), "a copy of nsx");
        // SAFETY: the function does what any other may do while the process ends.
        unsafe { nix::libc::atexit(remove_binary) };
        binary
    })
}

extern "C" fn remove_binary() {
    let _ = binary().parent().map(fs::remove_dir_all);
}

/// A run of nsx to be.
pub struct Nsx {
    folder: tempfile::TempDir,
    args: Vec<String>,
    environment: Vec<(String, String)>,
    input: String,
    unprivileged: bool,
    coloured: bool,
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Nsx {
    /// nsx with these arguments, in an empty folder of its own.
    pub fn new(args: &[&str]) -> Nsx {
        let folder = tempfile::Builder::new()
            .prefix("nsx-test")
            .tempdir()
            .expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("an open folder");
        Nsx {
            folder,
            args: args.iter().map(ToString::to_string).collect(),
            environment: Vec::new(),
            input: String::new(),
            unprivileged: false,
            coloured: false,
        }
    }

    /// `nsx run lab.rhai` with this text in lab.rhai.
    pub fn script(text: &str) -> Nsx {
        Nsx::new(&["run", "lab.rhai"]).file("lab.rhai", text)
    }

    /// With a file in the folder.
    pub fn file(self, name: &str, text: &str) -> Nsx {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders");
        fs::write(path, text).expect("a file");
        self
    }

    /// With one more argument.
    pub fn arg(mut self, arg: &str) -> Nsx {
        self.args.push(arg.into());
        self
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Nsx {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// With this on standard input.
    pub fn input(mut self, text: &str) -> Nsx {
        self.input = text.into();
        self
    }

    /// As a user without any privilege: the one who runs the test, or nobody, where that is root.
    pub fn unprivileged(mut self) -> Nsx {
        self.unprivileged = true;
        self
    }

    /// With colour, though it is no terminal that reads.
    pub fn coloured(mut self) -> Nsx {
        self.coloured = true;
        self
    }

    /// Runs it where nobody may make a user namespace: in a sandbox whose limit of them is 0.
    pub fn without_user_namespaces(&self) -> Ran {
        let variable = if self.coloured {
            "NO_COLOR= CLICOLOR_FORCE=1"
        } else {
            "NO_COLOR=1"
        };
        let inside = format!(
            "echo 0 >/proc/sys/user/max_user_namespaces; {variable} {} {} >out 2>err; echo $? >status",
            binary().display(),
            self.args.join(" ")
        );
        let outside = format!("host.exec([\"unshare\", \"-Ur\", \"sh\", \"-c\", {inside:?}], #{{ check: true }});");
        fs::write(self.folder().join("outside.rhai"), outside).expect("a file");
        let start = Instant::now();
        let ran = Command::new(binary())
            .args(["run", "outside.rhai"])
            .current_dir(self.folder())
            .output();
        let ran = Ran::new(ran.expect("nsx runs"), start.elapsed());
        assert_eq!(ran.status, 0, "{ran:?}");
        let read = |file: &str| fs::read_to_string(self.folder().join(file)).expect("what it wrote");
        Ran {
            status: read("status").trim().parse().expect("a status"),
            stdout: read("out"),
            stderr: read("err"),
            took: ran.took,
        }
    }

    /// The folder it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command, ready to be started.
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .args(&self.args)
            .current_dir(self.folder.path())
            .env(if self.coloured { "CLICOLOR_FORCE" } else { "NO_COLOR" }, "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        if self.coloured {
            command.env_remove("NO_COLOR");
        }
        if self.unprivileged && nix::unistd::geteuid().is_root() {
            // Leaves root's groups behind too.
            command.uid(65534).gid(65534);
        }
        // SAFETY: it only makes system calls.
        unsafe { command.pre_exec(default_signals) };
        command
    }

    /// Runs it to its end.
    pub fn run(&self) -> Ran {
        self.run_as(self.command())
    }

    /// Runs this command of it to its end.
    pub fn run_as(&self, mut command: Command) -> Ran {
        let start = Instant::now();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nsx starts");
        // A run that fails early does not read it all.
        let _ = child
            .stdin
            .take()
            .expect("standard input")
            .write_all(self.input.as_bytes());
        let output = child.wait_with_output().expect("nsx ends");
        Ran::new(output, start.elapsed())
    }

    /// Runs it and expects success; what it printed.
    pub fn prints(&self) -> String {
        let ran = self.run();
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    }
}

impl Ran {
    fn new(output: Output, took: Duration) -> Ran {
        use std::os::unix::process::ExitStatusExt;
        let status = output
            .status
            .code()
            .unwrap_or_else(|| 1000 + output.status.signal().unwrap_or(0));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran {
            status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            took,
        }
    }

    /// Whether it failed for want of a kernel option that this kernel, by its own configuration, does not have.
    /// `.ci/vm` has a kernel that has them.
    pub fn lacks_kernel(&self) -> bool {
        let named = self
            .stderr
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("CONFIG_"));
        self.status == 4 && named.into_iter().any(|option| !has_kernel(option))
    }

    /// Expects this exit status and these words on standard error.
    #[track_caller]
    pub fn fails(&self, status: i32, words: &[&str]) -> &Ran {
        assert_eq!(self.status, status, "{}{}", self.stdout, self.stderr);
        for word in words {
            // Messages are wrapped to the width: a word may stand on the next line.
            let flat = self.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(word), "no {word:?} in:\n{}", self.stderr);
        }
        self
    }
}

/// Whether the kernel was built with an option. Where it does not say, it is taken to be.
pub fn has_kernel(option: &str) -> bool {
    let config = Command::new("sh")
        .args([
            "-c",
            "zcat /proc/config.gz 2>/dev/null || cat \"/boot/config-$(uname -r)\"",
        ])
        .output()
        .expect("a shell");
    let config = String::from_utf8_lossy(&config.stdout);
    config.is_empty() || config.lines().any(|line| line.starts_with(&format!("{option}=")))
}

/// What a shell starts in the background ignores SIGINT; that nsx does not depends on nobody who runs the tests.
pub fn default_signals() -> std::io::Result<()> {
    for number in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the default action runs no code of this process.
        unsafe { signal(number, SigHandler::SigDfl) }?;
    }
    Ok(())
}
