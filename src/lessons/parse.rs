//! Reads a lesson: Markdown, taken apart by its headings, and its code by what is behind the fences.

use std::iter::Peekable;
use std::ops::Range;
use std::path::Path;
use std::vec::IntoIter;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::Lang;
use super::lesson::{Block, Lesson, Step, Tongue};
use crate::diagnostics::Report;
use crate::error::nearest;

/// A result whose error has its place in the lesson.
type Result<T> = std::result::Result<T, Box<Report>>;

/// What may stand behind a fence.
const ROLES: &[&str] = &["setup", "do", "check", "hint", "break", "expect"];

/// A piece of the text at its outermost level.
struct Piece {
    at: Range<usize>,
    line: usize,
    kind: Kind,
}

enum Kind {
    /// A heading: its level, text and id.
    Heading(HeadingLevel, String, Option<String>),
    Paragraph,
    Quote,
    /// Code: what is behind the fence, the code, and its first line.
    Code(String, String, usize),
    /// A list; its names and their words, where that is what it has.
    List(Vec<(String, String)>),
    /// What lessons do not have.
    Other(&'static str),
}

/// Reads a lesson. Its name and number are its file's, its language the folder's.
pub fn read(file: &str, text: &str) -> Result<Lesson> {
    let path = Path::new(file);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (number, name) = numbered(&stem).unwrap_or((0, &stem));
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let mut lesson = Lesson {
        file: file.into(),
        text: text.into(),
        number,
        name: name.into(),
        lang: Lang::folder(&folder.to_string_lossy()).unwrap_or(Lang::En),
        title: String::new(),
        goal: String::new(),
        intro: String::new(),
        setup: None,
        steps: Vec::new(),
    };
    let mut pieces = pieces(text).into_iter().peekable();
    head(&mut lesson, text, &mut pieces)?;
    while let Some(piece) = pieces.next() {
        let Kind::Heading(_, title, id) = piece.kind else {
            unreachable!("a step begins with its heading");
        };
        let id = id.filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        let Some(id) = id else {
            let help = "for instance `## Two namespaces {#namespaces}`, of letters, digits and `-`";
            return Err(lesson.miswritten(piece.line, "the step has no id", help));
        };
        if lesson.position(&id).is_some() {
            let message = format!("another step has the id `{id}`");
            return Err(lesson.miswritten(piece.line, message, "give each step its own"));
        }
        let step = Step {
            id,
            title,
            line: piece.line,
            ..Step::default()
        };
        let step = self::step(&lesson, step, text, &mut pieces)?;
        whole(&lesson, &step)?;
        lesson.steps.push(step);
    }
    match lesson.steps.is_empty() {
        true => Err(lesson.miswritten(1, "the lesson has no step", "a step is a heading `## Title {#id}`")),
        false => Ok(lesson),
    }
}

/// `2-veth`: the number and the name.
pub(super) fn numbered(stem: &str) -> Option<(u32, &str)> {
    let (number, name) = stem.split_once('-')?;
    Some((number.parse().ok()?, name)).filter(|(_, name)| !name.is_empty())
}

/// What stands before the first step.
fn head(lesson: &mut Lesson, text: &str, pieces: &mut Peekable<IntoIter<Piece>>) -> Result<()> {
    while let Some(piece) = pieces.next_if(|piece| !matches!(piece.kind, Kind::Heading(HeadingLevel::H2, ..))) {
        match &piece.kind {
            Kind::Heading(HeadingLevel::H1, title, _) if lesson.title.is_empty() => lesson.title.clone_from(title),
            Kind::Heading(HeadingLevel::H1, ..) => {
                return Err(lesson.miswritten(piece.line, "the lesson has two titles", "steps are headings `## …`"));
            }
            Kind::Paragraph if lesson.goal.is_empty() => lesson.goal = text[piece.at.clone()].trim().into(),
            Kind::Code(info, code, line) if info.contains(' ') => {
                let (role, _, block) = block(lesson, piece.line, info, code, *line)?;
                if role != "setup" || lesson.setup.is_some() {
                    let help = "before the first step stands one block `rhai setup`, if any";
                    return Err(lesson.miswritten(piece.line, format!("`{role}` has no place here"), help));
                }
                lesson.setup = Some(block);
            }
            _ => prose(lesson, &piece, text).map(|prose| append(&mut lesson.intro, prose))?,
        }
    }
    let wants = match (lesson.title.is_empty(), lesson.goal.is_empty()) {
        (true, _) => ("the lesson has no title", "it begins with `# Title`"),
        (_, true) => (
            "the lesson does not say what it is for",
            "a paragraph after the title says what one can do afterwards",
        ),
        _ => return Ok(()),
    };
    Err(lesson.miswritten(1, wants.0, wants.1))
}

/// What stands in a step.
fn step(lesson: &Lesson, mut step: Step, text: &str, pieces: &mut Peekable<IntoIter<Piece>>) -> Result<Step> {
    let mut after_hint = false;
    while let Some(piece) =
        pieces.next_if(|piece| !matches!(piece.kind, Kind::Heading(HeadingLevel::H1 | HeadingLevel::H2, ..)))
    {
        let is_hint = std::mem::take(&mut after_hint);
        match &piece.kind {
            Kind::Quote if step.goal.is_empty() && step.solutions.is_empty() => {
                let lines = text[piece.at.clone()].lines();
                let bare = lines.map(|line| line.trim_start().trim_start_matches('>').trim());
                step.goal = bare.collect::<Vec<_>>().join("\n").trim().into();
            }
            Kind::List(words) if is_hint => {
                if words.is_empty() {
                    let help = "each is an item `- `name`: The words, with a {value}.`";
                    return Err(lesson.miswritten(piece.line, "these are no words of hints", help));
                }
                step.words.clone_from(words);
            }
            Kind::Code(info, code, line) if info.contains(' ') => {
                let (role, name, block) = block(lesson, piece.line, info, code, *line)?;
                after_hint = role == "hint";
                if role == "expect" {
                    append(told(&mut step), &text[piece.at.clone()]);
                }
                place(lesson, &mut step, role, name, block)?;
            }
            _ => prose(lesson, &piece, text).map(|prose| append(told(&mut step), prose))?,
        }
    }
    if let Some(title) = pieces
        .peek()
        .filter(|piece| matches!(piece.kind, Kind::Heading(HeadingLevel::H1, ..)))
    {
        return Err(lesson.miswritten(title.line, "the lesson has two titles", "steps are headings `## …`"));
    }
    Ok(step)
}

/// Where prose goes: what stands after the solution is told when the step is done.
fn told(step: &mut Step) -> &mut String {
    match step.solutions.is_empty() {
        true => &mut step.before,
        false => &mut step.after,
    }
}

fn append(prose: &mut String, more: &str) {
    if !prose.is_empty() {
        prose.push_str("\n\n");
    }
    prose.push_str(more.trim_end());
}

fn prose<'a>(lesson: &Lesson, piece: &Piece, text: &'a str) -> Result<&'a str> {
    match piece.kind {
        Kind::Other(what) => {
            let help = "paragraphs, lists, code, quotes and headings can be shown in a terminal";
            Err(lesson.miswritten(piece.line, format!("lessons have no {what}"), help))
        }
        _ => Ok(&text[piece.at.clone()]),
    }
}

/// A block with a role: the role, the name behind it, and the code.
fn block<'a>(
    lesson: &Lesson,
    at: usize,
    info: &'a str,
    code: &str,
    line: usize,
) -> Result<(&'a str, Option<&'a str>, Block)> {
    let mut words = info.split_whitespace();
    let (tongue, role, name) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
        words.next(),
    );
    if !ROLES.contains(&role) {
        let message = format!("`{role}` is no role of code in a lesson");
        let help = match nearest(role, ROLES.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", ROLES.join(", ")),
        };
        return Err(lesson.miswritten(at, message, &help));
    }
    let tongue = match (tongue, role) {
        ("rhai", "setup" | "do" | "check" | "hint" | "break") => Tongue::Rhai,
        ("sh", "do" | "break") => Tongue::Shell,
        ("console", "expect") => Tongue::Console,
        _ => {
            let help = "`rhai` has setup, do, check, hint and break; `sh` has do and break; `console` has expect";
            return Err(lesson.miswritten(at, format!("`{tongue}` cannot be `{role}`"), help));
        }
    };
    if name.is_some() != (role == "break") {
        let help = "`rhai break NAME` names the hint that the mistake must give; the others have no name";
        return Err(lesson.miswritten(at, format!("`{info}` is no role of code in a lesson"), help));
    }
    let block = Block {
        info: info.into(),
        tongue,
        line,
        code: code.into(),
    };
    Ok((role, name, block))
}

fn place(lesson: &Lesson, step: &mut Step, role: &str, name: Option<&str>, block: Block) -> Result<()> {
    let line = block.line - 1;
    match (role, name) {
        ("do", _) => match step.solutions.iter_mut().find(|way| way[0].tongue == block.tongue) {
            Some(way) => way.push(block),
            // What later steps build on stands first.
            None if block.tongue == Tongue::Rhai => step.solutions.insert(0, vec![block]),
            None => step.solutions.push(vec![block]),
        },
        ("check", _) if step.check.is_none() => step.check = Some(block),
        ("hint", _) if step.hint.is_none() => step.hint = Some(block),
        ("break", Some(name)) => step.breaks.push((name.into(), block)),
        ("expect", _) => step.expects.push(block),
        ("setup", _) => {
            return Err(lesson.miswritten(line, "`setup` stands before the first step", "it is the whole lesson's"));
        }
        _ => return Err(lesson.miswritten(line, format!("the step has two of `{role}`"), "make one of them")),
    }
    Ok(())
}

/// Whether a step has what belongs together.
fn whole(lesson: &Lesson, step: &Step) -> Result<()> {
    let wrong = |line: usize, message: &str, help: &str| Err(lesson.miswritten(line, message, help));
    match (step.solutions.is_empty(), &step.check) {
        (false, None) => {
            return wrong(
                step.line,
                "the step has `do` but no `check`",
                "a check says when it is done",
            );
        }
        (true, Some(check)) => {
            return wrong(
                check.line - 1,
                "the step has `check` but no `do`",
                "show how it is done",
            );
        }
        (false, Some(_)) if step.goal.is_empty() => {
            return wrong(
                step.line,
                "the step has no goal",
                "a quote `> …` before `do` says what is to be reached",
            );
        }
        _ => {}
    }
    if step.words.is_empty()
        && let Some(hint) = &step.hint
    {
        return wrong(
            hint.line - 1,
            "the hint has no words",
            "a list of `- `name`: Words.` follows it",
        );
    }
    let unknown = |(name, _): &&(String, Block)| !step.words.iter().any(|(known, _)| known == name);
    if let Some((name, block)) = step.breaks.iter().find(unknown) {
        let names = step.words.iter().map(|(name, _)| name.as_str());
        let help = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the list after the hint names them".into(),
        };
        return Err(lesson.miswritten(block.line - 1, format!("there is no hint `{name}`"), &help));
    }
    Ok(())
}

/// The pieces of a text.
fn pieces(text: &str) -> Vec<Piece> {
    let mut events =
        Parser::new_ext(text, Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_TABLES).into_offset_iter();
    let mut pieces = Vec::new();
    while let Some((event, at)) = events.next() {
        let line = text[..at.start].matches('\n').count() + 1;
        let mut inner = Vec::new();
        if let Event::Start(_) = event {
            let mut depth = 1;
            for (event, at) in events.by_ref() {
                depth = match event {
                    Event::Start(_) => depth + 1,
                    Event::End(_) => depth - 1,
                    _ => depth,
                };
                inner.push((event, at));
                if depth == 0 {
                    break;
                }
            }
        }
        let kind = kind(text, event, line, &inner);
        pieces.push(Piece { at, line, kind });
    }
    pieces
}

fn kind(text: &str, event: Event, line: usize, inner: &[(Event, Range<usize>)]) -> Kind {
    let plain = || {
        let texts = inner.iter().filter_map(|(event, _)| match event {
            Event::Text(text) | Event::Code(text) => Some(text.to_string()),
            _ => None,
        });
        texts.collect::<String>()
    };
    let has = |is: &dyn Fn(&Event) -> bool| inner.iter().any(|(event, _)| is(event));
    match event {
        Event::Start(Tag::Heading { level, id, .. }) => Kind::Heading(level, plain(), id.map(|id| id.to_string())),
        Event::Start(Tag::Paragraph) if has(&|event| matches!(event, Event::Start(Tag::Image { .. }))) => {
            Kind::Other("images")
        }
        Event::Start(Tag::Paragraph) if has(&|event| matches!(event, Event::InlineHtml(_))) => Kind::Other("HTML"),
        Event::Start(Tag::Paragraph) => Kind::Paragraph,
        Event::Start(Tag::BlockQuote(_)) => Kind::Quote,
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => Kind::Code(info.trim().into(), plain(), line + 1),
        Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => Kind::Code(String::new(), plain(), line),
        Event::Start(Tag::List(_)) => Kind::List(named(text, inner)),
        Event::Start(Tag::Table(_)) => Kind::Other("tables"),
        Event::Start(Tag::HtmlBlock) => Kind::Other("HTML"),
        Event::Rule => Kind::Other("rules"),
        _ => Kind::Other("such a piece"),
    }
}

/// The items of a list `- `name`: words`; nothing, where one is different.
fn named(text: &str, inner: &[(Event, Range<usize>)]) -> Vec<(String, String)> {
    let mut named = Vec::new();
    for (index, (event, item)) in inner.iter().enumerate() {
        if !matches!(event, Event::Start(Tag::Item)) {
            continue;
        }
        let is_opening = |event: &Event| matches!(event, Event::Start(Tag::Paragraph));
        let first = inner[index + 1..].iter().find(|(event, _)| !is_opening(event));
        let Some((Event::Code(name), at)) = first else {
            return Vec::new();
        };
        let rest = text[at.end..item.end].trim();
        let Some(words) = rest.strip_prefix(':').or_else(|| rest.strip_prefix('：')) else {
            return Vec::new();
        };
        named.push((name.to_string(), words.trim().to_string()));
    }
    let items = inner
        .iter()
        .filter(|(event, _)| matches!(event, Event::End(TagEnd::Item)));
    if items.count() == named.len() {
        named
    } else {
        Vec::new()
    }
}
