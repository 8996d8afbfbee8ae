//! A report for people: a title, the source with the call underlined, how it came there, and what is known.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};
use nix::errno::Errno;

use super::excerpt::Excerpt;
use super::span::position_of;
use super::text::{clipped, escaped, escaped_line, width, wrapped};
use super::{Frame, Report};
use crate::error::{Mistake, Part, Problem, name};

/// Nothing is drawn narrower: it could not be read.
const NARROWEST: usize = 40;
/// How many calls are listed before those in the middle are only counted.
const CALLS: usize = 8;
/// The column where the values of the rows stand.
const ROW: usize = 10;

/// Draws `report` in `columns` columns.
pub fn report(report: &Report, colour: bool, columns: usize) -> String {
    let drawing = Drawing {
        theme: theme(colour),
        columns: columns.max(NARROWEST),
    };
    let mut out = drawing.title(&report.problem);
    if let Some((innermost, callers)) = report.frames.split_first() {
        out.push_str(&drawing.place(innermost, &report.problem.part));
        out.push_str(&drawing.callers(callers));
    }
    out.push_str(&drawing.rows(&report.problem));
    for warning in &report.warnings {
        out.push('\n');
        out.push_str(&drawing.warning(warning));
    }
    without_trailing_blanks(&out)
}

/// One colour for what is wrong, one for where, dim for what only orients; drawn with unicode lines either way.
fn theme(colour: bool) -> GraphicalTheme {
    let plain = if colour {
        ThemeStyles::ansi()
    } else {
        ThemeStyles::none()
    };
    let mut styles = plain.clone();
    if colour {
        styles.error = plain.error.bold();
        styles.warning = plain.warning.bold();
        styles.link = plain.help;
        styles.highlights = vec![styles.error];
    }
    GraphicalTheme {
        characters: ThemeCharacters::unicode(),
        styles,
    }
}

fn without_trailing_blanks(text: &str) -> String {
    text.lines()
        .flat_map(|line| [line.trim_end_matches(' '), "\n"])
        .collect()
}

struct Drawing {
    theme: GraphicalTheme,
    columns: usize,
}

impl Drawing {
    /// `NSX004 × what failed`.
    fn title(&self, problem: &Problem) -> String {
        self.headed(problem, false)
    }

    /// `NSX025 ⚠ what is likely why`, and what is known of it.
    fn warning(&self, problem: &Problem) -> String {
        // The title says where.
        let untold = Problem {
            netns: String::new(),
            ..problem.clone()
        };
        self.headed(problem, true) + self.rows(&untold).as_str()
    }

    fn headed(&self, problem: &Problem, is_warning: bool) -> String {
        let (characters, styles) = (&self.theme.characters, &self.theme.styles);
        let (sign, style) = match is_warning {
            true => (&characters.warning, styles.warning),
            false => (&characters.error, styles.error),
        };
        let head = format!("{} {sign}", problem.code());
        let message = wrapped(&escaped(&problem.message), width(&head) + 1, self.columns);
        format!("{} {message}\n", style.style(head))
    }

    /// The source of the innermost frame, or just its position where there is no source.
    fn place(&self, frame: &Frame, part: &Part) -> String {
        let name = escaped_line(frame.name());
        let Some(found) = frame.place(part) else {
            return match (name.is_empty(), frame.line) {
                (true, 0) => String::new(),
                (false, 0) => format!("  at {name}\n"),
                (true, line) => format!("  at line {line}, column {}\n", frame.column),
                (false, line) => format!("  at {name}:{line}:{}\n", frame.column),
            };
        };
        // The position is that of the part, which may stand lines below the call's name.
        let start = found.part.as_ref().unwrap_or(&found.name).start;
        let (line, column) = position_of(frame.text(), start);
        let label = found.part.as_ref().map(|_| match part {
            Part::Key(_) => "this option",
            Part::Argument(_) | Part::Call => "this argument",
        });
        let excerpt = Excerpt::new(frame.text(), &found.call, found.mark(), self.columns);
        self.snippet(Snippet {
            name: format!("{name}:{line}:{column}"),
            excerpt,
            label,
        })
    }

    /// miette's drawing of the source. The title that it puts first is empty, and left out.
    fn snippet(&self, snippet: Snippet) -> String {
        let handler = GraphicalReportHandler::new_themed(self.theme.clone())
            .with_context_lines(0)
            .with_width(self.columns)
            .without_primary_span_start()
            .without_syntax_highlighting();
        let mut out = String::new();
        match handler.render_report(&mut out, &snippet) {
            Ok(()) => out
                .split_once('\n')
                .map_or(String::new(), |(_, drawn)| drawn.to_string()),
            Err(_) => format!("  at {}\n", snippet.name),
        }
    }

    /// The calls and imports on the way to the innermost frame, one a line; a call that is its own caller once.
    fn callers(&self, frames: &[Frame]) -> String {
        let runs: Vec<_> = frames.chunk_by(|a, b| a == b).collect();
        let hidden = runs.len().saturating_sub(CALLS);
        let mut out = String::new();
        for (index, run) in runs.iter().enumerate() {
            if hidden == 0 || index < CALLS / 2 || index >= CALLS / 2 + hidden {
                out.push_str(&self.caller(&run[0], run.len()));
            } else if index == CALLS / 2 {
                let calls: usize = runs[index..index + hidden].iter().map(|run| run.len()).sum();
                out.push_str(&format!("  … {calls} more\n"));
            }
        }
        out
    }

    /// `called from lab.rhai:12: wire(ns0)`.
    fn caller(&self, frame: &Frame, times: usize) -> String {
        let name = escaped_line(frame.name());
        let line = escaped_line(frame.source_line());
        let place = match (name.is_empty(), frame.line) {
            (true, 0) => String::new(),
            (true, line) => format!("line {line}"),
            (false, 0) => name.into_owned(),
            (false, line) => format!("{name}:{line}"),
        };
        let call = match frame.function.as_deref() {
            _ if !line.is_empty() => line.into_owned(),
            Some(function) if !function.is_empty() => format!("{}(…)", escaped_line(function)),
            _ => String::new(),
        };
        let how = if call.starts_with("import ") {
            "imported"
        } else {
            "called"
        };
        let from = if place.is_empty() {
            String::new()
        } else {
            format!(" from {place}")
        };
        let often = if times > 1 {
            format!(" ({times} times)")
        } else {
            String::new()
        };
        let used = 2 + how.len() + width(&from) + 2 + width(&often);
        let call = clipped(&call, self.columns.saturating_sub(used).max(8)).into_owned();
        let colon = if call.is_empty() { "" } else { ": " };
        let from = from.replacen(&place, &self.theme.styles.link.style(&place).to_string(), 1);
        format!("  {how}{from}{colon}{call}{often}\n")
    }

    /// What is known besides: each row under the name that `catch (e)` has for it.
    fn rows(&self, problem: &Problem) -> String {
        // `ip -n ns0 …` and `ip netns exec ns0 …` say it already.
        let words: Vec<_> = problem.op.split_whitespace().collect();
        let said = words
            .windows(2)
            .any(|pair| matches!(pair[0], "-n" | "-netns" | "exec") && pair[1] == problem.netns);
        let netns = if said { "" } else { &problem.netns };
        [
            // Never broken: it is there to be copied.
            self.row("op", &escaped_line(&problem.op), usize::MAX),
            self.row("netns", &escaped_line(netns), self.columns),
            self.row("kernel", &escaped(&kernel(problem)), self.columns),
            // Lines that were seen stay as they were seen.
            self.row(
                "cause",
                &escaped(&problem.cause),
                if problem.cause.contains('\n') {
                    usize::MAX
                } else {
                    self.columns
                },
            ),
            // Where it is a line to be typed it is not broken either.
            self.row(
                "help",
                &escaped(&problem.help),
                help_columns(&problem.help, self.columns),
            ),
            self.row("more", &problem.mistake.map(more).unwrap_or_default(), self.columns),
        ]
        .concat()
    }

    fn row(&self, key: &str, value: &str, columns: usize) -> String {
        if value.trim().is_empty() {
            return String::new();
        }
        let key = self.theme.styles.help.style(format!("{key:<0$}", ROW - 2)).to_string();
        format!("  {key}{}\n", wrapped(value, ROW, columns))
    }
}

/// Code is not wrapped: it is there to be copied.
fn help_columns(help: &str, columns: usize) -> usize {
    let is_code = help.contains('(') && help.ends_with(')');
    if is_code { usize::MAX } else { columns }
}

/// Where there is more to read.
fn more(mistake: Mistake) -> String {
    format!("nsx explain {}", mistake.entry().code)
}

/// The kernel's own words and the errno: `Nexthop has invalid gateway (EINVAL: Invalid argument)`.
fn kernel(problem: &Problem) -> String {
    let words = problem.kernel.trim();
    let Some(errno) = problem.errno else {
        return words.to_string();
    };
    let described = errno.desc();
    match (errno, words.is_empty() || words.eq_ignore_ascii_case(described)) {
        (Errno::UnknownErrno, true) => "an error that has no name".to_string(),
        (Errno::UnknownErrno, false) => words.to_string(),
        (_, true) => format!("{described} ({})", name(errno)),
        (_, false) => format!("{words} ({}: {described})", name(errno)),
    }
}

/// What miette is given: lines made for it, one mark, no title.
#[derive(Debug)]
struct Snippet {
    name: String,
    excerpt: Excerpt,
    label: Option<&'static str>,
}

impl fmt::Display for Snippet {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Snippet {}

impl Diagnostic for Snippet {
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let mark = &self.excerpt.mark;
        let label = LabeledSpan::new(self.label.map(String::from), mark.start, mark.len());
        Some(Box::new(std::iter::once(label)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }
}

/// Whatever span is asked for, the excerpt is what there is to see: it has its context lines already.
impl SourceCode for Snippet {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        _: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Excerpt { text, first_line, .. } = &self.excerpt;
        let all = (0, text.len()).into();
        let contents = MietteSpanContents::new_named(
            self.name.clone(),
            text.as_bytes(),
            all,
            first_line - 1,
            0,
            text.lines().count(),
        );
        Ok(Box::new(contents))
    }
}
