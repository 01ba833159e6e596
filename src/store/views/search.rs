//! Looking for a word in everything that is known: names, cases, departures, holds, alerts, files.
//!
//! The tables of names are read from one end to the other, since half a name has no index; what belongs to whom is found by their references.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::model::{Subject, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Listed, Result, Store, StoreError};

/// The most that is found of each kind.
const MOST: usize = 50;
/// The most people whose cases and departures are looked for.
const PEOPLE: i64 = 500;
/// The most names that a word is compared with where nothing bears it.
const COMPARED: i64 = 200_000;
/// A shorter word is in almost everything that was ever seen at a target.
const SHORTEST_SEEN: usize = 4;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundKind {
    /// A file or another delivery with a name.
    Delivery,
    /// An alert.
    Alert,
    /// A departure.
    Departure,
    /// A case.
    Case,
    /// A name of somebody.
    Person,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What it is.
    pub what: FoundKind,
    /// Its number, where it has one.
    pub id: Option<i64>,
    /// Whom it is about, or what it says; `None` where the person was erased.
    pub name: Option<String>,
    /// What bears the word where that is not its name: `account at chat`, `note`, `number`.
    pub by: Option<String>,
    /// Its state, and the verdict of a case.
    pub state: Option<String>,
    /// The hold under which a case waits.
    pub hold: Option<i64>,
    /// When it came, or was seen last.
    pub at: Timestamp,
    /// Whether the word is the whole of the name, of its value, or the number.
    pub exact: bool,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAll {
    /// Everything, the exact last.
    pub found: Listed<Found>,
    /// Of which kinds there is more.
    pub more: BTreeSet<FoundKind>,
}

impl Store {
    /// Everything that bears `word`, in upper or lower case, at most 50 of a kind, the newest of each; those last of which it is the whole name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn search(&self, word: &str) -> Result<FoundAll> {
        let word = word.trim();
        let mut conn = self.readers().acquire().await.map_err(StoreError::sql("searching"))?;
        let mut search = Search {
            word: word.to_lowercase(),
            pattern: format!("%{}%", escaped(word)),
            number: word.parse().ok(),
            now: self.clock().now(),
            all: FoundAll {
                found: Listed {
                    rows: Vec::new(),
                    unreadable: Vec::new(),
                },
                more: BTreeSet::new(),
            },
        };
        search.run(&mut conn).await?;
        Ok(search.all)
    }

    /// The names of people, each in its canonical form, for the nearest to one that nobody bears.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn names(&self) -> Result<Vec<String>> {
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM (SELECT subject AS name FROM person WHERE subject NOT LIKE 'aliases:%' UNION SELECT name FROM alias \
             UNION SELECT name FROM identity) LIMIT ?",
        )
        .bind(COMPARED)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading the names of people"))?;
        Ok(rows)
    }
}

struct Search {
    /// In lower case.
    word: String,
    pattern: String,
    number: Option<i64>,
    now: Timestamp,
    all: FoundAll,
}

impl Search {
    async fn run(&mut self, conn: &mut SqliteConnection) -> Result<()> {
        let references = self.references(conn).await?;
        self.deliveries(conn).await?;
        self.alerts(conn).await?;
        self.departures(conn, &references).await?;
        self.cases(conn, &references).await?;
        self.names(conn).await?;
        // What the word names as a whole is what was meant: it stands where the reader looks last.
        self.all
            .found
            .rows
            .sort_by_key(|found| (found.exact, found.what, found.at, found.id));
        Ok(())
    }

    /// What stands for everybody who bears the word in one of their names, as a JSON list.
    async fn references(&self, conn: &mut SqliteConnection) -> Result<String> {
        let found: Vec<String> = sqlx::query_scalar(
            "WITH linked(name) AS (SELECT o.name FROM identity i JOIN identity o ON o.person = i.person WHERE i.name LIKE ?1 ESCAPE '\\') \
             SELECT ref FROM person WHERE subject LIKE ?1 ESCAPE '\\' UNION SELECT ref FROM alias WHERE name LIKE ?1 ESCAPE '\\' \
             UNION SELECT p.ref FROM linked JOIN person p ON p.subject = linked.name \
             UNION SELECT a.ref FROM linked JOIN alias a ON a.name = linked.name LIMIT ?2",
        )
        .bind(&self.pattern)
        .bind(PEOPLE)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("searching for names"))?;
        Ok(serde_json::Value::from(found).to_string())
    }

    async fn names(&mut self, conn: &mut SqliteConnection) -> Result<()> {
        let rows = sqlx::query(
            "SELECT name, max(at) FROM (SELECT subject AS name, seen_at AS at FROM person WHERE subject NOT LIKE 'aliases:%' \
             UNION ALL SELECT a.name, p.seen_at FROM alias a JOIN person p ON p.ref = a.ref \
             UNION ALL SELECT name, seen_at FROM identity WHERE until IS NULL OR until > ?2) \
             WHERE name LIKE ?1 ESCAPE '\\' GROUP BY name ORDER BY 2 DESC LIMIT 51",
        )
        .bind(&self.pattern)
        .bind(self.now.ms())
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("searching for names"))?;
        self.take("person", FoundKind::Person, &rows, |row, word| {
            let name = row.lossy(0)?;
            Ok(Found {
                what: FoundKind::Person,
                id: None,
                by: None,
                state: None,
                hold: None,
                at: Timestamp::from_ms(row.read(1)?),
                exact: is_whole(&name, word),
                name: Some(name),
            })
        })
    }

    async fn cases(&mut self, conn: &mut SqliteConnection, references: &str) -> Result<()> {
        let seen = self.word.len() >= SHORTEST_SEEN;
        let rows = sqlx::query(
            "WITH hit(id, by) AS ( \
                 SELECT c.id, NULL FROM cases c WHERE c.subject_ref IN (SELECT value FROM json_each(?1)) \
                 UNION ALL SELECT s.case_id, 'a note' FROM signal s WHERE s.note LIKE ?2 ESCAPE '\\' AND s.case_id IS NOT NULL \
                 UNION ALL SELECT c.id, 'the number' FROM cases c WHERE c.id = ?3 \
                 UNION ALL SELECT j.case_id, 'what was seen at ' || j.target FROM job j WHERE ?4 AND j.evidence LIKE ?2 ESCAPE '\\') \
             SELECT c.id, p.subject, min(hit.by), c.state, c.verdict, c.hold, c.received_at, count(*) > count(hit.by) \
             FROM hit JOIN cases c ON c.id = hit.id LEFT JOIN person p ON p.ref = c.subject_ref GROUP BY c.id ORDER BY c.id DESC LIMIT 51",
        )
        .bind(references)
        .bind(&self.pattern)
        .bind(self.number)
        .bind(seen)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("searching for cases"))?;
        let number = self.number;
        self.take("cases", FoundKind::Case, &rows, move |row, word| {
            let (id, state): (i64, String) = (row.read(0)?, row.read(3)?);
            let verdict: Option<String> = row.read(4)?;
            let by_name: bool = row.read(7)?;
            let name = name_at(row, 1)?;
            Ok(Found {
                what: FoundKind::Case,
                id: Some(id),
                by: if by_name { None } else { row.read(2)? },
                hold: row.read::<Option<i64>>(5)?.filter(|_| state == "held"),
                state: Some(match verdict {
                    Some(verdict) if state == "closed" => verdict,
                    _ => state,
                }),
                at: Timestamp::from_ms(row.read(6)?),
                exact: number == Some(id) || name.as_deref().is_some_and(|name| is_whole(name, word)),
                name,
            })
        })
    }

    async fn departures(&mut self, conn: &mut SqliteConnection, references: &str) -> Result<()> {
        let rows = sqlx::query(
            "SELECT d.id, p.subject, d.state, d.acts_at, d.employee, d.subject_ref IN (SELECT value FROM json_each(?1)) \
             FROM departure d LEFT JOIN person p ON p.ref = d.subject_ref \
             WHERE d.subject_ref IN (SELECT value FROM json_each(?1)) OR d.employee LIKE ?2 ESCAPE '\\' OR d.id = ?3 \
             ORDER BY d.acts_at DESC LIMIT 51",
        )
        .bind(references)
        .bind(&self.pattern)
        .bind(self.number)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("searching for departures"))?;
        let number = self.number;
        self.take("departure", FoundKind::Departure, &rows, move |row, word| {
            let id: i64 = row.read(0)?;
            let employee = row.lossy(4)?;
            let (by_name, is_number) = (row.read::<bool>(5)?, number == Some(id));
            let by_number = || {
                if is_number {
                    "the number".to_owned()
                } else {
                    format!("employee {employee}")
                }
            };
            let name = name_at(row, 1)?;
            Ok(Found {
                what: FoundKind::Departure,
                id: Some(id),
                by: (!by_name).then(by_number),
                state: Some(row.lossy(2)?),
                hold: None,
                at: Timestamp::from_ms(row.read(3)?),
                exact: is_number || employee.to_lowercase() == word || name.as_deref().is_some_and(|name| is_whole(name, word)),
                name,
            })
        })
    }

    async fn alerts(&mut self, conn: &mut SqliteConnection) -> Result<()> {
        let rows = sqlx::query(
            "SELECT id, summary, cleared_at IS NULL, last_at FROM alert WHERE summary LIKE ?1 ESCAPE '\\' OR id = ?2 ORDER BY id DESC LIMIT 51",
        )
        .bind(&self.pattern)
        .bind(self.number)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("searching for alerts"))?;
        let number = self.number;
        self.take("alert", FoundKind::Alert, &rows, move |row, _| {
            let id: i64 = row.read(0)?;
            Ok(Found {
                what: FoundKind::Alert,
                id: Some(id),
                name: Some(row.lossy(1)?),
                by: (number == Some(id)).then(|| "the number".to_owned()),
                state: Some(if row.read(2)? { "open" } else { "cleared" }.to_owned()),
                hold: None,
                at: Timestamp::from_ms(row.read(3)?),
                exact: number == Some(id),
            })
        })
    }

    async fn deliveries(&mut self, conn: &mut SqliteConnection) -> Result<()> {
        let rows = sqlx::query(
            "SELECT id, source || ': ' || name, signals, refused, received_at, lower(name) = ?2 FROM batch \
             WHERE name LIKE ?1 ESCAPE '\\' ORDER BY id DESC LIMIT 51",
        )
        .bind(&self.pattern)
        .bind(&self.word)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("searching for deliveries"))?;
        self.take("batch", FoundKind::Delivery, &rows, |row, _| {
            let (signals, refused): (i64, i64) = (row.read(2)?, row.read(3)?);
            Ok(Found {
                what: FoundKind::Delivery,
                id: None,
                name: Some(row.lossy(1)?),
                by: None,
                state: Some(format!("{signals} taken, {refused} refused")),
                hold: None,
                at: Timestamp::from_ms(row.read(4)?),
                exact: row.read(5)?,
            })
        })
    }

    /// Adds the rows of a kind; one more than are shown says that there is more.
    fn take(
        &mut self,
        table: &'static str,
        kind: FoundKind,
        rows: &[SqliteRow],
        read: impl Fn(&SqliteRow, &str) -> Result<Found>,
    ) -> Result<()> {
        if rows.len() > MOST {
            self.all.more.insert(kind);
        }
        let shown = &rows[..rows.len().min(MOST)];
        let listed = Listed::read(table, shown, |row| read(row, &self.word))?;
        self.all.found.rows.extend(listed.rows);
        self.all.found.unreadable.extend(listed.unreadable);
        Ok(())
    }
}

/// The names of a person in the column at `index`, one after the other.
fn name_at(row: &SqliteRow, index: usize) -> Result<Option<String>> {
    if row.is_null(index) {
        return Ok(None);
    }
    let text = row.lossy(index)?;
    let names = text.parse::<Subject>().map(|subject| {
        let names: Vec<String> = subject.names().iter().map(ToString::to_string).collect();
        names.join(", ")
    });
    Ok(Some(names.unwrap_or(text)))
}

/// Whether a word, in lower case, is one of the names in `text` or what one of them says after its format.
fn is_whole(text: &str, word: &str) -> bool {
    text.split(", ").any(|name| {
        let name = name.to_lowercase();
        name == word || name.split_once(':').is_some_and(|(_, value)| value == word)
    })
}

/// A word as a pattern of `LIKE` that matches nothing but itself.
fn escaped(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
