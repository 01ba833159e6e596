//! Instants as people type them: `1h`, `yesterday`, `17:30`, `2026-11-28`, `2026-11-28 17:30`, or RFC 3339 with an offset.
//!
//! What has no offset is meant in the zone in which times are told: the local one, or UTC with `--utc`. A time of day alone is the last such
//! for whoever looks back, and the next for whoever looks ahead: at 03:00 the evening that `22:00` means is yesterday's.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::UsageError;
use super::output::{LocalTimes, terminal};
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
    /// A time of day: the last such, or the next.
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
        self.last_before(now, now, &terminal().zone)
    }

    /// The instant that is meant by who looks ahead from `now`.
    pub(super) fn ahead_of(self, now: Timestamp) -> Result<Timestamp, String> {
        self.next_after(now, &terminal().zone)
    }

    /// The instant that is meant at `now` by who looks back: a time of day is the last one up to `end`.
    fn last_before(self, end: Timestamp, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
        let Self::Clock(time) = self else {
            return self.instant(now, zone, Timestamp::minus);
        };
        match of_day(end, 0, time, zone)? {
            at if at > end => of_day(end, -1, time, zone),
            at => Ok(at),
        }
    }

    /// The same by who looks ahead: a time of day is the next one.
    fn next_after(self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
        let Self::Clock(time) = self else {
            return self.instant(now, zone, Timestamp::plus);
        };
        match of_day(now, 0, time, zone)? {
            at if at < now => of_day(now, 1, time, zone),
            at => Ok(at),
        }
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

/// A time of day, so many days after the day of an instant.
fn of_day(at: Timestamp, days: i32, time: Time, zone: &TimeZone) -> Result<Timestamp, String> {
    of_civil(days_from_today(days, at, zone)?.to_datetime(time), zone)
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

/// What lies between two times that whoever looks back has typed as `--since` and `--until`. A time of day since when is the last one before
/// the end: `--since 22:00 --until 07:00` is a night.
///
/// # Errors
/// With exit code 2, where nothing can lie between them: it would begin in the future, or not before it ends.
pub(super) fn past(
    since: Option<HumanTime>,
    until: Option<HumanTime>,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), UsageError> {
    let until = until.map(|until| until.back_from(now)).transpose().map_err(UsageError)?;
    let end = until.unwrap_or(now).min(now);
    let since = since.map(|since| since.last_before(end, now, &terminal().zone));
    let since = since.transpose().map_err(UsageError)?;
    let times = LocalTimes::at(now);
    if let Some(since) = since.filter(|since| *since > now) {
        return Err(UsageError(format!(
            "nothing has happened since {}, which is in the future",
            times.time(since)
        )));
    }
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(UsageError(format!(
            "nothing lies between {} (--since) and {} (--until): it would end before it begins",
            times.time(since),
            times.time(until)
        )));
    }
    Ok((since, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    fn read(text: &str) -> [Timestamp; 2] {
        let now = at("2026-11-28T02:12:00Z");
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let typed = text.parse::<HumanTime>().unwrap();
        [
            typed.last_before(now, now, &zone).unwrap(),
            typed.next_after(now, &zone).unwrap(),
        ]
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
            assert_eq!(read(typed)[0], at(meant), "{typed}");
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
    fn a_time_of_day_is_the_last_one_for_who_looks_back_and_the_next_one_for_who_looks_ahead() {
        // It is 03:12 in Berlin.
        for (typed, last, next) in [
            ("17:30", "2026-11-27T16:30:00Z", "2026-11-28T16:30:00Z"),
            ("03:13", "2026-11-27T02:13:00Z", "2026-11-28T02:13:00Z"),
            ("03:12", "2026-11-28T02:12:00Z", "2026-11-28T02:12:00Z"),
            ("01:30", "2026-11-28T00:30:00Z", "2026-11-29T00:30:00Z"),
        ] {
            assert_eq!(read(typed), [at(last), at(next)], "{typed}");
        }
    }

    fn typed(text: &str) -> Option<HumanTime> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    #[test]
    fn what_cannot_hold_anything_is_refused_and_a_night_is_one() {
        let now = at("2026-11-28T07:24:00Z");
        let utc = |since: &str, until: &str| past(typed(since), typed(until), now).map_err(|error| error.to_string());
        let hours = |(since, until): (Option<Timestamp>, Option<Timestamp>)| until.unwrap().since(since.unwrap()).as_secs() / 3600;
        assert_eq!(hours(utc("22:00", "07:00").unwrap()), 9);
        assert!(utc("tomorrow", "").unwrap_err().contains("in the future"));
        assert!(utc("1h", "2h").unwrap_err().contains("(--since)"));
        assert!(utc("1h", "1h").unwrap_err().contains("(--until)"));
        assert!(utc("", "1h").unwrap().0.is_none());
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
