//! References to subjects: how the trail speaks of a person without holding personal data.
//!
//! Each subject has a random key of its own in the store. Erasing that row erases the person: the references stay, the hashes over them
//! stay valid, and nobody can tell any more whom they mean, not even by trying all addresses.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of the HMAC that a reference keeps: 144 bits, so that two of 2^48 subjects meet with a chance of about 2^-49.
const KEPT: usize = 18;

/// The reference of the subject whose canonical form is `canonical` under that subject's key (see [`super::key::random_key`]):
/// `s_` and 24 characters of base64url, the first 144 bits of HMAC-SHA256.
#[must_use]
pub fn subject_ref(key: &[u8; 32], canonical: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), canonical.as_bytes());
    let kept: Vec<u8> = tag.as_ref().iter().take(KEPT).copied().collect();
    format!("s_{}", URL_SAFE_NO_PAD.encode(kept))
}

#[cfg(test)]
mod tests {
    use super::super::key::random_key;
    use super::*;

    #[test]
    fn a_reference_is_the_start_of_rfc_2104s_hmac() {
        // RFC 4231, test case 1, has a key of 20 bytes 0x0b; HMAC pads short keys with zeroes, so the padded key gives the same tag.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        // b0344c61d8db38535ca8afceaf0bf12b881d… in base64url.
        assert_eq!(subject_ref(&key, "Hi There"), "s_sDRMYdjbOFNcqK_OrwvxK4gd");
    }

    #[test]
    fn references_differ_by_key_and_by_subject_and_hide_both() {
        let (one, other) = (random_key().unwrap(), random_key().unwrap());
        let reference = subject_ref(&one, "email:ada@example.org");
        assert_eq!(reference, subject_ref(&one, "email:ada@example.org"));
        assert_ne!(reference, subject_ref(&other, "email:ada@example.org"));
        assert_ne!(reference, subject_ref(&one, "email:bob@example.org"));
        assert_eq!(reference.len(), 26);
        assert!(!reference.contains("ada"));
    }
}
