//! Every proof of every small tree, and what becomes of it when anything about it is changed.

use super::super::tree::root_of;
use super::super::tree::tests::{hash, vector_leaves};
use super::*;

fn nodes(leaves: &[Hash]) -> impl Nodes {
    let at = |i: u64| usize::try_from(i).unwrap();
    (
        move |i| leaves.get(at(i)).copied(),
        move |n| leaves.get(at(n * BLOCK)..at((n + 1) * BLOCK)).map(root_of),
    )
}

fn hashes<const N: usize>(texts: [&str; N]) -> [Hash; N] {
    texts.map(hash)
}

/// Every way to change one thing about a path: each hash flipped, dropped or doubled, each neighbouring pair swapped, one hash added.
fn mutations(path: &[Hash], stranger: Hash) -> Vec<Vec<Hash>> {
    let mut all = vec![[path, &[stranger]].concat(), [&[stranger], path].concat()];
    for i in 0..path.len() {
        let mut flipped = path.to_vec();
        flipped[i].0[i % 32] ^= 1;
        let mut dropped = path.to_vec();
        dropped.remove(i);
        let mut doubled = path.to_vec();
        doubled.insert(i, path[i]);
        all.extend([flipped, dropped, doubled]);
        if i + 1 < path.len() {
            let mut swapped = path.to_vec();
            swapped.swap(i, i + 1);
            all.push(swapped);
        }
    }
    all
}

const N899: &str = "dbcc42d7596b3d629f1861d1e2097b97b5462eccae789dfcf997fea9b0690899";
const ROOT2: &str = "fc52d71a368a798fd96ec7e5b7ee5f8f9fdd10c7ff9ab146c4eac1e6a0a1b10a";
const LEAF2: &str = "d3e0a62a8f7a9256c8beb715afded83e4326d2c47379d259b1709a840ad2f11d";
const LEAF4: &str = "1795798275c506dbbf46fde73240eb19d52fb72fa90a05a1fc4c8b48b4aa06a2";

#[test]
fn our_own_vectors_come_out() {
    let leaves = vector_leaves(8);
    let nodes = nodes(&leaves);
    assert_eq!(inclusion(&nodes, 2, 5).unwrap(), hashes([N899, ROOT2, LEAF4]));
    assert_eq!(
        consistency(&nodes, 3, 8).unwrap(),
        hashes([
            LEAF2,
            N899,
            ROOT2,
            "24aa6b8997787ee6b266d2e5d37cb3488ec3f34f686d4d42456e7e25fd56bb05"
        ])
    );
    assert_eq!(
        consistency(&nodes, 5, 8).unwrap(),
        hashes([
            LEAF4,
            "dfc2e174dd5c1b47a9fcb15efccf8f9d0a8e14b69113f48f126e6a9d79a5ad88",
            "b1f508cf838417a5bd9a6e34f58b27870ff2e250eb3574e63b30766ebb66b7c6",
            "9d413f59a025283f9dfd05c5ceda276952a677a1a4c07dce14a68888fe776ac6",
        ])
    );
}

#[test]
fn all_inclusion_proofs_to_32_hold_and_none_of_their_mutations_does() {
    let leaves = vector_leaves(33);
    let nodes = nodes(&leaves);
    for size in 1..=32u64 {
        let root = root_of(&leaves[..usize::try_from(size).unwrap()]);
        for index in 0..size {
            let leaf = nodes.leaf(index).unwrap();
            let path = inclusion(&nodes, index, size).unwrap();
            check_inclusion(leaf, index, size, &path, root).unwrap();
            for mutation in mutations(&path, leaves[32]) {
                assert!(
                    check_inclusion(leaf, index, size, &mutation, root).is_err(),
                    "{index} in {size}: {mutation:?}"
                );
            }
            assert!(
                check_inclusion(leaves[32], index, size, &path, root).is_err(),
                "another entry passed"
            );
            assert!(
                check_inclusion(leaf, index, size, &path, leaves[32]).is_err(),
                "another root passed"
            );
            for other in (0..size).filter(|other| *other != index) {
                assert!(
                    check_inclusion(leaf, other, size, &path, root).is_err(),
                    "{index} passed as {other} in {size}"
                );
            }
        }
        assert_eq!(
            inclusion(&nodes, size, size),
            Err(TreeProofError::OutOfRange { index: size, size })
        );
    }
}

#[test]
fn all_consistency_proofs_to_32_hold_and_none_of_their_mutations_does() {
    let leaves = vector_leaves(33);
    let nodes = nodes(&leaves);
    let tree = |size: u64| (size, root_of(&leaves[..usize::try_from(size).unwrap()]));
    for to in 0..=32u64 {
        for from in 0..=to {
            let path = consistency(&nodes, from, to).unwrap();
            check_consistency(tree(from), tree(to), &path).unwrap();
            for mutation in mutations(&path, leaves[32]) {
                assert!(
                    check_consistency(tree(from), tree(to), &mutation).is_err(),
                    "{from} to {to}: {mutation:?}"
                );
            }
            let stranger = leaves[32];
            assert!(
                check_consistency((from, stranger), tree(to), &path).is_err(),
                "{from} to {to}: another old root passed"
            );
            // Every tree continues the empty one, so only there the new root is free.
            if from > 0 {
                assert!(
                    check_consistency(tree(from), (to, stranger), &path).is_err(),
                    "{from} to {to}: another new root passed"
                );
            }
        }
        assert_eq!(
            consistency(&nodes, to + 1, to),
            Err(TreeProofError::OutOfRange { index: to + 1, size: to })
        );
    }
}

#[test]
fn long_trees_are_proved_from_block_roots_and_the_leaves_named_as_needed() {
    let leaves = vector_leaves(1100);
    let full = nodes(&leaves);
    for size in [255u64, 256, 257, 511, 512, 513, 700, 768, 1024, 1100] {
        let root = root_of(&leaves[..usize::try_from(size).unwrap()]);
        for at in [0u64, 1, 254, 255, 256, 257, 300, 511, 512, 513, 699, 767, 768, 1023] {
            if at >= size {
                continue;
            }
            let needed = leaves_needed(at, size);
            let few = (
                |i| full.leaf(i).filter(|_| needed.iter().any(|range| range.contains(&i))),
                |n| full.block(n).filter(|_| (n + 1) * BLOCK <= size),
            );
            let path = inclusion(&few, at, size).unwrap();
            check_inclusion(full.leaf(at).unwrap(), at, size, &path, root).unwrap();
            let path = consistency(&few, at, size).unwrap();
            let old = root_of(&leaves[..usize::try_from(at).unwrap()]);
            check_consistency((at, old), (size, root), &path).unwrap();
        }
    }
}

#[test]
fn a_missing_hash_is_named() {
    let leaves = vector_leaves(600);
    let full = nodes(&leaves);
    let no_leaf = (|i| full.leaf(i).filter(|_| i != 3), |n| full.block(n));
    assert_eq!(inclusion(&no_leaf, 2, 600), Err(TreeProofError::MissingLeaf(3)));
    let no_block = (|i| full.leaf(i), |n| full.block(n).filter(|_| n != 1));
    assert_eq!(inclusion(&no_block, 2, 600), Err(TreeProofError::MissingBlock(1)));
}

#[test]
fn several_paths_at_once_are_those_of_each_alone() {
    for size in [1, 5, 256, 700, 1024, 1030] {
        let leaves = vector_leaves(size);
        let nodes = nodes(&leaves);
        let indexes: Vec<u64> = (0..size).step_by(7).collect();
        let each: Vec<_> = indexes.iter().map(|index| inclusion(&nodes, *index, size).unwrap()).collect();
        assert_eq!(inclusions(&nodes, &indexes, size).unwrap(), each, "of {size}");
    }
    let leaves = vector_leaves(4);
    assert!(inclusions(&nodes(&leaves), &[0, 4], 4).is_err());
}
