//! The text of a script: it is right, or it is drawn.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use nsx::script::{Folder, Lab};

thread_local! {
    static LAB: Lab = Lab::at_rest(Folder::open(Path::new("")).expect("a folder"), Box::new(|_| Ok(())), None).expect("a lab");
}

fuzz_target!(|text: &str| {
    LAB.with(|lab| {
        if let Err(report) = lab.check("lab.rhai", text) {
            assert!(!report.draw(true, 80).is_empty());
            assert!(!report.json().is_null());
        }
    });
});
