//! The kernel's clock for packets, and the tables of sending times that tc(8) gives it.

use std::fs;
use std::sync::OnceLock;

/// Microseconds in a second.
const SECOND: f64 = 1e6;

/// How the kernel counts time in qdiscs: `/proc/net/psched`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock {
    ticks_per_microsecond: f64,
    /// The resolution of the kernel's timers, a second's parts.
    pub(super) hz: u64,
}

/// What every kernel since 2.6.31 says.
const USUAL: &str = "000003e8 00000040 000f4240 3b9aca00";

impl Clock {
    /// The running kernel's.
    pub(super) fn get() -> Clock {
        static CLOCK: OnceLock<Clock> = OnceLock::new();
        *CLOCK.get_or_init(|| {
            let text = fs::read_to_string("/proc/net/psched").unwrap_or_default();
            Clock::read(&text)
                .or_else(|| Clock::read(USUAL))
                .expect("the usual clock is one")
        })
    }

    fn read(text: &str) -> Option<Clock> {
        let mut words = text.split_whitespace().map(|word| u32::from_str_radix(word, 16).ok());
        let mut next = || words.next().flatten().filter(|number| *number > 0);
        let (mut of_tick, of_microsecond, resolution, hz) = (next()?, next()?, next()?, next()?);
        // Kernels that count nanoseconds say 1000 to programs that are too old for that.
        if resolution == 1_000_000_000 {
            of_tick = of_microsecond;
        }
        Some(Clock {
            ticks_per_microsecond: f64::from(of_tick) / f64::from(of_microsecond) * f64::from(resolution) / SECOND,
            hz: u64::from(if resolution == 1_000_000 { hz } else { 100 }),
        })
    }

    /// Microseconds as ticks; like tc, rounded down.
    pub(super) fn ticks(self, microseconds: u32) -> u32 {
        (f64::from(microseconds) * self.ticks_per_microsecond) as u32
    }

    /// Ticks as microseconds; like tc, rounded down.
    pub(super) fn microseconds(self, ticks: u32) -> u32 {
        (f64::from(ticks) / self.ticks_per_microsecond) as u32
    }

    /// The ticks that `size` bytes take at `rate` bytes a second.
    pub(super) fn sending(self, rate: u64, size: u32) -> u32 {
        self.ticks((SECOND * (f64::from(size) / rate as f64)) as u32)
    }

    /// The bytes that are sent in `ticks` at `rate` bytes a second.
    pub(super) fn sent(self, rate: u64, ticks: u32) -> u32 {
        (rate as f64 * f64::from(self.microseconds(ticks)) / SECOND) as u32
    }
}

/// A `struct tc_ratespec` and its table: how long a packet takes, by length >> `cell_log`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RateTable {
    cell_log: u8,
    rate: u32,
    table: Vec<u32>,
}

impl RateTable {
    /// The table of a rate, for packets of up to `mtu` bytes; 0 for tc's own 2047.
    pub(super) fn new(clock: Clock, rate: u64, mtu: u32) -> RateTable {
        let rate = low(rate);
        let mtu = if mtu == 0 { 2047 } else { mtu };
        let mut cell_log = 0u8;
        while mtu >> cell_log > 255 {
            cell_log += 1;
        }
        let table = (1..=256u32)
            .map(|cell| clock.sending(rate.into(), cell << cell_log))
            .collect();
        RateTable { cell_log, rate, table }
    }

    /// The `struct tc_ratespec`.
    pub(super) fn spec(&self) -> [u8; 12] {
        const ETHERNET: u8 = 1;
        const CELL_ALIGN: i16 = -1;
        let mut spec = [0; 12];
        spec[0] = self.cell_log;
        spec[1] = ETHERNET;
        spec[4..6].copy_from_slice(&CELL_ALIGN.to_ne_bytes());
        spec[8..].copy_from_slice(&self.rate.to_ne_bytes());
        spec
    }

    /// The table, 256 entries.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.table.iter().flat_map(|ticks| ticks.to_ne_bytes()).collect()
    }
}

/// A rate in the 32 bits of a `tc_ratespec`, which are all ones for one that needs 64.
fn low(rate: u64) -> u32 {
    u32::try_from(rate).unwrap_or(u32::MAX)
}

/// The attribute that a rate needs beside its `tc_ratespec`, if it does not fit there.
pub(super) fn high(rate: u64) -> Option<[u8; 8]> {
    (rate > u64::from(u32::MAX)).then(|| rate.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Clock {
        Clock::read(USUAL).unwrap()
    }

    #[test]
    fn a_microsecond_is_15_625_ticks() {
        assert_eq!(usual().ticks(20_000), 312_500);
        assert_eq!(usual().microseconds(312_500), 20_000);
        assert_eq!(usual().hz, 1_000_000_000);
        assert_eq!(Clock::read("nonsense"), None);
        assert_eq!(Clock::read("000003e8 00000000 000f4240 3b9aca00"), None);
    }

    /// `rate 10mbit burst 32kb`: 26214.4 µs, of which tc counts whole ones.
    #[test]
    fn a_burst_becomes_the_time_it_takes() {
        let ticks = usual().sending(1_250_000, 32_768);
        assert_eq!(ticks, 409_593);
        assert_eq!(usual().sent(1_250_000, ticks), 32_766);
    }

    #[test]
    fn a_table_has_a_time_for_every_length() {
        let table = RateTable::new(usual(), 1_250_000, 0);
        assert_eq!((table.cell_log, table.table.len()), (3, 256));
        // 8 bytes take 6.4 µs, of which tc counts 6; 2048 bytes take 1638.
        assert_eq!((table.table[0], table.table[255]), (93, 25_593));
        assert_eq!(table.bytes().len(), 1024);
        assert_eq!(RateTable::new(usual(), 1_250_000, 1600).cell_log, 3);
        assert_eq!(table.spec()[..6], [3, 1, 0, 0, 0xff, 0xff]);
    }

    #[test]
    fn a_rate_beyond_32_bits_has_an_attribute_of_its_own() {
        assert_eq!(high(u64::from(u32::MAX)), None);
        assert_eq!(high(5_000_000_000), Some(5_000_000_000u64.to_ne_bytes()));
        assert_eq!(RateTable::new(usual(), 5_000_000_000, 0).rate, u32::MAX);
    }
}
