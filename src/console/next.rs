//! Where a sign-in leads: to one of our own pages, and nowhere else.

use super::access::{Least, ROUTES};

/// The longest address that a sign-in leads to, in bytes.
const LONGEST: usize = 1024;

/// `next`, where it is the address of a page of ours with at most a query.
pub(super) fn own_page(next: &str) -> Option<&str> {
    let harmless = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'\'' | b'<' | b'>' | b'#');
    if next.len() > LONGEST || !next.bytes().all(harmless) {
        return None;
    }
    let path = next.split_once('?').map_or(next, |(path, _)| path);
    let is_page = |route: &str| !route.starts_with("/api/") && route != "/changes" && fits(route, path);
    let mut pages = ROUTES
        .iter()
        .filter(|route| route.method == "GET" && matches!(route.least, Least::Role(_)));
    pages.any(|route| is_page(route.path)).then_some(next)
}

/// Whether a path is of a route, part by part.
fn fits(route: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let all = route.split('/').all(|wanted| match parts.next() {
        Some(part) if wanted.starts_with('{') => !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        part => part == Some(wanted),
    });
    all && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_led_to_and_nothing_else_is() {
        for page in [
            "/",
            "/cases/7",
            "/holds?show=all",
            "/trail?kind=case.opened&since=2026-01-01",
            "/?",
        ] {
            assert_eq!(own_page(page), Some(page));
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/cases/7/",
            "/cases/..",
            "/cases/7#x",
            "/cases/%2e%2e",
            "/sign-in",
            "/sign-out",
            "/changes",
            "/api/v1/status",
            "/static/console.css",
            "/ ",
            "/holds?a=\"b",
            "/\u{e4}",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_page(other), None, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_asked_for_stays_here(next in "(/|//|/\\\\|https:|javascript:|/cases/|/holds[?]|[?]|#|@|%2f|[.][.]|evil[.]example|[ -~]|\\PC){0,6}") {
            if let Some(page) = own_page(&next) {
                let here = reqwest::Url::parse("https://revoked.example.org/sign-in/callback").unwrap();
                let there = here.join(page).unwrap();
                proptest::prop_assert_eq!(there.origin(), here.origin());
                proptest::prop_assert!(there.path().starts_with('/') && !there.path().starts_with("//"));
            }
        }
    }
}
