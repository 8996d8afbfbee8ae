//! `nsx export`: a lab as a shell script.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::run::read;
use super::{Complaints, complain_of};
use crate::cli::Export;
use crate::sandbox;
use crate::script::{self, Deed, End, Lab};
use crate::shell;

/// Runs the lab in a sandbox and writes what it did as a shell script; the exit status.
pub fn export(options: &Export) -> u8 {
    let (name, text, folder) = match read(&options.file) {
        Ok(script) => script,
        Err(problem) => return complain_of(problem),
    };
    let inside = || {
        script::confine();
        let export = Rc::new(RefCell::new(shell::Export::default()));
        let seen = export.clone();
        let watch = move |done: &script::Done| match done.deed {
            Deed::Changed(op) => seen.borrow_mut().changed(op),
            Deed::Asked(call, answer) => seen.borrow_mut().asked(call, answer),
        };
        let mut lab = match Lab::new(folder, Box::new(|_| Ok(())), Some(Box::new(watch))) {
            Ok(lab) => lab,
            Err(problem) => return complain_of(problem),
        };
        lab.set_arguments(&options.args);
        match lab.run(&name, &text) {
            End::Done(status) => {
                let script = export.borrow().script(&name);
                // Nobody to tell is no reason to fail.
                let _ = io::stdout().lock().write_all(script.as_bytes());
                status
            }
            End::Failed(report) => Complaints::new(false).draw(&report),
        }
    };
    sandbox::run(inside).unwrap_or_else(complain_of)
}
