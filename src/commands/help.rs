//! `nsx help`: the language, explained.

use std::io::{self, Write};

use clap::CommandFactory;

use super::complain_of;
use crate::cli::{Cli, Help};
use crate::reference::{self, Reference};
use crate::terminal::columns;

/// Shows what is asked for; the exit status.
pub fn help(options: &Help) -> u8 {
    let reference = Reference::new();
    let text = if options.json {
        let json = serde_json::to_string_pretty(&reference).expect("the reference is plain data");
        Ok(json + "\n")
    } else if options.markdown {
        Ok(reference::markdown(&reference))
    } else if options.definitions {
        Ok(reference::definitions(&reference))
    } else {
        let topic = options.topic.join(" ");
        match of_command(&topic) {
            Some(text) => Ok(text),
            None => reference::topic(&reference, &topic, columns()),
        }
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

/// The help of a subcommand: `nsx help run` is `nsx run --help`.
fn of_command(name: &str) -> Option<String> {
    let mut cli = Cli::command();
    cli.build();
    let command = cli.find_subcommand_mut(name)?;
    Some(command.render_long_help().to_string())
}
