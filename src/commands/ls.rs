//! `nsx ls`: the labs that stay.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{complain_of, note, say};
use crate::cli::Ls;
use crate::diagnostics::escaped_line;
use crate::error::Result;
use crate::lab::{self, Running, State};

/// Lists them; the exit status.
pub fn ls(options: &Ls) -> u8 {
    list(options).unwrap_or_else(complain_of)
}

fn list(options: &Ls) -> Result<u8> {
    let (labs, problems) = lab::all(&lab::folders()?)?;
    if options.json {
        let states: Vec<_> = labs.iter().map(|lab| json(&lab.state)).collect();
        say(&serde_json::to_string_pretty(&states).expect("a state is plain data"));
    } else {
        table(&labs);
    }
    for name in lab::machine::killed()? {
        note(&format!(
            "{name} was killed, and what it did to the machine is still there: nsx clean takes it back"
        ));
    }
    Ok(problems.into_iter().map(complain_of).max().unwrap_or(0))
}

fn json(state: &State) -> serde_json::Value {
    serde_json::json!({
        "name": state.name,
        "state": word(state),
        "pid": state.process.pid,
        "since": state.since,
        "script": state.script,
    })
}

fn word(state: &State) -> &'static str {
    match (state.ready, state.is_machine) {
        (1, true) => "up, host",
        (1, false) => "up",
        _ => "starting",
    }
}

fn table(labs: &[Running]) {
    if labs.is_empty() {
        return;
    }
    let names = labs.iter().map(|lab| lab.state.name.as_str().len());
    let wide = names.max().unwrap_or(0).max("LAB".len());
    say(&format!(
        "{:wide$}  {:8}  {:>8}  {:>8}  SCRIPT",
        "LAB", "STATE", "PID", "UP FOR"
    ));
    for state in labs.iter().map(|lab| &lab.state) {
        say(&format!(
            "{:wide$}  {:8}  {:>8}  {:>8}  {}",
            state.name.as_str(),
            word(state),
            state.process.pid,
            ago(state.since),
            escaped_line(&state.script),
        ));
    }
}

/// How long ago that was.
fn ago(since: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let seconds = now.saturating_sub(since);
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7199 => format!("{}m", seconds / 60),
        7200..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}
