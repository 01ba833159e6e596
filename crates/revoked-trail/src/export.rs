//! Verifies what `revoked trail export` writes: every entry on a line of its own, in the bytes that were hashed.
//!
//! An export holds no hashes and no checkpoints. What its lines are held against are checkpoints that left the machine another way.

use std::io::{self, BufRead, Read as _};

use serde::Deserialize;
use thiserror::Error;

use super::finding::{Place, Report};
use super::key::{VerifierKey, origin_of};
use super::verifier::Verifier;

/// What one line may have at most, in bytes: far more than any entry has, and little enough to be held.
const LONGEST_LINE: usize = 64 << 20;

/// Why an export could not be read to its end.
#[derive(Debug, Error)]
pub enum ExportError {
    /// Without a key no checkpoint can be believed.
    #[error("no verifier key of a trail was given")]
    NoKey,
    /// It cannot be read.
    #[error("reading the export")]
    Read(#[from] io::Error),
    /// It is no export.
    #[error("reading the export: the line of entry {0} is longer than {LONGEST_LINE} bytes")]
    LongLine(u64),
}

/// Reads a whole export, and says what is wrong with it by `keys` and by the notes of `checkpoints`. The newest trail's key among `keys`
/// names the trail.
///
/// # Errors
/// Where there is no key of a trail, or the export cannot be read. What is wrong with the trail is in the report.
pub fn verify(mut export: impl BufRead, keys: &[VerifierKey], checkpoints: &[(Place, String)]) -> Result<Report, ExportError> {
    let mut verifier = Verifier::of_export(origin_of(keys).ok_or(ExportError::NoKey)?, keys);
    for (place, note) in checkpoints {
        verifier.checkpoint(place, note);
    }
    let mut line = Vec::new();
    let mut next = 0;
    loop {
        line.clear();
        let mut bounded = export.by_ref().take(LONGEST_LINE as u64 + 1);
        if bounded.read_until(b'\n', &mut line)? == 0 {
            return Ok(verifier.finish(None));
        }
        if line.len() > LONGEST_LINE {
            return Err(ExportError::LongLine(next));
        }
        let body = line.strip_suffix(b"\n").unwrap_or(&line);
        let seq = number(body).unwrap_or(next);
        verifier.entry(seq, body, None);
        next = seq.saturating_add(1);
    }
}

/// The number that an entry says it has. No row says another in an export, so that what is missing and what stands elsewhere is told by it.
fn number(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Numbered {
        seq: u64,
    }
    serde_json::from_slice(body).ok().map(|Numbered { seq }| seq)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Finding;
    use super::super::key::tests::signer;
    use super::super::verifier::tests::Trail;
    use super::*;

    fn lines(trail: &Trail) -> Vec<Vec<u8>> {
        trail.rows.iter().map(|(_, body, _)| [body, &b"\n"[..]].concat()).collect()
    }

    fn report(lines: &[Vec<u8>], notes: &[String]) -> Report {
        let notes: Vec<_> = notes.iter().map(|note| (Place::anchor("journal"), note.clone())).collect();
        verify(lines.concat().as_slice(), &[signer().verifier().clone()], &notes).unwrap()
    }

    #[test]
    fn an_export_as_it_was_written_is_verified_with_and_without_its_last_line_end() {
        let trail = Trail::signed_at_ten_and_twenty();
        let mut lines = lines(&trail);
        for _ in 0..2 {
            let report = report(&lines, &trail.anchors);
            assert!(report.verified(), "{report}");
            assert_eq!((report.entries, report.confirmed(), report.signed), (20, 20, 20));
            lines[19].pop();
        }
    }

    #[test]
    fn what_no_checkpoint_confirms_is_not_verified_even_where_nothing_is_there() {
        assert_eq!(
            report(&lines(&Trail::signed_at_ten_and_twenty()), &[]).findings,
            [Finding::NoCheckpoint(20)]
        );
        assert_eq!(report(&[], &[]).findings, [Finding::NoCheckpoint(0)]);
    }

    #[test]
    fn what_was_changed_is_found_with_its_place() {
        let trail = Trail::signed_at_ten_and_twenty();
        let whole = lines(&trail);
        let root = |size, after| Finding::Root {
            place: Place::anchor("journal"),
            size,
            after,
        };
        let short = |entries| Finding::Short {
            place: Place::anchor("journal"),
            size: 20,
            entries,
        };
        let mut edited = whole.clone();
        edited[13] = String::from_utf8(edited[13].clone())
            .unwrap()
            .replace("honest", "forged")
            .into_bytes();
        assert_eq!(report(&edited, &trail.anchors).findings, [root(20, 10)]);
        let mut deleted = whole.clone();
        deleted.remove(4);
        let gap = Finding::Gap { from: 4, next: 5 };
        assert_eq!(report(&deleted, &trail.anchors).findings, [gap, root(10, 0), short(19)]);
        let mut reordered = whole.clone();
        reordered.swap(12, 13);
        let (gap, behind) = (
            Finding::Gap { from: 12, next: 13 },
            Finding::OutOfOrder { seq: 12, after: 13 },
        );
        assert_eq!(report(&reordered, &trail.anchors).findings, [gap, behind, root(20, 10)]);
        let twice = [&whole[..5], &whole[4..]].concat();
        assert_eq!(report(&twice, &trail.anchors).findings, [Finding::Duplicate(4), root(10, 0)]);
        assert_eq!(report(&whole[..17], &trail.anchors).findings, [short(17)]);
        assert_eq!(
            report(&whole[1..], &trail.anchors).findings[0],
            Finding::Gap { from: 0, next: 1 }
        );
        let mut torn = whole[..19].to_vec();
        torn.push(whole[19][..30].to_vec());
        assert_eq!(report(&torn, &trail.anchors).findings, [Finding::NotJson(19), root(20, 10)]);
    }

    #[test]
    fn another_key_is_refused_and_none_is_an_error() {
        let other = super::super::key::Signer::from_seed(signer().verifier().name(), &[7; 32]).unwrap();
        let trail = Trail::signed_at_ten_and_twenty();
        let notes: Vec<_> = trail
            .anchors
            .iter()
            .map(|note| (Place::anchor("file"), note.clone()))
            .collect();
        let report = verify(lines(&trail).concat().as_slice(), &[other.verifier().clone()], &notes).unwrap();
        assert!(
            matches!(
                report.findings[..],
                [
                    Finding::UnknownKey { .. },
                    Finding::UnknownKey { .. },
                    Finding::NoCheckpoint(20)
                ]
            ),
            "{report}"
        );
        assert!(matches!(verify(&b""[..], &[], &notes), Err(ExportError::NoKey)));
    }
}
