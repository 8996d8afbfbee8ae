//! A scanner for just so much of Rhai as is needed to find a call and its arguments in a source text.
//!
//! It never fails: text that Rhai itself would refuse gives tokens too, if odd ones.

use std::ops::Range;

/// What a token is, as far as finding calls goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or a keyword.
    Word,
    /// A number.
    Number,
    /// A string or a character, whole, unless it is interpolated.
    Text,
    /// `(`, `[`, `{`, `#{`, or an interpolated string up to the end of its first `${`.
    Open,
    /// What closes an [`Kind::Open`].
    Close,
    /// `.` or `?.`.
    Dot,
    /// `::`.
    Path,
    /// `,`.
    Comma,
    /// `:`.
    Colon,
    /// `|`, which may begin a closure's parameters.
    Pipe,
    /// Anything else.
    Mark,
}

/// One token and the bytes where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the source.
    pub at: Range<usize>,
    /// The index of the bracket that belongs to this one.
    pub partner: Option<usize>,
}

/// The tokens of `text`, without comments and blanks; brackets know their partners.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut scanner = Scanner {
        text,
        at: 0,
        tokens: Vec::new(),
        open: Vec::new(),
    };
    while scanner.step() {}
    scanner.tokens
}

/// A bracket that waits for its partner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Round,
    Square,
    Curly,
    Interpolation,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    open: Vec<(Bracket, usize)>,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Scans one token, blank or comment; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else { return false };
        let second = rest[c.len_utf8()..].chars().next().unwrap_or('\0');
        match (c, second) {
            _ if c.is_whitespace() => self.at += c.len_utf8(),
            ('/', '/') => self.at += rest.find('\n').unwrap_or(rest.len()),
            ('/', '*') => self.at += block_comment(rest),
            ('"' | '\'', _) => self.push(Kind::Text, quoted(rest, c)),
            ('`', _) => self.back_quoted(true),
            ('#', '{') => self.opening(Bracket::Curly, 2),
            ('#', '#' | '"') => match raw_string(rest) {
                Some(len) => self.push(Kind::Text, len),
                None => self.push(Kind::Mark, 1),
            },
            ('(', _) => self.opening(Bracket::Round, 1),
            ('[', _) => self.opening(Bracket::Square, 1),
            ('{', _) => self.opening(Bracket::Curly, 1),
            (')', _) => self.close(Bracket::Round, 1),
            (']', _) => self.close(Bracket::Square, 1),
            ('}', _) => self.closing_curly(),
            _ => {
                let (kind, len) = plain(rest, c, second);
                self.push(kind, len);
            }
        }
        true
    }

    fn push(&mut self, kind: Kind, len: usize) {
        let start = self.at;
        self.at = (start + len).min(self.text.len());
        self.tokens.push(Token {
            kind,
            at: start..self.at,
            partner: None,
        });
    }

    fn opening(&mut self, bracket: Bracket, len: usize) {
        self.open.push((bracket, self.tokens.len()));
        self.push(Kind::Open, len);
    }

    /// A closing bracket belongs to the nearest of its kind; what stands open inside was never closed.
    fn close(&mut self, bracket: Bracket, len: usize) {
        let close = self.tokens.len();
        self.push(Kind::Close, len);
        let Some(depth) = self.open.iter().rposition(|(open, _)| *open == bracket) else {
            return;
        };
        let open = self.open[depth].1;
        self.open.truncate(depth);
        self.tokens[open].partner = Some(close);
        self.tokens[close].partner = Some(open);
    }

    /// `}` ends a block or a map, or goes back into the string around it.
    fn closing_curly(&mut self) {
        let inner = self
            .open
            .iter()
            .rev()
            .find(|(open, _)| matches!(open, Bracket::Curly | Bracket::Interpolation));
        match inner {
            Some((Bracket::Interpolation, _)) => self.back_quoted(false),
            _ => self.close(Bracket::Curly, 1),
        }
    }

    /// A `…` string, from its first quote or from the `}` that ends an interpolation.
    fn back_quoted(&mut self, fresh: bool) {
        let (len, interpolated) = back_quoted(self.rest());
        match (fresh, interpolated) {
            (true, false) => self.push(Kind::Text, len),
            (true, true) => self.opening(Bracket::Interpolation, len),
            // One more `${`: the piece between stands inside the string's own brackets.
            (false, true) => {
                let depth = self.open.iter().rposition(|(open, _)| *open == Bracket::Interpolation);
                self.open.truncate(depth.map_or(0, |d| d + 1));
                self.push(Kind::Comma, len);
            }
            (false, false) => self.close(Bracket::Interpolation, len),
        }
    }
}

/// A token that is no bracket, string or comment: its kind and length.
fn plain(rest: &str, c: char, second: char) -> (Kind, usize) {
    match (c, second) {
        ('.', '.') => (Kind::Mark, run(rest, |c| c == '.' || c == '=')),
        ('?', '.') => (Kind::Dot, 2),
        (':', ':') => (Kind::Path, 2),
        ('|', '|') | ('!', '=') => (Kind::Mark, 2),
        ('.', _) => (Kind::Dot, 1),
        (':', _) => (Kind::Colon, 1),
        (',', _) => (Kind::Comma, 1),
        ('|', _) => (Kind::Pipe, 1),
        _ if c.is_ascii_digit() => (Kind::Number, number(rest)),
        _ if is_word(c) => (Kind::Word, run(rest, is_word)),
        _ if is_operator(c) => (Kind::Mark, run(rest, is_operator).min(3)),
        _ => (Kind::Mark, c.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

fn is_operator(c: char) -> bool {
    "=<>&^+-*%".contains(c)
}

/// The bytes from the start of `text` whose characters satisfy `fits`.
fn run(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c| !fits(c)).unwrap_or(text.len())
}

/// A number's length; its point counts only before a digit (`1.5`, but `1.max(2)` and `1..9`).
fn number(rest: &str) -> usize {
    let whole = run(rest, is_word);
    match rest[whole..].strip_prefix('.') {
        Some(more) if more.starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + run(more, is_word),
        _ => whole,
    }
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (depth, at) = (depth + 1, at + 2),
            (b'*', Some(b'/')) => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a "…" string or a '…' character. One that is not closed ends with its line, as in Rhai.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\n' => return at,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw string, `#"…"#` with any number of `#`.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = run(rest, |c| c == '#');
    let body = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", &rest[..hashes]);
    Some(body.find(&end).map_or(rest.len(), |at| hashes + 1 + at + end.len()))
}

/// The length of a piece of a `…` string after its first character, and whether it ends with `${` rather than
/// with the closing quote. A doubled quote and `\${` stand for themselves.
fn back_quoted(rest: &str) -> (usize, bool) {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        let more = &bytes[at..];
        if more.starts_with(b"``") {
            at += 2;
        } else if more.starts_with(b"`") {
            return (at + 1, false);
        } else if more.starts_with(b"\\${") {
            at += 3;
        } else if more.starts_with(b"${") {
            return (at + 2, true);
        } else {
            at += 1;
        }
    }
    (rest.len(), false)
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    fn shapes(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).into_iter().map(|t| (t.kind, &text[t.at])).collect()
    }

    #[test]
    fn strings_and_comments_hide_brackets() {
        let text = r##"f("a\")", '\'', #"raw "( "#, /* ( /* ) */ [ */ `b ) \${ `) // ("##;
        let kinds: Vec<_> = shapes(text)
            .into_iter()
            .filter(|(kind, _)| *kind != Kind::Comma)
            .collect();
        let found: Vec<_> = kinds.iter().map(|(_, text)| *text).collect();
        assert_eq!(
            found,
            ["f", "(", r#""a\")""#, r"'\''", r##"#"raw "( "#"##, r"`b ) \${ `", ")"]
        );
    }

    #[test]
    fn interpolations_nest() {
        let text = "f(`a ${ g(`x ${ #{ y: 1 } } z`) } b ${ 2 } c`)";
        let tokens = tokens(text);
        let whole = tokens[1]
            .partner
            .map(|close| &text[tokens[1].at.start..tokens[close].at.end]);
        assert_eq!(whole, Some(&text[1..]));
        let string = tokens[2]
            .partner
            .map(|close| &text[tokens[2].at.start..tokens[close].at.end]);
        assert_eq!(string, Some(&text[2..text.len() - 1]));
    }

    #[test]
    fn ranges_numbers_and_dots_differ() {
        use Kind::{Dot, Mark, Number, Word};
        let expected = [
            (Number, "1"),
            (Mark, ".."),
            (Number, "1.5"),
            (Dot, "?."),
            (Word, "a"),
            (Dot, "."),
            (Word, "b"),
        ];
        assert_eq!(shapes("1..1.5?.a.b"), expected);
    }

    #[test]
    fn an_unclosed_bracket_has_no_partner() {
        let tokens = tokens("f([1, 2)");
        assert_eq!((tokens[1].partner, tokens[2].partner), (Some(6), None));
    }
}
