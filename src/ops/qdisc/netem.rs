//! netem: a worse network.

use serde::{Deserialize, Serialize};

use super::bytes::Writer;
use super::clock::{Clock, high};
use super::kind::{microseconds, missing};
use crate::error::{Part, Problem, Result};
use crate::ops::value::{Value, not_wanted};
use crate::ops::{Chance, Heard, Options, Rate, Span, Typed, Words};
use crate::options;

options! {
    /// The keys of netem.
    pub struct Netem {
        /// how many packets may wait: 1000 if not given
        limit: u32,
        /// how long every packet waits
        delay: Span,
        /// by how much that varies, up and down
        jitter: Span,
        /// how much a packet's delay depends on that of the one before
        correlation: Chance,
        /// the chance that a packet is lost: "1%", or "1% 25%" with how much that depends on the one before
        loss: Correlated,
        /// the chance that a packet comes twice
        duplicate: Correlated,
        /// the chance that a packet has a bit wrong
        corrupt: Correlated,
        /// the chance that a packet does not wait, and so overtakes others
        reorder: Correlated,
        /// only every so manieth packet overtakes
        gap: u32,
        /// how fast packets are sent
        rate: Rate,
    }
}

/// A chance, and how much it depends on what befell the packet before: "1%", "1% 25%".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Correlated {
    chance: Chance,
    correlation: Option<Chance>,
}

impl Typed for Correlated {
    const WANTS: &'static str = "a chance such as \"1%\", or with its correlation \"1% 25%\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return match Chance::read(value) {
                Err(why) if why.starts_with("has no unit") => Err(why),
                _ => Err(not_wanted::<Self>(value)),
            };
        };
        let mut words = text.split_whitespace();
        let chance = words.next().unwrap_or_default().parse()?;
        let correlation = words.next().map(str::parse).transpose()?;
        match words.next() {
            None => Ok(Correlated { chance, correlation }),
            Some(_) => Err(not_wanted::<Self>(value)),
        }
    }

    fn spell(&self) -> String {
        let both = [Some(self.chance), self.correlation];
        both.iter().flatten().map(Typed::spell).collect::<Vec<_>>().join(" ")
    }

    fn words(&self, key: &str) -> Vec<String> {
        let both = [Some(self.chance), self.correlation];
        let values = both.iter().flatten().map(Typed::spell);
        std::iter::once(key.to_string()).chain(values).collect()
    }

    fn of_words(key: &str, words: &mut Words) -> Heard<Option<Value>> {
        if !words.take(key) {
            return Ok(None);
        }
        words.take("random");
        let chance = |word: &str| match Chance::of_word(word) {
            Value::Str(text) => text,
            _ => word.to_string(),
        };
        let mut text = chance(words.value(key)?);
        let is_chance = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        if let Some(second) = words.peek().filter(is_chance) {
            words.next();
            text = format!("{text} {}", chance(second));
        }
        Ok(Some(Value::Str(text)))
    }
}

impl TryFrom<String> for Correlated {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Correlated::read(&Value::Str(text))
    }
}

impl From<Correlated> for String {
    fn from(value: Correlated) -> String {
        value.spell()
    }
}

/// The two numbers of a chance.
fn pair(given: Option<Correlated>) -> (u32, u32) {
    given.map_or((0, 0), |given| {
        (given.chance.0, given.correlation.map_or(0, |correlation| correlation.0))
    })
}

impl Netem {
    pub(super) fn check(&self) -> Result<()> {
        let key = |key: &str| Part::Key(key.into());
        if self.jitter.is_some() && self.delay.is_none() {
            return Err(missing("delay", "`jitter` is by how much a delay varies", "20ms"));
        }
        if self.correlation.is_some() && self.jitter.is_none() {
            return Err(missing("jitter", "`correlation` is of a delay that varies", "5ms"));
        }
        if pair(self.reorder).0 > 0 && self.delay.is_none() {
            return Err(
                Problem::argument("`reorder` needs a delay: what does not wait overtakes what does")
                    .help("for instance #{ delay: \"10ms\", reorder: \"25%\" }")
                    .at(key("reorder")),
            );
        }
        if self.gap.is_some_and(|gap| gap > 0) && pair(self.reorder).0 == 0 {
            return Err(Problem::argument("`gap` needs `reorder`: the chance that a packet overtakes").at(key("gap")));
        }
        Ok(())
    }

    /// As words of a tc command: jitter and correlation follow the delay without a name.
    pub(super) fn spelled(&self) -> Vec<String> {
        let mut words = self
            .limit
            .map(|limit| Typed::words(&limit, "limit"))
            .unwrap_or_default();
        words.extend(
            self.delay
                .map(|delay| Typed::words(&delay, "delay"))
                .unwrap_or_default(),
        );
        words.extend(self.jitter.map(|jitter| jitter.spell()));
        words.extend(self.correlation.map(|correlation| correlation.spell()));
        let rest = Netem {
            limit: None,
            delay: None,
            jitter: None,
            correlation: None,
            ..self.clone()
        };
        words.extend(rest.words());
        words
    }

    /// A `struct tc_netem_qopt`, and attributes after it.
    pub(super) fn options(&self, clock: Clock) -> Vec<u8> {
        const CORR: u16 = 1;
        const REORDER: u16 = 3;
        const CORRUPT: u16 = 4;
        const RATE: u16 = 6;
        const RATE64: u16 = 8;
        let ticks = |span: Option<Span>| span.map_or(0, |span| clock.ticks(microseconds(span)));
        let ((loss, loss_after), (twice, twice_after)) = (pair(self.loss), pair(self.duplicate));
        let (reorder, corrupt) = (pair(self.reorder), pair(self.corrupt));
        // What overtakes is every packet, unless a gap is given.
        let gap = self.gap.unwrap_or(0).max(u32::from(reorder.0 > 0));
        let delay_after = self.correlation.map_or(0, |correlation| correlation.0);
        let numbers = |numbers: &[u32]| Writer::default().numbers(numbers.iter().copied()).done();
        let correlations = [delay_after, loss_after, twice_after];
        let is_correlated = correlations.iter().any(|correlation| *correlation > 0);
        let rate = self.rate.map(|rate| {
            let low = u32::try_from(rate.0).unwrap_or(u32::MAX);
            numbers(&[low, 0, 0, 0])
        });
        Writer::default()
            .numbers([
                ticks(self.delay),
                self.limit.unwrap_or(1000),
                loss,
                gap,
                twice,
                ticks(self.jitter),
            ])
            .maybe(CORR, is_correlated.then(|| numbers(&correlations)))
            .maybe(REORDER, self.reorder.map(|_| numbers(&[reorder.0, reorder.1])))
            .maybe(CORRUPT, self.corrupt.map(|_| numbers(&[corrupt.0, corrupt.1])))
            .maybe(RATE64, self.rate.and_then(|rate| high(rate.0)))
            .maybe(RATE, rate)
            .done()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::bytes::{find, number};
    use super::*;

    fn ms(n: u64) -> Option<Span> {
        Some(Span(Duration::from_millis(n)))
    }

    #[test]
    fn a_delay_is_spelled_with_its_jitter_and_correlation() {
        let netem = Netem {
            delay: ms(20),
            jitter: ms(5),
            correlation: "25%".parse().ok(),
            loss: Correlated::read(&Value::Str("1% 10%".into())).ok(),
            limit: Some(500),
            ..Netem::default()
        };
        assert!(netem.check().is_ok());
        let words = netem.spelled().join(" ");
        assert_eq!(words, "limit 500 delay 20ms 5ms 25% loss 1% 10%");
        let bytes = netem.options(Clock::get());
        assert_eq!((number(&bytes, 0), number(&bytes, 1)), (Some(312_500), Some(500)));
        let correlations = find(&bytes[24..], 1).unwrap();
        assert_eq!(number(correlations, 0), Some(1 << 30));
    }

    #[test]
    fn what_needs_something_else_says_so() {
        let chance = Correlated::read(&Value::Str("25%".into())).ok();
        let jitter = Netem {
            jitter: ms(5),
            ..Netem::default()
        };
        assert!(jitter.check().unwrap_err().message.contains("`delay`"));
        let reorder = Netem {
            reorder: chance,
            ..Netem::default()
        };
        assert!(reorder.check().is_err());
        let gap = Netem {
            gap: Some(5),
            delay: ms(5),
            ..Netem::default()
        };
        assert!(gap.check().is_err());
        assert!(Correlated::read(&Value::Int(1)).unwrap_err().contains("\"1%\""));
        assert!(Correlated::read(&Value::Str("1% 2% 3%".into())).is_err());
    }
}
