//! Quiet hours: what is not urgent waits for their end.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// From when to when it is quiet, on the clocks of a zone; over midnight where it ends before it begins.
#[derive(Debug, Clone)]
pub struct QuietHours {
    /// The first quiet moment.
    pub from: Time,
    /// The first moment that is not.
    pub to: Time,
    /// Whose clocks.
    pub zone: TimeZone,
}

impl QuietHours {
    /// Whether it is quiet.
    #[must_use]
    pub fn are_at(&self, now: Timestamp) -> bool {
        let Ok(instant) = jiff::Timestamp::from_millisecond(now.ms()) else {
            return false;
        };
        let time = self.zone.to_datetime(instant).time();
        if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_on_the_clocks_of_their_zone_and_over_midnight() {
        let hours = QuietHours {
            from: "22:00".parse().unwrap(),
            to: "07:00".parse().unwrap(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        };
        let at = |text: &str| hours.are_at(text.parse::<jiff::Timestamp>().unwrap().into());
        // Winter: an hour before UTC; summer: two.
        assert!(!at("2026-01-10T20:59:59Z") && at("2026-01-10T21:00:00Z"));
        assert!(at("2026-01-11T05:59:59Z") && !at("2026-01-11T06:00:00Z"));
        assert!(at("2026-07-10T20:00:00Z") && !at("2026-07-10T19:59:59Z"));
        let noon = QuietHours {
            from: "12:00".parse().unwrap(),
            to: "13:00".parse().unwrap(),
            zone: TimeZone::UTC,
        };
        assert!(noon.are_at("2026-01-10T12:30:00Z".parse::<jiff::Timestamp>().unwrap().into()));
        assert!(!noon.are_at("2026-01-10T13:00:00Z".parse::<jiff::Timestamp>().unwrap().into()));
    }
}
