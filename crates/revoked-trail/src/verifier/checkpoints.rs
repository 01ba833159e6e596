//! Which checkpoints count, and for what.

use super::super::checkpoint;
use super::super::key::Signer;
use super::super::key::tests::{ORIGIN, WITNESS_KEY, seed, signer};
use super::super::signed_note::tests::cosignature_line;
use super::tests::{Trail, sentences, signed_trail};
use super::*;

#[test]
fn a_trail_that_nobody_signed_does_not_verify() {
    let finding = Trail::of(3).verify().findings.remove(0);
    assert_eq!(finding, Finding::Unsigned(3));
}

#[test]
fn a_witness_on_a_stored_checkpoint_counts_as_outside() {
    let mut trail = Trail::of(5);
    trail.sign(&signer(), false);
    let opened = checkpoint::Checkpoint::open(&trail.checkpoints[0], &[signer().verifier().clone()]).unwrap();
    let line = cosignature_line(&opened.checkpoint.text(), 1_764_000_001);
    trail.checkpoints[0] += &line;
    let keys = [signer().verifier().clone(), WITNESS_KEY.parse().unwrap()];
    let report = trail.verify_with(&keys, (5, &trail.tree.to_bytes()));
    assert!(report.verified(), "{report}");
    assert_eq!(report.anchors.get("witness.example.org/w1"), Some(&5));
}

#[test]
fn checkpoints_of_an_earlier_trail_are_left_aside() {
    let earlier = Signer::from_seed("revoked.example.org/trail/0", &seed(9)).unwrap();
    let mut trail = signed_trail();
    trail.anchors.push(checkpoint::sign(&Trail::of(90).tree, &earlier).unwrap());
    let keys = [signer().verifier().clone(), earlier.verifier().clone()];
    let report = trail.verify_with(&keys, (20, &trail.tree.to_bytes()));
    assert!(report.verified(), "{report}");
    assert_eq!(
        report.remarks[0].to_string(),
        "a checkpoint in the anchor `journal` is about the trail `revoked.example.org/trail/0`"
    );
    let without_its_key = trail.verify();
    assert_eq!(sentences(&without_its_key).len(), 1);
}

#[test]
fn a_checkpoint_that_comes_too_late_is_not_taken_for_good() {
    let trail = signed_trail();
    let keys = [signer().verifier().clone()];
    let mut verifier = Verifier::new(ORIGIN, &keys);
    for (seq, body, leaf) in &trail.rows {
        verifier.entry(*seq, body, Some(leaf));
        if *seq == 9 {
            verifier.checkpoint(&Place::Stored, &trail.checkpoints[1]);
        }
    }
    verifier.checkpoint(&Place::anchor("journal"), &trail.anchors[0]);
    let report = verifier.finish(None);
    assert_eq!(report.signed, 10, "handed over exactly when its size was read");
    let late = Finding::Late {
        place: Place::anchor("journal"),
        size: 5,
    };
    assert_eq!(report.findings, [late]);
}
