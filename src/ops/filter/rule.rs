//! A rule of the filter, as a call tells it.

use super::{Change, FilterChain};
use crate::error::{Mend, Mistake, Part, Problem, Result};
use crate::ops::ruleset::{self, Action, How, Matches, Verdict};
use crate::ops::{Args, Options, Typed};
use crate::options;

options! {
    /// What a rule of the filter does.
    pub struct Deed {
        /// What happens to the packet: `accept`, `drop` or `reject`.
        verdict: Verdict,
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

/// Which packets, and what happens to them.
type Told = (Box<Matches>, Verdict);

fn told(mut args: Args, chain: FilterChain) -> Result<Told> {
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
    Ok((matches, verdict))
}

pub(super) fn add(mut args: Args) -> Result<crate::ops::Change> {
    let chain = args.required("the chain")?;
    let (matches, verdict) = told(args, chain)?;
    let add = Change::Add {
        chain,
        matches,
        verdict,
    };
    Ok(add.into())
}

pub(super) fn insert(mut args: Args) -> Result<crate::ops::Change> {
    let chain = args.required("the chain")?;
    let place: Option<u32> = args.next("the place")?;
    if place == Some(0) {
        return Err(Problem::argument("the place is 0: the first is 1").at(Part::Argument(1)));
    }
    let (matches, verdict) = told(args, chain)?;
    let insert = Change::Insert {
        chain,
        at: place.map_or(1, |place| place as usize),
        matches,
        verdict,
    };
    Ok(insert.into())
}

/// As iptables does, it removes the first.
pub(super) fn remove(mut args: Args) -> Result<crate::ops::Change> {
    let chain = args.required("the chain")?;
    let (matches, verdict) = told(args, chain)?;
    let remove = Change::Remove {
        chain,
        at: 1,
        matches,
        verdict,
    };
    Ok(remove.into())
}
