//! The commands about NAT, read.

use crate::ops::command::{Command, Draft};
use crate::ops::filter::version;
use crate::ops::ruleset::{Doing, Said, Told, read_iptables, read_nft};
use crate::ops::value::Value;
use crate::ops::words::whole_number;
use crate::ops::{Heard, Misread};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        program: "iptables",
        object: "nat",
        read: |words, setting| said(read_iptables(words, version(setting))?),
    },
    Command {
        program: "nft",
        object: "nat",
        read: |words, _| said(read_nft(words)?),
    },
];

fn said(said: Said) -> Heard<Vec<Draft>> {
    let draft = match said {
        Said::Rule(told) => rule(&told)?,
        Said::Policy { policy, .. } if policy == "accept" => return Ok(Vec::new()),
        Said::Policy { place, .. } => {
            return Err(Misread::at(
                place,
                "NAT's chains let every packet pass: they have no policy in nsx",
            ));
        }
        Said::Del { chain, handle, place } => {
            let mut draft = Draft::new("nat", "del");
            draft.argument_at(Value::Str(chain), place.clone());
            draft.argument_at(whole_number(&handle), place);
            draft
        }
        Said::Flush => Draft::new("nat", "flush"),
        Said::Show => Draft::new("nat", "show"),
        Said::Nothing => return Ok(Vec::new()),
    };
    Ok(draft.into())
}

fn rule(told: &Told) -> Heard<Draft> {
    let here = |message| Misread::at(told.doing_place.clone(), message);
    match told.doing {
        Doing::Add => {}
        Doing::Insert => {
            return Err(here("nsx adds rules of NAT at the end of a chain, not before others")
                .help("where the order matters, add this one before them"));
        }
        Doing::Remove => {
            return Err(here("nsx deletes a rule of NAT by its handle")
                .help("host.nat.show() says the handles; host.nat.del(chain, handle)"));
        }
    }
    let verb = match told.verdict.as_str() {
        "masquerade" => "masquerade",
        "snat" => "snat",
        "dnat" => "dnat",
        "redirect" => "redirect",
        other => {
            return Err(Misread::at(
                told.verdict_place.clone(),
                format!("nsx's NAT has no rule that does `{other}`"),
            ));
        }
    };
    let is_source = ["masquerade", "snat"].contains(&verb);
    let place = &told.chain_place;
    let chains: &[&str] = if is_source {
        &["postrouting"]
    } else {
        &["prerouting", "output"]
    };
    if !chains.contains(&told.chain.as_str()) {
        let message = format!("{verb} belongs into {}", chains.join(" or "));
        return Err(Misread::at(place.clone(), message));
    }
    let mut draft = Draft::new("nat", verb);
    match told.get("saddr") {
        // The sources stand first, as in the reference; all others but some cannot.
        Some((_, Value::Str(saddr), place)) if is_source && !saddr.starts_with('!') => {
            draft.argument_at(Value::Str(saddr.clone()), place.clone());
            told.put(&mut draft, "saddr")?;
        }
        _ => told.put(&mut draft, "")?,
    }
    if let Some((to, place)) = &told.to {
        draft.option("to", to.clone(), place.clone())?;
    }
    if !is_source && told.chain == "output" {
        draft.option("chain", Value::Str("output".into()), place.clone())?;
    }
    Ok(draft)
}
