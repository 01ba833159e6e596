//! Times in a document: whole dates in one zone, which the document names.

use jiff::tz::{Offset, TimeZone};

use crate::model::Timestamp;

/// The zone of a document.
#[derive(Debug, Clone)]
pub struct Zone {
    zone: TimeZone,
    /// How far it is from UTC when the document is made.
    now: Offset,
}

impl Zone {
    /// This zone, as of `now`.
    #[must_use]
    pub fn of(zone: TimeZone, now: Timestamp) -> Self {
        let now = zone.to_offset(instant(now));
        Self { zone, now }
    }

    /// Which zone that is, for people.
    pub(super) fn sentence(&self) -> String {
        if self.zone == TimeZone::UTC || matches!(self.zone.iana_name(), Some("UTC" | "Etc/UTC")) {
            return "Times are UTC.".to_owned();
        }
        let offset = written(self.now);
        match self.zone.iana_name() {
            Some(name) => format!("Times are local to {name}, now UTC{offset}."),
            None => format!("Times are local, now UTC{offset}."),
        }
    }

    /// `2026-11-28 17:30:05`; with its offset where that is not the one that the document names.
    pub(super) fn time(&self, at: Timestamp) -> String {
        self.told(at, "%Y-%m-%d %H:%M:%S")
    }

    /// `28 Nov 17:30`, for what is read today.
    pub(super) fn short(&self, at: Timestamp) -> String {
        self.told(at, "%d %b %H:%M")
    }

    fn told(&self, at: Timestamp, form: &str) -> String {
        let at = instant(at);
        let offset = self.zone.to_offset(at);
        let other = if offset == self.now {
            String::new()
        } else {
            format!(" ({})", written(offset))
        };
        format!("{}{other}", self.zone.to_datetime(at).strftime(form))
    }
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    // A time that no calendar has is told as the one at the end of it.
    jiff::Timestamp::from_millisecond(at.ms()).unwrap_or(jiff::Timestamp::MAX)
}

/// `+01:00`
fn written(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn a_time_says_its_offset_where_it_is_not_the_one_that_the_document_names() {
        let zone = Zone::of(TimeZone::get("Europe/Berlin").unwrap(), at("2026-11-28T02:12:00Z"));
        assert_eq!(zone.sentence(), "Times are local to Europe/Berlin, now UTC+01:00.");
        assert_eq!(zone.time(at("2026-11-28T02:12:05Z")), "2026-11-28 03:12:05");
        assert_eq!(zone.time(at("2026-07-01T02:12:05Z")), "2026-07-01 04:12:05 (+02:00)");
        assert_eq!(zone.short(at("2026-11-28T02:12:05Z")), "28 Nov 03:12");
        let zone = Zone::of(TimeZone::UTC, at("2026-11-28T02:12:00Z"));
        assert_eq!(zone.sentence(), "Times are UTC.");
    }
}
