//! tbf: a token bucket.

use super::bytes::Writer;
use super::clock::{Clock, RateTable, high};
use super::kind::{microseconds, missing};
use crate::error::{Part, Problem, Result};
use crate::ops::{Rate, Size, Span};
use crate::options;

options! {
    /// The keys of a token bucket.
    pub struct Tbf {
        /// how fast, in the long run
        rate: Rate,
        /// how much may leave at once
        burst: Size,
        /// how long a packet may wait for its turn; beyond that it is dropped
        latency: Span,
        /// how much may wait: instead of `latency`
        limit: Size,
        /// how fast a burst may be, with `mtu`
        peakrate: Rate,
        /// the largest packet
        mtu: Size,
    }
}

impl Tbf {
    pub(super) fn check(&self) -> Result<()> {
        let given = (self.rate, self.burst, self.latency, self.limit);
        match given {
            (None, ..) => Err(missing("rate", "how fast", "10mbit")),
            (_, None, ..) | (_, Some(Size(0)), ..) => Err(missing("burst", "how much may leave at once", "32kb")),
            (_, _, None, None) => Err(missing("latency", "how long a packet may wait", "50ms")),
            (_, _, Some(_), Some(_)) => {
                Err(Problem::argument("`latency` and `limit` say the same: give one").at(Part::Key("limit".into())))
            }
            _ if self.peakrate.is_some() && self.mtu.is_none_or(|mtu| mtu.0 == 0) => {
                Err(missing("mtu", "`peakrate` needs the largest packet", "1600b"))
            }
            _ => Ok(()),
        }
    }

    /// How much may wait, in bytes: what arrives in `latency`, and a burst.
    fn waiting(&self) -> u32 {
        let Some(latency) = self.latency else {
            return self.limit.map_or(0, |limit| limit.0);
        };
        let of = |rate: Rate, at_once: Option<Size>| {
            rate.0 as f64 * f64::from(microseconds(latency)) / 1e6 + f64::from(at_once.map_or(0, |size| size.0))
        };
        let limits = [
            self.rate.map(|rate| of(rate, self.burst)),
            self.peakrate.map(|peak| of(peak, self.mtu)),
        ];
        limits.into_iter().flatten().fold(f64::from(u32::MAX), f64::min) as u32
    }

    pub(super) fn options(&self, clock: Clock) -> Vec<u8> {
        const PARMS: u16 = 1;
        const RTAB: u16 = 2;
        const PTAB: u16 = 3;
        const RATE64: u16 = 4;
        const PRATE64: u16 = 5;
        const BURST: u16 = 6;
        const PBURST: u16 = 7;
        let rate = self.rate.map_or(0, |rate| rate.0);
        let burst = self.burst.map_or(0, |burst| burst.0);
        let mtu = self.mtu.map_or(0, |mtu| mtu.0);
        let low = |rate: u64| rate.min(u32::MAX.into());
        let table = RateTable::new(clock, rate, mtu);
        let peak = self.peakrate.map(|peak| (peak.0, RateTable::new(clock, peak.0, mtu)));
        let parms = Writer::default()
            .raw(&table.spec())
            .raw(&peak.as_ref().map_or([0; 12], |(_, table)| table.spec()))
            .numbers([
                self.waiting(),
                clock.sending(low(rate), burst),
                peak.as_ref().map_or(0, |(peak, _)| clock.sending(low(*peak), mtu)),
            ])
            .done();
        Writer::default()
            .attribute(PARMS, &parms)
            .number(BURST, Some(burst))
            .maybe(RATE64, high(rate))
            .attribute(RTAB, &table.bytes())
            .maybe(PRATE64, peak.as_ref().and_then(|(peak, _)| high(*peak)))
            .number(PBURST, peak.as_ref().map(|_| mtu))
            .maybe(PTAB, peak.as_ref().map(|(_, table)| table.bytes()))
            .done()
    }
}

#[cfg(test)]
mod tests {
    use super::super::bytes::{find, number};
    use super::*;

    #[test]
    fn tbf_says_what_it_lacks() {
        let tbf = |latency, limit| Tbf {
            rate: Some(Rate(1_250_000)),
            burst: Some(Size(32_768)),
            latency,
            limit,
            ..Tbf::default()
        };
        let span = Some(Span(std::time::Duration::from_millis(50)));
        assert!(Tbf::default().check().unwrap_err().message.contains("`rate`"));
        assert!(tbf(None, None).check().unwrap_err().message.contains("`latency`"));
        assert!(tbf(span, Some(Size(1))).check().is_err());
        assert!(tbf(span, None).check().is_ok());
        // 50 ms at 1.25 MB/s, and the burst.
        assert_eq!(tbf(span, None).waiting(), 62_500 + 32_768);
    }

    #[test]
    fn tbf_options_have_the_parameters_and_a_table() {
        let tbf = Tbf {
            rate: Some(Rate(1_250_000)),
            burst: Some(Size(32_768)),
            limit: Some(Size(10_000)),
            ..Tbf::default()
        };
        let bytes = tbf.options(Clock::get());
        let parms = find(&bytes, 1).unwrap();
        assert_eq!(
            (parms.len(), number(parms, 2), number(parms, 6)),
            (36, Some(1_250_000), Some(10_000))
        );
        assert_eq!(find(&bytes, 2).map(<[u8]>::len), Some(1024));
        assert_eq!(find(&bytes, 4), None, "the rate fits");
    }
}
