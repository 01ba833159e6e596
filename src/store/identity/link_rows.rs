//! Rows of the table `identity`: one name that is linked to a person, read, written and taken away.

use super::references::json_of;
use crate::model::{Subject, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Result, StoreError, Tx};

/// A name, and where it means something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopedName {
    /// The name: a simple subject.
    pub subject: Subject,
    /// The one target at which it means something; `None` for a name that means the person everywhere.
    pub target: Option<String>,
}

impl From<Subject> for ScopedName {
    fn from(subject: Subject) -> Self {
        Self { subject, target: None }
    }
}

impl ScopedName {
    /// The names of one person, the account ids among them with the target that they belong to.
    ///
    /// # Errors
    /// Where it is one name alone, or there is no account id that could belong to the target.
    pub fn of_person(subjects: Vec<Subject>, target: Option<&str>) -> std::result::Result<Vec<Self>, NoLink> {
        let all = Subject::together(subjects);
        let names: Vec<Self> = all
            .iter()
            .flat_map(Subject::names)
            .map(|subject| Self {
                subject: subject.clone(),
                target: target.filter(|_| matches!(subject, Subject::Opaque(_))).map(str::to_owned),
            })
            .collect();
        if names.len() < 2 {
            return Err(NoLink::OneName);
        }
        if target.is_some() && names.iter().all(|name| name.target.is_none()) {
            return Err(NoLink::NoAccountId);
        }
        Ok(names)
    }
}

/// Why names are no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLink {
    /// There is one alone.
    #[error("name two names at least: a link is between names of one person")]
    OneName,
    /// A target is named, and no account of it.
    #[error("the target is the one whose account ids the id: names are, and none of the names is one")]
    NoAccountId,
}

/// A row of the table.
pub(super) struct LinkRow {
    pub(super) id: i64,
    pub(super) person: i64,
    pub(super) name: String,
    pub(super) target: String,
    pub(super) source: Option<String>,
    pub(super) seen_at: Timestamp,
    pub(super) replaced: bool,
}

impl LinkRow {
    pub(super) fn is(&self, name: &ScopedName) -> bool {
        self.name == name.subject.to_string() && self.target == name.target.as_deref().unwrap_or_default()
    }
}

impl Tx<'_> {
    /// The rows of these names, less those whose time is over.
    pub(super) async fn link_rows(&mut self, names: &[ScopedName]) -> Result<Vec<LinkRow>> {
        let list = json_of(names.iter().map(|name| &name.subject));
        sqlx::query("DELETE FROM identity WHERE until <= ? AND name IN (SELECT value FROM json_each(?))")
            .bind(self.now.ms())
            .bind(&list)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("forgetting names that were replaced"))?;
        let rows = sqlx::query(
            "SELECT i.id, i.person, i.name, i.target, i.source, i.seen_at, i.until IS NOT NULL \
             FROM json_each(?) n JOIN identity i ON i.name = n.value ORDER BY i.id",
        )
        .bind(list)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking up who names belong to"))?;
        let mut rows: Vec<LinkRow> = rows
            .iter()
            .map(|row| {
                Ok(LinkRow {
                    id: row.read(0)?,
                    person: row.read(1)?,
                    name: row.read(2)?,
                    target: row.read(3)?,
                    source: row.read(4)?,
                    seen_at: Timestamp::from_ms(row.read(5)?),
                    replaced: row.read(6)?,
                })
            })
            .collect::<Result<_>>()?;
        // The same name at another target is another name.
        rows.retain(|row| names.iter().any(|name| row.is(name)));
        Ok(rows)
    }

    pub(super) async fn next_person(&mut self) -> Result<i64> {
        sqlx::query_scalar("SELECT coalesce(max(person), 0) + 1 FROM identity WHERE person < 4611686018427387904")
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("numbering a person"))
    }

    pub(super) async fn insert_link(&mut self, person: i64, name: &ScopedName, source: Option<&str>) -> Result<()> {
        sqlx::query("INSERT INTO identity (person, name, target, source, since, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)")
            .bind(person)
            .bind(name.subject.to_string())
            .bind(name.target.as_deref().unwrap_or_default())
            .bind(source)
            .bind(self.now.ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("linking a name"))?;
        Ok(())
    }

    /// Runs a change of one row: its number is the first parameter, now is the second.
    pub(super) async fn update_link(&mut self, id: i64, sql: &'static str) -> Result<()> {
        sqlx::query(sql)
            .bind(id)
            .bind(self.now.ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("changing a link"))?;
        Ok(())
    }

    /// Forgets what was replaced long ago, and what a source has not said again since `before`, unless something is kept about the person.
    /// An operator's word stays.
    pub(in crate::store) async fn prune_links(&mut self, before: Timestamp) -> Result<u64> {
        let gone = sqlx::query(
            "DELETE FROM identity WHERE until <= ?1 OR (source IS NOT NULL AND seen_at < ?2 AND NOT EXISTS \
                (SELECT 1 FROM identity o JOIN person p ON p.subject = o.name WHERE o.person = identity.person))",
        )
        .bind(self.now.ms())
        .bind(before.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("forgetting links"))?;
        Ok(gone.rows_affected())
    }
}
