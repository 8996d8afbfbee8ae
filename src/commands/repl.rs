//! `nsx` and `nsx repl`: a lab to live in.

use std::io::{self, IsTerminal};
use std::path::Path;

use nix::unistd::{pipe, read, write};

use super::manner::Manner;
use super::run;
use super::{complain_of, lab_name};
use crate::cli::Repl;
use crate::error::{Kind, Problem, Result};
use crate::lab::{self, Running};
use crate::repl::{self, Begin, Ended, Settings};
use crate::sandbox;
use crate::script::{self, Folder};
use crate::terminal::Found;

/// Opens a lab for whoever is at the terminal; where nobody is, what standard input holds is a script. The exit status.
pub fn repl(options: &Repl) -> u8 {
    let lab = match options.lab.as_deref().map(find).transpose() {
        Ok(lab) => lab,
        Err(problem) => return complain_of(problem),
    };
    if !io::stdin().is_terminal() {
        let piped = Path::new("-");
        let (file, then) = match &options.file {
            Some(file) => (file.as_path(), Some(piped)),
            None => (piped, None),
        };
        return run::in_sandbox(lab.as_ref(), file, then, Manner::default()).unwrap_or_else(complain_of);
    }
    let file = options.file.as_deref();
    again_and_again(Settings::default(), |settings| session(file, lab.as_ref(), settings))
}

/// Lives in one lab after another, until one is not thrown away for the next.
pub(super) fn again_and_again(mut settings: Settings, live: impl Fn(Settings) -> Ended) -> u8 {
    let terminal = Found::here();
    loop {
        let ended = live(settings);
        // A sandbox that was killed could not leave the terminal as it was.
        terminal.restore();
        match ended {
            Ended::Done(status) => return status,
            Ended::Again(kept) => settings = kept,
        }
    }
}

/// The lab to live in. One on the machine itself is not lived in: nothing would take back what is typed.
fn find(name: &str) -> Result<Running> {
    let lab = lab::find(&lab::folders()?, &lab_name(name)?)?;
    if lab.state.is_machine {
        let message = format!("{name} is on the machine itself, and only its script changes things there");
        return Err(Problem::new(Kind::Usage, message).help(format!("look around in it: nsx shell {name} NETNS")));
    }
    Ok(lab)
}

/// One lab, from its beginning to its end.
fn session(file: Option<&Path>, lab: Option<&Running>, settings: Settings) -> Ended {
    let opened = file.map(run::read).transpose().and_then(|opened| match opened {
        Some((name, text, folder)) => Ok((Some((name, text)), folder)),
        None => Ok((None, here()?)),
    });
    let (script, folder) = match opened {
        Ok(opened) => opened,
        Err(problem) => return Ended::Done(complain_of(problem)),
    };
    let begin = match (&script, lab) {
        (Some((name, text)), _) => Begin::Script(name, text),
        (None, Some(lab)) => Begin::Joined(lab.state.name.as_str()),
        (None, None) => Begin::Empty,
    };
    in_lab(lab, || repl::live(folder, begin, settings))
}

/// The folder that this process is in.
pub(super) fn here() -> Result<Folder> {
    Folder::open(Path::new("")).map_err(|e| Problem::system("open this folder", e))
}

/// Lives in a lab that stays or in one of its own. How that ended comes out of it through a pipe.
pub(super) fn in_lab(lab: Option<&Running>, live: impl FnOnce() -> Ended) -> Ended {
    let (outside, inside) = match pipe() {
        Ok(ends) => ends,
        Err(e) => return Ended::Done(complain_of(Problem::system("make a pipe", e))),
    };
    let live = || {
        script::confine();
        match live() {
            Ended::Done(status) => status,
            Ended::Again(settings) => {
                let _ = serde_json::to_vec(&settings).map(|kept| write(&inside, &kept));
                0
            }
        }
    };
    let status = match lab {
        Some(lab) => sandbox::join(lab, live),
        None => sandbox::run(live),
    };
    let status = status.unwrap_or_else(complain_of);
    drop(inside);
    // A pipe takes so little whole.
    let mut kept = [0; 512];
    let kept = read(&outside, &mut kept).ok().map(|count| &kept[..count]);
    match kept.and_then(|kept| serde_json::from_slice(kept).ok()) {
        // This process is in the lab now, and cannot join it again.
        Some(settings) if lab.is_none() => Ended::Again(settings),
        _ => Ended::Done(status),
    }
}
