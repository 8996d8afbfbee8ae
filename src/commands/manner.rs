//! How a script is run, whichever command runs it and wherever: what it is given, what is seen of it, and how it ends.

use std::io::{self, Write};

use super::{Complaints, note, progress};
use crate::diagnostics::Report;
use crate::lab::Claim;
use crate::ops::Line;
use crate::sandbox::Ready;
use crate::script::{self, Deed, Done, End, Folder, Lab, Sink, Watch};

/// A script: its name, as the user gave it, and its text.
pub(super) type Script = (String, String);

/// How a script is run.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner<'a> {
    /// What it sees as `args`.
    pub args: &'a [String],
    /// Whether its output is not shown.
    pub quiet: bool,
    /// Whether its operations are.
    pub explain: u8,
    /// Whether errors are JSON.
    pub is_json: bool,
}

impl Manner<'_> {
    /// How problems are told.
    pub(super) fn complaints(&self) -> Complaints {
        Complaints::new(self.is_json)
    }

    /// As the first program of a sandbox, or of a lab that was joined: runs scripts in a lab there; the exit status.
    pub(super) fn run_inside(&self, folder: Folder, scripts: &[Script], stays: Option<(&Claim, Ready)>) -> u8 {
        script::confine();
        match Lab::new(folder, self.sink(), self.watch()) {
            Ok(mut lab) => self.run(&mut lab, scripts, stays),
            Err(problem) => self.complaints().about(problem),
        }
    }

    /// Runs scripts in a lab, one after another, as long as that goes well; if the lab `stays`, it is kept then, until a
    /// signal comes. The exit status.
    pub(super) fn run(&self, lab: &mut Lab, scripts: &[Script], stays: Option<(&Claim, Ready)>) -> u8 {
        lab.set_arguments(self.args);
        if self.explain == 0 {
            lab.meter(progress::meter());
        }
        let (mut last, mut end) = ("", End::Done(0));
        for (name, text) in scripts {
            last = name;
            if let Err(ended) = lab.evaluate(name, text) {
                end = ended;
                break;
            }
        }
        progress::clear();
        if self.explain > 0 {
            advise(lab);
        }
        if let (Some((claim, ready)), End::Done(0)) = (stays, &end) {
            match lab.world().kernel.see_off().and_then(|()| claim.ready()) {
                Ok(()) => {
                    ready.tell();
                    lab.stay();
                }
                Err(problem) => end = End::Failed(Box::new(Report::from(problem))),
            }
        }
        let end = lab.end(last, end);
        progress::clear();
        match end {
            End::Done(status) => status,
            End::Failed(report) => self.complaints().draw(&report),
        }
    }

    /// Where a script's `print` goes. Each print is written at once: what is seen is what has happened.
    pub(super) fn sink(&self) -> Sink {
        if self.quiet {
            return Box::new(|_| Ok(()));
        }
        Box::new(|text| {
            progress::clear();
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        })
    }

    /// With `--explain`, each operation on standard error, as a command with the place in the script behind it.
    pub(super) fn watch(&self) -> Option<Watch> {
        let show = |done: &Done| {
            let Deed::Changed(op) = done.deed else { return };
            match done.line {
                Some(Line { source, line }) if *line > 0 => note(&format!("+ {:<70}  # {source}:{line}", op.spell())),
                _ => note(&format!("+ {}", op.spell())),
            }
        };
        (self.explain > 0).then(|| Box::new(show) as Watch)
    }
}

/// What the order of the scripts has cost, once each, behind their operations.
fn advise(lab: &Lab) {
    for advice in lab.advice() {
        note(&format!("hint: {}", advice.replace('\n', "\n      ")));
    }
}
