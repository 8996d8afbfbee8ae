//! The Markdown of lessons as text for a terminal.

use std::iter::Peekable;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Parser, Tag, TagEnd};
use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, fill};
use unicode_width::UnicodeWidthChar;

/// How text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether with colour.
    pub colour: bool,
    /// In how many columns.
    pub width: usize,
}

const BOLD: &str = "1";
const DIM: &str = "90";
const CODE: &str = "36";

impl Style {
    /// Markdown as text, without an empty line at its end.
    pub fn text(self, markdown: &str) -> String {
        let mut out = Out {
            style: self,
            text: String::new(),
        };
        out.blocks(&mut Parser::new(markdown).peekable(), "", "");
        out.text.trim_end().to_string()
    }

    /// One paragraph whose first line begins with `head`.
    pub fn paragraph(self, head: &str, markdown: &str) -> String {
        let mut out = Out {
            style: self,
            text: String::new(),
        };
        let indent = " ".repeat(textwrap::core::display_width(head));
        out.blocks(&mut Parser::new(markdown).peekable(), head, &indent);
        out.text.trim_end().to_string()
    }

    /// Words in bold.
    pub fn bold(self, text: &str) -> String {
        self.painted(BOLD, text)
    }

    /// Words that only orient.
    pub fn dim(self, text: &str) -> String {
        self.painted(DIM, text)
    }

    /// A word in a colour of its own.
    pub fn painted(self, colour: &str, text: &str) -> String {
        match self.colour && !text.is_empty() {
            true => format!("\x1b[{colour}m{text}\x1b[0m"),
            false => text.to_string(),
        }
    }

    /// Words in lines, the first of which begins with `head` and the others with `beside`.
    fn wrapped(self, words: &str, head: &str, beside: &str) -> String {
        let options = Options::new(self.width)
            .initial_indent(head)
            .subsequent_indent(beside)
            .word_separator(WordSeparator::Custom(unbroken))
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit)
            .break_words(false);
        fill(words, options)
    }
}

/// Where a line may break: at blanks, and beside wide characters where their script allows it. Code has no other place.
fn unbroken<'a>(line: &'a str) -> Box<dyn Iterator<Item = Word<'a>> + 'a> {
    let mut begin = 0;
    let mut end = 0;
    let mut words = Vec::new();
    for word in WordSeparator::UnicodeBreakProperties.find_words(line) {
        let next = end + word.len() + word.whitespace.len();
        let is_narrow = |c: Option<char>| c.is_some_and(|c| c != ' ' && c.width() != Some(2));
        let stays = is_narrow(line[begin..end].chars().next_back()) && is_narrow(line[end..].chars().next());
        if !stays && end > begin {
            words.push(Word::from(&line[begin..end]));
            begin = end;
        }
        end = next;
    }
    if end > begin {
        words.push(Word::from(&line[begin..end]));
    }
    Box::new(words.into_iter())
}

struct Out {
    style: Style,
    text: String,
}

type Events<'a, 'b> = &'b mut Peekable<Parser<'a>>;

impl Out {
    /// The blocks up to the end of what they stand in. The first line begins with `head`, the others with `beside`.
    fn blocks(&mut self, events: Events, head: &str, beside: &str) {
        let mut head = head.to_string();
        while let Some(event) = events.next() {
            match event {
                Event::Start(Tag::Paragraph) => {
                    let words = self.inline(events);
                    self.paragraph(&words, &std::mem::replace(&mut head, beside.into()), beside);
                }
                Event::Start(Tag::Heading { .. }) => {
                    let words = self.inline(events);
                    let words = self.style.bold(&words);
                    self.paragraph(&words, &std::mem::replace(&mut head, beside.into()), beside);
                }
                Event::Start(Tag::CodeBlock(kind)) => self.code(events, &kind, beside),
                Event::Start(Tag::List(first)) => self.list(events, first, beside),
                Event::Start(Tag::BlockQuote(_)) => {
                    let beside = format!("{beside}│ ");
                    self.blocks(events, &beside, &beside);
                }
                Event::End(TagEnd::Item | TagEnd::BlockQuote(_)) => return,
                // A list without empty lines between its items has their words without a paragraph.
                Event::Text(_) | Event::Code(_) | Event::Start(Tag::Emphasis | Tag::Strong | Tag::Link { .. }) => {
                    let words = self.words(event) + self.inline(events).as_str();
                    self.paragraph(&words, &std::mem::replace(&mut head, beside.into()), beside);
                    self.text.truncate(self.text.trim_end().len());
                    self.text.push('\n');
                }
                _ => {}
            }
        }
    }

    fn paragraph(&mut self, words: &str, head: &str, beside: &str) {
        self.text.push_str(&self.style.wrapped(words, head, beside));
        self.text.push_str("\n\n");
    }

    fn list(&mut self, events: Events, first: Option<u64>, beside: &str) {
        let mut number = first;
        while let Some(Event::Start(Tag::Item)) = events.next() {
            let mark = match &mut number {
                Some(number) => {
                    *number += 1;
                    format!("{}. ", *number - 1)
                }
                None => "• ".to_string(),
            };
            let indent = " ".repeat(textwrap::core::display_width(&mark));
            self.blocks(events, &format!("{beside}{mark}"), &format!("{beside}{indent}"));
        }
        self.text.truncate(self.text.trim_end().len());
        self.text.push_str("\n\n");
    }

    /// Code as it stands.
    fn code(&mut self, events: Events, kind: &CodeBlockKind, beside: &str) {
        let is_typed = matches!(kind, CodeBlockKind::Fenced(info) if info.starts_with("console"));
        for event in events.by_ref() {
            match event {
                Event::Text(text) => {
                    for line in text.lines() {
                        let line = if is_typed { &elided(line) } else { line };
                        let is_dim = is_typed && !line.starts_with("$ ") && !line.starts_with("> ");
                        let shown = if is_dim {
                            self.style.dim(line)
                        } else {
                            self.style.painted(CODE, line)
                        };
                        self.text.push_str(format!("{beside}    {shown}").trim_end());
                        self.text.push('\n');
                    }
                }
                Event::End(TagEnd::CodeBlock) => break,
                _ => {}
            }
        }
        self.text.push('\n');
    }

    /// Words up to the end of their paragraph, or to where an item or a list within it begins or ends.
    fn inline(&self, events: Events) -> String {
        let mut words = String::new();
        loop {
            match events.peek() {
                None | Some(Event::End(TagEnd::Item) | Event::Start(Tag::List(_) | Tag::CodeBlock(_))) => return words,
                _ => {}
            }
            match events.next() {
                None | Some(Event::End(TagEnd::Paragraph | TagEnd::Heading(_))) => return words,
                Some(Event::SoftBreak) => {
                    let next = events.peek().and_then(|event| match event {
                        Event::Text(text) | Event::Code(text) => text.chars().next(),
                        _ => None,
                    });
                    if !is_joined(last_shown(&words), next) {
                        words.push(' ');
                    }
                }
                Some(event) => words.push_str(&self.words(event)),
            }
        }
    }

    fn words(&self, event: Event) -> String {
        let switch = |on: &str| {
            if self.style.colour {
                on.to_string()
            } else {
                String::new()
            }
        };
        let ticked = |code: CowStr| match self.style.colour {
            true => self.style.painted(CODE, &code),
            false => format!("`{code}`"),
        };
        match event {
            Event::Text(text) => text.to_string(),
            Event::Code(code) => ticked(code),
            Event::Start(Tag::Strong) => switch("\x1b[1m"),
            Event::Start(Tag::Emphasis) => switch("\x1b[3m"),
            Event::End(TagEnd::Strong) => switch("\x1b[22m"),
            Event::End(TagEnd::Emphasis) => switch("\x1b[23m"),
            Event::HardBreak => "\n".into(),
            _ => String::new(),
        }
    }
}

/// A line of a transcript, with what it leaves out.
fn elided(line: &str) -> String {
    match line {
        "..." => "…".into(),
        line => line.replace("[..]", "…"),
    }
}

/// Whether there is no blank between two characters where a line ends: Chinese has none between its words, nor beside its
/// punctuation.
fn is_joined(last: Option<char>, next: Option<char>) -> bool {
    let is_wide = |c: Option<char>| c.is_some_and(|c| c.width() == Some(2));
    let is_mark = |c: Option<char>| is_wide(c) && c.is_some_and(|c| !c.is_alphanumeric());
    is_mark(last) || is_mark(next) || (is_wide(last) && is_wide(next))
}

/// The last character that is seen.
fn last_shown(words: &str) -> Option<char> {
    let end = words.strip_suffix("\x1b[0m").or_else(|| words.strip_suffix("\x1b[22m"));
    end.unwrap_or(words).chars().next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(markdown: &str, width: usize) -> String {
        Style { colour: false, width }.text(markdown)
    }

    #[test]
    fn paragraphs_are_filled_and_code_is_not() {
        assert_eq!(
            plain(
                "One `two`\nthree **four**.\n\n```rhai\nlet a  = 1;\n\nb\n```\n\nEnd.",
                12
            ),
            "One `two`\nthree four.\n\n    let a  = 1;\n\n    b\n\nEnd."
        );
    }

    #[test]
    fn lists_hang() {
        assert_eq!(
            plain("Two:\n\n- one and more\n- two\n  - `in`\n\n1. a\n2. b\n\nEnd", 10),
            "Two:\n\n• one and\n  more\n• two\n  • `in`\n\n1. a\n2. b\n\nEnd"
        );
    }

    #[test]
    fn chinese_breaks_between_characters_and_has_no_blanks() {
        let text = plain("两个命名空间，各有自己的\n网卡、地址和路由。", 20);
        assert_eq!(text, "两个命名空间，各有自\n己的网卡、地址和路\n由。");
        assert!(text.lines().all(|line| textwrap::core::display_width(line) <= 20));
        assert_eq!(plain("完了。\nnsx\n里（\nip\n）", 40), "完了。nsx 里（ip）");
    }

    #[test]
    fn code_breaks_only_at_its_blanks() {
        assert_eq!(
            plain("See `?route.add` or `a/b-c` there", 12),
            "See\n`?route.add`\nor `a/b-c`\nthere"
        );
        assert_eq!(
            plain("```console expect\n$ x\n1: [..]\n...\n```", 12),
            "    $ x\n    1: …\n    …"
        );
    }

    #[test]
    fn colour_takes_no_room() {
        let style = Style {
            colour: true,
            width: 20,
        };
        assert_eq!(style.text("a `b` **c**"), "a \x1b[36mb\x1b[0m \x1b[1mc\x1b[22m");
        let long = style.text("`aaaa` `bbbb` `cccc` `dddd` `eeee`");
        assert!(
            long.lines().all(|line| textwrap::core::display_width(line) <= 20),
            "{long:?}"
        );
        assert_eq!(style.paragraph("> ", "a").as_str(), "> a");
    }
}
