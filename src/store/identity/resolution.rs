//! Identity resolution: from the names in a signal to the person that they belong to, by every name that is linked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::references::json_of;
use crate::model::{Job, Subject, Timestamp};
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::{Result, Store, StoreError, Tx};

/// A name of a person, as `revoked subject show` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LinkedName {
    /// The name.
    #[schema(value_type = String)]
    pub name: Subject,
    /// Where it means something at one target only: that target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The source that says so; `None` for an operator.
    pub source: Option<String>,
    /// Since when it is known.
    pub since: Timestamp,
    /// When its source last said so.
    pub seen_at: Timestamp,
    /// Until when it counts, where it was replaced by another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When another source first said that it is somebody else's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disputed_at: Option<Timestamp>,
}

/// What [`linked_name`] reads.
const LINKED: &str = "SELECT name, target, source, since, seen_at, until, disputed_at FROM identity";

/// Whom a signal is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct ResolvedIdentity {
    /// The names that the signal came with, in their canonical order.
    pub(in crate::store) said: Subject,
    /// All names of that person; where it is not clear who is meant, those of everybody who may be.
    pub(in crate::store) names: Subject,
    /// What the person's reference is made from.
    pub(in crate::store) anchor: Subject,
    /// The names belong to several people, or the only one that is known is in dispute.
    pub(in crate::store) unclear: bool,
}

impl ResolvedIdentity {
    /// The names by which the person's open cases are found: never those of somebody else.
    pub(in crate::store) fn own_names(&self) -> &Subject {
        if self.unclear { &self.said } else { &self.names }
    }
}

impl Store {
    /// Every name of the person whom `name` belongs to, the oldest first; empty where it is linked to nothing.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn names_of(&self, name: &Subject) -> Result<Vec<LinkedName>> {
        let sql = format!(
            "{LINKED} WHERE person IN (SELECT person FROM identity WHERE name IN (SELECT value FROM json_each(?))) ORDER BY person, id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json_of(name.names()))
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking up who a name belongs to"))?;
        rows.iter().map(linked_name).collect()
    }

    /// The names that a source has claimed for somebody else than whom they are linked to.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn disputed_names(&self) -> Result<Vec<LinkedName>> {
        let sql = format!("{LINKED} WHERE disputed_at IS NOT NULL ORDER BY disputed_at, id LIMIT 1000");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing names in dispute"))?;
        rows.iter().map(linked_name).collect()
    }

    /// The same subject with every name that is known of its person. Where it is not clear who is meant, the subject as it is.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn with_known_names(&self, subject: &Subject) -> Result<Subject> {
        Ok(self.identity_of(subject).await?.own_names().clone())
    }

    /// The names of whoever a subject means, as policy is asked about them, and whether it is not clear who that is.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn whom(&self, subject: &Subject) -> Result<(Subject, bool)> {
        let identity = self.identity_of(subject).await?;
        Ok((identity.names, identity.unclear))
    }

    async fn identity_of(&self, subject: &Subject) -> Result<ResolvedIdentity> {
        let mut conn = self
            .readers()
            .acquire()
            .await
            .map_err(StoreError::sql("looking up who a name belongs to"))?;
        resolve_identity(&mut conn, subject, self.clock().now()).await
    }
}

impl Tx<'_> {
    /// Whom a subject is, by every name that is known.
    pub(in crate::store) async fn resolve_identity(&mut self, subject: &Subject) -> Result<ResolvedIdentity> {
        resolve_identity(self.conn, subject, self.now).await
    }

    /// See [`add_known_names`].
    pub(in crate::store) async fn add_known_names(&mut self, jobs: &mut [Job]) -> Result<()> {
        add_known_names(self.conn, jobs, self.now).await
    }

    /// What the one person with these names is known by everywhere, the oldest first; nothing where it is in doubt who that is.
    pub(in crate::store) async fn known_names(&mut self, names: &BTreeSet<Subject>) -> Result<Vec<Subject>> {
        let found = linked_people(self.conn, &names.iter().collect(), self.now).await?;
        let Some(person) = only_person(names.iter(), &found) else {
            return Ok(Vec::new());
        };
        let mut members = names_of_people(self.conn, &[person].into(), self.now).await?;
        let names = members.remove(&person).into_iter().flatten();
        Ok(names.filter(|(_, target)| target.is_empty()).map(|(name, _)| name).collect())
    }

    /// See [`names_of_cases`].
    pub(in crate::store) async fn names_of_cases(&mut self, cases: &[i64]) -> Result<BTreeMap<i64, BTreeSet<Subject>>> {
        names_of_cases(self.conn, cases).await
    }
}

/// By name: whom it is linked to.
pub(in crate::store) type Links = BTreeMap<String, Vec<Link>>;
/// By person: every name with the target that it is limited to, the oldest first.
pub(in crate::store) type Members = BTreeMap<i64, Vec<(Subject, String)>>;

/// A name that is linked to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Link {
    pub(in crate::store) person: i64,
    /// Whether another source says that it is somebody else's; an operator's word is above that.
    pub(in crate::store) disputed: bool,
}

async fn resolve_identity(conn: &mut SqliteConnection, subject: &Subject, now: Timestamp) -> Result<ResolvedIdentity> {
    let said = ResolvedIdentity::said(subject);
    let found = linked_people(conn, &said.names().iter().collect(), now).await?;
    let members = if found.is_empty() {
        Members::new()
    } else {
        let persons: BTreeSet<i64> = found.values().flatten().map(|link| link.person).collect();
        names_of_people(conn, &persons, now).await?
    };
    Ok(ResolvedIdentity::of(said, &found, &members))
}

impl ResolvedIdentity {
    /// The names of a subject in their canonical order.
    pub(in crate::store) fn said(subject: &Subject) -> Subject {
        Subject::together([subject.clone()]).unwrap_or_else(|| subject.clone())
    }

    /// Whom the names `said` mean, where `found` is whom they are linked to, and `members` has at least every name of those.
    pub(in crate::store) fn of(said: Subject, found: &Links, members: &Members) -> Self {
        let mut identity = Self {
            names: said.clone(),
            anchor: said.clone(),
            said,
            unclear: false,
        };
        let links = identity.said.names().iter().filter_map(|name| found.get(&name.to_string()));
        let persons: BTreeSet<i64> = links.flatten().map(|link| link.person).collect();
        if persons.is_empty() {
            return identity;
        }
        let known = || {
            let names = persons.iter().filter_map(|person| members.get(person)).flatten();
            names.map(|(name, _)| name.clone())
        };
        match only_person(identity.said.names().iter(), found) {
            Some(_) => identity.anchor = known().min_by_key(readable).unwrap_or(identity.anchor),
            None => identity.unclear = true,
        }
        let all = identity.said.names().iter().cloned().chain(known());
        identity.names = Subject::together(all).unwrap_or(identity.names);
        identity
    }
}

/// The names by which a person can be asked for at `target`: those that are `said`, and with `linked` all that they are linked to.
pub(in crate::store) fn names_at<'n>(
    said: impl Iterator<Item = &'n Subject> + Clone,
    (found, members): (&Links, &Members),
    target: &str,
    linked: bool,
) -> Option<Subject> {
    let person = only_person(said.clone(), found).filter(|_| linked);
    let more = person.and_then(|person| members.get(&person)).into_iter().flatten();
    let more = more.filter(|(_, at)| at.is_empty() || at == target);
    Subject::together(said.cloned().chain(more.map(|(name, _)| name.clone())))
}

/// Gives each job all names by which its person can be asked for at its target: those of every signal of its case, and what they
/// are linked to now, which may be more than when the case was opened.
pub(in crate::store) async fn add_known_names(conn: &mut SqliteConnection, jobs: &mut [Job], now: Timestamp) -> Result<()> {
    let cases: Vec<i64> = jobs.iter().map(|job| job.case.0).collect();
    let mut said = names_of_cases(&mut *conn, &cases).await?;
    let alone = named_only(&mut *conn, jobs).await?;
    for job in jobs.iter().filter(|job| !alone.contains(&job.case.0)) {
        let names = said.entry(job.case.0).or_default();
        names.extend(job.subject.names().iter().cloned());
    }
    let all: BTreeSet<&Subject> = said.values().flatten().collect();
    let found = linked_people(&mut *conn, &all, now).await?;
    let members = if found.is_empty() {
        Members::new()
    } else {
        let people: BTreeSet<i64> = found.values().flatten().map(|link| link.person).collect();
        names_of_people(conn, &people, now).await?
    };
    for job in jobs {
        let own = said.get(&job.case.0).into_iter().flatten();
        let linked = !alone.contains(&job.case.0);
        if let Some(subject) = names_at(own, (&found, &members), &job.target, linked) {
            job.subject = subject;
        }
    }
    Ok(())
}

/// Those of the jobs' cases that ask for no name but those that their signals came with. Each of them was approved by a human.
async fn named_only(conn: &mut SqliteConnection, jobs: &[Job]) -> Result<BTreeSet<i64>> {
    let approved: Vec<i64> = jobs.iter().filter(|job| job.approved).map(|job| job.case.0).collect();
    if approved.is_empty() {
        return Ok(BTreeSet::new());
    }
    let cases: Vec<i64> =
        sqlx::query_scalar("SELECT c.id FROM json_each($1) n JOIN cases c ON c.id = n.value WHERE c.named_only = 1")
            .bind(written("cases", &approved)?)
            .fetch_all(conn)
            .await
            .map_err(StoreError::sql("reading how far a case goes"))?;
    Ok(cases.into_iter().collect())
}

/// The names that the signals of each case came with.
async fn names_of_cases(conn: &mut SqliteConnection, cases: &[i64]) -> Result<BTreeMap<i64, BTreeSet<Subject>>> {
    let rows = sqlx::query(
        "SELECT DISTINCT s.case_id, p.subject FROM json_each($1) n JOIN signal s ON s.case_id = n.value \
         JOIN person p ON p.ref = s.subject_ref",
    )
    .bind(written("cases", cases)?)
    .fetch_all(conn)
    .await
    .map_err(StoreError::sql("reading whom the signals of a case name"))?;
    let mut names: BTreeMap<i64, BTreeSet<Subject>> = BTreeMap::new();
    for row in &rows {
        let subject = read_name(row, 1)?;
        names.entry(row.read(0)?).or_default().extend(subject.names().iter().cloned());
    }
    Ok(names)
}

/// How well people recognise somebody by a name of this form, best first: what lists show of a person should say who it is.
fn readable(name: &Subject) -> u8 {
    match name {
        Subject::Email(_) => 0,
        Subject::Username(_) => 1,
        Subject::Account(_) => 2,
        Subject::EmployeeId(_) => 3,
        _ => 4,
    }
}

/// The one person whom names are linked to; `None` where there are several, nobody, or only a name in dispute says who.
fn only_person<'n>(names: impl Iterator<Item = &'n Subject>, found: &Links) -> Option<i64> {
    let links: Vec<Link> = names
        .filter_map(|name| found.get(&name.to_string()))
        .flatten()
        .copied()
        .collect();
    let person = links.first()?.person;
    let one = links.iter().all(|link| link.person == person);
    let sure = links.iter().any(|link| !link.disputed);
    (one && sure).then_some(person)
}

/// Who each of these names is linked to. One name may be two people's where it means something at one target only.
async fn linked_people(conn: &mut SqliteConnection, names: &BTreeSet<&Subject>, now: Timestamp) -> Result<Links> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let rows = sqlx::query(
        "SELECT i.name, i.person, i.disputed_at IS NOT NULL AND i.source IS NOT NULL FROM json_each(?) n JOIN identity i ON i.name = n.value \
         WHERE i.until IS NULL OR i.until > ?",
    )
    .bind(written("names", &names)?)
    .bind(now.ms())
    .fetch_all(conn)
    .await
    .map_err(StoreError::sql("looking up who a name belongs to"))?;
    let mut found = Links::new();
    for row in &rows {
        let link = Link {
            person: row.read(1)?,
            disputed: row.read(2)?,
        };
        found.entry(row.read(0)?).or_default().push(link);
    }
    Ok(found)
}

/// Every name of these people with the target that it is limited to, the oldest first.
async fn names_of_people(conn: &mut SqliteConnection, people: &BTreeSet<i64>, now: Timestamp) -> Result<Members> {
    let rows = sqlx::query(
        "SELECT i.name, i.person, i.target FROM json_each(?) n JOIN identity i ON i.person = n.value \
         WHERE i.until IS NULL OR i.until > ? ORDER BY i.id",
    )
    .bind(written("people", people)?)
    .bind(now.ms())
    .fetch_all(conn)
    .await
    .map_err(StoreError::sql("reading the names of a person"))?;
    let mut members = Members::new();
    for row in &rows {
        members
            .entry(row.read(1)?)
            .or_default()
            .push((read_name(row, 0)?, row.read(2)?));
    }
    Ok(members)
}

pub(in crate::store) fn read_name(row: &SqliteRow, column: usize) -> Result<Subject> {
    let text: String = row.read(column)?;
    text.parse().map_err(|error| StoreError::Corrupt {
        table: "identity",
        id: 0,
        why: format!("name: {error}"),
    })
}

fn linked_name(row: &SqliteRow) -> Result<LinkedName> {
    Ok(LinkedName {
        name: read_name(row, 0)?,
        target: Some(row.read::<String>(1)?).filter(|target| !target.is_empty()),
        source: row.read(2)?,
        since: Timestamp::from_ms(row.read(3)?),
        seen_at: Timestamp::from_ms(row.read(4)?),
        until: time_at(row, 5)?,
        disputed_at: time_at(row, 6)?,
    })
}
