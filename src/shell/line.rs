//! A line as a shell takes it apart: words, quotes, redirections, what joins commands.

use std::ops::Range;

use crate::ops::{Heard, Misread, Word};

/// One command of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    /// Its words.
    pub words: Vec<Word>,
    /// Where its input and output go.
    pub redirects: Vec<Redirect>,
    /// What joins it to the next.
    pub then: Connector,
}

/// A redirection: `2>/dev/null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// `>`, `>>`, `<`, with the descriptor's number before it, if there is one.
    pub sign: String,
    /// The file, or `&1`.
    pub target: Word,
}

/// What joins a command to the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connector {
    /// Nothing, or `;`.
    #[default]
    Then,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
    /// `&`: it goes on in the background.
    Background,
}

/// What a line says behind `#`.
pub type Comment = Option<String>;

impl Simple {
    /// Its place in the line.
    pub fn place(&self) -> Range<usize> {
        let first = self.words.first().map_or(0, |word| word.place.start);
        let last = self.words.last().map_or(first, |word| word.place.end);
        first..last
    }
}

/// Takes a line apart. `variable` says what a shell variable holds.
pub fn split(line: &str, variable: &dyn Fn(&str) -> Option<String>) -> Heard<(Vec<Simple>, Comment)> {
    let mut splitter = Splitter {
        line,
        at: 0,
        variable,
        commands: Vec::new(),
        now: Simple::default(),
    };
    let comment = splitter.run()?;
    Ok((splitter.commands, comment))
}

struct Splitter<'a> {
    line: &'a str,
    at: usize,
    variable: &'a dyn Fn(&str) -> Option<String>,
    commands: Vec<Simple>,
    now: Simple,
}

impl Splitter<'_> {
    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn run(&mut self) -> Heard<Comment> {
        const SIGNS: [(&str, Connector); 5] = [
            ("&&", Connector::And),
            ("||", Connector::Or),
            ("|", Connector::Pipe),
            (";", Connector::Then),
            ("&", Connector::Background),
        ];
        loop {
            let blanks = self.rest().len() - self.rest().trim_start().len();
            self.at += blanks;
            if self.rest().is_empty() {
                break;
            }
            if let Some(comment) = self.rest().strip_prefix('#') {
                let comment = comment.trim().to_string();
                self.close(Connector::Then)?;
                return Ok(Some(comment));
            }
            if self.redirect()? {
                continue;
            }
            match SIGNS.iter().find(|(sign, _)| self.rest().starts_with(sign)) {
                Some((sign, connector)) => {
                    self.at += sign.len();
                    self.close(*connector)?;
                }
                None => {
                    let word = self.word()?;
                    self.now.words.push(word);
                }
            }
        }
        self.close(Connector::Then)?;
        Ok(None)
    }

    fn close(&mut self, then: Connector) -> Heard<()> {
        let is_empty = self.now.words.is_empty() && self.now.redirects.is_empty();
        if !is_empty {
            let mut done = std::mem::take(&mut self.now);
            done.then = then;
            self.commands.push(done);
        } else if then != Connector::Then {
            return Err(Misread::at(
                self.at.saturating_sub(1)..self.at,
                "there is no command before this",
            ));
        }
        Ok(())
    }

    /// Takes a redirection, if one stands here.
    fn redirect(&mut self) -> Heard<bool> {
        let digits = self.rest().chars().take_while(char::is_ascii_digit).count();
        let sign = self.rest()[digits..].chars().take_while(|c| "<>".contains(*c)).count();
        let both = digits == 0 && self.rest().starts_with("&>");
        if sign == 0 && !both {
            return Ok(false);
        }
        let length = if both { 2 } else { digits + sign };
        let sign = self.rest()[..length].to_string();
        self.at += length;
        if sign.ends_with("<<") {
            return Err(Misread::at(
                self.at - length..self.at,
                "a here-document is not understood",
            ));
        }
        if self.rest().starts_with('&') {
            let start = self.at;
            self.at += 1;
            while self.rest().starts_with(|c: char| c.is_ascii_digit() || c == '-') {
                self.at += 1;
            }
            let target = Word {
                text: self.line[start..self.at].into(),
                place: start..self.at,
            };
            self.now.redirects.push(Redirect { sign, target });
            return Ok(true);
        }
        self.at += self.rest().len() - self.rest().trim_start().len();
        if self.rest().is_empty() {
            return Err(Misread::at(
                self.at..self.at,
                format!("a file is missing after `{sign}`"),
            ));
        }
        let target = self.word()?;
        self.now.redirects.push(Redirect { sign, target });
        Ok(true)
    }

    fn word(&mut self) -> Heard<Word> {
        let start = self.at;
        let mut text = String::new();
        while let Some(c) = self.rest().chars().next() {
            if c.is_whitespace() || ";|&<>".contains(c) {
                break;
            }
            self.at += c.len_utf8();
            match c {
                '\'' => self.single(&mut text, start)?,
                '"' => self.double(&mut text, start)?,
                '\\' => text.extend(self.next()),
                '$' => self.variable(&mut text)?,
                '`' => return Err(self.misread(start, "what a command prints cannot be part of another here")),
                '(' | ')' if text.is_empty() => {
                    return Err(self.misread(start, "commands in brackets are not understood"));
                }
                c => text.push(c),
            }
        }
        if text.is_empty() && self.at == start {
            self.next();
        }
        Ok(Word {
            text,
            place: start..self.at,
        })
    }

    fn misread(&self, start: usize, message: &str) -> Misread {
        Misread::at(start..self.at, message)
    }

    fn single(&mut self, text: &mut String, start: usize) -> Heard<()> {
        match self.rest().find('\'') {
            Some(end) => {
                text.push_str(&self.line[self.at..self.at + end]);
                self.at += end + 1;
                Ok(())
            }
            None => Err(self.misread(start, "a quote is not closed")),
        }
    }

    fn double(&mut self, text: &mut String, start: usize) -> Heard<()> {
        loop {
            match self.next() {
                None => return Err(self.misread(start, "a quote is not closed")),
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some(c @ ('"' | '\\' | '$' | '`')) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => {}
                },
                Some('$') => self.variable(text)?,
                Some('`') => return Err(self.misread(start, "what a command prints cannot be part of another here")),
                Some(c) => text.push(c),
            }
        }
    }

    /// `$NAME`, `${NAME}`; the dollar has been taken.
    fn variable(&mut self, text: &mut String) -> Heard<()> {
        let start = self.at - 1;
        if self.rest().starts_with('(') {
            return Err(self.misread(start, "what a command prints cannot be part of another here"));
        }
        let in_brackets = self.rest().starts_with('{');
        self.at += usize::from(in_brackets);
        let of_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let length = self.rest().chars().take_while(of_name).count();
        let name = self.rest()[..length].to_string();
        self.at += length;
        if in_brackets {
            if !self.rest().starts_with('}') {
                return Err(self.misread(start, "this expansion of a variable is not understood"));
            }
            self.at += 1;
        }
        if name.is_empty() {
            text.push('$');
            return Ok(());
        }
        match (self.variable)(&name) {
            Some(value) => text.push_str(&value),
            None => return Err(self.misread(start, &format!("the variable {name} is not known here"))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<String>> {
        let (commands, _) = split(line, &|name| (name == "NS").then(|| "ns0".into())).expect(line);
        let texts = |simple: &Simple| simple.words.iter().map(|word| word.text.clone()).collect();
        commands.iter().map(texts).collect()
    }

    #[test]
    fn words_are_what_a_shell_makes_of_them() {
        assert_eq!(words(r#"a 'b c' "d\"e" f\ g"#), [["a", "b c", "d\"e", "f g"]]);
        assert_eq!(
            words("ip -n $NS a; ip -n ${NS}x a && true"),
            [
                vec!["ip", "-n", "ns0", "a"],
                vec!["ip", "-n", "ns0x", "a"],
                vec!["true"]
            ]
        );
        assert_eq!(words("a # b c"), [["a"]]);
        assert_eq!(words("a#b ''"), [["a#b", ""]]);
        assert!(words("  # only").is_empty());
        for bad in [
            "'a", "\"a", "a $(b)", "`a`", "$OTHER", "&& a", "a >", "( a )", "a << EOF",
        ] {
            assert!(split(bad, &|_| None).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirections_stand_apart() {
        let (commands, comment) = split("echo 1 >/proc/x 2>&1 | tee y & # why", &|_| None).expect("a line");
        assert_eq!(comment.as_deref(), Some("why"));
        let signs: Vec<_> = commands[0]
            .redirects
            .iter()
            .map(|r| (r.sign.as_str(), r.target.text.as_str()))
            .collect();
        assert_eq!(signs, [(">", "/proc/x"), ("2>", "&1")]);
        assert_eq!(
            commands.iter().map(|c| c.then).collect::<Vec<_>>(),
            [Connector::Pipe, Connector::Background]
        );
        assert_eq!(commands[1].words[1].place, 27..28);
    }
}
