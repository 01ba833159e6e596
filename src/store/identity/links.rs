//! Links between names: what operators and directory sources say is one person's, and what becomes of a name that two of them claim.

use std::collections::BTreeSet;
use std::time::Duration;

use revoked_trail::{Entry, EntryKind};
use sqlx::Row as _;

use super::resolution::json_of;
use crate::model::{Actor, Delivery, Identity, Subject, Timestamp};
use crate::store::{Result, Store, StoreError, Tx};

/// How long a name that was replaced still means the person: what was sent under it may be under way.
pub(in crate::store) const REPLACED: Duration = Duration::from_hours(24 * 30);
/// How often it is noted that a source still says the same: a file with everybody in it must not write everybody.
const SEEN_EVERY: Duration = Duration::from_hours(24);

/// A name, and where it means something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The name: a simple subject.
    pub subject: Subject,
    /// The one target at which it means something; `None` for a name that means the person everywhere.
    pub target: Option<String>,
}

impl From<Subject> for Name {
    fn from(subject: Subject) -> Self {
        Self { subject, target: None }
    }
}

/// What came of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Linked {
    /// How many names were new.
    pub added: usize,
    /// How many came from another person.
    pub moved: usize,
    /// Cases about somebody whom no target knew, which are looked at again under the new names.
    pub cases: Vec<i64>,
}

impl Store {
    /// Links names on an operator's word. Where they belong to several people who have other names too, only `merge` makes those one.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where two people would become one without `merge`.
    pub async fn link(&self, names: Vec<Name>, merge: bool, by: Actor) -> Result<Linked> {
        let (linked, targets) = self
            .write(move |tx| Box::pin(async move { tx.link_one(&names, merge, &by).await }))
            .await?;
        self.wake_lanes(&targets);
        Ok(linked)
    }

    /// Links many people at once, each with the line that it comes from: all of them or none.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with one sentence a line where a person cannot be linked.
    pub async fn link_many(&self, people: Vec<(usize, Vec<Name>)>, digest: [u8; 32], by: Actor) -> Result<Linked> {
        let (linked, targets) = self
            .write(move |tx| Box::pin(async move { tx.link_many(&people, &digest, &by).await }))
            .await?;
        self.wake_lanes(&targets);
        Ok(linked)
    }

    /// Takes a name from its person: it stands alone from now on, and no source can link it again. A name that stands alone already is
    /// forgotten instead. Answers whether it stands alone now.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it is linked to nothing.
    pub async fn unlink(&self, name: Subject, by: Actor) -> Result<bool> {
        self.write(move |tx| Box::pin(async move { tx.unlink(&name, &by).await }))
            .await
    }
}

/// A row of the table.
pub(in crate::store) struct Row {
    id: i64,
    pub(in crate::store) person: i64,
    name: String,
    target: String,
    pub(in crate::store) source: Option<String>,
    seen_at: Timestamp,
    pub(in crate::store) replaced: bool,
}

impl Row {
    pub(in crate::store) fn is(&self, name: &Name) -> bool {
        self.name == name.subject.to_string() && self.target == name.target.as_deref().unwrap_or_default()
    }
}

/// Names without those that mean nobody.
fn simple<'n>(names: impl IntoIterator<Item = &'n Subject>) -> Vec<Name> {
    let together = Subject::together(names.into_iter().cloned());
    let names = together.iter().flat_map(|all| all.names().to_vec());
    names
        .filter(|name| !matches!(name, Subject::Unknown { .. }))
        .map(Name::from)
        .collect()
}

/// Whether a name is never given to somebody else: what an issuer pins, an account's own id, an HR number.
const fn lasts(name: &Subject) -> bool {
    matches!(
        name,
        Subject::IssSub { .. } | Subject::Opaque(_) | Subject::Uri(_) | Subject::Did(_) | Subject::EmployeeId(_)
    )
}

/// What a delivery's identities have changed.
#[derive(Debug, Default)]
struct Changes {
    people: usize,
    added: usize,
    moved: usize,
    replaced: u64,
    disputed: usize,
}

impl Tx<'_> {
    /// Takes in what a source says about whose names are whose.
    pub(in crate::store) async fn keep_identities(&mut self, delivery: &Delivery) -> Result<()> {
        self.link_people(&delivery.source, &delivery.identities).await
    }

    /// Takes in people as a source names them, and says what came of it.
    pub(in crate::store) async fn link_people(&mut self, source: &str, people: &[Identity]) -> Result<()> {
        let mut changes = Changes::default();
        for identity in people {
            self.link_for(source, identity, &mut changes).await?;
        }
        if changes.added + changes.moved + changes.disputed > 0 || changes.replaced > 0 {
            let detail = serde_json::json!({
                "source": source, "people": changes.people, "names": changes.added, "moved": changes.moved,
                "replaced": changes.replaced, "disputed": changes.disputed,
            });
            self.record(&Entry::new(EntryKind::SubjectLinked, Actor::source(source)).detail(detail));
        }
        if changes.disputed > 0 {
            let summary = format!(
                "source {source} claims {} names that belong to other people; what is known by such a name alone is held \
                 (revoked subject unresolved)",
                changes.disputed
            );
            self.raise("identity_conflict", &format!("source:{source}"), &summary, None)
                .await?;
        }
        Ok(())
    }

    /// One person of a source. It never takes a name that another source or an operator has given to somebody else.
    async fn link_for(&mut self, source: &str, identity: &Identity, changes: &mut Changes) -> Result<()> {
        let names = simple(&identity.names);
        let all = simple(identity.names.iter().chain(&identity.before));
        let mut rows = self.rows_of(&all).await?;
        // Nobody is whom it has parted from.
        let apart = simple(&identity.apart);
        let others = if apart.is_empty() {
            Vec::new()
        } else {
            self.rows_of(&apart).await?
        };
        let whose = |rows: &[Row], names: &[Subject]| {
            let ours = |row: &&Row| others.iter().all(|other| other.person != row.person);
            let find = |replaced: bool| {
                names.iter().map(ToString::to_string).find_map(|name| {
                    rows.iter()
                        .filter(ours)
                        .find(|row| row.name == name && row.replaced == replaced)
                })
            };
            // What somebody was called once says it last.
            find(false).or_else(|| find(true)).map(|row| row.person)
        };
        // Whom the source knew by other names is that person; else what never changes hands says who it is.
        let lasting: Vec<Subject> = identity.names.iter().filter(|name| lasts(name)).cloned().collect();
        let known = whose(&rows, &identity.before).or_else(|| whose(&rows, &lasting));
        if self.give_on(source, identity, &rows, known).await? {
            rows = self.rows_of(&all).await?;
        }
        self.disown(source, &identity.shared).await?;
        // What was known by one name alone stands for itself, until there is another.
        if all.len() < 2 {
            return Ok(());
        }
        // Its first name is the surest: whose that is, the person is.
        let person = match known.or_else(|| whose(&rows, &identity.names)) {
            Some(person) => person,
            None => self.next_person().await?,
        };
        // What the person was called until now still means it for a while, where nobody has linked it.
        let stays = |name: &&Name| !names.contains(name) && !apart.contains(name) && !rows.iter().any(|row| row.is(name));
        for name in all.iter().filter(stays) {
            self.insert(person, name, Some(source)).await?;
        }
        let before = (changes.added, changes.moved);
        for name in &names {
            let Some(row) = rows.iter().find(|row| row.is(name)) else {
                self.insert(person, name, Some(source)).await?;
                changes.added += 1;
                continue;
            };
            let ours = row.source.as_deref() == Some(source);
            if row.person == person {
                if ours && (row.replaced || self.now.since(row.seen_at) > SEEN_EVERY) {
                    self.set(row.id, "UPDATE identity SET seen_at = ?2, until = NULL WHERE id = ?1")
                        .await?;
                }
            } else if ours {
                sqlx::query("UPDATE identity SET person = ?, seen_at = ?, until = NULL, disputed_at = NULL WHERE id = ?")
                    .bind(person)
                    .bind(self.now.ms())
                    .bind(row.id)
                    .execute(&mut *self.conn)
                    .await
                    .map_err(StoreError::sql("giving a name to another person"))?;
                changes.moved += 1;
            } else {
                self.set(
                    row.id,
                    "UPDATE identity SET disputed_at = coalesce(disputed_at, ?2) WHERE id = ?1",
                )
                .await?;
                changes.disputed += 1;
            }
        }
        let is_new = before != (changes.added, changes.moved);
        // A name may also have gone without another in its place.
        if is_new || !identity.before.is_empty() {
            let replaced = self.replace(source, person, &names).await?;
            changes.replaced += replaced;
            changes.people += usize::from(is_new || replaced > 0);
        }
        Ok(())
    }

    /// A source that names another address (login name, number) of a person has replaced the one before.
    async fn replace(&mut self, source: &str, person: i64, names: &[Name]) -> Result<u64> {
        let formats: BTreeSet<&str> = names.iter().map(|name| name.subject.format()).collect();
        let done = sqlx::query(
            "UPDATE identity SET until = ? WHERE person = ? AND source = ? AND until IS NULL \
             AND name NOT IN (SELECT value FROM json_each(?)) \
             AND substr(name, 1, instr(name, ':') - 1) IN (SELECT value FROM json_each(?))",
        )
        .bind(self.now.plus(REPLACED).ms())
        .bind(person)
        .bind(source)
        .bind(json_of(names.iter().map(|name| &name.subject)))
        .bind(serde_json::to_string(&formats).unwrap_or_default())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("replacing a name"))?;
        Ok(done.rows_affected())
    }

    async fn link_one(&mut self, names: &[Name], merge: bool, by: &Actor) -> Result<(Linked, Vec<String>)> {
        let mut linked = self.link_by_operator(names, merge).await?;
        let (cases, targets) = self.look_again(names, by).await?;
        linked.cases = cases;
        let whose = match names.first() {
            Some(name) => self.whose(&name.subject).await?,
            None => return Ok((linked, targets)),
        };
        let reference = self.reference(&whose.anchor).await?;
        let formats: Vec<&str> = names.iter().map(|name| name.subject.format()).collect();
        self.record(
            &Entry::new(EntryKind::SubjectLinked, by.clone())
                .subject_ref(reference)
                .detail(serde_json::json!({
                    "formats": formats, "names": linked.added, "moved": linked.moved, "merged": merge, "cases": linked.cases,
                })),
        );
        Ok((linked, targets))
    }

    async fn link_many(&mut self, people: &[(usize, Vec<Name>)], digest: &[u8; 32], by: &Actor) -> Result<(Linked, Vec<String>)> {
        let mut linked = Linked::default();
        let mut complaints = Vec::new();
        for (line, names) in people {
            match self.link_by_operator(names, false).await {
                Ok(one) => {
                    linked.added += one.added;
                    linked.moved += one.moved;
                }
                Err(StoreError::Refused(why)) => complaints.push(format!("line {line}: {why}")),
                Err(error) => return Err(error),
            }
        }
        if !complaints.is_empty() {
            return Err(StoreError::Refused(complaints.join("\n")));
        }
        let all: Vec<Name> = people.iter().flat_map(|(_, names)| names.clone()).collect();
        let (cases, targets) = self.look_again(&all, by).await?;
        linked.cases = cases;
        let detail = serde_json::json!({
            "sha256": crate::digest::hex(digest), "people": people.len(), "names": linked.added, "moved": linked.moved,
            "cases": linked.cases,
        });
        self.record(&Entry::new(EntryKind::SubjectLinked, by.clone()).detail(detail));
        Ok((linked, targets))
    }

    async fn link_by_operator(&mut self, names: &[Name], merge: bool) -> Result<Linked> {
        let mut linked = Linked::default();
        let rows = self.rows_of(names).await?;
        let people: BTreeSet<i64> = rows.iter().map(|row| row.person).collect();
        let mut with_others = Vec::new();
        for person in &people {
            let whole: i64 = sqlx::query_scalar("SELECT count(*) FROM identity WHERE person = ?")
                .bind(person)
                .fetch_one(&mut *self.conn)
                .await
                .map_err(StoreError::sql("reading the names of a person"))?;
            let here = rows.iter().filter(|row| row.person == *person).count();
            if usize::try_from(whole).unwrap_or(usize::MAX) > here {
                with_others.push(*person);
            }
        }
        if with_others.len() > 1 && !merge {
            return Err(StoreError::Refused(format!(
                "these names belong to {} people who have other names too; revoked subject show tells whose they are: unlink what is \
                 wrong first, or make them one person with revoked subject link --merge",
                with_others.len()
            )));
        }
        let person = match with_others.first().or_else(|| people.first()) {
            Some(person) => *person,
            None => self.next_person().await?,
        };
        for other in people.iter().filter(|other| **other != person) {
            let moved = sqlx::query("UPDATE identity SET person = ? WHERE person = ?")
                .bind(person)
                .bind(other)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("making two people one"))?;
            linked.moved += usize::try_from(moved.rows_affected()).unwrap_or(usize::MAX);
        }
        for name in names {
            if let Some(row) = rows.iter().find(|row| row.is(name)) {
                let sql = "UPDATE identity SET source = NULL, seen_at = ?2, until = NULL, disputed_at = NULL WHERE id = ?1";
                self.set(row.id, sql).await?;
            } else {
                self.insert(person, name, None).await?;
                linked.added += 1;
            }
        }
        Ok(linked)
    }

    async fn unlink(&mut self, name: &Subject, by: &Actor) -> Result<bool> {
        let rows = sqlx::query(
            "SELECT i.id, (SELECT count(*) FROM identity o WHERE o.person = i.person AND o.name <> i.name) FROM identity i WHERE i.name = ?",
        )
        .bind(name.to_string())
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking a name up"))?;
        if rows.is_empty() {
            return Err(StoreError::Refused("this name is linked to nothing".to_owned()));
        }
        let alone = rows.iter().all(|row| row.get::<i64, _>(1) == 0);
        let reference = self.reference(name).await?;
        if alone {
            sqlx::query("DELETE FROM identity WHERE name = ?")
                .bind(name.to_string())
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("forgetting a link"))?;
        } else {
            let person = self.next_person().await?;
            sqlx::query(
                "UPDATE identity SET person = ?, source = NULL, until = NULL, disputed_at = NULL, seen_at = ? WHERE name = ?",
            )
            .bind(person)
            .bind(self.now.ms())
            .bind(name.to_string())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking a name from its person"))?;
        }
        self.record(
            &Entry::new(EntryKind::SubjectUnlinked, by.clone())
                .subject_ref(reference)
                .detail(serde_json::json!({ "format": name.format(), "stands_alone": !alone })),
        );
        Ok(!alone)
    }

    /// The rows of these names, less those whose time is over.
    async fn rows_of(&mut self, names: &[Name]) -> Result<Vec<Row>> {
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
        let rows = rows.iter().map(|row| Row {
            id: row.get(0),
            person: row.get(1),
            name: row.get(2),
            target: row.get(3),
            source: row.get(4),
            seen_at: Timestamp::from_ms(row.get(5)),
            replaced: row.get(6),
        });
        // The same name at another target is another name.
        Ok(rows.filter(|row| names.iter().any(|name| row.is(name))).collect())
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

    async fn next_person(&mut self) -> Result<i64> {
        sqlx::query_scalar("SELECT coalesce(max(person), 0) + 1 FROM identity")
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("numbering a person"))
    }

    async fn insert(&mut self, person: i64, name: &Name, source: Option<&str>) -> Result<()> {
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
    async fn set(&mut self, id: i64, sql: &'static str) -> Result<()> {
        sqlx::query(sql)
            .bind(id)
            .bind(self.now.ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("changing a link"))?;
        Ok(())
    }
}
