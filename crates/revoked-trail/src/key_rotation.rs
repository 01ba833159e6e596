//! The change of a trail's key: a statement by which the old key names the new one. Whoever trusts the first key of a trail follows these to
//! the newest. A key that names itself proves nothing, so the old one must sign.

use thiserror::Error;

use super::key::{KeyError, KeyKind, Signer, VerifierKey};
use super::signed_note::{self, Note, NoteError};

/// The first line of a statement, so that no checkpoint can be taken for one.
const TITLE: &str = "revoked key rotation v1";

/// A change of keys whose statement holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotation {
    /// The key that signed it, which signs no checkpoint any more.
    pub from: VerifierKey,
    /// The key that signs from here on.
    pub to: VerifierKey,
}

/// Why a statement is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RotationError {
    /// The note around it is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A key in it is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is not title, old key and new key, or the two are not keys of one trail.
    #[error("read a key rotation: expected three lines, the title, the old key and the new key of the same trail")]
    Form,
    /// The key that it says is the old one did not sign it.
    #[error("verify a key rotation: the key that is replaced, {0}, did not sign it")]
    NotByTheOld(String),
}

/// The statement by `old` that `new` takes its place.
///
/// # Errors
/// Where the names would make a note that no reader takes.
pub fn sign(old: &Signer, new: &VerifierKey) -> Result<String, NoteError> {
    signed_note::sign(&format!("{TITLE}\n{}\n{new}\n", old.verifier()), old)
}

/// Reads a statement and believes it: the key that it replaces must be among `keys`, and must have signed.
///
/// # Errors
/// Where it is out of form, or not signed by that key.
pub fn open(statement: &str, keys: &[VerifierKey]) -> Result<KeyRotation, RotationError> {
    let note = Note::parse(statement.as_bytes())?;
    let verified = note.verify(keys)?;
    let lines: Vec<_> = note.text.split('\n').collect();
    let [TITLE, from, to, ""] = lines.as_slice() else {
        return Err(RotationError::Form);
    };
    let (from, to): (VerifierKey, VerifierKey) = (from.parse()?, to.parse()?);
    let of_one_trail = from.name() == to.name() && [&from, &to].iter().all(|key| key.kind() == KeyKind::Log);
    if !of_one_trail || from == to {
        return Err(RotationError::Form);
    }
    if !verified.iter().any(|good| *good.key == from) {
        return Err(RotationError::NotByTheOld(from.to_string()));
    }
    Ok(KeyRotation { from, to })
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::{ORIGIN, seed, signer};
    use super::*;

    fn other(number: u8) -> Signer {
        Signer::from_seed(ORIGIN, &seed(number)).unwrap()
    }

    #[test]
    fn only_the_key_that_is_replaced_can_say_so() {
        let (old, new) = (signer(), other(9));
        let keys = [old.verifier().clone(), new.verifier().clone()];
        let statement = sign(&old, new.verifier()).unwrap();
        let rotation = open(&statement, &keys[..1]).unwrap();
        assert_eq!((rotation.from, rotation.to), (keys[0].clone(), keys[1].clone()));
        assert_eq!(open(&statement, &keys[1..]), Err(NoteError::NoKnownKey.into()));
        // The new key's own word for it.
        let text = format!("{TITLE}\n{}\n{}\n", keys[0], keys[1]);
        let by_itself = signed_note::sign(&text, &new).unwrap();
        assert_eq!(open(&by_itself, &keys), Err(RotationError::NotByTheOld(keys[0].to_string())));
        assert!(
            open(
                &statement.replace(&keys[1].to_string(), &other(8).verifier().to_string()),
                &keys
            )
            .is_err()
        );
    }

    #[test]
    fn a_key_of_another_trail_or_the_same_key_again_is_no_rotation() {
        let old = signer();
        let keys = [old.verifier().clone()];
        let elsewhere = Signer::from_seed("other.example.org", &seed(9)).unwrap();
        for to in [elsewhere.verifier(), old.verifier()] {
            assert_eq!(open(&sign(&old, to).unwrap(), &keys), Err(RotationError::Form));
        }
    }
}
