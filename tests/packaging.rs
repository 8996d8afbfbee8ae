//! What a packager installs beside the binary: manual pages and completions.

use crate::builder::Nsx;

#[test]
fn there_is_a_manual_page_for_each_subcommand() {
    let nsx = Nsx::new(&["man", "pages"]);
    let folder = nsx.folder().join("pages");
    let ran = nsx.run();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let help = Nsx::new(&["--help"]).run().stdout;
    let (_, commands) = help.split_once("Commands:\n").expect("the subcommands");
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let mut pages = vec!["pages/nsx.1".to_string()];
    pages.extend(commands.map(|line| format!("pages/nsx-{}.1", line.split_whitespace().next().expect("a name"))));
    // `nsx lesson test` is one of a subcommand's own.
    pages.push("pages/nsx-lesson-test.1".into());
    pages.sort();
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), pages);
    let run = std::fs::read_to_string(folder.join("nsx-run.1")).expect("nsx-run(1)");
    assert!(
        run.contains(".TH nsx-run 1") && run.contains("Exit status: 0 ok"),
        "{run}"
    );
}

#[test]
fn a_folder_that_cannot_be_is_told() {
    let ran = Nsx::new(&["man", "file/pages"]).file("file", "").run();
    ran.fails(3, &["NSX003", "file/pages", "Not a directory"]);
}

#[test]
fn shells_complete_the_subcommands() {
    for (shell, word) in [("bash", "_nsx()"), ("zsh", "#compdef nsx"), ("fish", "complete -c nsx")] {
        let script = Nsx::new(&["completions", shell]).run();
        assert_eq!(script.status, 0, "{}", script.stderr);
        assert!(
            script.stdout.contains(word) && script.stdout.contains("confirm"),
            "{shell}"
        );
    }
    Nsx::new(&["completions", "cmd"]).run().fails(2, &["possible values"]);
}
