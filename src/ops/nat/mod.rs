//! `nat`: what addresses become on their way through a namespace.

mod command;
mod inverse;

use serde::{Deserialize, Serialize};

use super::ruleset::{self, Action, Addresses, How, Matches, Rule, RuleFact, Target, To, Verdict};
use super::value::not_wanted;
use super::{
    Act, Answer, Args, Inverse, Noun, Operation, Options, Place, Prefix, Shape, Typed, Value, Verb, World, exec_in,
};
use crate::error::{Part, Problem, Result};
use crate::netlink::nftables::{Chain, Hook};
use crate::netns::NsName;
use crate::options;

/// The table, of family `inet`.
/// The table that it is in, of family inet.
pub const TABLE: &str = "nsx_nat";

/// A change of NAT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `iptables -t nat -A CHAIN … -j …`, for the family that the addresses say, or both.
    Add {
        /// Which chain.
        chain: NatChain,
        /// Which packets.
        matches: Box<Matches>,
        /// What they become.
        action: Action,
    },
    /// `iptables -t nat -I CHAIN PLACE …`.
    Insert {
        /// Which chain.
        chain: NatChain,
        /// Its place among the rules of the chain; the first is 1.
        at: usize,
        /// Which packets.
        matches: Box<Matches>,
        /// What they become.
        action: Action,
    },
    /// `iptables -t nat -D CHAIN …`: the last rule that says this.
    Remove {
        /// Which chain.
        chain: NatChain,
        /// Which packets.
        matches: Box<Matches>,
        /// What they become.
        action: Action,
    },
    /// `nft delete rule inet nsx_nat CHAIN handle HANDLE`.
    Del {
        /// Its chain.
        chain: NatChain,
        /// Its handle.
        handle: u64,
    },
    /// `iptables -t nat -F`.
    Flush {},
}

/// A chain of NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NatChain {
    /// Destinations of packets that come in.
    Prerouting,
    /// Sources of packets that came in and stay.
    Input,
    /// Destinations of packets that are made here.
    Output,
    /// Sources of packets that go out.
    Postrouting,
}

/// The rules of a namespace.
pub fn rules(world: &World, netns: &NsName) -> Result<Vec<RuleFact>> {
    ruleset::facts(&*world.space(netns)?, &NatChain::ALL.map(NatChain::place))
}

/// Whether a namespace translates any address.
pub(super) fn is_any(world: &World, netns: &NsName) -> bool {
    rules(world, netns).is_ok_and(|facts| !facts.is_empty())
}

impl NatChain {
    const ALL: [NatChain; 4] = [
        NatChain::Prerouting,
        NatChain::Input,
        NatChain::Output,
        NatChain::Postrouting,
    ];

    fn rule<'a>(self, matches: &'a Matches, action: &'a Action) -> Rule<'a> {
        Rule {
            chain: self.place(),
            matches,
            action,
        }
    }

    fn place(self) -> &'static Chain {
        const fn chain(name: &'static str, hook: Hook, priority: i32) -> Chain {
            Chain {
                table: TABLE,
                name,
                kind: "nat",
                hook,
                priority,
            }
        }
        const DSTNAT: i32 = -100;
        const SRCNAT: i32 = 100;
        const PREROUTING: Chain = chain("prerouting", Hook::Prerouting, DSTNAT);
        const INPUT: Chain = chain("input", Hook::Input, SRCNAT);
        const OUTPUT: Chain = chain("output", Hook::Output, DSTNAT);
        const POSTROUTING: Chain = chain("postrouting", Hook::Postrouting, SRCNAT);
        match self {
            NatChain::Prerouting => &PREROUTING,
            NatChain::Input => &INPUT,
            NatChain::Output => &OUTPUT,
            NatChain::Postrouting => &POSTROUTING,
        }
    }
}

impl Typed for NatChain {
    const WANTS: &'static str = "\"prerouting\", \"input\", \"output\" or \"postrouting\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        NatChain::ALL
            .into_iter()
            .find(|chain| chain.place().name == text)
            .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        self.place().name.to_string()
    }
}

options! {
    /// What a source becomes.
    pub struct ToSource {
        /// The new source address, perhaps with a port.
        to: Target,
    }
}

options! {
    /// What a destination becomes.
    pub struct ToDestination {
        /// The new destination address, perhaps with a port.
        to: Target,
        /// `output` for packets made in this namespace; `prerouting`, for those that come in, is the default.
        chain: NatChain,
    }
}

options! {
    /// Which port of this machine it becomes.
    pub struct ToPort {
        /// The new destination port; without it the port stays.
        to: u16,
        /// `output` for packets made in this namespace; `prerouting`, for those that come in, is the default.
        chain: NatChain,
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "nat",
    place: Place::Namespace,
    doc: "Network address translation: what addresses become on their way through a namespace. The answers are turned \
back by themselves.",
    verbs: &[
        Verb {
            name: "masquerade",
            usage: "[PREFIX]",
            keys: &[Matches::KEYS],
            doc: "Packets from these sources take the address of the device they go out on.

`iptables -t nat -A POSTROUTING -s PREFIX -o DEV -j MASQUERADE`

```rhai
host.nat.masquerade(\"10.1.1.0/24\", #{ oif: \"enp1s0\" });
assert_eq(host.nat.show()[0].saddr, \"10.1.1.0/24\");
```",
            act: Act::Change(masquerade),
        },
        Verb {
            name: "snat",
            usage: "[PREFIX]",
            keys: &[ToSource::KEYS, Matches::KEYS],
            doc: "Packets from these sources take the source address `to`.

`iptables -t nat -A POSTROUTING -s PREFIX -o DEV -j SNAT --to-source ADDR`

```rhai
host.nat.snat(\"10.1.1.0/24\", #{ to: \"203.0.113.2\", oif: \"enp1s0\" });
assert_eq(host.nat.show()[0].to, \"203.0.113.2\");
```",
            act: Act::Change(snat),
        },
        Verb {
            name: "dnat",
            usage: "",
            keys: &[ToDestination::KEYS, Matches::KEYS],
            doc: "Packets that come in go on to the address `to`, perhaps to another port.

`iptables -t nat -A PREROUTING -i DEV -p PROTO --dport PORT -j DNAT --to-destination ADDR:PORT`

```rhai
host.nat.dnat(#{ proto: \"tcp\", dport: 8080, to: \"10.1.1.10:80\", iif: \"enp1s0\" });
assert_eq(host.nat.show()[0].to, \"10.1.1.10:80\");
```",
            act: Act::Change(dnat),
        },
        Verb {
            name: "redirect",
            usage: "",
            keys: &[ToPort::KEYS, Matches::KEYS],
            doc: "Packets that come in are for this namespace itself, perhaps for another port.

`iptables -t nat -A PREROUTING -p PROTO --dport PORT -j REDIRECT --to-ports PORT`

```rhai
host.nat.redirect(#{ proto: \"tcp\", dport: 80, to: 8080 });
assert_eq(host.nat.show()[0].to, 8080);
```",
            act: Act::Change(redirect),
        },
        Verb {
            name: "del",
            usage: "CHAIN HANDLE",
            keys: &[],
            doc: "Removes a rule, by the handle that `show` says.

`nft delete rule inet nsx_nat CHAIN handle HANDLE`

```rhai
host.nat.masquerade(\"10.1.1.0/24\");
let rule = host.nat.show()[0];
host.nat.del(rule.chain, rule.handle);
assert(host.nat.show().is_empty(), \"no rule is left\");
```",
            act: Act::Change(|mut args| {
                let chain = args.required("the chain")?;
                let handle = args.required("the handle")?;
                args.finish(&[])?;
                Ok(super::Change::Nat(Change::Del { chain, handle }))
            }),
        },
        Verb {
            name: "flush",
            usage: "",
            keys: &[],
            doc: "Removes every rule. Connections that are translated already stay so.

`iptables -t nat -F`

```rhai
host.nat.masquerade(\"10.1.1.0/24\");
host.nat.flush();
assert(host.nat.show().is_empty(), \"no rule is left\");
```",
            act: Act::Change(|args| {
                args.finish(&[])?;
                Ok(super::Change::Nat(Change::Flush {}))
            }),
        },
        Verb {
            name: "show",
            usage: "",
            keys: &[],
            doc: "The rules in order, chain by chain, with handle, packets and bytes. Only the first packet of a connection
meets them, and is counted.

`nft -a list table inet nsx_nat`

```rhai
host.nat.masquerade(\"10.1.1.0/24\");
assert_eq(host.nat.show()[0].verdict, \"masquerade\");
```",
            act: Act::Ask(|world, netns, args| {
                args.finish(&[])?;
                let space = world.space(netns)?;
                Ok(Answer::Many(Shape::Ruleset, ruleset::show(&space, &NatChain::ALL.map(NatChain::place))?))
            }),
        },
    ],
    commands: command::COMMANDS,
};

fn masquerade(mut args: Args) -> Result<super::Change> {
    let matches = sources(&mut args)?;
    args.finish(Matches::KEYS)?;
    added(NatChain::Postrouting, matches, Verdict::Masquerade, None)
}

fn snat(mut args: Args) -> Result<super::Change> {
    let matches = sources(&mut args)?;
    let options = ToSource::take(&mut args)?;
    args.finish(&[ToSource::KEYS, Matches::KEYS].concat())?;
    let to = options.to.ok_or_else(|| missing_to(Target::WANTS))?;
    added(NatChain::Postrouting, matches, Verdict::Snat, Some(To::Target(to)))
}

fn dnat(mut args: Args) -> Result<super::Change> {
    let matches = Matches::take(&mut args)?;
    let options = ToDestination::take(&mut args)?;
    args.finish(&[ToDestination::KEYS, Matches::KEYS].concat())?;
    let to = options.to.ok_or_else(|| missing_to(Target::WANTS))?;
    added(
        destinations(options.chain)?,
        matches,
        Verdict::Dnat,
        Some(To::Target(to)),
    )
}

fn redirect(mut args: Args) -> Result<super::Change> {
    let matches = Matches::take(&mut args)?;
    let options = ToPort::take(&mut args)?;
    args.finish(&[ToPort::KEYS, Matches::KEYS].concat())?;
    if options.to == Some(0) {
        return Err(Problem::argument("`to` wants a port from 1 to 65535, not 0").at(Part::Key("to".into())));
    }
    added(
        destinations(options.chain)?,
        matches,
        Verdict::Redirect,
        options.to.map(To::Port),
    )
}

fn missing_to(wants: &str) -> Box<Problem> {
    Problem::argument(format!("`to` is missing: it wants {wants}"))
}

/// The keys, and the sources that stand first in the call.
fn sources(args: &mut Args) -> Result<Matches> {
    let prefix: Option<Prefix> = args.next("the prefix")?;
    let mut matches = Matches::take(args)?;
    let Some(prefix) = prefix else { return Ok(matches) };
    if matches.saddr.is_some() {
        return Err(Problem::argument("`saddr` and a prefix say the same").at(Part::Key("saddr".into())));
    }
    if let Prefix::Net(net) = prefix {
        matches.saddr = Some(Addresses { negated: false, net });
    }
    Ok(matches)
}

/// The chain where destinations are changed.
fn destinations(chain: Option<NatChain>) -> Result<NatChain> {
    match chain.unwrap_or(NatChain::Prerouting) {
        chain @ (NatChain::Prerouting | NatChain::Output) => Ok(chain),
        other => {
            let message = format!(
                "`chain` wants \"prerouting\" or \"output\", not {:?}: destinations are changed there",
                other.spell()
            );
            Err(Problem::argument(message).at(Part::Key("chain".into())))
        }
    }
}

fn added(chain: NatChain, matches: Matches, verdict: Verdict, to: Option<To>) -> Result<super::Change> {
    let matches = Box::new(matches);
    let action = Action { verdict, to };
    chain.rule(&matches, &action).check()?;
    Ok(super::Change::Nat(Change::Add { chain, matches, action }))
}

impl Operation for Change {
    fn title(&self) -> String {
        match self {
            Change::Add { matches, action, .. } => {
                let what = match (action.to, &matches.saddr) {
                    (Some(to), _) => format!(" to {}", to.spell()),
                    (None, Some(saddr)) => format!(" {}", saddr.spell()),
                    (None, None) => String::new(),
                };
                format!("nat {}{what}", action.verdict.word())
            }
            Change::Insert { chain, at, .. } => format!("nat insert {} {at}", chain.spell()),
            Change::Remove { chain, .. } => format!("nat remove {}", chain.spell()),
            Change::Del { chain, handle } => format!("nat del {} {handle}", chain.spell()),
            Change::Flush {} => "nat flush".to_string(),
        }
    }

    fn spell(&self, netns: &NsName) -> String {
        let command = match self {
            Change::Add { chain, matches, action } => ruleset::spell(&chain.rule(matches, action), How::Append),
            Change::Insert {
                chain,
                at,
                matches,
                action,
            } => ruleset::spell(&chain.rule(matches, action), How::Insert(*at)),
            Change::Remove { chain, matches, action } => {
                ruleset::spell(&chain.rule(matches, action), How::Remove(ruleset::END))
            }
            Change::Del { chain, handle } => format!("nft delete rule inet {TABLE} {} handle {handle}", chain.spell()),
            Change::Flush {} => format!("nft flush table inet {TABLE}"),
        };
        exec_in(netns, &command)
    }

    fn commands(&self, netns: &NsName) -> Vec<String> {
        let (chain, last) = match self {
            Change::Add { chain, matches, action } => {
                let rule = ruleset::nft(&chain.rule(matches, action), How::Append);
                (Some(chain.place()), rule)
            }
            Change::Insert {
                chain,
                at,
                matches,
                action,
            } => {
                let rule = ruleset::nft(&chain.rule(matches, action), How::Insert(*at));
                (Some(chain.place()), rule)
            }
            Change::Remove { .. } | Change::Del { .. } | Change::Flush {} => (None, self.spell(&NsName::host())),
        };
        let commands = ruleset::prepare(TABLE, chain).into_iter().chain([last]);
        commands.map(|command| exec_in(netns, &command)).collect()
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let space = world.space(netns)?;
        match self {
            Change::Add { chain, matches, action } => {
                ruleset::carry_out(&space, &chain.rule(matches, action), How::Append)
            }
            Change::Insert {
                chain,
                at,
                matches,
                action,
            } => ruleset::carry_out(&space, &chain.rule(matches, action), How::Insert(*at)),
            Change::Remove { chain, matches, action } => {
                ruleset::carry_out(&space, &chain.rule(matches, action), How::Remove(ruleset::END))
            }
            Change::Del { chain, handle } => ruleset::delete(&space, chain.place(), *handle),
            Change::Flush {} => ruleset::flush(&space, TABLE),
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

#[cfg(test)]
mod tests;
