//! Instants as people type them: `1h`, `yesterday`, `17:30`, `2026-11-28`, `2026-11-28 17:30`, or RFC 3339 with an offset.
//!
//! What has no offset is meant in the zone in which times are told: the local one, or UTC with `--utc`.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::output::terminal;
use crate::model::Timestamp;
use crate::settings::Period;

/// What was typed, before it is known when it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HumanTime {
    /// An instant.
    Instant(Timestamp),
    /// So long before now; after it where what lies ahead is meant.
    Away(Duration),
    /// So many days after today, at its beginning.
    Day(i32),
    /// A day, at its beginning.
    Date(Date),
    /// A time of today.
    Clock(Time),
    /// A date and a time of day.
    Civil(DateTime),
}

impl FromStr for HumanTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::Instant(instant.into()));
        }
        let day = match text {
            "now" => return Ok(Self::Away(Duration::ZERO)),
            "yesterday" => Some(-1),
            "today" => Some(0),
            "tomorrow" => Some(1),
            _ => None,
        };
        if let Some(day) = day {
            return Ok(Self::Day(day));
        }
        let away = text.strip_suffix(" ago").or(text.strip_prefix("in ")).unwrap_or(text);
        if let Ok(length) = away.parse::<Period>() {
            return Ok(Self::Away(length.0));
        }
        // `DateTime` would take a date alone too, and a time alone with a date of its own choice.
        if let Ok(date) = Date::strptime("%Y-%m-%d", text) {
            return Ok(Self::Date(date));
        }
        for form in ["%H:%M", "%H:%M:%S"] {
            if let Ok(time) = Time::strptime(form, text) {
                return Ok(Self::Clock(time));
            }
        }
        let written = text.replacen(' ', "T", 1);
        for form in ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"] {
            if let Ok(civil) = DateTime::strptime(form, &written) {
                return Ok(Self::Civil(civil));
            }
        }
        Err(
            "write 1h or 3d, yesterday, today or tomorrow, 17:30, 2026-11-28, \"2026-11-28 17:30\" or 2026-11-28T17:30:00+01:00"
                .to_owned(),
        )
    }
}

impl HumanTime {
    /// The instant that is meant by who looks back from `now`.
    pub(super) fn back_from(self, now: Timestamp) -> Result<Timestamp, String> {
        self.instant(now, &terminal().zone, Timestamp::minus)
    }

    /// The instant that is meant by who looks ahead from `now`.
    pub(super) fn ahead_of(self, now: Timestamp) -> Result<Timestamp, String> {
        self.instant(now, &terminal().zone, Timestamp::plus)
    }

    /// The whole day that is meant, where it is no time of a day.
    pub(super) fn day(self, now: Timestamp) -> Result<Option<Date>, String> {
        self.day_in(now, &terminal().zone)
    }

    fn day_in(self, now: Timestamp, zone: &TimeZone) -> Result<Option<Date>, String> {
        match self {
            Self::Day(days) => days_from_today(days, now, zone).map(Some),
            Self::Date(date) => Ok(Some(date)),
            Self::Instant(_) | Self::Away(_) | Self::Clock(_) | Self::Civil(_) => Ok(None),
        }
    }

    fn instant(self, now: Timestamp, zone: &TimeZone, away: fn(Timestamp, Duration) -> Timestamp) -> Result<Timestamp, String> {
        let civil = match self {
            Self::Instant(instant) => return Ok(instant),
            Self::Away(length) => return Ok(away(now, length)),
            Self::Clock(time) => today(now, zone)?.to_datetime(time),
            Self::Civil(civil) => civil,
            Self::Day(days) => return beginning(days_from_today(days, now, zone)?, zone),
            Self::Date(date) => return beginning(date, zone),
        };
        of_civil(civil, zone)
    }
}

fn days_from_today(days: i32, now: Timestamp, zone: &TimeZone) -> Result<Date, String> {
    let day = today(now, zone)?.checked_add(jiff::Span::new().days(days));
    day.map_err(|error| error.to_string())
}

/// Today, where the clocks are of this zone.
fn today(now: Timestamp, zone: &TimeZone) -> Result<Date, String> {
    let now = jiff::Timestamp::from_millisecond(now.ms()).map_err(|error| error.to_string())?;
    Ok(zone.to_datetime(now).date())
}

/// The instant at which a day begins where times are told.
pub(super) fn beginning_of(day: Date) -> Result<Timestamp, String> {
    beginning(day, &terminal().zone)
}

fn beginning(day: Date, zone: &TimeZone) -> Result<Timestamp, String> {
    of_civil(day.to_datetime(Time::midnight()), zone)
}

fn of_civil(civil: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let instant = zone.to_timestamp(civil).map_err(|error| error.to_string())?;
    Ok(instant.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    fn read(text: &str) -> Timestamp {
        let now = at("2026-11-28T02:12:00Z");
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        text.parse::<HumanTime>()
            .unwrap()
            .instant(now, &zone, Timestamp::minus)
            .unwrap()
    }

    #[test]
    fn what_people_type_is_read_in_their_zone() {
        for (typed, meant) in [
            ("1h", "2026-11-28T01:12:00Z"),
            ("90m ago", "2026-11-28T00:42:00Z"),
            ("yesterday", "2026-11-26T23:00:00Z"),
            ("today", "2026-11-27T23:00:00Z"),
            ("01:30", "2026-11-28T00:30:00Z"),
            ("2026-11-20", "2026-11-19T23:00:00Z"),
            ("2026-07-20 17:30", "2026-07-20T15:30:00Z"),
            ("2026-11-20T17:30:05", "2026-11-20T16:30:05Z"),
            ("2026-11-20T17:30:00+05:00", "2026-11-20T12:30:00Z"),
        ] {
            assert_eq!(read(typed), at(meant), "{typed}");
        }
    }

    #[test]
    fn a_day_is_told_from_a_time_of_one() {
        let now = at("2026-11-28T02:12:00Z");
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (typed, day) in [
            ("2026-12-31", Some("2026-12-31")),
            ("tomorrow", Some("2026-11-29")),
            ("2026-12-31 00:00", None),
            ("3d", None),
            ("17:30", None),
        ] {
            let meant = typed.parse::<HumanTime>().unwrap().day_in(now, &zone).unwrap();
            assert_eq!(meant.map(|day| day.to_string()).as_deref(), day, "{typed}");
        }
    }

    #[test]
    fn what_nobody_means_is_refused_with_examples() {
        for typed in ["", "soon", "25:00", "2026-13-01", "2026-02-30", "28.11.2026", "-1h", "1 hour"] {
            let refused = typed.parse::<HumanTime>().unwrap_err();
            assert!(
                refused.contains("yesterday") && refused.contains("tomorrow"),
                "{typed}: {refused}"
            );
        }
    }
}
