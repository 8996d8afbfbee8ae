//! Colours for a line that is being typed.

use std::fmt::Write;

use super::input::{self, Input};
use crate::diagnostics::scan::{Kind, tokens};

const KEYWORD: &str = "35";
const TEXT: &str = "32";
const NUMBER: &str = "36";
const COMMENT: &str = "90";
const CALL: &str = "34";
const COMMAND: &str = "33";

/// The words of Rhai that begin or join statements.
pub const KEYWORDS: [&str; 22] = [
    "let", "const", "fn", "if", "else", "for", "in", "while", "loop", "do", "until", "break", "continue", "return",
    "throw", "try", "catch", "import", "as", "switch", "true", "false",
];

/// The line with its colours. What is seen stays the same.
pub fn line(text: &str) -> String {
    match input::read(text) {
        Input::Nothing => text.to_string(),
        Input::Command(..) | Input::Question(_) | Input::Program(..) | Input::Plain(_) => {
            let begin = text.len() - text.trim_start().len();
            let end = text[begin..]
                .find(char::is_whitespace)
                .map_or(text.len(), |at| begin + at);
            format!(
                "{}\x1b[{COMMAND}m{}\x1b[0m{}",
                &text[..begin],
                &text[begin..end],
                &text[end..]
            )
        }
        Input::Script(_) => script(text),
    }
}

fn script(text: &str) -> String {
    let tokens = tokens(text);
    let mut coloured = String::with_capacity(text.len() * 2);
    let mut at = 0;
    for (index, token) in tokens.iter().enumerate() {
        between(&mut coloured, &text[at..token.at.start]);
        let word = &text[token.at.clone()];
        let next = tokens.get(index + 1).map(|next| &text[next.at.clone()]);
        let is_member = index > 0 && matches!(tokens[index - 1].kind, Kind::Dot);
        let colour = match token.kind {
            Kind::Text => Some(TEXT),
            Kind::Number => Some(NUMBER),
            Kind::Word if is_member || next == Some("(") => Some(CALL),
            Kind::Word if KEYWORDS.contains(&word) => Some(KEYWORD),
            _ => None,
        };
        match colour {
            Some(colour) => {
                let _ = write!(coloured, "\x1b[{colour}m{word}\x1b[0m");
            }
            None => coloured.push_str(word),
        }
        at = token.at.end;
    }
    between(&mut coloured, &text[at..]);
    coloured
}

/// Blanks and comments.
fn between(coloured: &mut String, text: &str) {
    if text.trim().is_empty() {
        coloured.push_str(text);
    } else {
        let _ = write!(coloured, "\x1b[{COMMENT}m{text}\x1b[0m");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_nothing_that_is_seen() {
        for text in [
            "let ns0 = netns::add(\"ns0\"); // one",
            ":save x",
            "  ?route",
            "ip link",
            "\"unclosed",
            "a /* b",
            "`x ${1 + \"y\"} z`",
            "ns0.link.add(\"veth0\", #{\n  type: 'v' })",
        ] {
            let mut plain = String::new();
            let mut rest = line(text);
            while let Some(at) = rest.find('\x1b') {
                plain.push_str(&rest[..at]);
                let end = rest[at..].find('m').expect("a colour's end") + at;
                rest = rest[end + 1..].to_string();
            }
            assert_eq!(format!("{plain}{rest}"), text);
        }
    }
}
