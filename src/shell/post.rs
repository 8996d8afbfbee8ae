//! What is to be imported, taken apart: the commands and what they print, of a shell script or of a post in Markdown.

/// A piece of what is imported, and the line it begins at, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The line.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A heading of the post.
    Heading(String),
    /// A line of its prose.
    Prose(String),
    /// A comment among commands.
    Comment(String),
    /// A command, and what it printed.
    Command(String, Vec<String>),
    /// An empty line among commands.
    Blank,
}

/// Takes a text apart: a post, where it has code between fences; else lines of a shell.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    match lines.iter().any(|line| fence(line).is_some()) {
        true => post(&lines, &mut pieces),
        false => block(&lines, 1, "", &mut pieces),
    }
    pieces
}

/// The language behind a fence, if the line is one.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let mark = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark))?;
    Some(line.trim_start_matches(&mark[..1]).trim())
}

fn post(lines: &[&str], pieces: &mut Vec<Piece>) {
    let mut at = front_matter(lines);
    while at < lines.len() {
        let line = lines[at].trim();
        let here = at + 1;
        at += 1;
        if let Some(language) = fence(line) {
            let end = (at..lines.len())
                .find(|at| fence(lines[*at]).is_some())
                .unwrap_or(lines.len());
            if is_shell(language) {
                block(&lines[at..end], here + 1, language, pieces);
            }
            at = end + 1;
        } else if line.starts_with('#') {
            let text = line.trim_start_matches('#').trim().to_string();
            pieces.push(Piece {
                line: here,
                kind: Kind::Heading(text),
            });
        } else if !line.is_empty() {
            pieces.push(Piece {
                line: here,
                kind: Kind::Prose(line.to_string()),
            });
        }
    }
}

/// The first line after what stands between `---` at the top.
fn front_matter(lines: &[&str]) -> usize {
    if lines.first().map(|line| line.trim()) != Some("---") {
        return 0;
    }
    let end = lines.iter().skip(1).position(|line| line.trim() == "---");
    end.map_or(0, |end| end + 2)
}

fn is_shell(language: &str) -> bool {
    let first = language
        .split([' ', ',', '{', '}'])
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    [
        "",
        "console",
        "shell",
        "sh",
        "bash",
        "zsh",
        "terminal",
        "shell-session",
        "sh-session",
        "shellsession",
        "text",
        "txt",
    ]
    .contains(&first.to_lowercase().as_str())
}

/// A block of commands; with prompts, what is not behind one was printed.
fn block(lines: &[&str], first: usize, language: &str, pieces: &mut Vec<Piece>) {
    let has_prompts = lines.iter().any(|line| after_dollar(line).is_some());
    let is_console = has_prompts || language.contains("console") || language.contains("session");
    let is_root = is_console && !has_prompts;
    let prompted = |line: &str| -> Option<String> {
        after_dollar(line).or_else(|| line.strip_prefix("# ").filter(|_| is_root).map(String::from))
    };
    let mut at = 0;
    while at < lines.len() {
        let line = first + at;
        let text = lines[at];
        at += 1;
        let command = match is_console {
            true => prompted(text),
            false => Some(text.trim().to_string()).filter(|text| !text.is_empty() && !text.starts_with('#')),
        };
        let Some(mut command) = command else {
            other(text, line, is_console, pieces);
            continue;
        };
        while command.ends_with('\\') && at < lines.len() {
            command.pop();
            command.push_str(lines[at].trim().trim_start_matches("> "));
            at += 1;
        }
        pieces.push(Piece {
            line,
            kind: Kind::Command(command.trim().to_string(), Vec::new()),
        });
    }
}

/// A line that is no command: a comment, or what the last command printed.
fn other(text: &str, line: usize, is_console: bool, pieces: &mut Vec<Piece>) {
    let kind = match (text.trim().strip_prefix('#'), is_console) {
        (None, false) => Kind::Blank,
        (Some(comment), false) if !comment.starts_with('!') => Kind::Comment(comment.trim().to_string()),
        (Some(_), false) => return,
        (Some(comment), true) if comment.starts_with(' ') => Kind::Comment(comment.trim().to_string()),
        (_, true) => {
            if let Some(Piece {
                kind: Kind::Command(_, printed),
                ..
            }) = pieces.last_mut()
            {
                printed.push(text.to_string());
            }
            return;
        }
    };
    pieces.push(Piece { line, kind });
}

/// What stands behind a prompt: `$ `, `user@host:~$ `, `root@host:~# `.
fn after_dollar(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(command) = line.strip_prefix("$ ") {
        return Some(command.to_string());
    }
    let (before, _) = line.split_once(['$', '#'])?;
    let is_prompt = before.contains('@') && !before.contains(char::is_whitespace)
        || before.starts_with('[') && before.ends_with(']') && before.contains('@');
    let command = line[before.len() + 1..].strip_prefix(' ')?;
    is_prompt.then(|| command.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<(usize, String, usize)> {
        let command = |piece: Piece| match piece.kind {
            Kind::Command(command, printed) => Some((piece.line, command, printed.len())),
            _ => None,
        };
        pieces(text).into_iter().filter_map(command).collect()
    }

    #[test]
    fn a_post_has_commands_and_what_they_print() {
        let post = "---\ntitle: x\n---\n# H\n\ntext\n\n```console\n$ ip a\n1: lo\n\n2: eth0\nroot@h:~# ip r\n```\n\n```yaml\na: b\n```\n```sh\nip l # why\n```\n";
        assert_eq!(
            commands(post),
            [
                (9, "ip a".into(), 3),
                (13, "ip r".into(), 0),
                (20, "ip l # why".into(), 0)
            ]
        );
    }

    #[test]
    fn a_script_is_all_commands() {
        let script = "#!/bin/sh\n# make it\nip link add br0 \\\n  type bridge\n\nip a\n";
        assert_eq!(
            commands(script),
            [(3, "ip link add br0 type bridge".into(), 0), (6, "ip a".into(), 0)]
        );
        assert_eq!(commands("# ip a\n"), []);
        assert_eq!(commands("```console\n# ip a\nx\n```\n"), [(2, "ip a".into(), 1)]);
    }
}
