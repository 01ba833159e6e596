//! What verification finds, and the report that says what is proved and by whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::checkpoint::CheckpointError;
use super::key::VerifierKey;
use super::tree::Hash;

/// Where a checkpoint was kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Beside the entries, in the same database: whoever owns the file owns it too.
    Stored,
    /// Outside, under this name: `journal`, `file`, a witness.
    Anchor(Arc<str>),
}

impl Place {
    /// The anchor of this name.
    #[must_use]
    pub fn anchor(name: &str) -> Self {
        Self::Anchor(name.into())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored => f.write_str("the store"),
            Self::Anchor(name) => write!(f, "the anchor `{name}`"),
        }
    }
}

/// Something that an untouched trail cannot show. One is enough for the trail not to verify.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Finding {
    /// Entries are missing from the numbering.
    #[error("entry {from}: missing; the next one is {next}")]
    Gap {
        /// The first missing entry.
        from: u64,
        /// The entry that follows the gap.
        next: u64,
    },
    /// Two rows have one number.
    #[error("entry {0}: there is more than one of that number")]
    Duplicate(u64),
    /// A row stands behind a later one.
    #[error("entry {seq}: stands behind entry {after}")]
    OutOfOrder {
        /// The misplaced entry.
        seq: u64,
        /// The later entry before it.
        after: u64,
    },
    /// The bytes and the hash kept beside them disagree: one of them was changed.
    #[error("entry {0}: the stored leaf hash does not match its bytes")]
    Leaf(u64),
    /// The bytes are not one line of JSON.
    #[error("entry {0}: not one line of JSON")]
    NotJson(u64),
    /// A member that every entry has is missing or has another type.
    #[error("entry {seq}: {problem}")]
    Member {
        /// The entry.
        seq: u64,
        /// What the JSON reader says.
        problem: String,
    },
    /// The entry was written under another number.
    #[error("entry {seq}: its member `seq` says {says}")]
    OtherSeq {
        /// The row's number.
        seq: u64,
        /// The number inside the entry.
        says: u64,
    },
    /// The stored root of a block of 256 entries is not theirs: proofs made from it fail.
    #[error("entries {} to {}: the stored root of the block does not match them", .0 * 256, .0 * 256 + 255)]
    Block(u64),
    /// The stored head counts another number of entries.
    #[error("the stored head says {stored} entries, and there are {entries}")]
    HeadSize {
        /// What the head says.
        stored: u64,
        /// What was counted.
        entries: u64,
    },
    /// The stored head has the right size and other hashes.
    #[error("the stored head of {0} entries does not match them")]
    HeadFrontier(u64),
    /// A checkpoint can't be read, or no known key signed it, or a known key did not sign this.
    #[error("a checkpoint in {place} is refused: {error}")]
    Refused {
        /// Where it was kept.
        place: Place,
        /// Why.
        error: CheckpointError,
    },
    /// A checkpoint is signed by keys of which none was brought, nor named by one that was.
    #[error("a checkpoint in {place} is signed by {by}, which is not among the verifier keys")]
    UnknownKey {
        /// Where it was kept.
        place: Place,
        /// The keys, as `name+id`.
        by: String,
    },
    /// The trail's key signed other entries than those that are there now.
    #[error("checkpoint at size {size} in {place} does not match the entries: entries {after} to {} were changed since", .size - 1)]
    Root {
        /// Where it was kept.
        place: Place,
        /// The size that it signs.
        size: u64,
        /// The largest smaller size at which a checkpoint of that place matches: the change lies behind it.
        after: u64,
    },
    /// The trail's key signed two heads of one size: the trail was forked.
    #[error("checkpoints at size {size} in {one} and {other} have different roots: the trail was forked")]
    Fork {
        /// The size of both.
        size: u64,
        /// Where one was kept.
        one: Place,
        /// Where the other was kept.
        other: Place,
    },
    /// The trail's key signed more entries than there are.
    #[error("trail shorter than its {}: {entries} entries, but {place} holds a checkpoint of {size}",
        if *.place == Place::Stored { "checkpoint" } else { "anchor" })]
    Short {
        /// Where the checkpoint was kept.
        place: Place,
        /// The size that it signs.
        size: u64,
        /// Entries that are there.
        entries: u64,
    },
    /// The store has no checkpoint at all, though the trail's key is known and signs at every start.
    #[error("the store holds no checkpoint of this trail: whoever owns the file could have rewritten its {0} entries")]
    Unsigned(u64),
    /// No checkpoint of an exported trail was given that could be believed.
    #[error("no checkpoint of this trail holds: whoever wrote the export could have written all of its {0} entries")]
    NoCheckpoint(u64),
    /// A key that had been replaced signed on.
    #[error("checkpoint at size {size} in {place} is signed by the key {key}, which was replaced by entry {by}")]
    ReplacedKey {
        /// Where it was kept.
        place: Place,
        /// The size that it signs.
        size: u64,
        /// The key.
        key: String,
        /// The entry that replaced it.
        by: u64,
    },
    /// An entry says that the trail's key was replaced, and no key that could say so did.
    #[error("entry {seq}: the trail's key was not replaced as it says: {problem}")]
    Rotation {
        /// The entry.
        seq: u64,
        /// What is wrong with its statement.
        problem: String,
    },
    /// A checkpoint was handed to the verifier behind the entries that it signs.
    #[error("checkpoint at size {size} in {place} was read behind its entries and could not be compared")]
    Late {
        /// Where it was kept.
        place: Place,
        /// The size that it signs.
        size: u64,
    },
}

impl Finding {
    /// The bad entry that the finding names; none where it only bounds where the change lies, or is about no entry.
    #[must_use]
    pub fn entry(&self) -> Option<u64> {
        match self {
            Self::Gap { from: seq, .. }
            | Self::OutOfOrder { seq, .. }
            | Self::Duplicate(seq)
            | Self::Leaf(seq)
            | Self::NotJson(seq)
            | Self::Member { seq, .. }
            | Self::Rotation { seq, .. }
            | Self::OtherSeq { seq, .. } => Some(*seq),
            _ => None,
        }
    }
}

/// Something worth saying that does not make the trail fail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Remark {
    /// The machine's clock was set back: order is what the tree proves, time is a claim of the machine.
    #[error("entry {seq}: its time is {by_ms} ms before the entry before it")]
    Backwards {
        /// The entry.
        seq: u64,
        /// By how many milliseconds.
        by_ms: u64,
    },
    /// A newer version wrote a kind that this one does not know.
    #[error("entry {seq}: unknown kind `{kind}`")]
    UnknownKind {
        /// The entry.
        seq: u64,
        /// The kind's name.
        kind: String,
    },
    /// A key signs on its own word from here on.
    #[error(
        "entry {seq}: from here on the key {key} signs on its own word{}",
        if *.lost { ": an operator declared the one before it lost" } else { ": the one before it has not said so" }
    )]
    OwnWord {
        /// The entry.
        seq: u64,
        /// The new key.
        key: String,
        /// Whether an operator said so.
        lost: bool,
    },
    /// A checkpoint is about another trail, such as the one before a restore, and was left aside.
    #[error("a checkpoint in {place} is about the trail `{origin}`")]
    OtherTrail {
        /// Where it was kept.
        place: Place,
        /// The other trail's name.
        origin: String,
    },
}

/// On whose word a key signs the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWord {
    /// It was brought, and no entry says that it took another's place.
    Brought,
    /// The key before it signed that it takes its place.
    KeyBefore,
    /// On nobody's but its own: an operator declared the key before it lost, or an older version changed keys.
    OwnWord,
}

impl fmt::Display for KeyWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Brought => "it was brought",
            Self::KeyBefore => "the key before it says so",
            Self::OwnWord => "on its own word, without that of the key before it",
        })
    }
}

/// Where a key of the trail begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBegins {
    /// The key.
    pub key: VerifierKey,
    /// The entry from which on it signs.
    pub from: u64,
    /// On whose word.
    pub word: KeyWord,
}

/// The outcome of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The trail's name.
    pub origin: String,
    /// Entries that were read.
    pub entries: u64,
    /// The root over them.
    pub root: Hash,
    /// What an untouched trail can't show, in the order found; the first [`Report::MOST`].
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more_findings: u64,
    /// What is worth saying; the first [`Report::MOST`].
    pub remarks: Vec<Remark>,
    /// Remarks beyond those.
    pub more_remarks: u64,
    /// Up to which size a checkpoint in the store matches, or any for an export: the trail's own key vouches for it.
    pub signed: u64,
    /// Up to which size a checkpoint outside matches, for each anchor and witness that has one.
    pub anchors: BTreeMap<Arc<str>, u64>,
    /// The keys of the trail in the order in which they begin, where it has had more than one.
    pub keys: Vec<KeyBegins>,
}

impl Report {
    /// How many findings and remarks are kept, each.
    pub const MOST: usize = 100;

    /// Whether nothing was found.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.findings.is_empty()
    }

    /// Up to which size the outside confirms the trail.
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.anchors.values().copied().max().unwrap_or(0)
    }

    /// How many entries rest on this machine's word alone: nothing outside would show that they were changed.
    #[must_use]
    pub fn alone(&self) -> u64 {
        self.entries.saturating_sub(self.confirmed())
    }

    /// The first bad entry, where the findings name one. A rewrite that fits its own hashes is only bounded: see [`Finding::Root`].
    #[must_use]
    pub fn first_bad(&self) -> Option<u64> {
        self.findings.iter().filter_map(Finding::entry).min()
    }
}

/// Sentences, each once with how often it was said, in the order in which each came first.
fn counted(sentences: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for sentence in sentences {
        match counted.iter_mut().find(|(known, _)| *known == sentence) {
            Some((_, times)) => *times += 1,
            None => counted.push((sentence, 1)),
        }
    }
    counted
}

/// The remarks in words, each once with how many there are of it. Those that differ only in the entry, or in how much time it is about, are one:
/// the first says where they begin.
fn alike(remarks: &[Remark]) -> Vec<(String, usize)> {
    let mut alike: Vec<(&Remark, usize, u64)> = Vec::new();
    for remark in remarks {
        let by = match remark {
            Remark::Backwards { by_ms, .. } => *by_ms,
            _ => 0,
        };
        match alike.iter_mut().find(|(first, _, _)| first.is_like(remark)) {
            Some((_, times, most)) => (*times, *most) = (*times + 1, by.max(*most)),
            None => alike.push((remark, 1, by)),
        }
    }
    let told = alike.into_iter().map(|(first, times, most)| {
        let text = match first {
            Remark::Backwards { seq, .. } if times > 1 => {
                format!("an entry's time is before that of the entry before it, first at entry {seq}, at most by {most} ms")
            }
            Remark::UnknownKind { seq, kind } if times > 1 => format!("unknown kind `{kind}`, first at entry {seq}"),
            other => other.to_string(),
        };
        (text, times)
    });
    told.collect()
}

impl Remark {
    /// Whether both say the same, of whichever entry.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Backwards { .. }, Self::Backwards { .. }) => true,
            (Self::UnknownKind { kind, .. }, Self::UnknownKind { kind: of, .. }) => kind == of,
            _ => self == other,
        }
    }
}

impl Report {
    /// The size that a checkpoint outside has, where all that is wrong is that these entries end before it: each of them fits, and so this
    /// is an older copy, or one whose end was cut off.
    #[must_use]
    pub fn older_than(&self) -> Option<u64> {
        let mut newest = None;
        for finding in &self.findings {
            match finding {
                Finding::Short {
                    place: Place::Anchor(_),
                    size,
                    ..
                } => newest = newest.max(Some(*size)),
                _ => return None,
            }
        }
        newest.filter(|_| self.entries > 0 && self.more_findings == 0)
    }

    /// The keys that have signed checkpoints and were not brought, as `name+id`.
    #[must_use]
    pub fn missing_keys(&self) -> BTreeSet<&str> {
        let keys = self.findings.iter().filter_map(|finding| match finding {
            Finding::UnknownKey { by, .. } => Some(by.as_str()),
            _ => None,
        });
        keys.collect()
    }

    /// What was read, found and confirmed, a line each: all but the verdict. What says the same is one line with a count.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let times = |times: usize| {
            if times > 1 {
                format!(", {times} times")
            } else {
                String::new()
            }
        };
        let mut lines = vec![format!("trail {}: {} entries, root {}", self.origin, self.entries, self.root)];
        let found = counted(self.findings.iter().map(ToString::to_string));
        lines.extend(found.into_iter().map(|(finding, n)| match n {
            1 => format!("  {finding}"),
            _ => format!("  {n} times: {finding}"),
        }));
        if self.more_findings > 0 {
            lines.push(format!("  and {} more findings", self.more_findings));
        }
        let remarks = alike(&self.remarks).into_iter();
        lines.extend(remarks.map(|(remark, n)| format!("  remark{}: {remark}", times(n))));
        if self.more_remarks > 0 {
            lines.push(format!("  and {} more remarks", self.more_remarks));
        }
        for KeyBegins { key, from, word } in &self.keys {
            lines.push(format!(
                "  key {}+{:08x} signs from entry {from} on: {word}",
                key.name(),
                key.id()
            ));
        }
        lines.push(format!("  signed by the trail's own key: the first {}", self.signed));
        for (anchor, size) in &self.anchors {
            lines.push(format!("  confirmed by {anchor}: the first {size}"));
        }
        lines
    }

    /// What it comes to: `VERIFIED` or `NOT VERIFIED`, and in a few words why.
    #[must_use]
    pub fn verdict(&self) -> (&'static str, String) {
        let entries = self.entries;
        if self.verified() {
            let (confirmed, alone) = (self.confirmed(), self.alone());
            let why = format!("{entries} entries; the outside confirms {confirmed}, {alone} rest on this machine's word");
            return ("VERIFIED", why);
        }
        if let Some(newest) = self.older_than() {
            let why = format!("all {entries} entries fit, the outside goes on to {newest}: an older copy, or its end was cut off");
            return ("NOT VERIFIED", why);
        }
        let missing = self.missing_keys().into_iter().collect::<Vec<_>>().join(", ");
        let is_about_keys = |finding: &Finding| matches!(finding, Finding::UnknownKey { .. } | Finding::Rotation { .. });
        let lacks = !missing.is_empty() && self.findings.iter().all(is_about_keys);
        let why = match (self.first_bad(), self.findings.first()) {
            _ if lacks => format!("the verifier key of {missing} was not brought"),
            (Some(seq), _) => format!("first bad entry {seq}"),
            (None, Some(finding)) => finding.to_string(),
            (None, None) => String::new(),
        };
        ("NOT VERIFIED", why)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))?;
        let (verdict, why) = self.verdict();
        write!(f, "{verdict}: {why}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_remarks_that_say_the_same_are_one_with_a_count() {
        let backwards = (3..13).map(|seq| Remark::Backwards { seq, by_ms: seq * 10 });
        let unknown = |seq, kind: &str| Remark::UnknownKind {
            seq,
            kind: kind.to_owned(),
        };
        let remarks: Vec<Remark> = backwards
            .chain([unknown(20, "moon.rose"), unknown(21, "sun.set"), unknown(22, "moon.rose")])
            .collect();
        assert_eq!(
            alike(&remarks),
            [
                (
                    "an entry's time is before that of the entry before it, first at entry 3, at most by 120 ms".to_owned(),
                    10
                ),
                ("unknown kind `moon.rose`, first at entry 20".to_owned(), 2),
                ("entry 21: unknown kind `sun.set`".to_owned(), 1),
            ]
        );
    }
}
