//! How long an answer says that it may be kept (RFC 9111 section 5.2.2).

use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::{AGE, CACHE_CONTROL};

/// How long the answer with these headers is fresh from now on; `None` where it does not say. `no-store` and `no-cache` mean no time at
/// all. Of two directives that differ the shorter holds. `s-maxage` is for caches that several share, and not looked at.
pub(super) fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let seconds = directives.filter_map(|directive| lifetime(directive.trim())).min()?;
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse::<u64>().ok());
    Some(Duration::from_secs(seconds.saturating_sub(age.unwrap_or(0))))
}

/// The seconds that a directive allows, where it is about that.
fn lifetime(directive: &str) -> Option<u64> {
    let (name, value) = match directive.split_once('=') {
        Some((name, value)) => (name.trim(), value.trim()),
        None => (directive, ""),
    };
    if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
        return Some(0);
    }
    let digits = value.trim_matches('"');
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // More than fits is very long (RFC 9111 section 1.2.2), not a mistake.
    (name.eq_ignore_ascii_case("max-age") && whole).then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    fn said(lines: &[&'static str], age: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(line));
        }
        if let Some(age) = age {
            headers.insert(AGE, HeaderValue::from_static(age));
        }
        fresh_for(&headers).map(|length| length.as_secs())
    }

    #[test]
    fn the_shortest_of_what_is_said_holds_less_the_age_of_the_answer() {
        assert_eq!(said(&[], None), None);
        assert_eq!(said(&["public"], None), None);
        assert_eq!(said(&["max-age=soon", "max-age=", "max-age=-1", "s-maxage=9"], None), None);
        assert_eq!(said(&["public , Max-Age = 600, must-revalidate"], None), Some(600));
        assert_eq!(said(&["max-age=\"60\""], None), Some(60));
        assert_eq!(said(&["max-age=600", "max-age=60"], None), Some(60));
        assert_eq!(said(&["no-cache, max-age=600"], None), Some(0));
        assert_eq!(said(&["max-age=99999999999999999999999"], None), Some(u64::MAX));
        assert_eq!(said(&["max-age=600"], Some("100")), Some(500));
        assert_eq!(said(&["max-age=600"], Some("9999")), Some(0));
        assert_eq!(said(&["max-age=600"], Some("old")), Some(600));
    }
}
