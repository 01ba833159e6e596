//! What an attempt saw and did, kept with the job: counts and ids, never a secret.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Access, ActedAt, Action, Door, GrantKind, GrantRef, Sentence, Subject, Timestamp};
use crate::digest::{hex, sha256};

/// What the attempts of a job saw and did, all of them together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and a field of the printed evidence"
)]
pub struct Evidence {
    /// The target's id of the account; of several, one after the other with `, ` between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// What the target calls the account, its id left out: a case may have come by another name. Goes when the person is erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Subject>,
    /// Whether the target could not be asked at all: it knows nobody by any name of this form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nameless: bool,
    /// Whether the names fit several accounts, and a human must say which.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unclear: bool,
    /// How many grants of each kind were there before the first action, or came while the job was at work.
    pub before: BTreeMap<GrantKind, usize>,
    /// How many were listed by the last observation.
    pub after: BTreeMap<GrantKind, usize>,
    /// Whether the account was suspended before and after.
    pub suspended: (bool, bool),
    /// Since when the account is suspended, whoever suspended it, by the target's own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<Timestamp>,
    /// The suspensions that the job has made: the account's id, and since when it is suspended, by the target's own clock.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suspensions: BTreeMap<String, Timestamp>,
    /// The grants that were there and are no more, at most [`Evidence::LISTED`] of them.
    pub ended: Vec<GrantRef>,
    /// How many those were in all.
    pub ended_count: usize,
    /// Every grant that any attempt saw, at most [`Evidence::TRACKED`] of them. Kept as long as the job is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<GrantRef>,
    /// When the first observation began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_from: Option<Timestamp>,
    /// When the first observation was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_at: Option<Timestamp>,
    /// When the first action that takes something away was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_revoke_at: Option<Timestamp>,
    /// When an observation first showed the account suspended after we asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_at: Option<Timestamp>,
    /// When the password was reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_reset_at: Option<Timestamp>,
    /// When our changes were made, by the target's ids of the accounts: for what is proved by a moment and what lives on from there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub acted_at: BTreeMap<String, ActedAt>,
    /// When the last observation was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_at: Option<Timestamp>,
    /// The newest signal that was stored when the look began that the verdict rests on, by its number: a clock that is set back or forth
    /// tells nothing about which of the two came first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_signal: Option<i64>,
    /// When the leaked credential that the case is about was refused: the strongest proof that there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<Timestamp>,
    /// Whether a sweep found access again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub came_back: bool,
    /// Whether a sweep looks because an identity provider has shown its block since: what no list shows is ended once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_block: bool,
    /// Whether a sweep met the account enabled again by somebody, and left that to a human.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enabled_again: bool,
    /// What still lets somebody in afresh.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doors: Vec<Door>,
    /// The target's ids of the requests behind the last observation, for comparison with its own logs.
    pub requests: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// What the target cannot end or see.
    pub not_covered: Vec<Sentence>,
    /// What a release must find unchanged: a hash of what would come back to life, as it was rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsed: Option<String>,
}

impl Evidence {
    /// How many ended grants are named one by one; the count goes on.
    pub const LISTED: usize = 200;
    /// How many grants are told apart over all attempts. Beyond that the counts are the least that is sure, and a note says so.
    pub const TRACKED: usize = 4096;
    /// How many notes are kept.
    const NOTES: usize = 50;

    /// The accounts that the job is about, by the target's ids.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.principal.iter().flat_map(|ids| ids.split(", "))
    }

    /// Takes in what an observation showed: grants that no earlier one has shown count as having been there before.
    pub fn take_in(&mut self, access: &Access) {
        for kind in &access.listed {
            self.before.entry(*kind).or_default();
        }
        let known: BTreeSet<&GrantRef> = self.seen.iter().collect();
        let shown = access.grants.iter().map(|grant| &grant.name);
        let fresh: BTreeSet<GrantRef> = shown
            .chain(&access.ended_with_suspension)
            .filter(|name| !known.contains(name))
            .cloned()
            .collect();
        let room = Self::TRACKED.saturating_sub(self.seen.len());
        if fresh.len() > room {
            self.note(format!(
                "more than {} grants were listed: the counts are the least that is sure",
                Self::TRACKED
            ));
        }
        for name in fresh.into_iter().take(room) {
            *self.before.entry(name.kind).or_default() += 1;
            self.seen.push(name);
        }
        if self.before_at.is_none() {
            self.before_at = Some(access.at);
            self.suspended.0 = access.suspended();
        }
        for note in &access.notes {
            self.note(note.clone());
        }
    }

    /// Takes in grants that were ended before any observation showed them: a leaked credential shows what it was when it ends.
    pub fn saw_ended(&mut self, grants: Vec<GrantRef>) {
        for name in grants
            .into_iter()
            .filter(|name| !self.seen.contains(name))
            .collect::<Vec<_>>()
        {
            *self.before.entry(name.kind).or_default() += 1;
            self.after.entry(name.kind).or_default();
            self.ended_count += 1;
            self.ended.push(name.clone());
            self.seen.push(name);
        }
    }

    /// Says what is left, by the last observation of every account of the job.
    pub fn conclude<'a>(&mut self, last: impl Iterator<Item = &'a Access> + Clone) {
        self.after.clear();
        self.requests.clear();
        self.doors.clear();
        self.after_at = None;
        self.suspended_at = None;
        self.suspended.1 = last.clone().next().is_some();
        for access in last.clone() {
            for (kind, count) in access.counts() {
                *self.after.entry(kind).or_default() += count;
            }
            self.requests.extend(access.requests.iter().cloned());
            for door in access.doors() {
                if !self.doors.contains(door) {
                    self.doors.push(door.clone());
                }
            }
            self.after_at = self.after_at.max(Some(access.at));
            self.suspended.1 &= access.suspended();
            self.suspended_at = self.suspended_at.max(access.account.suspended_at);
        }
        let alive: BTreeSet<&GrantRef> = last.flat_map(|access| &access.grants).map(|grant| &grant.name).collect();
        let gone = |name: &&GrantRef| !alive.contains(name);
        self.ended_count = self.seen.iter().filter(gone).count();
        self.ended = self.seen.iter().filter(gone).take(Self::LISTED).cloned().collect();
    }

    /// Adds a note that is not there yet.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if self.notes.len() < Self::NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The digest of what is not covered, for the trail: SHA-256 in hexadecimal of the sentences, a line each. Nothing where there is none.
    #[must_use]
    pub fn not_covered_sha256(&self) -> Option<String> {
        let mut lines = String::new();
        for gap in &self.not_covered {
            lines.push_str(gap);
            lines.push('\n');
        }
        (!lines.is_empty()).then(|| hex(&sha256(lines.as_bytes())))
    }

    /// What the target says in it, sentence by sentence.
    pub fn sentences(&self) -> impl Iterator<Item = &Sentence> {
        self.doors.iter().map(|door| &door.says).chain(&self.not_covered)
    }

    /// The same, to be changed.
    pub fn sentences_mut(&mut self) -> impl Iterator<Item = &mut Sentence> {
        self.doors.iter_mut().map(|door| &mut door.says).chain(&mut self.not_covered)
    }

    /// What is kept of a job that is over.
    #[must_use]
    pub fn of_a_job_that_is_over(mut self) -> Self {
        self.seen.clear();
        self
    }

    /// When our changes to an account were made. Where nothing had to be done, what lives on was issued before the look that proved it.
    fn acted_on(&self, id: &str) -> ActedAt {
        let acted = self.acted_at.get(id).cloned().unwrap_or_default();
        ActedAt {
            last: acted.last.or(self.after_at),
            ..acted
        }
    }

    /// What a sweep starts from: whom it looks after, and whether their password was reset.
    #[must_use]
    pub fn for_a_sweep(&self) -> Self {
        Self {
            principal: self.principal.clone(),
            password_reset_at: self.password_reset_at,
            acted_at: self.principals().map(|id| (id.to_owned(), self.acted_on(id))).collect(),
            ..Self::default()
        }
    }
}

/// An action that was answered, or of which nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The row that [`Started`] gave.
    pub id: i64,
    /// What became of it.
    pub outcome: ActionOutcome,
    /// The target's ids of its requests.
    pub requests: Vec<String>,
    /// When the answer came.
    pub at: Timestamp,
}

/// An action whose intent is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its row.
    pub id: i64,
    /// What is about to be sent.
    pub action: Action,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionOutcome {
    /// The target accepted it.
    Done,
    /// It was so already.
    Already,
    /// The target refused, or did not answer: the text says which.
    Failed(String),
    /// It was never sent, since an earlier action of the plan failed or the case was called off.
    NotSent,
    /// Nobody knows: the daemon died between sending and recording.
    Unknown,
}

impl ActionOutcome {
    /// The word in the tables and the trail.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Already => "already",
            Self::Failed(_) => "failed",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}
