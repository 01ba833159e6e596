//! Rate limits (429): what an answer's headers say about the server's limits, `X-Ratelimit-*`, and `Retry-After` of a refusal.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};

use crate::model::Timestamp;
use crate::targets::RateLimitHints;
use crate::targets::retry_after::{DEFAULT_WAIT, LONGEST_WAIT, wait};

const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Reads what an answer said. With `VaryByUser` the server runs two limiters and sends each header twice: the smallest remainder and the
/// largest wait count.
pub(in crate::targets::mattermost) fn hints(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> RateLimitHints {
    RateLimitHints {
        remaining: numbers(headers, &REMAINING).min(),
        reset: numbers(headers, &RESET)
            .max()
            .map(|seconds| Duration::from_secs(seconds.into()).min(LONGEST_WAIT)),
        refused: matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
            .then(|| wait(headers, now).unwrap_or(DEFAULT_WAIT)),
    }
}

fn numbers<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = u32> + use<'h> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|number| number.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    const NOW: Timestamp = Timestamp::from_ms(1_795_478_121_000); // Mon, 23 Nov 2026 23:55:21 GMT

    #[test]
    fn of_doubled_headers_the_stricter_counts() {
        let headers = headers(&[
            ("x-ratelimit-limit", "6"),
            ("x-ratelimit-limit", "101"),
            ("x-ratelimit-remaining", "5"),
            ("x-ratelimit-remaining", "2"),
            ("x-ratelimit-reset", "1"),
            ("x-ratelimit-reset", "7"),
        ]);
        let hints = hints(StatusCode::OK, &headers, NOW);
        assert_eq!(hints.remaining, Some(2));
        assert_eq!(hints.reset, Some(Duration::from_secs(7)));
        assert_eq!(hints.refused, None);
    }

    #[test]
    fn headers_that_a_proxy_joined_are_taken_apart() {
        assert_eq!(
            hints(StatusCode::OK, &headers(&[("x-ratelimit-remaining", "5, 0")]), NOW).remaining,
            Some(0)
        );
    }

    #[test]
    fn a_refusal_waits_as_told_within_bounds() {
        for (value, seconds) in [
            ("3", 3),
            ("0", 1),
            ("99999999999999999999999999", 3600),
            ("86400", 3600),
            ("Mon, 23 Nov 2026 23:55:31 GMT", 10),
            ("Mon, 23 Nov 2026 23:50:00 GMT", 1),
            ("soon", 5),
            ("-4", 5),
            ("1.5", 5),
            ("", 5),
        ] {
            let headers = headers(&[("retry-after", value)]);
            let refused = hints(StatusCode::TOO_MANY_REQUESTS, &headers, NOW).refused;
            assert_eq!(refused, Some(Duration::from_secs(seconds)), "{value:?}");
        }
        let unnamed = hints(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new(), NOW);
        assert_eq!(unnamed.refused, Some(DEFAULT_WAIT));
    }

    #[test]
    fn a_retry_after_of_a_success_is_no_refusal() {
        assert_eq!(
            hints(StatusCode::OK, &headers(&[("retry-after", "9")]), NOW),
            RateLimitHints::default()
        );
    }
}
