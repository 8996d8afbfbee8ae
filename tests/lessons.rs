//! `nsx lesson test`: lessons are proven, and those that lie are told where.

use std::path::Path;

use crate::builder::{Nsx, Ran, has_kernel};

const HEAD: &str = "# One\n\nWhat it is for.\n\n";

const STEP: &str = "## Make it {#make}

> Make `ns0`.

```rhai do
let ns0 = netns::add(\"ns0\");
```

```rhai check
netns::list().contains(\"ns0\")
```

```rhai hint
if !netns::list().contains(\"ns0\") {
    #{ hint: \"missing\", name: \"ns0\" }
}
```

- `missing`: There is no {name}.

```rhai break missing
netns::add(\"ns1\");
```

```console expect
> ns0.name
\"ns0\"
```
";

/// The lesson with something else in it.
fn with(old: &str, new: &str) -> String {
    assert!(STEP.contains(old), "{old:?}");
    format!("{HEAD}{}", STEP.replacen(old, new, 1))
}

fn tested(text: &str) -> Ran {
    Nsx::new(&["lesson", "test", "course"])
        .file("course/en/1-one.md", text)
        .run()
}

fn in_two_languages(english: &str, chinese: &str) -> Ran {
    let nsx = Nsx::new(&["lesson", "test", "course"]);
    nsx.file("course/en/1-one.md", english)
        .file("course/zh-CN/1-one.md", chinese)
        .run()
}

/// What lessons need of the kernel and it may lack: the lesson, whether the kernel has it, the words that name it.
fn needs() -> [(&'static str, bool, &'static str); 2] {
    let br_netfilter = Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables").exists();
    [
        ("4-forward.md", br_netfilter, "the kernel lacks br_netfilter"),
        (
            "8-overlay.md",
            has_kernel("CONFIG_VXLAN"),
            "this kernel has no devices of type vxlan",
        ),
    ]
}

#[test]
fn the_lessons_that_nsx_has_are_so_or_name_what_the_kernel_lacks() {
    let proven = Nsx::new(&["lesson", "test"]).run();
    let lacking = needs().into_iter().filter(|(_, has, _)| !has).collect::<Vec<_>>();
    let told = format!("{}{}", proven.stdout, proven.stderr);
    assert_eq!(proven.status, i32::from(!lacking.is_empty()), "{told}");
    assert!(proven.stdout.lines().count() > 5, "{told}");
    for failed in proven.stdout.lines().filter(|line| line.starts_with("FAILED")) {
        assert!(lacking.iter().any(|(lesson, ..)| failed.contains(lesson)), "{told}");
    }
    for (lesson, _, words) in lacking {
        let words = words.split(' ').collect::<Vec<_>>();
        let said = proven.stderr.split_whitespace().collect::<Vec<_>>();
        assert!(said.windows(words.len()).any(|part| part == words), "{lesson}: {told}");
    }
}

#[test]
fn every_lesson_of_the_folder_is_in_the_binary_in_both_languages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
    let names = |lang: &str| {
        let entries = folder.join(lang).read_dir().expect("a folder of lessons");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("en"), names("zh-CN"));
    let listed = Nsx::new(&["learn", "--lang", "en"]).prints();
    for name in names("en") {
        let name = name.to_string_lossy().trim_end_matches(".md").replace('-', "  ");
        assert!(listed.contains(&format!("\n  {name}")), "{name} is not in:\n{listed}");
    }
}

#[test]
fn a_lesson_is_proven_with_what_it_shows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/good");
    let proven = Nsx::new(&["lesson", "test"])
        .arg(&folder.display().to_string())
        .unprivileged();
    let printed = proven.prints();
    for step in ["#namespaces", "#pair", "#look", "3 passed, 0 failed"] {
        assert!(printed.contains(step), "{printed}");
    }
    tested(&format!("{HEAD}{STEP}")).fails(0, &[]);
}

#[test]
fn scripts_and_lessons_are_tests_together() {
    let nsx = Nsx::new(&["test", "course"]).file("course/en/1-one.md", &format!("{HEAD}{STEP}"));
    let printed = nsx
        .file("course/a.rhai", "assert(true);")
        .file("course/readme.md", "# No lesson")
        .prints();
    assert!(
        printed.contains("course/a.rhai") && printed.contains("course/en/1-one.md#make"),
        "{printed}"
    );
    assert!(printed.contains("2 passed"), "{printed}");
}

#[test]
fn what_is_not_so_is_told_with_its_line() {
    for (text, line, words) in [
        (
            with("netns::list().contains(\"ns0\")", "true"),
            13,
            "the check holds before the step is done",
        ),
        (
            with("netns::list().contains(\"ns0\")", "netns::list().contains(\"ns1\")"),
            13,
            "the check does not hold when the step is done",
        ),
        (with("netns::add(\"ns1\");", ""), 0, ""),
        (
            with("netns::add(\"ns1\");", "netns::add(\"ns0\");"),
            25,
            "this mistake does not give the hint `missing`",
        ),
        (
            with("if !netns::list().contains(\"ns0\")", "if netns::list() == [\"ns1\"]"),
            17,
            "the hint finds nothing wrong where the step begins",
        ),
        (
            with("if !netns::list().contains(\"ns0\")", "if netns::list() != [\"ns1\"]"),
            17,
            "the hint finds something wrong when the step is done",
        ),
        (
            with("\n\"ns0\"\n", "\n\"ns1\"\n"),
            31,
            "after `ns0.name` this is not seen: \"ns1\"",
        ),
        (
            with("netns::list().contains(\"ns0\")", "netns::add(\"x\"); true"),
            13,
            "the check changes something",
        ),
    ] {
        let ran = tested(&text);
        if words.is_empty() {
            ran.fails(0, &[]);
            continue;
        }
        ran.fails(
            1,
            &[
                "NSX044",
                words,
                &format!("course/en/1-one.md:{line}:1"),
                "#make",
                "ended with status 1",
            ],
        );
    }
}

#[test]
fn what_fails_in_a_block_is_drawn_where_it_stands() {
    tested(&with("netns::add(\"ns0\")", "netns::get(\"ns7\")")).fails(
        1,
        &[
            "there is no netns ns7",
            "course/en/1-one.md:10:22",
            "ended with status 3",
        ],
    );
    tested(&with("netns::list().contains(\"ns0\")", "netns::lst()")).fails(1, &["course/en/1-one.md:14:", "`list`"]);
    let shell = with(
        "```rhai do\nlet ns0 = netns::add(\"ns0\");",
        "```sh do\n\nip netns add ns0 quickly",
    );
    tested(&shell).fails(1, &["course/en/1-one.md:11:"]);
}

#[test]
fn a_lesson_that_is_written_wrongly_is_told_how() {
    for (text, line, words) in [
        (with(" {#make}", ""), 5, "the step has no id"),
        (format!("{HEAD}{STEP}\n{STEP}"), 34, "another step has the id `make`"),
        (with("rhai check", "rhai chek"), 13, "did you mean `check`?"),
        (with("```rhai hint", "```sh hint"), 17, "`sh` cannot be `hint`"),
        (with("> Make `ns0`.\n", ""), 5, "the step has no goal"),
        (
            with("rhai break missing", "rhai break mising"),
            25,
            "did you mean `missing`?",
        ),
        (
            with("- `missing`: There is no {name}.", "- There is no {name}."),
            23,
            "these are no words of hints",
        ),
        (
            with("There is no {name}.", "There is no {nam}."),
            17,
            "want a value for {nam}",
        ),
        (with("name: \"ns0\" }", "name: \"ns0\" }; 7"), 20, "this is no hint"),
        (
            with("netns::list().contains(\"ns0\")", "netns::list().len()"),
            14,
            "neither true nor false",
        ),
        (
            with("> ns0.name", "ns0.name"),
            30,
            "nothing was typed before this is seen",
        ),
        (
            with("> Make `ns0`.", "<b>x</b>\n\n> Make `ns0`."),
            7,
            "lessons have no HTML",
        ),
        (STEP.to_string(), 1, "the lesson has no title"),
        (HEAD.to_string(), 1, "the lesson has no step"),
    ] {
        tested(&text).fails(1, &["NSX045", words, &format!("course/en/1-one.md:{line}:1")]);
    }
}

#[test]
fn languages_differ_in_nothing_but_prose() {
    let english = format!("{HEAD}{STEP}");
    let chinese = english
        .replace("What it is for", "有什么用")
        .replace("There is no {name}", "没有 {name}");
    in_two_languages(&english, &chinese).fails(0, &[]);
    for (old, new, line, words) in [
        (
            "netns::add(\"ns1\")",
            "netns::add(\"ns2\")",
            26,
            "the code differs from that at course/en/1-one.md:26",
        ),
        (
            "{#make}",
            "{#made}",
            5,
            "the step `make` of course/en/1-one.md should stand here",
        ),
        ("没有 {name}", "没有", 17, "the words of the hints are not for those of"),
        (
            "```rhai break missing\nnetns::add(\"ns1\");\n```",
            "",
            27,
            "the code differs",
        ),
    ] {
        assert!(chinese.contains(old), "{old}");
        in_two_languages(&english, &chinese.replacen(old, new, 1))
            .fails(1, &["NSX045", words, &format!("course/zh-CN/1-one.md:{line}:1")]);
    }
}

#[test]
fn one_step_alone_and_what_there_is_not() {
    let nsx = |args: &[&str]| Nsx::new(args).file("en/1-one.md", &format!("{HEAD}{STEP}")).run();
    nsx(&["lesson", "test", "en/1-one.md", "--step", "make"]).fails(0, &[]);
    nsx(&["lesson", "test", "en/1-one.md", "--step", "mke"]).fails(2, &["did you mean `make`?"]);
    nsx(&["lesson", "test", "veht"]).fails(2, &["there is no lesson `veht`", "did you mean `veth`?"]);
    nsx(&["lesson", "test", "en", "nowhere"]).fails(2, &["cannot read nowhere"]);
    nsx(&["learn", "--lang", "tlh"]).fails(2, &["no lessons in `tlh`"]);
    nsx(&["learn", "en/1-one.md"]).fails(2, &["wants a terminal"]);
}
