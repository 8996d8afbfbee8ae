//! `nsx run`: a script, in a sandbox of its own.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::machine::Machine;
use super::{Complaints, complain_of, progress, up};
use crate::cli::Run;
use crate::error::{Kind, Problem, Result};
use crate::lab::Running;
use crate::ops::Line;
use crate::sandbox;
use crate::script::{self, Deed, Done, End, Folder, Lab, Sink, Watch};

/// What is to be run, and how.
pub(super) struct Order<'a> {
    /// The lab that stays in which it is run; without it, in a sandbox of its own.
    pub lab: Option<&'a Running>,
    /// A script before it, in the same lab.
    pub first: Option<&'a Path>,
    /// The script.
    pub file: &'a Path,
    /// What it sees as `args`.
    pub args: &'a [String],
    /// Whether its output is not shown.
    pub quiet: bool,
    /// Whether its operations are.
    pub explain: u8,
    /// Whether errors are JSON.
    pub is_json: bool,
}

/// Runs a script; the exit status.
pub fn run(options: &Run) -> u8 {
    if options.machine.host {
        return on_machine(options).unwrap_or_else(complain_of);
    }
    in_sandbox(&Order {
        lab: None,
        first: None,
        file: &options.file,
        args: &options.args,
        quiet: options.quiet,
        explain: options.explain,
        is_json: options.json,
    })
}

/// Runs scripts in a sandbox; the exit status.
pub(super) fn in_sandbox(order: &Order) -> u8 {
    let complaints = Complaints::new(order.is_json);
    let scripts = order
        .first
        .map(read)
        .transpose()
        .and_then(|first| Ok((first, read(order.file)?)));
    let (first, (name, text, folder)) = match scripts {
        Ok(scripts) => scripts,
        Err(problem) => return complaints.about(problem),
    };
    let inside = || {
        script::confine();
        let (before, folder) = match first {
            Some((name, text, folder)) => (Some((name, text)), folder),
            None => (None, folder),
        };
        let mut lab = match Lab::new(folder, sink(order.quiet), watch(order.explain)) {
            Ok(lab) => lab,
            Err(problem) => return complaints.about(problem),
        };
        lab.set_arguments(order.args);
        if order.explain == 0 {
            lab.meter(progress::meter());
        }
        let before = before.map_or(Ok(()), |(name, text)| lab.evaluate(&name, &text).map(|_| ()));
        let end = match before {
            Ok(()) => lab.run(&name, &text),
            Err(end) => end,
        };
        progress::clear();
        if order.explain > 0 {
            advise(&lab);
        }
        match end {
            End::Done(status) => status,
            End::Failed(report) => complaints.draw(&report),
        }
    };
    let ended = match order.lab {
        Some(lab) => sandbox::join(lab, inside),
        None => sandbox::run(inside),
    };
    ended.unwrap_or_else(|problem| complaints.about(problem))
}

fn on_machine(options: &Run) -> Result<u8> {
    let machine = Machine {
        name: &up::name(&options.file, options.name.as_deref())?,
        quiet: options.quiet,
        explain: options.explain,
        args: &options.args,
        uplink: options.machine.uplink(),
        stays: false,
    };
    machine.run(read(&options.file)?)
}

/// The script's name, its text, and the folder that its imports come from.
pub(super) fn read(file: &Path) -> Result<(String, String, Folder)> {
    let named = |error: io::Error| {
        let why = if error.kind() == io::ErrorKind::InvalidData {
            "it is no UTF-8 text".into()
        } else {
            error.to_string()
        };
        let why = why.split(" (os error").next().unwrap_or_default().to_lowercase();
        Problem::new(Kind::Usage, format!("cannot read {}: {why}", file.display()))
    };
    if file.as_os_str() == "-" {
        let text = script::read_script(io::stdin()).map_err(named)?;
        return Ok(("<stdin>".into(), text, Folder::open(Path::new("")).map_err(named)?));
    }
    let text = File::open(file).and_then(script::read_script).map_err(named)?;
    let folder = Folder::open(file.parent().unwrap_or(Path::new(""))).map_err(named)?;
    Ok((file.display().to_string(), text, folder))
}

/// Where the script's `print` goes. Each print is written at once: what is seen is what has happened.
pub(super) fn sink(quiet: bool) -> Sink {
    if quiet {
        return Box::new(|_| Ok(()));
    }
    Box::new(|text| {
        progress::clear();
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    })
}

/// What the script's order has cost, once each, behind the operations.
fn advise(lab: &Lab) {
    for advice in lab.advice() {
        let _ = writeln!(io::stderr(), "hint: {}", advice.replace('\n', "\n      "));
    }
}

/// With `--explain`, each operation on standard error, as a command with the place in the script behind it.
pub(super) fn watch(explain: u8) -> Option<Watch> {
    let show = |done: &Done| {
        let Deed::Changed(op) = done.deed else { return };
        let _ = match done.line {
            Some(Line { source, line }) if *line > 0 => {
                writeln!(io::stderr(), "+ {:<70}  # {source}:{line}", op.spell())
            }
            _ => writeln!(io::stderr(), "+ {}", op.spell()),
        };
    };
    (explain > 0).then(|| Box::new(show) as Watch)
}
