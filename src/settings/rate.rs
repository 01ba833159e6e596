//! The rate limit of a target, or how often it may be called, as a config writes it: `10/s`, `300/m`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// How often a target may be called: so many calls in a second, a minute or an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many calls.
    pub calls: NonZeroU32,
    /// In how long: a second, a minute or an hour.
    pub per: Duration,
}

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a rate; write whole calls per second, minute or hour such as \"10/s\" or \"300/m\", at least one and at most 10000 a second"
)]
pub struct RateError(String);

/// What is above it is a slip of the hand: no target takes it, and the pacer's interval would round to nothing.
const FASTEST: u32 = 10_000;

impl Rate {
    /// The time from one call to the next.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.per / self.calls.get()
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        parse(text).ok_or_else(|| RateError(text.chars().take(40).collect()))
    }
}

fn parse(text: &str) -> Option<Rate> {
    let (calls, unit) = text.split_once('/')?;
    let per = match unit {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_mins(1),
        "h" => Duration::from_hours(1),
        _ => return None,
    };
    if !calls.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let calls: NonZeroU32 = calls.parse().ok()?;
    let fastest = u64::from(FASTEST) * per.as_secs();
    (u64::from(calls.get()) <= fastest).then_some(Rate { calls, per })
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per.as_secs() {
            1 => "s",
            60 => "m",
            _ => "h",
        };
        write!(f, "{}/{unit}", self.calls)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_give_the_interval() {
        assert_eq!("10/s".parse::<Rate>().unwrap().interval(), Duration::from_millis(100));
        assert_eq!("300/m".parse::<Rate>().unwrap().interval(), Duration::from_millis(200));
        assert_eq!("2/h".parse::<Rate>().unwrap().to_string(), "2/h");
    }

    #[test]
    fn what_is_no_rate_is_refused_with_an_example() {
        for text in [
            "0/s",
            "10",
            "-1/s",
            "1e9/s",
            "+1/s",
            "10/d",
            "10 /s",
            "/s",
            "10/",
            "10001/s",
            "4294967296/h",
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains("10/s"), "{text:?} gave {error}");
        }
    }
}
