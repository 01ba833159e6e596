//! Static secrets, any of which is taken.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret as _, SecretString};

use crate::sources::digest::sha256;

/// Static secrets, as the SHA-256 of each: of equal length, so that a comparison takes as long whatever is sent.
pub(super) struct StaticSecrets(Vec<[u8; 32]>);

impl StaticSecrets {
    /// Takes any of `secrets`.
    pub(super) fn new(secrets: &[SecretString]) -> Self {
        let hash = |secret: &SecretString| sha256(secret.expose_secret().as_bytes());
        Self(secrets.iter().map(hash).collect())
    }

    /// Whether `sent` is one of them.
    pub(super) fn hold(&self, sent: &str) -> bool {
        let sent = sha256(sent.as_bytes());
        // Every secret is compared, whichever matches.
        let same = |secret: &&[u8; 32]| verify_slices_are_equal(*secret, &sent).is_ok();
        self.0.iter().filter(same).count() > 0
    }
}
