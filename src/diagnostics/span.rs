//! Where in a source text a call stands, and the part of it that is to blame.
//!
//! Rhai gives one position for a call: its name. A drawing wants all of it, from the start of the receiver
//! (`host.link.set(…)` begins at `host`) to the closing parenthesis, and the argument or the option in it.

use std::ops::Range;

use super::scan::{Kind, Token, tokens};
use crate::error::Part;

/// Byte ranges of a source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The bytes that the position itself names.
    pub name: Range<usize>,
    /// The whole call, or whatever smaller thing stands at the position.
    pub call: Range<usize>,
    /// The part to blame, where the call has it.
    pub part: Option<Range<usize>>,
}

impl Found {
    /// What to underline: the part, or else the call.
    pub fn mark(&self) -> &Range<usize> {
        self.part.as_ref().unwrap_or(&self.call)
    }
}

/// Finds the call at a Rhai position (line and column from 1, the column in characters) and its `part`.
/// None where the text has no such line. What cannot be found falls back to something smaller: the name, the
/// nearest token of the line, an empty range.
pub fn find(text: &str, line: usize, column: usize, part: &Part) -> Option<Found> {
    let line = line_at(text, line)?;
    let offset = offset_in(text, &line, column);
    let tokens = tokens(text);
    let Some(anchor) = anchor(&tokens, &line, offset) else {
        return Some(Found {
            name: offset..offset,
            call: offset..offset,
            part: None,
        });
    };
    let call = Call::at(text, &tokens, anchor);
    Some(Found {
        name: tokens[anchor].at.clone(),
        call: call.whole(),
        part: call.part(part),
    })
}

/// The bytes of a line, counted from 1, without its end.
pub fn line_at(text: &str, line: usize) -> Option<Range<usize>> {
    let mut start = 0;
    for _ in 1..line {
        start += text.get(start..)?.find('\n')? + 1;
    }
    let rest = text.get(start..).filter(|_| line > 0)?;
    let end = start + rest.find('\n').unwrap_or(rest.len());
    Some(start..end)
}

/// The line and the column (in characters), both from 1, of a byte of `text`.
pub fn position_of(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// The byte of a column in a line; past its end, the end.
fn offset_in(text: &str, line: &Range<usize>, column: usize) -> usize {
    let characters = text[line.clone()].char_indices();
    line.start
        + characters
            .map(|(at, _)| at)
            .nth(column.saturating_sub(1))
            .unwrap_or(line.len())
}

/// The token at `offset`, or the next one of the line, or the last one before.
fn anchor(tokens: &[Token], line: &Range<usize>, offset: usize) -> Option<usize> {
    let next = tokens.partition_point(|t| t.at.end <= offset);
    let fits = |index: &usize| {
        tokens
            .get(*index)
            .is_some_and(|t| t.at.start <= line.end && t.at.end > line.start)
    };
    let found = Some(next).filter(fits).or_else(|| next.checked_sub(1).filter(fits))?;
    // A position on a `.` or `::` means the name after it.
    let after_dot = matches!(tokens[found].kind, Kind::Dot | Kind::Path)
        && tokens.get(found + 1).is_some_and(|t| t.kind == Kind::Word);
    Some(found + usize::from(after_dot))
}

/// A call among the tokens: its first token, its name, and its brackets where it has them.
struct Call<'a> {
    text: &'a str,
    tokens: &'a [Token],
    first: usize,
    last: usize,
    brackets: Option<(usize, usize)>,
}

impl<'a> Call<'a> {
    /// The call whose name, or the start of whose qualified name, is the token `anchor`.
    fn at(text: &'a str, tokens: &'a [Token], anchor: usize) -> Call<'a> {
        let mut call = Call {
            text,
            tokens,
            first: anchor,
            last: anchor,
            brackets: None,
        };
        if call.kind(anchor) != Some(Kind::Word) {
            return call;
        }
        let mut name = anchor;
        while call.kind(name + 1) == Some(Kind::Path) && call.kind(name + 2) == Some(Kind::Word) {
            name += 2;
        }
        call.first = call.chain_start(anchor);
        call.last = name;
        // `name!(…)` is a call too.
        let open = name + 1 + usize::from(call.is(name + 1, "!"));
        if call.is(open, "(") {
            if let Some(close) = tokens[open].partner {
                (call.last, call.brackets) = (close, Some((open, close)));
            }
        } else if matches!(call.word(anchor), "import" | "throw") {
            call.last = call.line_end(anchor);
        }
        call
    }

    fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|t| t.kind)
    }

    fn word(&self, index: usize) -> &'a str {
        self.tokens
            .get(index)
            .and_then(|t| self.text.get(t.at.clone()))
            .unwrap_or_default()
    }

    fn is(&self, index: usize, word: &str) -> bool {
        self.word(index) == word
    }

    fn bytes(&self, first: usize, last: usize) -> Range<usize> {
        self.tokens[first].at.start..self.tokens[last.max(first)].at.end
    }

    fn whole(&self) -> Range<usize> {
        self.bytes(self.first, self.last)
    }

    /// The last token of the statement that begins at `index`, on its line.
    fn line_end(&self, index: usize) -> usize {
        let start = self.tokens[index].at.start;
        let end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let more = (index + 1..self.tokens.len())
            .take_while(|i| self.tokens[*i].at.start < end && !self.is(*i, ";") && !self.is(*i, "}"));
        more.last().unwrap_or(index)
    }

    /// Walks back over `host.link.`, `list[0].`, `f(x)?.` to where the receiver begins.
    fn chain_start(&self, name: usize) -> usize {
        let mut first = name;
        while first >= 2 && matches!(self.kind(first - 1), Some(Kind::Dot | Kind::Path)) {
            let Some(start) = self.operand_start(first - 2) else {
                break;
            };
            first = start;
        }
        first
    }

    /// The first token of the operand that ends with the token `last`, as far back as its own dots.
    fn operand_start(&self, last: usize) -> Option<usize> {
        let mut at = last;
        loop {
            match self.kind(at)? {
                Kind::Word | Kind::Number | Kind::Text => return Some(at),
                Kind::Close => {
                    let open = self.tokens[at].partner?;
                    match self.called(open) {
                        Some(before) => at = before,
                        None => return Some(open),
                    }
                }
                _ => return None,
            }
        }
    }

    /// The last token of what is called or indexed by the bracket `open`, if it is that sort of bracket.
    fn called(&self, open: usize) -> Option<usize> {
        let round = self.is(open, "(");
        if !round && !self.is(open, "[") {
            return None;
        }
        // `list?[0]` and `name!(…)`.
        let mark = if round { "!" } else { "?" };
        let skipped = usize::from(open >= 1 && self.is(open - 1, mark));
        let before = open.checked_sub(1 + skipped)?;
        let keyword = matches!(
            self.word(before),
            "if" | "in" | "while" | "return" | "throw" | "switch" | "else" | "let"
        );
        let operand = matches!(self.kind(before), Some(Kind::Word | Kind::Close | Kind::Text));
        // A block's `}` ends a statement: what follows is no index into it.
        (operand && !keyword && !self.is(before, "}")).then_some(before)
    }

    /// The bytes of `part`, where the call has it.
    fn part(&self, part: &Part) -> Option<Range<usize>> {
        let (open, close) = self.brackets?;
        let arguments = self.items(open, close);
        match part {
            Part::Call => None,
            Part::Argument(index) => arguments.get(*index).map(|(first, last)| self.bytes(*first, *last)),
            Part::Key(name) => arguments.iter().rev().find_map(|(first, _)| self.entry(*first, name)),
        }
    }

    /// What stands between two brackets, apart by commas: the first and the last token of each.
    fn items(&self, open: usize, close: usize) -> Vec<(usize, usize)> {
        let mut items = Vec::new();
        let (mut at, mut first) = (open + 1, open + 1);
        while at < close {
            match self.kind(at) {
                Some(Kind::Comma) => {
                    if at > first {
                        items.push((first, at - 1));
                    }
                    first = at + 1;
                }
                // A closure's parameters have commas of their own.
                Some(Kind::Pipe) if at == first => {
                    at = (at + 1..close)
                        .find(|i| self.kind(*i) == Some(Kind::Pipe))
                        .unwrap_or(at);
                }
                Some(Kind::Open) => at = self.tokens[at].partner.filter(|end| *end < close).unwrap_or(at),
                _ => {}
            }
            at += 1;
        }
        if close > first {
            items.push((first, close - 1));
        }
        items
    }

    /// The entry `name` of the map or array that begins at `open`: `key: value`. A dotted name goes on into the
    /// value (`peer.name`, `nexthop.1.via`), and stops where the value is not written out there.
    fn entry(&self, open: usize, name: &str) -> Option<Range<usize>> {
        let close = self.tokens[open].partner?;
        let items = self.items(open, close);
        let (head, rest) = name.split_once('.').unwrap_or((name, ""));
        if self.is(open, "[") {
            let (first, last) = *items.get(head.parse::<usize>().ok()?)?;
            return self.entry(first, rest).or_else(|| Some(self.bytes(first, last)));
        }
        if !self.is(open, "#{") {
            return None;
        }
        let named = |wanted: &str| {
            let entry = items
                .iter()
                .find(|(key, _)| self.key(*key) == wanted && self.kind(key + 1) == Some(Kind::Colon));
            entry.copied()
        };
        if let Some((first, last)) = named(name) {
            return Some(self.bytes(first, last));
        }
        let (first, last) = named(head)?;
        let inner = (first + 2 <= last).then(|| self.entry(first + 2, rest)).flatten();
        inner.or_else(|| Some(self.bytes(first, last)))
    }

    /// A map's key without its quotes.
    fn key(&self, index: usize) -> &'a str {
        let word = self.word(index);
        word.strip_prefix('"')
            .and_then(|word| word.strip_suffix('"'))
            .unwrap_or(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The call and the part that are found when the position is that of the `^` in `marked`.
    fn found(marked: &str, part: Part) -> (String, String) {
        let at = marked.find('^').expect("a mark");
        let text = marked.replacen('^', "", 1);
        let (line, column) = position_of(&text, at);
        let found = find(&text, line, column, &part).expect("a place");
        let part = found.part.map(|range| text[range].to_string());
        (text[found.call].to_string(), part.unwrap_or_default())
    }

    fn call(marked: &str) -> String {
        found(marked, Part::Call).0
    }

    fn key(marked: &str, name: &str) -> String {
        found(marked, Part::Key(name.into())).1
    }

    fn argument(marked: &str, index: usize) -> String {
        found(marked, Part::Argument(index)).1
    }

    #[test]
    fn a_call_begins_with_its_receiver() {
        assert_eq!(
            call(r#"let x = host.link.^set("a", #{ b: 1 });"#),
            r#"host.link.set("a", #{ b: 1 })"#
        );
        assert_eq!(
            call("if ok { a.b }\nnodes[i + 1].link?.^del(x) + 1"),
            "nodes[i + 1].link?.del(x)"
        );
        assert_eq!(
            call("x = 1 + mesh(3)[0]?[1].addr.^show();"),
            "mesh(3)[0]?[1].addr.show()"
        );
        assert_eq!(call("(a + b).^len()"), "(a + b).len()");
        assert_eq!(call(r#"{ } "a,b".^len()"#), r#""a,b".len()"#);
        assert_eq!(call("if [1, 2].^len() > 1 {}"), "[1, 2].len()");
        assert_eq!(
            call("host\n  .link // the (link\n  .^add(\n    \"v\",\n  );"),
            "host\n  .link // the (link\n  .add(\n    \"v\",\n  )"
        );
        assert_eq!(call("网络.link.^set(`${名(1)}`)"), "网络.link.set(`${名(1)}`)");
    }

    #[test]
    fn a_plain_or_qualified_name() {
        assert_eq!(
            call("^assert(ns0.ping(ns1).ok, \"x\");"),
            "assert(ns0.ping(ns1).ok, \"x\")"
        );
        assert_eq!(call("a(); ^netns::add(\"x\");"), "netns::add(\"x\")");
        assert_eq!(call("a(); netns::^add(\"x\");"), "netns::add(\"x\")");
        assert_eq!(call("a(); netns^::add(\"x\");"), "netns::add(\"x\")");
        assert_eq!(call("run^!(1)"), "!");
        assert_eq!(call("^run!(1)"), "run!(1)");
    }

    #[test]
    fn something_smaller_where_there_is_no_call() {
        assert_eq!(call("^hots.link.add(1)"), "hots");
        assert_eq!(call("host.lnk^"), "host.lnk");
        assert_eq!(call("host.link.^add(\"v\", [1)"), "host.link.add(\"v\", [1)");
        assert_eq!(call("host.link.^add(\"v\""), "host.link.add");
        assert_eq!(call("a ^+ b"), "+");
        assert_eq!(call("a\n^\nb"), "");
        assert_eq!(call("^import \"lib/wire\" as w; x"), "import \"lib/wire\" as w");
    }

    #[test]
    fn arguments_are_told_apart() {
        let text = r#"f.^g("a,)", |x, y| x + y, [1, (2)], `b ${ c(1, 2) }, d` /* , */ , #{ e: 1 })"#;
        let expected = [
            r#""a,)""#,
            "|x, y| x + y",
            "[1, (2)]",
            "`b ${ c(1, 2) }, d`",
            "#{ e: 1 }",
            "",
        ];
        for (index, expected) in expected.into_iter().enumerate() {
            assert_eq!(argument(text, index), expected);
        }
        assert_eq!(argument("f.^g()", 0), "");
        assert_eq!(argument("f.^g(|| a, 2,)", 1), "2");
    }

    #[test]
    fn options_are_found_by_key() {
        let text = r#"host.link.^add("v", #{ "type": "veth", mtu: 1 + 2, peer: #{ name: "e", mtu: 9 } })"#;
        assert_eq!(key(text, "type"), r#""type": "veth""#);
        assert_eq!(key(text, "mtu"), "mtu: 1 + 2");
        assert_eq!(key(text, "peer.name"), r#"name: "e""#);
        assert_eq!(key(text, "peer.mtu"), "mtu: 9");
        assert_eq!(key(text, "peer.nmae"), r#"peer: #{ name: "e", mtu: 9 }"#);
        assert_eq!(key(text, "name"), "");
        assert_eq!(
            key("r.^add(1, #{ nexthop: [ #{ via: 1 }, #{ via: 2 } ] })", "nexthop.1.via"),
            "via: 2"
        );
        assert_eq!(
            key("r.^add(1, #{ nexthop: [ 1, 2 ] })", "nexthop.9"),
            "nexthop: [ 1, 2 ]"
        );
        assert_eq!(key("r.^add(1, options)", "via"), "");
        assert_eq!(key("r.^flush(#{\n  dev: \"a\", // b: 1\n  b: 2\n})", "b"), "b: 2");
    }

    #[test]
    fn no_text_and_no_position_panics() {
        let sources = [
            "host.link.set(\"网络0\", #{ mastre: `a${b(\"}\")}c${1}`, \"k\": [1, #{ x: 'é' }] }); // 终\r\n/* /* */ x */ f::g!(1)?.h?[2]",
            "`${`${`${#{a: 1}}`}`}` } ) ] | , #\"raw\"# ##\"#\" :: . .. ?. \u{feff}\u{202e}\t\0",
            ")]}`${([{#{'\"\\",
        ];
        let parts = [
            Part::Call,
            Part::Argument(0),
            Part::Argument(usize::MAX),
            Part::Key("a.b.c".into()),
            Part::Key(String::new()),
        ];
        for source in sources {
            let cuts: Vec<_> = (0..=source.len()).filter(|at| source.is_char_boundary(*at)).collect();
            for text in cuts.iter().flat_map(|at| [&source[..*at], &source[*at..]]) {
                for (line, column) in (0..4).flat_map(|line| (0..60).step_by(3).map(move |column| (line, column))) {
                    for part in &parts {
                        let Some(found) = find(text, line, column, part) else {
                            continue;
                        };
                        let ranges = [Some(found.name), Some(found.call), found.part];
                        assert!(ranges.into_iter().flatten().all(|range| text.get(range).is_some()));
                    }
                }
            }
            assert!(find(source, usize::MAX, usize::MAX, &Part::Call).is_none());
            assert!(find(source, 1, usize::MAX, &Part::Call).is_some());
        }
    }
}
