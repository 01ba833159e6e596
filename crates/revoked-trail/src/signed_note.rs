//! Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and signature lines.
//!
//! A reader ignores signatures by keys it does not know, refuses a note that a known key signed wrongly, and refuses one that no known
//! key signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::key::{KeyKind, Signer, VerifierKey, valid_name};
use crate::Timestamp;

/// The longest note that is read, in bytes. A checkpoint with a hundred post-quantum cosignatures is longer; ours have a dozen.
pub const MAX_BYTES: usize = 64 * 1024;

/// The most signature lines that are read; the specification demands at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteError {
    /// The note is longer than [`MAX_BYTES`].
    #[error("read a signed note: {0} bytes are more than the {MAX_BYTES} that are read")]
    TooLong(usize),
    /// There are more than [`MAX_SIGNATURES`] signature lines.
    #[error("read a signed note: it has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// There is a control character other than the newline.
    #[error("read a signed note: it contains a control character")]
    ControlCharacter,
    /// The text and the signatures are not separated by an empty line, or one of them is missing.
    #[error("read a signed note: expected a text, an empty line, and signature lines that end in a newline")]
    Form,
    /// A signature line is malformed.
    #[error("read a signed note: signature line {0} is malformed")]
    SignatureLine(usize),
    /// A key that we know did not sign this text.
    #[error("verify a signed note: the signature by `{0}` is invalid")]
    Invalid(String),
    /// None of the signatures is by a key that we know.
    #[error("verify a signed note: no signature is by a known key")]
    NoKnownKey,
}

/// One signature line, not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: String,
    /// The id of the key.
    pub id: u32,
    /// What the key made: 64 bytes for a log, a time and 64 bytes for a witness.
    pub bytes: Vec<u8>,
}

/// A note as read: nothing in it is to be believed before [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The signed text, with its final newline.
    pub text: String,
    /// All signature lines, in their order.
    pub signatures: Vec<Signature>,
}

/// A signature that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The key that made it.
    pub key: &'k VerifierKey,
    /// When a witness says that it saw the text (whole seconds); none for a log's own signature.
    pub seen: Option<Timestamp>,
}

/// The signature line of `signer` over `text`, with its newline.
#[must_use]
pub fn signature_line(text: &str, signer: &Signer) -> String {
    line(signer.verifier(), &signer.sign(text.as_bytes()))
}

fn line(key: &VerifierKey, signature: &[u8]) -> String {
    let encoded = STANDARD.encode([&key.id().to_be_bytes(), signature].concat());
    format!("\u{2014} {} {encoded}\n", key.name())
}

/// The note of `text` signed by `signer`.
///
/// # Errors
/// When the text does not end in a newline, starts an empty line at its end, is too long or has a control character.
pub fn sign(text: &str, signer: &Signer) -> Result<String, NoteError> {
    let note = format!("{text}\n{}", signature_line(text, signer));
    // Whatever is signed must be readable: a signature can't be taken back.
    if Note::parse(note.as_bytes())?.text == text {
        Ok(note)
    } else {
        Err(NoteError::Form)
    }
}

impl Note {
    /// Reads a note, without believing it.
    ///
    /// # Errors
    /// When it is too long, is not UTF-8 without control characters, or has not the form of a note.
    pub fn parse(note: &[u8]) -> Result<Self, NoteError> {
        if note.len() > MAX_BYTES {
            return Err(NoteError::TooLong(note.len()));
        }
        let note = std::str::from_utf8(note).map_err(|_| NoteError::Form)?;
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::ControlCharacter);
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form)?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines
            .split('\n')
            .enumerate()
            .map(|(i, line)| Signature::parse(line).ok_or(NoteError::SignatureLine(i + 1)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            text: format!("{text}\n"),
            signatures,
        })
    }

    /// The signatures by keys among `keys`, one a key, all of them good.
    ///
    /// # Errors
    /// When a known key's signature is wrong, or no known key signed.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, NoteError> {
        let mut verified: Vec<Verified<'k>> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = keys
                .iter()
                .find(|key| key.name() == signature.name && key.id() == signature.id)
            else {
                continue;
            };
            let good = signature
                .verify(&self.text, key)
                .ok_or_else(|| NoteError::Invalid(key.name().to_owned()))?;
            if verified.iter().all(|known| known.key != good.key) {
                verified.push(good);
            }
        }
        if verified.is_empty() {
            Err(NoteError::NoKnownKey)
        } else {
            Ok(verified)
        }
    }
}

impl Signature {
    /// `— name base64(id || bytes)`.
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (id, bytes) = decoded.split_first_chunk::<4>()?;
        if !valid_name(name) || bytes.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }

    fn verify<'k>(&self, text: &str, key: &'k VerifierKey) -> Option<Verified<'k>> {
        match key.kind() {
            KeyKind::Log => key
                .signed(text.as_bytes(), &self.bytes)
                .then_some(Verified { key, seen: None }),
            KeyKind::Witness => {
                let (seconds, signature) = self.bytes.split_first_chunk::<8>()?;
                let seconds = i64::try_from(u64::from_be_bytes(*seconds)).ok()?;
                let message = cosigned(text, seconds);
                let seen = Some(Timestamp::from_seconds(seconds));
                key.signed(message.as_bytes(), signature).then_some(Verified { key, seen })
            }
        }
    }
}

/// What a witness signs (tlog-cosignature, `cosignature/v1`).
fn cosigned(text: &str, seconds: i64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

#[cfg(test)]
pub(super) mod tests;
