//! Rules in and out of the kernel.

use nix::errno::Errno;
use serde_json::Value as Json;

use super::build::{Built, build};
use super::read::Reader;
use super::{How, Rule, RuleFact};
use crate::error::{Kind, Part, Problem, Result};
use crate::netlink::nftables::{self, Batch, Chain, ChainState, Policy};
use crate::netlink::{Refusal, Space};

/// How often a change is tried again when another program changed the ruleset under it.
const TRIES: usize = 8;

/// Does with a rule what is to be done with it.
pub fn carry_out(space: &Space, rule: &Rule<'_>, how: How) -> Result<()> {
    match how {
        How::Append => add(space, rule, None),
        How::Insert(at) => {
            let there = of_chain(space, rule.chain)?;
            match there.get(at.saturating_sub(1)) {
                None if at > there.len() + 1 => Err(beyond_the_end(rule.chain, at, there.len())),
                next => add(space, rule, next.and_then(|fact| fact.handle)),
            }
        }
        How::Remove(near) => match find(space, rule, near)? {
            Some(handle) => delete(space, rule.chain, handle),
            None => Err(says_nothing(rule.chain, &of_chain(space, rule.chain)?)),
        },
    }
}

/// Adds a rule before that with the handle `before`, or at the chain's end, in one transaction with the table and the chain
/// where they are not there yet.
fn add(space: &Space, rule: &Rule<'_>, before: Option<u64>) -> Result<()> {
    let built = build(rule)?;
    change(space, rule.chain, |batch, state| {
        place(space, batch, rule.chain, state);
        for set in &built.sets {
            batch.set(rule.chain.table, set);
        }
        batch.rule(
            rule.chain,
            &built.expressions,
            rule.matches.comment.as_ref().map(|c| c.0.as_str()),
            before,
        );
    })
    .map_err(|(batch, refusal)| explain(rule, &built, &batch, refusal))
}

/// Sets a chain's policy.
pub fn set_policy(space: &Space, chain: &Chain, policy: Policy) -> Result<()> {
    change(space, chain, |batch, state| {
        place(space, batch, chain, state);
        batch.policy(chain, policy);
    })
    .map_err(|(batch, refusal)| explain_place(chain, &batch, refusal))
}

/// The handle of the rule of its chain that says the same; of several, the one nearest to a place.
pub fn find(space: &Space, rule: &Rule<'_>, near: usize) -> Result<Option<u64>> {
    let there = of_chain(space, rule.chain)?;
    let same = (1..).zip(&there).filter(|(_, fact)| fact.says(rule));
    let nearest = same.min_by_key(|(at, _)| near.abs_diff(*at));
    Ok(nearest.and_then(|(_, fact)| fact.handle))
}

fn beyond_the_end(chain: &Chain, at: usize, rules: usize) -> Box<Problem> {
    let mut problem = Problem::kernel(Errno::ENOENT, "");
    problem.message = format!("place {at} is beyond the end of chain {} (ENOENT)", chain.name);
    let has = if rules == 1 { "rule" } else { "rules" };
    problem
        .at(Part::Argument(1))
        .because(format!("it has {rules} {has}: the last place is {}", rules + 1))
}

/// No rule is the one that is to go.
fn says_nothing(chain: &Chain, there: &[RuleFact]) -> Box<Problem> {
    let mut problem = Problem::kernel(Errno::ENOENT, "");
    problem.message = format!("no rule of chain {} says this (ENOENT)", chain.name);
    let words: Vec<String> = there.iter().map(|fact| format!("`{}`", fact.words())).collect();
    let cause = match words.as_slice() {
        [] => "it has no rules".to_string(),
        [words] => format!("its one rule is {words}"),
        [first, .., last] => format!("it has {} rules, from {first} to {last}", words.len()),
    };
    problem
        .because(cause)
        .help("every key of the rule is to be given; show() says them")
}

/// The rules of a chain in order.
pub fn of_chain(space: &Space, chain: &Chain) -> Result<Vec<RuleFact>> {
    let mut facts = facts(space, &[chain])?;
    facts.retain(|fact| fact.chain == chain.name && fact.policy.is_none());
    Ok(facts)
}

/// The policy of a chain.
pub fn policy(space: &Space, chain: &Chain) -> Result<Policy> {
    let state = nftables::chain(space, chain)?;
    Ok(state.map_or(Policy::Accept, |state| state.policy))
}

/// Removes the rule with this handle from a chain.
pub fn delete(space: &Space, chain: &Chain, handle: u64) -> Result<()> {
    let mut batch = Batch::default();
    batch.delete_rule(chain, handle);
    batch.commit(space).map_err(|refusal| {
        let mut problem = refusal.problem;
        if problem.errno == Some(Errno::ENOENT) {
            problem.message = format!("there is no rule with handle {handle} in chain {} (ENOENT)", chain.name);
            problem = problem.at(Part::Argument(1)).help("show() says the handles");
        }
        problem
    })
}

/// Removes every rule of a table; policies stay, as with `iptables -F`. Where there is no table there is nothing to do.
pub fn flush(space: &Space, table: &str) -> Result<()> {
    let mut batch = Batch::default();
    batch.flush(table);
    match batch.commit(space) {
        Err(refusal) if refusal.problem.errno != Some(Errno::ENOENT) => Err(refusal.problem),
        _ => Ok(()),
    }
}

/// The rules of a table's chains and, after those of each chain, its policy where that is to drop.
pub fn show(space: &Space, chains: &[&Chain]) -> Result<Vec<Json>> {
    let json = |fact: RuleFact| serde_json::to_value(fact).expect("a rule is plain data");
    Ok(facts(space, chains)?.into_iter().map(json).collect())
}

/// The same, typed.
pub fn facts(space: &Space, chains: &[&Chain]) -> Result<Vec<RuleFact>> {
    let mut facts: Vec<RuleFact> = Vec::new();
    let Some(first) = chains.first() else {
        return Ok(Vec::new());
    };
    let rules = nftables::rules(space, first.table)?;
    let elements = |set: &str| nftables::elements(space, first.table, set).ok().flatten();
    let reader = Reader { elements: &elements };
    let names: Vec<&str> = chains.iter().map(|chain| chain.name).collect();
    for chain in chains {
        facts.extend(
            rules
                .iter()
                .filter(|rule| rule.chain == chain.name)
                .map(|rule| reader.read(rule)),
        );
        let state = nftables::chain(space, chain)?.filter(|state| state.policy == Policy::Drop);
        facts.extend(state.map(|state| policy_fact(chain, &state)));
    }
    // Chains that another program made in the table.
    facts.extend(
        rules
            .iter()
            .filter(|rule| !names.contains(&rule.chain.as_str()))
            .map(|rule| reader.read(rule)),
    );
    Ok(facts)
}

fn policy_fact(chain: &Chain, state: &ChainState) -> RuleFact {
    RuleFact {
        chain: chain.name.to_string(),
        policy: Some(if state.policy == Policy::Drop { "drop" } else { "accept" }.to_string()),
        packets: state.counted.map(|counted| counted.packets),
        bytes: state.counted.map(|counted| counted.bytes),
        ..RuleFact::default()
    }
}

/// Makes a change that depends on whether a chain is there, and tries again if that changed meanwhile.
fn change(space: &Space, chain: &Chain, fill: impl Fn(&mut Batch, Option<ChainState>)) -> Result<(), (Batch, Refusal)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut batch = Batch::default();
        let state = match nftables::chain(space, chain) {
            Ok(state) => state,
            Err(problem) => return Err((batch, Refusal::whole(problem))),
        };
        fill(&mut batch, state);
        let Err(refusal) = batch.commit(space) else {
            return Ok(());
        };
        let errno = refusal.problem.errno;
        let vanished =
            errno == Some(Errno::ENOENT) && state.is_some() && !matches!(nftables::chain(space, chain), Ok(Some(_)));
        let clash = vanished || matches!(errno, Some(Errno::EINTR | Errno::EAGAIN | Errno::ERESTART));
        if !clash || tries == TRIES {
            return Err((batch, refusal));
        }
    }
}

/// Makes table and chain where they are not there, or the chain does not count. One that counts is let alone: to
/// make it again would put its counter to zero.
fn place(space: &Space, batch: &mut Batch, chain: &Chain, state: Option<ChainState>) {
    if state.is_none_or(|state| state.counted.is_none()) {
        batch.table(chain.table, space.mark());
        batch.chain(chain);
    }
}

/// Says which key the kernel refused, and what it lacks.
fn explain(rule: &Rule<'_>, built: &Built, batch: &Batch, refusal: Refusal) -> Box<Problem> {
    let Some(index) = batch.refused_expression(&refusal) else {
        return explain_place(rule.chain, batch, refusal);
    };
    let (Some(expression), Some(key)) = (built.expressions.get(index), built.keys.get(index)) else {
        return refusal.problem;
    };
    let name = expression.name();
    if refusal.problem.errno == Some(Errno::ENOENT) {
        return lacks(&refusal.problem, &format!("expression {name}"), option(name)).at(part(rule, key));
    }
    refusal.problem.at(part(rule, key))
}

fn explain_place(chain: &Chain, batch: &Batch, refusal: Refusal) -> Box<Problem> {
    let missing = matches!(
        refusal.problem.errno,
        Some(Errno::ENOENT | Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT)
    );
    if !missing || !batch.refused_place(&refusal) {
        return refusal.problem;
    }
    let options = if chain.kind == "nat" {
        "CONFIG_NF_TABLES_INET and CONFIG_NFT_NAT"
    } else {
        "CONFIG_NF_TABLES_INET"
    };
    lacks(
        &refusal.problem,
        &format!("{} chains of family inet", chain.kind),
        options,
    )
}

fn lacks(refused: &Problem, what: &str, option: &str) -> Box<Problem> {
    let mut problem = Problem::new(Kind::Missing, format!("this kernel lacks nf_tables' {what}"));
    problem.errno = refused.errno;
    problem.kernel = refused.kernel.clone();
    problem.help(format!("it needs {option}"))
}

/// The part of the call that a key stands for. A family comes from an address; a verdict may be the verb itself.
fn part(rule: &Rule<'_>, key: &str) -> Part {
    let is_key = rule.chain.kind == "filter" || !matches!(key, "verdict");
    match key {
        "family" | "counter" => Part::Call,
        key if is_key => Part::Key(key.to_string()),
        _ => Part::Call,
    }
}

/// The kernel's option for an expression.
fn option(expression: &str) -> &'static str {
    match expression {
        "masq" => "CONFIG_NFT_MASQ",
        "nat" => "CONFIG_NFT_NAT",
        "redir" => "CONFIG_NFT_REDIR",
        "ct" => "CONFIG_NFT_CT",
        "log" => "CONFIG_NFT_LOG and CONFIG_NF_LOG_SYSLOG",
        "reject" => "CONFIG_NFT_REJECT and CONFIG_NFT_REJECT_INET",
        "counter" => "CONFIG_NFT_COUNTER",
        _ => "CONFIG_NF_TABLES",
    }
}
