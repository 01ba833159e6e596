//! Every single flipped bit of a small trail is found, and nothing that can be read makes the verifier panic.

use proptest::prelude::*;

use super::super::key::tests::signer;
use super::tests::Trail;
use super::*;

#[test]
fn every_flipped_bit_of_a_small_trail_is_found() {
    let mut trail = Trail::of(4);
    trail.sign(&signer(), true);
    let keys = [signer().verifier().clone()];
    let frontier = trail.tree.to_bytes();
    let bad = |trail: &Trail, frontier: &[u8]| !trail.verify_with(&keys, (4, frontier)).verified();
    assert!(!bad(&trail, &frontier));
    for row in 0..4 {
        for bit in 0..trail.rows[row].1.len() * 8 {
            let mut changed = trail.clone();
            changed.rows[row].1[bit / 8] ^= 1 << (bit % 8);
            let report = changed.verify_with(&keys, (4, &frontier));
            assert_eq!(report.findings[0], Finding::Leaf(row as u64), "bit {bit} of entry {row}");
        }
        for bit in 0..256 {
            let mut changed = trail.clone();
            changed.rows[row].2[bit / 8] ^= 1 << (bit % 8);
            assert!(bad(&changed, &frontier), "bit {bit} of leaf {row}");
        }
    }
    for bit in 0..frontier.len() * 8 {
        let mut changed = frontier.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(bad(&trail, &changed), "bit {bit} of the frontier");
    }
    for bit in 0..trail.checkpoints[0].len() * 8 {
        let mut note = trail.checkpoints[0].clone().into_bytes();
        note[bit / 8] ^= 1 << (bit % 8);
        let Ok(note) = String::from_utf8(note) else {
            continue;
        };
        let stored = Trail {
            checkpoints: vec![note.clone()],
            ..trail.clone()
        };
        let anchored = Trail {
            anchors: vec![note],
            ..trail.clone()
        };
        assert!(
            bad(&stored, &frontier) && bad(&anchored, &frontier),
            "bit {bit} of a checkpoint"
        );
    }
}

proptest! {
    #[test]
    fn arbitrary_rows_and_notes_never_panic(
        rows in prop::collection::vec((0u64..6, prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<u8>(), 0..34)), 0..8),
        notes: Vec<String>,
        head: (u64, Vec<u8>),
    ) {
        let trail = Trail { rows, checkpoints: notes, ..Trail::default() };
        let report = trail.verify_with(&[signer().verifier().clone()], (head.0, &head.1));
        prop_assert!(trail.rows.is_empty() || !report.verified());
    }
}
