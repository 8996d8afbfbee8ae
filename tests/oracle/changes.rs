//! A change made by nsx, the same made by `ip`, and the same made by the commands that `nsx run -v` says:
//! three labs that must then be alike.

use std::collections::BTreeMap;

use nsx::ops::{Act, NOUNS};
use serde_json::Value as Json;

use crate::builder::{Nsx, Ran};

/// Prints all that `ip` knows of a lab, once every device has come up or not, and every
/// address is in use: `NETNS|WHAT|JSON`. Timers run and are left out, and so are the addresses that the kernel draws by
/// lot for some devices, and how many queues there are where nobody said it: nsx makes one, `ip` one for each processor.
/// How a device without a carrier is called, and whether routes know of that, hangs on who asked for it in between: `ip` does.
const DUMP: &str = r#"
quiet() { sed -E 's/"[a-z_]*timer":[0-9.]+,?//g; s/"permaddr":"[^"]*",?//g; s/"num_[rt]x_queues":(1|'$(nproc)'),//g
    s/"LOWERLAYERDOWN"/"DOWN"/g; s/"linkdown"//g'; }
# What one process ($2) says of each of the objects ($3 and on), a line each, in the namespace $1.
tell() {
    ns=$1 process=$2
    shift 2
    printf '%s\n' "$@" | $process -j -d -force -batch - | for what; do
        IFS= read -r line
        echo "$ns|$process $what|$line"
    done
}
dump() {
    for ns in host $(ip netns list | cut -d' ' -f1 | sort); do
        [ "$ns" = host ] && ip=ip || ip="ip -n $ns"
        tell $ns "$ip" link addr 'route show table all' rule neigh 'neigh show proxy'
        tell $ns "$ip -6" 'route show table all' rule
        tell $ns "bridge${ip#ip}" link fdb vlan
        [ "$ns" = host ] && in= || in="ip netns exec $ns"
        $in grep -rs '' /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf |
            sed "s/^/$ns|sysctl /; s/:/|/"
    done
}
rising='LOWER_UP[^>]*> .* state (DOWN|LOWERLAYERDOWN)|NO-CARRIER.*LOWER_UP'
unknown='[<,]UP[,>].* state UNKNOWN'
changing() {
    for ns in host $(ip netns list | cut -d' ' -f1); do
        [ "$ns" = host ] && ip=ip || ip="ip -n $ns"
        $ip -o link | grep -v ': lo:' | grep -E "$1" || $ip -o addr | grep tentative && return
    done
    false
}
# A device without a carrier of its own (dummy, a tunnel) is of state UNKNOWN for good.
waited() { [ $(($(date +%s) - start)) -ge $1 ]; }
start=$(date +%s)
until waited 3 || ! changing "$unknown|$rising" >/dev/null; do sleep 0.4; done
until waited 60 || ! changing "$rising" >/dev/null; do sleep 0.4; done
# The kernel tells its routes and bridges of a carrier once a second.
sleep 1.1
dump | quiet
"#;

/// What every lab starts with: IPv6 addresses that need not be looked for first.
const START: &str = "for c in all default lo; do echo 0 >/proc/sys/net/ipv6/conf/$c/accept_dad; done";

/// What is known of a lab, by namespace and object.
type State = BTreeMap<String, Json>;

/// Runs `script` in a lab, then looks at it.
fn lab(script: &str, shell: &str) -> (State, Ran) {
    let script = format!(
        "host.exec(args[0], #{{ check: true }});\n{script};\nprint(host.exec(args[1], #{{ check: true }}).stdout);"
    );
    let ran = Nsx::new(&["run", "-v", "lab.rhai", START, DUMP, shell])
        .file("lab.rhai", &script)
        .run();
    assert_eq!(ran.status, 0, "{script}\n{shell}\n{}", ran.stderr);
    let line = |line: &str| {
        let (key, value) = line.rsplit_once('|').expect("NETNS|WHAT|VALUE");
        let json = match value {
            "" => Json::Null,
            // So `bridge vlan` ends where the kernel has not loaded its bridges yet.
            "[" => Json::Array(Vec::new()),
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        (key.to_string(), in_order(key, without_empty(json)))
    };
    (ran.stdout.lines().filter(|l| !l.is_empty()).map(line).collect(), ran)
}

/// `ip -j` prints `{}` for what a filter has left out.
fn without_empty(json: Json) -> Json {
    match json {
        Json::Array(items) => items.into_iter().filter(|i| *i != serde_json::json!({})).collect(),
        other => other,
    }
}

/// The kernel draws lots for the order of neighbours.
fn in_order(key: &str, json: Json) -> Json {
    match json {
        Json::Array(mut items) if key.contains(" neigh") => {
            items.sort_by_key(ToString::to_string);
            Json::Array(items)
        }
        other => other,
    }
}

#[track_caller]
fn alike(nsx: &State, ip: &State, title: &str) {
    assert_eq!(
        nsx.keys().collect::<Vec<_>>(),
        ip.keys().collect::<Vec<_>>(),
        "{title}: the namespaces and devices"
    );
    let mut apart = Vec::new();
    for (key, left) in nsx {
        differences(key, left, &ip[key], &mut apart);
    }
    assert!(apart.is_empty(), "{title}:\n{}", apart.join("\n"));
}

/// Says where two values differ, each place in a line.
fn differences(place: &str, left: &Json, right: &Json, apart: &mut Vec<String>) {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => {
            for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                let value = |map: &serde_json::Map<String, Json>| map.get(key).cloned().unwrap_or_default();
                differences(&format!("{place}.{key}"), &value(left), &value(right), apart);
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                differences(&format!("{place}[{at}]"), left, right, apart);
            }
        }
        _ if left == right => {}
        _ => apart.push(format!("  {place}: {left} and {right}")),
    }
}

/// Makes a change by nsx, by `ip`, and by what nsx says it is to `ip`; each time after the commands of `before`.
#[track_caller]
pub fn compare(before: &str, nsx: &str, ip: &str) {
    crate::tools();
    let by_shell = "host.exec(\"set -e\\n\" + args[2], #{ check: true });";
    let (own, ran) = lab(&format!("{by_shell}{nsx}"), before);
    let lab = |script: &str, shell: &str| lab(script, &format!("{before}\n{shell}"));
    let spelled: Vec<_> = ran.stderr.lines().filter_map(|line| line.strip_prefix("+ ")).collect();
    let spelled = spelled.join("\n");
    alike(&own, &lab(by_shell, ip).0, "nsx against ip");
    alike(
        &own,
        &lab(by_shell, &spelled).0,
        &format!("nsx against what it says it does:\n{spelled}\n"),
    );
}

/// Cases: a name, what is there before if anything, what nsx is told, what `ip` is told.
#[macro_export]
macro_rules! cases {
    ($($name:ident $(after $before:literal)?: $nsx:literal = $ip:literal;)*) => {
        /// What nsx is told in the cases of this file.
        pub const CASES: &[&str] = &[$($nsx),*];

        $(#[test]
        fn $name() {
            $crate::changes::compare(concat!($($before)?), $nsx, $ip);
        })*
    };
}

/// The calls of a verb that the cases make.
fn calls(noun: &str, verb: &str) -> Vec<&'static str> {
    let files = [
        crate::link::CASES,
        crate::kinds::CASES,
        crate::addr::CASES,
        crate::neigh::CASES,
        crate::route::CASES,
        crate::sysctl::CASES,
        crate::rules_and_bridges::CASES,
    ];
    let call = match noun {
        "netns" => format!("netns::{verb}("),
        _ => format!(".{noun}.{verb}("),
    };
    let lines = files.into_iter().flatten().flat_map(|case| case.split(';'));
    // `link.set(` is no call of `bridge.link`.
    let is_other = |line: &str| line.contains(&format!(".bridge{call}"));
    lines.filter(|line| line.contains(&call) && !is_other(line)).collect()
}

#[test]
fn every_verb_and_every_key_is_compared() {
    // `bridge.vlan` takes a kernel option: rules_and_bridges.rs compares it where that is.
    let nouns = [
        "netns",
        "link",
        "addr",
        "neigh",
        "route",
        "sysctl",
        "rule",
        "bridge.link",
    ];
    for noun in NOUNS.iter().filter(|noun| nouns.contains(&noun.name)) {
        for verb in noun.verbs.iter().filter(|verb| matches!(verb.act, Act::Change(_))) {
            let own = calls(noun.name, verb.name);
            assert!(!own.is_empty(), "no case for {} {}", noun.name, verb.name);
            // What belongs to a type of device is one piece of code for `link add` and `link set`: those calls of `link
            // add` count for both. The last group of the keys of `link set` is what every device has.
            let last = verb.keys.last().map_or(&[][..], |group| group);
            let either = [own.clone(), calls(noun.name, "add")].concat();
            for key in verb.keys.iter().copied().flatten() {
                let is_of_all = last.iter().any(|of_all| of_all.name == key.name);
                let calls = if noun.name == "link" && !is_of_all {
                    &either
                } else {
                    &own
                };
                let is_given = calls.iter().any(|call| {
                    [format!(" {}:", key.name), format!(" \"{}\":", key.name)]
                        .iter()
                        .any(|given| call.contains(given))
                });
                assert!(is_given, "no case for {} {} with {}", noun.name, verb.name, key.name);
            }
        }
    }
}
