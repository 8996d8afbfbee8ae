//! How rules are spelled: as `nft` lists them, and as the command that makes them.

use super::{Action, Family, Matches, Protocol, Rule, To, Verdict};
use crate::netlink::nftables::Chain;
use crate::netns::NsName;
use crate::ops::{Typed, exec_in, shell_word};

/// The parts of a rule as `nft` lists them: `ip saddr 10.0.0.0/8`, `tcp dport 22`, `accept`.
pub fn phrases(family: Option<Family>, m: &Matches, counter: &str, action: Option<&Action>) -> Vec<String> {
    let mut said = Vec::new();
    let by_protocol = m.icmp_type.is_some() || m.proto.and_then(Protocol::family).is_some();
    let says_family = m.saddr.is_some() || m.daddr.is_some() || by_protocol;
    if let Some(family) = family.filter(|_| !says_family) {
        said.push(format!(
            "meta nfproto {}",
            if family == Family::V4 { "ipv4" } else { "ipv6" }
        ));
    }
    for (key, addresses) in [("saddr", &m.saddr), ("daddr", &m.daddr)] {
        if let Some(a) = addresses {
            said.push(format!(
                "{} {key} {}{}",
                a.family().word(),
                unequal(a.negated),
                a.prefix()
            ));
        }
    }
    for (key, device) in [("iifname", &m.iif), ("oifname", &m.oif)] {
        if let Some(d) = device {
            said.push(format!("{key} {}\"{}\"", unequal(d.negated), d.name));
        }
    }
    said.extend(transport(family, m));
    said.extend(m.ct.map(|states| format!("ct state {}", states.spell())));
    said.extend(m.mark.map(|mark| format!("meta mark {mark:#010x}")));
    if !counter.is_empty() {
        said.push(counter.to_string());
    }
    said.extend(m.log.as_ref().map(|log| match log.prefix.as_str() {
        "" => "log".to_string(),
        prefix => format!("log prefix \"{prefix}\""),
    }));
    said.extend(action.map(verdict));
    said.extend(m.comment.as_ref().map(|comment| format!("comment \"{}\"", comment.0)));
    said
}

fn unequal(negated: bool) -> &'static str {
    if negated { "!= " } else { "" }
}

fn transport(family: Option<Family>, m: &Matches) -> Vec<String> {
    let protocol = m.proto.map_or_else(|| "th".to_string(), |protocol| protocol.spell());
    let mut said = Vec::new();
    for (key, ports) in [("sport", &m.sport), ("dport", &m.dport)] {
        if let Some(ports) = ports {
            let ranges = ports.spelled('-');
            match ranges.as_slice() {
                [range] => said.push(format!("{protocol} {key} {range}")),
                ranges => said.push(format!("{protocol} {key} {{ {} }}", ranges.join(", "))),
            }
        }
    }
    if let Some(icmp_type) = &m.icmp_type {
        let protocol = Protocol::icmp(family.unwrap_or(Family::V4)).spell();
        said.push(format!("{protocol} type {}", icmp_type.spell()));
    }
    if said.is_empty() && m.proto.is_some() {
        said.push(format!("meta l4proto {}", l4proto(&protocol)));
    }
    said
}

/// `nft` has getprotobynumber's word for ICMPv6 here.
fn l4proto(protocol: &str) -> &str {
    if protocol == "icmpv6" { "ipv6-icmp" } else { protocol }
}

fn verdict(action: &Action) -> String {
    match action.to {
        None => action.verdict.word().to_string(),
        Some(To::Port(port)) => format!("{} to :{port}", action.verdict.word()),
        Some(To::Target(target)) => {
            format!(
                "{} {} to {}",
                action.verdict.word(),
                Family::of(target.address).word(),
                target.spell()
            )
        }
    }
}

/// What is done with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is added at its chain's end.
    Append,
    /// It is added at this place of its chain; the first is 1.
    Insert(usize),
    /// It is removed; of several that say the same, the one nearest to this place.
    Remove(usize),
}

/// The place after all others: of several rules that say the same, the last one is nearest to it.
pub const END: usize = usize::MAX;

/// The command that does this with a rule: `iptables` where it can say the rule, else `nft`.
pub fn command(rule: &Rule<'_>, how: How) -> String {
    iptables(rule, how).unwrap_or_else(|| nft(rule, how))
}

/// The `nft` command. It counts rules from 0, and what is added `index 0` comes after the first: so a rule can be put after
/// the last one too. It knows rules that go by their handles only: their words say which.
pub fn nft(rule: &Rule<'_>, how: How) -> String {
    let family = rule.family().ok().flatten();
    let rule_text = phrases(family, rule.matches, "counter", Some(rule.action)).join(" ");
    let (verb, place) = match how {
        How::Append => ("add", String::new()),
        How::Insert(at) => match at.checked_sub(2) {
            Some(after) => ("add", format!(" index {after}")),
            None => ("insert", String::new()),
        },
        How::Remove(_) => ("delete", String::new()),
    };
    format!(
        "nft {verb} rule inet {} {}{place} {}",
        rule.chain.table,
        rule.chain.name,
        shell(&rule_text)
    )
}

/// The command that removes the first rule that says this: `nft` wants its handle, which its list tells.
pub fn nft_remove(rule: &Rule<'_>, netns: &NsName) -> String {
    let (table, chain) = (rule.chain.table, rule.chain.name);
    let list = exec_in(netns, &format!("nft -a -s list chain inet {table} {chain}"));
    let family = rule.family().ok().flatten();
    let line = phrases(family, &rule.as_listed(), "counter", Some(rule.action)).join(" ");
    let line = line.replace('\\', r"\\").replace('"', "\\\"");
    let is_it = format!("index($0, \"\\t\\t{line} # handle \") == 1 {{ print $NF; exit }}");
    let handle = format!("\"$({list} | awk {})\"", shell_word(&is_it));
    exec_in(netns, &format!("nft delete rule inet {table} {chain} handle {handle}"))
}

/// The `nft` commands that see to it that a table is there, and a chain in it.
pub fn prepare(table: &str, chain: Option<&Chain>) -> Vec<String> {
    let mut commands = vec![format!("nft add table inet {table}")];
    commands.extend(chain.map(|chain| {
        let (kind, name, priority) = (chain.kind, chain.name, chain.priority);
        let text = format!("{{ type {kind} hook {name} priority {priority} ; }}");
        format!("nft add chain inet {table} {name} {}", shell(&text))
    }));
    commands
}

/// Words for a shell: quoted as one if there is anything in them that a shell would read.
pub fn shell(words: &str) -> String {
    let plain = words.split(' ').all(|word| shell_word(word) == word);
    if plain { words.to_string() } else { shell_word(words) }
}

/// The `iptables` or `ip6tables` command, where one of them can say the rule.
fn iptables(rule: &Rule<'_>, how: How) -> Option<String> {
    let family = rule.family().ok().flatten()?;
    let m = rule.matches;
    // Its LOG is a rule of its own.
    if m.log.is_some() {
        return None;
    }
    let mut words = vec![if family == Family::V4 { "iptables" } else { "ip6tables" }.to_string()];
    words.extend(table(rule.chain));
    let (option, place) = match how {
        How::Append => ("-A", None),
        How::Insert(at) => ("-I", (at > 1).then(|| at.to_string())),
        How::Remove(_) => ("-D", None),
    };
    words.extend([option.to_string(), rule.chain.name.to_uppercase()]);
    words.extend(place);
    for (option, addresses) in [("-s", &m.saddr), ("-d", &m.daddr)] {
        if let Some(a) = addresses {
            words.extend(option_words(a.negated, option, a.prefix()));
        }
    }
    for (option, device) in [("-i", &m.iif), ("-o", &m.oif)] {
        if let Some(d) = device {
            words.extend(option_words(d.negated, option, d.name.replace('*', "+")));
        }
    }
    words.extend(iptables_transport(rule, family));
    if let Some(states) = m.ct {
        words.extend(["-m", "conntrack", "--ctstate"].map(String::from));
        words.push(states.spell().to_uppercase());
    }
    if let Some(mark) = m.mark {
        words.extend(["-m", "mark", "--mark"].map(String::from));
        words.push(mark.to_string());
    }
    if let Some(comment) = &m.comment {
        words.extend(["-m", "comment", "--comment"].map(String::from));
        words.push(comment.0.clone());
    }
    words.extend(["-j".to_string(), rule.action.verdict.word().to_uppercase()]);
    words.extend(iptables_target(rule.action));
    Some(
        words
            .iter()
            .map(|word| if word == "!" { word.clone() } else { shell_word(word) })
            .collect::<Vec<_>>()
            .join(" "),
    )
}

fn table(chain: &Chain) -> Vec<String> {
    if chain.kind == "nat" {
        vec!["-t".into(), "nat".into()]
    } else {
        Vec::new()
    }
}

fn option_words(negated: bool, option: &str, value: String) -> Vec<String> {
    let not = negated.then(|| "!".to_string());
    not.into_iter().chain([option.to_string(), value]).collect()
}

fn iptables_transport(rule: &Rule<'_>, family: Family) -> Vec<String> {
    let m = rule.matches;
    let mut words = Vec::new();
    if let Some(protocol) = rule.protocol() {
        words.extend(["-p".to_string(), protocol.spell()]);
    }
    for (one, several, ports) in [("--sport", "--sports", &m.sport), ("--dport", "--dports", &m.dport)] {
        if let Some(ports) = ports {
            let ranges = ports.spelled(':');
            match ranges.as_slice() {
                [range] => words.extend([one.to_string(), range.clone()]),
                ranges => words.extend(["-m", "multiport", several, &ranges.join(",")].map(String::from)),
            }
        }
    }
    if let Some(number) = m.icmp_type.as_ref().and_then(|icmp_type| icmp_type.number(family)) {
        let option = if family == Family::V4 {
            "--icmp-type"
        } else {
            "--icmpv6-type"
        };
        // The words that iptables and nft share; others have other words there.
        let echo = matches!((family, number), (Family::V4, 0 | 8) | (Family::V6, 128 | 129));
        let value = m
            .icmp_type
            .as_ref()
            .filter(|_| echo)
            .map_or(number.to_string(), |t| t.spell());
        words.extend([option.to_string(), value]);
    }
    words
}

fn iptables_target(action: &Action) -> Vec<String> {
    let option = match action.verdict {
        Verdict::Snat => "--to-source",
        Verdict::Dnat => "--to-destination",
        Verdict::Redirect => "--to-ports",
        _ => return Vec::new(),
    };
    action
        .to
        .iter()
        .flat_map(|to| [option.to_string(), to.spell()])
        .collect()
}
