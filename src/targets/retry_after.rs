//! How long a target asks us to wait (`Retry-After`), and the dates of HTTP.

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};

use crate::model::Timestamp;

/// How long to wait where a refusal names no time, or none that can be read.
pub(in crate::targets) const DEFAULT_WAIT: Duration = Duration::from_secs(5);
/// The shortest wait after a refusal: a `Retry-After: 0` must not become a tight loop, since waiting costs no attempt.
pub(in crate::targets) const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait taken from a header: a server or a proxy that says "tomorrow" must not park a compromise until then.
pub(in crate::targets) const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// The wait that `Retry-After` names, in seconds or as an HTTP date (RFC 9110 section 10.2.3), kept between a second and an hour.
pub(in crate::targets) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    wait_in(headers, &header::RETRY_AFTER, now)
}

/// The same of another header.
pub(in crate::targets) fn wait_in(headers: &HeaderMap, name: &HeaderName, now: Timestamp) -> Option<Duration> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .filter_map(|value| one_wait(value.trim(), now))
        .max()
        .map(|wait| wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

fn one_wait(value: &str, now: Timestamp) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large for any type still means "long": it is cut to the longest wait like every other.
        return Some(value.parse().map_or(LONGEST_WAIT, Duration::from_secs));
    }
    date(value).map(|at| at.since(now))
}

/// The instant that an HTTP date (`Mon, 23 Nov 2026 23:55:21 GMT`) names.
pub(in crate::targets) fn date(value: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(at.into())
}
