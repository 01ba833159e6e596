//! Verifies a report by itself: whether each entry that it cites stands in the trail that its checkpoint signs.
//!
//! What its sentences say is for a reader to hold against the entries: they are in it, and verified. Nobody has signed the sentences.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use serde::Deserialize as _;
use serde_json::Value;
use thiserror::Error;

use super::checkpoint::{Checkpoint, CheckpointError, Opened, Relation};
use super::cited_entries::{CitedCheckpoint, CitedEntries, CitedEntry};
use super::entry_kind::EntryKind;
use super::finding::{KeyWord, Place};
use super::key::VerifierKey;
use super::key_chain::{KeyChain, KeyChange};
use super::tree::{Hash, leaf_hash};
use super::tree_proof::{self, TreeProofError};

/// The member of a report that carries its entries.
pub const MEMBER: &str = "inclusion";

/// Why a report cannot be read.
#[derive(Debug, Error)]
pub enum ReportError {
    /// It is not JSON, or what carries its entries is out of form.
    #[error("reading the report")]
    Json(#[from] serde_json::Error),
    /// It carries no entries.
    #[error("reading the report: it has no member `{MEMBER}`, which carries the entries that it cites")]
    NoEntries,
}

/// Something that a report cannot show whose entries are in a signed trail. One is enough for it not to verify.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReportFinding {
    /// Nothing is signed.
    #[error("the report has no checkpoint: none was signed when it was made; make it again")]
    NoCheckpoint,
    /// The checkpoint is not believed.
    #[error("its checkpoint is refused: {0}")]
    Checkpoint(#[source] CheckpointError),
    /// What stands beside the note is not what the note says.
    #[error("its checkpoint is another than the report says: origin, size or root are not those of the note")]
    OtherHead,
    /// The key was replaced before it signed this.
    #[error("its checkpoint of {size} entries is signed by the key {key}, which entry {by} had replaced")]
    ReplacedKey {
        /// Entries of the checkpoint.
        size: u64,
        /// The key.
        key: String,
        /// The entry that replaced it.
        by: u64,
    },
    /// A change of keys is none.
    #[error("entry {index}: no change of keys: {problem}")]
    KeyChange {
        /// The entry.
        index: u64,
        /// Why not.
        problem: String,
    },
    /// Two heads of one size: one of them is a lie that was signed.
    #[error("its checkpoint of {size} entries has another root than that of {place}: the trail was forked")]
    Fork {
        /// Entries of both.
        size: u64,
        /// Where the other one was kept.
        place: Place,
    },
    /// A sentence rests on nothing.
    #[error("a sentence under `{0}` cites no entry")]
    Uncarried(String),
    /// A sentence cites what is not there.
    #[error("a sentence under `{section}` cites entry {index}, which the report does not carry")]
    NotThere {
        /// Where the sentence stands.
        section: String,
        /// The entry.
        index: u64,
    },
}

/// Why an entry is not in the signed trail, as far as the report proves it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotIncluded {
    /// The line and the hash beside it disagree.
    #[error("its line has another hash than the report says")]
    Leaf,
    /// The line says that it is another entry, or nothing at all.
    #[error("its line is not the entry of that number")]
    OtherEntry,
    /// There is more than one of the number.
    #[error("there is more than one of that number")]
    Twice,
    /// It is newer than the checkpoint.
    #[error("not signed yet when the report was made; make the report again")]
    NotSignedYet,
    /// There should be a way, and there is none that can be read.
    #[error("its inclusion proof is missing or out of form")]
    NoProof,
    /// There is no checkpoint that is believed.
    #[error("no checkpoint holds that would cover it")]
    NoCheckpoint,
    /// The way does not lead to the root.
    #[error(transparent)]
    Proof(#[from] TreeProofError),
}

/// An entry that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Its number.
    pub index: u64,
    /// Its kind, as the line says it.
    pub kind: String,
    /// Its case, as the line says it.
    pub case: Option<i64>,
    /// Whether it stands in the signed trail.
    pub included: Result<(), NotIncluded>,
}

/// A report that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReport {
    /// What it says that it is: `case`, `person`.
    pub report: String,
    /// Its title.
    pub title: String,
    /// The checkpoint, where it is believed.
    pub opened: Option<Opened>,
    /// Where the same head was kept outside.
    pub confirmed_by: BTreeSet<Place>,
    /// The entries that it cites.
    pub entries: Vec<Judged>,
    /// The changes of keys that it carries.
    pub key_changes: Vec<Judged>,
    /// What is wrong with it as a whole.
    pub findings: Vec<ReportFinding>,
}

impl VerifiedReport {
    /// Whether every entry that a sentence cites is in a trail that a key of those that were brought, or one that such a key named, has signed.
    #[must_use]
    pub fn verified(&self) -> bool {
        let mut all = self.entries.iter().chain(&self.key_changes);
        self.findings.is_empty() && !self.entries.is_empty() && all.all(|entry| entry.included.is_ok())
    }
}

/// Verifies a report by `keys`, and holds its checkpoint against the notes of `outside`.
///
/// # Errors
/// Where it cannot be read. What is wrong with it stands in the answer.
pub fn verify(report: &str, keys: &[VerifierKey], outside: &[(Place, String)]) -> Result<VerifiedReport, ReportError> {
    let report: Value = serde_json::from_str(report)?;
    let carried = report
        .get(MEMBER)
        .filter(|carried| !carried.is_null())
        .ok_or(ReportError::NoEntries)?;
    let carried = CitedEntries::deserialize(carried)?;
    let mut findings = Vec::new();
    let mut known = Keys {
        keys: keys.to_vec(),
        chain: KeyChain::default(),
    };
    known.follow(&carried.key_changes, &mut findings);
    let opened = carried.checkpoint.as_ref().ok_or(ReportFinding::NoCheckpoint);
    let opened = opened.and_then(|checkpoint| known.open(checkpoint));
    let opened = opened.map_err(|finding| findings.push(finding)).ok();
    let head = opened.as_ref().map(|opened| &opened.checkpoint);
    let confirmed_by = head.map_or_else(BTreeSet::new, |head| confirmed(head, &known.keys, outside, &mut findings));
    let judged = |entries: &[CitedEntry]| -> Vec<Judged> { judge_each(entries, head) };
    let (entries, key_changes) = (judged(&carried.entries), judged(&carried.key_changes));
    let there: BTreeSet<u64> = carried.entries.iter().map(|entry| entry.index).collect();
    findings.extend(unfounded(&report, &there));
    let text = |member: &str| report[member].as_str().unwrap_or_default().to_owned();
    Ok(VerifiedReport {
        report: text("report"),
        title: text("title"),
        opened,
        confirmed_by,
        entries,
        key_changes,
        findings,
    })
}

/// The keys that are believed: those that were brought, and those that they name.
struct Keys {
    keys: Vec<VerifierKey>,
    chain: KeyChain,
}

impl Keys {
    fn follow(&mut self, changes: &[CitedEntry], findings: &mut Vec<ReportFinding>) {
        for change in changes {
            let index = change.index;
            let kind = Members::of(&change.line).and_then(|members| EntryKind::from_str(&members.kind).ok());
            let taken = match kind {
                Some(kind @ (EntryKind::TrailKeyRotated | EntryKind::TrailKeyLost)) => {
                    KeyChange::read(&change.line).and_then(|change| {
                        self.chain
                            .take(index, kind, &change, &self.keys)
                            .map(|word| (word, change.to))
                    })
                }
                _ => Err("it is of another kind".to_owned()),
            };
            match taken {
                Ok((KeyWord::KeyBefore, to)) if !self.keys.contains(&to) => self.keys.push(to),
                Ok(_) => {}
                Err(problem) => findings.push(ReportFinding::KeyChange { index, problem }),
            }
        }
    }

    fn open(&self, carried: &CitedCheckpoint) -> Result<Opened, ReportFinding> {
        let opened = Checkpoint::open(&carried.note, &self.keys).map_err(ReportFinding::Checkpoint)?;
        let Checkpoint { origin, size, root } = &opened.checkpoint;
        if (origin, *size, root.to_string()) != (&carried.origin, carried.size, carried.root.clone()) {
            return Err(ReportFinding::OtherHead);
        }
        match self.chain.replaced(opened.by.id(), *size) {
            Some((key, by)) => Err(ReportFinding::ReplacedKey { size: *size, key, by }),
            None => Ok(opened),
        }
    }
}

/// Where the same head was kept. Another one of that size is a finding; notes of other sizes and other trails say nothing here.
fn confirmed(
    head: &Checkpoint,
    keys: &[VerifierKey],
    outside: &[(Place, String)],
    findings: &mut Vec<ReportFinding>,
) -> BTreeSet<Place> {
    let mut confirmed = BTreeSet::new();
    for (place, note) in outside {
        let Ok(opened) = Checkpoint::open(note, keys) else { continue };
        match head.relation(&opened.checkpoint) {
            Relation::Same => drop(confirmed.insert(place.clone())),
            Relation::Fork => findings.push(ReportFinding::Fork {
                size: head.size,
                place: place.clone(),
            }),
            Relation::OtherTrail | Relation::Apart => {}
        }
    }
    confirmed
}

fn judge_each(entries: &[CitedEntry], head: Option<&Checkpoint>) -> Vec<Judged> {
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    for entry in entries {
        *seen.entry(entry.index).or_default() += 1;
    }
    let judge = |entry: &CitedEntry| {
        let members = Members::of(&entry.line);
        let twice = seen.get(&entry.index).is_some_and(|count| *count > 1);
        Judged {
            index: entry.index,
            included: if twice {
                Err(NotIncluded::Twice)
            } else {
                included(entry, members.as_ref(), head)
            },
            kind: members.as_ref().map_or_else(String::new, |members| members.kind.clone()),
            case: members.and_then(|members| members.case),
        }
    };
    entries.iter().map(judge).collect()
}

fn included(entry: &CitedEntry, members: Option<&Members>, head: Option<&Checkpoint>) -> Result<(), NotIncluded> {
    let leaf = leaf_hash(entry.line.as_bytes());
    if leaf.to_string() != entry.leaf {
        return Err(NotIncluded::Leaf);
    }
    if members.is_none_or(|members| members.seq != entry.index) {
        return Err(NotIncluded::OtherEntry);
    }
    let head = head.ok_or(NotIncluded::NoCheckpoint)?;
    if entry.path.is_none() && entry.index >= head.size {
        return Err(NotIncluded::NotSignedYet);
    }
    let path: Vec<Hash> = entry.hashes().ok_or(NotIncluded::NoProof)?;
    Ok(tree_proof::check_inclusion(leaf, entry.index, head.size, &path, head.root)?)
}

/// The sentences that rest on nothing that is `there`. A sentence is whatever has a list of `entries`, in any section.
fn unfounded(report: &Value, there: &BTreeSet<u64>) -> Vec<ReportFinding> {
    let mut found = Vec::new();
    let sections = report.as_object().into_iter().flatten().filter(|(name, _)| *name != MEMBER);
    for (section, told) in sections.filter_map(|(name, section)| Some((name, section.as_array()?))) {
        for cited in told.iter().filter_map(|told| told.get("entries")) {
            let cited: Vec<Option<u64>> = cited.as_array().into_iter().flatten().map(Value::as_u64).collect();
            if cited.is_empty() || cited.contains(&None) {
                found.push(ReportFinding::Uncarried(section.clone()));
            }
            let missing = cited.into_iter().flatten().filter(|index| !there.contains(index));
            found.extend(missing.map(|index| ReportFinding::NotThere {
                section: section.clone(),
                index,
            }));
        }
    }
    found
}

/// What an entry says of itself.
#[derive(serde::Deserialize)]
struct Members {
    seq: u64,
    kind: String,
    case: Option<i64>,
}

impl Members {
    fn of(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests;
