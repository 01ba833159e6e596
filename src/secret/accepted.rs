//! Secrets that a caller may show, compared in constant time: neither content nor length of one shows in the time taken.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};

use crate::digest::sha256;

/// Secrets any of which is taken, as the SHA-256 of each: of equal length, so that a comparison takes as long whatever is shown. Two are
/// valid while one replaces the other.
pub struct AcceptedSecrets(Vec<[u8; 32]>);

impl AcceptedSecrets {
    /// Takes any of `secrets`.
    #[must_use]
    pub fn new(secrets: &[SecretString]) -> Self {
        let digest = |secret: &SecretString| sha256(secret.expose_secret().as_bytes());
        Self(secrets.iter().map(digest).collect())
    }

    /// Whether there is none that could be shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `shown` is one of them.
    #[must_use]
    pub fn contains(&self, shown: &[u8]) -> bool {
        let shown = sha256(shown);
        // Every one is compared, whichever matches.
        let same = |accepted: &&[u8; 32]| verify_slices_are_equal(*accepted, &shown).is_ok();
        self.0.iter().filter(same).count() > 0
    }
}

/// The bearer token of a request (RFC 6750 section 2.1): what follows the word `Bearer`, in any case (RFC 9110 section 11.1), in its one
/// `Authorization` header. Two headers could be read differently by two readers, so neither counts.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.as_bytes().split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (values.next().is_none() && scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect()
    }

    #[test]
    fn either_of_two_tokens_is_accepted_and_nothing_else_is() {
        let accepts = |accepted: &AcceptedSecrets, values: &[&str]| {
            let headers = headers(values);
            bearer_token(&headers).is_some_and(|token| accepted.contains(token))
        };
        let accepted = AcceptedSecrets::new(&["one".into(), "two".into()]);
        for good in ["Bearer one", "bearer two", "BEARER  one "] {
            assert!(accepts(&accepted, &[good]), "{good}");
        }
        for bad in ["Bearer three", "Bearer ", "Basic one", "one", "Bearer one two"] {
            assert!(!accepts(&accepted, &[bad]), "{bad}");
        }
        assert!(!accepts(&accepted, &[]));
        assert!(!accepts(&accepted, &["Bearer one", "Bearer one"]));
        let none = AcceptedSecrets::new(&[]);
        assert!(none.is_empty() && !none.contains(b"") && !accepts(&none, &["Bearer "]));
    }
}
