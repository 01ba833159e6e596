//! From the date that an HR system states to the instant at which access ends.
//!
//! The plan keeps the wall date and the zone, and this is computed again whenever the plan is loaded: governments change the rules of
//! their zones between the day that HR sends a date and the day itself.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::{DateRule, Leaves, Timestamp};

/// Why a stated end of an employment names no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeavesError {
    /// Not `YYYY-MM-DD`, or a day that no calendar has.
    #[error("the date is not a day of the calendar written as YYYY-MM-DD")]
    Date,
    /// Not a name of the IANA time zone database that this machine has.
    #[error("the time zone is not a name of the IANA database such as Europe/Berlin")]
    Zone,
    /// Not `HH:MM`.
    #[error("the time of day is not written as HH:MM")]
    Time,
}

impl Leaves {
    /// The instant at which access ends, under the rules that this machine's time zone database has today.
    ///
    /// A local time that is skipped (a clock set forward, a day left out as in Apia on 2011-12-30) means the first instant after the gap;
    /// one that comes twice means the first of the two. Dates at the end of the calendar mean its last instant.
    ///
    /// # Errors
    /// [`LeavesError`] where the date or the zone is none.
    pub fn fire_at(&self) -> Result<Timestamp, LeavesError> {
        match self {
            Self::Instant { at } => Ok(*at),
            Self::Wall { date, zone, rule, at } => {
                let date = iso_date(date).ok_or(LeavesError::Date)?;
                let zone = iana_zone(zone).ok_or(LeavesError::Zone)?;
                let at = match at {
                    Some(text) => Some(time_of_day(text).ok_or(LeavesError::Time)?),
                    None => None,
                };
                let wall = match (rule, at) {
                    (DateRule::LastDayInclusive, None) => date.tomorrow().ok().map(midnight),
                    (DateRule::FirstDayInactive, None) => Some(midnight(date)),
                    (DateRule::LastDayInclusive, Some(at)) => Some(date.to_datetime(at)),
                    (DateRule::FirstDayInactive, Some(at)) => date.yesterday().ok().map(|last_day| last_day.to_datetime(at)),
                };
                Ok(wall.map_or(END, |wall| first_instant(wall, &zone).min(END)))
            }
        }
    }

    /// The zone that it is written in; none for an instant.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        match self {
            Self::Wall { zone, .. } => Some(zone),
            Self::Instant { .. } => None,
        }
    }

    /// `instant` as the clocks show it where the person works, with offset and zone: `2026-04-01T00:00:00+02:00[Europe/Berlin]`; in
    /// `otherwise` where the plan names no zone. `None` where that zone is not known.
    #[must_use]
    pub fn local(&self, instant: Timestamp, otherwise: &str) -> Option<String> {
        let zone = iana_zone(self.zone().unwrap_or(otherwise))?;
        let instant = jiff::Timestamp::from_millisecond(instant.ms()).ok()?;
        Some(instant.to_zoned_datetime(zone).to_string())
    }
}

/// A time of day written as `HH:MM`, from `00:00` to `23:59`.
#[must_use]
pub fn time_of_day(text: &str) -> Option<Time> {
    let shape = text.len() == 5
        && text
            .bytes()
            .enumerate()
            .all(|(n, byte)| if n == 2 { byte == b':' } else { byte.is_ascii_digit() });
    shape.then(|| text.parse().ok()).flatten()
}

fn midnight(day: Date) -> DateTime {
    day.at(0, 0, 0, 0)
}

/// The last whole second that RFC 3339 can write in every zone (9999-12-30T22:00:00Z), which stands for every instant after it.
const END: Timestamp = Timestamp::from_seconds(253_402_207_200);

/// A day written as `YYYY-MM-DD`, and in no other way: `03/04/2026` is two different days on two sides of an ocean.
#[must_use]
pub fn iso_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(n, byte)| {
            if n == 4 || n == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        });
    shape.then(|| text.parse().ok()).flatten()
}

/// A zone by its IANA name, in any case of letters.
#[must_use]
pub fn iana_zone(name: &str) -> Option<TimeZone> {
    let zone = TimeZone::get(name).ok()?;
    zone.iana_name().is_some().then_some(zone)
}

/// The first instant at which the clocks of `zone` show `wall`, or anything after it where they never show it.
fn first_instant(wall: DateTime, zone: &TimeZone) -> Timestamp {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).map_or(END, Timestamp::from),
        // The offset before a fold is the larger one, so it names the earlier of the two instants.
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).map_or(END, Timestamp::from),
        AmbiguousOffset::Gap { before, after } => {
            // Read with the offset that holds after the gap, a skipped time lies before the change of the clock, and read with the one
            // from before it lies after: the change between the two is the first instant that exists.
            let (Ok(early), Ok(late)) = (after.to_timestamp(wall), before.to_timestamp(wall)) else {
                return END;
            };
            zone.following(early)
                .map(|change| change.timestamp())
                .take_while(|at| *at <= late)
                .find(|at| zone.to_offset(*at) == after)
                .unwrap_or(late)
                .into()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wall(date: &str, zone: &str, rule: DateRule) -> Leaves {
        Leaves::Wall {
            date: date.to_owned(),
            zone: zone.to_owned(),
            rule,
            at: None,
        }
    }

    fn at(time: &str, date: &str, zone: &str, rule: DateRule) -> Leaves {
        Leaves::Wall {
            date: date.to_owned(),
            zone: zone.to_owned(),
            rule,
            at: Some(time.to_owned()),
        }
    }

    fn last_day(date: &str, zone: &str) -> String {
        wall(date, zone, DateRule::LastDayInclusive).fire_at().unwrap().to_string()
    }

    #[test]
    fn the_last_day_is_worked_to_its_end_in_its_own_zone() {
        assert_eq!(last_day("2026-03-31", "Europe/Berlin"), "2026-03-31T22:00:00.000Z");
        assert_eq!(last_day("2026-03-31", "Australia/Sydney"), "2026-03-31T13:00:00.000Z");
        assert_eq!(last_day("2026-12-31", "America/Los_Angeles"), "2027-01-01T08:00:00.000Z");
        assert_eq!(last_day("2028-02-28", "UTC"), "2028-02-29T00:00:00.000Z");
    }

    #[test]
    fn an_exclusive_date_ends_access_at_its_own_midnight() {
        let at = wall("2026-04-01", "Europe/Berlin", DateRule::FirstDayInactive).fire_at();
        assert_eq!(at.unwrap().to_string(), "2026-03-31T22:00:00.000Z");
    }

    #[test]
    fn a_skipped_midnight_means_the_first_instant_after_the_gap() {
        // São Paulo went from 00:00 to 01:00, Cairo too.
        assert_eq!(last_day("2018-11-03", "America/Sao_Paulo"), "2018-11-04T03:00:00.000Z");
        assert_eq!(last_day("2023-04-27", "Africa/Cairo"), "2023-04-27T22:00:00.000Z");
        // Toronto went from 23:30 to 00:30 in 1919: midnight lies in the middle of the gap.
        assert_eq!(last_day("1919-03-30", "America/Toronto"), "1919-03-31T04:30:00.000Z");
    }

    #[test]
    fn a_midnight_that_comes_twice_means_the_first() {
        // Havana goes from 01:00 back to 00:00.
        assert_eq!(last_day("2025-11-01", "America/Havana"), "2025-11-02T04:00:00.000Z");
    }

    #[test]
    fn apia_has_no_30th_of_december_2011() {
        let gone = "2011-12-30T10:00:00.000Z";
        assert_eq!(last_day("2011-12-29", "Pacific/Apia"), gone);
        assert_eq!(last_day("2011-12-30", "Pacific/Apia"), gone);
        assert_eq!(last_day("2011-12-31", "Pacific/Apia"), "2011-12-31T10:00:00.000Z");
    }

    #[test]
    fn lord_howe_moves_its_clock_by_half_an_hour() {
        assert_eq!(last_day("2026-04-04", "Australia/Lord_Howe"), "2026-04-04T13:00:00.000Z");
        assert_eq!(last_day("2026-04-05", "Australia/Lord_Howe"), "2026-04-05T13:30:00.000Z");
        assert_eq!(last_day("2026-10-03", "Australia/Lord_Howe"), "2026-10-03T13:30:00.000Z");
        assert_eq!(last_day("2026-10-04", "Australia/Lord_Howe"), "2026-10-04T13:00:00.000Z");
    }

    #[test]
    fn a_time_of_the_last_day_is_a_time_of_that_day() {
        let berlin = |date, rule| at("17:30", date, "Europe/Berlin", rule).fire_at().unwrap().to_string();
        assert_eq!(berlin("2026-03-31", DateRule::LastDayInclusive), "2026-03-31T15:30:00.000Z");
        assert_eq!(berlin("2026-04-01", DateRule::FirstDayInactive), "2026-03-31T15:30:00.000Z");
        let named = |time, date, zone| {
            at(time, date, zone, DateRule::LastDayInclusive)
                .fire_at()
                .unwrap()
                .to_string()
        };
        // Left out: Berlin goes from 02:00 to 03:00, Lord Howe from 02:00 to 02:30, Apia has no such day.
        assert_eq!(named("02:30", "2026-03-29", "Europe/Berlin"), "2026-03-29T01:00:00.000Z");
        assert_eq!(
            named("02:15", "2026-10-04", "Australia/Lord_Howe"),
            "2026-10-03T15:30:00.000Z"
        );
        assert_eq!(named("17:30", "2011-12-30", "Pacific/Apia"), "2011-12-30T10:00:00.000Z");
        // Twice: the first.
        assert_eq!(named("02:30", "2026-10-25", "Europe/Berlin"), "2026-10-25T00:30:00.000Z");
        assert_eq!(
            named("01:45", "2026-04-05", "Australia/Lord_Howe"),
            "2026-04-04T14:45:00.000Z"
        );
        for bad in ["24:00", "5:30", "17:30:00", "noon", "", "17.30"] {
            let got = at(bad, "2026-04-01", "UTC", DateRule::LastDayInclusive).fire_at();
            assert_eq!(got, Err(LeavesError::Time), "{bad:?}");
        }
    }

    #[test]
    fn an_instant_is_shown_where_the_person_works() {
        let plan = wall("2026-03-31", "Australia/Sydney", DateRule::LastDayInclusive);
        let at = plan.fire_at().unwrap();
        assert_eq!(plan.local(at, "UTC").unwrap(), "2026-04-01T00:00:00+11:00[Australia/Sydney]");
        let instant = Leaves::Instant { at };
        assert_eq!(
            instant.local(at, "Europe/Berlin").unwrap(),
            "2026-03-31T15:00:00+02:00[Europe/Berlin]"
        );
    }

    #[test]
    fn the_end_of_the_calendar_is_planned_not_refused() {
        for date in ["9999-12-30", "9999-12-31"] {
            for zone in ["Pacific/Kiritimati", "Europe/Berlin", "Pacific/Niue"] {
                let end = last_day(date, zone);
                assert!(end.starts_with("9999-12-30T"), "{end}");
                assert!(end.parse::<jiff::Timestamp>().is_ok(), "{end} can be read again");
            }
        }
    }

    #[test]
    fn dates_in_other_forms_and_days_that_are_none_are_refused() {
        for date in [
            "03/04/2026",
            "2026-02-30",
            "20260401",
            "2026-4-1",
            "2026-04-01T00:00",
            " 2026-04-01",
            "",
            "2026-13-01",
        ] {
            let got = wall(date, "UTC", DateRule::LastDayInclusive).fire_at();
            assert_eq!(got, Err(LeavesError::Date), "{date:?}");
        }
    }

    #[test]
    fn zones_that_iana_does_not_name_are_refused() {
        for zone in [
            "Europe/Berln",
            "W. Europe Standard Time",
            "CET-1CEST",
            "+02:00",
            "",
            "../UTC",
            "Etc/Unknown",
        ] {
            let got = wall("2026-04-01", zone, DateRule::LastDayInclusive).fire_at();
            assert_eq!(got, Err(LeavesError::Zone), "{zone:?}");
        }
    }

    const ZONES: &[&str] = &[
        "UTC",
        "Europe/Berlin",
        "America/Sao_Paulo",
        "America/Havana",
        "America/Toronto",
        "America/St_Johns",
        "Africa/Cairo",
        "Asia/Beirut",
        "Asia/Tehran",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Pacific/Kwajalein",
        "Antarctica/Troll",
    ];

    fn day() -> impl Strategy<Value = Date> {
        (1900_i16..2200, 1_i8..=12, 1_i8..=31).prop_filter_map("a day that exists", |(y, m, d)| Date::new(y, m, d).ok())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn access_never_ends_before_the_local_day_is_over(day in day(), zone in proptest::sample::select(ZONES)) {
            let at = wall(&day.to_string(), zone, DateRule::LastDayInclusive).fire_at().unwrap();
            let zone = TimeZone::get(zone).unwrap();
            let local = |at: Timestamp| zone.to_datetime(jiff::Timestamp::from_millisecond(at.ms()).unwrap());
            let after = day.tomorrow().unwrap().at(0, 0, 0, 0);
            prop_assert!(local(at) >= after, "{} is before {after}", local(at));
            // And not later than it must: the millisecond before is still a time of the last day, or earlier where days were left out.
            let before = Timestamp::from_ms(at.ms() - 1);
            prop_assert!(local(before) < after, "{} is not before {after}", local(before));
        }

        #[test]
        fn a_time_of_the_last_day_is_never_missed_and_never_early(
            day in day(), zone in proptest::sample::select(ZONES), (hour, minute) in (0_i8..24, 0_i8..60)
        ) {
            let plan = at(&format!("{hour:02}:{minute:02}"), &day.to_string(), zone, DateRule::LastDayInclusive);
            let at = plan.fire_at().unwrap();
            let zone = TimeZone::get(zone).unwrap();
            let local = |at: Timestamp| zone.to_datetime(jiff::Timestamp::from_millisecond(at.ms()).unwrap());
            let wall = day.at(hour, minute, 0, 0);
            prop_assert!(local(at) >= wall, "{} is before {wall}", local(at));
            prop_assert!(local(Timestamp::from_ms(at.ms() - 1)) < wall, "{} could have been sooner", local(at));
            // And no later than the day's end, since its end is the latest time that a day has.
            let end = super::tests::wall(&day.to_string(), zone.iana_name().unwrap(), DateRule::LastDayInclusive).fire_at().unwrap();
            prop_assert!(at <= end);
        }

        #[test]
        fn a_plan_means_the_same_instant_after_a_round_trip(day in day(), zone in proptest::sample::select(ZONES), inclusive: bool) {
            let rule = if inclusive { DateRule::LastDayInclusive } else { DateRule::FirstDayInactive };
            let plan = wall(&day.to_string(), zone, rule);
            let again: Leaves = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
            prop_assert_eq!(&again, &plan);
            prop_assert_eq!(again.fire_at(), plan.fire_at());
        }

        #[test]
        fn an_exclusive_date_is_the_inclusive_one_of_the_day_before(day in day(), zone in proptest::sample::select(ZONES)) {
            let next = day.tomorrow().unwrap();
            prop_assert_eq!(
                wall(&day.to_string(), zone, DateRule::LastDayInclusive).fire_at(),
                wall(&next.to_string(), zone, DateRule::FirstDayInactive).fire_at()
            );
        }
    }
}
