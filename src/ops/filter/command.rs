//! The commands about the filter, read.

use crate::ops::command::{Command, Draft, Setting};
use crate::ops::route::Family;
use crate::ops::ruleset::{Doing, Family as Version, Said, Told, read_iptables, read_nft};
use crate::ops::value::Value;
use crate::ops::words::whole_number;
use crate::ops::{Heard, Misread, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        program: "iptables",
        object: "filter",
        read: |words, setting| said(read_iptables(words, version(setting))?),
    },
    Command {
        program: "nft",
        object: "filter",
        read: nft,
    },
];

/// Which of the two programs it is.
pub(in crate::ops) fn version(setting: &Setting) -> Version {
    match setting.family {
        Some(Family::Inet6) => Version::V6,
        _ => Version::V4,
    }
}

fn nft(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let mut peek = words.clone();
    let (verb, what) = (peek.next(), peek.next());
    let mut drafts = said(read_nft(words)?)?;
    // All that there is: the other noun's rules too.
    if what == Some("ruleset") {
        drafts.push(Draft::new("nat", if verb == Some("flush") { "flush" } else { "show" }));
    }
    Ok(drafts)
}

fn said(said: Said) -> Heard<Vec<Draft>> {
    let draft = match said {
        Said::Rule(told) => rule(&told)?,
        Said::Policy { chain, policy, place } => {
            let mut draft = Draft::new("filter", "policy");
            draft.argument_at(Value::Str(chain), place.clone());
            draft.argument_at(Value::Str(policy), place);
            draft
        }
        Said::Del { chain, handle, place } => {
            let mut draft = Draft::new("filter", "del");
            draft.argument_at(Value::Str(chain), place.clone());
            draft.argument_at(whole_number(&handle), place);
            draft
        }
        Said::Flush => Draft::new("filter", "flush"),
        Said::Show => Draft::new("filter", "show"),
        Said::Nothing => return Ok(Vec::new()),
    };
    Ok(draft.into())
}

fn rule(told: &Told) -> Heard<Draft> {
    if let Some((_, place)) = &told.to {
        return Err(Misread::at(
            place.clone(),
            "only NAT turns packets elsewhere: that is `-t nat`",
        ));
    }
    let verb = match told.doing {
        Doing::Add => "add",
        Doing::Insert => "insert",
        Doing::Remove => "remove",
    };
    let mut draft = Draft::new("filter", verb);
    draft.argument_at(Value::Str(told.chain.clone()), told.chain_place.clone());
    if let Some((at, place)) = &told.at {
        draft.argument_at(at.clone(), place.clone());
    }
    told.put(&mut draft, "")?;
    draft.option("verdict", Value::Str(told.verdict.clone()), told.verdict_place.clone())?;
    Ok(draft)
}
