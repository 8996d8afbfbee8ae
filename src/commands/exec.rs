//! `nsx exec` and `nsx shell`: a program in a namespace of a lab that stays.

use std::env;
use std::io::ErrorKind;

use super::{complain_of, lab_name, note};
use crate::cli::{Exec, Shell};
use crate::error::{Kind, Problem, Result, nearest};
use crate::lab;
use crate::netns::{self, Netns, NsName};
use crate::process::become_program;
use crate::sandbox;

/// The statuses that shells have for a command that cannot be started.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Runs a command; its exit status.
pub fn exec(options: &Exec) -> u8 {
    run(&options.lab, &options.netns, &options.command).unwrap_or_else(complain_of)
}

/// Runs the user's shell; its exit status.
pub fn shell(options: &Shell) -> u8 {
    let shell = env::var("SHELL").ok().filter(|shell| !shell.is_empty());
    let command = [shell.unwrap_or_else(|| "/bin/sh".into())];
    run(&options.lab, &options.netns, &command).unwrap_or_else(complain_of)
}

fn run(lab: &str, netns: &str, command: &[String]) -> Result<u8> {
    let netns: NsName = netns.parse().map_err(|why: String| Problem::new(Kind::Usage, why))?;
    let running = lab::find(&lab::folders()?, &lab_name(lab)?)?;
    if running.state.is_machine {
        return Ok(inside(&netns, command));
    }
    sandbox::join(&running, || inside(&netns, command))
}

/// In the sandbox: becomes the command.
fn inside(netns: &NsName, command: &[String]) -> u8 {
    let space = match open(netns) {
        Ok(space) => space,
        Err(problem) => return complain_of(problem),
    };
    let error = become_program(space.as_ref(), command);
    let program = command.first().map_or("", String::as_str);
    let words = error.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    note(&format!("nsx: {}: {words}", crate::diagnostics::escaped_line(program)));
    if error.kind() == ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_EXECUTABLE
    }
}

fn open(netns: &NsName) -> Result<Option<Netns>> {
    if netns.is_host() {
        return Ok(None);
    }
    Netns::open(netns).map(Some).map_err(|e| {
        if e.kind() != ErrorKind::NotFound {
            return Problem::system(&format!("open netns {netns}"), e);
        }
        let names = netns::list().unwrap_or_default();
        let problem = Problem::new(Kind::Usage, format!("there is no netns {netns} in this lab"));
        match nearest(netns.as_str(), names.iter().map(NsName::as_str)) {
            Some(near) => problem.help(format!("did you mean {near}?")),
            None => problem.help(format!("it has {}", list(&names))),
        }
    })
}

fn list(names: &[NsName]) -> String {
    let names = ["host"].into_iter().chain(names.iter().map(NsName::as_str));
    names.collect::<Vec<_>>().join(", ")
}
