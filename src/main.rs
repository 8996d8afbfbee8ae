//! argv in, exit status out.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    ExitCode::from(nsx::commands::dispatch(nsx::cli::Cli::parse()))
}
