//! What the verifier says about a good trail, about single faults, and about every single flipped bit.

use serde_json::json;

use super::super::checkpoint;
use super::super::entry::Entry;
use super::super::key::Signer;
use super::super::key::tests::{ORIGIN, signer};
use super::*;
use crate::{Actor, Timestamp};

/// A whole trail in memory, as a store and its anchors would hold it.
#[derive(Clone, Default)]
pub(crate) struct Trail {
    pub(crate) rows: Vec<(u64, Vec<u8>, Vec<u8>)>,
    pub(crate) tree: Frontier,
    pub(crate) checkpoints: Vec<String>,
    pub(crate) anchors: Vec<String>,
}

impl Trail {
    /// Twenty entries; each tenth is signed and anchored.
    pub(crate) fn signed_at_ten_and_twenty() -> Self {
        let mut trail = Self::default();
        for size in 1..=20 {
            trail.append("honest");
            if size % 10 == 0 {
                trail.sign(&signer(), true);
            }
        }
        trail
    }

    /// A trail of `n` honest entries without checkpoints.
    pub(crate) fn of(n: u64) -> Self {
        let mut trail = Self::default();
        (0..n).for_each(|_| trail.append("honest"));
        trail
    }

    pub(crate) fn append(&mut self, what: &str) {
        let seq = self.tree.size();
        let at = Timestamp::from_ms(1_764_000_000_000 + i64::try_from(seq).unwrap());
        let entry = Entry::new(EntryKind::ActionFinished, Actor::Daemon)
            .case(1)
            .detail(json!({"what": what}));
        self.push(entry.line(seq, at).into_bytes());
    }

    pub(crate) fn push(&mut self, body: Vec<u8>) {
        let leaf = leaf_hash(&body);
        self.rows.push((self.tree.size(), body, leaf.0.to_vec()));
        self.tree.append(leaf);
    }

    /// Signs the head into the store, and outside too when `anchor`.
    pub(crate) fn sign(&mut self, signer: &Signer, anchor: bool) {
        let note = checkpoint::sign(&self.tree, signer).unwrap();
        self.checkpoints.push(note.clone());
        if anchor {
            self.anchors.push(note);
        }
    }

    pub(crate) fn verify(&self) -> Report {
        self.verify_with(&[signer().verifier().clone()], (self.tree.size(), &self.tree.to_bytes()))
    }

    pub(super) fn verify_with(&self, keys: &[VerifierKey], head: (u64, &[u8])) -> Report {
        let mut verifier = Verifier::new(ORIGIN, keys);
        self.checkpoints
            .iter()
            .for_each(|note| verifier.checkpoint(&Place::Stored, note));
        self.anchors
            .iter()
            .for_each(|note| verifier.checkpoint(&Place::anchor("journal"), note));
        self.rows
            .iter()
            .for_each(|(seq, body, leaf)| verifier.entry(*seq, body, Some(leaf)));
        verifier.finish(Some(head))
    }
}

/// Twenty entries, signed at 5, 10 and 18, the first two anchored.
pub(super) fn signed_trail() -> Trail {
    let mut trail = Trail::default();
    for size in 1..=20 {
        trail.append("honest");
        if [5, 10, 18].contains(&size) {
            trail.sign(&signer(), size < 18);
        }
    }
    trail
}

pub(super) fn sentences(report: &Report) -> Vec<String> {
    report.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_good_trail_verifies_and_says_who_vouches_for_how_much() {
    let report = signed_trail().verify();
    assert!(report.verified(), "{report}");
    assert_eq!(
        (report.entries, report.signed, report.confirmed(), report.alone()),
        (20, 18, 10, 10)
    );
    let shown = report.to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(
        lines[0],
        format!("trail {ORIGIN}: 20 entries, root {}", signed_trail().tree.root())
    );
    assert_eq!(
        lines[1..],
        [
            "  signed by the trail's own key: the first 18",
            "  confirmed by journal: the first 10",
            "VERIFIED: 20 entries; the outside confirms 10, 10 rest on this machine's word",
        ]
    );
}

#[test]
fn entries_that_all_fit_and_end_before_the_outside_are_an_older_copy_in_words_of_their_own() {
    let mut trail = Trail::of(8);
    for _ in 0..2 {
        trail.sign(&signer(), true);
        trail.append("more");
    }
    let newer = trail.anchors.clone();
    let mut older = Trail::of(8);
    older.sign(&signer(), true);
    older.anchors = newer;
    let report = older.verify();
    assert_eq!((report.verified(), report.older_than()), (false, Some(9)), "{report}");
    let said = report.to_string();
    assert_eq!(
        said.lines().last(),
        Some("NOT VERIFIED: all 8 entries fit, the outside goes on to 9: an older copy, or its end was cut off")
    );
    // Whoever has changed one of them has made no older copy.
    older.rows[3].1.push(b' ');
    assert_eq!(older.verify().older_than(), None);
}

#[test]
fn checkpoints_without_their_key_are_one_line_with_a_count_and_name_it() {
    let mut trail = Trail::of(4);
    for _ in 0..3 {
        trail.append("more");
        trail.sign(&signer(), false);
    }
    let other = Signer::from_seed(ORIGIN, &[9; 32]).unwrap();
    let report = trail.verify_with(&[other.verifier().clone()], (7, &trail.tree.to_bytes()));
    let by = format!("{ORIGIN}+{:08x}", signer().verifier().id());
    let said = report.to_string();
    let line = format!("\n  3 times: a checkpoint in the store is signed by {by}, which is not among the verifier keys\n");
    assert!(said.contains(&line), "{said}");
    assert_eq!(report.missing_keys().into_iter().collect::<Vec<_>>(), [by]);
}

#[test]
fn an_empty_trail_verifies() {
    let report = Trail::default().verify();
    assert!(report.verified() && report.entries == 0 && report.first_bad().is_none());
}

#[test]
fn a_changed_entry_is_named_first() {
    let mut trail = signed_trail();
    trail.rows[17].1[60] ^= 1;
    let report = trail.verify();
    assert_eq!(
        sentences(&report),
        [
            "entry 17: the stored leaf hash does not match its bytes",
            "checkpoint at size 18 in the store does not match the entries: entries 10 to 17 were changed since",
            "the stored head of 20 entries does not match them",
        ]
    );
    assert_eq!(report.first_bad(), Some(17));
    assert_eq!(report.confirmed(), 10);
}

#[test]
fn gaps_duplicates_and_disorder_are_told_apart() {
    let numbered = |seqs: &[u64]| {
        let mut trail = Trail::of(8);
        trail.rows = seqs
            .iter()
            .map(|seq| trail.rows[usize::try_from(*seq).unwrap()].clone())
            .collect();
        sentences(&trail.verify_with(&[], (8, &trail.tree.to_bytes())))
            .first()
            .cloned()
    };
    assert_eq!(numbered(&[0, 1, 2, 3, 4, 5, 6, 7]), None);
    assert_eq!(numbered(&[0, 1, 4, 5, 6, 7]).unwrap(), "entry 2: missing; the next one is 4");
    assert_eq!(
        numbered(&[1, 2, 3, 4, 5, 6, 7]).unwrap(),
        "entry 0: missing; the next one is 1"
    );
    assert_eq!(
        numbered(&[0, 1, 2, 2, 3, 4, 5, 6]).unwrap(),
        "entry 2: there is more than one of that number"
    );
    assert_eq!(numbered(&[0, 1, 2, 3, 4, 5, 6, 1]).unwrap(), "entry 1: stands behind entry 6");
    assert_eq!(
        numbered(&[0, 1, 2]).unwrap(),
        "the stored head says 8 entries, and there are 3"
    );
}

#[test]
fn an_entry_that_contradicts_its_row_or_is_no_entry_is_named() {
    let found = |body: &str| {
        let mut trail = Trail::of(3);
        trail.push(body.as_bytes().to_vec());
        sentences(&trail.verify_with(&[], (4, &trail.tree.to_bytes())))
            .first()
            .cloned()
            .unwrap_or_default()
    };
    let good = r#"{"seq":3,"at":1764000000003,"kind":"daemon.stopped","actor":"daemon"}"#;
    assert_eq!(found(good), "");
    assert_eq!(found(&good.replace(":3,", ":2,")), "entry 3: its member `seq` says 2");
    assert_eq!(found("{"), "entry 3: not one line of JSON");
    assert_eq!(found(&format!("{good}\n")), "entry 3: not one line of JSON");
    assert!(found(&good.replace("\"at\":1764000000003,", "")).contains("missing field `at`"));
    assert!(found(&good.replace("\"at\":", "\"at\":9,\"at\":")).contains("duplicate field `at`"));
    assert!(found("[]").starts_with("entry 3: "));
}

#[test]
fn time_that_runs_backwards_and_unknown_kinds_are_remarks_only() {
    let mut trail = Trail::of(2);
    trail.push(br#"{"seq":2,"at":1763999999001,"kind":"moon.landed","actor":"daemon"}"#.to_vec());
    let report = trail.verify_with(&[], (3, &trail.tree.to_bytes()));
    assert!(report.verified(), "{report}");
    let remarks: Vec<_> = report.remarks.iter().map(ToString::to_string).collect();
    assert_eq!(
        remarks,
        [
            "entry 2: its time is 1000 ms before the entry before it",
            "entry 2: unknown kind `moon.landed`"
        ]
    );
}

#[test]
fn block_roots_are_compared_where_the_block_ends() {
    let trail = Trail::of(600);
    let mut verifier = Verifier::new(ORIGIN, &[]);
    let mut tree = Frontier::default();
    for (seq, body, leaf) in &trail.rows {
        verifier.entry(*seq, body, Some(leaf));
        if let Some(mut root) = tree.append(leaf_hash(body)) {
            root.0[0] ^= u8::from(*seq == 511);
            verifier.block(seq / 256, &root.0);
        }
    }
    let report = verifier.finish(Some((600, &trail.tree.to_bytes())));
    assert_eq!(
        sentences(&report),
        ["entries 256 to 511: the stored root of the block does not match them"]
    );
}

#[test]
fn findings_are_counted_beyond_the_first_hundred() {
    let mut trail = Trail::of(150);
    trail.rows.iter_mut().for_each(|row| row.2[0] ^= 1);
    let report = trail.verify_with(&[], (150, &trail.tree.to_bytes()));
    assert_eq!((report.findings.len(), report.more_findings), (100, 50));
}
