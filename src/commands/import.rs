//! `nsx import`: a script for shell lines, or for a post.

use std::io::{self, Write};

use super::complain_of;
use super::run::read;
use crate::cli::Import;
use crate::shell::{self, Settings};

/// Writes the script on standard output, and what was not understood on standard error; the exit status.
pub fn import(options: &Import) -> u8 {
    let (name, text, _) = match read(&options.file) {
        Ok(source) => source,
        Err(problem) => return complain_of(problem),
    };
    let short = options
        .file
        .file_name()
        .map_or(name, |file| file.to_string_lossy().into_owned());
    let settings = Settings { prose: options.prose };
    let imported = shell::import(&short, &text, settings);
    // Nobody to tell is no reason to fail.
    let _ = io::stdout().lock().write_all(imported.script.as_bytes());
    let mut error = io::stderr().lock();
    for (line, said) in &imported.not_understood {
        let _ = writeln!(error, "{short}:{line}: not understood: {said}");
    }
    let (understood, not) = (imported.understood, imported.not_understood.len());
    let _ = writeln!(error, "{short}: {understood} commands understood, {not} not");
    u8::from(options.strict && not > 0)
}
