//! What an operation is spelled as is read back as that operation: every verb that changes something, with all its keys.
//!
//! Calls are made from the nouns' own declarations, so that a new verb or key takes part by itself; a key with values of a
//! new kind fails here until it is said what they are. Of two keys that say the same (`down: true`, `up: false`), the one
//! that a line is read into is made.

use std::cell::Cell;

use nsx::netns::NsName;
use nsx::ops::{Act, Call, Key, NOUNS, Noun, Value, Verb, Word, Words, link};
use nsx::shell;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{Config, TestRunner};

/// A verb to be called, and the kind of thing it makes, where its keys depend on that.
#[derive(Clone)]
struct Target {
    noun: &'static Noun,
    verb: &'static Verb,
    kind: Option<(&'static str, &'static str)>,
    keys: Vec<&'static [Key]>,
}

const QDISCS: [&str; 11] = [
    "tbf",
    "htb",
    "netem",
    "fq_codel",
    "pfifo",
    "bfifo",
    "pfifo_fast",
    "prio",
    "sfq",
    "ingress",
    "clsact",
];

fn targets() -> Vec<Target> {
    let mut targets = Vec::new();
    for noun in NOUNS {
        for verb in noun.verbs.iter().filter(|verb| matches!(verb.act, Act::Change(_))) {
            let mut push = |kind, keys: &[&'static [Key]]| {
                let keys = keys.to_vec();
                targets.push(Target { noun, verb, kind, keys });
            };
            match (noun.name, verb.name) {
                // `type`, the keys of each kind, those of every device, those of its birth.
                ("link", "add" | "set") => {
                    let (of_kinds, of_all) = verb.keys[1..].split_at(link::KINDS.len());
                    for (kind, keys) in link::KINDS.iter().zip(of_kinds) {
                        push(Some(("type", kind.name)), &[&[*keys], of_all].concat());
                    }
                    if verb.name == "set" {
                        push(None, of_all);
                    }
                }
                // `kind`, the place, the keys of each kind.
                ("qdisc", "add" | "replace" | "change") => {
                    for (kind, keys) in QDISCS.iter().zip(&verb.keys[2..]) {
                        let is_beside = ["ingress", "clsact"].contains(kind);
                        push(
                            Some(("kind", kind)),
                            &[keys, if is_beside { &[] } else { verb.keys[1] }],
                        );
                    }
                }
                _ => {
                    push(None, verb.keys);
                    assert!(
                        verb.keys.len() <= 2,
                        "{} {} has more groups of keys",
                        noun.name,
                        verb.name
                    );
                }
            }
        }
    }
    targets
}

fn text(text: impl Into<String>) -> Value {
    Value::Str(text.into())
}

fn words(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(text).boxed()
}

fn number(range: std::ops::RangeInclusive<i64>) -> BoxedStrategy<Value> {
    range.prop_map(Value::Int).boxed()
}

fn texts(pattern: &'static str) -> BoxedStrategy<Value> {
    pattern.prop_map(text).boxed()
}

fn v4() -> impl Strategy<Value = std::net::Ipv4Addr> {
    any::<u32>().prop_map(std::net::Ipv4Addr::from)
}

fn v6() -> impl Strategy<Value = std::net::Ipv6Addr> {
    any::<u128>().prop_map(std::net::Ipv6Addr::from)
}

fn address() -> BoxedStrategy<String> {
    prop_oneof![3 => v4().prop_map(|a| a.to_string()), 1 => v6().prop_map(|a| a.to_string())].boxed()
}

fn cidr() -> BoxedStrategy<String> {
    let four = (v4(), 0..=32u8).prop_map(|(a, length)| format!("{a}/{length}"));
    let six = (v6(), 0..=128u8).prop_map(|(a, length)| format!("{a}/{length}"));
    prop_oneof![3 => four, 1 => six].boxed()
}

/// A prefix without bits beyond its length.
fn prefix() -> BoxedStrategy<String> {
    cidr()
        .prop_map(|cidr| cidr.parse::<ipnet::IpNet>().expect("a prefix").trunc().to_string())
        .boxed()
}

fn device() -> BoxedStrategy<Value> {
    let plain = "[a-z][a-z0-9]{0,7}(\\.[0-9]{1,3})?";
    // Names that are words of `ip` too.
    let tricky = select(
        &[
            "up", "type", "dev", "link", "name", "master", "mtu", "peer", "t", "lo", "via", "root",
        ][..],
    );
    prop_oneof![4 => plain.prop_map(text), 1 => tricky.prop_map(text)].boxed()
}

fn netns() -> BoxedStrategy<NsName> {
    let named = "[a-z][a-z0-9._-]{0,8}".prop_filter_map("host is the lab's own", |name| {
        name.parse::<NsName>().ok().filter(|name| !name.is_host())
    });
    prop_oneof![1 => Just(NsName::host()), 3 => named].boxed()
}

fn mac() -> BoxedStrategy<Value> {
    any::<[u8; 6]>()
        .prop_map(|octets| text(octets.map(|octet| format!("{octet:02x}")).join(":")))
        .boxed()
}

/// One of the ports, a range, several.
fn ports() -> BoxedStrategy<Value> {
    let range = (1..60_000u16, 1..5000u16).prop_map(|(first, more)| text(format!("{first}-{}", first + more)));
    let one = prop_oneof![number(1..=65_535), range].boxed();
    let several = prop::collection::vec(one.clone(), 2..4).prop_map(Value::List);
    prop_oneof![2 => one, 1 => several].boxed()
}

/// A key, and how its values are made.
type Made = (&'static str, fn() -> BoxedStrategy<Value>);

fn map(keys: &'static [Made]) -> BoxedStrategy<Value> {
    let values: Vec<_> = keys
        .iter()
        .map(|(_, value)| prop::option::of(value()).boxed())
        .collect();
    let named = move |values: Vec<Option<Value>>| {
        let pairs = keys.iter().zip(values);
        Value::Map(
            pairs
                .filter_map(|((key, _), value)| Some(((*key).to_string(), value?)))
                .collect(),
        )
    };
    values.prop_map(named).boxed()
}

/// Whether a key is spelled as its name alone.
fn is_flag(key: &Key) -> bool {
    let word = |text: &str| Word {
        text: text.into(),
        place: 0..0,
    };
    let read = |text: &str| {
        let words = [word(text)];
        (key.of_words)(key.name, &mut Words::new(&words)).ok().flatten()
    };
    read(key.name) == Some(Value::Bool(true)) && read(&format!("no{}", key.name)).is_none()
}

/// The values that a key can have; nothing for one that only says what another key says too.
fn values(noun: &str, verb: &str, key: &Key) -> Option<BoxedStrategy<Value>> {
    Some(match (noun, key.name) {
        ("link", "nolearning") => return None,
        // Of a tun alone: `tun` is what it is if nothing is said.
        ("link", "mode") if key.wants.contains("\"tap\"") => words(&["tap"]),
        // A preshared key is told by a command of its own.
        ("wg", "peer") => {
            let peer = map(&[
                ("public_key", secret),
                ("endpoint", || texts("10\\.[0-9]{1,2}\\.0\\.1:[1-9][0-9]{0,3}")),
                ("persistent_keepalive", || texts("[1-9][0-9]{0,3}s|off")),
                ("allowed_ips", || {
                    prop::collection::vec(prefix().prop_map(text), 1..3).prop_map(Value::List).boxed()
                }),
                ("remove", || Just(Value::Bool(true)).boxed()),
            ]);
            prop_oneof![peer.clone(), prop::collection::vec(peer, 2..4).prop_map(Value::List)].boxed()
        }
        ("link", "name") if verb == "add" => return None,
        ("neigh", "proxy") => Just(Value::Bool(true)).boxed(),
        ("rule", "family") => words(&["inet6"]),
        ("rule", "type") => words(&["blackhole", "unreachable", "prohibit", "nop"]),
        ("rule", "table") | ("route", "table") => {
            prop_oneof![number(1..=253), number(256..=4_294_967_295), words(&["local"])].boxed()
        }
        ("qdisc", "parent") => texts("[1-9a-f]{1,3}:[1-9a-f]{0,3}"),
        ("qdisc", "perturb") => (1..100u8).prop_map(|seconds| text(format!("{seconds}s"))).boxed(),
        ("nat" | "filter", "comment") => texts("[a-zA-Z0-9 ;{},'$#|&!ä-ö-]{1,30}"),
        ("nat" | "filter", "log") => prop_oneof![Just(Value::Bool(true)), texts("[a-z: ]{1,12}")].boxed(),
        ("nat" | "filter", "proto") => {
            prop_oneof![3 => words(&["tcp", "udp"]), 1 => words(&["icmp", "icmpv6", "sctp", "gre"]), 1 => number(200..=250)].boxed()
        }
        ("nat" | "filter", "icmp_type") => words(&[
            "echo-request",
            "echo-reply",
            "time-exceeded",
            "redirect",
            "nd-neighbor-solicit",
            "packet-too-big",
        ]),
        ("nat", "to") if verb == "redirect" => number(1..=65_535),
        ("nat", "chain") => words(&["output"]),
        ("nat" | "filter", "mark") => number(0..=4_294_967_295),
        ("link", "alias") => texts("[a-zA-Z0-9 '\"$\\\\;ä-ö]{0,20}"),
        ("addr", "label") => texts("eth0:[a-z0-9]{1,4}"),
        ("sysctl", _) => return None,
        _ if is_flag(key) => Just(Value::Bool(true)).boxed(),
        _ => by_type(key),
    })
}

/// The values of a type, told by how messages name it.
fn by_type(key: &Key) -> BoxedStrategy<Value> {
    let switch = any::<bool>().prop_map(Value::Bool).boxed();
    match key.wants {
        "true or false" | "true or false, or 1 or 0" => switch,
        "a whole number from 0 to 255" => number(0..=255),
        "a whole number from 0 to 65535" => number(0..=65_535),
        "a whole number from 0 to 4294967295" => number(0..=4_294_967_295),
        "a whole number from 0 to 16777215" => number(0..=16_777_215),
        "a VLAN from 1 to 4094" => number(1..=4094),
        "a VLAN from 1 to 4094, or several such as \"10-20\"" => prop_oneof![
            number(1..=4094),
            (1..2000u16, 1..2000u16).prop_map(|(a, b)| text(format!("{a}-{}", a + b)))
        ]
        .boxed(),
        "the name of a device" => device(),
        "a netns handle or its name" => netns().prop_map(Value::Netns).boxed(),
        wants if wants.starts_with("a link-layer address") => mac(),
        wants if wants.starts_with("an address such as") => address().prop_map(text).boxed(),
        wants if wants.starts_with("an address with its prefix length") => cidr().prop_map(text).boxed(),
        wants if wants.starts_with("an IPv4 address, \"+\"") => {
            prop_oneof![words(&["+", "-"]), v4().prop_map(|a| text(a.to_string()))].boxed()
        }
        wants if wants.starts_with("\"global\"") => {
            prop_oneof![words(&["global", "site", "link", "host"]), number(0..=255)].boxed()
        }
        wants if wants.starts_with("\"default\" or a prefix") => {
            prop_oneof![4 => prefix().prop_map(text), 1 => words(&["default"])].boxed()
        }
        wants if wants.starts_with("a whole number from 0 to 255, \"inherit\"") => {
            prop_oneof![number(0..=255), words(&["inherit", "auto"])].boxed()
        }
        wants if wants.starts_with("one of ") => {
            let choices: Vec<String> = wants.split('"').skip(1).step_by(2).map(String::from).collect();
            select(choices).prop_map(text).boxed()
        }
        wants if wants.starts_with("\"eui64\"") => words(&["eui64", "none", "stable_secret", "random"]),
        wants if wants.starts_with("a routing table") => number(1..=4_294_967_295),
        wants if wants.starts_with("the peer's name") => {
            let peer = map(&[
                ("name", device),
                ("netns", || netns().prop_map(Value::Netns).boxed()),
                ("address", mac),
                ("mtu", || number(68..=9000)),
            ]);
            prop_oneof![device(), peer].boxed()
        }
        wants if wants.starts_with("an array of maps such as #{ via") => {
            let hop = map(&[
                ("via", || address().prop_map(text).boxed()),
                ("dev", device),
                ("weight", || number(1..=256)),
                ("onlink", || Just(Value::Bool(true)).boxed()),
            ]);
            prop::collection::vec(hop, 1..4).prop_map(Value::List).boxed()
        }
        wants if wants.starts_with("unicast, local") => words(&[
            "unicast",
            "local",
            "broadcast",
            "anycast",
            "multicast",
            "blackhole",
            "unreachable",
            "prohibit",
            "throw",
        ]),
        wants if wants.starts_with("permanent, reachable") => {
            words(&["permanent", "reachable", "stale", "noarp", "failed"])
        }
        wants if wants.starts_with("disabled, listening") => {
            words(&["disabled", "listening", "learning", "forwarding", "blocking"])
        }
        wants if wants.starts_with("\"inet\" or") => words(&["inet", "inet6"]),
        wants if wants.starts_with("a mark: a number") => prop_oneof![
            number(0..=4_294_967_295),
            (any::<u32>(), any::<u32>()).prop_map(|(m, n)| text(format!("{m:#x}/{n:#x}")))
        ]
        .boxed(),
        wants if wants.starts_with("a TOS byte") => number(0..=255),
        wants if wants.starts_with("a protocol such as \"tcp\", or") => {
            prop_oneof![words(&["tcp", "udp", "icmp"]), number(200..=250)].boxed()
        }
        wants if wants.starts_with("a port, or ports") => prop_oneof![
            number(1..=65_535),
            (1..60_000u16, 1..5000u16).prop_map(|(a, b)| text(format!("{a}-{}", a + b)))
        ]
        .boxed(),
        wants if wants.starts_with("a key: 44") => secret(),
        wants if wants.starts_with("a whole number from 1 to 255") => {
            prop_oneof![number(1..=255), words(&["inherit"])].boxed()
        }
        wants if wants.starts_with("a whole number from 0 to 255, or \"none\"") => {
            prop_oneof![number(0..=255), words(&["none"])].boxed()
        }
        wants if wants.starts_with("a whole number from 0 to 255, or") => {
            prop_oneof![number(2..=255), words(&["inherit"])].boxed()
        }
        wants if wants.starts_with("\"static\", \"boot\"") => words(&["static", "kernel", "ra"]),
        wants if wants.starts_with("a rate") => texts("[1-9][0-9]{0,4}(bit|kbit|mbit|gbit|kbps|mibit)"),
        wants if wants.starts_with("a size") => texts("[1-9][0-9]{0,2}(b|kb|mb|k)"),
        wants if wants.starts_with("a duration") => texts("[1-9][0-9]{0,3}(ms|us|s)"),
        wants if wants.starts_with("a chance such as \"1%\", or with") => {
            texts("[0-9]{1,2}(\\.[0-9]{1,3})?%( [0-9]{1,2}%)?")
        }
        wants if wants.starts_with("a chance") => texts("[0-9]{1,2}(\\.[0-9]{1,3})?%"),
        wants if wants.starts_with("a qdisc's number") => texts("[1-9a-f][0-9a-f]{0,3}:"),
        wants if wants.starts_with("a class's number") => texts("[1-9a-f][0-9a-f]{0,3}:[1-9a-f][0-9a-f]{0,3}"),
        wants if wants.starts_with("\"root\", a class") => texts("[1-9a-f][0-9a-f]{0,3}:"),
        wants if wants.starts_with("the second half") => texts("[1-9a-f][0-9a-f]{0,3}"),
        "\"htb\"" => words(&["htb"]),
        wants if wants.starts_with("the name of a device, also") => texts("!?[a-z][a-z0-9]{0,7}\\*?"),
        wants if wants.starts_with("an address or a prefix") => (any::<bool>(), prefix())
            .prop_map(|(not, prefix)| text(format!("{}{prefix}", if not { "!" } else { "" })))
            .boxed(),
        wants if wants.starts_with("a port, a range") => ports(),
        wants if wants.starts_with("states of a connection") => {
            let states = vec!["new", "established", "related", "invalid", "untracked"];
            proptest::sample::subsequence(states, 1..=5)
                .prop_map(|states| Value::List(states.into_iter().map(text).collect()))
                .boxed()
        }
        wants if wants.starts_with("\"accept\", \"drop\" or \"reject\"") => words(&["accept", "drop", "reject"]),
        wants if wants.starts_with("an address such as \"10.1.1.10\", with a port") => target(),
        wants if wants.starts_with("an IPv4 address") => v4().prop_map(|a| text(a.to_string())).boxed(),
        wants if wants.starts_with("an IPv6 address") => v6().prop_map(|a| text(a.to_string())).boxed(),
        other => panic!("`{}` has values that no case is made of: {other}", key.name),
    }
}

/// A key of WireGuard: 32 bytes in base64.
fn secret() -> BoxedStrategy<Value> {
    texts("[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
}

fn target() -> BoxedStrategy<Value> {
    let four = v4().prop_flat_map(|a| {
        prop_oneof![
            Just(a.to_string()),
            (1..=65_535u16).prop_map(move |port| format!("{a}:{port}"))
        ]
    });
    let six = v6().prop_flat_map(|a| {
        prop_oneof![
            Just(a.to_string()),
            (1..=65_535u16).prop_map(move |port| format!("[{a}]:{port}"))
        ]
    });
    prop_oneof![2 => four, 1 => six].prop_map(text).boxed()
}

/// What stands in order in a call.
fn arguments(noun: &Noun, verb: &Verb) -> BoxedStrategy<Vec<Value>> {
    let all = |all: Vec<BoxedStrategy<Value>>| all.boxed();
    match (noun.name, verb.usage) {
        (_, "") => Just(Vec::new()).boxed(),
        (_, "DEV") => all(vec![device()]),
        ("netns", "NAME") => all(vec![texts("[a-z][a-z0-9._-]{0,8}")]),
        (_, "ADDR/PREFIX") => all(vec![cidr().prop_map(text).boxed()]),
        ("nat", "[PREFIX]") => prop::option::of(prefix().prop_map(text))
            .prop_map(|prefix| prefix.into_iter().collect())
            .boxed(),
        ("route", "PREFIX") => all(vec![prop_oneof![prefix().prop_map(text), words(&["default"])].boxed()]),
        (_, "ADDRESS") => all(vec![address().prop_map(text).boxed()]),
        (_, "MAC") => all(vec![mac()]),
        ("sysctl", "KEY VALUE") => {
            let key = words(&[
                "net.ipv4.ip_forward",
                "net.ipv4.conf.all.rp_filter",
                "net/ipv6/conf/eth0.1/mtu",
            ]);
            all(vec![
                key,
                prop_oneof![number(0..=9999), texts("[a-z0-9]{1,5}( [0-9]{1,3})?")].boxed(),
            ])
        }
        ("filter", "CHAIN") => all(vec![words(&["input", "forward", "output"])]),
        ("filter", "CHAIN [PLACE]") => (words(&["input", "forward", "output"]), prop::option::of(number(1..=9)))
            .prop_map(|(chain, place)| [Some(chain), place].into_iter().flatten().collect())
            .boxed(),
        ("filter", "CHAIN POLICY") => all(vec![words(&["input", "forward", "output"]), words(&["accept", "drop"])]),
        ("filter", "CHAIN HANDLE") => all(vec![words(&["input", "forward"]), number(1..=1000)]),
        ("nat", "CHAIN HANDLE") => all(vec![words(&["prerouting", "postrouting"]), number(1..=1000)]),
        (noun, usage) => panic!("no arguments are made for {noun} {usage:?}"),
    }
}

/// Calls of a verb, valid ones among them.
fn calls(target: &Target) -> BoxedStrategy<Call> {
    let Target { noun, verb, kind, .. } = *target;
    let keys: Vec<&'static Key> = target.keys.iter().copied().flatten().collect();
    let with = move |chance: f64| {
        let options: Vec<BoxedStrategy<Option<(String, Value)>>> = keys
            .iter()
            .filter_map(|key| {
                let values = values(noun.name, verb.name, key)?;
                let name = key.name.to_string();
                Some(prop::option::weighted(chance, values.prop_map(move |value| (name.clone(), value))).boxed())
            })
            .collect();
        (netns(), arguments(noun, verb), options).prop_map(move |(netns, arguments, options)| {
            let mut call = Call::new(&netns, noun.name, verb.name);
            call.arguments = arguments;
            let kind = kind.map(|(key, kind)| (key.to_string(), text(kind)));
            call.options = kind.into_iter().chain(options.into_iter().flatten()).collect();
            call
        })
    };
    select(vec![0.1, 0.3, 0.6, 0.9]).prop_flat_map(with).boxed()
}

/// A call that a line would be read into otherwise: another says the same.
fn is_said_otherwise(call: &Call) -> bool {
    let has = |key| call.option(key).is_some();
    let net = |key| matches!(call.option(key), Some(Value::Str(prefix)) if prefix != "default");
    match (call.noun, call.verb) {
        // A program makes a tun where it is to be.
        ("link", "add") => has("netns") && call.option("type") == Some(&text("tun")),
        // The addresses say the family.
        ("rule", _) => has("family") && (net("from") || net("to")),
        // Only what has a proto can be told by its kind of message.
        ("nat" | "filter", "add" | "insert" | "remove" | "masquerade" | "snat" | "dnat" | "redirect") => {
            let icmp = [Some(&text("icmp")), Some(&text("icmpv6"))].contains(&call.option("proto"));
            has("icmp_type") && !icmp
        }
        _ => false,
    }
}

#[test]
fn what_is_spelled_is_read_back() {
    let mut wrong = Vec::new();
    for target in targets() {
        let name = format!("{} {} {:?}", target.noun.name, target.verb.name, target.kind);
        let mut runner = TestRunner::new(Config {
            cases: 300,
            failure_persistence: None,
            ..Config::default()
        });
        let valid = Cell::new(0);
        let ran = runner.run(&calls(&target), |call| {
            let Ok(Some(op)) = call.op() else { return Ok(()) };
            if is_said_otherwise(&call) {
                return Ok(());
            }
            valid.set(valid.get() + 1);
            let spelled = op.spell();
            let read = shell::read(&spelled, &NsName::host());
            let statements = read.map_err(|misread| {
                TestCaseError::fail(format!(
                    "{spelled}\n{}: {:?}",
                    misread.problem.message,
                    spelled.get(misread.place)
                ))
            })?;
            let ops: Vec<_> = statements.iter().filter_map(|said| said.call()?.op().ok()?).collect();
            prop_assert_eq!(&ops, &[op], "{}", spelled);
            Ok(())
        });
        if let Err(error) = ran {
            wrong.push(format!("{name}: {error}"));
        } else if valid.get() < 5 {
            wrong.push(format!("{name}: only {} calls were valid", valid.get()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

proptest! {
    #[test]
    fn no_line_is_too_strange(line in "\\PC{0,60}") {
        let _ = shell::read(&line, &NsName::host());
    }

    /// Words that mean something, in no order.
    #[test]
    fn no_order_of_words_is_too_strange(words in prop::collection::vec(select(WORDS), 0..14)) {
        let line = words.join(" ");
        match shell::read(&line, &NsName::host()) {
            Err(misread) => {
                let place = misread.place;
                prop_assert!(place.start <= place.end && place.end <= line.len(), "{line}: {place:?}");
            }
            Ok(statements) => for op in statements.iter().filter_map(|said| said.call()?.op().ok()?) {
                let spelled = op.spell();
                let again = shell::read(&spelled, &NsName::host()).map_err(|misread| {
                    TestCaseError::fail(format!("{line}: {spelled}: {}", misread.problem.message))
                })?;
                let again: Vec<_> = again.iter().filter_map(|said| Some(said.call()?.op().ok()??.spell())).collect();
                prop_assert_eq!(again, [spelled], "{}", line);
            },
        }
    }
}

const WORDS: &[&str] = &[
    "ip",
    "-n",
    "ns0",
    "link",
    "add",
    "set",
    "l",
    "a",
    "r",
    "dev",
    "type",
    "veth",
    "peer",
    "name",
    "bridge",
    "master",
    "up",
    "netns",
    "exec",
    "route",
    "default",
    "via",
    "10.0.0.1/24",
    "nexthop",
    "weight",
    "1",
    "rule",
    "from",
    "table",
    "tc",
    "qdisc",
    "root",
    "netem",
    "delay",
    "100ms",
    "loss",
    "1%",
    "iptables",
    "-t",
    "nat",
    "-A",
    "FORWARD",
    "-j",
    "ACCEPT",
    "!",
    "-s",
    "nft",
    "rule",
    "inet",
    "{",
    "}",
    "ct",
    "state",
    ",",
    "sysctl",
    "-w",
    "a=b",
    "ping",
    "-c",
    "-W",
    "sudo",
    "&&",
    "||",
    "|",
    ";",
    ">",
    "2>&1",
    "'",
    "\"",
    "brctl",
    "ifconfig",
    "netmask",
    "fdb",
    "vlan",
    "vid",
    "\"a",
    "b\"",
    "-",
    "--",
    "-6",
    "ä",
];
