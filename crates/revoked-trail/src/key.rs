//! The keys of signed notes (C2SP signed-note v1.0.0, tlog-cosignature v1.0.1): Ed25519 only.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// How a key signs a note: the signature type byte, which its key id commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// 0x01: the log's own signature, over the text.
    Log,
    /// 0x04: a witness's cosignature, over a time and the text.
    Witness,
}

impl KeyKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Witness => 0x04,
        }
    }
}

/// Why a key can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The name is empty, or has a space or a plus sign.
    #[error("use `{0}` as a key name: it must be non-empty, without spaces, control characters and `+`")]
    Name(String),
    /// The text is not `name+hex id+base64`.
    #[error("read a verifier key: expected NAME+KEYID+BASE64 with an 8-digit key id")]
    Form,
    /// The key's type is neither Ed25519 signatures (1) nor Ed25519 cosignatures (4).
    #[error("read the verifier key of `{name}`: unknown signature type, only Ed25519 keys (types 1 and 4) are understood")]
    Kind {
        /// The key's name.
        name: String,
    },
    /// The id is not the one that name and key give: a typing mistake, or a key under another's name.
    #[error("read the verifier key of `{name}`: its key id is {found:08x}, but name and key give {expected:08x}")]
    Id {
        /// The key's name.
        name: String,
        /// The id that name and key give.
        expected: u32,
        /// The id as written.
        found: u32,
    },
    /// The library refuses the seed.
    #[error("make a signing key of `{name}`: the seed was refused")]
    Seed {
        /// The key's name.
        name: String,
    },
    /// The operating system gives no random bytes.
    #[error("make a new key: the system gives no random bytes")]
    NoRandomness,
}

/// 32 fresh random bytes: a subject's reference key, or the seed of a signing key.
///
/// # Errors
/// When the system gives no random bytes.
pub fn random_key() -> Result<[u8; 32], KeyError> {
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| KeyError::NoRandomness)?;
    Ok(key)
}

/// A public key, its name and what it signs. Text form: `name+hex(key id)+base64(type || key)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    id: u32,
    key: [u8; 32],
}

impl VerifierKey {
    /// The key of this name.
    ///
    /// # Errors
    /// When the name can't stand in a signature line.
    pub fn new(name: &str, kind: KeyKind, key: [u8; 32]) -> Result<Self, KeyError> {
        if !valid_name(name) {
            return Err(KeyError::Name(name.to_owned()));
        }
        let named = [name.as_bytes(), b"\n", &[kind.byte()], &key].concat();
        let id = digest(&SHA256, &named)
            .as_ref()
            .iter()
            .take(4)
            .fold(0, |id, byte| id << 8 | u32::from(*byte));
        Ok(Self {
            name: name.to_owned(),
            kind,
            id,
            key,
        })
    }

    /// The key's name; for a log's own key, its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same key under another name, as that of the same owner's earlier trail.
    ///
    /// # Errors
    /// When the name can't stand in a signature line.
    pub fn named(&self, name: &str) -> Result<Self, KeyError> {
        Self::new(name, self.kind, self.key)
    }

    /// What the key signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The first four bytes of `SHA256(name || 0x0A || type || key)`, big-endian.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether `signature` is this key's Ed25519 signature over `message`.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.key).verify(message, signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[self.kind.byte()], self.key.as_slice()].concat());
        write!(f, "{}+{:08x}+{key}", self.name, self.id)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        if id.len() != 8 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(KeyError::Form);
        }
        let found = u32::from_str_radix(id, 16).map_err(|_| KeyError::Form)?;
        let typed = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let (kind, key) = match typed.split_first() {
            Some((0x01, key)) => (KeyKind::Log, key),
            Some((0x04, key)) => (KeyKind::Witness, key),
            Some(_) => {
                return Err(KeyError::Kind { name: name.to_owned() });
            }
            None => return Err(KeyError::Form),
        };
        let read = Self::new(name, kind, key.try_into().map_err(|_| KeyError::Form)?)?;
        if read.id != found {
            return Err(KeyError::Id {
                name: read.name,
                expected: read.id,
                found,
            });
        }
        Ok(read)
    }
}

/// The keys in a text: one on each line, empty lines aside.
///
/// # Errors
/// Where a line is no key.
pub fn verifier_keys(text: &str) -> Result<Vec<VerifierKey>, KeyError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::parse).collect()
}

/// The trail whose key is the newest of `keys`: the last one that is not a witness's, where there is one.
#[must_use]
pub fn origin_of(keys: &[VerifierKey]) -> Option<&str> {
    let own = keys.iter().rev().find(|key| key.kind() == KeyKind::Log);
    own.or(keys.last()).map(VerifierKey::name)
}

/// A log's signing key. Prints as its verifier key only.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl Signer {
    /// The signer of this name from its 32-byte seed (RFC 8032's private key). A log's signer is named by its origin.
    ///
    /// # Errors
    /// When the name can't stand in a signature line, or the seed is refused.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let refused = || KeyError::Seed { name: name.to_owned() };
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| refused())?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| refused())?;
        Ok(Self {
            pair,
            verifier: VerifierKey::new(name, KeyKind::Log, public)?,
        })
    }

    /// The key that checks what this one signs, to be handed out.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The Ed25519 signature over `message`, 64 bytes.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

/// Whether `name` may stand in a signature line: non-empty, no Unicode space, no control character, no `+`.
pub(super) fn valid_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

#[cfg(test)]
pub(super) mod tests;
