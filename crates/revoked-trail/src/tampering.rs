//! The tamper matrix: what each attack meets when there are only the entries with their hashes (`plain`), signed checkpoints in the same
//! file (`signed`), and anchors outside (`anchored`). The cells that say "not found" are asserted too: they are what `docs/audit.md`
//! warns of.

use super::checkpoint;
use super::finding::{Finding, Place};
use super::key::tests::{ORIGIN, signer};
use super::verifier::Verifier;
use super::verifier::tests::Trail;
use super::{Frontier, tree::leaf_hash};

/// Whether the attack is found: by the entries and head alone, with the store's checkpoints, with the anchors as well.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    plain: bool,
    signed: bool,
    anchored: bool,
}

fn found(trail: &Trail) -> Found {
    let plain = |trail: &Trail| {
        let mut verifier = Verifier::new(ORIGIN, &[]);
        trail
            .rows
            .iter()
            .for_each(|(seq, body, leaf)| verifier.entry(*seq, body, Some(leaf)));
        !verifier.finish(Some((trail.tree.size(), &trail.tree.to_bytes()))).verified()
    };
    let signed = Trail {
        anchors: Vec::new(),
        ..trail.clone()
    };
    Found {
        plain: plain(trail),
        signed: !signed.verify().verified(),
        anchored: !trail.verify().verified(),
    }
}

/// Makes the hashes and the head fit the rows again, as whoever owns the file can, and numbers the rows anew.
fn recompute(trail: &mut Trail) {
    trail.tree = Frontier::default();
    for (i, row) in trail.rows.iter_mut().enumerate() {
        let body = String::from_utf8(row.1.clone()).unwrap();
        let (_, rest) = body.split_once(',').unwrap();
        row.0 = i as u64;
        row.1 = format!("{{\"seq\":{i},{rest}").into_bytes();
        let leaf = leaf_hash(&row.1);
        row.2 = leaf.0.to_vec();
        trail.tree.append(leaf);
    }
}

fn forge(trail: &mut Trail, row: usize) {
    trail.rows[row].1 = String::from_utf8(trail.rows[row].1.clone())
        .unwrap()
        .replace("honest", "forged")
        .into_bytes();
}

const EVERYWHERE: Found = Found {
    plain: true,
    signed: true,
    anchored: true,
};
const BY_SIGNATURE: Found = Found {
    plain: false,
    signed: true,
    anchored: true,
};
const BY_ANCHOR: Found = Found {
    plain: false,
    signed: false,
    anchored: true,
};
const NOWHERE: Found = Found {
    plain: false,
    signed: false,
    anchored: false,
};

#[test]
fn an_untouched_trail_is_clean_everywhere() {
    assert_eq!(found(&Trail::signed_at_ten_and_twenty()), NOWHERE);
}

#[test]
fn an_edited_entry_is_found_everywhere() {
    let mut trail = Trail::signed_at_ten_and_twenty();
    forge(&mut trail, 7);
    assert_eq!(found(&trail), EVERYWHERE);
}

#[test]
fn deleting_inserting_and_reordering_are_found_everywhere() {
    let mut deleted = Trail::signed_at_ten_and_twenty();
    deleted.rows.remove(7);
    assert_eq!(found(&deleted), EVERYWHERE);
    let mut inserted = Trail::signed_at_ten_and_twenty();
    inserted.rows.insert(7, inserted.rows[3].clone());
    assert_eq!(found(&inserted), EVERYWHERE);
    let mut reordered = Trail::signed_at_ten_and_twenty();
    reordered.rows.swap(7, 8);
    assert_eq!(found(&reordered), EVERYWHERE);
}

#[test]
fn the_same_with_hashes_recomputed_is_found_by_the_signature() {
    for attack in [
        (|trail| forge(trail, 7)) as fn(&mut Trail),
        |trail| drop(trail.rows.remove(7)),
        |trail| trail.rows.insert(7, trail.rows[3].clone()),
        |trail| trail.rows.swap(7, 8),
    ] {
        let mut trail = Trail::signed_at_ten_and_twenty();
        attack(&mut trail);
        recompute(&mut trail);
        assert_eq!(found(&trail), BY_SIGNATURE);
        trail.checkpoints.clear();
        assert_eq!(found(&trail), BY_SIGNATURE, "removing the checkpoints does not help");
    }
}

#[test]
fn a_cut_tail_with_the_older_head_put_back_is_found_by_the_anchor_only() {
    let mut cut = Trail::signed_at_ten_and_twenty();
    cut.rows.truncate(15);
    recompute(&mut cut);
    assert_eq!(found(&cut), BY_SIGNATURE);
    cut.checkpoints.truncate(1);
    assert_eq!(found(&cut), BY_ANCHOR);
    assert_eq!(
        cut.verify().findings[0].to_string(),
        "trail shorter than its anchor: 15 entries, but the anchor `journal` holds a checkpoint of 20"
    );
}

#[test]
fn a_tail_cut_behind_the_last_anchor_is_found_by_nobody() {
    let mut trail = Trail::signed_at_ten_and_twenty();
    (0..5).for_each(|_| trail.append("honest"));
    trail.rows.truncate(22);
    recompute(&mut trail);
    assert_eq!(found(&trail), NOWHERE);
    assert_eq!(trail.verify().alone(), 2);
}

#[test]
fn an_older_copy_of_the_whole_file_is_found_by_the_anchor_only() {
    let mut older = Trail::of(10);
    older.sign(&signer(), false);
    older.anchors = Trail::signed_at_ten_and_twenty().anchors;
    assert_eq!(found(&older), BY_ANCHOR);
}

#[test]
fn a_rewrite_with_the_stolen_key_is_found_by_the_anchor_up_to_its_size() {
    let rewrite = |row: usize| {
        let mut trail = Trail::signed_at_ten_and_twenty();
        (0..5).for_each(|_| trail.append("honest"));
        forge(&mut trail, row);
        recompute(&mut trail);
        let rows = std::mem::take(&mut trail.rows);
        let mut forged = Trail {
            anchors: trail.anchors,
            ..Trail::default()
        };
        for (_, body, _) in rows {
            forged.push(body);
            if forged.tree.size().is_multiple_of(5) {
                forged.sign(&signer(), false);
            }
        }
        forged
    };
    assert_eq!(found(&rewrite(12)), BY_ANCHOR);
    let place = Place::anchor("journal");
    let fork = Finding::Fork {
        size: 20,
        one: Place::Stored,
        other: place.clone(),
    };
    let root = Finding::Root {
        place,
        size: 20,
        after: 10,
    };
    assert_eq!(
        rewrite(12).verify().findings,
        [fork, root],
        "the two signed heads prove the fork, too"
    );
    assert_eq!(found(&rewrite(23)), NOWHERE, "behind the last anchor");
}

#[test]
fn a_fork_is_found_by_comparing_anchors() {
    let mut trail = Trail::signed_at_ten_and_twenty();
    let mut other = Trail::of(12);
    (0..8).for_each(|_| other.append("another story"));
    let shown_to_another = checkpoint::sign(&other.tree, &signer()).unwrap();
    assert_eq!(found(&trail), NOWHERE);
    trail.anchors.push(shown_to_another);
    assert_eq!(found(&trail), BY_ANCHOR);
    assert!(matches!(trail.verify().findings[0], Finding::Fork { size: 20, .. }));
}

#[test]
fn what_the_daemon_itself_records_falsely_is_found_by_nobody() {
    let mut trail = Trail::signed_at_ten_and_twenty();
    trail.append("a false entry by the live daemon under control");
    trail.sign(&signer(), true);
    assert_eq!(found(&trail), NOWHERE);
    let backdated = br#"{"seq":21,"at":1,"kind":"daemon.stopped","actor":"daemon"}"#;
    trail.push(backdated.to_vec());
    trail.sign(&signer(), true);
    assert_eq!(found(&trail), NOWHERE);
    assert_eq!(
        trail.verify().remarks.len(),
        1,
        "a backdated entry is remarked on where it runs backwards"
    );
}
