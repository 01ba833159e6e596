//! The Merkle tree over the trail's entries (RFC 6962 §2.1): leaf `i` is the hash of the exact bytes of entry `i`.
//!
//! The running tree is kept as its [`super::Frontier`]. Beside it the store keeps each leaf hash and the root of each complete block of
//! [`BLOCK`] leaves, from which [`super::tree_proof`] builds proofs.

use std::fmt;

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Leaves in a complete block, whose root the store keeps: level 8 of C2SP tlog-tiles.
pub const BLOCK: u64 = 256;

/// A SHA-256 value: a leaf, a node or a root of the tree. Printed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash stored as `bytes`; none unless they are exactly 32.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The hash written as standard, padded base64, as notes and proofs write it.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok().and_then(|bytes| Self::from_slice(&bytes))
    }

    /// This hash as standard, padded base64 (44 characters).
    #[must_use]
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }
}

impl From<Digest> for Hash {
    fn from(digest: Digest) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The root of the tree without leaves: `SHA256("")`.
#[must_use]
pub fn empty_root() -> Hash {
    digest(&SHA256, b"").into()
}

/// The hash of an entry: `SHA256(0x00 || bytes)`.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(entry);
    context.finish().into()
}

/// The hash above two subtrees: `SHA256(0x01 || left || right)`.
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    digest(&SHA256, &bytes).into()
}

/// The root over `leaves` by RFC 6962's recursive definition: slow, and what the tests hold everything else against.
#[must_use]
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
            node_hash(root_of(left), root_of(right))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The well-known inputs of the Certificate Transparency test suites, in hexadecimal.
    const CT: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];

    /// Sizes and roots over the project's own vectors.
    pub(crate) const VECTOR_ROOTS: [(usize, &str); 5] = [
        (1, "a402b0e36f5aae85457360fcf00a2545b87dd47f310553e7b0d32d6d0ac4400d"),
        (2, "fc52d71a368a798fd96ec7e5b7ee5f8f9fdd10c7ff9ab146c4eac1e6a0a1b10a"),
        (3, "3db67665eea8c26de341668c1d3199f61de4b780a828569a898ce48c28d931f3"),
        (5, "147dc477479a3b69a24b1ff601b6fc6284fdf15fd50abfeb0cf70ea8e3722c1d"),
        (8, "b9c377f91dac312b36ca40d1f3a4428539a8719064819739f4160478d3d0143b"),
    ];

    pub(crate) fn unhex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    }

    pub(crate) fn hash(text: &str) -> Hash {
        Hash::from_slice(&unhex(text)).unwrap()
    }

    /// Leaves 0..n of the project's own vectors: entry i is the nine bytes `{"seq":i}`.
    pub(crate) fn vector_leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(format!("{{\"seq\":{i}}}").as_bytes())).collect()
    }

    #[test]
    fn certificate_transparency_roots_come_out() {
        let leaves: Vec<_> = CT.iter().map(|data| leaf_hash(&unhex(data))).collect();
        let one = hash("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        let eight = hash("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
        assert_eq!((root_of(&leaves[..1]), root_of(&leaves)), (one, eight));
    }

    #[test]
    fn our_own_vectors_come_out() {
        let leaves = vector_leaves(8);
        assert_eq!(
            leaves[0],
            hash("a402b0e36f5aae85457360fcf00a2545b87dd47f310553e7b0d32d6d0ac4400d")
        );
        assert_eq!(
            leaves[2],
            hash("d3e0a62a8f7a9256c8beb715afded83e4326d2c47379d259b1709a840ad2f11d")
        );
        for (size, root) in VECTOR_ROOTS {
            assert_eq!(root_of(&leaves[..size]), hash(root), "size {size}");
        }
    }

    #[test]
    fn the_empty_tree_has_the_hash_of_nothing() {
        assert_eq!(
            empty_root(),
            hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
        assert_eq!(root_of(&[]), empty_root());
    }

    #[test]
    fn base64_and_slices_of_another_length_are_no_hash() {
        let leaf = leaf_hash(b"x");
        assert_eq!(Hash::from_base64(&leaf.to_base64()), Some(leaf));
        assert_eq!((Hash::from_base64("AAAA"), Hash::from_slice(&[0; 31])), (None, None));
    }
}
