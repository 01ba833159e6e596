//! Whom a bare word may mean: the known names that it is, and those that are near it.

use super::search::{KNOWN, NEWEST_JOBS, VALUE, is};
use super::search_word::SearchWord;
use crate::model::Subject;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How many names are looked at for one that is near a word.
const LOOKED_AT: i64 = 50_000;

/// A name that a word may mean, and where it is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownName {
    /// The name.
    pub name: Subject,
    /// The person that it is linked to others of.
    pub person: Option<i64>,
    /// The source that links it; nothing where an operator does, or nobody.
    pub source: Option<String>,
    /// The newest case that came by it, or that found an account of that name.
    pub case: Option<i64>,
}

impl Store {
    /// The known names that are this word behind their format, each once, the surest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn names_called(&self, word: &SearchWord) -> Result<Vec<KnownName>> {
        let is_value = is(VALUE);
        let sql = format!(
            "WITH hit (name) AS (SELECT n FROM (SELECT name AS n FROM ({KNOWN})) WHERE {is_value} \
                 UNION SELECT n FROM (SELECT e.value AS n FROM job j, json_each(CASE WHEN json_valid(j.evidence) THEN j.evidence END, '$.names') e \
                     WHERE j.id > (SELECT max(id) FROM job) - {NEWEST_JOBS} AND j.evidence IS NOT NULL) WHERE {is_value}) \
             SELECT h.name, (SELECT person FROM identity i WHERE i.name = h.name LIMIT 1), \
                 (SELECT source FROM identity i WHERE i.name = h.name LIMIT 1), \
                 coalesce((SELECT max(c.id) FROM person p JOIN cases c ON c.subject_ref = p.ref WHERE p.subject = h.name), \
                     (SELECT max(c.id) FROM alias a JOIN cases c ON c.subject_ref = a.ref WHERE a.name = h.name), \
                     (SELECT max(j.case_id) FROM job j WHERE j.id > (SELECT max(id) FROM job) - {NEWEST_JOBS} AND json_valid(j.evidence) \
                         AND EXISTS (SELECT 1 FROM json_each(j.evidence, '$.names') e WHERE e.value = h.name))) \
             FROM hit h LIMIT 100"
        );
        let [written, lower, upper] = &word.needles;
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(written)
            .bind(lower)
            .bind(upper)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking up a name"))?;
        let mut names = Vec::with_capacity(rows.len());
        for row in &rows {
            // A name that another program has written is nobody's.
            let Ok(name) = row.read::<&str>(0)?.parse() else { continue };
            names.push(KnownName {
                name,
                person: row.read(1)?,
                source: row.read(2)?,
                case: row.read(3)?,
            });
        }
        names.sort_by(|one, other| (one.name.rank(), &one.name).cmp(&(other.name.rank(), &other.name)));
        Ok(names)
    }

    /// Known names about as long as this word, for whoever looks for the one that was meant.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn names_about_as_long_as(&self, word: &SearchWord) -> Result<Vec<String>> {
        let length = i64::try_from(word.written().chars().count()).unwrap_or(i64::MAX);
        // Of an address the part before the domain is what people mistype.
        let sql = format!(
            "SELECT DISTINCT n FROM (SELECT name AS n FROM ({KNOWN})) \
             WHERE length({VALUE}) BETWEEN ?1 - 2 AND ?1 + 2 OR instr({VALUE}, '@') - 1 BETWEEN ?1 - 2 AND ?1 + 2 LIMIT {LOOKED_AT}"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(length)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking for names that are near a word"))
    }
}
