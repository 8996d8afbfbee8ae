//! Finding what somebody asks about.

use super::{Entry, Reference, terminal};
use crate::error::{Kind, Problem, Result, nearest};

/// The text about a topic, in lines of at most `width`: `route`, `route.add`, `route add`, `netns::add`, `assert`,
/// `process.stop`, `std/topology`, `topology::star`; nothing at all for an overview. A verb that several nouns have is told
/// of for each.
pub fn topic(reference: &Reference, asked: &str, width: usize) -> Result<String> {
    let name = plain(asked);
    if name.is_empty() {
        return Ok(terminal::overview(reference, width));
    }
    let within_std = format!("std/{name}");
    // `ns.name` is a topic; `ns.route` is `route`.
    let whole = joined(asked);
    let is_it = |candidate: &str| candidate == name || candidate == whole || candidate == within_std;
    let entry = reference.entries().find(|entry| is_it(&entry.topic));
    let section = reference.sections.iter().find(|section| is_it(&section.name));
    match (section, entry) {
        (Some(section), None) => return Ok(terminal::section(section, width)),
        (None, Some(entry)) => return Ok(terminal::entry(entry, width)),
        // `capture` is a verb of a namespace, and what it returns.
        (Some(section), Some(entry)) => {
            let (entry, section) = (terminal::entry(entry, width), terminal::section(section, width));
            return Ok(format!("{entry}\n{section}"));
        }
        (None, None) => {}
    }
    let named: Vec<&Entry> = reference.entries().filter(|entry| entry.name == name).collect();
    match named[..] {
        [] => Err(unknown(reference, asked, &name)),
        [entry] => Ok(terminal::entry(entry, width)),
        _ => {
            let mut text = format!("{name} belongs to several:\n\n");
            terminal::list(&mut text, named.into_iter(), width);
            Ok(text)
        }
    }
}

/// The topic as it is listed: `ns.route.add(…)` is `route.add`.
fn plain(asked: &str) -> String {
    let name = joined(asked);
    let name = ["ns.", "host."]
        .iter()
        .find_map(|netns| name.strip_prefix(netns))
        .unwrap_or(&name);
    name.to_string()
}

/// The words of the topic with points between them.
fn joined(asked: &str) -> String {
    let asked = asked.split('(').next().unwrap_or_default().trim();
    asked.replace("::", ".").replace(' ', ".")
}

fn unknown(reference: &Reference, asked: &str, name: &str) -> Box<Problem> {
    let problem = Problem::new(Kind::Usage, format!("there is no topic `{asked}`"));
    let sections = reference.sections.iter().map(|section| section.name.as_str());
    let entries = reference.entries().map(|entry| entry.topic.as_str());
    // `nat.masquerad`, but `masquerad` too.
    let short = reference.entries().map(|entry| entry.name.as_str());
    let near = nearest(name, sections.chain(entries)).or_else(|| nearest(name, short));
    match near {
        Some(near) => problem.help(format!("did you mean `nsx help {near}`?")),
        None => problem.help("`nsx help` lists what there is"),
    }
}
