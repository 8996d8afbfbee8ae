//! `nsx down` and `nsx confirm`: labs that stay, ended, or told that they may.

use super::{complain_of, lab_name, note};
use crate::cli::{Confirm, Down};
use crate::error::{Kind, Problem, Result};
use crate::lab::{self, Running};
use crate::netlink::Witness;
use crate::netns::Netns;
use crate::sandbox;

/// Ends them; the worst exit status. One that fails does not keep the others. It is done when the kernel is: what ran there can
/// be started again at once.
pub fn down(options: &Down) -> u8 {
    let labs = match labs(options) {
        Ok(labs) => labs,
        Err(problem) => return complain_of(problem),
    };
    // Where there can be no witness it is done when all processes have ended.
    let witness = witness(labs.iter().flatten());
    let ended: Vec<_> = labs.into_iter().map(|lab| lab.and_then(end)).collect();
    let freed = witness.map_or(Ok(0), |witness| witness.wait());
    let said = ended.into_iter().map(|ended| ended.map(|words| note(&words)));
    let freed = freed.map(|used| match used {
        0 => {}
        _ => note(&format!(
            "{used} of the namespaces are still used by programs outside, and go with them"
        )),
    });
    said.chain([freed])
        .map(|done| done.map_or_else(complain_of, |()| 0))
        .max()
        .unwrap_or(0)
}

/// So many namespaces stand for all: those of one lab are given up together, and to be watched each is open.
const WATCHED: usize = 256;

/// Who sees the namespaces of labs go.
fn witness<'a>(labs: impl Iterator<Item = &'a Running>) -> Option<Witness> {
    let sandboxes = labs.filter(|lab| !lab.state.is_machine);
    let namespaces: Vec<Netns> = sandboxes
        .filter_map(|lab| lab.namespaces(WATCHED).ok())
        .flatten()
        .take(WATCHED)
        .collect();
    if namespaces.is_empty() {
        return None;
    }
    sandbox::step_aside().ok()?;
    let witness = Witness::new(&Netns::current().ok()?).ok()?;
    namespaces.iter().try_for_each(|netns| witness.watch(netns)).ok()?;
    Some(witness)
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

/// Ends a lab; what there is to say of it.
fn end(lab: Running) -> Result<String> {
    let (name, is_machine) = (lab.state.name.clone(), lab.state.is_machine);
    match (lab.end()?, is_machine) {
        (false, _) => Ok(format!("{name} is down")),
        (true, false) => Ok(format!(
            "{name} did not end by itself and was killed; nothing of it is left"
        )),
        (true, true) => {
            let message = format!("{name} did not end by itself and was killed");
            Err(Problem::new(Kind::Kernel, message).help("nsx clean takes back what it left on the machine"))
        }
    }
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
