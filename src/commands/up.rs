//! `nsx up`: a lab that stays.

use std::path::Path;

use super::machine::Machine;
use super::manner::Manner;
use super::run::read;
use super::{complain_of, lab_name, note};
use crate::cli::Up;
use crate::error::{Kind, Problem, Result};
use crate::lab::{self, Claim, LabName};
use crate::sandbox::{self, Began};

/// Starts a lab; the exit status.
pub fn up(options: &Up) -> u8 {
    start(options).unwrap_or_else(complain_of)
}

fn start(options: &Up) -> Result<u8> {
    let name = name(&options.file, options.name.as_deref())?;
    let manner = Manner {
        args: &options.args,
        quiet: options.quiet,
        explain: options.explain,
        is_json: false,
    };
    if options.machine.host {
        let machine = Machine {
            name: &name,
            manner,
            uplink: options.machine.uplink(),
            stays: true,
        };
        return machine.run(read(&options.file)?);
    }
    let (shown, text, folder) = read(&options.file)?;
    let claim = Claim::take(&lab::folder()?, &name)?;
    let began = sandbox::stay(
        |process| claim.began(process, &shown, false),
        |ready| manner.run_inside(folder, &[(shown.clone(), text)], Some((&claim, ready))),
    );
    match began {
        Ok(Began::Stays) => {
            is_up(&name);
            Ok(0)
        }
        Ok(Began::Ended(status)) => {
            claim.release();
            Ok(status)
        }
        Err(problem) => {
            claim.release();
            Err(problem)
        }
    }
}

/// Says that a lab stays.
pub(super) fn is_up(name: &LabName) {
    note(&format!(
        "{name} is up: nsx exec {name} NETNS -- COMMAND, nsx shell {name}, nsx down {name}"
    ));
}

/// The name that is given, or the script's.
pub(super) fn name(file: &Path, given: Option<&str>) -> Result<LabName> {
    match given {
        Some(name) => lab_name(name),
        None => LabName::of_script(file)
            .map_err(|why| Problem::new(Kind::Usage, why).help("give the lab a name: --name NAME")),
    }
}
