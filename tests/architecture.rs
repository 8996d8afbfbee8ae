//! The house: imports go one way, and no file is too long to read.

use std::fs;
use std::path::{Path, PathBuf};

/// The parts of the crate, from the top down. A part may use only those below it; those on one line do not
/// use each other, unless the second list says so.
const LAYERS: &[&[&str]] = &[
    &["commands", "cli"],
    &["repl"],
    &["lessons"],
    &["reference"],
    &["lab"],
    &["script", "sandbox"],
    &["shell", "draw"],
    &["ops"],
    &["probe", "process", "serve", "capture", "netlink"],
    &["netns"],
    &["diagnostics", "terminal", "state"],
    &["error", "memory", "xml"],
];

/// Uses between neighbours that are meant.
const NEIGHBOURS: &[(&str, &str)] = &[("commands", "cli")];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The part a file belongs to: the first folder or file below src.
fn part(file: &Path) -> String {
    let beneath = file.strip_prefix(source()).expect("a file of src");
    let first = beneath
        .components()
        .next()
        .expect("a part")
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_string()
}

fn layer(part: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&part))
}

/// The words after `crate::` in a file.
fn uses(text: &str) -> Vec<String> {
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    text.split("crate::").skip(1).map(word).collect()
}

#[test]
fn imports_go_one_way() {
    let mut seen = 0;
    for file in files(&source()) {
        let from = part(&file);
        if ["main", "lib"].contains(&from.as_str()) {
            continue;
        }
        let from_layer = layer(&from).unwrap_or_else(|| panic!("{from} has no place among the layers"));
        for to in uses(&fs::read_to_string(&file).expect("a source file")) {
            let Some(to_layer) = layer(&to) else { continue };
            let is_neighbour = NEIGHBOURS.contains(&(from.as_str(), to.as_str()));
            let is_allowed = from == to || to_layer > from_layer || is_neighbour;
            assert!(
                is_allowed,
                "{} uses {to}, which does not stand below {from}",
                file.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 50, "the test reads the sources");
}

#[test]
fn only_commands_and_the_repl_print_and_exit() {
    let prints = |file: &PathBuf| ["commands", "repl"].contains(&part(file).as_str());
    for file in files(&source()).into_iter().filter(|file| !prints(file)) {
        let text = fs::read_to_string(&file).expect("a source file");
        for word in ["println!(", "process::exit("] {
            let is_used = text
                .lines()
                .any(|line| line.contains(word) && !line.contains("eprintln!") && !line.trim_start().starts_with("//"));
            assert!(!is_used, "{} has {word}", file.display());
        }
    }
}

#[test]
fn files_stay_short() {
    for file in files(&source()) {
        let lines = fs::read_to_string(&file).expect("a source file").lines().count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
    }
}
