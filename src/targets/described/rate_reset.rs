//! When a target takes more, as its own header says it.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::description::limits::{Limits, ResetForm};
use crate::model::Timestamp;
use crate::targets::retry_after::LONGEST_WAIT;

/// How long until the target takes more, as its own header says it.
pub(super) fn reset(limits: &Limits, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let number = limits.reset.as_ref().and_then(|name| numbers(headers, name).max())?;
    Some(until(limits.form, number, now))
}

fn until(form: ResetForm, number: u64, now: Timestamp) -> Duration {
    let at = |ms: u64| Timestamp::from_ms(i64::try_from(ms).unwrap_or(i64::MAX)).since(now);
    let wait = match form {
        ResetForm::Seconds => Duration::from_secs(number),
        ResetForm::Unix => at(number.saturating_mul(1000)),
        ResetForm::UnixMs => at(number),
    };
    wait.min(LONGEST_WAIT)
}

/// The whole numbers of a header, of all its values: a fraction is cut off.
pub(super) fn numbers<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = u64> + use<'h> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter_map(|number| number.trim().split('.').next()?.parse().ok())
}
