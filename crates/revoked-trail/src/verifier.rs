//! The verifier: reads a trail once, from its first entry to its last, and holds it against its own head and against every checkpoint
//! that the store and the outside kept.
//!
//! Memory does not grow with the entries, only with the checkpoints that wait for their size to come up (some 60 bytes each); a caller
//! with very many of them hands them over in the order of their sizes while it reads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr as _;

use serde::Deserialize;

use super::checkpoint::{Checkpoint, CheckpointError};
use super::entry_kind::EntryKind;
use super::finding::{Finding, KeyWord, Place, Remark, Report};
use super::frontier::Frontier;
use super::key::{KeyKind, VerifierKey};
use super::key_chain::{KeyChain, KeyChange};
use super::signed_note::{Note, NoteError};
use super::tree::{Hash, leaf_hash};

/// Verifies one trail: hand over the checkpoints, then each entry in the order of `seq`, then [`Verifier::finish`].
#[derive(Debug)]
pub struct Verifier {
    origin: String,
    keys: Vec<VerifierKey>,
    chain: KeyChain,
    /// Notes by keys that are not known yet: an entry may name them.
    unknown: Vec<(Place, String, CheckpointError)>,
    /// An export comes without the checkpoints that the store keeps: those from outside must do.
    is_export: bool,
    tree: Frontier,
    block: Option<Hash>,
    last_seq: Option<u64>,
    last_at: Option<i64>,
    waiting: BTreeMap<u64, Vec<Claim>>,
    standings: BTreeMap<Place, Standing>,
    report: Report,
}

/// What a checkpoint claims of its size.
#[derive(Debug, Clone)]
struct Claim {
    place: Place,
    root: Hash,
    /// The id of the key that signed it.
    by: u32,
}

/// How the checkpoints of one place have fared.
#[derive(Debug, Default, Clone, Copy)]
struct Standing {
    /// The largest size at which one matched.
    matched: u64,
    /// Whether one failed already. Every later one fails with it, so only the first is a finding.
    failed: bool,
}

/// The members that every entry has, in the types that they have.
#[derive(Deserialize)]
struct Members<'a> {
    seq: u64,
    at: i64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, rename = "actor")]
    _actor: Cow<'a, str>,
}

impl Verifier {
    /// A verifier of the trail named `origin`, whose checkpoints must be signed by a key of that name among `keys`, or by one that such a key
    /// has named as its successor in the trail; witnesses' keys
    /// among them are checked too, and so are those of earlier trails, whose checkpoints are left aside with a remark. An operator who trusts nothing on the machine brings `keys` from outside.
    #[must_use]
    pub fn new(origin: &str, keys: &[VerifierKey]) -> Self {
        Self {
            origin: origin.to_owned(),
            keys: keys.to_vec(),
            chain: KeyChain::default(),
            unknown: Vec::new(),
            is_export: false,
            tree: Frontier::default(),
            block: None,
            last_seq: None,
            last_at: None,
            waiting: BTreeMap::new(),
            standings: BTreeMap::new(),
            report: Report {
                origin: origin.to_owned(),
                entries: 0,
                root: Frontier::default().root(),
                findings: Vec::new(),
                more_findings: 0,
                remarks: Vec::new(),
                more_remarks: 0,
                signed: 0,
                anchors: BTreeMap::new(),
                keys: Vec::new(),
            },
        }
    }

    /// The same for the entries alone, as they are exported: no head and no checkpoint of the store comes with them. Without a checkpoint from
    /// elsewhere that holds, they do not verify.
    #[must_use]
    pub fn of_export(origin: &str, keys: &[VerifierKey]) -> Self {
        Self {
            is_export: true,
            ..Self::new(origin, keys)
        }
    }

    /// Takes a checkpoint note, at the latest when exactly the entries that it signs have been read.
    pub fn checkpoint(&mut self, place: &Place, note: &str) {
        let opened = match Checkpoint::open(note, &self.keys) {
            Ok(opened) => opened,
            Err(error @ (CheckpointError::Note(NoteError::NoKnownKey) | CheckpointError::NotByOrigin(_))) => {
                return self.unknown.push((place.clone(), note.to_owned(), error));
            }
            Err(error) => {
                return self.find(Finding::Refused {
                    place: place.clone(),
                    error,
                });
            }
        };
        if opened.checkpoint.origin != self.origin {
            return self.remark(Remark::OtherTrail {
                place: place.clone(),
                origin: opened.checkpoint.origin,
            });
        }
        let Checkpoint { size, root, .. } = opened.checkpoint;
        let witnesses = opened.witnesses.into_iter().map(|(witness, _)| Place::anchor(&witness));
        for place in std::iter::once(place.clone()).chain(witnesses) {
            let by = opened.by.id();
            self.hold(Claim { place, root, by }, size);
        }
    }

    /// Takes the next entry: its number, its bytes exactly as stored, and the leaf hash stored beside it (none in an export).
    pub fn entry(&mut self, seq: u64, body: &[u8], leaf: Option<&[u8]>) {
        self.number(seq);
        let hash = leaf_hash(body);
        if leaf.is_some_and(|leaf| leaf != hash.0) {
            self.find(Finding::Leaf(seq));
        } else {
            self.members(seq, body);
        }
        self.block = self.tree.append(hash);
        let size = self.tree.size();
        // Most entries are followed by no checkpoint.
        if self.waiting.first_key_value().is_some_and(|(next, _)| *next == size) {
            for claim in self.waiting.remove(&size).unwrap_or_default() {
                self.compare(claim, size);
            }
        }
    }

    /// Takes the stored root of block `number`, when exactly its last entry (`number * 256 + 255`) has been read.
    pub fn block(&mut self, number: u64, root: &[u8]) {
        let here = self.tree.size() / super::tree::BLOCK == number + 1;
        if !here || self.block.is_none_or(|block| block.0 != root) {
            self.find(Finding::Block(number));
        }
    }

    /// What was found so far: for whoever reads at a pace, and need not read on.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.report.findings
    }

    /// How many entries were read.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Compares the stored head (`size`, `frontier`) where there is one, and gives the report.
    #[must_use]
    pub fn finish(mut self, head: Option<(u64, &[u8])>) -> Report {
        let entries = self.tree.size();
        if let Some((stored, frontier)) = head {
            if stored != entries {
                self.find(Finding::HeadSize { stored, entries });
            } else if frontier != self.tree.to_bytes() {
                self.find(Finding::HeadFrontier(entries));
            }
        }
        for (place, note, error) in std::mem::take(&mut self.unknown) {
            let by = signers(&note);
            self.find(match error {
                CheckpointError::Note(NoteError::NoKnownKey) if !by.is_empty() => Finding::UnknownKey { place, by },
                error => Finding::Refused { place, error },
            });
        }
        let mut longest: BTreeMap<Place, u64> = BTreeMap::new();
        for (size, claims) in std::mem::take(&mut self.waiting) {
            longest.extend(claims.into_iter().map(|claim| (claim.place, size)));
        }
        for (place, size) in longest {
            self.standings.entry(place.clone()).or_default().failed = true;
            self.find(Finding::Short { place, size, entries });
        }
        let has_key = self
            .keys
            .iter()
            .any(|key| key.kind() == KeyKind::Log && key.name() == self.origin);
        let stored = self.standings.get(&Place::Stored).copied().unwrap_or_default();
        if self.is_export {
            // Every checkpoint that is believed is signed by the trail's own key, wherever it was kept.
            self.report.signed = self.standings.values().map(|standing| standing.matched).max().unwrap_or(0);
            if self.report.signed == 0 && !self.standings.values().any(|standing| standing.failed) {
                self.find(Finding::NoCheckpoint(entries));
            }
        } else {
            self.report.signed = stored.matched;
            if has_key && entries > 0 && stored.matched == 0 && !stored.failed {
                self.find(Finding::Unsigned(entries));
            }
        }
        for (place, standing) in self.standings {
            if let Place::Anchor(name) = place {
                self.report.anchors.insert(name, standing.matched);
            }
        }
        Report {
            entries,
            root: self.tree.root(),
            keys: self.chain.begins(&self.origin, &self.keys),
            ..self.report
        }
    }

    fn hold(&mut self, claim: Claim, size: u64) {
        if size < self.tree.size() {
            return self.find(Finding::Late {
                place: claim.place,
                size,
            });
        }
        if size == self.tree.size() {
            return self.compare(claim, size);
        }
        let claims = self.waiting.entry(size).or_default();
        if claims
            .iter()
            .any(|known| known.place == claim.place && known.root == claim.root)
        {
            return;
        }
        let forked = claims.iter().find(|known| known.root != claim.root);
        let forked = forked.map(|known| (known.place.clone(), claim.place.clone()));
        claims.push(claim);
        if let Some((one, other)) = forked {
            self.find(Finding::Fork { size, one, other });
        }
    }

    fn compare(&mut self, Claim { place, root, by }: Claim, size: u64) {
        let matches = self.tree.root() == root;
        if let Some((key, by)) = self.chain.replaced(by, size) {
            return self.find(Finding::ReplacedKey { place, size, key, by });
        }
        let standing = self.standings.entry(place.clone()).or_default();
        if matches {
            standing.matched = size;
        } else if !standing.failed {
            standing.failed = true;
            let after = standing.matched;
            self.find(Finding::Root { place, size, after });
        }
    }

    /// Takes a change of the trail's key: by the old key's statement, or by nobody's but its own.
    fn key_change(&mut self, seq: u64, kind: EntryKind, body: &str) {
        let change = match KeyChange::read(body) {
            Ok(change) => change,
            Err(problem) => return self.find(Finding::Rotation { seq, problem }),
        };
        match self.chain.take(seq, kind, &change, &self.keys) {
            Ok(KeyWord::KeyBefore) => self.learn(change.to),
            Ok(_) => self.remark(Remark::OwnWord {
                seq,
                key: change.to.to_string(),
                lost: kind == EntryKind::TrailKeyLost,
            }),
            Err(problem) => self.find(Finding::Rotation { seq, problem }),
        }
    }

    /// Believes a key from here on, and looks again at the notes that nobody known had signed.
    fn learn(&mut self, key: VerifierKey) {
        if !self.keys.contains(&key) {
            self.keys.push(key);
            for (place, note, _) in std::mem::take(&mut self.unknown) {
                self.checkpoint(&place, &note);
            }
        }
    }

    /// Checks the numbering: 0, 1, 2, …
    fn number(&mut self, seq: u64) {
        let next = self.last_seq.map_or(0, |last| last.saturating_add(1));
        match self.last_seq {
            Some(last) if seq == last => return self.find(Finding::Duplicate(seq)),
            Some(last) if seq < last => return self.find(Finding::OutOfOrder { seq, after: last }),
            _ if seq > next => self.find(Finding::Gap { from: next, next: seq }),
            _ => {}
        }
        self.last_seq = Some(seq);
    }

    /// Checks what the entry says about itself.
    fn members(&mut self, seq: u64, body: &[u8]) {
        let text = std::str::from_utf8(body).ok().filter(|text| !text.contains(['\n', '\r']));
        let Some(text) = text else {
            return self.find(Finding::NotJson(seq));
        };
        let members: Members<'_> = match serde_json::from_str(text) {
            Ok(members) => members,
            Err(error) if error.is_data() => {
                return self.find(Finding::Member {
                    seq,
                    problem: error.to_string(),
                });
            }
            Err(_) => return self.find(Finding::NotJson(seq)),
        };
        if members.seq != seq {
            self.find(Finding::OtherSeq { seq, says: members.seq });
        }
        if let Some(before) = self.last_at.filter(|before| members.at < *before) {
            self.remark(Remark::Backwards {
                seq,
                by_ms: before.abs_diff(members.at),
            });
        }
        self.last_at = Some(members.at);
        match EntryKind::from_str(&members.kind) {
            Ok(kind @ (EntryKind::TrailKeyRotated | EntryKind::TrailKeyLost)) => self.key_change(seq, kind, text),
            Ok(_) => {}
            Err(_) => self.remark(Remark::UnknownKind {
                seq,
                kind: members.kind.into_owned(),
            }),
        }
    }

    fn find(&mut self, finding: Finding) {
        if self.report.findings.len() < Report::MOST {
            self.report.findings.push(finding);
        } else {
            self.report.more_findings += 1;
        }
    }

    fn remark(&mut self, remark: Remark) {
        if self.report.remarks.len() < Report::MOST {
            self.report.remarks.push(remark);
        } else {
            self.report.more_remarks += 1;
        }
    }
}

/// Who says to have signed a note, as `name+id`: nobody whom we know.
fn signers(note: &str) -> String {
    let note = Note::parse(note.as_bytes()).ok();
    let lines = note.iter().flat_map(|note| &note.signatures);
    let names: Vec<String> = lines.map(|line| format!("{}+{:08x}", line.name, line.id)).collect();
    names.join(" and ")
}

#[cfg(test)]
mod checkpoints;
#[cfg(test)]
mod flips;
#[cfg(test)]
mod rotations;
#[cfg(test)]
pub(super) mod tests;
