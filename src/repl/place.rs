//! Where in a script the cursor is: what was begun and not ended, and what therefore can come next.

use crate::diagnostics::scan::{Kind, Token, tokens};

/// What can be written at the end of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the word begins that the text ends with.
    pub start: usize,
    /// The word, up to the end; it may be empty.
    pub word: String,
    /// What it is a part of.
    pub within: Within,
}

/// What a word is a part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Within {
    /// A statement or an expression.
    Expression,
    /// `a.b.`: the names before it.
    Member(Vec<String>),
    /// `module::`.
    Module(String),
    /// `import "`.
    Import,
    /// Text that is nothing known.
    Text,
    /// A comment, a number, a name that is being given.
    Nothing,
    /// An argument of a call.
    Argument {
        /// The call.
        call: Call,
        /// Which, from 0.
        index: usize,
        /// Whether it is in a string.
        in_text: bool,
    },
    /// A key of a call's options.
    Key {
        /// The call.
        call: Call,
        /// The keys that are there already.
        given: Vec<String>,
    },
    /// The value of a key of a call's options.
    Value {
        /// The call.
        call: Call,
        /// The key; two of them, where the value is in a map of its own: `peer`, `netns`.
        keys: Vec<String>,
        /// Whether it is in a string.
        in_text: bool,
    },
}

/// A call that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What stands before the function: `["ns0", "link"]` in `ns0.link.add(`, nothing in `assert(`.
    pub before: Vec<String>,
    /// Whether that is a module: `netns::add(`.
    pub is_module: bool,
    /// The function.
    pub name: String,
}

/// Where the end of `text` is.
pub fn at_end(text: &str) -> Place {
    let mut tokens = tokens(text);
    let mut in_text = false;
    let (mut start, mut word) = (text.len(), "");
    match tokens.last() {
        Some(last) if last.kind == Kind::Text && is_open(&text[last.at.clone()]) => {
            in_text = true;
            start = last.at.start + 1;
            word = &text[start..];
            tokens.pop();
        }
        Some(last) if last.kind == Kind::Word && last.at.end == text.len() => {
            start = last.at.start;
            word = &text[start..];
            tokens.pop();
        }
        Some(last) if last.kind == Kind::Number && last.at.end == text.len() => {
            return nothing(text);
        }
        _ if is_in_comment(text, tokens.last()) => return nothing(text),
        _ => {}
    }
    let scanned = Scanned { text, tokens };
    Place {
        start,
        word: word.to_string(),
        within: scanned.within(in_text),
    }
}

fn nothing(text: &str) -> Place {
    Place {
        start: text.len(),
        word: String::new(),
        within: Within::Nothing,
    }
}

/// Whether a string has no end yet.
fn is_open(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(quote) = chars.next() else { return false };
    let mut is_escaped = false;
    for c in chars {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return false,
            _ => {}
        }
    }
    true
}

fn is_in_comment(text: &str, last: Option<&Token>) -> bool {
    let rest = &text[last.map_or(0, |last| last.at.end)..];
    let line = rest.rsplit('\n').next().unwrap_or_default();
    line.contains("//") || rest.rfind("/*").is_some_and(|open| !rest[open..].contains("*/"))
}

struct Scanned<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl Scanned<'_> {
    fn word(&self, index: usize) -> &str {
        &self.text[self.tokens[index].at.clone()]
    }

    fn is(&self, index: usize, kind: Kind) -> bool {
        self.tokens.get(index).is_some_and(|token| token.kind == kind)
    }

    fn within(&self, in_text: bool) -> Within {
        let Some(last) = self.tokens.len().checked_sub(1) else {
            return if in_text { Within::Text } else { Within::Expression };
        };
        match self.tokens[last].kind {
            Kind::Dot if !in_text => return Within::Member(self.receiver(last)),
            Kind::Path if !in_text && last > 0 => return Within::Module(self.word(last - 1).to_string()),
            Kind::Word if in_text && self.word(last) == "import" => return Within::Import,
            Kind::Word if matches!(self.word(last), "let" | "const" | "fn" | "as" | "for") => return Within::Nothing,
            _ => {}
        }
        let otherwise = if in_text { Within::Text } else { Within::Expression };
        self.in_bracket(in_text).unwrap_or(otherwise)
    }

    /// The brackets that are open at the end, innermost first.
    fn open(&self) -> impl Iterator<Item = usize> {
        let is_open = |token: &Token| token.kind == Kind::Open && token.partner.is_none();
        let indices = (0..self.tokens.len()).rev();
        indices.filter(move |index| is_open(&self.tokens[*index]))
    }

    fn in_bracket(&self, in_text: bool) -> Option<Within> {
        let mut open = self.open();
        let mut innermost = open.next()?;
        // The values of an array are the key's.
        let mut end = self.tokens.len();
        if self.word(innermost) == "[" {
            end = innermost;
            innermost = open.next()?;
        }
        match self.word(innermost) {
            "(" => {
                let call = self.call(innermost)?;
                let index = self.commas(innermost, end);
                Some(Within::Argument { call, index, in_text })
            }
            "#{" => {
                let mut outer = open.next()?;
                let mut keys = Vec::new();
                if self.word(outer) == "[" {
                    outer = open.next()?;
                }
                if self.word(outer) == "#{" {
                    keys.push(self.key_before(outer, innermost)?);
                    outer = open.next()?;
                }
                let call = Some(outer)
                    .filter(|outer| self.word(*outer) == "(")
                    .and_then(|outer| self.call(outer))?;
                match self.key_before(innermost, end) {
                    Some(key) => {
                        keys.push(key);
                        Some(Within::Value { call, keys, in_text })
                    }
                    None if in_text || !keys.is_empty() => None,
                    None => Some(Within::Key {
                        call,
                        given: self.given(innermost),
                    }),
                }
            }
            _ => None,
        }
    }

    /// The tokens within a bracket and not within another one in it, up to `end`.
    fn inside(&self, open: usize, end: usize) -> Vec<usize> {
        let mut inside = Vec::new();
        let mut index = open + 1;
        while index < end {
            inside.push(index);
            index = self.tokens[index]
                .partner
                .filter(|partner| *partner > index)
                .unwrap_or(index)
                + 1;
        }
        inside
    }

    fn commas(&self, open: usize, end: usize) -> usize {
        let inside = self.inside(open, end);
        inside.iter().filter(|index| self.is(**index, Kind::Comma)).count()
    }

    /// The key whose value stands at `end`.
    fn key_before(&self, open: usize, end: usize) -> Option<String> {
        let inside = self.inside(open, end);
        let last = inside
            .iter()
            .rposition(|index| self.is(*index, Kind::Comma) || self.is(*index, Kind::Colon))?;
        let colon = Some(inside[last]).filter(|index| self.is(*index, Kind::Colon))?;
        Some(self.word(colon.checked_sub(1)?).trim_matches('"').to_string())
    }

    fn given(&self, open: usize) -> Vec<String> {
        let inside = self.inside(open, self.tokens.len());
        let colons = inside.iter().filter(|index| self.is(**index, Kind::Colon));
        colons
            .map(|index| self.word(index - 1).trim_matches('"').to_string())
            .collect()
    }

    /// The call whose arguments a bracket begins.
    fn call(&self, bracket: usize) -> Option<Call> {
        let name = bracket.checked_sub(1).filter(|index| self.is(*index, Kind::Word))?;
        let before = name.checked_sub(1);
        let is_module = before.is_some_and(|index| self.is(index, Kind::Path));
        let before = match before {
            Some(path) if is_module => vec![self.word(path.checked_sub(1)?).to_string()],
            Some(dot) if self.is(dot, Kind::Dot) => self.receiver(dot),
            _ => Vec::new(),
        };
        Some(Call {
            before,
            is_module,
            name: self.word(name).to_string(),
        })
    }

    /// The names before a dot. `netns::get("ns0")` is the name `"ns0"`, with its quotes; anything else but names is `?`.
    fn receiver(&self, dot: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut dot = dot;
        while let Some(last) = dot.checked_sub(1) {
            if !self.is(last, Kind::Word) {
                names.push(self.named_netns(last).unwrap_or_else(|| "?".into()));
                break;
            }
            names.push(self.word(last).to_string());
            match last.checked_sub(1) {
                Some(before) if self.is(before, Kind::Dot) => dot = before,
                _ => break,
            }
        }
        names.reverse();
        names
    }

    fn named_netns(&self, close: usize) -> Option<String> {
        let open = self.tokens[close].partner?;
        let is_get = open >= 3 && close == open + 2 && self.word(open - 3) == "netns" && self.is(open - 2, Kind::Path);
        (is_get && self.is(open + 1, Kind::Text)).then(|| self.word(open + 1).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(text: &str) -> Within {
        at_end(text).within
    }

    fn call(before: &[&str], name: &str) -> Call {
        Call {
            before: before.iter().map(ToString::to_string).collect(),
            is_module: false,
            name: name.into(),
        }
    }

    #[test]
    fn words_and_members() {
        assert_eq!(within("net"), Within::Expression);
        assert_eq!(within("ns0.li"), Within::Member(vec!["ns0".into()]));
        assert_eq!(
            within("x = ns0.bridge.fdb."),
            Within::Member(["ns0", "bridge", "fdb"].map(String::from).into())
        );
        assert_eq!(within("netns::get(\"a\").l"), Within::Member(vec!["\"a\"".into()]));
        assert_eq!(within("f(1)."), Within::Member(vec!["?".into()]));
        assert_eq!(within("netns::"), Within::Module("netns".into()));
        assert_eq!(within("let x"), Within::Nothing);
        assert_eq!(within("x // com"), Within::Nothing);
        assert_eq!(within("import \"std/"), Within::Import);
        assert_eq!(at_end("host.li").start, 5);
        assert_eq!(at_end("print(\"ab").word, "ab");
    }

    #[test]
    fn arguments_keys_and_values() {
        let link = call(&["ns0", "link"], "set");
        assert_eq!(
            within("ns0.link.set(\"ve"),
            Within::Argument {
                call: link.clone(),
                index: 0,
                in_text: true
            }
        );
        assert_eq!(
            within("ns0.link.set(\"veth0\", #{ mtu: 1400, u"),
            Within::Key {
                call: link.clone(),
                given: vec!["mtu".into()]
            }
        );
        assert_eq!(
            within("ns0.link.set(\"veth0\", #{ netns: n"),
            Within::Value {
                call: link,
                keys: vec!["netns".into()],
                in_text: false
            }
        );
        assert_eq!(
            within("host.link.add(\"a\", #{ type: \"veth\", peer: #{ name: \"b\", netns: "),
            Within::Value {
                call: call(&["host", "link"], "add"),
                keys: vec!["peer".into(), "netns".into()],
                in_text: false
            }
        );
        assert_eq!(
            within("host.filter.add(\"input\", #{ ct: [\"new\", \""),
            Within::Value {
                call: call(&["host", "filter"], "add"),
                keys: vec!["ct".into()],
                in_text: true
            }
        );
        assert_eq!(within("if x { y"), Within::Expression);
    }
}
