//! What one browser knows of the sign-in that it has begun: a secret in a cookie, of which everything else is made. So what comes back belongs to the
//! browser that went, and the store holds nothing that opens anything.

use anyhow::Context as _;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::digest::{hex, sha256};

/// The secret of a sign-in.
pub(in crate::console) struct Attempt(String);

impl Attempt {
    /// Draws one.
    pub(super) fn draw() -> anyhow::Result<Self> {
        let mut bits = [0; 32];
        SystemRandom::new()
            .fill(&mut bits)
            .ok()
            .context("the system has no randomness to give")?;
        Ok(Self(hex(&bits)))
    }

    /// The one that a cookie holds.
    pub(in crate::console) fn of_cookie(value: String) -> Self {
        Self(value)
    }

    /// For the cookie.
    pub(in crate::console) fn secret(&self) -> &str {
        &self.0
    }

    /// Comes back with the browser, and is good once.
    pub(in crate::console) fn state(&self) -> String {
        self.derived("state")
    }

    /// Whether this came back with the browser that went.
    pub(in crate::console) fn is_of(&self, state: &str) -> bool {
        verify_slices_are_equal(self.state().as_bytes(), state.as_bytes()).is_ok()
    }

    /// Comes back in what the provider signs.
    pub(super) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// Shows that whoever brings the code has asked for it (RFC 7636).
    pub(super) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What the provider keeps until then.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(self.verifier().as_bytes()))
    }

    fn derived(&self, what: &str) -> String {
        hex(&sha256(format!("{what} of {}", self.0).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_it_is_another_of_it_and_none_is_the_same_twice() {
        let (one, other) = (Attempt::draw().unwrap(), Attempt::draw().unwrap());
        let all = [
            one.state(),
            one.nonce(),
            one.verifier(),
            one.secret().to_owned(),
            other.state(),
            other.nonce(),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(one.is_of(&one.state()) && !one.is_of(&other.state()) && !one.is_of(""));
        // RFC 7636 section 4.1: 43 to 128 characters.
        assert!((43..=128).contains(&one.verifier().len()));
    }
}
