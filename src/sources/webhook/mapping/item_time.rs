//! The times of an item: where they stand, and how they are written.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use crate::json::Pointer;
use crate::model::Timestamp;
use crate::sources::webhook::values::time_format::TimeFormat;

/// A time of an item.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeAt {
    /// Where it stands.
    pointer: Pointer,
    /// How it is written.
    #[serde(default)]
    form: TimeFormat,
    /// Where the clock stands by which a time without an offset is written.
    zone: Option<Zone>,
}

/// A zone of the IANA database.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Zone(TimeZone);

impl TryFrom<String> for Zone {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let zone = TimeZone::get(&name);
        zone.map(Self)
            .map_err(|_| "zone must be a name of the IANA database, such as Europe/Berlin or UTC")
    }
}

impl TimeAt {
    /// The time, where one stands there.
    ///
    /// # Errors
    /// Where something else stands there.
    pub(super) fn read(&self, item: &Value) -> Result<Option<Timestamp>, String> {
        let Some(value) = self.pointer.of(item) else {
            return Ok(None);
        };
        let read = match (value.as_ref(), self.form) {
            (Value::String(text), form) => form.read_text(text).or_else(|| self.on_the_wall(text)),
            (Value::Number(number), TimeFormat::Unix | TimeFormat::UnixMs) => self.form.read_text(&number.to_string()),
            _ => None,
        };
        let read = read.ok_or_else(|| {
            format!(
                "what stands at {} is not a time of the form {}",
                self.pointer,
                self.form.word()
            )
        })?;
        Ok(Some(read))
    }

    /// A time without an offset, where the config says whose clock it is by. A date alone is no time.
    fn on_the_wall(&self, text: &str) -> Option<Timestamp> {
        let zone = self.zone.as_ref().filter(|_| self.form == TimeFormat::Rfc3339)?;
        let time = text.contains(':').then(|| text.parse::<DateTime>().ok()).flatten()?;
        zone.0
            .to_ambiguous_zoned_datetime(time)
            .compatible()
            .ok()
            .map(|at| Timestamp::from(at.timestamp()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(form: TimeFormat, value: &Value) -> Result<Option<i64>, String> {
        let moment = TimeAt {
            pointer: Pointer::try_from("/t".to_owned()).unwrap(),
            form,
            zone: None,
        };
        Ok(moment.read(&json!({ "t": value }))?.map(Timestamp::ms))
    }

    #[test]
    fn the_forms_of_the_vendors_are_read() {
        for (form, value) in [
            (TimeFormat::Rfc3339, json!("2026-01-31T18:42:00Z")),
            (TimeFormat::Rfc3339, json!("2026-01-31T18:42:00.000Z")),
            (TimeFormat::Rfc3339, json!("2026-01-31T18:42:00+0000")),
            (TimeFormat::Rfc3339, json!("2026-01-31T19:42:00+01:00")),
            (TimeFormat::Unix, json!(1_769_884_920)),
            (TimeFormat::Unix, json!("1769884920")),
            (TimeFormat::Unix, json!("1769884920.0")),
            (TimeFormat::UnixMs, json!(1_769_884_920_000_i64)),
            (TimeFormat::UnixMs, json!("1769884920000")),
            (TimeFormat::Rfc3339, json!("2026-01-31 18:42:00 UTC")),
            (TimeFormat::Rfc3339, json!("2026-01-31T18:42:00.0000000Z")),
            (TimeFormat::Unix, json!(1_769_884_920_000_i64)),
            (TimeFormat::UnixMs, json!(1_769_884_920)),
        ] {
            assert_eq!(read(form, &value), Ok(Some(1_769_884_920_000)), "{value}");
        }
        assert_eq!(read(TimeFormat::Unix, &json!(1_769_884_920.25)), Ok(Some(1_769_884_920_250)));
        assert_eq!(read(TimeFormat::Unix, &Value::Null), Ok(None));
    }

    #[test]
    fn what_is_no_such_time_is_told() {
        for (form, value) in [
            (TimeFormat::Rfc3339, json!("2026-01-31T18:42:00")),
            (TimeFormat::Rfc3339, json!("2026-01-31")),
            (TimeFormat::Rfc3339, json!(1_769_884_920)),
            (TimeFormat::Unix, json!(1_769_884_920_000_000_i64)),
            (TimeFormat::Unix, json!("+1769884920")),
            (TimeFormat::Unix, json!(-1)),
            (TimeFormat::Unix, json!("1.")),
            (TimeFormat::Unix, json!("")),
            (TimeFormat::UnixMs, json!(-1.5)),
            (TimeFormat::UnixMs, json!([1])),
        ] {
            assert!(read(form, &value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_by_the_clock_of_the_zone_that_is_written() {
        let read = |zone: &str, text: &str| {
            let moment = TimeAt {
                pointer: Pointer::try_from("/t".to_owned()).unwrap(),
                form: TimeFormat::Rfc3339,
                zone: Some(Zone::try_from(zone.to_owned()).unwrap()),
            };
            moment.read(&json!({ "t": text })).ok().flatten().map(Timestamp::ms)
        };
        for (zone, text) in [
            ("UTC", "2026-01-31T18:42:00"),
            ("UTC", "2026-01-31T18:42:00.000000"),
            ("UTC", "2026-01-31 18:42:00"),
            ("Europe/Berlin", "2026-01-31T19:42:00"),
            // What has an offset needs no zone.
            ("Europe/Berlin", "2026-01-31T18:42:00Z"),
        ] {
            assert_eq!(read(zone, text), Some(1_769_884_920_000), "{zone} {text}");
        }
        // The hour that is not there in spring is read as the hour after it.
        assert_eq!(
            read("Europe/Berlin", "2026-03-29T02:30:00"),
            read("Europe/Berlin", "2026-03-29T03:30:00")
        );
        for text in ["2026-01-31", "18:42:00", "2026-02-30T18:42:00", ""] {
            assert_eq!(read("UTC", text), None, "{text}");
        }
        assert!(Zone::try_from("Mars/Olympus".to_owned()).is_err());
    }
}
