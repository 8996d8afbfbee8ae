//! The units of traffic control, as tc(8) reads and writes them: rates, sizes, chances.
//!
//! A number alone is refused: tc reads `rate 10` as ten bits a second, and nobody means that.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::types::number_and_unit;
use super::value::{Typed, Value, not_wanted};

/// A rate, in bytes a second. tc's `bit` and its multiples are bits, `bps` and its multiples bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(pub u64);

/// An amount of data, in bytes. `k`, `m` and `g` are powers of 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(pub u32);

/// A chance, as a share of 2³²−1: how the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chance(pub u32);

/// tc's units of rates, in lower case, in bits a second.
const RATES: [(&str, f64); 18] = [
    ("bit", 1.0),
    ("kbit", 1e3),
    ("mbit", 1e6),
    ("gbit", 1e9),
    ("tbit", 1e12),
    ("kibit", 1024.0),
    ("mibit", 1_048_576.0),
    ("gibit", 1_073_741_824.0),
    ("tibit", 1_099_511_627_776.0),
    ("bps", 8.0),
    ("kbps", 8e3),
    ("mbps", 8e6),
    ("gbps", 8e9),
    ("tbps", 8e12),
    ("kibps", 8.0 * 1024.0),
    ("mibps", 8.0 * 1_048_576.0),
    ("gibps", 8.0 * 1_073_741_824.0),
    ("tibps", 8.0 * 1_099_511_627_776.0),
];

/// tc's units of sizes, in bytes.
const SIZES: [(&str, f64); 10] = [
    ("b", 1.0),
    ("k", 1024.0),
    ("kb", 1024.0),
    ("m", 1_048_576.0),
    ("mb", 1_048_576.0),
    ("g", 1_073_741_824.0),
    ("gb", 1_073_741_824.0),
    ("kbit", 128.0),
    ("mbit", 131_072.0),
    ("gbit", 134_217_728.0),
];

/// The number of `text` in its unit's base; whether it has a unit at all.
enum Measured {
    Of(f64),
    NoUnit,
    Nonsense,
}

fn measure(text: &str, units: &[(&str, f64)]) -> Measured {
    let Some((number, unit)) = number_and_unit(text) else {
        return Measured::Nonsense;
    };
    if unit.is_empty() {
        return Measured::NoUnit;
    }
    let unit = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    unit.map_or(Measured::Nonsense, |(_, scale)| Measured::Of(number * scale))
}

/// A number as tc reads it, with the unit that tc takes where none is said.
fn with_unit(word: &str, unit: &str) -> Value {
    match number_and_unit(word) {
        Some((_, "")) => Value::Str(format!("{word}{unit}")),
        _ => Value::Str(word.into()),
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match measure(text, &RATES) {
            Measured::Of(bits) if bits < 8.0 => Err(format!("is too slow: {text:?} is less than a byte a second")),
            Measured::Of(bits) if bits > 1e18 => Err(format!("is too fast: {text:?}")),
            Measured::Of(bits) => Ok(Rate((bits / 8.0) as u64)),
            Measured::NoUnit => Err(format!("has no unit: write \"{text}mbit\" or \"{text}kbit\"")),
            Measured::Nonsense => Err(not_wanted::<Self>(&Value::Str(text.into()))),
        }
    }
}

impl Typed for Rate {
    const WANTS: &'static str = "a rate such as \"10mbit\" (bits a second) or \"125kbps\" (bytes)";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => text.parse(),
            Value::Int(n) => Err(format!("has no unit: write \"{n}mbit\" or \"{n}kbit\"")),
            Value::Float(x) => Err(format!("has no unit: write \"{x}mbit\"")),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        let bits = u128::from(self.0) * 8;
        match bits {
            _ if bits % 1_000_000_000 == 0 => format!("{}gbit", bits / 1_000_000_000),
            _ if bits % 1_000_000 == 0 => format!("{}mbit", bits / 1_000_000),
            _ if bits % 1000 == 0 => format!("{}kbit", bits / 1000),
            _ => format!("{bits}bit"),
        }
    }

    /// tc counts in bits a second where no unit is said.
    fn of_word(word: &str) -> Value {
        with_unit(word, "bit")
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match measure(text, &SIZES) {
            Measured::Of(bytes) if bytes > f64::from(u32::MAX) => Err(format!("is too much: {text:?}")),
            Measured::Of(bytes) => Ok(Size(bytes as u32)),
            Measured::NoUnit => Err(format!("has no unit: write \"{text}b\" or \"{text}kb\"")),
            Measured::Nonsense => Err(not_wanted::<Self>(&Value::Str(text.into()))),
        }
    }
}

impl Typed for Size {
    const WANTS: &'static str = "a size such as \"32kb\" or \"1600b\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => text.parse(),
            Value::Int(n) => Err(format!("has no unit: write \"{n}b\" or \"{n}kb\"")),
            Value::Float(x) => Err(format!("has no unit: write \"{x}kb\"")),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self.0 {
            0 => "0b".into(),
            bytes if bytes % (1 << 20) == 0 => format!("{}mb", bytes >> 20),
            bytes if bytes % 1024 == 0 => format!("{}kb", bytes >> 10),
            bytes => format!("{bytes}b"),
        }
    }

    /// tc counts in bytes where no unit is said.
    fn of_word(word: &str) -> Value {
        with_unit(word, "b")
    }
}

/// The whole of a chance.
const CERTAIN: f64 = u32::MAX as f64;

impl Chance {
    /// The chance as a number from 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / CERTAIN
    }
}

impl FromStr for Chance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match measure(text, &[("%", 1.0)]) {
            Measured::Of(percent) if percent > 100.0 => Err(format!("is more than 100%: {text:?}")),
            Measured::Of(percent) => Ok(Chance((percent / 100.0 * CERTAIN).round_ties_even() as u32)),
            Measured::NoUnit => Err(format!("has no unit: write \"{text}%\"")),
            Measured::Nonsense => Err(not_wanted::<Self>(&Value::Str(text.into()))),
        }
    }
}

impl Typed for Chance {
    const WANTS: &'static str = "a chance such as \"1%\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => text.parse(),
            Value::Int(n) => Err(format!("has no unit: write \"{n}%\"")),
            Value::Float(x) => Err(format!("has no unit: write \"{x}%\"")),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    /// The shortest percentage that is read back as the same chance.
    fn spell(&self) -> String {
        let percent = self.share() * 100.0;
        let candidates = (0..=15).map(|digits| format!("{percent:.digits$}%"));
        let exact = candidates.into_iter().find(|text| text.parse() == Ok(*self));
        exact.unwrap_or_else(|| format!("{percent}%"))
    }

    /// tc counts in percent where no unit is said.
    fn of_word(word: &str) -> Value {
        with_unit(word, "%")
    }
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.spell()
            }
        }
    )*};
}

as_text!(Rate, Size, Chance);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_in_tcs_units() {
        let cases = [
            ("10mbit", 1_250_000, "10mbit"),
            ("1gbit", 125_000_000, "1gbit"),
            ("1.5Mbit", 187_500, "1500kbit"),
            ("125kbps", 125_000, "1mbit"),
            ("1kibit", 128, "1024bit"),
            ("1MiBps", 1_048_576, "8388608bit"),
            ("40gbit", 5_000_000_000, "40gbit"),
        ];
        for (text, bytes, spelled) in cases {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.0, rate.spell().as_str()), (bytes, spelled), "{text}");
            assert_eq!(spelled.parse(), Ok(rate));
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        let cases = [
            ("32kb", 32_768, "32kb"),
            ("1600b", 1600, "1600b"),
            ("2k", 2048, "2kb"),
            ("1M", 1 << 20, "1mb"),
            ("8kbit", 1024, "1kb"),
            ("0b", 0, "0b"),
        ];
        for (text, bytes, spelled) in cases {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.0, size.spell().as_str()), (bytes, spelled), "{text}");
        }
        assert!("5g".parse::<Size>().is_err(), "more than tc can say");
    }

    #[test]
    fn chances_are_spelled_so_that_they_are_read_back() {
        for text in ["1%", "0.1%", "25%", "100%", "0%", "33.3%", "0.0001%"] {
            assert_eq!(text.parse::<Chance>().unwrap().spell(), text);
        }
        for number in [1, 7, 12_345, 1 << 31, u32::MAX - 1] {
            assert_eq!(Chance(number).spell().parse(), Ok(Chance(number)));
        }
        assert_eq!("50%".parse(), Ok(Chance(1 << 31)));
        assert!("101%".parse::<Chance>().is_err());
    }

    #[test]
    fn a_number_alone_is_refused() {
        let refusals = [
            Rate::read(&Value::Int(10)).unwrap_err(),
            Rate::read(&Value::Str("10".into())).unwrap_err(),
            Size::read(&Value::Int(32)).unwrap_err(),
            Size::read(&Value::Str("32".into())).unwrap_err(),
            Chance::read(&Value::Float(0.5)).unwrap_err(),
            Chance::read(&Value::Str("1".into())).unwrap_err(),
        ];
        for why in refusals {
            assert!(why.starts_with("has no unit: write"), "{why}");
        }
        for bad in ["", "mbit", "-1mbit", "10 mbit", "1e3mbit", "0mbit", "99999999tbit"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad:?}");
        }
    }
}
