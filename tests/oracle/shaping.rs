//! Qdiscs and classes, by nsx and by `tc`: the same, seen by either.

use serde_json::Value as Json;

use crate::builder::Nsx;

/// What nsx is given, and what tc is, for every kind and key.
const QDISCS: &[(&str, &str)] = &[
    (
        r#"kind: "tbf", rate: "10mbit", burst: "32kb", latency: "50ms""#,
        "tbf rate 10mbit burst 32kb latency 50ms",
    ),
    (
        r#"kind: "tbf", rate: "125kbps", burst: "1600b", limit: "3000b""#,
        "tbf rate 125kbps burst 1600b limit 3000b",
    ),
    (
        r#"kind: "tbf", rate: "1gbit", burst: "1mb", limit: "10kb""#,
        "tbf rate 1gbit burst 1mb limit 10kb",
    ),
    (
        r#"kind: "tbf", rate: "40gbit", burst: "1mb", latency: "1ms""#,
        "tbf rate 40gbit burst 1mb latency 1ms",
    ),
    (
        r#"kind: "tbf", rate: "512kibit", burst: "5kb", latency: "70ms", peakrate: "1mbit", mtu: "2kb""#,
        "tbf rate 512kibit burst 5kb latency 70ms peakrate 1mbit mtu 2kb",
    ),
    (r#"kind: "htb""#, "htb"),
    (
        r#"kind: "htb", "default": "1a", r2q: 20, direct_qlen: 50"#,
        "htb default 1a r2q 20 direct_qlen 50",
    ),
    (r#"kind: "pfifo""#, "pfifo"),
    (r#"kind: "pfifo", limit: 7"#, "pfifo limit 7"),
    (r#"kind: "bfifo", limit: "10kb""#, "bfifo limit 10kb"),
    (r#"kind: "bfifo", limit: "1001b""#, "bfifo limit 1001b"),
    (r#"kind: "pfifo_fast""#, "pfifo_fast"),
    (r#"kind: "prio""#, "prio"),
    (r#"kind: "prio", bands: 4"#, "prio bands 4"),
    (r#"kind: "sfq""#, "sfq"),
    (
        r#"kind: "sfq", limit: 100, quantum: "3000b", perturb: "10s""#,
        "sfq limit 100 quantum 3000b perturb 10",
    ),
    (r#"kind: "netem""#, "netem"),
    (
        r#"kind: "netem", delay: "20ms", limit: 77"#,
        "netem delay 20ms limit 77",
    ),
    (
        r#"kind: "netem", delay: "100ms", jitter: "10500us", correlation: "25%", loss: "0.3% 25%""#,
        "netem delay 100ms 10500us 25% loss 0.3% 25%",
    ),
    (
        r#"kind: "netem", delay: "1.5s", duplicate: "1%", corrupt: "0.1%", reorder: "25% 50%", gap: 5"#,
        "netem delay 1.5s duplicate 1% corrupt 0.1% reorder 25% 50% gap 5",
    ),
    (
        r#"kind: "netem", rate: "1mbit", loss: "33.3%""#,
        "netem rate 1mbit loss 33.3%",
    ),
    (r#"kind: "netem", rate: "40gbit""#, "netem rate 40gbit"),
    (r#"kind: "fq_codel""#, "fq_codel"),
    (
        r#"kind: "fq_codel", limit: 100, flows: 16, target: "3ms", interval: "40ms", quantum: 300, noecn: true"#,
        "fq_codel limit 100 flows 16 target 3ms interval 40ms quantum 300 noecn",
    ),
    (
        r#"kind: "fq_codel", ecn: true, ce_threshold: "4ms", memory_limit: "8mb""#,
        "fq_codel ecn ce_threshold 4ms memory_limit 8mb",
    ),
    (r#"kind: "ingress""#, "ingress"),
    (r#"kind: "clsact""#, "clsact"),
];

const CLASSES: &[(&str, &str)] = &[
    (r#"rate: "1mbit""#, "rate 1mbit"),
    (
        r#"rate: "1mbit", ceil: "2mbit", prio: 3"#,
        "rate 1mbit ceil 2mbit prio 3",
    ),
    (
        r#"rate: "300kbps", ceil: "10gbit", burst: "15kb", cburst: "16k", quantum: 2000"#,
        "rate 300kbps ceil 10gbit burst 15kb cburst 16k quantum 2000",
    ),
    (r#"rate: "40gbit""#, "rate 40gbit"),
];

/// Two devices that are alike, and what is printed in parts.
const TWINS: &str = r#"
host.link.add("v0", #{ type: "veth", peer: "w0" });
host.link.add("v1", #{ type: "veth", peer: "w1" });
fn part(text) { print(text); print("=="); }
"#;

fn parts(script: &str) -> Vec<String> {
    let printed = Nsx::script(&format!("{TWINS}{script}")).prints();
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let joined = lines.join("\n");
    let mut parts: Vec<String> = joined.split("==").map(|part| part.trim().to_string()).collect();
    parts.pop();
    parts
}

fn json(text: &str) -> Json {
    let mut json: Json = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    // tc prints a peak rate and leaves it out of its JSON.
    for qdisc in json.as_array_mut().into_iter().flatten() {
        if let Some(options) = qdisc.get_mut("options").and_then(Json::as_object_mut) {
            options.remove("peakrate");
            options.values_mut().for_each(as_floats);
        }
    }
    json
}

/// A fraction that is none is written `0` by tc, and `0.0` by nsx.
fn as_floats(json: &mut Json) {
    match json {
        Json::Object(fields) => fields.values_mut().for_each(as_floats),
        Json::Number(number) => *json = number.as_f64().into(),
        _ => {}
    }
}

#[test]
fn the_same_qdisc_by_either_is_the_same() {
    let mut missing = Vec::new();
    for (keys, words) in QDISCS {
        let is_beside = ["ingress", "clsact"].contains(words);
        let (handle, at) = if is_beside {
            ("", "")
        } else {
            (r#", handle: "7:""#, "root handle 7: ")
        };
        let parts = parts(&format!(
            r#"
            let lacks = "";
            try {{ host.qdisc.add("v0", #{{ {keys}{handle} }}); }} catch (e) {{ lacks = e.code; }}
            let by_tc = host.exec("tc qdisc add dev v1 {at}{words}");
            part(lacks);
            part(by_tc.stderr);
            part(host.qdisc.show("v0").map(|q| q.to_json()));
            part(host.exec("tc -j qdisc show dev v0").stdout);
            part(host.exec("tc -j qdisc show dev v1").stdout);
            part(host.qdisc.show("v0"));
            part(host.exec("tc qdisc show dev v0").stdout);
            part(host.exec("tc -r -d qdisc show dev v0").stdout);
            part(host.exec("tc -r -d qdisc show dev v1").stdout);
            "#
        ));
        let [lacks, refused, said, seen, by_tc, text, seen_text, raw, raw_by_tc] = &parts[..] else {
            panic!("{words}: {parts:?}")
        };
        if lacks == "NSX031" {
            assert!(refused.contains("kind is unknown"), "{words}: {refused}");
            missing.push(words.split(' ').next().unwrap_or_default());
            continue;
        }
        assert_eq!((lacks.as_str(), refused.as_str()), ("", ""), "{words}");
        // An array of texts is printed with its quotes.
        let said: Vec<String> = serde_json::from_str(said).unwrap_or_else(|e| panic!("{e}: {said}"));
        let said = format!("[{}]", said.join(","));
        assert_eq!(json(&said), json(seen), "{words}: what nsx shows");
        assert_eq!(json(seen), json(by_tc), "{words}: what was made");
        assert_eq!(text, seen_text, "{words}: as text");
        assert_eq!(raw, raw_by_tc, "{words}: to the last bit");
    }
    missing.dedup();
    // Which it is depends on the kernel; these every kernel with qdiscs has.
    for kind in ["tbf", "htb", "pfifo"] {
        assert!(!missing.contains(&kind), "{kind} was not tried");
    }
    eprintln!("not in this kernel: {missing:?}");
}

#[test]
fn the_same_class_by_either_is_the_same() {
    for (keys, words) in CLASSES {
        let parts = parts(&format!(
            r#"
            for dev in ["v0", "v1"] {{ host.qdisc.add(dev, #{{ kind: "htb", handle: "1:" }}); }}
            host.class.add("v0", #{{ parent: "1:", classid: "1:1", kind: "htb", rate: "5mbit" }});
            host.class.add("v0", #{{ parent: "1:1", classid: "1:10", kind: "htb", {keys} }});
            host.qdisc.add("v0", #{{ parent: "1:10", handle: "20:", kind: "pfifo", limit: 5 }});
            host.exec("tc class add dev v1 parent 1: classid 1:1 htb rate 5mbit", #{{ check: true }});
            host.exec("tc class add dev v1 parent 1:1 classid 1:10 htb {words}", #{{ check: true }});
            host.exec("tc qdisc add dev v1 parent 1:10 handle 20: pfifo limit 5", #{{ check: true }});
            part(host.class.show("v0"));
            part(host.exec("tc class show dev v0").stdout);
            part(host.exec("tc class show dev v1").stdout);
            part(host.exec("tc -r -d class show dev v0").stdout);
            part(host.exec("tc -r -d class show dev v1").stdout);
            part(host.qdisc.show());
            part(host.exec("tc qdisc show").stdout);
            "#
        ));
        let [said, seen, by_tc, raw, raw_by_tc, all, all_seen] = &parts[..] else {
            panic!("{words}: {parts:?}")
        };
        assert_eq!(said, seen, "{words}: what nsx shows");
        assert_eq!(seen, by_tc, "{words}: what was made");
        assert_eq!(raw, raw_by_tc, "{words}: to the last bit");
        assert_eq!(all, all_seen, "{words}: of all devices");
    }
}

#[test]
fn what_is_spelled_is_what_tc_takes() {
    // Only a call that fails shows its spelling: each is made twice.
    for (keys, words) in QDISCS {
        let parts = parts(&format!(
            r#"
            let op = "";
            for i in 0..2 {{
                try {{ host.qdisc.add("v0", #{{ {keys} }}); }} catch (e) {{ op = e.op; }}
            }}
            part(op);
            let again = host.exec("tc qdisc del dev v0 " + if op.contains("ingress") || op.contains("clsact") {{ "ingress" }} else {{ "root" }});
            part(again.stderr);
            part(if again.ok {{ host.exec(op).stderr }} else {{ "" }});
            "#
        ));
        let [op, gone, taken] = &parts[..] else {
            panic!("{words}: {parts:?}")
        };
        assert!(op.starts_with("tc qdisc add dev v0 "), "{words}: {op}");
        let is_lacking = !gone.is_empty();
        assert!(is_lacking || taken.is_empty(), "{op}: {taken}");
    }
}
