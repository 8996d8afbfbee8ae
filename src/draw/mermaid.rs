//! The lab as a Mermaid flowchart: a subgraph for each namespace, in it a node for each device.

use std::fmt::Write;

use super::graph::{self, Graph};
use super::lab::Lab;

/// Draws the lab.
pub fn mermaid(lab: &Lab) -> String {
    let Graph { spaces, edges } = graph::graph(lab);
    let mut out = String::from("flowchart LR\n");
    for (at, space) in spaces.iter().enumerate() {
        let _ = writeln!(out, "  subgraph n{at}[\"{}\"]", label(&space.label));
        for node in &space.nodes {
            let (open, close) = if node.is_master { ("{{", "}}") } else { ("[", "]") };
            let _ = writeln!(out, "    {}{open}\"{}\"{close}", node.id, label(&node.label));
        }
        let _ = writeln!(out, "  end");
    }
    for edge in &edges {
        let line = if edge.is_whole { "---" } else { "-.-" };
        let _ = writeln!(out, "  {} {line} {}", edge.from, edge.to);
    }
    if !lab.left_out.is_empty() {
        let _ = writeln!(out, "  rest[\"and {} more namespaces\"]", lab.left_out.len());
    }
    out
}

/// Lines as a label has them: what Mermaid would understand otherwise is written by its number.
fn label(lines: &[String]) -> String {
    let escaped = |line: &String| {
        let mut out = String::new();
        for c in line.chars() {
            match c {
                c if c.is_alphanumeric() || " .:,-/_()+=".contains(c) => out.push(c),
                c => {
                    let _ = write!(out, "#{};", u32::from(c));
                }
            }
        }
        out
    };
    lines.iter().map(escaped).collect::<Vec<_>>().join("<br>")
}
