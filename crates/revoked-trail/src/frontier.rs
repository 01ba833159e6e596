//! The running tree as the store keeps it (elsewhere called a compact range): the roots of the perfect subtrees, which is all that appending and
//! the root need.

use thiserror::Error;

use super::tree::{BLOCK, Hash, empty_root, node_hash};

const BLOCK_LEVEL: u32 = BLOCK.trailing_zeros();

/// The running tree: its size, and the root of the perfect subtree for each 1 bit of the size, largest first.
///
/// At most 64 hashes, about 20 for a million entries, so a copy (for a savepoint that may be rolled back) costs one small allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

/// Why a stored frontier or block can't be taken up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrontierError {
    /// The bytes are not one hash for each 1 bit of the size.
    #[error("read the frontier of a trail of {size} entries: {expected} bytes expected, {found} found")]
    Length {
        /// Entries that the row claims.
        size: u64,
        /// `32 * popcount(size)`.
        expected: usize,
        /// Bytes that the row holds.
        found: usize,
    },
    /// A block root can only follow complete blocks.
    #[error("append a block of {BLOCK} entries at size {size}: the size is not a multiple of {BLOCK}")]
    Unaligned {
        /// Entries in the tree so far.
        size: u64,
    },
}

impl Frontier {
    /// Entries in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. Returns the root of the block of [`BLOCK`] leaves that it completes, which the store keeps for proofs.
    pub fn append(&mut self, leaf: Hash) -> Option<Hash> {
        let block = self.carry(leaf, 0);
        self.size += 1;
        block
    }

    /// Appends a complete block by its root, which rebuilds the frontier of a long trail from its stored block roots.
    ///
    /// # Errors
    /// When the tree so far does not end at the edge of a block.
    pub fn append_block(&mut self, root: Hash) -> Result<(), FrontierError> {
        if !self.size.is_multiple_of(BLOCK) {
            return Err(FrontierError::Unaligned { size: self.size });
        }
        self.carry(root, BLOCK_LEVEL);
        self.size += BLOCK;
        Ok(())
    }

    /// The root of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        let Some(last) = peaks.next() else {
            return empty_root();
        };
        peaks.fold(last, |right, left| node_hash(left, right))
    }

    /// The peaks, largest subtree first, as the `frontier` column holds them: `32 * popcount(size)` bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.iter().flat_map(|peak| peak.0).collect()
    }

    /// The frontier stored as a row `trail_head(size, frontier)`.
    ///
    /// # Errors
    /// When `bytes` do not hold exactly one hash for each 1 bit of `size`.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Result<Self, FrontierError> {
        let expected = 32 * size.count_ones() as usize;
        if bytes.len() != expected {
            return Err(FrontierError::Length {
                size,
                expected,
                found: bytes.len(),
            });
        }
        let peaks = bytes.chunks_exact(32).filter_map(Hash::from_slice).collect();
        Ok(Self { size, peaks })
    }

    /// Merges `node`, the root of a perfect subtree of `2^level` leaves, with the equal ones to its left. Returns the merged root at
    /// [`BLOCK_LEVEL`], if the merging came past it from below.
    fn carry(&mut self, mut node: Hash, mut level: u32) -> Option<Hash> {
        let mut block = None;
        while self.size >> level & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(left, node);
            level += 1;
            if level == BLOCK_LEVEL {
                block = Some(node);
            }
        }
        self.peaks.push(node);
        block
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tree::tests::{VECTOR_ROOTS, hash, unhex, vector_leaves};
    use super::super::tree::{leaf_hash, root_of};
    use super::*;

    fn frontier(leaves: &[Hash]) -> Frontier {
        let mut frontier = Frontier::default();
        for leaf in leaves {
            frontier.append(*leaf);
        }
        frontier
    }

    #[test]
    fn our_own_vectors_come_out() {
        for (size, root) in VECTOR_ROOTS {
            assert_eq!(frontier(&vector_leaves(8)[..size]).root(), hash(root), "size {size}");
        }
        let bytes = frontier(&vector_leaves(5)).to_bytes();
        let expected = "9d413f59a025283f9dfd05c5ceda276952a677a1a4c07dce14a68888fe776ac6\
                        1795798275c506dbbf46fde73240eb19d52fb72fa90a05a1fc4c8b48b4aa06a2";
        assert_eq!(bytes, unhex(expected));
    }

    #[test]
    fn a_frontier_of_the_wrong_length_is_refused() {
        let error = Frontier::from_bytes(5, &[0; 32]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "read the frontier of a trail of 5 entries: 64 bytes expected, 32 found"
        );
    }

    #[test]
    fn block_roots_are_given_out_at_every_edge_and_rebuild_the_frontier() {
        let leaves = vector_leaves(1030);
        let (mut grown, mut rebuilt) = (Frontier::default(), Frontier::default());
        for (i, leaf) in leaves.iter().enumerate() {
            let block = grown.append(*leaf);
            assert_eq!(block.is_some(), (i + 1) % 256 == 0, "after leaf {i}");
            if let Some(block) = block {
                assert_eq!(block, root_of(&leaves[i - 255..=i]));
                rebuilt.append_block(block).unwrap();
                assert_eq!(rebuilt, grown);
            }
        }
        for leaf in &leaves[1024..] {
            rebuilt.append(*leaf);
        }
        assert_eq!(rebuilt, grown);
        assert_eq!(rebuilt.append_block(leaves[0]), Err(FrontierError::Unaligned { size: 1030 }));
    }

    proptest! {
        #[test]
        fn frontier_root_is_the_recursive_root(n in 0u64..=300, salt: u64) {
            let leaves: Vec<_> = (0..n).map(|i| leaf_hash(&(salt ^ i).to_le_bytes())).collect();
            let frontier = frontier(&leaves);
            prop_assert_eq!(frontier.size(), n);
            prop_assert_eq!(frontier.root(), root_of(&leaves));
            let bytes = frontier.to_bytes();
            prop_assert_eq!(bytes.len(), 32 * n.count_ones() as usize);
            prop_assert_eq!(Frontier::from_bytes(n, &bytes).unwrap(), frontier);
        }
    }
}
