//! Reads the trail: its head, and the entries that pass a filter.

use revoked_trail::{BLOCK, Frontier, Hash};
use sqlx::{QueryBuilder, Sqlite};

use super::mentions::blocks_about;
use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::transaction::trail_append::read_frontier;
use crate::store::{Listed, Result, Store, StoreError};

/// How many blocks are searched at once: most searches end before they have read them all.
const BLOCKS_AT_ONCE: usize = 64;

/// One row of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailRow {
    /// Its place: also the index of its leaf.
    pub seq: u64,
    /// The line exactly as it was hashed.
    pub body: String,
    /// The stored leaf hash.
    pub leaf: Hash,
}

/// What `trail show` may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailFilter {
    /// One case.
    pub case: Option<i64>,
    /// One job.
    pub job: Option<i64>,
    /// One subject, by its reference.
    pub subject_refs: Option<Vec<String>>,
    /// Kinds that begin with this: `action.` or `hold.placed`.
    pub kind: Option<String>,
    /// Only what an operator of this name did.
    pub operator: Option<String>,
    /// From this instant on.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// From this place on.
    pub from: u64,
    /// Before this place.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// The newest of them, where there are more; else the oldest.
    pub newest: bool,
}

/// A member of an entry; nothing where the entry is no JSON, which must not fail the reading of the others.
macro_rules! member {
    ($name:literal) => {
        concat!("CASE WHEN json_valid(t.body) THEN t.body ->> '$.", $name, "' END")
    };
}

impl Store {
    /// The trail's frontier as stored.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is none.
    pub async fn trail_head(&self) -> Result<Frontier> {
        let mut conn = self
            .readers()
            .acquire()
            .await
            .map_err(StoreError::sql("reading the trail's head"))?;
        read_frontier(&mut conn).await
    }

    /// The rows that pass `filter`, oldest first; of more than its limit the oldest, or the newest. Those of a case, a job or a subject are looked for in the blocks alone that speak of it. One that
    /// is no text is named, and one that is no JSON passes no filter by what stands in it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn trail_search(&self, filter: &TrailFilter) -> Result<Listed<TrailRow>> {
        if filter.case.is_some() || filter.job.is_none() && filter.subject_refs.is_none() {
            return self.trail_rows(filter, None, filter.limit).await;
        }
        let (blocks, rest) = {
            let mut conn = self
                .readers()
                .acquire()
                .await
                .map_err(StoreError::sql("searching the trail"))?;
            blocks_about(&mut conn, filter.from, (filter.job, filter.subject_refs.as_deref())).await?
        };
        // The newest entries, whose blocks are not written down yet.
        let rest = u64::try_from(rest).unwrap_or(0).saturating_mul(BLOCK);
        let unwritten = TrailFilter {
            from: filter.from.max(rest),
            ..filter.clone()
        };
        let mut portions: Vec<Option<&[i64]>> = blocks.chunks(BLOCKS_AT_ONCE).map(Some).chain([None]).collect();
        if filter.newest {
            portions.reverse();
        }
        let mut found = Listed::default();
        for portion in portions {
            if left(filter, &found) == 0 {
                break;
            }
            let of = if portion.is_some() { filter } else { &unwritten };
            found.append(self.trail_rows(of, portion, left(filter, &found)).await?);
        }
        found.rows.sort_by_key(|row| row.seq);
        Ok(found)
    }

    /// The lines of the entries about these cases, oldest first: each block that speaks of several is read once.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(in crate::store) async fn trail_of_cases(&self, cases: &[i64]) -> Result<Vec<String>> {
        let doing = || StoreError::sql("reading what the trail says of cases");
        let mut conn = self.readers().acquire().await.map_err(doing())?;
        let rows = sqlx::query(concat!(
            "SELECT t.body FROM (SELECT DISTINCT m.block FROM json_each($1) n CROSS JOIN trail_case m ON m.case_id = n.value) b \
             CROSS JOIN trail t WHERE t.seq >= b.block * $2 AND t.seq < (b.block + 1) * $2 AND ",
            member!("case"),
            " IN (SELECT value FROM json_each($1)) ORDER BY t.seq"
        ))
        .bind(serde_json::Value::from(cases).to_string())
        .bind(BLOCK.cast_signed())
        .fetch_all(&mut *conn)
        .await
        .map_err(doing())?;
        rows.iter().map(|row| row.lossy(0)).collect()
    }

    async fn trail_rows(&self, filter: &TrailFilter, blocks: Option<&[i64]>, limit: u32) -> Result<Listed<TrailRow>> {
        // Behind the largest number there is nothing, not the row of that number once more.
        let Ok(from) = i64::try_from(filter.from) else {
            return Ok(Listed::default());
        };
        // Only what is asked for stands in the statement: an entry's members are read from its text, which costs most of the time.
        let mut query = QueryBuilder::<Sqlite>::new("SELECT t.seq, t.body, t.leaf FROM ");
        if let Some(case) = filter.case {
            // Only the blocks that speak of the case are read.
            query.push(format!(
                "trail_case b CROSS JOIN trail t WHERE t.seq >= b.block * {BLOCK} AND t.seq < (b.block + 1) * {BLOCK} AND b.case_id = "
            ));
            query
                .push_bind(case)
                .push(" AND ")
                .push(member!("case"))
                .push(" = ")
                .push_bind(case);
        } else if let Some(blocks) = blocks {
            query
                .push("json_each(")
                .push_bind(serde_json::Value::from(blocks).to_string())
                .push(format!(
                    ") b CROSS JOIN trail t WHERE t.seq >= b.value * {BLOCK} AND t.seq < (b.value + 1) * {BLOCK}"
                ));
        } else {
            query.push("trail t WHERE true");
        }
        query.push(" AND t.seq >= ").push_bind(from);
        if let Some(before) = filter.before {
            query
                .push(" AND t.seq < ")
                .push_bind(i64::try_from(before).unwrap_or(i64::MAX));
        }
        if let Some(job) = filter.job {
            query.push(" AND ").push(member!("job")).push(" = ").push_bind(job);
        }
        if let Some(references) = &filter.subject_refs {
            query.push(" AND ").push(member!("subject_ref")).push(" IN (");
            let mut list = query.separated(", ");
            for reference in references {
                list.push_bind(reference);
            }
            query.push(")");
        }
        if let Some(kind) = &filter.kind {
            query
                .push(" AND substr(")
                .push(member!("kind"))
                .push(", 1, length(")
                .push_bind(kind)
                .push(")) = ")
                .push_bind(kind);
        }
        if let Some(since) = filter.since {
            query.push(" AND ").push(member!("at")).push(" >= ").push_bind(since.ms());
        }
        if let Some(until) = filter.until {
            query.push(" AND ").push(member!("at")).push(" < ").push_bind(until.ms());
        }
        if let Some(operator) = &filter.operator {
            push_operator(&mut query, operator);
        }
        query
            .push(" ORDER BY t.seq ")
            .push(if filter.newest { "DESC" } else { "ASC" });
        query.push(" LIMIT ").push_bind(limit);
        let rows = query
            .build()
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("searching the trail"))?;
        let mut listed = Listed::read("trail", &rows, read_row)?;
        listed.rows.sort_by_key(|row| row.seq);
        Ok(listed)
    }
}

/// How many rows may still be shown.
fn left(filter: &TrailFilter, found: &Listed<TrailRow>) -> u32 {
    let shown = found.rows.len() + found.unreadable.len();
    filter.limit.saturating_sub(u32::try_from(shown).unwrap_or(u32::MAX))
}

fn read_row(row: &sqlx::sqlite::SqliteRow) -> Result<TrailRow> {
    let seq: i64 = row.read(0)?;
    let leaf = Hash::from_slice(row.read(2)?).ok_or_else(|| StoreError::Corrupt {
        table: "trail",
        id: seq,
        why: "its leaf is not 32 bytes".to_owned(),
    })?;
    Ok(TrailRow {
        seq: u64::try_from(seq).unwrap_or(0),
        body: row.read(1)?,
        leaf,
    })
}

/// Only what an operator of this name did, however it is known that they did.
fn push_operator(query: &mut QueryBuilder<Sqlite>, operator: &str) {
    // With the number that the kernel vouched for, or without one.
    let name = format!("operator:{operator}");
    query
        .push(" AND (")
        .push(member!("actor"))
        .push(" = ")
        .push_bind(name.clone());
    query
        .push(" OR substr(")
        .push(member!("actor"))
        .push(", 1, length(")
        .push_bind(name.clone());
    query.push(") + 1) = ").push_bind(format!("{name}("));
    // Or by the word of an OpenID provider.
    for way in ["oidc:", "oidc-login:"] {
        let signed_in = format!("{name} {way}");
        query
            .push(" OR substr(")
            .push(member!("actor"))
            .push(", 1, length(")
            .push_bind(signed_in.clone());
        query.push(")) = ").push_bind(signed_in);
    }
    // Or who became the account that did it.
    let (login, sudo) = (format!(" login:{operator}("), format!(" sudo:{operator}"));
    query
        .push(" OR instr(")
        .push(member!("actor"))
        .push(", ")
        .push_bind(login)
        .push(") > 0 OR substr(")
        .push(member!("actor"))
        .push(", -length(")
        .push_bind(sudo.clone())
        .push(")) = ")
        .push_bind(sudo)
        .push(")");
}
