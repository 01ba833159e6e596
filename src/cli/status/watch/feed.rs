//! What is new, from the trail: each entry that somebody who watches is told of, once and in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::cli::output::{LocalTimes, Meaning};
use crate::cli::trail::EntryLine;
use crate::store::{Store, TrailFilter};

/// For how long something is new, and how much of it is kept.
const NEW: Duration = Duration::from_mins(10);
const KEPT: usize = 100;
/// How many entries are looked through for that at the begin, and how many are read at once then.
const BEFORE: u32 = 1000;
const PORTION: u32 = 500;

/// Entries that are told of the whole installation: what somebody asked for, decided or proved, and what is in trouble.
const TOLD: &[&str] = &[
    "case.opened",
    "case.raised",
    "case.contained",
    "case.reopened",
    "case.cancelled",
    "case.called_off",
    "case.assigned",
    "release.asked",
    "job.failed",
    "hold.placed",
    "hold.approval_given",
    "hold.approved",
    "hold.rejected",
    "alert.raised",
    "alert.acknowledged",
    "alert.cleared",
    "departure.planned",
    "departure.changed",
    "departure.rescinded",
    "departure.cancelled",
    "departure.executed",
    "lane.paused",
    "lane.resumed",
    "lane.breaker_opened",
    "lane.breaker_closed",
    "target.paused",
    "target.resumed",
    "delivery.held",
    "group.list_accepted",
    "config.reloaded",
    "config.refused",
    "daemon.started",
    "daemon.stopped",
];

/// Steps of the queue that the course of a case says nothing by.
const SILENT: &[&str] = &["job.enqueued", "job.due", "job.claimed", "job.snoozed", "people.read"];

/// An entry, and whom it is about.
pub(super) struct Change {
    pub(super) entry: EntryLine,
    person: BTreeMap<String, String>,
}

impl Change {
    /// What happened, whose case it is, and who did it.
    pub(super) fn said(&self, times: &LocalTimes) -> String {
        self.entry.said(times, &self.person)
    }
}

/// What is new of the installation, or of one case.
pub(super) struct Feed {
    of: Option<i64>,
    next: u64,
    kept: VecDeque<Change>,
}

impl Feed {
    /// What was new when it began; of a case everything, as far as it is kept.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(super) async fn begin(store: &Store, of: Option<i64>) -> anyhow::Result<Self> {
        let mut feed = Self {
            of,
            // Before the rows: what is appended meanwhile is read then.
            next: store.trail_head().await?.size(),
            kept: VecDeque::new(),
        };
        let before = TrailFilter {
            case: of,
            before: Some(feed.next),
            limit: BEFORE,
            newest: true,
            ..TrailFilter::default()
        };
        feed.take(store, &before).await?;
        Ok(feed)
    }

    /// Reads on, up to so many entries: how many of them are told, and whether there are more to read.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(super) async fn read(&mut self, store: &Store) -> anyhow::Result<(usize, bool)> {
        let head = store.trail_head().await?.size();
        if self.next >= head {
            return Ok((0, false));
        }
        let end = head.min(self.next + u64::from(PORTION));
        let portion = TrailFilter {
            case: self.of,
            from: self.next,
            before: Some(end),
            limit: PORTION,
            ..TrailFilter::default()
        };
        let told = self.take(store, &portion).await?;
        self.next = end;
        Ok((told, end < head))
    }

    /// Reads on to the end, for whoever looks at the newest alone.
    ///
    /// # Errors
    /// As [`Feed::read`].
    pub(super) async fn catch_up(&mut self, store: &Store) -> anyhow::Result<()> {
        while self.read(store).await?.1 {
            self.forget();
        }
        Ok(())
    }

    /// Keeps those of the entries that are told, and answers how many.
    async fn take(&mut self, store: &Store, filter: &TrailFilter) -> anyhow::Result<usize> {
        let found = store.trail_search(filter).await?;
        let is_told = |entry: &EntryLine| match self.of {
            Some(_) => !SILENT.contains(&entry.kind()),
            None => TOLD.contains(&entry.kind()),
        };
        let entries = found.rows.iter().map(|row| EntryLine::of(row.seq, &row.body));
        let entries: Vec<EntryLine> = entries.filter(is_told).collect();
        let references: BTreeSet<String> = entries
            .iter()
            .filter_map(|entry| entry.subject_ref().map(str::to_owned))
            .collect();
        // Of a case it is said above whom it is about.
        let people = if self.of.is_some() || references.is_empty() {
            BTreeMap::new()
        } else {
            store.people_behind(&references).await?
        };
        let count = entries.len();
        self.kept.extend(entries.into_iter().map(|entry| {
            let person = entry.subject_ref().and_then(|reference| people.get_key_value(reference));
            let person = person.map(|(reference, name)| (reference.clone(), name.clone()));
            Change {
                person: person.into_iter().collect(),
                entry,
            }
        }));
        Ok(count)
    }

    /// The newest that were read, the oldest first.
    pub(super) fn newest(&self, count: usize) -> impl Iterator<Item = &Change> {
        self.kept.iter().skip(self.kept.len().saturating_sub(count))
    }

    /// Forgets what nobody looks at any more.
    pub(super) fn forget(&mut self) {
        self.kept.drain(..self.kept.len().saturating_sub(KEPT));
    }

    /// What is new, with how long ago it was.
    pub(super) fn recent(&mut self, times: &LocalTimes) -> impl Iterator<Item = (Meaning, String)> {
        self.forget();
        let is_old = |change: &Change| change.entry.at().is_none_or(|at| times.now().since(at) > NEW);
        while self.kept.front().is_some_and(is_old) {
            self.kept.pop_front();
        }
        self.kept.iter().map(|change| {
            let ago = change.entry.at().map_or_else(String::new, |at| times.away(at));
            let meaning = change.entry.meaning().unwrap_or(Meaning::Quiet);
            (meaning, format!("{ago}  {}  {}", change.entry.kind(), change.said(times)))
        })
    }
}

#[cfg(test)]
mod tests {
    use revoked_trail::EntryKind;

    use super::{SILENT, TOLD};

    #[test]
    fn what_is_told_and_what_is_not_are_kinds_of_entries() {
        let kinds: Vec<&str> = EntryKind::ALL.iter().map(|kind| kind.name()).collect();
        for kind in TOLD.iter().chain(SILENT) {
            assert!(kinds.contains(kind), "{kind}");
        }
    }
}
