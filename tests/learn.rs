//! `nsx learn`, driven through a terminal as a learner drives it.

use std::fs;
use std::path::Path;

use crate::builder::Nsx;
use crate::terminal::Terminal;

/// The lesson that tests lessons, in a folder of its own.
fn lesson() -> Nsx {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/good");
    let read = |lang: &str| fs::read_to_string(folder.join(lang).join("2-pair.md")).expect("the lesson");
    Nsx::new(&["learn", "en/2-pair.md"])
        .file("en/2-pair.md", &read("en"))
        .file("zh-CN/2-pair.md", &read("zh-CN"))
        .env("LC_ALL", "C.UTF-8")
}

#[test]
fn a_learner_errs_is_helped_leaves_and_resumes() {
    let nsx = lesson();
    let terminal = Terminal::open(&nsx);
    terminal
        .sees("step 1 of 3")
        .sees("Goal: Make two namespaces, `ns0` and `ns1`.")
        .is_ready();
    // A wrong command, a hint about it, then what it is now that is missing.
    terminal
        .enters("netns::add(\"ns1\")")
        .enters(":hint")
        .sees("There is no namespace called `ns0` yet.");
    terminal.enters("netns::del(\"ns1\"); netns::add(\"ns0\")");
    terminal
        .enters(":hint")
        .sees("Hint 1 of 3: There is no namespace called `ns1` yet.");
    terminal.enters(":hint").sees("netns::add(\"…\");");
    terminal
        .enters(":hint")
        .sees("let ns1 = netns::add(\"ns1\");")
        .sees("ip netns add ns1");
    // What is not done yet is not left.
    terminal.enters(":next").sees("Not yet.");
    // As a command, and the step is seen to be done.
    terminal
        .clears()
        .enters("ip netns add ns1")
        .sees("let ns1 = netns::add(\"ns1\")");
    terminal.sees("✓ Done: Two namespaces").sees("Each has its own `lo`");
    terminal.enters(":hint").sees("nothing is wrong");
    terminal.clears().enters(":next").sees("step 2 of 3").sees("Goal: Join");
    terminal
        .clears()
        .enters(":lang zh-CN")
        .sees("第 2 步，共 3 步")
        .sees("目标：用一对 veth 连接");
    terminal.enters(":check").sees("还没有完成");
    terminal.enters(":quit_not").sees("there is no command");
    terminal.types("\x04");
    assert_eq!(terminal.ends(), 0);

    // Another day, the namespaces are there again.
    let terminal = Terminal::open(&nsx);
    terminal.sees("Going on where you were").sees("step 2 of 3").is_ready();
    terminal.clears().enters("netns::list()").sees("[\"ns0\", \"ns1\"]");
    terminal.clears().enters(":do").sees("✓ Done: A pair");
    terminal.clears().enters(":next").sees("Nothing is to be done here");
    terminal.clears().enters(":next").sees("That was the last step");
    terminal.types("\x04");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_learner_skips_goes_back_and_plays() {
    let nsx = lesson().arg("--lang").arg("zh-CN");
    let terminal = Terminal::open(&nsx);
    terminal.sees("第 1 步，共 3 步").is_ready();
    terminal
        .clears()
        .enters(":skip")
        .sees("ip netns add ns0")
        .sees("第 2 步，共 3 步");
    terminal.clears().enters(":lang en").sees("step 2 of 3");
    // What was done in the step before is done again where the lab is put back.
    terminal.clears().enters(":play").sees("nothing is checked");
    terminal
        .enters("netns::add(\"toy\")")
        .enters(":play")
        .sees("begun anew")
        .is_ready();
    terminal.clears().enters("netns::list()").sees("[\"ns0\", \"ns1\"]");
    terminal.clears().enters(":back").sees("step 1 of 3").is_ready();
    terminal.clears().enters("netns::list()").sees("[]");
    terminal.enters(":back").sees("This is the first step.");
    // Where something else was done, the lesson's way begins with a lab of its own.
    terminal.enters("netns::add(\"ns0\")");
    terminal
        .clears()
        .enters(":do")
        .sees("begun anew")
        .sees("✓ Done: Two namespaces")
        .is_ready();
    terminal
        .clears()
        .enters(":show")
        .sees("step 1 of 3")
        .sees("Goal: Make two namespaces");
    terminal.enters(":help").sees("goes back a step");
    terminal.types("\x04");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn the_list_shows_how_far_one_came() {
    let state = tempfile::tempdir().expect("a folder");
    fs::create_dir(state.path().join("nsx")).expect("a folder");
    let list = || Nsx::new(&["learn"]).env("XDG_STATE_HOME", &state.path().display().to_string());
    let english = list().env("LC_ALL", "en_GB.UTF-8").prints();
    assert!(english.contains("\n  2  veth") && english.contains("  0/"), "{english}");
    let veth = nsx::lessons::Course::shipped().expect("lessons");
    let step = &veth.find("veth").expect("a lesson")[0].steps[0].id;
    let kept = format!("{{\"veth\": {{\"at\": {step:?}, \"done\": [{step:?}]}}}}");
    fs::write(state.path().join("nsx/lessons.json"), kept).expect("a file");
    let chinese = list().env("LC_ALL", "zh_CN.UTF-8").prints();
    assert!(chinese.contains("课程") && chinese.contains("  1/"), "{chinese}");
}
