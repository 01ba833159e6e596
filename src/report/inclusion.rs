//! The proofs of the entries that a report cites, for people: a sentence about them, and tables that fit a page. Each hash that several ways to the
//! root have in common stands once.

use std::collections::BTreeMap;

use revoked_trail::{CitedEntries, CitedEntry};
use serde_json::Value;

use super::document::{Document, runs};
use super::words::Words;

/// The tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tables {
    /// What they show, as a sentence.
    pub(super) says: Words,
    /// The signed note of the checkpoint.
    pub(super) note: String,
    /// Of each entry: its number, its kind, the hash of its leaf, and the numbers of the hashes on its way to the root.
    pub(super) ways: Vec<[String; 4]>,
    /// The hashes by their numbers.
    pub(super) hashes: Vec<[String; 2]>,
}

/// What is said of the proofs where the report says on what it rests; nothing where it carries none.
pub(super) fn sentences(document: &Document) -> Vec<Words> {
    let Some(carried) = &document.inclusion else {
        return Vec::new();
    };
    let proved = carried.entries.iter().filter(|entry| entry.path.is_some()).count();
    let unsigned: Vec<u64> = carried.not_signed_yet().into_iter().collect();
    let mut said = Vec::new();
    if let Some(checkpoint) = carried.checkpoint.as_ref().filter(|_| proved > 0) {
        let which = match proved {
            1 => "One entry used here is proved to stand".to_owned(),
            _ => format!("{proved} entries used here are proved to stand"),
        };
        let outside = match checkpoint.anchors.first() {
            Some(path) => Words::of(", which was in ").name(path).and(" outside the database"),
            None => Words::of(", which no file outside the database was seen to hold"),
        };
        said.push(
            Words::of(format!("{which} in the checkpoint of {} entries", checkpoint.size))
                .then(outside)
                .and(". Written as JSON, this is verified without the database: ")
                .command("revoked-verify report --key trail.vkey FILE")
                .and("."),
        );
    }
    if !unsigned.is_empty() {
        let words = Words::of(format!(
            "Not signed yet, so that nothing but this machine vouches for them: {}.",
            runs(&unsigned)
        ));
        said.push(words);
    }
    said
}

/// The tables; nothing where the report carries no proofs.
pub(super) fn tables(carried: &CitedEntries) -> Option<Tables> {
    let checkpoint = carried.checkpoint.as_ref()?;
    let proved: Vec<&CitedEntry> = carried
        .key_changes
        .iter()
        .chain(&carried.entries)
        .filter(|entry| entry.path.is_some())
        .collect();
    if proved.is_empty() {
        return None;
    }
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut hashes = Vec::new();
    let mut ways = Vec::new();
    for entry in proved {
        let mut way = Vec::new();
        for hash in entry.path.iter().flatten() {
            let number = *numbers.entry(hash).or_insert_with(|| {
                hashes.push([(hashes.len() + 1).to_string(), hash.clone()]);
                hashes.len()
            });
            way.push(number.to_string());
        }
        let line: Value = serde_json::from_str(&entry.line).unwrap_or_default();
        let kind = line["kind"].as_str().unwrap_or_default().to_owned();
        ways.push([format!("#{}", entry.index), kind, entry.leaf.clone(), way.join(" ")]);
    }
    let says = Words::of(
        "The way from the leaf of each entry to the root of this checkpoint: the sibling of the leaf, then of each node above it (RFC 6962, 2.1.1), \
         by the numbers of the table below. The leaf is the SHA-256 of a zero byte and the entry's line, which ",
    )
    .command("revoked trail show --json")
    .and(" shows, and which this report has too when it is written as JSON.");
    Some(Tables {
        says,
        note: checkpoint.note.clone(),
        ways,
        hashes,
    })
}
