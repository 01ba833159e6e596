//! Checkpoints (C2SP tlog-checkpoint v1.0.0): the signed head of a trail, and what two of them say about each other.
//!
//! A trail must never sign a head that contradicts one it signed. So it signs only after the COMMIT that moved the head, and a trail
//! restored from an older copy goes on under a new origin.

use thiserror::Error;

use super::frontier::Frontier;
use super::key::{KeyKind, Signer, VerifierKey};
use super::signed_note::{self, Note, NoteError};
use super::tree::Hash;
use super::tree_proof::{self, TreeProofError};
use crate::Timestamp;

/// The head of one trail: how many entries it has, and the root over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the trail, and of its signing key: a URL without scheme, such as `revoked.example.org/trail/1`.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// A checkpoint whose signatures hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The trail's key that signed it.
    pub by: VerifierKey,
    /// The witnesses that cosigned it, with the time at which each says it saw it.
    pub witnesses: Vec<(String, Timestamp)>,
}

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The note around it is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not origin, size and root.
    #[error("read a checkpoint: expected three lines, the origin, the size in decimal and the root hash in base64")]
    Form,
    /// Witnesses signed it, but the trail's own key did not.
    #[error("verify a checkpoint of `{0}`: no key of that name signed it")]
    NotByOrigin(String),
}

/// What two checkpoints, both with good signatures, say about each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They are about different trails and say nothing about each other.
    OtherTrail,
    /// The same head.
    Same,
    /// One size and two roots: the trail was forked. This is proof of it, whoever holds both.
    Fork,
    /// Different sizes: a consistency proof, or the entries, must decide.
    Apart,
}

impl Checkpoint {
    /// The head of the trail named `origin` as its frontier stands.
    #[must_use]
    pub fn of(origin: &str, frontier: &Frontier) -> Self {
        Self {
            origin: origin.to_owned(),
            size: frontier.size(),
            root: frontier.root(),
        }
    }

    /// The text that is signed: origin, size and root, a line each.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Reads such a text. Extension lines are refused: this trail writes none, and nobody could audit them.
    ///
    /// # Errors
    /// When it has not exactly that form.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<_> = text.split('\n').collect();
        let [origin, size, root, ""] = lines.as_slice() else {
            return Err(CheckpointError::Form);
        };
        let size = decimal(size).ok_or(CheckpointError::Form)?;
        let root = Hash::from_base64(root).ok_or(CheckpointError::Form)?;
        if origin.is_empty() {
            return Err(CheckpointError::Form);
        }
        Ok(Self {
            origin: (*origin).to_owned(),
            size,
            root,
        })
    }

    /// Reads a note and believes it: the key named by the origin must have signed, and no known key wrongly.
    ///
    /// # Errors
    /// When it is out of form, or the signatures do not hold.
    pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Opened, CheckpointError> {
        let note = Note::parse(note.as_bytes())?;
        let verified = note.verify(keys)?;
        let checkpoint = Self::parse(&note.text)?;
        let by = verified
            .iter()
            .find(|good| good.key.kind() == KeyKind::Log && good.key.name() == checkpoint.origin);
        let Some(by) = by.map(|good| good.key.clone()) else {
            return Err(CheckpointError::NotByOrigin(checkpoint.origin));
        };
        let witnesses = verified
            .iter()
            .filter_map(|good| Some((good.key.name().to_owned(), good.seen?)))
            .collect();
        Ok(Opened {
            checkpoint,
            by,
            witnesses,
        })
    }

    /// What `other` says about this one.
    #[must_use]
    pub fn relation(&self, other: &Self) -> Relation {
        if self.origin != other.origin {
            Relation::OtherTrail
        } else if self.size != other.size {
            Relation::Apart
        } else if self.root == other.root {
            Relation::Same
        } else {
            Relation::Fork
        }
    }

    /// Checks by a consistency proof that this trail continues `older`.
    ///
    /// # Errors
    /// When it does not, or the proof proves nothing.
    pub fn continues(&self, older: &Self, proof: &[Hash]) -> Result<(), TreeProofError> {
        tree_proof::check_consistency((older.size, older.root), (self.size, self.root), proof)
    }
}

/// Signs the head of the signer's own trail: the note to store and to send off the machine. The signer's name is the origin.
///
/// Only for a frontier whose COMMIT returned OK.
///
/// # Errors
/// When the name would make a note that no reader takes, which [`Signer::from_seed`] refuses already.
pub fn sign(frontier: &Frontier, signer: &Signer) -> Result<String, NoteError> {
    signed_note::sign(&Checkpoint::of(signer.verifier().name(), frontier).text(), signer)
}

/// A decimal number as the formats write it: digits only, no leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::{ORIGIN, seed, signer};
    use super::super::signed_note::signature_line;
    use super::super::signed_note::tests::{NOTE, keys};
    use super::super::tree::tests::vector_leaves;
    use super::super::tree_proof::{Nodes, consistency};
    use super::*;

    fn frontier(size: u64) -> Frontier {
        let mut frontier = Frontier::default();
        for leaf in vector_leaves(size) {
            frontier.append(leaf);
        }
        frontier
    }

    #[test]
    fn our_own_vector_is_made_and_opened() {
        let note = sign(&frontier(5), &signer()).unwrap();
        assert!(NOTE.starts_with(&note));
        let opened = Checkpoint::open(NOTE, &keys()).unwrap();
        assert_eq!(opened.checkpoint, Checkpoint::of(ORIGIN, &frontier(5)));
        let seen = Timestamp::from_seconds(1_700_000_000);
        assert_eq!(opened.witnesses, [("witness.example.org/w1".to_owned(), seen)]);
    }

    #[test]
    fn a_head_that_only_a_witness_or_another_name_signed_is_refused() {
        let by_witness = Checkpoint::open(NOTE, &keys()[1..]);
        assert_eq!(by_witness, Err(CheckpointError::NotByOrigin(ORIGIN.to_owned())));
        let other = Signer::from_seed("other.example.org", &seed(9)).unwrap();
        let text = Checkpoint::of(ORIGIN, &frontier(5)).text();
        let note = format!("{text}\n{}", signature_line(&text, &other));
        let opened = Checkpoint::open(&note, &[other.verifier().clone()]);
        assert_eq!(opened, Err(CheckpointError::NotByOrigin(ORIGIN.to_owned())));
    }

    #[test]
    fn texts_out_of_form_are_refused() {
        let good = Checkpoint::of(ORIGIN, &frontier(5)).text();
        assert_eq!(Checkpoint::parse(&good).unwrap().text(), good);
        for bad in [
            String::new(),
            good.replace("\n5\n", "\n05\n"),
            good.replace("\n5\n", "\n+5\n"),
            good.replace("\n5\n", "\n\n"),
            good.replace("\n5\n", "\n18446744073709551616\n"),
            good.replace("FH3E", "FH3"),
            good.replace("revoked.example.org/trail/1", ""),
            good.trim_end().to_owned(),
            good.clone() + "an extension\n",
        ] {
            assert_eq!(Checkpoint::parse(&bad), Err(CheckpointError::Form), "{bad:?}");
        }
    }

    #[test]
    fn one_size_with_two_roots_is_a_fork() {
        let head = Checkpoint::of(ORIGIN, &frontier(5));
        let forked = Checkpoint {
            root: frontier(4).root(),
            ..head.clone()
        };
        let elsewhere = Checkpoint {
            origin: "revoked.example.org/trail/2".to_owned(),
            ..head.clone()
        };
        assert_eq!(head.relation(&head), Relation::Same);
        assert_eq!(head.relation(&forked), Relation::Fork);
        assert_eq!(head.relation(&elsewhere), Relation::OtherTrail);
        assert_eq!(head.relation(&Checkpoint::of(ORIGIN, &frontier(6))), Relation::Apart);
    }

    #[test]
    fn a_consistency_proof_decides_between_two_sizes() {
        let leaves = vector_leaves(8);
        let nodes = (|i: u64| leaves.get(usize::try_from(i).unwrap()).copied(), |_| None);
        assert!(nodes.block(0).is_none());
        let (old, new) = (Checkpoint::of(ORIGIN, &frontier(3)), Checkpoint::of(ORIGIN, &frontier(8)));
        let proof = consistency(&nodes, 3, 8).unwrap();
        assert_eq!(new.continues(&old, &proof), Ok(()));
        let rewritten = Checkpoint {
            root: frontier(2).root(),
            ..old
        };
        assert_eq!(
            new.continues(&rewritten, &proof),
            Err(TreeProofError::Inconsistent { from: 3, to: 8 })
        );
    }
}
