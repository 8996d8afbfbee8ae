//! The REPL, driven through a terminal as a person drives it.

use std::fs;

use super::builder::Nsx;
use super::terminal::Terminal;

fn repl() -> Nsx {
    Nsx::new(&[])
}

const PAIR: &str = "let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"far-end0\", netns: ns0 }, up: true });
ns0.link.set(\"far-end0\", #{ up: true });
host.addr.add(\"10.0.0.1/24\", #{ dev: \"veth0\" });
ns0.addr.add(\"10.0.0.2/24\", #{ dev: \"far-end0\" });
";

fn with_pair() -> Nsx {
    Nsx::new(&["repl", "pair.rhai"]).file("pair.rhai", PAIR)
}

#[test]
fn values_are_shown_and_variables_survive_an_error() {
    let nsx = repl();
    let terminal = Terminal::open(&nsx);
    terminal.sees("nsx 0.").enters("let x = 40");
    terminal
        .enters("x + y")
        .sees("there is no variable `y`")
        .sees("input 2:1:5");
    terminal
        .enters("let z = 1; nowhere.link.show()")
        .enters("x + 2")
        .sees("42");
    terminal.enters("\"text\"").sees("\"text\"\nnsx>");
    terminal
        .enters("fn double(n) { n * 2 }")
        .enters("double(21) + 1")
        .sees("\n43");
    terminal
        .enters("import \"std/check\" as check")
        .enters("check::matrix([])");
    terminal
        .enters("host.link.show(\"lo\")")
        .sees("1: lo: <LOOPBACK,UP,LOWER_UP>");
    terminal.types("\x04");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_live_device_is_completed() {
    let nsx = with_pair();
    let terminal = Terminal::open(&nsx);
    terminal
        .is_ready()
        .types("ns0.link.set(\"far\t")
        .has_typed("ns0.link.set(\"far-end0\"");
    terminal.types(", #{ mtu: 1400 })\r").is_ready();
    terminal.types("host.link.set(\"far\t").has_typed("host.link.set(\"far");
    terminal.types("\x03").is_ready();
    // Namespaces, addresses, verbs, keys, variables.
    terminal.types("netns::get(\"n\t").has_typed("netns::get(\"ns0\"");
    terminal
        .types("\x03")
        .is_ready()
        .types("host.ping(\"10.0.0.2\t")
        .has_typed("host.ping(\"10.0.0.2\"");
    terminal
        .types("\x03")
        .is_ready()
        .types("ns0.rou\t.rep\t")
        .has_typed("ns0.route.replace(");
    terminal
        .types("\x03")
        .is_ready()
        .types("host.addr.add(\"10.0.0.7/24\", #{ d\t\"ve\t })");
    terminal.has_typed("#{ dev: \"veth0\" })").types("\r").is_ready();
    terminal
        .enters("host.addr.show(#{ dev: \"veth0\" })")
        .sees("10.0.0.7/24");
}

#[test]
fn commands_topics_and_files_are_completed() {
    let nsx = repl().file("bridge-lab.rhai", "let loaded = 1;");
    let terminal = Terminal::open(&nsx);
    terminal
        .is_ready()
        .types(":lo\t bri\t")
        .has_typed(":load bridge-lab.rhai");
    terminal.types("\r").is_ready().enters("loaded + 1").sees("\n2\n");
    terminal.types("?route.repl\t").has_typed("?route.replace");
    terminal.types("\r").sees("unreachable, prohibit or throw").is_ready();
    terminal.enters(":hlep").sees("did you mean `:help`?");
    terminal.enters(":help").sees("Ctrl-D leaves");
}

#[test]
fn hints_show_how_a_call_is_used() {
    let nsx = repl();
    let terminal = Terminal::open(&nsx);
    terminal
        .is_ready()
        .types("host.route.add(")
        .sees("host.route.add(PREFIX, #{ via, dev");
    terminal.types("\x03").is_ready().types("host.rou").sees("host.route");
    // Taken over by the right arrow.
    terminal.types("\x1b[C.show()").has_typed("host.route.show()");
}

#[test]
fn an_input_goes_on_until_it_is_whole() {
    let nsx = repl();
    let terminal = Terminal::open(&nsx);
    let function = "fn add(a,\rb) {\ra + b\r}\radd(20, 22)\r";
    terminal.is_ready().types(function).sees("\n42\n").is_ready();
    let comment = "/* a comment\rthat goes on */ 7 * 7\r";
    terminal.types(comment).sees("\n49\n").is_ready();
    terminal
        .types("let text = \"a")
        .has_typed("\"a")
        .types("\x03")
        .is_ready();
    terminal.enters("1 + ) 2").sees("NSX002");
}

#[test]
fn the_posts_script_can_be_pasted() {
    let nsx = repl();
    let terminal = Terminal::sized(&nsx, 100, 60);
    let script = include_str!("../scripts/veth.rhai");
    terminal
        .is_ready()
        .types(&format!("\x1b[200~{}\x1b[201~", script.replace('\n', "\r")));
    terminal.sees("\"ns1 reaches ns0\");").types("\r");
    terminal.sees("64 bytes from 10.0.0.100").is_ready();
    terminal
        .enters("[ns0, ns1].map(|ns| ns.name)")
        .sees("[\"ns0\", \"ns1\"]");
}

#[test]
fn what_runs_is_interrupted_and_the_session_goes_on() {
    let nsx = with_pair();
    let terminal = Terminal::open(&nsx);
    terminal
        .is_ready()
        .types("ns0.ping(\"10.0.0.77\", #{ count: 1000 })")
        .has_typed("1000 })")
        .types("\r");
    terminal.is_busy().types("\x03").sees("interrupted").is_ready().clears();
    terminal.types("let n = 0; loop { n += 1; if n > 10 { n = 0; sleep(\"1ms\"); } }\r");
    terminal.is_busy().types("\x03").sees("interrupted").is_ready().clears();
    terminal.types("host.exec(\": > runs; exec sleep 1000\")\r");
    terminal.waits("program", |_| nsx.folder().join("runs").exists());
    terminal.is_busy().types("\x03").sees("interrupted").is_ready().clears();
    terminal.enters("ns0.ping(\"10.0.0.1\").ok").sees("\ntrue\n");
    // Steps are counted anew for each input.
    terminal.enters("loop {}").sees("too many steps");
    terminal
        .types("half a line")
        .has_typed("half a line")
        .types("\x03")
        .is_ready();
    terminal.enters("1 + 1").sees("\n2\n");
}

#[test]
fn a_session_is_saved_and_runs_again() {
    let nsx = repl();
    let terminal = Terminal::open(&nsx);
    for line in [
        "let ns0 = netns::add(\"ns0\")",
        "ns0.link.show(\"nothing\")",
        "ns0.link.set(\"lo\", #{ up: true }) // awake",
        "fn twice(n) { n * 2 }",
        "netns::add(\"ns1\")",
        ":undo",
        "print(twice(21))",
        ":save saved.rhai",
    ] {
        terminal.enters(line);
    }
    terminal
        .sees("in saved.rhai")
        .enters(":save saved.rhai")
        .sees("is there already");
    let saved = fs::read_to_string(nsx.folder().join("saved.rhai")).expect("it is saved");
    assert_eq!(
        saved,
        "let ns0 = netns::add(\"ns0\");\nns0.link.set(\"lo\", #{ up: true }) // awake\n;\nfn twice(n) { n * 2 }\nprint(twice(21));\n"
    );
    let again = Nsx::new(&["run", "saved.rhai"]).file("saved.rhai", &saved);
    assert_eq!(again.prints(), "42\n");
    // What a failed input defined is missed.
    terminal
        .enters("let kept = 1; 1 / 0")
        .enters("kept + 1")
        .enters(":save short.rhai");
    terminal.sees("there is no variable `kept`");
}

#[test]
fn a_reset_lab_is_new() {
    let nsx = with_pair();
    let terminal = Terminal::open(&nsx);
    terminal.enters(":time on").sees("nsx>").enters("netns::add(\"other\")");
    terminal
        .enters(":reset")
        .enters("netns::list()")
        .sees("[\"ns0\"]")
        .sees(" ms");
    terminal.enters("ns0.ping(\"10.0.0.1\").ok").sees("true");
    terminal.types(":quit\r");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn programs_have_the_terminal() {
    let nsx = with_pair();
    let terminal = Terminal::open(&nsx);
    terminal.enters("!ns0 ip -br link show far-end0").sees("far-end0@if");
    terminal
        .enters("!ns0 test -t 0 && stty -a | grep -o icanon")
        .sees("\nicanon");
    terminal.enters("!ns0 exit 3").sees("status 3");
    terminal.enters("!nowhere ip link").sees("there is no netns nowhere");
    // Ctrl-C is for the program.
    // No program before the last: a shell that is told while one ends goes on to the next.
    terminal.types("!ns0 : > runs; exec sleep 1000\r");
    terminal.waits("program", |_| nsx.folder().join("runs").exists());
    terminal.types("\x03").sees("status 130").is_ready().clears();
    let shell = if nix::unistd::geteuid().is_root() { "# " } else { "$ " };
    terminal.types(":sh ns0\r").sees(shell);
    terminal.types("echo in $NSX_NETNS\r").sees("\nin ns0");
    terminal.types("sh -c ': > sleeps; exec sleep 1000'\r");
    terminal.waits("program", |_| nsx.folder().join("sleeps").exists());
    // The shell's next prompt first: what is typed ahead of it shows behind it.
    terminal.types("\x03").has_typed(shell);
    terminal.types("echo still $((40 + 2))\r").sees("\nstill 42");
    terminal.types("exit\r").is_ready().enters("1 + 1").sees("\n2\n");
}

#[test]
fn what_happens_by_itself_is_told_above_the_prompt() {
    let nsx = with_pair();
    let terminal = Terminal::open(&nsx);
    terminal.enters("let p = ns0.start(\"sleep 2; ip link set far-end0 down; exit 7\")");
    terminal
        .types("let half = ")
        .sees("link veth0 in host went down")
        .sees("link far-end0 in ns0 went down");
    terminal.sees("in ns0 ended with status 7: sleep 2; ip link set far-end0 down; exit 7");
    // What is being typed stays.
    terminal
        .has_typed("let half = ")
        .types("21\r")
        .is_ready()
        .enters("half * 2")
        .sees("\n42\n");
    // What the user does is no news.
    terminal
        .clears()
        .enters("ns0.link.set(\"far-end0\", #{ up: true })")
        .enters("sleep(\"1500ms\")");
    terminal
        .enters("let q = host.start(\"sleep 100\"); q.stop()")
        .enters("3 * 3")
        .sees("\n9\n");
    assert!(!terminal.screen().contains("--"), "{}", terminal.screen());
}

#[test]
fn the_history_is_kept_and_searched() {
    let nsx = repl();
    let terminal = Terminal::open(&nsx);
    terminal.enters("let first = 6 * 7").enters("let second = 2");
    terminal.types("\x04");
    assert_eq!(terminal.ends(), 0);
    let terminal = Terminal::open(&nsx);
    terminal
        .is_ready()
        .types("\x12firs")
        .sees("let first = 6 * 7")
        .types("\r")
        .is_ready();
    terminal.enters("first").sees("\n42\n");
}

#[test]
fn operations_are_explained_and_timed() {
    let nsx = repl();
    let terminal = Terminal::open(&nsx);
    terminal
        .enters(":explain on")
        .enters("host.link.add(\"br0\", #{ type: \"bridge\" })");
    terminal
        .sees("+ ip link add br0 type bridge")
        .enters(":explain maybe")
        .sees("is on or off");
    terminal.enters(":time on").enters("1 + 1").sees(" ms");
    terminal.is_ready().types("exit(3)\r");
    assert_eq!(terminal.ends(), 3);
}

#[test]
fn piped_input_is_a_script() {
    for args in [&[][..], &["repl"]] {
        let nsx = Nsx::new(args).input("let x = 1;\nprint(x + 1);\nprint(\"last\")");
        assert_eq!(nsx.prints(), "2\nlast\n");
    }
    let both = Nsx::new(&["repl", "pair.rhai"])
        .file("pair.rhai", PAIR)
        .input("print(ns0.name)");
    assert_eq!(both.prints(), "ns0\n");
    Nsx::new(&[])
        .input("assert(false)")
        .run()
        .fails(1, &["assertion failed"]);
}

#[test]
fn anybody_can_live_in_a_lab() {
    let nsx = with_pair().unprivileged();
    let terminal = Terminal::open(&nsx);
    terminal.enters("ns0.ping(\"10.0.0.1\").ok").sees("true");
    terminal.enters("!ns0 ip -br addr show far-end0").sees("10.0.0.2/24");
}

#[test]
fn lines_of_ip_are_understood() {
    let nsx = repl();
    let terminal = Terminal::open(&nsx);
    terminal
        .enters("ip netns add ns0")
        .sees("let ns0 = netns::add(\"ns0\")");
    terminal.enters("sudo ip link add veth0 type veth peer name eth0 netns ns0");
    terminal
        .enters("ip link set veth0 up")
        .enters("ip addr add 10.0.0.1/24 dev veth0")
        .clears();
    terminal
        .types(":ns ns\t\r")
        .has_typed("nsx ns0>")
        .types("ip link set eth0 up\r");
    terminal
        .sees("ns0.link.set(\"eth0\", #{ up: true })")
        .has_typed("nsx ns0>");
    terminal
        .types("ip addr add 10.0.0.2/24 dev eth0\rping -c 1 10.0.0.1\r")
        .sees("64 bytes from 10.0.0.1");
    terminal
        .types("ip link set eth0 mtu many\r")
        .sees("wants a whole number")
        .has_typed("nsx ns0>");
    terminal
        .types(":ns\r")
        .is_ready()
        .clears()
        .enters(":save as-script.rhai");
    let saved = fs::read_to_string(nsx.folder().join("as-script.rhai")).expect("it is saved");
    assert!(saved.ends_with("ns0.ping(\"10.0.0.1\");\n"), "{saved}");
    Nsx::new(&["run", "s.rhai"]).file("s.rhai", &saved).prints();
}
