//! `nsx man`: the manual pages, made of what `--help` says.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;

use super::complain_of;
use crate::cli::{Cli, Man};
use crate::error::Problem;

/// Writes the pages; the exit status.
pub fn man(options: &Man) -> u8 {
    let written = match &options.folder {
        Some(folder) => into(folder).map_err(|error| {
            Problem::argument(format!(
                "the manual pages cannot be written to {}: {error}",
                folder.display()
            ))
        }),
        None => Ok(page()),
    };
    match written {
        Ok(text) => {
            // Nobody to tell is no reason to fail.
            let _ = io::stdout().lock().write_all(&text);
            0
        }
        Err(problem) => complain_of(problem),
    }
}

/// nsx(1).
fn page() -> Vec<u8> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    rendered.expect("memory takes everything");
    page
}

/// All pages, into a folder that is made if there is none; their names are what is told.
fn into(folder: &Path) -> io::Result<Vec<u8>> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    let mut pages: Vec<String> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name == "nsx.1" || name.starts_with("nsx-"))
        .map(|name| format!("{}\n", folder.join(name).display()))
        .collect();
    pages.sort();
    Ok(pages.concat().into_bytes())
}
