//! The lab in DOT, for Graphviz: a cluster for each namespace, in it a node for each device.

use std::fmt::Write;

use super::graph::{self, Graph};
use super::lab::Lab;

/// Draws the lab.
pub fn dot(lab: &Lab) -> String {
    let Graph { spaces, edges } = graph::graph(lab);
    let mut out = String::from(
        "graph lab {\n  graph [rankdir=LR, fontname=\"monospace\"];\n  \
         node [shape=box, style=rounded, fontname=\"monospace\"];\n",
    );
    for (at, space) in spaces.iter().enumerate() {
        let _ = writeln!(
            out,
            "  subgraph cluster_{at} {{\n    label=\"{}\";",
            label(&space.label)
        );
        for node in &space.nodes {
            let shape = if node.is_master { ", shape=hexagon" } else { "" };
            let _ = writeln!(out, "    {} [label=\"{}\"{shape}];", node.id, label(&node.label));
        }
        out.push_str("  }\n");
    }
    for edge in &edges {
        let style = if edge.is_whole { "" } else { " [style=dashed]" };
        let _ = writeln!(out, "  {} -- {}{style};", edge.from, edge.to);
    }
    out.push_str("}\n");
    out
}

/// Lines as a quoted label has them.
fn label(lines: &[String]) -> String {
    let escaped = |line: &String| line.replace('\\', "\\\\").replace('"', "\\\"");
    lines.iter().map(escaped).collect::<Vec<_>>().join("\\n")
}
