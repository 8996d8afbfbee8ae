//! Runs the code of lessons in a lab.

use std::collections::BTreeMap;

use rhai::{Dynamic, Map};

use super::lesson::{Block, Hint, Lesson, Step, Tongue};
use crate::diagnostics::Report;
use crate::error::Kind;
use crate::netns::NsName;
use crate::script::{End, Lab, understand};

/// A result whose error has its place in the lesson.
type Result<T> = std::result::Result<T, Box<Report>>;

/// Gives a new lab what it has before a step: the lesson's setup, and what the steps before do.
pub fn begin(lab: &mut Lab, lesson: &Lesson, step: usize) -> Result<()> {
    if let Some(setup) = &lesson.setup {
        perform(lab, lesson, setup)?;
    }
    let before = lesson.steps.iter().take(step);
    before
        .filter_map(|step| step.solutions.first())
        .try_for_each(|way| solve(lab, lesson, way))
}

/// Goes one of the ways in which a step is done.
pub fn solve(lab: &mut Lab, lesson: &Lesson, way: &[Block]) -> Result<()> {
    way.iter().try_for_each(|block| perform(lab, lesson, block))
}

/// Runs code where a learner would type it. Besides what was defined before, it knows each namespace by its name.
pub fn perform(lab: &mut Lab, lesson: &Lesson, block: &Block) -> Result<()> {
    if block.tongue == Tongue::Rhai {
        return evaluate(lab, lesson, block.line, &block.code).map(|_| ());
    }
    let mut netns = NsName::host();
    for (line, text) in (block.line..).zip(block.code.lines()) {
        if !text.trim().is_empty() && !text.trim_start().starts_with('#') {
            command(lab, lesson, line, text, &mut netns).map(|_| ())?;
        }
    }
    Ok(())
}

/// A line of `ip` and its kin, in the namespace that it is typed in.
pub(super) fn command(lab: &mut Lab, lesson: &Lesson, line: usize, text: &str, netns: &mut NsName) -> Result<Dynamic> {
    lab.call_namespaces_by_name();
    let understood = understand(text, netns, &lab.variables()).map_err(|mut report| {
        report.frames = vec![lesson.place(line)];
        report
    })?;
    if let Some(entered) = understood.netns {
        *netns = entered;
    }
    evaluate(lab, lesson, line, &understood.script)
}

/// Evaluates a script of the lesson.
pub(super) fn evaluate(lab: &mut Lab, lesson: &Lesson, line: usize, code: &str) -> Result<Dynamic> {
    lab.call_namespaces_by_name();
    let end = lab.evaluate(&lesson.file, &lesson.source(line, code));
    end.map_err(|end| failed(lesson, line, end))
}

fn failed(lesson: &Lesson, line: usize, end: End) -> Box<Report> {
    match end {
        End::Failed(report) => report,
        End::Done(_) => lesson.miswritten(line, "the code ends the lab", "a lesson goes on: leave `exit` out"),
    }
}

/// What a block comes to that sees nothing but the lab; none where an operation failed in it.
fn look(lab: &Lab, lesson: &Lesson, block: &Block) -> Result<Option<Dynamic>> {
    match lab.evaluate_alone(&lesson.file, &lesson.source(block.line, &block.code)) {
        Ok(value) => Ok(Some(value)),
        Err(End::Failed(report)) if matches!(report.problem.kind, Kind::Kernel | Kind::Assertion | Kind::Command) => {
            Ok(None)
        }
        Err(end) => Err(failed(lesson, block.line, end)),
    }
}

/// Whether a step is done. One that asks for nothing is.
pub fn check(lab: &Lab, lesson: &Lesson, step: &Step) -> Result<bool> {
    let Some(block) = &step.check else { return Ok(true) };
    let Some(value) = look(lab, lesson, block)? else {
        return Ok(false);
    };
    value.as_bool().map_err(|kind| {
        let message = format!("the check is neither true nor false, but {kind}");
        lesson.miswritten(
            last_line(block),
            message,
            "its last expression says whether the step is done",
        )
    })
}

/// What is wrong now, if the step's hint finds anything.
pub fn hint(lab: &Lab, lesson: &Lesson, step: &Step) -> Result<Option<Hint>> {
    let Some(block) = &step.hint else { return Ok(None) };
    let Some(value) = look(lab, lesson, block)?.filter(|value| !value.is_unit()) else {
        return Ok(None);
    };
    let named = match value.clone().into_string() {
        Ok(name) => Some(Hint {
            name,
            values: BTreeMap::new(),
        }),
        Err(_) => value.try_cast::<Map>().and_then(of_map),
    };
    let wrong = || {
        let help = "a hint is (), \"name\" or #{ hint: \"name\", key: value }";
        lesson.miswritten(last_line(block), "this is no hint", help)
    };
    named.map(Some).ok_or_else(wrong)
}

fn of_map(mut map: Map) -> Option<Hint> {
    let name = map.remove("hint")?.into_string().ok()?;
    let values = map.into_iter().map(|(key, value)| (key.to_string(), value.to_string()));
    Some(Hint {
        name,
        values: values.collect(),
    })
}

fn last_line(block: &Block) -> usize {
    block.line + block.code.trim_end().matches('\n').count()
}
