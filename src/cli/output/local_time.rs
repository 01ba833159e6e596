//! Times as people read them: local, or in UTC with `--utc`, and how long ago. Programs get RFC 3339 by `--json`.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::terminal::terminal;
use crate::model::{Door, Timestamp};

/// Tells times as seen from `now`.
#[derive(Debug, Clone)]
pub(in crate::cli) struct LocalTimes {
    now: Timestamp,
    zone: TimeZone,
}

impl LocalTimes {
    /// As seen from `now`, in the zone of the terminal.
    pub(in crate::cli) fn at(now: Timestamp) -> Self {
        Self {
            now,
            zone: terminal().zone.clone(),
        }
    }

    /// Now.
    pub(in crate::cli) fn now(&self) -> Timestamp {
        self.now
    }

    /// `03:12:05` today, `Fri 27 Nov 17:30` within half a year, `27 Nov 2025 17:30` else; with a `Z` in UTC.
    pub(in crate::cli) fn time(&self, at: Timestamp) -> String {
        let (Some(then), Some(now)) = (self.local(at), self.local(self.now)) else {
            return at.to_string();
        };
        let days = now.date().until(then.date()).map_or(i32::MAX, |span| span.get_days());
        let form = match days {
            0 => "%H:%M:%S",
            -180..=180 => "%a %d %b %H:%M",
            _ => "%d %b %Y %H:%M",
        };
        let mark = if self.zone == TimeZone::UTC { "Z" } else { "" };
        format!("{}{mark}", then.strftime(form))
    }

    /// `Sun 29 Nov 08:05`, and `Sun 04 Apr 2027 00:00` where that is not this year: what waits for a day always says which.
    pub(in crate::cli) fn on_day(&self, at: Timestamp) -> String {
        let Some(then) = self.local(at) else { return at.to_string() };
        let form = if Some(then.year()) == self.this_year() {
            "%a %d %b %H:%M"
        } else {
            "%a %d %b %Y %H:%M"
        };
        let mark = if self.zone == TimeZone::UTC { "Z" } else { "" };
        format!("{}{mark}", then.strftime(form))
    }

    /// A local time with its zone as [`own_time`] tells it, without the year where it is this one.
    pub(in crate::cli) fn own_day(&self, local: &str) -> String {
        told_locally(local, self.this_year())
    }

    /// A sentence in which instants stand as programs write them, each told as people read it.
    pub(in crate::cli) fn told(&self, text: &str) -> String {
        let (mut told, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((begin, end, at)) = first_instant(rest) {
            told.push_str(&rest[..begin]);
            told.push_str(&self.on_day(at));
            rest = &rest[end..];
        }
        told.push_str(rest);
        told
    }

    /// The same, or a dash.
    pub(in crate::cli) fn cell(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| "-".to_owned(), |at| self.time(at))
    }

    /// A door that is open, in words, and until when.
    pub(in crate::cli) fn door(&self, door: &Door) -> String {
        let until = door
            .until
            .map_or(String::new(), |until| format!(" (until {})", self.time(until)));
        format!("{}: {}{until}", door.door.word(), door.says)
    }

    /// `12 m ago`, `in 4 h`, `now`.
    pub(in crate::cli) fn away(&self, at: Timestamp) -> String {
        if at > self.now {
            format!("in {}", coarse(at.since(self.now)))
        } else {
            match self.now.since(at).as_secs() {
                0 => "now".to_owned(),
                _ => format!("{} ago", coarse(self.now.since(at))),
            }
        }
    }

    fn this_year(&self) -> Option<i16> {
        Some(self.local(self.now)?.year())
    }

    fn local(&self, at: Timestamp) -> Option<jiff::civil::DateTime> {
        let at = jiff::Timestamp::from_millisecond(at.ms()).ok()?;
        Some(self.zone.to_datetime(at))
    }
}

/// The first instant that stands in a text as programs write it, in UTC, and from where to where.
fn first_instant(text: &str) -> Option<(usize, usize, Timestamp)> {
    const DATE: usize = "2026-11-28".len();
    text.match_indices('T').find_map(|(mark, _)| {
        let begin = mark.checked_sub(DATE)?;
        let end = mark + text[mark..].find('Z')? + 1;
        let at = text.get(begin..end)?.parse::<jiff::Timestamp>().ok()?;
        Some((begin, end, at.into()))
    })
}

/// A local time with its zone as people say it: the midnight that ends a day is the end of that day.
#[must_use]
pub(in crate::cli) fn own_time(local: &str) -> String {
    told_locally(local, None)
}

/// The same, without the year where it is `this_year`.
fn told_locally(local: &str, this_year: Option<i16>) -> String {
    let Ok(local) = local.parse::<jiff::ZonedDateTime>() else {
        return super::plain(local);
    };
    let zone = local.time_zone().iana_name().unwrap_or("UTC");
    let town = zone.rsplit('/').next().unwrap_or(zone).replace('_', " ");
    let day = |day: jiff::civil::Date| {
        let form = if Some(day.year()) == this_year {
            "%a %d %b"
        } else {
            "%a %d %b %Y"
        };
        day.strftime(form).to_string()
    };
    let is_midnight = local.time() == jiff::civil::Time::midnight();
    match local.date().yesterday() {
        Ok(before) if is_midnight => format!("end of {}, {town}", day(before)),
        _ => format!("{} {}, {town}", day(local.date()), local.strftime("%H:%M")),
    }
}

/// How long, in its one largest unit: `45 s`, `12 m`, `5 h`, `12 d`.
#[must_use]
pub(in crate::cli) fn coarse(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} m", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// A clock of what is under way: `00:12`, `1:02:45`.
#[must_use]
pub(in crate::cli) fn stopwatch(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..3_600 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3_600, seconds % 3_600 / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(now: &str, zone: &str) -> LocalTimes {
        LocalTimes {
            now: instant(now),
            zone: TimeZone::get(zone).unwrap(),
        }
    }

    fn instant(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn coarse_spans_and_clocks_read_well() {
        let read = [45, 192, 18_180, 1_036_800].map(|seconds| coarse(Duration::from_secs(seconds)));
        assert_eq!(read, ["45 s", "3 m", "5 h", "12 d"]);
        let read = [12, 3_765].map(|seconds| stopwatch(Duration::from_secs(seconds)));
        assert_eq!(read, ["00:12", "1:02:45"]);
    }

    #[test]
    fn a_time_says_its_day_where_it_is_not_today_and_its_year_where_it_is_far() {
        let berlin = times("2026-11-28T02:12:00Z", "Europe/Berlin");
        assert_eq!(berlin.time(instant("2026-11-28T01:59:58Z")), "02:59:58");
        assert_eq!(
            berlin.time(instant("2026-11-27T22:59:58Z")),
            "Fri 27 Nov 23:59",
            "yesterday by the local day"
        );
        assert_eq!(berlin.time(instant("2026-11-27T23:30:00Z")), "00:30:00");
        assert_eq!(berlin.time(instant("2025-11-27T16:30:00Z")), "27 Nov 2025 17:30");
    }

    #[test]
    fn what_waits_for_a_day_says_which_and_the_year_where_it_is_another() {
        let berlin = times("2026-11-29T08:05:00Z", "Europe/Berlin");
        assert_eq!(berlin.on_day(instant("2026-11-28T23:00:00Z")), "Sun 29 Nov 00:00", "today");
        assert_eq!(berlin.on_day(instant("2026-12-31T22:59:00Z")), "Thu 31 Dec 23:59");
        assert_eq!(berlin.on_day(instant("2026-12-31T23:00:00Z")), "Fri 01 Jan 2027 00:00");
        let own = |local| berlin.own_day(local);
        assert_eq!(own("2026-12-05T00:00:00+01:00[Europe/Berlin]"), "end of Fri 04 Dec, Berlin");
        assert_eq!(
            own("2027-01-01T00:00:00+01:00[Europe/Berlin]"),
            "end of Thu 31 Dec, Berlin",
            "the year is that of the day"
        );
        assert_eq!(
            own("2027-01-08T17:30:00-05:00[America/New_York]"),
            "Fri 08 Jan 2027 17:30, New York"
        );
    }

    #[test]
    fn instants_within_a_sentence_are_told_as_people_read_them() {
        let berlin = times("2026-11-29T08:05:00Z", "Europe/Berlin");
        assert_eq!(
            berlin.told("planned for 2026-12-04T23:00:00.000Z and moves (2027-01-01T08:00:00Z), TZ of HR"),
            "planned for Sat 05 Dec 00:00 and moves (Fri 01 Jan 2027 09:00), TZ of HR"
        );
        for text in [
            "no instant: T-shirt, Zoë",
            "2026-12-04",
            "Té 2026-99-04T23:00:00Z",
            "ÄÖÜ12-04T23:00:00Z",
        ] {
            assert_eq!(berlin.told(text), text);
        }
    }

    #[test]
    fn utc_is_marked() {
        let utc = LocalTimes {
            now: instant("2026-11-28T02:12:00Z"),
            zone: TimeZone::UTC,
        };
        assert_eq!(utc.time(instant("2026-11-28T01:59:58Z")), "01:59:58Z");
    }

    #[test]
    fn what_is_away_says_in_which_direction() {
        let times = times("2026-11-28T02:12:00Z", "UTC");
        assert_eq!(times.away(instant("2026-11-28T02:00:00Z")), "12 m ago");
        assert_eq!(times.away(instant("2026-11-28T06:12:00Z")), "in 4 h");
        assert_eq!(times.away(instant("2026-11-28T02:12:00Z")), "now");
    }

    #[test]
    fn the_midnight_after_the_last_day_is_the_end_of_that_day() {
        assert_eq!(
            own_time("2026-11-28T00:00:00+01:00[Europe/Berlin]"),
            "end of Fri 27 Nov 2026, Berlin"
        );
        assert_eq!(
            own_time("2026-11-27T17:30:00-05:00[America/New_York]"),
            "Fri 27 Nov 2026 17:30, New York"
        );
        assert_eq!(own_time("what nobody can read"), "what nobody can read");
    }
}
