//! From when on and until when something is listed. A day that is named, at either end, is meant whole: whoever works last on it belongs to it,
//! and so does what is due on it.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::cli::UsageError;
use crate::cli::human_time::{HumanTime, beginning_of};
use crate::cli::output::{LocalTimes, terminal};
use crate::model::Timestamp;

/// How far the clocks of two places may be apart, with room for a change of one of them: somebody's last day may end that much before or after
/// the same day here.
const APART: Duration = Duration::from_hours(28);

/// Days in a week.
const WEEK: i32 = 7;

/// An end of a range.
#[derive(Debug, Clone, Copy)]
struct Bound {
    /// The day, where one was named.
    day: Option<Date>,
    /// The first instant that is within, or the first that is not any more.
    at: Timestamp,
}

/// From when on and until when.
#[derive(Debug, Clone)]
pub(super) struct Range {
    from: Option<Bound>,
    to: Option<Bound>,
    /// The zone of whoever asks.
    zone: TimeZone,
}

/// A part of the time that a range may reach into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    /// Whether all that is due in it is within the range; else somebody's own day decides.
    pub(super) is_within: bool,
}

impl Range {
    /// The seven days from today on.
    pub(super) fn week(times: &LocalTimes) -> Result<Self, UsageError> {
        Self::of(Some(HumanTime::Day(0)), Some(HumanTime::Day(WEEK - 1)), times)
    }

    /// What was typed.
    ///
    /// # Errors
    /// Where an end of it is none, or nothing lies between the two.
    pub(super) fn of(from: Option<HumanTime>, to: Option<HumanTime>, times: &LocalTimes) -> Result<Self, UsageError> {
        let range = Self {
            from: from.map(|time| bound(time, times, false)).transpose()?,
            to: to.map(|time| bound(time, times, true)).transpose()?,
            zone: terminal().zone.clone(),
        };
        if let (Some(from), Some(to)) = (range.from, range.to)
            && from.at >= to.at
        {
            let told = |bound: Bound| match bound.day {
                Some(day) => day.strftime("%a %d %b %Y").to_string(),
                None => times.on_day(bound.at),
            };
            return Err(UsageError(format!(
                "nothing lies between --from ({}) and --to ({}): the earlier of the two goes to --from",
                told(from),
                told(to)
            )));
        }
        Ok(range)
    }

    /// Whether a time was named at all.
    pub(super) fn is_bounded(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// The parts of time in which to look: the range itself, and beside a day that was named the hours in which it is that day elsewhere.
    pub(super) fn parts(&self) -> Vec<Part> {
        let (from, to) = (self.from.map(|bound| bound.at), self.to.map(|bound| bound.at));
        let mut parts = vec![Part {
            from,
            to,
            is_within: true,
        }];
        let edge = |from: Timestamp, to: Timestamp| Part {
            from: Some(from),
            to: Some(to),
            is_within: false,
        };
        if let Some(Bound { day: Some(_), at }) = self.from {
            parts.push(edge(at.minus(APART), at));
        }
        if let Some(Bound { day: Some(_), at }) = self.to {
            parts.push(edge(at, at.plus(APART)));
        }
        parts
    }

    /// Whether somebody is within it whose access ends then: by that instant, or by the last day, which `local` says where they work; where
    /// that is not known, by the last day here.
    pub(super) fn holds(&self, due: Timestamp, local: Option<&str>) -> bool {
        let there = local.and_then(|local| Some(local.parse::<jiff::ZonedDateTime>().ok()?.datetime()));
        let here = || Some(self.zone.to_datetime(jiff::Timestamp::from_millisecond(due.ms()).ok()?));
        let own = there.or_else(here).and_then(last_day);
        let from = self
            .from
            .is_none_or(|bound| due >= bound.at || own.zip(bound.day).is_some_and(|(own, day)| own >= day));
        let to = self
            .to
            .is_none_or(|bound| due < bound.at || own.zip(bound.day).is_some_and(|(own, day)| own <= day));
        from && to
    }
}

fn bound(time: HumanTime, times: &LocalTimes, is_last: bool) -> Result<Bound, UsageError> {
    let day = time.day(times.now()).map_err(UsageError)?;
    let at = match day {
        Some(day) if is_last => day.tomorrow().map_err(|error| error.to_string()).and_then(beginning_of),
        _ => time.ahead_of(times.now()),
    };
    Ok(Bound {
        day,
        at: at.map_err(UsageError)?,
    })
}

/// The last day that somebody works, by when access ends there: of a midnight the day before it.
fn last_day(local: DateTime) -> Option<Date> {
    if local.time() == Time::midnight() {
        local.date().yesterday().ok()
    } else {
        Some(local.date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    /// A range in UTC.
    fn days(from: &str, to: &str) -> Range {
        let bound = |day: &str, is_last: bool| {
            let day: Date = day.parse().unwrap();
            let edge = if is_last { day.tomorrow().unwrap() } else { day };
            Bound {
                day: Some(day),
                at: at(&format!("{edge}T00:00:00Z")),
            }
        };
        Range {
            from: Some(bound(from, false)),
            to: Some(bound(to, true)),
            zone: TimeZone::UTC,
        }
    }

    #[test]
    fn whoever_works_last_on_a_named_day_belongs_to_it_wherever_that_is() {
        let december = days("2026-12-01", "2026-12-31");
        for (due, local, is_in) in [
            // The last day is 31 December, in three places.
            ("2026-12-31T23:00:00Z", Some("2027-01-01T00:00:00+01:00[Europe/Berlin]"), true),
            (
                "2027-01-01T05:00:00Z",
                Some("2027-01-01T00:00:00-05:00[America/New_York]"),
                true,
            ),
            ("2027-01-01T12:00:00Z", Some("2027-01-01T00:00:00-12:00[Etc/GMT+12]"), true),
            // It is 1 December there already.
            (
                "2026-11-30T11:00:00Z",
                Some("2026-12-01T01:00:00+14:00[Pacific/Kiritimati]"),
                true,
            ),
            // Due on a named day, although the last day was the one before.
            (
                "2026-12-01T05:00:00Z",
                Some("2026-12-01T00:00:00-05:00[America/New_York]"),
                true,
            ),
            ("2026-12-31T23:59:00Z", None, true),
            // The end of 31 December here, of whom no other place is known.
            ("2027-01-01T00:00:00Z", None, true),
            ("2027-01-01T00:00:01Z", None, false),
            (
                "2027-01-02T05:00:00Z",
                Some("2027-01-02T00:00:00-05:00[America/New_York]"),
                false,
            ),
            (
                "2026-11-30T10:00:00Z",
                Some("2026-12-01T00:00:00+14:00[Pacific/Kiritimati]"),
                false,
            ),
        ] {
            assert_eq!(december.holds(at(due), local), is_in, "{due} {local:?}");
            let looked_at = december
                .parts()
                .iter()
                .any(|part| part.from.is_none_or(|from| at(due) >= from) && part.to.is_none_or(|to| at(due) < to));
            assert!(looked_at || !is_in, "{due} is in no part");
        }
    }
}
