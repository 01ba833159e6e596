//! The search over everything that is known: names, cases, departures, alerts, and accounts as the evidence of jobs has them.
//!
//! A part of a name may be anywhere in it, so each search reads all names once, and then goes from those that fit to what is about them by indexes.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use super::search_word::{SearchWord, value_of};
use crate::model::Timestamp;
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError};

/// How many of each kind a search shows.
pub const SHOWN: usize = 50;
/// The evidence of how many of the newest jobs is looked through.
pub const NEWEST_JOBS: i64 = 20_000;

/// What was found, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SearchHit {
    /// What it is.
    pub kind: HitKind,
    /// The number of the case, the departure or the alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Whom it is about: a name in its canonical form, several on a line each; an account's id; an alert's sentence. Nothing where the person was erased.
    pub what: Option<String>,
    /// What the target calls an account.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
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

/// How many of the names that fit are followed to what is about them: those that fit exactly first.
const FOLLOWED: usize = 1_000;

/// The part of a column `n` that is searched, where the word has no format before it.
pub(super) const VALUE: &str = "substr(n, instr(n, CASE WHEN substr(n, 1, 8) = 'iss_sub:' THEN '#' ELSE ':' END) + 1)";

/// The names that are known: linked ones, and those that signals came with.
pub(super) const KNOWN: &str = "SELECT name AS n FROM identity UNION ALL SELECT name FROM alias \
     UNION ALL SELECT subject FROM person WHERE substr(subject, 1, 8) <> 'aliases:'";

/// Of the JSON lists `?1` (names that fit, each with whether exactly) and `?2` (cases that fit by an account, likewise): the references of the
/// people whom the names are of.
const ABOUT: &str = "WITH hit (name, exact) AS (SELECT value ->> 0, value ->> 1 FROM json_each(?1)), \
     linked (name, exact) AS (SELECT name, exact FROM hit UNION \
         SELECT o.name, h.exact FROM hit h CROSS JOIN identity i ON i.name = h.name CROSS JOIN identity o ON o.person = i.person), \
     about (ref, exact) AS MATERIALIZED (SELECT p.ref, l.exact FROM linked l CROSS JOIN person p ON p.subject = l.name \
         UNION SELECT a.ref, l.exact FROM linked l CROSS JOIN alias a ON a.name = l.name \
         UNION SELECT ?3, 1 WHERE ?3 LIKE 's\\_%' ESCAPE '\\') ";

/// An account that a job has found.
#[derive(Debug, Clone)]
pub(super) struct SeenAccount {
    pub(super) case: i64,
    target: String,
    pub(super) id: String,
    /// The names that it has at the target, as far as they were kept.
    pub(super) names: Vec<String>,
    is_suspended: bool,
    at: Timestamp,
}

impl Store {
    /// Everything that holds the word, of each kind what fits exactly and then the newest.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn search(&self, word: &SearchWord) -> Result<SearchHits> {
        let names = self.known_names_that_hold(word).await?;
        let seen = self.accounts_that_hold(word).await?;
        let is =
            |account: &SeenAccount| word.is(&format!("opaque:{}", account.id)) || account.names.iter().any(|name| word.is(name));
        let pairs: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), i64::from(word.is(name)))).collect();
        let by_account: Vec<(i64, i64)> = seen.iter().map(|account| (account.case, i64::from(is(account)))).collect();
        let pairs = written("names", &pairs)?;
        let cases = self.cases_found(word, &pairs, written("cases", &by_account)?).await?;
        let numbers: Vec<i64> = cases.iter().filter_map(|case| case.number).collect();
        let mut accounts: Vec<SearchHit> = Vec::new();
        for account in &seen {
            let is_known = |hit: &SearchHit| hit.what.as_ref() == Some(&account.id) && hit.target.as_ref() == Some(&account.target);
            if accounts.iter().any(is_known) {
                continue;
            }
            let state = if account.is_suspended { "suspended" } else { "enabled" };
            accounts.push(SearchHit {
                what: Some(account.id.clone()),
                names: account.names.clone(),
                target: Some(account.target.clone()),
                case: Some(account.case),
                state: state.to_owned(),
                exact: is(account),
                ..SearchHit::of(HitKind::Account, account.at)
            });
        }
        accounts.sort_by_key(|hit| !hit.exact);
        let mut found = SearchHits::default();
        let kinds = [
            self.alerts_found(word, &numbers).await?,
            self.names_found(&pairs).await?,
            accounts,
            self.departures_found(word, &pairs).await?,
            cases,
        ];
        for mut of_kind in kinds {
            if of_kind.len() > SHOWN {
                of_kind.truncate(SHOWN);
                found.more.extend(of_kind.first().map(|hit| hit.kind));
            }
            found.hits.extend(of_kind.into_iter().rev());
        }
        found.hits.sort_by_key(|hit| hit.exact);
        Ok(found)
    }

    /// The known names that hold the word, those first that are the word.
    pub(super) async fn known_names_that_hold(&self, word: &SearchWord) -> Result<Vec<String>> {
        let looked_at = if word.with_format { "n" } else { VALUE };
        // Most names do not hold it anywhere, and are done with.
        let (anywhere, holds, equals) = (word.holds("n", 1), word.holds(looked_at, 1), word.equals(looked_at, 1));
        let sql =
            format!("SELECT n FROM ({KNOWN}) WHERE {anywhere} AND {holds} GROUP BY n ORDER BY {equals} DESC LIMIT {FOLLOWED}");
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
        for needle in &word.needles {
            query = query.bind(needle);
        }
        query
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("searching names"))
    }

    /// The accounts that the newest jobs have found and that hold the word, the newest first.
    pub(super) async fn accounts_that_hold(&self, word: &SearchWord) -> Result<Vec<SeenAccount>> {
        // A name in JSON may be written otherwise than it reads; ids and login names are not.
        let sql = format!(
            "SELECT j.case_id, j.target, j.evidence ->> '$.principal', j.evidence -> '$.names', j.evidence ->> '$.suspended[1]', \
                    coalesce(j.finished_at, j.created_at) \
             FROM job j WHERE j.id > (SELECT max(id) FROM job) - {NEWEST_JOBS} AND {} AND json_valid(j.evidence) \
             AND j.evidence ->> '$.principal' IS NOT NULL ORDER BY j.id DESC",
            word.holds("j.evidence", 1)
        );
        let bare = SearchWord::new(value_of(word.written()))
            .filter(|_| word.with_format)
            .unwrap_or_else(|| word.clone());
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for needle in &bare.needles {
            query = query.bind(needle);
        }
        let rows = query
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("searching accounts"))?;
        let wanted = word.written().to_lowercase();
        let holds = |name: &str| {
            let looked_at = if word.with_format { name } else { value_of(name) };
            looked_at.to_lowercase().contains(&wanted)
        };
        let mut seen = Vec::new();
        for row in &rows {
            let names = row.read::<Option<&str>>(3)?.and_then(|text| serde_json::from_str(text).ok());
            let account = SeenAccount {
                case: row.read(0)?,
                target: row.lossy(1)?,
                id: row.lossy(2)?,
                names: names.unwrap_or_default(),
                is_suspended: row.read::<Option<bool>>(4)?.unwrap_or(false),
                at: Timestamp::from_ms(row.read(5)?),
            };
            if holds(&format!("opaque:{}", account.id)) || account.names.iter().any(|name| holds(name)) {
                seen.push(account);
            }
            if seen.len() >= FOLLOWED {
                break;
            }
        }
        Ok(seen)
    }

    async fn cases_found(&self, word: &SearchWord, names: &str, by_account: String) -> Result<Vec<SearchHit>> {
        let sql = format!(
            "{ABOUT} SELECT c.id, (SELECT subject FROM person WHERE ref = c.subject_ref), c.state, c.verdict, c.received_at, c.hold, \
                 max(f.exact) AS exact \
             FROM (SELECT c.id AS id, a.exact AS exact FROM about a CROSS JOIN cases c ON c.subject_ref = a.ref \
                   UNION ALL SELECT value ->> 0, value ->> 1 FROM json_each(?2) UNION ALL SELECT ?4, 1) f \
             CROSS JOIN cases c ON c.id = f.id GROUP BY c.id ORDER BY exact DESC, c.id DESC LIMIT 51"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(names.to_owned())
            .bind(by_account)
            .bind(word.written().to_owned())
            .bind(word.number);
        self.hits(query, |row| {
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
        })
        .await
    }

    /// Alerts that hold the word, and those about cases that were found.
    async fn alerts_found(&self, word: &SearchWord, cases: &[i64]) -> Result<Vec<SearchHit>> {
        let sql = format!(
            "SELECT id, summary, cleared_at IS NULL, last_at, case_id FROM alert \
             WHERE {} OR {} OR case_id IN (SELECT value FROM json_each(?1)) ORDER BY 3 DESC, id DESC LIMIT 51",
            word.holds("summary", 2),
            word.holds("key", 2)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(written("cases", cases)?);
        for needle in &word.needles {
            query = query.bind(needle.clone());
        }
        self.hits(query, |row| {
            Ok(SearchHit {
                number: Some(row.read(0)?),
                what: row.read(1)?,
                state: if row.read(2)? { "open" } else { "over" }.to_owned(),
                case: row.read(4)?,
                ..SearchHit::of(HitKind::Alert, Timestamp::from_ms(row.read(3)?))
            })
        })
        .await
    }

    async fn departures_found(&self, word: &SearchWord, names: &str) -> Result<Vec<SearchHit>> {
        let number = employee(word);
        let sql = format!(
            "{ABOUT} SELECT d.id, (SELECT subject FROM person WHERE ref = d.subject_ref), d.state, d.acts_at, d.case_id, \
                 max({} OR coalesce(a.exact, 0)) AS exact \
             FROM departure d LEFT JOIN about a ON a.ref = d.subject_ref \
             WHERE a.ref IS NOT NULL OR {} GROUP BY d.id ORDER BY exact DESC, d.id DESC LIMIT 51",
            word.equals(&number, 4),
            word.holds(&number, 4)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(names.to_owned())
            .bind("[]")
            .bind(word.written().to_owned());
        for needle in &word.needles {
            query = query.bind(needle.clone());
        }
        self.hits(query, |row| {
            Ok(SearchHit {
                number: Some(row.read(0)?),
                what: row.read(1)?,
                state: row.read(2)?,
                case: row.read(4)?,
                exact: row.read(5)?,
                ..SearchHit::of(HitKind::Departure, Timestamp::from_ms(row.read(3)?))
            })
        })
        .await
    }

    /// The linked names, and those that came with signals of which no case was made.
    async fn names_found(&self, names: &str) -> Result<Vec<SearchHit>> {
        let now = self.clock().now();
        let sql = "WITH hit (name, exact) AS (SELECT value ->> 0, value ->> 1 FROM json_each(?1)) \
             SELECT h.name, i.target, i.since, i.until, i.disputed_at, \
                    (SELECT count(*) FROM identity o WHERE o.person = i.person), h.exact \
             FROM hit h CROSS JOIN identity i ON i.name = h.name \
             UNION ALL \
             SELECT h.name, '', p.seen_at, NULL, NULL, 1, h.exact FROM hit h CROSS JOIN person p ON p.subject = h.name \
             WHERE NOT EXISTS (SELECT 1 FROM identity i WHERE i.name = h.name) \
             AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.subject_ref = p.ref) \
             ORDER BY 7 DESC, 3 DESC, 1 DESC LIMIT 51";
        self.hits(sqlx::query(sql).bind(names.to_owned()), |row| {
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
        })
        .await
    }

    /// What a statement finds. A row that cannot be read is not found: the lists name it.
    async fn hits(
        &self,
        query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
        read: impl Fn(&SqliteRow) -> Result<SearchHit>,
    ) -> Result<Vec<SearchHit>> {
        let rows = query.fetch_all(self.readers()).await.map_err(StoreError::sql("searching"))?;
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
            names: Vec::new(),
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
