//! The reference as text for a terminal.

use std::fmt::Write;

use super::{Entry, Kind, Reference, Section};

/// What there is: a line for each section.
pub(super) fn overview(reference: &Reference, width: usize) -> String {
    let mut text = String::from(
        "The language of nsx: ip(8)'s grammar as method calls, in Rhai.\n\n    \
         ip -n NS OBJECT VERB TARGET key value ...        what you type in a terminal\n    \
         NS.OBJECT.VERB(TARGET, #{ key: value, ... })     what you write here\n",
    );
    for (kind, title) in [
        (Kind::Noun, "Nouns and their verbs"),
        (Kind::Functions, "Functions and words"),
        (Kind::Value, "Values and what they have"),
        (Kind::Module, "Modules of the standard library"),
    ] {
        let sections: Vec<&Section> = reference
            .sections
            .iter()
            .filter(|section| section.kind == kind)
            .collect();
        if sections.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{title}\n");
        let widest = sections.iter().map(|section| section.name.len()).max().unwrap_or(0);
        for section in sections {
            let names: Vec<&str> = section.entries.iter().map(|entry| entry.name.as_str()).collect();
            let head = format!("  {:widest$}  ", section.name);
            text.push_str(&wrapped(&names.join(" "), &head, &" ".repeat(widest + 4), width));
        }
    }
    text.push_str("\n`nsx help route` tells of a noun, `nsx help route.add` of a verb and its keys.\n");
    text
}

/// A section: what it is, and a line for each entry.
pub(super) fn section(section: &Section, width: usize) -> String {
    let mut text = format!("{}\n\n{}", section.title(), prose(&section.doc, width));
    text.push('\n');
    list(&mut text, section.entries.iter(), width);
    if let Some(entry) = section.entries.first() {
        let _ = write!(text, "\n`nsx help {}` tells more.\n", entry.topic);
    }
    text
}

/// Several entries, a paragraph each.
pub(super) fn list<'a>(text: &mut String, entries: impl Iterator<Item = &'a Entry>, width: usize) {
    for entry in entries {
        for call in &entry.calls {
            let _ = writeln!(text, "  {call}");
        }
        text.push_str(&wrapped(&entry.summary, "      ", "      ", width));
    }
}

/// An entry, with all that is known of it.
pub(super) fn entry(entry: &Entry, width: usize) -> String {
    let mut text = format!("{}\n\n{}", entry.calls.join("\n"), prose(&entry.doc, width));
    if !entry.gives.is_empty() {
        let _ = write!(text, "\nGives {}.\n", entry.gives);
    }
    if entry.keys.is_empty() {
        return text;
    }
    text.push_str("\nKeys:\n");
    let widest = entry.keys.iter().map(|key| key.name.len()).max().unwrap_or(0);
    for key in &entry.keys {
        let head = format!("  {:widest$}  ", key.name);
        let beside = " ".repeat(widest + 4);
        text.push_str(&wrapped(key.doc, &head, &beside, width));
        text.push_str(&wrapped(&format!("wants {}", key.wants), &beside, &beside, width));
    }
    text
}

/// Markdown as text: paragraphs filled to the width, code indented, all else as it stands.
pub(super) fn prose(markdown: &str, width: usize) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut is_code = false;
    for line in markdown.lines() {
        let is_fence = line.trim_start().starts_with("```");
        let stands = is_code || is_fence || line.starts_with("    ") || line.starts_with('|') || line.starts_with("- ");
        if stands || line.is_empty() {
            text.push_str(&wrapped(&std::mem::take(&mut paragraph), "", "", width));
        }
        match (is_fence, is_code) {
            (true, _) => is_code = !is_code,
            (false, true) if !line.is_empty() => {
                let _ = writeln!(text, "    {line}");
            }
            _ if stands || line.is_empty() => {
                text.push_str(line);
                text.push('\n');
            }
            _ => {
                paragraph.push_str(line);
                paragraph.push(' ');
            }
        }
    }
    text.push_str(&wrapped(&paragraph, "", "", width));
    text
}

/// Words in lines of at most `width`; the first begins with `head`, the others with `beside`.
pub(super) fn wrapped(words: &str, head: &str, beside: &str, width: usize) -> String {
    let mut text = String::new();
    let mut line = head.to_string();
    let mut is_first = true;
    for word in words.split_whitespace() {
        let is_full = !is_first && line.chars().count() + 1 + word.chars().count() > width;
        if is_full {
            text.push_str(line.trim_end());
            text.push('\n');
            line = beside.to_string();
        } else if !is_first {
            line.push(' ');
        }
        line.push_str(word);
        is_first = false;
    }
    if !is_first || !head.is_empty() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_filled_and_code_is_not() {
        let text = prose(
            "One two\nthree four.\n\n```rhai\nlet a  = 1;\n\nb\n```\n\n| a |\n    c  d",
            9,
        );
        assert_eq!(
            text,
            "One two\nthree\nfour.\n\n    let a  = 1;\n\n    b\n\n| a |\n    c  d\n"
        );
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        let text = wrapped("aa bb cc dd", "  x  ", "     ", 10);
        assert_eq!(text, "  x  aa bb\n     cc dd\n");
    }
}
