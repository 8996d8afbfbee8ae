//! `rule`: which routing table decides on a packet.

mod command;
pub mod fact;
mod inverse;
mod keys;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::rule::RuleMessage;
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::{Act, Answer, Args, Inverse, Noun, Operation, Options, Place, Shape, Verb, World, ip};
use crate::error::{Problem, Result};
use crate::netlink::Space;
use crate::netns::NsName;

pub use keys::{Among, Rule};

/// A change of a namespace's rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `ip rule add …`.
    Add(Rule),
    /// `ip rule del …`: the first rule that fits what is given.
    Del(Rule),
    /// `ip rule flush …`: every rule of a family that fits, but the first one.
    Flush(Among),
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "rule",
    place: Place::Namespace,
    doc: "Policy routing: the rules that say which table decides on a packet.",
    verbs: &[ADD, DEL, FLUSH, SHOW],
    commands: command::COMMANDS,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "",
    keys: &[Rule::KEYS],
    doc:
        "Adds a rule: which packets, and which table decides on them. The rule with the least `priority` is asked first;
without one, it stands before all that were given none.

`ip rule add from PREFIX … table TABLE priority NUMBER`

The family follows from the addresses; without any it is inet, unless `family` says inet6.

```rhai
host.route.add(\"default\", #{ type: \"blackhole\", table: 100 });
host.rule.add(#{ from: \"127.0.0.2\", to: \"10.0.0.0/8\", table: 100, priority: 100 });
assert_eq(host.rule.show().filter(|r| r.priority == 100).map(|r| r.table), [\"100\"]);
```",
    act: Act::Change(|args| {
        let rule = rule(args)?;
        if rule == Rule::default() {
            return Err(nothing("add"));
        }
        Ok(super::Change::Rule(Change::Add(rule)))
    }),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "",
    keys: &[Rule::KEYS],
    doc: "Deletes the first rule that fits what is given.

`ip rule del priority NUMBER …`

```rhai
host.rule.add(#{ from: \"10.0.0.0/24\", table: 100, priority: 100 });
host.rule.del(#{ priority: 100 });
assert_eq(host.rule.show().map(|r| r.priority), [0, 32766, 32767]);
```",
    act: Act::Change(|args| {
        let rule = rule(args)?;
        if rule == Rule::default() {
            return Err(nothing("del"));
        }
        Ok(super::Change::Rule(Change::Del(rule)))
    }),
};

const FLUSH: Verb = Verb {
    name: "flush",
    usage: "",
    keys: &[Among::KEYS],
    doc: "Deletes every rule of a family that fits, all if nothing is given. Only the rule of priority 0 stays, which is the
local table's: those that ask the tables main and default go too, as with `ip`.

`ip rule flush table TABLE`

```rhai
host.rule.add(#{ from: \"10.0.0.0/24\", table: 100 });
host.rule.add(#{ to: \"10.0.0.0/24\", table: 100 });
host.rule.flush(#{ table: 100 });
assert_eq(host.rule.show().map(|r| r.table), [\"local\", \"main\", \"default\"]);
```",
    act: Act::Change(|args| Ok(super::Change::Rule(Change::Flush(among(args)?)))),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "",
    keys: &[Among::KEYS],
    doc: "The rules in the order in which they are asked, with the fields of `ip -j rule`.

`ip rule show`

```rhai
assert_eq(host.rule.show()[0].table, \"local\");
assert_eq(host.rule.show(#{ family: \"inet6\" }).len(), 2);
```",
    act: Act::Ask(show),
};

fn rule(mut args: Args) -> Result<Rule> {
    let rule = Rule::take(&mut args)?;
    args.finish(Rule::KEYS)?;
    rule.check()?;
    Ok(rule)
}

fn among(mut args: Args) -> Result<Among> {
    let among = Among::take(&mut args)?;
    args.finish(Among::KEYS)?;
    among.check()?;
    Ok(among)
}

fn nothing(verb: &str) -> Box<Problem> {
    Problem::argument(format!("rule {verb} needs to be told which packets, or which table"))
        .help("for instance #{ from: \"10.0.0.0/24\", table: 100 }")
}

/// The rules of a family that fit, in the order in which they are asked.
fn dump(space: &Space, among: &Among) -> Result<Vec<RuleMessage>> {
    let mut all = RuleMessage::default();
    all.header.family = among.family().netlink();
    let dumped = space.dump(RouteNetlinkMessage::GetRule(all))?;
    let rules = dumped.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewRule(rule) => Some(rule),
        _ => None,
    });
    Ok(rules.filter(|rule| among.fits(rule)).collect())
}

fn show(world: &World, netns: &NsName, args: Args) -> Result<Answer> {
    let among = among(args)?;
    let rules = dump(&*world.space(netns)?, &among)?;
    let facts = rules
        .iter()
        .map(|rule| super::fact::json(&fact::RuleFact::new(rule)))
        .collect();
    Ok(Answer::Many(Shape::Rule, facts))
}

impl Operation for Change {
    fn title(&self) -> String {
        match self {
            Change::Add(_) => "rule add",
            Change::Del(_) => "rule del",
            Change::Flush(_) => "rule flush",
        }
        .into()
    }

    fn spell(&self, netns: &NsName) -> String {
        let (family, verb, words) = match self {
            Change::Add(rule) => (rule.family(), "add", rule.words()),
            Change::Del(rule) => (rule.family(), "del", rule.words()),
            Change::Flush(among) => (among.family(), "flush", among.words()),
        };
        let words = words.into_iter();
        ip(
            netns,
            family
                .option()
                .into_iter()
                .chain(["rule", verb])
                .map(String::from)
                .chain(words),
        )
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let space = world.space(netns)?;
        match self {
            Change::Add(rule) => {
                let added = space.change(
                    RouteNetlinkMessage::NewRule(rule.message(true)),
                    NLM_F_CREATE | NLM_F_EXCL,
                );
                added.map_err(|problem| match problem.errno {
                    Some(Errno::EEXIST) => problem.help(format!("there is one already: see {netns}.rule.show()")),
                    _ => problem,
                })
            }
            Change::Del(rule) => {
                let deleted = space.change(RouteNetlinkMessage::DelRule(rule.message(false)), 0);
                deleted.map_err(|problem| match problem.errno {
                    Some(Errno::ENOENT) => problem.help(format!("no rule fits: see {netns}.rule.show()")),
                    _ => problem,
                })
            }
            Change::Flush(among) => {
                // A rule without a priority, which is the one of priority 0, cannot be told from another.
                for rule in dump(&space, among)?.into_iter().filter(keys::has_priority) {
                    match space.change(RouteNetlinkMessage::DelRule(rule), 0) {
                        // Gone meanwhile.
                        Err(problem) if problem.errno == Some(Errno::ENOENT) => {}
                        other => other?,
                    }
                }
                Ok(())
            }
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ops::Value;

    fn args(keys: &[(&str, Value)]) -> Args {
        let options: BTreeMap<String, Value> = keys.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
        Args::new(Vec::new(), options)
    }

    fn text(text: &str) -> Value {
        Value::Str(text.into())
    }

    #[test]
    fn a_rule_is_spelled_as_ip_reads_it() {
        let cases = [
            (
                vec![
                    ("from", text("10.0.0.0/24")),
                    ("table", Value::Int(100)),
                    ("not", Value::Bool(true)),
                ],
                "ip rule add not from 10.0.0.0/24 table 100",
            ),
            (
                vec![("to", text("fd00::/8")), ("type", text("blackhole"))],
                "ip -6 rule add to fd00::/8 blackhole",
            ),
            (
                vec![
                    ("fwmark", text("0x10/0xff")),
                    ("tos", Value::Int(16)),
                    ("type", text("lookup")),
                ],
                "ip rule add fwmark 0x10/0xff tos 0x10",
            ),
            (
                vec![
                    ("family", text("inet6")),
                    ("dport", text("7-9")),
                    ("ipproto", Value::Int(250)),
                ],
                "ip -6 rule add ipproto 250 dport 7-9",
            ),
        ];
        for (keys, spelled) in cases {
            let change = Change::Add(rule(args(&keys)).unwrap());
            assert_eq!(change.spell(&NsName::host()), spelled);
            let data = serde_json::to_string(&change).unwrap();
            assert_eq!(serde_json::from_str::<Change>(&data).unwrap(), change);
        }
    }

    #[test]
    fn a_rule_is_of_one_family() {
        let why = rule(args(&[("from", text("10.0.0.1")), ("family", text("inet6"))])).unwrap_err();
        assert!(why.message.contains("`from` is of family inet"), "{why}");
        assert!(rule(args(&[("sport", text("9-7"))])).is_err());
        assert!(rule(args(&[("fwmark", text("one"))])).is_err());
    }

    #[test]
    fn a_fact_reads_back_as_it_was() {
        let fact = fact::RuleFact {
            priority: 7,
            not: true,
            src: "10.0.0.0".into(),
            srclen: Some(24),
            iif: Some("eth0".into()),
            iif_detached: true,
            sport_start: Some(1),
            sport_end: Some(9),
            table: Some("main".into()),
            ..fact::RuleFact::default()
        };
        let data = crate::ops::fact::json(&fact);
        assert_eq!(data["not"], serde_json::Value::Null);
        assert_eq!(serde_json::from_value::<fact::RuleFact>(data).unwrap(), fact);
        assert_eq!(
            fact.to_string(),
            "7:\tnot from 10.0.0.0/24 iif eth0 [detached] sport 1-9 lookup main"
        );
    }
}
