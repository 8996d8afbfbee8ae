//! What is written for reading: that its links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

/// The Markdown files of a folder and of those below it.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
    found
}

#[test]
fn links_lead_to_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<PathBuf> = ["docs", "lessons"]
        .iter()
        .flat_map(|folder| pages(&root.join(folder)))
        .collect();
    all.extend(["README.md", "CHANGELOG.md"].map(|name| root.join(name)));
    let mut dead = Vec::new();
    for page in &all {
        let text = fs::read_to_string(page).expect("a page");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let is_file = |target: &&str| !target.contains("://") && !target.starts_with('#') && !target.contains(' ');
        for target in targets.filter(is_file) {
            let file = target.split('#').next().unwrap_or_default();
            if !page.parent().expect("a folder").join(file).exists() {
                dead.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(all.len() > 4 && dead.is_empty(), "{}", dead.join("\n"));
}
