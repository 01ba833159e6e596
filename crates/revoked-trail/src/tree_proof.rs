//! Inclusion and consistency proofs over the tree: made by RFC 6962 §2.1.1 and §2.1.2, checked by RFC 9162 §2.1.3.2 and §2.1.4.2.

use std::collections::HashMap;
use std::ops::Range;

use thiserror::Error;

use super::tree::{BLOCK, Hash, node_hash};

/// Where proofs take their hashes from: the leaf hash of an entry, and the root of a complete block of [`BLOCK`] entries.
///
/// A pair of closures will do. The store loads the leaves of [`leaves_needed`] and all block roots first, since it answers later.
pub trait Nodes {
    /// The leaf hash of entry `index`.
    fn leaf(&self, index: u64) -> Option<Hash>;
    /// The root of entries `number * 256 .. (number + 1) * 256`.
    fn block(&self, number: u64) -> Option<Hash>;
}

impl<L: Fn(u64) -> Option<Hash>, B: Fn(u64) -> Option<Hash>> Nodes for (L, B) {
    fn leaf(&self, index: u64) -> Option<Hash> {
        self.0(index)
    }

    fn block(&self, number: u64) -> Option<Hash> {
        self.1(number)
    }
}

/// Why a proof can't be made, or proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TreeProofError {
    /// No such proof exists.
    #[error("prove {index} in a tree of {size} entries: it is out of range")]
    OutOfRange {
        /// The entry, or the smaller size.
        index: u64,
        /// Entries in the tree.
        size: u64,
    },
    /// The trail does not hold this leaf hash.
    #[error("make a proof: the leaf hash of entry {0} is missing")]
    MissingLeaf(u64),
    /// The trail does not hold this block root.
    #[error("make a proof: the root of block {0} is missing")]
    MissingBlock(u64),
    /// The hashes do not lead from the entry to the root.
    #[error("check the inclusion proof of entry {index} in {size}: it does not lead to the root")]
    NotIncluded {
        /// The entry.
        index: u64,
        /// Entries in the tree.
        size: u64,
    },
    /// The hashes do not lead from the older root to the newer one: the trail was rewritten, or the proof is damaged.
    #[error("check the consistency proof from {from} to {to} entries: the larger tree does not continue the smaller one")]
    Inconsistent {
        /// Entries in the smaller tree.
        from: u64,
        /// Entries in the larger tree.
        to: u64,
    },
}

/// The entries whose leaf hashes a proof about `at` (an entry, or a smaller size) in a tree of `size` may read; everything else comes
/// from block roots. The ranges may be empty, and may be the same.
#[must_use]
pub fn leaves_needed(at: u64, size: u64) -> [Range<u64>; 2] {
    let block = |of: u64| {
        let start = of / BLOCK * BLOCK;
        start..start.saturating_add(BLOCK).min(size).max(start)
    };
    [block(at), block(size)]
}

/// The audit path of entry `index` in the tree of `size` entries, from its sibling upwards.
///
/// # Errors
/// When the entry is not in that tree, or a hash is missing.
pub fn inclusion(nodes: &impl Nodes, index: u64, size: u64) -> Result<Vec<Hash>, TreeProofError> {
    path(index, size, &mut |range| root(nodes, range))
}

/// The audit paths of several entries in the tree of `size` entries: what their ways have in common is computed once.
///
/// # Errors
/// As [`inclusion`].
pub fn inclusions(nodes: &impl Nodes, indexes: &[u64], size: u64) -> Result<Vec<Vec<Hash>>, TreeProofError> {
    let mut known = HashMap::new();
    let paths = indexes.iter();
    paths
        .map(|index| path(*index, size, &mut |range| root_once(nodes, range, &mut known)))
        .collect()
}

fn path(
    index: u64,
    size: u64,
    root: &mut impl FnMut(Range<u64>) -> Result<Hash, TreeProofError>,
) -> Result<Vec<Hash>, TreeProofError> {
    if index >= size {
        return Err(TreeProofError::OutOfRange { index, size });
    }
    let (mut path, mut range) = (Vec::new(), 0..size);
    while range.end - range.start > 1 {
        let middle = split(&range);
        let (inside, beside) = if index < middle {
            (range.start..middle, middle..range.end)
        } else {
            (middle..range.end, range.start..middle)
        };
        path.push(root(beside)?);
        range = inside;
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `to` entries continues the tree of `from` entries. Empty when they are the same, or `from` is 0.
///
/// # Errors
/// When `from` is larger than `to`, or a hash is missing.
pub fn consistency(nodes: &impl Nodes, from: u64, to: u64) -> Result<Vec<Hash>, TreeProofError> {
    if from > to {
        return Err(TreeProofError::OutOfRange { index: from, size: to });
    }
    if from == 0 {
        return Ok(Vec::new());
    }
    let (mut path, mut range) = (Vec::new(), 0..to);
    while range.end != from {
        let middle = split(&range);
        if from <= middle {
            path.push(root(nodes, middle..range.end)?);
            range.end = middle;
        } else {
            path.push(root(nodes, range.start..middle)?);
            range.start = middle;
        }
    }
    // The old tree itself is known to whoever checks; only a part of it must be named.
    if range.start > 0 {
        path.push(root(nodes, range)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that `leaf` is entry `index` of the tree of `size` entries with this `root` (RFC 9162 §2.1.3.2).
///
/// # Errors
/// When it isn't, or the path proves nothing.
pub fn check_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash], root: Hash) -> Result<(), TreeProofError> {
    if index >= size {
        return Err(TreeProofError::OutOfRange { index, size });
    }
    let wrong = || TreeProofError::NotIncluded { index, size };
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return Err(wrong());
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(*sibling, hash);
            climb_to_odd(&mut node, &mut last);
        } else {
            hash = node_hash(hash, *sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last == 0 && hash == root { Ok(()) } else { Err(wrong()) }
}

/// Checks that the tree of `to.0` entries with root `to.1` continues the tree of `from.0` entries with root `from.1`
/// (RFC 9162 §2.1.4.2). Two trees of one size need an empty proof and one root; every tree continues the empty one.
///
/// # Errors
/// When it does not, or the path proves nothing.
pub fn check_consistency(from: (u64, Hash), to: (u64, Hash), path: &[Hash]) -> Result<(), TreeProofError> {
    let wrong = || TreeProofError::Inconsistent { from: from.0, to: to.0 };
    if from.0 > to.0 {
        return Err(TreeProofError::OutOfRange {
            index: from.0,
            size: to.0,
        });
    }
    if from.0 == to.0 {
        return if path.is_empty() && from.1 == to.1 {
            Ok(())
        } else {
            Err(wrong())
        };
    }
    if from.0 == 0 {
        return if path.is_empty() && from.1 == super::tree::empty_root() {
            Ok(())
        } else {
            Err(wrong())
        };
    }
    let mut path = path.iter().copied();
    // Without one shared hash there is nothing to check; a perfect old tree is that hash itself.
    let shared = if from.0.is_power_of_two() && path.len() > 0 {
        Some(from.1)
    } else {
        path.next()
    };
    let shared = shared.ok_or_else(wrong)?;
    let (mut node, mut last) = (from.0 - 1, to.0 - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut old, mut new) = (shared, shared);
    for hash in path {
        if last == 0 {
            return Err(wrong());
        }
        if node & 1 == 1 || node == last {
            (old, new) = (node_hash(hash, old), node_hash(hash, new));
            climb_to_odd(&mut node, &mut last);
        } else {
            new = node_hash(new, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last == 0 && old == from.1 && new == to.1 {
        Ok(())
    } else {
        Err(wrong())
    }
}

/// Skips the levels at which the last node of the tree has no sibling and is carried up.
fn climb_to_odd(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        (*node, *last) = (*node >> 1, *last >> 1);
    }
}

/// Where RFC 6962 splits a range of more than one leaf: at the largest power of two smaller than its length.
fn split(range: &Range<u64>) -> u64 {
    range.start + (1 << (range.end - range.start - 1).ilog2())
}

/// The same, where what is known already is not computed again.
fn root_once(nodes: &impl Nodes, range: Range<u64>, known: &mut HashMap<Range<u64>, Hash>) -> Result<Hash, TreeProofError> {
    if let Some(hash) = known.get(&range) {
        return Ok(*hash);
    }
    let is_kept =
        |range: &Range<u64>| range.end - range.start == 1 || range.end - range.start == BLOCK && range.start.is_multiple_of(BLOCK);
    let hash = if is_kept(&range) {
        root(nodes, range.clone())?
    } else {
        let middle = split(&range);
        node_hash(
            root_once(nodes, range.start..middle, known)?,
            root_once(nodes, middle..range.end, known)?,
        )
    };
    known.insert(range, hash);
    Ok(hash)
}

fn root(nodes: &impl Nodes, range: Range<u64>) -> Result<Hash, TreeProofError> {
    let (start, length) = (range.start, range.end - range.start);
    if length == 1 {
        return nodes.leaf(start).ok_or(TreeProofError::MissingLeaf(start));
    }
    if length == BLOCK && start.is_multiple_of(BLOCK) {
        return nodes.block(start / BLOCK).ok_or(TreeProofError::MissingBlock(start / BLOCK));
    }
    let middle = split(&range);
    Ok(node_hash(root(nodes, start..middle)?, root(nodes, middle..range.end)?))
}

#[cfg(test)]
mod tests;
