//! Lines as people type them, each with what it means: the files of tests/corpus.
//!
//! A line is `COMMAND => CALL`, several calls joined by `; `; or `COMMAND => ! REASON` for what is not understood; nothing
//! behind `=>` for what has nothing to do. `NS | COMMAND` is typed in the namespace NS.

use std::fs;
use std::path::Path;

use nsx::netns::NsName;
use nsx::shell;

/// The lines of the corpus: the file and its number, the namespace, the command, what it means.
fn lines() -> Vec<(String, NsName, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("text");
        for (number, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty() && !line.starts_with("# "))
        {
            let place = format!("{name}:{}", number + 1);
            let (command, meaning) = line.rsplit_once(" =>").unwrap_or((line, "?"));
            let (netns, command) = match command.split_once(" | ") {
                Some((netns, rest)) if !netns.contains(' ') => (netns.parse().expect("a netns"), rest),
                _ => (NsName::host(), command),
            };
            lines.push((place, netns, command.trim().to_string(), meaning.trim().to_string()));
        }
    }
    lines
}

/// What a command means, as the corpus writes it.
fn meaning(command: &str, netns: &NsName) -> String {
    let called = |netns: &NsName| netns.to_string();
    match shell::read(command, netns) {
        Ok(statements) => {
            let scripts: Vec<String> = statements
                .iter()
                .map(|statement| {
                    let may_fail = if statement.may_fail { " || true" } else { "" };
                    statement.script(&called) + may_fail
                })
                .collect();
            scripts.join("; ")
        }
        Err(misread) => {
            assert!(misread.place.end <= command.len(), "{command}: {:?}", misread.place);
            format!("! {}", misread.problem.message)
        }
    }
}

#[test]
fn every_line_means_what_the_corpus_says() {
    let lines = lines();
    assert!(lines.len() >= 300, "{} lines", lines.len());
    let mut wrong = Vec::new();
    for (place, netns, command, expected) in lines {
        let got = meaning(&command, &netns);
        if got != expected {
            wrong.push(format!("{place}: {command}\n    is  {got}\n    not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
