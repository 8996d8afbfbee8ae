//! The commands about rules, read: `iptables`, `ip6tables`, and `nft` as far as it says the same.

mod iptables;
mod nft;

use std::ops::Range;

use super::{Family, IcmpType};
use crate::ops::command::Draft;
use crate::ops::value::Value;
use crate::ops::{Heard, Misread};

pub use iptables::iptables;
pub use nft::nft;

/// What a command says of a ruleset.
pub enum Said {
    /// A rule that is added, inserted or removed.
    Rule(Box<Told>),
    /// A chain's policy.
    Policy {
        /// The chain, in small letters.
        chain: String,
        /// `accept` or `drop`.
        policy: String,
        /// Where the policy stands.
        place: Range<usize>,
    },
    /// The rule with this handle goes.
    Del {
        /// Its chain.
        chain: String,
        /// Its handle, as it was written.
        handle: String,
        /// Where the handle stands.
        place: Range<usize>,
    },
    /// Every rule goes.
    Flush,
    /// The rules are shown.
    Show,
    /// What nsx does of itself: tables and chains are there when they are needed.
    Nothing,
}

/// What is done with a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    /// It is added at its chain's end.
    #[default]
    Add,
    /// It is put first, or at a place.
    Insert,
    /// It is removed.
    Remove,
}

/// A rule as it was told.
#[derive(Default)]
pub struct Told {
    /// What is done with it.
    pub doing: Doing,
    /// Where that stands.
    pub doing_place: Range<usize>,
    /// The place in its chain where it is inserted, if that is said.
    pub at: Option<(Value, Range<usize>)>,
    /// Its chain, in small letters.
    pub chain: String,
    /// Where the chain stands.
    pub chain_place: Range<usize>,
    /// The keys by which it picks packets.
    pub keys: Vec<(&'static str, Value, Range<usize>)>,
    /// What it does, as nft spells it.
    pub verdict: String,
    /// Where that stands.
    pub verdict_place: Range<usize>,
    /// Where NAT turns a packet.
    pub to: Option<(Value, Range<usize>)>,
}

impl Told {
    fn key(&mut self, key: &'static str, value: Value, place: Range<usize>) -> Heard<()> {
        if self.keys.iter().any(|(known, ..)| *known == key) {
            return Err(Misread::at(
                place,
                format!("`{key}` is given twice: nsx's rules have one of each"),
            ));
        }
        self.keys.push((key, value, place));
        Ok(())
    }

    /// Puts the keys into a call, but for one.
    pub fn put(&self, draft: &mut Draft, but: &str) -> Heard<()> {
        for (key, value, place) in self.keys.iter().filter(|(key, ..)| *key != but) {
            draft.option(key, value.clone(), place.clone())?;
        }
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&(&'static str, Value, Range<usize>)> {
        self.keys.iter().find(|(known, ..)| *known == key)
    }
}

/// Ports as they stand in a command: `80`, `1000:2000`, `80,443`.
fn ports(text: &str, between: char) -> Value {
    let one = |text: &str| match (text.parse::<i64>(), text.split_once(between)) {
        (Ok(port), _) => Value::Int(port),
        (Err(_), Some((first, last))) => Value::Str(format!("{first}-{last}")),
        (Err(_), None) => service(text).map_or_else(|| Value::Str(text.into()), Value::Int),
    };
    match text.contains(',') {
        true => Value::List(text.split(',').map(|text| one(text.trim())).collect()),
        false => one(text),
    }
}

/// The ports that are called by name most.
fn service(name: &str) -> Option<i64> {
    const SERVICES: [(&str, i64); 9] = [
        ("ftp", 21),
        ("ssh", 22),
        ("telnet", 23),
        ("smtp", 25),
        ("domain", 53),
        ("http", 80),
        ("www", 80),
        ("https", 443),
        ("http-alt", 8080),
    ];
    SERVICES.iter().find(|(known, _)| *known == name).map(|(_, port)| *port)
}

/// States of a connection: `ESTABLISHED,RELATED`.
fn states(text: &str) -> Value {
    let states: Vec<Value> = text
        .split(',')
        .map(|state| Value::Str(state.trim().to_lowercase()))
        .collect();
    match states.as_slice() {
        [one] => one.clone(),
        _ => Value::List(states),
    }
}

/// A kind of ICMP message by its name, where it has one.
fn icmp_type(text: &str, family: Family) -> Value {
    match text.parse() {
        Ok(number) => match IcmpType::of(family, number) {
            IcmpType::Name(name) => Value::Str(name),
            IcmpType::Number(number) => Value::Int(number.into()),
        },
        Err(_) => Value::Str(text.into()),
    }
}

/// A transport protocol as nsx names it.
fn protocol(text: &str) -> Value {
    match text {
        "ipv6-icmp" | "icmp6" => Value::Str("icmpv6".into()),
        other => crate::ops::words::number_or_text(&other.to_lowercase()),
    }
}
