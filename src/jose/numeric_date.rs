//! The times in a token: one reader of `NumericDate` (RFC 7519 section 2) and one tolerance, for every source.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::model::Timestamp;

/// How far a sender's clock and ours may be apart, either way.
pub const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// The first number that is milliseconds and not seconds: 10^11 seconds is the year 5138, 10^11 milliseconds is 1973.
const MILLISECONDS: f64 = 1e11;
/// The first number that is nothing sensible in either unit.
const NONSENSE: f64 = 1e15;

/// Why a value is no `NumericDate`. Prints as what follows the claim's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateFault {
    /// No number, or one that is no time: before 1970, or beyond any calendar.
    #[error("is not a time in seconds since 1970")]
    Unreadable,
    /// A time in the wrong unit.
    #[error("is a time in milliseconds, where seconds are meant")]
    Milliseconds,
}

/// Reads a `NumericDate`: seconds since 1970-01-01T00:00:00Z, whole or with a fraction. What is less than a millisecond goes.
///
/// # Errors
/// [`DateFault`], which quotes nothing.
pub fn numeric_date(value: &Value) -> Result<Timestamp, DateFault> {
    let seconds = number(value)?;
    if seconds >= MILLISECONDS {
        return Err(DateFault::Milliseconds);
    }
    Ok(from_ms(seconds * 1000.0))
}

/// Reads a time that should be a `NumericDate` and that some senders write in milliseconds, as Okta does with `event_timestamp`. Not for
/// the times that a token is judged by.
///
/// # Errors
/// [`DateFault::Unreadable`].
pub fn date_in_either_unit(value: &Value) -> Result<Timestamp, DateFault> {
    let number = number(value)?;
    Ok(from_ms(if number >= MILLISECONDS { number } else { number * 1000.0 }))
}

/// Reads the claim `name`, if it is there.
///
/// # Errors
/// A sentence for the sender, which names the claim and quotes nothing.
pub fn time_claim(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, String> {
    let read = claims.get(name).map(numeric_date).transpose();
    read.map_err(|fault| format!("{name} {fault}"))
}

/// Whether a time lies further ahead than clocks may be apart.
#[must_use]
pub fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at > now.plus(CLOCK_SKEW)
}

/// Whether what ends at `end` is over by every clock.
#[must_use]
pub fn is_over(end: Timestamp, now: Timestamp) -> bool {
    end.plus(CLOCK_SKEW) <= now
}

fn number(value: &Value) -> Result<f64, DateFault> {
    let number = value.as_f64().filter(|number| (0.0..NONSENSE).contains(number));
    number.ok_or(DateFault::Unreadable)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "below 10^15, so it fits; a fraction of a millisecond may go"
)]
fn from_ms(ms: f64) -> Timestamp {
    Timestamp::from_ms(ms as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fraction_is_a_numeric_date_as_a_whole_number_is() {
        for (value, ms) in [
            (json!(1_790_000_000), 1_790_000_000_000),
            (json!(1_790_000_000.0), 1_790_000_000_000),
            (json!(1_790_000_000.25), 1_790_000_000_250),
            (json!(1.79e9), 1_790_000_000_000),
            (json!(0), 0),
            (json!(0.0015), 1),
            (json!(99_999_999_999_i64), 99_999_999_999_000),
        ] {
            assert_eq!(numeric_date(&value), Ok(Timestamp::from_ms(ms)), "{value}");
            assert_eq!(date_in_either_unit(&value), Ok(Timestamp::from_ms(ms)), "{value}");
        }
    }

    #[test]
    fn what_is_no_numeric_date_is_told_by_name_and_not_quoted() {
        for value in [
            json!(-1),
            json!(-0.5),
            json!("1790000000"),
            json!(null),
            json!(true),
            json!([1]),
            json!(i64::MAX),
            json!(1e300),
        ] {
            assert_eq!(numeric_date(&value), Err(DateFault::Unreadable), "{value}");
            assert_eq!(date_in_either_unit(&value), Err(DateFault::Unreadable), "{value}");
        }
        let ms = json!(1_790_000_000_250_i64);
        assert_eq!(numeric_date(&ms), Err(DateFault::Milliseconds));
        assert_eq!(date_in_either_unit(&ms), Ok(Timestamp::from_ms(1_790_000_000_250)));
        let claims = json!({"exp": ms, "iat": 1});
        let told = time_claim(claims.as_object().unwrap(), "exp").unwrap_err();
        assert_eq!(told, "exp is a time in milliseconds, where seconds are meant");
        assert_eq!(time_claim(claims.as_object().unwrap(), "nbf"), Ok(None));
    }

    #[test]
    fn clocks_may_be_five_minutes_apart_either_way() {
        let now = Timestamp::from_seconds(1_790_000_000);
        assert!(!is_ahead(now.plus(CLOCK_SKEW), now));
        assert!(is_ahead(now.plus(CLOCK_SKEW + Duration::from_millis(1)), now));
        assert!(is_over(now.minus(CLOCK_SKEW), now));
        assert!(!is_over(now.minus(CLOCK_SKEW).plus(Duration::from_millis(1)), now));
    }

    proptest::proptest! {
        #[test]
        fn any_number_is_read_or_refused(number: f64) {
            let value = Value::from(number);
            if let Ok(at) = numeric_date(&value) {
                assert!((0..100_000_000_000_000).contains(&at.ms()));
            }
        }
    }
}
