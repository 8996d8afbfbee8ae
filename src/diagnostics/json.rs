//! A report for programs: the fields that `catch (e)` sees, and the places.

use serde_json::{Value, json};

use super::span::position_of;
use super::{Frame, Report};
use crate::error::{Problem, name};

/// The report as JSON. Strings are as they were given: escaping is for terminals.
pub fn value(report: &Report) -> Value {
    let problem = &report.problem;
    let mut value = fields(problem);
    value["exit"] = problem.kind.exit_status().into();
    value["at"] = at(report);
    value["frames"] = report.frames.iter().map(frame).collect();
    value["warnings"] = report.warnings.iter().map(fields).collect();
    value
}

/// What `catch (e)` sees of a problem.
fn fields(problem: &Problem) -> Value {
    json!({
        "code": problem.code(),
        "message": problem.message,
        "op": problem.op,
        "netns": problem.netns,
        "errno": problem.errno.map(name).unwrap_or_default(),
        "kernel": problem.kernel,
        "cause": problem.cause,
        "help": problem.help,
    })
}

/// What the drawing underlines: where it begins and, just after its last character, where it ends.
fn at(report: &Report) -> Value {
    let place = report
        .frames
        .first()
        .and_then(|frame| Some((frame, frame.place(&report.problem.part)?)));
    let Some((frame, place)) = place else {
        return Value::Null;
    };
    let mark = place.mark();
    let (line, column) = position_of(frame.text(), mark.start);
    let (end_line, end_column) = position_of(frame.text(), mark.end);
    json!({
        "file": frame.name(),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    })
}

fn frame(frame: &Frame) -> Value {
    json!({
        "file": frame.name(),
        "line": frame.line,
        "column": frame.column,
        "function": frame.function.as_deref().unwrap_or_default(),
        "source": frame.source_line(),
    })
}
