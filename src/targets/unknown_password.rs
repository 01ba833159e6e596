//! A password that nobody knows.

use anyhow::anyhow;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use secrecy::SecretString;

/// 64 letters, so that a random byte's low six bits pick one without bias.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// How many random letters: 360 bits. With the four of [`CLASSES`] it makes 64 characters, the largest minimum that the server can be set
/// to, and below the 72 that it takes at most.
const LENGTH: usize = 60;
/// One of each class that a password policy may ask for.
const CLASSES: &str = "aA1!";

/// Draws a password that satisfies every policy the server can be set to. Nobody is told what it is.
pub(in crate::targets) fn unknown_password() -> anyhow::Result<SecretString> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow!("the system has no random numbers"))?;
    let drawn = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 64)]));
    Ok(SecretString::from(drawn.chain(CLASSES.chars()).collect::<String>()))
}

/// 26 letters that name nothing: what is looked for by them is not there.
pub(in crate::targets) fn random_word() -> anyhow::Result<String> {
    let mut bytes = [0; 26];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow!("the system has no random numbers"))?;
    Ok(bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_password_satisfies_the_strictest_policy_and_is_never_the_same() {
        let (one, other) = (unknown_password().unwrap(), unknown_password().unwrap());
        let text = one.expose_secret();
        assert_eq!(text.len(), 64);
        assert!(text.chars().any(|c| c.is_ascii_digit()) && text.chars().any(|c| c.is_ascii_punctuation()));
        assert!(text.chars().any(|c| c.is_ascii_uppercase()) && text.chars().any(|c| c.is_ascii_lowercase()));
        assert_ne!(text, other.expose_secret());
    }
}
