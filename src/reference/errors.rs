//! The catalogue of errors, for a terminal and as a page: `docs/errors.md`.

use std::fmt::Write;

use super::terminal::{prose, wrapped};
use crate::error::{Entry, Kind, Problem, Result, catalogue, name, nearest};
use crate::ops::CAUSES;

const HEAD: &str = "\
# What goes wrong, and what nsx says

This page is made from what nsx itself says: `nsx explain NSX012` shows a part of it in the terminal, `nsx explain --json` the whole
for programs. A code keeps its meaning. The first ten stand for whole kinds of failure, the others for one mistake each.
";

/// What a code stands for, in lines of at most `width`.
pub fn explain(code: &str, width: usize) -> Result<String> {
    let number = code.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u32>();
    let wanted = number.map_or_else(|_| code.to_uppercase(), |number| format!("NSX{number:03}"));
    let Some(entry) = catalogue().find(|entry| entry.code == wanted) else {
        let problem = Problem::new(Kind::Usage, format!("there is no code `{code}`"));
        return Err(match nearest(&wanted, catalogue().map(|entry| entry.code)) {
            Some(near) if number_of(near).is_some() => problem.help("`nsx explain` lists the codes"),
            _ => problem.help("`nsx explain` lists the codes; a code is as NSX012"),
        });
    };
    let mut text = wrapped(entry.title, &format!("{}: ", entry.code), "        ", width);
    let _ = write!(text, "\n{}", prose(&body(entry), width));
    Ok(text)
}

fn number_of(code: &str) -> Option<u32> {
    code.strip_prefix("NSX")?.parse().ok()
}

/// The codes, a line for each.
pub fn codes(width: usize) -> String {
    let mut text = String::new();
    for entry in catalogue() {
        text.push_str(&wrapped(entry.title, &format!("{}  ", entry.code), "        ", width));
    }
    text + "\n`nsx explain NSX012` tells of one.\n"
}

/// The whole catalogue as Markdown.
pub fn errors_markdown() -> String {
    let mut page = HEAD.to_string();
    for entry in catalogue() {
        let _ = write!(page, "\n## {}: {}\n\n{}", entry.code, entry.title, body(entry));
    }
    page
}

/// The whole catalogue as data.
pub fn errors_json() -> serde_json::Value {
    let entry = |entry: &Entry| {
        serde_json::json!({
            "code": entry.code, "title": entry.title, "exit": entry.kind.exit_status(), "doc": entry.doc,
            "kernel": answers(entry),
        })
    };
    catalogue().map(entry).collect()
}

/// What is said of an entry, with the words that introduce its examples.
fn body(entry: &Entry) -> String {
    let doc = entry.doc.replace("```rhai\n", "This works:\n\n```rhai\n");
    let mut body = doc.replace("```rhai fails\n", "This fails:\n\n```rhai\n");
    let answers = answers(entry);
    if !answers.is_empty() {
        let _ = write!(body, "\nThe kernel says {}.", answers.join(", or "));
    }
    let beside = if answers.is_empty() { "\n" } else { " " };
    let _ = writeln!(body, "{beside}Exit status: {}.", entry.kind.exit_status());
    body
}

/// The answers of the kernel that an entry may be behind: `EEXIST to link add`.
fn answers(entry: &Entry) -> Vec<String> {
    let causes = CAUSES.iter().filter(|cause| cause.mistake.entry() == entry);
    let answer = |cause: &crate::ops::Cause| {
        let errnos: Vec<String> = cause.errnos.iter().copied().map(name).collect();
        let to = if cause.operation.is_empty() {
            "any operation"
        } else {
            cause.operation
        };
        format!("{} to `{to}`", errnos.join(" or "))
    };
    causes.map(answer).collect()
}
