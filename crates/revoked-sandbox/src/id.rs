//! Mattermost ids and secrets: 26 characters of `[a-z0-9]`, drawn from a seed so that a world is the same every time.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The server's own alphabet (z-base-32), so that generated ids look like its ids.
const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

const LENGTH: usize = 26;

/// An id, or a secret of the same form (session tokens, personal access tokens, refresh tokens and client secrets all have it).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; LENGTH]);

impl Id {
    /// Reads an id; `None` unless it is 26 ASCII letters or digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    /// The 26 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("an id is 26 letters or digits"))
    }
}

/// Draws ids from a seed (`SplitMix64`): good enough to be distinct, and the same in every run.
#[derive(Debug, Clone)]
pub struct Ids(u64);

impl Ids {
    /// A sequence that depends on `seed` alone.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(seed ^ 0x5EED_0F1D_5EED_0F1D)
    }

    /// The next 64 bits of the sequence.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.bits() % bound.max(1) as u64).unwrap_or_default()
    }

    /// The next id.
    pub fn id(&mut self) -> Id {
        let mut bytes = [0; LENGTH];
        for half in bytes.chunks_mut(13) {
            // Thirteen characters take 65 bits; the last one draws on four, as the server's own last character does.
            let mut bits = self.bits();
            for byte in half {
                *byte = ALPHABET[(bits & 31) as usize];
                bits >>= 5;
            }
        }
        Id(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_distinct_ids() {
        let draw = |seed| {
            let mut ids = Ids::from_seed(seed);
            (0..1000).map(|_| ids.id()).collect::<Vec<_>>()
        };
        let first = draw(7);
        assert_eq!(first, draw(7));
        assert_ne!(first, draw(8));
        assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), 1000);
        assert!(first.iter().all(|id| Id::parse(id.as_str()) == Some(*id)));
    }

    #[test]
    fn an_id_is_26_letters_or_digits() {
        assert!(Id::parse("abc").is_none());
        assert!(Id::parse("a-bcdefghijklmnopqrstuvwxy").is_none());
        assert!(Id::parse("zzzzzzzzzzzzzzzzzzzzzzzzzz").is_some());
    }
}
