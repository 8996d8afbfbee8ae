//! `nsx run`: a script, in a sandbox of its own or on the machine.

use std::fs::File;
use std::io;
use std::path::Path;

use super::machine::Machine;
use super::manner::Manner;
use super::up;
use crate::cli::Run;
use crate::error::{Kind, Problem, Result};
use crate::lab::Running;
use crate::sandbox;
use crate::script::{self, Folder};

/// Runs a script; the exit status.
pub fn run(options: &Run) -> u8 {
    let manner = Manner {
        args: &options.args,
        quiet: options.quiet,
        explain: options.explain,
        is_json: options.json,
    };
    let ran = match options.machine.host {
        true => on_machine(options, manner),
        false => in_sandbox(None, &options.file, None, manner),
    };
    ran.unwrap_or_else(|problem| manner.complaints().about(problem))
}

/// Runs a script, `then` another in the same lab, if it is given: a lab that stays, or a sandbox of their own. The exit
/// status.
pub(super) fn in_sandbox(lab: Option<&Running>, file: &Path, then: Option<&Path>, manner: Manner) -> Result<u8> {
    let (name, text, folder) = read(file)?;
    let mut scripts = vec![(name, text)];
    if let Some(then) = then {
        let (name, text, _) = read(then)?;
        scripts.push((name, text));
    }
    let inside = || manner.run_inside(folder, &scripts, None);
    match lab {
        Some(lab) => sandbox::join(lab, inside),
        None => sandbox::run(inside),
    }
}

fn on_machine(options: &Run, manner: Manner) -> Result<u8> {
    let machine = Machine {
        name: &up::name(&options.file, options.name.as_deref())?,
        manner,
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
