//! A report is verified with nothing but itself and a key, and a change to any byte of what it carries is found.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::checkpoint;
use super::super::entry::Entry;
use super::super::key::Signer;
use super::super::key::tests::{ORIGIN, seed, signer};
use super::super::key_rotation;
use super::super::tree_proof::inclusions;
use super::super::verifier::tests::Trail;
use super::*;
use crate::{Actor, Timestamp};

fn other(number: u8) -> Signer {
    Signer::from_seed(ORIGIN, &seed(number)).unwrap()
}

/// What a report of these entries carries, by the newest checkpoint of the trail.
fn carried(trail: &Trail, cited: &[u64], key_changes: &[u64]) -> CitedEntries {
    let note = trail.checkpoints.last().unwrap().clone();
    let head = Checkpoint::parse(&format!("{}\n", note.split_once("\n\n").unwrap().0)).unwrap();
    let row = |index: u64| &trail.rows[usize::try_from(index).unwrap()].1;
    let nodes = (|index| Some(leaf_hash(row(index))), |_| None);
    let entries = |indexes: &[u64]| -> Vec<CitedEntry> {
        let signed: Vec<u64> = indexes.iter().copied().filter(|index| *index < head.size).collect();
        let mut paths = inclusions(&nodes, &signed, head.size).unwrap().into_iter();
        let entries = indexes.iter().map(|index| {
            let path = (*index < head.size).then(|| paths.next().unwrap());
            CitedEntry::new(*index, String::from_utf8(row(*index).clone()).unwrap(), path)
        });
        entries.collect()
    };
    CitedEntries {
        checkpoint: Some(CitedCheckpoint {
            origin: head.origin.clone(),
            size: head.size,
            root: head.root.to_string(),
            note,
            anchors: vec!["/srv/anchor/checkpoints".to_owned()],
        }),
        key_changes: entries(key_changes),
        entries: entries(cited),
    }
}

fn report(carried: &CitedEntries) -> String {
    let cited: Vec<u64> = carried.entries.iter().map(|entry| entry.index).collect();
    let report = json!({
        "report": "case",
        "case": 1,
        "title": "Case 1: alice",
        "summary": [{ "text": "It was contained.", "entries": cited }],
        "inclusion": carried,
    });
    report.to_string()
}

fn verified(carried: &CitedEntries, keys: &[&Signer]) -> VerifiedReport {
    let keys: Vec<VerifierKey> = keys.iter().map(|signer| signer.verifier().clone()).collect();
    verify(&report(carried), &keys, &[]).unwrap()
}

#[test]
fn a_report_is_verified_with_nothing_but_a_key() {
    let trail = Trail::signed_at_ten_and_twenty();
    let report = verified(&carried(&trail, &[0, 3, 7, 19], &[]), &[&signer()]);
    assert!(report.verified(), "{report:?}");
    assert_eq!(report.entries.len(), 4);
    assert_eq!(
        report.entries[1],
        Judged {
            index: 3,
            kind: "action.finished".to_owned(),
            case: Some(1),
            included: Ok(()),
        }
    );
    assert_eq!(report.opened.unwrap().checkpoint.size, 20);
    let stranger = verified(&carried(&trail, &[0], &[]), &[&other(9)]);
    assert!(!stranger.verified());
    assert_eq!(stranger.entries[0].included, Err(NotIncluded::NoCheckpoint));
}

#[test]
fn what_is_newer_than_the_checkpoint_is_said_to_be_not_signed_yet() {
    let mut trail = Trail::signed_at_ten_and_twenty();
    trail.append("honest");
    let carried = carried(&trail, &[3, 20], &[]);
    assert_eq!(carried.not_signed_yet(), BTreeSet::from([20]));
    let report = verified(&carried, &[&signer()]);
    assert_eq!(report.entries[0].included, Ok(()));
    assert_eq!(report.entries[1].included, Err(NotIncluded::NotSignedYet));
    assert!(!report.verified());
}

#[test]
fn a_sentence_that_cites_nothing_or_what_is_not_there_is_found() {
    let trail = Trail::signed_at_ten_and_twenty();
    let carried = carried(&trail, &[3], &[]);
    let keys = [signer().verifier().clone()];
    for (cited, finding) in [
        (json!([]), ReportFinding::Uncarried("proof".to_owned())),
        (json!(["3"]), ReportFinding::Uncarried("proof".to_owned())),
        (
            json!([3, 4]),
            ReportFinding::NotThere {
                section: "proof".to_owned(),
                index: 4,
            },
        ),
    ] {
        let mut report: Value = serde_json::from_str(&report(&carried)).unwrap();
        report["proof"] = json!([{ "verdict": "contained", "entries": cited }]);
        let verified = verify(&report.to_string(), &keys, &[]).unwrap();
        assert_eq!(verified.findings, [finding]);
        assert!(!verified.verified());
    }
    let bare = json!({ "report": "case", "summary": [] }).to_string();
    assert!(matches!(verify(&bare, &keys, &[]), Err(ReportError::NoEntries)));
    let nothing = verified(&super::tests::carried(&trail, &[], &[]), &[&signer()]);
    assert!(!nothing.verified(), "a report without entries proves nothing");
}

#[test]
fn the_outside_confirms_the_checkpoint_or_shows_that_the_trail_was_forked() {
    let trail = Trail::signed_at_ten_and_twenty();
    let text = report(&carried(&trail, &[3], &[]));
    let keys = [signer().verifier().clone()];
    let journal = Place::anchor("journal");
    let outside = |notes: &[String]| -> Vec<(Place, String)> { notes.iter().map(|note| (journal.clone(), note.clone())).collect() };
    let confirmed = verify(&text, &keys, &outside(&trail.anchors)).unwrap();
    assert!(confirmed.verified() && confirmed.confirmed_by == BTreeSet::from([journal.clone()]));
    let older = verify(&text, &keys, &outside(&trail.anchors[..1])).unwrap();
    assert!(older.verified() && older.confirmed_by.is_empty());
    let mut forked = Trail::of(19);
    forked.append("another story");
    let shown_to_another = checkpoint::sign(&forked.tree, &signer()).unwrap();
    let forked = verify(&text, &keys, &outside(&[shown_to_another])).unwrap();
    assert_eq!(
        forked.findings,
        [ReportFinding::Fork {
            size: 20,
            place: journal
        }]
    );
}

/// Six entries, of which the fourth replaces the key; signed by the new one.
fn rotated() -> Trail {
    let mut trail = Trail::of(4);
    trail.sign(&signer(), true);
    let statement = key_rotation::sign(&signer(), other(9).verifier()).unwrap();
    let detail = json!({ "verifier": other(9).verifier().to_string(), "statement": statement });
    let entry = Entry::new(EntryKind::TrailKeyRotated, Actor::Daemon).detail(detail);
    trail.push(entry.line(4, Timestamp::from_ms(1_764_000_000_004)).into_bytes());
    trail.append("honest");
    trail.sign(&other(9), true);
    trail
}

#[test]
fn whoever_trusts_the_first_key_follows_the_changes_that_the_report_carries() {
    let after = carried(&rotated(), &[1, 5], &[4]);
    for keys in [&[&signer()][..], &[&signer(), &other(9)], &[&other(9), &signer()]] {
        let report = verified(&after, keys);
        assert!(report.verified(), "{report:?}");
        assert_eq!(report.opened.unwrap().by, *other(9).verifier());
    }
    // Without its statement the first key vouches for nothing.
    let cut = CitedEntries {
        key_changes: Vec::new(),
        ..after.clone()
    };
    assert!(!verified(&cut, &[&signer()]).verified());
    // A report from before goes on to hold.
    let mut before = Trail::of(4);
    before.sign(&signer(), true);
    assert!(verified(&carried(&before, &[1], &[]), &[&signer(), &other(9)]).verified());
}

#[test]
fn what_a_replaced_key_signs_is_refused() {
    let mut trail = rotated();
    trail.sign(&signer(), true);
    let report = verified(&carried(&trail, &[5], &[4]), &[&signer()]);
    assert!(
        matches!(report.findings[..], [ReportFinding::ReplacedKey { size: 6, by: 4, .. }]),
        "{report:?}"
    );
    // Another entry in the place of a change is none.
    let report = verified(&carried(&rotated(), &[5], &[3, 4]), &[&signer()]);
    assert!(
        matches!(report.findings[..], [ReportFinding::KeyChange { index: 3, .. }]),
        "{report:?}"
    );
}

/// What a report carries, without what is the machine's word alone.
fn vouched_for() -> &'static str {
    use std::sync::OnceLock;
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut carried = carried(&rotated(), &[0, 2, 5], &[4]);
        carried
            .checkpoint
            .iter_mut()
            .for_each(|checkpoint| checkpoint.anchors.clear());
        serde_json::to_string(&carried).unwrap()
    })
}

fn holds(carried: &str, cited: &[u64]) -> bool {
    let report = format!(r#"{{"report":"case","summary":[{{"text":"x","entries":{cited:?}}}],"inclusion":{carried}}}"#);
    verify(&report, &[signer().verifier().clone()], &[]).is_ok_and(|report| report.verified())
}

#[test]
fn every_flipped_bit_of_what_a_report_carries_is_found() {
    let text = vouched_for();
    assert!(holds(text, &[0, 2, 5]), "{text}");
    for bit in 0..text.len() * 8 {
        let mut changed = text.as_bytes().to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(changed) else { continue };
        assert!(!holds(&changed, &[0, 2, 5]), "bit {bit}:\n{changed}");
    }
}

proptest! {
    #[test]
    fn whatever_is_put_in_the_place_of_a_byte_is_found(at in 0..vouched_for().len(), to in 1u8..128) {
        let mut changed = vouched_for().as_bytes().to_vec();
        prop_assume!(changed[at] != to);
        changed[at] = to;
        // What is no text any more is no report.
        if let Ok(changed) = String::from_utf8(changed) {
            prop_assert!(!holds(&changed, &[0, 2, 5]), "{}", changed);
        }
    }

    #[test]
    fn two_entries_that_change_places_are_found(one in 0usize..3, other in 0usize..3) {
        prop_assume!(one != other);
        let mut carried: CitedEntries = serde_json::from_str(vouched_for()).unwrap();
        let line = carried.entries[one].line.clone();
        carried.entries[one].line = std::mem::replace(&mut carried.entries[other].line, line);
        prop_assert!(!holds(&serde_json::to_string(&carried).unwrap(), &[0, 2, 5]));
    }

    #[test]
    fn no_text_makes_it_panic(text: String) {
        let _ = verify(&text, &[signer().verifier().clone()], &[]);
    }
}

#[test]
fn an_entry_twice_under_one_number_is_found() {
    let mut carried: CitedEntries = serde_json::from_str(vouched_for()).unwrap();
    carried.entries.push(carried.entries[0].clone());
    let report = verified(&carried, &[&signer()]);
    assert_eq!(report.entries[0].included, Err(NotIncluded::Twice));
}
