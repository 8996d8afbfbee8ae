//! Qdiscs do what they say: rates and delays, measured with packets that arrive.

use crate::builder::{Nsx, Ran};

/// Two hosts on a veth pair, and `mbits()`: how fast a bulk of pings, each of them answered, leaves a host that
/// sends as fast as its device takes them. Measured from the first echo sent to the last answer, without the
/// `burst` that a full bucket lets through at once.
const WIRE: &str = r#"
let ns0 = netns::add("ns0");
let ns1 = netns::add("ns1");
ns0.link.add("eth0", #{ type: "veth", peer: #{ name: "eth0", netns: ns1 } });
ns0.addr.add("10.0.0.1/24", #{ dev: "eth0" });
ns1.addr.add("10.0.0.2/24", #{ dev: "eth0" });
ns0.link.set("eth0", #{ up: true });
ns1.link.set("eth0", #{ up: true });
assert(ns0.ping(ns1).ok, "the wire works");

fn mbits(from, to, count, burst) {
    let start = timestamp();
    let result = from.ping(to, #{ count: count, size: 7392, interval: "100us", timeout: "5s" });
    let seconds = start.elapsed;
    assert_eq(result.received, count, "every echo is answered");
    // Each in five fragments of 1480 bytes, with headers of IP and Ethernet.
    (count * 5 * (1480 + 20 + 14) - burst) * 8 / seconds / 1000000.0
}
"#;

fn lab(text: &str) -> Nsx {
    Nsx::script(&format!("{WIRE}{text}"))
}

fn numbers(printed: &str) -> Vec<f64> {
    printed.lines().map(|line| line.parse().expect("a number")).collect()
}

/// Whether the running kernel has netem: it was asked for and not refused by name.
fn lacks_netem(ran: &Ran) -> bool {
    ran.stderr.contains("no qdisc of kind netem")
}

#[test]
fn tbf_holds_its_rate() {
    let printed = lab(r#"
        print(mbits(ns0, ns1, 200, 0));
        ns0.qdisc.add("eth0", #{ kind: "tbf", rate: "10mbit", burst: "32kb", latency: "3s" });
        print(mbits(ns0, ns1, 200, 32 * 1024));
        ns0.qdisc.change("eth0", #{ kind: "tbf", rate: "5mbit", burst: "32kb", latency: "3s" });
        print(mbits(ns0, ns1, 100, 32 * 1024));
        ns0.qdisc.del("eth0");
        print(mbits(ns0, ns1, 200, 0));
        "#)
    .unprivileged()
    .prints();
    let [before, ten, five, after] = numbers(&printed)[..] else {
        panic!("four rates: {printed}")
    };
    assert!((9.0..=10.0).contains(&ten), "10mbit is {ten}");
    assert!((4.5..=5.0).contains(&five), "5mbit is {five}");
    // Otherwise it was not the qdisc that held it.
    assert!(before > 15.0 && after > 15.0, "without it: {before}, {after}");
}

#[test]
fn a_class_of_htb_holds_its_ceiling() {
    let printed = lab(
        r#"
        ns0.qdisc.add("eth0", #{ kind: "htb", handle: "1:", "default": "10" });
        ns0.class.add("eth0", #{ parent: "1:", classid: "1:10", kind: "htb", rate: "1mbit", ceil: "1mbit", burst: "32kb", cburst: "32kb" });
        ns0.class.replace("eth0", #{ parent: "1:", classid: "1:10", kind: "htb", rate: "5mbit", ceil: "5mbit", burst: "32kb", cburst: "32kb" });
        // htb sends one packet more on credit: a class may send as long as it owes nothing.
        print(mbits(ns0, ns1, 100, 32 * 1024 + 1514));
        "#,
    )
    .unprivileged()
    .prints();
    let five = numbers(&printed)[0];
    assert!((4.5..=5.0).contains(&five), "5mbit is {five}");
}

#[test]
fn netem_delays_or_the_kernel_lacks_it() {
    let ran = lab(r#"
        ns0.qdisc.add("eth0", #{ kind: "netem", delay: "20ms" });
        let result = ns0.ping(ns1, #{ count: 20, interval: "50ms", timeout: "3s" });
        assert_eq(result.received, 20);
        print(result.rtt.min);
        "#)
    .unprivileged()
    .run();
    if lacks_netem(&ran) {
        ran.fails(
            4,
            &[
                "NSX031",
                "CONFIG_NET_SCH_NETEM",
                "tc -n ns0 qdisc add dev eth0 root netem delay 20ms",
            ],
        );
        return;
    }
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    // The shortest of twenty: in an emulated machine that others keep busy, some wait for more than the qdisc.
    let shortest = numbers(&ran.stdout)[0];
    assert!((20.0..=25.0).contains(&shortest), "20ms is {shortest}");
}

#[test]
fn netem_loses_or_the_kernel_lacks_it() {
    let ran = lab(r#"
        ns0.qdisc.add("eth0", #{ kind: "netem", loss: "100%" });
        print(ns0.ping(ns1, #{ count: 3, interval: "10ms", timeout: "300ms" }).received);
        ns0.qdisc.change("eth0", #{ kind: "netem", loss: "50%" });
        print(ns0.ping(ns1, #{ count: 200, interval: "2ms", timeout: "1s" }).received);
        "#)
    .run();
    if lacks_netem(&ran) {
        ran.fails(4, &["NSX031"]);
        return;
    }
    let [none, half] = numbers(&ran.stdout)[..] else {
        panic!("two counts: {}", ran.stdout)
    };
    assert_eq!(none, 0.0);
    assert!((60.0..=140.0).contains(&half), "half of 200 is {half}");
}

#[test]
fn a_kind_that_the_kernel_lacks_leaves_nothing_behind() {
    let printed = Nsx::script(
        r#"
        host.link.add("v0", #{ type: "veth", peer: "v1" });
        let before = host.qdisc.show();
        for kind in ["netem", "fq_codel", "prio", "sfq"] {
            try {
                host.qdisc.add("v0", #{ kind: kind });
                host.qdisc.del("v0");
            } catch (e) {
                assert_eq([e.code, e.errno], ["NSX031", "ENOENT"]);
                assert(e.message.contains(kind) && e.cause.contains("CONFIG_NET_SCH_"), e.message);
            }
            assert_eq(host.qdisc.show(), before);
        }
        print("ok");
        "#,
    )
    .prints();
    assert_eq!(printed, "ok\n");
}

#[test]
fn a_number_without_a_unit_is_told_as_such() {
    let cases = [
        (
            r#"kind: "tbf", rate: 10, burst: "32kb", latency: "50ms""#,
            "`rate` has no unit: write \"10mbit\"",
        ),
        (
            r#"kind: "tbf", rate: "10mbit", burst: 32, latency: "50ms""#,
            "`burst` has no unit: write \"32b\"",
        ),
        (
            r#"kind: "tbf", rate: "10mbit", burst: "32kb", latency: 50"#,
            "`latency` has no unit: write \"50ms\"",
        ),
        (r#"kind: "netem", loss: 1"#, "`loss` has no unit: write \"1%\""),
        (r#"kind: "netem", delay: "20""#, "`delay` has no unit"),
        (r#"kind: "tbf", rate: "10mbit", burst: "32kb""#, "`latency` is missing"),
        (r#"kind: "tfb""#, "did you mean \"tbf\"?"),
        (
            r#"kind: "tbf", rate: "10mbit", brust: "32kb", latency: "50ms""#,
            "did you mean `burst`?",
        ),
        (r#"rate: "10mbit""#, "`kind` is missing"),
        (
            r#"kind: "pfifo", parent: 1"#,
            "`parent` wants \"root\", a class such as \"1:10\"",
        ),
    ];
    for (keys, words) in cases {
        let script = format!("host.qdisc.add(\"lo\", #{{ {keys} }});");
        Nsx::script(&script).run().fails(3, &["NSX003", words]);
    }
}

#[test]
fn what_is_not_there_is_named() {
    let cases = [
        (
            r#"host.qdisc.add("v0", #{ kind: "pfifo", parent: "1:10" });"#,
            "there is no class 1:10 on v0",
        ),
        (
            r#"host.class.add("v0", #{ parent: "1:", classid: "1:10", rate: "1mbit" });"#,
            "there is no qdisc 1: on v0",
        ),
        (
            r#"host.qdisc.add("v9", #{ kind: "pfifo" });"#,
            "there is no device v9 in host",
        ),
        (r#"host.qdisc.show("v9");"#, "there is no device v9 in host"),
        (r#"host.qdisc.del("v0");"#, "has no qdisc there but the kernel's own"),
        (
            r#"host.qdisc.add("v0", #{ kind: "pfifo" }); host.qdisc.add("v0", #{ kind: "pfifo" });"#,
            "host.qdisc.replace(\"v0\", …)",
        ),
    ];
    for (call, words) in cases {
        let script = format!("host.link.add(\"v0\", #{{ type: \"veth\", peer: \"v1\" }});\n{call}");
        Nsx::script(&script).run().fails(3, &["NSX0", words]);
    }
}
