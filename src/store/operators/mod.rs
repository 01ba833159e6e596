//! Operators who come over the network or by the page: their tokens, one-time links, sign-ins elsewhere and sessions; and what any operator has read about people. A credential is 256 random bits and is known here
//! by its SHA-256 alone, so that nothing in the store opens anything.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::{Result, StoreError};
use crate::digest::{hex, sha256};

/// How often it is written down that a credential is used.
const NOTED_EVERY: Duration = Duration::from_mins(1);

pub(super) mod page_sessions;
pub(super) mod reads;
pub(super) mod sign_ins_begun;
pub(super) mod tokens;

/// A credential of an operator that has just been made: shown once.
struct NewCredential {
    /// What is shown.
    shown: String,
    /// What is kept.
    hash: [u8; 32],
}

impl NewCredential {
    /// Draws one. `prefix` tells scanners of repositories what it is.
    fn draw(prefix: &str) -> Result<Self> {
        let mut bits = [0; 32];
        SystemRandom::new()
            .fill(&mut bits)
            .map_err(|_| StoreError::Refused("the system has no randomness to give, so no credential was made".to_owned()))?;
        let shown = format!("{prefix}{}", hex(&bits));
        Ok(Self {
            hash: hash_of(shown.as_bytes()),
            shown,
        })
    }
}

/// What stands in the store for a credential.
fn hash_of(shown: &[u8]) -> [u8; 32] {
    sha256(shown)
}
