//! `nsx down` and `nsx confirm`: labs that stay, ended, or told that they may.

use super::{complain_of, lab_name, note};
use crate::cli::{Confirm, Down};
use crate::error::{Kind, Problem, Result};
use crate::lab::{self, Running};

/// Ends them; the worst exit status. One that fails does not keep the others.
pub fn down(options: &Down) -> u8 {
    let labs = match labs(options) {
        Ok(labs) => labs,
        Err(problem) => return complain_of(problem),
    };
    let ended = labs.into_iter().map(|lab| lab.and_then(end));
    ended
        .map(|ended| ended.map_or_else(complain_of, |()| 0))
        .max()
        .unwrap_or(0)
}

fn labs(options: &Down) -> Result<Vec<Result<Running>>> {
    let folders = lab::folders()?;
    if options.all {
        let (running, problems) = lab::all(&folders)?;
        let problems = problems.into_iter().map(Err);
        return Ok(running.into_iter().map(Ok).chain(problems).collect());
    }
    let find = |name: &String| lab_name(name).and_then(|name| lab::find(&folders, &name));
    Ok(options.labs.iter().map(find).collect())
}

fn end(lab: Running) -> Result<()> {
    let (name, is_machine) = (lab.state.name.clone(), lab.state.is_machine);
    match (lab.end()?, is_machine) {
        (false, _) => note(&format!("{name} is down")),
        (true, false) => note(&format!(
            "{name} did not end by itself and was killed; nothing of it is left"
        )),
        (true, true) => {
            let message = format!("{name} did not end by itself and was killed");
            return Err(Problem::new(Kind::Kernel, message).help("nsx clean takes back what it left on the machine"));
        }
    }
    Ok(())
}

/// Lets a lab on the machine keep the uplink; the exit status.
pub fn confirm(options: &Confirm) -> u8 {
    let confirmed = lab_name(&options.lab).and_then(|name| {
        let lab = lab::find(&lab::folders()?, &name)?;
        if !lab.state.is_machine {
            let message =
                format!("there is nothing to confirm: {name} is in a sandbox, and holds nothing of the machine's");
            return Err(Problem::new(Kind::Usage, message)
                .help("nsx confirm is for labs that were started with --host --allow-uplink"));
        }
        lab.confirm()?;
        note(&format!("{name} keeps what it did"));
        Ok(())
    });
    confirmed.map_or_else(complain_of, |()| 0)
}
