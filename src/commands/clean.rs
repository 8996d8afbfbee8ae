//! `nsx clean`: what labs on the machine itself left when they were killed, taken back.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::machine::hold_signals;
use super::{complain_of, note};
use crate::error::{Kind, Problem, Result};
use crate::lab::{Claim, LabName, is_held, machine};
use crate::netns::own_cookie;
use crate::ops::World;
use crate::ops::ownership::{Journal, Read, undo};

/// How long labs may take to die, and how often it is looked.
const DYING: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(5);

/// Cleans up; the exit status.
pub fn clean() -> u8 {
    hold_signals();
    all().unwrap_or_else(complain_of)
}

fn all() -> Result<u8> {
    let folder = machine::folder()?;
    let mut worst = 0;
    let mut is_nothing = true;
    // One that was just killed has its name until the kernel is through with it.
    let end = Instant::now() + DYING;
    for name in machine::journals(&folder)? {
        while is_held(&folder, &name) && Instant::now() < end {
            sleep(LOOK);
        }
        is_nothing = false;
        if is_held(&folder, &name) {
            note(&format!(
                "{name} runs: nsx down {name} ends it and takes back what it did"
            ));
            continue;
        }
        let claim = match Claim::take(&folder, &name) {
            Ok(claim) => claim,
            Err(problem) => {
                worst = worst.max(complain_of(problem));
                continue;
            }
        };
        let problems = one(&folder, &name).unwrap_or_else(|problem| vec![problem]);
        claim.release();
        if problems.is_empty() {
            note(&format!("{name}: nothing is left"));
        }
        worst = problems.into_iter().map(complain_of).fold(worst, u8::max);
    }
    if is_nothing {
        note("there is nothing to clean");
    }
    Ok(worst)
}

#[expect(clippy::vec_box, reason = "problems are boxed wherever they go")]
fn one(folder: &Path, name: &LabName) -> Result<Vec<Box<Problem>>> {
    let path = machine::journal(folder, name);
    let unread = |e: std::io::Error| {
        Problem::new(
            Kind::Usage,
            format!("cannot read {}: it is no journal of a lab: {e}", path.display()),
        )
        .help("a line for each step says what it did: put that back by hand, and then remove the file")
    };
    let remove = || fs::remove_file(&path).map_err(|e| Problem::system("remove the journal", e));
    let Read::Journal(mut journal) = Journal::open(&path).map_err(unread)? else {
        remove()?;
        return Ok(Vec::new());
    };
    if journal.begin.boot != machine::boot()? {
        note(&format!(
            "{name}: the machine has started again since, which took all of it away"
        ));
        remove()?;
        return Ok(Vec::new());
    }
    let cookie = own_cookie().map_err(|e| Problem::system("identify this network namespace", e))?;
    if journal.begin.cookie != cookie {
        let message = format!("lab {name} was made in another network namespace");
        return Err(
            Problem::new(Kind::Usage, message).help("run nsx clean in that one; if it is gone, remove the journal")
        );
    }
    let world = World::new()?;
    Ok(undo(&world, &mut journal))
}
