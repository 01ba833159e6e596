//! The last guard before a line is written for good: no member named like a secret keeps a long string.
//!
//! It is a net, not the rule. The rule is that nothing secret is put into a detail in the first place; a debug build stops where the
//! net catches something, so that a test shows it.

/// Parts of member names, in lower case, that mark a secret.
const MARKS: [&str; 9] = [
    "token",
    "secret",
    "passw",
    "authorization",
    "csrf",
    "cookie",
    "apikey",
    "api_key",
    "private_key",
];

/// Ends of member names that make them harmless: they name a secret, count it or say when, and do not hold it.
const HARMLESS: [&str; 10] = [
    "_id", "_ids", "_until", "_ref", "_name", "_kind", "_at", "_sha256", "_count", "_verdict",
];

/// Shorter strings are words such as `expired` or `revoked`, not secrets.
const LONG: usize = 16;

/// What stands in the place of a value that was caught, as JSON.
pub(crate) const WITHHELD: &str = r#""(withheld)""#;

/// True for a text that is not to be written as the value of a member of this name, or in the list that is its value.
#[must_use]
pub fn looks_secret(name: &str, text: &str) -> bool {
    is_credential(text) || (text.len() >= LONG && marked(name))
}

fn marked(name: &str) -> bool {
    MARKS.iter().any(|mark| contains(name, mark)) && !HARMLESS.iter().any(|end| ends_with(name, end))
}

/// True if `part` stands somewhere in the name, in whatever case, with `-` for `_`.
fn contains(name: &str, part: &str) -> bool {
    name.as_bytes().windows(part.len()).any(|window| same(window, part))
}

fn ends_with(name: &str, end: &str) -> bool {
    let name = name.as_bytes();
    name.len() >= end.len() && same(&name[name.len() - end.len()..], end)
}

fn same(written: &[u8], plain: &str) -> bool {
    written.iter().zip(plain.as_bytes()).all(|(written, plain)| {
        let written = if *written == b'-' {
            b'_'
        } else {
            written.to_ascii_lowercase()
        };
        written == *plain
    })
}

/// True for a value that is a credential under any name: an `Authorization` header's, or a signed JWT.
fn is_credential(text: &str) -> bool {
    let credential = ["Bearer ", "bearer ", "Basic ", "basic "].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| rest.len() >= LONG && !rest.contains(' '))
    });
    credential || (text.starts_with("eyJ") && text.split('.').count() == 3 && !text.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = "pq8c4kf7x3dkzr1r5iywa6m5zc";

    #[test]
    fn names_of_secrets_are_known_in_whatever_case() {
        for name in [
            "token",
            "tokens",
            "access_token",
            "clientSecret",
            "Password",
            "Authorization",
            "X-CSRF-Token",
            "Cookie",
            "api_key",
            "API-Key",
        ] {
            assert!(looks_secret(name, LIVE), "{name}");
        }
    }

    #[test]
    fn credentials_are_known_under_any_name() {
        assert!(looks_secret("header", &format!("Bearer {LIVE}")));
        assert!(looks_secret("x", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln"));
    }

    #[test]
    fn ids_and_words_are_left_alone() {
        for name in ["token_id", "session_ids", "tokens_sha256", "Token-Id", "request_id", "r"] {
            assert!(!looks_secret(name, LIVE), "{name}");
        }
        assert!(!looks_secret("token", "expired"));
        assert!(!looks_secret("reason", "the basic rule of the playbook says so"));
    }
}
