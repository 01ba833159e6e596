//! The search over everything that is known: names, cases, departures, alerts, and accounts as the evidence of jobs has them.
//!
//! A part of a name may be anywhere in it, so each search reads all names once: some ten milliseconds for a hundred thousand of them.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::search_word::SearchWord;
use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How many of each kind a search shows.
pub const SHOWN: usize = 50;
/// The evidence of how many of the newest jobs is looked through.
pub const NEWEST_JOBS: i64 = 20_000;

/// What was found, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// Trouble that names it, or is about a case that was found.
    Alert,
    /// A name that is linked to others, or that a signal came with of which nothing followed.
    Name,
    /// An account at a target, as the evidence of a job has it.
    Account,
    /// Who leaves, by name or by HR's number.
    Departure,
    /// A case.
    Case,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SearchHit {
    /// What it is.
    pub kind: HitKind,
    /// The number of the case, the departure or the alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Whom it is about: a name in its canonical form, several on a line each; an account's id; an alert's sentence. Nothing where the person was erased.
    pub what: Option<String>,
    /// The target of an account, or the only one at which a name means something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Where it stands.
    pub state: String,
    /// What was proved about a case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The hold under which a case waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<i64>,
    /// The newest case of an account or an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// When a case was received, a name became known, an account was last looked at, an alert was last raised, access of a leaver ends.
    pub at: Timestamp,
    /// Whether the word is the whole of it, or of one of the person's names.
    pub exact: bool,
}

/// What a search has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchHits {
    /// At most [`SHOWN`] of each kind: kind by kind, the newest last, and what fits exactly behind the rest.
    pub hits: Vec<SearchHit>,
    /// Of which kinds there is more.
    pub more: Vec<HitKind>,
}

/// The part of a column `n` that is searched.
pub(super) const VALUE: &str = "substr(n, instr(n, CASE WHEN substr(n, 1, 8) = 'iss_sub:' THEN '#' ELSE ':' END) + 1)";

/// The names that are known: linked ones, and those that signals came with.
pub(super) const KNOWN: &str = "SELECT name FROM identity UNION ALL SELECT name FROM alias \
     UNION ALL SELECT subject FROM person WHERE substr(subject, 1, 8) <> 'aliases:'";

/// The condition that a text holds one of the needles `?1`, `?2` and `?3`.
pub(super) fn holds(text: &str) -> String {
    let like = |n: u8| format!("{text} LIKE '%' || ?{n} || '%' ESCAPE '\\'");
    format!("({} OR {} OR {})", like(1), like(2), like(3))
}

/// The condition that a text is one of them.
pub(super) fn is(text: &str) -> String {
    let like = |n: u8| format!("{text} LIKE ?{n} ESCAPE '\\'");
    format!("({} OR {} OR {})", like(1), like(2), like(3))
}

/// The tables of what fits: `hit` (names), `about` (the references of their people), `seen` (jobs by their accounts).
fn found(word: &SearchWord) -> String {
    let part = if word.with_format { "n" } else { VALUE };
    let account = "j.evidence ->> '$.principal'";
    let (holds_name, is_name, holds_account, is_account) = (holds(part), is(part), holds(account), is(account));
    format!(
        "WITH known (n) AS ({KNOWN}), \
         hit (name, exact) AS MATERIALIZED (SELECT n, max({is_name}) FROM known WHERE {holds_name} GROUP BY n), \
         linked (name, exact) AS (SELECT name, exact FROM hit UNION \
              SELECT o.name, h.exact FROM hit h JOIN identity i ON i.name = h.name JOIN identity o ON o.person = i.person), \
         about (ref, exact) AS MATERIALIZED (SELECT p.ref, l.exact FROM linked l JOIN person p ON p.subject = l.name \
              UNION SELECT a.ref, l.exact FROM linked l JOIN alias a ON a.name = l.name \
              UNION SELECT ?1, 1 WHERE ?1 LIKE 's\\_%' ESCAPE '\\'), \
         seen (job, case_id, target, account, suspended, at, exact) AS MATERIALIZED (\
              SELECT j.id, j.case_id, j.target, {account}, j.evidence ->> '$.suspended[1]', \
                     coalesce(j.finished_at, j.created_at), \
                     ({is_account} OR EXISTS (SELECT 1 FROM (SELECT value AS n FROM json_each(j.evidence, '$.names')) WHERE {is_name})) \
              FROM job j WHERE j.id > (SELECT max(id) FROM job) - {NEWEST_JOBS} AND j.evidence IS NOT NULL AND json_valid(j.evidence) \
              AND {account} IS NOT NULL \
              AND ({holds_account} OR EXISTS (SELECT 1 FROM (SELECT value AS n FROM json_each(j.evidence, '$.names')) WHERE {holds_name}))) "
    )
}

impl Store {
    /// Everything that holds the word, of each kind what fits exactly and then the newest.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn search(&self, word: &SearchWord) -> Result<SearchHits> {
        let mut found = SearchHits::default();
        let cases = self
            .search_for(
                word,
                "SELECT c.id, (SELECT subject FROM person WHERE ref = c.subject_ref), c.state, c.verdict, c.received_at, c.hold, \
                        max(f.exact) AS exact \
                 FROM (SELECT c.id AS id, a.exact AS exact FROM about a CROSS JOIN cases c ON c.subject_ref = a.ref \
                       UNION ALL SELECT case_id, exact FROM seen UNION ALL SELECT ?4, 1) f \
                 JOIN cases c ON c.id = f.id GROUP BY c.id ORDER BY exact DESC, c.id DESC LIMIT 51",
                None,
                |row| {
                    let state: String = row.read(2)?;
                    Ok(SearchHit {
                        number: Some(row.read(0)?),
                        what: row.read(1)?,
                        verdict: row.read(3)?,
                        hold: row.read::<Option<i64>>(5)?.filter(|_| state == "held"),
                        state,
                        exact: row.read(6)?,
                        ..SearchHit::of(HitKind::Case, Timestamp::from_ms(row.read(4)?))
                    })
                },
            )
            .await?;
        let numbers: Vec<i64> = cases.iter().filter_map(|case| case.number).collect();
        let numbers = serde_json::Value::from(numbers).to_string();
        let alerts = self
            .search_for(
                word,
                &format!(
                    "SELECT a.id, a.summary, a.cleared_at IS NULL, a.last_at, a.case_id FROM alert a \
                     WHERE {} OR {} OR a.case_id IN (SELECT value FROM json_each(?5)) ORDER BY 3 DESC, a.id DESC LIMIT 51",
                    holds("a.summary"),
                    holds("a.key")
                ),
                Some(&numbers),
                |row| {
                    Ok(SearchHit {
                        number: Some(row.read(0)?),
                        what: row.read(1)?,
                        state: if row.read(2)? { "open" } else { "over" }.to_owned(),
                        case: row.read(4)?,
                        ..SearchHit::of(HitKind::Alert, Timestamp::from_ms(row.read(3)?))
                    })
                },
            )
            .await?;
        let accounts = self
            .search_for(
                word,
                "SELECT account, target, max(job), case_id, suspended, at, max(exact) AS exact FROM seen GROUP BY target, account \
                 ORDER BY exact DESC, 3 DESC LIMIT 51",
                None,
                |row| {
                    Ok(SearchHit {
                        what: row.read(0)?,
                        target: row.read(1)?,
                        case: row.read(3)?,
                        state: if row.read::<Option<bool>>(4)?.unwrap_or(false) {
                            "suspended"
                        } else {
                            "enabled"
                        }
                        .to_owned(),
                        exact: row.read(6)?,
                        ..SearchHit::of(HitKind::Account, Timestamp::from_ms(row.read(5)?))
                    })
                },
            )
            .await?;
        let departures = self
            .search_for(
                word,
                &format!(
                    "SELECT d.id, (SELECT subject FROM person WHERE ref = d.subject_ref), d.state, d.acts_at, d.case_id, \
                            max({} OR coalesce(a.exact, 0)) AS exact \
                     FROM departure d LEFT JOIN about a ON a.ref = d.subject_ref \
                     WHERE a.ref IS NOT NULL OR {} GROUP BY d.id ORDER BY exact DESC, d.id DESC LIMIT 51",
                    is(&employee(word)),
                    holds(&employee(word))
                ),
                None,
                |row| {
                    Ok(SearchHit {
                        number: Some(row.read(0)?),
                        what: row.read(1)?,
                        state: row.read(2)?,
                        case: row.read(4)?,
                        exact: row.read(5)?,
                        ..SearchHit::of(HitKind::Departure, Timestamp::from_ms(row.read(3)?))
                    })
                },
            )
            .await?;
        let names = self.names_that_hold(word).await?;
        for mut of_kind in [alerts, names, accounts, departures, cases] {
            if of_kind.len() > SHOWN {
                of_kind.truncate(SHOWN);
                found.more.extend(of_kind.first().map(|hit| hit.kind));
            }
            found.hits.extend(of_kind.into_iter().rev());
        }
        found.hits.sort_by_key(|hit| hit.exact);
        Ok(found)
    }

    /// The linked names, and those that came with signals of which no case was made.
    async fn names_that_hold(&self, word: &SearchWord) -> Result<Vec<SearchHit>> {
        let now = self.clock().now();
        self.search_for(
            word,
            "SELECT h.name, i.target, i.since, i.until, i.disputed_at, \
                    (SELECT count(*) FROM identity o WHERE o.person = i.person), h.exact \
             FROM hit h CROSS JOIN identity i ON i.name = h.name \
             UNION ALL \
             SELECT h.name, '', p.seen_at, NULL, NULL, 1, h.exact FROM hit h JOIN person p ON p.subject = h.name \
             WHERE NOT EXISTS (SELECT 1 FROM identity i WHERE i.name = h.name) \
             AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.subject_ref = p.ref) \
             ORDER BY 7 DESC, 3 DESC LIMIT 51",
            None,
            |row| {
                let others = row.read::<i64>(5)? - 1;
                let is_replaced = row
                    .read::<Option<i64>>(3)?
                    .is_some_and(|until| Timestamp::from_ms(until) <= now);
                let state = match (row.is_null(4), others) {
                    (false, _) => "in dispute".to_owned(),
                    _ if is_replaced => "replaced".to_owned(),
                    (_, 0) => "alone".to_owned(),
                    (_, others) => format!("linked to {others}"),
                };
                Ok(SearchHit {
                    what: row.read(0)?,
                    target: Some(row.read::<String>(1)?).filter(|target| !target.is_empty()),
                    state,
                    exact: row.read(6)?,
                    ..SearchHit::of(HitKind::Name, Timestamp::from_ms(row.read(2)?))
                })
            },
        )
        .await
    }

    /// What a statement over the tables of [`found`] reads. A row that cannot be read is not found: the lists name it.
    async fn search_for(
        &self,
        word: &SearchWord,
        select: &str,
        more: Option<&str>,
        read: impl Fn(&SqliteRow) -> Result<SearchHit>,
    ) -> Result<Vec<SearchHit>> {
        let [written, lower, upper] = &word.needles;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{}{select}", found(word))))
            .bind(written)
            .bind(lower)
            .bind(upper)
            .bind(word.number)
            .bind(more)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("searching"))?;
        Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
    }
}

/// HR's number of a departure as it is searched: with its format where the word has one.
fn employee(word: &SearchWord) -> String {
    if word.with_format {
        "('employee_id:' || d.employee)".to_owned()
    } else {
        "d.employee".to_owned()
    }
}

impl SearchHit {
    fn of(kind: HitKind, at: Timestamp) -> Self {
        Self {
            kind,
            number: None,
            what: None,
            target: None,
            state: String::new(),
            verdict: None,
            hold: None,
            case: None,
            at,
            exact: false,
        }
    }
}
