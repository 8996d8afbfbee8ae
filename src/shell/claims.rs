//! What a command printed, as claims: only what would be the same on another machine.

use crate::netns::NsName;
use crate::ops::call::quoted;
use crate::ops::{Call, Value};

/// A claim: what is looked at, what is said of it, and about what it is, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// An expression of the script.
    pub is: String,
    /// What the post says it is, as the script has it.
    pub said: String,
    /// What it is about.
    pub about: String,
}

/// How a namespace is called in the script.
type Name<'a> = &'a dyn Fn(&NsName) -> String;

/// The claims that a call's output makes. `is_known` says whether a device was made by what came before.
pub fn claims(call: &Call, printed: &[String], name: Name, is_known: &dyn Fn(&NsName, &str) -> bool) -> Vec<Claim> {
    let printed: Vec<&str> = printed.iter().map(|line| line.trim_end()).collect();
    match (call.noun, call.verb) {
        ("", "ping") => ping(call, &printed, name),
        ("route", "show") => {
            let is_route = |line: &&&str| line.contains(" dev ") || line.contains(" via ") || is_type(line);
            let routes: Vec<String> = printed.iter().filter(is_route).map(|line| plain(line)).collect();
            all(call, routes, name, "its routes")
        }
        ("netns", "list") => {
            let names = printed
                .iter()
                .flat_map(|line| line.split_whitespace().take_while(|word| !word.starts_with('(')));
            all(call, names.map(String::from).collect(), name, "the namespaces")
        }
        ("addr" | "link", "show") => devices(call, &printed, name, is_known),
        ("sysctl", "get") => {
            let value = printed.iter().find(|line| !line.trim().is_empty());
            let value = value.map(|line| line.rsplit('=').next().unwrap_or_default().trim());
            let claim = |value| Claim {
                is: call.script(name),
                said: quoted(value),
                about: "its value".into(),
            };
            value.map(claim).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The error that a failed change printed, as the kernel names it.
pub fn errno(printed: &[String]) -> Option<&'static str> {
    const ERRORS: [(&str, &str); 12] = [
        ("File exists", "EEXIST"),
        ("Address already assigned", "EEXIST"),
        ("Network is unreachable", "ENETUNREACH"),
        ("Cannot find device", "ENODEV"),
        ("No such device", "ENODEV"),
        ("No such process", "ESRCH"),
        ("No such file", "ENOENT"),
        ("Operation not permitted", "EPERM"),
        ("Operation not supported", "EOPNOTSUPP"),
        ("Network is down", "ENETDOWN"),
        ("No route to host", "EHOSTUNREACH"),
        ("Invalid argument", "EINVAL"),
    ];
    let is_error = |line: &&String| {
        ["RTNETLINK answers:", "Error:", "Cannot ", "RTNETLINK"]
            .iter()
            .any(|e| line.starts_with(e))
    };
    let line = printed.iter().find(is_error)?;
    ERRORS
        .iter()
        .find(|(text, _)| line.contains(text))
        .map(|(_, errno)| *errno)
}

fn is_type(line: &str) -> bool {
    ["blackhole ", "unreachable ", "prohibit ", "throw "]
        .iter()
        .any(|kind| line.starts_with(kind))
}

/// A line without blanks that say nothing.
fn plain(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// That all of these are there.
fn all(call: &Call, said: Vec<String>, name: Name, about: &str) -> Vec<Claim> {
    if said.is_empty() {
        return Vec::new();
    }
    let said: Vec<String> = said.iter().map(|line| quoted(line)).collect();
    vec![Claim {
        is: call.script(name),
        said: format!("[{}]", said.join(", ")),
        about: about.into(),
    }]
}

/// Whether it was answered, or why not: in ping's own words, as far as they would be the same elsewhere.
fn ping(call: &Call, printed: &[&str], name: Name) -> Vec<Claim> {
    let target = match call.arguments.first() {
        Some(Value::Str(target)) => target.as_str(),
        _ => return Vec::new(),
    };
    let claim = |said: &str| {
        vec![Claim {
            is: call.script(name),
            said: quoted(said),
            about: format!("{}'s ping to {target}", call.netns),
        }]
    };
    let text = printed.join("\n");
    let errors = [
        "Network is unreachable",
        "Destination Host Unreachable",
        "Destination Net Unreachable",
    ];
    if let Some(error) = errors.iter().find(|error| text.contains(**error)) {
        return claim(error);
    }
    let loss = printed.iter().find_map(|line| {
        let (before, _) = line.split_once("% packet loss")?;
        before.rsplit([' ', ',']).next()?.parse::<f64>().ok()
    });
    match loss {
        Some(loss) if loss > 0.0 => claim(&format!("{loss}% packet loss")),
        _ if loss.is_some() || text.contains("bytes from") => claim(&format!("bytes from {target}")),
        _ => Vec::new(),
    }
}

/// What is said of devices: whether they are up, and their addresses.
fn devices(call: &Call, printed: &[&str], name: Name, is_known: &dyn Fn(&NsName, &str) -> bool) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut now: Option<(String, Vec<String>)> = None;
    let mut finish = |device: Option<(String, Vec<String>)>| {
        let Some((dev, said)) = device.filter(|(dev, said)| !said.is_empty() && is_known(&call.netns, dev)) else {
            return;
        };
        let mut one = Call::new(&call.netns, call.noun, "show");
        match call.noun {
            "link" => one.arguments.push(Value::Str(dev.clone())),
            _ => one.options.push(("dev".into(), Value::Str(dev.clone()))),
        }
        claims.extend(all(&one, said, name, &format!("{dev} of {}", call.netns)));
    };
    for line in printed {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [index, dev, flags, rest @ ..] if flags.starts_with('<') && is_index(index) => {
                finish(now.take());
                let dev = dev.trim_end_matches(':').split('@').next().unwrap_or_default();
                let mut said = Vec::new();
                for word in ["master", "state"] {
                    let value = rest
                        .iter()
                        .position(|known| *known == word)
                        .and_then(|at| rest.get(at + 1));
                    said.extend(value.map(|value| format!("{word} {value}")));
                }
                now = Some((dev.to_string(), said));
            }
            // Addresses that a device makes of its own follow from its MAC address, which is another's elsewhere.
            ["inet", ..] | ["inet6", ..] if !line.contains("scope link") && !line.contains("scope host") => {
                if let Some((_, said)) = &mut now {
                    said.push(plain(line));
                }
            }
            _ => {}
        }
    }
    finish(now);
    claims
}

fn is_index(word: &str) -> bool {
    word.strip_suffix(':').is_some_and(|index| index.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(noun: &'static str, verb: &'static str, printed: &str) -> Vec<String> {
        let ns0: NsName = "ns0".parse().expect("a name");
        let mut call = Call::new(&ns0, noun, verb);
        if verb == "ping" {
            call.arguments.push(Value::Str("10.0.0.1".into()));
        }
        let printed: Vec<String> = printed.lines().map(String::from).collect();
        let claims = claims(&call, &printed, &|netns| netns.to_string(), &|_, dev| dev != "strange");
        claims
            .into_iter()
            .map(|claim| format!("{} {}", claim.is, claim.said))
            .collect()
    }

    #[test]
    fn pings_are_answered_or_not() {
        let ok = "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.1 ms";
        assert_eq!(of("", "ping", ok), ["ns0.ping(\"10.0.0.1\") \"bytes from 10.0.0.1\""]);
        let lost = "1 packets transmitted, 0 received, 100% packet loss, time 0ms";
        assert_eq!(of("", "ping", lost), ["ns0.ping(\"10.0.0.1\") \"100% packet loss\""]);
        let none = "ping: connect: Network is unreachable";
        assert_eq!(
            of("", "ping", none),
            ["ns0.ping(\"10.0.0.1\") \"Network is unreachable\""]
        );
        assert!(of("", "ping", "PING 10.0.0.1").is_empty());
    }

    #[test]
    fn devices_are_up_and_have_addresses() {
        let printed = "4: eth0@if3: <BROADCAST,UP> mtu 1500 qdisc noqueue master br0 state UP group default\n    link/ether x\n    inet 10.0.0.1/24 scope global eth0\n    inet6 fe80::1/64 scope link\n5: strange: <UP> mtu 1 state UP\n";
        assert_eq!(
            of("addr", "show", printed),
            [
                "ns0.addr.show(#{ dev: \"eth0\" }) [\"master br0\", \"state UP\", \"inet 10.0.0.1/24 scope global eth0\"]"
            ]
        );
        assert_eq!(
            of("route", "show", "default via 10.1.1.1 dev eth0 \nKernel"),
            ["ns0.route.show() [\"default via 10.1.1.1 dev eth0\"]"]
        );
    }
}
