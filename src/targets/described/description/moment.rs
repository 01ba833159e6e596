//! Times in answers.

use serde_json::Value;

use super::table::Table;
use crate::json::Places;
use crate::model::Timestamp;

/// Where a time stands, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::targets::described) struct Moment {
    pub(in crate::targets::described) at: Places,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// RFC 3339; one without an offset is UTC.
    Rfc3339,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
    /// A day: its end in UTC.
    Date,
}

const FORMS: [(&str, Form); 4] = [
    ("rfc3339", Form::Rfc3339),
    ("unix", Form::Unix),
    ("unix_ms", Form::UnixMs),
    ("date", Form::Date),
];

impl Moment {
    /// Reads where a time stands.
    pub(in crate::targets::described) fn read(table: &Table<'_>, key: &'static str) -> Option<Self> {
        let inner = table.table(key)?;
        if !inner.has("pointer") {
            inner.complain("pointer", "the key `pointer` is missing");
        }
        let at = inner.places("pointer");
        let form = if inner.has("form") {
            inner.word("form", &FORMS)
        } else {
            inner.value("form");
            Some(Form::Rfc3339)
        };
        inner.done();
        Some(Self { at: at?, form: form? })
    }

    /// Whether it is a whole day, and no moment of it.
    pub(in crate::targets::described) fn is_day(&self) -> bool {
        self.form == Form::Date
    }

    /// The time that stands there; `None` where there is none that can be read. Nought is none: systems write it for "never".
    pub(in crate::targets::described) fn of(&self, value: &Value) -> Option<Timestamp> {
        let found = self.at.first(value)?;
        let number = || match found {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let positive = |number: i64| (number > 0).then_some(number);
        match self.form {
            Form::Unix => number().and_then(positive)?.checked_mul(1000).map(Timestamp::from_ms),
            Form::UnixMs => number().and_then(positive).map(Timestamp::from_ms),
            Form::Rfc3339 => instant(found.as_str()?.trim()),
            Form::Date => {
                let day: jiff::civil::Date = found.as_str()?.trim().get(..10)?.parse().ok()?;
                Some(utc(day.at(23, 59, 59, 0))?.into())
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it is within what a number of 53 bits holds exactly"
)]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

fn instant(text: &str) -> Option<Timestamp> {
    let at = text.parse::<jiff::Timestamp>().ok();
    at.or_else(|| utc(text.parse::<jiff::civil::DateTime>().ok()?))
        .map(Timestamp::from)
}

fn utc(at: jiff::civil::DateTime) -> Option<jiff::Timestamp> {
    jiff::tz::TimeZone::UTC.to_timestamp(at).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(form: Form, value: &Value) -> Option<String> {
        let at = Places::default();
        Moment { at, form }.of(value).map(|at| at.to_string())
    }

    #[test]
    fn a_time_is_read_by_its_form_and_nought_is_never() {
        for (form, value, expected) in [
            (
                Form::Rfc3339,
                json!("2026-11-28T10:00:00.000000Z"),
                Some("2026-11-28T10:00:00.000Z"),
            ),
            (
                Form::Rfc3339,
                json!("2026-11-28T11:00:00+01:00"),
                Some("2026-11-28T10:00:00.000Z"),
            ),
            (
                Form::Rfc3339,
                json!("2026-11-28T10:00:00.000000"),
                Some("2026-11-28T10:00:00.000Z"),
            ),
            (Form::Rfc3339, json!("soon"), None),
            (Form::Unix, json!(1_764_324_000), Some("2025-11-28T10:00:00.000Z")),
            (Form::Unix, json!("1764324000"), Some("2025-11-28T10:00:00.000Z")),
            (Form::Unix, json!("0"), None),
            (Form::UnixMs, json!(1_764_324_000_000_i64), Some("2025-11-28T10:00:00.000Z")),
            (Form::UnixMs, json!(1_764_324_000_000.0), Some("2025-11-28T10:00:00.000Z")),
            (Form::Date, json!("2026-11-28"), Some("2026-11-28T23:59:59.000Z")),
            (Form::Date, json!(null), None),
        ] {
            assert_eq!(read(form, &value).as_deref(), expected, "{form:?} {value}");
        }
    }
}
