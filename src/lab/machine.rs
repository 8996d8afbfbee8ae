//! Labs on the machine's own network: where their journals are.

use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::claim::is_held;
use super::folder::{MACHINE, open};
use super::{LabName, identity};
use crate::error::{Kind, Problem, Result};

/// The folder of their states and journals, made where it is not there yet.
pub fn folder() -> Result<PathBuf> {
    if !geteuid().is_root() {
        return Err(
            Problem::new(Kind::Missing, "only root may change the machine's own network")
                .help("sudo nsx …, or leave out --host: in a sandbox a lab needs no root"),
        );
    }
    let folder = PathBuf::from(MACHINE);
    open(&folder)?;
    Ok(folder)
}

/// The journal of a lab.
pub fn journal(folder: &Path, name: &LabName) -> PathBuf {
    folder.join(format!("{name}.journal"))
}

/// The labs that have a journal.
pub fn journals(folder: &Path) -> Result<Vec<LabName>> {
    let failed = |e| Problem::system(&format!("read {}", folder.display()), e);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".journal"));
        names.extend(name.and_then(|name| name.parse::<LabName>().ok()));
    }
    names.sort();
    Ok(names)
}

/// The labs that have a journal and do not run: what they did is still there. Only root is told.
pub fn killed() -> Result<Vec<LabName>> {
    let folder = Path::new(MACHINE);
    if !geteuid().is_root() || !folder.exists() {
        return Ok(Vec::new());
    }
    open(folder)?;
    let mut names = journals(folder)?;
    names.retain(|name| !is_held(folder, name));
    Ok(names)
}

/// The id of this boot.
pub fn boot() -> Result<String> {
    identity::boot().map_err(|e| Problem::system("read the boot id", e))
}
