//! What a learner sees.

use std::io;

use unicode_width::UnicodeWidthStr;

use super::super::{Repl, highlight};
use super::Tutor;
use crate::draw::{self, Format, Pen};
use crate::lessons::{Block, Step, Style, Tongue, fill, form};
use crate::netns;
use crate::terminal::{self, columns, rows};

/// No line of prose is longer: it could not be read well.
const WIDEST: usize = 80;

const GREEN: &str = "32";
const YELLOW: &str = "33";

fn style() -> Style {
    Style {
        colour: terminal::is_coloured(&io::stdout()),
        width: columns().min(WIDEST) - 1,
    }
}

impl Tutor {
    /// The lesson's first words.
    pub(super) fn introduce(&self, repl: &Repl) {
        let lesson = self.lesson();
        let style = style();
        repl.print(&format!(
            "\n{}\n{}",
            style.bold(&lesson.title),
            style.text(&lesson.goal)
        ));
        if !lesson.intro.is_empty() {
            repl.print(&format!("\n{}", style.text(&lesson.intro)));
        }
    }

    /// The step: its title, what is told of it, the lab as it is, and the goal.
    pub(super) fn show(&self, repl: &Repl) {
        let (lesson, words, style) = (self.lesson(), self.words(), style());
        let step = self.step(&lesson);
        let number = (self.at.step + 1).to_string();
        let place = fill(words.step, &[("n", &number), ("all", &lesson.steps.len().to_string())]);
        let mut parts = vec![format!(
            "\n{}\n{}",
            style.dim(&rule(
                &format!("{} {}", lesson.number, lesson.title),
                &place,
                style.width
            )),
            style.bold(&step.title)
        )];
        if !step.before.is_empty() {
            parts.push(style.text(&step.before));
        }
        let goal = match step.check {
            Some(_) => {
                let goal = style.paragraph(&style.painted(YELLOW, words.goal), &step.goal);
                format!("{goal}\n{}", style.dim(&style.text(words.keys)))
            }
            None if step.goal.is_empty() => style.dim(words.reading),
            None => format!("{}\n{}", style.text(&step.goal), style.dim(words.reading)),
        };
        let taken = lines(&parts) + lines(std::slice::from_ref(&goal));
        parts.extend(self.picture(repl, style, taken));
        parts.push(goal);
        repl.print(&parts.join("\n\n"));
    }

    /// That the step is done, and what there is to say about it.
    pub(super) fn tell_done(&self, repl: &Repl) {
        let (lesson, words, style) = (self.lesson(), self.words(), style());
        let step = self.step(&lesson);
        let done = fill(words.done, &[("title", &step.title)]);
        let mut parts = vec![format!("\n{}", style.painted(GREEN, &format!("✓ {done}")))];
        if !step.after.is_empty() {
            parts.push(style.text(&step.after));
        }
        parts.extend(self.picture(repl, style, lines(&parts) + 2));
        if !self.is_last() {
            parts.push(style.dim(words.go_on));
        }
        repl.print(&parts.join("\n\n"));
        if self.is_last() {
            self.tell_end(repl);
        }
    }

    /// The lab as it is, where it fits on the screen beside so many lines; else how to see it. Nothing where there is nothing yet.
    fn picture(&self, repl: &Repl, style: Style, taken: usize) -> Option<String> {
        if netns::list().unwrap_or_default().is_empty() {
            return None;
        }
        let pen = Pen {
            ascii: Format::for_terminal() == Format::Ascii,
            colour: style.colour,
        };
        let picture = draw::text(repl.lab.world(), style.width, pen).ok()?;
        // The prompt has a line, too.
        let fits = picture.lines().count() + taken + 2 < rows();
        Some(match fits {
            true => picture.trim_end().to_string(),
            false => style.dim(self.words().drawn),
        })
    }

    /// That the lesson is.
    pub(super) fn tell_end(&self, repl: &Repl) {
        let words = self.words();
        repl.print(&format!("\n{}", words.finished));
        let next = self.next.iter().find(|lesson| lesson.lang == self.at.lang);
        if let Some(next) = next.or(self.next.first()) {
            repl.print(&fill(
                words.next_lesson,
                &[("name", &next.name), ("title", &next.title)],
            ));
        }
    }

    /// What was done since, as commands.
    pub(super) fn tell_made(&self, repl: &Repl, since: usize) {
        let history = &repl.lab.world().history;
        let done = history.done();
        let made: Vec<String> = done
            .iter()
            .skip(since)
            .map(|done| format!("  {}", done.op.spell()))
            .collect();
        repl.print(&format!("{}\n{}", style().dim(self.words().made), made.join("\n")));
    }

    pub(super) fn tell_hint(&self, repl: &Repl, step: &Step, level: usize, said: &str) {
        let (words, style) = (self.words(), style());
        let head = style.painted(YELLOW, &fill(words.hint, &[("n", &level.to_string())]));
        match level {
            1 => repl.print(&format!(
                "{}\n{}",
                style.paragraph(&head, said),
                style.dim(words.hint_again)
            )),
            2 => {
                let forms: String = step.solutions[0].iter().map(form).collect();
                repl.print(&format!(
                    "{head}{}\n{}\n{}",
                    words.hint_form,
                    coloured(&forms),
                    style.dim(words.hint_last)
                ));
            }
            _ => {
                repl.print(&format!("{head}{}", words.hint_code));
                self.show_code(repl, &step.solutions);
            }
        }
    }

    /// The ways to do a step.
    pub(super) fn show_code(&self, repl: &Repl, ways: &[Vec<Block>]) {
        for (index, way) in ways.iter().enumerate() {
            if index > 0 {
                repl.print(&style().dim(self.words().hint_or));
            }
            for block in way {
                match block.tongue {
                    Tongue::Rhai => repl.print(&coloured(&block.code)),
                    Tongue::Shell | Tongue::Console => repl.print(&indented(&block.code)),
                }
            }
        }
    }
}

/// What happened, beside the lesson.
pub(super) fn note(repl: &Repl, text: &str) {
    repl.note(
        &Style {
            colour: false,
            ..style()
        }
        .text(text),
    );
}

/// How many lines parts take, with the empty one after each.
fn lines(parts: &[String]) -> usize {
    parts.iter().map(|part| part.lines().count() + 1).sum()
}

/// `── 2 A veth pair ───── step 1 of 6 ──`.
fn rule(left: &str, right: &str, width: usize) -> String {
    let used = left.width() + right.width() + 8;
    format!("── {left} {} {right} ──", "─".repeat(width.saturating_sub(used).max(1)))
}

fn indented(code: &str) -> String {
    let lines: Vec<String> = code.trim_end().lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

fn coloured(code: &str) -> String {
    let code = indented(code);
    match style().colour {
        true => highlight::line(&code),
        false => code,
    }
}
