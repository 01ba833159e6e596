//! Until when a certificate speaks: a day that is named alone is meant to its end.

use std::str::FromStr;

use jiff::civil::{Date, Time};

use crate::cli::human_time::HumanTime;
use crate::model::Timestamp;

/// What was typed, before it is known when it was typed.
#[derive(Debug, Clone, Copy)]
pub struct Until(HumanTime);

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(date) = Date::strptime("%Y-%m-%d", text) {
            let next = date.tomorrow().map_err(|error| error.to_string())?;
            return Ok(Self(HumanTime::Civil(next.to_datetime(Time::midnight()))));
        }
        Ok(Self(match text.parse()? {
            HumanTime::Day(days) => HumanTime::Day(days + 1),
            time => time,
        }))
    }
}

impl Until {
    /// The instant that is meant by who looks back from `now`.
    pub(super) fn instant(self, now: Timestamp) -> Result<Timestamp, String> {
        self.0.back_from(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_alone_is_meant_to_its_end() {
        for (typed, meant) in [
            ("2026-11-28", "2026-11-29 00:00"),
            ("2026-12-31", "2027-01-01 00:00"),
            ("2026-11-28 17:30", "2026-11-28 17:30"),
        ] {
            let until: Until = typed.parse().unwrap();
            let meant: HumanTime = meant.parse().unwrap();
            assert_eq!(until.0, meant, "{typed}");
        }
        let yesterday: Until = "yesterday".parse().unwrap();
        assert_eq!(yesterday.0, HumanTime::Day(0));
        assert!("soon".parse::<Until>().is_err());
    }
}
