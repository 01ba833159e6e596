//! The last guard before a line is written for good: no member named like a secret keeps a long string.
//!
//! It is a net, not the rule. The rule is that nothing secret is put into a detail in the first place; a debug build stops where the
//! net catches something, so that a test shows it.

use serde_json::Value;

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

/// What stands in the place of a value that was caught.
const WITHHELD: &str = "(withheld)";

/// The name of the first member of `detail`, at any depth, that looks like it holds a secret.
#[must_use]
pub fn secret_member(detail: &Value) -> Option<&str> {
    match detail {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            if holds_secret(name, value) {
                Some(name.as_str())
            } else {
                secret_member(value)
            }
        }),
        Value::Array(items) => items.iter().find_map(secret_member),
        _ => None,
    }
}

/// `detail` with the values of all such members replaced.
#[must_use]
pub fn withheld(detail: &Value) -> Value {
    match detail {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let kept = if holds_secret(name, value) {
                    Value::from(WITHHELD)
                } else {
                    withheld(value)
                };
                (name.clone(), kept)
            })
            .collect(),
        Value::Array(items) => items.iter().map(withheld).collect(),
        other => other.clone(),
    }
}

fn holds_secret(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => looks_secret(text) || (marked(name) && text.len() >= LONG),
        Value::Array(items) => items.iter().any(|item| item.is_string() && holds_secret(name, item)),
        _ => false,
    }
}

fn marked(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    MARKS.iter().any(|mark| name.contains(mark)) && !HARMLESS.iter().any(|end| name.ends_with(end))
}

/// True for a value that is a credential under any name: an `Authorization` header's, or a signed JWT.
fn looks_secret(text: &str) -> bool {
    let credential = ["Bearer ", "bearer ", "Basic ", "basic "].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| rest.len() >= LONG && !rest.contains(' '))
    });
    credential || (text.starts_with("eyJ") && text.split('.').count() == 3 && !text.contains(' '))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIVE: &str = "pq8c4kf7x3dkzr1r5iywa6m5zc";

    #[test]
    fn members_named_like_secrets_are_found_at_any_depth() {
        for name in [
            "token",
            "access_token",
            "clientSecret",
            "Password",
            "Authorization",
            "X-CSRF-Token",
            "Cookie",
            "api_key",
        ] {
            let detail = json!({"request": [{"a": 1}, {name: LIVE}]});
            assert_eq!(secret_member(&detail), Some(name));
            assert_eq!(withheld(&detail), json!({"request": [{"a": 1}, {name: "(withheld)"}]}));
        }
        assert_eq!(secret_member(&json!({"tokens": [LIVE]})), Some("tokens"));
    }

    #[test]
    fn credentials_are_found_under_any_name() {
        assert_eq!(secret_member(&json!({"header": format!("Bearer {LIVE}")})), Some("header"));
        assert_eq!(
            secret_member(&json!({"x": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln"})),
            Some("x")
        );
    }

    #[test]
    fn ids_counts_and_words_are_left_alone() {
        let detail = json!({"token_id": LIVE, "session_ids": [LIVE], "tokens": 4, "token": "expired", "tokens_sha256": LIVE,
            "reason": "the basic rule of the playbook says so", "request_id": LIVE});
        assert_eq!(secret_member(&detail), None);
        assert_eq!(withheld(&detail), detail);
    }
}
