//! The programs that are read, and the options and objects of those of iproute2, in the order in which they look
//! for them: where a word is cut short, the first that begins so is meant.

use std::ops::Range;

use crate::netns::NsName;
use crate::ops::command::Setting;
use crate::ops::route::Family;
use crate::ops::{Command, Heard, Misread, NOUNS, Words, netns};

/// What the options before the object say.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    pub netns: Option<NsName>,
    pub setting: Setting,
}

/// What an option of iproute2's programs does to what nsx reads.
#[derive(Clone, Copy)]
enum Effect {
    /// How something is printed: nothing to nsx.
    None,
    /// The same, with a value.
    Value,
    Family,
    Inet,
    Inet6,
    Netns,
    /// Nothing that nsx has.
    Refused,
}

const OPTIONS: &[(&str, Effect)] = &[
    ("loops", Effect::Value),
    ("family", Effect::Family),
    ("4", Effect::Inet),
    ("6", Effect::Inet6),
    ("0", Effect::Refused),
    ("M", Effect::Refused),
    ("B", Effect::Refused),
    ("human-readable", Effect::None),
    ("iec", Effect::None),
    ("statistics", Effect::None),
    ("stats", Effect::None),
    ("details", Effect::None),
    ("resolve", Effect::None),
    ("raw", Effect::None),
    ("oneline", Effect::None),
    ("timestamp", Effect::None),
    ("tshort", Effect::None),
    ("Version", Effect::Refused),
    ("force", Effect::Refused),
    ("batch", Effect::Refused),
    ("brief", Effect::None),
    ("json", Effect::None),
    ("pretty", Effect::None),
    ("rcvbuf", Effect::Value),
    ("color", Effect::None),
    ("compressvlans", Effect::None),
    ("help", Effect::Refused),
    ("netns", Effect::Netns),
    ("Numeric", Effect::None),
    ("all", Effect::Refused),
    ("echo", Effect::None),
];

/// The objects of `ip`, in its order, each with nsx's noun.
const IP: &[(&str, Option<&str>)] = &[
    ("address", Some("addr")),
    ("addrlabel", None),
    ("maddress", None),
    ("route", Some("route")),
    ("rule", Some("rule")),
    ("neighbor", Some("neigh")),
    ("neighbour", Some("neigh")),
    ("ntable", None),
    ("ntbl", None),
    ("stats", None),
    ("tunnel", None),
    ("tunl", None),
    ("tuntap", Some("tuntap")),
    ("tap", None),
    ("fou", None),
    ("ila", None),
    ("macsec", None),
    ("link", Some("link")),
    ("l2tp", None),
    ("token", None),
    ("tcp_metrics", None),
    ("tcpmetrics", None),
    ("monitor", None),
    ("xfrm", None),
    ("mroute", None),
    ("mrule", None),
    ("netns", Some("netns")),
    ("netconf", None),
    ("vrf", None),
    ("sr", None),
    ("nexthop", None),
    ("mptcp", None),
    ("ioam", None),
    ("help", None),
];

const BRIDGE: &[(&str, Option<&str>)] = &[
    ("link", Some("link")),
    ("fdb", Some("fdb")),
    ("mdb", None),
    ("mst", None),
    ("vlan", Some("vlan")),
    ("vni", None),
    ("monitor", None),
    ("help", None),
];

const TC: &[(&str, Option<&str>)] = &[
    ("qdisc", Some("qdisc")),
    ("class", Some("class")),
    ("filter", None),
    ("chain", None),
    ("actions", None),
    ("monitor", None),
    ("exec", None),
    ("help", None),
];

/// The objects of a program of iproute2.
fn objects(program: &str) -> Option<&'static [(&'static str, Option<&'static str>)]> {
    match program {
        "ip" => Some(IP),
        "bridge" => Some(BRIDGE),
        "tc" => Some(TC),
        _ => None,
    }
}

/// The noun's declaration of a command.
fn declared(program: &str, object: &str) -> Option<&'static Command> {
    let mut commands = NOUNS.iter().flat_map(|noun| noun.commands);
    commands.find(|command| command.program == program && command.object == object)
}

/// The reader that a program's words are for, and what its own options say.
pub(super) enum For {
    /// A noun's.
    Reader(&'static Command, Before),
    /// `ip netns exec NAME`: what follows, in that namespace.
    Inside(NsName),
    /// No program about networks.
    Nobody,
}

/// Finds who reads a program's words; those that say so are taken.
pub(super) fn find(program: &str, words: &mut Words) -> Heard<For> {
    let mut before = Before::default();
    if let Some(objects) = objects(program) {
        options(program, words, &mut before)?;
        let from = words.place();
        let object = words.verb(program, objects)?;
        if program == "ip" && object == "netns" && is_exec(words) {
            words.next();
            return inside(words).map(For::Inside);
        }
        return match declared(program, object) {
            Some(command) => Ok(For::Reader(command, before)),
            None => Err(Misread::at(from, format!("nsx has no `{program} {object}`"))),
        };
    }
    let (program, object) = match program {
        "iptables" | "iptables-nft" | "iptables-legacy" => ("iptables", table(words)?),
        "ip6tables" | "ip6tables-nft" | "ip6tables-legacy" => {
            before.setting.family = Some(Family::Inet6);
            ("iptables", table(words)?)
        }
        "nft" => ("nft", nft_table(words)),
        "ping6" => ("ping", ""),
        "traceroute6" | "tracepath" | "tracepath6" | "mtr" => ("traceroute", ""),
        other => (other, ""),
    };
    match declared(program, object) {
        Some(command) => Ok(For::Reader(command, before)),
        None => Ok(For::Nobody),
    }
}

fn options(program: &str, words: &mut Words, before: &mut Before) -> Heard<()> {
    while let Some(word) = words.peek() {
        let Some(option) = word.strip_prefix('-') else { break };
        words.next();
        let option = option.strip_prefix('-').unwrap_or(option);
        if option.is_empty() {
            break;
        }
        let bare = option.split('=').next().unwrap_or_default();
        let found = OPTIONS.iter().find(|(known, _)| known.starts_with(bare));
        match found.map(|(_, effect)| *effect) {
            Some(Effect::None) => {}
            Some(Effect::Value) => drop(words.value(word)?),
            Some(Effect::Inet) => before.setting.family = Some(Family::Inet),
            Some(Effect::Inet6) => before.setting.family = Some(Family::Inet6),
            Some(Effect::Family) => {
                before.setting.family = match words.value(word)? {
                    "inet" => Some(Family::Inet),
                    "inet6" => Some(Family::Inet6),
                    other => return Err(words.misread_last(format!("nsx has no family `{other}` here"))),
                };
            }
            Some(Effect::Netns) => before.netns = Some(inside(words)?),
            Some(Effect::Refused) | None => {
                return Err(words.misread_last(format!("nsx does not read `{program} {word}`")));
            }
        }
    }
    Ok(())
}

/// The name of a namespace.
fn inside(words: &mut Words) -> Heard<NsName> {
    let name = words.value("netns")?;
    named(name, words.last())
}

/// A namespace that a command names.
pub(super) fn named(name: &str, place: Range<usize>) -> Heard<NsName> {
    match name.parse::<NsName>() {
        Ok(netns) if !netns.is_host() => Ok(netns),
        Ok(_) => Err(Misread::at(
            place,
            "`host` is the lab's own root namespace in nsx: no other has that name",
        )),
        Err(why) => Err(Misread::at(place, why)),
    }
}

fn is_exec(words: &Words) -> bool {
    let verb = words.clone().verb("ip netns", netns::VERBS);
    matches!(verb, Ok("exec"))
}

/// The table of an iptables command.
fn table<'a>(words: &Words<'a>) -> Heard<&'a str> {
    let mut words = words.clone();
    let mut table = "filter";
    while let Some(word) = words.next() {
        if ["-t", "--table"].contains(&word) {
            table = words.value("-t")?;
            if !["filter", "nat"].contains(&table) {
                return Err(words.misread_last(format!("nsx has no table {table}: only filter and nat")));
            }
        }
    }
    Ok(table)
}

/// The noun that an nft command is about: by what its rule does. What stands in quotes is text.
fn nft_table(words: &Words) -> &'static str {
    let mut words = words.clone();
    let of_nat = ["nsx_nat", "masquerade", "snat", "dnat", "redirect", "nat"];
    while let Some(word) = words.next() {
        let mut said = word.split('"').step_by(2).flat_map(|text| text.split([' ', ';', '{']));
        if said.any(|word| of_nat.contains(&word)) {
            return "nat";
        }
    }
    "filter"
}
