//! `filter`: what passes to, through and from a namespace.

mod command;
mod inverse;
mod rule;

use serde::{Deserialize, Serialize};

use super::ruleset::{self, Action, How, Matches, Rule, Verdict};
use super::value::not_wanted;
use super::{Act, Answer, Inverse, Noun, Operation, Options, Place, Shape, Typed, Value, Verb, World, exec_in};
use crate::error::Result;
use crate::netlink::nftables::{self, Chain, Hook};
use crate::netns::NsName;

pub(super) use command::version;
use rule::Deed;

/// The table that it is in, of family inet.
pub const TABLE: &str = "nsx_filter";

/// A change of the filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `iptables -P CHAIN POLICY`, for IPv4 and IPv6.
    Policy {
        /// Which chain.
        chain: FilterChain,
        /// What happens at its end.
        policy: Policy,
    },
    /// `iptables -A CHAIN …`, for the family that the addresses say, or both.
    Add {
        /// Which chain.
        chain: FilterChain,
        /// Which packets.
        matches: Box<Matches>,
        /// What happens to them.
        verdict: Verdict,
    },
    /// `iptables -I CHAIN PLACE …`.
    Insert {
        /// Which chain.
        chain: FilterChain,
        /// Its place among the rules of the chain; the first is 1.
        at: usize,
        /// Which packets.
        matches: Box<Matches>,
        /// What happens to them.
        verdict: Verdict,
    },
    /// `iptables -D CHAIN …`: the rule that says this.
    Remove {
        /// Which chain.
        chain: FilterChain,
        /// Of several that say this, the one nearest to this place goes: at 1 the first, as iptables does it.
        at: usize,
        /// Which packets.
        matches: Box<Matches>,
        /// What happens to them.
        verdict: Verdict,
    },
    /// `nft delete rule inet nsx_filter CHAIN handle HANDLE`.
    Del {
        /// Its chain.
        chain: FilterChain,
        /// Its handle.
        handle: u64,
    },
    /// `iptables -F`.
    Flush {},
}

/// A chain of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterChain {
    /// Packets for this namespace.
    Input,
    /// Packets through it.
    Forward,
    /// Packets from it.
    Output,
}

impl FilterChain {
    const ALL: [FilterChain; 3] = [FilterChain::Input, FilterChain::Forward, FilterChain::Output];

    fn rule<'a>(self, matches: &'a Matches, action: &'a Action) -> Rule<'a> {
        Rule {
            chain: self.place(),
            matches,
            action,
        }
    }

    fn place(self) -> &'static Chain {
        const fn chain(name: &'static str, hook: Hook) -> Chain {
            Chain {
                table: TABLE,
                name,
                kind: "filter",
                hook,
                priority: 0,
            }
        }
        const INPUT: Chain = chain("input", Hook::Input);
        const FORWARD: Chain = chain("forward", Hook::Forward);
        const OUTPUT: Chain = chain("output", Hook::Output);
        match self {
            FilterChain::Input => &INPUT,
            FilterChain::Forward => &FORWARD,
            FilterChain::Output => &OUTPUT,
        }
    }
}

impl Typed for FilterChain {
    const WANTS: &'static str = "\"input\", \"forward\" or \"output\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let named = FilterChain::ALL.into_iter().find(|chain| chain.place().name == text);
        named.ok_or_else(|| match text.as_str() {
            "prerouting" | "postrouting" => format!("{text:?} is a chain of nat: filter wants {}", Self::WANTS),
            _ => not_wanted::<Self>(value),
        })
    }

    fn spell(&self) -> String {
        self.place().name.to_string()
    }
}

/// Whether a policy can end the connections of the machine itself.
pub fn shuts_out(chain: FilterChain, policy: Policy) -> bool {
    chain != FilterChain::Forward && policy == Policy::Drop
}

/// What happens to a packet that no rule decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// It goes on.
    Accept,
    /// It is gone.
    Drop,
}

impl Typed for Policy {
    const WANTS: &'static str = "\"accept\" or \"drop\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "accept" => Ok(Policy::Accept),
            Value::Str(text) if text == "drop" => Ok(Policy::Drop),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self {
            Policy::Accept => "accept",
            Policy::Drop => "drop",
        }
        .to_string()
    }
}

impl Typed for Verdict {
    const WANTS: &'static str = "\"accept\", \"drop\" or \"reject\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let filters = [Verdict::Accept, Verdict::Drop, Verdict::Reject];
        filters
            .into_iter()
            .find(|verdict| verdict.word() == text)
            .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        self.word().to_string()
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "filter",
    place: Place::Namespace,
    doc: "Which packets pass to (`input`), through (`forward`) and from (`output`) a namespace. IPv4 and IPv6 both, \
unless addresses say one. Rules are tried in order; the first verdict decides, else the chain's policy.",
    verbs: &[
        Verb {
            name: "add",
            usage: "CHAIN",
            keys: &[Matches::KEYS, Deed::KEYS],
            doc: "Adds a rule at the end of a chain.

`iptables -A CHAIN -i DEV … -j VERDICT`

```rhai
host.filter.add(\"forward\", #{ iif: \"br0\", verdict: \"accept\" });
host.filter.add(\"forward\", #{ oif: \"br0\", ct: [\"established\", \"related\"], verdict: \"accept\" });
host.filter.add(\"input\", #{ proto: \"tcp\", dport: 22, saddr: \"10.0.0.0/8\", verdict: \"reject\", comment: \"no ssh\" });
assert_eq(host.filter.show().len(), 3);
```",
            act: Act::Change(rule::add),
        },
        Verb {
            name: "insert",
            usage: "CHAIN [PLACE]",
            keys: &[Matches::KEYS, Deed::KEYS],
            doc: "Adds a rule before those that are there, or at a place of its chain: the first is 1.

`iptables -I CHAIN [PLACE] -i DEV … -j VERDICT`

```rhai
host.filter.add(\"forward\", #{ iif: \"br0\", verdict: \"drop\" });
host.filter.insert(\"forward\", #{ iif: \"br0\", proto: \"icmp\", verdict: \"accept\" });
host.filter.insert(\"forward\", 2, #{ ct: \"established\", verdict: \"accept\" });
assert_eq(host.filter.show().map(|rule| rule.verdict), [\"accept\", \"accept\", \"drop\"]);
assert_eq(host.filter.show()[1].ct, [\"established\"]);
```",
            act: Act::Change(rule::insert),
        },
        Verb {
            name: "remove",
            usage: "CHAIN",
            keys: &[Matches::KEYS, Deed::KEYS],
            doc: "Removes the rule that says this: the first, where several do. `del` removes one by its handle.

`iptables -D CHAIN -i DEV … -j VERDICT`

```rhai
host.filter.add(\"forward\", #{ iif: \"br0\", verdict: \"accept\" });
host.filter.remove(\"forward\", #{ iif: \"br0\", verdict: \"accept\" });
assert(host.filter.show().is_empty(), \"no rule is left\");
```",
            act: Act::Change(rule::remove),
        },
        Verb {
            name: "policy",
            usage: "CHAIN POLICY",
            keys: &[],
            doc: "Sets what happens to packets that no rule of the chain decides on: `\"accept\"`, as at first, or `\"drop\"`.

`iptables -P CHAIN POLICY`

```rhai
host.filter.policy(\"forward\", \"drop\");
assert_eq(host.filter.show()[0].policy, \"drop\");
```",
            act: Act::Change(|mut args| {
                let chain = args.required("the chain")?;
                let policy = args.required("the policy")?;
                args.finish(&[])?;
                Ok(super::Change::Filter(Change::Policy { chain, policy }))
            }),
        },
        Verb {
            name: "del",
            usage: "CHAIN HANDLE",
            keys: &[],
            doc: "Removes a rule, by the handle that `show` says.

`nft delete rule inet nsx_filter CHAIN handle HANDLE`

```rhai
host.filter.add(\"input\", #{ iif: \"br0\", verdict: \"drop\" });
let rule = host.filter.show()[0];
host.filter.del(rule.chain, rule.handle);
assert(host.filter.show().is_empty(), \"no rule is left\");
```",
            act: Act::Change(|mut args| {
                let chain = args.required("the chain")?;
                let handle = args.required("the handle")?;
                args.finish(&[])?;
                Ok(super::Change::Filter(Change::Del { chain, handle }))
            }),
        },
        Verb {
            name: "flush",
            usage: "",
            keys: &[],
            doc: "Removes every rule; policies stay.

`iptables -F`

```rhai
host.filter.add(\"input\", #{ iif: \"br0\", verdict: \"drop\" });
host.filter.flush();
assert(host.filter.show().is_empty(), \"no rule is left\");
```",
            act: Act::Change(|args| {
                args.finish(&[])?;
                Ok(super::Change::Filter(Change::Flush {}))
            }),
        },
        Verb {
            name: "show",
            usage: "",
            keys: &[],
            doc: "The rules in order, chain by chain, with handle, packets and bytes; after those of a chain whose policy is to
drop, an element with `policy` and what it dropped.

`nft -a list table inet nsx_filter`

```rhai
host.filter.add(\"input\", #{ proto: \"tcp\", dport: 22, verdict: \"drop\" });
assert_eq(host.filter.show()[0].dport, 22);
assert_eq(host.filter.show()[0].packets, 0);
```",
            act: Act::Ask(|world, netns, args| {
                args.finish(&[])?;
                let space = world.space(netns)?;
                Ok(Answer::Many(Shape::Ruleset, ruleset::show(&space, &FilterChain::ALL.map(FilterChain::place))?))
            }),
        },
    ],
    commands: command::COMMANDS,
};

/// The rules and the policies of a namespace's filter.
pub(super) fn rules(world: &World, netns: &NsName) -> Result<Vec<ruleset::RuleFact>> {
    ruleset::facts(&*world.space(netns)?, &FilterChain::ALL.map(FilterChain::place))
}

impl Change {
    /// The rule that it is about, where its keys say which, and what is done with it.
    fn rule(&self) -> Option<(FilterChain, &Matches, Action, How)> {
        let (chain, matches, verdict, how) = match self {
            Change::Add {
                chain,
                matches,
                verdict,
            } => (chain, matches, verdict, How::Append),
            Change::Insert {
                chain,
                at,
                matches,
                verdict,
            } => (chain, matches, verdict, How::Insert(*at)),
            Change::Remove {
                chain,
                at,
                matches,
                verdict,
            } => (chain, matches, verdict, How::Remove(*at)),
            Change::Policy { .. } | Change::Del { .. } | Change::Flush {} => return None,
        };
        Some((*chain, matches, verdict.action(), how))
    }

    /// Whether it sets the policy of a chain.
    pub(super) fn sets_policy(&self, name: &str) -> bool {
        matches!(self, Change::Policy { chain, .. } if chain.place().name == name)
    }
}

impl Operation for Change {
    fn title(&self) -> String {
        match self {
            Change::Policy { chain, policy } => format!("filter policy {} {}", chain.spell(), policy.spell()),
            Change::Add { chain, .. } => format!("filter add {}", chain.spell()),
            Change::Insert { chain, at, .. } => format!("filter insert {} {at}", chain.spell()),
            Change::Remove { chain, .. } => format!("filter remove {}", chain.spell()),
            Change::Del { chain, handle } => format!("filter del {} {handle}", chain.spell()),
            Change::Flush {} => "filter flush".to_string(),
        }
    }

    fn spell(&self, netns: &NsName) -> String {
        let command = match self {
            Change::Policy { chain, policy } => {
                let (name, policy) = (chain.spell(), policy.spell());
                let text = format!("{{ type filter hook {name} priority filter ; policy {policy} ; }}");
                format!("nft add chain inet {TABLE} {name} {}", ruleset::shell(&text))
            }
            Change::Del { chain, handle } => format!("nft delete rule inet {TABLE} {} handle {handle}", chain.spell()),
            Change::Flush {} => format!("nft flush table inet {TABLE}"),
            Change::Add { .. } | Change::Insert { .. } | Change::Remove { .. } => {
                let rule = self.rule();
                rule.map_or_else(String::new, |(chain, matches, action, how)| {
                    ruleset::spell(&chain.rule(matches, &action), how)
                })
            }
        };
        exec_in(netns, &command)
    }

    fn commands(&self, netns: &NsName) -> Vec<String> {
        let (chain, last) = match (self, self.rule()) {
            (_, Some((chain, matches, action, How::Remove(_)))) => {
                (None, ruleset::nft_remove(&chain.rule(matches, &action), netns))
            }
            (_, Some((chain, matches, action, how))) => {
                let rule = ruleset::nft(&chain.rule(matches, &action), how);
                (Some(chain.place()), exec_in(netns, &rule))
            }
            (Change::Policy { chain, .. }, _) => (Some(chain.place()), self.spell(netns)),
            (_, None) => (None, self.spell(netns)),
        };
        let prepared = ruleset::prepare(TABLE, chain);
        prepared
            .iter()
            .map(|command| exec_in(netns, command))
            .chain([last])
            .collect()
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let space = world.space(netns)?;
        if let Some((chain, matches, action, how)) = self.rule() {
            return ruleset::carry_out(&space, &chain.rule(matches, &action), how);
        }
        match self {
            Change::Policy { chain, policy } => {
                let policy = match policy {
                    Policy::Accept => nftables::Policy::Accept,
                    Policy::Drop => nftables::Policy::Drop,
                };
                ruleset::set_policy(&space, chain.place(), policy)
            }
            Change::Del { chain, handle } => ruleset::delete(&space, chain.place(), *handle),
            Change::Flush {} => ruleset::flush(&space, TABLE),
            Change::Add { .. } | Change::Insert { .. } | Change::Remove { .. } => Ok(()),
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

#[cfg(test)]
mod tests;
