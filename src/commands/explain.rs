//! `nsx explain`: what an error's code stands for.

use std::io::{self, Write};

use super::{columns, complain_of};
use crate::cli::Explain;
use crate::reference;

/// Shows what is asked for; the exit status.
pub fn explain(options: &Explain) -> u8 {
    let text = match &options.code {
        _ if options.json => Ok(format!("{:#}\n", reference::errors_json())),
        _ if options.markdown => Ok(reference::errors_markdown()),
        None => Ok(reference::codes(columns())),
        Some(code) => reference::explain(code, columns()),
    };
    match text {
        Ok(text) => {
            // Nobody to tell is no reason to fail.
            let _ = io::stdout().lock().write_all(text.as_bytes());
            0
        }
        Err(problem) => complain_of(problem),
    }
}
