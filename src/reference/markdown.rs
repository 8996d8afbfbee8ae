//! The reference as a page: `docs/reference.md`.

use std::fmt::Write;

use super::{Entry, Kind, Reference, Section};

const HEAD: &str = "\
# The language of nsx

    ip -n NS OBJECT VERB TARGET key value ...        what you type in a terminal
    NS.OBJECT.VERB(TARGET, #{ key: value, ... })     what you write here

This page is made from what nsx itself says: `nsx help TOPIC` shows a part of it in the terminal, `nsx help --json` the whole
for programs. `ns` stands for a namespace: `host`, or what `netns::add` returned. Arguments in brackets may be left out, and so may
options.
";

/// The whole reference as Markdown.
pub fn markdown(reference: &Reference) -> String {
    let mut page = HEAD.to_string();
    page.push_str("\n## Contents\n\n");
    for section in &reference.sections {
        let names: Vec<String> = section
            .entries
            .iter()
            .map(|entry| format!("`{}`", entry.name))
            .collect();
        let _ = writeln!(
            page,
            "- [{}](#{}): {}",
            section.title(),
            anchor(&heading(section)),
            names.join(" ")
        );
    }
    for section in &reference.sections {
        let _ = write!(page, "\n## {}\n\n{}\n", heading(section), section.doc);
        for entry in &section.entries {
            write_entry(&mut page, entry);
        }
    }
    page
}

fn heading(section: &Section) -> String {
    match section.kind {
        Kind::Value => format!("A value: {}", section.name),
        Kind::Noun | Kind::Functions | Kind::Module => section.title().to_string(),
    }
}

fn write_entry(page: &mut String, entry: &Entry) {
    let _ = write!(page, "\n### {}\n\n", entry.topic);
    for call in &entry.calls {
        let _ = writeln!(page, "    {call}");
    }
    let _ = write!(page, "\n{}\n", entry.doc);
    if !entry.gives.is_empty() {
        let _ = write!(page, "\nGives {}.\n", entry.gives);
    }
    if entry.keys.is_empty() {
        return;
    }
    page.push_str("\n| key | value | |\n|---|---|---|\n");
    for key in &entry.keys {
        let _ = writeln!(page, "| `{}` | {} | {} |", key.name, cell(key.wants), cell(key.doc));
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let plain = heading.to_lowercase().replace(' ', "-");
    plain
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_')
        .collect()
}
