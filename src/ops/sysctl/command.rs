//! `sysctl`, read.

use super::{Parameter, Setting as Given};
use crate::ops::command::{Command, Draft, Setting};
use crate::ops::{Heard, Typed, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[Command {
    program: "sysctl",
    object: "",
    read: sysctl,
}];

/// `sysctl -w KEY=VALUE…`, `sysctl KEY`.
fn sysctl(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let mut drafts = Vec::new();
    while let Some(word) = words.next() {
        let is_quiet = ["--write", "--quiet", "--ignore", "--values"].contains(&word);
        let options = word.strip_prefix('-').unwrap_or_default();
        if is_quiet || (!options.is_empty() && options.chars().all(|c| "wnqeN".contains(c))) {
            continue;
        }
        if !options.is_empty() {
            return Err(words
                .misread_last(format!("nsx has no `sysctl {word}`"))
                .help("it sets and gets one parameter at a time"));
        }
        if word == "=" {
            return Err(words.misread_last("sysctl wants KEY=VALUE as one word"));
        }
        let Some((key, value)) = word.split_once('=') else {
            let mut draft = Draft::new("sysctl", "get");
            draft.argument(Parameter::of_word(word), words);
            drafts.push(draft);
            continue;
        };
        let mut draft = Draft::new("sysctl", "set");
        draft.argument(Parameter::of_word(key.trim()), words);
        draft.argument(Given::of_word(value.trim()), words);
        drafts.push(draft);
    }
    match drafts.is_empty() {
        true => Err(words.misread("something is missing after `sysctl`: the parameter")),
        false => Ok(drafts),
    }
}
