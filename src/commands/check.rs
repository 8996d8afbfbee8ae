//! `nsx check`: is a script right? Every name is resolved, then a throw-away sandbox and the kernel judge.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::Complaints;
use super::run::read;
use crate::cli::Check;
use crate::sandbox;
use crate::script::{self, End, Lab};

/// Checks each file; the worst exit status.
pub fn check(options: &Check) -> u8 {
    let complaints = Complaints::new(options.json);
    let status = |file: &std::path::PathBuf| {
        let status = check_one(file, options.no_run, complaints);
        // What a file's check says on standard error is whole before the next begins.
        tell(&file.display().to_string(), status, options.json);
        status
    };
    options.files.iter().map(status).max().unwrap_or(0)
}

/// Says how a check went: in words only where nothing else was said.
fn tell(name: &str, status: u8, is_json: bool) {
    // Nobody to tell is no reason to fail.
    let _ = match (is_json, status) {
        (true, _) => writeln!(io::stdout(), "{}", json!({ "file": name, "exit": status })),
        (false, 0) => writeln!(io::stdout(), "{name}: ok"),
        (false, _) => Ok(()),
    };
}

fn check_one(file: &Path, no_run: bool, complaints: Complaints) -> u8 {
    let (name, text, folder) = match read(file) {
        Ok(script) => script,
        Err(problem) => return complaints.about(problem),
    };
    if no_run {
        let resolved = Lab::at_rest(folder, Box::new(|_| Ok(())), None).map(|lab| lab.check(&name, &text));
        return match resolved {
            Ok(Ok(())) => 0,
            Ok(Err(report)) => complaints.draw(&report),
            Err(problem) => complaints.about(problem),
        };
    }
    let inside = || {
        script::confine();
        let mut lab = match Lab::new(folder, Box::new(|_| Ok(())), None) {
            Ok(lab) => lab,
            Err(problem) => return complaints.about(problem),
        };
        match lab.run(&name, &text) {
            End::Done(0) => 0,
            End::Done(status) => {
                let _ = writeln!(io::stderr(), "{name}: ended with status {status}");
                status
            }
            End::Failed(report) => complaints.draw(&report),
        }
    };
    sandbox::run(inside).unwrap_or_else(|problem| complaints.about(problem))
}
