//! What nsx says of each mistake, to the letter: `tests/golden/NAME.rhai` is run, and what it prints is compared with
//! `NAME.txt` (without colour) and `NAME.ansi` (with it). `NSX_BLESS=1 cargo test --test nsx golden` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::builder::{Nsx, Ran, has_kernel};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The names of the scripts, sorted.
fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the folder");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let scripts = files.filter(|file| file.extension().is_some_and(|extension| extension == "rhai"));
    let mut names: Vec<String> = scripts
        .map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn read(name: &str, extension: &str) -> String {
    let file = folder().join(format!("{name}.{extension}"));
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The run of a script, which is in a folder of its own under its own name.
fn lab(name: &str, text: &str, arguments: &[&str]) -> Nsx {
    let file = format!("{name}.rhai");
    let mut all = vec!["run"];
    all.extend(arguments);
    all.push(&file);
    Nsx::new(&all).file(&file, text)
}

/// What is seen of a run.
fn seen(ran: &Ran) -> String {
    format!("{}{}exit status {}\n", ran.stdout, ran.stderr, ran.status)
}

/// The kernel option without which a script fails, and that a fuller kernel has.
fn lacked(name: &str) -> Option<&'static str> {
    match name {
        "18-forward-drop" => Some("!CONFIG_BRIDGE_NETFILTER"),
        "21-no-such-kind" => Some("CONFIG_DUMMY"),
        "21-no-such-qdisc" => Some("CONFIG_NET_SCH_NETEM"),
        _ => None,
    }
}

fn ran(name: &str, is_coloured: bool) -> Ran {
    let lab = lab(name, &read(name, "rhai"), &[]);
    let lab = if is_coloured { lab.coloured() } else { lab };
    match name {
        "17-no-user-namespaces" => lab.without_user_namespaces(),
        _ => lab.run(),
    }
}

#[track_caller]
fn compare(name: &str, extension: &str, seen: &str) {
    is_kept_as(&folder().join(format!("{name}.{extension}")), seen);
}

/// Expects what is seen to be what a file keeps; with NSX_BLESS the file keeps it from now on.
#[track_caller]
pub fn is_kept_as(file: &Path, seen: &str) {
    if std::env::var_os("NSX_BLESS").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, seen).expect("a golden file");
    }
    let kept = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(seen, kept, "{}; NSX_BLESS=1 writes it anew", file.display());
}

#[test]
fn each_mistake_is_drawn_to_the_letter() {
    let names = names();
    for row in 1..=21 {
        let prefix = format!("{row:02}-");
        assert!(
            names.iter().any(|name| name.starts_with(&prefix)),
            "row {row} has no golden test"
        );
    }
    for name in &names {
        for (is_coloured, extension) in [(false, "txt"), (true, "ansi")] {
            let ran = ran(name, is_coloured);
            match lacked(name) {
                Some(option) if !option.starts_with('!') && has_kernel(option) => {
                    assert_eq!(
                        (ran.status, ran.stdout.as_str()),
                        (0, "this kernel has it\n"),
                        "{ran:?}"
                    );
                }
                Some("!CONFIG_BRIDGE_NETFILTER") if !has_kernel("CONFIG_BRIDGE_NETFILTER") => {
                    assert_eq!(ran.status, 0, "a bridge forwards: {ran:?}");
                }
                _ => compare(name, extension, &seen(&ran)),
            }
        }
    }
}

/// No name of a type of Rust or of Rhai's, no errno without words, nothing of `ip`'s own voice; and lines that fit, but
/// for those that are there to be copied.
#[test]
fn nothing_of_the_inside_is_seen() {
    let inside = [
        "RTNETLINK answers",
        "os error",
        "ErrorRuntime",
        "EvalAltResult",
        "Dynamic",
        "ImmutableString",
        "&str",
        "i64",
        "NsName",
        "IfName",
        "Errno",
        "Problem",
        "Some(",
        "None",
        "::Error",
        "panicked",
        "nsx::",
        "rhai::",
    ];
    for name in names() {
        let plain = read(&name, "txt");
        for word in inside {
            assert!(!plain.contains(word), "{name} has {word:?}");
        }
        assert!(!plain.contains('\u{1b}'), "{name} is without colour");
        for line in plain.lines() {
            let is_copied = ["  op ", "  help "].iter().any(|row| line.starts_with(row))
                || line.contains('·')
                || line.contains('│');
            assert!(
                is_copied || unicode_width::UnicodeWidthStr::width(line) <= 80,
                "{name}: {line}"
            );
            if let Some(kernel) = line.strip_prefix("  kernel ") {
                assert!(
                    kernel.contains(' ') && kernel.chars().any(char::is_lowercase),
                    "{name}: {line}"
                );
            }
        }
        let colour = strip(&read(&name, "ansi"));
        assert_eq!(colour, plain, "{name}: colour changes no letter");
    }
    let wide = names()
        .iter()
        .filter(|name| read(name, "rhai").contains(|c| c > '\u{2fff}'))
        .count();
    assert!(wide >= 20, "wide characters are among the sources: {wide}");
}

/// Text without its colours.
fn strip(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_string();
    pieces.fold(first, |text, piece| {
        text + piece.split_once('m').map_or("", |(_, rest)| rest)
    })
}

/// The line that help gives mends the script: in the place of the line that failed, or before it.
#[test]
fn what_help_says_mends_it() {
    let mut mended = 0;
    for name in names() {
        let text = read(&name, "rhai");
        let ran = lab(&name, &text, &["--json"]).run();
        let Some(report) = ran
            .stderr
            .lines()
            .next()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        else {
            continue;
        };
        if ["NSX008", "NSX031"].contains(&report["code"].as_str().expect("a code")) {
            continue;
        }
        let line = report["at"]["line"].as_u64().expect("a line") as usize;
        let warnings = report["warnings"].as_array().expect("warnings");
        let helps: Vec<&str> = match warnings[..] {
            [] => vec![report["help"].as_str().expect("help")],
            _ => warnings
                .iter()
                .map(|warning| warning["help"].as_str().expect("help"))
                .collect(),
        };
        let help = format!("{};", helps.join("; "));
        let lines: Vec<&str> = text.lines().collect();
        let (before, after) = lines.split_at(line - 1);
        let instead = [before, &[&help], &after[1..]].concat().join("\n");
        let ahead = [before, &[&help], after].concat().join("\n");
        let is_mended = |text: &str| lab(&name, text, &[]).run().status == 0;
        // A check that failed has to hold now; a call that failed may have been the wrong one.
        let holds = is_mended(&ahead) || warnings.is_empty() && is_mended(&instead);
        assert!(holds, "{name}: {help}\n{}", ran.stderr);
        mended += 1;
    }
    assert!(mended >= 25, "{mended}");
}

/// A deliberately failing ping is no mistake: see also 25-shown-to-fail.
#[test]
fn a_check_that_has_nothing_to_do_with_the_network_warns_of_nothing() {
    let text =
        "let ns0 = netns::add(\"ns0\");\nassert(!ns0.ping(\"127.0.0.1\").ok, \"lo is down\");\nassert_eq(1 + 1, 3);";
    let ran = Nsx::script(text).run();
    assert!(ran.status == 1 && !ran.stderr.contains('⚠'), "{}", ran.stderr);
}
