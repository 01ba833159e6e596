//! Times as payloads and headers write them.

use serde::Deserialize;
use serde_json::Value;

use super::Pointer;
use crate::model::Timestamp;

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sources::webhook) enum TimeForm {
    /// RFC 3339, with an offset; `+0000` without a colon is taken too.
    #[default]
    Rfc3339,
    /// Seconds since 1970, in a number or a text; a fraction is taken.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

/// A time of an item.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moment {
    /// Where it stands.
    pointer: Pointer,
    /// How it is written.
    #[serde(default)]
    form: TimeForm,
}

/// The first second of the year 10000: no time of a payload is later, and a number of milliseconds read as seconds is.
const LATEST: i64 = 253_402_300_800;

impl Moment {
    /// The time, where one stands there.
    ///
    /// # Errors
    /// Where something else stands there.
    pub(super) fn read(&self, item: &Value) -> Result<Option<Timestamp>, String> {
        let Some(value) = self.pointer.of(item) else {
            return Ok(None);
        };
        let read = match (value, self.form) {
            (Value::String(text), form) => form.read_text(text),
            (Value::Number(number), TimeForm::Unix | TimeForm::UnixMs) => self.form.read_text(&number.to_string()),
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
}

impl TimeForm {
    /// Reads a time that is written as a text.
    pub(in crate::sources::webhook) fn read_text(self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Rfc3339 => text.parse::<jiff::Timestamp>().ok().map(Timestamp::from),
            Self::Unix => {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
                let fraction = digits(fraction).map(|_| format!("{fraction:0<3}"))?;
                let ms = fraction.get(..3).and_then(digits)?;
                let seconds = digits(whole).filter(|seconds| *seconds < LATEST)?;
                Some(Timestamp::from_ms(seconds * 1000 + ms))
            }
            Self::UnixMs => digits(text).filter(|ms| *ms < LATEST * 1000).map(Timestamp::from_ms),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Unix => "unix",
            Self::UnixMs => "unix_ms",
        }
    }
}

/// A number of ASCII digits alone: a sign or a blank could be read in two ways once it is part of what is signed.
fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(form: TimeForm, value: &Value) -> Result<Option<i64>, String> {
        let moment = Moment {
            pointer: Pointer::try_from("/t".to_owned()).unwrap(),
            form,
        };
        Ok(moment.read(&json!({ "t": value }))?.map(Timestamp::ms))
    }

    #[test]
    fn the_forms_of_the_vendors_are_read() {
        for (form, value) in [
            (TimeForm::Rfc3339, json!("2026-01-31T18:42:00Z")),
            (TimeForm::Rfc3339, json!("2026-01-31T18:42:00.000Z")),
            (TimeForm::Rfc3339, json!("2026-01-31T18:42:00+0000")),
            (TimeForm::Rfc3339, json!("2026-01-31T19:42:00+01:00")),
            (TimeForm::Unix, json!(1_769_884_920)),
            (TimeForm::Unix, json!("1769884920")),
            (TimeForm::Unix, json!("1769884920.0")),
            (TimeForm::UnixMs, json!(1_769_884_920_000_i64)),
            (TimeForm::UnixMs, json!("1769884920000")),
        ] {
            assert_eq!(read(form, &value), Ok(Some(1_769_884_920_000)), "{value}");
        }
        assert_eq!(read(TimeForm::Unix, &json!(1_769_884_920.25)), Ok(Some(1_769_884_920_250)));
        assert_eq!(read(TimeForm::Unix, &Value::Null), Ok(None));
    }

    #[test]
    fn what_is_no_such_time_is_told() {
        for (form, value) in [
            (TimeForm::Rfc3339, json!("2026-01-31T18:42:00")),
            (TimeForm::Rfc3339, json!("2026-01-31")),
            (TimeForm::Rfc3339, json!(1_769_884_920)),
            (TimeForm::Unix, json!(1_769_884_920_000_i64)),
            (TimeForm::Unix, json!("+1769884920")),
            (TimeForm::Unix, json!(-1)),
            (TimeForm::Unix, json!("1.")),
            (TimeForm::Unix, json!("")),
            (TimeForm::UnixMs, json!(1.5)),
            (TimeForm::UnixMs, json!([1])),
        ] {
            assert!(read(form, &value).is_err(), "{value}");
        }
    }
}
