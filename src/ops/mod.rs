//! The waist: [`Op`], a change as data; [`fact`], what the kernel reported as data; and the nouns that
//! know everything about their own.
//!
//! A noun is one room: its options, their validation, its netlink messages, its `ip` spelling stand
//! together, and its [`Noun`] declaration is what the script engine, completion, help and the reference
//! are made of. To add a verb, add it to its noun's declaration.

pub mod call;
mod capture;
mod causes;
pub mod command;
pub mod cost;
pub mod fact;
mod history;
mod inverse;
pub mod names;
mod types;
mod units;
mod value;
mod words;
mod world;

pub mod addr;
pub mod bridge;
pub mod filter;
pub mod link;
pub mod nat;
pub mod neigh;
pub mod netns;
pub mod ownership;
pub mod qdisc;
pub mod reach;
pub mod route;
pub mod rule;
pub mod ruleset;
mod serve;
pub mod space;
pub mod sysctl;
pub mod wg;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, Result, name};
use crate::netns::NsName;

pub use call::Call;
pub use causes::{CAUSES, Cause};
pub use command::Command;
pub use fact::Shape;
pub use history::{Done, History, Line};
pub use inverse::Inverse;
pub use types::{Cidr, IfName, Mac, Prefix, Span};
pub use units::{Chance, Rate, Size};
pub use value::{Args, Key, Options, Typed, Value};
pub use words::{Heard, Misread, Word, Words, number_or_text};
pub use world::{Answer, World};

/// A noun: `link` in `ns.link.add(…)`.
pub struct Noun {
    /// Its name; empty for the verbs of a namespace itself (`ns.ping`). A noun within another has the other's
    /// before it: `bridge.fdb` in `ns.bridge.fdb.add(…)`.
    pub name: &'static str,
    /// Where its verbs are called.
    pub place: Place,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// What can be done with it; nothing where it only holds other nouns.
    pub verbs: &'static [Verb],
    /// The commands of a shell that are about it, and how they are read.
    pub commands: &'static [Command],
}

impl Noun {
    /// Its name as a command has it: `bridge fdb`.
    pub fn words(&self) -> String {
        self.name.replace('.', " ")
    }

    /// The nouns within it, by the last part of their names.
    pub fn inner(&self) -> impl Iterator<Item = (&'static str, &'static Noun)> {
        NOUNS.iter().filter_map(|noun| {
            let (outer, last) = noun.name.rsplit_once('.')?;
            (outer == self.name).then_some((last, *noun))
        })
    }
}

/// Where the verbs of a noun are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a namespace: `ns.link.add`.
    Namespace,
    /// On the lab as a whole: `netns::add`.
    Lab,
}

/// A verb of a noun, declared once.
pub struct Verb {
    /// Its name.
    pub name: &'static str,
    /// Its arguments in order, as `ip` names them: `DEV`, `[DEV]`.
    pub usage: &'static str,
    /// Its option keys, in groups.
    pub keys: &'static [&'static [Key]],
    /// Markdown: what it does, its `ip` equivalent, an example that is run as a test.
    pub doc: &'static str,
    /// What a call does.
    pub act: Act,
}

/// What a call of a verb does.
pub enum Act {
    /// It changes something: the arguments become a change, which is then carried out.
    Change(fn(Args) -> Result<Change>),
    /// It asks or tries something in the namespace.
    Ask(fn(&World, &NsName, Args) -> Result<Answer>),
}

/// Every noun there is.
pub const NOUNS: &[&Noun] = &[
    &netns::NOUN,
    &space::NOUN,
    &link::NOUN,
    &addr::NOUN,
    &route::NOUN,
    &neigh::NOUN,
    &qdisc::NOUN,
    &qdisc::class::NOUN,
    &rule::NOUN,
    &bridge::NOUN,
    &bridge::link::NOUN,
    &bridge::fdb::NOUN,
    &bridge::vlan::NOUN,
    &nat::NOUN,
    &filter::NOUN,
    &sysctl::NOUN,
    &wg::NOUN,
];

/// One change of the network: what, and in which namespace. Nothing else changes anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Op {
    /// Where.
    pub netns: NsName,
    /// What.
    pub change: Change,
}

/// Declares the changes once: each noun's own, and its name in data.
macro_rules! changes {
    ($($(#[doc = $doc:literal])+ $noun:ident($change:ty) = $name:literal;)*) => {
        /// A change, by noun.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "object")]
        pub enum Change {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $noun($change),)*
        }

        $(impl From<$change> for Change {
            fn from(change: $change) -> Change {
                Change::$noun(change)
            }
        })*

        impl Change {
            fn operation(&self) -> &dyn Operation {
                match self {
                    $(Change::$noun(change) => change,)*
                }
            }
        }
    };
}

changes! {
    /// Of the set of namespaces.
    Netns(netns::Change) = "netns";
    /// Of a device.
    Link(link::Change) = "link";
    /// Of a device's addresses.
    Addr(addr::Change) = "addr";
    /// Of the routing tables.
    Route(route::Change) = "route";
    /// Of the neighbour table.
    Neigh(neigh::Change) = "neigh";
    /// Of policy routing.
    Rule(rule::Change) = "rule";
    /// Of a bridge's ports.
    BridgeLink(bridge::link::Change) = "bridge.link";
    /// Of a forwarding database.
    BridgeFdb(bridge::fdb::Change) = "bridge.fdb";
    /// Of the VLANs of a bridge's ports.
    BridgeVlan(bridge::vlan::Change) = "bridge.vlan";
    /// Of a device's qdiscs.
    Qdisc(qdisc::Change) = "qdisc";
    /// Of a qdisc's classes.
    Class(qdisc::class::Change) = "class";
    /// Of address translation.
    Nat(nat::Change) = "nat";
    /// Of the filter.
    Filter(filter::Change) = "filter";
    /// Of a kernel parameter.
    Sysctl(sysctl::Change) = "sysctl";
    /// Of a WireGuard device.
    Wg(wg::Change) = "wg";
}

/// What every noun's change can do.
pub trait Operation {
    /// The verb and its target in a few words, for messages: `link add veth0`.
    fn title(&self) -> String;

    /// The command that does the same.
    fn spell(&self, netns: &NsName) -> String;

    /// The commands that do the same on a machine where nothing is prepared for it.
    fn commands(&self, netns: &NsName) -> Vec<String> {
        vec![self.spell(netns)]
    }

    /// Carries it out.
    fn apply(&self, world: &World, netns: &NsName) -> Result<()>;

    /// What undoes it, found in the state before it is carried out.
    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse>;
}

impl Op {
    /// `ip link set lo up`: what makes a new network namespace the lab's `host`.
    pub fn lo_up() -> Op {
        Op {
            netns: NsName::host(),
            change: Change::Link(link::Change::lo_up()),
        }
    }

    /// The command that does the same: `ip -n ns0 link set veth0 up`.
    pub fn spell(&self) -> String {
        self.change.operation().spell(&self.netns)
    }

    /// The commands that do the same on a machine where nothing is prepared for it: with the tables and chains of nf_tables
    /// that a rule wants. Those may be given again.
    pub fn commands(&self) -> Vec<String> {
        self.change.operation().commands(&self.netns)
    }

    /// Carries it out, and keeps it in the world's history. A failure names the operation and its namespace, and
    /// what is behind it where that is known.
    pub fn apply(&self, world: &World) -> Result<()> {
        let inverse = world.history.keeps_inverses().then(|| self.inverse(world));
        let applied = match &world.owner {
            Some(owner) => owner.apply(world, self),
            None => self.act(world),
        };
        applied.map_err(|problem| self.explain(world, problem))?;
        world.history.keep(self, inverse);
        Ok(())
    }

    /// What undoes it, found in the state before it is carried out.
    pub fn inverse(&self, world: &World) -> Inverse {
        let found = self.change.operation().inverse(world, &self.netns);
        found.unwrap_or_else(|problem| Inverse::Cannot(problem.message))
    }

    /// The operation and its namespace in a few words: `link add veth0 in host`.
    pub fn title(&self) -> String {
        format!("{} in {}", self.change.operation().title(), self.netns)
    }

    /// Carries it out as it is, whoever owns what.
    fn act(&self, world: &World) -> Result<()> {
        self.change.operation().apply(world, &self.netns)
    }

    fn explain(&self, world: &World, problem: Box<Problem>) -> Box<Problem> {
        let scene = causes::Scene {
            world,
            netns: &self.netns,
            change: &self.change,
        };
        let mut problem = causes::tell(&scene, problem.during(self.spell(), self.netns.as_str()));
        let reason = match problem.errno {
            Some(errno) if problem.message == errno.desc() => {
                format!("{} ({})", lower_first(errno.desc()), name(errno))
            }
            _ => std::mem::take(&mut problem.message),
        };
        problem.message = format!("{}: {reason}", self.title());
        problem
    }
}

/// A namespace as a script writes it: by the name of the variable that such a namespace is usually kept in, or else
/// asked for.
pub(crate) fn handle(netns: &NsName) -> String {
    let name = netns.as_str();
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word {
        name.to_string()
    } else {
        format!("netns::get({name:?})")
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// Spells an `ip` command in a namespace: `ip -n ns0 link show`.
pub fn ip(netns: &NsName, words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    command("ip", netns, words)
}

/// Spells a `tc` command in a namespace: `tc -n ns0 qdisc show`.
pub fn tc(netns: &NsName, words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    command("tc", netns, words)
}

/// Spells a command of iproute2, `ip` or `bridge`, in a namespace.
fn command(program: &str, netns: &NsName, words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut command = if netns.is_host() {
        program.to_string()
    } else {
        format!("{program} -n {netns}")
    };
    for word in words {
        command.push(' ');
        command.push_str(&shell_word(word.as_ref()));
    }
    command
}

/// Spells any other command in a namespace: `ip netns exec ns0 sysctl -w …`.
pub fn exec_in(netns: &NsName, command: &str) -> String {
    if netns.is_host() {
        command.to_string()
    } else {
        format!("ip netns exec {netns} {command}")
    }
}

/// A word as a shell reads it back.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-:/@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
