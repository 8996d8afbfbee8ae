//! The commands that a lesson has.

use super::super::commands::{Argument, Command, row};
use super::Tutor;
use crate::lessons::Words;

macro_rules! command {
    ($name:literal, $usage:literal, $argument:ident, $act:expr) => {
        Command {
            name: $name,
            usage: $usage,
            doc: "a lesson's: see `:help` in it",
            argument: Argument::$argument,
            act: |repl, argument| {
                let act: fn(&mut Tutor, &mut super::Repl, &str) -> super::Result<super::Flow> = $act;
                repl.teach(|tutor, repl| act(tutor, repl, argument))
            },
        }
    };
}

/// Every command that lessons have beside the REPL's own.
pub const COMMANDS: &[Command] = &[
    command!("hint", "", None, |tutor, repl, _| tutor.help(repl)),
    command!("show", "", None, |tutor, repl, _| {
        tutor.show(repl);
        Ok(super::Flow::On)
    }),
    command!("do", "", None, |tutor, repl, _| tutor.solve(repl)),
    command!("check", "", None, |tutor, repl, _| tutor.check(repl)),
    command!("next", "", None, |tutor, repl, _| tutor.go_on(repl)),
    command!("back", "", None, |tutor, repl, _| tutor.back(repl)),
    command!("skip", "", None, |tutor, repl, _| tutor.skip(repl)),
    command!("play", "", None, |tutor, repl, _| tutor.play(repl)),
    command!("lang", "[LANG]", Lang, |tutor, repl, tag| tutor.speak(repl, tag)),
];

/// What the commands are for, a line each.
pub fn overview(words: &Words) -> String {
    let line = |command: &Command| {
        let head = format!(":{} {}", command.name, command.usage);
        row(&head, doc(words, command.name).unwrap_or_default())
    };
    COMMANDS.iter().map(line).collect()
}

/// What a command of lessons is for, in the words of a language.
pub fn doc(words: &Words, name: &str) -> Option<&'static str> {
    Some(match name {
        "hint" => words.help_hint,
        "show" => words.help_show,
        "do" => words.help_do,
        "check" => words.help_check,
        "next" => words.help_next,
        "back" => words.help_back,
        "skip" => words.help_skip,
        "play" => words.help_play,
        "lang" => words.help_lang,
        _ => return None,
    })
}
