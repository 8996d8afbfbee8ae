//! What a lesson says is seen, and whether it is.

use super::lesson::Block;

/// Something that is typed, and what is then seen.
#[derive(Debug, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// Its line in the lesson.
    pub line: usize,
    /// Whether it is a line of `ip` and its kin (`$ `), not of nsx (`> `).
    pub is_command: bool,
    /// What is typed.
    pub typed: &'a str,
    /// The lines that are then seen.
    pub seen: Vec<&'a str>,
}

/// Takes a transcript apart; the error is the line of what stands before anything is typed.
pub fn exchanges(block: &Block) -> Result<Vec<Exchange<'_>>, usize> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for (line, text) in (block.line..).zip(block.code.lines()) {
        let typed = ["$ ", "> "]
            .into_iter()
            .find_map(|prompt| Some((prompt, text.strip_prefix(prompt)?)));
        match (typed, exchanges.last_mut()) {
            (Some((prompt, typed)), _) => exchanges.push(Exchange {
                line,
                is_command: prompt == "$ ",
                typed,
                seen: Vec::new(),
            }),
            (None, Some(last)) => last.seen.push(text.trim_end()),
            (None, None) if text.trim().is_empty() => {}
            (None, None) => return Err(line),
        }
    }
    for exchange in &mut exchanges {
        while exchange.seen.last().is_some_and(|line| line.is_empty()) {
            exchange.seen.pop();
        }
    }
    Ok(exchanges)
}

impl Exchange<'_> {
    /// Compares what is seen; the error is the index of the first expected line that is not.
    pub fn compare(&self, seen: &str) -> Result<(), usize> {
        let seen: Vec<&str> = seen.trim_end().lines().map(str::trim_end).collect();
        let mut furthest = 0;
        match all(&self.seen, &seen, 0, &mut furthest) {
            true => Ok(()),
            false => Err(furthest),
        }
    }
}

/// Whether the lines are those expected: `...` stands for any number of lines.
fn all(expected: &[&str], seen: &[&str], index: usize, furthest: &mut usize) -> bool {
    *furthest = index.max(*furthest);
    match (expected.split_first(), seen.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((&"...", rest)), _) => (0..=seen.len()).any(|skipped| all(rest, &seen[skipped..], index + 1, furthest)),
        (Some((line, rest)), Some((is, more))) => is_like(line, is) && all(rest, more, index + 1, furthest),
        (Some(_), None) => false,
    }
}

/// Whether a line is as expected: `[..]` stands for anything within it.
fn is_like(expected: &str, seen: &str) -> bool {
    let Some((before, after)) = expected.split_once("[..]") else {
        return expected == seen;
    };
    let Some(rest) = seen.strip_prefix(before) else {
        return false;
    };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.into_iter().any(|at| is_like(after, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::super::lesson::Tongue;
    use super::*;

    #[test]
    fn transcripts_are_taken_apart() {
        let block = Block {
            info: "console expect".into(),
            tongue: Tongue::Console,
            line: 7,
            code: "$ ip link\n1: lo\n\n> 1 + 1\n2\n".into(),
        };
        let exchanges = super::exchanges(&block).expect("a transcript");
        assert_eq!((exchanges[0].line, exchanges[0].is_command), (7, true));
        assert_eq!((exchanges[1].line, exchanges[1].typed), (10, "1 + 1"));
        assert_eq!(exchanges[0].seen, ["1: lo"]);
        let wrong = Block {
            code: "\n2\n".into(),
            ..block
        };
        assert_eq!(super::exchanges(&wrong), Err(8));
    }

    #[test]
    fn what_varies_is_left_out() {
        let compare = |expected: &[&str], seen: &str| {
            let exchange = Exchange {
                line: 1,
                is_command: false,
                typed: "",
                seen: expected.to_vec(),
            };
            exchange.compare(seen)
        };
        assert_eq!(compare(&["a [..] c", "d"], "a b c  \nd\n"), Ok(()));
        assert_eq!(compare(&["[..]x[..]"], "axb"), Ok(()));
        assert_eq!(compare(&["a [..] c"], "a c"), Err(0));
        assert_eq!(compare(&["a", "b"], "a\nc"), Err(1));
        assert_eq!(compare(&["a"], "a\nb"), Err(1));
        assert_eq!(compare(&["...", "b"], "x\ny\nb"), Ok(()));
        assert_eq!(compare(&["a", "..."], "a"), Ok(()));
        assert_eq!(compare(&[], ""), Ok(()));
    }
}
