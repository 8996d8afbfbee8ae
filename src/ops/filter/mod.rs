//! `filter`: what passes to, through and from a namespace.

mod command;
mod inverse;

use serde::{Deserialize, Serialize};

use super::ruleset::{self, Action, How, Matches, Rule, Verdict};
use super::value::not_wanted;
use super::{Act, Answer, Args, Inverse, Noun, Operation, Options, Place, Shape, Typed, Value, Verb, World, exec_in};
use crate::error::{Mend, Mistake, Problem, Result};
use crate::netlink::nftables::{self, Chain, Hook};
use crate::netns::NsName;
use crate::options;

pub(super) use command::version;

/// The table, of family `inet`.
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
    /// `iptables -D CHAIN …`: the last rule that says this.
    Remove {
        /// Which chain.
        chain: FilterChain,
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

options! {
    /// What a rule of the filter does.
    pub struct Deed {
        /// What happens to the packet: `accept`, `drop` or `reject`.
        verdict: Verdict,
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
            act: Act::Change(add),
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
    /// Whether it sets the policy of a chain.
    pub(super) fn sets_policy(&self, name: &str) -> bool {
        matches!(self, Change::Policy { chain, .. } if chain.place().name == name)
    }
}

/// Address translation, asked of the filter: what iptables calls MASQUERADE outside of POSTROUTING.
struct Translation {
    op: String,
    call: String,
}

impl Translation {
    fn of(chain: FilterChain, matches: &Matches, word: &str) -> Option<Translation> {
        let all = [Verdict::Masquerade, Verdict::Snat, Verdict::Dnat, Verdict::Redirect];
        let verdict = all.into_iter().find(|verdict| verdict.word() == word)?;
        let action = Action { verdict, to: None };
        let sources = matches.saddr.as_ref().map_or("0.0.0.0/0".into(), Typed::spell);
        Some(Translation {
            op: ruleset::spell(&chain.rule(matches, &action), How::Append),
            call: match verdict {
                Verdict::Masquerade => format!("nat.masquerade({sources:?})"),
                Verdict::Snat => format!("nat.snat({sources:?}, #{{ to: \"203.0.113.2\" }})"),
                Verdict::Dnat => "nat.dnat(#{ proto: \"tcp\", dport: 8080, to: \"10.1.1.10:80\" })".into(),
                _ => "nat.redirect(#{ proto: \"tcp\", dport: 80, to: 8080 })".into(),
            },
        })
    }

    fn belongs_elsewhere(self, mut problem: Box<Problem>) -> Box<Problem> {
        problem.op = self.op;
        let cause =
            "addresses change in the chains of nat, each kind of change in its own; the filter accepts or drops";
        problem
            .known(Mistake::NatInFilter)
            .because(cause)
            .mend(Mend::Call(self.call))
    }
}

fn add(mut args: Args) -> Result<super::Change> {
    let chain: FilterChain = args.required("the chain")?;
    let matches = Box::new(Matches::take(&mut args)?);
    let translation = args
        .text("verdict")
        .and_then(|word| Translation::of(chain, &matches, word));
    let deed = Deed::take(&mut args).map_err(|problem| match translation {
        Some(translation) => translation.belongs_elsewhere(problem),
        None => problem,
    })?;
    args.finish(&[Matches::KEYS, Deed::KEYS].concat())?;
    let verdict = deed.verdict.ok_or_else(|| {
        Problem::argument(format!("`verdict` is missing: it wants {}", Verdict::WANTS)).help("add verdict: \"accept\"")
    })?;
    chain.rule(&matches, &verdict.action()).check()?;
    Ok(super::Change::Filter(Change::Add {
        chain,
        matches,
        verdict,
    }))
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
        let command = |how, chain: &FilterChain, matches, verdict: &Verdict| {
            let action = verdict.action();
            ruleset::spell(&chain.rule(matches, &action), how)
        };
        let command = match self {
            Change::Policy { chain, policy } => {
                let (name, policy) = (chain.spell(), policy.spell());
                let text = format!("{{ type filter hook {name} priority filter ; policy {policy} ; }}");
                format!("nft add chain inet {TABLE} {name} {}", ruleset::shell(&text))
            }
            Change::Add {
                chain,
                matches,
                verdict,
            } => command(How::Append, chain, matches, verdict),
            Change::Insert {
                chain,
                at,
                matches,
                verdict,
            } => command(How::Insert(*at), chain, matches, verdict),
            Change::Remove {
                chain,
                matches,
                verdict,
            } => command(How::Remove, chain, matches, verdict),
            Change::Del { chain, handle } => format!("nft delete rule inet {TABLE} {} handle {handle}", chain.spell()),
            Change::Flush {} => format!("nft flush table inet {TABLE}"),
        };
        exec_in(netns, &command)
    }

    fn commands(&self, netns: &NsName) -> Vec<String> {
        let (chain, last) = match self {
            Change::Policy { chain, .. } => (Some(chain.place()), self.spell(&NsName::host())),
            Change::Add {
                chain,
                matches,
                verdict,
            } => {
                let rule = ruleset::nft(&chain.rule(matches, &verdict.action()), How::Append);
                (Some(chain.place()), rule)
            }
            Change::Insert {
                chain,
                at,
                matches,
                verdict,
            } => {
                let rule = ruleset::nft(&chain.rule(matches, &verdict.action()), How::Insert(*at));
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
            Change::Policy { chain, policy } => {
                let policy = match policy {
                    Policy::Accept => nftables::Policy::Accept,
                    Policy::Drop => nftables::Policy::Drop,
                };
                ruleset::set_policy(&space, chain.place(), policy)
            }
            Change::Add {
                chain,
                matches,
                verdict,
            } => ruleset::add(&space, &chain.rule(matches, &verdict.action()), None),
            Change::Insert {
                chain,
                at,
                matches,
                verdict,
            } => ruleset::add(&space, &chain.rule(matches, &verdict.action()), Some(*at)),
            Change::Remove {
                chain,
                matches,
                verdict,
            } => ruleset::remove(&space, &chain.rule(matches, &verdict.action())),
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
