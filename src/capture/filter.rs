//! Which packets: a filter in tcpdump's words, read into a tree that is asked about each packet.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::packet::{ARP, Content, ICMP, ICMPV6, IPV4, IPV6, Packet, TCP, UDP};
use crate::error::nearest;

/// A filter that was understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Filter {
    text: String,
    tree: Tree,
}

impl Filter {
    /// Whether a packet passes.
    pub(super) fn passes(&self, packet: &Packet) -> bool {
        self.tree.holds(&Content::of(packet.protocol, packet.payload))
    }

    /// The words that it was made of.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Filters within filters, and the longest text of one.
const DEPTH: usize = 50;
const LONGEST: usize = 16_384;

/// The words that a filter is made of.
const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "ip",
    "ip6",
    "arp",
    "icmp",
    "icmp6",
    "tcp",
    "udp",
    "host",
    "net",
    "port",
    "portrange",
    "src",
    "dst",
];

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Is(Protocol),
    Address(Side, Value),
    Port(Side, u16, u16),
    Not(Box<Tree>),
    /// `and` and `or` bind alike, from the left, as they do for tcpdump.
    Chain(Box<Tree>, Vec<(Join, Tree)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

/// What the addresses of a packet are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Host(IpAddr),
    Net(IpNet),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
    Either,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Link(u16),
    Transport(u16, u8),
    /// Of IPv4 and of IPv6.
    Carried(u8),
}

impl Tree {
    fn holds(&self, content: &Content) -> bool {
        match self {
            Tree::Is(Protocol::Link(protocol)) => content.protocol == *protocol,
            Tree::Is(Protocol::Transport(link, transport)) => {
                content.protocol == *link && content.transport == Some(*transport)
            }
            Tree::Is(Protocol::Carried(transport)) => content.transport == Some(*transport),
            Tree::Address(side, value) => side.holds((content.source, content.destination), |address| {
                address.is_some_and(|address| value.holds(address))
            }),
            Tree::Port(side, first, last) => content
                .ports
                .is_some_and(|ports| side.holds(ports, |port| (*first..=*last).contains(&port))),
            Tree::Not(tree) => !tree.holds(content),
            Tree::Chain(first, rest) => rest
                .iter()
                .fold(first.holds(content), |so_far, (join, tree)| match join {
                    Join::And => so_far && tree.holds(content),
                    Join::Or => so_far || tree.holds(content),
                }),
        }
    }
}

impl Value {
    fn holds(self, address: IpAddr) -> bool {
        match self {
            Value::Host(host) => host == address,
            Value::Net(net) => net.contains(&address),
        }
    }
}

impl Side {
    fn holds<T>(self, (source, destination): (T, T), mut is: impl FnMut(T) -> bool) -> bool {
        match self {
            Side::Source => is(source),
            Side::Destination => is(destination),
            Side::Either => is(source) || is(destination),
            Side::Both => is(source) && is(destination),
        }
    }
}

impl TryFrom<String> for Filter {
    type Error = String;

    fn try_from(text: String) -> Result<Filter, String> {
        text.parse()
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> String {
        filter.text
    }
}

impl FromStr for Filter {
    type Err = String;

    /// Reads a filter; the error says which word was not understood.
    fn from_str(text: &str) -> Result<Filter, String> {
        if text.len() > LONGEST {
            return Err("is too long".into());
        }
        let words = words(text);
        if words.is_empty() {
            return Err("is empty".into());
        }
        let mut reader = Reader {
            words: &words,
            before: None,
        };
        let tree = reader.chain(0)?;
        match reader.next() {
            None => Ok(Filter {
                text: text.to_string(),
                tree,
            }),
            Some(")") => Err("has a `)` without its `(`".into()),
            Some(word) => Err(format!("wants `and` or `or` before `{word}`")),
        }
    }
}

/// What ends a word without a space, the longer first. One `&` or `|` means nothing, and is told as itself.
const SIGNS: [&str; 7] = ["&&", "||", "&", "|", "(", ")", "!"];

/// The words of a text: what stands between spaces, and the signs.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for mut rest in text.split_whitespace() {
        while !rest.is_empty() {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let end = match sign {
                Some(sign) => sign.len(),
                None => rest.find(['(', ')', '!', '&', '|']).unwrap_or(rest.len()),
            };
            let (word, behind) = rest.split_at(end);
            words.push(word);
            rest = behind;
        }
    }
    words
}

/// What stands before a value; a value alone after `and` and `or` means the same again: `port 80 or 443`.
#[derive(Clone, Copy)]
struct Before {
    protocol: Option<Protocol>,
    side: Side,
    kind: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Host,
    Net,
    Port,
    Range,
}

struct Reader<'a> {
    words: &'a [&'a str],
    before: Option<Before>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.first().copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    /// Takes the next word if it means something.
    fn take<T>(&mut self, meaning: impl Fn(&str) -> Option<T>) -> Option<T> {
        let meant = meaning(self.peek()?)?;
        self.next();
        Some(meant)
    }

    fn chain(&mut self, depth: usize) -> Result<Tree, String> {
        if depth > DEPTH {
            return Err("has too many brackets in each other".into());
        }
        let first = self.term(depth)?;
        let mut rest = Vec::new();
        while let Some(join) = self.take(join) {
            rest.push((join, self.term(depth)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Tree::Chain(Box::new(first), rest))
    }

    fn term(&mut self, depth: usize) -> Result<Tree, String> {
        let mut is_negated = false;
        while self.take(|word| ["not", "!"].contains(&word).then_some(())).is_some() {
            is_negated = !is_negated;
        }
        let tree = if self.take(|word| (word == "(").then_some(())).is_some() {
            let tree = self.chain(depth + 1)?;
            match self.next() {
                Some(")") => tree,
                Some(word) => return Err(format!("wants `and`, `or` or `)` before `{word}`")),
                None => return Err("has a `(` without its `)`".into()),
            }
        } else {
            self.primitive()?
        };
        Ok(if is_negated { Tree::Not(Box::new(tree)) } else { tree })
    }

    /// `tcp`, `src host 10.0.0.1`, `udp port 53`.
    fn primitive(&mut self) -> Result<Tree, String> {
        let named = self.peek();
        let protocol = self.take(protocol);
        let side = self.side()?;
        let kind = self.take(kind);
        let says_nothing = protocol.is_none() && side.is_none() && kind.is_none();
        let before = match self.before {
            Some(before) if says_nothing => before,
            _ => Before {
                protocol,
                side: side.unwrap_or(Side::Either),
                kind,
            },
        };
        let is_protocol_alone = protocol.is_some() && side.is_none() && kind.is_none() && !self.has_value();
        if let (Some(protocol), true) = (protocol, is_protocol_alone) {
            return Ok(Tree::Is(protocol));
        }
        let Some(word) = self.next() else {
            return Err(match (says_nothing, kind) {
                (true, _) => "ends where a word such as `icmp` or `host` is wanted".into(),
                (false, Some(Kind::Port | Kind::Range)) => "ends where a port is wanted".into(),
                (false, _) => "ends where an address is wanted".into(),
            });
        };
        let value = value(word, before.kind, says_nothing)?;
        self.before = Some(before);
        let tree = match value {
            Meant::Address(value) => Tree::Address(before.side, value),
            Meant::Ports(first, last) => Tree::Port(before.side, first, last),
        };
        let Some(protocol) = before.protocol else {
            return Ok(tree);
        };
        let has_ports = matches!(protocol, Protocol::Carried(_));
        match (&tree, protocol) {
            (Tree::Port(..), Protocol::Carried(_)) | (Tree::Address(..), Protocol::Link(_)) => {
                Ok(Tree::Chain(Box::new(Tree::Is(protocol)), vec![(Join::And, tree)]))
            }
            _ => {
                let named = named.unwrap_or_default();
                let goes = if has_ports {
                    "goes before a port"
                } else {
                    "has no ports"
                };
                let goes = if matches!(protocol, Protocol::Transport(..)) {
                    "stands alone"
                } else {
                    goes
                };
                Err(format!(
                    "has `{named}` before `{word}`, but `{named}` {goes}: say `{named} and …`"
                ))
            }
        }
    }

    /// `src`, `dst`, `src or dst`, `src and dst`.
    fn side(&mut self) -> Result<Option<Side>, String> {
        let Some(side) = self.take(side) else { return Ok(None) };
        let [joined, other, ..] = self.words else {
            return Ok(Some(side));
        };
        let (Some(join), Some(other)) = (join(joined), self::side(other)) else {
            return Ok(Some(side));
        };
        self.words = &self.words[2..];
        Ok(Some(match join {
            _ if side == other => return Err("has the same side twice".into()),
            Join::Or => Side::Either,
            Join::And => Side::Both,
        }))
    }

    /// Whether a value stands next, and not the end of what came before.
    fn has_value(&self) -> bool {
        self.peek()
            .is_some_and(|word| join(word).is_none() && !SIGNS.contains(&word) && !WORDS.contains(&word))
    }
}

fn join(word: &str) -> Option<Join> {
    match word {
        "and" | "&&" => Some(Join::And),
        "or" | "||" => Some(Join::Or),
        _ => None,
    }
}

fn side(word: &str) -> Option<Side> {
    match word {
        "src" => Some(Side::Source),
        "dst" => Some(Side::Destination),
        _ => None,
    }
}

fn protocol(word: &str) -> Option<Protocol> {
    Some(match word {
        "ip" => Protocol::Link(IPV4),
        "ip6" => Protocol::Link(IPV6),
        "arp" => Protocol::Link(ARP),
        "icmp" => Protocol::Transport(IPV4, ICMP),
        "icmp6" => Protocol::Transport(IPV6, ICMPV6),
        "tcp" => Protocol::Carried(TCP),
        "udp" => Protocol::Carried(UDP),
        _ => return None,
    })
}

fn kind(word: &str) -> Option<Kind> {
    match word {
        "host" => Some(Kind::Host),
        "net" => Some(Kind::Net),
        "port" => Some(Kind::Port),
        "portrange" => Some(Kind::Range),
        _ => None,
    }
}

enum Meant {
    Address(Value),
    Ports(u16, u16),
}

/// What a word means as a value of a kind; without a kind it tells by its form.
fn value(word: &str, kind: Option<Kind>, says_nothing: bool) -> Result<Meant, String> {
    let host = || word.parse().map(|host| Meant::Address(Value::Host(host))).ok();
    let net = || -> Option<Result<Meant, String>> {
        let net: IpNet = word.parse().ok()?;
        let is_plain = net.trunc() == net;
        Some(match is_plain {
            true => Ok(Meant::Address(Value::Net(net))),
            false => Err(format!("has the net `{word}`, which is {}", net.trunc())),
        })
    };
    let port = |word: &str| word.parse::<u16>().ok();
    let wants = |what: &str| format!("wants {what}, not `{word}`");
    match kind {
        Some(Kind::Host) => host().ok_or_else(|| wants("an address such as `10.0.0.1` after `host`")),
        Some(Kind::Net) => net()
            .or_else(|| host().map(Ok))
            .unwrap_or_else(|| Err(wants("a prefix such as `10.0.0.0/8` after `net`"))),
        Some(Kind::Port) => port(word)
            .map(|port| Meant::Ports(port, port))
            .ok_or_else(|| wants("a number after `port`")),
        Some(Kind::Range) => word
            .split_once('-')
            .and_then(|(first, last)| Some((port(first)?, port(last)?)))
            .filter(|(first, last)| first <= last)
            .map(|(first, last)| Meant::Ports(first, last))
            .ok_or_else(|| wants("two ports such as `1000-2000` after `portrange`")),
        None => match host() {
            Some(host) => Ok(host),
            None => net().unwrap_or_else(|| Err(unknown(word, says_nothing))),
        },
    }
}

fn unknown(word: &str, says_nothing: bool) -> String {
    if !says_nothing {
        return format!("wants an address, a net or a port, not `{word}`");
    }
    match nearest(word, WORDS.iter().copied()) {
        Some(near) if near != word => format!("does not understand `{word}`: did you mean `{near}`?"),
        _ => format!("does not understand `{word}`: its words are {}", WORDS.join(", ")),
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
