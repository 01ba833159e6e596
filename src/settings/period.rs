//! Lengths of time as a config writes them: `90s`, `11m`, `1h30m`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// A length of time as a config writes it: whole numbers with a unit each (`ms`, `s`, `m`, `h`, `d`), largest first, without spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a length of time; write one such as \"90s\", \"11m\", \"1h30m\" or \"7d\"")]
pub struct PeriodError(String);

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A century: what is longer is a slip of the hand, and would overflow sums of milliseconds.
const LONGEST: u64 = 100 * 366 * 86_400_000;

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        parse(text)
            .map(Self)
            .ok_or_else(|| PeriodError(text.chars().take(40).collect()))
    }
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        // The iterator is used up as units go by, so each stands at most once and only in falling order.
        let (_, length) = units.find(|(unit, _)| *unit == &rest[..end])?;
        total = total.checked_add(number.checked_mul(*length)?)?;
        rest = &rest[end..];
    }
    (total <= LONGEST).then(|| Duration::from_millis(total))
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in UNITS {
            if rest >= length {
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Period>().unwrap().0;
        assert_eq!(read("1m"), Duration::from_mins(1));
        assert_eq!(read("1h30m"), Duration::from_mins(90));
        assert_eq!(read("24h"), read("1d"));
        assert_eq!(read("250ms"), Duration::from_millis(250));
        assert_eq!(read("0s"), Duration::ZERO);
    }

    #[test]
    fn what_has_no_unit_sign_or_order_is_refused() {
        for text in [
            "",
            "10",
            "-1m",
            "1 m",
            "m",
            "1m1h",
            "1m1m",
            "1.5h",
            "1w",
            "99999999999999999999d",
            "200y",
            "40000d",
            "1m ",
        ] {
            let error = text.parse::<Period>().unwrap_err().to_string();
            assert!(error.contains("11m"), "{text:?} gave {error}");
        }
    }

    proptest! {
        #[test]
        fn every_length_survives_a_round_trip(ms in 0..=LONGEST) {
            let period = Period(Duration::from_millis(ms));
            prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
        }
    }
}
