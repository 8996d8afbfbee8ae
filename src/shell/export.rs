//! A lab as a shell script that runs without nsx: what it changed, the programs it started, and its pings as checks.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::ops::call::quoted;
use crate::ops::{Answer, Call, Op, Typed, Value, exec_in, shell_word};

/// What a lab has done so far, as lines of a shell.
#[derive(Debug, Default)]
pub struct Export {
    lines: Vec<String>,
    prepared: BTreeSet<String>,
    last_ping: Option<(Call, usize)>,
    deletes: bool,
    pings: bool,
    starts: bool,
}

/// Runs the script where it can do no harm, as nsx does, unless it is told otherwise.
const HEAD: &str = r#"set -eu

# It runs in namespaces of its own, without root, and leaves nothing behind. `--here` changes this machine instead.
if [ "${1-}" != --here ]; then
    exec unshare --user --map-root-user --net --mount --pid --ipc --fork --kill-child --mount-proc sh -c \
        'mount -t tmpfs tmpfs /run && mount -t sysfs sysfs /sys && ip link set lo up && exec sh "$0" --here' "$0"
fi
"#;

const NETNS_DEL: &str = r#"
# The kernel takes a namespace away some time after its name: its devices go first.
netns_del() {
    for dev in $(ip -n "$1" -o link show | sed 's/^[0-9]*: \([^:@]*\).*/\1/'); do
        [ "$dev" = lo ] || ip -n "$1" link del dev "$dev" 2>/dev/null || true
    done
    ip netns del "$1"
}
"#;

const PINGS: &str = r#"
command -v ping >/dev/null || { echo "ping is missing: install iputils" >&2; exit 1; }

# A device that has just come up may drop the first packets: three tries.
answers() {
    for try in 1 2 3; do
        "$@" >/dev/null 2>&1 && echo "ok: $*" && return
    done
    echo "no answer: $*" >&2
    exit 1
}
is_silent() {
    if "$@" >/dev/null 2>&1; then
        echo "an answer, where there was none: $*" >&2
        exit 1
    fi
    echo "ok, no answer: $*"
}
"#;

const STARTS: &str = "\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n";

impl Export {
    /// A change that the lab made.
    pub fn changed(&mut self, op: &Op) {
        self.last_ping = None;
        for command in op.commands() {
            let is_preparation = [" add table ", " add chain "]
                .iter()
                .any(|word| command.contains(&format!("nft{word}")));
            if is_preparation && !self.prepared.insert(command.clone()) {
                continue;
            }
            match command.strip_prefix("ip netns del ") {
                Some(name) => {
                    self.deletes = true;
                    // Its tables are gone with it.
                    self.prepared
                        .retain(|known| !known.starts_with(&format!("ip netns exec {name} ")));
                    self.lines.push(format!("netns_del {name}"));
                }
                None => self.lines.push(command),
            }
        }
    }

    /// Something that the lab tried.
    pub fn asked(&mut self, call: &Call, answer: &Answer) {
        match (call.noun, call.verb) {
            ("", "ping") => self.ping(call, answer),
            ("", "exec") => {
                let may_fail = if call.option("check") == Some(&Value::Bool(true)) {
                    ""
                } else {
                    " || true"
                };
                let line = exec_in(&call.netns, &program(call));
                self.lines.push(format!("{line}{may_fail}"));
            }
            ("", "start") => {
                self.starts = true;
                self.lines.push(format!("{} &", exec_in(&call.netns, &program(call))));
            }
            ("", "serve") => self.serve(call),
            ("", "fetch" | "traceroute" | "capture") => {
                self.lines.push(format!(
                    "# {}: nsx itself does this",
                    call.script(&|netns| netns.to_string())
                ));
            }
            _ => {}
        }
    }

    /// A ping becomes a check of what came of it; of several alike, as `eventually` makes them, the last.
    fn ping(&mut self, call: &Call, answer: &Answer) {
        let Answer::One(_, report) = answer else { return };
        let is_ok = report.get("ok").and_then(Json::as_bool).unwrap_or(false);
        let target = report.get("target").and_then(Json::as_str).unwrap_or_default();
        let line = format!(
            "{} {}",
            if is_ok { "answers" } else { "is_silent" },
            exec_in(&call.netns, &ping(call, target))
        );
        self.pings = true;
        match &self.last_ping {
            Some((last, at)) if last == call => self.lines[*at] = line,
            _ => {
                self.last_ping = Some((call.clone(), self.lines.len()));
                self.lines.push(line);
            }
        }
    }

    fn serve(&mut self, call: &Call) {
        let said = call.script(&|netns| netns.to_string());
        let port = match call.option("port") {
            Some(Value::Int(port)) => *port,
            _ => 80,
        };
        if call.arguments.first() == Some(&Value::Str("http".into())) {
            self.starts = true;
            self.lines.push(format!("# {said}: its page says something else here"));
            let server = format!("python3 -m http.server {port} >/dev/null 2>&1 &");
            self.lines.push(exec_in(&call.netns, &server));
        } else {
            self.lines.push(format!("# {said}: nsx itself does this"));
        }
    }

    /// The script. `name` is that of the lab.
    pub fn script(&self, name: &str) -> String {
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        let mut text = format!("#!/bin/sh\n# {name} as a shell script, written by `nsx export --shell`.\n{HEAD}");
        for (is_needed, part) in [(self.deletes, NETNS_DEL), (self.pings, PINGS), (self.starts, STARTS)] {
            if is_needed {
                text.push_str(part);
            }
        }
        text.push('\n');
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

/// The program of `exec` and `start`.
fn program(call: &Call) -> String {
    match call.arguments.first() {
        Some(Value::Str(line)) => format!("sh -c {}", shell_word(line)),
        Some(Value::List(words)) => {
            let words = words.iter().map(|word| match word {
                Value::Str(word) => shell_word(word),
                other => shell_word(&other.describe()),
            });
            words.collect::<Vec<_>>().join(" ")
        }
        _ => quoted(""),
    }
}

/// `ping -c 1 -W 1 ADDRESS`.
fn ping(call: &Call, target: &str) -> String {
    let seconds = |key: &str| {
        let value = call.option(key)?;
        let span = crate::ops::Span::read(value).ok()?;
        Some(span.0.as_secs_f64().to_string())
    };
    let number = |key: &str| match call.option(key) {
        Some(Value::Int(number)) => Some(number.to_string()),
        _ => None,
    };
    let mut words = vec!["ping".to_string(), "-n".into()];
    words.extend(["-c".to_string(), number("count").unwrap_or_else(|| "1".into())]);
    words.extend(["-W".to_string(), seconds("timeout").unwrap_or_else(|| "1".into())]);
    let rest = [
        ("-i", seconds("interval")),
        ("-s", number("size")),
        ("-t", number("ttl")),
    ];
    for (option, value) in rest {
        words.extend(value.into_iter().flat_map(|value| [option.to_string(), value]));
    }
    if call.option("dont_fragment") == Some(&Value::Bool(true)) {
        words.extend(["-M".to_string(), "do".into()]);
    }
    words.push(target.to_string());
    words.join(" ")
}
