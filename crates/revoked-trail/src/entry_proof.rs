//! The evidence for one entry, a `.tlog-proof` file (C2SP tlog-proof): checked offline, with nothing but the file and the public keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError, Opened, decimal};
use super::key::VerifierKey;
use super::tree::{Hash, leaf_hash};
use super::tree_proof::{self, TreeProofError};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A path is as long as the tree is deep; 2^64 entries need 64 hashes.
const MAX_PATH: usize = 64;

/// The evidence that an entry stands in a trail whose head was signed. Its text form is what the file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    /// The bytes of the entry, carried along. Nothing vouches for them but the path itself, so [`EntryProof::verify`] hashes them.
    pub extra: Option<Vec<u8>>,
    /// The entry's place in the trail, its `seq`.
    pub index: u64,
    /// The audit path, from the entry's sibling upwards.
    pub path: Vec<Hash>,
    /// The signed checkpoint, verbatim, with the cosignatures that it has.
    pub checkpoint: String,
}

/// Why evidence is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntryProofError {
    /// The file has not the form of one.
    #[error("read a proof: line {0} is not what {HEADER} has there")]
    Line(usize),
    /// The file does not carry the entry, and none was given.
    #[error("verify a proof: it does not carry the entry; give the entry's line")]
    NoEntry,
    /// The checkpoint is refused.
    #[error("verify a proof: its checkpoint does not hold")]
    Checkpoint(#[from] CheckpointError),
    /// The path does not lead from the entry to the signed root.
    #[error("verify a proof: the entry is not in the signed trail")]
    Path(#[from] TreeProofError),
}

impl EntryProof {
    /// Reads a proof, without believing it.
    ///
    /// # Errors
    /// When a line is not what the format has there.
    pub fn parse(text: &str) -> Result<Self, EntryProofError> {
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or_else(|| EntryProofError::Line(text.lines().count() + 1))?;
        let mut lines = head.split('\n').enumerate().map(|(i, line)| (i + 1, line)).peekable();
        if lines.next().is_none_or(|(_, line)| line != HEADER) {
            return Err(EntryProofError::Line(1));
        }
        let mut extra = None;
        if let Some((at, encoded)) = lines.peek().and_then(|(at, line)| Some((*at, line.strip_prefix("extra ")?))) {
            extra = Some(STANDARD.decode(encoded).map_err(|_| EntryProofError::Line(at))?);
            lines.next();
        }
        let (at, line) = lines.next().ok_or(EntryProofError::Line(2))?;
        let index = line
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or(EntryProofError::Line(at))?;
        let path = lines
            .map(|(at, line)| {
                Hash::from_base64(line)
                    .filter(|_| at <= MAX_PATH + 3)
                    .ok_or(EntryProofError::Line(at))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            extra,
            index,
            path,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Checks offline that the entry carried along, or `entry` where one is given, stands at `index` in a trail signed by a key among
    /// `keys`. Returns the checkpoint and who witnessed it; whether that trail is the right one is for the caller to say.
    ///
    /// # Errors
    /// When the checkpoint does not hold, the path does not lead to it, or there is no entry.
    pub fn verify(&self, entry: Option<&[u8]>, keys: &[VerifierKey]) -> Result<Opened, EntryProofError> {
        let entry = entry.or(self.extra.as_deref()).ok_or(EntryProofError::NoEntry)?;
        let opened = Checkpoint::open(&self.checkpoint, keys)?;
        let Checkpoint { size, root, .. } = opened.checkpoint;
        tree_proof::check_inclusion(leaf_hash(entry), self.index, size, &self.path, root)?;
        Ok(opened)
    }
}

impl fmt::Display for EntryProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::super::signed_note::tests::{NOTE, keys};
    use super::super::tree::tests::hash;
    use super::*;

    const ENTRY: &[u8] = br#"{"seq":2}"#;

    /// The evidence for entry 2 of 5 in our own vectors.
    fn vector() -> String {
        "c2sp.org/tlog-proof@v1\nindex 2\n28xC11lrPWKfGGHR4gl7l7VGLsyueJ38+Zf+qbBpCJk=\n\
         /FLXGjaKeY/Zbsflt+5fj5/dEMf/mrFGxOrB5qChsQo=\nF5V5gnXFBtu/Rv3nMkDrGdUvty+pCgWh/EyLSLSqBqI=\n\n"
            .to_owned()
            + NOTE
    }

    #[test]
    fn our_own_vector_is_read_written_and_verified() {
        let proof = EntryProof::parse(&vector()).unwrap();
        assert_eq!(proof.index, 2);
        assert_eq!(
            proof.path[0],
            hash("dbcc42d7596b3d629f1861d1e2097b97b5462eccae789dfcf997fea9b0690899")
        );
        assert_eq!(proof.to_string(), vector());
        let opened = proof.verify(Some(ENTRY), &keys()).unwrap();
        assert_eq!((opened.checkpoint.size, opened.witnesses.len()), (5, 1));
    }

    #[test]
    fn the_entry_may_travel_in_the_file_and_is_checked_all_the_same() {
        let mut proof = EntryProof::parse(&vector()).unwrap();
        assert_eq!(proof.verify(None, &keys()), Err(EntryProofError::NoEntry));
        proof.extra = Some(ENTRY.to_vec());
        let proof = EntryProof::parse(&proof.to_string()).unwrap();
        assert!(proof.verify(None, &keys()).is_ok());
        let forged = EntryProof {
            extra: Some(br#"{"seq":3}"#.to_vec()),
            ..proof
        };
        assert_eq!(
            forged.verify(None, &keys()),
            Err(EntryProofError::Path(TreeProofError::NotIncluded { index: 2, size: 5 }))
        );
    }

    #[test]
    fn a_trail_of_one_entry_needs_no_path() {
        let signer = super::super::key::tests::signer();
        let mut frontier = super::super::Frontier::default();
        frontier.append(leaf_hash(ENTRY));
        let checkpoint = super::super::checkpoint::sign(&frontier, &signer).unwrap();
        let proof = EntryProof {
            extra: Some(ENTRY.to_vec()),
            index: 0,
            path: Vec::new(),
            checkpoint,
        };
        assert_eq!(EntryProof::parse(&proof.to_string()), Ok(proof.clone()));
        assert!(proof.verify(None, &keys()).is_ok());
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let text = vector();
        // Within the cosignature's name and id a change makes an unknown key of a known one, which is to be ignored.
        let log_only = &keys()[..1];
        let signed = text.find("\u{2014} witness").unwrap();
        for at in 0..signed {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            let outcome = EntryProof::parse(&changed).and_then(|proof| proof.verify(Some(ENTRY), log_only));
            assert!(outcome.is_err(), "byte {at} flipped, and it still verifies:\n{changed}");
        }
    }

    #[test]
    fn files_out_of_form_name_the_line() {
        let line = |text: &str| match EntryProof::parse(text) {
            Err(EntryProofError::Line(line)) => line,
            other => panic!("{other:?}"),
        };
        let good = vector();
        assert_eq!(line(""), 1);
        assert_eq!(line(&good.replace("@v1", "@v2")), 1);
        assert_eq!(line(&good.replace("index 2", "index 02")), 2);
        assert_eq!(line(&good.replace("index 2\n", "extra !\nindex 2\n")), 2);
        assert_eq!(line(&good.replace("28xC", "28x")), 3);
        assert_eq!(
            line(&good.replace(
                "28xC",
                &format!("{}28xC", "28xC11lrPWKfGGHR4gl7l7VGLsyueJ38+Zf+qbBpCJk=\n".repeat(70))
            )),
            68
        );
        assert_eq!(line("c2sp.org/tlog-proof@v1\nindex 2\n"), 3);
    }
}
