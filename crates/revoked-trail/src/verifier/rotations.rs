//! A trail whose key was replaced.

use serde_json::json;

use super::super::entry::Entry;
use super::super::key::Signer;
use super::super::key::tests::{ORIGIN, seed, signer};
use super::super::key_rotation;
use super::tests::{Trail, sentences};
use super::*;
use crate::{Actor, Timestamp};

fn other(number: u8) -> Signer {
    Signer::from_seed(ORIGIN, &seed(number)).unwrap()
}

fn push(trail: &mut Trail, kind: EntryKind, detail: serde_json::Value) {
    let seq = trail.tree.size();
    let entry = Entry::new(kind, Actor::Daemon).detail(detail);
    let at = Timestamp::from_ms(1_764_000_000_000 + i64::try_from(seq).unwrap());
    trail.push(entry.line(seq, at).into_bytes());
}

fn rotate(trail: &mut Trail, old: &Signer, new: &Signer) {
    let statement = key_rotation::sign(old, new.verifier()).unwrap();
    let detail = json!({ "verifier": new.verifier().to_string(), "statement": statement });
    push(trail, EntryKind::TrailKeyRotated, detail);
}

/// Four entries, three keys: each signs what came before the next one, into the store and outside.
fn twice_rotated() -> Trail {
    let mut trail = Trail::of(4);
    trail.sign(&signer(), true);
    rotate(&mut trail, &signer(), &other(9));
    trail.sign(&other(9), true);
    trail.append("honest");
    rotate(&mut trail, &other(9), &other(30));
    trail.append("honest");
    trail.sign(&other(30), true);
    trail
}

#[test]
fn whoever_trusts_the_first_key_follows_the_statements_to_the_last() {
    let report = twice_rotated().verify();
    assert!(report.verified(), "{report}");
    assert_eq!((report.signed, report.confirmed()), (8, 8));
    let begins: Vec<_> = report.keys.iter().map(|key| (key.key.clone(), key.from, key.word)).collect();
    let key = |number| other(number).verifier().clone();
    assert_eq!(
        begins,
        [
            (signer().verifier().clone(), 0, KeyWord::Brought),
            (key(9), 4, KeyWord::KeyBefore),
            (key(30), 6, KeyWord::KeyBefore),
        ]
    );
    let line = format!(
        "  key {ORIGIN}+{:08x} signs from entry 4 on: the key before it says so",
        key(9).id()
    );
    assert!(report.to_string().contains(&line), "{report}");
}

#[test]
fn a_key_that_names_itself_in_the_place_of_another_is_not_believed() {
    let mut trail = Trail::of(4);
    trail.sign(&signer(), true);
    let text = format!("revoked key rotation v1\n{}\n{}\n", signer().verifier(), other(9).verifier());
    let statement = super::super::signed_note::sign(&text, &other(9)).unwrap();
    let detail = json!({ "verifier": other(9).verifier().to_string(), "statement": statement });
    push(&mut trail, EntryKind::TrailKeyRotated, detail);
    trail.sign(&other(9), false);
    let report = trail.verify();
    assert!(
        matches!(
            &report.findings[..],
            [Finding::Rotation { seq: 4, .. }, Finding::UnknownKey { .. }]
        ),
        "{report}"
    );
    assert_eq!(report.first_bad(), Some(4));
}

#[test]
fn a_key_that_was_replaced_signs_nothing_more_and_replaces_nothing() {
    let mut trail = twice_rotated();
    trail.append("forged");
    trail.sign(&other(9), false);
    let said = sentences(&trail.verify());
    assert!(
        said.len() == 1 && said[0].contains("which was replaced by entry 6"),
        "{said:?}"
    );
    let mut trail = twice_rotated();
    rotate(&mut trail, &signer(), &other(50));
    let said = sentences(&trail.verify());
    assert!(
        said.len() == 1 && said[0].contains("was itself replaced by entry 4"),
        "{said:?}"
    );
}

#[test]
fn a_key_after_a_lost_one_counts_only_where_it_is_brought_and_is_remarked_on() {
    let mut trail = Trail::of(4);
    trail.sign(&signer(), true);
    let detail = json!({ "verifier": other(9).verifier().to_string() });
    push(&mut trail, EntryKind::TrailKeyLost, detail);
    trail.sign(&other(9), true);
    let without = trail.verify();
    assert!(
        without
            .findings
            .iter()
            .all(|finding| matches!(finding, Finding::UnknownKey { .. })),
        "{without}"
    );
    assert!(!without.verified());
    let keys = [signer().verifier().clone(), other(9).verifier().clone()];
    let report = trail.verify_with(&keys, (5, &trail.tree.to_bytes()));
    assert!(report.verified(), "{report}");
    assert_eq!(report.keys[1].word, KeyWord::OwnWord);
    let said = report.to_string();
    assert!(
        said.contains("remark: entry 4: from here on") && said.contains("declared the one before it lost"),
        "{said}"
    );
    trail.append("forged");
    trail.sign(&signer(), false);
    let found = trail.verify_with(&keys, (6, &trail.tree.to_bytes()));
    assert!(matches!(found.findings[..], [Finding::ReplacedKey { by: 4, .. }]), "{found}");
}
