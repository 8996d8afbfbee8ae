//! Numbers as tc(8) prints them.

/// `%g` of C, to so many digits.
pub(super) fn general(number: f64, digits: usize) -> String {
    if number == 0.0 {
        return "0".into();
    }
    let scientific = format!("{number:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let bare = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    let after = digits as i32 - 1 - exponent;
    if exponent < -4 || after < 0 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", bare(mantissa), exponent.abs());
    }
    bare(&format!("{number:.*}", after as usize))
}

/// A fraction as `tc -j` gives it: six digits of it.
pub(super) fn rounded(number: f64) -> f64 {
    general(number, 6).parse().unwrap_or(number)
}

/// Microseconds: `50ms`.
pub(super) fn time(microseconds: u32) -> String {
    let number = f64::from(microseconds);
    match microseconds {
        1_000_000.. => format!("{}s", general(number / 1e6, 3)),
        1000.. => format!("{}ms", general(number / 1e3, 3)),
        _ => format!("{microseconds}us"),
    }
}

/// Bytes a second, as bits: `10Mbit`.
pub(super) fn rate(bytes: u64) -> String {
    let mut bits = bytes.wrapping_mul(8);
    let mut units = ["", "K", "M", "G", "T"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while bits >= 1000 && (bits.is_multiple_of(1000) || bits >= 1_000_000) {
        let Some(next) = units.next() else { break };
        unit = next;
        bits /= 1000;
    }
    format!("{bits}{unit}bit")
}

/// Bytes: `32Kb`, where that is nearly so.
pub(super) fn size(bytes: u32) -> String {
    let number = f64::from(bytes);
    let near = |unit: f64| (number / unit).round_ties_even();
    let (kilo, mega) = (1024.0, 1_048_576.0);
    if number >= mega && (near(mega) * mega - number).abs() < 1024.0 {
        format!("{}Mb", near(mega))
    } else if number >= kilo && (near(kilo) * kilo - number).abs() < 16.0 {
        format!("{}Kb", near(kilo))
    } else {
        format!("{bytes}b")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_c() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (100.0, "100"),
            (1_234_567.0, "1.23457e+06"),
            (0.000_01, "1e-05"),
            (33.333_333_3, "33.3333"),
            (0.000_123_456_7, "0.000123457"),
        ];
        for (number, text) in cases {
            assert_eq!(general(number, 6), text);
        }
        assert_eq!(general(26.2, 3), "26.2");
        assert_eq!(general(1234.0, 3), "1.23e+03");
    }

    #[test]
    fn units_are_those_of_tc() {
        assert_eq!([time(50_000), time(999), time(1_500_000)], ["50ms", "999us", "1.5s"]);
        assert_eq!(
            [rate(1_250_000), rate(125), rate(187_500), rate(1_048_576), rate(0)],
            ["10Mbit", "1Kbit", "1500Kbit", "8388Kbit", "0bit"]
        );
        assert_eq!(
            [size(32_766), size(1600), size(1 << 20), size(2048)],
            ["32Kb", "1600b", "1Mb", "2Kb"]
        );
    }
}
