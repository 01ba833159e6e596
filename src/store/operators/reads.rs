//! That somebody has read what is kept about people: an entry of the trail, once an hour for each operator and person.

use std::collections::BTreeSet;
use std::time::Duration;

use revoked_trail::{Entry, EntryKind};

use crate::digest::{hex, sha256};
use crate::model::Actor;
use crate::store::columns::{Columns as _, written};
use crate::store::{HitKind, Result, SearchHits, Store, StoreError, Tx};

/// Where it lies, among what sources keep and under a name that no source can have, what was recorded within the hour.
const PLACE: (&str, &str) = ("[reads]", "people");
/// For how long the same read is not recorded again.
const EVERY: Duration = Duration::from_hours(1);
/// Of so many people each has an entry.
const EACH: usize = 10;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleRead {
    /// Who read it.
    pub by: Actor,
    /// By which command or page: `case report`.
    pub with: &'static str,
    /// The cases that were shown.
    pub cases: Vec<i64>,
    /// What else has stood for the people whom it is about.
    pub subject_refs: Vec<String>,
    /// About how many people it is, where that is more than the cases and references tell.
    pub people: usize,
}

impl PeopleRead {
    /// Nothing yet.
    #[must_use]
    pub fn new(by: Actor, with: &'static str) -> Self {
        Self {
            by,
            with,
            cases: Vec::new(),
            subject_refs: Vec::new(),
            people: 0,
        }
    }

    /// The same of what was found: as many people as there are names and cases.
    #[must_use]
    pub fn of_found(self, found: &SearchHits) -> Self {
        let cases = found.hits.iter().filter_map(|hit| match hit.kind {
            HitKind::Case => hit.number,
            _ => hit.case,
        });
        let of_people = found
            .hits
            .iter()
            .filter(|hit| !matches!(hit.kind, HitKind::Alert | HitKind::Account));
        let named: BTreeSet<&str> = of_people.filter_map(|hit| hit.what.as_deref()).collect();
        Self {
            cases: cases.collect(),
            people: named.len(),
            ..self
        }
    }
}

/// One entry that is due.
struct Due {
    /// What keeps it from being written again, and tells nothing.
    key: String,
    entry: Entry,
}

impl Store {
    /// Records that somebody has read about people, unless the same operator has been recorded for the same within the hour. Of up to ten people each
    /// has an entry, of more there is one with their number.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn note_read(&self, read: &PeopleRead) -> Result<()> {
        // In the order of their cases, as nothing about a reference says when its person came.
        let mut references = read.subject_refs.clone();
        references.extend(self.people_of(&read.cases).await?);
        let mut seen = BTreeSet::new();
        references.retain(|reference| seen.insert(reference.clone()));
        let people = read.people.max(references.len());
        if people == 0 {
            return Ok(());
        }
        let by = read.by.to_string();
        let detail = |people: usize| serde_json::json!({ "with": read.with, "people": people });
        let key = |about: &str| hex(&sha256(format!("{by}\n{about}").as_bytes()));
        let due: Vec<Due> = if people > EACH || references.is_empty() {
            vec![Due {
                key: key(&format!("{} {people}", read.with)),
                entry: Entry::new(EntryKind::PeopleRead, read.by.clone()).detail(detail(people)),
            }]
        } else {
            let each = references.iter().map(|reference| Due {
                key: key(reference),
                entry: Entry::new(EntryKind::PeopleRead, read.by.clone())
                    .subject_ref(reference)
                    .detail(detail(1)),
            });
            each.collect()
        };
        // Mostly it is there already, and nothing is to be written.
        let known = self.recorded_reads(due.iter().map(|due| due.key.as_str()).collect()).await?;
        let due: Vec<Due> = due.into_iter().filter(|due| !known.contains(&due.key)).collect();
        if due.is_empty() {
            return Ok(());
        }
        self.write(move |tx| Box::pin(async move { tx.record_reads(&due).await }))
            .await
    }

    /// How many people are known.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn count_people(&self) -> Result<usize> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM person")
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("counting people"))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// What stands for the people of these cases.
    async fn people_of(&self, cases: &[i64]) -> Result<Vec<String>> {
        if cases.is_empty() {
            return Ok(Vec::new());
        }
        sqlx::query_scalar("SELECT c.subject_ref FROM json_each($1) n CROSS JOIN cases c ON c.id = n.value GROUP BY c.subject_ref ORDER BY min(c.id)")
            .bind(written("numbers of cases", cases)?)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking up whom cases are about"))
    }

    async fn recorded_reads(&self, keys: Vec<&str>) -> Result<BTreeSet<String>> {
        let since = self.clock().now().minus(EVERY).ms();
        let rows = sqlx::query(
            "SELECT m.key FROM json_each($1) k CROSS JOIN memory m ON m.source = $2 AND m.drawer = $3 AND m.key = k.value WHERE m.changed_at > $4",
        )
        .bind(written("what was read", &keys)?)
        .bind(PLACE.0)
        .bind(PLACE.1)
        .bind(since)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking up which reads are recorded"))?;
        rows.iter().map(|row| row.read(0)).collect()
    }
}

impl Tx<'_> {
    async fn record_reads(&mut self, due: &[Due]) -> Result<()> {
        for Due { key, entry } in due {
            let kept = sqlx::query(
                "INSERT INTO memory (source, drawer, key, body, changed_at) VALUES ($1, $2, $3, '', $4) \
                 ON CONFLICT (source, drawer, key) DO UPDATE SET changed_at = $4 WHERE memory.changed_at <= $5 OR memory.changed_at > $4",
            )
            .bind(PLACE.0)
            .bind(PLACE.1)
            .bind(key)
            .bind(self.now.ms())
            .bind(self.now.minus(EVERY).ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("noting what was read"))?;
            if kept.rows_affected() == 1 {
                self.record(entry);
            }
        }
        sqlx::query("DELETE FROM memory WHERE source = $1 AND drawer = $2 AND changed_at <= $3")
            .bind(PLACE.0)
            .bind(PLACE.1)
            .bind(self.now.minus(EVERY).ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("forgetting what was read"))?;
        Ok(())
    }
}
