//! `nsx completions`: what a shell needs to complete the command line.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::cli::{Cli, Completions};

/// Prints a shell's completions; the exit status.
pub fn completions(options: &Completions) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "nsx", &mut script);
    // Nobody to tell is no reason to fail.
    let _ = io::stdout().lock().write_all(&script);
    0
}
