//! `nsx test`: scripts and lessons as tests, each run by an nsx of its own, several at once.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::Signal;

use super::junit::{self, Case};
use super::{complain_of, lesson, say};
use crate::cli::Test;
use crate::diagnostics::{escaped, escaped_line};
use crate::error::{Kind, Problem, Result};
use crate::lessons::is_lesson;

/// The status of a run that a signal stopped.
const INTERRUPTED: u8 = 130;

/// Runs the tests; the exit status.
pub fn test(options: &Test) -> u8 {
    let all = subjects(options).and_then(|subjects| run(&subjects, options.jobs, options.junit.as_deref()));
    all.unwrap_or_else(complain_of)
}

/// Something to be tested, by an nsx of its own.
pub(super) struct Subject {
    /// What it is called in the report.
    pub name: String,
    /// What that nsx is called with.
    pub arguments: Vec<OsString>,
}

/// A test that has run.
struct Ran {
    name: String,
    took: Duration,
    /// Its exit status; one that a signal ended has 128 and its number.
    status: u8,
    stdout: String,
    stderr: String,
}

/// What happens while tests run.
enum Event {
    Started(String),
    Ended(Ran),
}

/// Runs the tests, so many at once, and reports them; the exit status.
pub(super) fn run(subjects: &[Subject], jobs: Option<u16>, junit: Option<&Path>) -> Result<u8> {
    let begin = Instant::now();
    let jobs = usize::from(jobs.unwrap_or_else(processors)).min(subjects.len());
    let (tell, told) = channel();
    let next = AtomicUsize::new(0);
    let mut ran = thread::scope(|scope| {
        for _ in 0..jobs {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || work(subjects, next, &tell));
        }
        drop(tell);
        watch(&told, subjects.len())
    });
    ran.sort_by(|one, other| one.name.cmp(&other.name));
    let took = begin.elapsed();
    if let Some(file) = junit {
        fs::write(file, report(&ran, took)).map_err(|e| cannot("write", file, &e))?;
    }
    let failed = ran.iter().filter(|ran| ran.status != 0).count();
    say(&format!(
        "{} passed, {failed} failed in {:.1} s",
        ran.len() - failed,
        took.as_secs_f64()
    ));
    let is_interrupted = ran.iter().any(|ran| ran.status == INTERRUPTED);
    Ok(if is_interrupted {
        INTERRUPTED
    } else {
        u8::from(failed > 0)
    })
}

/// How many processors there are.
pub(super) fn processors() -> u16 {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    u16::try_from(processors).unwrap_or(u16::MAX)
}

/// The scripts and lessons that the paths name, each once and in order.
fn subjects(options: &Test) -> Result<Vec<Subject>> {
    let is_script = |path: &Path| path.extension().is_some_and(|extension| extension == "rhai");
    let mut found = files(&options.paths, |path| is_script(path) || is_lesson(path))?;
    let filter = options.filter.as_deref().unwrap_or_default();
    found.retain(|path| path.to_string_lossy().contains(filter));
    if found.is_empty() {
        return Err(Problem::new(Kind::Usage, "there is nothing to test").help(
            "give scripts, or folders that have *.rhai files or lessons, and a --filter that some of them match",
        ));
    }
    let (lessons, scripts): (Vec<PathBuf>, Vec<PathBuf>) =
        found.into_iter().partition(|path: &PathBuf| is_lesson(path));
    let script = |path: PathBuf| Subject {
        name: path.display().to_string(),
        arguments: ["run", "--"]
            .map(OsString::from)
            .into_iter()
            .chain([path.into()])
            .collect(),
    };
    Ok(scripts
        .into_iter()
        .map(script)
        .chain(lesson::subjects(&lessons))
        .collect())
}

/// The files that the paths name, each once and in order; of folders, those that are wanted.
pub(super) fn files(paths: &[PathBuf], is_wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|e| cannot("read", path, &e))?;
        if kind.is_dir() {
            search(path, &is_wanted, &mut found).map_err(|e| cannot("read", path, &e))?;
        } else {
            found.insert(path.clone());
        }
    }
    Ok(found.into_iter().collect())
}

/// Adds the files in a folder and in those within it. Links are not followed into folders.
fn search(folder: &Path, is_wanted: &impl Fn(&Path) -> bool, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            search(&path, is_wanted, found)?;
        } else if is_wanted(&path) && path.is_file() {
            found.insert(path);
        }
    }
    Ok(())
}

fn cannot(doing: &str, path: &Path, error: &io::Error) -> Box<Problem> {
    let why = error.to_string();
    let why = why.split(" (os error").next().unwrap_or_default().to_lowercase();
    Problem::new(Kind::Usage, format!("cannot {doing} {}: {why}", path.display()))
}

/// Runs one test after another until none is left, or one was interrupted.
fn work(subjects: &[Subject], next: &AtomicUsize, tell: &Sender<Event>) {
    while let Some(subject) = subjects.get(next.fetch_add(1, Ordering::Relaxed)) {
        let name = subject.name.clone();
        let _ = tell.send(Event::Started(name.clone()));
        let begin = Instant::now();
        let ran = start(subject).map_or_else(|e| (4, String::new(), format!("nsx: {e}\n")), outcome);
        let (status, stdout, stderr) = ran;
        if status == INTERRUPTED {
            next.store(subjects.len(), Ordering::Relaxed);
        }
        let took = begin.elapsed();
        let _ = tell.send(Event::Ended(Ran {
            name,
            took,
            status,
            stdout,
            stderr,
        }));
    }
}

fn start(subject: &Subject) -> io::Result<Output> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("nsx").args(&subject.arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // SAFETY: prctl only makes a system call. The thread that starts the program waits for its end.
    unsafe { command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGTERM)?)) };
    command.output()
}

fn outcome(output: Output) -> (u8, String, String) {
    let signal = || output.status.signal().map_or(u8::MAX, |signal| 128 + signal as u8);
    let status = output.status.code().map_or_else(signal, |code| code as u8);
    // Ctrl-C in a terminal reaches a test that has not begun to catch it.
    let status = if status == 128 + Signal::SIGINT as u8 {
        INTERRUPTED
    } else {
        status
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status, text(&output.stdout), text(&output.stderr))
}

/// Says what happens until all have run: a line for each, on a terminal also those that run now.
fn watch(told: &Receiver<Event>, count: usize) -> Vec<Ran> {
    let mut progress = Progress {
        is_shown: io::stderr().is_terminal(),
        running: Vec::new(),
        count,
    };
    let mut done = Vec::new();
    for event in told {
        progress.clear();
        match event {
            Event::Started(name) => progress.running.push(name),
            Event::Ended(ran) => {
                progress.running.retain(|name| *name != ran.name);
                tell_of(&ran);
                done.push(ran);
            }
        }
        progress.show(done.len());
    }
    progress.clear();
    done
}

fn tell_of(ran: &Ran) {
    let (word, seconds) = (if ran.status == 0 { "ok" } else { "FAILED" }, ran.took.as_secs_f64());
    say(&format!("{word:6}  {}  {seconds:.2} s", escaped_line(&ran.name)));
    if ran.status != 0 {
        let mut error = io::stderr().lock();
        // Nobody to tell is no reason to fail. nsx has escaped what it drew; what the script printed may be anything.
        let _ = write!(error, "{}{}", escaped(&ran.stdout), escaped(&ran.stderr));
        let _ = writeln!(error, "{} ended with status {}", escaped_line(&ran.name), ran.status);
    }
}

/// The line at the end of a terminal.
struct Progress {
    is_shown: bool,
    running: Vec<String>,
    count: usize,
}

impl Progress {
    fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn show(&self, done: usize) {
        if !self.is_shown {
            return;
        }
        let names = self.running.iter().map(|name| escaped_line(name)).collect::<Vec<_>>();
        let line = format!("{done}/{}  {}", self.count, names.join(" "));
        let line: String = line.chars().take(crate::terminal::columns() - 1).collect();
        let mut error = io::stderr();
        let _ = write!(error, "{line}");
        let _ = error.flush();
    }
}

fn report(ran: &[Ran], took: Duration) -> String {
    let messages: Vec<_> = ran
        .iter()
        .map(|ran| format!("ended with status {}", ran.status))
        .collect();
    let mut cases = Vec::new();
    for (ran, message) in ran.iter().zip(&messages) {
        let failure = (ran.status != 0).then_some((message.as_str(), ran.stderr.as_str()));
        cases.push(Case {
            name: &ran.name,
            took: ran.took,
            output: &ran.stdout,
            failure,
        });
    }
    junit::report(&cases, took)
}
